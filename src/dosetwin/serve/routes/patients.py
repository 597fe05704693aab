"""Patients and their twins: create, list, look, predict."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from dosetwin.serve.access import The, Who, keeps_refused
from dosetwin.serve.audit import stamp
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import Code, Name, NewPatient, Person
from dosetwin.serve.store.retain import record
from dosetwin.serve.wardlist import line, ordered

router = APIRouter(tags=["patients"])
AGAIN: dict[int | str, dict] = {200: {"description": "Stored before, from the same source key"}}
PatientId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="The patient's id in this service.")]

Therapy = Annotated[Name | None, Query(description="A therapy installed here; left out: the patient's first.")]


@router.get("/patients")
def ward_list(service: The, who: Who, ward: Annotated[Code | None, Query()] = None) -> dict[str, Any]:
    """The ward list, a line for each patient and therapy: those who need a decision first."""
    reach = service.reach(who)
    with service.store.read() as conn:
        rows = reach.patients(conn, ward)
    lines = [line(r, reach.now) for r in rows]
    return {"now": stamp(reach.now), "patients": ordered(lines)}


FEEDS = ("fhir:", "hl7:", "mqtt:")
"""What the source keys of the service's own feeds begin with."""


def refuse_feeds_keys(keys: Iterable[str | None]) -> None:
    """Raise Problem 422 for a source key of a feed: whoever stored it first would keep the feed's own fact out."""
    taken = [wrong(f"event {k}", "source_key", key, "a key of your own", "keys that begin so are those of the service's feeds")
             for k, key in enumerate(keys) if key is not None and key.lower().startswith(FEEDS)]  # fmt: skip
    if taken:
        raise Problem(422, "not_accepted", "a feed's source key; nothing was stored", taken)


@router.post("/patients", status_code=201, responses=AGAIN)
@keeps_refused
def create_patient(new: NewPatient, service: The, who: Who, response: Response) -> dict[str, Any]:
    """Follow a new patient. The same source key again answers 200 with the patient it made."""

    refuse_feeds_keys([new.source_key])

    def create(conn, reach):
        reach.need("record")
        if not who.of_ward(new.ward):
            raise Problem(403, "out_of_reach", "not one of your wards",
                          [wrong("patient", "ward", new.ward, ", ".join(sorted(who.wards)))])  # fmt: skip
        return service.ledger.create_patient(conn, who, new, reach.now)

    id_, receipt = service.change(who, create)
    if receipt.known:
        response.status_code = 200
    service.touched([id_])
    return {"id": id_, "event": receipt.to_json()}


@router.get("/patients/{patient}")
def patient(patient: PatientId, service: The, who: Who) -> dict[str, Any]:
    """One patient: who, where, and the twin's summary."""
    reach = service.reach(who)
    with service.store.read() as conn:
        row = reach.patient(conn, patient)
        version, person = reach.person(conn, patient)
        states = reach.states(conn, patient)
        created = next(f for f in reach.facts(conn, patient) if f["kind"] == "patient_created")
    service.audited(who, "read", patient=patient)
    return {
        "id": patient, "ward": row["ward"], "active": row["active"], "synthetic": row["synthetic"],
        "person": person.model_dump(mode="json"), "identity_version": version, "said": created["body"],
        "created_at": stamp(row["created_at"]), "head": row["head"],
        "summary": states[0]["summary"] if states else None, "therapies": {s["therapy"]: s["summary"] for s in states},
    }  # fmt: skip


@router.get("/patients/{patient}/record")
def whole_record(patient: PatientId, service: The, who: Who) -> dict[str, Any]:
    """Everything on record about a patient, to be handed to the patient or a guardian who asks for it."""
    reach = service.reach(who)
    with service.store.read() as conn:
        reach.patient(conn, patient, "replay")
        reach.patient(conn, patient)
        found = record(conn, service.vault, patient)
    service.audited(who, "hand_out", patient=patient, detail={"events": len(found["facts"]), "advices": len(found["advice"])})
    return found


@router.put("/patients/{patient}/person")
def change_person(patient: PatientId, person: Person, service: The, who: Who) -> dict[str, Any]:
    """A new version of who the patient is (name, identifiers, moment of birth)."""

    def change(conn, reach):
        reach.patient(conn, patient, "correct")
        return service.ledger.change_identity(conn, who, patient, person, reach.now)

    receipt = service.change(who, change)
    service.touched([patient])
    return receipt.to_json()


class Opening(BaseModel):
    """Why a record out of reach must be opened."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=10, max_length=1000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]


@router.post("/patients/{patient}/break-glass", status_code=201)
def open_record(patient: PatientId, opening: Opening, service: The, who: Who) -> dict[str, Any]:
    """Open a record that is out of reach, for a limited time, with a reason that is kept and audited."""
    lasts = timedelta(minutes=service.settings.break_glass_minutes)

    def open_(conn, reach):
        expires, sealed = reach.open_record(conn, patient, opening.reason, lasts)
        service.trail.add(
            conn, reach.now, who, "break_glass", patient=patient, detail={"until": stamp(expires), "sealed": sealed}
        )
        return expires

    return {"patient_id": patient, "expires_at": stamp(service.change(who, open_))}


@router.get("/patients/{patient}/twin")
def twin(patient: PatientId, service: The, who: Who, therapy: Therapy = None) -> dict[str, Any]:
    """A twin as it stands: the current answer and what made it. ``behind`` True while newer facts are being worked in."""
    reach = service.reach(who)
    with service.store.read() as conn:
        row = reach.patient(conn, patient)
        state = reach.state(conn, patient, therapy or "")
    if state is None:
        return {"patient_id": patient, "therapy": therapy, "behind": True, "state_hash": None, "answer": None, "summary": None}
    return {
        "patient_id": patient, "therapy": state["therapy"], "behind": state["through_seq"] < row["head"],
        "state_hash": state["state_hash"],
        "through_seq": state["through_seq"], "computed_at": stamp(state["computed_at"]), "seconds": state["seconds"],
        "summary": state["summary"], "answer": state["answer"],
    }  # fmt: skip
