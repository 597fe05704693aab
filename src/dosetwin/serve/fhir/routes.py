"""FHIR over HTTP: take in a bundle, be told of news (rest-hook), look now, hand out an advice as a bundle, write it back."""

import hmac
import json
import logging
import os
import threading
import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from dosetwin.serve.access import The, Who, keeps_refused
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.fhir.client import FhirError
from dosetwin.serve.fhir.ingest import ingest
from dosetwin.serve.fhir.resources import bundle, issued_as
from dosetwin.serve.fhir.subscriptions import LOOK_S, keep
from dosetwin.serve.fhir.sync import KINDS, Round, Server, look, servers, write_back
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.service import Service
from dosetwin.serve.store.facts import Code

router = APIRouter(tags=["FHIR"])
log = logging.getLogger("dosetwin.serve")
Name = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9._-]+$", description="The server's name in the settings.")]
AdviceId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="The advice's id.")]


class Feeds:
    """The configured servers, where each was left off, and the thread that looks at them in turn."""

    def __init__(self, service: Service):
        self.service = service
        self.servers = {s.name: s for s in servers(service.settings.fhir_servers)}
        self.since: dict[str, str | None] = dict.fromkeys(self.servers)
        self.trouble: dict[str, str] = {}
        self._one = {name: threading.Lock() for name in self.servers}
        self._wake = threading.Event()
        self.subscribed: dict[str, dict[str, str]] = {}
        self._looked: dict[str, float] = {}

    def server(self, name: str) -> Server:
        """A server by name. Raises Problem 404."""
        if name not in self.servers:
            raise Problem(404, "not_found", "no such FHIR server",
                          [wrong("server", "name", name, ", ".join(self.servers) or "none is configured")])  # fmt: skip
        return self.servers[name]

    def look(self, name: str) -> Round:
        """Look at one server now; one look at a time. Raises Problem 502 when it cannot be used."""
        server = self.server(name)
        with self._one[name], server.client() as client:
            try:
                found = look(self.service, server, client, self.since[name], self._reject)
            except FhirError as error:
                self.trouble[name] = str(error)
                raise Problem(502, "fhir_server", str(error)) from None
            self.since[name] = found.since
            self.trouble.pop(name, None)
        return found

    def subscribe(self, name: str) -> None:
        """See to our Subscriptions at a server, now and then. Raises Problem 502."""
        server, public = self.server(name), self.service.settings.public_url.rstrip("/")
        if not server.subscribe or time.monotonic() - self._looked.get(name, -LOOK_S) < LOOK_S:
            return
        self._looked[name] = time.monotonic()
        try:
            with server.client() as client:
                self.subscribed[name] = keep(client, ("Patient", *KINDS), f"{public}/fhir/notify/{name}", server.secret_env)
        except FhirError as error:
            self.subscribed[name] = {"trouble": str(error)}
            raise Problem(502, "fhir_server", f"Subscription: {error}") from None

    def _reject(self, source: str, record: Any, problem: Problem) -> None:
        self.service.reject(
            THE_SERVICE, source, json.dumps(record).encode(), problem.errors or [wrong(source, "", None, "", str(problem))]
        )

    def run(self, stop: threading.Event) -> None:
        """Look at every server in its rhythm, or at once after a notification, until ``stop``."""
        while not stop.is_set():
            for name in self.servers:
                try:
                    self.subscribe(name)
                    self.look(name)
                except Problem as problem:
                    log.warning("FHIR server %s: %s", name, problem.detail)
                except Exception as error:  # one bad round must not end the feed
                    log.error("FHIR server %s: %s", name, type(error).__name__)
            self._wake.wait(min((s.every_s for s in self.servers.values()), default=60.0))
            self._wake.clear()

    def wake(self) -> None:
        """Look soon."""
        self._wake.set()


def feeds_of(request: Request) -> Feeds:
    """The feeds of the running application, made at first use."""
    state = request.app.state
    if not hasattr(state, "feeds"):
        state.feeds = Feeds(state.service)
    return state.feeds


@router.post("/api/v1/fhir/bundle", status_code=201)
@keeps_refused
def take_in(
    content: Annotated[dict[str, Any], Body(description="A FHIR R4 bundle about one patient.")],
    service: The,
    who: Who,
    ward: Annotated[Code, Query(description="Where a patient not known yet is put.")],
    server: Annotated[
        str, Query(max_length=500, description="Where the resources live; their ids are unique there only.")
    ] = "upload",
) -> dict[str, Any]:
    """Store what a bundle says about its patient: all of it, or nothing with the reasons. Sent again, it stores nothing."""
    return ingest(service, who, content, server=server, ward=ward).to_json()


@router.get("/api/v1/advice/{advice}/fhir")
def as_fhir(advice: AdviceId, service: The, who: Who) -> dict[str, Any]:
    """One advice as a FHIR transaction bundle: risk assessment, draft order, issues, guidance, provenance, audit event."""
    with service.store.read() as conn:
        row = service.reach(who).advice(conn, advice)
    service.audited(who, "read", patient=row["patient_id"], detail={"what": "advice as FHIR", "advice": advice})
    return bundle(issued_as(row, f"Patient/{row['patient_id']}"))


@router.get("/api/v1/fhir/servers")
def feeds(who: Who, service: The, request: Request) -> dict[str, Any]:
    """The configured servers, how far each was read, and what is wrong with it."""
    service.reach(who).need("metrics" if not who.may("read") else "read")
    f = feeds_of(request)
    return {
        "servers": [
            {"name": n, "since": f.since[n], "trouble": f.trouble.get(n)}
            | ({"subscribed": f.subscribed[n]} if n in f.subscribed else {})
            for n in f.servers
        ]
    }


@router.post("/api/v1/fhir/servers/{name}/look")
def look_now(name: Name, service: The, who: Who, request: Request) -> dict[str, Any]:
    """Look at a server now instead of waiting for the next round."""
    service.reach(who).need("record")
    found = feeds_of(request).look(name)
    return {"taken": [t.patient_id for t in found.taken], "refused": len(found.refused), "passed_over": found.passed_over,
            "since": found.since}  # fmt: skip


@router.post("/api/v1/fhir/servers/{name}/advice/{advice}", status_code=201)
def send_back(name: Name, advice: AdviceId, service: The, who: Who, request: Request,
              patient: Annotated[str, Query(pattern=r"^Patient/[A-Za-z0-9.-]{1,64}$")]) -> dict[str, Any]:  # fmt: skip
    """Write an advice back to a server that allows it; the order arrives as a draft for a prescriber to sign."""
    service.reach(who).need("answer")
    server = feeds_of(request).server(name)
    if not server.write_back:
        raise Problem(403, "not_allowed", "this server is configured for reading only")
    try:
        with server.client() as client:
            answer = write_back(service, client, advice, patient, who)
    except FhirError as error:
        raise Problem(502, "fhir_server", str(error)) from None
    return {"written": [e.get("response", {}).get("location", "") for e in answer.get("entry", ())]}


@router.post("/fhir/notify/{name}", status_code=200)
@router.put("/fhir/notify/{name}/{rest:path}", status_code=200, include_in_schema=False)
async def notified(name: Name, request: Request) -> dict[str, Any]:
    """A Subscription's rest-hook: the server says there is news. What it sends is not read; we ask the server itself.

    The secret of the subscription's ``header`` (``Authorization: Bearer ...``) must match.
    """
    f = await run_in_threadpool(feeds_of, request)
    server = f.server(name)
    secret = os.environ.get(server.secret_env, "") if server.secret_env else ""
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not secret or not hmac.compare_digest(secret.encode(), given.encode()):
        raise Problem(401, "not_authorized", "the notification does not carry the subscription's secret",
                      headers={"WWW-Authenticate": "Bearer"})  # fmt: skip
    f.wake()
    return {}
