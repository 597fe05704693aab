"""The ward list's line of one twin: who needs a decision, in whom something turns, whose level contradicts the model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dosetwin import formulary
from dosetwin.forecast.tells import listed as listed_tellers
from dosetwin.infer.belief import DOUBTED
from dosetwin.quantities import QUANTITIES
from dosetwin.serve.audit import stamp
from dosetwin.serve.override import tone
from dosetwin.serve.store.measured import Measurement, measurement
from dosetwin.serve.sure import waiting
from dosetwin.serve.timeline import in_force
from dosetwin.serve.told import turning, watching
from dosetwin.serve.twins import KeptQuestion, Known, therapy_of

if TYPE_CHECKING:
    from dosetwin.declare import Therapy

CONTRADICTS = ("level_contradicts_model", "level_contradicts_every_model", "level_doubted")


def summary_of(known: Known, said: Mapping[str, Any], question: KeptQuestion) -> dict[str, Any]:
    """What the ward list shows of a twin, as plain data. ``said``: the answer (a recommendation's JSON, or why there is none)."""
    held = waiting(said, known.facts)
    out = {w["event"] for w in held}
    care = [f for f in in_force(known.facts) if f["id"] not in out]
    drug, therapy = question.policy["drug"], question.policy["name"]
    measured = [(f, m) for f in care if (m := measurement(f)) is not None]
    of = therapy_of(question.policy)
    levels = [(f, m) for f, m in measured if m.quantity == of.watched]
    doses = [f for f in care if f["kind"] == "dose" and f["body"]["drug"] == drug]
    weights = [m for _, m in measured if m.quantity == "WT"]
    findings = said.get("findings", [])
    doubted = {d["record"] for d in said.get("doubted_records", ()) if d["p_wrong"] >= DOUBTED}
    odd = [x for x in findings if x["code"] in CONTRADICTS and x["record"] in doubted]
    watched = watching(question.told, of.listed)
    created = next((f["body"] for f in known.facts if f["kind"] == "patient_created"), {})
    return {
        "label": created.get("label", ""),
        "GA_weeks": created.get("GA_weeks"),
        "status": said["status"],
        "hold": said.get("hold_reason") or "",
        "regimen": said["regimen"],
        "reason": said["reasons"][0]["text"] or said["reasons"][0]["code"],
        "due_at": None if said["regimen"] is None else said["regimen"]["first_at"],
        "how_sure": said.get("how_sure", {}).get("joint"),
        "next_sample": said.get("next_sample"),
        **said_of(known, therapy),
        "level_contradicts": [x.get("message") or x.get("text") for x in odd],
        "warnings": sum(f["severity"] != "info" for f in findings),
        "held": [{k: w[k] for k in ("event", "record", "text")} for w in held],
        "therapy": therapy,
        "drug": drug,
        "watched": formulary.measured(of.watched).text if formulary.known(of.watched) else of.watched,
        "listed": listed(of, created, measured),
        **{t.name: turning(t, care if t in watched else ()) for t in listed_tellers().values()},
        **{
            f"{t.name}_expected": next((x["message"] for x in findings if x["code"] == t.watch.feared), None)
            for t in listed_tellers().values()
        },
        "last_level": None if not levels else _value(levels[-1][0], levels[-1][1].value, levels[-1][1].unit),
        "last_dose": None if not doses else _value(doses[-1], doses[-1]["body"]["amount_mg"], of.drug.unit),
        "weight_kg": None if not weights else weights[-1].value,
        "levels": len(levels),
        "doses": len(doses),
        "now": stamp(question.now),
    }


def listed(
    of: "Therapy", created: Mapping[str, Any], measured: Sequence[tuple[Mapping[str, Any], Measurement]]
) -> list[dict[str, Any]]:
    """What the list shows of a patient beside the answer, as the therapy names it; what is not known is left out.

    ``series`` of a laboratory result: its last values, for a trend.
    """
    out = []
    for name in of.listed or (("WT",) if of.needs_weight else ()):
        q = QUANTITIES[name]
        found = [(f, m.value) for f, m in measured if m.quantity == name]
        told = created.get(TOLD_WITH.get(name, name))
        if not found and told is None:
            continue
        value = found[-1][1] if found else told
        one = {"name": name, "text": q.text, "value": value, "unit": q.unit_shown}
        if found:
            one["at"] = stamp(found[-1][0]["at"])
        if q.kind == "laboratory":
            one["series"] = [[stamp(f["at"]), v] for f, v in found[-8:]]
        out.append(one)
    return out


TOLD_WITH = {"GA": "GA_weeks", "BW": "birth_weight_kg", "SEX": "sex"}
"""What a record says when it is begun."""


def _value(fact: Mapping[str, Any], value: float, unit: str) -> dict[str, Any]:
    return {"at": stamp(fact["at"]), "value": value, "unit": unit, "id": fact["id"]}


def said_of(known: Known, therapy: str) -> dict[str, Any]:
    """What people said of the answer: the part of a summary that changes while the answer stands."""
    return {"answered": answered(known, therapy), "answer_tone": answer_tone(known, therapy), "decided": decided(known, therapy),
            "beyond": beyond(known.facts)}  # fmt: skip


def thresholds(facts: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Quantity -> the limits of this patient in force, as the fact's body."""
    last = {f["body"]["quantity"]: f["body"] for f in facts if f["kind"] == "alert_threshold"}
    return {q: b for q, b in last.items() if "canonical_below" in b or "canonical_above" in b}


def beyond(facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was last measured outside this patient's limits: ``quantity``, ``text``, ``value``, ``unit``, ``side``, ``limit`` and
    ``id`` of the value's fact."""
    limits, out = thresholds(facts), []
    if not limits:
        return []
    last: dict[str, tuple[Mapping[str, Any], Measurement]] = {}
    for f in sorted(in_force(facts), key=lambda f: f["at"]):
        if (m := measurement(f)) is not None and m.quantity in limits:
            last[m.quantity] = f, m
    for q, (f, m) in last.items():
        of = formulary.measured(q)
        for side, wrong in (("below", lambda v, x: v < x), ("above", lambda v, x: v > x)):
            limit = limits[q].get(f"canonical_{side}")
            if limit is not None and wrong(m.value, limit):
                out.append({"quantity": q, "text": of.text, "value": m.value, "unit": of.unit_shown, "side": side, "limit": limit,
                            "id": f["id"]})  # fmt: skip
    return out


def answered(known: Known, therapy: str = "") -> str | None:
    """``accepted`` or ``overridden`` when that was said of a therapy after the last fact that changes the answer, else None."""
    last, others, changed = None, _of_others(known, therapy), 0
    through = {f["body"]["advice_id"]: f["body"].get("through_seq") for f in known.facts if f["kind"] == "advice_issued"}
    for f in known.facts:
        if f["kind"] == "advice_answered":
            of = f["body"]["advice_id"]
            stale = (through.get(of) or changed) < changed  # answered late: newer facts made another advice
            last = last if of in others or stale else f["body"]["decision"]
        elif f["kind"] not in (
            "advice_issued", "alert", "alert_acknowledged", "alert_ended", "alert_told", "alert_threshold", "transferred",
            "consent",
        ):  # fmt: skip
            last, changed = None, f.get("seq", 0)
    return last


def decided(known: Known, therapy: str = "") -> dict[str, Any] | None:
    """The last decision of a person about a therapy: which, by whom, when; it stays where later facts made a new answer."""
    others = _of_others(known, therapy)
    said = (f for f in reversed(known.facts) if f["kind"] == "advice_answered")
    last = next((f for f in said if f["body"]["advice_id"] not in others), None)
    if last is None:
        return None
    return {"decision": last["body"]["decision"], "by": last["body"].get("by", ""), "at": stamp(last["at"])}


def answer_tone(known: Known, therapy: str = "") -> str:
    """How the last answer is shown: good, info, or amber where what was ordered instead breaks something."""
    others = _of_others(known, therapy)
    said = (f["body"] for f in reversed(known.facts) if f["kind"] == "advice_answered")
    last = next((b for b in said if b["advice_id"] not in others), None)
    return "" if last is None else tone(last)


def _of_others(known: Known, therapy: str) -> set[str]:
    """Ids of advice about other therapies; a fact of before, when there was one therapy, names none."""
    issued = (f["body"] for f in known.facts if f["kind"] == "advice_issued")
    return {b["advice_id"] for b in issued if therapy and (b.get("therapy") or therapy) != therapy}
