"""From known facts to a choice: beliefs, plans, their exposures and the search, without anything a reader is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.decide.exposure import Responses, combine
from dosetwin.decide.plans import (
    Plan,
    Situation,
    ask_rules,
    enumerate_plans,
    first_doses,
    needs_weight,
    plan,
    situation,
    with_loading,
)
from dosetwin.decide.policy import Policy
from dosetwin.decide.rules import Facts, facts_at
from dosetwin.decide.search import Choice, Exposures, Scores, choose, score, unmet_constraints
from dosetwin.declare import Model
from dosetwin.errors import Finding, InputError, Reason
from dosetwin.records import Regimen, Timeline

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief, Plausibility
    from dosetwin.simulate.schedule import Rule


@dataclass(frozen=True, eq=False)
class State:
    """What is believed: one belief per model with its weight, pooled draws, and levels that contradict every model."""

    beliefs: "tuple[Belief, ...]"
    weights: tuple[float, ...]
    pools: tuple[np.ndarray, ...]
    contradictions: "tuple[Plausibility, ...]"
    findings: tuple[Finding, ...]

    @property
    def lead(self) -> int:
        """Index of the model with the largest weight."""
        return int(np.argmax(self.weights))

    def thinned(self, draws: int) -> "State":
        """The same beliefs with fewer draws (their order is random, so the first ones will do)."""
        total = sum(len(p) for p in self.pools)
        pools = (
            tuple(p[: max(round(len(p) * draws / total), 1 if len(p) else 0)] for p in self.pools)
            if draws < total
            else self.pools
        )
        return State(self.beliefs, self.weights, pools, self.contradictions, self.findings)


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


def believe(known: Timeline, models: Sequence[Model], *, seed: int, draws: int, rule: "Rule") -> State:
    """Posterior under one model, or the average of several."""
    from dosetwin.infer import average, posterior

    if len(models) == 1:
        belief = posterior(models[0], known, draws=draws, seed=seed, rule=rule)
        return State((belief,), (1.0,), (belief.draws,), belief.contradictions, belief.findings)
    mixture = average(models, known, seed=seed, draws=draws, rule=rule)
    findings = (*mixture.findings, *(f for b in mixture.beliefs for f in b.findings if f.code != "level_contradicts_model"))
    return State(mixture.beliefs, mixture.weights, mixture.pooled(draws), mixture.contradictions, findings)


def decide(
    known: Timeline,
    models: Sequence[Model],
    state: State,
    policy: Policy,
    *,
    now: float,
    mic: float | None,
    rule: "Rule",
    extra: Sequence[Regimen] = (),
    thin: int = 1,
    loading: bool = True,
) -> Decision:
    """Enumerate, expose, score and choose for the facts ``known`` at ``now`` (h).

    Plans of one amount first; then (``loading``) those with a larger first dose that these make promising, on the same draws.
    Raises InputError when model, rules or limits need a weight and none is known.
    """
    facts = facts_at(known, now)
    needed = needs_weight(policy) or any("WT" in m.covs for m in models)
    if (facts.WT is None and needed) or (facts.WT is not None and not facts.WT > 0):
        raise InputError("the weight is needed to choose a dose", where=f"patient {known.patient.id}", value=facts.WT,
                         allowed="> 0 kg", remedy="record a current weight or the birth weight")  # fmt: skip
    where = situation(known, now, facts.WT)
    says, silent = ask_rules(policy.rules, facts)
    plans = enumerate_plans(policy, where, says, [r for r in extra if r.loading is None], thin)
    total = sum(len(p) for p in state.pools)
    asked = [
        (
            Responses(model, known, pool, policy, rule=rule, n_eff=len(pool) * min(b.ess / len(b.draws), 1.0), now=now),
            len(pool) / total,
        )
        for model, b, pool in zip(models, state.beliefs, state.pools, strict=True)
        if len(pool)
    ]

    def exposed(new: Sequence[Plan], alone: bool = False) -> Exposures | None:
        parts = [(responses.alone(new) if alone else responses.of(new), share) for responses, share in asked]
        answered = [(e, share) for e, share in parts if e is not None]
        return combine(answered) if len(answered) == len(parts) else None

    exposures = exposed(plans)
    assert exposures is not None  # only a later question can be refused
    scores = score(exposures, policy.targets, mic, first=where.first)
    more = tuple(plan(r, policy, where) for r in extra if r.loading is not None)
    if loading:
        waited = first_doses(policy, where) if where.first and _held_back(plans, scores, policy) else ()
        by_itself = exposed(waited, alone=True) if waited else None
        judged = None if by_itself is None else score(by_itself, policy.targets, mic, first=True)
        more += _worth_loading(plans, scores, waited, judged, policy, where)
    if more and (further := exposed(more)) is not None:
        plans, exposures = (*plans, *more), exposures.joined(further)
        scores = scores.joined(score(further, policy.targets, mic, first=where.first))
    choice = choose(plans, scores, policy.targets, policy.tie_loss)
    findings = tuple(f for responses, _ in asked for f in responses.findings)
    return Decision(facts, where, plans, silent, exposures, choice, findings)


def _held_back(plans: Sequence[Plan], scores: Scores, policy: Policy) -> bool:
    """Whether a chance constraint holds the first dose below its best at the longest interval, where that interval is the best:
    only then is a longer one after a loading dose worth a look.
    """
    allowed = [i for i, p in enumerate(plans) if not p.violations]
    if not allowed or plans[min(allowed, key=lambda i: scores.loss[i])].regimen.interval < max(policy.intervals):
        return False
    longest = [i for i in allowed if plans[i].regimen.interval >= max(policy.intervals)]
    return bool(unmet_constraints(scores, policy.targets, min(longest, key=lambda i: scores.coming[i])))


def _worth_loading(
    plans: Sequence[Plan], scores: Scores, waited: Sequence[Plan], judged: Scores | None, policy: Policy, where: Situation
) -> tuple[Plan, ...]:
    """The plans with a loading dose worth scoring; ``waited``, ``judged``: first doses at longer intervals, how they do."""
    firsts, coming = list(plans), scores.coming
    fine = [not p.violations and not unmet_constraints(scores, policy.targets, i) for i, p in enumerate(plans)]
    if judged is not None:
        firsts += waited
        coming = np.concatenate([coming, judged.coming])
        fine += [not unmet_constraints(judged, policy.targets, i) for i in range(len(waited))]
    return with_loading(plans, scores.loss - scores.coming, firsts, coming, fine, policy, where)
