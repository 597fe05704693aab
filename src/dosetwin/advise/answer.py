"""One answer: facts, models and a policy in, the next dose or a refusal with its reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.advise.core import believe
from dosetwin.advise.curves import Curves, curves_of, parameters_of, parameters_over, prior_draws
from dosetwin.advise.gate import checked, continues, ends_of, fits, last_record, unique
from dosetwin.advise.hold import TOLD_FROM, Asked, settle
from dosetwin.advise.kidney import choose, remarks
from dosetwin.advise.outlook import KidneyOutlook, outlook
from dosetwin.advise.provenance import provenance
from dosetwin.advise.sample import SAMPLE_DRAWS, before_the_dose, next_sample, when_safe
from dosetwin.advise.sensitivity import sensitivities
from dosetwin.advise.table import clock, how_sure, mic_reasons, ordered, safe_under_neither, table, too_high_now
from dosetwin.decide.policy import Policy
from dosetwin.decide.recommendation import Dosing, DoubtedRecord, Recommendation
from dosetwin.declare import Model
from dosetwin.errors import Finding
from dosetwin.records import Observation, Regimen, Timeline

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief
    from dosetwin.simulate.schedule import Rule


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
    kidney : how creatinine moves the drug's clearance, one of ``advise.kidney.NAMES``; None: chosen by evidence where it applies.
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
    fits(chosen_models, policy, mic, draws)
    now = last_record(timeline) if now is None else now
    remarked = checked(timeline, now, chosen_models, policy)
    bare = timeline.until(now)
    ends = ends_of(timeline, now)
    renal = choose(kidney, chosen_models, bare, now, rule)
    chosen_models, told = renal.models, renal.tell(bare, now, rule)
    known = told.on(bare)
    state = believe(known, chosen_models, seed=seed, draws=draws, rule=rule)
    lead, lead_draws = chosen_models[state.lead], state.pools[state.lead]
    beliefs = dict(zip(chosen_models, state.beliefs, strict=True))
    ahead = outlook(renal, told, bare, known, beliefs, now=now, seed=seed, rule=rule)
    settled = settle(Asked(known, chosen_models, policy, now, mic, rule, seed), state, ahead)
    made = settled.made

    def dosing(r: Regimen) -> Dosing:
        return ordered(timeline, r)

    index = made.choice.chosen
    regimen = None if index is None else made.plans[index].regimen
    in_doubt = regimen is None and bool(state.open_doubts)
    reasons = settled.reasons + (
        safe_under_neither(made) if in_doubt else (*made.choice.reasons, *made.silent, *mic_reasons(made, policy, index, mic))
    )
    if regimen is None and not in_doubt and too_high_now(made, policy):
        reasons += when_safe(known, lead, lead_draws, policy, now=now, rule=rule)
    joint = None if index is None else float(made.choice.scores.joint[index])
    doubts = ()
    if sensitivity and not in_doubt:
        doubts = sensitivities(
            bare, chosen_models, state, policy, regimen, joint, now=now, seed=seed, mic=mic, rule=rule, dosing=dosing, ends=ends,
            kidney=renal, told=told,
        )  # fmt: skip
    sample = next_sample(known, lead, lead_draws, policy, regimen, now=now, seed=seed, rule=rule)
    if settled.plan is not None and (sample is None or settled.plan.sample_at != sample.at):
        sample = before_the_dose(sample, settled.plan.sample_at)
    said = (*renal.findings, *remarks(told, f"patient {bare.patient.id}"), *(ahead.findings if ahead else ()))
    found = tuple(f for f in (*made.findings, *state.findings) if not (renal.outside and _told(f)))
    findings = unique((*remarked, *timeline.findings, *continues(ends, now), *said, *found))
    recommendation = Recommendation(
        status=settled.status,
        regimen=None if regimen is None else dosing(regimen),
        candidates=table(made, policy, dosing),
        reasons=reasons,
        findings=findings,
        provenance=provenance(
            timeline, chosen_models, state, made, policy, now=now, clock=clock(timeline, now), seed=seed, mic=mic, rule=rule,
            draws=draws, input_hash=input_hash, kidney=renal,
        ),
        kidney=ahead.to_json() if ahead else {},
        next_sample=sample,
        how_sure=how_sure(made, state, index),
        what_would_change_it=doubts,
        hold=settled.plan is not None,
        hold_reason=settled.hold_reason,
        hold_plan=settled.plan,
        doubted_records=tuple(
            DoubtedRecord(x.record, round(x.p_wrong, 4)) for x in state.levels if x.p_wrong >= TOLD_FROM
        ),
        parameters=parameters_over(chosen_models, known, state.believed, at=regimen.first_at if regimen else now, rule=rule),
    )  # fmt: skip
    measured = tuple(o for o in known.observations if o.measures in (policy.drug, ""))
    shown = (None, {}, {})
    if curves:
        shown = _shown(lead, known, lead_draws, state.believed[state.lead], regimen, measures=policy.drug, now=now, seed=seed,
                       rule=rule)  # fmt: skip
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
        advice.models[0], advice.asked, advice.beliefs[0].draws, advice.beliefs[0].believed().draws, advice.regimen,
        measures=advice.policy.drug, now=advice.now, seed=advice.seed, rule=rule,
    )  # fmt: skip
    return replace(advice, curves=curves, parameters=after, prior_parameters=before)


def _shown(
    lead: Model, known: Timeline, draws: np.ndarray, believed: np.ndarray, regimen: Regimen | None, *, measures: str, now: float,
    seed: int, rule: "Rule",
) -> tuple[Curves, dict[str, tuple[float, float, float]], dict[str, tuple[float, float, float]]]:  # fmt: skip
    """Curves, and the individual parameters after and before the levels."""
    few = draws[:SAMPLE_DRAWS]
    drawn = curves_of(lead, known, regimen, few, now=now, measures=measures, seed=seed, rule=rule)
    at = regimen.first_at if regimen else now
    after = parameters_of(lead, known, believed[:SAMPLE_DRAWS], at=at, rule=rule)
    prior = prior_draws(lead, 1 + len(known.occasions), len(few), seed)
    return drawn, after, parameters_of(lead, known, prior, at=at, rule=rule)


def _told(finding: Finding) -> bool:
    """Whether a model remarks on what a kidney does for it: that it cannot predict creatinine, or how the course is laid out."""
    about = {"level_not_predicted": "'SCR'", "covariate_carried_back": "KIDNEY"}.get(finding.code)
    return about is not None and about in finding.message
