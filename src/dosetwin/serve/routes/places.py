"""Places: wards that are followed; facts in, the state and the answer out, answers kept and replayed, alerts acknowledged."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from dosetwin.serve.access import The, Who, keeps_refused
from dosetwin.serve.fhir.place import bundle
from dosetwin.serve.live.routes import Acknowledged, AlertId
from dosetwin.serve.places import kept
from dosetwin.serve.places.alerts import acknowledge
from dosetwin.serve.places.facts import NewPlaceFact
from dosetwin.serve.routes.advice import AdviceId
from dosetwin.serve.routes.patients import AGAIN
from dosetwin.serve.store.facts import Code

router = APIRouter(tags=["places"])
Ward = Annotated[Code, Query(description="A ward of DOSETWIN_PLACES.")]


@router.get("/places")
def places(service: The, who: Who) -> dict[str, Any]:
    """The wards within reach that are followed as places, and by which therapy."""
    service.reach(who).need("read")
    return {"places": [{"ward": w, "therapy": service.places.of[w].name} for w in service.places.wards(who)]}


@router.get("/place")
def place(service: The, who: Who, ward: Ward) -> dict[str, Any]:
    """A place now: how many are open, who is in and waits, the answer with its reasons (``why`` where there is none), what is new
    since the last answer that was kept, and alerts."""
    found = service.places.state(who, ward)
    service.audited(who, "read", detail={"what": "place", "ward": ward})
    return found.to_json()


@router.post("/place/events", status_code=201, responses=AGAIN)
@keeps_refused
def record(
    new: Annotated[list[NewPlaceFact], Body(min_length=1, max_length=5000)],
    service: The,
    who: Who,
    response: Response,
    ward: Ward,
) -> dict[str, Any]:
    """Tell a place what happened, all of it or nothing. The same source keys again answer 200 and store nothing."""
    receipts = service.places.record(who, ward, new)
    if all(r.known for r in receipts):
        response.status_code = 200
    return {"events": [r.to_json() for r in receipts]}


@router.post("/place/advice", status_code=201)
def keep(service: The, who: Who, ward: Ward) -> dict[str, Any]:
    """Keep the answer of now, with all it was made from; 409 where there is none."""
    return service.places.keep(who, ward)


@router.get("/place/advice")
def answers(service: The, who: Who, ward: Ward) -> dict[str, Any]:
    """Answers kept of a place, newest first."""
    found = service.places.answers(who, ward)
    service.audited(who, "read", detail={"what": "place", "ward": ward})
    return {"advice": [kept.short(r) for r in found]}


@router.get("/place/advice/{advice}")
def answer(advice: AdviceId, service: The, who: Who, ward: Ward) -> dict[str, Any]:
    """One of them: what was asked, on what, and answered."""
    row = service.places.one(who, ward, advice)
    service.audited(who, "read", detail={"what": "place", "ward": ward, "advice": advice})
    return kept.short(row) | {"inputs": row["inputs"], "answer": row["answer"]}


@router.post("/place/advice/{advice}/replay")
def replay(advice: AdviceId, service: The, who: Who, ward: Ward) -> dict[str, Any]:
    """Compute a kept answer again from what is stored with it: it must be the same."""
    return service.places.replay(who, ward, advice)


@router.get("/place/advice/{advice}/fhir")
def as_fhir(advice: AdviceId, service: The, who: Who, ward: Ward) -> dict[str, Any]:
    """A kept answer as a FHIR R4 transaction: Location, a drafted ServiceRequest, Provenance, AuditEvent."""
    row = service.places.one(who, ward, advice)
    service.audited(who, "read", detail={"what": "place", "ward": ward, "advice": advice, "as": "fhir"})
    return bundle(row, ward)


@router.post("/place/alerts/{alert}/acknowledgement", status_code=201)
def acknowledged(alert: AlertId, given: Acknowledged, service: The, who: Who, ward: Ward) -> dict[str, Any]:
    """Say who has seen an alert of a place and why it need not be repeated."""
    return acknowledge(service, who, ward, alert, given.reason).to_json()
