"""What a trial of a place counts where its summary does not say it itself: the shipped therapy's promises."""

from typing import TYPE_CHECKING

from dosetwin import formulary
from dosetwin.declare.reading import SHARES
from dosetwin.trial.study import Endpoint
from dosetwin.trial.therapy.endpoints import value_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dosetwin.declare import Therapy


def endpoints_of(therapy: "Therapy") -> "Mapping[str, Endpoint]":
    """Every endpoint by name: promises kept, readings, the loss they come to, and what it took."""
    found = {g.code: Endpoint(g.code, f"{g.text}: {g.border()}, share of the spans", "", "high", "share")
             for g in therapy.goals if not g.price}  # fmt: skip
    of = therapy.pool.of if therapy.pool is not None else "beds"
    priced = {g.reading.key for g in therapy.goals if g.price}
    for r in therapy.readings:
        name = value_name(r)
        kind = "share" if r.how in SHARES else "number"
        found[name] = Endpoint(name, r.label, "h" if r.what == "wait" and r.how not in SHARES else "",
                               "low" if r.key in priced else "neither", kind)  # fmt: skip
    return found | {e.name: e for e in (
        Endpoint("loss", f"what missed promises and {of} cost, by the therapy's weights", "", "low"),
        Endpoint("changes", f"how often the number of {of} was changed", "", "neither"),
        Endpoint("nothing_acceptable", "decisions at which no number was acceptable; what came closest was opened", "", "low"),
    )}  # fmt: skip


ENDPOINTS = endpoints_of(formulary.therapy("bed_pool"))
MAIN = tuple(ENDPOINTS)
SHOWN = tuple(n for n, e in ENDPOINTS.items() if e.better != "neither")
GROUPED = ("loss",)
WHO = ("ward", "wards", "wards")
COMPARED = ENDPOINTS["loss"].text
