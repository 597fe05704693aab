"""Pieces of FHIR resources as plain values: codes, moments, quantities; what cannot be read becomes a finding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dosetwin.errors import Finding, InputError, Severity
from dosetwin.io.codes import UCUM_SYSTEM, Coded, system
from dosetwin.quantities.units import Measured, code_of, convert, known

YEARS = (1900, 2200)
"""Moments outside are refused as slips of the pen."""


@dataclass
class Notes:
    """The findings collected while one bundle is read; ``days``: records that told a day and no time of it -> the day."""

    found: list[Finding] = field(default_factory=list)
    days: dict[str, date] = field(default_factory=dict)

    @contextmanager
    def beside(self, so: bool = True) -> Iterator[None]:
        """Read something that does not belong to the question, if ``so``: nothing wrong with it stops the answer."""
        mark = len(self.found)
        yield
        if so:
            self.found[mark:] = [replace(f, severity="warning") if f.severity == "error" else f for f in self.found[mark:]]

    def add(
        self, severity: Severity, code: str, record: str, message: str, value: Any = None, allowed: str = "", remedy: str = ""
    ) -> None:
        """One more finding; long values are cut, values that are not numbers or text are printed."""
        text = value if value is None or isinstance(value, (int, float, str)) else str(value)
        self.found.append(
            Finding(severity, code, record, message, text[:120] if isinstance(text, str) else text, allowed, remedy)
        )


def codings(concept: Any) -> Iterator[tuple[str, str, str]]:
    """(system, code, display) of a CodeableConcept."""
    for coding in (concept.coding or []) if concept is not None else []:
        yield str(coding.system or ""), str(coding.code or ""), str(coding.display or "")


def words(concept: Any) -> str:
    """All the human text of a CodeableConcept, lower case, for messages and for the declared word lists."""
    if concept is None:
        return ""
    return " ".join([*(d for _, _, d in codings(concept) if d), str(concept.text or "")]).strip().lower()


def label(concept: Any) -> str:
    """A short name for messages: the first display or the text, with the first code."""
    if concept is None:
        return "(no code)"
    first = next(codings(concept), ("", "", ""))
    text = first[2] or str(concept.text or "")
    return " ".join(part for part in (first[1], text) if part)[:80] or "(no code)"


def coded(*concepts: Any) -> list[Coded]:
    """The codings of CodeableConcepts as ``codes`` and ``routes`` read them; a concept's own text is one without a code."""
    out = [Coded(*c) for concept in concepts for c in codings(concept)]
    return out + [Coded("", "", str(c.text)) for c in concepts if c is not None and c.text]


def moment(value: Any, record: str, notes: Notes, *, severity: Severity, day_will_do: bool = False) -> datetime | None:
    """An aware datetime. A day without a time of day is its midnight (UTC) where ``day_will_do``, otherwise a finding."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            notes.add(
                severity,
                "time_without_zone",
                record,
                "the time has no time zone; the record is not used",
                value,
                "2026-01-31T08:30:00Z",
            )
            return None
        if not YEARS[0] <= value.year < YEARS[1]:
            notes.add(
                severity,
                "time_implausible",
                record,
                "the year is not plausible; the record is not used",
                value,
                f"{YEARS[0]} to {YEARS[1]}",
            )
            return None
        # one fixed clock inside: an offset change at night must not move a dose
        return value.astimezone(UTC)
    if isinstance(value, date):
        if day_will_do and YEARS[0] <= value.year < YEARS[1]:
            notes.add("info", "time_of_day_missing", record, "a date without a time; taken as 00:00 UTC, not before birth", value)
            notes.days[record] = value
            return datetime.combine(value, time(), UTC)
        notes.add(
            severity,
            "time_of_day_missing",
            record,
            "a date without a time; the record is not used",
            value,
            "date and time with zone",
        )
        return None
    message = "no time" if value is None else "the time is not usable"
    notes.add(severity, "time_missing", record, f"{message}; the record is not used", value, "date and time with zone")
    return None


def quantity(value: Any, of: Measured, record: str, notes: Notes, *, severity: Severity) -> float | None:
    """A FHIR Quantity in the own unit of ``of``, None (and a finding) when there is no number or no listed unit."""
    name = of if isinstance(of, str) else of.name
    if value is None or value.value is None:
        notes.add(severity, "value_missing", record, f"no value for {name}; the record is not used")
        return None
    unit = unit_of(value)
    if unit_conflict(value, of, record, notes):
        return None
    try:
        return convert(float(value.value), unit, of)
    except InputError as error:
        code = "unknown_unit" if "unit" in error.message else "value_unusable"
        notes.add(severity, code, record, f"{error.message}; the record is not used", error.value, error.allowed, error.remedy)
        return None


def unit_conflict(value: Any, of: Measured, record: str, notes: Notes) -> bool:
    """True, with an error finding, when the printed unit is a listed one that means something else than the UCUM code."""
    printed, unit = str(value.unit or ""), unit_of(value)
    if not printed or printed == unit or code_of(unit, of) is None:
        return False
    if code_of(printed, of) is None:
        same = not known(printed)  # "per fontanelle" is text, "mL" is another unit
    else:
        same = abs(convert(1.0, printed, of) - convert(1.0, unit, of)) <= 1e-9
    if not same:
        name = of if isinstance(of, str) else of.name
        notes.add("error", "unit_conflict", record, f"the printed unit of {name} is {printed}, its code {unit}; not used",
                  printed, unit, "correct the unit or its code at the source")  # fmt: skip
    return not same


def unit_of(value: Any) -> str:
    """The UCUM code of a Quantity; its printed unit only when there is no code."""
    if value.code and (not value.system or system(str(value.system)) == UCUM_SYSTEM):
        return str(value.code)
    return str(value.unit or value.code or "")


@dataclass(frozen=True)
class Span:
    """From a moment to another; ``end`` None while it lasts."""

    start: datetime
    end: datetime | None
    record: str


def merge(spans: list[Span], gap: timedelta = timedelta(0)) -> list[Span]:
    """Spans that touch or overlap (or lie within ``gap``) joined, in order of time."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        last = out[-1] if out else None
        if last is not None and (last.end is None or span.start <= last.end + gap):
            end = None if last.end is None or span.end is None else max(last.end, span.end)
            out[-1] = Span(last.start, end, last.record)
        else:
            out.append(span)
    return out
