"""The orders that could be given next: what the menu holds and what the published rules say, limits and bars checked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

import numpy as np

from dosetwin.decide.facts import facts_at
from dosetwin.decide.limits import broken, in_force
from dosetwin.declare import Facts, Limit, Repeated, Rule, Says, Therapy
from dosetwin.declare.limit import check
from dosetwin.declare.menu import Situation, first_at
from dosetwin.declare.rule import Said
from dosetwin.errors import Reason
from dosetwin.records import Choosable, DoseOrder, Every, Setting, Timeline

_SIZES = ("dose", "dose_per_kg", "dose_per_m2", "daily", "daily_per_kg")
"""Limits that a rule's dose, rounded to what can be measured, must not be carried over."""


@dataclass(frozen=True)
class Plan:
    """An order that is scored. ``mg_per_kg`` of its maintenance dose; None: no weight is known or needed.

    ``rules``: published rules that say exactly this; ``violations``: bars and hard limits it breaks, with either dose.
    """

    order: Choosable
    mg_per_kg: float | None
    rules: tuple[str, ...] = ()
    violations: tuple[Reason, ...] = ()

    @property
    def dosed(self) -> DoseOrder:
        """The order, of a plan that gives doses."""
        return cast("DoseOrder", self.order)

    @property
    def loading(self) -> float | None:
        """Amount of a loading dose; None: there is none."""
        return self.order.loading if isinstance(self.order, Every) else None

    @property
    def loading_mg_per_kg(self) -> float | None:
        """mg/kg of the loading dose; None: there is none."""
        return None if self.loading is None or self.mg_per_kg is None else self.mg_per_kg * self.loading / self.dosed.amount


def situation(timeline: Timeline, now: float, weight: float | None = None, therapy: Therapy | None = None) -> Situation:
    """The situation of a timeline that holds what is known at ``now`` (h); ``weight`` default: the one on record."""
    given = [e for d in timeline.doses for e in d.expanded() if e.time <= now + 1e-9 and e.amount > 0]
    last = max(given, key=lambda d: d.time) if given else None
    facts = facts_at(timeline, now)
    barred = () if therapy is None else tuple(r for b in therapy.bars if (r := b.forbidden(facts)) is not None)
    return Situation(
        now, facts.number("WT") if weight is None else weight, last.time if last else None, last.amount if last else None,
        timeline.origin, facts, tuple((e.time, e.amount) for e in given), barred, tuple(given),
    )  # fmt: skip


def enumerate_plans(
    therapy: Therapy, where: Situation, says: Mapping[str, Said], extra: Sequence[Choosable] = (), thin: int = 1
) -> tuple[Plan, ...]:
    """Every order of the menu, plus one per published rule, limits checked.

    ``extra``: orders that are added too; ``thin`` k: only every k-th amount. Ordered by the menu's key (interval, infusion time,
    amount); a rule that coincides with a grid point is marked on it, not repeated.
    """
    menu: Any = therapy.menu
    orders: dict[tuple[float, ...], Choosable] = {menu.key(o): o for o in menu.orders(where, thin)}
    said: dict[tuple[float, ...], list[str]] = {}
    for name, words in says.items():
        order = menu.said(words, where, _breaks(therapy.limits, where, words))
        orders.setdefault(menu.key(order), order)
        said.setdefault(menu.key(order), []).append(name)
    for order in extra:
        orders.setdefault(menu.key(order), menu.anew(order, where))
    limits = in_force(therapy, where)
    return tuple(plan(orders[key], therapy, where, said.get(key, ()), limits) for key in sorted(orders))


def _breaks(limits: Sequence[Limit], where: Situation, says: Said) -> Any:
    """Whether an amount at a rule's interval is over a limit on the size of a dose."""
    sizes = [x for x in limits if x.of in _SIZES and x.binds(where.facts)]

    def breaks(amount: float) -> bool:
        assert isinstance(says, Says)  # settings have no size
        found = {"dose": amount, "daily": amount * 24.0 / says.interval}
        if where.weight:
            found |= {"dose_per_kg": amount / where.weight, "daily_per_kg": amount / where.weight * 24.0 / says.interval}
        if surface := where.facts.number("BSA"):
            found["dose_per_m2"] = amount / surface
        return bool(check(found, sizes))

    return breaks


def plan(
    order: Choosable, therapy: Therapy, where: Situation, rules: Sequence[str] = (), limits: Sequence[Limit] | None = None
) -> Plan:  # fmt: skip
    """An order as a plan: per kg, with what forbids it; ``limits`` in force, where the caller has them."""
    found = where.barred or broken(order, therapy, where, limits)
    by_weight = where.weight and therapy.needs_weight and not isinstance(order, Setting)
    per_kg = cast("DoseOrder", order).amount / where.weight if where.weight and by_weight else None
    return Plan(order, per_kg, tuple(rules), found)


AROUND = (0.85, 0.90, 0.95, 1.0, 1.05)
"""Amounts tried with a loading dose, as fractions of the best coming dose and of the best later ones."""
LEAST_LOADING = 1.10
"""A first dose less than 10 % above the later ones is no loading dose (assumed): one amount is easier to order."""
SPACING = 1.03
"""Ratio of neighbouring first doses tried at intervals of their own."""


def first_doses(therapy: Therapy, where: Situation) -> tuple[Plan, ...]:
    """First doses of a course at the intervals that only a loading dose may have: what each does by itself is asked of them."""
    menu = therapy.menu
    if not isinstance(menu, Repeated) or not menu.loads(where):
        return ()
    amounts: list[float] = []
    for amount in menu.amounts(where).tolist():
        if not amounts or amount >= SPACING * amounts[-1]:
            amounts.append(amount)
    start = first_at(where, 0.0, menu.step_h)
    return tuple(
        plan(Every(amount, wait, menu.runs(amount, where.facts), start, unit=menu.unit), therapy, where)
        for wait in menu.loading_intervals
        for amount in amounts
    )


def with_loading(
    plans: Sequence[Plan],
    later: np.ndarray,
    firsts: Sequence[Plan],
    coming: np.ndarray,
    acceptable: Sequence[bool],
    therapy: Therapy,
    where: Situation,
) -> tuple[Plan, ...]:
    """Plans whose first dose is larger than the later ones, worth scoring beside ``plans``, which have one amount each.

    What the coming dose costs hangs on its own amount and the interval after it, what the later ones cost nearly on theirs; so
    the best of both and their neighbours are combined, at three pairs of intervals: at most 75 plans, however many amounts a
    syringe measures. An interval of its own, longer than the later ones, is only for the first dose of a course, and only where
    ``firsts`` holds intervals longer than all others.

    Parameters
    ----------
    later : [n_plans] expected loss of the later doses of ``plans``.
    firsts, coming, acceptable : ``plans`` and then perhaps others, as coming doses (with the interval after each), their expected
        loss, and whether they are inside the constraints; one that is not is not combined with anything.
    """
    menu = therapy.menu
    if not isinstance(menu, Repeated) or not menu.loads(where):
        return ()
    thens: dict[tuple[float, ...], list[int]] = {}
    for i, p in enumerate(plans):
        if p.loading is None and p.dosed.interval in menu.intervals:
            thens.setdefault((0.0 if menu.rate else p.dosed.duration, p.dosed.interval), []).append(i)
    starts: dict[tuple[float, ...], list[int]] = {}
    for i, p in enumerate(firsts):
        if p.loading is None and acceptable[i]:
            starts.setdefault((0.0 if menu.rate else p.dosed.duration, p.dosed.interval), []).append(i)
    longer = any(p.dosed.interval in menu.loading_intervals for p in firsts)
    pairs = [
        (min(coming[i] for i in starts[a]) + min(later[i] for i in thens[b]), a, b)
        for a in starts
        for b in thens
        if a == b or (longer and a[0] == b[0] and a[1] > b[1])
    ]
    # what the two halves can reach at best must beat the best of one amount by more than a tie
    usual = min((float(coming[i] + later[i]) for i in range(len(plans)) if acceptable[i]), default=math.inf)
    pairs = sorted(p for p in pairs if p[0] < usual - therapy.tie_loss)
    alike, apart = [p for p in pairs if p[1] == p[2]], [p for p in pairs if p[1] != p[2]]
    out: list[Plan] = []
    for _, a, b in [*alike[:1], *apart[:2]]:
        load = {i: firsts[i].dosed.amount for i in starts[a]}
        amount = {i: plans[i].dosed.amount for i in thens[b]}
        out += [
            plan(menu.loaded(_every(plans[k]), load[i], None if a == b else a[1], where.facts), therapy, where)
            for i, k in product(_near(load, coming), _near(amount, later))
            if load[i] >= LEAST_LOADING * amount[k] - 1e-9
        ]
    return tuple(p for p in out if not p.violations)


def _every(plan: Plan) -> Every:
    assert isinstance(plan.order, Every)
    return plan.order


def _near(amount_of: Mapping[int, float], cost: np.ndarray) -> list[int]:
    """The plan of lowest cost and its neighbours at the fractions AROUND, each once."""
    best = amount_of[min(amount_of, key=lambda i: (cost[i], i))]
    return list(dict.fromkeys(min(amount_of, key=lambda i: (abs(amount_of[i] - best * f), i)) for f in AROUND))


def ask_rules(rules: Sequence[Rule], facts: Facts) -> tuple[dict[str, Said], tuple[Reason, ...]]:
    """What each published rule says, and for those that say nothing a reason why."""
    says: dict[str, Said] = {}
    silent: list[Reason] = []
    for rule in rules:
        answer = rule.advise(facts)
        if isinstance(answer, str):
            silent.append(Reason("rule_not_applicable", rule.name, None, "", answer, rule.source))
        else:
            says[rule.name] = answer
    return says, tuple(silent)


def scored_doses(interval: float, horizon: float) -> dict[str, int]:
    """Index of each scored dose of a regimen repeated every ``interval`` h: next, second, and the last of the horizon."""
    return {"next": 0, "second": 1, "last": max(3, int(np.ceil(horizon / interval - 1e-9))) - 1}
