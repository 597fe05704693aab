"""The event loop of a course: stops exactly at every dose, infusion end, covariate change and output time.

A template like exact.py: kernel.py copies it into each model's generated kernel.
"""

import math

import numpy as np

from dosetwin.simulate._globals import (
    AREA,
    AUTO,
    EXACT,
    GAP,
    HAS_INITIAL,
    HAS_LAG,
    HELD,
    KEPT,
    KEPT_U,
    MOVED,
    N_ETA,
    N_KAPPA,
    N_OUT,
    ONCE,
    PIVOT,
    S0,
    STIFF,
    WORK_ROWS,
    N,
    advance_explicit,
    bioavailability,
    individual,
    initial,
    lag,
    make_cov,
    make_eta,
    make_state,
    make_theta,
    modelled_duration,
    modelled_rate,
    observe,
    put_output,
    put_state,
)  # fmt: skip
from dosetwin.simulate.exact import advance_exact, build_linear
from dosetwin.simulate.ode import (
    NO_INPUT,
    NO_STEADY_STATE,
    OK,
    STIFF_FOUND,
    TOO_MANY_PENDING,
    advance_stiff,
    factor,
    substitute,
)

COVARIATES, DOSE, DOSE_SS, OUTPUT, RESET, DOSE_SS2 = 0, 1, 2, 3, 4, 5
# what stands in ``index`` of a dose beside the compartment (index = compartment + N * mode): what was written of its input
BY_DURATION, BY_RATE, MODEL_RATE, MODEL_DURATION, CONSTANT = 0, 1, 2, 3, 4
PENDING = 64


def advance(x, u, p, cov, t, t_end, h, stiff, W, rtol, atol, want_area):
    """Advance x from t to t_end with constant inputs; returns (code, h, stiff)."""
    if EXACT:
        advance_exact(x, u, W, t_end - t, want_area)
        return OK, h, stiff
    if not stiff:
        code, t, h = advance_explicit(x, u, p, cov, t, t_end, h, rtol, atol, 0.0, AUTO)
        if code != STIFF_FOUND:
            return code, h, stiff
        stiff = True
        h = min(h, t_end - t)
    if t < t_end:
        code, t, h = advance_stiff(x, u, p, cov, t, t_end, h, rtol, atol, 0.0, W)
        return code, h, stiff
    return OK, h, stiff


def cycle(x, u, base, p, cov, t, ii, delay, cmt, amount, rest, stiff, W, rtol, atol):
    """One dosing interval with everything else constant: x in place. ``base`` = rate of doses that overlap whole intervals,
    ``rest`` = length of the part of an infusion beyond them (0: bolus of ``amount``, else ``amount`` is a rate)."""
    start, stop = delay, delay + rest
    # an input that runs over the end of the interval began in the one before
    wraps = rest > 0.0 and stop > ii
    now = 0.0
    cuts = (min(start, stop - ii), max(start, stop - ii)) if wraps else (start, stop)
    for part in range(3):
        end = cuts[0] if part == 0 else (cuts[1] if part == 1 else ii)
        if rest > 0.0:
            on = (part != 1) if wraps else (part == 1)
        else:
            on = False
        u[cmt] = base + (amount if on else 0.0)
        if end > now:
            code, _, stiff = advance(x, u, p, cov, t + now, t + end, 0.0, stiff, W, rtol, atol, False)
            if code != OK:
                return code, stiff
            now = end
        if part == 0 and rest == 0.0:
            x[cmt] += amount
    return OK, stiff


def steady_state(x, u, p, cov, t, ii, delay, cmt, amount, duration, stiff, W, rtol, atol):
    """x <- the periodic state just before a dose given every ii h, by Newton on the map of one interval.

    Exact in one iteration for linear systems. Returns a code.
    """
    delay = delay - ii * math.floor(delay / ii)
    whole = 0
    rest = 0.0
    value = amount
    if duration > 0.0:
        value = amount / duration
        whole = math.floor(duration / ii * (1.0 + 1e-12))
        rest = max(0.0, duration - whole * ii)
        if rest < 1e-9:
            rest = 0.0
    base = value * whole if duration > 0.0 else 0.0
    if duration > 0.0 and rest == 0.0:
        value = 0.0
    for _ in range(40):
        for i in range(N):
            W[ONCE, i] = x[i]
        code, stiff = cycle(W[ONCE], u, base, p, cov, t, ii, delay, cmt, value, rest, stiff, W, rtol, atol)
        if code != OK:
            return NO_STEADY_STATE
        worst = 0.0
        size = 0.0
        for i in range(N):
            W[GAP, i] = W[ONCE, i] - x[i]
            size = max(size, abs(W[ONCE, i]))
        for i in range(N):
            worst = max(worst, abs(W[GAP, i]) / (atol[i] + (1e-13 if EXACT else 0.1 * rtol) * max(abs(W[ONCE, i]), 1e-6 * size)))
        gap = 0.0
        for i in range(N):
            gap = max(gap, abs(W[GAP, i]))
        # far out every relative gap is small: where the dose cannot be eliminated, the gap stays of the dose's own size
        if worst <= 1.0 and gap <= 1e-3 * amount:
            return OK
        for j in range(N):
            for i in range(N):
                W[MOVED, i] = x[i]
            delta = max(abs(x[j]), size, 1e-6) if EXACT else 1e-4 * max(abs(x[j]), 1e-3 * size, 1e-9)
            W[MOVED, j] += delta
            code, stiff = cycle(W[MOVED], u, base, p, cov, t, ii, delay, cmt, value, rest, stiff, W, rtol, atol)
            if code != OK:
                return NO_STEADY_STATE
            for i in range(N):
                W[S0 + i, j] = -(W[MOVED, i] - W[ONCE, i]) / delta
            W[S0 + j, j] += 1.0
        if not factor(W, S0, PIVOT):
            return NO_STEADY_STATE
        substitute(W, S0, PIVOT, GAP)
        for i in range(N):
            x[i] += W[GAP, i]
            if not math.isfinite(x[i]):
                return NO_STEADY_STATE
    return NO_STEADY_STATE


def give(x, u, queue, pending, t, on, length, amount, where):
    """A dose whose input begins ``on`` h after t and lasts ``length`` h: what is due acts, the rest is queued.

    Returns the number of queued inputs (at most two more).
    """
    value = amount / length if length > 0.0 else amount
    if on > 0.0:
        queue[pending, 0], queue[pending, 1], queue[pending, 2] = t + on, value, where
        queue[pending, 3] = 1.0 if length > 0.0 else 0.0
        pending += 1
    elif length > 0.0:
        u[where] += value
    else:
        x[where] += value
    if length > 0.0:
        queue[pending, 0], queue[pending, 1], queue[pending, 2], queue[pending, 3] = t + on + length, -value, where, 1.0
        pending += 1
    return pending


def run(lo, hi, course, theta, eta, table, row0, ptr, time, kind, index, amount, duration, ii, rows, occasion, begin,
        out_ptr, out, area_out, state_out, codes, stopped, rtol, atol):  # fmt: skip
    """Simulate jobs lo..hi-1: job k runs course[k] with eta[k] and writes rows from out_ptr[k] on."""
    x, u, total_area = np.zeros(N), np.zeros(N), np.zeros(N_OUT)
    # every work array is a block of rows of W: one array to pass, because each one passed costs reference counts
    W = np.zeros((WORK_ROWS, N))
    queue = np.zeros((PENDING, 4))  # inputs to come: time, amount or change of rate, compartment, 1 for a rate
    scratch = np.zeros((1, max(N_OUT, 1)))
    longest = 0
    if HAS_LAG:
        for k in range(lo, hi):
            longest = max(longest, ptr[table[course[k]] + 1] - ptr[table[course[k]]])
    lags = np.zeros(longest)  # of the doses of a course, by their event: a repeat has the lag of its record
    want_area = area_out.shape[0] > 0
    want_state = state_out.shape[0] > 0
    for k in range(lo, hi):
        c = course[k]
        th = make_theta(theta, k if theta.shape[0] > 1 else 0)
        first = ptr[table[c]]
        # the first event of a course is always its first covariate row
        r = index[first] + row0[c]
        cov = make_cov(rows, r)
        e = make_eta(eta, k, N_ETA + occasion[r] * N_KAPPA)
        p = individual(th, e, cov)
        t = begin[c]
        for i in range(N):
            x[i] = 0.0
            u[i] = 0.0
        if HAS_INITIAL:
            put_state(initial(p, cov), x)
        if EXACT:
            build_linear(W, p, cov, t)
        for i in range(N_OUT):
            total_area[i] = 0.0
        pending = 0
        h = 0.0
        stiff = STIFF
        code = OK
        row = out_ptr[k]
        for ev in range(first, ptr[table[c] + 1]):
            target = time[ev]
            while code == OK:
                stop = target
                pick = -1
                for q in range(pending):
                    if queue[q, 0] <= stop:
                        stop = queue[q, 0]
                        pick = q
                if stop > t:
                    code, h, stiff = advance(x, u, p, cov, t, stop, h, stiff, W, rtol, atol, want_area)
                    if want_area:
                        put_output(observe(make_state(W[AREA]), p, cov), scratch, 0)
                        for i in range(N_OUT):
                            total_area[i] += scratch[0, i]
                    t = stop
                if pick < 0:
                    break
                where = int(queue[pick, 2])
                if queue[pick, 3] == 0.0:
                    x[where] += queue[pick, 1]
                else:
                    u[where] += queue[pick, 1]
                pending -= 1
                for q in range(4):
                    queue[pick, q] = queue[pending, q]
                if pending == 0:
                    # all rates have ended: remove what rounding left of the sums
                    for i in range(N):
                        u[i] = 0.0
                h = 0.0
            if code != OK:
                break
            what = kind[ev]
            if what == COVARIATES:
                r = index[ev] + row0[c]
                cov = make_cov(rows, r)
                e = make_eta(eta, k, N_ETA + occasion[r] * N_KAPPA)
                p = individual(th, e, cov)
                if EXACT:
                    build_linear(W, p, cov, t)
                h = 0.0
            elif what == OUTPUT:
                put_output(observe(make_state(x), p, cov), out, row)
                good = True
                for i in range(N_OUT):
                    good = good and math.isfinite(out[row, i])
                if not good:
                    code = 2
                if want_area:
                    for i in range(N_OUT):
                        area_out[row, i] = total_area[i]
                if want_state:
                    for i in range(N):
                        state_out[row, i] = x[i]
                row += 1
            elif what == RESET:
                for i in range(N):
                    x[i] = 0.0
                    u[i] = 0.0
                if HAS_INITIAL:
                    put_state(initial(p, cov), x)
                pending = 0
                h = 0.0
            else:
                where = index[ev] % N
                mode = index[ev] // N
                share = 1.0 if mode == CONSTANT else bioavailability(p, where)
                given = amount[ev] * share
                delay = 0.0
                if HAS_LAG:
                    if what == DOSE and ii[ev] < 0.0:
                        delay = lags[int(-ii[ev]) - 1]
                    elif mode != CONSTANT:
                        delay = lag(p, where)
                    lags[ev - first] = delay
                length = duration[ev]
                if mode == BY_RATE:
                    length *= share
                elif mode >= MODEL_RATE and mode != CONSTANT:
                    length = modelled_duration(p, where) if mode == MODEL_DURATION else given / modelled_rate(p, where)
                    if not (length > 0.0 and length < math.inf):
                        code = NO_INPUT
                        break
                if what != DOSE:
                    for i in range(N):
                        W[KEPT, i] = x[i] if what == DOSE_SS2 else 0.0
                        W[KEPT_U, i] = u[i] if what == DOSE_SS2 else 0.0
                        x[i] = 0.0
                        u[i] = 0.0
                    if what == DOSE_SS:
                        pending = 0
                        if HAS_INITIAL:
                            put_state(initial(p, cov), x)
                    code = steady_state(x, u, p, cov, t, ii[ev], delay, where, given, length, stiff, W, rtol, atol)
                    # its last propagator has no part for the area: a step of the same length must not reuse it
                    W[HELD, 0] = -1.0
                    for i in range(N):
                        x[i] += W[KEPT, i]
                        u[i] = W[KEPT_U, i]
                    # doses of the past that still act: infusions running, and doses inside their lag
                    back = 1
                    while mode != CONSTANT and code == OK and (delay + length > back * ii[ev] or delay >= back * ii[ev]):
                        pending = give(x, u, queue, pending, t, delay - back * ii[ev], length, given, where)
                        if pending + 2 > PENDING:
                            code = TOO_MANY_PENDING
                        back += 1
                elif pending + 2 > PENDING:
                    code = TOO_MANY_PENDING
                else:
                    pending = give(x, u, queue, pending, t, delay, length, given, where)
                if code != OK:
                    break
                h = 0.0
        codes[k] = code
        if code != OK:
            stopped[k] = t
            # a failure is a value: nothing half computed is left to be mistaken for a result
            for r in range(out_ptr[k], out_ptr[k + 1]):
                for i in range(N_OUT):
                    out[r, i] = math.nan
                    if want_area:
                        area_out[r, i] = math.nan
                if want_state:
                    for i in range(N):
                        state_out[r, i] = math.nan
