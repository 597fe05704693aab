"""The recommendation as it is handed on: what each part of an answer found, in one record."""

from typing import Any

from dosetwin.advise.core import State
from dosetwin.advise.curves import parameters_over
from dosetwin.advise.gate import continues, ends_of, unique
from dosetwin.advise.given import as_given, rounding
from dosetwin.advise.hold import TOLD_FROM, Settled
from dosetwin.advise.provenance import provenance
from dosetwin.advise.question import Asked
from dosetwin.advise.sample import when_safe
from dosetwin.advise.table import how_sure, not_scored, order_json, ordered, readings, safe_under_neither, table, too_high_now
from dosetwin.decide.recommendation import UNLIKELY, DoubtedRecord, NextSample, Recommendation, Sensitivity
from dosetwin.errors import Finding, Reason
from dosetwin.forecast.tells import Outlook


def write(
    asked: Asked, state: State, ahead: tuple[Outlook, ...], settled: Settled, sample: NextSample | None,
    doubts: tuple[Sensitivity, ...],
) -> Recommendation:  # fmt: skip
    """The recommendation, its reasons and remarks, the table and where it came from."""
    made = settled.made
    regimen, at = made.regimen, made.regimen.first_at if made.regimen else asked.now
    sure = how_sure(made, asked, state)
    poor = settled.status == "recommend" and sure["joint"] < UNLIKELY
    return Recommendation(
        status="caution" if poor else settled.status,
        regimen=None if regimen is None else ordered(asked.bare, regimen),
        order=order_json(asked.bare, regimen),
        given=_given(asked, state, settled),
        readings=readings(made, asked, state),
        candidates=table(made, asked),
        reasons=_reasons(asked, state, settled),
        findings=_findings(asked, state, ahead, settled),
        provenance=provenance(asked, state, made),
        told={name: {} for name in asked.tellers} | {o.name: o.to_json() for o in ahead},
        next_sample=sample,
        how_sure=sure,
        what_would_change_it=doubts,
        hold=settled.plan is not None,
        hold_reason=settled.hold_reason,
        hold_plan=settled.plan,
        doubted_records=tuple(DoubtedRecord(x.record, round(x.p_wrong, 4)) for x in state.levels if x.p_wrong >= TOLD_FROM),
        parameters=parameters_over(asked.models, asked.known, state.believed, at=at, rule=asked.rule),
    )


def _given(asked: Asked, state: State, settled: Settled) -> dict[str, Any]:
    """The order as hands give it; with what rounding costs where doubts are asked for too."""
    found = as_given(settled.made.regimen, asked.therapy)
    if found and asked.question.sensitivity:
        found["rounding"] = rounding(asked, state, settled.made)
    if settled.rounds:
        found["rounds"] = dict(settled.rounds)
    return found


def _reasons(asked: Asked, state: State, settled: Settled) -> tuple[Reason, ...]:
    """Why this, or why nothing; in a refusal also when the level is low enough for another dose."""
    made = settled.made
    if made.regimen is None and state.open_doubts and not settled.findings:
        return settled.reasons + safe_under_neither(made)
    reasons = (*settled.reasons, *made.choice.reasons, *made.silent, *not_scored(made, asked))
    if made.regimen is None and too_high_now(made, asked.therapy):
        reasons += when_safe(asked, state)
    return reasons


def _findings(asked: Asked, state: State, ahead: tuple[Outlook, ...], settled: Settled) -> tuple[Finding, ...]:
    """What the checks, the importer, those who tell effects and the models remarked, each once."""
    tellers, who = asked.tellers, f"patient {asked.bare.patient.id}"
    said = [f for name, t in tellers.items() for f in (*t.findings, *t.remarks(asked.told[name], who))]
    said += [f for o in ahead for f in o.findings]
    found = (f for f in (*settled.made.findings, *state.findings) if not any(t.answers(f) for t in tellers.values()))
    continued = continues(ends_of(asked.timeline, asked.now), asked.now)
    return unique((*asked.findings, *settled.findings, *asked.timeline.findings, *continued, *said, *found))
