"""What was ordered (HL7 v2 ORM, OMP, RDE, RDS): kept and shown beside the doses, never counted as one given.

Drug, amount, interval and route of RXO or RXE with ORC, TQ1, RXR and RXC. A preparation whose drug stands among its components
(RXC) is an order, or a dose, of that drug.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from dosetwin import formulary
from dosetwin.io import codes
from dosetwin.io.text import number
from dosetwin.serve.live.hl7_text import Message, Segment
from dosetwin.serve.live.inbox import Item, unusable

ORDERS = {"ORM": ("O01",), "OMP": ("O09",), "RDE": ("O01", "O11"), "RDS": ("O01", "O13")}
_STATUS = {"NW": "new", "OK": "new", "RE": "new", "SC": "new", "SN": "new", "XO": "changed", "XX": "changed", "RO": "changed",
           "RF": "changed", "CA": "stopped", "OC": "stopped", "DC": "stopped", "OD": "stopped", "CR": "stopped",
           "DR": "stopped", "HD": "held", "OH": "held", "RL": "new", "OE": "new", "FU": "new"}  # fmt: skip
"""ORC-1 (table 0119) in our words."""
_EVERY = re.compile(r"^Q(\d+(?:\.\d+)?)(H|D|M)?$", re.IGNORECASE)
_WORDS = {"QD": 24.0, "DAILY": 24.0, "BID": 12.0, "TID": 8.0, "QID": 6.0, "QOD": 48.0}


def every_h(text: str) -> float | None:
    """The interval a repeat pattern means (HL7 table 0335), h; None for one that is not read."""
    word = text.strip().upper()
    found = _EVERY.match(word)
    if found is not None:
        hours = float(found[1]) * {"H": 1.0, "D": 24.0, "M": 1 / 60}[found[2] or "H"]
        return hours if hours > 0 else None
    return _WORDS.get(word)


def component(group: Sequence[Segment], drugs: Sequence[str]) -> tuple[Segment, str] | None:
    """The one additive of a preparation (RXC) that is a drug followed here, and its name. Raises Problem for several."""
    found = [(s, meant.name) for s in group if s.name == "RXC" and (meant := codes.medication(s.coded(2))).name in drugs]
    if len({name for _, name in found}) > 1 or len(found) > 1:
        raise unusable("RXC-2", " or ".join(n for _, n in found), "one drug that is followed",
                       "a preparation of several components that are followed")  # fmt: skip
    return next(iter(found), None)


def whole(base: Sequence[Segment], amount: float, unit: str) -> bool:
    """Whether a volume given is, within a twentieth, that of the preparation's bases (RXC-1 B)."""
    bases = [s for s in base if s.name == "RXC" and s.text(1) == "B"]
    volumes = [_mL(number(s.text(3)), s.text(4)) for s in bases]
    given, there = _mL(amount, unit), sum(v for v in volumes if v is not None)
    return given is not None and bool(volumes) and None not in volumes and abs(there - given) <= 0.05 * there


def _mL(value: float | None, unit: str) -> float | None:
    factor = {"ml": 1.0, "l": 1000.0, "ul": 0.001, "dl": 100.0}.get(unit.strip().lower())
    return None if value is None or factor is None else value * factor


def read(message: Message, out: Any, drug: str, fact: Callable[..., Any]) -> None:
    """The orders of a message, each a fact of the kind ``ordered``; ``fact`` makes and checks one."""
    groups: list[list[Segment]] = []
    for s in message.segments:
        if s.name == "ORC":
            groups.append([])
        if groups:
            groups[-1].append(s)
    if not groups:
        out.remarks.append("no ORC segment; nothing stored")
    for group in groups:
        out.trying(_order, group, out, drug, fact)


def _order(group: Sequence[Segment], out: Any, drug: str, fact: Callable[..., Any]) -> None:
    head = group[0]
    where = f"ORC-2 {head.text(2) or head.text(3) or '?'}"
    what = next((s for s in group if s.name in ("RXO", "RXE", "RXD")), None)
    control = head.text(1)
    if control not in _STATUS:
        raise unusable("ORC-1", control, ", ".join(_STATUS), "an order whose control code is not read")
    if what is None:
        out.remarks.append(f"{where}: an order of something else than a drug is not read")
        return
    code, amount_at, unit_at = {"RXO": (1, 2, 4), "RXE": (2, 3, 5), "RXD": (2, 4, 5)}[what.name]
    said = what.coded(code)
    meant = codes.medication(said)
    name, part = meant.name, None
    if name not in formulary.followed() and (found := component(group, formulary.followed())) is not None:
        part, name = found
    shown = " or ".join(c.text or c.code for c in said) or "a preparation"
    if name not in formulary.followed():
        out.remarks.append(f"{where}: an order of {shown} is not of a drug followed here; not kept")
        return
    if meant.also:
        raise unusable(f"{what.name}-{code}", shown, "one drug", f"its codes and words mean {meant.name} and {meant.also}")
    source, at, unit = (what, amount_at, unit_at) if part is None else (part, 3, 4)
    amount = number(source.text(at))
    spoken = source.text(unit) or next((c.code or c.text for c in source.coded(unit)), "")
    words = next((s.text(3) for s in group if s.name == "TQ1"), "") or head.text(7, 2) or what.text(1, 2)
    hours = every_h(words) if words else None
    if words and hours is None:
        out.remarks.append(f"{where}: the repeat pattern {words[:40]} is not read; the order is kept without its interval")
    route = next((s for s in group if s.name == "RXR"), None)
    body: dict[str, Any] = {
        "kind": "ordered", "drug": name, "status": _STATUS[control], "order": (head.text(3) or head.text(2))[:64],
        "amount": amount, "unit": spoken or None, "every_h": hours,
        "route": "" if route is None else (route.text(1, 2) or route.text(1))[:100], "text": " ".join((shown, words))[:500],
    }  # fmt: skip
    order = head.key(3) or head.key(2)
    if not order:
        raise unusable("ORC-2", "", "a placer or filler number", "an order without its number cannot be told from its repeat")
    made = fact(where, out.sent, {k: v for k, v in body.items() if v is not None})
    out.items.append(Item(f"{order}:ORC:{control}:{out.sent.isoformat()}", made, "", out.sent, where=where))
    out.remarks.append(f"{where}: an order is not a dose given; kept beside the record ({_STATUS[control]})")
