"""What each FHIR resource type says about the patient: levels, creatinine, covariates, doses, flags."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dosetwin.errors import InputError, Severity
from dosetwin.io import codes
from dosetwin.io.fhir_parts import (
    Entry,
    Notes,
    Span,
    codings,
    label,
    medication,
    medication_concept,
    merge,
    moment,
    quantity,
    unit_conflict,
    unit_of,
    words,
)
from dosetwin.records import Covariate, DoseEvent, Observation
from dosetwin.units import ASSAYS, creatinine

COMEDICATION_HOURS = 24.0
"""A co-medication flag stays on this long after the last administration (assumed: one dosing interval of ibuprofen)."""

_USABLE = {"final", "amended", "corrected", "preliminary"}
GIVEN = {"completed", "in-progress", "stopped"}


@dataclass
class Facts:
    """What one bundle says, gathered resource by resource; moments are absolute, times in the records still 0."""

    drug: str
    entries: list[Entry]
    notes: Notes
    given: list[tuple[datetime, DoseEvent]] = field(default_factory=list)
    measured: list[tuple[datetime, Observation]] = field(default_factory=list)
    known: list[tuple[datetime, Covariate]] = field(default_factory=list)
    fixed: dict[str, float] = field(default_factory=dict)
    spans: dict[str, list[Span]] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)


def read_observation(e: Entry, facts: Facts) -> None:
    """A measurement: a level, a creatinine, a covariate, or a fixed property of the patient."""
    notes, drug, fixed, unread = facts.notes, facts.drug, facts.fixed, facts.unread
    o = e.body
    loinc = [c for s, c, _ in codings(o.code) if s == codes.LOINC_SYSTEM]
    name = next(
        (table[c] for c in loinc for table in (codes.LEVELS, codes.MEASURED, codes.COVARIATES, codes.FIXED) if c in table), ""
    )
    if not name or (name in codes.DRUGS and name != drug):
        text = label(o.code)
        if not name and any(word in words(o.code) for word in codes.NEEDED_WORDS):
            notes.add(
                "warning",
                "unknown_code",
                e.record,
                "looks like something needed, but its code is not listed; not used",
                text,
                "LOINC codes of io/codes.py",
                "send it with a listed LOINC code",
            )
        else:
            unread[f"Observation {text}"] += 1
        return
    if o.status not in _USABLE:
        notes.add("info", "status", e.record, f"{name} with this status is not used", o.status, ", ".join(sorted(_USABLE)))
        return
    if o.status == "preliminary":
        notes.add("warning", "preliminary", e.record, f"{name} is a preliminary result", o.status)
    severity: Severity = "warning" if name in ("HT", "HC", "TEMP", "APGR", "APGR1", "ALB") else "error"
    if name.startswith("APGR") and o.valueInteger is not None:
        value: float | None = float(o.valueInteger)
    elif name == "SCR":
        value = None if o.valueQuantity is None or o.valueQuantity.value is None else float(o.valueQuantity.value)
        if value is None:
            notes.add(severity, "value_missing", e.record, "no value for SCR; the record is not used")
        elif unit_conflict(o.valueQuantity, name, e.record, notes):
            value = None
    else:
        value = quantity(o.valueQuantity, name, e.record, notes, severity=severity)
    if value is None:
        return
    if name in codes.FIXED.values():
        if name in fixed and abs(fixed[name] - value) > 1e-9:
            notes.add(
                "error",
                "conflicting_values",
                e.record,
                f"{name} differs from an earlier record",
                value,
                f"{fixed[name]:g}",
                "correct the wrong one",
            )
        fixed.setdefault(name, value)
        return
    comparator = o.valueQuantity.comparator if o.valueQuantity is not None else None
    below = comparator in ("<", "<=")
    if comparator is not None and (not below or name in codes.COVARIATES.values()):
        notes.add(
            severity,
            "comparator",
            e.record,
            f"{name} is only known to be {comparator} {value:g}; the record is not used",
            comparator,
            "<, <= (levels)",
        )
        return
    exact = name in codes.DRUGS or name in codes.MEASURED.values()
    when = moment(o.effectiveDateTime or o.effectiveInstant, e.record, notes, severity=severity, day_will_do=not exact)
    if when is None:
        return
    if name == "SCR":
        assay = _assay(o.method, e.record, notes)
        try:
            scr = creatinine(value, unit_of(o.valueQuantity), assay, record=e.record)
        except InputError as error:
            notes.add(
                "error",
                "unknown_unit" if "unit" in error.message else "value_unusable",
                e.record,
                f"{error.message}; the record is not used",
                error.value,
                error.allowed,
                error.remedy,
            )
            return
        notes.found.extend(scr.findings)
        facts.measured.append(
            (
                when,
                Observation(
                    0.0, "SCR", scr.value, "mg/dL", scr.value if below else None, below, assay=scr.assay, record=e.record
                ),
            )
        )
    elif exact:
        unit = "mg/L" if name in codes.DRUGS else "1"
        facts.measured.append((when, Observation(0.0, name, value, unit, value if below else None, below, record=e.record)))
    else:
        facts.known.append((when, Covariate(0.0, name, value, "", e.record)))


def _assay(method: Any, record: str, notes: Notes) -> str:
    text = words(method)
    for needle, assay in (("jaffe", "jaffe"), ("jaffé", "jaffe"), ("idms", "idms"), ("enzym", "enzymatic")):
        if needle in text:
            return assay
    if text:
        notes.add("warning", "assay_not_recognised", record, "the creatinine method is not recognised", text, ", ".join(ASSAYS))
    return ""


def read_administration(e: Entry, facts: Facts) -> None:
    """A drug given: a dose of the chosen drug, or a co-medication flag."""
    notes, drug = facts.notes, facts.drug
    a = e.body
    concept = medication_concept(e, facts.entries)
    name, by_text = medication(concept)
    flags = codes.COMEDICATION[name][2] if name in codes.COMEDICATION else ()
    if not flags and (name != drug or not drug):
        if not name and not words(concept) and a.status in GIVEN:
            # it may have been this very drug: a dose left out makes the next one too large
            notes.add("error", "unknown_medication", e.record, "a drug given that has no listed code and no name; not used",
                      label(concept), "RxNorm or ATC code, or a name", "send the medication with its name")  # fmt: skip
            return
        facts.unread[f"MedicationAdministration {label(concept)}"] += 1
        return
    if a.status not in GIVEN:
        notes.add(
            "warning" if a.status in ("unknown", "on-hold") else "info",
            "not_given",
            e.record,
            f"{name} with this status was not given or is not known to be; not used",
            a.status,
            ", ".join(sorted(GIVEN)),
        )
        return
    if by_text:
        notes.add(
            "warning",
            "recognised_by_text",
            e.record,
            f"taken as {name} by its text; no listed code",
            label(concept),
            "",
            "send the RxNorm ingredient or the ATC code",
        )
    period = a.effectivePeriod
    start = moment(period.start if period else a.effectiveDateTime, e.record, notes, severity="error")
    if start is None:
        return
    end = moment(period.end, e.record, notes, severity="warning") if period is not None and period.end is not None else None
    if period is not None and end is not None and end < start:
        notes.add(
            "error",
            "period_reversed",
            e.record,
            "the administration ends before it starts; not used",
            str(period.end),
            f">= {period.start}",
        )
        return
    if flags:
        running = a.status == "in-progress" and end is None
        until = None if running else (end or start) + timedelta(hours=COMEDICATION_HOURS)
        for flag in flags:
            facts.spans.setdefault(flag, []).append(Span(start, until, e.record))
        notes.add(
            "info",
            "comedication",
            e.record,
            f"{name}: {', '.join(flags)} on from its start until {COMEDICATION_HOURS:g} h after its end",
        )
        return
    dose = _dose(e, name, start, end, notes)
    if dose is not None:
        facts.given.append((start, dose))


def _dose(e: Entry, name: str, start: datetime, end: datetime | None, notes: Notes) -> DoseEvent | None:
    """Amount (mg) and duration (h) of one administration; None and an error finding when the amount is not known."""
    d = e.body.dosage
    hours = (end - start).total_seconds() / 3600 if end is not None else None
    rate: float | None = None
    if d is not None and d.rateQuantity is not None:
        rate = quantity(d.rateQuantity, "rate", e.record, notes, severity="warning")
    elif d is not None and d.rateRatio is not None:
        top = quantity(d.rateRatio.numerator, "amount", e.record, notes, severity="warning")
        bottom = quantity(d.rateRatio.denominator, "duration", e.record, notes, severity="warning")
        rate = top / bottom if top is not None and bottom else None
    amount: float | None = None
    if d is not None and d.dose is not None:
        amount = quantity(d.dose, "amount", e.record, notes, severity="error")
        if amount is None:
            return None
    elif rate is not None and hours:
        amount = rate * hours
        notes.add("info", "amount_from_rate", e.record, f"{name}: amount computed from rate and period", amount)
    if amount is None or amount <= 0:
        notes.add(
            "error",
            "dose_without_amount",
            e.record,
            f"{name} given without a usable amount; the dose is not used",
            amount,
            "> 0 mg",
            "send dosage.dose",
        )
        return None
    if e.body.status == "stopped":
        notes.add(
            "warning",
            "stopped",
            e.record,
            f"{name}: the administration was stopped; the amount may not have been given in full",
            amount,
        )
    if hours is None and rate is not None and rate > 0:
        hours = amount / rate
    if hours is None:
        notes.add(
            "warning",
            "duration_missing",
            e.record,
            f"{name}: no duration or rate; taken as a bolus",
            None,
            "effectivePeriod, or dosage.rate",
            "send the start and end of the infusion",
        )
    route = words(d.route) if d is not None and d.route is not None else ""
    if route and "intravenous" not in route and route not in ("iv", "i.v."):
        notes.add(
            "warning", "route", e.record, f"{name}: the route is not intravenous; the model's default compartment is used", route
        )
    return DoseEvent(0.0, amount, round(hours or 0.0, 6), record=e.record)


def read_request(e: Entry, facts: Facts) -> None:
    """An order: reported as the plan."""
    notes = facts.notes
    r = e.body
    name, _ = medication(medication_concept(e, facts.entries))
    text = "; ".join(str(i.text) for i in r.dosageInstruction or [] if i.text)
    plan = f"{name or label(medication_concept(e, facts.entries))} {r.status} {r.intent}: {text or 'no instruction text'}"
    notes.add("info", "planned", e.record, "an order is not a dose given; kept as the plan", plan)


def read_condition(e: Entry, facts: Facts) -> None:
    """A condition or procedure that switches a flag covariate."""
    notes = facts.notes
    c = e.body
    verdict = {code for _, code, _ in codings(getattr(c, "verificationStatus", None))}
    listed = [code for s, code, _ in codings(c.code) if s == codes.SNOMED_SYSTEM or s in codes.ICD_SYSTEMS]
    flag = next(
        (
            codes.CONDITIONS.get(code) or codes.CONDITIONS.get(code[:3], "")
            for code in listed
            if code in codes.CONDITIONS or code[:3] in codes.CONDITIONS
        ),
        "",
    )
    if not flag:
        hit = next((word for word in codes.CONDITION_WORDS if word in words(c.code)), "")
        if any(code.startswith(codes.INDICATIONS) for code in listed):
            notes.add("info", "indication", e.record, "the reason for treatment; no covariate depends on it", label(c.code))
            return
        if not hit:
            facts.unread[f"{e.kind} {label(c.code)}"] += 1
            return
        flag = codes.CONDITION_WORDS[hit]
        notes.add("warning", "recognised_by_text", e.record, f"taken as {flag} by its text; no listed code", label(c.code))
    if verdict & {"refuted", "entered-in-error"} or getattr(c, "status", "completed") in (
        "not-done",
        "entered-in-error",
        "preparation",
    ):
        notes.add("info", "status", e.record, f"{flag} refuted or not done; not used", label(c.code))
        return
    if e.kind == "Procedure":
        period, single, recorded = c.performedPeriod, c.performedDateTime, None
        begin, finish = (period.start, period.end) if period else (single, None)
    else:
        begin = c.onsetDateTime or (c.onsetPeriod.start if c.onsetPeriod else None)
        finish = c.abatementDateTime or (c.abatementPeriod.start if c.abatementPeriod else None)
        recorded = c.recordedDate
    if begin is None and recorded is not None:
        notes.add("info", "onset_missing", e.record, f"{flag}: no onset, the time of recording is taken", str(recorded))
        begin = recorded
    start = moment(begin, e.record, notes, severity="error", day_will_do=True)
    if start is None:
        return
    end = moment(finish, e.record, notes, severity="warning", day_will_do=True) if finish is not None else None
    facts.spans.setdefault(flag, []).append(Span(start, end, e.record))


def flag_covariates(name: str, spans: list[Span], hours: Any, first: datetime, birth: datetime) -> list[Covariate]:
    """0/1 covariates: 0 from the first record on, 1 while a span lasts."""
    merged = merge(spans)
    out: list[Covariate] = []
    earliest = min(first, birth) if (first - birth) < timedelta(days=60) else first
    if merged[0].start > earliest:
        out.append(Covariate(hours(earliest), name, 0.0, "", f"before {merged[0].record}"))
    for span in merged:
        out.append(Covariate(hours(span.start), name, 1.0, "", span.record))
        if span.end is not None:
            out.append(Covariate(hours(span.end), name, 0.0, "", f"end of {span.record}"))
    return out
