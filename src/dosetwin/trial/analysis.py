"""What a trial found: endpoints of each arm, paired differences on the same babies with intervals, subgroups, claims.

Every mean comes with its Monte-Carlo error (SD over the root of the number of babies); intervals are 95 % by Student's t on the
paired differences. Nothing is adjusted for the number of comparisons. The shift of the MIC is weighted by the probability of
survival (it is a shift given survival). Babies for whom any arm failed are left out of everything, and counted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from dosetwin.errors import InputError
from dosetwin.populations.newborn.newborns import BAND_EDGES
from dosetwin.trial.design import SUBGROUPS, Claim, Design
from dosetwin.trial.endpoints import ENDPOINTS
from dosetwin.trial.runner import read

LEVEL = 0.95
SMALLEST = 20
"""Babies; a smaller subgroup is counted but not compared."""
SHIFT = "mic_shift"
"""The endpoint that is conditional on survival."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its Monte-Carlo error ``se`` and interval ``low`` to ``high``, from ``n`` babies."""

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
    reach = float(student.ppf(0.5 + LEVEL / 2.0, n - 1)) * se
    return Estimate(mean, se, mean - reach, mean + reach, n)


def paired(a: np.ndarray, b: np.ndarray, wa: np.ndarray | None = None, wb: np.ndarray | None = None) -> Estimate:
    """Mean of ``a - b`` on the same babies; with weights, of two weighted means (error from their paired influences)."""
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
    reach = float(student.ppf(0.5 + LEVEL / 2.0, n - 1)) * se
    mean = means[0] - means[1]
    return Estimate(mean, se, mean - reach, mean + reach, n)


@dataclass(frozen=True, eq=False)
class Results:
    """The rows of a trial: ``values[endpoint]`` [n, arms] of the ``n`` babies that every arm could dose; ``babies`` facts."""

    design: Design
    arms: tuple[str, ...]
    babies: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    failures: Mapping[str, int]
    reasons: tuple[str, ...]
    asked: int

    @property
    def n(self) -> int:
        """Babies that are compared."""
        return len(self.babies["baby"])

    def column(self, arm: str, endpoint: str, who: np.ndarray | None = None) -> np.ndarray:
        """One endpoint of one arm [n]."""
        x = self.values[endpoint][:, self.arms.index(arm)]
        return x if who is None else x[who]

    def mean(self, arm: str, endpoint: str, who: np.ndarray | None = None) -> Estimate:
        """One endpoint of one arm with its Monte-Carlo error."""
        weight = 1.0 - self.column(arm, "p_eradicated", who) if endpoint == SHIFT else None
        return estimate(self.column(arm, endpoint, who), weight)

    def difference(self, arm: str, against: str, endpoint: str, who: np.ndarray | None = None) -> Estimate:
        """``arm`` minus ``against`` on the same babies."""
        a, b = self.column(arm, endpoint, who), self.column(against, endpoint, who)
        if endpoint != SHIFT:
            return paired(a, b)
        return paired(a, b, 1.0 - self.column(arm, "p_eradicated", who), 1.0 - self.column(against, "p_eradicated", who))


FACTS = ("baby", "GA", "PNA", "WT", "condition", "changing", "MIC")


def results(design: Design, out: Path) -> Results:
    """The finished chunks of a folder. Raises InputError when there are none, or rows are missing or doubled."""
    base = read(out, design, [*FACTS, "arm", "failure"])
    arms = tuple(a.name for a in design.arms)
    number, arm = base["baby"].to_numpy(), base["arm"].to_numpy(zero_copy_only=False)
    if len(number) % len(arms) or len(np.unique(number)) * len(arms) != len(number) or not np.all(np.diff(number) >= 0):
        raise InputError("rows are missing or doubled", where=str(out), value=len(number), allowed=f"{len(arms)} for each baby")
    if tuple(arm[: len(arms)]) != arms or not np.all(arm.reshape(-1, len(arms)) == np.array(arms)):
        raise InputError("rows of other arms than the design's", where=str(out))
    failure = base["failure"].to_numpy(zero_copy_only=False).reshape(-1, len(arms))
    fine = np.all(failure == "", axis=1)
    first = slice(None, None, len(arms))
    babies = {name: base[name].to_numpy(zero_copy_only=False)[first][fine] for name in FACTS}
    values = {
        name: read(out, design, [name])[name].to_numpy().reshape(-1, len(arms))[fine]
        for name in dict.fromkeys(
            (*design.endpoints, *design.pareto, *(c.endpoint for c in design.claims), "p_eradicated", "loss")
        )
    }
    reasons = tuple(sorted({str(x) for x in failure.ravel() if x}))
    failures = {name: int((failure[:, j] != "").sum()) for j, name in enumerate(arms)}
    return Results(design, arms, babies, values, failures, reasons, len(failure))


def groups(babies: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """Masks of a subgrouping: GA, PNA, condition, GA_PNA, changing."""
    GA, PNA = babies["GA"], babies["PNA"]
    low, high = BAND_EDGES
    middle = (low <= GA) & (high > GA)
    by_GA = {f"GA < {low:g} wk": low > GA, f"GA {low:g} to < {high:g} wk": middle, f"GA >= {high:g} wk": high <= GA}
    by_PNA = {"PNA < 3 d": PNA < 3.0, "PNA 3 to < 14 d": (PNA >= 3.0) & (PNA < 14.0), "PNA >= 14 d": PNA >= 14.0}
    if kind == "GA":
        return by_GA
    if kind == "PNA":
        return by_PNA
    if kind == "GA_PNA":
        return {f"{g}, {p}": a & b for g, a in by_GA.items() for p, b in by_PNA.items()}
    if kind == "changing":
        return {"kidneys injured": babies["changing"].astype(bool), "kidneys not injured": ~babies["changing"].astype(bool)}
    return {str(c): babies["condition"] == c for c in sorted(set(babies["condition"].tolist()))}


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
        named = {name: mask for kind in SUBGROUPS for name, mask in groups(r.babies, kind).items()}
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
        return -mean if ENDPOINTS[name].better == "high" else mean

    points = {a: (cost(a, x), cost(a, y)) for a in r.arms}
    return tuple(
        a
        for a, (px, py) in points.items()
        if not any(qx <= px and qy <= py and (qx < px or qy < py) for b, (qx, qy) in points.items() if b != a)
    )


KEY = ("both_last", "peak_first", "trough_toxic", "hours_above_5", "auc24", "p_eradicated", "p_resistant", "loss")
"""Endpoints that subgroups are compared on."""


def summary(r: Results) -> dict[str, Any]:
    """Everything as one JSON document: arms, differences to the reference arm, subgroups, Pareto front, claims."""
    against = r.design.first_arm
    others = [a for a in r.arms if a != against]
    parts: dict[str, Any] = {}
    key = [k for k in KEY if k in r.values]
    for kind in r.design.subgroups:
        for name, who in groups(r.babies, kind).items():
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
    }  # fmt: skip
