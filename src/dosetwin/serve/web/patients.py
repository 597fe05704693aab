"""A patient's pages: the twin's answer, what-if, accepting or overriding, entering a value, opening a record in an emergency."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from markupsafe import Markup
from pydantic import ValidationError

from dosetwin.advise.kidney import NAMES as KIDNEYS
from dosetwin.errors import InputError
from dosetwin.io.text import number
from dosetwin.serve import override as overrides
from dosetwin.serve.audit import stamp
from dosetwin.serve.live.alerts import alerts_of
from dosetwin.serve.live.routes import Acknowledged, acknowledge
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.routes.advice import Answered, Given
from dosetwin.serve.service import Service
from dosetwin.serve.summary import kidney as kidney_by_criteria
from dosetwin.serve.sure import sure, waiting
from dosetwin.serve.timeline import in_force
from dosetwin.serve.twins import Memory, kidney_for
from dosetwin.serve.web import entries
from dosetwin.serve.web.charts import svg
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, environment, page, zone_of
from dosetwin.serve.web.look import Look, after_clinical, events_of, history_of, look
from dosetwin.serve.web.picture import charts_json
from dosetwin.serve.web.scenario import scenario as scenario_of
from dosetwin.serve.web.tries import asked_of, try_out
from dosetwin.serve.zone import Zone

router = APIRouter(route_class=PageRoute, include_in_schema=False)
BabyId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
Typed = Annotated[str, Form(max_length=60)]
ByKidney = Annotated[str, Query(pattern=f"^({'|'.join(KIDNEYS)})?$")]
KEPT = 64
"""Pages remembered: drawn once per state of a twin."""
JUMPS = (
    ("advice", "Advice"),
    ("curve", "Curve"),
    ("regimens", "Regimens"),
    ("kidney", "Kidney"),
    ("infection", "Infection"),
    ("record", "Record"),
    ("doubts", "Doubts"),
    ("model", "Model"),
    ("history", "History"),
)
SAID = {
    "accepted": "Accepted and recorded.",
    "overridden": "Override recorded.",
    "entered": "Recorded. The twin has been updated.",
    "known": "That was recorded before; nothing was stored twice.",
    "confirmed": "Confirmed: the twin uses it from now on.",
    "retracted": "Taken back: the twin does not use it. Both stay on record.",
    "seen": "Acknowledged.",
    "opened": "The record is open for a limited time. It was noted who opened it, when and why.",
    "imported": "The case is stored and the twin is made.",
    "same": "Computed again from what is stored: the answer is identical.",
    "changed": "Computed again: the answer differs. See the audit trail.",
}


def kept_of(request: Request) -> Memory:
    """The pages drawn before, kept with the running application."""
    state = request.app.state
    if not hasattr(state, "pages_drawn"):
        state.pages_drawn = Memory(KEPT)
    return state.pages_drawn


@router.get("/patient/{id}")
def patient_page(
    request: Request,
    id: BabyId,
    reader: Reading,
    said: Annotated[str, Query(max_length=20)] = "",
    doubts: bool = False,
    scenario: bool = False,
    kidney: ByKidney = "",
    amount: Annotated[str, Query(max_length=20)] = "",
    interval: Annotated[str, Query(max_length=20)] = "",
    delay: Annotated[str, Query(max_length=20)] = "",
    loading: Annotated[str, Query(max_length=20)] = "",
    sample: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """The page."""
    given = {"amount": amount, "loading": loading, "interval": interval, "delay": delay, "sample": sample}
    return _patient_page(request, id, reader, said=SAID.get(said, ""), doubts=doubts, infection=scenario, given=given,
                 kidney=kidney)  # fmt: skip


def _back(request: Request, to: str) -> RedirectResponse:
    """To a patient's page (id, query and place) after something was done."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/patient/{to}", 303)


@router.get("/baby/{rest:path}")
def earlier(request: Request, rest: str) -> RedirectResponse:
    """Where a patient's pages stood in the first release: bookmarks and printed links still arrive."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/patient/{quote(rest)}{query}", 308)


@router.get("/patient/{id}/print")
def printed(request: Request, id: BabyId, reader: Reading, kidney: ByKidney = "") -> HTMLResponse:
    """The same, laid out for paper."""
    return _patient_page(request, id, reader, template="print.html.j2", kidney=kidney)


def _patient_page(
    request: Request,
    id_: str,
    reader: Reader,
    *,
    said: str = "",
    doubts: bool = False,
    infection: bool = False,
    given: dict[str, str] | None = None,
    entry: entries.Entry | None = None,
    entry_wrong: dict[str, str] | None = None,
    problem: dict[str, Any] | None = None,
    override_open: bool = False,
    override: Mapping[str, str] | None = None,
    override_ask: str = "",
    status: int = 200,
    template: str = "patient.html.j2",
    kidney: str = "",
) -> HTMLResponse:
    service = reader.service
    usual = kidney_for(service.settings.model, service.settings.kidney)
    kidney = "" if usual is None or kidney == usual else kidney
    seen = look(service, reader.who, id_, kept_of(request), doubts=doubts, kidney=kidney)
    reach, zone = service.reach(reader.who), zone_of(service)
    with service.store.read() as conn:
        rows, answers = reach.advice_of(conn, id_)[:30], reach.answers(conn, id_)
        stored = {r["id"]: reach.advice(conn, r["id"])["answer"] for r in rows[:10]}
        person = reach.person(conn, id_)[1]
        alerts = [a for a in alerts_of(reach.alerts(conn, id_)) if a.ended_at is None]
    history = history_of(rows, answers, stored, zone)
    service.audited(reader.who, "read", patient=id_, detail={"what": "page"})
    p = seen.picture
    # an answer stands until a fact changes the twin
    latest = next((h for h in history if h["decision"] and not after_clinical(seen.known.facts, h["through_seq"])), None)
    answered = None
    if latest is not None:
        answered = {
            "text": latest["answer"],
            "accepted": latest["decision"] == "accepted",
            "tone": latest["tone"],
            "would": latest["would"],
            "advice": latest["text"],
            "kidney": latest["kidney"],
            "by": latest["decided_by"],
            "at": latest["decided_at"],
            "reason": latest["reason"],
        }
    tried, asked = None, dict.fromkeys(("amount", "loading", "interval", "delay", "sample"), "")
    if given and any(given.values()) and p is not None and p["whatif"]:
        asked = given
        tried = _tried(seen, given, zone)
    now = reach.now
    typed = entry or entries.fresh(now, zone)
    held = waiting(seen.advice.recommendation.to_json(), seen.known.facts) if seen.advice is not None else []
    charts = dict(p["charts"]) if p else {}
    told = _infection(request, service, seen) if infection and seen.advice is not None else None
    charts |= told["charts"] if told else {}
    return page(
        request,
        template,
        reader,
        "ward",
        status,
        id=id_,
        name=seen.name,
        p=p,
        state=seen.state,
        state_followed=seen.state_with(usual) if kidney else seen.state,
        asked_with=kidney,
        and_kidney=f"&kidney={kidney}" if kidney else "",
        usual_kidney=usual,
        kidneys=[{"name": k, "usual": k == usual, "asked": k == (kidney or usual)} for k in KIDNEYS] if usual else [],
        failure=seen.failure,
        said=said,
        wrong=problem,
        person=person,
        synthetic=bool(seen.row["synthetic"]),
        flags=_flags(seen, now),
        jumps=[j for j in JUMPS if (j[0] == "history" and history) or j[0] == "record" or (p and j[0] != "history")],
        stills={code: Markup(svg(c, height=360.0 if code == "level" else 300.0)) for code, c in charts.items()},
        charts_json=Markup(_json(charts_json(charts))),
        infection=told,
        answered=answered,
        can_answer=reader.who.may("answer"),
        override_open=override_open,
        override=override or dict.fromkeys(("amount_mg", "interval_h", "reason"), ""),
        override_ask=override_ask,
        tried=tried,
        asked=asked,
        events=events_of(seen.known.facts, now, zone, [h["event"] for h in held]),
        can_record=reader.who.may("record"),
        units=entries.UNITS,
        assays=entries.ASSAYS,
        entry=typed,
        entry_choices=zone.choices(typed.at),
        entry_wrong={"value": "", "at": "", "other": "", "ask": ""} | (entry_wrong or {}),
        held=held,
        can_correct=reader.who.may("correct"),
        history=history,
        alerts=[_alert(a, zone) for a in alerts],
        can_replay=reader.who.may("replay"),
        doubts_asked=bool(p and p["doubts"]),
    )


def _alert(a: Any, zone: Zone) -> dict[str, Any]:
    """An open alert in words."""
    return {
        "id": a.id,
        "tone": {"critical": "bad", "warning": "warn"}.get(a.severity, "info"),
        "severity": a.severity,
        "text": zone.retold(a.text) or a.code.replace("_", " "),
        "at": zone.short(a.raised_at),
        "repeats": a.repeats,
        "waiting": a.waiting,
        "by": a.acknowledged_by,
        "reason": a.reason,
    }


def _infection(request: Request, service: Service, seen: Look) -> dict[str, Any]:
    """The research scenario of this state, computed once."""
    key = f"{seen.state}:{seen.question.now.isoformat()}:infection"
    kept = kept_of(request)
    found = kept.get(key)
    if found is None:
        found = service.pool.run(scenario_of, seen.advice, zone_of(service))
        kept.put(key, found)
    return found


def _flags(seen: Look, now: Any) -> list[dict[str, str]]:
    out = []
    p = seen.picture
    if p is None:
        return [{"text": "no twin", "tone": "bad"}]
    if p["doubted"] or p["contradicted"]:
        out.append({"text": "level in doubt", "tone": "bad"})
    if kidney_by_criteria(in_force(seen.known.facts))["turning"]:
        out.append({"text": "kidney turning", "tone": "warn"})
    if p["kidney"]["turning"]:
        out.append({"text": "kidney injury expected", "tone": "bad"})
    regimen = seen.advice.regimen if seen.advice else None
    origin = seen.advice.timeline.origin if seen.advice else None
    if regimen is not None and origin is not None and origin + timedelta(hours=regimen.first_at) < now:
        out.append({"text": "dose due", "tone": "bad"})
    return out


def _json(data: Any) -> str:
    """JSON for a data block of a page: nothing in it can end the block."""
    import json

    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


# ---------------------------------------------------------------------------------------------------------------- what-if


def _tried(seen: Look, given: dict[str, str], zone: Zone) -> dict[str, Any]:
    """What was tried, or what is wrong with it, for the template."""
    assert seen.advice is not None
    assert seen.picture is not None
    asked, bad = asked_of(given, seen.picture["whatif"]["infusion"])
    if asked is None:
        return {"text": "", "rows": [], "broken": "", "overlay": None, "wrong": bad}
    return try_out(seen.advice, asked, zone, seen.beside) | {"wrong": {}}


@router.get("/patient/{id}/whatif")
def whatif(
    request: Request,
    id: BabyId,
    reader: Reading,
    amount: Annotated[str, Query(max_length=20)] = "",
    interval: Annotated[str, Query(max_length=20)] = "",
    delay: Annotated[str, Query(max_length=20)] = "",
    loading: Annotated[str, Query(max_length=20)] = "",
    sample: Annotated[str, Query(max_length=20)] = "",
    kidney: ByKidney = "",
) -> JSONResponse:
    """A regimen tried on the twin: the curve for the chart, and what to say."""
    seen = look(reader.service, reader.who, id, kept_of(request), kidney=kidney)
    if seen.picture is None or not seen.picture["whatif"]:
        raise Problem(422, "not_accepted", "there is no twin to try on: " + "; ".join(seen.failure))
    found = _tried(
        seen,
        {"amount": amount, "loading": loading, "interval": interval, "delay": delay, "sample": sample},
        zone_of(reader.service),
    )
    html = environment().get_template("tried.html.j2").render(tried=found)
    return JSONResponse({"html": html, "overlay": found["overlay"], "wrong": list(found["wrong"])})


@router.get("/patient/{id}/state")
def state(id: BabyId, reader: Reading) -> JSONResponse:
    """Which state the twin is in, for a page that is open."""
    reach = reader.service.reach(reader.who)
    with reader.service.store.read() as conn:
        row, found = reach.patient(conn, id), reach.state(conn, id)
    behind = found is None or found["through_seq"] < row["head"]
    text = "" if found is None else f"The twin was updated at {zone_of(reader.service).short(found['computed_at'])}."
    return JSONResponse({"state": "" if found is None else found["state_hash"], "behind": behind, "text": text})


# -------------------------------------------------------------------------------------------------------------- decisions


@router.post("/patient/{id}/answer")
def answer(
    request: Request,
    id: BabyId,
    reader: Reading,
    token: Token = "",
    state: Annotated[str, Form(max_length=64)] = "",
    decision: Typed = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
    amount_mg: Typed = "",
    interval_h: Typed = "",
    certain: Annotated[str, Form(max_length=10, alias="sure")] = "",
    kidney: Annotated[str, Form(pattern=f"^({'|'.join(KIDNEYS)})?$")] = "",
) -> Response:
    """Accept or override what the page showed: the advice is issued from exactly those facts and that moment, then answered."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("answer")
    seen = look(reader.service, reader.who, id, kept_of(request), kidney=kidney)
    if seen.picture is None:
        raise Problem(409, "changed", "there is no advice to answer any more; look at the record again")
    if seen.state != state:
        raise Problem(409, "changed", "new facts arrived while you were reading; look at the updated advice and decide again")
    try:
        said = _answered(decision, reason, amount_mg, interval_h, accepted=seen.picture["regimen"] is not None)
        assert seen.advice is not None
        body = said.model_dump(mode="json", exclude_none=True)
        if certain:
            body["confirmed"] = {"reason": said.reason}
        body = reader.service.pool.run(overrides.answered, seen.advice, body, sure=bool(certain))
    except Problem as problem:
        typed = {"amount_mg": amount_mg, "interval_h": interval_h, "reason": reason}
        asks = problem.code == "not_confirmed"
        ask = "; ".join(e["message"] for e in problem.errors or []) + "." if asks else ""
        if asks:
            ask += " " + overrides.told(problem.more["would"] | {"unusual": []}).replace("On the twin", "Tried on the twin")
        found = None if asks else {"title": "Not recorded", "errors": problem.errors}
        return _patient_page(request, id, reader, problem=found, override_open=True, override=typed, override_ask=ask,
                     status=problem.status, kidney=kidney)  # fmt: skip
    issued = _issue(reader.service, reader, id, seen)

    def change(conn: Any, reach: Any) -> Any:
        row = reach.advice(conn, issued, "answer")
        return reader.service.ledger.answer_advice(conn, reader.who, row, body, reach.now)

    reader.service.change(reader.who, change)
    reader.service.refresh(id)
    more = f"&kidney={kidney}" if kidney else ""
    return _back(request, f"{id}?said={said.decision}{more}")


def _answered(decision: str, reason: str, amount: str, interval: str, *, accepted: bool) -> Answered:
    """The decision. Raises Problem 422 naming each field that is not accepted."""
    errors = []
    if decision not in ("accepted", "overridden") or (decision == "accepted" and not accepted):
        errors.append(
            wrong("answer", "decision", decision, "accepted (where a regimen is recommended) or overridden", "not a decision")
        )
    if decision == "overridden" and len(reason.strip()) < 3:
        errors.append(wrong("answer", "reason", reason, "why, in a few words", "an override needs a reason"))
    given = None
    if amount.strip() or interval.strip():
        try:
            read = {"amount_mg": number(amount, comma=True), "interval_h": number(interval, comma=True)}
            given = Given.model_validate(read)
        except ValidationError:
            errors.append(
                wrong(
                    "answer",
                    "dose ordered instead",
                    f"{amount} mg every {interval} h",
                    "an amount in mg and an interval in h, or both left empty",
                    "not a regimen",
                )
            )
    if errors:
        raise Problem(422, "not_accepted", "the decision was not recorded", errors)
    return Answered(decision=decision, reason=" ".join(reason.split())[:500], given=given)  # type: ignore[arg-type]


def _issue(service: Service, reader: Reader, id_: str, seen: Look) -> str:
    """The id of the advice that the page showed: issued before from the same facts and moment, or issued now."""
    reach = service.reach(reader.who)
    shown = stamp(seen.question.now)
    with service.store.read() as conn:
        for r in reach.advice_of(conn, id_)[:10]:
            if after_clinical(seen.known.facts, r["through_seq"]):
                break
            asked = reach.advice(conn, r["id"])["inputs"]
            if asked["now"] == shown and asked.get("kidney") == seen.question.kidney:
                return r["id"]
    issued = service.ask(reader.who, id_, now=seen.question.now, mic_mg_per_L=seen.question.mic_mg_per_L,
                         kidney=seen.question.kidney)  # fmt: skip
    assert seen.advice is not None
    showed = seen.advice.recommendation.to_json()["regimen"]
    if issued["answer"]["regimen"] != showed:
        raise Problem(409, "changed", "the advice changed while it was being recorded; look at it again and decide")
    return issued["id"]


@router.post("/patient/{id}/again")
def again(request: Request, id: BabyId, reader: Reading, token: Token = "") -> Response:
    """The twin as of this minute, with what would change its answer."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("ask")
    with reader.service.store.read() as conn:
        reader.service.reach(reader.who).patient(conn, id, "ask")
    reader.service.refresh(id, only_if_changed=False)
    kept_of(request).put(id, None)
    return _back(request, f"{id}?doubts=true")


@router.post("/patient/{id}/replay/{advice}")
def replay(request: Request, id: BabyId, advice: BabyId, reader: Reading, token: Token = "") -> Response:
    """Compute a past advice again from what is stored."""
    reader.same_form(token)
    with reader.service.store.read() as conn:
        if advice not in {row["id"] for row in reader.service.reach(reader.who).advice_of(conn, id)}:
            raise Problem(404, "not_found", "no such advice of this patient")
    same = reader.service.replay(reader.who, advice)["same"]
    return _back(request, f"{id}?said={'same' if same else 'changed'}#history")


@router.post("/patient/{id}/enter")
def enter(
    request: Request,
    id: BabyId,
    reader: Reading,
    token: Token = "",
    kind: Typed = "level",
    value: Typed = "",
    unit: Typed = "",
    at: Typed = "",
    below: Typed = "",
    assay: Typed = "",
    offset: Typed = "",
    certain: Annotated[str, Form(max_length=500, alias="sure")] = "",
) -> Response:
    """A value typed in: recorded, and the twin updated before the page comes back. What is unusual is asked about first."""
    reader.same_form(token)
    service = reader.service
    typed = entries.Entry(kind, value, unit, at, bool(below), assay, offset, certain)
    fact, bad = entries.checked(typed, service.clock.now(), service.policy["drug"], zone_of(service))
    if fact is None:
        return _patient_page(request, id, reader, entry=typed, entry_wrong=bad, status=422)

    try:
        sure(service, reader.who, id, [fact])
    except Problem as problem:
        if problem.code not in ("not_confirmed", "not_accepted"):
            raise
        told = "; ".join(f"{e['message']}; found {e['value']}, expected {e['expected']}" for e in problem.errors or [])
        field = "ask" if problem.code == "not_confirmed" else "other"
        return _patient_page(request, id, reader, entry=typed, entry_wrong={field: told}, status=problem.status)

    def change(conn: Any, reach: Any) -> Any:
        reach.patient(conn, id, "record")
        return service.ledger.record(conn, reader.who, [(id, fact)], reach.now)[0]

    try:
        receipt = service.change(reader.who, change)
    except InputError as error:
        return _patient_page(request, id, reader, entry=typed, entry_wrong={"other": str(error)}, status=422)
    service.refresh(id)
    return _back(request, f"{id}?said={'known' if receipt.known else 'entered'}")


@router.post("/patient/{id}/held/{event}")
def answer_held(
    request: Request,
    id: BabyId,
    event: BabyId,
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
        return _patient_page(request, id, reader, problem=found, status=422)
    said = " ".join(reason.split())

    def change(conn: Any, reach: Any) -> Any:
        reach.patient(conn, id, "answer" if action == "confirm" else "correct")
        if action == "confirm":
            return service.ledger.confirm(conn, reader.who, id, event, said, reach.now)
        return service.ledger.correct(conn, reader.who, id, event, None, said, reach.now)

    service.change(reader.who, change)
    service.refresh(id)
    done = "confirmed" if action == "confirm" else "retracted"
    return _back(request, f"{id}?said={done}")


@router.post("/patient/{id}/seen/{alert}")
def seen_alert(
    request: Request,
    id: BabyId,
    alert: BabyId,
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
        return _patient_page(request, id, reader, problem=found, status=422)
    acknowledge(alert, Acknowledged(reason=" ".join(reason.split())), reader.service, reader.who, Response())
    return _back(request, f"{id}?said=seen")


@router.post("/patient/{id}/open")
def open_record(
    request: Request, id: BabyId, reader: Reading, token: Token = "", reason: Annotated[str, Form(max_length=1000)] = ""
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
    return _back(request, f"{id}?said=opened")
