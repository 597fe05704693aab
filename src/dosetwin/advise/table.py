"""The rows, reasons and numbers an answer is made of, from a decision; moments as they are written."""

from typing import Any

import numpy as np

from dosetwin.advise.core import Decision, State
from dosetwin.advise.curves import LEVELS
from dosetwin.advise.question import Asked
from dosetwin.decide.policy import Policy
from dosetwin.decide.recommendation import Candidate, Dosing
from dosetwin.decide.search import holds
from dosetwin.errors import Reason
from dosetwin.records import Regimen, Timeline

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


def ordered(timeline: Timeline, r: Regimen) -> Dosing:
    """A regimen as it is ordered, its moment as it is written."""
    wait = None if r.loading is None else r.first_interval
    return Dosing(r.amount, r.interval, r.duration, clock(timeline, r.first_at), r.loading, wait)


def table(made: Decision, asked: Asked) -> tuple[Candidate, ...]:
    """The best candidates, the best of each interval and every standard rule, in the order of the ranking."""
    keep: set[int] = set()
    best_of: set[float] = set()
    place = loaded = 0
    for i in made.choice.order:
        plan = made.plans[i]
        if plan.regimen.loading is not None:  # many of them are next to the same: a few, beside those of one amount
            loaded += 1
            if loaded <= LOADING_ROWS:
                keep.add(i)
            continue
        if plan.rules or place < asked.therapy.table_rows or plan.regimen.interval not in best_of:
            keep.add(i)
        place += 1
        best_of.add(plan.regimen.interval)
    rows = []
    s, e = made.choice.scores, made.exposures
    for place, i in enumerate(made.choice.order):
        if i not in keep:
            continue
        plan = made.plans[i]
        median = {f"{m}_{d}": round(_quantile(v[i], e.weights, 0.5), 3) for (m, d), v in e.values.items()}
        rows.append(
            Candidate(
                rank=place + 1, regimen=ordered(asked.bare, plan.regimen), rules=plan.rules,
                mg_per_kg=None if plan.mg_per_kg is None else round(plan.mg_per_kg, 3),
                loss=float(s.loss[i]), loss_se=float(s.loss_se[i]), joint=float(s.joint[i]), joint_se=float(s.joint_se[i]),
                attainment=s.attainment(i), median=median, allowed=not plan.violations,
                acceptable=made.choice.acceptable(plan, i), violations=plan.violations, unmet=made.choice.unmet[i],
                loading_mg_per_kg=None if plan.loading_mg_per_kg is None else round(plan.loading_mg_per_kg, 3),
            )
        )  # fmt: skip
    return tuple(rows)


def _quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    order = np.argsort(values)
    return float(values[order][min(int(np.searchsorted(np.cumsum(weights[order]), q)), len(values) - 1)])


def how_sure(made: Decision, state: State) -> dict[str, Any]:
    """Numbers behind 'how sure': chance that everything is met, spread of the coming peak and trough, draws, levels."""
    index, lead = made.choice.chosen, state.beliefs[state.lead]
    out: dict[str, Any] = {
        "levels_used": lead.n_used,
        "method": lead.method,
        "effective_draws": round(made.exposures.n_eff, 1),
    }
    if index is None:
        return out
    s, e = made.choice.scores, made.exposures
    out["joint"], out["joint_se"] = float(s.joint[index]), float(s.joint_se[index])
    others = [k for k in e.values if " of " in k[0] and k[1] in ("next", "last")]
    for key in (("peak", "next"), ("trough", "next"), ("trough", "last"), ("auc24", "last"), *others):
        values = e.values[key][index]
        out["_".join(key)] = [round(_quantile(values, e.weights, q), 3) for q in LEVELS]
    worst = min(float(s.p[k][index]) for k in s.p if k[0] == "trough_toxic") if any(k[0] == "trough_toxic" for k in s.p) else None
    if worst is not None:
        out["p_trough_not_toxic"] = worst
    basis = f"{lead.n_used} level(s)" if lead.n_used else "no level yet: the population only"
    out["statement"] = f"all joint targets met with a probability of {out['joint']:.0%} (+- {out['joint_se']:.1%}), from {basis}"
    return out


def not_scored(made: Decision, asked: Asked) -> tuple[Reason, ...]:
    """That a goal over a fact nobody knows (the MIC) could not be scored; nothing where no goal asks for one."""
    index = made.choice.chosen
    target = next((t for t in asked.therapy.targets if t.over and t.low), None)
    if index is None or target is None or target.low is None or target.over in asked.question.facts:
        return ()
    peak = float(np.median(made.exposures.values[target.reads, "next"][index]))
    text = f"MIC not known: Cmax/MIC {target.border()} is not scored; the expected peak reaches it up to this MIC"
    return (Reason("mic_unknown", None, round(peak / target.low, 2), "mg/L", text, target.source),)


def safe_under_neither(made: Decision) -> tuple[Reason, ...]:
    """Why nothing is ordered while a record is in doubt, and what would help."""
    text = f"none of {len(made.plans)} regimens is acceptable both if the doubted record is right and if it is wrong"
    help_ = "take the level again; check sampling time, line, dose record, unit and assay"
    return Reason("safe_under_neither", len(made.plans), None, "", text), Reason("what_would_help", text=help_)


def too_high_now(made: Decision, policy: Policy) -> bool:
    """Whether the level before the coming dose already breaks a constraint on it under every plan."""
    targets = [t for t in policy.targets if t.metric == "trough" and "pre" in t.constrained]
    s = made.choice.scores
    return any((t.code, "pre") in s.p and not holds(s.p[t.code, "pre"], t).any() for t in targets)


def stands_in_the_way(made: Decision, metric: str, policy: Policy) -> bool:
    """Whether a constraint on ``metric`` is what forbids the plans."""
    codes = {t.code for t in policy.targets if t.metric == metric}
    return any(r.code == "binding_constraint" and r.value in codes for r in made.choice.reasons)
