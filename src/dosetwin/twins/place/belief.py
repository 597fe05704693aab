"""What is believed of a place's arrivals and stays: Bayes' rule in closed form for rates, on a grid for log-normal stays.

Draw k of n is a function of (seed, place, k) alone, whatever n and whoever asks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv, log_ndtr, ndtr, ndtri

from dosetwin.declare.pool import Arrivals, Exponential, Lognormal, Pool
from dosetwin.streams import uniforms
from dosetwin.twins.place.facts import Known, Visit

GRID = 81
"""Points per axis of the grid for log-normal stays, over +- 5 SD of prior and then posterior."""
SHORTEST_H = 1e-3
"""h; a shorter stay is a slip of the clock."""


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
class Gamma:
    """Posterior of exponential stays: a Gamma over the rate, ``shape`` and ``hours``; ``certain``: the mean in h, known.
    ``log_evidence`` ln p of the stays seen."""

    shape: float
    hours: float
    log_evidence: float
    certain: float | None = None

    def draws(self, u: np.ndarray) -> np.ndarray:
        """Parameters [n, 3] (0, mean h, 0) from uniforms [n, 3]."""
        mean = np.full(len(u), self.certain) if self.certain is not None else self.hours / gammaincinv(self.shape, u[:, 0])
        return np.column_stack([np.zeros(len(u)), mean, np.zeros(len(u))])


@dataclass(frozen=True, eq=False)
class Grid:
    """Posterior of log-normal stays: the ``weight`` [cells] of ``cells`` [cells, 2] of the mean and the log SD of ln h, all
    of that ``size``; one cell without size: known. ``log_evidence`` ln p of the stays seen."""

    cells: np.ndarray
    weight: np.ndarray
    size: tuple[float, float]
    log_evidence: float

    def draws(self, u: np.ndarray) -> np.ndarray:
        """Parameters [n, 3] (1, mean and SD of ln h) from uniforms [n, 3]."""
        cell = self.cells[np.minimum(np.searchsorted(np.cumsum(self.weight), u[:, 0]), len(self.weight) - 1)]
        inside = cell + (u[:, 1:] - 0.5) * self.size
        return np.column_stack([np.ones(len(u)), inside[:, 0], np.exp(inside[:, 1])])


@dataclass(frozen=True, eq=False)
class Stays:
    """Posterior of the stays: one law, or several, whose ``shares`` are their chances given the stays seen (before: equal)."""

    laws: tuple[Gamma | Grid, ...]

    @property
    def shares(self) -> np.ndarray:
        """[laws] chance of each."""
        logs = np.array([law.log_evidence for law in self.laws])
        p = np.exp(logs - logs.max())
        return p / p.sum()

    def draws(self, u: np.ndarray) -> np.ndarray:
        """Parameters [n, 3] (0: exponential, mean h; 1: log-normal, mean and SD of ln h) from uniforms [n, 4]."""
        which = np.minimum(np.searchsorted(np.cumsum(self.shares), u[:, 3]), len(self.laws) - 1)
        every = np.stack([law.draws(u[:, :3]) for law in self.laws])
        return every[which, np.arange(len(u))]


def lengths(parameters: np.ndarray, u: np.ndarray, elapsed: np.ndarray | float = 0.0) -> np.ndarray:
    """Whole stays in h from uniforms and parameters [..., 3], given that they have lasted ``elapsed`` h; all broadcast."""
    normal, first, second = parameters[..., 0] > 0, parameters[..., 1], np.where(parameters[..., 0] > 0, parameters[..., 2], 1.0)
    with np.errstate(divide="ignore", over="ignore"):
        z = (np.log(elapsed) - first) / second
        # from the upper tail, where a long stay keeps its digits
        drawn = np.maximum(np.exp(np.where(normal, first - second * ndtri(ndtr(-z) * (1.0 - u)), 0.0)), elapsed)
    return np.where(normal, drawn, elapsed - np.where(normal, 0.0, first) * np.log1p(-u))


def mean_length(parameters: np.ndarray) -> np.ndarray:
    """Mean stay in h of parameters [..., 3]."""
    normal = parameters[..., 0] > 0
    return np.where(normal, np.exp(np.where(normal, parameters[..., 1] + 0.5 * parameters[..., 2] ** 2, 0.0)), parameters[..., 1])


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


def stays(declared: Sequence[Exponential | Lognormal], known: Known) -> Stays:
    """Stays given those seen: ended ones, those that go on, and of those found there by the watch only what came after."""
    spans = [span for v in known.visits if (span := _span(v, known)) is not None]
    seen = np.array([(a, b, ended) for a, b, ended in spans], dtype=np.float64).reshape(-1, 3)
    found, until, ended = seen[:, 0], seen[:, 1], seen[:, 2] > 0
    return Stays(tuple(
        _gamma(law, found, until, ended) if isinstance(law, Exponential) else _grid(law, found, until, ended) for law in declared
    ))  # fmt: skip


def _gamma(law: Exponential, found: np.ndarray, until: np.ndarray, ended: np.ndarray) -> Gamma:
    n, hours, a, b = float(ended.sum()), float((until - found).sum()), law.stays, law.stays * law.mean_h
    if math.isinf(law.stays):
        return Gamma(1.0, 1.0, -n * math.log(law.mean_h) - hours / law.mean_h, law.mean_h)
    evidence = a * math.log(b) - (a + n) * math.log(b + hours) + math.lgamma(a + n) - math.lgamma(a)
    return Gamma(a + n, b + hours, evidence)


def _grid(law: Lognormal, found: np.ndarray, until: np.ndarray, ended: np.ndarray) -> Grid:
    centre = np.array([math.log(law.median_h), math.log(law.sd)])
    spread = np.array([law.median_spread, law.sd_spread])
    jacobian = float(np.log(np.maximum(until[ended], SHORTEST_H)).sum()) + 0.5 * float(ended.sum()) * math.log(2 * math.pi)
    if not spread.any():
        point = _log_likelihood(centre[:1], np.exp(centre[1:]), found, until, ended)
        return Grid(centre[None], np.ones(1), (0.0, 0.0), float(point[0]) - jacobian)
    spread = np.maximum(spread, 1e-9)
    axis = np.linspace(-5.0, 5.0, GRID)
    mean, log_sd = centre[0] + spread[0] * axis, centre[1] + spread[1] * axis
    for _ in range(3):  # the grid is laid anew where the posterior is, so that many stays do not fall between its points
        m, s = np.meshgrid(mean, log_sd, indexing="ij")
        log_p = -0.5 * (((m - centre[0]) / spread[0]) ** 2 + ((s - centre[1]) / spread[1]) ** 2)
        log_p += _log_likelihood(m, np.exp(s), found, until, ended)
        size = (float(mean[1] - mean[0]), float(log_sd[1] - log_sd[0]))
        weight = np.exp(log_p - log_p.max())
        prior = math.log(size[0] * size[1] / (2 * math.pi * spread[0] * spread[1]))
        evidence = float(log_p.max() + np.log(weight.sum())) + prior - jacobian
        weight /= weight.sum()
        at = float((weight * m).sum()), float((weight * s).sum())
        width = (math.sqrt(max(float((weight * (m - at[0]) ** 2).sum()), size[0] ** 2)),
                 math.sqrt(max(float((weight * (s - at[1]) ** 2).sum()), size[1] ** 2)))  # fmt: skip
        mean, log_sd = at[0] + width[0] * axis, at[1] + width[1] * axis
    return Grid(np.column_stack([m.ravel(), s.ravel()]), weight.ravel(), size, evidence)


def _log_likelihood(m: np.ndarray, sd: np.ndarray, found: np.ndarray, until: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """ln p of stays over a grid: density of ended ones, survival of others, both given that they lasted to ``found``."""
    total = np.zeros_like(m)
    logs = np.log(np.maximum(until[ended], SHORTEST_H))
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
    """Draws of what is not known: ``rate`` arrivals per h [n, slots], ``stay`` parameters [n, 3] (see ``Stays.draws``)."""

    rate: np.ndarray
    slot_h: float
    stay: np.ndarray

    @property
    def load(self) -> np.ndarray:
        """[n] beds that would be taken if there were no end of them."""
        return self.rate.mean(axis=1) * mean_length(self.stay)


def drawn(pool: Pool, known: Known, draws: int, seed: int) -> Drawn:
    """``draws`` draws of arrivals and stays given what is known."""
    arrivals, stay, who = rates(pool.arrivals, known), stays(pool.laws, known), np.arange(draws)
    u = uniforms(seed, f"{pool.name}/rates", who, pool.arrivals.slots)
    return Drawn(arrivals.draws(u), arrivals.slot_h, stay.draws(uniforms(seed, f"{pool.name}/stays", who, 4)))
