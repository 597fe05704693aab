"""Swings of glucose: mean amplitude of glycaemic excursions (MAGE, Service 1970), by alternating extremes.

An excursion is a rise or a fall of at least one standard deviation. Extremes are found by following the course and turning only
where it has come back by one standard deviation, so that they alternate and small wobbles between them count for nothing; a rise
or fall at either end of the course counts as far as it was seen. As Service wrote it, only one direction is averaged: that of the
first excursion.
"""

import numpy as np
from numpy.typing import NDArray

APART_MIN = 180.0
"""A longer gap ends a stretch: what glucose did in it is not known (as in the packages that are used for it)."""


def turning_points(values: NDArray[np.float64], least: float) -> list[int]:
    """Indices of alternating peaks and nadirs whose neighbours are at least ``least`` apart, in the values' unit."""
    found: list[int] = []
    high = low = way = 0
    for i in range(1, len(values)):
        if way >= 0 and values[i] > values[high]:
            high = i
        if way <= 0 and values[i] < values[low]:
            low = i
        if way >= 0 and values[high] - values[i] >= least:
            found.append(high)
            way, low = -1, i
        elif way <= 0 and values[i] - values[low] >= least:
            found.append(low)
            way, high = 1, i
    return [*found, high if way > 0 else low] if way else []


def mage(minutes: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Mean amplitude of the excursions in the direction of the first, in the values' unit; nan where there is none.

    minutes, values [n], sorted. Each stretch without a gap of more than ``APART_MIN`` has its own standard deviation; stretches
    count by their length.
    """
    ends = np.flatnonzero(np.diff(minutes) > APART_MIN) + 1
    total = weight = 0.0
    for t, v in zip(np.split(minutes, ends), np.split(values, ends), strict=True):
        sd = float(np.std(v, ddof=1)) if len(v) > 2 else 0.0
        if sd <= 0.0:
            continue
        swings = np.diff(v[turning_points(v, sd)])
        if len(swings):
            length = float(t[-1] - t[0])
            total += length * float(np.mean(np.abs(swings[np.sign(swings) == np.sign(swings[0])])))
            weight += length
    return total / weight if weight else float("nan")
