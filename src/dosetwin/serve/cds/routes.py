"""CDS Hooks over HTTP: discovery, the three services, feedback; CORS for listed origins; every call needs a checked token."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dosetwin.errors import InputError
from dosetwin.serve.access import The
from dosetwin.serve.cds.answer import Caller, discovery, feedback, respond
from dosetwin.serve.cds.tokens import Clients, Unauthorized
from dosetwin.serve.fhir.client import is_id
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings

router = APIRouter(tags=["CDS Hooks"])
DEMO = "the demo"
_UUID = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"


class Hook(BaseModel):
    """A hook's request; fields of later versions of the specification are let pass."""

    model_config = ConfigDict(extra="allow")

    hook: Annotated[str, Field(max_length=100)]
    hookInstance: Annotated[str, Field(pattern=_UUID)]
    context: dict[str, Any]
    fhirServer: Annotated[str, Field(max_length=2000, pattern=r"^https?://")] | None = None
    fhirAuthorization: dict[str, Any] | None = None
    prefetch: dict[str, Any] | None = None


class OverrideReason(BaseModel):
    """Why a card was not followed."""

    model_config = ConfigDict(extra="allow")

    reason: dict[str, Any] | None = None
    userComment: Annotated[str, Field(max_length=2000)] = ""


class Outcome(BaseModel):
    """What became of one card."""

    model_config = ConfigDict(extra="allow")

    card: Annotated[str, Field(pattern=_UUID)]
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: AwareDatetime
    acceptedSuggestions: list[dict[str, Any]] = Field(default_factory=list)
    overrideReason: OverrideReason | None = None


class Feedback(BaseModel):
    """Outcomes of cards."""

    model_config = ConfigDict(extra="forbid")

    feedback: Annotated[list[Outcome], Field(min_length=1, max_length=100)]


class Callers:
    """The EHRs listed in the file ``cds_clients`` names: JSON, issuer -> {"keys": [...], "ward": ..., "fhir_servers": [...]}."""

    def __init__(self, settings: Settings):
        listed: dict[str, Any] = {}
        if settings.cds_clients is not None:
            try:
                listed = json.loads(Path(settings.cds_clients).read_text(encoding="utf-8"))
                self._callers = {
                    issuer: Caller(issuer, c["ward"], tuple(s.rstrip("/") for s in c.get("fhir_servers", ())))
                    for issuer, c in listed.items()
                }
                self._clients = Clients({issuer: {"keys": c["keys"]} for issuer, c in listed.items()})
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                allowed = 'JSON: {issuer: {"keys": [JWK, ...], "ward": code, "fhir_servers": [...]}}'
                text = f"cannot be used: {type(error).__name__}: {error}"
                raise InputError(text, where="DOSETWIN_CDS_CLIENTS", allowed=allowed) from None
        else:
            self._callers, self._clients = {}, Clients({})
        self._demo = Caller(DEMO, "demo-nicu") if settings.demo and not listed else None

    def check(self, authorization: str | None, audience: str, now: float) -> Caller:
        """The EHR that calls. Raises Problem 401."""
        if self._demo is not None and authorization is None:
            return self._demo
        try:
            return self._callers[self._clients.check(authorization, audience=audience, now=now)]
        except Unauthorized as error:
            raise Problem(401, "not_authorized", str(error), headers={"WWW-Authenticate": "Bearer"}) from None


def _caller(request: Request, service: The) -> Caller:
    state = request.app.state
    if not hasattr(state, "cds_callers"):
        state.cds_callers = Callers(service.settings)
    base = service.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return state.cds_callers.check(request.headers.get("authorization"), base + request.url.path, service.clock.now().timestamp())


def _cors(request: Request, response: Response, service: The) -> None:
    """Let pages of the listed origins read the answer; no credentials, so a cookie never makes a call valid."""
    origin = request.headers.get("origin")
    if origin and origin in service.settings.cds_origins.split():
        response.headers.update(_cors_headers(origin))


def _cors_headers(origin: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": origin, "Vary": "Origin", "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "authorization, content-type", "Access-Control-Max-Age": "600",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }  # fmt: skip


From = Annotated[Caller, Depends(_caller)]


@router.get("/cds-services", dependencies=[Depends(_cors)])
def services() -> dict[str, Any]:
    """The services there are and the prefetch each wants; open, as the specification has it."""
    return discovery()


@router.options("/cds-services", include_in_schema=False, dependencies=[Depends(_cors)], status_code=204)
@router.options("/cds-services/{rest:path}", include_in_schema=False, dependencies=[Depends(_cors)], status_code=204)
def preflight() -> None:
    """The browser's question before a call from another origin."""


@router.post("/cds-services/{id_}", dependencies=[Depends(_cors)])
def call(id_: str, hook: Hook, service: The, caller: From, request: Request) -> dict[str, Any]:
    """Answer a hook with cards."""
    if not isinstance(hook.context.get("patientId"), str) or not hook.context["patientId"]:
        raise Problem(400, "context", "the context names no patient",
                      [{"resource": "request", "field": "context.patientId", "value": None, "expected": "the patient's FHIR id",
                        "message": "missing"}])  # fmt: skip
    if not is_id(hook.context["patientId"].removeprefix("Patient/")):
        raise Problem(400, "context", "the context names no patient that could be",
                      [{"resource": "request", "field": "context.patientId", "value": None, "expected": "the patient's FHIR id",
                        "message": "not a FHIR id"}])  # fmt: skip
    base = service.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return respond(service, caller, id_, hook.model_dump(exclude_none=True), f"{base}/patient/")


@router.post("/cds-services/{id_}/feedback", dependencies=[Depends(_cors)])
def tell(id_: str, given: Feedback, service: The, caller: From) -> dict[str, Any]:
    """Keep what the prescriber did with the cards."""
    feedback(service, caller, [o.model_dump(mode="json", exclude_none=True) for o in given.feedback])
    return {}
