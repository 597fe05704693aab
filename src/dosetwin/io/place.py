"""A place's record as a JSON file, or as a table of arrivals: who came and went, when somebody watched, how many beds were open.

``{"place": "Ward 7", "now": 720, "watched": [[0, 720]], "beds": [[0, 12]], "visits": [{"name": "v1", "asked": 3.5, "admitted": 4,
"left": 51}, {"name": "v2", "asked": 9, "refused": 9}]}``; every moment in h, or ISO 8601 with its offset where ``origin`` (the
midnight that is 0 h) is given.

A table (CSV) has a line per visit: ``VISIT,ASKED,ADMITTED,LEFT,REFUSED`` in h or ISO 8601 with its offset, blank where it did not
happen, and may have the ``BEDS`` open when the visit came. A table is a whole list: it is watched from its first moment to its
last. Where a pool is of another thing, that is the key and the column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError
from dosetwin.io.table import MISSING, is_number, read_rows
from dosetwin.io.text import read_json

WHAT = ("asked", "admitted", "left", "refused")
KEYS = ("place", "origin", "now", "watched", "visits")
COLUMNS = ("VISIT", "ASKED", "ADMITTED", "LEFT", "REFUSED")
MOST = 200_000
"""Visits of one file."""


@dataclass(frozen=True)
class PlaceRecord:
    """What a file says of a place, times in h: ``visits`` (name, what, h), ``watched`` (from, to), ``open``
    (from h, number)."""

    name: str
    visits: tuple[tuple[str, str, float], ...]
    watched: tuple[tuple[float, float], ...]
    open: tuple[tuple[float, float], ...]
    now: float | None = None
    origin: datetime | None = None


def read_place(path: Path, of: str = "beds") -> PlaceRecord:
    """The record of a place where ``of`` is what is opened. Raises InputError naming the file and the entry."""
    if path.suffix.lower() != ".json":
        return _table(path, of)
    data, keys = read_json(path), (*KEYS, of)
    where = path.name
    if not isinstance(data, dict) or not isinstance(data.get("visits", []), list):
        raise InputError("not a place's record", where=where, allowed=f"a JSON object of {', '.join(keys)}")
    if unknown := sorted(set(data) - set(keys)):
        raise InputError("unknown key", where=where, value=unknown[0], allowed=", ".join(keys))
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
    pairs = {name: _pairs(data, name, where) for name in ("watched", of)}
    watched = tuple((hours(a, origin, at), hours(b, origin, at)) for a, b, at in pairs["watched"])
    beds = tuple((hours(a, origin, at), _number(b, at)) for a, b, at in pairs[of])
    now = None if data.get("now") is None else hours(data["now"], origin, f"{where}: now")
    return PlaceRecord(str(data.get("place", path.stem)), tuple(seen), watched, beds, now, origin)


def _table(path: Path, of: str) -> PlaceRecord:
    """The record of a table of arrivals."""
    rows = read_rows(path)
    names = [h.upper() for h in rows.header]
    columns = (*COLUMNS, of.upper())
    if unknown := [h for h in names if h not in columns]:
        raise InputError("unknown column", where=path.name, value=unknown[0], allowed=", ".join(columns))
    if "VISIT" not in names or not {"ASKED", "ADMITTED"} & set(names):
        raise InputError("not a table of arrivals", where=path.name, value=", ".join(rows.header),
                         allowed=f"VISIT, and ASKED or ADMITTED; then LEFT, REFUSED, {of.upper()}")  # fmt: skip
    lines = [dict(zip(names, (c.strip() for c in row), strict=True)) for row in rows.rows]
    first = next((c for line in lines for w in WHAT if _is_moment(c := line.get(w.upper(), ""))), None)
    midnight = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    moments = [] if first is None else [
        _moment(c, f"{path.name}:{n}") for line, n in zip(lines, rows.lines, strict=True)
        for w in WHAT if _is_moment(c := line.get(w.upper(), ""))
    ]  # fmt: skip
    origin = min(moments).replace(**midnight) if moments else None  # type: ignore[arg-type]
    seen: list[tuple[str, str, float]] = []
    beds: list[tuple[float, float]] = []
    for line, n in zip(lines, rows.lines, strict=True):
        at = f"{path.name}:{n}"
        if line["VISIT"] in MISSING:
            raise InputError("a visit needs a name of its own", where=at)
        given = [(w, line.get(w.upper(), "")) for w in WHAT]
        times = [(w, hours(c if _is_moment(c) else _figure(c, at), origin, f"{at}.{w}")) for w, c in given if c not in MISSING]
        seen += [(line["VISIT"], w, t) for w, t in times]
        if times and (open_ := line.get(of.upper(), "")) not in MISSING:
            beds.append((min(t for _, t in times), _figure(open_, f"{at}.{of}")))
    if not seen:
        raise InputError("nobody is in the table", where=path.name)
    beds = [(t, b) for k, (t, b) in enumerate(ordered) if k == 0 or ordered[k - 1][1] != b] if (ordered := sorted(beds)) else []
    last = max(t for *_, t in seen)
    begins = min(t for *_, t in seen)
    return PlaceRecord(path.stem, tuple(seen), ((begins, last),) if last > begins else (), tuple(beds), last, origin)


def _is_moment(cell: str) -> bool:
    return cell not in MISSING and not is_number(cell)


def _figure(cell: str, where: str) -> float:
    if not is_number(cell):
        raise InputError("not a number", where=where, value=cell)
    return float(cell)


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
