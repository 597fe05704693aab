"""The page of those who run the service: feeds and their lag, work that waits, refused messages, therapies, sessions, roles."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import MAY
from dosetwin.serve.installed import Followed
from dosetwin.serve.live.streams import states_of
from dosetwin.serve.service import Service
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, ago, page, zone_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST = 50
"""Refused messages shown."""


@router.get("/service")
def service_page(request: Request, reader: Reading, said: str = "") -> HTMLResponse:
    """What runs here; each part to the roles that may see it."""
    service, reach, zone = reader.service, reader.service.reach(reader.who), zone_of(reader.service)
    reach.need("models")
    now = reach.now
    refused: list[dict[str, Any]] = []
    with service.store.read() as conn:
        if reader.who.may("rejected"):
            refused = [
                {"id": r["id"], "at": zone.short(r["at"]), "ago": ago(r["at"], now), "source": r["source"], "by": r["actor"],
                 "why": "; ".join(_reason(x) for x in r["reasons"])}
                for r in reach.rejected(conn, MOST)
            ]  # fmt: skip
        logged_in = sessions.all_of(conn, service.vault.seals, service.wall.now()) if _runs(reader) else []
    return page(
        request, "service.html.j2", reader, "service",
        said="The session is ended." if said == "ended" else "",
        feeds=[{"name": f.name, "up": f.up, "silent": f.silent, "why": f.why,
                "heard": "nothing yet" if f.heard_at is None else ago(f.heard_at, now)} for f in states_of(request.app)],
        ready=service.store.unready or "", working=service.waiting, refused=refused, may_refused=reader.who.may("rejected"),
        therapies=[_therapy(service, f) for f in service.installed.followed],
        runs=_runs(reader), sessions=[_session(h, s, began, zone) for h, s, began in logged_in],
        roles=[(role, ", ".join(sorted(may))) for role, may in MAY.items()],
    )  # fmt: skip


@router.post("/service/sessions/end")
def end_session(
    reader: Reading, request: Request, token: Token = "", session: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")] = ""
) -> Response:
    """Log somebody out everywhere that session is open."""
    reader.same_form(token)
    for action in ("metrics", "rejected"):
        reader.service.reach(reader.who).need(action)
    service = reader.service

    def change(conn: Any) -> None:
        noted = sessions.end_of(conn, session)
        service.trail.add(conn, service.clock.now(), reader.who, "end_session", detail={"sealed": noted})

    service.store.write(change)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/service?said=ended", 303)


def _runs(reader: Reader) -> bool:
    """Whether the reader's role runs the service."""
    return reader.who.may("metrics") and reader.who.may("rejected")


def _therapy(service: Service, f: Followed) -> dict[str, str]:
    """A therapy that is followed, and the wards whose usual one it is."""
    wards = ", ".join(w for w, names in service.installed.usual.items() if f.name in names)
    return {"name": f.name, "drug": f.drug, "for": f.therapy.population, "model": f.model, "note": f.therapy.note,
            "told": f.told or "", "wards": wards}  # fmt: skip


def _reason(r: Any) -> str:
    """A reason of a refused message: where, what, what would be right."""
    said = f"{r['field']}: {r['message']}" if r.get("field") else str(r.get("message", ""))
    return said + (f" (expected {r['expected']})" if r.get("expected") else "")


def _session(key: str, s: sessions.Session, began: datetime, zone: Any) -> dict[str, str]:
    who = s.principal
    return {"key": key, "who": who.name or who.subject, "roles": ", ".join(sorted(who.roles)), "how": who.how,
            "wards": ", ".join(sorted(who.wards)), "began": zone.short(began), "ends": zone.short(s.expires_at)}  # fmt: skip
