"""Log in (demo people only), who am I, log out."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dosetwin.serve.access import The, Who, session_of
from dosetwin.serve.auth import demo_users, sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings

router = APIRouter(tags=["session"])


class Login(BaseModel):
    """Name and password of a demo user."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=200)]


def set_cookie(response: Response, settings: Settings, token: str) -> None:
    """The session's cookie: not readable by scripts, for https only unless the demo runs on plain http."""
    response.set_cookie(sessions.COOKIE, token, max_age=int(settings.session_time.total_seconds()), httponly=True,
                        secure=not settings.demo or settings.public_url.startswith("https://"),
                        samesite="none" if settings.frame_ancestors and not settings.demo else "lax", path="/")  # fmt: skip


@router.post("/session", status_code=201)
def log_in(login: Login, service: The, request: Request, response: Response) -> dict[str, Any]:
    """Begin a session. Only in the demo; elsewhere people come through the identity provider."""
    if not service.settings.demo:
        raise Problem(403, "no_local_users", "log in through the identity provider: /auth/login")
    who = demo_users.check(login.username, login.password)
    if who is None:
        known = Principal("demo:unknown")
        service.audited(known, "login", outcome="refused")
        raise Problem(401, "login_refused", "no such user, or another password")
    token, session = service.log_in(who, instead_of=request.cookies.get(sessions.COOKIE))
    set_cookie(response, service.settings, token)
    return who.to_json() | {"csrf": session.csrf, "demo": True}


@router.get("/session")
def who_am_i(request: Request, who: Who, service: The) -> dict[str, Any]:
    """Who is asking, with the CSRF token of the session."""
    session = session_of(request)
    return who.to_json() | {"csrf": None if session is None else session.csrf, "demo": service.settings.demo}


@router.delete("/session", status_code=204)
def log_out(request: Request, who: Who, service: The) -> Response:
    """End the session."""
    token = request.cookies.get(sessions.COOKIE)
    if token:
        service.log_out(who, token)
    response = Response(status_code=204)
    response.delete_cookie(sessions.COOKIE, path="/")
    return response
