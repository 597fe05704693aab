"""How good forecasts of levels were. Every definition stands here and nowhere else.

With prediction p and observation o of n levels:
    mpe      mean of (p - o) / o                      %   bias; positive = predicted too high
    mape     mean of |p - o| / o                      %   imprecision
    rmse     sqrt(mean of (p - o)^2)                      in the level's unit
    f20 f30  share of levels with |p - o| / o <= 0.20, 0.30   %
    coverage50, coverage90   share of levels inside the central 50 % and 90 % predictive interval   %
Intervals include residual error: a level is inside when the predictive distribution function at the level (average over draws
of the residual error's distribution function) lies in [0.25, 0.75] or [0.05, 0.95]. Levels below the LOQ have no number and
are left out of all of these (and counted).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Errors:
    """Point-forecast errors of ``n`` levels; None where there is no level."""

    n: int
    mpe: float | None
    mape: float | None
    rmse: float | None
    f20: float | None
    f30: float | None

    def to_json(self) -> dict[str, float | int | None]:
        return dict(vars(self))


def errors_of(predicted: Sequence[float] | np.ndarray, observed: Sequence[float] | np.ndarray) -> Errors:
    """Errors of forecasts ``predicted`` [n] against ``observed`` [n], in the level's unit; relative ones where observed > 0."""
    p, o = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    if len(o) == 0:
        return Errors(0, None, None, None, None, None)
    rmse = float(np.sqrt(np.mean((p - o) ** 2)))
    positive = o > 0
    if not positive.any():
        return Errors(len(o), None, None, rmse, None, None)
    relative = (p[positive] - o[positive]) / o[positive]
    size = np.abs(relative)
    # the tolerance keeps a level that is off by exactly 20 % inside, whatever the rounding of the division
    return Errors(
        len(o), 100.0 * float(relative.mean()), 100.0 * float(size.mean()), rmse,
        100.0 * float((size <= 0.20 + 1e-12).mean()), 100.0 * float((size <= 0.30 + 1e-12).mean()),
    )  # fmt: skip


def coverage(pit: Sequence[float] | np.ndarray, level: float) -> float | None:
    """Share (%) of predictive distribution values ``pit`` [n] inside the central interval of probability ``level``."""
    u = np.asarray(pit, dtype=np.float64)
    if len(u) == 0:
        return None
    return 100.0 * float((np.abs(u - 0.5) <= level / 2.0).mean())
