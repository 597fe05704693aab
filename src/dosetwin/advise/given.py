"""The order chosen as hands give it: volume, rate, vials or tablets of each dose, and what rounding to the marks costs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from dosetwin.advise.core import Decision, State, judged
from dosetwin.advise.question import Asked
from dosetwin.advise.table import quantile
from dosetwin.decide.plans import ask_rules
from dosetwin.declare import Says, Therapy
from dosetwin.declare.menu import Repeated, Situation, Weekly
from dosetwin.declare.preparation import given
from dosetwin.declare.reading import json_key
from dosetwin.errors import InputError, percent
from dosetwin.records import Choosable, Every, Setting, Week
from dosetwin.records.doses import DAYS

BETWEEN = 4
"""Amounts tried on either side of the order, of those that are rounded to it, to see what rounding costs."""


def doses_of(order: Choosable) -> list[tuple[str, float, float]]:
    """(which, amount, h it runs) of each different dose of an order; none of settings."""
    if isinstance(order, Setting):
        return []
    if isinstance(order, Week):
        amounts = sorted({a for a in order.week if a}, reverse=True)
        days = DAYS if order.calendar else tuple(f"day {k}" for k in range(1, 8))
        on = {a: ", ".join(d for d, x in zip(days, order.week, strict=True) if x == a) for a in amounts}
        return [("each day" if len(amounts) == 1 and 0.0 not in order.week else on[a], a, 0.0) for a in amounts]
    loading = order.loading if isinstance(order, Every) else None
    amount, duration = cast("Any", order).amount, cast("Any", order).duration
    if loading is None:
        return [("each dose", amount, duration)]
    return [("loading dose", loading, duration), ("then each dose", amount, duration)]


def as_given(order: Choosable | None, therapy: Therapy) -> dict[str, Any]:
    """An order as hands give it, as plain data: ``doses`` (``which``, and what ``Given.to_json`` says), ``preparation``, and
    ``said`` of where that is from; empty for no order, settings, and drugs of which nobody says how they are prepared."""
    by, drug = therapy.preparation, therapy.drug
    doses: list[dict[str, Any]] = []
    for which, amount, hours in [] if order is None else doses_of(order):
        try:
            found = given(amount, hours, drug, by)
        except InputError as error:
            doses.append({"which": which, "amount": amount, "unit": drug.unit, "words": f"{error}"})
            continue
        if found is not None:
            doses.append({"which": which, **found.to_json()})
    if not doses:
        return {}
    return {"doses": doses, "preparation": {} if by is None else by.to_json(), "said": said_of(therapy)}


def said_of(therapy: Therapy) -> str:
    """Where the way a dose is prepared is from."""
    by = therapy.preparation
    if by is None:
        if therapy.pieces:
            return f"{therapy.drug.piece}s as {therapy.pieces} has them"
        return f"{therapy.drug.piece}s as the formulary has them: a ward names its own"
    return by.source if by.ward or by.lacking else f"the formulary's usual preparation, not a ward's own ({by.source})"


def rounding(asked: Asked, state: State, made: Decision) -> dict[str, Any]:
    """What rounding the chosen order to what can be measured costs, judged on the twin; empty where nothing is rounded, or where
    every amount would cost a simulation and no rule says an exact one.

    ``exact`` is what would be given without marks: what the rule that the order follows says to the last digit, else the amount
    of the lowest expected loss among those that are rounded to the order (of a week of tablets, where the ward has its own, its
    total). ``loss``, ``joint`` and the medians of ``readings``:
    [exact, as given].
    """
    order, menu = made.regimen, asked.therapy.menu
    if not state.pools:
        return {}
    if isinstance(order, Week) and isinstance(menu, Weekly):
        exact: Sequence[Every | Week] = _weeks_of_rules(asked, made, order) or _weeks_between(asked.therapy, menu, order)
    elif isinstance(order, Every) and isinstance(menu, Repeated):
        exact = _of_rules(asked, made, order) or _between(asked, order)
    else:
        return {}
    if not exact:
        return {}
    found = judged(asked.at(made.where.now), state, made.where, [order, *exact])
    if found is None:
        return {}
    plans, exposures, scores = found
    steps = {x.code for x in asked.therapy.limits if x.of == "off_step"}
    fine = [i for i, p in enumerate(plans) if i and not [v for v in p.violations if v.code not in steps]]
    if not fine:
        return {}
    best = min(fine, key=lambda i: (round(float(scores.loss[i]), 6), abs(plans[i].dosed.amount - order.amount)))
    if len(exact) > 1 and scores.loss[best] >= scores.loss[0] - 1e-6:
        best = 0  # no amount between the marks does better
    rows = (best, 0)
    medians = {
        json_key(r.key, d): [round(quantile(exposures.values[r.key, d][i], exposures.weights, 0.5), 3) for i in rows]
        for r, d in asked.therapy.shown
    }
    told = {
        "exact": round(_size(plans[best].order), 4), "given": _size(order),
        "unit": f"{order.unit} a week" if isinstance(order, Week) else order.unit,
        "loss": [round(float(scores.loss[i]), 4) for i in rows], "joint": [round(float(scores.joint[i]), 4) for i in rows],
        "readings": {k: [x if np.isfinite(x) else None for x in v] for k, v in medians.items()},
    }  # fmt: skip
    return told | {"words": rounding_words(told)}


def _of_rules(asked: Asked, made: Decision, order: Every) -> list[Every]:
    """The same order with the exact amount of the rule it follows; none where it follows none."""
    index = made.choice.chosen
    names = made.plans[index].rules if index is not None else ()
    says = ask_rules(asked.therapy.rules, made.facts)[0] if names else {}
    for name in names:
        found = says.get(name)
        if isinstance(found, Says):
            size = made.where.size(found.per)
            loading = None if order.loading is None or found.loading is None else found.loading * size
            return [replace(order, amount=found.amount * size, loading=loading)]
    return []


def _size(order: Any) -> float:
    """What is rounded: the first dose, of tablets by the days of the week their total."""
    return order.total if isinstance(order, Week) else order.first


def _weeks_of_rules(asked: Asked, made: Decision, order: Week) -> list[Week]:
    """The week with the exact amount of the rule it follows, the same each day; none where it follows none."""
    index = made.choice.chosen
    names = made.plans[index].rules if index is not None else ()
    says = ask_rules(asked.therapy.rules, made.facts)[0] if names else {}
    found = [s for n in names if isinstance(s := says.get(n), Says)]
    return [replace(order, week=(s.amount * made.where.size(s.per) * 24.0 / s.interval,) * 7) for s in found[:1]]


def _weeks_between(therapy: Therapy, menu: Weekly, order: Week) -> list[Week]:
    """Weeks of any total that the ward's tablets round to the order's, the same each day; none where they are the formulary's
    (each costs a simulation)."""
    if not therapy.pieces:
        return []
    totals = sorted(sum(o.week) for o in menu.orders(Situation(order.first_at)))
    below = [t for t in totals if t < order.total - 1e-9][-1:] or [order.total]
    above = [t for t in totals if t > order.total + 1e-9][:1] or [order.total]
    near = [(order.total + below[0]) / 2, (order.total + above[0]) / 2]
    near += [(order.total + t) / 2 for t in near]
    return [replace(order, week=(t / 7.0,) * 7) for t in near if abs(t - order.total) > 1e-9]


def _between(asked: Asked, order: Every) -> Sequence[Every]:
    """The same order with amounts that are rounded to its own; of its first dose where there is a loading dose."""
    if not all(m.linear_in_dose for m in asked.models):
        return []
    step = cast("Repeated", asked.therapy.menu).rounding.step(order.first)
    amounts = [order.first + step * k / (2 * BETWEEN) for k in range(-BETWEEN, BETWEEN + 1) if k]
    if order.loading is not None:
        return [replace(order, loading=a) for a in amounts if a > 0]
    return [replace(order, amount=a) for a in amounts if a > 0]


def rounding_words(found: dict[str, Any]) -> str:
    """What rounding costs, in a sentence."""
    exact, unit = found["exact"], found["unit"]
    if abs(exact - found["given"]) < 1e-6:
        return "rounding to what can be measured costs nothing"
    before, after = (percent(p) for p in found["joint"])
    said = f"stays {after}" if before == after else f"is {after}, {before} without"
    return f"rounded from {exact:.4g} {unit} to what can be measured: the chance of all joint targets {said}"
