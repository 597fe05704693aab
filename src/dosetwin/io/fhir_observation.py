"""What a FHIR Observation says about the patient: a level, a creatinine, a covariate, or a fixed property."""

from datetime import datetime, timedelta
from typing import Any

from dosetwin import formulary
from dosetwin.errors import InputError, Severity
from dosetwin.io import codes
from dosetwin.io.fhir_facts import Facts, understood
from dosetwin.io.fhir_genes import read_gene
from dosetwin.io.fhir_parts import Notes, coded, label, moment, quantity, unit_conflict, unit_of, words
from dosetwin.io.fhir_refs import Entry, same
from dosetwin.io.fhir_specimens import specimen_of
from dosetwin.quantities import Quantity
from dosetwin.quantities.assays import ASSAYS, creatinine
from dosetwin.records import Covariate, Observation

LONGEST_DRAW = timedelta(hours=1)
"""A sample said to be drawn over a longer period has no usable time (assumed); the middle of a shorter one is taken."""
_USABLE = {"final", "amended", "corrected", "preliminary"}
_ABSENT = "data-absent-reason"
_OTHER_VALUES = ("valueString", "valueCodeableConcept", "valueInteger", "valueRange", "valueRatio", "valueBoolean",
                 "valueSampledData")  # fmt: skip


def read_observation(e: Entry, facts: Facts) -> None:
    """A measurement and the components it is made of, each in its own right; members of a panel are resources of their own."""
    if read_gene(e, facts):
        return
    parts = [(part, f"{e.record} component[{i}]") for i, part in enumerate(e.body.component or [])]
    if not parts or codes.quantity(coded(e.body.code)).name or e.body.valueQuantity is not None:
        _measurement(e, e.body, e.record, facts)
    for part, record in parts:
        _measurement(e, part, record, facts)
    for member in e.body.hasMember or []:
        reference = str(member.reference or "")
        if not any(same(reference, other, e) for other in facts.entries):
            facts.notes.add("warning", "member_missing", e.record, "a panel whose member is not in the bundle; its value is not "
                            "known", reference or None, "a resource of the bundle", "send the member too")  # fmt: skip


def _measurement(e: Entry, part: Any, record: str, facts: Facts) -> None:
    """One coded value; ``part`` the observation itself or one of its components."""
    said = coded(part.code)
    meant = codes.quantity(said)
    name = meant.name
    if not name:
        _unread(part, said, name, record, facts)
        return
    of = formulary.measured(name)
    with facts.notes.beside(of.kind == "level" and facts.drug not in (name, meant.also)):
        _understood(e, part, record, of, meant.also, facts)


def _understood(e: Entry, part: Any, record: str, of: Quantity, also: str, facts: Facts) -> None:
    """A value of a listed quantity, ``also`` another one that its codes mean."""
    notes, o, name = facts.notes, e.body, of.name
    if also:
        notes.add("error", "conflicting_codes", record, f"its codes mean {name} and {also}; the record is not used",
                  label(part.code), "one meaning", "correct the codes at the source")  # fmt: skip
        return
    if o.status not in _USABLE:
        notes.add("info", "status", record, f"{name} with this status is not used", o.status, ", ".join(sorted(_USABLE)))
        return
    severity: Severity = "error" if of.needed else "warning"
    if not understood(e, record, name, notes, severity):
        return
    if o.focus:
        notes.add(severity, "focus", record, f"{name} of something else than its subject; the record is not used",
                  str(o.focus[0].reference or o.focus[0].display or ""), "no focus")  # fmt: skip
        return
    if o.status == "preliminary":
        notes.add("warning", "preliminary", record, f"{name} is a preliminary result", o.status)
    value = _value(part, of, record, notes, severity)
    if value is None:
        return
    if part.dataAbsentReason is not None:
        notes.add(severity, "value_and_absent", record, f"{name} has a value and a reason why there is none; the record is not "
                  "used", label(part.dataAbsentReason), "one of them", "send the value alone, if it holds")  # fmt: skip
        return
    if of.in_blood and not _of_blood(e, name, record, facts, severity):
        return
    if of.kind == "trait":
        _fixed(name, value, record, facts)
        return
    comparator = part.valueQuantity.comparator if part.valueQuantity is not None else None
    below = comparator in ("<", "<=")
    if comparator is not None and (not below or not of.predicted):
        notes.add(severity, "comparator", record, f"{name} is only known to be {comparator} {value:g}; the record is not used",
                  comparator, "<, <= (levels)")  # fmt: skip
        return
    exact = of.predicted
    when, spread = _drawn(o, record, notes, severity, exact=exact)
    if when is None:
        return
    for note in o.note or []:
        if exact and note.text:
            notes.add("warning", "comment", record, f"the sender's comment on {name} is not interpreted", str(note.text))
    if name == "SCR":
        _creatinine(part, o, value, when, record, facts, below=below, spread=spread)
    elif exact:
        limit = value if below else None
        facts.measured.append((when, Observation(0.0, name, value, of.unit, limit, below, time_sd=spread, record=record)))
    else:
        facts.known.append((when, Covariate(0.0, name, value, "", record)))


def _of_blood(e: Entry, name: str, record: str, facts: Facts, severity: Severity) -> bool:
    """False, with a finding, where the specimen is said to be something else than blood, of which the codes listed speak."""
    specimen = specimen_of(e, facts.entries)
    taken = getattr(specimen, "collection", None)
    said = [
        str(getattr(e.body.specimen, "display", None) or ""),
        words(e.body.bodySite),
        words(getattr(specimen, "type", None)),
        words(getattr(taken, "bodySite", None)),
    ]
    other = codes.other_fluid(" ".join(said))
    if other:
        facts.notes.add(severity, "specimen", record, f"{name} was measured in {other}, its code speaks of serum or plasma; the "
                        "record is not used", " ".join(said).strip(), "serum, plasma, blood",
                        "correct specimen or code")  # fmt: skip
    return not other


def _unread(part: Any, said: list[codes.Coded], name: str, record: str, facts: Facts) -> None:
    text = label(part.code)
    if not name and (code := codes.out_of_system(said)):
        facts.notes.add("warning", "code_system", record, "a listed LOINC code in a system that is not LOINC; not used", text,
                        codes.LOINC_SYSTEM, f"if {code} is a LOINC code, name its system")  # fmt: skip
    elif not name and codes.needed(words(part.code)):
        facts.notes.add("warning", "unknown_code", record, "looks like something needed, but its code is not listed; not used",
                        text, "codes of quantities and formulary", "send it with a listed LOINC code")  # fmt: skip
    else:
        facts.unread[f"Observation {text}"] += 1


def _value(part: Any, of: Quantity, record: str, notes: Notes, severity: Severity) -> float | None:
    """The number, in the canonical unit (a creatinine: as printed, its assay is not undone yet); None with a finding."""
    held, name = part.valueQuantity, of.name
    if of.kind == "score" and part.valueInteger is not None:
        return float(part.valueInteger)
    if held is None or held.value is None:
        _no_value(part, name, record, notes, severity)
        return None
    if name != "SCR":
        return quantity(held, of, record, notes, severity=severity)
    return None if unit_conflict(held, of, record, notes) else float(held.value)


def _no_value(part: Any, name: str, record: str, notes: Notes, severity: Severity) -> None:
    reasons = [label(part.dataAbsentReason)] if part.dataAbsentReason is not None else []
    held = part.valueQuantity
    for holder in (held, getattr(held, "value__ext", None)):
        listed = getattr(holder, "extension", None) or []
        reasons += [str(x.valueCode or "") for x in listed if str(x.url or "").endswith(_ABSENT)]
    other = next((kind for kind in _OTHER_VALUES if getattr(part, kind, None) is not None), "")
    if reasons:
        notes.add("warning", "value_absent", record, f"the sender says that {name} has no value; not used", reasons[0] or None,
                  "", "if it was measured, send it again")  # fmt: skip
    elif other:
        shown = getattr(part, other)
        notes.add(severity, "value_not_a_quantity", record, f"{name} comes as {other}; the record is not used",
                  label(shown) if other == "valueCodeableConcept" else str(shown)[:80], "valueQuantity",
                  "send number and unit as a Quantity")  # fmt: skip
    elif part.interpretation:
        notes.add("warning", "interpretation_only", record, f"{name} comes with an interpretation and no value; not used",
                  label(part.interpretation[0]), "valueQuantity")  # fmt: skip
    else:
        notes.add(severity, "value_missing", record, f"no value for {name}; the record is not used")


def _fixed(name: str, value: float, record: str, facts: Facts) -> None:
    if name in facts.fixed and abs(facts.fixed[name] - value) > 1e-9:
        facts.notes.add("error", "conflicting_values", record, f"{name} differs from an earlier record", value,
                        f"{facts.fixed[name]:g}", "correct the wrong one")  # fmt: skip
    facts.fixed.setdefault(name, value)


def _drawn(o: Any, record: str, notes: Notes, severity: Severity, *, exact: bool) -> tuple[datetime | None, float]:
    """When it was measured, and how uncertain that is (h): a moment, the one event of a timing, the middle of a short period."""
    period, timing = o.effectivePeriod, o.effectiveTiming
    if timing is not None and len(timing.event or []) == 1:
        return moment(timing.event[0], record, notes, severity=severity, day_will_do=not exact), 0.0
    if period is None or period.start is None:
        return moment(o.effectiveDateTime or o.effectiveInstant, record, notes, severity=severity, day_will_do=not exact), 0.0
    start = moment(period.start, record, notes, severity=severity, day_will_do=not exact)
    if start is None or not exact:
        return start, 0.0
    end = moment(period.end, record, notes, severity=severity) if period.end is not None else None
    if end is None or not timedelta(0) <= end - start <= LONGEST_DRAW:
        notes.add(severity, "time_is_a_period", record, "drawn over a period; the record is not used",
                  f"{period.start} to {period.end or 'no end'}", f"a moment, or a period up to {LONGEST_DRAW}",
                  "send effectiveDateTime")  # fmt: skip
        return None, 0.0
    half = (end - start) / 2
    return start + half, half.total_seconds() / 3600.0


def _creatinine(
    part: Any, o: Any, value: float, when: datetime, record: str, facts: Facts, *, below: bool, spread: float
) -> None:
    notes = facts.notes
    assay = _assay(o.method, record, notes)
    try:
        scr = creatinine(value, unit_of(part.valueQuantity), assay, record=record)
    except InputError as error:
        notes.add("error", "unknown_unit" if "unit" in error.message else "value_unusable", record,
                  f"{error.message}; the record is not used", error.value, error.allowed, error.remedy)  # fmt: skip
        return
    notes.found.extend(scr.findings)
    limit = scr.value if below else None
    facts.measured.append(
        (when, Observation(0.0, "SCR", scr.value, "mg/dL", limit, below, time_sd=spread, assay=scr.assay, record=record))
    )


def _assay(method: Any, record: str, notes: Notes) -> str:
    text = words(method)
    for needle, assay in (("jaffe", "jaffe"), ("jaffé", "jaffe"), ("idms", "idms"), ("enzym", "enzymatic")):
        if needle in text:
            return assay
    if text:
        notes.add("warning", "assay_not_recognised", record, "the creatinine method is not recognised", text, ", ".join(ASSAYS))
    return ""
