"""The call sheet: who should be called today and why, on paper too; a patient's own limits at which somebody is told."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from dosetwin.errors import InputError
from dosetwin.io.text import number
from dosetwin.quantities import QUANTITIES
from dosetwin.serve.installed import Followed
from dosetwin.serve.live.calls import TONES, calls, limit_words
from dosetwin.serve.service import Service
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.store.writer import no_room
from dosetwin.serve.summary import thresholds
from dosetwin.serve.web import ward as wards
from dosetwin.serve.web.entering import PatientId
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, page, zone_of
from dosetwin.serve.web.patient_page import back

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/calls")
def call_sheet(request: Request, reader: Reading, ward: str = "") -> HTMLResponse:
    """Patients to call today, worst first, with room to write what was said."""
    service, zone = reader.service, zone_of(reader.service)
    reach = service.reach(reader.who)
    with service.store.read() as conn:
        rows = [r for r in reach.patients(conn) if not ward or r["ward"] == ward]
        every = sorted({r["ward"] for r in reach.patients(conn)})
        found = calls(rows, reach.alerts(conn), reach.now)
        ids = {c.patient for c in found}
        people: Any = reach.people(conn, [r for r in rows if r["id"] in ids], wards.people_of(service))
    try:
        service.audited(reader.who, "read", detail={"what": "calls", "lines": len(found)})
    except Exception as error:
        if not no_room(error):
            raise
        people = {}  # what cannot be noted in the trail is not shown: by bed, without names
    return page(
        request, "calls.html.j2", reader, "calls", ward=ward, wards=every, now=zone.long(reach.now),
        counts={tone: sum(c.tone == tone for c in found) for tone in TONES},
        may_record=reader.who.may("record"), followed=len({r["id"] for r in rows}),
        calls=[
            {
                "id": c.patient, "tone": c.tone, "label": c.label or c.patient[:8], "ward": c.ward,
                "name": getattr(people.get(c.patient), "name", ""),
                "numbers": " ".join(getattr(people.get(c.patient), "identifiers", {}).values()),
                "why": [zone.retold(w) for w in c.why], "orders": c.orders,
                "due": [(what, zone.short(at)) for what, at in c.due],
                "limits": [f"{_text(q)} {said}" for q, said in c.limits],
            }
            for c in found
        ],
    )  # fmt: skip


def _text(quantity: str) -> str:
    """A quantity in a word."""
    return QUANTITIES[quantity].text if quantity in QUANTITIES else f"{quantity} level"


@router.get("/patient/{id}/limits")
def limits_page(request: Request, id: PatientId, reader: Reading) -> HTMLResponse:
    """The limits of one patient."""
    return _limits(request, reader, id)


def _limits(request: Request, reader: Reader, id_: str, wrong: str = "", typed: Any = None, status: int = 200) -> HTMLResponse:
    service = reader.service
    reach = service.reach(reader.who)
    with service.store.read() as conn:
        row = reach.patient(conn, id_)
        facts = reach.facts(conn, id_)
    now = thresholds(facts)
    offered = _offered(service)
    return page(
        request, "limits.html.j2", reader, "calls", status=status, id=id_, ward=row["ward"], wrong=wrong,
        typed=typed or {"quantity": "", "below": "", "above": ""},
        may_record=reader.who.may("record"),
        offered=[{"name": q, "text": _text(q), "unit": _unit(q)} for q in offered],
        limits=[{"name": q, "text": _text(q), "said": limit_words(b)} for q, b in now.items()],
    )  # fmt: skip


def _offered(service: Service) -> list[str]:
    """What is measured of the therapies that are followed here, each once."""

    def of(f: Followed) -> list[str]:
        return [f.therapy.watched, *f.therapy.listed, *([f.therapy.sampling.of] if f.therapy.sampling.of else [])]

    from dosetwin.serve.store.facts import measurable

    known = set(measurable())
    return [q for q in dict.fromkeys(q for f in service.installed.followed for q in of(f)) if q in known]


def _unit(quantity: str) -> str:
    from dosetwin import formulary

    return formulary.measured(quantity).unit


@router.post("/patient/{id}/limits")
def set_limits(
    request: Request, id: PatientId, reader: Reading, token: Token = "",
    quantity: Annotated[str, Form(max_length=64)] = "", below: Annotated[str, Form(max_length=20)] = "",
    above: Annotated[str, Form(max_length=20)] = "",
) -> Response:  # fmt: skip
    """Be told of a value below or above; both left empty end it."""
    reader.same_form(token)
    typed = {"quantity": quantity, "below": below, "above": above}
    service = reader.service
    if quantity not in _offered(service):
        return _limits(request, reader, id, "Choose what is measured.", typed, 422)
    try:
        numbers = {k: number(v, comma=True) for k, v in (("below", below), ("above", above)) if v.strip()}
        if None in numbers.values():
            raise ValueError("no number")
        body = {"kind": "alert_threshold", "quantity": quantity, "unit": _unit(quantity), **numbers}
        fact = NewFact.model_validate({"at": service.clock.now(), "body": body})
    except (ValidationError, InputError, ValueError):
        said = "Two numbers, 0 or more, the lower one first; leave a side empty that does not matter."
        return _limits(request, reader, id, said, typed, 422)

    def change(conn: Any, reach: Any) -> None:
        reach.patient(conn, id, "record")
        service.ledger.record(conn, reader.who, [(id, fact)], reach.now)

    service.change(reader.who, change)
    service.refresh(id)
    return back(request, f"{id}/limits")
