"""The one doubt that matters most, for the page, the letter and the report."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dosetwin.infer.belief import DOUBTED
from dosetwin.report import narrative

if TYPE_CHECKING:
    from dosetwin.advise import Advice


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
    """What a warning warns of; by what it was judged, and from what on, is told in its fold."""
    said = re.sub(r" \([^()]*\)", "", text.partition("; ")[0])
    return ": ".join(said.split(": ")[:2]).rstrip(".") + "."


def plainly(text: str) -> str:
    """A remark without the id of its record, what is allowed and what was found: those stand in the list of remarks."""
    what, *rest = [x.strip() for x in text.split("; ")]
    what = what.partition(": ")[2] if what.startswith("this patient: ") or "/" in what.partition(": ")[0] else what
    remedy = [x for x in rest if not x.startswith(("found ", "allowed: "))]
    said = "; ".join([what, *remedy[-1:]])
    return narrative.capital(said).rstrip(".") + "."


def doubt_of(advice: "Advice") -> dict[str, Any]:
    """The main doubt of one advice, as ``main_doubt`` gives it."""
    rec, patient = advice.recommendation, f"patient {advice.timeline.patient.id}"
    joint = rec.how_sure.get("joint") if rec.regimen else None
    chance = None if joint is None else {"tone": narrative.chance(joint)[0], "text": narrative.percent(joint)}
    return main_doubt({
        "findings": [{"severity": f.severity, "code": f.code, "text": narrative.remark(f).replace(patient, "this patient")}
                     for f in rec.findings],
        "contradicted": narrative.contradicted(rec), "doubted": any(d.p_wrong >= DOUBTED for d in rec.doubted_records),
        "first": {"chance": chance, "weakest": weakest(advice)},
        "forecasts": [{"turning": f.warns, "text": f.said, "remedy": f.remedy} for f in advice.forecasts],
        "doubts": [{"text": narrative.retold(s.text), "changed": s.changed, "effect": narrative.effect(s)}
                   for s in rec.what_would_change_it],
    })  # fmt: skip
