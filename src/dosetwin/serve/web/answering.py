"""What a reader does with an answer: accept or override what the page showed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from dosetwin.io.text import typed as number
from dosetwin.serve import override as overrides
from dosetwin.serve.audit import stamp
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.reasons import REASON_CODES, in_words
from dosetwin.serve.routes.advice import Answered, Given
from dosetwin.serve.service import Service
from dosetwin.serve.told import OPTION, PATTERN, in_stored
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, zone_of
from dosetwin.serve.web.look import Look, after_clinical, look
from dosetwin.serve.web.patient_page import ByTherapy, PatientId, Typed, back, kept_of, shown
from dosetwin.serve.zone import Zone

LATE = timedelta(minutes=15)
"""A first dose may lie this far back when it is ordered: it took a moment to decide (assumed)."""
router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/patient/{id}/answer")
def answer(
    request: Request,
    id: PatientId,
    reader: Reading,
    token: Token = "",
    state: Annotated[str, Form(max_length=64)] = "",
    decision: Typed = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
    amount_mg: Typed = "",
    interval_h: Typed = "",
    loading_mg: Typed = "",
    first_at: Typed = "",
    reason_code: Typed = "",
    day: Annotated[list[Typed], Form(max_length=7)] = [],  # noqa: B006
    certain: Annotated[str, Form(max_length=10, alias="sure")] = "",
    therapy: ByTherapy = "",
    told: Annotated[str, Form(alias=OPTION, pattern=PATTERN)] = "",
) -> Response:
    """Accept or override what the page showed: the advice is issued from exactly those facts and that moment, then answered."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("answer")
    seen = look(reader.service, reader.who, id, kept_of(request), told=told, therapy=therapy)
    if seen.picture is None:
        raise Problem(409, "changed", "there is no advice to answer any more; look at the record again")
    if seen.state != state:
        raise Problem(409, "changed", "new facts arrived while you were reading; look at the updated advice and decide again")
    typed = {"amount_mg": amount_mg, "interval_h": interval_h, "loading_mg": loading_mg, "first_at": first_at,
             "reason_code": reason_code, "reason": reason, "week": " ".join(d.strip() or "-" for d in day)}  # fmt: skip
    try:
        said = _answered(decision, typed, seen, zone_of(reader.service))
        assert seen.advice is not None
        body = in_words(said.model_dump(mode="json", exclude_none=True))
        if certain:
            body["confirmed"] = {"reason": body["reason"]}
        body = reader.service.pool.run(overrides.answered, seen.advice, body, sure=bool(certain))
    except Problem as problem:
        asks = problem.code == "not_confirmed"
        ask = "; ".join(e["message"] for e in problem.errors or []) + "." if asks else ""
        if asks:
            ask += " " + overrides.told(problem.more["would"] | {"unusual": []}).replace("On the twin", "Tried on the twin")
        found = None if asks else {"title": "Not recorded", "errors": problem.errors}
        tried = {"amount": amount_mg, "interval": interval_h, "loading": loading_mg, "first": first_at} if first_at else None
        return shown(request, id, reader, problem=found, override_open=not first_at, override=typed, override_ask=ask,
                     given=tried, status=problem.status, told=told, therapy=therapy)  # fmt: skip
    issued = _issue(reader.service, reader, id, seen)

    def change(conn: Any, reach: Any) -> Any:
        row = reach.advice(conn, issued, "answer")
        return reader.service.ledger.answer_advice(conn, reader.who, row, body, reach.now)

    reader.service.change(reader.who, change)
    reader.service.refresh(id)
    more = (f"&therapy={therapy}" if therapy else "") + (f"&{OPTION}={told}" if told else "")
    return back(request, f"{id}?said={said.decision}{more}")


def _answered(decision: str, typed: Mapping[str, str], seen: Look, zone: Zone) -> Answered:
    """The decision. Raises Problem 422 naming each field that is not accepted."""
    errors, picture = [], seen.picture
    assert picture is not None
    accepted = picture["regimen"] is not None
    if decision not in ("accepted", "overridden") or (decision == "accepted" and not accepted):
        errors.append(
            wrong("answer", "decision", decision, "accepted (where a regimen is recommended) or overridden", "not a decision")
        )
    code, reason = typed["reason_code"], " ".join(typed["reason"].split())[:500]
    if code and code not in REASON_CODES:
        errors.append(wrong("answer", "reason_code", code, ", ".join(REASON_CODES), "not a reason of the list"))
    elif decision == "overridden" and len(reason) < 3 and code in ("", "other"):
        errors.append(wrong("answer", "reason", reason, "why, in a few words", "an override needs a reason"))
    given = None
    if typed["week"].strip("- "):
        given = _week(typed["week"].split(), errors)
    elif typed["amount_mg"].strip() or typed["interval_h"].strip():
        given = _given(typed, picture, seen, zone, errors)
    if errors:
        raise Problem(422, "not_accepted", "the decision was not recorded", errors)
    return Answered(decision=decision, reason=reason, reason_code=code or None, given=given)  # type: ignore[arg-type]


def _week(days: list[str], errors: list[Any]) -> Given | None:
    """The tablets that were typed for each day from Monday; what is wrong with them goes to ``errors``."""
    amounts = [number(d) for d in days]
    if len(days) == 7 and None not in amounts:
        try:
            return Given.model_validate({"week": amounts})
        except ValidationError:
            pass
    allowed = "mg of each of the seven days, 0 where none is taken, or all left empty"
    errors.append(wrong("answer", "week instead", " ".join(days), allowed, "not a week"))
    return None


def _given(typed: Mapping[str, str], picture: Mapping[str, Any], seen: Look, zone: Zone, errors: list[Any]) -> Given | None:
    """The order that was typed or tried; what is wrong with it goes to ``errors``."""
    first = None
    if typed["first_at"].strip():
        read = zone.read(typed["first_at"])
        first = read.at
        if first is None:
            errors.append(wrong("answer", "first dose at", typed["first_at"], "day and time of day", read.why))
        elif first < seen.now - LATE:
            errors.append(wrong("answer", "first dose at", zone.short(first), f"from {zone.short(seen.now)} on", "it is past"))
    read_ = {name: number(typed[name]) for name in ("amount_mg", "interval_h")}
    if typed["loading_mg"].strip():
        read_["loading_mg"] = number(typed["loading_mg"])
    whatif = picture["whatif"]
    try:
        return Given.model_validate(read_ | {"first_at": first} | ({"infusion_h": whatif["infusion"]} if whatif else {}))
    except ValidationError:
        found = f"{typed['amount_mg']} mg every {typed['interval_h']} h"
        errors.append(
            wrong(
                "answer",
                "dose ordered instead",
                found,
                "an amount in mg and an interval in h, or both left empty",
                "not a regimen",
            )
        )
    return None


def _issue(service: Service, reader: Reader, id_: str, seen: Look) -> str:
    """The id of the advice that the page showed: issued before from the same facts and moment, or issued now."""
    reach = service.reach(reader.who)
    shown = stamp(seen.question.now)
    with service.store.read() as conn:
        for r in reach.advice_of(conn, id_)[:10]:
            if after_clinical(seen.known.facts, r["through_seq"]):
                break
            asked = reach.advice(conn, r["id"])["inputs"]
            same = asked["policy"]["name"] == seen.question.policy["name"]
            if same and asked["now"] == shown and in_stored(asked) == seen.question.told:
                return r["id"]
    issued = service.ask(reader.who, id_, therapy=seen.question.policy["name"], now=seen.question.now,
                         mic_mg_per_L=seen.question.mic_mg_per_L, told=seen.question.told)  # fmt: skip
    assert seen.advice is not None
    showed = seen.advice.recommendation.to_json()["regimen"]
    if issued["answer"]["regimen"] != showed:
        raise Problem(409, "changed", "the advice changed while it was being recorded; look at it again and decide")
    return issued["id"]
