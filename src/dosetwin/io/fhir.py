"""A FHIR R4 bundle about one patient becomes a timeline; what is not understood is said, never dropped silently.

Read: Patient, Observation, Specimen, DiagnosticReport, MedicationAdministration, MedicationRequest (as the plan, not as given),
MedicationStatement (remarked on), Medication, Condition, Procedure, AllergyIntolerance. Parsed with the R4B models of
fhir.resources (its default is R5; R4 resources of these types are valid R4B).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from dosetwin import formulary
from dosetwin.errors import InputError, Severity, UnknownName
from dosetwin.io import codes
from dosetwin.io.fhir_allergies import read_allergy
from dosetwin.io.fhir_conditions import flag_covariates, read_condition
from dosetwin.io.fhir_doses import GIVEN, read_administration, read_request, read_statement
from dosetwin.io.fhir_facts import Facts, understood
from dosetwin.io.fhir_observation import read_observation
from dosetwin.io.fhir_parsed import parsed
from dosetwin.io.fhir_parts import Notes, Span, coded, moment, quantity
from dosetwin.io.fhir_refs import Entry, about, flat, incomplete, latest, medication_concept, one_server, outcome
from dosetwin.io.fhir_specimens import settled
from dosetwin.io.text import read_json
from dosetwin.records import Patient, Timeline

READERS = {
    "Observation": read_observation,
    "MedicationAdministration": read_administration,
    "MedicationRequest": read_request,
    "MedicationStatement": read_statement,
    "Condition": read_condition,
    "Procedure": read_condition,
    "AllergyIntolerance": read_allergy,
}
READ_TYPES = ("Patient", "Medication", "Specimen", "DiagnosticReport", *READERS)


def read_bundle(source: Path | str | Mapping[str, Any], drug: str | None = None) -> Timeline:
    """The one patient of a bundle, with everything that had to be remarked in ``timeline.findings``.

    Parameters
    ----------
    source : a JSON file, or the bundle as a mapping.
    drug : the one the question is about; None: the only listed drug given (measured, ordered).

    Times are h since the first dose, else since the first record. Levels and creatinine (mg/dL IDMS, with its assay) are
    Observations; weight, length, temperature, Apgar and the flags IBU INDO DOPA INO ASPHYXIA COOLING are Covariates;
    gestational age and birth weight are the Patient's. Every dose says its drug; other drugs' doses and levels are kept.
    Records that cannot be used are error findings.
    Raises InputError when the file is no readable bundle of one patient, or the drug is not clear.
    """
    if isinstance(source, Mapping):
        name, raw = "bundle", source
    else:
        name, raw = Path(source).name, read_json(Path(source))
    notes = Notes()
    entries = latest(_entries(name, raw, notes), notes)
    if part := incomplete(raw):
        notes.add("error", "incomplete_bundle", name, f"not the whole record: {part}; doses or levels may be missing", part,
                  "every page, every match", "follow the next links and send all entries in one bundle")  # fmt: skip
    patients = [e for e in entries if e.kind == "Patient"]
    if len(patients) != 1:
        raise InputError("a case is one patient", where=name, value=f"{len(patients)} Patient resources", allowed="1")
    person = patients[0]
    understood(person, person.record, "the patient", notes)
    one_server(name, person, entries, notes)
    entries = [e for e in entries if e.kind == "Patient" or about(e, person, notes)]
    entries = settled(entries, notes, parsed)
    chosen = _choose(name, entries, drug, notes)

    facts = Facts(chosen, entries, notes)
    for e in entries:
        reader = READERS.get(e.kind)
        if reader is not None:
            reader(e, facts)
    given, measured, known, spans = facts.given, facts.measured, facts.known, facts.spans  # changed in place below
    others = set(formulary.followed()) - {chosen}
    mine = [t for t, d in given if d.drug == chosen]
    if not mine and any(o.measures == chosen for _, o in measured):
        # levels, and every dose on record came by another route: that is why there is no advice, so it is what is told
        notes.found = [replace(f, severity="error") if f.code == "route" else f for f in notes.found]
    for what, count in facts.unread.items():
        notes.add("info", "not_used", name, f"not used: {what}", count)

    _tell_others(name, chosen, facts)

    def seen() -> list[datetime]:
        """Moments of what a question about the drug rests on; of the rest where there is nothing else."""
        of_it = [t for t, o in measured if o.measures not in others] + [t for t, _ in known]
        return of_it or [t for t, _ in (*given, *measured)]

    moments = mine or seen() or [s.start for each in spans.values() for s in each]
    origin = min(moments) if moments else None
    first = min([*moments, *seen()], default=None)
    patient = _patient(person, facts.fixed, first, notes)
    _not_before_birth(facts, person, patient.birth)
    first = min([*moments, *seen()], default=None)
    if origin is None or first is None:
        notes.add(
            "error",
            "nothing_usable",
            name,
            "no record with a usable time",
            None,
            "doses, levels, weight",
            "send the records with their times",
        )
        return Timeline(patient, findings=tuple(notes.found), drug=chosen)

    def hours(when: datetime) -> float:
        # rounded to the microhour: dates are exact to the second, and 0.5 h must be 0.5
        return round((when - origin).total_seconds() / 3600.0, 6)

    flags = [c for flag, each in spans.items() for c in flag_covariates(flag, each, hours, first, patient.birth or first)]
    return Timeline(
        patient,
        tuple(replace(d, time=hours(t)) for t, d in given),
        tuple(replace(o, time=hours(t)) for t, o in measured),
        (*(replace(c, time=hours(t)) for t, c in known), *flags),
        origin,
        findings=tuple(notes.found),
        drug=chosen,
        as_of=_as_of(raw, hours),
    )


def _tell_others(name: str, chosen: str, facts: Facts) -> None:
    """What of other drugs is on record: kept, and no part of a question about the chosen one."""
    doses = Counter(d.drug for _, d in facts.given)
    levels = Counter(o.measures for _, o in facts.measured if o.measures in formulary.followed())
    for other in sorted((set(doses) | set(levels)) - {chosen}):
        facts.notes.add("info", "other_drug", name, f"{other} is on record too ({doses[other]} doses, {levels[other]} levels): "
                        f"kept, and no part of this question about {chosen or 'no drug'}")  # fmt: skip


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
    for i, item in enumerate(flat(listed)):
        resource = item.get("resource") if isinstance(item, Mapping) else None
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if isinstance(item, Mapping) and (told := outcome(item)) is not None:
            _server_says(*told, f"{name} entry[{i}]", notes)
            continue
        if not isinstance(resource, Mapping) or not isinstance(kind, str):
            raise InputError("an entry without a resource", where=f"{name} entry[{i}]", allowed="a resource in every entry",
                             remedy="send what is on record now, without deletions and answers that failed")  # fmt: skip
        if kind not in READ_TYPES:
            others[kind[:40]] += 1
            continue
        identity = resource.get("id")
        record = f"{kind}/{identity}"[:80] if isinstance(identity, str) else f"{kind} entry[{i}]"
        url = item.get("fullUrl")
        out.append(Entry(kind, record, parsed(kind, resource, f"{name} {record}"), url if isinstance(url, str) else "", resource))
    for kind, count in others.items():
        notes.add("info", "resource_not_read", name, f"{kind} resources are not read", count)
    return out


def _server_says(severity: str, text: str, where: str, notes: Notes) -> None:
    """What the server says about its own answer: where it failed, the record may be a part."""
    failed = severity not in ("warning", "information")
    notes.add("error" if failed else "warning", "server_outcome", where, "the server says of its answer that it "
              + ("failed in part; the record may not be whole" if failed else "is to be read with care"), text, "",
              "ask the server again" if failed else "")  # fmt: skip


def _not_before_birth(facts: Facts, person: Entry, birth: datetime | None) -> None:
    """What was told for the day of birth without a time of day happened at birth at the earliest."""
    born = {record for record, day in facts.notes.days.items() if day == person.body.birthDate}
    if birth is None or not born:
        return
    facts.known[:] = [(max(t, birth) if c.record in born else t, c) for t, c in facts.known]
    for flag, each in facts.spans.items():
        facts.spans[flag] = [Span(max(s.start, birth), s.end, s.record) if s.record in born else s for s in each]


def _as_of(raw: Mapping[str, Any], hours: Any) -> float | None:
    """The bundle's timestamp in h, None without a usable one."""
    try:
        when = datetime.fromisoformat(str(raw.get("timestamp")))
        return hours(when) if when.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _choose(name: str, entries: list[Entry], drug: str | None, notes: Notes) -> str:
    """The drug this timeline is about ("" when no listed drug occurs)."""
    if drug is not None:
        if drug not in formulary.followed():
            raise UnknownName("unknown drug", where=name, value=drug, allowed=", ".join(formulary.followed()))
        return drug

    def drugs(kind: str, statuses: set[str]) -> set[str]:
        given = [medication_concept(e, entries) for e in entries if e.kind == kind and e.body.status in statuses]
        return {codes.medication(coded(concept)).name for concept in given}

    observations = [e.body for e in entries if e.kind == "Observation"]
    levels = {codes.quantity(coded(part.code)).name for o in observations for part in (o, *(o.component or []))}
    levels &= set(formulary.levels())
    administered, ordered = drugs("MedicationAdministration", GIVEN), drugs("MedicationRequest", {"active"})
    administered, ordered = administered & set(formulary.followed()), ordered & set(formulary.followed())
    for candidates in (administered & levels, administered, levels, ordered):
        if len(candidates) == 1:
            return next(iter(candidates))
        if candidates:
            raise InputError(
                "several drugs could be meant", where=name, value=", ".join(sorted(candidates)), remedy="name one with --drug"
            )
    return ""


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
        notes.add(
            severity,
            "birth_time_missing",
            e.record,
            "time of birth not known, 00:00 UTC taken: PNA is up to 1 day too high",
            str(p.birthDate),
            "",
            "send the patient-birthTime extension",
        )
    if birth is None:
        notes.add("warning", "birth_missing", e.record, "no usable date of birth: PNA cannot be computed")
    for x in p.extension or []:
        if "gestationalage" in str(x.url or "").lower().replace("-", "") and "GA" not in fixed:
            ga = quantity(x.valueQuantity or x.valueAge or x.valueDuration, "GA", e.record, notes, severity="error")
            if ga is not None:
                fixed["GA"] = ga
    if p.deceasedBoolean or p.deceasedDateTime is not None:
        notes.add("warning", "deceased", e.record, "the patient is recorded as deceased", str(p.deceasedDateTime or True))
    for link in p.link or []:
        if link.type in ("replaced-by", "refer"):
            other = str(link.other.reference or "") if link.other is not None else None
            notes.add("warning", "patient_replaced", e.record, "the patient's record is continued under another number", other,
                      "", "ask for the record of that patient")  # fmt: skip
    sex = p.gender if p.gender in ("female", "male") else None
    if sex is None:
        notes.add("info", "sex_missing", e.record, "sex not stated as female or male", p.gender)
    return Patient(str(p.id or e.url or "patient"), sex, birth, synthetic=synthetic, traits=fixed)
