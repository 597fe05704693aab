"""The ward list: one line per twin, those who need somebody first."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dosetwin.forecast.tells import listed
from dosetwin.serve.audit import stamp

DUE_WITHIN = timedelta(hours=6)
"""A dose due sooner than this (assumed: one shift's half) needs a decision now."""

TURNS = {name: f"{name}_turning" for name in listed()}
"""Whoever tells -> the key of a line that says that it turns."""


def line(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """One line: ids, flags and the summary. No identifier: a screen asks for those patient by patient."""
    summary = row["summary"]
    out: dict[str, Any] = {"id": row["id"], "ward": row["ward"], "synthetic": row["synthetic"], "therapy": row.get("therapy"),
                           "behind": summary is None or row["through_seq"] < row["head"],
                           "computed_at": None if row["computed_at"] is None else stamp(row["computed_at"])}  # fmt: skip
    if summary is None:
        return out | {"label": "", "needs_decision": False, "why": "", **dict.fromkeys(TURNS.values(), False),
                      "level_contradicts": False, "held": [], "due_at": None, "overdue": False, "summary": None}  # fmt: skip
    due = datetime.fromisoformat(summary["due_at"]) if isinstance(summary["due_at"], str) else None
    held = [h["text"] for h in summary.get("held", ())]
    why = _why(summary, due, now) or (f"confirm or correct: {held[0]}" if held else "")
    return out | {
        "label": summary["label"], "needs_decision": bool(why), "held": held, "why": why,
        **{key: summary[name]["turning"] for name, key in TURNS.items()},
        "level_contradicts": bool(summary["level_contradicts"]), "due_at": summary["due_at"],
        "overdue": due is not None and due < now and not summary["answered"] and not summary.get("hold"), "summary": summary,
    }  # fmt: skip


def _why(summary: Mapping[str, Any], due: datetime | None, now: datetime) -> str:
    if summary["answered"]:
        return ""
    if summary["status"] == "cannot":
        return "no twin"
    if summary["level_contradicts"]:
        return "a record is in doubt"
    if summary.get("hold"):
        return "hold: level first"
    if summary["status"] == "refuse":
        return "no acceptable regimen"
    if due is not None and due <= now:
        return "dose due"
    if due is not None and due - now <= DUE_WITHIN:
        return "dose due soon"
    return ""


def ordered(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who has no twin, contradicts or is refused first, then who turns, then by the time the dose is due."""

    def rank(x: dict[str, Any]) -> tuple:
        return (
            not x["needs_decision"],
            x["why"] != "no twin",
            not x["level_contradicts"],
            not any(x[key] for key in TURNS.values()),
            x["due_at"] or "9",
            x["label"],
            x["id"],
            x["therapy"] or "",
        )

    return sorted(lines, key=rank)
