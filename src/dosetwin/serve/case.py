"""Cases from files: a FHIR bundle or a table understood, put on the calendar, and stored whole or not at all.

The page shows one case before it is stored; the API takes a table with any number of patients. Both are this code.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dosetwin import formulary
from dosetwin.checks.record import ASKED, check
from dosetwin.errors import Finding, InputError
from dosetwin.quantities import ASSAYED
from dosetwin.quantities.units import convert
from dosetwin.records import Covariate as Covariate_
from dosetwin.records import Observation, Timeline
from dosetwin.records.words import LEVEL, meant
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import COVARIATES, Confirmed, NewFact, NewPatient, Person, measurable
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

STATED = ("GA", "BW", "PNA", "PMA", "SEX")
"""Covariates of a table that say who the patient is; they go to the patient, not to the facts."""
TOGETHER = 50
"""Patients of a large table that are made at a time."""
ALIKE = 3
"""Equal results in a row that are remarked on: two may be, three to the last digit are hardly measured (assumed)."""
_LINE = re.compile(r"^.+\.csv:(\d+)$")


@dataclass(frozen=True)
class Stored:
    """What became of one case: the patient's id, and whether the same file made it before."""

    id: str
    known: bool


def understood(name: str, raw: bytes, drug: str, anchor: str, zone: Zone) -> Timeline:
    """The timeline of a file about one patient. Raises InputError or Problem naming every record that cannot be used.

    ``anchor``: when the hour 0 of a table was, as typed; it is read on the clock of ``zone``.
    """
    from dosetwin.io.case import read_case

    suffix = ".json" if _bundle(raw) else ".csv"
    with _file(name, raw, suffix) as path:
        found = read_case(path, drug)
    if found.origin is None:
        said = zone.read(anchor)
        if said.at is None:
            raise InputError("a table has no calendar" + (f"; {said.why}" if anchor else ""), where="its hour 0",
                             value=anchor or None, allowed="day and time of day", remedy="say when its hour 0 was")  # fmt: skip
        found = on_the_calendar(found, said.at, drug, zone)
    return _checked([found])[0]


def understood_table(raw: bytes, drug: str, zeros: Mapping[str, datetime], zone: Zone) -> list[Timeline]:
    """The timelines of a table's subjects, in its order. Raises Problem 422 that names every row that cannot be used.

    ``zeros``: when the hour 0 of each subject was, by its ID; ``""`` for those not named.
    """
    from dosetwin.io.nonmem import read_table

    try:
        with _file("table", raw, ".csv") as path:
            subjects, echo = read_table(path)
    except InputError as error:
        raise Problem(422, "not_accepted", str(error), [by_line(e.where, e.value, e.allowed or e.remedy, e.message)
                                                        for e in (error, *error.others)]) from None  # fmt: skip
    there = [t.patient.id for t in subjects]
    unknown = sorted(set(zeros) - {""} - set(there))
    errors = [wrong("query", "zero", id_, f"an ID of the table: {', '.join(there)[:150]}") for id_ in unknown]
    found = []
    for t in subjects:
        zero = zeros.get(t.patient.id, zeros.get(""))
        if zero is None:
            errors.append(wrong(f"ID {t.patient.id}", "zero", None, "the moment of its hour 0", "a table has no calendar"))
            continue
        try:
            found.append(on_the_calendar(replace(t, findings=echo.findings, drug=drug), zero, drug, zone))
        except InputError as e:
            errors.append(by_line(e.where, e.value, e.allowed or e.remedy, e.message))
    if errors:
        raise Problem(422, "not_accepted", f"{len(errors)} things not accepted; nothing was stored", errors)
    return _checked(found)


def _checked(timelines: Sequence[Timeline]) -> list[Timeline]:
    """Each with the remarks of the checks. Raises Problem 422 with every error of all of them."""
    out, errors = [], []
    for t in timelines:
        remarks = (*t.findings, *check(t, first_dose=not t.doses))
        errors += [by_line(f.record, f.value, f.allowed or f.remedy, f.message) for f in remarks if f.severity == "error"]
        out.append(replace(t, findings=tuple(dict.fromkeys(remarks))))
    if errors:
        raise Problem(422, "not_accepted", f"{len(errors)} records are not usable; nothing was stored", errors)
    return out


def by_line(record: str, value: object, expected: str, message: str) -> dict[str, Any]:
    """One thing wrong, its place as ``line 12`` where it is a row of a table."""
    line = _LINE.match(record)
    column = re.match(r"[A-Z][A-Z0-9]*\b", message)
    place = f"line {line[1]}" if line else record
    return wrong(place, column[0] if line and column else place, value, expected, message)


def on_the_calendar(t: Timeline, zero: datetime, drug: str, zone: Zone) -> Timeline:
    """A table's hours put on the calendar; what it says of patient, levels and results put in place.

    Raises InputError for what a stored record cannot say.
    """
    _sayable(t)
    first: dict[str, tuple[float, float]] = {}
    for c in t.covariates:
        first.setdefault(c.name, (c.time, c.value))
    birth = t.patient.birth
    if "PNA" in first and birth is None:
        birth = zero + timedelta(hours=first["PNA"][0] - 24.0 * first["PNA"][1])
    who = replace(
        t.patient,
        GA=t.patient.GA if t.patient.GA is not None else first.get("GA", (0.0, None))[1],
        BW=t.patient.BW if t.patient.BW is not None else first.get("BW", (0.0, None))[1],
        birth=birth,
    )
    findings = [Finding("info", "calendar_given", "hour 0", f"put at {zone.long(zero)}, as stated on import")]
    levels = []
    for o in t.observations:
        word = meant(o.measures)
        said = word.casefold()
        if word in ("", "1", LEVEL) or said == drug:
            levels.append(_in_unit(replace(o, measures=drug)))
        elif said in formulary.levels():
            levels.append(_in_unit(replace(o, measures=said)))
        elif word in measurable():
            levels.append(_in_unit(replace(o, measures=word)))
        else:
            findings.append(Finding("warning", "left_out", o.record, "measures something this service does not know", o.measures))
    for of in ASSAYED.values():
        results = [c for c in t.covariates if c.name == of.name]
        levels += [Observation(c.time, of.name, c.value, of.unit, record=c.record) for c in results]
        findings += _carried(results, of.text)
    kept = []
    for c in t.covariates:
        if c.name in COVARIATES:
            kept.append(c)
        elif c.name not in (*STATED, *(of.name for of in ASSAYED.values()), *t.patient.traits):
            findings.append(Finding("warning", "left_out", c.record, "a column this service does not know", c.name))
    return replace(
        t,
        origin=zero,
        patient=who,
        covariates=tuple(kept),
        observations=tuple(levels),
        drug=drug,
        findings=(*t.findings, *dict.fromkeys(findings)),
    )


def _in_unit(o: Observation) -> Observation:
    """A level or result in its canonical unit, from the one its table states. Raises UnknownUnit."""
    if not o.stated:
        return o
    value = convert(o.value, o.stated, formulary.measured(o.measures), where=o.record)
    loq = None if o.loq is None else convert(o.loq, o.stated, formulary.measured(o.measures), where=o.record)
    return replace(o, value=value, loq=loq, stated="")


def _sayable(t: Timeline) -> None:
    """Refuse what would be stored as something else: steady states, resets, modelled inputs, coded compartments."""
    for d in t.doses:
        if d.ss or d.infusion in ("model_rate", "model_duration", "constant"):
            said = f"SS {int(d.ss)}" if d.ss else d.infusion
            raise InputError("a dose given as a steady state or with a modelled input cannot be stored", where=d.record,
                             value=said, remedy="give the doses one by one, with amount and duration")  # fmt: skip
    if t.resets:
        raise InputError("a reset (EVID 3 or 4) cannot be stored", where=f"ID {t.patient.id}", value=t.resets[0])
    coded = {o.cmt: o for o in t.observations if o.measures == "" and o.cmt is not None}
    if len(coded) > 1:
        last = list(coded.values())[-1]
        raise InputError("CMT of the observations stands for different quantities", where=last.record, value=last.cmt,
                         remedy="say what each measures in a column DVID: the drug, or SCR")  # fmt: skip


def _carried(results: Sequence[Covariate_], what: str) -> list[Finding]:
    """A remark on the same result over and over: a column filled by carrying values forward would count as measurements."""
    run, longest = 1, results[:1]
    for k in range(1, len(results)):
        run = run + 1 if results[k].value == results[k - 1].value else 1
        if run > len(longest):
            longest = results[k - run + 1 : k + 1]
    if len(longest) < ALIKE:
        return []
    first = longest[0]
    return [Finding("warning", f"{what}_repeated", first.record, f"the same {what} {len(longest)} times in a row",
                    first.value, "measured values only", "leave cells empty where nothing was measured")]  # fmt: skip


def asks(t: Timeline) -> list[Finding]:
    """What of a case somebody who stores it is asked about: unusual values, as at every other door."""
    return [f for f in t.findings if f.code in ASKED]


def _answered(timelines: Sequence[Timeline], sure: str) -> None:
    """Refuse unusual values nobody answered for. Raises Problem 409."""
    open_ = [f for t in timelines for f in asks(t)]
    if open_ and len(sure.strip()) < 3:
        raise Problem(
            409,
            "not_confirmed",
            f"are you sure? {len(open_)} unusual values; say why they are right",
            [by_line(f.record, f.value, f.allowed or f.remedy, f.message) for f in open_],
        )


def _sure(wanted: Mapping[str, NewFact], t: Timeline, sure: str) -> dict[str, NewFact]:
    """The facts with the reason on those that were asked about."""
    names = {f.record for f in asks(t)}
    why = Confirmed(reason=" ".join(sure.split())) if names and sure.strip() else None
    return {
        key: fact.model_copy(update={"confirmed": why}) if why and any(f":{n}:" in f"{key}:" for n in names) else fact
        for key, fact in wanted.items()
    }


def stored(
    service: "Service", who: Principal, t: Timeline, raw: bytes, drug: str, ward: str, label: str, *, sure: str = ""
) -> Stored:
    """Store one case: the patient and all its facts, or nothing. ``sure``: why its unusual values are right.

    Raises Problem 409 where a value is unusual and nobody said why it is right.
    """
    _answered([t], sure)
    new, wanted = _case(service, t if t.drug else replace(t, drug=drug), f"file:{_hash(raw)}", _person(raw, t), ward, label)
    case = (new, _sure(wanted, t, sure))
    return _store(service, who, [case], ward)[0]


def stored_table(
    service: "Service",
    who: Principal,
    timelines: Sequence[Timeline],
    raw: bytes,
    ward: str,
    *,
    synthetic: bool = False,
    sure: str = "",
) -> list[Stored]:
    """Store every subject of a table, or none. The same table again stores nothing; a table of one is the page's case.

    ``sure``: why its unusual values are right; without it they are refused (Problem 409).
    """
    _answered(timelines, sure)
    alone = len(timelines) == 1
    cases, errors = [], []
    for t in timelines:
        t = replace(t, patient=replace(t.patient, synthetic=synthetic))
        key = f"file:{_hash(raw)}" if alone else f"file:{_hash(raw)}:{t.patient.id}"[:250]
        try:
            new, wanted = _case(service, t, key, Person(birth=t.patient.birth), ward, f"ID {t.patient.id}"[:100])
            cases.append((new, _sure(wanted, t, sure)))
        except Problem as problem:
            errors += [e | {"resource": f"ID {t.patient.id}: {e['resource']}"} for e in problem.errors or []]
    if errors:
        raise Problem(422, "not_accepted", f"{len(errors)} things not accepted; nothing was stored", errors)
    return _store(service, who, cases, ward)


def _case(
    service: "Service", t: Timeline, key: str, person: Person, ward: str, label: str
) -> tuple[NewPatient, dict[str, NewFact]]:
    """The patient and the facts as the store takes them. Raises Problem 422 for what does not fit."""
    from dosetwin.serve.fhir.ingest import facts_of

    wanted = facts_of(t, key)
    now, who = service.clock.now(), t.patient
    first = min((f.at for f in wanted.values()), default=now)
    try:
        new = NewPatient(
            ward=ward,
            label=label,
            sex=who.sex,
            GA_weeks=who.GA,
            birth_weight_kg=who.BW,
            synthetic=who.synthetic,
            person=person,
            source_key=f"{key}:patient",
            at=min(m for m in (who.birth, first, now) if m is not None),
        )
    except ValidationError as error:
        found = [
            wrong("patient", ".".join(map(str, e["loc"])), e.get("input"), e["msg"]) for e in error.errors(include_url=False)[:10]
        ]
        raise Problem(422, "not_accepted", "the patient is not accepted", found) from None
    return new, wanted


def _store(
    service: "Service", who: Principal, cases: Sequence[tuple[NewPatient, Mapping[str, NewFact]]], ward: str
) -> list[Stored]:
    """One change for all of them; many facts in pieces, seen by nobody before the last is in. All, or none."""
    from dosetwin.serve.service import PIECE

    def allowed(reach: Any) -> None:
        reach.need("record")
        if not who.of_ward(ward):
            raise Problem(403, "out_of_reach", "not one of your wards",
                          [wrong("patient", "ward", ward, ", ".join(sorted(who.wards)))])  # fmt: skip

    if sum(len(wanted) for _, wanted in cases) > PIECE:
        return _in_pieces(service, who, cases, allowed)

    def change(conn: Any, reach: Any) -> list[Stored]:
        allowed(reach)
        out = []
        for new, wanted in cases:
            id_, receipt = service.ledger.create_patient(conn, who, new, reach.now)
            receipts = service.ledger.record(conn, who, [(id_, f) for f in wanted.values()], reach.now)
            out.append(Stored(id_, receipt.known and all(r.known for r in receipts)))
        return out

    return service.change(who, change)


def _in_pieces(
    service: "Service", who: Principal, cases: Sequence[tuple[NewPatient, Mapping[str, NewFact]]], allowed: Callable[[Any], None]
) -> list[Stored]:
    """As ``_store``, leaving the one writer to others in between."""
    service.ledger.rows(
        [("", f) for _, wanted in cases for f in wanted.values()], service.clock.now()
    )  # refuses before it stores

    def begin(conn: Any, reach: Any, some: Any) -> list[tuple[str, bool]]:
        allowed(reach)
        made = [service.ledger.create_patient(conn, who, new, reach.now, arriving=True) for new, _ in some]
        return [(id_, receipt.known) for id_, receipt in made]

    begun: list[tuple[str, bool]] = []
    for start in range(0, len(cases), TOGETHER):
        begun += service.change(who, partial(begin, some=cases[start : start + TOGETHER]))
    facts = [(id_, f) for (id_, _), (_, wanted) in zip(begun, cases, strict=True) for f in wanted.values()]
    known = iter([r.known for r in service.record_pieces(who, facts)])
    service.change(who, lambda conn, reach: service.ledger.arrived(conn, who, [id_ for id_, _ in begun], reach.now))
    return [Stored(id_, all([before, *(next(known) for _ in wanted)]))
            for (id_, before), (_, wanted) in zip(begun, cases, strict=True)]  # fmt: skip


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]


def _bundle(raw: bytes) -> bool:
    return raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


@contextmanager
def _file(name: str, raw: bytes, suffix: str) -> Iterator[Path]:
    """The bytes as a file, as the readers want it, under a harmless name that findings then carry."""
    with TemporaryDirectory(prefix="dosetwin-case-") as folder:
        path = Path(folder) / f"{re.sub(r'[^A-Za-z0-9._-]', '_', Path(name).stem)[:80] or 'case'}{suffix}"
        path.write_bytes(raw)
        yield path


def _person(raw: bytes, t: Timeline) -> Person:
    """Name and record numbers of a bundle; a table names nobody."""
    if not _bundle(raw):
        return Person(birth=t.patient.birth)
    from dosetwin.serve.fhir import ingest

    bundle = json.loads(raw.decode("utf-8-sig"))
    resource = next(e["resource"] for e in bundle["entry"] if e.get("resource", {}).get("resourceType") == "Patient")
    return ingest._person(resource, t)
