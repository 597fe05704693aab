"""Single infections played out cell by cell: the reference for the branching equations, and the truth behind drawn cultures.

Below ``SMALL`` cells every event is drawn (Gillespie's direct method, rates held over short parts of the grid step); above it
births, deaths and switches of a short leap are drawn at once. Crowding and clearance follow the count itself, not its mean.
"""
# numba keeps the state of np.random per thread, apart from NumPy's own; every infection seeds it
# ruff: noqa: NPY002

import numpy as np
from numba import njit

from dosetwin.outcomes.infection.course import checked_conc
from dosetwin.outcomes.infection.draws import Infections

SMALL = 300.0
LEAP = 0.05
"""Greatest expected share of cells that one leap touches."""


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(mean):
    """Poisson number, normal where the mean is large."""
    if mean <= 0.0:
        return 0.0
    if mean < 1e7:
        return float(np.random.poisson(mean))
    return max(0.0, np.rint(mean + np.sqrt(mean) * np.random.normal()))


@njit(cache=True, nogil=True, error_model="numpy")
def _play(conc, dt, parts, row, N0, D0, kg, Emax, EC50, slope, seed, at, out, small, leap):
    """One infection; ``out`` [len(at), J, 2] growing and dormant cells at grid points ``at``."""
    np.random.seed(seed)
    T, J = conc.shape[0], N0.shape[0]
    pen, g, AR50, kon, koff = row[0], row[1], row[2], row[3], row[4]
    capacity, crowding, s0, wake, kdD = row[5], row[6], row[7], row[8], row[9]
    kimm, Ksat, kimmD, u, kada = row[10], row[11], row[12], row[13], row[14]
    kd, partner, drift, revert, MIC = row[15], row[16], row[17], row[18], row[19]
    N, D = np.empty(J), np.empty(J)
    b, d, s, a = np.zeros(J), np.zeros(J), np.zeros(J), np.zeros(J)
    for j in range(J):
        N[j], D[j] = _draw(N0[j]), _draw(D0[j])
    AR, shift, found = 0.0, 0.0, 0
    for i in range(T):
        while found < len(at) and at[found] == i:
            for j in range(J):
                out[found, j, 0] = N[j]
                out[found, j, 1] = D[j]
            found += 1
        if i == T - 1 or N.sum() + D.sum() == 0.0:
            break
        c0, c1 = conc[i] * pen, conc[i + 1] * pen
        h = dt / parts
        for part in range(parts):
            x = (part + 0.5) / parts
            C = c0 * (c1 / c0) ** x if (c1 < c0 and c1 > 1e-3 * c0) else c0 + (c1 - c0) * x
            k = kon * C + koff
            middle = AR
            if k > 0.0:
                middle = kon * C / k + (AR - kon * C / k) * np.exp(-0.5 * k * h)
                AR = kon * C / k + (AR - kon * C / k) * np.exp(-k * h)
            share = AR50 / (AR50 + middle) if AR50 > 0.0 else 1.0
            if drift > 0.0:
                shift += h * (drift * C / (C + MIC) - revert * (1.0 - np.exp(-shift)))
            Ce = C * np.exp(-shift)
            left = h
            while left > 0.0:
                B = N.sum() + D.sum()
                if B == 0.0:
                    break
                room = 1.0 if crowding > 0.0 else max(1.0 - B / capacity, 0.0)
                clear = kimm / (1.0 + B / Ksat) if kimm > 0.0 else 0.0
                dD = kdD + kimmD * clear
                total, fastest = 0.0, 0.0
                for j in range(J):
                    kill = slope[j] * Ce
                    if Ce > 0.0 and Emax[j] > 0.0:
                        kill += Emax[j] * share / (1.0 + (EC50[j] / Ce) ** g)
                    b[j] = kg[j] * room
                    d[j] = kd + partner + clear + kill
                    s[j] = s0 + crowding * max(kg[j] - kd, 0.0) * B / capacity
                    a[j] = kada * Ce if j < J - 1 else 0.0
                    every = b[j] + d[j] + s[j] + a[j]
                    total += every * N[j] + (dD + wake) * D[j]
                    if N[j] > 0.0:
                        fastest = max(fastest, every)
                    if D[j] > 0.0:
                        fastest = max(fastest, dD + wake)
                if total <= 0.0:
                    break
                if small > B:
                    wait = -np.log(np.random.random()) / total
                    if wait >= left:
                        break
                    left -= wait
                    pick = np.random.random() * total
                    for j in range(J):
                        if pick < (dD + wake) * D[j]:
                            D[j] -= 1.0
                            if pick < wake * (D[j] + 1.0):
                                N[j] += 1.0
                            break
                        pick -= (dD + wake) * D[j]
                        if pick < b[j] * N[j]:
                            if j < J - 1 and np.random.random() < u:
                                N[j + 1] += 1.0
                            else:
                                N[j] += 1.0
                            break
                        pick -= b[j] * N[j]
                        if pick < d[j] * N[j]:
                            N[j] -= 1.0
                            break
                        pick -= d[j] * N[j]
                        if pick < s[j] * N[j]:
                            N[j] -= 1.0
                            D[j] += 1.0
                            break
                        pick -= s[j] * N[j]
                        if pick < a[j] * N[j]:
                            N[j] -= 1.0
                            N[j + 1] += 1.0
                            break
                        pick -= a[j] * N[j]
                else:
                    tau = min(left, leap / fastest)
                    left -= tau
                    for j in range(J - 1, -1, -1):
                        # mean number over the leap, so that expectations are exact for these rates
                        n, dormant = N[j], D[j]
                        grow, fade = (b[j] - d[j] - s[j] - a[j]) * tau, -(dD + wake) * tau
                        passing = n * (np.exp(grow) - 1.0) / grow if abs(grow) > 1e-9 else n
                        resting = dormant * (np.exp(fade) - 1.0) / fade if fade < -1e-9 else dormant
                        births = _draw(b[j] * passing * tau)
                        mutants = _draw(births * u) if j < J - 1 else 0.0
                        lost, rested, moved = (
                            _draw(d[j] * passing * tau),
                            _draw(s[j] * passing * tau),
                            _draw(a[j] * passing * tau),
                        )
                        gone, woken = _draw(dD * resting * tau), _draw(wake * resting * tau)
                        N[j] = max(n + births - mutants - lost - rested - moved + woken, 0.0)
                        D[j] = max(dormant + rested - gone - woken, 0.0)
                        if j < J - 1:
                            N[j + 1] += mutants + moved


def play(
    conc: np.ndarray, dt: float, infections: Infections, *, seed: int, at: np.ndarray | None = None, small: float = SMALL,
    leap: float = LEAP, part_h: float = 0.03,
) -> np.ndarray:  # fmt: skip
    """Cells at grid points ``at`` (indices; default the last), growing and dormant: [n, len(at), J, 2].

    Row k depends on (seed, k) and its own course only. Raises InputError as ``course.run``.
    """
    n = len(infections)
    conc = checked_conc(conc, dt, n)[0]
    points = np.array([conc.shape[1] - 1] if at is None else at, dtype=np.int64)
    out = np.zeros((n, len(points), infections.N0.shape[1], 2))
    seeds = np.random.SeedSequence(seed).generate_state(1, np.uint32)[0] + np.arange(n, dtype=np.uint64) * np.uint64(2654435761)
    parts = max(1, round(dt / part_h))
    for k in range(n):
        J = infections.genotypes(k)
        _play(
            conc[k], dt, parts, infections.table[k], infections.N0[k, :J], infections.D0[k, :J], infections.kg[k, :J],
            infections.Emax[k, :J], infections.EC50[k, :J], infections.slope[k, :J], int(seeds[k] & np.uint64(0xFFFFFFFF)),
            points, out[k], small, leap,
        )  # fmt: skip
    return out
