"""What is believed of a place's arrivals and stays: Bayes' rule in closed form for rates, on a grid for log-normal stays.

Draw k of n is a function of (seed, place, k) alone, whatever n and whoever asks.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv, log_ndtr, ndtr, ndtri

from dosetwin.declare.pool import Arrivals, Exponential, Lognormal, Pool
from dosetwin.streams import uniforms
from dosetwin.twins.place.facts import Known, Visit

GRID = 81
"""Points per axis of the grid for log-normal stays, over +- 5 prior SD."""


@dataclass(frozen=True, eq=False)
class Rates:
    """Gamma posterior of the arrivals per h of each part of the day: ``shape`` [slots], ``hours`` [slots] (its rate)."""

    shape: np.ndarray
    hours: np.ndarray
    slot_h: float
    certain: float | None = None

    def draws(self, u: np.ndarray) -> np.ndarray:
        """Arrivals per h [n, slots] from uniforms of that shape."""
        return np.full(u.shape, self.certain) if self.certain is not None else gammaincinv(self.shape, u) / self.hours


@dataclass(frozen=True, eq=False)
class Stays:
    """Posterior of the stays. Exponential: ``shape`` and ``hours`` of a Gamma over the rate; log-normal: a grid over the mean and
    the log of the SD of ln h, with the ``weight`` [cells] of each cell and the ``size`` of one."""

    exponential: bool
    shape: float = 0.0
    hours: float = 0.0
    certain: tuple[float, ...] | None = None
    cells: np.ndarray | None = None
    weight: np.ndarray | None = None
    size: tuple[float, float] = (0.0, 0.0)

    def draws(self, u: np.ndarray) -> np.ndarray:
        """Parameters [n, 2] from uniforms [n, 3]: mean h and 0, or mean and SD of ln h."""
        if self.certain is not None:
            return np.tile(np.array([*self.certain, 0.0][:2]), (len(u), 1))
        if self.exponential:
            return np.column_stack([self.hours / gammaincinv(self.shape, u[:, 0]), np.zeros(len(u))])
        assert self.cells is not None
        assert self.weight is not None
        cell = self.cells[np.minimum(np.searchsorted(np.cumsum(self.weight), u[:, 0]), len(self.weight) - 1)]
        inside = cell + (u[:, 1:] - 0.5) * self.size
        return np.column_stack([inside[:, 0], np.exp(inside[:, 1])])

    def lengths(self, parameters: np.ndarray, u: np.ndarray, elapsed: np.ndarray | float = 0.0) -> np.ndarray:
        """Whole stays in h from uniforms, given that they have lasted ``elapsed`` h already; all broadcast together."""
        first, second = parameters[..., 0], parameters[..., 1]
        if self.exponential:
            return elapsed - first * np.log1p(-u)
        with np.errstate(divide="ignore"):
            z = (np.log(elapsed) - first) / second
        # from the upper tail, where a long stay keeps its digits
        return np.maximum(np.exp(first - second * ndtri(ndtr(-z) * (1.0 - u))), elapsed)


def rates(arrivals: Arrivals, known: Known) -> Rates:
    """Arrivals given who was seen to ask while somebody watched."""
    n, width = arrivals.slots, arrivals.slot_h
    counted, hours = np.zeros(n), np.zeros(n)
    for begin, end in known.watched:
        edges = np.arange(math.floor(begin / width), math.ceil(end / width) + 1)
        spent = np.clip((edges[1:]) * width, begin, end) - np.clip(edges[:-1] * width, begin, end)
        np.add.at(hours, edges[:-1] % n, spent)
        came = [asked for v in known.visits if (asked := arrived(v)) is not None and begin <= asked < end]
        np.add.at(counted, (np.array(came) // width).astype(np.int64) % n, 1.0)
    if math.isinf(arrivals.days):
        return Rates(counted, hours, width, arrivals.per_day / 24.0)
    return Rates(arrivals.per_day * arrivals.days / n + counted, arrivals.days * 24.0 / n + hours, width)


def arrived(visit: Visit) -> float | None:
    """h at which a visit asked; where that was not seen, when it was admitted or refused."""
    return next((t for t in (visit.asked, visit.admitted, visit.refused) if t is not None), None)


def stays(declared: Exponential | Lognormal, known: Known) -> Stays:
    """Stays given those seen: ended ones, those that go on, and of those found there by the watch only what came after."""
    spans = [span for v in known.visits if (span := _span(v, known)) is not None]
    seen = np.array([(a, b, ended) for a, b, ended in spans], dtype=np.float64).reshape(-1, 3)
    found, until, ended = seen[:, 0], seen[:, 1], seen[:, 2] > 0
    if isinstance(declared, Exponential):
        certain = (declared.mean_h,) if math.isinf(declared.stays) else None
        return Stays(
            True, declared.stays + float(ended.sum()), declared.stays * declared.mean_h + float((until - found).sum()), certain
        )
    if declared.median_spread == 0 and declared.sd_spread == 0:
        return Stays(False, certain=(math.log(declared.median_h), declared.sd))
    spread = np.maximum([declared.median_spread, declared.sd_spread], 1e-9)
    axis = np.linspace(-5.0, 5.0, GRID)
    mean, log_sd = math.log(declared.median_h) + spread[0] * axis, math.log(declared.sd) + spread[1] * axis
    for _ in range(3):  # the grid is laid anew where the posterior is, so that many stays do not fall between its points
        m, s = np.meshgrid(mean, log_sd, indexing="ij")
        log_p = -0.5 * ((m - math.log(declared.median_h)) / spread[0]) ** 2 - 0.5 * ((s - math.log(declared.sd)) / spread[1]) ** 2
        log_p += _log_likelihood(m, np.exp(s), found, until, ended)
        weight = np.exp(log_p - log_p.max())
        weight /= weight.sum()
        used = (mean.copy(), log_sd.copy())
        centre = (weight * m).sum(), (weight * s).sum()
        width = (math.sqrt(max((weight * (m - centre[0]) ** 2).sum(), (mean[1] - mean[0]) ** 2)),
                 math.sqrt(max((weight * (s - centre[1]) ** 2).sum(), (log_sd[1] - log_sd[0]) ** 2)))  # fmt: skip
        mean, log_sd = centre[0] + width[0] * axis, centre[1] + width[1] * axis
    cells = np.column_stack([m.ravel(), s.ravel()])
    return Stays(False, cells=cells, weight=weight.ravel(), size=(used[0][1] - used[0][0], used[1][1] - used[1][0]))


def _log_likelihood(m: np.ndarray, sd: np.ndarray, found: np.ndarray, until: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """ln p of stays over a grid: density of ended ones, survival of others, both given that they lasted to ``found``."""
    total = np.zeros_like(m)
    logs = np.log(np.maximum(until[ended], 1e-3))  # a stay shorter than 4 s is a slip of the clock
    if len(logs):
        n, centre = len(logs), logs.mean()
        total += -n * np.log(sd) - (((logs - centre) ** 2).sum() + n * (centre - m) ** 2) / (2 * sd**2)
    for length in until[~ended & (until > 0)]:
        total += log_ndtr((m - math.log(length)) / sd)
    for length in found[found > 0]:
        total -= log_ndtr((m - math.log(length)) / sd)
    return total


def _span(visit: Visit, known: Known) -> tuple[float, float, bool] | None:
    """h of a stay at which it was found, h until it ended or was last known to go on, and whether it ended."""
    if visit.admitted is None:
        return None
    last = known.now if visit.left is None else visit.left
    assert last is not None  # the visit itself was told
    watch = next((begin for begin, end in known.watched if begin <= last <= end), visit.admitted)
    return max(watch - visit.admitted, 0.0), last - visit.admitted, visit.left is not None


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws of what is not known: ``rate`` arrivals per h [n, slots], ``stay`` parameters [n, 2]."""

    rate: np.ndarray
    slot_h: float
    stay: np.ndarray
    stays: Stays


def drawn(pool: Pool, known: Known, draws: int, seed: int) -> Drawn:
    """``draws`` draws of arrivals and stays given what is known."""
    arrivals, stay, who = rates(pool.arrivals, known), stays(pool.stay, known), np.arange(draws)
    u = uniforms(seed, f"{pool.name}/rates", who, pool.arrivals.slots)
    return Drawn(arrivals.draws(u), arrivals.slot_h, stay.draws(uniforms(seed, f"{pool.name}/stays", who, 3)), stay)
