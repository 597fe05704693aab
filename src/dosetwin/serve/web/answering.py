"""What a reader does with an answer: accept or override what the page showed."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from dosetwin.io.text import number
from dosetwin.serve import override as overrides
from dosetwin.serve.audit import stamp
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.routes.advice import Answered, Given
from dosetwin.serve.service import Service
from dosetwin.serve.told import OPTION, PATTERN, in_stored
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token
from dosetwin.serve.web.look import Look, after_clinical, look
from dosetwin.serve.web.patient_page import ByTherapy, PatientId, Typed, back, kept_of, shown

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
        return shown(request, id, reader, problem=found, override_open=True, override=typed, override_ask=ask,
                     status=problem.status, told=told, therapy=therapy)  # fmt: skip
    issued = _issue(reader.service, reader, id, seen)

    def change(conn: Any, reach: Any) -> Any:
        row = reach.advice(conn, issued, "answer")
        return reader.service.ledger.answer_advice(conn, reader.who, row, body, reach.now)

    reader.service.change(reader.who, change)
    reader.service.refresh(id)
    more = (f"&therapy={therapy}" if therapy else "") + (f"&{OPTION}={told}" if told else "")
    return back(request, f"{id}?said={said.decision}{more}")


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
