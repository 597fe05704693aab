"""Places: wards whose beds are followed; facts in, the state and the answer out."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from dosetwin.serve.access import The, Who, keeps_refused
from dosetwin.serve.places.facts import NewPlaceFact
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
    """A place now: beds open, people in bed and waiting, and the answer with its reasons; ``why`` where there is none."""
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
