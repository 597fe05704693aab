"""CURATE.AI: one patient's response as a polynomial of the doses given so far, refitted at each reading, solved for the target.

No model of the body and no population: what is not between the doses tried is not known, and is refused. Zarrinpar 2016, Sci
Transl Med 8:333ra49 (the idea; recalled).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.errors import InputError

LEAST = 3
"""Readings a parabola needs."""


@dataclass(frozen=True)
class Curve:
    """``response = b0 + b1 dose + b2 dose^2``, ``low`` to ``high`` the doses it was fitted on."""

    b0: float
    b1: float
    b2: float
    low: float
    high: float
    residual: float

    def at(self, dose: float) -> float:
        """The response at a dose."""
        return self.b0 + self.b1 * dose + self.b2 * dose * dose

    def dose_for(self, target: float) -> float:
        """The smallest dose within those tried that is expected to give ``target``.

        Raises InputError where no dose does (the parabola does not reach it) or only one outside of what was tried.
        """
        if abs(self.b2) < 1e-12 * max(abs(self.b1), 1e-12):
            roots = [] if self.b1 == 0.0 else [(target - self.b0) / self.b1]
        else:
            root = self.b1**2 - 4.0 * self.b2 * (self.b0 - target)
            roots = [] if root < 0.0 else sorted((-self.b1 + s * root**0.5) / (2.0 * self.b2) for s in (-1.0, 1.0))
        if not roots:
            raise InputError("no dose gives the target", where="target", value=target,
                             remedy="the responses so far do not reach it: another drug, or a model of many")  # fmt: skip
        slack = 1e-9 * max(self.high - self.low, 1.0)
        inside = [d for d in roots if self.low - slack <= d <= self.high + slack]
        if not inside:
            raise InputError("the target lies outside the doses tried", where="dose", value=round(min(roots, key=abs), 6),
                             allowed=f"{self.low:g} to {self.high:g}", remedy="step towards it and measure again")  # fmt: skip
        return float(min(max(inside[0], self.low), self.high))


def fitted(doses: Sequence[float] | np.ndarray, responses: Sequence[float] | np.ndarray, last: int | None = None) -> Curve:
    """Least squares on all pairs, or the ``last`` of them. Raises InputError for too few readings or doses."""
    if len(doses) != len(responses):
        raise InputError("each response needs its dose", where="responses", value=len(responses), allowed=str(len(doses)))
    d, y = (np.asarray(v, dtype=float)[-(last or len(doses)) :] for v in (doses, responses))
    if not (np.isfinite(d).all() and np.isfinite(y).all()) or (d < 0).any():
        raise InputError("doses and responses are numbers, doses not below 0", where="doses", value=d.tolist())
    if len(d) < LEAST or len(np.unique(d)) < LEAST:
        raise InputError("too few readings for a curve of one's own", where="doses", value=len(np.unique(d)),
                         allowed=f"{LEAST} different doses or more", remedy="use a model of many until then")  # fmt: skip
    b2, b1, b0 = np.polyfit(d, y, 2)
    left = y - (b0 + b1 * d + b2 * d * d)
    free = len(d) - 3
    return Curve(
        float(b0), float(b1), float(b2), float(d.min()), float(d.max()), float(np.sqrt(left @ left / free)) if free else 0.0
    )
