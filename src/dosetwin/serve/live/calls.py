"""Who should be called today, and why: what waits in each patient, worst first; for the call sheet and the daily mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dosetwin.decide.recommendation import order
from dosetwin.serve.live.alerts import Alert, alerts_of

SOON = timedelta(hours=24)
"""A measurement due by then is asked for on today's sheet."""
TONES = ("bad", "warn", "info", "good")
RANK = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Call:
    """One patient on the sheet. ``tone``: bad, warn, info or good; ``why`` sentences, worst first; ``orders`` in words by drug;
    ``due``: (what, moment in ISO form) of the next doses and measurements; ``limits`` (quantity, words) of the patient's own."""

    patient: str
    ward: str
    label: str
    tone: str
    why: tuple[str, ...]
    orders: tuple[str, ...]
    due: tuple[tuple[str, str], ...]
    limits: tuple[tuple[str, str], ...]


def calls(rows: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, Any]], now: datetime) -> list[Call]:
    """Patients with an alert nobody acknowledged, a measurement due within a day, no twin, or limits of their own; worst first.

    ``rows`` of ``Reach.patients`` (one per therapy), ``notes`` of ``Reach.alerts``.
    """
    open_: dict[str, list[Alert]] = {}
    for a in alerts_of(notes):
        if a.waiting:
            open_.setdefault(a.patient_id, []).append(a)
    limits: dict[str, dict[str, Mapping[str, Any]]] = {}
    for f in notes:
        if f["kind"] == "alert_threshold":
            limits.setdefault(f["patient_id"], {})[f["body"]["quantity"]] = f["body"]
    mine: dict[str, list[Mapping[str, Any]]] = {}
    for r in rows:
        mine.setdefault(r["id"], []).append(r)
    out = [_call(id_, of, open_.get(id_, []), limits.get(id_, {}), now) for id_, of in mine.items()]
    return sorted(
        (c for c in out if c is not None), key=lambda c: (("bad", "warn", "info", "good").index(c.tone), c.ward, c.label)
    )


def _call(
    id_: str, rows: Sequence[Mapping[str, Any]], alerts: Sequence[Alert], limits: Mapping[str, Mapping[str, Any]], now: datetime
) -> Call | None:
    own = tuple((q, said) for q, b in sorted(limits.items()) if (said := limit_words(b)))
    said = [s for r in rows if (s := r["summary"]) is not None]
    worst = sorted(alerts, key=lambda a: RANK.get(a.severity, 2))
    why = [a.text or a.code.replace("_", " ") for a in worst]
    due: list[tuple[str, str]] = []
    asked = False
    for s in said:
        sample, at = s.get("next_sample"), None
        if sample and sample.get("worth") and isinstance(sample.get("at"), str):
            at = datetime.fromisoformat(sample["at"])
        if at is not None and at - now <= SOON:
            due.append((s.get("watched") or "level", sample["at"]))
            asked = True
        if isinstance(s["due_at"], str) and not s.get("hold"):
            due.append((f"{s['drug']}", s["due_at"]))
    if not (why or asked or own):
        return None
    tone = "bad" if any(a.severity == "critical" for a in alerts) else "warn" if alerts else "info" if asked else "good"
    orders = tuple(
        f"{s['drug']}: "
        + ("hold, a level first" if s.get("hold") else order(s["regimen"]) if s["regimen"] else "nothing advised")
        for s in said
    )
    label = next((s["label"] for s in said if s.get("label")), "")
    return Call(id_, rows[0]["ward"], label, tone, tuple(why), orders, tuple(due), own)


def limit_words(body: Mapping[str, Any]) -> str:
    """``below 2 or above 4``; "" for limits that were ended."""
    parts = [f"{side} {body[side]:g}" for side in ("below", "above") if body.get(side) is not None]
    return " or ".join(parts) + (f" {body['unit']}" if parts and body.get("unit", "1") != "1" else "")
