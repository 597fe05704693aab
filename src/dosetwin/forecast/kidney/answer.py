"""What every creatinine forecaster takes and gives: a ward record in, quantiles of log creatinine or a refusal out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from dosetwin.errors import Finding, Reason, Refusal
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.quantities.assays import ASSAYS, SCR_FLOOR

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
NORMAL_QUANTILES = np.array([-1.6448536269514722, -0.6744897501960817, 0.0, 0.6744897501960817, 1.6448536269514722])
"""Standard normal at QUANTILES."""
HOURS = (24.0, 48.0, 72.0)
LONGEST = 336.0
"""h ahead; beyond it no forecaster here answers."""
OLDEST = 90.0
"""Days after birth up to which a record is answered at all (assumed)."""


@dataclass(frozen=True, eq=False)
class CreatinineForecast:
    """Creatinine at ``hours`` ahead of the record's ``now``, or a ``refusal`` (then the arrays are empty).

    ``latent`` [n_hours, 5] quantiles of the natural log of the noise-free creatinine, mg/dL IDMS, at QUANTILES;
    ``measured`` [n_hours, 5] the same for a value the laboratory would report; ``by`` who forecast;
    ``findings`` what there is to remark (the record's own, and leaving the range the forecaster knows).
    """

    by: str
    hours: np.ndarray
    latent: np.ndarray
    measured: np.ndarray
    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None

    @property
    def ok(self) -> bool:
        """True when there are numbers."""
        return self.refusal is None

    @property
    def median(self) -> np.ndarray:
        """Median of the noise-free creatinine, mg/dL IDMS [n_hours]."""
        return np.exp(self.latent[:, 2])

    def mg_per_dL(self, *, measured: bool = False, assay: str = "idms") -> np.ndarray:
        """Quantiles [n_hours, 5] in mg/dL as an ``assay`` of ``units.ASSAYS`` would show them."""
        slope, intercept = ASSAYS[assay]
        values = np.exp(self.measured if measured else self.latent)
        return np.maximum((values - intercept) / slope, SCR_FLOOR) if (slope, intercept) != (1.0, 0.0) else values

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``; creatinine in mg/dL."""
        refusal = self.refusal
        return {
            "by": self.by,
            "hours": self.hours.tolist(),
            "quantiles": list(QUANTILES),
            "latent_mg_per_dL": np.exp(self.latent).tolist(),
            "measured_mg_per_dL": np.exp(self.measured).tolist(),
            "findings": [f.to_json() for f in self.findings],
            "refusal": None
            if refusal is None
            else {"message": refusal.message, "reasons": [r.to_json() for r in refusal.reasons]},
        }


class Forecaster(Protocol):
    """Anything that forecasts creatinine from a ward record. Never raises for a bad record: it refuses."""

    @property
    def name(self) -> str:
        """Short name, as printed in tables."""
        ...

    def forecast(self, record: WardRecord, hours: Sequence[float] = HOURS) -> CreatinineForecast:
        """Quantiles of creatinine ``hours`` (h, > 0, ascending) after ``record.now``."""
        ...


def refused(record: WardRecord, by: str, hours: Sequence[float]) -> CreatinineForecast | None:
    """A refusal when the record has an error or the question is out of range; None when it can be answered."""
    reasons = [Reason(f.code, text=str(f)) for f in record.findings if f.severity == "error"]
    given = [float(h) for h in hours]
    if not given or any(not 0.0 < h <= LONGEST for h in given) or any(b <= a for a, b in pairwise(given)):
        text = f"hours ahead must be ascending, above 0 and at most {LONGEST:g}"
        reasons.append(Reason("horizon_out_of_range", max(given, default=0.0), LONGEST, "h", text))
    if record.now / 24.0 > OLDEST:
        reasons.append(Reason("age_out_of_range", record.now / 24.0, OLDEST, "d", "older than the forecasters know"))
    if not reasons:
        return None
    empty = np.zeros((0, len(QUANTILES)))
    message = "no creatinine forecast: " + "; ".join(r.code for r in reasons)
    return CreatinineForecast(by, np.zeros(0), empty, empty, record.findings, Refusal(message, tuple(reasons)))


def gaussian_forecast(
    by: str,
    record: WardRecord,
    hours: Sequence[float],
    mean: np.ndarray,
    variance: np.ndarray,
    noise: tuple[float, float],
    extra: tuple[Finding, ...] = (),
) -> CreatinineForecast:
    """A forecast from means and variances of log creatinine [n_hours]; ``noise`` = (proportional SD, additive SD mg/dL)."""
    variance = np.maximum(variance, 0.0)
    error = log_noise(np.exp(mean), *noise)
    latent = mean[:, None] + np.sqrt(variance)[:, None] * NORMAL_QUANTILES
    measured = mean[:, None] + np.sqrt(variance + error)[:, None] * NORMAL_QUANTILES
    return CreatinineForecast(by, np.array(hours, dtype=np.float64), latent, measured, record.findings + extra)


def log_noise(scr: np.ndarray, proportional: float, additive: float) -> np.ndarray:
    """Variance of a log measurement at ``scr`` mg/dL: proportional and additive errors to first order."""
    return proportional**2 + (additive / scr) ** 2


def no_past_finding(record: WardRecord) -> tuple[Finding, ...]:
    """Says that nothing was measured yet, so the forecast rests on gestation, weight and age alone."""
    if len(record.time):
        return ()
    text = "no creatinine measured yet: the forecast is that of a typical baby"
    return (Finding("info", "no_past_creatinine", f"patient {record.id}", text),)
