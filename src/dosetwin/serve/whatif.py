"""What if: another dose, interval or sampling time on the twin that is in memory; curve, targets and limits at once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.checks.record import ASKED
from dosetwin.checks.record import check as check_records
from dosetwin.errors import Finding
from dosetwin.records import DoseOrder, Timeline

if TYPE_CHECKING:
    from dosetwin.advise import Advice

DRAWS = 150
"""Posterior draws behind a curve that somebody moves with a finger; the recommendation itself rests on more."""
POINTS = 90
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Tried:
    """A regimen to try (None: no further dose) and a time at which a level would be drawn (h on the timeline's clock)."""

    regimen: DoseOrder | None
    sample_at: float | None = None
    hours: float | None = None


def what_if(advice: "Advice", tried: Tried) -> dict[str, Any]:
    """Bands of the level under a plan, what it does to targets and limits, and what a level drawn then would show.

    The draws are those of the twin's belief, the same ones for every plan: two plans differ by what they do, not by luck.
    """
    from dosetwin.simulate import predict, schedule_for

    lead = int(np.argmax(advice.weights))
    model, timeline, therapy = advice.models[lead], advice.asked, advice.therapy
    draws = advice.beliefs[lead].draws[:DRAWS]
    name = model.measured_by(therapy.watched) or next(iter(model.outputs))
    column = list(model.outputs).index(name)
    times = _times(timeline, tried, advice.now)
    future = tried.regimen.doses(float(times[-1]) - 1e-6) if tried.regimen else ()
    extra = [tried.sample_at] if tried.sample_at is not None else []
    asked = np.unique(np.round([*times, *extra], 6))
    schedule = schedule_for(model, timeline, asked, extra_doses=future)
    found = predict(model, schedule, draws, since=float(asked[0]))  # what lies before is played once for all that is tried
    level = found.value[found.ok, :, column]
    bands = np.quantile(level, LEVELS, axis=0)
    out: dict[str, Any] = {
        "model": model.name, "output": name, "unit": model.outputs[name].unit, "now_h": advice.now,
        "origin": None if timeline.origin is None else timeline.origin.isoformat(),
        "time_h": asked.tolist(), "quantiles": list(LEVELS), "level": [[round(float(v), 4) for v in row] for row in bands],
        "draws": int(found.ok.sum()),
    }  # fmt: skip
    if tried.regimen is not None:
        out["remarks"] = [f.to_json() for f in remarks(advice, tried.regimen)]
        out |= judge(advice, lead, tried.regimen, draws)
    if tried.sample_at is not None:
        k = int(np.argmin(np.abs(asked - tried.sample_at)))
        out["sample"] = _sample(model.outputs[name].residual, level, k, asked)
    return out


def _times(timeline: Timeline, tried: Tried, now: float) -> np.ndarray:
    given = [e.time for d in timeline.doses for e in d.expanded()]
    r = tried.regimen
    end = r.first_at + 3 * r.interval if r else now + 48.0
    if tried.hours is not None:
        end = now + tried.hours
    end = max(end, now + 1.0, tried.sample_at or 0.0)
    start = min([*given[-3:], now])
    future = r.doses(end - 1e-6) if r else ()
    corners = [t for d in future for t in (d.time, d.time + d.duration)]
    corners += [t for d in timeline.doses for e in d.expanded() for t in (e.time, e.time + e.duration)]
    grid = np.concatenate([np.linspace(start, end, POINTS), [now], [t for t in corners if start <= t <= end]])
    return np.unique(np.round(grid, 6))


def judge(advice: "Advice", lead: int, regimen: DoseOrder, draws: np.ndarray) -> dict[str, Any]:
    """Targets with their probabilities, exposures, and the hard limits the plan breaks."""
    from dosetwin.decide.facts import facts_at
    from dosetwin.decide.plans import plan as as_plan
    from dosetwin.decide.plans import situation
    from dosetwin.decide.readings import expose
    from dosetwin.decide.search import score, unmet_constraints
    from dosetwin.declare.reading import json_key

    therapy, timeline = advice.therapy, advice.asked
    weight = facts_at(timeline, advice.now).WT
    where = situation(timeline, advice.now, weight, therapy)
    plan = as_plan(regimen, therapy, where)
    exposures, _ = expose(
        advice.models[lead], timeline, [plan], draws, therapy, rule="locf", n_eff=float(len(draws)), now=advice.now,
        brute=True, facts=therapy.facts(advice.question.facts),
    )  # fmt: skip
    scores = score(exposures, therapy.goals, first=where.first)
    return {
        "mg_per_kg": None if plan.mg_per_kg is None else round(plan.mg_per_kg, 3),
        "loading_mg_per_kg": None if plan.loading_mg_per_kg is None else round(plan.loading_mg_per_kg, 3),
        "joint": round(float(scores.joint[0]), 4),
        "targets": [{"target": a.target, "dose": a.dose, "p": round(a.p, 4), "se": round(a.se, 4)} for a in scores.attainment(0)],
        "exposure": {
            json_key(m, d): [round(float(q), 3) for q in np.quantile(v[0], LEVELS)] for (m, d), v in exposures.values.items()
        },
        "violations": [r.to_json() for r in plan.violations],
        "unmet": [r.to_json() for r in unmet_constraints(scores, therapy.goals)[0]],
    }


def _sample(residual: Any, level: np.ndarray, k: int, times: np.ndarray) -> dict[str, Any]:
    """The level expected at a sampling time, and how much of the doubt about the end of the curve it is expected to remove."""
    from dosetwin.decide.sampling_time import rank_times

    at = float(times[k])
    value = rank_times([at], level[:, k : k + 1], [np.log(np.maximum(level[:, -1], 1e-6))], residual, np.random.default_rng(5))[0]
    return {
        "at_h": at,
        "level": [round(float(q), 3) for q in np.quantile(level[:, k], LEVELS)],
        "fall": round(value.falls[-1], 4),
    }


def predictions(advice: "Advice") -> dict[str, Any]:
    """Bands before (``prior``) and after (``updated``) the levels, from the first dose to the end of the recommended doses."""
    c = advice.curves
    zero = advice.timeline.origin
    if c is None:
        return {"curves": None}
    return {
        "curves": {
            "model": c.model, "output": c.output, "unit": c.unit, "origin": None if zero is None else zero.isoformat(),
            "now_h": advice.now, "time_h": c.time.tolist(), "quantiles": list(LEVELS),
            "prior": np.round(c.prior, 4).tolist(), "updated": np.round(c.updated, 4).tolist(),
        },
        "parameters": {k: list(v) for k, v in advice.parameters.items()},
        "prior_parameters": {k: list(v) for k, v in advice.prior_parameters.items()},
    }  # fmt: skip


_ORDERED = "what is tried"


def remarks(advice: "Advice", regimen: DoseOrder) -> list[Finding]:
    """What the record checks would say of the first two doses of a regimen: impossible (errors) or unusual, each once."""
    given = regimen.doses(regimen.first_at + 1.5 * regimen.interval)
    tried = advice.timeline.append(*(replace(d, record=_ORDERED) for d in given))
    found = [f for f in check_records(tried, first_dose=True, weight=False) if f.record == _ORDERED]
    return list({f.code: f for f in reversed(found) if f.severity == "error" or f.code in ASKED}.values())


def hour_of(timeline: Timeline, at: datetime) -> float:
    """A moment on the timeline's clock."""
    return 0.0 if timeline.origin is None else (at - timeline.origin) / timedelta(hours=1)


def first_of(advice: "Advice", interval: float) -> float:
    """When the coming dose of a regimen with this interval would be given (h)."""
    from dosetwin.decide.plans import situation
    from dosetwin.declare.menu import first_at

    return first_at(situation(advice.asked, advice.now, 1.0), interval, getattr(advice.therapy.menu, "step_h", 0.5))
