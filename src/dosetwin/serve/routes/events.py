"""Events of care: recorded one by one or together, listed, corrected."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from dosetwin.serve.access import The, Who, keeps_refused
from dosetwin.serve.audit import stamp
from dosetwin.serve.routes.patients import AGAIN, PatientId
from dosetwin.serve.store.facts import NewFact, Text

router = APIRouter(tags=["events"])
EventId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="The event's id.")]


def shown(fact: Any) -> dict[str, Any]:
    """A fact as the API shows it."""
    return {"id": fact["id"], "seq": fact["seq"], "patient_id": fact["patient_id"], "kind": fact["kind"], "at": stamp(fact["at"]),
            "recorded_at": stamp(fact["recorded_at"]), "actor": fact["actor"], "source_key": fact["source_key"],
            "body": fact["body"]}  # fmt: skip


class Addressed(NewFact):
    """An event with the patient it is about."""

    patient_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]


class Batch(BaseModel):
    """Events of one or several patients: all are stored, or none."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[Addressed], Field(min_length=1, max_length=1000)]


class Correction(BaseModel):
    """Why an event was wrong, and what it should have said (without: it is taken back)."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Text, Field(min_length=3)]
    event: NewFact | None = None


@router.get("/patients/{patient}/events")
def events(patient: PatientId, service: The, who: Who, after: Annotated[int, Query(ge=0, le=2**53)] = 0) -> dict[str, Any]:
    """Everything recorded about a patient, in the order it was recorded; corrected events stay, the correction follows."""
    reach = service.reach(who)
    with service.store.read() as conn:
        found = reach.facts(conn, patient, after=after)
    service.audited(who, "read", patient=patient, detail={"what": "events"})
    return {"events": [shown(f) for f in found]}


@router.post("/patients/{patient}/events", status_code=201, responses=AGAIN)
@keeps_refused
async def record_event(patient: PatientId, event: NewFact, service: The, who: Who, response: Response) -> dict[str, Any]:
    """Record one event. A source key that was stored before with the same content answers 200 and stores nothing."""
    receipt = await asyncio.wrap_future(service.record_soon(who, patient, event))
    if receipt.known:
        response.status_code = 200
    else:
        service.touched([patient], urgent=event.body.kind != "covariate")
    return receipt.to_json()


@router.post("/events", status_code=201)
@keeps_refused
def record_batch(batch: Batch, service: The, who: Who) -> dict[str, Any]:
    """Record up to 1,000 events together; if one is not accepted, none is stored, and the answer names each wrong one."""

    def change(conn, reach):
        for id_ in {e.patient_id for e in batch.events}:
            reach.patient(conn, id_, "record")
        return service.ledger.record(conn, who, [(e.patient_id, e) for e in batch.events], reach.now)

    receipts = service.change(who, change)
    new = [e.patient_id for e, r in zip(batch.events, receipts, strict=True) if not r.known]
    service.touched(dict.fromkeys(new), urgent=any(e.body.kind != "covariate" for e in batch.events))
    return {"events": [r.to_json() for r in receipts]}


@router.post("/patients/{patient}/events/{event}/correction", status_code=201)
@keeps_refused
def correct_event(patient: PatientId, event: EventId, correction: Correction, service: The, who: Who) -> dict[str, Any]:
    """Replace what an event said, or take it back. Both stay on record."""

    def change(conn, reach):
        reach.patient(conn, patient, "correct")
        return service.ledger.correct(conn, who, patient, event, correction.event, correction.reason, reach.now)

    receipt = service.change(who, change)
    service.touched([patient])
    return receipt.to_json()
