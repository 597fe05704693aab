"""When the next dose must wait for a level, and what follows from that level: a doubted record, a worry ahead, a refusal.

A doubted record has two explanations, *it is right* (and this patient is unlike others) and *it is wrong* (level, time, dose,
mix-up of patients). What is ordered must be safe under both. Where nothing is, and no later record has settled the doubt, the
answer is a level now, and one regimen for each outcome: taking a level costs an hour or two, a dose cannot be taken back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.advise.core import Decision, State, decide
from dosetwin.advise.curves import parameters_of
from dosetwin.advise.question import Asked
from dosetwin.advise.sample import next_sample, safe_at
from dosetwin.advise.table import clock, ordered, stands_in_the_way, too_high_now
from dosetwin.decide.recommendation import HoldPlan, NextSample, Ordered, Status, order
from dosetwin.errors import Finding, Reason
from dosetwin.forecast.tells import Outlook
from dosetwin.formulary import known, measured
from dosetwin.infer.belief import DOUBTED
from dosetwin.quantities import QUANTITIES
from dosetwin.quantities.units import plain_unit
from dosetwin.records import Choosable

if TYPE_CHECKING:
    from dosetwin.infer.belief import Plausibility

RIGHT_FROM = 0.05
"""Probability of *right* from which a doubt that a later record has settled still binds the order (assumed). A doubt that nothing
has settled always binds: the level can be taken again."""
RESULT_H = 2.0
"""h from a sample to its result (assumed): what is given after it is judged from then on."""
TOLD_FROM = 0.05
"""Records are listed as doubted from this probability of being wrong."""


@dataclass(frozen=True, eq=False)
class Settled:
    """A decision with its status, and, for a hold, the plan and the sentence that says it; ``reasons`` to be told first,
    ``findings`` of what the record lacks; ``rounds``: what keeping the ward's rounds costs (``advise.rounds``)."""

    made: Decision
    status: Status
    plan: HoldPlan | None = None
    hold_reason: str = ""
    reasons: tuple[Reason, ...] = ()
    findings: tuple[Finding, ...] = ()
    rounds: Mapping[str, Any] = field(default_factory=dict)


def settle(asked: Asked, state: State, ahead: Sequence[Outlook]) -> Settled:
    """Decide under both explanations of what is in doubt, and say whether the next dose must wait for a level.

    ``ahead``: what those who tell effects expect; where one warns, a level comes before the next dose.
    """
    from dosetwin.infer.plausibility import percent

    also = state.under(state.right) if binds(state) else None
    made = decide(asked, state, also=also)
    given = bool(asked.known.doses)
    reasons = (*(() if asked.withheld is None else (asked.withheld,)), *explained(asked, state))
    worries = [o.worry for o in ahead if o.worry is not None]
    reasons += tuple(w.reason for w in worries)
    regimen = made.regimen
    if regimen is not None and not given and (missing := undosed(asked, state)):
        return _without_doses(asked, made, missing, reasons)
    if regimen is not None and worries and given:
        earliest = sample_at(asked) + RESULT_H
        if regimen.first_at < earliest - 1e-9:
            made = decide(asked.at(earliest), state, also=also)
            regimen = made.regimen
        if regimen is not None:
            plan, why = worry_plan(asked, state, regimen), " and ".join(w.why for w in worries)
            return Settled(made, "caution", plan, sentence(plan, why, word_of(asked)), reasons)
    if regimen is not None:
        return Settled(made, "caution" if worries or state.open_doubts or asked.withheld else "recommend", reasons=reasons)
    if given and state.open_doubts:
        plan = doubt_plan(asked, state)
        pairs = probably_swapped(state)
        why = " and ".join([
            *(f"{_swapped(one, other, asked)} with a probability of {percent(p)}" for one, other, p in pairs),
            *(f"{_what(d, asked)} at {clock(asked.known, d.time)} is wrong with a probability of {percent(d.p_wrong)} and right "
              f"with {percent(1.0 - d.p_wrong)}" for d in _others(state.open_doubts, pairs)),
        ])  # fmt: skip
        none = plan.if_confirmed is None and plan.if_not is None
        word = word_of(asked)
        others = sorted({QUANTITIES[d.measures].text for d in state.open_doubts if _beside(d, asked)})
        also = "" if any(not _beside(d, asked) for d in state.open_doubts) else " and ".join(others)
        return Settled(made, "refuse" if none else "caution", plan, sentence(plan, why, word, also), reasons)
    if given and stands_in_the_way(made, asked.therapy):
        high = too_high_now(made, asked.therapy)
        safe = safe_at(asked, state) if high else None
        word = word_of(asked)
        why = f"the {word} is still too high for one" if high else f"the {word} would stay too high after it, at any interval"
        if safe is not None and decide(asked.at(safe), state).regimen is None:
            # once it is low enough for the next dose, that dose would lift it too high for the one after: no hour to promise
            why, safe = f"{why}, and would stay too high after it, at any interval", None
        plan = refusal_plan(asked, state, safe)
        return Settled(made, "refuse", plan, sentence(plan, why, word), reasons)
    return Settled(made, "refuse", reasons=reasons)


def undosed(asked: Asked, state: State) -> tuple[Finding, ...]:
    """A finding for each value of what is watched that is not expected without this drug, where no dose of it is recorded.

    Doses are missing from the record, or it is another patient's, or something else moves the value. An error where the value is
    in doubt under that record, a warning where it is only unusual.
    """
    drug, found = asked.therapy.drug.name, []
    beside = f" ({', '.join(asked.others)} is)" if asked.others else ""
    for x in state.levels:
        if _beside(x, asked) or (x.verdict == "plausible" and x.p_wrong < DOUBTED):
            continue
        seen = f"{_what(x, asked)} at {clock(asked.known, x.time)}"
        said = f"no dose of {drug} is recorded{beside}, and {seen} is not expected without"
        remedy = (f"enter the doses of {drug} given so far; if there were none, look for what else explains the {word_of(asked)} "
                  "and measure it again before the first dose")  # fmt: skip
        severity = "error" if x in state.open_doubts else "warning"
        found.append(Finding(severity, "not_on_this_drug", x.record, said, x.observed, f"about {x.median:.2g}", remedy))
    return tuple(found)


def _without_doses(asked: Asked, made: Decision, missing: tuple[Finding, ...], reasons: tuple[Reason, ...]) -> Settled:
    """Nothing is ordered while a value says that the record lacks doses; where one is only unusual it is said with the order."""
    said = tuple(Reason(f.code, f.value, None, "", f.message) for f in missing)
    if not any(f.severity == "error" for f in missing):
        return Settled(made, "caution", reasons=said + reasons, findings=missing)
    worst = next(f for f in missing if f.severity == "error")
    none = (*said, Reason("what_would_help", text=worst.remedy))
    choice = replace(
        made.choice, chosen=None, best=None, tied=(), reasons=none, unmet=tuple((*u, *said) for u in made.choice.unmet)
    )
    plan = HoldPlan(clock(asked.known, sample_at(asked)))
    why = sentence(plan, worst.message, word_of(asked))
    return Settled(replace(made, choice=choice), "refuse", plan, why, reasons, missing)


def word_of(asked: Asked) -> str:
    """What is measured next, in a word: a ``level`` of the drug, an ``INR``."""
    of = asked.therapy.sampling.of
    return QUANTITIES[of].text if of in QUANTITIES else "level"


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'AEIOaeio' else 'a'} {word}"


def _beside(doubted: "Plausibility", asked: Asked) -> bool:
    """Whether it is a laboratory value beside what this therapy measures."""
    return doubted.measures in QUANTITIES and doubted.measures != asked.therapy.sampling.of


def sample_at(asked: Asked) -> float:
    """The next full step of the ward's clock, h: when a level can be taken."""
    step = getattr(asked.therapy.menu, "step_h", 0.5)
    return float(np.ceil(asked.now / step - 1e-9)) * step


def _levels(asked: Asked, state: State, at: float) -> np.ndarray:
    """True levels of the drug at ``at`` h without a further dose, over the draws of the leading model, [K]."""
    from dosetwin.simulate import predict, schedule_for

    model = asked.models[state.lead]
    schedule = schedule_for(model, asked.known, [at], rule=asked.rule)
    found = predict(model, schedule, state.pools[state.lead])
    return found.value[found.ok, 0, asked.column(model)]


def _unit(asked: Asked, state: State) -> str:
    """Unit of the drug's level."""
    model = asked.models[state.lead]
    unit = model.outputs[asked.output(model)].unit
    return "" if plain_unit(unit) == "1" else unit


def _ordered(asked: Asked, r: Choosable | None) -> Ordered | None:
    return None if r is None else ordered(asked.bare, r)


def binds(state: State) -> bool:
    """Whether an order must be safe under *right* too."""
    return bool(state.open_doubts) or (bool(state.doubted) and state.p_right >= RIGHT_FROM)


def explained(asked: Asked, state: State) -> tuple[Reason, ...]:
    """Both explanations of every doubted record as reasons, with their probabilities; of a patient unlike others too."""
    out: list[Reason] = []
    doubted = state.doubted
    if not doubted:
        if state.p_unlike >= 0.5:
            text = "this patient is unlike those the model was made from; the levels agree on it and are believed"
            source = "heavy tail of the random effects, declared"
            out.append(Reason("patient_unlike", round(state.p_unlike, 4), None, "1", text, source))
        return tuple(out)
    right, wrong = (_clearance(asked, state, pools) for pools in (state.right, state.wrong))
    pairs = probably_swapped(state)
    for one, other, p in state.swapped:
        text = f"{_swapped(one, other, asked)} (each was then taken at the other's time)"
        out.append(Reason("levels_swapped", round(p, 4), None, "1", text + (wrong if p > 0.5 else "")))
    for d in _others(doubted, pairs):
        what = f"{_what(d, asked)} at {clock(asked.known, d.time)} ({d.record})"
        text = f"{what} is right and this patient unlike most{right}"
        out.append(Reason("level_if_right", round(1.0 - d.p_wrong, 4), None, "1", text))
        text = f"{what} is wrong (sample, time, dose record or patient){wrong}"
        out.append(Reason("level_if_wrong", round(d.p_wrong, 4), None, "1", text))
    return tuple(out)


def probably_swapped(state: State) -> "list[tuple[Plausibility, Plausibility, float]]":
    """Pairs of levels that more probably than not stand for each other: told as one thing, not as two records in doubt."""
    return [x for x in state.swapped if x[2] > 0.5]


def _others(
    doubted: "Sequence[Plausibility]", pairs: "Sequence[tuple[Plausibility, Plausibility, float]]"
) -> "list[Plausibility]":
    told = {(x.record, x.time) for one, other, _ in pairs for x in (one, other)}
    return [d for d in doubted if (d.record, d.time) not in told]


def _swapped(one: "Plausibility", other: "Plausibility", asked: Asked) -> str:
    return f"the levels of {_at(clock(asked.known, one.time))} and {_at(clock(asked.known, other.time))} may have been swapped"


def _what(level: "Plausibility", asked: Asked) -> str:
    name = level.measures or asked.therapy.drug.name
    of = QUANTITIES.get(level.measures)
    unit = of.unit_shown if of is not None else measured(name).unit_shown if known(name) else ""
    called = name if of is None else of.text
    return f"the {called} of {'< ' if level.blq else ''}{level.observed:.3g} {unit}".rstrip()


def _clearance(asked: Asked, state: State, pools: Sequence[np.ndarray]) -> str:
    lead = state.lead
    if not len(pools[lead]):
        return ""
    model = asked.models[lead]
    known = parameters_of(model, asked.known, pools[lead], at=asked.now, rule=asked.rule)
    said = []
    for name in (n for n in asked.therapy.sampling.learns if n in known):
        low, middle, high = known[name]
        unit = model.values[name].unit if name in model.values else "L/h" if name == "CL" else ""
        value = f"{middle:.3g} {'' if plain_unit(unit) == '1' else unit}".rstrip()
        said.append(f"{'clearance' if name == 'CL' else name} is then {value} ({low:.2g} to {high:.2g})")
    return f": {', '.join(said)}" if said else ""


def doubt_plan(asked: Asked, state: State) -> HoldPlan:
    """What to do where nothing is safe under both explanations: a level now, and a regimen (or none) for each outcome."""
    at = sample_at(asked)
    right, wrong = state.under(state.right), state.under(state.wrong)
    confirmed, not_so = (decide(asked.at(at + RESULT_H), s).regimen for s in (right, wrong))
    high, low = (float(np.median(_levels(asked, s, at))) for s in (right, wrong))
    floor = 1e-2
    border = float(np.sqrt(max(high, floor) * max(low, floor)))
    safe = None if confirmed is not None else safe_at(asked, right)
    return HoldPlan(
        clock(asked.known, at), float(f"{border:.2g}"), _unit(asked, state), high < low, _ordered(asked, confirmed),
        _ordered(asked, not_so), None if safe is None else clock(asked.known, safe),
    )  # fmt: skip


def worry_plan(asked: Asked, state: State, regimen: Choosable) -> HoldPlan:
    """A level before the coming dose, and the dose once it is known to be no higher than expected."""
    at = max(sample_at(asked), regimen.first_at - RESULT_H)
    highest = float(np.quantile(_levels(asked, state, at), 0.95))
    return HoldPlan(clock(asked.known, at), float(f"{highest:.2g}"), _unit(asked, state), False, None, _ordered(asked, regimen))


def refusal_plan(asked: Asked, state: State, safe: float | None) -> HoldPlan:
    """A level where nothing is acceptable; ``safe`` (h): when it is expected to be low enough for another dose, which the level's
    result comes before."""
    usual = next_sample(asked, state, None)
    at = asked.now + usual.after_h if usual is not None and usual.worth else sample_at(asked)
    if safe is not None:
        at = min(at, max(sample_at(asked), safe - RESULT_H))
    return HoldPlan(clock(asked.known, at), safe_at=None if safe is None else clock(asked.known, safe))


def sentence(plan: HoldPlan, why: str, what: str = "level", also: str = "") -> str:
    """A hold in words, moments in ISO form: do not give, take a ``what`` (and ``also``), and what follows from it."""
    take = f"{_a(also)} and {_a(what)}" if also else _a(what)
    text = f"do not give the next dose now: {why}; take {take} at {_at(plan.sample_at)}"
    if plan.confirms_above is None:
        return text + (
            f"; the {what} is expected to be low enough for another dose at {_at(plan.safe_at)}" if plan.safe_at else ""
        )
    side = "below" if plan.below else "above"
    of = f"{what} " if also else ""
    border = f"{of}{side} {plan.confirms_above:g} {plan.unit}".rstrip()
    then = f"if it confirms ({border}): {_order(plan.if_confirmed, plan.safe_at)}"
    return f"{text}; {then}; if it does not: {_order(plan.if_not, None)}"


def _at(moment: str | float) -> str:
    """A moment in ISO form, or hours of a record without a calendar."""
    return moment if isinstance(moment, str) else f"{moment:g} h"


def _order(r: Ordered | None, safe: str | float | None) -> str:
    if r is not None:
        return f"{order(r)} from {_at(r.first_at)}"
    return "no dose yet, ask again with it" + ("" if safe is None else f" (low enough expected at {_at(safe)})")


def coming_sample(asked: Asked, state: State, settled: Settled) -> NextSample | None:
    """The level to take next: the one that a hold asks for, else the most informative one; None where there is none."""
    usual, plan = next_sample(asked, state, settled.made.regimen), settled.plan
    if plan is None or (usual is not None and plan.sample_at == usual.at):
        return usual
    return before_the_dose(usual, plan.sample_at, word_of(asked))


def before_the_dose(usual: NextSample | None, at: str | float, what: str = "level") -> NextSample:
    """The level that a hold asks for, in place of the most informative one."""
    just_before = next((o for o in usual.options if o.after_h == 0), None) if usual is not None else None
    falls = (just_before.fall_clearance, just_before.fall_trough) if just_before is not None else (0.0, 0.0)
    text = f"{_a(what)} before the next dose, which waits for its result"
    return NextSample(at, 0.0, True, text, *falls, () if usual is None else usual.options)
