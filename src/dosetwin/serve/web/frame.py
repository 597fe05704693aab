"""What surrounds every page: who reads it, the templates, forms with their token, and errors a person can act on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from dosetwin import __version__, words
from dosetwin.errors import DosetwinError, InputError
from dosetwin.report import narrative
from dosetwin.serve.access import service_of
from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem, from_database, from_input_error
from dosetwin.serve.security import local_path as local_path
from dosetwin.serve.service import Service
from dosetwin.serve.store.writer import Closed
from dosetwin.serve.web.assets import asset, markers, plotly_file
from dosetwin.serve.zone import Zone

NAV = (
    ("ward", "Ward", "/", "read"),
    ("calls", "Calls", "/calls", "read"),
    ("beds", "Beds", "/beds", "read"),
    ("import", "Add a case", "/import", "record"),
    ("insulin", "Insulin", "/insulin", "ask"),
    ("replay", "Replay", "/results/replay", "models"),
    ("trial", "Trials", "/results/trial", "models"),
    ("models", "Models", "/models", "models"),
    ("service", "Service", "/service", "models"),
    ("audit", "Audit", "/audit", "audit"),
)
"""Key, text, address and the action a role must be allowed."""
ICONS = {
    "bad": Markup('<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M5 0 L10 9.5 L0 9.5 Z" fill="currentColor"/></svg>'),
    "warn": Markup('<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M5 0 L10 5 L5 10 L0 5 Z" fill="currentColor"/></svg>'),
    "good": Markup(
        '<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M1 5.2 L4 8.2 L9 1.8" fill="none" stroke="currentColor" '
        'stroke-width="2"/></svg>'
    ),
    "info": Markup('<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="4" fill="currentColor"/></svg>'),
}


@dataclass(frozen=True)
class Reader:
    """Who reads a page: the principal of the session, its form token, and the service."""

    who: Principal
    csrf: str
    service: Service

    def same_form(self, token: str) -> None:
        """Raises Problem 403 unless a form carries the session's token."""
        if not sessions.same(token, self.csrf):
            raise Problem(403, "csrf", "this form was not made by this session; load the page again and repeat")


def reader_of(request: Request) -> Reader:
    """Who is logged in. Raises Problem 401 when nobody is (the page then leads to the login)."""
    service = service_of(request)
    token = request.cookies.get(sessions.COOKIE)
    found = None
    if token:
        with service.store.read() as conn:
            found = sessions.find(conn, service.vault.seals, token, service.wall.now())
    if found is None:
        raise Problem(401, "not_logged_in", "please log in")
    request.state.principal = found.principal
    return Reader(found.principal, found.csrf, service)


Reading = Annotated[Reader, Depends(reader_of)]
Token = Annotated[str, Form(alias="csrf", max_length=200)]


@cache
def environment() -> Any:
    """Jinja with autoescape on: text from records is never markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("dosetwin.serve.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"percent": narrative.percent, "num": narrative.number, "signs": narrative.signs}
    words.teach(found)
    return found


def page(request: Request, template: str, reader: Reader | None, here: str = "", status: int = 200, **more: Any) -> HTMLResponse:
    """A page with what every page has."""
    root = request.scope.get("root_path", "")
    service = service_of(request)
    settings = service.settings
    user = None
    if reader is not None:
        user = {"name": reader.who.name or reader.who.subject, "roles": sorted(reader.who.roles), "can_leave": True}
    text = (
        environment()
        .get_template(template)
        .render(
            {
                "root": root,
                "csrf": reader.csrf if reader else "",
                "user": user,
                "nav": [] if reader is None else _nav(reader),
                "here": here,
                "languages": words.there(),
                "language": words.language(),
                "unsaid": len(words.unsaid(words.language())) if reader is not None and reader.who.may("models") else 0,
                "script_words": script_words(),
                "this_page": quote(_here(request)),
                "demo": settings.demo,
                "site": settings.site,
                "not_a_device": narrative.NOT_A_DEVICE,
                "version": __version__,
                "zone": zone_of(service).named(service.clock.now()),
                "zone_name": zone_of(service).name,
                "logout_url": "/logout",
                "static": lambda name: root + asset(name).path,
                "integrity": lambda name: asset(name).integrity,
                "charts_live": plotly_file() is not None,
                "plotly_markers": markers(),
                "icons": ICONS,
                **more,
            }
        )
    )
    return HTMLResponse(text, status)


LANGUAGE = "language"
"""The cookie that remembers the language somebody chose."""


def language_of(request: Request) -> str:
    """The language of a page: the one chosen on it, else the first of the browser's that there is, else the service's own."""
    chosen = request.cookies.get(LANGUAGE, "")
    return (
        chosen
        if words.known(chosen)
        else words.wanted(request.headers.get("accept-language", ""), service_of(request).settings.language)
    )


def _here(request: Request) -> str:
    """The address of a page to come back to; that of the list where it was the answer to a form."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path.removeprefix(request.scope.get('root_path', ''))}{query}" if request.method == "GET" else "/"


SCRIPT_WORDS = (
    "now", "live", "not connected", "past", "in {time}", "{time} after it", "outside {low} to {high} h", "dose recommended",
    "dose given",    "One file at a time, please.", "The session has ended: what is shown is no longer kept current.",
    "This record is no longer within your reach.", "Not current.", "New facts have arrived.", "Updated: {names}",
    "{shown} of {n} twins shown",
)  # fmt: skip
"""What the scripts of a page say, each by its English words."""


def script_words() -> dict[str, str]:
    """The words of the scripts in the language in force; nothing where it is their own."""
    name = words.language()
    return {} if name == words.ENGLISH else {w: words.wording(w) for w in SCRIPT_WORDS}


def _nav(reader: Reader) -> list[tuple[str, str, str]]:
    """Where the reader may go; to beds only where a ward of theirs is followed as a place."""
    places = reader.service.places.wards(reader.who)
    other = any(reader.service.places.pool(w).of != "beds" for w in places)
    mine = [x for x in NAV if reader.who.may(x[3]) and (x[0] != "beds" or places)]  # type: ignore[arg-type]
    return [(k, "Places" if k == "beds" and other else t, h) for k, t, h, _ in mine]


class PageRoute(APIRoute):
    """A route whose errors are pages: to the login when nobody is logged in, else what happened and what can be done."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The handler with its errors caught."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            with words.speaking(language_of(request)):
                return await answered(request)

        async def answered(request: Request) -> Response:
            try:
                return await inner(request)
            except DosetwinError as error:
                problem = from_input_error(error) if isinstance(error, InputError) else Problem(422, "not_accepted", str(error))
            except Problem as error:
                problem = error
            except (SQLAlchemyError, Closed) as error:
                found = from_database(error)
                if found is None:
                    raise
                problem = found
            if "application/json" in request.headers.get("accept", ""):
                raise problem
            if problem.status == 401:
                return to_login(request)
            return trouble(request, problem)

        return handler


def to_login(request: Request) -> Response:
    """Off to the login, and back here afterwards."""
    root = request.scope.get("root_path", "")
    back = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"{root}/login?next={quote(back)}", 303)


def trouble(request: Request, problem: Problem) -> HTMLResponse:
    """An error as a page."""
    try:
        reader = reader_of(request)
    except (Problem, SQLAlchemyError):
        reader = None
    patient = request.path_params.get("id", "") if problem.more.get("break_glass") else ""
    return page(request, "trouble.html.j2", reader, status=problem.status, problem=problem, patient=patient)


def zone_of(service: Service) -> Zone:
    """The ward's time zone, which every page names."""
    return Zone(service.settings.time_zone or "UTC")


_PREFIX = re.compile(r"(?:patient [0-9a-f-]{36}: |error \[\w+\] )")


def without_ids(text: str) -> str:
    """A reason without the record's id and the finding's code: who it is about stands on the page already."""
    return _PREFIX.sub("", text)


def ago(when: datetime, now: datetime) -> str:
    """``3 h ago``, ``in 40 min``, ``2 d ago``."""
    minutes = (now - when).total_seconds() / 60.0
    size = abs(minutes)
    text = f"{size:.0f} min" if size < 90 else f"{size / 60:.0f} h" if size < 48 * 60 else f"{size / 1440:.0f} d"
    return f"{text} ago" if minutes >= 0 else f"in {text}"
