"""One person's record as a JSON file: what is measured today, what happened, what is taken, earlier HbA1c, plans of one's own.

``{"person": {"AGE_DIAGNOSIS": 52, "DURATION": 8, ...}, "units": {"HBA1C": "mmol/mol", "LDL": "mg/dL"}, "taking":
["metformin"], "had": ["stroke"], "readings": [{"year": -1, "hba1c": 64, "taking": ["metformin"]}], "plans": [{"name": "mine",
"at_once": ["metformin"], "then": ["sulfonylurea"], "line": 7.5}]}``; a unit holds for the person and the readings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dosetwin.errors import InputError, UnknownUnit
from dosetwin.io.text import read_json
from dosetwin.outcomes.diabetes.equations import FACTORS, OTHERS, believable
from dosetwin.studies.ten_years.belief import Belief, Reading
from dosetwin.studies.ten_years.plans import Plan

KEYS = ("therapy", "person", "units", "taking", "had", "readings", "plans", "name")
MOST = 2000
"""Readings of one file."""


@dataclass(frozen=True, eq=False)
class Case:
    """A person as the plans need one."""

    name: str
    person: Mapping[str, float]
    belief: Belief
    taking: tuple[str, ...]
    had: tuple[str, ...]
    plans: tuple[Plan, ...]
    readings: tuple[Reading, ...]


def read_case(path: Path) -> Case:
    """The record. Raises InputError naming the file and the entry; a factor that is missing is asked for, never filled in."""
    data, where = read_json(path), path.name
    if not isinstance(data, dict) or not isinstance(data.get("person"), dict):
        raise InputError(
            "not a person's record", where=where, allowed=f"a JSON object of {', '.join(KEYS)}, person with its factors"
        )
    if unknown := sorted(set(data) - set(KEYS)):
        raise InputError("unknown key", where=where, value=unknown[0], allowed=", ".join(KEYS))
    into = {name: _unit(name, unit, where) for name, unit in dict(data.get("units") or {}).items()}
    person = {k: _number(v, f"{where}: person.{k}") for k, v in data["person"].items()}
    person = {k: into[k](v) if k in into else v for k, v in person.items()}
    try:
        believable({k: np.array([v]) for k, v in person.items()})
    except InputError as error:
        raise InputError(error.message, where=f"{where}: {error.where}", value=error.value, allowed=error.allowed,
                         remedy=error.remedy) from None  # fmt: skip
    taking = _names(data.get("taking"), f"{where}: taking")
    rows = data.get("readings") or []
    if not isinstance(rows, list) or len(rows) > MOST:
        raise InputError(
            "not a list of readings", where=f"{where}: readings", allowed=f"up to {MOST} objects of year, hba1c, taking"
        )
    percent = into.get("HBA1C", float)
    readings = tuple(_reading(row, percent, f"{where}: readings[{k}]") for k, row in enumerate(rows))
    today = Reading(0.0, person["HBA1C"], frozenset(taking))
    if not any(r.year == 0.0 for r in readings):
        readings = (*readings, today)
    plans = tuple(_plan(row, f"{where}: plans[{k}]") for k, row in enumerate(data.get("plans") or []))
    return Case(str(data.get("name") or path.stem), person, Belief.prior().told(*readings), taking,
                _names(data.get("had"), f"{where}: had"), plans, readings)  # fmt: skip


def _unit(name: str, unit: Any, where: str) -> Callable[[float], float]:
    if name in FACTORS and unit == FACTORS[name][0]:
        return float
    other = OTHERS.get(name)
    if other is None or unit != other.unit:
        allowed = ", ".join(filter(None, (FACTORS.get(name, ("",))[0], other.unit if other else "")))
        raise UnknownUnit("unit of a factor", where=f"{where}: units.{name}", value=unit, allowed=allowed or "none")
    return other.into


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError("not a number", where=where, value=str(value)[:40], allowed="a number; flags are 0 or 1")
    return float(value)


def _names(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise InputError("not a list of names", where=where, value=str(value)[:60], allowed='["name", ...]')
    return tuple(value)


def _reading(row: Any, percent: Callable[[float], float], where: str) -> Reading:
    if not isinstance(row, dict) or set(row) - {"year", "hba1c", "taking"} or not {"year", "hba1c"} <= set(row):
        raise InputError("not a reading", where=where, value=str(row)[:60], allowed="year, hba1c, taking")
    try:
        return Reading(
            _number(row["year"], where), percent(_number(row["hba1c"], where)), frozenset(_names(row.get("taking"), where))
        )
    except InputError as error:
        raise InputError(error.message, where=where, value=error.value, allowed=error.allowed, remedy=error.remedy) from None


def _plan(row: Any, where: str) -> Plan:
    if not isinstance(row, dict) or set(row) - {"name", "at_once", "then", "line"} or not row.get("name"):
        raise InputError("not a plan", where=where, value=str(row)[:60], allowed="name, at_once, then, line")
    extra = {} if "line" not in row else {"line": _number(row["line"], where)}
    return Plan(
        str(row["name"]), _names(row.get("at_once"), where), _names(row.get("then"), where), source="of one's own", **extra
    )
