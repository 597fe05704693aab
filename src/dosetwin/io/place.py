"""A place's record as a JSON file: who came and went, when somebody watched, how many beds were open.

``{"place": "Ward 7", "now": 720, "watched": [[0, 720]], "beds": [[0, 12]], "visits": [{"name": "v1", "asked": 3.5, "admitted": 4,
"left": 51}, {"name": "v2", "asked": 9, "refused": 9}]}``; every moment in h, or ISO 8601 with its offset where ``origin`` (the
midnight that is 0 h) is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError
from dosetwin.io.text import read_json

WHAT = ("asked", "admitted", "left", "refused")
KEYS = ("place", "origin", "now", "watched", "beds", "visits")
MOST = 200_000
"""Visits of one file."""


@dataclass(frozen=True)
class PlaceRecord:
    """What a file says of a place, times in h: ``visits`` (name, what, h), ``watched`` (from, to), ``beds`` (from h, number)."""

    name: str
    visits: tuple[tuple[str, str, float], ...]
    watched: tuple[tuple[float, float], ...]
    beds: tuple[tuple[float, float], ...]
    now: float | None = None
    origin: datetime | None = None


def read_place(path: Path) -> PlaceRecord:
    """The record of a place. Raises InputError naming the file and the entry."""
    data = read_json(path)
    where = path.name
    if not isinstance(data, dict) or not isinstance(data.get("visits", []), list):
        raise InputError("not a place's record", where=where, allowed=f"a JSON object of {', '.join(KEYS)}")
    if unknown := sorted(set(data) - set(KEYS)):
        raise InputError("unknown key", where=where, value=unknown[0], allowed=", ".join(KEYS))
    origin = _moment(data["origin"], where) if data.get("origin") is not None else None
    visits = data.get("visits", [])
    if len(visits) > MOST:
        raise InputError("too many visits", where=where, value=len(visits), allowed=f"<= {MOST}")
    seen: list[tuple[str, str, float]] = []
    for k, visit in enumerate(visits):
        at = f"{where}: visits[{k}]"
        if not isinstance(visit, dict) or not str(visit.get("name", "")):
            raise InputError("a visit needs a name of its own", where=at, value=visit)
        if unknown := sorted(set(visit) - {"name", *WHAT}):
            raise InputError("unknown key", where=at, value=unknown[0], allowed=", ".join(("name", *WHAT)))
        seen += [(str(visit["name"]), w, hours(visit[w], origin, f"{at}.{w}")) for w in WHAT if visit.get(w) is not None]
    pairs = {name: _pairs(data, name, where) for name in ("watched", "beds")}
    watched = tuple((hours(a, origin, at), hours(b, origin, at)) for a, b, at in pairs["watched"])
    beds = tuple((hours(a, origin, at), _number(b, at)) for a, b, at in pairs["beds"])
    now = None if data.get("now") is None else hours(data["now"], origin, f"{where}: now")
    return PlaceRecord(str(data.get("place", path.stem)), tuple(seen), watched, beds, now, origin)


def is_place(path: Path) -> bool:
    """Whether a JSON file is a place's record and no bundle of a patient's."""
    data = read_json(path) if path.suffix.lower() == ".json" else None
    return isinstance(data, Mapping) and "resourceType" not in data and ("visits" in data or "watched" in data)


def _pairs(data: Mapping[str, Any], name: str, where: str) -> list[tuple[Any, Any, str]]:
    found = data.get(name, [])
    if not isinstance(found, list) or any(not isinstance(p, list) or len(p) != 2 for p in found):
        raise InputError("not a list of pairs", where=f"{where}: {name}", value=found)
    return [(a, b, f"{where}: {name}[{k}]") for k, (a, b) in enumerate(found)]


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InputError("not a number", where=where, value=value)
    return float(value)


def hours(value: Any, origin: datetime | None, where: str) -> float:
    """A number of h, or a moment of the calendar as h since ``origin``. Raises InputError, naming ``where``."""
    if isinstance(value, str):
        if origin is None:
            raise InputError("a moment of the calendar without an origin", where=where, value=value,
                             remedy='give "origin": the midnight that is 0 h, with its offset from UTC')  # fmt: skip
        return (_moment(value, where) - origin).total_seconds() / 3600.0
    return _number(value, where)


def _moment(value: Any, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise InputError("not a moment", where=where, value=value, allowed="ISO 8601 with its offset from UTC")
    return found
