"""The launch over HTTP: from the EHR or from here, off to its authorization server, back with a code, to the patient's page."""

import base64
import binascii
import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse

from dosetwin.errors import InputError
from dosetwin.serve.access import The
from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.fhir.client import FhirClient, FhirError
from dosetwin.serve.fhir.ingest import ingest
from dosetwin.serve.fhir.routes import feeds_of
from dosetwin.serve.fhir.sync import whole_record
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.routes.session import set_cookie
from dosetwin.serve.service import Service
from dosetwin.serve.smart.client_keys import published
from dosetwin.serve.smart.kept import Refreshing
from dosetwin.serve.smart.launch import Begun, begin, exchange, keys, person, refused
from dosetwin.serve.smart.servers import SmartServer, chosen, discover, listed
from dosetwin.serve.web.frame import PageRoute

router = APIRouter(prefix="/smart", tags=["SMART"], route_class=PageRoute, include_in_schema=False)
COOKIE = "dosetwin_launch"
LASTS_S = 600.0
ABOUT = "smart launch"
Word = Annotated[str, Query(max_length=4000)]


def _servers(request: Request) -> tuple[SmartServer, ...]:
    state = request.app.state
    if not hasattr(state, "smart_servers"):
        state.smart_servers = listed(state.settings.smart_servers)
    return state.smart_servers


def _callback(request: Request, service: Service) -> str:
    base = service.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{base}/smart/callback"


@router.get("/jwks.json")
def our_keys(request: Request) -> JSONResponse:
    """The public halves of the keys we sign assertions with, for the EHRs that trust us by them."""
    smart = [key for server in _servers(request) for key in server.keys]
    backend = [key for s in feeds_of(request).servers.values() if s.backend is not None for key in s.backend.keys]
    found = published([*smart, *backend])
    return JSONResponse(found, headers={"Cache-Control": "public, max-age=300"})


@router.get("/launch")
def launch(request: Request, service: The, iss: Word = "", launch: Word = "") -> RedirectResponse:
    """The EHR opens the page: its FHIR address and what it calls this launch."""
    if not launch:
        raise Problem(400, "launch_refused", "the EHR named no launch",
                      [wrong("launch", "launch", None, "the launch parameter of an EHR launch")])  # fmt: skip
    return _off(request, service, chosen(_servers(request), iss), launch)


@router.get("/standalone")
def standalone(request: Request, service: The, iss: Word = "") -> RedirectResponse:
    """Start from here; the EHR asks which patient. ``iss`` may be left out where only one EHR is listed."""
    servers = _servers(request)
    return _off(request, service, servers[0] if not iss and len(servers) == 1 else chosen(servers, iss), "")


def _off(request: Request, service: Service, server: SmartServer, launch_: str) -> RedirectResponse:
    until = service.clock.now().timestamp() + LASTS_S
    url, kept = begin(server, discover(server), _callback(request, service), launch_, until)
    sealed = service.vault.seal(kept.to_json(), ABOUT)
    answer = RedirectResponse(url, 302)
    s = service.settings
    framed = bool(s.frame_ancestors) and not s.demo
    answer.set_cookie(COOKIE, f"{sealed.key_id}.{base64.urlsafe_b64encode(sealed.body).decode()}", max_age=int(LASTS_S),
                      httponly=True, secure=not s.demo or s.public_url.startswith("https://"),
                      samesite="none" if framed else "lax", path="/smart")  # fmt: skip
    return answer


def _kept(service: Service, cookie: str | None) -> Begun:
    key_id, _, body = (cookie or "").rpartition(".")
    try:
        kept = Begun(**service.vault.open(key_id, base64.urlsafe_b64decode(body), ABOUT))
    except (InputError, binascii.Error, ValueError, TypeError):
        raise refused("the launch was not begun in this browser; open the page from the EHR again") from None
    if kept.until < service.clock.now().timestamp():
        raise refused("the launch took too long; open the page from the EHR again")
    return kept


@router.get("/callback")
def callback(request: Request, service: The, state: Word = "", code: Word = "", error: Word = "") -> RedirectResponse:
    """Back from the EHR: who is it, which patient, what does its record say; then the patient's page."""
    kept = _kept(service, request.cookies.get(COOKIE))
    server = chosen(_servers(request), kept.iss)
    nobody = Principal(f"smart:{server.iss}"[:200])
    try:
        if not state or not sessions.same(state, kept.state):
            raise refused("the answer belongs to another launch; open the page from the EHR again")
        if error or not code:
            raise refused("the EHR refused the launch")
        where = discover(server)
        granted = exchange(server, where, _callback(request, service), code, kept, service.wall.now().timestamp())
        who = person(server, where.issuer, keys(where), granted.id_token, kept.nonce, service.clock.now().timestamp())
    except Problem as problem:
        service.audited(nobody, "smart_launch", outcome="refused", detail={"why": problem.code})
        raise
    patient = _take_in(service, server, granted.access_token, granted.patient)
    token, _ = service.log_in(who, action="smart_launch", patient=patient, instead_of=request.cookies.get(sessions.COOKIE))
    _refreshing(request).add(token, server, where, granted)
    answer = RedirectResponse(f"{request.scope.get('root_path', '')}/patient/{patient}", 303)
    set_cookie(answer, service.settings, token)
    answer.delete_cookie(COOKIE, path="/smart")
    return answer


def _refreshing(request: Request) -> Refreshing:
    state = request.app.state
    if not hasattr(state, "smart_refreshing"):
        state.smart_refreshing = Refreshing(state.service, partial(_take_in, state.service))
    return state.smart_refreshing


def _take_in(service: Service, server: SmartServer, access_token: str, patient: str) -> str:
    """Fetch the record with the person's own token (used now, kept nowhere) and store what is new; our id of the patient.

    Raises Problem 502 where the record cannot be fetched, 422 where it cannot be used (then it is kept with the reasons).
    """
    # the delivering is the EHR's, not the person's: a viewer may open a patient whose record is not here yet
    feed = Principal(f"smart:{server.iss}"[:200], server.iss[:200], frozenset({"feed"}),
                     frozenset({server.ward, *server.other_wards}), "token")  # fmt: skip
    record: dict[str, Any] = {}
    try:
        with FhirClient(server.iss, lambda: access_token, timeout_s=10.0) as client:
            record = whole_record(client, f"Patient/{patient}")
        return ingest(service, feed, record, server=server.iss, ward=server.ward).patient_id
    except FhirError as error:
        raise Problem(502, "ehr", str(error)) from None
    except Problem as problem:
        if problem.status == 422:
            service.reject(feed, "smart", json.dumps(record).encode(), problem.errors or [wrong("record", "", None, "")])
        raise
