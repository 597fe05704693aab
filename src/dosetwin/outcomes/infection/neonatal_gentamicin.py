"""Gentamicin in newborns and its eradication of E. coli: a published calculation that checks the extinction probabilities.

Levels of Nielsen et al. 2009 (Clin Pharmacokinet 48:253), kill of Mohamed et al. 2012, eradication as in Radivoyevitch et al.
2015 (AAPS J 17:447): 4.83e5 CFU/mL in the central volume when the first dose is given at birth.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import exp

import numpy as np
from scipy.integrate import solve_ivp

INOCULUM = 4.83e5
"""CFU/mL."""
WEIGHTS = {25: 0.778, 29: 1.20, 34: 2.71, 40: 3.50}
"""kg at GA wk, as printed (secondary)."""
INFUSION = 0.08
"""h."""


def central_volume(GA: float, WT: float) -> float:
    """L."""
    return 0.406 * WT * (1.0 - 0.0114 * (GA - 28.9))


def clearance(GA: float, WT: float, PNA: float) -> float:
    """L/h at GA wk, WT kg, PNA d."""
    return 0.01 * WT**0.75 * (1.0 + 0.0871 * (GA - 28.9)) * (1.0 + max(PNA, 0.0) ** 0.517)


def levels(GA: float, WT: float, mg_per_kg: float, starts: Sequence[float], times: np.ndarray) -> np.ndarray:
    """mg/L at ``times`` (h, ascending from 0) after doses at ``starts`` h, each infused over 0.08 h."""
    V, V1, V2, Q1, Q2 = central_volume(GA, WT), 0.305, 4.55, 0.0930, 0.0155

    def flow(t: float, A: np.ndarray, rate: float) -> list[float]:
        C, C1, C2 = A[0] / V, A[1] / V1, A[2] / V2
        return [rate - (clearance(GA, WT, t / 24.0) + Q1 + Q2) * C + Q1 * C1 + Q2 * C2, Q1 * (C - C1), Q2 * (C - C2)]

    stops = np.unique(np.round(np.concatenate((times, np.asarray(starts), np.asarray(starts) + INFUSION)), 9))
    A, found = np.zeros(3), {float(stops[0]): 0.0}
    for a, b in pairwise(stops):
        rate = mg_per_kg * WT / INFUSION if any(s - 1e-9 <= a < s + INFUSION - 1e-9 for s in starts) else 0.0
        A = solve_ivp(flow, (a, b), A, args=(rate,), method="LSODA", rtol=1e-9, atol=1e-12).y[:, -1]
        found[float(b)] = A[0] / V
    return np.array([found[float(t)] for t in np.round(times, 9)])


def eradication(
    GA: float, mg_per_kg: float, starts: Sequence[float], *, WT: float | None = None, EC50: float = 9.85, koff: float = 0.0139,
    end: float = 124.0,
) -> float:  # fmt: skip
    """P(no bacterium left at ``end`` h), by the one-type equations integrated together with the levels."""
    kg, kd, Emax, AR50, kon = 2.0, 0.179, 51.0, 0.113, 0.0426
    WT = WEIGHTS[int(GA)] if WT is None else WT
    V, V1, V2, Q1, Q2 = central_volume(GA, WT), 0.305, 4.55, 0.0930, 0.0155

    def rates(t: float, y: np.ndarray, rate: float) -> list[float]:
        C, C1, C2, AR, G = y[0] / V, y[1] / V1, y[2] / V2, y[3], y[4]
        kill = Emax * AR50 / (AR50 + AR) * C / (EC50 + C)
        return [
            rate - (clearance(GA, WT, t / 24.0) + Q1 + Q2) * C + Q1 * C1 + Q2 * C2, Q1 * (C - C1), Q2 * (C - C2),
            kon * C * (1.0 - AR) - koff * AR, kg - kd - kill, (kd + kill) * exp(-G),
        ]  # fmt: skip

    y = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    stops = np.unique(np.array([0.0, end, *starts, *(s + INFUSION for s in starts)]))
    for a, b in pairwise(stops):
        rate = mg_per_kg * WT / INFUSION if any(abs(a - s) < 1e-9 for s in starts) else 0.0
        y = solve_ivp(rates, (a, b), y, args=(rate,), method="LSODA", rtol=1e-8, atol=1e-10, max_step=0.5).y[:, -1]
    return exp(-INOCULUM * 1000.0 * V / y[5])
