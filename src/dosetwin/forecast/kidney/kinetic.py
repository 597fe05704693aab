"""Kinetic GFR: the filtration that explains how creatinine moved, from its mass balance, with uncertainty.

A ratio to creatinine (Schwartz) presumes steady state and is wrong while creatinine moves, that is in the whole first week. Here
filtration is the typical one times the factor that takes creatinine from one value to the next through the composite balance
(production, body water, back-leak), solved exactly over short steps.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from dosetwin.errors import Refusal
from dosetwin.forecast.kidney.answer import NORMAL_QUANTILES, CreatinineForecast, log_noise
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import Steps, steps_for
from dosetwin.structure.kidney import WU_SCR_ADD, WU_SCR_PROP, balance_step

LOWEST, HIGHEST = 0.2, 3.0
"""Factors on typical filtration between which an answer is believed (assumed); outside it is set to them and marked."""
PRODUCTION_SD = 0.2
"""SD of log production between babies (assumed, CV 20 %)."""
_WIDE = (1e-3, 1e3)


@dataclass(frozen=True)
class KineticGFR:
    """Mean filtration between two creatinines at ``start`` and ``end`` h after birth: ``GFR`` mL/min, ``factor`` of typical.

    ``log_sd`` holds the error of both measurements and of production, to first order. ``clamped``: the factor was outside
    LOWEST to HIGHEST (a creatinine that rises faster than it is produced has factor 0).
    """

    start: float
    end: float
    GFR: float
    factor: float
    log_sd: float
    clamped: bool


@dataclass(frozen=True, eq=False)
class GfrForecast:
    """Filtration ahead at ``hours``: ``log_GFR`` [n_hours, 5] quantiles of log mL/min at answer.QUANTILES, ``clamped`` [n_hours].

    Empty with a ``refusal``.
    """

    hours: np.ndarray
    log_GFR: np.ndarray
    clamped: np.ndarray
    refusal: Refusal | None = None


def _rates(steps: Steps, begin: int, end: int) -> list[tuple[float, float, float]]:
    return list(zip(steps.into[begin:end].tolist(), steps.out[begin:end].tolist(), steps.dt[begin:end].tolist(), strict=True))


def _end(S: float, rates: list[tuple[float, float, float]], factor: float, more: float) -> float:
    for into, out, dt in rates:
        S = balance_step(S, into * more, out * factor, dt)
    return S


def _factor(S0: float, S1: float, rates: list[tuple[float, float, float]], more: float = 1.0) -> float:
    """The factor on every elimination rate that leads from ``S0`` to ``S1`` mg/dL, within _WIDE."""
    low, high = log(_WIDE[0]), log(_WIDE[1])
    for _ in range(50):
        middle = 0.5 * (low + high)
        if _end(S0, rates, exp(middle), more) > S1:
            low = middle
        else:
            high = middle
    return exp(0.5 * (low + high))


def _solve(S0: float, S1: float, rates: list[tuple[float, float, float]], var0: float, var1: float) -> tuple[float, float, bool]:
    """(factor, SD of its log, clamped) from start to end, given the variances of both log creatinines."""
    factor = _factor(S0, S1, rates)
    at = min(max(factor, LOWEST), HIGHEST)
    # implicit derivatives at the value that is reported: d log factor = -(dlogS1) / slope and so on
    e = 1e-4
    end = log(_end(S0, rates, at, 1.0))
    slope = (log(_end(S0, rates, at * exp(e), 1.0)) - end) / e
    by_start = (log(_end(S0 * exp(e), rates, at, 1.0)) - end) / e
    by_production = (log(_end(S0, rates, at, exp(e))) - end) / e
    variance = (var1 + by_start**2 * var0 + (by_production * PRODUCTION_SD) ** 2) / max(slope**2, 1e-12)
    return at, sqrt(variance), at != factor


def kinetic_gfr(record: WardRecord, *, prop: float = WU_SCR_PROP, add: float = WU_SCR_ADD) -> tuple[KineticGFR, ...]:
    """Mean filtration between every two creatinines of a record free of errors that are at least an hour apart.

    ``prop`` fraction and ``add`` mg/dL: the error of measurement (default Wu's, which includes the model's).
    """
    steps = steps_for(record)
    at = np.flatnonzero(steps.seen >= 0)
    found = []
    for k in range(1, len(at)):
        if record.time[k] - record.time[k - 1] < 1.0:
            continue
        span = slice(int(at[k - 1]) + 1, int(at[k]) + 1)
        pair = record.scr[k - 1 : k + 1]
        var = log_noise(pair, prop, add)
        factor, sd, clamped = _solve(float(pair[0]), float(pair[1]), _rates(steps, span.start, span.stop), *var.tolist())
        typical = float(np.average(steps.GFR[span], weights=steps.dt[span]))
        found.append(KineticGFR(float(record.time[k - 1]), float(record.time[k]), factor * typical, factor, sd, clamped))
    return tuple(found)


def gfr_from_forecast(
    record: WardRecord, forecast: CreatinineForecast, *, prop: float = WU_SCR_PROP, add: float = WU_SCR_ADD
) -> GfrForecast:
    """Filtration at each horizon: typical there times the factor that leads from the last creatinine to the forecast one.

    Before any creatinine the course starts at birth with the typical value (SD 25 %). The band holds the forecast's own spread,
    the error of the last measurement and the spread of production, as if independent (so rather too wide). Refused where the
    forecast is.
    """
    if forecast.refusal is not None:
        return GfrForecast(np.zeros(0), np.zeros((0, 5)), np.zeros(0, dtype=bool), forecast.refusal)
    steps = steps_for(record, forecast.hours.tolist())
    begin = int(np.flatnonzero(steps.seen >= 0)[-1]) + 1 if len(record.time) else 0
    S0 = float(record.scr[-1]) if len(record.time) else steps.birth
    var0 = float(log_noise(record.scr[-1:], prop, add)[0]) if len(record.time) else 0.25**2
    rows, clamps = [], []
    for k, end in enumerate(np.flatnonzero(steps.ahead >= 0).tolist()):
        sd1 = (forecast.latent[k, 4] - forecast.latent[k, 0]) / (NORMAL_QUANTILES[4] - NORMAL_QUANTILES[0])
        S1 = float(np.exp(forecast.latent[k, 2]))
        factor, sd, clamped = _solve(S0, S1, _rates(steps, begin, end + 1), var0, float(sd1) ** 2)
        # the band is cut where no answer would be believed
        factors = np.clip(log(factor) + sd * NORMAL_QUANTILES, log(LOWEST), log(HIGHEST))
        rows.append(log(steps.GFR[end]) + factors)
        clamps.append(clamped)
    return GfrForecast(forecast.hours, np.array(rows), np.array(clamps))
