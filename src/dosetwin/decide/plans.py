"""The regimens that could be given next: every measurable dose x interval x infusion time, and what the standard rules say."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from dosetwin.decide.limits import PER_KG, check, quantities
from dosetwin.decide.policy import Policy
from dosetwin.decide.rules import Facts, Says, rule
from dosetwin.errors import InputError, Reason
from dosetwin.records import Regimen, Timeline


@dataclass(frozen=True)
class Plan:
    """A regimen that is scored. ``mg_per_kg`` None: no weight is known or needed.

    ``rules``: standard rules that say exactly this; ``violations``: hard limits it breaks."""

    regimen: Regimen
    mg_per_kg: float | None
    rules: tuple[str, ...] = ()
    violations: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Situation:
    """What the border of a choice depends on: ``now`` h, ``weight`` kg (None: not known), the last dose started by now, calendar
    ``origin``."""

    now: float
    weight: float | None
    last_dose: float | None = None
    previous_amount: float | None = None
    origin: datetime | None = None


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
    dose = policy.limit("dose_range")
    if dose.quantity not in ("dose_mg_per_kg", "dose_mg"):
        raise InputError("the range of one dose is in mg or in mg/kg", where=f"policy {policy.name}, limit dose_range",
                         value=dose.quantity, allowed="dose_mg, dose_mg_per_kg")  # fmt: skip
    scale = _weight(where) if dose.quantity == "dose_mg_per_kg" else 1.0
    low, high = (dose.low or 0.0) * scale, (dose.high or math.inf) * scale
    if not math.isfinite(high):
        raise ValueError("the dose_range of a policy needs a highest dose")
    found: dict[tuple[float, float, float], list[str]] = {
        (interval, infusion, float(amount)): []
        for interval in policy.intervals
        for infusion in policy.infusions
        for amount in policy.rounding.amounts(low, high)[::thin]
    }
    for name, said in says.items():
        key = (said.interval, policy.infusions[0], _measurable(policy, where, said))
        found.setdefault(key, []).append(name)
    for regimen in extra:
        found.setdefault((regimen.interval, regimen.duration, regimen.amount), [])
    plans = []
    for (interval, infusion, amount), names in sorted(found.items()):
        regimen = Regimen(amount, interval, infusion, first_at(where, interval, policy.first_at_step_h))
        bounded = quantities(
            regimen,
            weight=where.weight,
            now=where.now,
            rounding=policy.rounding,
            previous_amount=where.previous_amount,
            last_dose=where.last_dose,
        )
        per_kg = amount / where.weight if where.weight else None
        plans.append(Plan(regimen, per_kg, tuple(names), check(bounded, policy.limits)))
    return tuple(plans)


def needs_weight(policy: Policy) -> bool:
    """Whether limits or rules of a policy are per kg: what is not dosed by weight needs none."""
    return bool(policy.rules) or any(x.quantity in PER_KG for x in policy.limits)


def _weight(where: Situation) -> float:
    if where.weight is None:
        raise InputError("a dose per kg needs a weight", where="weight", allowed="> 0 kg", remedy="record a current weight")
    return where.weight


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
