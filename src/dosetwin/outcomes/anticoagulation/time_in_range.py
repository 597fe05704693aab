"""Time in therapeutic range by Rosendaal: INRs taken as straight lines between measurements, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

SOURCE = "Rosendaal 1993, Thromb Haemost 69:236"
LONGEST_D = 56.0
"""d between two INRs over which nothing is interpolated (Rosendaal 1993: eight weeks)."""


@dataclass(frozen=True)
class TimeInRange:
    """``days`` that INRs tell of, and how much of them was spent ``below``, ``inside`` and ``above`` the range (shares);
    ``left_out`` days between INRs too far apart; ``inrs`` measured."""

    low: float
    high: float
    inrs: int
    days: float
    below: float
    inside: float
    above: float
    left_out: float

    def to_json(self) -> dict[str, Any]:
        """Plain data; shares are None where no two INRs are close enough."""
        told = self.days > 0
        return {
            "range": [self.low, self.high], "inrs": self.inrs, "days": round(self.days, 2),
            "days_left_out": round(self.left_out, 2),
            "time_in_range": round(self.inside, 4) if told else None, "below": round(self.below, 4) if told else None,
            "above": round(self.above, 4) if told else None, "source": SOURCE,
        }  # fmt: skip


def rosendaal(inrs: Sequence[tuple[float, float]], low: float, high: float) -> TimeInRange:
    """Time in range of INRs as (d, value) in any order; of two at one time the later in the sequence counts."""
    known = sorted(dict(inrs).items())
    below = inside = above = left_out = 0.0
    for (t0, a), (t1, b) in pairwise(known):
        days = t1 - t0
        if days > LONGEST_D:
            left_out += days
            continue
        if a == b:
            shares = (float(a < low), float(low <= a <= high), float(a > high))
        else:
            bottom, top = min(a, b), max(a, b)
            under = (min(top, low) - min(bottom, low)) / (top - bottom)
            over = (max(top, high) - max(bottom, high)) / (top - bottom)
            shares = (under, 1.0 - under - over, over)
        below, inside, above = below + days * shares[0], inside + days * shares[1], above + days * shares[2]
    total = below + inside + above
    part = 1.0 / total if total else 0.0
    return TimeInRange(low, high, len(known), total, below * part, inside * part, above * part, left_out)
