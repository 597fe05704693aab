"""Numbers for Prometheus: requests, refreshes, what waits. Labels are routes and kinds, never patients."""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """The numbers of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self.requests = Counter("dosetwin_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram("dosetwin_request_seconds", "Time to answer", ["method", "route"], buckets=SECONDS,
                                 registry=self.registry)  # fmt: skip
        self.refreshes = Histogram("dosetwin_refresh_seconds", "Time to recompute a twin", buckets=SECONDS,
                                   registry=self.registry)  # fmt: skip
        self.waiting = Gauge("dosetwin_twins_waiting", "Twins with facts not worked in yet", registry=self.registry)
        self.queue_age = Gauge(
            "dosetwin_queue_age_seconds", "Since when the twin waits that has waited longest", registry=self.registry
        )
        self.behind = Gauge("dosetwin_twins_behind", "Twins of patients who are here, behind their facts", registry=self.registry)
        self.stale = Gauge(
            "dosetwin_twin_oldest_seconds", "Age of the oldest answer of a patient who is here", registry=self.registry
        )
        self.store = Gauge("dosetwin_store_bytes", "Size of the database", registry=self.registry)
        self.leads = Gauge("dosetwin_leads", "1 where this process leads", registry=self.registry)
        self.feed_up = Gauge("dosetwin_feed_up", "Live source is there and heard from", ["feed"], registry=self.registry)
        self.failures = Counter("dosetwin_background_failures", "Background work that failed", registry=self.registry)

    def page(self) -> bytes:
        """The numbers in Prometheus' text format."""
        return generate_latest(self.registry)


class Measured:
    """Middleware that counts and times requests by route."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route: Any = scope.get("route")
            path = getattr(route, "path", "unmatched")
            method = (
                scope["method"] if scope["method"] in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH") else "other"
            )
            self._metrics.requests.labels(method, path, str(status)).inc()
            self._metrics.seconds.labels(method, path).observe(time.perf_counter() - began)
