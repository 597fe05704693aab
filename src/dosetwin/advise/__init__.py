"""The whole product in one pure call: facts, a model and a policy in, the next dose with its reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.advise.core import Decision, State, believe, decide
from dosetwin.advise.curves import LEVELS, Curves, curves_of, parameters_of, prior_draws
from dosetwin.advise.kidney import choose, remarks
from dosetwin.advise.outlook import KidneyOutlook, outlook
from dosetwin.advise.provenance import provenance
from dosetwin.advise.sensitivity import sensitivities
from dosetwin.decide.policy import Policy
from dosetwin.decide.recommendation import Candidate, Dosing, NextSample, Option, Recommendation
from dosetwin.decide.sampling_time import rank_times
from dosetwin.declare import Model
from dosetwin.errors import Finding, InputError, Reason
from dosetwin.records import Observation, Regimen, Timeline
from dosetwin.records.checks import check

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief
    from dosetwin.simulate.schedule import Rule

__all__ = ["LEVELS", "Advice", "Curves", "advise", "advise_full", "with_curves"]

SAMPLE_DRAWS = 400
STALE_H = 7 * 24.0
"""A record that ends longer before the decision gets a warning (assumed)."""


@dataclass(frozen=True, eq=False)
class Advice:
    """A recommendation and what a report needs beside it.

    ``timeline`` the facts known at ``now``; ``beliefs`` and ``weights`` one per model; ``regimen`` the chosen plan in h
    (None: refusal); ``levels`` the measurements of the drug; ``parameters`` name -> (5, 50, 95 % quantile) of the
    individual parameters in force at the coming dose, updated belief; ``prior_parameters`` the same before any level;
    ``asked`` the timeline as the models saw it, with the kidney's course; ``kidney`` what the kidney in use expects.
    """

    recommendation: Recommendation
    timeline: Timeline
    models: tuple[Model, ...]
    policy: Policy
    now: float
    seed: int
    beliefs: "tuple[Belief, ...]"
    weights: tuple[float, ...]
    regimen: Regimen | None
    levels: tuple[Observation, ...]
    curves: Curves | None
    parameters: dict[str, tuple[float, float, float]]
    prior_parameters: dict[str, tuple[float, float, float]]
    asked: Timeline
    kidney: KidneyOutlook | None = None


def advise(
    timeline: Timeline,
    model: Model,
    policy: Policy,
    *,
    now: float | None = None,
    seed: int = 0,
    models: Sequence[Model] | None = None,
    mic: float | None = None,
    draws: int = 500,
    rule: "Rule" = "locf",
    sensitivity: bool = True,
    kidney: str | None = None,
    look_ahead: bool = False,
    pack: str = "peak_driven",
) -> Recommendation:
    """The next dose, or a refusal with reasons. Pure: the same arguments give the same answer.

    Parameters
    ----------
    timeline : the patient's facts; those after ``now`` are not used.
    model : the model; with ``models`` (several) their average is used instead and weighted by the levels.
    now : h on the timeline's clock; None: the time of the last record.
    mic : mg/L of the pathogen, if known.
    draws : posterior draws every regimen is scored on.
    rule : covariates between records: ``locf``, ``nocb``, ``linear``.
    kidney : how creatinine moves the drug's clearance, one of ``advise.kidney.NAMES``; None: the default where it applies.
    look_ahead, pack : also what a controller would plan in that scenario of infection (``advise.ahead``; research).

    Raises
    ------
    InputError : the facts have errors (all are listed), a model lacks a covariate it needs, model and policy are about
        different drugs, the kidney is unknown, cannot tell these models anything or has damaged weights.
    """
    return advise_full(
        timeline, model, policy, now=now, seed=seed, models=models, mic=mic, draws=draws, rule=rule, sensitivity=sensitivity,
        kidney=kidney, curves=False, look_ahead=look_ahead, pack=pack,
    ).recommendation  # fmt: skip


def advise_full(
    timeline: Timeline,
    model: Model,
    policy: Policy,
    *,
    now: float | None = None,
    seed: int = 0,
    models: Sequence[Model] | None = None,
    mic: float | None = None,
    draws: int = 500,
    rule: "Rule" = "locf",
    curves: bool = True,
    sensitivity: bool = True,
    kidney: str | None = None,
    input_hash: str = "",
    look_ahead: bool = False,
    pack: str = "peak_driven",
) -> Advice:
    """``advise`` with everything a report shows beside it; ``input_hash`` names the source, default a hash of the timeline."""
    chosen_models = tuple(models) if models else (model,)
    _fits(chosen_models, policy, mic, draws)
    now = _last_record(timeline) if now is None else now
    checked = _checked(timeline, now, policy.drug)
    bare = timeline.until(now)
    ends = _ends(timeline, now)
    renal = choose(kidney, chosen_models, bare, now)
    chosen_models, told = renal.models, renal.tell(bare, now, rule)
    known = told.on(bare)
    state = believe(known, chosen_models, seed=seed, draws=draws, rule=rule)
    made = decide(known, chosen_models, state, policy, now=now, mic=mic, rule=rule)

    def dosing(r: Regimen) -> Dosing:
        return Dosing(r.amount, r.interval, r.duration, _clock(timeline, r.first_at))

    index = None if state.contradictions else made.choice.chosen
    regimen = None if index is None else made.plans[index].regimen
    reasons = (
        _contradicted(state) if state.contradictions else (*made.choice.reasons, *made.silent, *_mic_reasons(made, index, mic))
    )
    if regimen is None and not state.contradictions and _binds(made, "trough", policy):
        reasons += _when_safe(known, chosen_models[state.lead], state.pools[state.lead], policy, now=now, rule=rule)
    joint = None if index is None else float(made.choice.scores.joint[index])
    doubted = ()
    if sensitivity and not state.contradictions:
        doubted = sensitivities(
            bare, chosen_models, state, policy, regimen, joint, now=now, seed=seed, mic=mic, rule=rule, dosing=dosing, ends=ends,
            kidney=renal, told=told,
        )  # fmt: skip
    lead = chosen_models[state.lead]
    lead_draws = state.pools[state.lead]
    sample = None
    if not state.contradictions:
        sample = _next_sample(known, lead, lead_draws, policy, regimen, now=now, seed=seed, rule=rule)
    beliefs = dict(zip(chosen_models, state.beliefs, strict=True))
    ahead = outlook(renal, told, bare, known, beliefs, now=now, seed=seed, rule=rule)
    said = (*renal.findings, *remarks(told, f"patient {bare.patient.id}"), *(ahead.findings if ahead else ()))
    found = tuple(f for f in (*made.findings, *state.findings) if not (renal.outside and _told(f)))
    findings = _unique((*checked, *timeline.findings, *_continues(ends, now), *said, *found))
    recommendation = Recommendation(
        status="refuse" if regimen is None else "recommend",
        regimen=None if regimen is None else dosing(regimen),
        candidates=_table(made, policy, dosing, only_rules=bool(state.contradictions)),
        reasons=reasons,
        findings=findings,
        provenance=provenance(
            timeline, chosen_models, state, made, policy, now=now, clock=_clock(timeline, now), seed=seed, mic=mic, rule=rule,
            draws=draws, input_hash=input_hash, kidney=renal,
        ),
        kidney=ahead.to_json() if ahead else {},
        next_sample=sample,
        how_sure=_how_sure(made, state, index),
        what_would_change_it=doubted,
    )  # fmt: skip
    measured = tuple(o for o in known.observations if o.measures in (policy.drug, ""))
    shown = (None, {}, {})
    if curves:
        shown = _shown(lead, known, lead_draws, regimen, measures=policy.drug, now=now, seed=seed, rule=rule)
    made_advice = Advice(recommendation, bare, chosen_models, policy, now, seed, state.beliefs, state.weights, regimen, measured,
                         *shown, known, ahead)  # fmt: skip
    if not look_ahead:
        return made_advice
    from dosetwin.advise.ahead import plan_ahead

    planned = plan_ahead(made_advice, scenario=pack, mic=mic, rule=rule)
    return replace(made_advice, recommendation=replace(recommendation, look_ahead=planned))


def with_curves(advice: Advice, rule: "Rule" = "locf") -> Advice:
    """An advice of one model that was made without curves, with those it would have been made with (the same numbers)."""
    if advice.curves is not None or len(advice.models) != 1:
        return advice
    curves, after, before = _shown(
        advice.models[0], advice.asked, advice.beliefs[0].draws, advice.regimen, measures=advice.policy.drug, now=advice.now,
        seed=advice.seed, rule=rule,
    )  # fmt: skip
    return replace(advice, curves=curves, parameters=after, prior_parameters=before)


def _shown(
    lead: Model, known: Timeline, draws: np.ndarray, regimen: Regimen | None, *, measures: str, now: float, seed: int,
    rule: "Rule",
) -> tuple[Curves, dict[str, tuple[float, float, float]], dict[str, tuple[float, float, float]]]:  # fmt: skip
    """Curves, and the individual parameters after and before the levels."""
    few = draws[:SAMPLE_DRAWS]
    drawn = curves_of(lead, known, regimen, few, now=now, measures=measures, seed=seed, rule=rule)
    at = regimen.first_at if regimen else now
    after = parameters_of(lead, known, few, at=at, rule=rule)
    prior = prior_draws(lead, 1 + len(known.occasions), len(few), seed)
    return drawn, after, parameters_of(lead, known, prior, at=at, rule=rule)


def _fits(models: Sequence[Model], policy: Policy, mic: float | None, draws: int) -> None:
    for m in models:
        if m.drug != policy.drug:
            raise InputError("model and policy are about different drugs", where=m.name, value=m.drug, allowed=policy.drug)
    if mic is not None and not (mic > 0 and np.isfinite(mic)):
        raise InputError("the MIC must be a positive number", where="mic", value=mic, allowed="> 0 mg/L")
    if draws < 100:
        raise InputError("too few draws for probabilities", where="draws", value=draws, allowed=">= 100")


def _last_record(timeline: Timeline) -> float:
    times = [d.time for dose in timeline.doses for d in dose.expanded()]
    times += [o.time for o in timeline.observations]
    # a flag that goes off may be known in advance: it is no sign that so much time has passed
    times += [c.time for c in timeline.covariates if c.value != 0]
    if not times:
        raise InputError("nothing is recorded", where=f"patient {timeline.patient.id}", remedy="add doses, levels or a weight")
    return max(times)


def _ends(timeline: Timeline, now: float) -> dict[str, float]:
    """When the record says that IBU or COOLING, running at ``now``, will end. Until then is not assumed in the recommendation."""
    found = {}
    for flag in ("IBU", "COOLING"):
        off = [c.time for c in timeline.covariates if c.name == flag and c.value == 0 and c.time > now + 1e-9]
        if off and any(c.name == flag and c.value != 0 and c.time <= now for c in timeline.covariates):
            found[flag] = min(off)
    return found


def _continues(ends: dict[str, float], now: float) -> tuple[Finding, ...]:
    text = "its end is recorded {:.3g} h after now; it is taken to continue, which is the cautious reading"
    remedy = "see what would change the answer"
    return tuple(Finding("info", "taken_to_continue", flag, text.format(end - now), remedy=remedy) for flag, end in ends.items())


def _checked(timeline: Timeline, now: float, drug: str) -> tuple[Finding, ...]:
    """The findings of the checks; errors among them (and those of the importer) raise InputError."""
    first = not timeline.doses and not any(o.measures in (drug, "") for o in timeline.observations)
    found = (*check(timeline, now, first_dose=first), *_stale(timeline, now))
    errors = [f for f in (*timeline.findings, *found) if f.severity == "error"]
    if errors:
        raise InputError(" | ".join(dict.fromkeys(map(str, errors))), where=f"patient {timeline.patient.id}")
    return found


def _stale(timeline: Timeline, now: float) -> tuple[Finding, ...]:
    """A warning when nothing was recorded for STALE_H before ``now``: doses may be missing from the record."""
    known = timeline.until(now)
    times = [r.time for r in (*known.doses, *known.observations, *known.covariates)]
    if not times or now - max(times) <= STALE_H:
        return ()
    days = (now - max(times)) / 24.0
    return (Finding("warning", "stale_data", f"patient {timeline.patient.id}", f"the last record is {days:.0f} days before now",
                    round(days, 2), f"<= {STALE_H / 24:g} days", "check now; later records may be missing"),)  # fmt: skip


def _clock(timeline: Timeline, time: float) -> str | float:
    """ISO moment (to the second) where the record has a calendar, else h rounded to the second."""
    when = timeline.when(round(time * 3600.0) / 3600.0)
    if when is None:
        return round(time, 4)
    if when.microsecond >= 500_000:
        from datetime import timedelta

        when += timedelta(seconds=1)
    return when.replace(microsecond=0).isoformat()


def _unique(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    order = {"error": 0, "warning": 1, "info": 2}
    seen: dict[str, Finding] = {str(f): f for f in findings}
    return tuple(sorted(seen.values(), key=lambda f: order[f.severity]))


def _told(finding: Finding) -> bool:
    """Whether a model remarks on what a kidney does for it: that it cannot predict creatinine, or how the course is laid out."""
    about = {"level_not_predicted": "'SCR'", "covariate_carried_back": "KIDNEY"}.get(finding.code)
    return about is not None and about in finding.message


def _contradicted(state: State) -> tuple[Reason, ...]:
    out = []
    names = ", ".join(b.model for b in state.beliefs)
    for level in state.contradictions:
        text = (
            f"level {level.record} of {level.measures} at {level.time:g} h contradicts {names}: "
            f"expected about {level.median:.3g}; it was not fitted away"
        )
        out.append(Reason("level_contradicts_every_model", level.observed, round(level.median, 3), "", text))
    out.append(Reason("what_would_help", text="check sampling time, line, dose record, unit and assay; take the level again"))
    return tuple(out)


def _mic_reasons(made: Decision, index: int | None, mic: float | None) -> tuple[Reason, ...]:
    if index is None or mic is not None:
        return ()
    peak = float(np.median(made.exposures.values["peak", "next"][index]))
    text = "MIC not known: Cmax/MIC >= 8 is not scored; the expected peak reaches it up to this MIC"
    return (Reason("mic_unknown", None, round(peak / 8.0, 2), "mg/L", text, "Sherwin 2009, Treluyer 2002"),)


def _binds(made: Decision, metric: str, policy: Policy) -> bool:
    codes = {t.code for t in policy.targets if t.metric == metric}
    return any(r.code == "binding_constraint" and r.value in codes for r in made.choice.reasons)


def _when_safe(
    known: Timeline, model: Model, draws: np.ndarray, policy: Policy, *, now: float, rule: "Rule", ahead: float = 120.0
) -> tuple[Reason, ...]:
    """For a refusal: when, without a further dose, the level is low enough to give one (the constraint on ``pre``)."""
    from dosetwin.simulate import predict, schedule_for

    target = next((t for t in policy.targets if t.metric == "trough" and "pre" in t.constrained), None)
    if target is None or not known.doses:
        return ()
    times = now + np.arange(0.0, ahead + 0.5, 1.0)
    found = predict(model, schedule_for(model, known, times, rule=rule), draws)
    name = model.measured_by(policy.drug) or next(iter(model.outputs))
    p = target.met(found.value[found.ok, :, list(model.outputs).index(name)]).mean(axis=0)
    low = np.flatnonzero(p >= (target.min_probability or 0.0))
    if len(low) == 0:
        text = f"without a further dose P(level {target.border()}) stays too low for {ahead:g} h: measure and reconsider"
        return (Reason("level_stays_high", round(float(p[-1]), 4), target.min_probability, "1", text, target.source),)
    at = float(times[low[0]])
    text = f"without a further dose P(level {target.border()}) reaches {target.min_probability:.0%} {at - now:.0f} h from now"
    return (Reason("level_low_enough_at", _clock(known, at), target.min_probability, "1", text, target.source),)


def _table(made: Decision, policy: Policy, dosing: Any, only_rules: bool) -> tuple[Candidate, ...]:
    """The best candidates, the best of each interval and every standard rule, in the order of the ranking."""
    keep: set[int] = set()
    best_of: set[float] = set()
    for place, i in enumerate(made.choice.order):
        plan = made.plans[i]
        if plan.rules or (not only_rules and (place < policy.table_rows or plan.regimen.interval not in best_of)):
            keep.add(i)
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
                rank=place + 1, regimen=dosing(plan.regimen), mg_per_kg=round(plan.mg_per_kg, 3), rules=plan.rules,
                loss=float(s.loss[i]), loss_se=float(s.loss_se[i]), joint=float(s.joint[i]), joint_se=float(s.joint_se[i]),
                attainment=s.attainment(i), median=median, allowed=not plan.violations,
                acceptable=made.choice.acceptable(plan, i), violations=plan.violations, unmet=made.choice.unmet[i],
            )
        )  # fmt: skip
    return tuple(rows)


def _quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    order = np.argsort(values)
    return float(values[order][min(int(np.searchsorted(np.cumsum(weights[order]), q)), len(values) - 1)])


def _how_sure(made: Decision, state: State, index: int | None) -> dict[str, Any]:
    """Numbers behind 'how sure': chance that everything is met, spread of the coming peak and trough, draws, levels."""
    lead = state.beliefs[state.lead]
    out: dict[str, Any] = {
        "levels_used": lead.n_used,
        "method": lead.method,
        "effective_draws": round(made.exposures.n_eff, 1),
    }
    if index is None:
        return out
    s, e = made.choice.scores, made.exposures
    out["joint"], out["joint_se"] = float(s.joint[index]), float(s.joint_se[index])
    for key in (("peak", "next"), ("trough", "next"), ("trough", "last"), ("auc24", "last")):
        values = e.values[key][index]
        out["_".join(key)] = [round(_quantile(values, e.weights, q), 3) for q in LEVELS]
    worst = min(float(s.p[k][index]) for k in s.p if k[0] == "trough_toxic") if any(k[0] == "trough_toxic" for k in s.p) else None
    if worst is not None:
        out["p_trough_not_toxic"] = worst
    basis = f"{lead.n_used} level(s)" if lead.n_used else "no level yet: the population only"
    out["statement"] = f"all joint targets met with a probability of {out['joint']:.0%} (+- {out['joint_se']:.1%}), from {basis}"
    return out


def _next_sample(
    known: Timeline,
    model: Model,
    draws: np.ndarray,
    policy: Policy,
    regimen: Regimen | None,
    *,
    now: float,
    seed: int,
    rule: "Rule",
) -> NextSample | None:
    """The most informative sampling time: after the coming dose, or, in a refusal, from now on without a further dose."""
    from dosetwin.simulate import parameters, predict, schedule_for

    if regimen is None and not known.doses:
        return None
    few = draws[:SAMPLE_DRAWS]
    start, span, infusion = (regimen.first_at, regimen.interval, regimen.duration) if regimen else (now, 24.0, 0.0)
    allowed = {a for a in policy.sample_after_h if infusion < a <= span or (a == 0 and known.doses)} | {span}
    after = sorted(allowed)
    last = start + (3 if regimen else 1) * span
    times = np.array([start + a for a in after] + ([last] if regimen else []))
    doses = regimen.doses(last - 1e-6) if regimen else ()
    schedule = schedule_for(model, known, times, rule=rule, extra_doses=doses)
    found = predict(model, schedule, few)
    name = model.measured_by(policy.drug) or next(iter(model.outputs))
    level = found.value[found.ok, :, list(model.outputs).index(name)]
    quantities = [np.log(np.maximum(level[:, -1], 1e-6))]
    first = schedule_for(model, known, times[:1], rule=rule)
    clearance = parameters(model, first, few[found.ok]).get("CL")
    if clearance is not None:
        quantities.insert(0, np.log(clearance[:, 0]))
    rng = np.random.default_rng([seed, 11])
    ranked = rank_times(after, level[:, : len(after)], quantities, model.outputs[name].residual, rng)
    options = tuple(
        Option(v.after_h, _clock(known, start + v.after_h), round(v.falls[0], 4), round(v.falls[-1], 4)) for v in ranked
    )
    best = options[0]
    worth = ranked[0].mean >= policy.sample_worth
    place = (
        "just before the coming dose"
        if best.after_h == 0
        else f"{best.after_h:g} h after {'the start of that dose' if regimen else 'now'}"
    )
    text = (
        f"a level {place} is expected to remove {best.fall_clearance:.0%} of the variance of ln clearance "
        f"and {best.fall_trough:.0%} of that of the last trough"
    )
    if not worth:
        text = f"no further level is worth taking yet (threshold {policy.sample_worth:.0%}): {text}"
    return NextSample(best.at, best.after_h, worth, text, best.fall_clearance, best.fall_trough, options)
