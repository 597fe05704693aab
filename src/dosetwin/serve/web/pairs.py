"""Two orders chosen together, in the words of a patient's page: what changes against each alone, and what was judged."""

from typing import TYPE_CHECKING, Any

from dosetwin.errors import DosetwinError, percent
from dosetwin.serve import pair
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.service import Service
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise.pair import Pair, Row

SHOWN_APART = ("pair_differs", "each_best_together")
"""Reasons that the page says by its own line and table."""


def asked(service: Service, who: Principal, id_: str, first: str, second: str, zone: Zone) -> dict[str, Any]:
    """The pair for the template; ``failure`` in words where it cannot be worked out."""
    try:
        return told(pair.chosen_together(service, who, id_, first, second), zone)
    except DosetwinError as error:
        return {"failure": str(error), "name": second}


def told(found: "Pair", zone: Zone) -> dict[str, Any]:
    """The pair in words."""
    drugs = [a.therapy.drug.name for a in found.alone]
    orders = []
    if found.chosen is not None:
        for a, order, other in zip(found.alone, found.chosen.orders, found.differs, strict=True):
            origin = a.timeline.origin
            at = zone.clock(None if origin is None else origin.isoformat(), order.first_at)
            alone = "" if a.regimen is None else a.regimen.words()
            # of one amount begun at another time the words are the same: then the time is what changes
            orders.append({"drug": a.therapy.drug.name, "text": order.words(), "at": at, "changed": other, "alone": alone,
                           "later": other and alone == order.words()})  # fmt: skip

    def row(r: "Row") -> dict[str, Any]:
        return {"orders": [o.words() for o in r.orders], "joint": percent(r.joint), "loss": f"{r.loss:.3f}",
                "harms": [percent(r.harms[h.name]) for h in found.harms], "chosen": r is found.chosen,
                "alone": r is found.apart, "acceptable": r.acceptable}  # fmt: skip

    rows = [*found.rows]
    if found.apart is not None and found.apart not in rows:
        rows.append(found.apart)
    return {
        "failure": "", "name": found.alone[1].therapy.name, "drugs": drugs, "orders": orders, "changes": any(found.differs),
        "joint": percent(found.chosen.joint) if found.chosen else "",
        "joint_alone": percent(found.apart.joint) if found.apart else "",
        "harms": [{"text": h.text, "p": percent(found.chosen.harms[h.name]) if found.chosen else "",
                   "alone": percent(found.apart.harms[h.name]) if found.apart else ""} for h in found.harms],
        "reasons": [{"text": r.text, "source": r.source} for r in found.reasons if r.code not in SHOWN_APART],
        "rows": [row(r) for r in rows],
    }  # fmt: skip
