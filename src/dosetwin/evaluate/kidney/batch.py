"""Every competitor at every moment, in one pass: quantiles of log creatinine, and the filtration that follows.

The same answers as ``forecaster.forecast(record.until(now))`` of one baby (a test compares them), computed in compiled loops.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dosetwin.evaluate.kidney import kernel
from dosetwin.evaluate.kidney.origins import HOURS, Origins, packed, packed_flags
from dosetwin.forecast.kidney._vandonge_kernel import balances
from dosetwin.forecast.kidney.answer import NORMAL_QUANTILES, CreatinineForecast, log_noise
from dosetwin.forecast.kidney.carried import Carried, SteadyWu
from dosetwin.forecast.kidney.filter import COMPOSITE, KalmanFilter
from dosetwin.forecast.kidney.gaussian_process import GaussianProcess
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.vandonge import VanDonge, typical
from dosetwin.structure.kidney import birth_creatinine, wu_creatinine

FIT_BABIES = 2000
"""Babies of the training cohort the competitors are fitted on: more move no parameter by as much as its error."""


@dataclass(frozen=True, eq=False)
class Answers:
    """One forecaster at n moments: ``latent`` and ``measured`` [n, 3, 5] quantiles of log creatinine (mg/dL IDMS) at QUANTILES;
    ``log_GFR`` [n, 3] log mL/min, or NaN; ``refused`` [n] where another forecaster had to stand in."""

    latent: np.ndarray
    measured: np.ndarray
    log_GFR: np.ndarray
    refused: np.ndarray


@dataclass(frozen=True, eq=False)
class Moments:
    """The steps of all moments, and what follows from them for everybody.

    ``curve`` [n, 3] typical creatinine ahead, ``curve_seen`` at each measurement known (from ``begin``, ``n_seen`` a moment);
    ``plain`` [n, 3] typical filtration mL/min with ibuprofen as the only flag; ``weight`` [n, 3] kg ahead.
    """

    origins: Origins
    begin: np.ndarray
    n_seen: np.ndarray
    time: np.ndarray
    scr: np.ndarray
    ptr: np.ndarray
    rows: np.ndarray
    effect: np.ndarray
    marks: np.ndarray
    birth: np.ndarray
    curve: np.ndarray
    curve_seen: np.ndarray
    plain: np.ndarray
    weight: np.ndarray

    def of_baby(self, values: Callable[[WardRecord], Any]) -> np.ndarray:
        """``values`` of each moment's baby."""
        return np.array([values(r) for r in self.origins.stays])[self.origins.baby]

    @property
    def last(self) -> np.ndarray:
        """The last creatinine known, mg/dL IDMS [n]; NaN before any."""
        return np.where(self.n_seen > 0, self.scr[np.maximum(self.begin + self.n_seen - 1, 0)], np.nan)


def moments(origins: Origins) -> Moments:
    """The steps from birth through every known creatinine to each horizon, for every moment."""
    stays, baby, now = origins.stays, origins.baby, origins.now
    owner = np.concatenate([np.full(len(r.time), k) for k, r in enumerate(stays)]).astype(np.int64)
    time = np.concatenate([r.time for r in stays]).astype(np.float64)
    scr = np.concatenate([r.scr for r in stays]).astype(np.float64)
    first = np.searchsorted(owner, np.arange(len(stays) + 1))
    n_seen = np.array(
        [np.searchsorted(time[first[b] : first[b + 1]], t + 1e-9, side="right") for b, t in zip(baby, now, strict=True)],
        dtype=np.int64,
    )
    # measurements known at each moment, end to end: a moment may share a baby with another but not what was known
    begin = np.concatenate([[0], np.cumsum(n_seen)])[:-1].astype(np.int64)
    take = np.concatenate([np.arange(int(first[b]), int(first[b] + k)) for b, k in zip(baby, n_seen, strict=True)]).astype(
        np.int64
    )
    time, scr = time[take], scr[take]
    hours = np.array(HOURS)
    sizes = kernel.count(begin, n_seen, time, now, hours)
    ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    total = int(ptr[-1])
    rows, effect = np.empty((total, 6)), np.empty((total, 5))
    marks = np.empty((total, 2), dtype=np.int64)
    plain, weight = np.empty((len(now), len(hours))), np.empty((len(now), len(hours)))
    GA, BW = (np.array([getattr(r, name) for r in stays]) for name in ("GA", "BW"))
    wptr, wt, wv = packed([r.weight for r in stays])
    fptr, ft, fv = packed_flags(stays)
    kernel.fill(
        baby, now, begin, n_seen, time, GA, BW, wptr, wt, wv, fptr, ft, fv, hours, ptr, rows, effect, marks, plain, weight
    )
    birth = np.array([birth_creatinine(r.GA) for r in stays])[baby]
    curve, curve_seen = np.empty((len(now), len(hours))), np.empty(len(time))
    kernel.curves(ptr, rows, marks, birth, n_seen, begin, curve_seen, curve)
    return Moments(origins, begin, n_seen, time, scr, ptr, rows, effect, marks, birth, curve, curve_seen, plain, weight)


@dataclass(frozen=True, eq=False)
class Competitors:
    """The hand-built forecasters, fitted on one cohort."""

    carried: Carried
    shifted: Carried
    wu: SteadyWu
    vandonge: VanDonge
    process: GaussianProcess
    filter: KalmanFilter
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def fit(cls, records: Sequence[WardRecord], clock: Callable[[], float] = lambda: 0.0) -> "Competitors":
        """Each by maximum likelihood on the first FIT_BABIES records (van Donge on its own first 400; its published form)."""
        some, took = list(records[:FIT_BABIES]), {}

        def timed(name: str, make: Callable[[], Any]) -> Any:
            start = clock()
            made = make()
            took[name] = clock() - start
            return made

        strongest = timed("filter", lambda: KalmanFilter.fit(some))
        noise = {"prop": strongest.parameters.prop, "add": strongest.parameters.add}
        return cls(
            timed("carried", lambda: Carried.fit(some, **noise)),
            timed("carried+curve", lambda: Carried.fit(some, shifted=True, **noise)),
            timed("steady-wu", lambda: SteadyWu.fit(some, **noise)),
            timed("van-donge-map", lambda: VanDonge.fit(some)),
            timed("gaussian-process", lambda: GaussianProcess.fit(some)),
            strongest,
            took,
        )

    @property
    def all(self) -> Mapping[str, Any]:
        """By name."""
        each = (self.carried, self.shifted, self.wu, self.vandonge, self.process, self.filter)
        return {f.name: f for f in each}


def answers(m: Moments, of: Competitors) -> dict[str, Answers]:
    """Every competitor at every moment."""
    log_scr = np.log(m.scr)
    belief = _filtered(m, of.filter)

    def gaussian(mean: np.ndarray, variance: np.ndarray, prop: float, add: float, log_GFR: np.ndarray | None = None) -> Answers:
        return normal_answers(mean, variance, prop, add, read_filtration(belief, mean) if log_GFR is None else log_GFR)

    found = {}
    for one in (of.carried, of.shifted):
        found[one.name] = gaussian(*_carried(m, one), one.prop, one.add)
    # blind to what was measured, so its filtration is the typical one
    found[of.wu.name] = gaussian(*_steady(m, of.wu), of.wu.prop, of.wu.add, np.log(m.plain))
    van = of.vandonge
    base = np.array([typical(r.GA) for r in m.origins.stays])[m.origins.baby]
    moved = kernel.reconstructed(
        m.ptr, m.rows, m.effect, m.marks, base, m.begin, m.n_seen, log_scr, np.array(van.mean), np.array(van.sd), van.prop,
        van.add, len(HOURS),
    )  # fmt: skip
    found[van.name] = gaussian(moved[..., 0], moved[..., 1], van.prop, van.add)
    ahead = m.origins.now[:, None] + np.array(HOURS)
    numbers = tuple(float(x) for x in of.process._numbers())
    smooth = kernel.smoothed(m.begin, m.n_seen, m.time, m.curve_seen, log_scr, ahead, numbers)
    found[of.process.name] = gaussian(np.log(m.curve) + smooth[..., 0], smooth[..., 1], of.process.prop, of.process.add)
    found[of.filter.name] = filter_answers(m, of.filter)
    return found


def normal_answers(mean: np.ndarray, variance: np.ndarray, prop: float, add: float, log_GFR: np.ndarray) -> Answers:
    """Answers from mean and variance [n, 3] of log creatinine: as ``answer.gaussian_forecast``."""
    variance = np.maximum(variance, 0.0)
    error = log_noise(np.exp(mean), prop, add)
    latent = mean[..., None] + np.sqrt(variance)[..., None] * NORMAL_QUANTILES
    shown = mean[..., None] + np.sqrt(variance + error)[..., None] * NORMAL_QUANTILES
    return Answers(latent, shown, log_GFR, np.zeros(len(mean), dtype=bool))


def filter_answers(m: Moments, of: KalmanFilter) -> Answers:
    """A filter's own answers, filtration included (on van Donge's balance the composite's, moved by its offsets)."""
    belief, q = _filtered(m, of), of.parameters
    return normal_answers(belief[..., 0], belief[..., 1], q.prop, q.add, belief[..., 2])


def _filtered(m: Moments, of: KalmanFilter) -> np.ndarray:
    q, rows, birth = of.parameters, m.rows, m.birth
    if of.structure != COMPOSITE:
        numbers = m.of_baby(lambda r: typical(r.GA))
        rows, birth = m.rows.copy(), np.ascontiguousarray(numbers[:, 6])
        each = np.repeat(numbers, np.diff(m.ptr), axis=0)
        balances(each, m.rows[:, 1], m.effect[:, 0], rows[:, 2], rows[:, 3], rows[:, 5])
    return kernel.filtered(
        m.ptr, rows, m.effect, m.marks, birth, m.begin, m.n_seen, np.log(m.scr), np.array(q.mean), np.array(q.effect),
        np.array(q.sd), q.tau, q.prop, q.add, len(HOURS),
    )  # fmt: skip


def read_filtration(belief: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Log filtration [n, 3] that goes with a forecast ``mean`` of log creatinine: the filter's, moved as far as its own joint
    belief of creatinine and filtration says (``belief`` of ``kernel.filtered``)."""
    slope = np.clip(belief[..., 4] / np.maximum(belief[..., 1], 1e-6), -3.0, 0.0)
    return belief[..., 2] + slope * (mean - belief[..., 0])


def by_forecaster(m: Moments, many: Sequence[CreatinineForecast], instead: Answers, of: KalmanFilter) -> Answers:
    """Answers of anybody with the common interface; where it refused, those of ``instead`` count, and ``refused`` says so."""
    latent, measured, refused = instead.latent.copy(), instead.measured.copy(), np.zeros(len(many), dtype=bool)
    for k, f in enumerate(many):
        if f.ok:
            latent[k], measured[k] = f.latent, f.measured
        else:
            refused[k] = True
    return Answers(latent, measured, read_filtration(_filtered(m, of), latent[..., 2]), refused)


def _carried(m: Moments, of: Carried) -> tuple[np.ndarray, np.ndarray]:
    blind = m.n_seen == 0
    mean = np.repeat(np.log(m.last)[:, None], len(HOURS), axis=1)
    if of.shifted:
        at = np.where(blind, np.nan, m.curve_seen[np.maximum(m.begin + m.n_seen - 1, 0)])
        mean = mean + np.log(m.curve) - np.log(at)[:, None]
    since = m.origins.now - m.time[np.maximum(m.begin + m.n_seen - 1, 0)]
    gap = since[:, None] + np.array(HOURS)
    variance = 2.0 * of.spread**2 * -np.expm1(-gap / of.tau) + log_noise(m.last, of.prop, of.add)[:, None]
    return np.where(blind[:, None], np.log(m.curve), mean), np.where(blind[:, None], of.blind**2, variance)


def _steady(m: Moments, of: SteadyWu) -> tuple[np.ndarray, np.ndarray]:
    GA, BW, male = (m.of_baby(lambda r, name=name: getattr(r, name)) for name in ("GA", "BW", "male"))
    PNA = (m.origins.now[:, None] + np.array(HOURS)) / 24.0
    mean = np.log([
        [wu_creatinine(g, b, w, p, s) for w, p in zip(weights, ages, strict=True)]
        for g, b, s, weights, ages in zip(GA.tolist(), BW.tolist(), male.tolist(), m.weight.tolist(), PNA.tolist(), strict=True)
    ])  # fmt: skip
    if of.sd is None:
        raise ValueError("fit the steady state first")
    return mean, np.full_like(mean, of.sd**2)
