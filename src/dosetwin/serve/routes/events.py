"""Events of care: recorded one by one or together, listed, corrected."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from dosetwin import formulary
from dosetwin.serve.access import The, Who, keeps_refused
from dosetwin.serve.audit import stamp
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.routes.patients import AGAIN, PatientId, refuse_feeds_keys
from dosetwin.serve.service import Service
from dosetwin.serve.store.facts import Measured, NewFact, Note, Text, unnamed
from dosetwin.serve.sure import JUDGED, sure

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


class Confirmation(BaseModel):
    """Why an unusual value is right."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Text, Field(min_length=3)]


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
    """Record one event. A source key that was stored before with the same content answers 200 and stores nothing.

    What cannot be is refused (422); what is unusual for this patient is refused (409) unless ``confirmed`` says why it is right.
    From a feed, where nobody can answer, it is stored and kept back from the twin.
    """
    _told_elsewhere([event])
    if unnamed(event.body):
        (event,) = await run_in_threadpool(service.named, who, [(patient, event)])
    if event.body.kind in JUDGED:
        await run_in_threadpool(sure, service, who, patient, [event])
    receipt = await asyncio.wrap_future(service.record_soon(who, patient, event))
    if receipt.known:
        response.status_code = 200
    else:
        service.touched([patient], urgent=_urgent(event))
    return receipt.to_json()


def _told_elsewhere(events: list[NewFact]) -> None:
    """Raise Problem 422 for alerts and what became of them: the service raises and ends them, people acknowledge them."""
    wrongs = [wrong(f"event {k}", "body.kind", e.body.kind, "an event of care; POST /api/v1/alerts/{id}/acknowledgement for an "
                    "alert that was seen", "not recorded from outside")
              for k, e in enumerate(events) if isinstance(e.body, Note)]  # fmt: skip
    refuse_feeds_keys(e.source_key for e in events)
    if wrongs:
        raise Problem(422, "not_accepted", "alerts are not recorded from outside; nothing was stored", wrongs)


def _urgent(event: NewFact) -> bool:
    """Whether a twin is worked in at once: not for what comes in streams."""
    body = event.body
    return formulary.measured(body.quantity).predicted if isinstance(body, Measured) else body.kind != "covariate"


@router.post("/events", status_code=201)
@keeps_refused
def record_batch(batch: Batch, service: The, who: Who) -> dict[str, Any]:
    """Record up to 1,000 events together; if one is not accepted, none is stored, and the answer names each wrong one."""

    _told_elsewhere(list(batch.events))
    named = service.named(who, [(e.patient_id, e) for e in batch.events])
    batch = batch.model_copy(update={"events": named})

    def change(conn, reach):
        for id_ in {e.patient_id for e in batch.events}:
            reach.patient(conn, id_, "record")
        return service.ledger.record(conn, who, [(e.patient_id, e) for e in batch.events], reach.now)

    for id_ in dict.fromkeys(e.patient_id for e in batch.events):
        _sure_of(service, who, batch, id_)
    receipts = service.change(who, change)
    new = [e.patient_id for e, r in zip(batch.events, receipts, strict=True) if not r.known]
    service.touched(dict.fromkeys(new), urgent=any(map(_urgent, batch.events)))
    return {"events": [r.to_json() for r in receipts]}


def _sure_of(service: Service, who: Principal, batch: Batch, patient: str) -> None:
    """As ``sure`` for one patient's events of a batch; errors name the event by its place in the batch."""
    places = [k for k, e in enumerate(batch.events) if e.patient_id == patient]
    try:
        sure(service, who, patient, [batch.events[k] for k in places])
    except Problem as problem:
        for e in problem.errors or []:
            head, sign, kind = str(e["resource"]).partition(":")
            if head.startswith("event ") and sign:
                e["resource"] = f"event {places[int(head.removeprefix('event '))]}:{kind}"
        raise


@router.post("/patients/{patient}/events/{event}/confirmation", status_code=201)
@keeps_refused
def confirm_event(patient: PatientId, event: EventId, confirmation: Confirmation, service: The, who: Who) -> dict[str, Any]:
    """Say why an unusual event is right: the twin, which left it out, uses it from now on."""

    def change(conn, reach):
        reach.patient(conn, patient, "answer")
        return service.ledger.confirm(conn, who, patient, event, confirmation.reason, reach.now)

    receipt = service.change(who, change)
    service.touched([patient])
    return receipt.to_json()


@router.post("/patients/{patient}/events/{event}/correction", status_code=201)
@keeps_refused
def correct_event(patient: PatientId, event: EventId, correction: Correction, service: The, who: Who) -> dict[str, Any]:
    """Replace what an event said, or take it back. Both stay on record."""
    new = correction.event
    if new is not None:
        (new,) = service.named(who, [(patient, new)])
        sure(service, who, patient, [new], instead_of=event)

    def change(conn, reach):
        reach.patient(conn, patient, "correct")
        return service.ledger.correct(conn, who, patient, event, new, correction.reason, reach.now)

    receipt = service.change(who, change)
    service.touched([patient])
    return receipt.to_json()
