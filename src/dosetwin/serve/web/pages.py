"""The page's routes: login, ward list, news, models, audit and static files; those of a patient, of cases and of results join."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from dosetwin import words
from dosetwin.serve.auth import demo_users, sessions
from dosetwin.serve.live.alerts import alerts_of
from dosetwin.serve.live.streams import states_of
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.routes.session import set_cookie
from dosetwin.serve.store.writer import no_room
from dosetwin.serve.wardlist import DUE_WITHIN, line, ordered
from dosetwin.serve.web import (
    answering,
    calls,
    cases,
    changes,
    entering,
    insulin,
    new_patient,
    patients,
    places,
    results,
    running,
    stream,
    ward,
)
from dosetwin.serve.web.assets import FOREVER, asset
from dosetwin.serve.web.frame import (
    LANGUAGE,
    PageRoute,
    Reader,
    Reading,
    Token,
    environment,
    local_path,
    page,
    service_of,
    zone_of,
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)
for part in (
    cases.router,
    new_patient.router,
    running.router,
    calls.router,
    changes.router,
    patients.router,
    answering.router,
    entering.router,
    insulin.router,
    results.router,
    places.router,
    stream.router,
):
    router.include_router(part)


@router.get("/static/{digest}/{name}")
def static(request: Request, digest: str, name: str) -> Response:
    """A script or a style; its address holds its hash, so browsers keep it."""
    try:
        found = asset(name)
    except KeyError:
        raise Problem(404, "not_found", "no such file") from None
    packed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Vary": "Accept-Encoding", "Cache-Control": FOREVER if digest == found.digest else "no-cache"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(found.packed if packed else found.body, media_type=found.media, headers=headers)


# ------------------------------------------------------------------------------------------------------------------ login


@router.get("/login")
def login_page(request: Request, next: str = "/") -> HTMLResponse:
    """Who are you."""
    return _login(request, next)


def _login(request: Request, next_: str, status: int = 200, problem: dict[str, Any] | None = None) -> HTMLResponse:
    service = service_of(request)
    users = [
        {"name": n, "full": p.name, "role": ", ".join(sorted(p.roles)), "ward": ", ".join(sorted(p.wards))}
        for n, p in demo_users.USERS.items()
    ]
    target = local_path(next_)
    return page(
        request,
        "login.html.j2",
        None,
        status=status,
        next=target,
        this_page=quote(f"/login?{urlencode({'next': target})}"),
        users=users if service.settings.demo else [],
        provider=bool(service.settings.oidc_issuer),
        wrong=problem,
    )


@router.post("/login")
def log_in(
    request: Request,
    username: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Begin a session as one of the demo's people; elsewhere people come through the identity provider."""
    service = service_of(request)
    if not service.settings.demo:
        raise Problem(403, "no_local_users", "log in through the identity provider")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "csrf", "log in from this service's own page")
    who = demo_users.check(username, password)
    if who is None:
        return _login(
            request,
            next,
            401,
            {"title": "Not logged in", "errors": [wrong("login", "", None, "", "no such user, or another password")]},
        )
    token, _ = service.log_in(who, instead_of=request.cookies.get(sessions.COOKIE))
    response = RedirectResponse(request.scope.get("root_path", "") + local_path(next), 303)
    set_cookie(response, service.settings, token)
    return response


@router.post("/logout")
def log_out(request: Request, reader: Reading, token: Token = "") -> Response:
    """End the session."""
    reader.same_form(token)
    cookie = request.cookies[sessions.COOKIE]
    reader.service.log_out(reader.who, cookie)
    response = RedirectResponse(f"{request.scope.get('root_path', '')}/login", 303)
    response.delete_cookie(sessions.COOKIE, path="/")
    return response


# ------------------------------------------------------------------------------------------------------------------- ward

Short = Annotated[str, Query(max_length=64)]


def _ward_data(reader: Reader, ward_: str, show: str, find: str, sort: str, order: str, units: str = "") -> dict[str, Any]:
    reach, zone = reader.service.reach(reader.who), zone_of(reader.service)
    with reader.service.store.read() as conn:
        found = reach.patients(conn)
        people = {} if ward.withheld(reader.service) else reach.people(conn, found, ward.people_of(reader.service))
        alerts = [a for a in alerts_of(reach.alerts(conn)) if a.waiting]
    waiting = Counter(a.patient_id for a in alerts)
    every = [line(r, reach.now) | {"alerts": waiting[r["id"]], "reader": reader.who.subject} for r in found]
    for x in every:
        who = people.get(x["id"])
        x |= {"person": "" if who is None else who.name, "numbers": "" if who is None else " ".join(who.identifiers.values())}
    twice = ward.doubles(every)
    for x in every:
        x["twice"] = twice.get(x["id"], "")
    wards = sorted({x["ward"] for x in every})
    lines = ordered([x for x in every if not ward_ or x["ward"] == ward_])
    kept = ward.chosen(lines, show=show, find=find, sort=sort, order=order)
    return {
        "lines": lines,
        "rows": [ward.row(x, reach.now, zone, len(wards) > 1 and not ward_, units) for x in kept],
        "working": sum(x["behind"] for x in every),
        "wards": wards,
        "now": reach.now,
    }


@router.get("/")
def ward_page(
    request: Request,
    reader: Reading,
    ward: Short = "",
    show: Short = "",
    find: Short = "",
    sort: Short = "need",
    order: Short = "asc",
) -> Response:
    """The ward list; a role that reads no patients is led to what it may see."""
    root = request.scope.get("root_path", "")
    if not reader.who.may("read"):
        return RedirectResponse(f"{root}{'/audit' if reader.who.may('audit') else '/models'}", 303)
    return _ward_page(request, reader, {"ward": ward, "show": show, "find": find, "sort": sort, "order": order})


def _ward_page(request: Request, reader: Reader, query: dict[str, str]) -> HTMLResponse:
    root = request.scope.get("root_path", "")
    units = request.cookies.get("units", "")
    asked = (query["ward"], query["show"], query["find"], query["sort"], query["order"], units)
    data = _ward_data(reader, *asked)
    try:
        reader.service.audited(reader.who, "read", detail={"what": "list", "lines": len(data["rows"])})
        ward.withhold(reader.service, False)
    except Exception as error:
        if not no_room(error):
            raise
        ward.withhold(reader.service, True)  # what cannot be noted in the trail is not shown: the list goes on, by bed
        data = _ward_data(reader, *asked)
    name = query["ward"] or (data["wards"][0] if len(data["wards"]) == 1 else "All wards" if data["wards"] else "Ward")
    return page(
        request,
        "ward.html.j2",
        reader,
        "ward",
        ward_name=name,
        rows=data["rows"],
        total=len(data["lines"]),
        wards=data["wards"],
        tabs=ward.tabs(data["lines"], query, root, reader.service.installed.watched),
        columns=ward.columns(query, root),
        now=zone_of(reader.service).long(data["now"]),
        due_h=f"{DUE_WITHIN / timedelta(hours=1):g}",
        notes=[t.watch.note for t in reader.service.installed.watched],
        can_import=reader.who.may("record"),
        feeds=[f for f in states_of(request.app) if not f.up or f.silent],
        working=data["working"],
        units=units,
        other_units=next(u for u in ward.UNITS if u != units) if units in ward.UNITS else "",
        units_words=ward.UNITS,
        ward=query["ward"],
        show=query["show"],
        find=query["find"],
        sort=query["sort"],
        order=query["order"],
    )


@router.get("/units")
def units(request: Request, to: Short = "") -> Response:
    """Laboratory results of the list in other units from now on, on this browser."""
    response = RedirectResponse(f"{request.scope.get('root_path', '')}/", 303)
    response.set_cookie("units", to if to in ward.UNITS else "", max_age=365 * 86400, httponly=True, samesite="strict", path="/")
    return response


@router.get("/language")
def language(request: Request, to: Short = "", next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """The pages in another language from now on, on this browser."""
    response = RedirectResponse(request.scope.get("root_path", "") + local_path(next), 303)
    if words.known(to):
        response.set_cookie(LANGUAGE, to, max_age=365 * 86400, httponly=True, samesite="lax", path="/")
    return response


@router.get("/ward-rows")
def ward_rows(
    request: Request,
    reader: Reading,
    ward: Short = "",
    show: Short = "",
    find: Short = "",
    sort: Short = "need",
    order: Short = "asc",
) -> JSONResponse:
    """The rows again, for a page that is open."""
    return _rows(request, reader, ward, show, find, sort, order)


def _rows(request: Request, reader: Reader, *query: str) -> JSONResponse:
    from dosetwin.serve.web.frame import ICONS

    data = _ward_data(reader, *query, units=request.cookies.get("units", ""))
    text = (
        environment().get_template("rows.html.j2").render(rows=data["rows"], root=request.scope.get("root_path", ""), icons=ICONS)
    )
    return JSONResponse({"rows": text, "counts": ward.counts(data["lines"], reader.service.installed.watched)})


@router.get("/news")
def news(reader: Reading, since: Annotated[str, Query(max_length=64, pattern=r"^(\d{1,18}\.\d{1,18})?$")] = "") -> JSONResponse:
    """The patients that changed since a cursor."""
    reach = reader.service.reach(reader.who)
    with reader.service.store.read() as conn:
        cursor, ids = reach.changes(conn, since)
    return JSONResponse({"cursor": cursor, "patients": ids})


# ---------------------------------------------------------------------------------------------------------- models, audit


@router.get("/models")
def models_page(request: Request, reader: Reading) -> HTMLResponse:
    """The models, and the card of the one in use."""
    return _models(request, reader, "")


@router.get("/models/{name}")
def model_page(request: Request, reader: Reading, name: Annotated[str, Path(max_length=100)]) -> HTMLResponse:
    """The models and one model's card."""
    return _models(request, reader, name)


def _models(request: Request, reader: Reader, name: str) -> HTMLResponse:
    from dosetwin.report.card import card
    from dosetwin.serve.twins import model_hash, model_named, model_names

    reader.service.reach(reader.who).need("models")
    in_use = reader.service.installed.first.model
    chosen = name or in_use
    if chosen not in model_names():
        raise Problem(404, "not_found", "no such model", [wrong("model", "name", chosen, "a name of the list of models")])
    found = [model_named(n) for n in model_names()]
    listed = [{"name": m.name, "title": m.title, "drug": m.drug, "population": m.population} for m in found]
    return page(
        request,
        "models.html.j2",
        reader,
        "models",
        models=listed,
        in_use=in_use,
        card=card(model_named(chosen)),
        hash=f"SHA-256 {model_hash(chosen)}",
    )


@router.get("/audit")
def audit_page(
    request: Request, reader: Reading, before: Annotated[int, Query(ge=0, le=2**53)] = 2**53, find: Short = ""
) -> HTMLResponse:
    """The newest entries of the trail; ``find``: those of one person, deed, outcome or patient's id."""
    return _audit(request, reader, before, None, find.strip())


@router.post("/audit")
def audit_verify(request: Request, reader: Reading, token: Token = "") -> HTMLResponse:
    """Check the whole chain."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("audit")
    with reader.service.store.read() as conn:
        verdict = reader.service.verified(conn)
    reader.service.audited(reader.who, "verify_audit", detail={"ok": verdict.ok, "entries": verdict.entries})
    return _audit(request, reader, 2**53, verdict)


def _audit(request: Request, reader: Reader, before: int, verdict: Any, find: str = "") -> HTMLResponse:
    reach, most = reader.service.reach(reader.who), 100
    with reader.service.store.read() as conn:
        rows = reach.audit(conn, None, before, most, find)
    entries = [
        {
            **{k: r[k] for k in ("seq", "actor", "roles", "action", "patient_id", "outcome", "hash")},
            "at": zone_of(reader.service).exact(r["at"]),
        }
        for r in rows
    ]
    return page(
        request,
        "audit.html.j2",
        reader,
        "audit",
        entries=entries,
        verdict=verdict,
        find=find,
        more=rows[-1]["seq"] if len(rows) == most else None,
    )
