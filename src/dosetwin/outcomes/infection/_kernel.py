"""The compiled arithmetic of one infection under one concentration course; ``course.py`` says what it means.

Forward: counts of growing and dormant cells of J genotypes by exponential steps (exact in the logs while coefficients hold).
Backward: survival probabilities of one cell of each kind, by the same steps (branching process, Riccati).
One file on purpose: numba's cache on disk notices changes of this file only.
"""

from math import exp, log

import numpy as np
from numba import njit

# columns of the table of scalars, one row per infection (units in course.py)
COLUMNS = (
    "penetration", "hill", "AR50", "kon", "koff", "capacity", "crowding", "s0", "wake", "kd_dormant",
    "kimm", "Ksat", "kimm_dormant", "u", "kada", "kd", "partner", "drift", "revert", "MIC",
)  # fmt: skip
TINY = 1e-280
MOST = 8  # parts of one grid step


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _mean_exp(a, b, ea, eb):
    """Integral over x in (0, 1) of exp(a x + b (1 - x)), given ea = exp(a) and eb = exp(b)."""
    d = a - b
    if abs(d) > 1e-5:
        return (ea - eb) / d
    return 0.5 * (ea + eb)


@njit(cache=True, nogil=True, error_model="numpy")
def course(
    conc, dt, fine, row, N0, D0, kg, Emax, EC50, slope, end, dormant, work, counts, out, series, rebound_at
):  # fmt: skip
    """One course. Writes ``out``: P(erad), P(any resistant alive), log10 load, log2 MIC shift, rebound, log10 load at rebound_at.

    ``work`` [parts, 3 J + 6], ``counts`` [6, J] are scratch; ``series`` [T, 2] gets log10 S and R if it has T rows.
    ``end``: survival asked for at the end, of one cell (1: is it alive).
    """
    T, J = conc.shape[0], N0.shape[0]
    pen, g, AR50, kon, koff = row[0], row[1], row[2], row[3], row[4]
    capacity, crowding, s0, wake, kdD = row[5], row[6], row[7], row[8], row[9]
    kimm, Ksat, kimmD, u, kada = row[10], row[11], row[12], row[13], row[14]
    kd, partner, drift, revert, MIC = row[15], row[16], row[17], row[18], row[19]
    while J > 1 and kg[J - 1] == 0.0 and N0[J - 1] == 0.0 and D0[J - 1] == 0.0:
        J -= 1  # padding, of an infection with fewer genotypes than others in the table
    N, D, power, p, pD = counts[0], counts[1], counts[2], counts[3], counts[4]
    total = 0.0
    for j in range(J):
        N[j] = N0[j]
        D[j] = D0[j]
        total += N0[j] + D0[j]
        power[j] = EC50[j] if g == 1.0 else EC50[j] ** g
    AR, shift = 0.0, 0.0
    steps = 0
    before = log(max(total, TINY))
    keep = series.shape[0] == T
    if keep:
        rest = 0.0
        for j in range(1, J):
            rest += N[j] + D[j]
        series[0, 0] = np.log10(max(N[0] + D[0], TINY))
        series[0, 1] = np.log10(max(rest, TINY))

    # ---- forward
    for i in range(T - 1):
        c0, c1 = conc[i] * pen, conc[i + 1] * pen
        top = max(c0, c1)
        parts = 1
        ratio = 0.0
        if top > 1e-9:
            ratio = abs(c1 - c0) / top
            if top > 0.02 * MIC:
                parts = int(1.0 + fine * ratio * (1.0 if c1 < c0 else 2.0))
                if parts > MOST:
                    parts = MOST
        falling = c1 < c0 and c1 > 1e-3 * c0
        fall = log(c1 / c0) if falling else 0.0
        h = dt / parts
        for part in range(parts):
            x = (part + 0.5) / parts
            C = c0 * exp(fall * x) if falling else c0 + (c1 - c0) * x
            # adaptive resistance: mean share of the kill it leaves, exact for constant C
            share = 1.0
            if AR50 > 0.0:
                k = kon * C + koff
                if k * h > 1e-9:
                    plateau = kon * C / k
                    A, B, e = AR50 + plateau, AR - plateau, exp(-k * h)
                    share = AR50 / A * (1.0 + log((A + B * e) / (A + B)) / (k * h))
                    AR = plateau + B * e
                else:
                    share = AR50 / (AR50 + AR)
            if drift > 0.0:
                shift += h * (drift * C / (C + MIC) - revert * (1.0 - exp(-shift)))
            Ce = C * exp(-shift) if shift > 0.0 else C
            xg = 0.0
            if Ce > 0.0:
                xg = Ce if g == 1.0 else exp(g * log(Ce))
            tr = kada * Ce * h
            # room: the total at the middle of the part, predicted from its start where crowding matters
            middle = total
            if total > 1e-4 * capacity:
                rate = 0.0
                for j in range(J):
                    r = kg[j] * (1.0 if crowding > 0.0 else max(1.0 - total / capacity, 0.0)) - kd - partner
                    r -= Emax[j] * share * xg / (power[j] + xg) + slope[j] * Ce
                    if crowding > 0.0:
                        r -= max(kg[j] - kd, 0.0) * total / capacity
                    rate += r * N[j]
                rate /= total
                middle = total * exp(max(min(0.5 * rate * h, 1.0), -30.0))
            room = 1.0 if crowding > 0.0 else max(1.0 - middle / capacity, 0.0)
            crowd = crowding * middle / capacity
            clear = kimm / (1.0 + middle / Ksat) if kimm > 0.0 else 0.0
            lD = -(kdD + kimmD * clear + wake) * h
            eD = exp(lD) if dormant else 0.0
            slot = work[steps]
            slot[0] = h
            slot[1] = tr
            slot[2] = lD
            slot[3] = eD
            slot[4] = wake * h
            total = 0.0
            for j in range(J):
                births = kg[j] * room * h
                to_rest = 0.0
                if dormant:
                    to_rest = (s0 + crowd * max(kg[j] - kd, 0.0)) * h
                kill = Emax[j] * share * xg / (power[j] + xg) + slope[j] * Ce
                up = 1.0 if j < J - 1 else 0.0
                grow = births * (1.0 - up * u) - (kd + partner + clear + kill) * h - to_rest - up * tr
                slot[5 + j] = grow
                slot[5 + J + j] = exp(grow)
                slot[5 + 2 * J + j] = births
                slot[5 + 3 * J + j] = to_rest
            for j in range(J - 1, -1, -1):
                grow, e = slot[5 + j], slot[5 + J + j]
                new = N[j] * e
                if dormant:
                    mean = _mean_exp(grow, lD, e, eD)
                    back = wake * h * D[j] * mean
                    D[j] = D[j] * eD + slot[5 + 3 * J + j] * N[j] * mean
                    if D[j] < TINY:
                        D[j] = 0.0
                    new += back
                    total += D[j]
                if j > 0 and N[j - 1] > 0.0:
                    below = u * slot[5 + 2 * J + j - 1] + tr
                    if below > 0.0:
                        new += below * N[j - 1] * _mean_exp(slot[5 + j - 1], grow, slot[5 + J + j - 1], e)
                N[j] = new if new > TINY else 0.0
                total += N[j]
            steps += 1
        if i + 1 == rebound_at:
            before = log(max(total, TINY))
        if keep:
            rest = 0.0
            for j in range(1, J):
                rest += N[j] + D[j]
            series[i + 1, 0] = np.log10(max(N[0] + D[0], TINY))
            series[i + 1, 1] = np.log10(max(rest, TINY))

    # ---- backward
    for j in range(J):
        p[j] = end
        pD[j] = end
    r, rD = 0.0, 0.0
    for s in range(steps - 1, -1, -1):
        slot = work[s]
        tr, lD, eD, awake = slot[1], slot[2], slot[3], slot[4]
        old_above, new_above = 0.0, 0.0
        for j in range(J - 1, -1, -1):
            grow, e, births = slot[5 + j], slot[5 + J + j], slot[5 + 2 * J + j]
            mean = (e - 1.0) / grow if abs(grow) > 1e-8 else 1.0
            old = p[j]
            up = 1.0 if j < J - 1 else 0.0
            damp = 1.0 / (1.0 + old * births * (1.0 - up * u) * mean)
            new = old * e * damp
            rise = 0.0
            if j < J - 1 and (u > 0.0 or tr > 0.0) and old_above > TINY and new_above > TINY:
                step = log(new_above / old_above) - grow
                if abs(step) > 1e-5:
                    rise = (new_above - old_above * e) / step
                else:
                    rise = 0.5 * (new_above + old_above * e)
                new += (u * births * (1.0 - old) + tr) * rise * damp
            mixed = 0.0
            if dormant:
                mixed = _mean_exp(lD, grow, eD, e)
                new += slot[5 + 3 * J + j] * pD[j] * mixed * damp
            if j == 0:
                # the same cell, asked about resistant descendants only
                damp = 1.0 / (1.0 + r * births * (1.0 - up * u) * mean)
                fresh = r * e * damp + (u * births * (1.0 - r) + tr) * rise * damp
                if dormant:
                    fresh += slot[5 + 3 * J + j] * rD * mixed * damp
                    rD = rD * eD + awake * 0.5 * (r + fresh) * 0.5 * (1.0 + eD)
                r = fresh if fresh > TINY else 0.0
            if dormant:
                # one cell woken at some moment of the step: mean of its survival over the step
                pD[j] = pD[j] * eD + awake * 0.5 * (old * 0.5 * (1.0 + eD) + new * 0.5 * (1.0 + eD))
            p[j] = new if new > TINY else TINY
            old_above, new_above = old, p[j]
    alive, resistant = N0[0] * p[0] + D0[0] * pD[0], N0[0] * r + D0[0] * rD
    for j in range(1, J):
        alive += N0[j] * p[j] + D0[j] * pD[j]
        resistant += N0[j] * p[j] + D0[j] * pD[j]
    out[0] = exp(-alive)
    out[1] = 1.0 - exp(-resistant)
    out[2] = np.log10(max(total, TINY))
    out[4] = before / 2.302585092994046
    weight, level = 0.0, 0.0
    for j in range(J):
        n = N[j] + D[j]
        weight += n
        if n > 0.0 and counts[5, j] > 0.0:
            level += n * counts[5, j]
    out[3] = (level / weight if weight > 0.0 else 0.0) + shift / 0.6931471805599453


@njit(cache=True, nogil=True, error_model="numpy")
def cohort(conc, dt, fine, table, N0, D0, kg, Emax, EC50, slope, levels, end, dormant, rebound_at, first, last, out, series):
    """Jobs ``first`` to ``last`` of conc [c, n, T] (job = candidate * n + infection). ``end`` [n]; ``out`` [c, n, 5]."""
    n, T = conc.shape[1], conc.shape[2]
    J = N0.shape[1]
    work = np.empty((MOST * max(T - 1, 1), 4 * J + 5))
    counts = np.empty((6, J))
    none = np.empty((0, 2))
    for job in range(first, last):
        c, k = job // n, job % n
        for j in range(J):
            counts[5, j] = levels[k, j]
        course(
            conc[c, k], dt, fine, table[k], N0[k], D0[k], kg[k], Emax[k], EC50[k], slope[k], end[k], dormant, work, counts,
            out[c, k], series[c, k] if series.shape[0] else none, rebound_at,
        )  # fmt: skip
