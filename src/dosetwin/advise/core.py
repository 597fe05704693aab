"""From known facts to a choice: beliefs, plans, their exposures and the search, without anything a reader is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dosetwin.advise.question import Asked
from dosetwin.decide.coarse import Remembered, looked_at
from dosetwin.decide.facts import facts_at
from dosetwin.decide.plans import (
    Plan,
    Situation,
    ask_rules,
    enumerate_plans,
    first_doses,
    plan,
    situation,
    with_loading,
)
from dosetwin.decide.played import Played
from dosetwin.decide.readings import Responses, combine
from dosetwin.decide.search import Choice, Exposures, Scores, choose, score, unmet_constraints
from dosetwin.declare import Facts, Repeated, Therapy
from dosetwin.declare.menu import Settings
from dosetwin.errors import Finding, InputError, Reason
from dosetwin.infer.belief import DOUBTED
from dosetwin.records import Choosable, Every

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief, Plausibility


@dataclass(frozen=True, eq=False)
class State:
    """What is believed: one belief per model with its weight, pooled draws of them all, every level with the probability that its
    record is wrong, and the probability ``p_unlike`` that the patient is unlike those of the models.

    ``right`` and ``wrong``: the pools if every record is right, and if the doubted ones are wrong; ``believed`` those that
    parameters are told from.
    """

    beliefs: "tuple[Belief, ...]"
    weights: tuple[float, ...]
    pools: tuple[np.ndarray, ...]
    levels: "tuple[Plausibility, ...]"
    p_unlike: float
    findings: tuple[Finding, ...]
    right: tuple[np.ndarray, ...]
    wrong: tuple[np.ndarray, ...]
    believed: tuple[np.ndarray, ...]

    @property
    def lead(self) -> int:
        """Index of the model with the largest weight."""
        return int(np.argmax(self.weights))

    @property
    def belief(self) -> "Belief | None":
        """That model's belief; None of a place, which has no model."""
        return self.beliefs[self.lead] if self.beliefs else None

    @property
    def doubted(self) -> "tuple[Plausibility, ...]":
        """Records that may well be wrong."""
        return tuple(level for level in self.levels if level.p_wrong >= DOUBTED)

    @property
    def open_doubts(self) -> "tuple[Plausibility, ...]":
        """Doubted records that no later record of the same quantity, itself not in doubt, has answered."""
        return tuple(
            d for d in self.doubted
            if not any(x.measures == d.measures and x.time > d.time + 1e-9 and x.p_wrong < DOUBTED for x in self.levels)
        )  # fmt: skip

    @property
    def swapped(self) -> "tuple[tuple[Plausibility, Plausibility, float], ...]":
        """Pairs of levels that may stand for each other, the earlier first, each with its probability over the models."""
        found: dict[tuple[object, ...], tuple[Plausibility, Plausibility, float]] = {}
        for belief, weight in zip(self.beliefs, self.weights, strict=True):
            for (i, j), p in belief.exchanged.items():
                one, other = belief.levels[i], belief.levels[j]
                key = one.record, one.time, other.record, other.time, one.measures
                found[key] = one, other, weight * p + (found[key][2] if key in found else 0.0)
        return tuple(sorted((x for x in found.values() if x[2] >= DOUBTED), key=lambda x: -x[2]))

    @property
    def p_right(self) -> float:
        """Probability that no doubted record is wrong, over the models by their weights; 1 where none is in doubt."""
        about = {(d.record, d.time, d.measures) for d in self.doubted}
        total = 0.0
        for belief, weight in zip(self.beliefs, self.weights, strict=True):
            doubted = {i for i, x in enumerate(belief.levels) if (x.record, x.time, x.measures) in about}
            shares = [e.probability for e in belief.explanations if not doubted & e.blamed]
            total += weight * (sum(shares) if belief.explanations else 1.0)
        return total

    def under(self, pools: tuple[np.ndarray, ...]) -> "State":
        """The same beliefs with other draws: ``right`` or ``wrong``."""
        return replace(self, pools=pools)

    def thinned(self, draws: int) -> "State":
        """The same beliefs with fewer draws (their order is random, so the first ones will do)."""
        total = sum(len(p) for p in self.pools)
        if draws >= total:
            return self
        return self.under(tuple(p[: max(round(len(p) * draws / total), 1 if len(p) else 0)] for p in self.pools))


@dataclass(frozen=True, eq=False)
class Decision:
    """A search and what went into it."""

    facts: Facts
    where: Situation
    plans: tuple[Plan, ...]
    silent: tuple[Reason, ...]
    exposures: Exposures
    choice: Choice
    findings: tuple[Finding, ...]

    @property
    def regimen(self) -> Choosable | None:
        """The regimen chosen; None when nothing is acceptable."""
        return None if self.choice.chosen is None else self.plans[self.choice.chosen].order


def believe(asked: Asked, *, conditions: bool = True) -> State:
    """Posterior under one model, or the average of several; ``conditions`` False: the mixture alone, standing for the rest."""
    from dosetwin.infer import average, posterior

    q, models, known = asked.question, asked.models, asked.known
    if asked.twin is not None:  # a twin draws from its own belief
        return State((), (), (), (), 0.0, (), (), (), ())
    if len(models) == 1:
        belief = posterior(models[0], known, draws=q.draws, seed=q.seed, rule=q.rule, conditions=conditions)
        right, wrong, believed = ((b.draws,) for b in (belief.if_right(), belief.if_wrong(), belief.believed()))
        return State((belief,), (1.0,), (belief.draws,), belief.levels, belief.p_unlike, belief.findings, right, wrong, believed)
    mixture = average(models, known, seed=q.seed, draws=q.draws, rule=q.rule, conditions=conditions)
    findings = (*mixture.findings, *(f for b in mixture.beliefs for f in b.findings if f.code != "level_contradicts_model"))
    right, wrong, believed = (m.pooled(q.draws) for m in (mixture.if_right(), mixture.if_wrong(), mixture.believed()))
    return State(mixture.beliefs, mixture.weights, mixture.pooled(q.draws), mixture.levels, mixture.p_unlike, findings,
                 right, wrong, believed)  # fmt: skip


def decide(
    asked: Asked, state: State, *, extra: Sequence[Choosable] = (), thin: int = 1, loading: bool = True,
    also: State | None = None, whole: bool = False,
) -> Decision:  # fmt: skip
    """Enumerate, expose, score and choose for the facts known at the question's moment.

    Plans of one amount first; then (``loading``) those with a larger first dose that these make promising, on the same draws.
    ``also``: a state under which every chance constraint must hold as well (its losses do not count); plans with a larger first
    dose are then left out. Where every order costs a simulation only some of the menu are looked at (``decide.coarse``);
    ``whole``: all of them. Raises InputError when model, rules or limits need a weight and none is known.
    """
    therapy, known, now = asked.therapy, asked.known, asked.now
    facts = facts_at(known, now)
    needed = therapy.needs_weight or any(m.needs_weight for m in asked.models)
    if (facts.WT is None and needed) or (facts.WT is not None and not facts.WT > 0):
        raise InputError("the weight is needed to choose a dose", where=f"patient {known.patient.id}", value=facts.WT,
                         allowed="> 0 kg", remedy="record a current weight or the birth weight")  # fmt: skip
    where = situation(known, now, facts.WT, therapy)
    says, silent = ask_rules(therapy.rules, facts)
    plans = enumerate_plans(therapy, where, says, [r for r in extra if not _loaded(r)], thin)
    answers, doubted = _responses(asked, state), () if also is None else _responses(asked, also)

    def exposed(new: Sequence[Plan], alone: bool = False) -> Exposures | None:
        parts = [(responses.alone(new) if alone else responses.of(new), share) for responses, share in answers]
        answered = [(e, share) for e, share in parts if e is not None]
        return combine(answered) if len(answered) == len(parts) else None

    def in_doubt(new: Sequence[Plan]) -> Exposures | None:
        parts = [(responses.of(new), share) for responses, share in doubted]
        return combine([(e, share) for e, share in parts if e is not None])

    every, if_right = Remembered(plans, exposed), Remembered(plans, in_doubt)

    def scored(rows: Sequence[int]) -> tuple[Exposures | None, Scores | None, Scores | None]:
        found, right = every.of(rows), if_right.of(rows) if doubted else None
        by = [None if e is None else score(e, therapy.goals, first=where.first) for e in (found, right)]
        return found, by[0], by[1]

    def chosen(rows: Sequence[int]) -> Choice | None:
        _, scores, other = scored(rows)
        few = [plans[i] for i in rows]
        return None if scores is None else choose(few, scores, therapy.goals, therapy.tie_loss, other, therapy.bars)

    rows = range(len(plans))
    if not whole and _stepped(asked):
        named = {cast("Any", therapy.menu).key(r) for r in extra}
        rows = looked_at(plans, chosen, [i for i, p in enumerate(plans) if cast("Any", therapy.menu).key(p.order) in named])
    exposures, scores, other = scored(rows)
    if exposures is None or scores is None:  # a draw fails under an order looked at later: all are asked at once
        return decide(asked, state, extra=extra, thin=thin, loading=loading, also=also, whole=True)
    plans = tuple(plans[i] for i in rows)
    more = () if also is not None else tuple(plan(r, therapy, where) for r in extra if _loaded(r))
    if loading and also is None:
        waited = first_doses(therapy, where) if where.first and _held_back(plans, scores, therapy) else ()
        by_itself = exposed(waited, alone=True) if waited else None
        judged = None if by_itself is None else score(by_itself, therapy.goals, first=True)
        more += _worth_loading(plans, scores, waited, judged, therapy, where)
    if more and (further := exposed(more)) is not None:
        plans, exposures = (*plans, *more), exposures.joined(further)
        scores = scores.joined(score(further, therapy.goals, first=where.first))
    choice = choose(plans, scores, therapy.goals, therapy.tie_loss, other, therapy.bars, therapy.limits)
    findings = tuple(f for responses, _ in answers for f in responses.findings)
    return Decision(facts, where, plans, silent, exposures, choice, findings)


def judged(
    asked: Asked, state: State, where: Situation, orders: Sequence[Choosable]
) -> tuple[tuple[Plan, ...], Exposures, Scores] | None:  # fmt: skip
    """These orders, on the menu or not, as plans with what is expected of them and how they do, on a state's own draws; None
    where a draw fails under one of them."""
    therapy = asked.therapy
    plans = tuple(plan(o, therapy, where) for o in orders)
    parts = [(responses.of(plans), share) for responses, share in _responses(asked, state)]
    answered = [(e, share) for e, share in parts if e is not None]
    if not answered or len(answered) < len(parts):
        return None
    exposures = combine(answered)
    return plans, exposures, score(exposures, therapy.goals, first=where.first)


def _stepped(asked: Asked) -> bool:
    """Whether every order costs a simulation of its own, along a menu of amounts."""
    menu, models = asked.therapy.menu, asked.models
    return not isinstance(menu, Settings) and not (isinstance(menu, Repeated) and all(m.linear_in_dose for m in models))


def _loaded(order: Choosable) -> bool:
    return isinstance(order, Every) and order.loading is not None


def _responses(asked: Asked, state: State) -> Sequence[tuple[Responses | Played, float]]:
    """What each model of a state answers to orders, with its share of the draws; what a twin answers."""
    q, total = asked.question, sum(len(p) for p in state.pools)
    if asked.twin is not None:
        return [(Played(asked.twin, q.therapy, now=asked.now, draws=q.draws, seed=q.seed, facts=asked.facts), 1.0)]
    return [
        (
            Responses(model, asked.known, pool, q.therapy, rule=q.rule, n_eff=len(pool) * min(b.ess / len(b.draws), 1.0),
                      now=asked.now, facts=asked.facts),
            len(pool) / total,
        )
        for model, b, pool in zip(asked.models, state.beliefs, state.pools, strict=True)
        if len(pool)
    ]  # fmt: skip


def _held_back(plans: Sequence[Plan], scores: Scores, therapy: Therapy) -> bool:
    """Whether a chance constraint holds the first dose below its best at the longest interval, where that interval is the best:
    only then is a longer one after a loading dose worth a look.
    """
    allowed = [i for i, p in enumerate(plans) if not p.violations]
    if not isinstance(therapy.menu, Repeated):
        return False
    most = max(therapy.menu.intervals)
    if not allowed or plans[min(allowed, key=lambda i: scores.loss[i])].dosed.interval < most:
        return False
    longest = [i for i in allowed if plans[i].dosed.interval >= most]
    return bool(unmet_constraints(scores, therapy.goals)[min(longest, key=lambda i: scores.coming[i])])


def _worth_loading(
    plans: Sequence[Plan], scores: Scores, waited: Sequence[Plan], judged: Scores | None, therapy: Therapy, where: Situation
) -> tuple[Plan, ...]:
    """The plans with a loading dose worth scoring; ``waited``, ``judged``: first doses at longer intervals, how they do."""
    firsts, coming = list(plans), scores.coming
    fine = [not p.violations and not unmet for p, unmet in zip(plans, unmet_constraints(scores, therapy.goals), strict=True)]
    if judged is not None:
        firsts += waited
        coming = np.concatenate([coming, judged.coming])
        fine += [not unmet for unmet in unmet_constraints(judged, therapy.goals)]
    return with_loading(plans, scores.loss - scores.coming, firsts, coming, fine, therapy, where)
