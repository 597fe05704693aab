"""The first screen of a patient: the order with its clock times, how sure, the one main doubt, what changed since last time."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dosetwin.decide.recommendation import Setup, order
from dosetwin.report import narrative
from dosetwin.report.alternatives import alternatives
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


def weakest(advice: "Advice") -> str:
    """The goal least likely met under the order, with its chance; "" without an order."""
    rec = advice.recommendation
    c = next((c for c in rec.candidates if rec.regimen is not None and c.regimen == rec.regimen), None)
    if c is None:
        return ""
    scored = [g for g in advice.therapy.goals if g.joint and any(a.target == g.code for a in c.attainment)]
    if not scored:
        return ""
    least = min(scored, key=lambda g: c.p(g.code))
    return f"{narrative.aim(least)}: {narrative.percent(c.p(least.code))}"


def main_doubt(p: Mapping[str, Any]) -> dict[str, Any]:
    """The one doubt that matters most: ``text``, ``tone``, and how many ``more`` stand behind it."""
    found: list[tuple[str, str]] = []
    held = [f["text"] for f in p["findings"] if f["severity"] == "error"]
    found += [("bad", text) for text in held]
    if p["contradicted"] or p["doubted"]:
        found.append(("bad", "A measured level does not fit this patient and may be wrong: have it checked or drawn again."))
    chance = p["first"]["chance"]
    if chance is not None and chance["tone"] in ("bad", "warn"):
        said = f"Only {chance['text']} chance that every target is met"
        found.append((chance["tone"], said + (f"; the weakest is {p['first']['weakest']}." if p["first"]["weakest"] else ".")))
    found += [("bad", f"{_brief(f['text'])} {f['remedy']}".strip()) for f in p["forecasts"] if f["turning"]]
    found += [("warn", f"If {d['text']}, the answer changes: {d['effect']}") for d in p["doubts"] if d["changed"]]
    found += [("warn", plainly(f["text"])) for f in p["findings"] if f["severity"] == "warning" and f["code"] != "held_back"]
    if not found:
        weakest_ = p["first"]["weakest"]
        return {"text": f"Nothing stands out. The target least sure is {weakest_}." if weakest_ else "Nothing stands out.",
                "tone": "info", "more": 0}  # fmt: skip
    return {"text": found[0][1], "tone": found[0][0], "more": len(found) - 1}


def _brief(text: str) -> str:
    """The first part of a warning, without what stands in brackets; the rest is told in its fold."""
    return re.sub(r" \([^()]*\)", "", text.partition("; ")[0]).rstrip(".") + "."


def plainly(text: str) -> str:
    """A remark without the id of its record, what is allowed and what was found: those stand in the list of remarks."""
    what, *rest = [x.strip() for x in text.split("; ")]
    what = what.partition(": ")[2] if what.startswith("this patient: ") or "/" in what.partition(": ")[0] else what
    remedy = [x for x in rest if not x.startswith(("found ", "allowed: "))]
    said = "; ".join([what, *remedy[-1:]])
    return narrative.capital(said).rstrip(".") + "."


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
