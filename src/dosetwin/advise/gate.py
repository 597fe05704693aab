"""What is asked of facts, models and therapy before anything is computed, and what the record says of the time after now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from dosetwin import formulary
from dosetwin.advise.question import Asked, Question
from dosetwin.advise.withheld import withheld
from dosetwin.checks.record import check
from dosetwin.decide.applies import reasons
from dosetwin.decide.facts import facts_at
from dosetwin.declare.goal import judges
from dosetwin.declare.menu import Targets
from dosetwin.errors import Finding, InputError
from dosetwin.forecast import tells
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Covariate, Timeline

if TYPE_CHECKING:
    from dosetwin.twins.place import Place

T = TypeVar("T")


def ask(facts: "Timeline | Place", question: Question) -> Asked:
    """Put a question to facts about a patient or a place: its moment found, facts checked, who tells effects chosen and heard.

    Raises InputError when models, therapy and facts do not belong together or the facts have errors (all are listed), when who is
    asked to tell effects is unknown, cannot tell these models anything or has damaged weights.
    """
    if not isinstance(facts, Timeline):
        return _of_place(facts, question)
    fits(question)
    timeline = facts
    planned_fits(question)
    every, drug = timeline, question.therapy.drug.name
    timeline, left_out = formulary.hidden(every, drug)
    timeline = timeline.of(drug, formulary.followed())
    if flags := formulary.raised(every, drug):
        timeline = timeline.append(*flags)
    now = last_record(timeline) if question.now is None else question.now
    bare = timeline.until(now)
    remarked = (
        *checked(timeline, now, question),
        *formulary.together(every, drug, now, question.planned),
        *formulary.genetics(bare, drug),
        *_own_file(drug),
        *left_out,
        *unmade(bare, now, question),
        *reasons(question.therapy, question.models, facts_at(bare, now)),
        *said_by(question, bare, now),
        *asked_by(question, bare, now),
    )
    models, tellers = question.models, {}
    for name, by in tells.asked(question.told).items():
        tellers[name] = tells.listed()[name].choose(by, models, bare, now, question.rule)
        models = tellers[name].models
    told = {name: teller.tell(bare, now, question.rule) for name, teller in tellers.items()}
    taken = tuple(tells.listed()[name].channel.name for name, teller in tellers.items() if teller.used)
    models, more, said = formulary.tell(every, models, drug, now, question.rule, taken, question.planned)
    others = tuple(d for d in every.until(now).drugs() if d not in (drug, ""))
    known, found = heard(bare, told).append(*more), (*remarked, *said)
    if isinstance(question.therapy.menu, Targets):
        known = stopped(known, now)
    return withheld(Asked(question, now, models, timeline, bare, known, tellers, told, found, others))


def stopped(known: Timeline, now: float) -> Timeline:
    """The same facts with every infusion ended at ``now`` (h): the next order of a pump takes the place of what runs."""
    given = [replace(d, amount=d.amount * (now - d.time) / d.duration, duration=now - d.time)
             if d.duration > 0 and d.time < now < d.time + d.duration else d for d in known.doses]  # fmt: skip
    return replace(known, doses=tuple(given))


def forbidden_first(answer: Callable[["Timeline | Place", Question], T]) -> Callable[["Timeline | Place", Question], T]:
    """Where a question cannot be answered, say all the same, and first, what forbids the drug: an allele is no less a reason
    because a weight is missing."""

    @wraps(answer)
    def answered(facts: "Timeline | Place", question: Question) -> T:
        try:
            return answer(facts, question)
        except InputError as error:
            if not isinstance(facts, Timeline):
                raise
            now = max((t for t in (question.now, *(c.time for c in facts.covariates)) if t is not None), default=0.0)
            known = facts_at(facts.until(now), now)
            held = [(b, reason) for b in question.therapy.bars if (reason := b.forbidden(known)) is not None]
            if not held:
                raise
            said = " and ".join(f"{reason.text} ({reason.source})" for _, reason in held)
            raise InputError(
                f"nothing of {question.therapy.drug.name} may be ordered: {said}; beside that: {error}",
                where=f"patient {facts.patient.id}", remedy="; ".join(b.help for b, _ in held if b.help),
            ) from None  # fmt: skip

    return answered


def _of_place(place: "Place", question: Question) -> Asked:
    """The same of a place: a twin hears what was known there. Raises InputError for a therapy of no place, or without a pool."""
    from dosetwin.twins.place import BedPool

    therapy = question.therapy
    if therapy.kind != "place":
        raise InputError("the therapy is of no place", where=f"therapy {therapy.name}", value=therapy.kind, allowed="place")
    if therapy.pool is None:
        raise InputError("a therapy of a place needs a pool", where=f"therapy {therapy.name}", remedy="write pool=Pool(...)")
    enough(question)
    now = place.last if question.now is None else question.now
    known = place if now is None else place.until(now)
    if now is None or not known.facts:
        raise InputError("nothing is recorded by then", where=place.name, value=None if now is None else f"{now:g} h")
    twin = BedPool(therapy.pool, therapy=therapy).told(*known.facts)
    told = [Covariate(now, name, value) for name, value in twin.rules_facts(question.draws, question.seed).items()]
    facts = known.timeline(*told)
    return Asked(question, now, (), place.timeline(), known.timeline(), facts, {}, {}, said_by(question, facts, now), twin=twin)


def heard(bare: Timeline, told: Mapping[str, tells.Told]) -> Timeline:
    """Facts with every course that was told."""
    for course in told.values():
        bare = course.on(bare)
    return bare


def fits(question: Question) -> None:
    """Raise InputError when no model is asked, one is about another drug, a fact is no positive number or draws are too few."""
    therapy = question.therapy
    if not question.models:
        raise InputError("a question needs a model", where="models", value="none", allowed=f"models of {therapy.drug.name}")
    for m in question.models:
        if m.drug != therapy.drug.name:
            raise InputError("model and therapy are about different drugs", where=m.name, value=m.drug, allowed=therapy.drug.name)
    judges(therapy.goals, question.models, therapy.drug.name, f"therapy {therapy.name}")
    for name, value in question.facts.items():
        if not (value > 0 and np.isfinite(value)):
            raise InputError(f"the {name} must be a positive number", where=f"facts: {name}", value=value, allowed="> 0")
    enough(question)


def _own_file(drug: str) -> tuple[Finding, ...]:
    """A remark where the drug is one of somebody's own file that took the place of a listed one."""
    if not formulary.replaced(drug):
        return ()
    text = f"{drug} is that of your own file: the listed one of this name, its interactions and therapies, are not used"
    return (Finding("info", "own_drug_in_use", drug, text, remedy="give yours another name to have both"),)


def planned_fits(question: Question) -> None:
    """Raise InputError where a planned dose is of the drug asked about, of none or of no drug that is listed."""
    others = [d.name for d in formulary.drugs() if d.name != question.therapy.drug.name]
    for d in question.planned:
        if d.drug not in others:
            raise InputError("a planned dose is of another drug than the one asked about, by its name", where="planned",
                             value=d.drug or "no name", allowed=", ".join(others))  # fmt: skip


def enough(question: Question) -> None:
    """Raise InputError when draws are too few."""
    if question.draws < 100:
        raise InputError("too few draws for probabilities", where="draws", value=question.draws, allowed=">= 100")


def last_record(timeline: Timeline) -> float:
    """The time of the last record, h. Raises InputError when nothing is recorded."""
    times = [d.time for dose in timeline.doses for d in dose.expanded()]
    times += [o.time for o in timeline.observations]
    # a flag that goes off may be known in advance: it is no sign that so much time has passed
    times += [c.time for c in timeline.covariates if c.value != 0]
    if not times:
        raise InputError("nothing is recorded", where=f"patient {timeline.patient.id}", remedy="add doses, levels or a weight")
    return max(times)


def ends_of(timeline: Timeline, now: float) -> dict[str, float]:
    """When the record says that what is ``stopped`` and runs at ``now`` will end. Until then is not assumed in the
    recommendation."""
    found = {}
    for flag in (name for name, q in QUANTITIES.items() if q.stopped):
        off = [c.time for c in timeline.covariates if c.name == flag and c.value == 0 and c.time > now + 1e-9]
        if off and any(c.name == flag and c.value != 0 and c.time <= now for c in timeline.covariates):
            found[flag] = min(off)
    return found


def continues(ends: dict[str, float], now: float) -> tuple[Finding, ...]:
    """Findings: a flag whose end (h) is recorded later is taken to continue."""
    text = "its end is recorded {:.3g} h after now; it is taken to continue, which is the cautious reading"
    remedy = "see what would change the answer"
    return tuple(Finding("info", "taken_to_continue", flag, text.format(end - now), remedy=remedy) for flag, end in ends.items())


def checked(timeline: Timeline, now: float, question: Question) -> tuple[Finding, ...]:
    """The findings of the checks; errors among them (and those of the importer) raise InputError."""
    therapy = question.therapy
    first = not timeline.doses and not any(o.measures in (therapy.drug.name, "") for o in timeline.observations)
    weight = therapy.needs_weight or any(m.needs_weight for m in question.models)
    known = (
        timeline if timeline.drug else replace(timeline, drug=therapy.drug.name)
    )  # doses of no named drug are of the one asked for
    found = (*check(known, now, first_dose=first, weight=weight), *stale(timeline, now, therapy.stale_h))
    errors = [f for f in (*timeline.findings, *found) if f.severity == "error"]
    if errors:
        raise InputError(" | ".join(dict.fromkeys(map(str, errors))), where=f"patient {timeline.patient.id}")
    return found


def unmade(known: Timeline, now: float, question: Question) -> tuple[Finding, ...]:
    """A warning for each condition that is on, has a model made for it, and is asked of others alone."""
    facts, asked = facts_at(known, now), {m.name for m in question.models}
    return tuple(
        Finding("warning", "model_not_for_condition", flag, f"{flag} is on and {name}, the model made for it, is not asked",
                ", ".join(sorted(asked)), name, f"ask {name}")
        for flag, name in question.therapy.made_for if facts.on(flag) and name not in asked
    )  # fmt: skip


def said_by(question: Question, known: Timeline, now: float) -> tuple[Finding, ...]:
    """What the therapy says for itself of these facts."""
    if not question.therapy.says:
        return ()
    facts, record = facts_at(known, now), f"patient {known.patient.id}"
    found = (sentence.remark(facts, record) for sentence in question.therapy.says)
    return tuple(f for f in found if f is not None)


def asked_by(question: Question, known: Timeline, now: float) -> tuple[Finding, ...]:
    """What its bars ask of these facts: what nobody wrote of what may forbid the drug, each once."""
    facts, drug = facts_at(known, now), question.therapy.drug.name
    begun = any((d.drug or known.drug) in (drug, "") for d in known.doses)
    return tuple(f for b in question.therapy.bars if (f := b.asked(facts, begun)) is not None)


def stale(timeline: Timeline, now: float, after_h: float) -> tuple[Finding, ...]:
    """A warning when nothing was recorded for ``after_h`` before ``now``: doses may be missing from the record."""
    known = timeline.until(now)
    times = [r.time for r in (*known.doses, *known.observations, *known.covariates)]
    if not times or now - max(times) <= after_h:
        return ()
    days = (now - max(times)) / 24.0
    return (Finding("warning", "stale_data", f"patient {timeline.patient.id}", f"the last record is {days:.0f} days before now",
                    round(days, 2), f"<= {after_h / 24:g} days", "check now; later records may be missing"),)  # fmt: skip


def unique(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each finding once, errors first."""
    order = {"error": 0, "warning": 1, "info": 2}
    seen: dict[str, Finding] = {str(f): f for f in findings}
    return tuple(sorted(seen.values(), key=lambda f: order[f.severity]))
