"""Choice by exhaustive enumeration: every plan scored on the same posterior draws, constraints checked, the best one and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dosetwin.decide.plans import Plan
from dosetwin.decide.recommendation import Attainment
from dosetwin.decide.target import Target
from dosetwin.errors import Reason
from dosetwin.records import Regimen


@dataclass(frozen=True, eq=False)
class Exposures:
    """True predicted exposure of every plan under every draw; column k is the same draw for all plans.

    ``values`` (metric, dose) -> float64 [n_plans, n_draws] with metric ``peak`` (mg/L), ``trough`` (mg/L), ``auc24`` (mg.h/L);
    ``weights`` [n_draws], sum 1; ``n_eff`` draws behind the Monte-Carlo error; ``facts`` name -> value of what some readings are
    divided by (``MIC``, mg/L).
    """

    values: Mapping[tuple[str, str], np.ndarray]
    weights: np.ndarray
    n_eff: float
    facts: Mapping[str, float] = field(default_factory=dict)

    def joined(self, other: "Exposures") -> "Exposures":
        """These plans and then the other's, under the same draws."""
        values = {key: np.concatenate([v, other.values[key]]) for key, v in self.values.items()}
        return replace(self, values=values)

    def of(self, target: Target, dose: str) -> np.ndarray | None:
        """Values a target judges at a dose, in the target's unit; None where there is nothing to judge."""
        found = self.values.get((target.reads, dose))
        if found is None or not target.over:
            return found
        by = self.facts.get(target.over)
        return None if by is None else found / by


@dataclass(frozen=True, eq=False)
class Scores:
    """Arrays over plans: ``loss``, ``joint`` and their standard errors [n_plans]; ``p`` and ``se`` (target, dose) -> [n_plans];
    ``parts`` target -> [n_plans] its share of the loss; ``coming`` [n_plans] what the coming dose and the level before it cost;
    ``difference_se(i, j)`` standard error of a paired loss difference.
    """

    loss: np.ndarray
    loss_se: np.ndarray
    joint: np.ndarray
    joint_se: np.ndarray
    p: Mapping[tuple[str, str], np.ndarray]
    se: Mapping[tuple[str, str], np.ndarray]
    parts: Mapping[str, np.ndarray]
    draws: np.ndarray
    weights: np.ndarray
    n_eff: float
    coming: np.ndarray

    def joined(self, other: "Scores") -> "Scores":
        """These plans and then the other's, scored on the same draws against the same targets."""

        def both(a: Any, b: Any) -> Any:
            return {k: np.concatenate([a[k], b[k]]) for k in a}

        return Scores(
            np.concatenate([self.loss, other.loss]), np.concatenate([self.loss_se, other.loss_se]),
            np.concatenate([self.joint, other.joint]), np.concatenate([self.joint_se, other.joint_se]),
            both(self.p, other.p), both(self.se, other.se), both(self.parts, other.parts),
            np.concatenate([self.draws, other.draws]), self.weights, self.n_eff,
            np.concatenate([self.coming, other.coming]),
        )  # fmt: skip

    def difference_se(self, i: int, j: int) -> float:
        """Standard error of loss[i] - loss[j] on common draws (smaller than if the draws were independent)."""
        d = self.draws[i] - self.draws[j]
        return float(np.sqrt(max(self.weights @ d**2 - (self.weights @ d) ** 2, 0.0) / self.n_eff))

    def attainment(self, i: int) -> tuple[Attainment, ...]:
        """Probability and Monte-Carlo error of every target and dose for plan ``i``."""
        return tuple(Attainment(t, d, float(self.p[t, d][i]), float(self.se[t, d][i])) for t, d in self.p)


def binomial_se(p: np.ndarray, n: float) -> np.ndarray:
    """Monte-Carlo standard error of a probability; never 0 (one draw in n + 2 could have gone the other way: Agresti-Coull)."""
    q = (p * n + 1.0) / (n + 2.0)
    return np.sqrt(q * (1.0 - q) / (n + 2.0))


def score(exposures: Exposures, targets: Sequence[Target], *, first: bool = False) -> Scores:
    """Probability of attainment and expected loss of every plan; targets that cannot be judged (a fact they divide by is unknown)
    are left out.

    ``first``: the coming dose is the first of the course, where some targets weigh otherwise.
    """
    w, n = exposures.weights, exposures.n_eff
    shape = next(iter(exposures.values.values())).shape
    loss, joint, coming = np.zeros(shape), np.ones(shape, dtype=bool), np.zeros(shape[0])
    p: dict[tuple[str, str], np.ndarray] = {}
    parts: dict[str, np.ndarray] = {}
    for target in targets:
        judged = [(d, v) for d in target.doses if (v := exposures.of(target, d)) is not None]
        n_doses = len([d for d in target.doses if d != "pre" or ("trough", "pre") in exposures.values])
        part = np.zeros(shape)
        for dose, value in judged:
            met = target.met(value)
            p[target.code, dose] = met @ w
            if target.joint:
                joint &= met
            miss = target.miss(value)
            miss *= target.costs(dose, n_doses, first)
            part += miss
            if dose in ("pre", "next"):
                coming += miss @ w
        if judged:
            parts[target.code] = part @ w
            loss += part
    mean = loss @ w
    spread = np.sqrt(np.maximum(loss**2 @ w - mean**2, 0.0) / n)
    se = {key: binomial_se(value, n) for key, value in p.items()}
    q = joint @ w
    return Scores(mean, spread, q, binomial_se(q, n), p, se, parts, loss, w, n, coming)


@dataclass(frozen=True, eq=False)
class Choice:
    """The outcome. ``order``: plans from best to worst (the chosen first); ``chosen`` None when nothing is acceptable.

    ``unmet`` one tuple per plan: the chance constraints it breaks; ``tied`` the plans whose loss equals the best's.
    """

    scores: Scores
    order: tuple[int, ...]
    chosen: int | None
    best: int | None
    tied: tuple[int, ...]
    unmet: tuple[tuple[Reason, ...], ...]
    reasons: tuple[Reason, ...]

    def acceptable(self, plan: Plan, i: int) -> bool:
        """Whether plan ``i`` is inside the hard limits and meets every chance constraint."""
        return not plan.violations and not self.unmet[i]


def holds(p: np.ndarray, target: Target) -> np.ndarray:
    """Whether probability ``p`` (any shape) reaches the target's; as many draws as asked are enough, however they add up."""
    return p >= (target.min_probability or 0.0) - 1e-9


def unmet_constraints(scores: Scores, targets: Sequence[Target], i: int) -> tuple[Reason, ...]:
    """The chance constraints plan ``i`` breaks, as reasons."""
    out = []
    for target in targets:
        for dose in target.constrained:
            p = scores.p.get((target.code, dose))
            if p is not None and not holds(p[i], target):
                text = f"P({target.what} {target.border()}) at dose '{dose}' is too low"
                out.append(
                    Reason(f"chance_{target.code}", round(float(p[i]), 4), target.min_probability, "1", text, target.source)
                )
    return tuple(out)


def _if_right(reason: Reason) -> Reason:
    return replace(reason, text=f"{reason.text}, if the doubted record is right")


def choose(
    plans: Sequence[Plan], scores: Scores, targets: Sequence[Target], tie_loss: float, also: Scores | None = None
) -> Choice:
    """The acceptable plan of lowest expected loss; among equals a standard rule, then one amount for all doses before a loading
    dose, then the roundest amounts at the best's interval.

    Two losses are equal when they differ by at most ``tie_loss`` or by one standard error of their paired difference. ``also``:
    the same plans if a doubted record is right; every chance constraint must hold there too.
    """
    unmet = tuple(
        (*unmet_constraints(scores, targets, i), *(() if also is None else map(_if_right, unmet_constraints(also, targets, i))))
        for i in range(len(plans))
    )
    fine = [i for i, plan in enumerate(plans) if not plan.violations and not unmet[i]]
    by_loss = sorted(range(len(plans)), key=lambda i: (bool(plans[i].violations), bool(unmet[i]), scores.loss[i], i))
    if not fine:
        # what comes closest leads the table: fewest broken constraints, then loss
        by_loss = sorted(range(len(plans)), key=lambda i: (bool(plans[i].violations), len(unmet[i]), scores.loss[i], i))
        return Choice(scores, tuple(by_loss), None, None, (), unmet, _why_nothing(plans, scores, targets))
    best = by_loss[0]
    tied = tuple(i for i in fine if scores.loss[i] - scores.loss[best] <= max(tie_loss, scores.difference_se(i, best)))
    standard = [i for i in tied if plans[i].rules]
    if standard:
        chosen = min(standard, key=lambda i: scores.loss[i])
    else:
        # one amount is easier to order than two, a whole mg easier to draw up than a quarter, and the answer then hardly
        # depends on Monte-Carlo noise
        simplest = min(_words(plans[i].regimen) for i in tied)
        simple = [i for i in tied if _words(plans[i].regimen) == simplest]
        r = plans[min(simple, key=lambda i: scores.loss[i])].regimen
        alike = [i for i in simple if (plans[i].regimen.interval, plans[i].regimen.duration) == (r.interval, r.duration)]
        chosen = min(alike, key=lambda i: (_roundness(plans[i].regimen), scores.loss[i]))
    order = (chosen, *(i for i in by_loss if i != chosen))
    return Choice(scores, order, chosen, best, tied, unmet, _why(plans, scores, targets, chosen, best, unmet))


def _words(regimen: Regimen) -> int:
    """0: one amount; 1: a loading dose before it; 2: a loading dose with an interval of its own."""
    return (regimen.loading is not None) + (regimen.wait is not None)


def _roundness(regimen: Regimen) -> int:
    """0 for whole mg, 1 for halves, 2 for anything else; summed over a loading and a maintenance dose."""

    def of(amount: float) -> int:
        return next((k for k, step in enumerate((1.0, 0.5)) if abs(amount / step - round(amount / step)) < 1e-6), 2)

    return of(regimen.amount) + (of(regimen.loading) if regimen.loading is not None else 0)


def amounts(regimen: Regimen) -> str:
    """``8 mg`` or ``8 mg, then 6.6 mg``."""
    return f"{regimen.amount:g} mg" if regimen.loading is None else f"{regimen.loading:g} mg, then {regimen.amount:g} mg"


def _why(
    plans: Sequence[Plan], s: Scores, targets: Sequence[Target], chosen: int, best: int, unmet: Sequence[tuple[Reason, ...]]
) -> tuple[Reason, ...]:
    out = []
    if chosen == best:
        text = "lowest expected loss of all acceptable regimens"
        out.append(Reason("lowest_loss", round(float(s.loss[chosen]), 4), None, "", text, "declared weights of the policy"))
    elif not plans[chosen].rules:
        text = f"its loss equals the lowest (that of {amounts(plans[best].regimen)}), and what is simpler to give goes first"
        out.append(Reason("round_amount_tied", round(float(s.loss[chosen]), 4), round(float(s.loss[best]), 4), "", text))
    else:
        text = f"standard rule {', '.join(plans[chosen].rules)}: its loss equals the lowest, and equals go to the standard rule"
        out.append(Reason("standard_rule_tied", round(float(s.loss[chosen]), 4), round(float(s.loss[best]), 4), "", text))
    for target in targets:
        found = {d: float(s.p[target.code, d][chosen]) for d in target.doses if (target.code, d) in s.p}
        if found:
            dose = min(found, key=lambda d: found[d])
            text = f"P({target.text} {target.border()}), lowest over the doses scored: dose '{dose}'"
            out.append(Reason(f"p_{target.code}", round(found[dose], 4), target.min_probability, "1", text, target.source))
    out.append(Reason("p_joint", round(float(s.joint[chosen]), 4), None, "1", "all joint targets at every scored dose"))
    out += [_why_not(plans, s, chosen, i, unmet[i]) for i, plan in enumerate(plans) if plan.rules and i != chosen]
    return tuple(out)


def _why_not(plans: Sequence[Plan], s: Scores, chosen: int, i: int, unmet: tuple[Reason, ...]) -> Reason:
    """Why a standard rule was not chosen: a hard limit, a chance constraint, or the target that costs it most."""
    plan = plans[i]
    size = f"{plan.regimen.amount:g} mg" if plan.mg_per_kg is None else f"{plan.mg_per_kg:.3g} mg/kg"
    what = f"{', '.join(plan.rules)} ({size} every {plan.regimen.interval:g} h)"
    if plan.violations:
        first = plan.violations[0]
        return Reason("standard_rule_outside_limits", first.value, first.limit, first.unit, f"{what}: {first.text}", first.source)
    if unmet:
        first = min(unmet, key=lambda r: float(r.value or 0) - float(r.limit or 0))
        return Reason(
            "standard_rule_breaks_constraint", first.value, first.limit, first.unit, f"{what}: {first.text}", first.source
        )
    worst = max(s.parts, key=lambda code: float(s.parts[code][i] - s.parts[code][chosen]))
    value, limit = round(float(s.loss[i]), 4), round(float(s.loss[chosen]), 4)
    return Reason("standard_rule_costs_more", value, limit, "", f"{what}: higher expected loss, most of it from {worst}")


HELP = {
    "trough": "wait longer, take another level before the next dose, and reconsider renal function; a shorter wait is not safe",
    "peak": "take a level about 1 h after a dose to learn the volume: the prediction is too uncertain or the window too narrow",
    "cmax_mic": "the MIC cannot be reached at an accepted peak: ask microbiology about another drug or a combination",
    "auc24": "no regimen inside the limits gives this exposure: reconsider the drug",
}


def _why_nothing(plans: Sequence[Plan], s: Scores, targets: Sequence[Target]) -> tuple[Reason, ...]:
    """Why nothing is acceptable: the binding constraint, the best that could be reached, and what would help."""
    allowed = [i for i, plan in enumerate(plans) if not plan.violations]
    out = [Reason("no_acceptable_regimen", len(allowed), None, "", f"none of {len(plans)} regimens is acceptable")]
    if not allowed:
        counts: dict[str, tuple[int, Reason]] = {}
        for plan in plans:
            for reason in plan.violations:
                counts[reason.code] = (counts.get(reason.code, (0, reason))[0] + 1, reason)
        for count, reason in sorted(counts.values(), key=lambda c: -c[0]):
            out.append(
                Reason(
                    f"limit_{reason.code}", count, reason.limit, reason.unit, f"broken by {count} of {len(plans)}: {reason.text}"
                )
            )
        out.append(
            Reason("what_would_help", text="check the last dose and the weight: no measurable dose lies inside all limits")
        )
        return tuple(out)
    held: dict[str, np.ndarray] = {}
    constrained = [t for t in targets if any((t.code, d) in s.p for d in t.constrained)]
    for target in constrained:
        lowest = np.min([s.p[target.code, d][allowed] for d in target.constrained if (target.code, d) in s.p], axis=0)
        held[target.code] = holds(lowest, target)
        text = f"highest reachable P({target.text} {target.border()}) around the coming dose, taken alone"
        out.append(Reason(f"best_{target.code}", round(float(lowest.max()), 4), target.min_probability, "1", text, target.source))
    # binding: without it, how many plans would pass all the others
    without = {
        c: int(np.all([h for k, h in held.items() if k != c] or [np.ones(len(allowed), bool)], axis=0).sum()) for c in held
    }
    binding = max(constrained, key=lambda t: (without[t.code], -int(held[t.code].sum())))
    if without[binding.code]:
        text = f"without the demand on {binding.text} ({binding.border()}) this many regimens would pass"
    else:
        text = "no single constraint is to blame: several fail together; the hardest one is named"
    out.append(Reason("binding_constraint", binding.code, without[binding.code], "regimens", text, binding.source))
    out.append(Reason("what_would_help", text=HELP[binding.metric]))
    return tuple(out)
