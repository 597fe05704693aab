"""What one FHIR bundle says, gathered resource by resource; and whether a resource may be believed to mean what it seems to."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from dosetwin.errors import Severity
from dosetwin.io.fhir_parts import Notes, Span
from dosetwin.io.fhir_refs import Entry, strange
from dosetwin.records import Covariate, DoseEvent, Observation


@dataclass
class Facts:
    """What one bundle says; moments are absolute, times in the records still 0."""

    drug: str
    entries: list[Entry]
    notes: Notes
    given: list[tuple[datetime, DoseEvent]] = field(default_factory=list)
    measured: list[tuple[datetime, Observation]] = field(default_factory=list)
    known: list[tuple[datetime, Covariate]] = field(default_factory=list)
    fixed: dict[str, float] = field(default_factory=dict)
    spans: dict[str, list[Span]] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)


def understood(e: Entry, record: str, name: str, notes: Notes, severity: Severity = "error") -> bool:
    """False, with a finding, for a resource that says that its elements alone do not tell what it means (R4, extensibility)."""
    found = strange(e.raw)
    if found:
        notes.add(severity, "meaning_modified", record, f"{name}: the resource carries what may turn its meaning round and is "
                  "not understood here; it is not used", found, "no modifierExtension, no implicitRules")  # fmt: skip
    return not found
