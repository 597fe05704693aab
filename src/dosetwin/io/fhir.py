"""A FHIR R4 bundle about one patient becomes a timeline; what is not understood is said, never dropped silently.

Read: Patient, Observation, MedicationAdministration, MedicationRequest (as the plan, not as given), Medication, Condition,
Procedure. Parsed with the R4B models of fhir.resources (its default is R5; R4 resources of these types are valid R4B).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError, Severity, UnknownName
from dosetwin.io import codes
from dosetwin.io.fhir_parts import Notes, Span, codings, label, medication, merge, moment, quantity, unit_of, words
from dosetwin.io.text import read_json
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.units import ASSAYS, creatinine

COMEDICATION_HOURS = 24.0
"""A co-medication flag stays on this long after the last administration (assumed: one dosing interval of ibuprofen)."""

READ_TYPES = ("Patient", "Observation", "MedicationAdministration", "MedicationRequest", "Medication", "Condition", "Procedure")
_USABLE = {"final", "amended", "corrected", "preliminary"}
_GIVEN = {"completed", "in-progress", "stopped"}


@dataclass(frozen=True)
class Entry:
    """One resource: its kind, how messages call it, its parsed form, the url other resources refer to it by."""

    kind: str
    record: str
    body: Any
    url: str


def read_bundle(source: Path | str | Mapping[str, Any], drug: str | None = None) -> Timeline:
    """The one patient of a bundle, with everything that had to be remarked in ``timeline.findings``.

    Parameters
    ----------
    source : a JSON file, or the bundle as a mapping.
    drug : whose doses and levels make the timeline; None: the only listed drug given (measured, ordered).

    Times are h since the first dose, else since the first record. Levels and creatinine (mg/dL IDMS, with its assay) are
    Observations; weight, length, temperature, Apgar and the flags IBU INDO DOPA INO ASPHYXIA COOLING are Covariates;
    gestational age and birth weight are the Patient's. Records that cannot be used are error findings.
    Raises InputError when the file is no readable bundle of one patient, or the drug is not clear.
    """
    if isinstance(source, Mapping):
        name, raw = "bundle", source
    else:
        name, raw = Path(source).name, read_json(Path(source))
    notes = Notes()
    entries = _entries(name, raw, notes)
    patients = [e for e in entries if e.kind == "Patient"]
    if len(patients) != 1:
        raise InputError("a case is one patient", where=name, value=f"{len(patients)} Patient resources", allowed="1")
    person = patients[0]
    entries = [e for e in entries if e.kind == "Patient" or _about(e, person, notes)]
    chosen = _choose(name, entries, drug, notes)

    given: list[tuple[datetime, DoseEvent]] = []
    spans: dict[str, list[Span]] = {}
    measured: list[tuple[datetime, Observation]] = []
    known: list[tuple[datetime, Covariate]] = []
    fixed: dict[str, float] = {}
    unread: Counter[str] = Counter()
    for e in entries:
        if e.kind == "Observation":
            _observation(e, chosen, measured, known, fixed, unread, notes)
        elif e.kind == "MedicationAdministration":
            _administration(e, entries, chosen, given, spans, unread, notes)
        elif e.kind == "MedicationRequest":
            _request(e, entries, notes)
        elif e.kind in ("Condition", "Procedure"):
            _condition(e, spans, unread, notes)
    for what, count in unread.items():
        notes.add("info", "not_used", name, f"not used: {what}", count)

    moments = [t for t, _ in given] or [t for t, _ in (*measured, *known)] or [s.start for each in spans.values() for s in each]
    origin = min(moments) if moments else None
    first = min([*moments, *(t for t, _ in (*measured, *known))], default=None)
    patient = _patient(person, fixed, first, notes)
    if origin is None or first is None:
        notes.add("error", "nothing_usable", name, "no record with a usable time", None, "doses, levels, weight", "send the records with their times")
        return Timeline(patient, findings=tuple(notes.found), drug=chosen)

    def hours(when: datetime) -> float:
        # rounded to the microhour: dates are exact to the second, and 0.5 h must be 0.5
        return round((when - origin).total_seconds() / 3600.0, 6)

    flags = [c for flag, each in spans.items() for c in _flag(flag, each, hours, first, patient.birth or first)]
    return Timeline(
        patient,
        tuple(replace(d, time=hours(t)) for t, d in given),
        tuple(replace(o, time=hours(t)) for t, o in measured),
        (*(replace(c, time=hours(t)) for t, c in known), *flags),
        origin,
        findings=tuple(notes.found),
        drug=chosen,
    )


# --------------------------------------------------------------------------------------------------- the bundle


def _entries(name: str, raw: Any, notes: Notes) -> list[Entry]:
    if not isinstance(raw, Mapping) or raw.get("resourceType") != "Bundle":
        found = raw.get("resourceType") if isinstance(raw, Mapping) else type(raw).__name__
        raise InputError("not a FHIR Bundle", where=name, value=str(found)[:60], allowed="resourceType Bundle")
    listed = raw.get("entry")
    if not isinstance(listed, list) or not listed:
        raise InputError("the bundle has no entries", where=name)
    out: list[Entry] = []
    others: Counter[str] = Counter()
    for i, item in enumerate(listed):
        resource = item.get("resource") if isinstance(item, Mapping) else None
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if not isinstance(resource, Mapping) or not isinstance(kind, str):
            raise InputError("an entry without a resource", where=f"{name} entry[{i}]")
        if kind not in READ_TYPES:
            others[kind[:40]] += 1
            continue
        identity = resource.get("id")
        record = f"{kind}/{identity}"[:80] if isinstance(identity, str) else f"{kind} entry[{i}]"
        url = item.get("fullUrl")
        out.append(Entry(kind, record, _parse(kind, resource, f"{name} {record}"), url if isinstance(url, str) else ""))
    for kind, count in others.items():
        notes.add("info", "resource_not_read", name, f"{kind} resources are not read", count)
    return out


def _parse(kind: str, resource: Mapping[str, Any], where: str) -> Any:
    from importlib import import_module

    from pydantic import ValidationError

    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    try:
        return model.model_validate(resource)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise InputError(f"not valid FHIR R4: {path}: {first['msg']}"[:200], where=where) from None
    except (RecursionError, ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
        raise InputError(f"not valid FHIR R4 ({type(error).__name__})", where=where) from None


def _about(e: Entry, person: Entry, notes: Notes) -> bool:
    """Whether a resource is about the patient; one about somebody else is an error finding."""
    if e.kind == "Medication":
        return True
    subject = getattr(e.body, "subject", None)
    reference = str(getattr(subject, "reference", None) or "")
    mine = {f"Patient/{person.body.id}", person.url} - {"", "Patient/None"}
    if not reference or not mine or reference in mine or any(reference.endswith("/" + m) for m in mine if m.startswith("Patient/")):
        return True
    notes.add("error", "other_subject", e.record, "the record is about somebody else; it is not used", reference, ", ".join(sorted(mine)), "send one patient per bundle")
    return False


def _concept(e: Entry, entries: list[Entry]) -> Any:
    """The medication of an administration or request, references resolved inside the bundle and the resource."""
    direct = e.body.medicationCodeableConcept
    if direct is not None:
        return direct
    reference = str(getattr(e.body.medicationReference, "reference", None) or "")
    if reference.startswith("#"):
        inside = next((c for c in e.body.contained or [] if getattr(c, "id", None) == reference[1:]), None)
        return getattr(inside, "code", None)
    target = next((m for m in entries if m.kind == "Medication" and reference in (m.url, f"Medication/{m.body.id}")), None)
    return target.body.code if target is not None and reference else None


def _choose(name: str, entries: list[Entry], drug: str | None, notes: Notes) -> str:
    """The drug this timeline is about ("" when no listed drug occurs)."""
    if drug is not None:
        if drug not in codes.DRUGS:
            raise UnknownName("unknown drug", where=name, value=drug, allowed=", ".join(codes.DRUGS))
        return drug
    administered = {medication(_concept(e, entries))[0] for e in entries if e.kind == "MedicationAdministration" and e.body.status in _GIVEN}
    levels = {codes.LEVELS[c] for e in entries if e.kind == "Observation" for s, c, _ in codings(e.body.code) if s == codes.LOINC_SYSTEM and c in codes.LEVELS}
    ordered = {medication(_concept(e, entries))[0] for e in entries if e.kind == "MedicationRequest" and e.body.status == "active"}
    administered, ordered = administered & set(codes.DRUGS), ordered & set(codes.DRUGS)
    for candidates in (administered & levels, administered, levels, ordered):
        if len(candidates) == 1:
            chosen = next(iter(candidates))
            for other in sorted((administered | levels) - candidates):
                notes.add("info", "other_drug", name, f"{other} is on record too and not part of this {chosen} timeline")
            return chosen
        if candidates:
            raise InputError("several drugs could be meant", where=name, value=", ".join(sorted(candidates)), remedy="name one with --drug")
    return ""


# ------------------------------------------------------------------------------------------------ the resources


def _patient(e: Entry, fixed: dict[str, float], first: datetime | None, notes: Notes) -> Patient:
    p = e.body
    tags = [*((p.meta.tag or []) if p.meta else []), *((p.meta.security or []) if p.meta else [])]
    synthetic = any(str(t.code or "").lower() in ("htest", "synthetic") for t in tags)
    birth: datetime | None = None
    exact = [x.valueDateTime for x in (getattr(p.birthDate__ext, "extension", None) or []) if x.url == codes.BIRTH_TIME]
    if exact:
        birth = moment(exact[0], e.record, notes, severity="warning")
    if birth is None and p.birthDate is not None and not isinstance(p.birthDate, str) and 1900 <= p.birthDate.year < 2200:
        birth = datetime.combine(p.birthDate, time(), UTC)
        if first is not None and timedelta(0) < birth - first <= timedelta(hours=14):
            birth = first  # a day that began east of Greenwich
        young = first is not None and timedelta(0) <= first - birth < timedelta(days=60)
        severity: Severity = "warning" if young else "info"
        notes.add(severity, "birth_time_missing", e.record, "time of birth not known, 00:00 UTC taken: PNA is up to 1 day too high", str(p.birthDate), "", "send the patient-birthTime extension")
    if birth is None:
        notes.add("warning", "birth_missing", e.record, "no usable date of birth: PNA cannot be computed")
    for x in p.extension or []:
        if "gestationalage" in str(x.url or "").lower().replace("-", "") and "GA" not in fixed:
            ga = quantity(x.valueQuantity or x.valueAge or x.valueDuration, "GA", e.record, notes, severity="error")
            if ga is not None:
                fixed["GA"] = ga
    sex = p.gender if p.gender in ("female", "male") else None
    if sex is None:
        notes.add("info", "sex_missing", e.record, "sex not stated as female or male", p.gender)
    return Patient(str(p.id or e.url or "patient"), sex, birth, fixed.get("GA"), fixed.get("BW"), synthetic)


def _observation(
    e: Entry, drug: str, measured: list, known: list, fixed: dict[str, float], unread: Counter[str], notes: Notes
) -> None:
    o = e.body
    loinc = [c for s, c, _ in codings(o.code) if s == codes.LOINC_SYSTEM]
    name = next((table[c] for c in loinc for table in (codes.LEVELS, codes.MEASURED, codes.COVARIATES, codes.FIXED) if c in table), "")
    if not name or (name in codes.DRUGS and name != drug):
        text = label(o.code)
        if not name and any(word in words(o.code) for word in codes.NEEDED_WORDS):
            notes.add("warning", "unknown_code", e.record, "looks like something needed, but its code is not listed; not used", text, "LOINC codes of io/codes.py", "send it with a listed LOINC code")
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
    else:
        value = quantity(o.valueQuantity, name, e.record, notes, severity=severity)
    if value is None:
        return
    if name in codes.FIXED.values():
        if name in fixed and abs(fixed[name] - value) > 1e-9:
            notes.add("error", "conflicting_values", e.record, f"{name} differs from an earlier record", value, f"{fixed[name]:g}", "correct the wrong one")
        fixed.setdefault(name, value)
        return
    comparator = o.valueQuantity.comparator if o.valueQuantity is not None else None
    below = comparator in ("<", "<=")
    if comparator is not None and (not below or name in codes.COVARIATES.values()):
        notes.add(severity, "comparator", e.record, f"{name} is only known to be {comparator} {value:g}; the record is not used", comparator, "<, <= (levels)")
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
            notes.add("error", "unknown_unit" if "unit" in error.message else "value_unusable", e.record, f"{error.message}; the record is not used", error.value, error.allowed, error.remedy)
            return
        notes.found.extend(scr.findings)
        measured.append((when, Observation(0.0, "SCR", scr.value, "mg/dL", scr.value if below else None, below, assay=scr.assay, record=e.record)))
    elif exact:
        unit = "mg/L" if name in codes.DRUGS else "1"
        measured.append((when, Observation(0.0, name, value, unit, value if below else None, below, record=e.record)))
    else:
        known.append((when, Covariate(0.0, name, value, "", e.record)))


def _assay(method: Any, record: str, notes: Notes) -> str:
    text = words(method)
    for needle, assay in (("jaffe", "jaffe"), ("jaffé", "jaffe"), ("idms", "idms"), ("enzym", "enzymatic")):
        if needle in text:
            return assay
    if text:
        notes.add("warning", "assay_not_recognised", record, "the creatinine method is not recognised", text, ", ".join(ASSAYS))
    return ""


def _administration(
    e: Entry, entries: list[Entry], drug: str, given: list, spans: dict[str, list[Span]], unread: Counter[str], notes: Notes
) -> None:
    a = e.body
    concept = _concept(e, entries)
    name, by_text = medication(concept)
    flags = codes.COMEDICATION[name][2] if name in codes.COMEDICATION else ()
    if not flags and (name != drug or not drug):
        unread[f"MedicationAdministration {label(concept)}"] += 1
        return
    if a.status not in _GIVEN:
        notes.add("info", "not_given", e.record, f"{name} with this status was not given or is not known to be; not used", a.status, ", ".join(sorted(_GIVEN)))
        return
    if by_text:
        notes.add("warning", "recognised_by_text", e.record, f"taken as {name} by its text; no listed code", label(concept), "", "send the RxNorm ingredient or the ATC code")
    period = a.effectivePeriod
    start = moment(period.start if period else a.effectiveDateTime, e.record, notes, severity="error")
    if start is None:
        return
    end = moment(period.end, e.record, notes, severity="warning") if period is not None and period.end is not None else None
    if end is not None and end < start:
        notes.add("error", "period_reversed", e.record, "the administration ends before it starts; not used", str(period.end), f">= {period.start}")
        return
    if flags:
        running = a.status == "in-progress" and end is None
        until = None if running else (end or start) + timedelta(hours=COMEDICATION_HOURS)
        for flag in flags:
            spans.setdefault(flag, []).append(Span(start, until, e.record))
        notes.add("info", "comedication", e.record, f"{name}: {', '.join(flags)} on from its start until {COMEDICATION_HOURS:g} h after its end")
        return
    dose = _dose(e, name, start, end, notes)
    if dose is not None:
        given.append((start, dose))


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
        notes.add("error", "dose_without_amount", e.record, f"{name} given without a usable amount; the dose is not used", amount, "> 0 mg", "send dosage.dose")
        return None
    if e.body.status == "stopped":
        notes.add("warning", "stopped", e.record, f"{name}: the administration was stopped; the amount may not have been given in full", amount)
    if hours is None and rate is not None and rate > 0:
        hours = amount / rate
    if hours is None:
        notes.add("warning", "duration_missing", e.record, f"{name}: no duration or rate; taken as a bolus", None, "effectivePeriod, or dosage.rate", "send the start and end of the infusion")
    route = words(d.route) if d is not None and d.route is not None else ""
    if route and "intravenous" not in route and route not in ("iv", "i.v."):
        notes.add("warning", "route", e.record, f"{name}: the route is not intravenous; the model's default compartment is used", route)
    return DoseEvent(0.0, amount, round(hours or 0.0, 6), record=e.record)


def _request(e: Entry, entries: list[Entry], notes: Notes) -> None:
    r = e.body
    name, _ = medication(_concept(e, entries))
    text = "; ".join(str(i.text) for i in r.dosageInstruction or [] if i.text)
    plan = f"{name or label(_concept(e, entries))} {r.status} {r.intent}: {text or 'no instruction text'}"
    notes.add("info", "planned", e.record, "an order is not a dose given; kept as the plan", plan)


def _condition(e: Entry, spans: dict[str, list[Span]], unread: Counter[str], notes: Notes) -> None:
    c = e.body
    verdict = {code for _, code, _ in codings(getattr(c, "verificationStatus", None))}
    listed = [code for s, code, _ in codings(c.code) if s == codes.SNOMED_SYSTEM or s in codes.ICD_SYSTEMS]
    flag = next((codes.CONDITIONS.get(code) or codes.CONDITIONS.get(code[:3], "") for code in listed if code in codes.CONDITIONS or code[:3] in codes.CONDITIONS), "")
    if not flag:
        hit = next((word for word in codes.CONDITION_WORDS if word in words(c.code)), "")
        if not hit:
            unread[f"{e.kind} {label(c.code)}"] += 1
            return
        flag = codes.CONDITION_WORDS[hit]
        notes.add("warning", "recognised_by_text", e.record, f"taken as {flag} by its text; no listed code", label(c.code))
    if verdict & {"refuted", "entered-in-error"} or getattr(c, "status", "completed") in ("not-done", "entered-in-error", "preparation"):
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
    spans.setdefault(flag, []).append(Span(start, end, e.record))


def _flag(name: str, spans: list[Span], hours: Any, first: datetime, birth: datetime) -> list[Covariate]:
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
