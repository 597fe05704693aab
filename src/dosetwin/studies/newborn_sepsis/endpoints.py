"""What a trial counts, each endpoint defined once, on true levels (and apart from them on levels as measured).

A dose is one given inside the horizon; its interval runs to the next dose, the last one's to the first dose of the
continuation that all arms share. Its peak is the level 1 h after its start, its trough the level at the end of its interval. "The
last dose" is judged as a ward sees it: its peak, and the level just before it (of a course of one dose: the level at the end of
its interval).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dosetwin.decide.look_ahead.loss import TERMS, Loss, dose_misses
from dosetwin.trial.study import Endpoint

ABOVE_MG_L, AFTER_H = 5.0, 12.0
"""mg/L and h: time above the toxicity mark counts only later than this after a dose (before, a high level is a peak)."""
CORTEX_KM = 15.0
"""mg/L, half saturation of uptake into the renal cortex (gentamicin in rats; recalled, none for newborns): a surrogate."""

_ALL = (
    Endpoint("both_last", "last dose: peak 24-35 mg/L and level before it < 3", "", "high", "share"),
    Endpoint("both_2", "second dose: the same (first of a course of one dose)", "", "high", "share"),
    Endpoint("peak_first", "peak of the first dose in 24-35", "", "high", "share"),
    Endpoint("peak_last", "peak of the last dose in 24-35", "", "high", "share"),
    Endpoint("trough_last_3", "level before the last dose < 3", "", "high", "share"),
    Endpoint("trough_last_5", "level before the last dose <= 5", "", "high", "share"),
    Endpoint("peaks_in", "share of doses with the peak in 24-35", "", "high", "share"),
    Endpoint("troughs_in", "share of doses with the trough < 3", "", "high", "share"),
    Endpoint("trough_toxic", "any trough > 5", "", "low", "share"),
    Endpoint("hours_above_5", "hours above 5 mg/L later than 12 h after a dose, inside the horizon", "h", "low"),
    Endpoint("auc24", "mean AUC over 24 h of the horizon", "mg h/L", "neither"),
    Endpoint("auc_in", "mean AUC24 of the horizon in 140-400", "", "high", "share"),
    Endpoint("p_eradicated", "P(every bacterium dead at the end of the continuation)", "", "high", "share"),
    Endpoint("p_resistant", "P(any resistant lineage alive then)", "", "low", "share"),
    Endpoint("mic_shift", "shift of the mean MIC given survival, log2", "log2", "low", given="p_eradicated"),
    Endpoint("rebound", "growth tenfold after day 5", "", "low", "share"),
    Endpoint("cortex", "surrogate of nephrotoxicity: hours of full renal uptake, integral of C/(15 + C)", "h", "low"),
    Endpoint("doses", "doses given inside the horizon", "", "neither"),
    Endpoint("mg_per_kg", "all of them, per kg at the start", "mg/kg", "neither"),
    Endpoint("samples", "blood samples for a drug level", "", "low"),
    Endpoint("loss", "declared total loss", "", "low"),
    *(Endpoint(f"loss_{t}", f"its part: {t}", "", "low") for t in TERMS),
    Endpoint(
        "measured_both_last", "last dose: the same as both_last on levels with the truth's residual error", "", "high", "share"
    ),
    Endpoint("measured_peak_last", "peak of the last dose in 24-35 as measured", "", "high", "share"),
    Endpoint("measured_trough_last_3", "level before the last dose < 3 as measured", "", "high", "share"),
)
ENDPOINTS: Mapping[str, Endpoint] = {e.name: e for e in _ALL}
MAIN = (
    "both_last", "both_2", "peak_first", "trough_last_3", "trough_last_5", "trough_toxic", "hours_above_5", "auc24", "auc_in",
    "p_eradicated", "p_resistant", "doses", "samples", "loss",
)  # fmt: skip
"""Endpoints of the short table, in this order."""
KEY = ("both_last", "peak_first", "trough_toxic", "hours_above_5", "auc24", "p_eradicated", "p_resistant", "loss")
"""Endpoints that subgroups are compared on."""
SHOWN = ("both_last", "peak_first", "trough_toxic", "p_eradicated", "p_resistant", "loss")
"""Endpoints of the figure of differences."""
GROUPED = ("both_last", "loss")
"""Endpoints of the figures by subgroup."""
WHO = ("baby", "babies", "newborns")
COMPARED = "peak and trough of the last dose both on target"
"""What a short view compares, in words."""


@dataclass(frozen=True, eq=False)
class Given:
    """Doses of n courses, padded to K: ``time`` h and ``mg`` [n, K] of doses inside the horizon, ``count`` [n], ``due`` [n] h at
    which the next one would have been given (first of the continuation), ``samples`` [n] blood samples for a drug level."""

    time: np.ndarray
    mg: np.ndarray
    count: np.ndarray
    due: np.ndarray
    samples: np.ndarray

    @property
    def real(self) -> np.ndarray:
        """Which of the padded doses were given: bool [n, K]."""
        return np.arange(self.time.shape[1]) < self.count[:, None]

    @property
    def interval(self) -> np.ndarray:
        """h from each dose to the next, the last one's to ``due``; 0 where there is no dose [n, K]."""
        n = len(self.time)
        following = np.concatenate([self.time[:, 1:], np.zeros((n, 1))], axis=1)
        following[np.arange(n), self.count - 1] = self.due
        return np.where(self.real, following - self.time, 0.0)


def at(grid: np.ndarray, time: np.ndarray, dt: float) -> np.ndarray:
    """Values of ``grid`` [n, T] (every ``dt`` h) at ``time`` [n, ...] h, clipped to the grid."""
    steps = np.clip(np.rint(time / dt).astype(np.int64), 0, grid.shape[1] - 1)
    flat = steps.reshape(len(grid), -1)
    return np.take_along_axis(grid, flat, axis=1).reshape(steps.shape)


@dataclass(frozen=True, eq=False)
class DoseValues:
    """Of each padded dose [n, K]: true ``peak`` and ``trough`` mg/L, ``auc24`` mg h/L over 24 h of its interval."""

    peak: np.ndarray
    trough: np.ndarray
    auc24: np.ndarray


def dose_values(given: Given, conc: np.ndarray, area: np.ndarray, dt: float, peak_after: float) -> DoseValues:
    """Values of every dose from levels and areas since time 0 on the grid [n, T]; nan where there is no dose."""
    real, interval = given.real, given.interval
    end = given.time + interval
    with np.errstate(invalid="ignore", divide="ignore"):
        auc24 = (at(area, end, dt) - at(area, given.time, dt)) * 24.0 / interval
    values = (at(conc, given.time + peak_after, dt), at(conc, end, dt), auc24)
    return DoseValues(*(np.where(real, v, np.nan) for v in values))


def _of(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, index[:, None], axis=1)[:, 0]


def score(
    given: Given,
    conc: np.ndarray,
    area: np.ndarray,
    *,
    dt: float,
    horizon: float,
    peak_after: float,
    weight: np.ndarray,
    p_erad: np.ndarray,
    p_resistant: np.ndarray,
    mic_shift: np.ndarray,
    rebound: np.ndarray,
    noise: np.ndarray,
    residual: tuple[float, float],
    loss: Loss,
) -> tuple[dict[str, np.ndarray], DoseValues]:
    """Every endpoint of n courses, and the values of their doses.

    Parameters
    ----------
    conc, area : [n, T] true mg/L, and mg h/L since time 0, every ``dt`` h.
    weight : [n] kg at the first dose.
    p_erad, p_resistant, mic_shift, rebound : [n]; nan where amikacin alone is no treatment (in the loss: 1 and 0).
    noise : [n, 2] standard normal scores of a measured trough and peak of the last dose; ``residual`` (prop, mg/L) their SD.
    """
    n, K = given.time.shape
    real = given.real
    v = dose_values(given, conc, area, dt, peak_after)
    last = given.count - 1
    low, high = loss.peak_window
    inside = (v.peak > low) & (v.peak < high)
    peak_last = _of(v.peak, last)
    before_last = np.where(last > 0, _of(v.trough, np.maximum(last - 1, 0)), _of(v.trough, last))
    second = np.minimum(last, 1)
    before_second = np.where(last > 0, v.trough[:, 0], _of(v.trough, last))
    steps = round(horizon / dt)
    # hours since the start of the last dose, on the grid
    clock = np.arange(steps) * dt
    since = np.full((n, steps), np.inf)
    for k in range(K):
        started = real[:, k, None] & (clock >= given.time[:, k, None] - 1e-9)
        since = np.where(started, clock - given.time[:, k, None], since)
    late = (conc[:, :steps] > ABOVE_MG_L) & (since > AFTER_H)
    auc24 = at(area, np.full((n, 1), horizon), dt)[:, 0] * 24.0 / horizon
    interval = given.interval
    share = interval / interval.sum(axis=1, keepdims=True)
    peaks, troughs = np.where(real, v.peak, low + 1.0), np.where(real, v.trough, 0.0)
    areas = np.where(real, v.auc24, loss.auc_floor + 1.0)
    misses = np.einsum("nk,nke->ne", share, dose_misses(peaks, troughs, areas, loss))
    terms = {
        "not_eradicated": loss.not_eradicated * (1.0 - np.nan_to_num(p_erad, nan=1.0)),
        "resistant": loss.resistant * np.nan_to_num(p_resistant, nan=0.0),
        **{name: misses[:, j] for j, name in enumerate(TERMS[2:7])},
        "doses": loss.dose * given.count,
        "samples": loss.sample * given.samples,
    }

    def measured(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.maximum(x + z * np.hypot(residual[0] * x, residual[1]), 0.0)

    seen_peak, seen_trough = measured(peak_last, noise[:, 1]), measured(before_last, noise[:, 0])
    seen_inside = (seen_peak > low) & (seen_peak < high)
    with np.errstate(invalid="ignore"):
        found: dict[str, Any] = {
            "both_last": _of(inside, last) & (before_last < loss.trough),
            "both_2": _of(inside, second) & (before_second < loss.trough),
            "peak_first": inside[:, 0],
            "peak_last": _of(inside, last),
            "trough_last_3": before_last < loss.trough,
            "trough_last_5": before_last <= loss.trough_toxic,
            "peaks_in": (inside & real).sum(axis=1) / given.count,
            "troughs_in": ((v.trough < loss.trough) & real).sum(axis=1) / given.count,
            "trough_toxic": ((v.trough > loss.trough_toxic) & real).any(axis=1),
            "hours_above_5": late.sum(axis=1) * dt,
            "auc24": auc24,
            "auc_in": (auc24 >= loss.auc_floor) & (auc24 <= loss.auc_ceiling),
            "p_eradicated": p_erad,
            "p_resistant": p_resistant,
            "mic_shift": mic_shift,
            "rebound": rebound,
            "cortex": (conc[:, :steps] / (CORTEX_KM + conc[:, :steps])).sum(axis=1) * dt,
            "doses": given.count,
            "mg_per_kg": np.where(real, given.mg, 0.0).sum(axis=1) / weight,
            "samples": given.samples,
            "loss": sum(terms.values()),
            **{f"loss_{name}": value for name, value in terms.items()},
            "measured_both_last": seen_inside & (seen_trough < loss.trough),
            "measured_peak_last": seen_inside,
            "measured_trough_last_3": seen_trough < loss.trough,
        }
    return {name: np.asarray(found[name], dtype=np.float64) for name in ENDPOINTS}, v
