"""Concentration courses for the tests of the infection, as functions of time and on a grid."""

from collections.abc import Sequence
from math import exp

import numpy as np

PARTS = ((0.35, 0.7), (0.65, 0.08))
"""Shares and rates (1/h) of a two-compartment curve about that of amikacin in a newborn."""
INFUSION = 0.5


def level(t: float, starts: Sequence[float], peak: float) -> float:
    """mg/L at ``t`` h after half-hour infusions at ``starts``; ``peak`` is that of a bolus."""
    total = 0.0
    for start in starts:
        s = t - start
        if s <= 0.0:
            break
        for share, k in PARTS:
            if s <= INFUSION:
                total += peak * share * (1.0 - exp(-k * s)) / (k * INFUSION)
            else:
                total += peak * share * exp(-k * (s - INFUSION)) * (1.0 - exp(-k * INFUSION)) / (k * INFUSION)
    return total


def grid(starts: Sequence[float], peak: float, *, hours: float = 120.0, dt: float = 0.25) -> np.ndarray:
    """The same on a grid [T]."""
    return np.array([level(t, starts, peak) for t in np.arange(round(hours / dt) + 1) * dt])


def every(tau: float, hours: float = 120.0) -> list[float]:
    """Starts of doses every ``tau`` h."""
    return [float(t) for t in np.arange(0.0, hours, tau)]
