"""Adaptive steppers: Dormand-Prince 5(4), written out per model with all states as scalars, and Rodas 4(3) for stiff models.

A method is a table of numbers and its order. Source of the tables: Dormand & Prince, J Comput Appl Math 6:19 (1980);
Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.10 (RODAS).
"""

import math
from fractions import Fraction

from dosetwin.simulate._globals import FT, J0, M0, PIVOT, SLOPE0, SLOPE1, STAGE0, TRY, N, dynamics, make_state, put_row

EXPLICIT_ORDER, STIFF_ORDER = 5, 4
DP_A = (
    (), ("1/5",), ("3/40", "9/40"), ("44/45", "-56/15", "32/9"), ("19372/6561", "-25360/2187", "64448/6561", "-212/729"),
    ("9017/3168", "-355/33", "46732/5247", "49/176", "-5103/18656"),
    ("35/384", "0", "500/1113", "125/192", "-2187/6784", "11/84"),
)  # fmt: skip
DP_C = ("0", "1/5", "3/10", "4/5", "8/9", "1", "1")
DP_LOW = ("5179/57600", "0", "7571/16695", "393/640", "-92097/339200", "187/2100", "1/40")

# codes returned by the steppers and stored per job
OK, TOO_MANY_STEPS, STEP_TOO_SMALL, STIFF_FOUND, NO_STEADY_STATE, TOO_MANY_PENDING, NO_INPUT = 0, 1, 2, 3, 4, 5, 6
MESSAGES = {
    TOO_MANY_STEPS: "more than the allowed number of steps between two events",
    STEP_TOO_SMALL: "the step size fell to rounding: the solution is not finite or not smooth",
    NO_STEADY_STATE: "no periodic steady state was found for a dose with SS=1",
    TOO_MANY_PENDING: "more than 64 infusions or delayed doses at once",
    NO_INPUT: "the model's rate or duration of a dose (R_, D_) is not a positive number",
}
MAX_STEPS = 200_000


def explicit_source(n: int) -> str:
    """Source of advance_explicit(x, u, p, cov, t, t_end, h, rtol, atol, fixed, detect) -> (code, t, h) for n states.

    ``x`` is updated in place; ``fixed`` > 0 takes steps of that size without error control (to measure the order).
    """

    def names(prefix: str) -> str:
        return ", ".join(f"{prefix}{j}" for j in range(n)) + ("," if n == 1 else "")

    def rhs(into: str, at: str, time: str) -> list[str]:
        return [f"d = dynamics({time}, state_({', '.join(f'{at}{j}' for j in range(n))}), p, cov)"] + [
            f"{into}{j} = d[{j}] + u{j}" for j in range(n)
        ]

    error = [Fraction(a) - Fraction(b) for a, b in zip((*DP_A[6], "0"), DP_LOW, strict=True)]
    body = [f"y{j} = x[{j}]; u{j} = u[{j}]" for j in range(n)]
    body += rhs("k0_", "y", "t")
    body += [
        "count = 0; stiff = 0; calm = 0",
        "if h <= 0.0:",
        "    d0 = 0.0; d1 = 0.0",
        *[f"    s = atol[{j}] + rtol * abs(y{j}); d0 += (y{j} / s) ** 2; d1 += (k0_{j} / s) ** 2" for j in range(n)],
        f"    d0 = math.sqrt(d0 / {n}); d1 = math.sqrt(d1 / {n})",
        "    h = 1e-6 if (d0 < 1e-5 or d1 < 1e-5) else 0.05 * d0 / d1",
        "while t < t_end:",
        "    count += 1",
        "    if count > MAX_STEPS:",
        *[f"        x[{j}] = y{j}" for j in range(n)],
        "        return TOO_MANY_STEPS, t, h",
        "    hh = h if fixed <= 0.0 else fixed",
        "    last = t + hh * (1.0 + 1e-9) >= t_end",
        "    if last: hh = t_end - t",
    ]
    for s in range(1, 7):
        for j in range(n):
            terms = " + ".join(f"{float(Fraction(a))!r} * k{q}_{j}" for q, a in enumerate(DP_A[s]) if a != "0")
            body.append(f"    z{j} = y{j} + hh * ({terms})")
        if s == 5:
            body += [f"    w{j} = z{j}" for j in range(n)]
        body += ["    " + line for line in rhs(f"k{s}_", "z", f"t + {float(Fraction(DP_C[s]))!r} * hh")]
    body.append("    err = 0.0")
    for j in range(n):
        terms = " + ".join(f"{float(e)!r} * k{q}_{j}" for q, e in enumerate(error) if e)
        body.append(f"    e = hh * ({terms}) / (atol[{j}] + rtol * max(abs(y{j}), abs(z{j}))); err += e * e")
    body += [
        f"    err = math.sqrt(err / {n}) if fixed <= 0.0 else 0.0",
        "    if err <= 1.0:",
        "        t = t_end if last else t + hh",
        "        if detect and (stiff > 0 or count % 16 == 0):",
        "            num = 0.0; den = 0.0",
        *[f"            num += (k6_{j} - k5_{j}) ** 2; den += (z{j} - w{j}) ** 2" for j in range(n)],
        # Hairer & Wanner IV.2: |h lambda| beyond the method's stability interval, seen repeatedly
        "            if den > 0.0 and hh * math.sqrt(num / den) > 3.25:",
        "                stiff += 1; calm = 0",
        "            elif stiff > 0:",
        "                calm += 1",
        "                if calm == 6: stiff = 0; calm = 0",
        *[f"        y{j} = z{j}; k0_{j} = k6_{j}" for j in range(n)],
        "        if stiff >= 15:",
        *[f"            x[{j}] = y{j}" for j in range(n)],
        "            return STIFF_FOUND, t, h",
        "        if fixed <= 0.0:",
        "            grow = min(5.0, 0.9 * max(err, 1e-8) ** -0.2)",
        "            if grow < 1.0: h = hh * grow",
        "            elif hh >= 0.999 * h: h = hh * grow",
        "            else: h = max(h, hh * grow)",
        "    else:",
        # a not finite error compares false and lands here: shrink hard
        "        h = hh * (max(0.2, 0.9 * err ** -0.2) if err < 1e30 else 0.1)",
        "        if h < 1e-13 * max(abs(t), 1e-3) or not (h > 0.0):",
        *[f"            x[{j}] = y{j}" for j in range(n)],
        "            return STEP_TOO_SMALL, t, h",
        *[f"x[{j}] = y{j}" for j in range(n)],
        "return OK, t, h",
    ]
    head = "def advance_explicit(x, u, p, cov, t, t_end, h, rtol, atol, fixed, detect):"
    return "\n".join([head, *("    " + line for line in body)]) + "\n"


def factor(W, at, pivot):
    """LU with partial pivoting, in place, of the N x N block of W from row ``at``; pivots in row ``pivot``. False: singular."""
    for k in range(N):
        best = k
        for i in range(k + 1, N):
            if abs(W[at + i, k]) > abs(W[at + best, k]):
                best = i
        W[pivot, k] = best
        if W[at + best, k] == 0.0 or not math.isfinite(W[at + best, k]):
            return False
        if best != k:
            for j in range(N):
                held = W[at + k, j]
                W[at + k, j] = W[at + best, j]
                W[at + best, j] = held
        for i in range(k + 1, N):
            W[at + i, k] /= W[at + k, k]
            for j in range(k + 1, N):
                W[at + i, j] -= W[at + i, k] * W[at + k, j]
    return True


def substitute(W, at, pivot, row):
    """Solve with the factors of ``factor``; right-hand side and solution in row ``row`` of W."""
    for k in range(N):
        other = int(W[pivot, k])
        if other != k:
            held = W[row, k]
            W[row, k] = W[row, other]
            W[row, other] = held
    # row swaps were applied to whole rows of the block, so the two triangular solves follow plainly
    for i in range(1, N):
        for j in range(i):
            W[row, i] -= W[at + i, j] * W[row, j]
    for i in range(N - 1, -1, -1):
        for j in range(i + 1, N):
            W[row, i] -= W[at + i, j] * W[row, j]
        W[row, i] /= W[at + i, i]


def slope(t, x, u, p, cov, W, row):
    """dx/dt with the infusion rates, into row ``row`` of W."""
    put_row(dynamics(t, make_state(x), p, cov), W, row)
    for i in range(N):
        W[row, i] += u[i]


def advance_stiff(x, u, p, cov, t, t_end, h, rtol, atol, fixed, W):
    """Rodas 4(3), L-stable, with a finite-difference Jacobian; same contract as advance_explicit; works in W."""
    gamma = 0.25
    count = 0
    reach = 0.0
    for j in range(N):
        reach = max(
            reach, atol[j] / rtol
        )  # the largest: a tolerance made small for an output's sake says nothing of a state's size
    if h <= 0.0:
        h = 1e-4 * min(1.0, t_end - t)
    while t < t_end:
        # Jacobian and time derivative at (t, x)
        slope(t, x, u, p, cov, W, SLOPE0)
        for j in range(N):
            delta = 1.5e-8 * max(abs(x[j]), reach)
            held = x[j]
            x[j] = held + delta
            delta = x[j] - held
            slope(t, x, u, p, cov, W, SLOPE1)
            x[j] = held
            for i in range(N):
                W[J0 + i, j] = (W[SLOPE1, i] - W[SLOPE0, i]) / delta
        dt_ = 1e-7 * max(abs(t), 1e-3)
        slope(t + dt_, x, u, p, cov, W, FT)
        for i in range(N):
            W[FT, i] = (W[FT, i] - W[SLOPE0, i]) / dt_
        while True:
            count += 1
            if count > MAX_STEPS:
                return TOO_MANY_STEPS, t, h
            hh = h if fixed <= 0.0 else fixed
            last = t + hh * (1.0 + 1e-9) >= t_end
            if last:
                hh = t_end - t
            for i in range(N):
                for j in range(N):
                    W[M0 + i, j] = -W[J0 + i, j]
                W[M0 + i, i] += 1.0 / (gamma * hh)
            err = 1e30
            if factor(W, M0, PIVOT):
                for s in range(6):
                    if s == 0:
                        a = (0.0, 0.0, 0.0, 0.0, 0.0)
                        c = (0.0, 0.0, 0.0, 0.0, 0.0)
                        at, g = 0.0, 0.25
                    elif s == 1:
                        a = (1.544, 0.0, 0.0, 0.0, 0.0)
                        c = (-5.6688, 0.0, 0.0, 0.0, 0.0)
                        at, g = 0.386, -0.1043
                    elif s == 2:
                        a = (0.9466785280815826, 0.2557011698983284, 0.0, 0.0, 0.0)
                        c = (-2.430093356833875, -0.2063599157091915, 0.0, 0.0, 0.0)
                        at, g = 0.21, 0.1035
                    elif s == 3:
                        a = (3.314825187068521, 2.896124015972201, 0.9986419139977817, 0.0, 0.0)
                        c = (-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0.0, 0.0)
                        at, g = 0.63, -0.0362
                    elif s == 4:
                        a = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 0.0)
                        c = (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0.0)
                        at, g = 1.0, 0.0
                    else:
                        a = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0)
                        c = (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054)
                        at, g = 1.0, 0.0
                    for i in range(N):
                        total = x[i]
                        for q in range(s):
                            total += a[q] * W[STAGE0 + q, i]
                        W[TRY, i] = total
                    slope(t + at * hh, W[TRY], u, p, cov, W, SLOPE1)
                    for i in range(N):
                        total = W[SLOPE1, i] + hh * g * W[FT, i]
                        for q in range(s):
                            total += c[q] / hh * W[STAGE0 + q, i]
                        W[STAGE0 + s, i] = total
                    substitute(W, M0, PIVOT, STAGE0 + s)
                # the last stage is the error estimate, and the step is the last argument plus it
                err = 0.0
                for i in range(N):
                    new = W[TRY, i] + W[STAGE0 + 5, i]
                    e = W[STAGE0 + 5, i] / (atol[i] + rtol * max(abs(x[i]), abs(new)))
                    err += e * e
                    W[TRY, i] = new
                err = math.sqrt(err / N) if fixed <= 0.0 else 0.0
            if err <= 1.0:
                t = t_end if last else t + hh
                for i in range(N):
                    x[i] = W[TRY, i]
                if fixed <= 0.0:
                    grow = min(5.0, 0.9 * max(err, 1e-8) ** -0.25)
                    if grow < 1.0 or hh >= 0.999 * h:
                        h = hh * grow
                    else:
                        h = max(h, hh * grow)
                break
            h = hh * (max(0.2, 0.9 * err**-0.25) if err < 1e29 else 0.1)
            if h < 1e-13 * max(abs(t), 1e-3) or not (h > 0.0):
                return STEP_TOO_SMALL, t, h
    return OK, t, h
