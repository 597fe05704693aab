"""Who is asking: the principal behind a request, from its session cookie (with CSRF check) or its bearer token."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem
from dosetwin.serve.service import Service

SAFE = ("GET", "HEAD", "OPTIONS")


def service_of(request: Request) -> Service:
    """The running service."""
    return request.app.state.service


def session_of(request: Request) -> sessions.Session | None:
    """The session of the request's cookie, None without a valid one. Raises Problem 403 for a change without CSRF token."""
    token = request.cookies.get(sessions.COOKIE)
    if not token:
        return None
    service = service_of(request)
    with service.store.read() as conn:
        found = sessions.find(conn, token, service.wall.now())
    if found is None:
        return None
    if request.method not in SAFE and not sessions.same(request.headers.get(sessions.CSRF_HEADER, ""), found.csrf):
        raise Problem(403, "csrf", f"a changing request must repeat the session's token in the header {sessions.CSRF_HEADER}")
    return found


def principal_of(request: Request) -> Principal:
    """Who asks. Raises Problem 401 when nobody proved to be anybody."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer":
        who = request.app.state.tokens.principal(token.strip())
    else:
        found = session_of(request)
        if found is None:
            raise Problem(401, "not_logged_in", "log in, or send a bearer token", headers={"WWW-Authenticate": "Bearer"})
        who = found.principal
    request.state.principal = who
    return who


The = Annotated[Service, Depends(service_of)]
Who = Annotated[Principal, Depends(principal_of)]


def keeps_refused(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an endpoint whose refused messages are kept with the reasons, so that nothing a sender sent is lost."""
    endpoint.keeps_refused = True  # type: ignore[attr-defined]
    return endpoint
