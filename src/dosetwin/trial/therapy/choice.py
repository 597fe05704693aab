"""What an arm orders at one moment for what a chart holds then: a published rule, a fixed order, or the twin's choice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dosetwin.advise.core import believe, decide
from dosetwin.advise.question import Asked, Question
from dosetwin.decide.plans import Plan, ask_rules, enumerate_plans, situation
from dosetwin.declare import Therapy
from dosetwin.declare.menu import Situation
from dosetwin.declare.rule import Said
from dosetwin.errors import InputError
from dosetwin.records import Timeline

if TYPE_CHECKING:
    from dosetwin.trial.therapy.design import Arm, TherapyDesign

ONE = 1_000_000
"""Every so many-th order of the menu: hardly any of it is written out where a rule is asked alone."""


@dataclass(frozen=True, eq=False)
class Ordered:
    """The plan that is ordered; ``acceptable`` False: nothing was, and it is what came closest."""

    plan: Plan
    acceptable: bool = True


def ordered(design: "TherapyDesign", arm: "Arm", known: Timeline, now: float) -> Ordered | None:
    """What an arm orders at ``now`` (h); None where it has nothing to say. Raises InputError for facts it cannot do without."""
    therapy = design.of
    where = situation(known, now, therapy=therapy)
    if where.weight is None and therapy.needs_weight:
        raise InputError("the weight is needed to choose a dose", where=f"patient {known.patient.id}", allowed="> 0 kg")
    if arm.policy == "twin":
        return _twin(design, arm, known, where)
    fixed = arm.fixed
    if fixed is None:
        first, *later = arm.rules_of(therapy)
        says, _ = ask_rules((later[0] if later and not where.first else first,), where.facts)
    else:
        says = {arm.name: fixed}
    return _said(therapy, where, says)


def _said(therapy: Therapy, where: Situation, says: Mapping[str, Said]) -> Ordered | None:
    plans = [p for p in enumerate_plans(therapy, where, says, thin=ONE) if p.rules] if says else []
    return Ordered(plans[0]) if plans else None


def _twin(design: "TherapyDesign", arm: "Arm", known: Timeline, where: Situation) -> Ordered | None:
    """The choice that a search on the therapy's goals makes, under the belief from what is known."""
    therapy, model = design.of, design.believed(arm)
    question = Question(therapy, (model,), where.now, design.seed, arm.draws, facts=design.facts_given, sensitivity=False)
    asked = Asked(question, where.now, (model,), known, known, known, {}, {})
    state = believe(asked, conditions=False)
    found = decide(asked, state)
    plans, choice = found.plans, found.choice
    if choice.chosen is not None:
        return Ordered(plans[choice.chosen])
    closest = plans[choice.order[0]] if plans else None
    if closest is not None and not closest.violations:
        return Ordered(closest, acceptable=False)
    return _said(therapy, where, ask_rules(therapy.rules, where.facts)[0])
