"""The first screen of a patient: the order with its clock times, how sure, what changed since last time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dosetwin.decide.recommendation import Setup, order
from dosetwin.report import narrative
from dosetwin.report.alternatives import alternatives
from dosetwin.report.doubt import weakest
from dosetwin.serve.timeline import in_force
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice

NEXT = 3
"""Coming doses told as clock times."""
NEWS = 4
"""New facts named one by one; more are counted."""


def first(advice: "Advice", zone: Zone) -> dict[str, Any]:
    """Keys ``times`` of the coming doses, ``settings`` of a device, ``chance`` in words and colour, ``weakest`` goal,
    ``alternatives``."""
    rec = advice.recommendation
    tone, words = narrative.chance(rec.how_sure.get("joint")) if rec.regimen else ("", "")
    joint = rec.how_sure.get("joint") if rec.regimen else None
    return {
        "times": times(advice, zone),
        "settings": settings(rec.regimen),
        "give": narrative.given(rec.given),
        "prepared": narrative.prepared(rec.given),
        "chance": None if joint is None else {"tone": tone, "words": words, "text": narrative.percent(joint)},
        "weakest": weakest(advice),
        "alternatives": [
            {"text": narrative.ordered(a["candidate"].regimen), "why": a["why"], "trade": narrative.signs(a["trade"]),
             "acceptable": a["candidate"].acceptable}
            for a in alternatives(rec, advice.therapy)
        ],
    }  # fmt: skip


def times(advice: "Advice", zone: Zone) -> list[dict[str, str]]:
    """The next doses of the order: ``at`` on the ward's clock with the day of the week, ``ago`` from now, ``amount``."""
    r, origin = advice.dosed, advice.timeline.origin
    if r is None:
        return []
    out = []
    for d in r.doses(r.start(3 * NEXT))[:NEXT]:
        at = f"{d.time:g} h" if origin is None else weekday(zone.at(origin.isoformat(), d.time), zone)
        out.append({"at": at, "in": _in(d.time - advice.now), "amount": f"{d.amount:g} {advice.therapy.drug.unit}"})
    return out


def weekday(when: datetime, zone: Zone) -> str:
    """``Wed 2 Dec 10:41``."""
    return f"{zone.local(when):%a} {zone.short(when)}"


def _in(hours: float) -> str:
    size = abs(hours)
    text = f"{size * 60:.0f} min" if size < 1.5 else f"{size:.0f} h" if size < 48 else f"{size / 24:.0f} d"
    return f"in {text}" if hours >= 0 else f"{text} ago"


def settings(regimen: Any) -> list[tuple[str, str]]:
    """What a device or a place is set to, each named; none of a dose."""
    if not isinstance(regimen, Setup):
        return []
    return [(narrative.named(n)[0], f"{v:g} {narrative.named(n)[1]}".strip()) for n, v in regimen.settings.items()]


def since(
    last: Mapping[str, Any] | None, p: Mapping[str, Any], facts: Sequence[Mapping[str, Any]], said: Any, now_text: str
) -> dict[str, Any]:
    """What changed since the last advice that was issued, and what arrived meanwhile.

    ``last``: ``at``, ``text``, ``answer`` and ``through_seq`` of it, None where there was none; ``said(fact)`` a fact in words.
    """
    care = list(in_force(facts))
    if last is None:
        counts = [(sum(f["kind"] == "dose" for f in care), "dose"), (sum(f["kind"] != "dose" for f in care), "other fact")]
        basis = ", ".join(f"{n} {w}{'' if n == 1 else 's'}" for n, w in counts if n)
        return {"text": "This is the first advice.", "why": f"It rests on {basis}." if basis else ""}
    then = f"{last['at']}{', ' + last['answer'] if last['answer'] else ''}"
    same = last["text"] == now_text
    text = f"The same as at {then}." if same else f"Was: {last['text']} ({then})."
    new = [f for f in care if f.get("seq", 0) > last["through_seq"]]
    named = [said(f) for f in new[-NEWS:]]
    more = len(new) - len(named)
    why = "" if not new else "New since: " + "; ".join(named) + (f"; and {more} more." if more else ".")
    return {"text": text, "why": why or "Nothing new was recorded since; what is due moves with the clock."}


def order_text(regimen: Any) -> str:
    """The order in the words of the history of advice."""
    return "no acceptable regimen" if regimen is None else order(regimen)
