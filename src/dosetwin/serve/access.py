"""Who is asking: the principal behind a request, from its session cookie (with CSRF check) or its bearer token."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from dosetwin.errors import one_line
from dosetwin.io.text import parse_json
from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem, wrong
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
        found = sessions.find(conn, service.vault.seals, token, service.wall.now())
    if found is None:
        return None
    if request.method not in SAFE and not sessions.same(request.headers.get(sessions.CSRF_HEADER, ""), found.csrf):
        raise Problem(403, "csrf", f"a changing request must repeat the session's token in the header {sessions.CSRF_HEADER}")
    return found


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def principal_now(request: Request) -> Principal:
    """Who asks. Raises Problem 401 when nobody proved to be anybody."""
    token = _bearer(request)
    if token is not None:
        who = request.app.state.tokens.principal(token)
    else:
        found = session_of(request)
        if found is None:
            raise Problem(401, "not_logged_in", "log in, or send a bearer token", headers={"WWW-Authenticate": "Bearer"})
        who = found.principal
    request.state.principal = who
    return who


async def _service(request: Request) -> Service:
    return service_of(request)


async def principal_of(request: Request) -> Principal:
    """As ``principal_now``, in a thread only where something must be looked up or checked."""
    token = _bearer(request)
    who = None if token is None else request.app.state.tokens.remembered(token)
    if who is None:
        return await run_in_threadpool(principal_now, request)
    request.state.principal = who
    return who


async def strict_json(request: Request) -> None:
    """Raise Problem 422 for JSON that says one thing twice, or NaN: what would count is not what somebody reads.

    Every route has this; a body that is no JSON at all is the framework's to refuse.
    """
    if request.method in SAFE or "json" not in request.headers.get("content-type", ""):
        return
    try:
        raw = await request.body()
        said = parse_json(raw.decode("utf-8"))
        if b"\\ud" in raw.lower():  # half of a pair cannot be stored, nor answered
            json.dumps(said, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError:
        return
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else "not usable JSON: " + one_line(str(error))[:120]
        raise Problem(422, "not_accepted", why, [wrong("body", "", None, "each name once, plain numbers", why)]) from None


The = Annotated[Service, Depends(_service)]
Who = Annotated[Principal, Depends(principal_of)]


def keeps_refused(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an endpoint whose refused messages are kept with the reasons, so that nothing a sender sent is lost."""
    endpoint.keeps_refused = True  # type: ignore[attr-defined]
    return endpoint
