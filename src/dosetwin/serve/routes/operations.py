"""For those who run the service: is it alive, is it ready, how is it doing."""

from typing import Any

from fastapi import APIRouter, Request, Response

from dosetwin.serve.access import The, principal_now
from dosetwin.serve.live.streams import states_of
from dosetwin.serve.metrics import CONTENT_TYPE
from dosetwin.serve.problems import Problem

router = APIRouter(tags=["operations"])


@router.get("/health/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/health/ready")
def ready(service: The, request: Request) -> dict[str, Any]:
    """The database answers and the writer writes; 503 where not. Live sources that are down are named; the page goes on."""
    if not service.store.ready():
        raise Problem(503, "not_ready", "the database does not answer", headers={"Retry-After": "5"})
    down = [s.name for s in states_of(request.app) if not s.up]
    return {"status": "ready"} | ({"feeds_down": down} if down else {})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
def metrics(request: Request, service: The) -> Response:
    """Numbers for Prometheus; open only where DOSETWIN_METRICS_OPEN says so."""
    if not service.settings.metrics_open:
        service.reach(principal_now(request)).need("metrics")
    service.metrics.waiting.set(service.waiting)
    for feed in states_of(request.app):
        service.metrics.feed_up.labels(feed.name).set(feed.up and not feed.silent)
    return Response(service.metrics.page(), headers={"Content-Type": CONTENT_TYPE})
