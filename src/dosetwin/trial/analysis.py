"""What a trial found: endpoints of each arm, paired differences on the same patients with intervals, subgroups, claims.

Every mean comes with its Monte-Carlo error (SD over the root of the number of patients); intervals are 95 % by Student's t on the
paired differences. Nothing is adjusted for the number of comparisons. What only means something unless something else happened (a
shift of the MIC given survival) is weighted by the probability of that. Patients for whom any arm failed are left out of
everything, and counted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from dosetwin.errors import InputError
from dosetwin.trial.runner import read
from dosetwin.trial.study import Claim, Study

LEVEL = 0.95
SMALLEST = 20
"""Patients; a smaller subgroup is counted but not compared."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its Monte-Carlo error ``se`` and interval ``low`` to ``high``, from ``n`` patients."""

    mean: float
    se: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return asdict(self)


def estimate(x: np.ndarray, weight: np.ndarray | None = None) -> Estimate:
    """Mean of ``x`` [n] (nan left out), weighted if asked (then a ratio, its error by linearisation)."""
    kept = np.isfinite(x) if weight is None else np.isfinite(x) & np.isfinite(weight)
    n = int(kept.sum())
    if n == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    x = x[kept]
    w = np.ones(n) if weight is None else weight[kept]
    total = float(w.sum())
    if total <= 0.0:
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), n)
    mean = float((w * x).sum() / total)
    if n == 1:
        return Estimate(mean, float("nan"), float("nan"), float("nan"), 1)
    influence = w * (x - mean) * n / total
    se = float(np.sqrt((influence**2).sum() / (n - 1) / n))
    reach = float(stdtrit(n - 1, 0.5 + LEVEL / 2.0)) * se
    return Estimate(mean, se, mean - reach, mean + reach, n)


def paired(a: np.ndarray, b: np.ndarray, wa: np.ndarray | None = None, wb: np.ndarray | None = None) -> Estimate:
    """Mean of ``a - b`` on the same patients; with weights, of two weighted means (error from their paired influences)."""
    if wa is None or wb is None:
        return estimate(a - b)
    kept = np.isfinite(a) & np.isfinite(b) & np.isfinite(wa) & np.isfinite(wb)
    n = int(kept.sum())
    if n < 2 or wa[kept].sum() <= 0 or wb[kept].sum() <= 0:
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), n)
    means, influences = [], []
    for x, w in ((a[kept], wa[kept]), (b[kept], wb[kept])):
        mean = float((w * x).sum() / w.sum())
        means.append(mean)
        influences.append(w * (x - mean) * n / w.sum())
    se = float(np.sqrt(((influences[0] - influences[1]) ** 2).sum() / (n - 1) / n))
    reach = float(stdtrit(n - 1, 0.5 + LEVEL / 2.0)) * se
    mean = means[0] - means[1]
    return Estimate(mean, se, mean - reach, mean + reach, n)


@dataclass(frozen=True, eq=False)
class Results:
    """The rows of a trial: ``values[endpoint]`` [n, arms] of the ``n`` patients that every arm could dose; ``facts`` of them."""

    design: Study
    arms: tuple[str, ...]
    facts: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    failures: Mapping[str, int]
    reasons: tuple[str, ...]
    asked: int

    @property
    def n(self) -> int:
        """Patients that are compared."""
        return len(self.facts[self.design.facts[0]])

    def column(self, arm: str, endpoint: str, who: np.ndarray | None = None) -> np.ndarray:
        """One endpoint of one arm [n]."""
        x = self.values[endpoint][:, self.arms.index(arm)]
        return x if who is None else x[who]

    def mean(self, arm: str, endpoint: str, who: np.ndarray | None = None) -> Estimate:
        """One endpoint of one arm with its Monte-Carlo error."""
        return estimate(self.column(arm, endpoint, who), self._weight(arm, endpoint, who))

    def difference(self, arm: str, against: str, endpoint: str, who: np.ndarray | None = None) -> Estimate:
        """``arm`` minus ``against`` on the same patients."""
        a, b = self.column(arm, endpoint, who), self.column(against, endpoint, who)
        return paired(a, b, self._weight(arm, endpoint, who), self._weight(against, endpoint, who))

    def _weight(self, arm: str, endpoint: str, who: np.ndarray | None) -> np.ndarray | None:
        """What each patient counts where an endpoint only means something unless another has happened."""
        given = self.design.defined[endpoint].given
        return 1.0 - self.column(arm, given, who) if given else None


def results(design: Study, out: Path) -> Results:
    """The finished chunks of a folder. Raises InputError when there are none, or rows are missing or doubled."""
    base = read(out, design, [*design.facts, "arm", "failure"])
    arms = tuple(a.name for a in design.arms)
    number, arm = base[design.facts[0]].to_numpy(), base["arm"].to_numpy(zero_copy_only=False)
    if len(number) % len(arms) or len(np.unique(number)) * len(arms) != len(number) or not np.all(np.diff(number) >= 0):
        raise InputError(
            "rows are missing or doubled", where=str(out), value=len(number), allowed=f"{len(arms)} for each {design.who[0]}"
        )
    if tuple(arm[: len(arms)]) != arms or not np.all(arm.reshape(-1, len(arms)) == np.array(arms)):
        raise InputError("rows of other arms than the design's", where=str(out))
    failure = base["failure"].to_numpy(zero_copy_only=False).reshape(-1, len(arms))
    fine = np.all(failure == "", axis=1)
    first = slice(None, None, len(arms))
    facts = {name: base[name].to_numpy(zero_copy_only=False)[first][fine] for name in design.facts}
    values = {name: read(out, design, [name])[name].to_numpy().reshape(-1, len(arms))[fine] for name in _needed(design)}
    reasons = tuple(sorted({str(x) for x in failure.ravel() if x}))
    failures = {name: int((failure[:, j] != "").sum()) for j, name in enumerate(arms)}
    return Results(design, arms, facts, values, failures, reasons, len(failure))


def _needed(design: Study) -> tuple[str, ...]:
    """Endpoints that are read: those that are counted, compared or claimed, and what weighs them."""
    named = dict.fromkeys((*design.endpoints, *design.pareto, *(c.endpoint for c in design.claims), *design.always))
    return tuple(dict.fromkeys((*named, *(design.defined[n].given for n in named if design.defined[n].given))))


@dataclass(frozen=True)
class Verdict:
    """A claim and what was found: ``met`` None where nothing could be compared."""

    claim: Claim
    found: Estimate
    met: bool | None

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return {"claim": asdict(self.claim), "found": self.found.to_json(), "met": self.met}


def judged(r: Results, claim: Claim) -> Verdict:
    """Whether a claim declared in the design holds."""
    who = None
    if claim.group:
        named = {name: mask for kind in r.design.kinds for name, mask in r.design.groups(r.facts, kind).items()}
        if claim.group not in named:
            return Verdict(claim, estimate(np.zeros(0)), None)
        who = named[claim.group]
    found = r.difference(claim.arm, claim.against, claim.endpoint, who)
    if not np.isfinite(found.mean):
        return Verdict(claim, found, None)
    met = {
        "at_least": found.mean >= claim.value,
        "at_most": found.mean <= claim.value,
        "above": found.low > claim.value,
        "below": found.high < claim.value,
    }[claim.kind]
    return Verdict(claim, found, bool(met))


def front(r: Results, x: str, y: str) -> tuple[str, ...]:
    """Arms that no other arm beats on both endpoints at once (means; ``better`` of each endpoint decides)."""

    def cost(arm: str, name: str) -> float:
        mean = r.mean(arm, name).mean
        return -mean if r.design.defined[name].better == "high" else mean

    points = {a: (cost(a, x), cost(a, y)) for a in r.arms}
    return tuple(
        a
        for a, (px, py) in points.items()
        if not any(qx <= px and qy <= py and (qx < px or qy < py) for b, (qx, qy) in points.items() if b != a)
    )


def summary(r: Results) -> dict[str, Any]:
    """Everything as one JSON document: arms, differences to the reference arm, subgroups, Pareto front, claims."""
    against = r.design.first_arm
    others = [a for a in r.arms if a != against]
    parts: dict[str, Any] = {}
    key = [k for k in r.design.key if k in r.values]
    for kind in r.design.subgroups:
        for name, who in r.design.groups(r.facts, kind).items():
            m = int(who.sum())
            part: dict[str, Any] = {"kind": kind, "n": m}
            if m >= SMALLEST:
                part["arms"] = {a: {e: r.mean(a, e, who).to_json() for e in key} for a in r.arms}
                part["differences"] = {a: {e: r.difference(a, against, e, who).to_json() for e in key} for a in others}
            parts[name] = part
    x, y = r.design.pareto
    return {
        "design": r.design.to_json(), "hash": r.design.hash, "n": r.n, "asked": r.asked, "failures": dict(r.failures),
        "failure_reasons": list(r.reasons), "reference": against,
        "arms": {a: {e: r.mean(a, e).to_json() for e in r.design.endpoints} for a in r.arms},
        "differences": {a: {e: r.difference(a, against, e).to_json() for e in r.design.endpoints} for a in others},
        "subgroups": parts, "pareto": {"x": x, "y": y, "front": list(front(r, x, y))},
        "claims": [judged(r, c).to_json() for c in r.design.claims],
        **r.design.told(),
    }  # fmt: skip
