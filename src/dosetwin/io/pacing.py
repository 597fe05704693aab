"""A paced patient's record as a JSON file: what the device is set to, and the intervals measured.

``{"patient": "P1", "programme": {"mode": "DDD", "PVARP": 250}, "intervals": [["va", 280], ["sinus", 900], ["ante", null]]}``;
intervals in ms, null: no such conduction was found; a third entry is the moment in h.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError
from dosetwin.io.text import read_json

KEYS = ("patient", "programme", "intervals")


@dataclass(frozen=True)
class PacingRecord:
    """``programme`` name -> value (``mode`` a word), ``intervals`` (what, ms or inf, h)."""

    name: str
    programme: dict[str, Any]
    intervals: tuple[tuple[str, float, float], ...]


def read_pacing(path: Path) -> PacingRecord:
    """The record. Raises InputError naming the file and the entry."""
    data, where = read_json(path), path.name
    if not isinstance(data, dict):
        raise InputError("not a record of a paced patient", where=where, allowed=f"a JSON object of {', '.join(KEYS)}")
    if unknown := sorted(set(data) - set(KEYS)):
        raise InputError("unknown key", where=where, value=unknown[0], allowed=", ".join(KEYS))
    programme, rows = data.get("programme", {}), data.get("intervals", [])
    if not isinstance(programme, dict):
        raise InputError("not settings", where=f"{where}: programme", value=programme, allowed='{"mode": "DDD", "PVARP": 250}')
    if not isinstance(rows, list):
        raise InputError("not a list", where=f"{where}: intervals", value=rows, allowed='[["va", 280], ...]')
    found = []
    for k, row in enumerate(rows):
        at = f"{where}: intervals[{k}]"
        if not isinstance(row, list) or not 2 <= len(row) <= 3 or not isinstance(row[0], str):
            raise InputError("not an interval", where=at, value=row, allowed='["va", 280] or ["va", 280, 1.5]')
        numbers = [x for x in row[1:] if x is not None]
        if any(isinstance(x, bool) or not isinstance(x, int | float) for x in numbers):
            raise InputError("not a number", where=at, value=row[1:], allowed="ms, or null")
        found.append((row[0], float("inf") if row[1] is None else float(row[1]), float(row[2]) if len(row) > 2 else 0.0))
    for name, value in programme.items():
        if name != "mode" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InputError("not a number", where=f"{where}: programme.{name}", value=value, allowed="ms")
    return PacingRecord(str(data.get("patient", path.stem)), programme, tuple(found))
