"""What is believed about one patient under one model, as a frozen record with a JSON form."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dosetwin.errors import Finding

Method = Literal["prior", "importance", "metropolis"]
Verdict = Literal["plausible", "unusual", "contradiction"]

UNUSUAL = 0.01
"""A level below this quantile of the prior predictive, or above one minus it, is called unusual."""
CONTRADICTION = 0.0001
"""A level below this quantile of the prior predictive, or above one minus it, contradicts the model."""


@dataclass(frozen=True)
class Plausibility:
    """Where a level lies in what the model expected before seeing any level of this patient.

    ``percentile`` 0..100: share of the prior predictive distribution (between-subject, between-occasion and residual
    variability) below the level; for a level below the LOQ, the share below the LOQ. ``median`` of the prior prediction.
    ``used`` False: the level was set aside and did not move the belief.
    """

    record: str
    time: float
    measures: str
    observed: float
    blq: bool
    median: float
    percentile: float
    verdict: Verdict
    used: bool = True


def verdict_of(percentile: float, blq: bool) -> Verdict:
    """The declared thresholds applied to a percentile; a level below the LOQ can only be surprisingly low."""
    low = percentile / 100.0
    tail = low if blq else min(low, 1.0 - low)
    if tail < CONTRADICTION:
        return "contradiction"
    return "unusual" if tail < UNUSUAL else "plausible"


@dataclass(frozen=True, eq=False)
class Belief:
    """The posterior of one patient's random effects under one model.

    Attributes
    ----------
    mode : [n_full] maximum a posteriori of [etas, kappas of occasion 1, kappas of occasion 2, ...].
    cov : [n_full, n_full] Laplace covariance at the mode.
    draws : [K, n_full] equally weighted posterior draws.
    ess : effective sample size behind the draws (of the importance weights, or of the chains).
    method : ``prior`` (no level), ``importance`` or ``metropolis`` (importance weights had collapsed).
    log_evidence : ln p(levels | model), 0 without levels.
    objective : NONMEM-like objective at the mode: -2 ln likelihood without the 2 pi constants + eta' omega^-1 eta.
    """

    model: str
    parameters: tuple[str, ...]
    mode: np.ndarray
    cov: np.ndarray
    draws: np.ndarray
    ess: float
    method: Method
    log_evidence: float
    levels: tuple[Plausibility, ...]
    objective: float
    occasions: tuple[float, ...] = ()
    findings: tuple[Finding, ...] = ()
    converged: bool = True
    rhat: float | None = None

    def __post_init__(self) -> None:
        for name in ("mode", "cov", "draws"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def contradictions(self) -> tuple[Plausibility, ...]:
        """Levels that contradict the model."""
        return tuple(level for level in self.levels if level.verdict == "contradiction")

    @property
    def n_used(self) -> int:
        """How many levels the belief rests on."""
        return sum(level.used for level in self.levels)

    def to_json(self) -> dict[str, Any]:
        """Plain data; ``Belief.from_json`` gives the same belief back, bit for bit."""
        data: dict[str, Any] = {
            name: getattr(self, name) for name in ("model", "ess", "method", "log_evidence", "objective", "converged", "rhat")
        }
        # JSON has no infinity: where no parameters explain the levels these two are null
        data["log_evidence"] = self.log_evidence if math.isfinite(self.log_evidence) else None
        data["objective"] = self.objective if math.isfinite(self.objective) else None
        data["parameters"], data["occasions"] = list(self.parameters), list(self.occasions)
        for name in ("mode", "cov", "draws"):
            data[name] = getattr(self, name).tolist()
        data["levels"] = [dict(vars(level)) for level in self.levels]
        data["findings"] = [finding.to_json() for finding in self.findings]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Belief":
        """The belief written by ``to_json``."""
        n = len(data["mode"])
        return cls(
            **{
                **data,
                "log_evidence": -math.inf if data["log_evidence"] is None else data["log_evidence"],
                "objective": math.inf if data["objective"] is None else data["objective"],
                "parameters": tuple(data["parameters"]),
                "occasions": tuple(data["occasions"]),
                "cov": np.array(data["cov"], dtype=np.float64).reshape(n, n),
                "draws": np.array(data["draws"], dtype=np.float64).reshape(-1, n),
                "levels": tuple(Plausibility(**level) for level in data["levels"]),
                "findings": tuple(Finding(**finding) for finding in data["findings"]),
            }
        )


def full_names(eta: tuple[str, ...], kappa: tuple[str, ...], occasions: int) -> tuple[str, ...]:
    """Names of the full vector: etas, then ``kappa.1``, ``kappa.2`` ... per occasion."""
    return eta + tuple(f"{name}.{o + 1}" for o in range(occasions) for name in kappa)
