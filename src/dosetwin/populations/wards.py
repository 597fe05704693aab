"""Virtual wards: what is true of who comes and how long they stay, drawn; the twin of a place believes something simpler."""

import math
from dataclasses import dataclass

import numpy as np

from dosetwin.errors import InputError
from dosetwin.streams import normals, uniforms

DAY, WEEK = 24.0, 168.0
BUSY_H = 15.0
"""h of the day at which most come (assumed: the afternoon)."""


@dataclass(frozen=True)
class Demand:
    """How wards differ, and what their twin does not know of them.

    ``per_day`` arrivals and mean ``stay_h`` (h): lowest and highest, log-uniform; ``sd`` of ln stay: uniform. ``day``: the rate
    swings so much around its mean over the day (0.5: 50 % up and down); ``week``: so much less on Saturdays and Sundays;
    ``growth``: SD of the change of ln rate in four weeks.
    """

    per_day: tuple[float, float] = (2.0, 10.0)
    stay_h: tuple[float, float] = (36.0, 96.0)
    sd: tuple[float, float] = (0.6, 1.2)
    day: float = 0.0
    week: float = 0.0
    growth: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("per_day", 500.0), ("stay_h", 5000.0), ("sd", 3.0)):
            low, high = getattr(self, name)
            if not 0.0 < low <= high <= most:
                raise InputError("not a range of demand", where=f"demand.{name}", value=(low, high), allowed=f"0 to {most:g}")
        for name, most in (("day", 1.0), ("week", 1.0), ("growth", 2.0)):
            if not 0.0 <= getattr(self, name) <= most:
                raise InputError("not a share", where=f"demand.{name}", value=getattr(self, name), allowed=f"0 to {most:g}")


@dataclass(frozen=True, eq=False)
class VirtualWard:
    """One ward: the mean ``per_day`` of arrivals at its start, mean ``stay_h``, ``sd`` of ln stay; ``come`` h at which they come
    (0 a Monday's midnight), ``stay`` h of each; ``beds`` open at its start, 1.1 to 1.5 times its load (assumed)."""

    number: int
    per_day: float
    stay_h: float
    sd: float
    beds: float
    come: np.ndarray
    stay: np.ndarray

    @property
    def load(self) -> float:
        """Beds that would be taken at its start if there were no end of them."""
        return self.per_day / DAY * self.stay_h


def drawn(number: int, seed: int, demand: Demand, until: float) -> VirtualWard:
    """Ward ``number``, everybody who comes before ``until`` (h). Person j is the same however far is asked."""
    who = np.array([number])
    u, z = uniforms(seed, "ward/what", who, 4)[0], float(normals(seed, "ward/growth", who, 1)[0, 0])
    (a, b), (c, d), (e, f) = demand.per_day, demand.stay_h, demand.sd
    per_day, mean, sd = a * (b / a) ** u[0], c * (d / c) ** u[1], e + (f - e) * u[2]
    hours = np.arange(math.ceil(until))
    rate = per_day / DAY * np.exp(demand.growth * z * hours / (4 * WEEK))
    rate *= 1.0 + demand.day * np.cos(2 * math.pi * (hours + 0.5 - BUSY_H) / DAY)
    rate *= np.where(hours % WEEK >= 5 * DAY, 1.0 - demand.week, 1.0)
    expected = np.concatenate([[0.0], np.cumsum(rate)])
    size = int(expected[-1] + 8.0 * math.sqrt(expected[-1]) + 16)
    moments = np.cumsum(-np.log(uniforms(seed, "ward/arrivals", who, size)[0]))
    come = np.interp(moments[moments < expected[-1]], expected, np.arange(len(expected), dtype=np.float64))
    stay = np.exp(math.log(mean) - 0.5 * sd**2 + sd * normals(seed, "ward/stays", who, size)[0])
    came = come < until
    beds = float(math.ceil((1.1 + 0.4 * u[3]) * per_day / DAY * mean))
    return VirtualWard(number, float(per_day), float(mean), float(sd), beds, come[came], stay[: len(come)][came])
