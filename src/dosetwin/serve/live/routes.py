"""Alerts and live sources over HTTP: what is open, acknowledge it, which source is down or silent."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dosetwin.serve.access import The, Who
from dosetwin.serve.live.alerts import Alert, alerts_of
from dosetwin.serve.live.streams import states_of
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import NewFact, Text

router = APIRouter(prefix="/api/v1", tags=["alerts"])
AlertId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="The alert's id.")]
RANK = {"critical": 0, "warning": 1, "info": 2}


class Acknowledged(BaseModel):
    """Why nobody needs to be told again."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Text, Field(min_length=3)]


@router.get("/alerts")
def alerts(
    service: The,
    who: Who,
    request: Request,
    ended: Annotated[bool, Query(description="Also alerts whose cause has ended.")] = False,
    most: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """Alerts of patients within reach: those waiting for somebody first, then by severity, newest first.

    ``feeds`` are live sources that are down or silent: no patient's record holds those, and what is shown of every patient may be
    behind while they last.
    """
    reach = service.reach(who)
    with service.store.read() as conn:
        found = alerts_of(reach.alerts(conn))
    kept = [a for a in found if ended or a.ended_at is None]
    kept.sort(key=lambda a: (not a.waiting, RANK[a.severity], -a.last_at.timestamp()))
    feeds = [s.to_json() for s in states_of(request.app) if not s.up or s.silent]
    return {"alerts": [a.to_json() for a in kept[:most]], "open": sum(a.ended_at is None for a in found),
            "waiting": sum(a.waiting for a in found), "feeds": feeds}  # fmt: skip


@router.post("/alerts/{alert}/acknowledgement", status_code=201)
def acknowledge(alert: AlertId, given: Acknowledged, service: The, who: Who, response: Response) -> dict[str, Any]:
    """Say who has seen it and why it need not be repeated; said twice, the first stands and 200 is answered."""

    def change(conn: Any, reach: Any) -> tuple[Alert, bool]:
        reach.need("answer")
        found = next((a for a in alerts_of(reach.alerts(conn)) if a.id == alert), None)
        if found is None:
            raise Problem(
                404, "not_found", "no such alert", [wrong("alert", "id", alert, "the id of an alert within your reach")]
            )
        if found.acknowledged_at is not None:
            return found, False
        body = {"kind": "alert_acknowledged", "code": found.code, "text": given.reason, "about": found.id}
        fact = NewFact.model_validate({"at": reach.now, "body": body})
        service.ledger.record(conn, who, [(found.patient_id, fact)], reach.now)
        return next(a for a in alerts_of(reach.alerts(conn, found.patient_id)) if a.id == alert), True

    found, new = service.change(who, change)
    if not new:
        response.status_code = 200
    return found.to_json()


@router.get("/feeds")
def feeds(service: The, who: Who, request: Request) -> dict[str, Any]:
    """The configured live sources: up or down and why, when last heard from, silent for longer than declared."""
    service.reach(who).need("metrics" if not who.may("read") else "read")
    return {"feeds": [s.to_json() for s in states_of(request.app)]}
