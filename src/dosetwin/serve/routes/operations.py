"""For those who run the service: is it alive, is it ready, how is it doing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from dosetwin.serve.access import The, principal_now
from dosetwin.serve.live.streams import states_of
from dosetwin.serve.metrics import CONTENT_TYPE
from dosetwin.serve.problems import Problem

router = APIRouter(tags=["operations"])
_ASKS = ThreadPoolExecutor(2, thread_name_prefix="dosetwin-ready")


@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/health/ready")
async def ready(service: The, request: Request) -> dict[str, Any]:
    """The database answers and can be written to; 503 where not. Live sources that are down are named; the page goes on."""
    # a thread of its own: those of the requests may all be busy
    if not await asyncio.get_running_loop().run_in_executor(_ASKS, service.store.ready):
        raise Problem(503, "not_ready", service.store.unready or "the database does not answer", headers={"Retry-After": "5"})
    down = [s.name for s in states_of(request.app) if not s.up]
    leads = {} if service.leader is None else {"leads": service.leader.leads}
    return {"status": "ready"} | leads | ({"feeds_down": down} if down else {})


@router.get("/api/v1/openapi.json", include_in_schema=False)
def openapi(request: Request, service: The) -> JSONResponse:
    """The document of the API: for those who are logged in; in the demo for everybody."""
    if not service.settings.demo:
        principal_now(request)
    return JSONResponse(request.app.openapi())


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
def metrics(request: Request, service: The) -> Response:
    """Numbers for Prometheus; open only where DOSETWIN_METRICS_OPEN says so."""
    if not service.settings.metrics_open:
        service.reach(principal_now(request)).need("metrics")
    service.metrics.waiting.set(service.waiting)
    service.metrics.queue_age.set(service.agenda.oldest_s())
    service.metrics.leads.set(1 if service.leader is not None and service.leader.leads else 0)
    behind, oldest, size = service.standing()
    service.metrics.behind.set(behind)
    service.metrics.stale.set(oldest)
    service.metrics.store.set(size)
    for feed in states_of(request.app):
        service.metrics.feed_up.labels(feed.name).set(feed.up and not feed.silent)
    return Response(service.metrics.page(), headers={"Content-Type": CONTENT_TYPE})
