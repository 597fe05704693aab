"""What the kidney in use expects of the coming three days: creatinine, filtration, and how probable an injury is."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.declare import Model
from dosetwin.declare.told import courses
from dosetwin.errors import Finding, percent
from dosetwin.forecast.kidney import fitted
from dosetwin.forecast.kidney.answer import HOURS, NORMAL_QUANTILES, QUANTILES, CreatinineForecast, log_noise
from dosetwin.forecast.kidney.filtration import Innovation
from dosetwin.forecast.kidney.injury import clearance_fall
from dosetwin.forecast.kidney.outlook import KidneyOutlook
from dosetwin.forecast.kidney.record import WardRecord, birth_hour, from_timeline
from dosetwin.forecast.kidney.teller import Kidney, KidneyTold, may_be_told, without_creatinine
from dosetwin.forecast.kidney.warning import INJURY_SOURCE, INJURY_WARNING, injury_risk
from dosetwin.forecast.tells import Believed, prior_draws
from dosetwin.records import Timeline
from dosetwin.structure.kidney import wu_filtration

if TYPE_CHECKING:
    from dosetwin.simulate.schedule import Rule

DRAWS = 400


def _predicted(model: Model, timeline: Timeline, draws: np.ndarray, now: float, rule: "Rule", by: str) -> CreatinineForecast:
    """Creatinine ahead as a model with that output predicts it over the first ``DRAWS`` of ``draws`` [K, n_full].

    All are played, with the areas that exact models keep: so the doses that are tried on them begin at the same states.
    """
    from dosetwin.simulate import predict, schedule_for

    name = model.measured_by("SCR")
    assert name is not None
    schedule, areas = schedule_for(model, timeline, now + np.array(HOURS), rule=rule), model.solver == "exact"
    found = predict(model, schedule, draws, since=now, auc=areas)
    value, ok = found.value[:DRAWS], found.ok[:DRAWS]
    logs = np.log(np.maximum(value[ok, :, list(model.outputs).index(name)], 1e-3))
    error = model.outputs[name].residual
    middle = np.median(logs, axis=0)
    spread = np.sqrt(logs.var(axis=0) + log_noise(np.exp(middle), error.b, error.a))
    latent = np.quantile(logs, QUANTILES, axis=0).T
    return CreatinineForecast(by, np.array(HOURS), latent, middle[:, None] + spread[:, None] * NORMAL_QUANTILES)


def _filtration(
    model: Model, facts: Timeline, record: WardRecord, draws: np.ndarray, now: float, rule: "Rule"
) -> tuple[np.ndarray, np.ndarray]:
    """Hours from now, and quantiles of GFR there [n, 5], mL/min: the model's own, else typical times what it was told."""
    from dosetwin.simulate import parameters, schedule_for

    hours = np.array([0.0, *HOURS])
    schedule = schedule_for(model, facts, now + hours, rule=rule)
    found = parameters(model, schedule, draws).get("GFR")
    if found is None:
        middles = record.now + hours + 12.0
        typical = np.array([wu_filtration(record.GA, record.BW, record.weight_at(h), h / 24.0).now for h in middles.tolist()])
        found = typical * np.exp(courses(model, schedule.rows[schedule.rows_at_outputs(0)], draws))
    return hours, np.quantile(found, QUANTILES, axis=0).T


def expected(kidney: Kidney, told: KidneyTold, believed: Believed) -> KidneyOutlook:
    """What the kidney in use expects."""
    bare, facts, now, rule = believed.bare, believed.known, believed.now, believed.rule
    beliefs = dict(zip(believed.models, believed.beliefs, strict=True))
    able = [m for m in beliefs if m.channel or may_be_told(m)]
    lead = next((m for m in able if (m.whole or m).measured_by("SCR")), able[0])
    few = beliefs[lead].draws[:DRAWS]
    forecast, record = told.forecast, told.record
    judged = kidney.used != "maturation"
    if kidney.used == "mechanistic":
        forecast = _predicted(lead, bare, beliefs[lead].draws, now, rule, kidney.used)
    elif kidney.used == "maturation":
        whole, blind = lead.whole or lead, without_creatinine(bare)
        if whole.measured_by("SCR"):
            draws = prior_draws(whole, 1 + len(bare.occasions), DRAWS, believed.seed)
            forecast = _predicted(whole, blind, draws, now, rule, kidney.used)
        else:
            forecast = fitted.load().filter.forecast(from_timeline(blind, now), HOURS)
    assert forecast is not None
    record = record or from_timeline(bare, now)
    judged = judged and not any(f.severity == "error" for f in record.findings)
    none = np.zeros(0)
    risk = injury_risk(record, forecast) if judged else None
    hours, GFR = _filtration(lead, facts, record, few, now, rule)
    out = KidneyOutlook(
        kidney.asked, kidney.used, kidney.sha256, forecast.hours, np.exp(forecast.measured), hours, GFR,
        none if risk is None else risk.criteria, none if risk is None else risk.unexpected, _seen(told, bare), (), kidney.why,
        clearance_fall(lead, bare, facts, beliefs[lead], now=now, rule=rule),
    )  # fmt: skip
    return out if not out.warns else _warned(out, record)


def _seen(told: KidneyTold, bare: Timeline) -> tuple[Innovation, ...]:
    born = birth_hour(bare) or 0.0
    return () if told.path is None else tuple(replace(i, time=i.time + born) for i in told.path.innovations)


def _warned(o: KidneyOutlook, record: WardRecord) -> KidneyOutlook:
    if len(o.unexpected) and o.unexpected.max() >= (o.clearance.p if o.clearance else 0.0):
        k = int(np.argmax(o.unexpected))
        days = o.hours[k] / 24
        message = (
            f"an injury beyond what gestation and age explain (KDIGO stage 1 or more) is expected within {days:g} "
            f"day{'' if days == 1.0 else 's'} with a probability of {percent(float(o.unexpected[k]))}"
        )
    else:
        assert o.clearance is not None
        if_right = o.clearance.p_if_right
        counted = "" if if_right is None else ", counting a level that is in doubt"
        message = (
            f"the drug is cleared {1.0 - o.clearance.ratio[1]:.0%} slower than gestation, age, weight and treatment explain"
            f"{counted}; by half or more, a kidney injury, with a probability of {percent(o.clearance.p)}"
            + ("" if if_right is None else f" ({percent(if_right)} if that level is right)")
        )
    finding = Finding(
        "warning", "kidney_injury_expected", f"patient {record.id}", message, round(o.injury or 0.0, 4),
        f"< {INJURY_WARNING:g} ({INJURY_SOURCE})", "measure creatinine and urine output again, look for nephrotoxic drugs",
    )  # fmt: skip
    return replace(o, findings=(finding,))
