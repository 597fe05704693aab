"""What a request leaves behind: an id in its answer and its log line, a span for a collector; never a path, name or patient's id.

Traces go out where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set and the packages of the extra ``observe`` are installed.
"""

import json
import logging
import os
import re
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dosetwin.errors import InputError

HEADER = "x-request-id"
_ID = re.compile(r"^[A-Za-z0-9-]{8,64}$")
request_id: ContextVar[str] = ContextVar("request_id", default="")
log = logging.getLogger("dosetwin.serve.requests")


class Lines(logging.Formatter):
    """A log line as one JSON object: time, level, where, what, and the request it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage(),
        }  # fmt: skip
        if rid := request_id.get():
            said["request"] = rid
        said |= getattr(record, "said", {})
        if record.exc_info:  # where, not what: the message of an error may hold anything
            said["error"] = getattr(record.exc_info[0], "__name__", "")
        return json.dumps(said)


def structured() -> None:
    """Log as JSON lines on stderr from here on, requests included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("dosetwin").setLevel(logging.INFO)


def tracer() -> Any:
    """What makes spans; None where no collector is named. Raises InputError where one is and the packages are missing."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # type: ignore[import-not-found]
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise InputError("traces are asked for and cannot be sent", where="OTEL_EXPORTER_OTLP_ENDPOINT",
                         remedy="pip install 'dosetwin[observe]', or unset it") from None  # fmt: skip
    provider = TracerProvider(resource=Resource.create({"service.name": "dosetwin"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("dosetwin.serve")


@contextmanager
def _span(made: Any, scope: Scope) -> Iterator[Any]:
    if made is None:
        yield None
        return
    with made.start_as_current_span(f"{scope['method']} request") as span:
        yield span


class Observed:
    """Middleware: an id for each request (a proxy's own, where it is one), a log line and a span by route."""

    def __init__(self, app: ASGIApp, tracer: Any = None):
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((v.decode("latin-1") for k, v in scope["headers"] if k == HEADER.encode()), "")
        rid = given if _ID.match(given) else uuid.uuid4().hex
        token = request_id.set(rid)
        status, began = 500, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = rid
            await send(message)

        try:
            with _span(self._tracer, scope) as span:
                try:
                    await self._app(scope, receive, noted)
                finally:
                    route = getattr(scope.get("route"), "path", "unmatched")
                    took = round((time.perf_counter() - began) * 1000, 1)
                    log.info("request", extra={"said": {"method": scope["method"], "route": route, "status": status, "ms": took}})
                    if span is not None:
                        span.update_name(f"{scope['method']} {route}")
                        span.set_attributes({"http.route": route, "http.request.method": scope["method"],
                                             "http.response.status_code": status, "dosetwin.request_id": rid})  # fmt: skip
        finally:
            request_id.reset(token)
