"""The order's times fitted to the ward's medication rounds, where the twin says that the loss allows it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from dosetwin.advise.core import Decision, State, judged
from dosetwin.advise.hold import Settled, binds
from dosetwin.advise.question import Asked
from dosetwin.advise.table import clock
from dosetwin.decide.plans import Plan
from dosetwin.decide.search import Exposures, Scores, told_anew, unmet_constraints
from dosetwin.declare.rounds import Rounds
from dosetwin.errors import percent
from dosetwin.records import Choosable, Every, Week

MOST_OF_INTERVAL = 0.25
"""Share of its interval by which a dose may be moved to a round (assumed)."""
MOST_H = 6.0
"""h by which a dose may be moved at most (assumed)."""
INTERVALS = 3
"""Other intervals that are thought of where the chosen one runs between the rounds: the best acceptable order of each."""
LATER = 3
"""Doses behind the first that are asked whether they fall on rounds."""


def fitted(asked: Asked, state: State, settled: Settled) -> Settled:
    """The decision with its order moved to the ward's rounds, and ``rounds`` that says what that costs, or why it was not moved.

    An order is moved by at most a quarter of its interval and 6 h, never to before now; the first dose of a course and one that
    is overdue are not made to wait. What is moved meets every limit and every chance constraint (also if a doubted record is
    right) and costs no more loss than counts as equal (``Therapy.tie_loss``). Where the doses behind it would fall between
    rounds, the best orders of other intervals are asked too. A ward without rounds, and an order that cannot be moved,
    keep the times counted from the last dose, and it is said.
    """
    rounds, made = asked.therapy.rounds, settled.made
    order, origin = made.regimen, asked.bare.origin
    if rounds is None or not isinstance(order, Every | Week):
        return settled
    said: dict[str, Any] = {"ward": rounds.ward, "times": list(rounds.said)}
    if why := _why_not(rounds, made, order, origin, settled):
        return replace(settled, rounds=said | {"moved_h": 0.0, "words": why})
    assert origin is not None
    assert made.choice.chosen is not None
    if all(rounds.on(origin, t) for t in _starts(order)):
        return replace(settled, rounds=said | {"moved_h": 0.0, "words": f"already on the rounds of {rounds.ward}"})
    orders = _orders(made, order, rounds, origin, asked.therapy.tie_loss)
    found = _best(asked, state, made, orders)
    if found is None:
        far = f"is within {_reach(order):g} h" if len(orders) < 2 else "can be kept inside the limits at no more loss"
        why = f"no round of {rounds.ward} {far}: times are counted from the last dose"
        return replace(settled, rounds=said | {"moved_h": 0.0, "words": why})
    plan, exposures, scores, before = found
    new = plan.order
    i = made.choice.chosen
    moved = new.first_at - order.first_at
    off = [clock(asked.bare, t) for t in _starts(new) if not rounds.on(origin, t)]
    told = said | {
        "moved_h": round(moved, 4), "from": clock(asked.bare, order.first_at), "to": clock(asked.bare, new.first_at),
        "loss": [round(float(before.loss[0]), 4), round(float(scores.loss[0]), 4)],
        "joint": [round(float(before.joint[0]), 4), round(float(scores.joint[0]), 4)], "off": off,
    }  # fmt: skip
    told["words"] = _words(told, order, new, rounds.clock(origin, new.first_at), rounds.ward)
    rows = [len(made.plans) if k == i else k for k in range(len(made.plans))]
    plans = tuple(plan if k == i else p for k, p in enumerate(made.plans))
    choice = replace(made.choice, scores=made.choice.scores.joined(scores).only(rows))
    choice = replace(choice, reasons=told_anew(plans, choice, asked.therapy.goals))
    moved_on = replace(made, plans=plans, exposures=made.exposures.joined(exposures).only(rows), choice=choice)
    return replace(settled, made=moved_on, rounds=told)


def _why_not(rounds: Rounds, made: Decision, order: Choosable, origin: Any, settled: Settled) -> str:
    """Why an order is not moved; "" where it may be."""
    if not rounds.times:
        return f"{rounds.ward} names no rounds: times are counted from the last dose"
    if origin is None:
        return "the record has no calendar, so no round can be kept"
    if settled.plan is not None:
        return "it waits for a level, not for a round"
    if made.where.first or made.where.afresh:
        return "the first dose of a course does not wait for a round"
    if order.first_at <= made.where.now + 0.5:
        return "a dose that is due does not wait for a round"
    return ""


def _starts(order: Any) -> list[float]:
    """When the first doses of an order start."""
    return [order.start(k) for k in range(1 if isinstance(order, Week) else 1 + LATER)]


def _orders(made: Decision, order: Every | Week, rounds: Rounds, origin: Any, tie: float) -> Sequence[Choosable]:
    """The order itself, then each of it and of the best of other intervals at the rounds near its time."""
    base: list[Every | Week] = [order]
    if isinstance(order, Every) and not all(rounds.on(origin, t + _nearest(order, rounds, origin)) for t in _starts(order)):
        chosen = made.choice.chosen
        assert chosen is not None
        most = made.choice.scores.loss[chosen] + tie
        seen = {order.interval}
        for k in made.choice.order:
            other = made.plans[k].order
            fine = made.choice.acceptable(made.plans[k], k) and made.choice.scores.loss[k] <= most
            if not fine or not isinstance(other, Every) or other.interval in seen or other.complexity > order.complexity:
                continue
            seen.add(other.interval)
            base.append(other)
            if len(seen) > INTERVALS:
                break
    out: list[Choosable] = [order]
    for o in base:
        reach = _reach(o)
        near = rounds.between(origin, max(o.first_at - reach, made.where.now), o.first_at + reach)
        out += [_at(o, at, origin) for at in near]
    return out


def _reach(order: Every | Week) -> float:
    """h by which an order may be moved."""
    return min(MOST_OF_INTERVAL * order.interval, MOST_H)


def _nearest(order: Every, rounds: Rounds, origin: Any) -> float:
    """h from the order's start to the round nearest to it: where the doses behind it would then fall."""
    near = rounds.between(origin, order.first_at - 12.0, order.first_at + 12.0)
    return min((at - order.first_at for at in near), key=abs, default=0.0)


def _at(order: Every | Week, at: float, origin: Any) -> Every | Week:
    """The order from another moment on; a week of tablets keeps its days of the calendar."""
    if isinstance(order, Every):
        return replace(order, first_at=at)
    from datetime import timedelta

    return replace(order, first_at=at, day=(origin + timedelta(hours=at)).weekday() if order.calendar else order.day)


def _best(
    asked: Asked, state: State, made: Decision, orders: Sequence[Choosable]
) -> tuple[Plan, Exposures, Scores, Scores] | None:
    """The acceptable order on the rounds that is moved least, of the lowest loss among those (orders whose later doses are on
    rounds too go first, then the chosen interval) with its exposures and scores, and the scores of the order as it was; None
    where none costs little enough."""
    rounds, origin, goals = asked.therapy.rounds, asked.bare.origin, asked.therapy.goals
    assert rounds is not None
    assert origin is not None
    if len(orders) < 2:
        return None
    put = asked.at(made.where.now)
    found = judged(put, state, made.where, orders)
    right = judged(put, state.under(state.right), made.where, orders) if binds(state) else None
    if found is None or (binds(state) and right is None):
        return None
    plans, exposures, scores = found
    unmet = unmet_constraints(scores, goals)
    if right is not None:
        unmet = tuple((*a, *b) for a, b in zip(unmet, unmet_constraints(right[2], goals), strict=True))
    allowed = scores.loss[0] + asked.therapy.tie_loss
    fine = [i for i, p in enumerate(plans) if i and not p.violations and not unmet[i] and scores.loss[i] <= allowed]
    if not fine:
        return None

    def rank(i: int) -> tuple[int, bool, float, float]:
        order, was = cast("Any", plans[i].order), cast("Any", orders[0])
        off = sum(not rounds.on(origin, t) for t in _starts(order))
        return off, order.interval != was.interval, abs(order.first_at - was.first_at), float(scores.loss[i])

    best = min(fine, key=rank)
    chosen: Any = made.plans[made.choice.chosen or 0]
    same: Any = plans[best].order
    rules = chosen.rules if same.pattern == chosen.order.pattern and same.amounts == chosen.order.amounts else ()
    return replace(plans[best], rules=rules), exposures.only([best]), scores.only([best]), scores.only([0])


def _words(told: dict[str, Any], old: Any, new: Any, at: str, ward: str) -> str:
    """What the move is and what it costs, in a sentence."""
    h = told["moved_h"]
    size = f"{abs(h) * 60:.0f} min" if abs(h) < 2 else f"{abs(h):.3g} h"
    how = f"moved {size} {'later' if h > 0 else 'earlier'} to" if abs(h) > 1e-6 else "from"
    what = "" if old.pattern == new.pattern else f", every {new.interval:g} h instead of {old.interval:g} h,"
    before, after = (percent(p) for p in told["joint"])
    cost = f"stays {after}" if before == after else f"is {after}, {before} without"
    late = f"; of the next {1 + LATER} doses {len(told['off'])} fall between rounds" if told["off"] else ""
    return f"{how} the {at} round of {ward}{what}: the chance of all joint targets {cost}{late}"
