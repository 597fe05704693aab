"""One value entered by hand: what was typed, checked field by field, as a fact; every refusal names value, range and remedy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dosetwin import formulary
from dosetwin.checks import believable
from dosetwin.errors import InputError
from dosetwin.io.text import number
from dosetwin.quantities import QUANTITIES, Quantity
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.zone import Zone
from dosetwin.units import code_of, convert

KINDS = ("level", "creatinine", "weight", "dose")
ASSAYS = {"": "not stated", "idms": "enzymatic or IDMS-traceable", "jaffe": "Jaffe"}


@dataclass(frozen=True)
class Entry:
    """What was typed, as typed. ``offset`` (``+02:00``): which of two, where the hour of ``at`` happens twice. ``sure``: why an
    unusual value is right.
    """

    kind: str = "level"
    value: str = ""
    unit: str = "mg/L"
    at: str = ""
    below: bool = False
    assay: str = ""
    offset: str = ""
    sure: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def fresh(now: datetime, zone: Zone) -> Entry:
    """An empty form at this moment, to five minutes."""
    at, offset = zone.typed(now - timedelta(minutes=now.minute % 5))
    return Entry(at=at, offset=offset)


def checked(entry: Entry, now: datetime, drug: str, zone: Zone) -> tuple[NewFact | None, dict[str, str]]:
    """The fact, or per field what is wrong with it. What is wrong beside the rest of the record, ``serve.sure`` says."""
    wrong: dict[str, str] = {}
    name, low, high, canonical = range_of(entry.kind, drug)
    entry = replace(entry, unit=code_of(entry.unit, about(entry.kind, drug)) or entry.unit)
    value = number(entry.value, comma=True)
    if value is None:
        wrong["value"] = f"{name}: found “{entry.value}”, expected a number, as 7.4"
    elif (entry.kind, entry.unit) not in units(drug):
        wrong["other"] = f"unit {entry.unit} does not fit a {name}; choose one of the list"
    else:
        found = _canonical(entry, value, drug)
        if found is None:
            wrong["other"] = f"unit {entry.unit} cannot be converted; choose another"
        elif not low <= found <= high or (found == 0 and (entry.below or entry.kind != "level")):
            shown = f"{value:g} {entry.unit}" + (f" = {found:.3g} {canonical}" if entry.unit != canonical else "")
            wrong["value"] = f"{name}: found {shown}, allowed {low:g} to {high:g} {canonical}; check value and unit"
    read = zone.read(entry.at, entry.offset)
    at = read.at
    if at is None:
        wrong["at"] = f"time: {read.why}"
    elif at > now + timedelta(minutes=5):
        wrong["at"] = f"time: found {zone.short(at)}, which is ahead of now ({zone.long(now)}); enter when it was drawn or given"
    if wrong:
        return None, wrong
    confirmed = {"confirmed": {"reason": " ".join(entry.sure.split())}} if len(entry.sure.strip()) >= 3 else {}
    return NewFact.model_validate({"at": at, "body": _body(entry, value, drug)} | confirmed), {}


def about(kind: str, drug: str) -> Quantity:
    """The quantity that a kind of entry types in."""
    if kind == "level":
        return formulary.measured(drug)
    return formulary.drug(drug).amount if kind == "dose" else QUANTITIES["SCR" if kind == "creatinine" else "WT"]


def units(drug: str) -> list[tuple[str, str]]:
    """(kind, unit) of every unit that the form offers."""
    of = {kind: about(kind, drug) for kind in KINDS}
    return [(kind, unit) for kind, q in of.items() for unit in q.offered or (q.unit,)]


def range_of(kind: str, drug: str) -> tuple[str, float, float, str]:
    """Name, lowest, highest and own unit of what is typed, from the one table of what can be (a newborn's)."""
    of = about(kind, drug)
    if kind == "dose":
        size = believable.one_dose(drug)
        return "dose", 0.1, size.high * (QUANTITIES["WT"].top(True) if size.per_kg else 1.0), of.unit
    return of.text, of.low, of.top(True), of.unit


def _canonical(entry: Entry, value: float, drug: str) -> float | None:
    try:
        return convert(value, entry.unit, about(entry.kind, drug), where="entry")
    except InputError:
        return None


def _body(entry: Entry, value: float | None, drug: str) -> Mapping[str, Any]:
    if entry.kind == "level":
        return {"kind": "level", "drug": drug, "value": value, "unit": entry.unit, "below_loq": entry.below}
    if entry.kind == "creatinine":
        return {"kind": "creatinine", "value": value, "unit": entry.unit, "assay": entry.assay if entry.assay in ASSAYS else ""}
    if entry.kind == "weight":
        return {"kind": "covariate", "name": "WT", "value": value, "unit": entry.unit}
    return {"kind": "dose", "drug": drug, "amount": value, "unit": entry.unit}
