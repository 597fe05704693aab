"""Hard limits of an order, checked last and independently of how it was found; a loading dose is held to them by itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from dosetwin.declare import Therapy
from dosetwin.declare.limit import Limit, check, numbers
from dosetwin.declare.menu import Situation
from dosetwin.errors import Reason
from dosetwin.records import Choosable, DoseOrder, Every, Setting


def in_force(therapy: Therapy, where: Situation) -> tuple[Limit, ...]:
    """The limits that are of this patient."""
    return tuple(x for x in therapy.limits if x.binds(where.facts))


def broken(order: Choosable, therapy: Therapy, where: Situation, limits: Sequence[Limit] | None = None) -> tuple[Reason, ...]:
    """Every limit an order breaks. A loading dose is held to all of them by itself (against the dose before it), and so is the
    maintenance dose (against the loading dose); reasons about the loading dose say so. ``limits``: those in
    force, where they are at hand.
    """
    menu, limits = therapy.menu, in_force(therapy, where) if limits is None else limits
    if isinstance(order, Setting):  # what a limit bounds is a dose's; settings are bounded by their menu
        return ()
    if not isinstance(order, Every) or order.loading is None:
        return check(numbers(cast("DoseOrder", order), where, menu, limits), limits)
    first = replace(order, amount=order.loading, interval=order.first_interval, loading=None, wait=None)
    then = replace(order, first_at=order.start(1), loading=None, wait=None)
    loading = numbers(first, where, menu, limits)
    loading.pop("later_daily", None)
    if therapy.limit("loading_interval_h") is not None and "interval_h" in loading:
        loading["loading_interval_h"] = loading.pop("interval_h")
    behind = replace(where, last_dose=first.first_at, previous_amount=first.amount,
                     given=(*where.given, (first.first_at, first.amount)))  # fmt: skip
    after = numbers(then, behind, menu, limits)
    found = tuple(replace(r, text=f"loading dose: {r.text}") for r in check(loading, limits))
    return found + tuple(r for r in check(after, limits) if r.code not in {x.code for x in found})
