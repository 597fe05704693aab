"""The application: settings in, FastAPI out; what starts with it and stops with it."""

import gc
import logging
import threading
import time
import traceback
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from dosetwin import __version__
from dosetwin.errors import InputError
from dosetwin.serve.access import strict_json
from dosetwin.serve.auth.tokens import Tokens
from dosetwin.serve.clock import Clock, FastClock, WallClock
from dosetwin.serve.leader import Leader, Work
from dosetwin.serve.metrics import Measured
from dosetwin.serve.observe import Observed, request_id, tracer
from dosetwin.serve.problems import Problem, from_database, from_input_error, wrong
from dosetwin.serve.refresh import warm
from dosetwin.serve.routes import routers
from dosetwin.serve.security import Guard, Proxies
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.smart.servers import listed
from dosetwin.serve.store.writer import Closed

NOTICE = "Decision support for research and evaluation, not a medical device."
SWEEP_S, HELP_S = 30.0, 3.0
"""How often facts that others stored are looked for; where several processes share a database, how often they help each other."""
log = logging.getLogger("dosetwin.serve")


def create_app(settings: Settings, *, clock: Clock | None = None, background: bool = True, own_process: bool = False) -> FastAPI:
    """The service as an application.

    Parameters
    ----------
    clock : default the wall's; in the demo one that runs ``demo_speed`` times as fast.
    background : False leaves the sweep and the demo's ticker off (tests that look at single steps).
    own_process : True where the process serves this application and nothing else.

    Raises InputError for settings that are unsafe or a database that cannot be opened.
    """
    if clock is None:
        clock = FastClock(datetime.now(UTC), settings.demo_speed) if settings.demo and settings.demo_speed != 1 else WallClock()
    service = Service.open(settings, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        threads: list[threading.Thread] = []
        if background:
            threads.append(threading.Thread(target=_sweep, args=(service, stop), name="dosetwin-sweep", daemon=True))
            works: list[tuple[str, Work]] = []  # what one process of several does
            if settings.demo and settings.demo_babies:
                from dosetwin.serve.demo import run

                works.append(("dosetwin-demo", partial(run, service)))
            if settings.fhir_servers is not None:
                from dosetwin.serve.fhir.routes import Feeds

                app.state.feeds = Feeds(service)
                works.append(("dosetwin-fhir", app.state.feeds.run))
            from dosetwin.serve.live.alerts import Alerts
            from dosetwin.serve.live.streams import Streams

            alerts = Alerts(service)
            service.on_change.append(alerts.changed)
            works.append(("dosetwin-alerts", alerts.run))
            from dosetwin.serve.live.telling import Telling, channels

            if channels(settings):
                works.append(("dosetwin-telling", Telling(service).run))
            app.state.streams = Streams(service, getattr(app.state, "feeds", None)).start()
            if settings.mqtt_host:
                works.append(("dosetwin-mqtt", app.state.streams.subscribe))
            for thread in threads:
                thread.start()
            service.leader = Leader(service.store.engine, works).start()
            service.crew.start()
            if own_process:
                service.triers.ready_for = partial(service.question, sensitivity=False)
            service.pool.start(_warmed, service, own_process)
        try:
            yield
        finally:
            stop.set()
            if background:
                if service.leader is not None:
                    await run_in_threadpool(service.leader.close)
                app.state.streams.close()
            for thread in threads:
                thread.join(timeout=20)
            service.close()

    app = FastAPI(title="dosetwin", version=__version__, description=NOTICE, lifespan=lifespan, docs_url=None, redoc_url=None,
                  openapi_url=None, redirect_slashes=False, responses=PROBLEMS, dependencies=[Depends(strict_json)])  # fmt: skip
    app.state.service = service
    app.state.settings = settings
    app.state.tokens = Tokens(settings, clock)
    app.state.smart_servers = listed(settings.smart_servers)
    app.add_middleware(Measured, metrics=service.metrics)
    app.add_middleware(Guard, settings=settings, unexpected=_unexpected)
    app.add_middleware(Proxies, trusted=settings.trusted_proxies)
    app.add_middleware(Observed, tracer=tracer())
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(SQLAlchemyError, _database)
    app.add_exception_handler(Closed, _database)
    app.add_exception_handler(Exception, _unexpected)
    for router, prefix in routers():
        app.include_router(router, prefix=prefix)
    return app


_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {
            "type": "object", "required": ["resource", "field", "expected", "message"],
            "properties": {"resource": {"type": "string"}, "field": {"type": "string"}, "value": {},
                           "expected": {"type": "string"}, "message": {"type": "string"}},
        }},
    },
}  # fmt: skip
PROBLEMS: dict[int | str, dict] = {
    status: {"description": text, "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}}}
    for status, text in (
        (400, "Not understood"), (401, "Nobody logged in"), (403, "Not allowed, or out of reach"), (404, "Not found"),
        (405, "Method not allowed"), (409, "Conflict"), (411, "Length required"), (413, "Too large"), (415, "Media type"),
        (422, "Not accepted"), (429, "Too many requests"), (503, "Not ready"), (507, "No room left"),
    )
}  # fmt: skip


def _answer(request: Request, problem: Problem) -> JSONResponse:
    return JSONResponse(problem.body(request.url.path), problem.status, headers=problem.headers,
                        media_type="application/problem+json")  # fmt: skip


async def _kept(request: Request, problem: Problem) -> Problem:
    """Keep the body of a refused message where the route says so, and tell the sender under which id."""
    endpoint = request.scope.get("endpoint")
    who = getattr(request.state, "principal", None)
    if problem.status not in (409, 422) or who is None or not getattr(endpoint, "keeps_refused", False) or not who.may("record"):
        return problem
    service: Service = request.app.state.service
    source = f"{request.method} {request.scope['route'].path}"
    reasons = problem.errors or [wrong("message", "", None, "", problem.detail)]
    problem.more["rejected_id"] = await run_in_threadpool(service.reject, who, source, await request.body(), reasons)
    return problem


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return _answer(request, await _kept(request, error))


async def _input_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InputError)
    return _answer(request, await _kept(request, from_input_error(error)))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = []
    for e in error.errors()[:50]:
        place, *path = [str(p) for p in e["loc"]]
        value = e.get("input")
        shown = value if isinstance(value, str | int | float | bool | None) else type(value).__name__
        found.append(wrong(place, ".".join(path), shown, str(e.get("ctx", {}).get("expected", e["msg"])), e["msg"]))
    problem = Problem(422, "not_accepted", f"{len(found)} fields not accepted; nothing was stored", found)
    return _answer(request, await _kept(request, problem))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "refused")
    headers = dict(error.headers) if error.headers else None
    return _answer(request, Problem(error.status_code, code, str(error.detail), headers=headers))


async def _database(request: Request, error: Exception) -> JSONResponse:
    problem = from_database(error)
    if problem is None:
        return await _unexpected(request, error)
    log.error("database: %s in %s", problem.code, request.method)
    return _answer(request, problem)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """The caller gets an id, the log where it happened; the message may hold a patient's data, or a key, and goes nowhere."""
    id_ = request_id.get()[:12] or uuid.uuid4().hex[:12]
    places = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-3:]]
    route = request.scope.get("route")
    log.error(
        "unexpected %s (%s) in %s %s at %s", type(error).__name__, id_, request.method, route and route.path, " ".join(places)
    )
    return _answer(request, Problem(500, "our_fault", f"unexpected error; it was logged as {id_}", error_id=id_))


def _warmed(service: Service, own_process: bool) -> None:
    """Load what the first question needs, and spare all that is loaded from garbage collection, which would stop requests."""
    for name in service.installed.names:
        warm(service.question(name, sensitivity=False))
    if own_process:
        gc.collect()
        gc.freeze()


def _sweep(service: Service, stop: threading.Event) -> None:
    """Catch up with facts that other processes stored, or that arrived while nothing ran; help where others are behind."""
    looked = float("-inf")
    while not stop.is_set():
        try:
            if time.monotonic() - looked >= SWEEP_S:
                looked = time.monotonic()
                service.catch_up()
            else:
                service.help_out()
        except Exception as error:
            log.error("sweep failed: %s", type(error).__name__)
        stop.wait(HELP_S if service.jobs.shared else SWEEP_S)
