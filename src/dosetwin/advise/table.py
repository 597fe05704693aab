"""The rows, reasons and numbers an answer is made of, from a decision; moments as they are written."""

import math
from typing import Any, cast

import numpy as np

from dosetwin.advise.core import Decision, State
from dosetwin.advise.curves import LEVELS
from dosetwin.advise.question import Asked
from dosetwin.decide.played import readable
from dosetwin.decide.recommendation import Candidate, Dosing, Ordered, Setup
from dosetwin.decide.search import holds
from dosetwin.declare import Therapy
from dosetwin.declare.goal import output_of
from dosetwin.declare.reading import Reading, json_key
from dosetwin.errors import Reason
from dosetwin.records import Choosable, DoseOrder, Every, Pump, Setting, Timeline, Week

RATIOS = {"peak": "Cmax", "trough": "Cmin", "auc24": "AUC24"}
"""What a reading is called where it stands over a fact."""
LOADING_ROWS = 4
"""Rows of the table at most that have a loading dose."""


def clock(timeline: Timeline, time: float) -> str | float:
    """ISO moment (to the second) where the record has a calendar, else h rounded to the second."""
    when = timeline.when(round(time * 3600.0) / 3600.0)
    if when is None:
        return round(time, 4)
    if when.microsecond >= 500_000:
        from datetime import timedelta

        when += timedelta(seconds=1)
    return when.replace(microsecond=0).isoformat()


def ordered(timeline: Timeline, r: Choosable) -> Ordered:
    """An order as it is written, with its moment."""
    if isinstance(r, Setting):
        return Setup(dict(r.values), clock(timeline, r.at), r.words())
    if not isinstance(r, Every):
        week, given = r.week if isinstance(r, Week) else None, cast("DoseOrder", r)
        amount = round(given.amount, 4) if isinstance(r, Pump) else given.amount
        return Dosing(amount, given.interval, given.duration, clock(timeline, r.first_at), week=week, words=r.words())
    wait = None if r.loading is None else r.first_interval
    return Dosing(r.amount, r.interval, r.duration, clock(timeline, r.first_at), r.loading, wait)


def table(made: Decision, asked: Asked) -> tuple[Candidate, ...]:
    """The best candidates, the best of each interval and every standard rule, in the order of the ranking."""
    keep: set[int] = set()
    best_of: set[tuple[float, ...]] = set()
    place = loaded = 0
    for i in made.choice.order:
        plan = made.plans[i]
        if plan.loading is not None:  # many of them are next to the same: a few, beside those of one amount
            loaded += 1
            if loaded <= LOADING_ROWS or plan.rules:
                keep.add(i)
            continue
        if plan.rules or place < asked.therapy.table_rows or plan.order.pattern[:1] not in best_of:
            keep.add(i)
        place += 1
        best_of.add(plan.order.pattern[:1])
    rows = []
    s, e = made.choice.scores, made.exposures
    for place, i in enumerate(made.choice.order):
        if i not in keep:
            continue
        plan = made.plans[i]
        median = {json_key(m, d): _finite(quantile(v[i], e.weights, 0.5), 3) for (m, d), v in e.values.items()}
        rows.append(
            Candidate(
                rank=place + 1, regimen=ordered(asked.bare, plan.order), rules=plan.rules,
                mg_per_kg=None if plan.mg_per_kg is None else round(plan.mg_per_kg, 3),
                loss=float(s.loss[i]), loss_se=float(s.loss_se[i]), joint=float(s.joint[i]), joint_se=float(s.joint_se[i]),
                attainment=s.attainment(i), median=median, allowed=not plan.violations,
                acceptable=made.choice.acceptable(plan, i), violations=plan.violations, unmet=made.choice.unmet[i],
                loading_mg_per_kg=None if plan.loading_mg_per_kg is None else round(plan.loading_mg_per_kg, 3),
            )
        )  # fmt: skip
    return tuple(rows)


def quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    """Weighted quantile of values."""
    order = np.argsort(values)
    return float(values[order][min(int(np.searchsorted(np.cumsum(weights[order]), q)), len(values) - 1)])


def _finite(value: float, digits: int) -> float | None:
    """Rounded; None for what has no end."""
    return round(value, digits) if math.isfinite(value) else None


def how_sure(made: Decision, asked: Asked, state: State) -> dict[str, Any]:
    """Numbers behind 'how sure': chance that everything is met, spread of what the therapy shows, draws, levels."""
    index, lead = made.choice.chosen, state.belief
    out: dict[str, Any] = {} if lead is None else {"levels_used": lead.n_used, "method": lead.method}
    out["effective_draws"] = round(made.exposures.n_eff, 1)
    if index is None:
        return out
    s, e = made.choice.scores, made.exposures
    out["joint"], out["joint_se"] = float(s.joint[index]), float(s.joint_se[index])
    for reading, dose in asked.therapy.shown:
        values = e.values[reading.key, dose][index]
        out[json_key(reading.key, dose)] = [_finite(quantile(values, e.weights, q), 3) for q in LEVELS]
    for goal in asked.therapy.goals:
        found = [float(s.p[key][index]) for key in s.p if key[0] == goal.code]
        if goal.told_as and found:
            out[goal.told_as] = min(found)
    basis = f"{lead.n_used} level(s)" if lead is not None and lead.n_used else "no level yet: the population only"
    if asked.twin is not None:
        basis = asked.twin.basis or "nothing seen yet: what is believed of such places only"
    out["statement"] = f"all joint targets met with a probability of {out['joint']:.0%} (+- {out['joint_se']:.1%}), from {basis}"
    return out


def order_json(timeline: Timeline, order: Choosable | None) -> dict[str, Any]:
    """An order as data of its kind, with its words and moment; empty for none."""
    if order is None:
        return {}
    said = {k: v for k, v in order.to_json().items() if k not in ("first_at_h", "at") and v is not None}
    return said | {"words": order.words(), "first_at": clock(timeline, order.first_at)}


def readings(made: Decision, asked: Asked, state: State) -> dict[str, dict[str, Any]]:
    """What is expected of the chosen order: each reading and dose with its unit, quantiles and the chance of its goals."""
    index, e = made.choice.chosen, made.exposures
    if index is None:
        return {}
    found: dict[tuple[str, str], Reading] = {(r.key, ""): r for r in asked.therapy.readings}
    found |= {(g.reading.key, g.reading.over): g.reading for g in asked.therapy.goals if g.reading.over in asked.facts}
    out: dict[str, dict[str, Any]] = {}
    for (key, over), reading in found.items():
        goals = [g for g in asked.therapy.goals if (g.reading.key, g.reading.over) == (key, over)]
        for dose in [d for k, d in e.values if k == key]:
            values = e.values[key, dose][index] / (asked.facts[over] if over else 1.0)
            judged = [g.met(values) for g in goals if dose in g.doses and not g.price]
            said = (reading.name or f"{key}_{over.lower()}") if over else key
            low, middle, high = (_finite(quantile(values, e.weights, q), 4) for q in (0.05, 0.5, 0.95))
            p = round(float(np.all(judged, axis=0) @ e.weights), 4) if judged else None
            unit = _unit(reading, asked, state)
            out[json_key(said, dose)] = {"unit": unit, "q05": low, "q50": middle, "q95": high, "p_goal": p}
    return out


def _unit(reading: Reading, asked: Asked, state: State) -> str:
    """The unit a reading is told in."""
    if asked.twin is not None:
        return reading.unit(readable(asked.twin, reading).unit)
    model = asked.models[state.lead]
    name = output_of(reading, model, asked.therapy.drug.name)
    return "" if name is None else reading.unit(model.outputs[name].unit)


def not_scored(made: Decision, asked: Asked) -> tuple[Reason, ...]:
    """That a goal over a fact nobody knows (the MIC) could not be scored; nothing where no goal asks for one."""
    index, out = made.choice.chosen, []
    if index is None:
        return ()
    for assumed in asked.therapy.assumed:
        if assumed.name not in asked.question.facts:
            text = f"{assumed.name} not known: {assumed.text}"
            out.append(Reason("fact_assumed", assumed.value, None, assumed.unit, text, assumed.source))
    for goal in asked.therapy.goals:
        fact = goal.reading.over
        if not fact or not goal.low or fact in asked.facts:
            continue
        dose = goal.doses[0]
        middle = float(np.median(made.exposures.values[goal.reading.key, dose][index]))
        plain = next(r for r in asked.therapy.readings if r.key == goal.reading.key)
        text = f"{fact} not known: {_ratio(plain, fact)} {goal.border()} is not scored; "
        text += f"the expected {plain.words} reaches it up to this {fact}"
        out.append(Reason(f"{fact.lower()}_unknown", None, round(middle / goal.low, 2), "mg/L", text, goal.source))
    return tuple(out)


def _ratio(plain: Reading, fact: str) -> str:
    """``Cmax/MIC``, ``AUC24/MIC``: as people write a reading over a fact."""
    return f"{RATIOS.get(plain.key, plain.words)}/{fact}"


def safe_under_neither(made: Decision) -> tuple[Reason, ...]:
    """Why nothing is ordered while a record is in doubt, and what would help."""
    text = f"none of {len(made.plans)} regimens is acceptable both if the doubted record is right and if it is wrong"
    help_ = "take the level again; check sampling time, line, dose record, unit and assay"
    return Reason("safe_under_neither", len(made.plans), None, "", text), Reason("what_would_help", text=help_)


def too_high_now(made: Decision, therapy: Therapy) -> bool:
    """Whether the level before the coming dose already breaks a constraint on it under every plan."""
    s = made.choice.scores
    return any(g.forbids_now and (g.code, "pre") in s.p and not holds(s.p[g.code, "pre"], g).any() for g in therapy.goals)


def stands_in_the_way(made: Decision, therapy: Therapy) -> bool:
    """Whether a constraint on levels at the end of an interval is what forbids the plans: time would help."""
    if too_high_now(made, therapy):
        return True
    codes = {g.code for g in therapy.goals if g.forbids_now or "pre" in g.doses}
    return any(r.code == "binding_constraint" and r.value in codes for r in made.choice.reasons)
