"""Which kidney follows this baby: each foretells every creatinine from those before it, and the log densities are compared.

The sum over creatinines is the log marginal likelihood of all but the first, given the first (prequential form). The mechanistic
kidney's is a difference of two Laplace evidences of the drug's model on creatinine alone; the others' is read off their forecasts
from the creatinine before. No random number is drawn. What happens between two creatinines (a drug, a weight) is known to the
mechanistic one and not to the others, which favours the kidney that stands.

Nobody foretells the day on which a kidney fails, so this alone leaves the beginning of an injury to a kidney with one constant
filtration, which then expects creatinine to fall back. Hence a second rule: where a kidney that was asked warns of an injury, the
one in use must be able to follow it. One that expects less than the last creatinine a day later makes way for one that does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log, pi
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.forecast.kidney.answer import HOURS, LONGEST, NORMAL_QUANTILES, CreatinineForecast, Forecaster, gaussian_forecast
from dosetwin.forecast.kidney.record import WardRecord, birth_hour
from dosetwin.forecast.kidney.warning import INJURY_WARNING, injury_risk

if TYPE_CHECKING:
    from dosetwin.declare import Model
    from dosetwin.infer.likelihood import Evidence
    from dosetwin.records import Timeline
    from dosetwin.simulate.schedule import Rule

STANDS = "mechanistic"
"""The kidney that is used unless another one foretold this baby's creatinines clearly better."""
STANDS_WITHOUT = "filter"
"""The same where the model predicts no creatinine; without any result it says what the model says."""
FACTOR = 3.0
"""Bayes factor from which another kidney takes its place: "positive" evidence (Kass and Raftery 1995, JASA 90:773)."""
FOLLOW_H = 24.0
"""h ahead at which a kidney that warns of an injury may not expect less than the last creatinine (assumed)."""
LAST = 12
"""Only that many of the last creatinines are foretold: the cost stays bounded in a long record (assumed)."""
APART_H = 1.0
"""h; creatinines closer than this are one sample, and only the first is counted (assumed)."""


@dataclass(frozen=True)
class KidneyEvidence:
    """How well each kidney foretold ``creatinines`` results: natural log density (1/(mg/dL)), summed, by name; ``aside`` name ->
    why a kidney was not asked. ``used``: the one that is used; ``left`` the one that would be but for an injury that it cannot
    follow; ``stands`` the usual one. ``last`` mg/dL the last creatinine, ``tomorrow`` name -> the median expected FOLLOW_H after
    now, mg/dL, ``injury`` name -> the highest probability of an unexpected injury within the horizons."""

    used: str
    creatinines: int = 0
    log_density: Mapping[str, float] | None = None
    aside: Mapping[str, str] | None = None
    left: str = ""
    stands: str = STANDS
    last: float = 0.0
    tomorrow: Mapping[str, float] | None = None
    injury: Mapping[str, float] | None = None

    @property
    def why(self) -> str:
        """In words, why this kidney is used."""
        said = self.log_density or {}
        if not self.creatinines or len(said) < 2:
            few = "fewer than two creatinines to compare kidneys by" if not self.creatinines else "no other kidney could be asked"
            return f"the usual one; {few}"
        results = f"the last {self.creatinines} creatinines" if self.creatinines > 1 else "the last creatinine"
        if self.left:
            tomorrow, injury = self.tomorrow or {}, self.injury or {}
            warner = max(injury, key=lambda k: injury[k])
            of = "it warns of itself" if warner == self.left else f"the {warner} one warns of"
            return (
                f"the {self.left} one cannot follow an injury that {of}: it expects {tomorrow[self.left]:.2f} mg/dL "
                f"in {FOLLOW_H:g} h after {self.last:.2f}, this one {tomorrow[self.used]:.2f}"
            )
        usual = said[self.stands]
        if self.used != self.stands:
            return f"it foretold {results} {_times(said[self.used] - usual)} better than the {self.stands} one, from those before"
        best = max((k for k in said if k != self.stands), key=lambda k: said[k])
        if said[best] <= usual:
            return f"the usual one, and no other foretold {results} better, from those before"
        return f"the usual one; {best} foretold {results} only {_times(said[best] - usual)} better, {FACTOR:g} times is asked"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "creatinines": self.creatinines, "log_density": {k: round(v, 4) for k, v in (self.log_density or {}).items()},
            "factor": FACTOR, "aside": dict(self.aside or {}), "why": self.why,
            "in_24_h_mg_per_dL": {k: round(v, 4) for k, v in (self.tomorrow or {}).items()},
            "injury": {k: round(v, 4) for k, v in (self.injury or {}).items()},
        }  # fmt: skip


def _times(gain: float) -> str:
    """A Bayes factor in words, from its log."""
    return (
        "more than 1000 times"
        if gain > log(1000.0)
        else f"{exp(gain):.2g} times"
        if gain < log(10.0)
        else f"{exp(gain):.0f} times"
    )


def weigh(
    record: WardRecord, known: "Timeline", model: "Model", others: Mapping[str, Forecaster], rule: "Rule" = "locf",
    aside: Mapping[str, str] | None = None,
) -> KidneyEvidence:  # fmt: skip
    """Compare ``others`` (name -> forecaster) on the creatinines of ``record``, with the mechanistic kidney if ``model`` has one.

    ``known`` the same facts as a timeline. The one with the highest density is used where it beats the one that stands by FACTOR;
    unless an injury is warned of that it cannot follow.
    """
    times = record.time
    kept = [0] if len(times) else []
    for k in range(1, len(times)):
        if times[k] - times[kept[-1]] >= APART_H:
            kept.append(k)
    pairs = [(a, b) for a, b in pairwise(kept) if times[b] - times[a] <= LONGEST][-LAST:]
    own = [i for i, o in enumerate(known.observations) if o.measures == "SCR"]
    predicts = model.measured_by("SCR") is not None
    stands = STANDS if predicts else STANDS_WITHOUT
    if not pairs or not others or (predicts and len(own) != len(times)):
        return KidneyEvidence(stands, len(pairs) if len(own) == len(times) else 0, None, aside, stands=stands)
    said: dict[str, float] = {}
    ahead: dict[str, CreatinineForecast] = {}
    if predicts:
        evidence = _compiled(known, model, kept, rule)
        said[stands], ahead[stands] = _mechanistic(evidence, kept, pairs), _ahead(evidence, known, record, rule)
    left = dict(aside or {})
    for name, forecaster in others.items():
        total, forecast = _foretold(record, forecaster, pairs), forecaster.forecast(record, HOURS)
        if total is None or not forecast.ok:
            left[name] = "it does not answer for one of the creatinines"
        else:
            said[name], ahead[name] = total, forecast
    if stands not in said:  # nobody to compare with: it is asked, and steps aside by itself
        return KidneyEvidence(stands, 0, None, left, stands=stands)
    best = max(said, key=lambda k: said[k])
    use = best if best != stands and said[best] - said[stands] >= log(FACTOR) else stands
    last = float(record.scr[-1])
    tomorrow = {k: float(f.median[HOURS.index(FOLLOW_H)]) for k, f in ahead.items()}
    injury = {k: float(injury_risk(record, f).unexpected.max()) for k, f in ahead.items()}
    then = use
    if max(injury.values()) >= INJURY_WARNING and tomorrow[use] < last:
        able = [k for k in said if tomorrow[k] >= last]
        then = max(able, key=lambda k: said[k]) if able else max(tomorrow, key=lambda k: tomorrow[k])
    return KidneyEvidence(then, len(pairs), said, left, use if then != use else "", stands, last, tomorrow, injury)


def _foretold(record: WardRecord, by: Forecaster, pairs: list[tuple[int, int]]) -> float | None:
    """Sum of log densities of the second creatinine of each pair, forecast when the first was known; None: it declined."""
    total = 0.0
    for a, b in pairs:
        then = record.until(float(record.time[a]))
        found = by.forecast(then, [float(record.time[b] - record.time[a])])
        if not found.ok:
            return None
        total += log_density(found.measured[0], float(record.scr[b]))
    return total


def log_density(quantiles: np.ndarray, scr: float) -> float:
    """Log density at ``scr`` mg/dL of a result with these ``quantiles`` [5] of its log: normal scores interpolated, ends carried
    on, so that the tails are normal."""
    x = log(scr)
    k = int(np.clip(np.searchsorted(quantiles, x), 1, len(quantiles) - 1))
    slope = (NORMAL_QUANTILES[k] - NORMAL_QUANTILES[k - 1]) / max(float(quantiles[k] - quantiles[k - 1]), 1e-6)
    z = float(NORMAL_QUANTILES[k - 1] + slope * (x - quantiles[k - 1]))
    return -0.5 * z * z - 0.5 * log(2.0 * pi) + log(float(slope)) - x


def _compiled(known: "Timeline", model: "Model", kept: list[int], rule: "Rule") -> "Evidence":
    """The creatinines alone, under the drug's model."""
    from dosetwin.infer.likelihood import evidence_for

    scr = sorted((o for o in known.observations if o.measures == "SCR"), key=lambda o: o.time)
    return evidence_for(model, replace(known, observations=tuple(scr[k] for k in kept)), rule=rule)


def _mechanistic(evidence: "Evidence", kept: list[int], pairs: list[tuple[int, int]]) -> float:
    """The same sum under the drug's model: differences of evidences, of which all but a few cancel."""
    from dosetwin.infer.map import map_of

    place = {k: i for i, k in enumerate(kept)}
    share = np.zeros(len(kept) + 1)
    for _, b in pairs:
        share[place[b] + 1] += 1.0
        share[place[b]] -= 1.0
    return float(sum(share[n] * map_of(evidence.subset(range(n))).log_evidence for n in np.flatnonzero(share).tolist()))


def _ahead(evidence: "Evidence", known: "Timeline", record: WardRecord, rule: "Rule") -> CreatinineForecast:
    """Creatinine at HOURS by the mechanistic kidney on creatinine alone, with Laplace's spread of the log to first order."""
    from dosetwin.infer.map import map_of
    from dosetwin.simulate import predict, schedule_for

    model, found, step = evidence.model, map_of(evidence), 1e-3
    n = len(found.z)
    z = found.z + np.vstack([np.zeros((1, n)), step * np.eye(n), -step * np.eye(n)])
    now = (birth_hour(known) or 0.0) + record.now
    value = predict(model, schedule_for(model, known, now + np.array(HOURS), rule=rule), z @ evidence.root.T).value
    name = model.measured_by("SCR") or ""
    at = np.log(np.maximum(value[:, :, list(model.outputs).index(name)], 1e-3))
    slope = (at[1 : n + 1] - at[n + 1 :]).T / (2.0 * step)
    error = model.outputs[name].residual
    return gaussian_forecast(
        STANDS, record, HOURS, at[0], np.einsum("ij,jk,ik->i", slope, found.cov_z, slope), (error.b, error.a)
    )
