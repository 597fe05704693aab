"""Courses of glucose as monitors export them: Dexcom Clarity, LibreView, Nightscout, and plain tables of time and value.

The unit is what the file says (a header, a format that has one), or what the caller says; values that contradict it are refused.
Where nobody says it, values that can only be mg/dL are read as that; what might be mmol/L is asked about.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosetwin.errors import Finding, InputError
from dosetwin.io.table import MISSING, raise_all, unpacked_text
from dosetwin.io.text import number, numbered, read_json, rows_of

MG_PER_MMOL = 18.016
"""mg/dL in 1 mmol/L (molar mass 180.16 g/mol)."""
UNITS = ("mg/dL", "mmol/L")
LOW, HIGH = 39.0, 401.0
"""mg/dL written for a reading a monitor calls low (below 40) or high (above 400): outside what it measures, by one."""
HARDLY_MG_DL, HARDLY_MMOL = 33.4, 45.0
"""No monitor shows 33 mg/dL or less, nobody has more than 45 mmol/L."""
_TIMES = ("timestamp", "device timestamp", "time", "datetime", "date time", "datestring", "date", "eventdatetime", "eventtime")
_VALUES = ("glucose value", "historic glucose", "scan glucose", "cgm", "gl", "sgv", "glucose", "sensor glucose", "bg")
_SUBJECTS = ("id", "subject", "patient", "subject id", "patient id", "ptid")
_KINDS = {"egv", "egw", "sgv", ""}
_OTHER = {
    "zeitstempel": "timestamp", "gerätezeitstempel": "device timestamp", "glukosewert": "glucose value",
    "cgm-glukosewert": "glucose value", "ereignistyp": "event type", "aufzeichnungstyp": "record type",
    "glukosewert-verlauf": "historic glucose", "glukose-scan": "scan glucose",
    "sello de tiempo del dispositivo": "device timestamp", "marca temporal": "timestamp", "nivel de glucosa": "glucose value",
    "tipo de evento": "event type", "tipo de registro": "record type", "historial de glucosa": "historic glucose",
    "escaneo de glucosa": "scan glucose", "horodatage de l'appareil": "device timestamp", "horodatage": "timestamp",
    "type d'enregistrement": "record type", "historique de la glycémie": "historic glucose", "type d'événement": "event type",
    "valeur de glucose": "glucose value", "valore del glucosio": "glucose value", "tipo di evento": "event type",
    "timestamp del dispositivo": "device timestamp", "tipo di registrazione": "record type",
    "storico del glucosio": "historic glucose",
}  # fmt: skip
"""Headings of exports in German, Spanish, French and Italian, as programs that read them name them."""
LOW_WORDS = {"low", "lo", "niedrig", "bajo", "basso", "faible"}
HIGH_WORDS = {"high", "hi", "hoch", "alto", "élevé", "élevée"}
"""What monitors write for a value below or above what they measure."""
ERROR_CODES = 12.0
"""Nightscout keeps a sensor's error as a glucose of up to 12: whole numbers that are no glucose."""
MOST_ERRORS = 0.25
"""Share of such values above which the file is taken to be in another unit (assumed)."""
BACK_S = (45 * 60.0, 65 * 60.0)
"""s: what a clock that is put back by an hour looks like between two readings five or fifteen minutes apart."""
_UNIT = re.compile(r"[(\[ ]\s*(mg/dl|mmol/l)\s*[)\]]?$", re.IGNORECASE)
_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_SHORT = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{2,4})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?")


class Course(NamedTuple):
    """Readings of one subject: minutes since its first [n], increasing; mg/dL [n]; when the first was, as the file says it."""

    subject: str
    minutes: NDArray[np.float64]
    mg_dl: NDArray[np.float64]
    first: str


class _Reading(NamedTuple):
    place: str
    subject: str
    when: str
    value: str


def read_glucose(path: Path, unit: str = "") -> tuple[list[Course], list[Finding]]:
    """The courses of a file, in the order of their subjects in it, and what was noticed on the way.

    unit : "mg/dL" or "mmol/L" where the file itself does not say.
    Raises InputError naming file and line: columns that are not found, a unit neither said nor given or contradicted by the
    file, cells that are no time or no value, dates whose day and month cannot be told apart.
    """
    if unit and unit not in UNITS:
        raise InputError("unknown unit of glucose", where="--unit", value=unit, allowed=" or ".join(UNITS))
    findings: list[Finding] = []
    said, readings = _nightscout(path, findings) if path.name.lower().endswith(".json") else _table(path, findings)
    if said and unit and said != unit:
        raise InputError("the file says another unit", where=path.name, value=said, allowed=unit, remedy="leave --unit out")
    unit = said or unit
    if not readings:
        raise InputError("no reading of glucose in the file", where=path.name, allowed="at least one")
    shown = [v for r in readings if (v := number(r.value, comma=True)) is not None]
    if not unit and shown and min(shown) >= HARDLY_MG_DL and max(shown) > HARDLY_MMOL:
        unit = "mg/dL"
        findings.append(Finding("info", "unit_seen", path.name, f"no unit is said; {max(shown):g} can only be mg/dL"))
    if not unit:
        raise InputError("the unit of glucose is not said", where=path.name, allowed=" or ".join(UNITS),
                         remedy="say it with --unit, or in the header: glucose (mg/dL)")  # fmt: skip
    values = _values(readings, unit, findings, path.name)
    times = _seconds(readings, path.name)
    return list(_courses(readings, times, values, findings, path.name)), findings


def _nightscout(path: Path, findings: list[Finding]) -> tuple[str, list[_Reading]]:
    entries = read_json(path)
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise InputError("not a list of Nightscout entries", where=path.name, allowed='[{"sgv": 120, "date": 1700000000000}]')
    out = []
    for i, entry in enumerate(entries, 1):
        if entry.get("type", "sgv") == "sgv" and "sgv" in entry:
            when = entry.get("dateString") or entry.get("date")
            out.append(_Reading(f"{path.name}: entry {i}", "", str(when), str(entry["sgv"])))
    codes = [r for r in out if (v := number(r.value)) is not None and v <= ERROR_CODES and v == int(v)]
    if codes and len(codes) <= MOST_ERRORS * len(out):
        gone = {r.place for r in codes}
        said = f"{len(codes)} values of at most {ERROR_CODES:g} are a sensor's errors and no glucose: they are left out"
        findings.append(Finding("info", "sensor_errors", path.name, said, len(codes)))
        out = [r for r in out if r.place not in gone]
    return "mg/dL", out


def _plain(name: str) -> str:
    """A column's name without unit and format, lower case."""
    without = re.sub(r"\(.*\)$", "", _UNIT.sub("", name.strip()))
    name = re.sub(r"[_ ]+", " ", without).strip().lower().replace("\u2019", "'")
    return _OTHER.get(name, name)


def _found(heads: Sequence[str], names: Sequence[str]) -> list[int]:
    return [at for name in names for at, head in enumerate(heads) if head == name]


def _table(path: Path, findings: list[Finding]) -> tuple[str, list[_Reading]]:
    text = unpacked_text(path, findings)
    lines = text.splitlines()
    skip = 0
    for skip, line in enumerate(lines[:10]):  # noqa: B007
        delimiter = max((",", ";", "\t"), key=line.count)
        header = next(rows_of([line], path.name, delimiter), [])
        heads = [_plain(h) for h in header]
        if (times := _found(heads, _TIMES)) and (values := _found(heads, _VALUES)):
            break
    else:
        raise InputError("no columns of time and glucose", where=path.name, value=(lines[0][:60] if lines else ""),
                         allowed="time and glucose, as Dexcom, LibreView or Nightscout name them, or time,gl")  # fmt: skip
    # LibreView: two columns, of the record's type 0 (every 15 minutes) and 1 (when scanned); elsewhere the first name listed
    libre = "record type" in heads and "historic glucose" in heads
    kind = heads.index("event type") if "event type" in heads else None
    record, at = heads.index("record type") if libre else None, heads.index("historic glucose") if libre else values[0]
    if not libre and len(values) > 1:
        rest = ", ".join(header[v] for v in values[1:])
        findings.append(Finding("info", "columns_left", path.name, f"glucose is read from {header[at]}, not from {rest}"))
    said = {m[1].lower() for v in values[: 2 if libre else 1] if (m := _UNIT.search(header[v].strip()))}
    said |= {_unit_of(lines[skip + 1 :], delimiter, heads, path.name)} - {""}
    if len(said) > 1:
        raise InputError("two units of glucose in one file", where=path.name, value=sorted(said), allowed="one")
    who = next(iter(_found(heads, _SUBJECTS)), None)
    readings, left = [], 0
    for place, row in _rows(lines, skip, delimiter, path.name, len(header)):
        if kind is not None and row[kind].strip().lower() not in _KINDS:
            continue  # insulin, meals, calibrations of the same export
        if record is not None and row[record].strip() != "0":
            left += row[record].strip() == "1"  # a scan: a second look at the course that is stored every 15 minutes
            continue
        if row[at].strip() in MISSING:
            left += 1
            continue
        readings.append(_Reading(place, "" if who is None else row[who].strip(), row[times[0]].strip(), row[at].strip()))
    if left:
        what = "scans between the readings" if libre else "lines without a value of glucose"
        findings.append(Finding("info", "readings_left", path.name, f"{left} {what} are not used", left))
    return next(({"mg/dl": "mg/dL", "mmol/l": "mmol/L"}[s] for s in said), ""), readings


def _unit_of(records: Sequence[str], delimiter: str, heads: Sequence[str], name: str) -> str:
    """The unit that a column of its own says; "" without such a column."""
    if "units" not in heads and "unit" not in heads:
        return ""
    at = heads.index("units") if "units" in heads else heads.index("unit")
    found = {row[at].strip().lower() for row in rows_of(records, name, delimiter) if len(row) > at} - {""}
    if len(found) > 1 or not found <= {"mg/dl", "mmol/l"}:
        raise InputError("the unit of glucose is not one of these", where=name, value=sorted(found), allowed=" or ".join(UNITS))
    return next(iter(found), "")


def _rows(lines: Sequence[str], skip: int, delimiter: str, name: str, wide: int) -> Iterator[tuple[str, list[str]]]:
    uneven = []
    for place, row in numbered(lines[skip + 1 :], name, delimiter, skip + 1):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) < wide:
            row = [*row, *[""] * (wide - len(row))]  # exports leave trailing fields out
        if any(cell.strip() for cell in row[wide:]):
            uneven.append(InputError("wrong number of fields", where=place, value=len(row), allowed=str(wide)))
            continue
        yield place, row
    raise_all(uneven)


def _values(readings: Sequence[_Reading], unit: str, findings: list[Finding], name: str) -> NDArray[np.float64]:
    out = np.empty(len(readings))
    wrong: list[InputError] = []
    beyond = 0
    for i, r in enumerate(readings):
        word = r.value.lower()
        if word in LOW_WORDS | HIGH_WORDS:
            out[i], beyond = LOW if word in LOW_WORDS else HIGH, beyond + 1
            continue
        value = number(r.value, comma=True)
        if value is None:
            wrong.append(
                InputError("glucose is not a number", where=r.place, value=r.value[:40], allowed="a number, Low or High")
            )
            continue
        if not (1.0 <= value <= HARDLY_MMOL if unit == "mmol/L" else HARDLY_MG_DL <= value <= 1000.0):
            allowed = "1 to 45 mmol/L" if unit == "mmol/L" else "34 to 1000 mg/dL"
            wrong.append(InputError("glucose cannot be this", where=r.place, value=value, allowed=allowed,
                                    remedy="is it in the other unit? say --unit, or correct the header or the line"))  # fmt: skip
            continue
        out[i] = value * MG_PER_MMOL if unit == "mmol/L" else value
    raise_all(wrong)
    if beyond:
        said = f"{beyond} readings were low or high without a number: {LOW:g} and {HIGH:g} mg/dL"
        findings.append(Finding("info", "beyond_the_monitor", name, said, beyond))
    return out


def _seconds(readings: Sequence[_Reading], name: str) -> list[float]:
    """Seconds of each reading on one scale; local times stay local."""
    if all(number(r.when) is not None for r in readings):  # seconds since 1970, milliseconds where so large
        told = [float(r.when) for r in readings]
        return [t / 1000.0 for t in told] if min(told) > 1e11 else told
    if all(_SHORT.fullmatch(r.when) for r in readings):
        return _short_dates(readings, name)
    out, wrong = [], []
    for r in readings:
        try:
            when = datetime.fromisoformat(r.when.replace("Z", "+00:00"))
            out.append((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
        except ValueError:
            wrong.append(InputError("not a date with a time", where=r.place, value=r.when[:40], allowed="2024-03-01T08:30:00"))
    raise_all(wrong)
    return out


def _short_dates(readings: Sequence[_Reading], name: str) -> list[float]:
    """``14-03-2024 08:30`` or ``03/14/2024 8:30 PM``: the order of day and month is the one that no line contradicts."""
    parts = [m.groups() for r in readings if (m := _SHORT.fullmatch(r.when))]
    first, second = max(int(p[0]) for p in parts), max(int(p[1]) for p in parts)
    if first <= 12 and second <= 12 and any(p[0] != p[1] for p in parts):
        raise InputError("day and month of the dates cannot be told apart", where=readings[0].place, value=readings[0].when,
                         remedy="write dates as 2024-03-14 08:30")  # fmt: skip
    out, wrong = [], []
    for r, (a, b, year, hour, minute, second_, half) in zip(readings, parts, strict=True):
        day, month = (int(a), int(b)) if first > 12 else (int(b), int(a))
        h = int(hour) % 12 + 12 * (half.lower() == "pm") if half else int(hour)
        try:
            y = int(year) + (2000 if len(year) == 2 else 0)
            out.append(datetime(y, month, day, h, int(minute), int(second_ or 0), tzinfo=UTC).timestamp())
        except ValueError:
            wrong.append(InputError("not a date with a time", where=r.place, value=r.when, allowed="2024-03-01 08:30"))
    raise_all(wrong)
    return out


def _courses(
    readings: Sequence[_Reading], seconds: Sequence[float], values: NDArray[np.float64], findings: list[Finding], name: str
) -> Iterable[Course]:
    for subject in dict.fromkeys(r.subject for r in readings):
        mine = [i for i, r in enumerate(readings) if r.subject == subject]
        seconds = _clock_back(mine, readings, seconds, findings, f"{name} {subject}".strip())
        kept: dict[float, int] = {}
        twice = 0
        for i in mine:
            twice += kept.setdefault(seconds[i], i) != i and values[kept[seconds[i]]] != values[i]
        if twice:
            findings.append(Finding("warning", "two_readings_at_one_time", f"{name} {subject}".strip(),
                                    f"{twice} times have two readings: the first is used", twice))  # fmt: skip
        order = sorted(kept)
        at = np.array(order)
        yield Course(subject, (at - at[0]) / 60.0, values[[kept[s] for s in order]], readings[kept[order[0]]].when)


def _clock_back(
    mine: Sequence[int], readings: Sequence[_Reading], seconds: Sequence[float], findings: list[Finding], where: str
) -> Sequence[float]:
    """The seconds, with an hour added after the night in which local clocks were put back.

    Only where lines stand in the order of time but for one step back of about an hour, and say no offset: what a monitor that
    follows the clock writes then. Without this the second of the two equal hours would be taken for copies of the first.
    """
    if len(mine) < 3 or any(
        number(r.when) is not None or _OFFSET.search(r.when) for r in (readings[mine[0]], readings[mine[-1]])
    ):
        return seconds
    way = 1.0 if seconds[mine[-1]] >= seconds[mine[0]] else -1.0
    steps = [way * (seconds[b] - seconds[a]) for a, b in pairwise(mine)]
    back = [k for k, s in enumerate(steps) if s < 0.0]
    if len(back) != 1 or not BACK_S[0] <= -steps[back[0]] <= BACK_S[1]:
        return seconds
    out = list(seconds)
    later = mine[back[0] + 1 :] if way > 0 else mine[: back[0] + 1]
    for i in later:
        out[i] += 3600.0
    findings.append(Finding("info", "clock_put_back", where, "one hour stands twice: the clock was put back, both are kept",
                            readings[mine[back[0] + 1]].when))  # fmt: skip
    return out
