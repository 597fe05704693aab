"""The ward list's line of one twin: who needs a decision, whose kidney is turning, whose level contradicts the model."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from dosetwin.infer.belief import DOUBTED
from dosetwin.serve.audit import stamp
from dosetwin.serve.override import tone
from dosetwin.serve.store.measured import measurement
from dosetwin.serve.sure import waiting
from dosetwin.serve.timeline import in_force
from dosetwin.serve.twins import KeptQuestion, Known

RISE_MG_DL, RISE_WITHIN_H, RATIO, RATIO_WITHIN_H = 0.3, 48.0, 1.5, 168.0
"""Neonatal modified KDIGO: a rise of 0.3 mg/dL within 48 h, or to 1.5 times the lowest of 7 days (Jetton 2012; secondary)."""
CONTRADICTS = ("level_contradicts_model", "level_contradicts_every_model", "level_doubted")


def summary_of(known: Known, said: Mapping[str, Any], question: KeptQuestion) -> dict[str, Any]:
    """What the ward list shows of a twin, as plain data. ``said``: the answer (a recommendation's JSON, or why there is none)."""
    held = waiting(said, known.facts)
    out = {w["event"] for w in held}
    care = [f for f in in_force(known.facts) if f["id"] not in out]
    drug = question.policy["drug"]
    measured = [(f, m) for f in care if (m := measurement(f)) is not None]
    levels = [(f, m) for f, m in measured if m.quantity == drug]
    doses = [f for f in care if f["kind"] == "dose" and f["body"]["drug"] == drug]
    weights = [m for _, m in measured if m.quantity == "WT"]
    findings = said.get("findings", [])
    doubted = {d["record"] for d in said.get("doubted_records", ()) if d["p_wrong"] >= DOUBTED}
    odd = [x for x in findings if x["code"] in CONTRADICTS and x["record"] in doubted]
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
        "answered": answered(known),
        "answer_tone": answer_tone(known),
        "level_contradicts": [x.get("message") or x.get("text") for x in odd],
        "warnings": sum(f["severity"] != "info" for f in findings),
        "held": [{k: w[k] for k in ("event", "record", "text")} for w in held],
        "kidney": kidney(care),
        "kidney_expected": next((x["message"] for x in findings if x["code"] == "kidney_injury_expected"), None),
        "last_level": None if not levels else _value(levels[-1][0], levels[-1][1].value, levels[-1][1].unit),
        "last_dose": None if not doses else _value(doses[-1], doses[-1]["body"]["amount_mg"], "mg"),
        "weight_kg": None if not weights else weights[-1].value,
        "levels": len(levels),
        "doses": len(doses),
        "now": stamp(question.now),
    }


def _value(fact: Mapping[str, Any], value: float, unit: str) -> dict[str, Any]:
    return {"at": stamp(fact["at"]), "value": value, "unit": unit, "id": fact["id"]}


def answered(known: Known) -> str | None:
    """``accepted`` or ``overridden`` when that was said after the last fact that changes the answer, else None."""
    last = None
    for f in known.facts:
        if f["kind"] == "advice_answered":
            last = f["body"]["decision"]
        elif f["kind"] not in ("advice_issued", "alert", "alert_acknowledged", "alert_ended", "transferred", "consent"):
            last = None
    return last


def answer_tone(known: Known) -> str:
    """How the last answer is shown: good, info, or amber where what was ordered instead breaks something."""
    last = next((f["body"] for f in reversed(known.facts) if f["kind"] == "advice_answered"), None)
    return "" if last is None else tone(last)


def kidney(care: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Whether the creatinines on record meet the criteria of a turning kidney, and by what."""
    values = sorted((f["at"], m.value) for f in care if (m := measurement(f)) is not None and m.quantity == "SCR")
    out: dict[str, Any] = {"turning": False, "why": "", "last": None}
    if not values:
        return out
    at, last = values[-1]
    out["last"] = {"at": stamp(at), "value": last, "unit": "mg/dL"}
    out["series"] = [[stamp(t), v] for t, v in values[-8:]]
    before = [(t, v) for t, v in values[:-1] if at - t <= timedelta(hours=RATIO_WITHIN_H)]
    recent = [v for t, v in before if at - t <= timedelta(hours=RISE_WITHIN_H)]
    if recent and last - min(recent) >= RISE_MG_DL - 1e-9:
        out |= {"turning": True, "why": f"creatinine rose by {last - min(recent):.2f} mg/dL within {RISE_WITHIN_H:g} h"}
    elif before and last >= RATIO * min(v for _, v in before):
        low = min(v for _, v in before)
        out |= {"turning": True, "why": f"creatinine is {last / low:.1f} times the lowest of the last 7 days"}
    return out
