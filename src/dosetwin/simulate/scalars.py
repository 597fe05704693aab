"""Courses of linear models with one or two states, all numbers in scalars: what most cohorts and patients are played with.

For ordinary doses, covariates and outputs; everything else (lags, steady states, resets, areas) goes through event_loop.run, and
so does a course that this leaves (code LEFT): equal or complex rates, which two modes cannot tell. Templates and
generated text, as in exact.py and lanes.py; ``run_scalars`` follows event_loop.run.
"""

import inspect
import math

from dosetwin.declare import Model
from dosetwin.simulate.event_loop import BY_RATE, COVARIATES, DOSE, OUTPUT
from dosetwin.simulate.schedule import Schedule
from dosetwin.simulate.typical import has_lag

LEFT = -1
LARGEST = 2


def modes(k00, k01, k10, k11):
    """Slow and fast rate of two states, and what makes a matrix of them: (are they real and apart, slow, fast, half, w)."""
    mean = 0.5 * (k00 + k11)
    half = 0.5 * (k00 - k11)
    disc = half * half + k01 * k10
    root = math.sqrt(abs(disc))
    # the slow one from the determinant: no cancellation when the two are far apart
    det = k00 * k11 - k01 * k10
    if mean <= 0.0:
        fast = mean - root
        slow = det / fast
    else:
        slow = mean + root
        fast = det / slow
    return disc > 1e-12 * mean * mean, slow, fast, half, 0.5 / root


def decayed(lam, dt):
    """exp(lam dt) and its integral over dt, from one function where that loses nothing."""
    z = lam * dt
    less = math.expm1(z)
    return 1.0 + less if less > -0.5 else math.exp(z), less / lam if abs(z) >= 1e-300 else dt


def suits(model: Model, schedule: Schedule) -> bool:
    """Whether these courses are played in scalars."""
    if model.solver != "exact" or len(model.states) > LARGEST or has_lag(model):
        return False
    return schedule.kinds <= {COVARIATES, DOSE, OUTPUT} and schedule.highest < (BY_RATE + 1) * len(model.states)


TEMPLATE = '''
def run_scalars(lo, hi, course, theta, eta, table, row0, ptr, time, kind, again, index, amount, duration, rows, occasion, begin,
                out_ptr, out, state_out, codes, stopped):
    """Simulate jobs lo..hi-1 as event_loop.run does."""
    ending = np.zeros((PENDING, 3))
    want_state = state_out.shape[0] > 0
    for k in range(lo, hi):
        c = course[k]
        first = ptr[table[c]]
        th = make_theta(theta, k if theta.shape[0] > 1 else 0)
        r = index[first] + row0[c]
        cov = make_cov(rows, r)
        p = individual(th, make_eta(eta, k, N_ETA + occasion[r] * N_KAPPA), cov)
        t = begin[c]
        {clear}
        if HAS_INITIAL:
            {start}
        {read}
        held = -1.0
        full = False
        pending = 0
        soonest = math.inf
        code = OK
        if not apart:
            code = LEFT
        row = out_ptr[k]
        ev = first - 1
        beyond = ptr[table[c] + 1]
        while ev + 1 < beyond and code == OK:
            ev += 1
            target = time[ev]
            while True:
                stop = min(target, soonest)
                if stop > t:
                    dt = stop - t
                    {forces}
                    if {forced}:
                        if dt != held or not full:
                            {response}
                            held = dt
                            full = True
                        {moved_forced}
                    else:
                        if dt != held:
                            {decay}
                            held = dt
                            full = False
                        {moved}
                    t = stop
                if soonest > target:
                    break
                pick = 0
                for q in range(1, pending):
                    if ending[q, 0] < ending[pick, 0]:
                        pick = q
                where = int(ending[pick, 2])
                {ended}
                pending -= 1
                for q in range(3):
                    ending[pick, q] = ending[pending, q]
                soonest = math.inf
                for q in range(pending):
                    soonest = min(soonest, ending[q, 0])
                if pending == 0:
                    # all rates have ended: remove what rounding left of the sums
                    {still}
            what = kind[ev]
            if what == OUTPUT:
                o = observe(state_({states}), p, cov)
                good = True
                for i in range(N_OUT):
                    out[row, i] = o[i]
                    good = good and math.isfinite(o[i])
                if want_state:
                    {kept}
                row += 1
                more = again[ev]
                if more > 0 and held == t - time[ev - 1] and soonest > time[ev + more]:
                    {forces}
                    if not ({forced}):
                        # outputs at equal steps with nothing coming in: the same step again and again
                        {split}
                        for q in range(more):
                            {fallen}
                            o = observe(state_({states}), p, cov)
                            for i in range(N_OUT):
                                out[row + q, i] = o[i]
                                good = good and math.isfinite(o[i])
                            if want_state:
                                {kept_q}
                        row += more
                        ev += more
                        t = time[ev]
                if not good:
                    code = 2
            elif what == COVARIATES:
                if ev > first:
                    r = index[ev] + row0[c]
                    cov = make_cov(rows, r)
                    p = individual(th, make_eta(eta, k, N_ETA + occasion[r] * N_KAPPA), cov)
                    {read}
                    held = -1.0
                    if not apart:
                        code = LEFT
            else:
                where = index[ev] % N
                share = bioavailability(p, where)
                value = amount[ev] * share
                length = duration[ev]
                if index[ev] >= N:
                    length *= share
                if length > 0.0:
                    if pending == PENDING:
                        code = TOO_MANY_PENDING
                        break
                    value = value / length
                    {begun}
                    ending[pending, 0], ending[pending, 1], ending[pending, 2] = t + length, value, where
                    pending += 1
                    soonest = min(soonest, t + length)
                else:
                    {given}
        codes[k] = code
        if code != OK:
            stopped[k] = t
            for r in range(out_ptr[k], out_ptr[k + 1]):
                for i in range(N_OUT):
                    out[r, i] = math.nan
                if want_state:
                    for i in range(N):
                        state_out[r, i] = math.nan
'''


def _block(lines: list[str], indent: int) -> str:
    return ("\n" + " " * indent).join(lines)


def _at(n: int, line: str) -> str:
    """``line`` for the state whose number is in ``where``; ``@`` stands for the number."""
    return line.replace("@", "0") if n == 1 else f"if where == 0: {line.replace('@', '0')}\nelse: {line.replace('@', '1')}"


def source_of(n: int) -> list[str]:
    """The text of the scalars' part of a kernel, after the model's functions and exact.py's templates."""
    each = range(n)
    states = ", ".join(f"x{i}" for i in each) + ("," if n == 1 else "")
    units = [", ".join(f"{float(i == j)}" for i in each) for j in each]
    read = [f"d = dynamics(t, state_({', '.join('0.0' for _ in each)}), p, cov)", *(f"f{i} = d[{i}]" for i in each)]
    for j in each:
        read += [f"d = dynamics(t, state_({units[j]}), p, cov)", *(f"k{i}{j} = d[{i}] - f{i}" for i in each)]
    if n == 1:
        read.append("apart = True")
        decay, response = ["e00 = math.exp(k00 * dt)"], ["e00, g00 = decayed(k00, dt)"]
        split, fallen = ["pass"], ["x0 *= e00"]
    else:
        read.append("apart, slow, fast, half, w = modes(k00, k01, k10, k11)")

        def matrix(name: str, slow: str, fast: str) -> list[str]:
            return [f"total, slope_ = 0.5 * ({slow} + {fast}), w * ({slow} - {fast})", f"{name}00 = total + slope_ * half",
                    f"{name}11 = total - slope_ * half", f"{name}01 = slope_ * k01", f"{name}10 = slope_ * k10"]  # fmt: skip

        decay = ["ea, eb = math.exp(slow * dt), math.exp(fast * dt)", *matrix("e", "ea", "eb")]
        response = [
            "ea, ga = decayed(slow, dt)",
            "eb, gb = decayed(fast, dt)",
            *matrix("e", "ea", "eb"),
            *matrix("g", "ga", "gb"),
        ]
        split = ["m0, m1 = w * (half * x0 + k01 * x1), w * (k10 * x0 - half * x1)",
                 "a0, b0, a1, b1 = 0.5 * x0 + m0, 0.5 * x0 - m0, 0.5 * x1 + m1, 0.5 * x1 - m1"]  # fmt: skip
        fallen = ["a0 *= ea; b0 *= eb; a1 *= ea; b1 *= eb", "x0, x1 = a0 + b0, a1 + b1"]
    moved = {i: " + ".join(f"e{i}{j} * x{j}" for j in each) for i in each}
    new = ", ".join(f"x{i}" for i in each)
    parts = {
        "clear": [f"x{i} = 0.0; u{i} = 0.0" for i in each],
        "start": ["s = initial(p, cov)", *(f"x{i} = float(s[{i}])" for i in each)],
        "read": read, "split": split, "fallen": fallen, "decay": decay, "response": response,
        "forces": [f"v{i} = u{i} + f{i}" for i in each],
        "forced": [" or ".join(f"v{i} != 0.0" for i in each)],
        "moved_forced": [f"{new} = " + ", ".join(moved[i] + "".join(f" + g{i}{j} * v{j}" for j in each) for i in each)],
        "moved": [f"{new} = " + ", ".join(moved[i] for i in each)], "ended": _at(n, "u@ -= ending[pick, 1]").split("\n"),
        "still": [f"u{i} = 0.0" for i in each], "states": [states], "kept": [f"state_out[row, {i}] = x{i}" for i in each],
        "kept_q": [f"state_out[row + q, {i}] = x{i}" for i in each],
        "begun": _at(n, "u@ += value").split("\n"), "given": _at(n, "x@ += value").split("\n"),
    }  # fmt: skip
    text = TEMPLATE
    for name, lines in parts.items():
        while (mark := "{" + name + "}") in text:
            at = text.index(mark)
            text = text.replace(mark, _block(lines, at - text.rfind("\n", 0, at) - 1), 1)
    # not reassociated: a compiler gathers the factors of a run of equal steps, and what an output is would depend on how many
    # follow it
    jit = '@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})'
    head = ["@jit\n" + inspect.getsource(f) for f in ((decayed, modes) if n == 2 else (decayed,))]
    return [f"LEFT = {LEFT}\n", *head, jit + text]
