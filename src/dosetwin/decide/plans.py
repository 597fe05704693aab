"""The regimens that could be given next: every measurable dose x interval x infusion time, and what the standard rules say."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

import numpy as np

from dosetwin.decide.limits import PER_KG, broken, check
from dosetwin.decide.policy import Policy
from dosetwin.decide.rules import Facts, Says, rule
from dosetwin.errors import InputError, Reason
from dosetwin.records import Regimen, Timeline


@dataclass(frozen=True)
class Plan:
    """A regimen that is scored. ``mg_per_kg`` of its maintenance dose; None: no weight is known or needed.

    ``rules``: standard rules that say exactly this; ``violations``: hard limits it breaks, with either dose.
    """

    regimen: Regimen
    mg_per_kg: float | None
    rules: tuple[str, ...] = ()
    violations: tuple[Reason, ...] = ()

    @property
    def loading_mg_per_kg(self) -> float | None:
        """mg/kg of the loading dose; None: there is none."""
        r = self.regimen
        return None if r.loading is None or self.mg_per_kg is None else self.mg_per_kg * r.loading / r.amount


@dataclass(frozen=True)
class Situation:
    """What the border of a choice depends on: ``now`` h, ``weight`` kg (None: not known), the last dose started by now, calendar
    ``origin``."""

    now: float
    weight: float | None
    last_dose: float | None = None
    previous_amount: float | None = None
    origin: datetime | None = None

    @property
    def first(self) -> bool:
        """Whether the coming dose is the first of the course: none is on record."""
        return self.last_dose is None


def situation(timeline: Timeline, now: float, weight: float | None) -> Situation:
    """The situation of a timeline that holds what is known at ``now`` (h)."""
    given = [e for d in timeline.doses for e in d.expanded() if e.time <= now + 1e-9 and e.amount > 0]
    last = max(given, key=lambda d: d.time) if given else None
    return Situation(now, weight, last.time if last else None, last.amount if last else None, timeline.origin)


def first_at(where: Situation, interval: float, step: float) -> float:
    """Start (h) of the coming dose: one interval after the last dose; if that is past, ``now`` rounded up to the next ``step``.

    The step is counted on the wall clock where the record has a calendar, else from the last dose (or from now).
    """
    due = where.now if where.last_dose is None else where.last_dose + interval
    if due > where.now + 1e-9 or step <= 0:
        return max(due, where.now)
    if where.origin is not None:
        moment = where.origin + timedelta(hours=where.now)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        hours = (moment - midnight).total_seconds() / 3600.0
        return where.now + math.ceil(hours / step - 1e-6) * step - hours
    anchor = where.now if where.last_dose is None else where.last_dose
    return anchor + math.ceil((where.now - anchor) / step - 1e-6) * step


def enumerate_plans(
    policy: Policy, where: Situation, says: Mapping[str, Says], extra: Sequence[Regimen] = (), thin: int = 1
) -> tuple[Plan, ...]:
    """Every regimen inside the dose limits of ``policy`` on its grid, plus one per standard rule, limits checked.

    ``extra``: regimens whose amount, interval and infusion time are added too; ``thin`` k: only every k-th amount.
    Ordered by interval, infusion time, amount; a rule that coincides with a grid point is marked on it, not repeated.
    """
    amounts = _amounts(policy, where)
    found: dict[tuple[float, float, float], list[str]] = {
        (interval, infusion, float(amount)): []
        for interval in policy.intervals
        for infusion in policy.infusions
        for amount in amounts[::thin]
    }
    for name, said in says.items():
        key = (said.interval, policy.infusions[0], _measurable(policy, where, said))
        found.setdefault(key, []).append(name)
    for regimen in extra:
        found.setdefault((regimen.interval, regimen.duration, regimen.amount), [])
    plans = []
    for (interval, infusion, amount), names in sorted(found.items()):
        regimen = Regimen(amount, interval, infusion, first_at(where, interval, policy.first_at_step_h))
        plans.append(plan(regimen, policy, where, names))
    return tuple(plans)


def plan(regimen: Regimen, policy: Policy, where: Situation, rules: Sequence[str] = ()) -> Plan:
    """A regimen as a plan: per kg, with the hard limits it breaks."""
    found = broken(
        regimen, policy.limits, weight=where.weight, now=where.now, rounding=policy.rounding,
        previous_amount=where.previous_amount, last_dose=where.last_dose,
    )  # fmt: skip
    return Plan(regimen, regimen.amount / where.weight if where.weight else None, tuple(rules), found)


def needs_weight(policy: Policy) -> bool:
    """Whether limits or rules of a policy are per kg: what is not dosed by weight needs none."""
    return bool(policy.rules) or any(x.quantity in PER_KG for x in policy.limits)


def _weight(where: Situation) -> float:
    if where.weight is None:
        raise InputError("a dose per kg needs a weight", where="weight", allowed="> 0 kg", remedy="record a current weight")
    return where.weight


AROUND = (0.85, 0.90, 0.95, 1.0, 1.05)
"""Amounts tried with a loading dose, as fractions of the best coming dose and of the best later ones."""
LEAST_LOADING = 1.10
"""A first dose less than 10 % above the later ones is no loading dose (assumed): one amount is easier to order."""
SPACING = 1.03
"""Ratio of neighbouring first doses tried at intervals of their own."""


def first_doses(policy: Policy, where: Situation) -> tuple[Plan, ...]:
    """First doses of a course at the intervals that only a loading dose may have: what each does by itself is asked of them."""
    amounts: list[float] = []
    for amount in _amounts(policy, where).tolist():
        if not amounts or amount >= SPACING * amounts[-1]:
            amounts.append(amount)
    start = first_at(where, 0.0, policy.first_at_step_h)
    return tuple(
        plan(Regimen(amount, wait, policy.infusions[0], start), policy, where)
        for wait in policy.loading_intervals
        for amount in amounts
    )


def with_loading(
    plans: Sequence[Plan],
    later: np.ndarray,
    firsts: Sequence[Plan],
    coming: np.ndarray,
    acceptable: Sequence[bool],
    policy: Policy,
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
    thens: dict[tuple[float, float], list[int]] = {}
    for i, p in enumerate(plans):
        if p.regimen.loading is None and p.regimen.interval in policy.intervals:
            thens.setdefault((p.regimen.duration, p.regimen.interval), []).append(i)
    starts: dict[tuple[float, float], list[int]] = {}
    for i, p in enumerate(firsts):
        if p.regimen.loading is None and acceptable[i]:
            starts.setdefault((p.regimen.duration, p.regimen.interval), []).append(i)
    longer = any(p.regimen.interval in policy.loading_intervals for p in firsts)
    pairs = [
        (min(coming[i] for i in starts[a]) + min(later[i] for i in thens[b]), a, b)
        for a in starts
        for b in thens
        if a == b or (longer and a[0] == b[0] and a[1] > b[1])
    ]
    # what the two halves can reach at best must beat the best of one amount by more than a tie
    usual = min((float(coming[i] + later[i]) for i in range(len(plans)) if acceptable[i]), default=math.inf)
    pairs = sorted(p for p in pairs if p[0] < usual - policy.tie_loss)
    alike, apart = [p for p in pairs if p[1] == p[2]], [p for p in pairs if p[1] != p[2]]
    out: list[Plan] = []
    for _, a, b in [*alike[:1], *apart[:2]]:
        load = {i: firsts[i].regimen.amount for i in starts[a]}
        amount = {i: plans[i].regimen.amount for i in thens[b]}
        out += [
            plan(replace(plans[k].regimen, loading=load[i], wait=None if a == b else a[1]), policy, where)
            for i, k in product(_near(load, coming), _near(amount, later))
            if load[i] >= LEAST_LOADING * amount[k] - 1e-9
        ]
    return tuple(p for p in out if not p.violations)


def _near(amount_of: Mapping[int, float], cost: np.ndarray) -> list[int]:
    """The plan of lowest cost and its neighbours at the fractions AROUND, each once."""
    best = amount_of[min(amount_of, key=lambda i: (cost[i], i))]
    return list(dict.fromkeys(min(amount_of, key=lambda i: (abs(amount_of[i] - best * f), i)) for f in AROUND))


def _amounts(policy: Policy, where: Situation) -> np.ndarray:
    """Every measurable dose, mg, in the range of the policy."""
    dose = policy.limit("dose_range")
    if dose.quantity not in ("dose_mg_per_kg", "dose_mg"):
        raise InputError("the range of one dose is in mg or in mg/kg", where=f"policy {policy.name}, limit dose_range",
                         value=dose.quantity, allowed="dose_mg, dose_mg_per_kg")  # fmt: skip
    scale = _weight(where) if dose.quantity == "dose_mg_per_kg" else 1.0
    low, high = (dose.low or 0.0) * scale, (dose.high or math.inf) * scale
    if not math.isfinite(high):
        raise ValueError("the dose_range of a policy needs a highest dose")
    return policy.rounding.amounts(low, high)


def _measurable(policy: Policy, where: Situation, said: Says) -> float:
    """A rule's dose as the syringe measures it: the nearest step, but never one over a limit that the rule itself keeps."""
    weight = _weight(where)
    exact = said.mg_per_kg * weight
    nearest = policy.rounding.nearest(exact)

    def breaks(amount: float) -> bool:
        size = {
            "dose_mg": amount,
            "dose_mg_per_kg": amount / weight,
            "daily_mg_per_kg": amount / weight * 24.0 / said.interval,
        }
        return bool(check(size, policy.limits))

    if breaks(nearest) and not breaks(exact):
        below = [a for a in policy.rounding.amounts(0.9 * exact, exact) if not breaks(float(a))]
        if below:
            return float(below[-1])
    return nearest


def ask_rules(names: Sequence[str], facts: Facts) -> tuple[dict[str, Says], tuple[Reason, ...]]:
    """What each standard rule says, and for those that say nothing a reason why."""
    says: dict[str, Says] = {}
    silent: list[Reason] = []
    for name in names:
        answer = rule(name).advise(facts)
        if isinstance(answer, Says):
            says[name] = answer
        else:
            silent.append(Reason("rule_not_applicable", name, None, "", answer, rule(name).source))
    return says, tuple(silent)


def scored_doses(interval: float, horizon: float) -> dict[str, int]:
    """Index of each scored dose of a regimen repeated every ``interval`` h: next, second, and the last of the horizon."""
    return {"next": 0, "second": 1, "last": max(3, int(np.ceil(horizon / interval - 1e-9))) - 1}
