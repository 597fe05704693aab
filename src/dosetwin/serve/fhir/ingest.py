"""A FHIR bundle about one patient becomes facts of the store: each once, changed ones corrected, withdrawn ones taken back.

Each fact's source key is made of the server, the resource and what was read from it. A resource that says something else
than before (a corrected result, a second course that prolongs a flag) leads to a correction, never to a second fact. Only a
``complete`` bundle (everything the server holds) can take facts back; a partial one is silent about what it leaves out.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import Connection, select

from dosetwin import formulary
from dosetwin.errors import Finding, InputError
from dosetwin.io.fhir import read_bundle
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Timeline
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.fhir.consent import consents
from dosetwin.serve.fhir.given import drug_of
from dosetwin.serve.problems import Problem, from_input_error, wrong
from dosetwin.serve.store.erase import refuse_erased
from dosetwin.serve.store.facts import NewFact, NewPatient, Person, measurable
from dosetwin.serve.store.measured import called
from dosetwin.serve.store.merges import standing
from dosetwin.serve.store.tables import facts
from dosetwin.serve.timeline import in_force

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

IDENTIFIERS_MAX = 10


@dataclass(frozen=True)
class Ingested:
    """What became of a bundle: the patient here, how many facts were ``new``, ``known``, ``corrected`` and taken back
    (``retracted``), and what the reader had to remark."""

    patient_id: str
    created: bool
    new: int
    known: int
    corrected: int
    retracted: int
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return {
            "patient_id": self.patient_id, "created": self.created, "new": self.new, "known": self.known,
            "corrected": self.corrected, "retracted": self.retracted, "findings": [f.to_json() for f in self.findings],
        }  # fmt: skip


def ingest(
    service: "Service",
    who: Principal,
    bundle: Mapping[str, Any],
    *,
    server: str,
    ward: str,
    complete: bool = False,
    drug: str = "",
) -> Ingested:
    """Store what a bundle says about its patient, all of it or nothing.

    ``server`` names where the resources live (their ids are unique there only), ``ward`` where a patient not known yet is put,
    ``drug`` what the record is read for (default: the first installed one it names).
    Raises Problem 422 with every error finding of the reader, 403 where ``who`` may not record for that ward.
    """
    timeline, person, key = understood(bundle, server, drug or drug_of(service.installed.drugs, bundle))
    wanted = facts_of(timeline, server)
    decisions, remarks = consents(bundle, _prefix(server))

    later: dict[str, list[tuple[str, NewFact]]] = {}

    from dosetwin.serve.service import PIECE

    def change(conn: Connection, reach: Any) -> Ingested:
        reach.need("record")
        many = len(wanted) > PIECE
        id_, created = _patient(service, conn, who, reach, timeline, person, key, ward, arriving=many)
        # a new record of many facts is taken in piece by piece and seen when it is whole; so is one that was broken off
        row = reach.patient(conn, id_, "record")
        arriving = row["arriving"]
        # what is on record already, also of a patient who denied its use: to deliver is not to read
        stored = service.reach(THE_SERVICE).facts(conn, id_, action="record")
        prefix = _prefix(server)
        ours = {f["source_key"]: f for f in stored if (f["source_key"] or "").startswith(prefix)}
        now_said = {f["source_key"]: f for f in in_force(stored) if f["source_key"] in ours}
        fresh, known, corrected, retracted = [], 0, 0, 0
        for name, fact in wanted.items():
            if name not in ours:
                fresh.append((id_, fact))
                continue
            old = now_said.get(name)
            if old is not None and old["at"] == fact.at and old["body"] == fact.body.canonical():
                known += 1
                continue
            why = "the source system sent another version" if old is not None else "the source system sent it again"
            service.ledger.correct(conn, who, id_, ours[name]["id"], fact, why, reach.now)
            corrected += 1
        if complete and row["merges"] is None:  # of a merged record the server may hold the other half under another id
            for name, old in now_said.items():
                if name not in wanted:
                    service.ledger.correct(conn, who, id_, old["id"], None, "no longer in the source system", reach.now)
                    retracted += 1
        had = {f["source_key"] for f in stored}
        fresh += [(id_, d) for d in decisions if d.source_key not in had]
        if arriving:
            later[id_] = fresh
        else:
            service.ledger.record(conn, who, fresh, reach.now)
        known += sum(d.source_key in had for d in decisions)
        said = (*timeline.findings, *left_out(timeline), *remarks)
        return Ingested(id_, created, len(fresh), known, corrected, retracted, said)

    done = service.change(who, change)
    for id_, fresh in later.items():
        service.record_pieces(who, fresh)
        service.change(who, lambda conn, reach, id_=id_: service.ledger.arrived(conn, who, [id_], reach.now))
    if done.created or done.new or done.corrected or done.retracted:
        service.touched([done.patient_id])
    return done


def understood(bundle: Mapping[str, Any], server: str, drug: str) -> tuple[Timeline, Person, str]:
    """The timeline, who the patient is, and the source key of the patient. Raises Problem 422 naming every error."""
    try:
        timeline = read_bundle(bundle, drug)
    except InputError as error:
        raise from_input_error(error, resource="Bundle") from None
    errors = [f for f in timeline.findings if f.severity == "error"]
    if errors:
        raise Problem(422, "not_accepted", f"{len(errors)} records of the bundle are not usable; nothing was stored",
                      [wrong(f.record, f.code, f.value, f.allowed or f.remedy, f.message) for f in errors])  # fmt: skip
    resource = next(e["resource"] for e in bundle["entry"] if e.get("resource", {}).get("resourceType") == "Patient")
    return timeline, _person(resource, timeline), f"{_prefix(server)}Patient/{resource.get('id', '')}"


def facts_of(timeline: Timeline, server: str) -> dict[str, NewFact]:
    """Source key -> fact, for every dose, level, result and covariate the reader understood.

    Raises Problem 422 where a value does not fit a fact (the reader's own checks come first, so this is rare).
    """
    out: dict[str, NewFact] = {}
    used: Counter[str] = Counter()
    errors: list[dict[str, Any]] = []

    def add(record: str, time: float, part: str, body: dict[str, Any]) -> None:
        key = f"{_prefix(server)}{record}:{part}"
        count = used[key]
        used[key] += 1
        key = f"{key}#{count}" if count else key
        try:
            out[key] = NewFact.model_validate({"at": timeline.when(time), "source_key": key[:300], "body": body})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(x) for x in first["loc"])
            errors.append(wrong(record, field, first.get("input"), first["msg"]))

    for d in timeline.doses:
        given = d.drug or timeline.drug
        if given not in formulary.followed():  # ``left_out`` says so
            continue
        unit = formulary.drug(given).unit
        for k, e in enumerate(d.expanded()):
            body = {"kind": "dose", "drug": given, "amount": e.amount, "unit": unit, "infusion_h": e.duration}
            add(d.record, e.time, f"dose{k or ''}", body)
    for o in timeline.observations:
        of = QUANTITIES.get(o.measures)
        if of is not None and of.assayed:
            if not o.blq:
                add(o.record, o.time, of.name, {"kind": of.text, "value": o.value, "unit": of.unit, "assay": "idms"})
        elif o.measures in formulary.levels():
            body = {"kind": "level", "drug": o.measures, "value": o.value, "below_loq": o.blq, "after_dose": o.after_dose,
                    "time_sd_h": o.time_sd}  # fmt: skip
            add(o.record, o.time, "level", body)
        elif o.measures in measurable() and not o.blq:
            unit = o.unit or formulary.measured(o.measures).unit
            body = {"kind": "measured", "quantity": o.measures, "value": o.value, "unit": unit, "time_sd_h": o.time_sd}
            add(o.record, o.time, o.measures, body)
    for c in timeline.covariates:
        part = f"{c.name}={c.value:g}" if QUANTITIES[c.name].flag else c.name
        body = {"kind": "covariate", "name": c.name, "value": c.value, "unit": c.unit or QUANTITIES[c.name].unit}
        add(c.record, c.time, part, body)
    times = (r.time for each in (timeline.doses, timeline.observations, timeline.covariates) for r in each)
    told = min(times, default=0.0)
    for name, value in timeline.patient.traits.items():
        if name in measurable():  # genes; what is told with the patient is not
            add("genes", told, name, {"kind": "measured", "quantity": name, "value": value, "unit": QUANTITIES[name].unit})
    if errors:
        raise Problem(422, "not_accepted", f"{len(errors)} records do not fit; nothing was stored", errors)
    return out


def left_out(timeline: Timeline) -> list[Finding]:
    """What the reader understood and the store has no place for: said, never dropped."""
    out = []
    for o in timeline.observations:
        if o.blq and o.measures in measurable() and o.measures not in formulary.levels():
            text = f"a {called(o.measures)} only known to be below a limit is not stored"
            out.append(Finding("warning", "left_out", o.record, text, o.value))
        elif o.measures not in measurable():
            out.append(Finding("warning", "left_out", o.record, f"{o.measures} is not stored here", o.value))
    text = "a dose of a drug that is not followed here"
    beside = [d for d in timeline.doses if (d.drug or timeline.drug) not in formulary.followed()]
    return out + [Finding("warning", "left_out", d.record, text, d.drug) for d in beside]


def _patient(
    service: "Service", conn: Connection, who: Principal, reach: Any, timeline: Timeline, person: Person, key: str, ward: str, *,
    arriving: bool,
) -> tuple[str, bool]:  # fmt: skip
    """The patient with this source key or one of these identifiers, else a new one."""
    row = conn.execute(select(facts.c.patient_id).where(facts.c.source_key == key)).first()
    if row is not None:
        return standing(conn, service.vault.seals, row[0]), False
    everywhere = service.reach(THE_SERVICE)
    for system, value in person.identifiers.items():
        if (found := everywhere.find(conn, system, value)) is not None:
            return found, False
    refuse_erased(conn, service.vault, person.identifiers, key)
    if not who.of_ward(ward):
        raise Problem(
            403, "out_of_reach", "not one of your wards", [wrong("patient", "ward", ward, ", ".join(sorted(who.wards)))]
        )
    p = timeline.patient
    first = timeline.when(min([*(d.time for d in timeline.doses), *(o.time for o in timeline.observations)], default=0.0))
    new = NewPatient(ward=ward, label=p.label[:500], sex=p.sex, GA_weeks=p.GA, birth_weight_kg=p.BW, synthetic=p.synthetic,
                     person=person, source_key=key, at=_earlier(p.birth, first, reach.now))  # fmt: skip
    return service.ledger.create_patient(conn, who, new, reach.now, arriving=arriving)[0], True


def _earlier(birth: datetime | None, first: datetime | None, now: datetime) -> datetime:
    return min(m for m in (birth, first, now) if m is not None)


def _person(resource: Mapping[str, Any], timeline: Timeline) -> Person:
    names = [" ".join([*n.get("given", ()), n.get("family", "")]).strip() or n.get("text", "") for n in resource.get("name", ())]
    listed = {i["system"][:100]: i["value"][:100] for i in resource.get("identifier", ()) if i.get("system") and i.get("value")}
    return Person(name=next(iter(names), "")[:500], identifiers=dict(list(listed.items())[:IDENTIFIERS_MAX]),
                  birth=timeline.patient.birth)  # fmt: skip


def _prefix(server: str) -> str:
    return f"fhir:{hashlib.sha256(server.rstrip('/').encode()).hexdigest()[:12]}:"
