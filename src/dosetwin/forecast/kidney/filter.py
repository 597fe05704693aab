"""An extended Kalman filter on the composite creatinine balance: the strongest hand-built forecaster.

State of one baby: log creatinine, three constants (log production, log filtration at birth, log maturation, each an offset from
the typical baby) and an Ornstein-Uhlenbeck offset of log filtration that wanders from day to day. Filtration is that of a typical
baby times exp(share * birth + (1 - share) * maturation + wandering), where ``share`` is the part of today's filtration that
was there at birth (Wu 2024), so a baby may start low and mature fast. Flags act on log clearance by fitted effects, on top of
what the composite already says. Between measurements the balance is solved exactly over short steps; the linearisation is in
the random offsets. All numbers of FilterParameters are fitted by maximum likelihood on a training cohort.

The same recursion runs on another balance: the published form of van Donge 2021, whose typical baby is kept (its means are 0),
so that a forecast need not rest on one structure alone.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log
from typing import Any

import numpy as np

from dosetwin.forecast.kidney.answer import HOURS, CreatinineForecast, gaussian_forecast, no_past_finding, refused
from dosetwin.forecast.kidney.fitting import Packed, minimise, pack
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import EFFECTS, Steps, steps_for
from dosetwin.forecast.kidney.vandonge import on_published_balance, typical

COMPOSITE, VAN_DONGE = "composite", "van-donge"
"""Balances a filter can stand on."""


@dataclass(frozen=True)
class FilterParameters:
    """Offsets are natural logs. ``mean``: creatinine at birth, production, filtration at birth, maturation; ``sd`` of those and
    of the wandering offset; ``effect`` per name of steps.EFFECTS on log clearance; ``tau`` h; ``prop`` fraction, ``add`` mg/dL.

    The defaults are not fitted: Wu's between-baby variances, the composite's assumed ones, and Wu's residual error.
    """

    mean: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    sd: tuple[float, ...] = (0.25, 0.20, 0.30, 0.35, 0.12)
    effect: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    tau: float = 36.0
    prop: float = 0.141
    add: float = 0.0432

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "FilterParameters":
        """What ``to_json`` wrote."""
        return cls(
            tuple(given["mean"]), tuple(given["sd"]), tuple(given["effect"]), given["tau"], given["prop"], given["add"]
        )  # fmt: skip


def _on(structure: str, p: Packed) -> tuple[Steps, np.ndarray]:
    """A cohort's steps and creatinines at birth on a balance."""
    if structure == COMPOSITE:
        return p.steps, p.birth
    numbers = np.array([typical(GA) for GA in p.GA])
    return on_published_balance(p.steps, np.repeat(numbers, np.diff(p.ptr), axis=0)), np.ascontiguousarray(numbers[:, 6])


# packed for the search: 4 means, 5 effects, then logs of 5 SDs, tau, prop, add
_BOUNDS = [(-1.0, 1.0)] * 4 + [(-1.5, 1.5)] * len(EFFECTS) + [(log(0.005), log(1.5))] * 5
_BOUNDS += [(log(6.0), log(2000.0)), (log(0.01), log(0.4)), (log(0.002), log(0.15))]
_RIDGE = 0.5
"""Prior SD of means and effects: keeps what a small training cohort cannot tell at the published value."""


def _pack_parameters(p: FilterParameters) -> np.ndarray:
    return np.array([*p.mean, *p.effect, *np.log([*p.sd, p.tau, p.prop, p.add])])


def _unpack_parameters(z: np.ndarray) -> FilterParameters:
    rest = np.exp(z[9:]).tolist()
    return FilterParameters(tuple(z[:4].tolist()), tuple(rest[:5]), tuple(z[4:9].tolist()), *rest[5:])


@dataclass(frozen=True, eq=False)
class FilterState:
    """The filter's belief at the horizons: ``mean`` [n, 5], ``cov`` [n, 5, 5], ``GFR`` [n] mL/min typical there, ``log_GFR_mean``
    and ``log_GFR_sd`` [n] of log filtration itself (mL/min), and ``loading`` [n, 5] of log filtration on the state."""

    mean: np.ndarray
    cov: np.ndarray
    GFR: np.ndarray
    log_GFR_mean: np.ndarray
    log_GFR_sd: np.ndarray
    loading: np.ndarray


@dataclass(frozen=True)
class KalmanFilter:
    """A fitted (or default) filter; make a fitted one with ``KalmanFilter.fit``."""

    parameters: FilterParameters = FilterParameters()
    name: str = "filter"
    structure: str = COMPOSITE

    @classmethod
    def fit(
        cls,
        records: Sequence[WardRecord],
        start: FilterParameters | None = None,
        *,
        structure: str = COMPOSITE,
        max_iterations: int = 120,
    ) -> "KalmanFilter":
        """Maximum likelihood (weak ridge on means and effects) over whole babies; on van Donge's balance the means stay 0.

        Raises InputError without usable records.
        """
        from dosetwin.forecast.kidney._filter_kernel import cohort

        p = pack(records)
        s, birth = _on(structure, p)
        free = 1.0 if structure == COMPOSITE else 0.0

        def objective(z: np.ndarray) -> float:
            q = np.exp(z[9:])
            nll = cohort(
                p.ptr, p.at, birth, s.dt, s.into, s.out, s.from_birth, s.effect, s.seen, s.ahead, p.log_scr,
                free * z[:4], z[4:9], q[:5], q[5], q[6], q[7],
            )  # fmt: skip
            return (nll + 0.5 * float((z[:9] ** 2).sum()) / _RIDGE**2) / len(p.log_scr)

        best, _ = minimise(objective, _pack_parameters(start or FilterParameters(prop=0.08)), _BOUNDS, max_iterations)
        best[:4] *= free
        return cls(_unpack_parameters(best), "filter" if structure == COMPOSITE else f"filter-{structure}", structure)

    def negative_log_likelihood(self, records: Sequence[WardRecord]) -> float:
        """Minus the log likelihood of log creatinines, per creatinine: to compare filters on the same babies."""
        from dosetwin.forecast.kidney._filter_kernel import cohort

        p, q = pack(records), self.parameters
        s, birth = _on(self.structure, p)
        total = cohort(
            p.ptr, p.at, birth, s.dt, s.into, s.out, s.from_birth, s.effect, s.seen, s.ahead, p.log_scr,
            np.array(q.mean), np.array(q.effect), np.array(q.sd), q.tau, q.prop, q.add,
        )  # fmt: skip
        return float(total) / len(p.log_scr)

    def state(self, record: WardRecord, hours: Sequence[float]) -> FilterState:
        """The belief at ``hours`` after now (0 is now, after today's creatinine). The record must be free of errors."""
        from dosetwin.forecast.kidney._filter_kernel import STATES, run

        steps: Steps = self._steps(record, hours)
        q = self.parameters
        mean, cov = np.zeros((len(hours), STATES)), np.zeros((len(hours), STATES, STATES))
        run(
            steps.dt, steps.into, steps.out, steps.from_birth, steps.effect, steps.seen, steps.ahead, steps.birth,
            np.log(record.scr), np.array(q.mean), np.array(q.effect), np.array(q.sd), q.tau, q.prop, q.add, mean, cov,
        )  # fmt: skip
        at = steps.ahead >= 0
        share = steps.from_birth[at]
        loading = np.stack([np.zeros_like(share), np.zeros_like(share), share, 1.0 - share, np.ones_like(share)], axis=1)
        log_GFR = np.log(steps.GFR[at]) + steps.effect[at] @ np.array(q.effect) + np.einsum("ij,ij->i", loading, mean)
        sd = np.sqrt(np.maximum(np.einsum("ij,ijk,ik->i", loading, cov, loading), 0.0))
        return FilterState(mean, cov, steps.GFR[at], log_GFR, sd, loading)

    def _steps(self, record: WardRecord, hours: Sequence[float]) -> Steps:
        steps = steps_for(record, hours)
        if self.structure == COMPOSITE:
            return steps
        return on_published_balance(steps, np.broadcast_to(typical(record.GA), (len(steps.dt), 8)))

    def forecast(self, record: WardRecord, hours: Sequence[float] = HOURS) -> CreatinineForecast:
        """Quantiles of log creatinine ``hours`` ahead, or a refusal; without any creatinine that of a typical baby."""
        no = refused(record, self.name, hours)
        if no is not None:
            return no
        belief = self.state(record, hours)
        q = self.parameters
        return gaussian_forecast(
            self.name, record, hours, belief.mean[:, 0], belief.cov[:, 0, 0], (q.prop, q.add), no_past_finding(record)
        )
