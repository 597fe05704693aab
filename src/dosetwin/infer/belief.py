"""What is believed about one patient under one model, as a frozen record with a JSON form."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from dosetwin.errors import Finding

Method = Literal["prior", "importance", "metropolis"]
Verdict = Literal["plausible", "unusual", "contradiction"]

UNUSUAL = 0.01
"""A level below this quantile of the prior predictive, or above one minus it, is called unusual."""
CONTRADICTION = 0.0001
"""A level below this quantile of the prior predictive, or above one minus it, contradicts the model."""
DOUBTED = 0.1
"""A record is doubted from this probability of being wrong on (declared)."""


@dataclass(frozen=True)
class Plausibility:
    """Where a level lies in what the model expected before seeing any level of this patient.

    ``percentile`` 0..100: share of the prior predictive distribution (between-subject, between-occasion and residual
    variability) below the level; for a level below the LOQ, the share below the LOQ. ``median`` of the prior prediction.
    ``p_wrong`` 0..1: probability that the record is wrong (level, time, dose, mix-up; ``infer.explanations``), the same for every
    seed. ``used`` False: more probably wrong than not, so that it hardly moves the belief.
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
    p_wrong: float = 0.0


@dataclass(frozen=True)
class Explanation:
    """One way in which the levels can have come about. ``probability`` 0..1 after all levels, the same for every seed.

    ``wrong`` indices into ``Belief.levels`` of the records it calls wrong; ``exchanged`` of two levels that it takes to stand for
    each other (peak labelled trough and trough labelled peak), or none; ``scale`` factor on the published SD of the random
    effects (1: a usual patient; more: one unlike the published ones); ``changed``: the factor is on the effects of the occasions
    alone (the patient has changed in between). ``mode`` its most probable full vector of effects.
    """

    probability: float
    wrong: tuple[int, ...]
    scale: float
    changed: bool
    mode: tuple[float, ...]
    exchanged: tuple[int, ...] = ()

    @property
    def blamed(self) -> frozenset[int]:
        """Records it takes for other than written: wrong, or exchanged."""
        return frozenset((*self.wrong, *self.exchanged))

    @property
    def unlike(self) -> bool:
        """Whether it takes the patient for unlike those the model was published for."""
        return self.scale > 1.0


@dataclass(frozen=True, eq=False)
class Conditional:
    """A belief under a condition on the records, by its ``mode`` [n_full], ``cov`` [n_full, n_full] and ``draws`` [K, n_full]."""

    mode: np.ndarray
    cov: np.ndarray
    draws: np.ndarray


Condition = Literal["right", "wrong", "believed"]


def verdict_of(percentile: float, blq: bool) -> Verdict:
    """The declared thresholds applied to a percentile; a level below the LOQ can only be surprisingly low."""
    low = percentile / 100.0
    tail = low if blq else min(low, 1.0 - low)
    if tail < CONTRADICTION:
        return "contradiction"
    return "unusual" if tail < UNUSUAL else "plausible"


@dataclass(frozen=True, eq=False)
class Belief:
    """The posterior of one patient's random effects under one model: the Bayes mixture over all explanations of the levels.

    Attributes
    ----------
    mode : [n_full] maximum a posteriori of [etas, kappas of occasion 1, kappas of occasion 2, ...], under the most probable
        explanation.
    cov : [n_full, n_full] Laplace covariance at the mode.
    draws : [K, n_full] equally weighted posterior draws.
    ess : effective sample size behind the draws (of the importance weights, or of the chains).
    method : ``prior`` (no level), ``importance`` or ``metropolis`` (importance weights had collapsed).
    log_evidence : ln p(levels | model), 0 without levels.
    objective : NONMEM-like objective at the mode: -2 ln likelihood without the 2 pi constants + eta' omega^-1 eta.
    explanations : what the levels can mean, most probable first (empty without levels); their probabilities add up to 1.
    conditionals : the belief if every record is right, if the doubted ones are wrong, and as believed; see the methods.
    evidence : ln p(levels | model) summed over the explanations by Laplace: for weights of models, the same for every seed.
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
    explanations: tuple[Explanation, ...] = ()
    conditionals: Mapping[Condition, Conditional] = field(default_factory=dict)
    evidence: float | None = None

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
    def doubted(self) -> tuple[Plausibility, ...]:
        """Records that may well be wrong (``p_wrong`` >= ``DOUBTED``), each with its probability."""
        return tuple(level for level in self.levels if level.p_wrong >= DOUBTED)

    @property
    def p_unlike(self) -> float:
        """Probability that the patient is unlike those the model was published for (the tail of the random effects)."""
        return math.fsum(e.probability for e in self.explanations if e.unlike)

    @property
    def exchanged(self) -> dict[tuple[int, int], float]:
        """Pairs of levels (indices, the earlier first) that may stand for each other, each with its probability."""
        found: dict[tuple[int, int], float] = {}
        for e in self.explanations:
            if e.exchanged:
                i, j = e.exchanged
                found[i, j] = found.get((i, j), 0.0) + e.probability
        return found

    @property
    def n_used(self) -> int:
        """How many levels the belief rests on."""
        return sum(level.used for level in self.levels)

    def if_right(self) -> "Belief":
        """The belief if every record is right: all levels fitted, a patient unlike the published ones allowed for.

        Judge by it what would harm if a doubted level is right. Without a doubted record: this belief itself.
        """
        return self._under("right")

    def if_wrong(self) -> "Belief":
        """The belief if the doubted records are wrong: the other levels alone. Without a doubted record: this belief itself."""
        return self._under("wrong")

    def believed(self) -> "Belief":
        """The belief to report parameters from: every level counts, but none pulls harder than one a few SD off would.

        No level is explained away, and none outvotes those that agree. The believed clearance therefore never rises when a
        trough rises, everything else being equal; the mixture's can, because it calls an absurd level wrong. Forecasts use the
        mixture (this belief's ``draws``).
        """
        return self._under("believed")

    def _under(self, condition: Condition) -> "Belief":
        found = self.conditionals.get(condition)
        if found is None:
            return self
        return replace(self, mode=found.mode, cov=found.cov, draws=found.draws, conditionals={})

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
        data["explanations"] = [dict(vars(e)) for e in self.explanations]
        data["conditionals"] = {k: {n: v.tolist() for n, v in vars(c).items()} for k, c in self.conditionals.items()}
        data["evidence"] = self.evidence
        data["findings"] = [finding.to_json() for finding in self.findings]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Belief":
        """The belief written by ``to_json``, by this release or one that knew no explanations."""
        n = len(data["mode"])

        def conditional(c: dict[str, Any]) -> Conditional:
            arrays = (np.array(c[name], dtype=np.float64) for name in ("mode", "cov", "draws"))
            mode, cov, draws = arrays
            return Conditional(mode, cov.reshape(n, n), draws.reshape(-1, n))

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
                "explanations": tuple(
                    Explanation(**{**e, **{k: tuple(e[k]) for k in ("wrong", "mode", "exchanged") if k in e}})
                    for e in data.get("explanations", ())
                ),
                "conditionals": {k: conditional(c) for k, c in data.get("conditionals", {}).items()},
            }
        )


def full_names(eta: tuple[str, ...], kappa: tuple[str, ...], occasions: int) -> tuple[str, ...]:
    """Names of the full vector: etas, then ``kappa.1``, ``kappa.2`` ... per occasion."""
    return eta + tuple(f"{name}.{o + 1}" for o in range(occasions) for name in kappa)
