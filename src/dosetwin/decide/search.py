"""Choice by exhaustive enumeration: every plan scored on the same posterior draws, constraints checked, the best one and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dosetwin.decide.plans import Plan
from dosetwin.decide.recommendation import Attainment
from dosetwin.declare import Bar, Goal, Limit
from dosetwin.declare.limit import STEPS
from dosetwin.declare.reading import COURSE
from dosetwin.errors import Reason
from dosetwin.records import Setting
from dosetwin.records.doses import every


@dataclass(frozen=True, eq=False)
class Exposures:
    """True predicted exposure of every plan under every draw; column k is the same draw for all plans.

    ``values`` (key of a reading, dose) -> float64 [n_plans, n_draws] in the reading's unit before it is divided by a fact;
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

    def between(self, first: int, last: int) -> "Exposures":
        """The plans ``first`` to ``last`` - 1."""
        return replace(self, values={key: v[first:last] for key, v in self.values.items()})

    def only(self, rows: Sequence[int]) -> "Exposures":
        """These plans, in this order."""
        return replace(self, values={key: v[list(rows)] for key, v in self.values.items()})

    def of(self, goal: Goal, dose: str) -> np.ndarray | None:
        """Values a goal judges at a dose, in the goal's unit; None where there is nothing to judge."""
        found = self.values.get((goal.reading.key, dose))
        if found is None or not goal.reading.over:
            return found
        by = self.facts.get(goal.reading.over)
        return None if by is None else found / by


@dataclass(frozen=True, eq=False)
class Scores:
    """Arrays over plans: ``loss``, ``joint`` and their standard errors [n_plans]; ``p`` and ``se`` (goal, dose) -> [n_plans];
    ``parts`` goal -> [n_plans] its share of the loss; ``coming`` [n_plans] what the coming dose and the level before it cost;
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

    @classmethod
    def all_of(cls, parts: "Sequence[Scores]") -> "Scores":
        """The plans of all parts one after the other, scored on the same draws against the same goals."""
        one = parts[0]
        if len(parts) == 1:
            return one

        def every(name: str) -> Any:
            found = [getattr(part, name) for part in parts]
            if isinstance(found[0], Mapping):
                return {key: np.concatenate([x[key] for x in found]) for key in found[0]}
            return np.concatenate(found)

        names = ("loss", "loss_se", "joint", "joint_se", "p", "se", "parts", "draws", "coming")
        return replace(one, **{name: every(name) for name in names})

    def joined(self, other: "Scores") -> "Scores":
        """These plans and then the other's."""
        return Scores.all_of([self, other])

    def only(self, rows: Sequence[int]) -> "Scores":
        """These plans, in this order."""
        at = list(rows)
        lists = {n: getattr(self, n)[at] for n in ("loss", "loss_se", "joint", "joint_se", "draws", "coming")}
        tables = {n: {key: v[at] for key, v in getattr(self, n).items()} for n in ("p", "se", "parts")}
        return replace(self, **lists, **tables)

    def difference_se(self, i: int, j: int) -> float:
        """Standard error of loss[i] - loss[j] on common draws (smaller than if the draws were independent)."""
        d = self.draws[i] - self.draws[j]
        return float(np.sqrt(max(self.weights @ d**2 - (self.weights @ d) ** 2, 0.0) / self.n_eff))

    def attainment(self, i: int) -> tuple[Attainment, ...]:
        """Probability and Monte-Carlo error of every goal and dose for plan ``i``."""
        return tuple(Attainment(t, d, float(self.p[t, d][i]), float(self.se[t, d][i])) for t, d in self.p)


def binomial_se(p: np.ndarray, n: float) -> np.ndarray:
    """Monte-Carlo standard error of a probability; never 0 (one draw in n + 2 could have gone the other way: Agresti-Coull)."""
    q = (p * n + 1.0) / (n + 2.0)
    return np.sqrt(q * (1.0 - q) / (n + 2.0))


IN_CACHE = 32_768
"""Values of one reading that are scored at a time: what is made of them on the way stays in a core's own memory."""


def score(exposures: Exposures, goals: Sequence[Goal], *, first: bool = False) -> Scores:
    """Probability of attainment and expected loss of every plan; goals that cannot be judged (a fact they divide by is unknown)
    are left out.

    ``first``: the coming dose is the first of the course, where some goals weigh otherwise.
    """
    n_plans, n_draws = next(iter(exposures.values.values())).shape
    rows = max(IN_CACHE // max(n_draws, 1) // 16 * 16, 16)
    blocks = [exposures.between(i, i + rows) for i in range(0, n_plans, rows)] or [exposures]
    return Scores.all_of([_scored(block, goals, first) for block in blocks])


def _scored(exposures: Exposures, goals: Sequence[Goal], first: bool) -> Scores:
    w, n = exposures.weights, exposures.n_eff
    shape = next(iter(exposures.values.values())).shape
    loss, joint, coming = np.zeros(shape), np.ones(shape, dtype=bool), np.zeros(shape[0])
    p: dict[tuple[str, str], np.ndarray] = {}
    parts: dict[str, np.ndarray] = {}
    for goal in goals:
        judged = [(d, v) for d in goal.doses if (v := exposures.of(goal, d)) is not None]
        n_doses = len([d for d in goal.doses if d != "pre" or (goal.reading.key, "pre") in exposures.values])
        part = np.zeros(shape)
        for dose, value in judged:
            met = goal.met(value)
            p[goal.code, dose] = met @ w
            if goal.joint:
                joint &= met
            miss = goal.miss(value)
            miss *= goal.costs(dose, n_doses, first)
            part += miss
            if dose in ("pre", "next"):
                coming += miss @ w
        if judged:
            parts[goal.code] = part @ w
            loss += part
    mean = loss @ w
    spread = np.sqrt(np.maximum(loss**2 @ w - mean**2, 0.0) / n)
    se = {key: binomial_se(value, n) for key, value in p.items()}
    q = joint @ w
    return Scores(mean, spread, q, binomial_se(q, n), p, se, parts, loss, w, n, coming)


def jointly(exposures: Exposures, goals: Sequence[Goal]) -> np.ndarray:
    """Whether all joint targets are met at every scored dose, [n_plans, n_draws]."""
    met = np.ones(next(iter(exposures.values.values())).shape, dtype=bool)
    for goal in goals:
        for dose in goal.doses if goal.joint else ():
            if (value := exposures.of(goal, dose)) is not None:
                met &= goal.met(value)
    return met


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


def noun(plans: Sequence[Plan]) -> str:
    """What is chosen among, in a word: ``regimens`` of doses, ``settings``."""
    return "settings" if plans and isinstance(plans[0].order, Setting) else "regimens"


def holds(p: np.ndarray, goal: Goal) -> np.ndarray:
    """Whether probability ``p`` (any shape) reaches the goal's; as many draws as asked are enough, however they add up."""
    return p >= (goal.min_probability or 0.0) - 1e-9


def unmet_constraints(scores: Scores, goals: Sequence[Goal]) -> tuple[tuple[Reason, ...], ...]:
    """The chance constraints each plan breaks, as reasons; a tuple per plan."""
    out: list[tuple[Reason, ...]] = [()] * len(scores.loss)
    for goal in goals:
        for dose in goal.constrained:
            p = scores.p.get((goal.code, dose))
            failed = [] if p is None else np.flatnonzero(~holds(p, goal)).tolist()
            where = "" if dose == COURSE else f" at dose '{dose}'"
            text = f"P({goal.what} {goal.border()}){where} is too low" if failed else ""
            for i in failed:
                value = round(float(p[i]), 4)  # type: ignore[index]
                out[i] += (Reason(f"chance_{goal.code}", value, goal.min_probability, "1", text, goal.source),)
    return tuple(out)


def _if_right(reason: Reason) -> Reason:
    return replace(reason, text=f"{reason.text}, if the doubted record is right")


def choose(
    plans: Sequence[Plan],
    scores: Scores,
    goals: Sequence[Goal],
    tie_loss: float,
    also: Scores | None = None,
    bars: Sequence[Bar] = (),
    limits: Sequence[Limit] = (),
) -> Choice:
    """The acceptable plan of lowest expected loss; among equals a standard rule, then one amount for all doses before a loading
    dose, then the roundest amounts at the best's interval.

    Two losses are equal when they differ by at most ``tie_loss`` or by one standard error of their paired difference. ``also``:
    the same plans if a doubted record is right; every chance constraint must hold there too. ``bars`` of the therapy, for what
    they say to do instead; ``limits``, for those on the steps of a titration: where they alone keep every order from its goals,
    the best step towards them is chosen.
    """
    unmet = unmet_constraints(scores, goals)
    if also is not None:
        unmet = tuple((*u, *map(_if_right, v)) for u, v in zip(unmet, unmet_constraints(also, goals), strict=True))
    fine = [i for i, plan in enumerate(plans) if not plan.violations and not unmet[i]]
    beyond = None if fine else _beyond_a_step(plans, scores, unmet, limits)
    if beyond is not None:
        waived = {f"chance_{g.code}" for g in goals if g.low is not None}
        unmet = tuple(tuple(r for r in reasons if r.code not in waived) for reasons in unmet)
        fine = [i for i, plan in enumerate(plans) if not plan.violations and not unmet[i]]
    by_loss = sorted(range(len(plans)), key=lambda i: (bool(plans[i].violations), bool(unmet[i]), scores.loss[i], i))
    if not fine:
        # what comes closest leads the table: fewest broken constraints, then loss
        by_loss = sorted(range(len(plans)), key=lambda i: (bool(plans[i].violations), len(unmet[i]), scores.loss[i], i))
        return Choice(scores, tuple(by_loss), None, None, (), unmet, _why_nothing(plans, scores, goals, bars))
    best = by_loss[0]
    tied = tuple(i for i in fine if scores.loss[i] - scores.loss[best] <= max(tie_loss, scores.difference_se(i, best)))
    standard = [i for i in tied if plans[i].rules]
    if standard:
        chosen = min(standard, key=lambda i: scores.loss[i])
    else:
        # one amount is easier to order than two, a whole mg easier to draw up than a quarter, and the answer then hardly
        # depends on Monte-Carlo noise
        simplest = min(plans[i].order.complexity for i in tied)
        simple = [i for i in tied if plans[i].order.complexity == simplest]
        pattern = plans[min(simple, key=lambda i: scores.loss[i])].order.pattern
        alike = [i for i in simple if plans[i].order.pattern == pattern]
        chosen = min(alike, key=lambda i: (plans[i].order.roundness, scores.loss[i]))
    order = (chosen, *(i for i in by_loss if i != chosen))
    why = _why(plans, scores, goals, chosen, best, unmet)
    if beyond is not None:
        held = plans[beyond].violations[0]
        text = f"a step: {plans[beyond].order.words()} would reach the goals, but {held.text}; ask again before the next one"
        why = (why[0], Reason("titration_step", held.value, held.limit, held.unit, text, held.source), *why[1:])
    return Choice(scores, order, chosen, best, tied, unmet, why)


def _beyond_a_step(plans: Sequence[Plan], s: Scores, unmet: Sequence[tuple[Reason, ...]], limits: Sequence[Limit]) -> int | None:
    """The plan of lowest loss that meets every chance constraint and breaks limits on steps of a titration alone."""
    steps = {x.code for x in limits if x.of in STEPS}
    found = [i for i, p in enumerate(plans) if p.violations and not unmet[i] and all(r.code in steps for r in p.violations)]
    return min(found, key=lambda i: s.loss[i], default=None)


def _why(
    plans: Sequence[Plan], s: Scores, goals: Sequence[Goal], chosen: int, best: int, unmet: Sequence[tuple[Reason, ...]]
) -> tuple[Reason, ...]:
    out = []
    if chosen == best:
        text = f"lowest expected loss of all acceptable {noun(plans)}"
        out.append(Reason("lowest_loss", round(float(s.loss[chosen]), 4), None, "", text, "declared weights of the policy"))
    elif not plans[chosen].rules:
        text = f"its loss equals the lowest (that of {plans[best].order.amounts}), and what is simpler to give goes first"
        out.append(Reason("round_amount_tied", round(float(s.loss[chosen]), 4), round(float(s.loss[best]), 4), "", text))
    else:
        text = f"standard rule {', '.join(plans[chosen].rules)}: its loss equals the lowest, and equals go to the standard rule"
        out.append(Reason("standard_rule_tied", round(float(s.loss[chosen]), 4), round(float(s.loss[best]), 4), "", text))
    for goal in goals:
        found = {d: float(s.p[goal.code, d][chosen]) for d in goal.doses if (goal.code, d) in s.p}
        if found and not goal.price:  # a price is always paid
            dose = min(found, key=lambda d: found[d])
            where = "" if dose == COURSE else f", lowest over the doses scored: dose '{dose}'"
            text = f"P({goal.text} {goal.border()}){where}"
            out.append(Reason(f"p_{goal.code}", round(found[dose], 4), goal.min_probability, "1", text, goal.source))
    out.append(Reason("p_joint", round(float(s.joint[chosen]), 4), None, "1", f"all joint targets{_throughout(goals)}"))
    out += [_why_not(plans, s, chosen, i, unmet[i]) for i, plan in enumerate(plans) if plan.rules and i != chosen]
    return tuple(out)


def told_anew(plans: Sequence[Plan], choice: Choice, goals: Sequence[Goal]) -> tuple[Reason, ...]:
    """The reasons of a choice whose order was moved in time: why it was chosen stays, the chances are the moved order's."""
    assert choice.chosen is not None
    assert choice.best is not None
    now = {r.code: r for r in _why(plans, choice.scores, goals, choice.chosen, choice.best, choice.unmet) if r.code[:2] == "p_"}
    return tuple(now.get(r.code, r) for r in choice.reasons)


def _throughout(goals: Sequence[Goal]) -> str:
    return "" if all(COURSE in g.doses for g in goals if g.joint) else " at every scored dose"


def _why_not(plans: Sequence[Plan], s: Scores, chosen: int, i: int, unmet: tuple[Reason, ...]) -> Reason:
    """Why a standard rule was not chosen: a hard limit, a chance constraint, or the goal that costs it most."""
    plan = plans[i]
    per_kg = None if plan.mg_per_kg is None else f"{plan.mg_per_kg:.3g} mg/kg {every(plan.dosed.interval)}"
    what = f"{', '.join(plan.rules)} ({per_kg or plan.order.words()})"
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


def _why_nothing(plans: Sequence[Plan], s: Scores, goals: Sequence[Goal], known: Sequence[Bar] = ()) -> tuple[Reason, ...]:
    """Why nothing is acceptable: the binding constraint, the best that could be reached, and what would help."""
    allowed = [i for i, plan in enumerate(plans) if not plan.violations]
    out = [Reason("no_acceptable_regimen", len(allowed), None, "", f"none of {len(plans)} {noun(plans)} is acceptable")]
    if not allowed and plans and all(p.violations[0].code.startswith("bar_") for p in plans):
        bars = tuple({r.code: r for p in plans for r in p.violations}.values())
        said = [b.help for b in known if b.help and any(r.code == f"bar_{b.code}" for r in bars)]
        help_ = "; ".join(said) or "another drug; nothing of this one may be ordered"
        return (*bars, *out, Reason("what_would_help", text=help_))
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
    constrained = [t for t in goals if any((t.code, d) in s.p for d in t.constrained)]
    for goal in constrained:
        lowest = np.min([s.p[goal.code, d][allowed] for d in goal.constrained if (goal.code, d) in s.p], axis=0)
        held[goal.code] = holds(lowest, goal)
        where = "" if COURSE in goal.doses else " around the coming dose"
        text = f"highest reachable P({goal.text} {goal.border()}){where}, taken alone"
        out.append(Reason(f"best_{goal.code}", round(float(lowest.max()), 4), goal.min_probability, "1", text, goal.source))
    # binding: without it, how many plans would pass all the others
    without = {
        c: int(np.all([h for k, h in held.items() if k != c] or [np.ones(len(allowed), bool)], axis=0).sum()) for c in held
    }
    binding = max(constrained, key=lambda t: (without[t.code], -int(held[t.code].sum())))
    if without[binding.code]:
        text = f"without the demand on {binding.text} ({binding.border()}) this many {noun(plans)} would pass"
    else:
        text = "no single constraint is to blame: several fail together; the hardest one is named"
    out.append(Reason("binding_constraint", binding.code, without[binding.code], noun(plans), text, binding.source))
    if binding.help:
        out.append(Reason("what_would_help", text=binding.help))
    return tuple(out)
