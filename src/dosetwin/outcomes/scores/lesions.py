"""RECIST 1.1: response of a tumour from tables of lesions (Eisenhauer 2009, Eur J Cancer 45:228; recalled)."""

from collections.abc import Mapping, Sequence
from typing import Any

from dosetwin.outcomes.scores.score import YES_NO, Column, Score

TOO_SMALL_MM, NODE_MM, MEASURABLE_MM, NODE_TARGET_MM = 5.0, 10.0, 10.0, 15.0
MOST, MOST_PER_ORGAN = 5, 2
TARGET, OTHER = {"target": 1.0, "non-target": 0.0, "nontarget": 0.0}, {"present": 0.0, "absent": 1.0, "progressed": 2.0}


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row per patient and visit, in the order of time."""
    out: list[dict[str, Any]] = []
    for who in dict.fromkeys(r["ID"] for r in rows):
        out += _patient(who, [r for r in rows if r["ID"] == who])
    return out


def _patient(who: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    times = sorted({r["TIME"] for r in rows})
    first = [r for r in rows if r["TIME"] == times[0] and r["TARGET"] == 1.0]
    names = [r["LESION"] for r in first]
    why = _unfit(first, names)
    others = {r["LESION"] for r in rows if r["TIME"] == times[0] and r["TARGET"] == 0.0}
    base = lowest = None
    out = []
    for time in times:
        now = {r["LESION"]: r for r in rows if r["TIME"] == time}
        new = time > times[0] and any(r.get("NEW") == 1.0 for r in now.values())
        progressed = any(r.get("STATUS") == 2.0 for r in now.values())
        missing = [n for n in names if n not in now or "SIZE" not in now[n]]
        total = None if missing or why else sum(_size(now[n]) for n in names)
        row = {"ID": who, "TIME": time, "SUM": total, "CHANGE_BASE": None, "CHANGE_NADIR": None, "RESPONSE": "", "WHY_NOT": why}
        if why:
            out.append(row)
            continue
        if total is not None and base is None:
            base = lowest = total
            out.append(row | {"RESPONSE": "baseline"})
            continue
        if total is not None and base and lowest is not None:
            row["CHANGE_BASE"] = 100.0 * (total - base) / base
            row["CHANGE_NADIR"] = 100.0 * (total - lowest) / lowest if lowest else None
        grown = total is not None and lowest is not None and total - lowest >= 5.0 and total >= 1.2 * lowest - 1e-9
        rest_gone = all(n in now and now[n].get("STATUS") == 1.0 for n in others)
        if new or progressed or grown:
            row["RESPONSE"] = "PD"
        elif total is None:
            row |= {"RESPONSE": "NE", "WHY_NOT": "not measured: " + ", ".join(map(str, missing))}
        elif all(_gone(now[n]) for n in names):
            row["RESPONSE"] = "CR" if rest_gone else "PR"  # others that are still there, or were not looked at
        elif base and total <= 0.7 * base + 1e-9:
            row["RESPONSE"] = "PR"
        else:
            row["RESPONSE"] = "SD"
        if total is not None and lowest is not None:
            lowest = min(lowest, total)
        out.append(row)
    return out


def _unfit(first: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Why the targets of a baseline cannot be followed; "" if they can."""
    if not names:
        return "no target lesion at baseline: only new lesions and the course of the others would count"
    if len(names) > MOST:
        return f"{len(names)} target lesions, at most {MOST}"
    organs = [r.get("ORGAN") for r in first if r.get("ORGAN")]
    if organ := next((o for o in organs if organs.count(o) > MOST_PER_ORGAN), None):
        return f"more than {MOST_PER_ORGAN} target lesions in {organ}"
    for r in first:
        least = NODE_TARGET_MM if r.get("NODE") == 1.0 else MEASURABLE_MM
        if "SIZE" not in r or r["SIZE"] < least:
            return f"target {r['LESION']} at baseline is not measurable: at least {least:g} mm"
    return ""


def _size(r: Mapping[str, Any]) -> float:
    """mm that counts: what is seen but too small is 5 mm."""
    return TOO_SMALL_MM if r.get("TOO_SMALL") == 1.0 else float(r["SIZE"])


def _gone(r: Mapping[str, Any]) -> bool:
    return _size(r) < NODE_MM if r.get("NODE") == 1.0 else _size(r) == 0.0


SCORES = (
    Score(
        "recist", "Response of a solid tumour from its lesions, RECIST 1.1",
        "Eisenhauer 2009, Eur J Cancer 45:228 (recalled)", "recalled",
        (
            Column("TIME", "time of the visit", "d", -10000.0, 100000.0),
            Column("TARGET", "target or not", "", 0.0, 1.0, words={**TARGET, **YES_NO}, whole=True),
            Column("SIZE", "longest diameter; of a node its short axis", "mm", 0.0, 1000.0, False, units={"cm": 10.0}),
            Column("NODE", "a lymph node", "", 0.0, 1.0, False, words=YES_NO, whole=True),
            Column("NEW", "a new lesion", "", 0.0, 1.0, False, words=YES_NO, whole=True),
            Column("TOO_SMALL", "seen, too small to measure", "", 0.0, 1.0, False, words=YES_NO, whole=True),
            Column("STATUS", "of other lesions: present, absent, progressed", "", 0.0, 2.0, False, words=OTHER, whole=True),
        ),
        {"SUM": "sum of targets, mm", "CHANGE_BASE": "change from baseline, %", "CHANGE_NADIR": "change from the smallest sum, %",
         "RESPONSE": "baseline, CR, PR, SD, PD or NE"},
        rows=_rows, labels=("ID", "LESION", "ORGAN"), note="no confirmation at a later visit; a line per lesion and visit",
    ),
)  # fmt: skip
