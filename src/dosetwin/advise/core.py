"""From known facts to a choice: beliefs, plans, their exposures and the search, without anything a reader is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.decide.exposure import combine, expose
from dosetwin.decide.plans import Plan, Situation, ask_rules, enumerate_plans, needs_weight, situation
from dosetwin.decide.policy import Policy
from dosetwin.decide.rules import Facts, facts_at
from dosetwin.decide.search import Choice, Exposures, choose, score
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
) -> Decision:
    """Enumerate, expose, score and choose for the facts ``known`` at ``now`` (h).

    Raises InputError when model, rules or limits need a weight and none is known.
    """
    facts = facts_at(known, now)
    needed = needs_weight(policy) or any("WT" in m.covs for m in models)
    if (facts.WT is None and needed) or (facts.WT is not None and not facts.WT > 0):
        raise InputError("the weight is needed to choose a dose", where=f"patient {known.patient.id}", value=facts.WT,
                         allowed="> 0 kg", remedy="record a current weight or the birth weight")  # fmt: skip
    where = situation(known, now, facts.WT)
    says, silent = ask_rules(policy.rules, facts)
    plans = enumerate_plans(policy, where, says, extra, thin)
    parts: list[tuple[Exposures, float]] = []
    findings: list[Finding] = []
    total = sum(len(p) for p in state.pools)
    for model, belief, pool in zip(models, state.beliefs, state.pools, strict=True):
        if len(pool) == 0:
            continue
        n_eff = len(pool) * min(belief.ess / len(belief.draws), 1.0)
        exposures, found = expose(model, known, plans, pool, policy, rule=rule, n_eff=n_eff)
        parts.append((exposures, len(pool) / total))
        findings.extend(found)
    exposures = combine(parts)
    scores = score(exposures, policy.targets, mic)
    choice = choose(plans, scores, policy.targets, policy.tie_loss)
    return Decision(facts, where, plans, silent, exposures, choice, tuple(findings))
