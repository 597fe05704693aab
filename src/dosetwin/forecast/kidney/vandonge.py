"""The van Donge reconstruction, updated by MAP after each creatinine: the hand-built kidney of published structure.

Typical values are those of ``models/creatinine_vandonge_2021``, which knows gestation 24 to 32 weeks; beyond, its formulas are
carried on with creatinine at birth capped, and a finding says so. Four random effects per baby; their widths and the error of
measurement are fitted on a training cohort, because the paper's are not known to us.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from dosetwin.errors import Finding
from dosetwin.forecast.kidney.answer import HOURS, CreatinineForecast, gaussian_forecast, no_past_finding, refused
from dosetwin.forecast.kidney.fitting import minimise, pack
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import EFFECTS, Steps, steps_for
from dosetwin.models import creatinine_vandonge_2021 as published
from dosetwin.structure.kidney import ML_PER_MIN_TO_L_PER_H, SCR_BIRTH_MAX

_LOW, _HIGH = published.MODEL.covs["GA"].low, published.MODEL.covs["GA"].high
_BOUNDS = [(-1.0, 1.0)] * 4 + [(log(0.01), log(1.5))] * 4 + [(log(0.01), log(0.4)), (log(0.002), log(0.15))]


def typical(GA: float) -> np.ndarray:
    """[8]: kin mg/d, CLb L/d, Emax L/d, T50 d, Hill, V L, S0 mg/dL, loss under ibuprofen L/d of a typical baby of ``GA`` wk."""
    t = published.theta()
    G = GA / t.GA_REF
    S0 = published.individual(t, published.eta(), published.cov(GA=GA, PNA=0.0, IBU=0.0)).S0
    return np.array([
        t.KIN, t.CLB * G**t.GA_CLB, t.EMAX * G**t.GA_EMAX, t.T50 * G**t.GA_T50, t.HILL, t.V, min(S0, SCR_BIRTH_MAX), t.IBU,
    ])  # fmt: skip


def on_published_balance(steps: Steps, numbers: np.ndarray) -> Steps:
    """The same steps with the published form's rates: ``numbers`` [n_steps, 8] of ``typical``. ``GFR`` becomes its clearance of
    creatinine, mL/min per volume of the study; ``birth`` that of the first step's baby."""
    from dosetwin.forecast.kidney._vandonge_kernel import balances

    into, out, share = (np.empty(len(steps.dt)) for _ in range(3))
    balances(numbers, steps.middle, np.ascontiguousarray(steps.effect[:, EFFECTS.index("IBU")]), into, out, share)
    birth = float(numbers[0, 6]) if len(numbers) else steps.birth
    clearance = out * numbers[:, 5] / ML_PER_MIN_TO_L_PER_H
    return replace(steps, into=into, out=out, from_birth=share, birth=birth, GFR=clearance)


@dataclass(frozen=True)
class VanDonge:
    """``mean`` and ``sd`` of the offsets of log clearance, log age of half maturation, log production, log creatinine at birth;
    ``prop`` fraction, ``add`` mg/dL. Default widths are assumed; means are 0 (the published typical baby) unless recentred."""

    mean: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    sd: tuple[float, ...] = (0.25, 0.30, 0.20, 0.25)
    prop: float = 0.141
    add: float = 0.0432
    name: str = "van-donge-map"

    @classmethod
    def fit(
        cls, records: Sequence[WardRecord], *, recentre: bool = False, babies: int = 400, max_iterations: int = 60
    ) -> "VanDonge":
        """Widths and measurement error by approximate (Laplace) maximum likelihood on the first ``babies`` usable records.

        ``recentre`` also moves the four means to the cohort: then the typical baby is no longer the published one.
        Raises InputError without usable records.
        """
        from dosetwin.forecast.kidney._vandonge_kernel import cohort

        p = pack(records[:babies])
        base = np.array([typical(GA) for GA in p.GA])
        ibuprofen = np.ascontiguousarray(p.steps.effect[:, EFFECTS.index("IBU")])

        def objective(z: np.ndarray) -> float:
            q = np.exp(z[4:])
            mean = z[:4] if recentre else np.zeros(4)
            s = p.steps
            nll = cohort(p.ptr, p.at, s.dt, s.middle, ibuprofen, s.seen, s.ahead, base, p.log_scr, mean, q[:4], q[4], q[5])
            return (nll + 2.0 * float((z[:4] ** 2).sum())) / len(p.log_scr)

        start = np.array([0.0, 0.0, 0.0, 0.0, *np.log([0.25, 0.30, 0.20, 0.25, 0.08, 0.03])])
        best, _ = minimise(objective, start, _BOUNDS, max_iterations)
        q = np.exp(best[4:]).tolist()
        mean = tuple(best[:4].tolist()) if recentre else (0.0, 0.0, 0.0, 0.0)
        return cls(mean, tuple(q[:4]), q[4], q[5], "van-donge-map" if not recentre else "van-donge-map-recentred")

    def forecast(self, record: WardRecord, hours: Sequence[float] = HOURS) -> CreatinineForecast:
        """Quantiles of log creatinine ``hours`` ahead, or a refusal; outside GA 24-32 wk with a finding."""
        from dosetwin.forecast.kidney._vandonge_kernel import ETAS, estimate

        no = refused(record, self.name, hours)
        if no is not None:
            return no
        s = steps_for(record, hours)
        mean, variance, eta = np.zeros(len(hours)), np.zeros(len(hours)), np.zeros(ETAS)
        ibuprofen = np.ascontiguousarray(s.effect[:, EFFECTS.index("IBU")])
        estimate(
            s.dt, s.middle, ibuprofen, s.seen, s.ahead, typical(record.GA), np.log(record.scr),
            np.array(self.mean), np.array(self.sd), self.prop, self.add, mean, variance, eta,
        )  # fmt: skip
        return gaussian_forecast(
            self.name, record, hours, mean, variance, (self.prop, self.add), no_past_finding(record) + _range_finding(record)
        )


def _range_finding(record: WardRecord) -> tuple[Finding, ...]:
    if _LOW <= record.GA <= _HIGH and record.BW <= 1.0:
        return ()
    text = "outside what van Donge studied (GA 24-32 wk, birth weight up to 1 kg): formulas carried on"
    return (Finding("warning", "outside_studied_range", f"patient {record.id}", text, record.GA, f"{_LOW:g} to {_HIGH:g} wk"),)
