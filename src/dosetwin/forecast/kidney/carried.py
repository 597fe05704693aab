"""Forecasts that hardly think: the last value carried forward, the same moved by the mechanistic curve, Wu's steady state."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from dosetwin.forecast.kidney.answer import HOURS, CreatinineForecast, gaussian_forecast, log_noise, no_past_finding, refused
from dosetwin.forecast.kidney.fitting import minimise, usable
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import steps_for
from dosetwin.structure.kidney import (
    WU_GA,
    WU_GA_PNA50,
    WU_HILL,
    WU_OMEGA2,
    WU_PNA50,
    WU_SCR_ADD,
    WU_SCR_PROP,
    wu_creatinine,
    wu_filtration,
)


@dataclass(frozen=True)
class Carried:
    """The last creatinine holds (``shifted`` False), or changes as the mechanistic curve does from then on (True).

    Log creatinine moves away from the forecast like a stationary wanderer: variance 2 spread^2 (1 - exp(-gap/tau)). Before any
    creatinine: the mechanistic curve, with SD ``blind``. ``tau`` h; ``prop`` fraction and ``add`` mg/dL the error of measurement.
    Defaults are assumed; ``fit`` finds them on a training cohort.
    """

    shifted: bool = False
    spread: float = 0.35
    tau: float = 120.0
    blind: float = 0.35
    prop: float = WU_SCR_PROP
    add: float = WU_SCR_ADD

    @property
    def name(self) -> str:
        """``carried`` or ``carried+curve``."""
        return "carried+curve" if self.shifted else "carried"

    @classmethod
    def fit(cls, records: Sequence[WardRecord], *, shifted: bool = False, prop: float = 0.08, add: float = 0.03) -> "Carried":
        """Spread, time constant and blind SD by maximum likelihood on each creatinine given the one before it.

        The error of measurement cannot be told apart from fast wandering by pairs of values: ``prop`` and ``add`` are given.
        Raises InputError without usable records.
        """
        first, gap, change, level = [], [], [], []
        for r in usable(records):
            curve, scr = np.log(steps_for(r).curve_seen), np.log(r.scr)
            first.append([scr[0] - curve[0], r.scr[0]])
            gap.append(np.diff(r.time))
            change.append(np.diff(scr) - (np.diff(curve) if shifted else 0.0))
            level.append(log_noise(r.scr[1:], prop, add) + log_noise(r.scr[:-1], prop, add))
        begin, gaps = np.array(first), np.concatenate(gap)
        moved, noise = np.concatenate(change), np.concatenate(level)

        def objective(z: np.ndarray) -> float:
            variance = 2.0 * exp(2 * z[0]) * -np.expm1(-gaps / exp(z[1])) + noise
            return float(np.mean(np.log(variance) + moved**2 / variance)) if len(gaps) else 0.0

        best, _ = minimise(objective, np.log([0.35, 120.0]), [(log(0.01), log(3.0)), (log(6.0), log(3000.0))])
        blind = max(float(np.mean(begin[:, 0] ** 2 - log_noise(begin[:, 1], prop, add))), 1e-4) ** 0.5
        return cls(shifted, float(exp(best[0])), float(exp(best[1])), blind, prop, add)

    def forecast(self, record: WardRecord, hours: Sequence[float] = HOURS) -> CreatinineForecast:
        """Quantiles of log creatinine ``hours`` ahead, or a refusal."""
        no = refused(record, self.name, hours)
        if no is not None:
            return no
        ahead = np.log(steps_for(record, hours).curve_ahead) if self.shifted or not len(record.time) else np.zeros(len(hours))
        if not len(record.time):
            return gaussian_forecast(
                self.name,
                record,
                hours,
                ahead,
                np.full(len(hours), self.blind**2),
                (self.prop, self.add),
                no_past_finding(record),
            )
        mean = np.full(len(hours), log(record.scr[-1]))
        if self.shifted:
            mean += ahead - log(steps_for(record, hours).curve_seen[-1])
        gap = record.now + np.array(hours) - record.time[-1]
        variance = 2.0 * self.spread**2 * -np.expm1(-gap / self.tau) + log_noise(record.scr[-1:], self.prop, self.add)
        return gaussian_forecast(self.name, record, hours, mean, variance, (self.prop, self.add))


@dataclass(frozen=True)
class SteadyWu:
    """Wu 2024 as published: production over filtration at steady state, whatever was measured.

    ``sd`` of log creatinine between babies; None: from the published variances of the parameters, which change with age.
    """

    sd: float | None = None
    prop: float = WU_SCR_PROP
    add: float = WU_SCR_ADD
    name: str = "steady-wu"

    @classmethod
    def fit(cls, records: Sequence[WardRecord], *, prop: float = 0.08, add: float = 0.03) -> "SteadyWu":
        """Only the SD is fitted; the curve stays as published. Raises InputError without usable records."""
        miss, noise = [], []
        for r in usable(records):
            curve = np.array([_wu(r, t) for t in r.time])
            miss.append(np.log(r.scr / curve))
            noise.append(log_noise(r.scr, prop, add))
        variance = float(np.mean(np.concatenate(miss) ** 2 - np.concatenate(noise)))
        return cls(max(variance, 1e-4) ** 0.5, prop, add)

    def forecast(self, record: WardRecord, hours: Sequence[float] = HOURS) -> CreatinineForecast:
        """Quantiles of log creatinine ``hours`` ahead, or a refusal."""
        no = refused(record, self.name, hours)
        if no is not None:
            return no
        times = [record.now + h for h in hours]
        mean = np.log([_wu(record, t) for t in times])
        variance = [self.sd**2 if self.sd is not None else _published_variance(record, t) for t in times]
        return gaussian_forecast(self.name, record, hours, mean, np.array(variance), (self.prop, self.add))


def _wu(record: WardRecord, time: float) -> float:
    return wu_creatinine(record.GA, record.BW, record.weight_at(time), time / 24.0, record.male)


def _published_variance(record: WardRecord, time: float) -> float:
    """Variance of log filtration from Wu's variances of its four parameters, to first order."""
    wu = wu_filtration(record.GA, record.BW, record.weight_at(time), time / 24.0)
    mature = (wu.now - wu.birth) / (wu.grown - wu.birth) if wu.grown != wu.birth else 0.0
    by_birth, by_grown = wu.from_birth, wu.grown * mature / wu.now
    by_sigmoid = (wu.grown - wu.birth) * mature * (1.0 - mature) / wu.now
    half = WU_PNA50 * (record.GA / WU_GA) ** WU_GA_PNA50
    by_hill = by_sigmoid * WU_HILL * log(max(time / 24.0, 1e-3) / half)
    slopes = np.array([by_birth, by_grown, by_sigmoid * WU_HILL, by_hill])
    return float(slopes**2 @ np.array(WU_OMEGA2))
