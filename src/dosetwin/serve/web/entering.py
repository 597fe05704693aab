"""What a reader brings to a record: a value, an answer to a doubt, an acknowledgement, a reason to open it in an emergency."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from dosetwin.checks.record import highest
from dosetwin.errors import InputError
from dosetwin.serve.audit import stamp
from dosetwin.serve.live.routes import Acknowledged, acknowledge
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.sure import sure
from dosetwin.serve.web import entries, planning
from dosetwin.serve.web.frame import PageRoute, Reading, Token, zone_of
from dosetwin.serve.web.patient_page import ByTherapy, PatientId, Typed, back, offered_to, shown

router = APIRouter(route_class=PageRoute, include_in_schema=False)


def _recorded(reader: Reading, id: str, fact: NewFact) -> str:
    """``entered``, or ``known`` where the fact was on record. Raises InputError for what cannot be kept."""
    service = reader.service

    def change(conn: Any, reach: Any) -> Any:
        reach.patient(conn, id, "record")
        return service.ledger.record(conn, reader.who, [(id, fact)], reach.now)[0]

    return "known" if service.change(reader.who, change).known else "entered"


@router.post("/patient/{id}/enter")
def enter(
    request: Request,
    id: PatientId,
    reader: Reading,
    token: Token = "",
    kind: Typed = "level",
    value: Typed = "",
    unit: Typed = "",
    at: Typed = "",
    below: Typed = "",
    assay: Typed = "",
    offset: Typed = "",
    therapy: ByTherapy = "",
    certain: Annotated[str, Form(max_length=500, alias="sure")] = "",
) -> Response:
    """A value typed in: recorded, and the twin updated before the page comes back. What is unusual is asked about first."""
    reader.same_form(token)
    service = reader.service
    typed = entries.Entry(kind, value, unit, at, bool(below), assay, offset, certain)
    with service.store.read() as conn:
        known = service.known(conn, service.reach(reader.who), id)
    followed = offered_to(service, known, therapy)
    top = highest(known.timeline(followed[0].drug))
    fact, bad = entries.checked(typed, service.clock.now(), entries.choices(followed), zone_of(service), top)
    if fact is None:
        return shown(request, id, reader, entry=typed, entry_wrong=bad, status=422, therapy=therapy)

    try:
        sure(service, reader.who, id, [fact])
    except Problem as problem:
        if problem.code not in ("not_confirmed", "not_accepted"):
            raise
        told = "; ".join(f"{e['message']}; found {e['value']}, expected {e['expected']}" for e in problem.errors or [])
        field = "ask" if problem.code == "not_confirmed" else "other"
        return shown(request, id, reader, entry=typed, entry_wrong={field: told}, status=problem.status, therapy=therapy)

    try:
        done = _recorded(reader, id, fact)
    except InputError as error:
        return shown(request, id, reader, entry=typed, entry_wrong={"other": str(error)}, status=422, therapy=therapy)
    service.refresh(id)
    more = f"&therapy={therapy}" if therapy else ""
    return back(request, f"{id}?said={done}{more}")


@router.post("/patient/{id}/plan")
def enter_plan(
    request: Request,
    id: PatientId,
    reader: Reading,
    token: Token = "",
    drug: Typed = "",
    action: Typed = "begins",
    start: Typed = "",
    amount: Typed = "",
    every: Typed = "",
    over: Typed = "",
    offset: Typed = "",
    therapy: ByTherapy = "",
    withdraw: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """A plan typed in, or one withdrawn: recorded, and the twin asked again before the page comes back."""
    reader.same_form(token)
    service, zone, now = reader.service, zone_of(reader.service), reader.service.clock.now()
    typed = planning.Plan(drug, action, start, amount, every, over, offset)
    with service.store.read() as conn:
        known = service.known(conn, service.reach(reader.who), id)
    of = service.chosen(known, therapy)
    if withdraw:
        typed = planning.fresh(now, zone)
        if withdraw not in {p["drug"] for p in planning.standing(known.facts, of.drug, zone)}:
            return shown(request, id, reader, plan=typed, plan_wrong={"drug": "no such plan stands"}, status=422, therapy=therapy)
        body = {"kind": "planned", "drug": withdraw, "action": "withdrawn", "start": now}
        fact, bad = NewFact.model_validate({"at": now, "body": body}), {}
    else:
        fact, bad = planning.checked(typed, now, planning.offered(of), zone, highest(known.timeline(of.drug)))
    if fact is None:
        return shown(request, id, reader, plan=typed, plan_wrong=bad, status=422, therapy=therapy)
    try:
        done = _recorded(reader, id, fact)
    except InputError as error:
        return shown(request, id, reader, plan=typed, plan_wrong={"drug": str(error)}, status=422, therapy=therapy)
    service.refresh(id)
    more = f"&therapy={therapy}" if therapy else ""
    return back(request, f"{id}?said={done}{more}#record")


@router.post("/patient/{id}/held/{event}")
def answer_held(
    request: Request,
    id: PatientId,
    event: PatientId,
    reader: Reading,
    token: Token = "",
    action: Typed = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """A record the twin left out: confirmed (it is used from now on) or taken back, with a reason either way."""
    reader.same_form(token)
    service = reader.service
    if len(reason.strip()) < 3 or action not in ("confirm", "retract"):
        why = wrong("record", "reason", reason, "why it is right, or wrong, in a few words", "an answer needs a reason")
        found = {"title": "Not recorded", "errors": [why]}
        return shown(request, id, reader, problem=found, status=422)
    said = " ".join(reason.split())

    def change(conn: Any, reach: Any) -> Any:
        reach.patient(conn, id, "answer" if action == "confirm" else "correct")
        if action == "confirm":
            return service.ledger.confirm(conn, reader.who, id, event, said, reach.now)
        return service.ledger.correct(conn, reader.who, id, event, None, said, reach.now)

    service.change(reader.who, change)
    service.refresh(id)
    done = "confirmed" if action == "confirm" else "retracted"
    return back(request, f"{id}?said={done}")


@router.post("/patient/{id}/seen/{alert}")
def seen_alert(
    request: Request,
    id: PatientId,
    alert: PatientId,
    reader: Reading,
    token: Token = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Acknowledge an alert, with a reason."""
    reader.same_form(token)
    if len(reason.strip()) < 3:
        found = {
            "title": "Not acknowledged",
            "errors": [wrong("alert", "reason", reason, "a few words", "an acknowledgement needs a reason")],
        }
        return shown(request, id, reader, problem=found, status=422)
    acknowledge(alert, Acknowledged(reason=" ".join(reason.split())), reader.service, reader.who, Response())
    return back(request, f"{id}?said=seen")


@router.post("/patient/{id}/open")
def open_record(
    request: Request, id: PatientId, reader: Reading, token: Token = "", reason: Annotated[str, Form(max_length=1000)] = ""
) -> Response:
    """Break the glass."""
    reader.same_form(token)
    if len(reason.strip()) < 10:
        raise Problem(
            422,
            "not_accepted",
            "the record was not opened",
            [wrong("opening", "reason", reason, "at least 10 characters", "too short")],
            break_glass=True,
        )
    lasts = timedelta(minutes=reader.service.settings.break_glass_minutes)

    def change(conn: Any, reach: Any) -> None:
        expires, sealed = reach.open_record(conn, id, reason.strip(), lasts)
        reader.service.trail.add(
            conn, reach.now, reader.who, "break_glass", patient=id, detail={"until": stamp(expires), "sealed": sealed}
        )

    reader.service.change(reader.who, change)
    return back(request, f"{id}?said=opened")
