"""One person's record for a formula: a CSV table of moments, or a JSON file; units at the border, slips named."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dosetwin.declare.formula import CLOCK_H, Column, Formula
from dosetwin.errors import Finding, InputError, UnknownName
from dosetwin.io.table import MISSING, read_rows
from dosetwin.io.text import read_json
from dosetwin.records import Setting
from dosetwin.twins.formula.twin import Measured

MOST = 5000
ASIDE = ("ORGAN", "NODE", "NEW", "STATUS", "TOO_SMALL", "NOTE", "COMMENT")
"""Columns of lesion tables that are known and say nothing here."""
YES = {"target": True, "1": True, "1.0": True, "yes": True, "true": True}
_UNIT = re.compile(r"(.+?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")


@dataclass(frozen=True)
class Case:
    """What a record says: ``facts`` that do not change, what was ``measured`` and ``was_set``, ``now`` (h: its last moment)."""

    name: str
    facts: Mapping[str, float]
    measured: tuple[Measured, ...]
    was_set: tuple[Setting, ...]
    now: float
    findings: tuple[Finding, ...] = ()
    therapy: str = ""


def read_case(path: Path, formula: Formula) -> Case:
    """The record. Raises InputError, UnknownUnit or UnknownName naming the line and the column."""
    if path.suffix.lower() == ".json":
        return _from_json(path, formula)
    table = read_rows(path)
    heads = []
    for word in table.header:
        found = _UNIT.fullmatch(word.strip())
        heads.append((found[1].strip().upper(), found[2].strip()) if found else (word.strip().upper(), ""))
    names = [h for h, _ in heads]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise InputError("two columns of one name", where=f"{path.name}:1", value=twice[0])
    lines = [
        (f"{path.name}:{at}", {h: (c.strip(), u) for (h, u), c in zip(heads, row, strict=True) if c.strip() not in MISSING})
        for at, row in zip(table.lines, table.rows, strict=True)
    ]
    case = _made(path.stem, formula, names, lines, {}, path.name)
    return replace(case, findings=(*table.findings, *case.findings))


def _from_json(path: Path, formula: Formula) -> Case:
    data, where = read_json(path), path.name
    keys = ("name", "therapy", "facts", "units", "readings")
    if not isinstance(data, dict) or not isinstance(data.get("readings"), list):
        raise InputError("not a person's record", where=where, allowed=f"a JSON object of {', '.join(keys)}; readings a list")
    if strange := sorted(set(data) - set(keys)):
        raise InputError("unknown key", where=where, value=strange[0], allowed=", ".join(keys))
    units, facts = data.get("units") or {}, data.get("facts") or {}
    for name, part in (("units", units), ("facts", facts)):
        if not isinstance(part, dict):
            raise InputError("not an object", where=f"{where}: {name}", value=type(part).__name__)
    units = {str(k).upper(): str(v) for k, v in units.items()}
    lines = []
    for k, row in enumerate(data["readings"]):
        if not isinstance(row, dict):
            raise InputError("not a reading", where=f"{where}: readings[{k}]", value=str(row)[:60], allowed='{"TIME": -1, ...}')
        lines.append(
            (
                f"{where}: readings[{k}]",
                {str(h).upper(): (c, units.get(str(h).upper(), "")) for h, c in row.items() if c is not None},
            )
        )
    given = {str(k).upper(): (v, units.get(str(k).upper(), "")) for k, v in facts.items()}
    known = {c.name for c in (*formula.reads, *formula.settings, *formula.facts)}
    known |= {c.name for columns, _ in formula.made.values() for c in columns}
    if strange := sorted(set(units) - known - {"TIME"}):
        raise UnknownName(
            "unit of something unknown", where=f"{where}: units", value=strange[0], allowed=", ".join(sorted(known))
        )
    if strange := sorted(set(given) - {c.name for c in formula.facts}):
        raise UnknownName(
            "unknown fact", where=f"{where}: facts", value=strange[0], allowed=", ".join(c.name for c in formula.facts) or "none"
        )
    names = list(dict.fromkeys(n for _, row in lines for n in row))
    found = _made(str(data.get("name") or path.stem), formula, names, lines, given, where)
    return replace(found, therapy=str(data.get("therapy") or ""))


def _made(
    name: str,
    formula: Formula,
    names: Sequence[str],
    lines: Sequence[tuple[str, Mapping[str, tuple[Any, str]]]],
    given: Mapping[str, tuple[Any, str]],
    where: str,
) -> Case:
    measurable = {r.name: r for r in formula.reads if r.measured}
    settable, facts_of = {s.name: s for s in formula.settings}, {f.name: f for f in formula.facts}
    label = formula.summed[0] if formula.summed else ""
    parts = {c.name: c for columns, _ in formula.made.values() for c in columns}
    known = {"TIME", "ID", *parts, *measurable, *settable, *facts_of, *((label, "TARGET", *ASIDE) if label else ())}
    if strange := sorted(set(names) - known):
        raise UnknownName(
            "unknown column",
            where=where,
            value=strange[0][:40],
            allowed=", ".join(sorted(known - set(ASIDE))),
            remedy="rename or drop it: nothing is guessed",
        )
    if len(lines) > MOST:
        raise InputError("too many lines", where=where, value=len(lines), allowed=f"{MOST}")
    facts: dict[str, float] = {n: facts_of[n].value(v, u, f"{where}: facts") for n, (v, u) in given.items()}
    sums: dict[tuple[float, str], dict[str, float]] = {}
    measured: dict[tuple[float, str], tuple[float, str]] = {}
    sets: dict[float, dict[str, float]] = {}
    ids: set[str] = set()
    times: list[float] = []
    first_targets: set[str] | None = None
    findings: list[Finding] = []
    for at, row in lines:
        t = _time(row, formula, at)
        times.append(t)
        ids |= {str(row["ID"][0])} if "ID" in row else set()
        for name_, (columns, make) in formula.made.items():
            if any(c.name in row for c in columns):
                if lacks := [c.name for c in columns if c.name not in row]:
                    raise InputError(
                        "a part is missing", where=f"{at} {name_}", value=lacks[0], allowed=" and ".join(c.name for c in columns)
                    )
                measured[t, name_] = make(*(c.value(*row[c.name], at) for c in columns)), at
        for n, (cell, unit) in row.items():
            if n in facts_of:
                value = facts_of[n].value(cell, unit, at)
                if facts.setdefault(n, value) != value:
                    raise InputError("a fact that changes", where=f"{at} {n}", value=value, allowed=f"{facts[n]:g} as before")
            elif n in settable:
                old = sets.setdefault(t, {}).setdefault(n, settable[n].value(cell, unit, at))
                if old != settable[n].value(cell, unit, at):
                    raise InputError("two settings at one time", where=f"{at} {n}", value=cell, allowed=f"{old:g}")
            elif n in measurable:
                value = measurable[n].value(cell, unit, at)
                if formula.summed and n == formula.summed[1] and label in names:
                    if "TARGET" in row and not YES.get(str(row["TARGET"][0]).strip().lower(), False):
                        continue
                    lesion = str(row.get(label, ("", ""))[0])
                    if not lesion:
                        raise InputError("a size without its lesion", where=at, allowed=f"a name in {label}")
                    if lesion in sums.setdefault((t, n), {}):
                        raise InputError("one lesion twice at one time", where=at, value=lesion)
                    sums[t, n][lesion] = value
                elif (t, n) in measured and measured[t, n][0] != value:
                    raise InputError("two values at one time", where=f"{at} {n}", value=value, allowed=f"{measured[t, n][0]:g}")
                else:
                    measured[t, n] = value, at
    if len(ids) > 1:
        raise InputError("more than one person", where=where, value=", ".join(sorted(ids))[:60], allowed="one ID")
    for (t, n), of in sorted(sums.items()):
        first_targets = first_targets or set(of)
        if set(of) != first_targets:
            gone = sorted(first_targets ^ set(of))[0]
            findings.append(
                Finding(
                    "warning",
                    "lesion_missing",
                    f"{t / formula.hours:g} {formula.clock}",
                    "not the targets of the first visit: this sum is left out",
                    gone,
                    ", ".join(sorted(first_targets)),
                    "give every target's size, 0 where it is gone",
                )
            )
            continue
        measured[t, n] = sum(of.values()), where
    if missing := [c.name for c in formula.facts if c.needed and c.name not in facts]:
        raise InputError("is needed", where=where, value=missing[0], allowed=facts_of[missing[0]].text)
    if not measured:
        raise InputError("nothing is measured", where=where, allowed=", ".join(measurable))
    was_set = tuple(Setting(v, at=t) for t, v in sorted(sets.items()))
    told = tuple(Measured(t, n, v) for (t, n), (v, _) in sorted(measured.items()))
    return Case(name, facts, told, was_set, max(times), tuple(findings))


def _time(row: Mapping[str, tuple[Any, str]], formula: Formula, at: str) -> float:
    """h of a line."""
    if "TIME" not in row:
        raise InputError("a moment is missing", where=at, allowed=f"TIME in {formula.clock}")
    cell, unit = row["TIME"]
    units = {**{u: h / formula.hours for u, h in CLOCK_H.items()}, "wk": 168.0 / formula.hours}
    column = Column("TIME", "time", formula.clock, -1e6, 1e6, units)
    return round(column.value(cell, unit, at) * formula.hours, 6)
