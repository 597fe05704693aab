"""What an arm orders at one moment for what a chart holds then: a published rule, a fixed order, or the twin's choice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.advise.core import State, believe, decide
from dosetwin.advise.question import Asked, Question
from dosetwin.decide.plans import Plan, ask_rules, enumerate_plans, situation
from dosetwin.decide.readings import Responses
from dosetwin.decide.search import Choice, Scores, choose, score
from dosetwin.declare import Says, Sets, Therapy
from dosetwin.declare.menu import Repeated, Settings, Situation
from dosetwin.errors import InputError, SimulationError
from dosetwin.records import Timeline

if TYPE_CHECKING:
    from dosetwin.trial.therapy.design import Arm, TherapyDesign

COARSE = 8
"""Where every order costs a simulation, the menu is first looked at in so many steps, then between the best one's neighbours."""


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
        rule = next(r for r in therapy.rules if r.name == arm.policy.partition(":")[2])
        says, _ = ask_rules((rule,), where.facts)
    else:
        says = {arm.name: fixed}
    return _said(therapy, where, says)


def _said(therapy: Therapy, where: Situation, says: Mapping[str, Says | Sets]) -> Ordered | None:
    plans = [p for p in enumerate_plans(therapy, where, says, thin=ONE) if p.rules] if says else []
    return Ordered(plans[0]) if plans else None


def _twin(design: "TherapyDesign", arm: "Arm", known: Timeline, where: Situation) -> Ordered | None:
    """The choice that a search on the therapy's goals makes, under the belief from what is known."""
    therapy, model = design.of, design.believed(arm)
    question = Question(therapy, (model,), where.now, design.seed, arm.draws, facts=design.facts_given, sensitivity=False)
    asked = Asked(question, where.now, (model,), known, known, known, {}, {})
    state = believe(asked, conditions=False)
    if isinstance(therapy.menu, Settings) or (model.linear_in_dose and isinstance(therapy.menu, Repeated)):
        found = decide(asked, state)
        plans, choice = found.plans, found.choice
    else:
        plans, choice = _few(asked, state, where)
    if choice.chosen is not None:
        return Ordered(plans[choice.chosen])
    closest = plans[choice.order[0]] if plans else None
    if closest is not None and not closest.violations:
        return Ordered(closest, acceptable=False)
    return _said(therapy, where, ask_rules(therapy.rules, where.facts)[0])


def _few(asked: Asked, state: State, where: Situation) -> tuple[Sequence[Plan], Choice]:
    """The same where every order costs a simulation: only some of those inside the limits are looked at."""
    therapy, model, belief = asked.therapy, asked.models[0], state.beliefs[0]
    says, _ = ask_rules(therapy.rules, where.facts)
    every = enumerate_plans(therapy, where, says)
    plans = [p for p in every if not p.violations] or list(every[:1])
    effective = len(belief.draws) * min(belief.ess / len(belief.draws), 1.0)
    responses = Responses(model, asked.known, belief.draws, therapy, n_eff=effective, now=where.now, facts=asked.facts)

    def scored(plans: Sequence[Plan]) -> Scores:
        found = responses.of(plans)
        if found is None:
            raise SimulationError(f"{model.name}: orders could not be simulated alike for patient {asked.known.patient.id}")
        return score(found, therapy.goals, first=where.first)

    looked, scores = _between(plans, scored)
    return looked, choose(looked, scores, therapy.goals, therapy.tie_loss, bars=therapy.bars)


def _between(plans: Sequence[Plan], scored: Callable[[Sequence[Plan]], Scores]) -> tuple[list[Plan], Scores]:
    """The plans looked at and their scores: every ``k``-th of the menu and the rules, then those around the best, ever closer.

    Plans lie in the menu's order, in which the loss of tablets falls and rises again.
    """
    step = max(len(plans) // COARSE, 1)
    looked = sorted({*range(0, len(plans), step), len(plans) - 1, *(i for i, p in enumerate(plans) if p.rules)})
    scores = scored([plans[i] for i in looked])
    while step > 1:
        step = max(step // 2, 1)
        best = looked[int(np.argmin(scores.loss))]
        more = sorted({i for i in (best - step, best + step) if 0 <= i < len(plans)} - set(looked))
        if more:
            scores = scores.joined(scored([plans[i] for i in more]))
            looked += more
    return [plans[i] for i in looked], scores
