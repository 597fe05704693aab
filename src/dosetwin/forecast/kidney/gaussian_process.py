"""A Gaussian process on the log residual of creatinine to the mechanistic curve: a smoother that knows no kidney.

Covariance of two residuals: constant^2 (the baby's own level) + early^2 exp(-(s+t)/fade) (what birth brought) + wander^2
exp(-|s-t|/tau). Fitted by maximum likelihood on a training cohort; the posterior of one baby is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from dosetwin.forecast.kidney.answer import HOURS, CreatinineForecast, gaussian_forecast, no_past_finding, refused
from dosetwin.forecast.kidney.fitting import minimise, pack
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import steps_for

_BOUNDS = [(-1.0, 1.0), (log(0.01), log(1.5)), (log(0.01), log(1.5)), (log(2.0), log(500.0)), (log(0.01), log(1.5)),
           (log(6.0), log(2000.0)), (log(0.01), log(0.4)), (log(0.002), log(0.15))]  # fmt: skip


@dataclass(frozen=True)
class GaussianProcess:
    """SDs of log creatinine, ``fade`` and ``tau`` h, ``prop`` fraction, ``add`` mg/dL. Defaults assumed; see ``fit``."""

    mean: float = 0.0
    constant: float = 0.2
    early: float = 0.25
    fade: float = 72.0
    wander: float = 0.2
    tau: float = 120.0
    prop: float = 0.141
    add: float = 0.0432
    name: str = "gaussian-process"

    def _numbers(self) -> tuple[float, ...]:
        return self.mean, self.constant, self.early, self.fade, self.wander, self.tau, self.prop, self.add

    @classmethod
    def fit(cls, records: Sequence[WardRecord], *, max_iterations: int = 120) -> "GaussianProcess":
        """Maximum likelihood over whole babies. Raises InputError without usable records."""
        from dosetwin.forecast.kidney._process_kernel import cohort

        p = pack(records)
        residual = p.log_scr - np.log(p.curve)

        def objective(z: np.ndarray) -> float:
            return cohort(p.at, p.age, p.curve, residual, z[0], *np.exp(z[1:])) / len(residual)

        start = np.array([0.0, *np.log([0.2, 0.25, 72.0, 0.2, 120.0, 0.08, 0.03])])
        best, _ = minimise(objective, start, _BOUNDS, max_iterations)
        return cls(float(best[0]), *np.exp(best[1:]).tolist())

    def forecast(self, record: WardRecord, hours: Sequence[float] = HOURS) -> CreatinineForecast:
        """Quantiles of log creatinine ``hours`` ahead, or a refusal; without any creatinine the curve and the prior's width."""
        from dosetwin.forecast.kidney._process_kernel import posterior

        no = refused(record, self.name, hours)
        if no is not None:
            return no
        steps = steps_for(record, hours)
        residual = np.log(record.scr / steps.curve_seen)
        ahead = record.now + np.array(hours, dtype=np.float64)
        found = posterior(np.array(record.time), steps.curve_seen, residual, ahead, *self._numbers())
        mean = np.log(steps.curve_ahead) + found[:, 0]
        return gaussian_forecast(self.name, record, hours, mean, found[:, 1], (self.prop, self.add), no_past_finding(record))
