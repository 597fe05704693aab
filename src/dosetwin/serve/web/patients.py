"""A patient's pages to read: the twin's answer, on screen and on paper, what-if, its state, and asking again."""

import hashlib
import uuid
from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from dosetwin import words
from dosetwin.serve.earlier import PAGES
from dosetwin.serve.problems import Problem
from dosetwin.serve.triers import Superseded
from dosetwin.serve.web.frame import PageRoute, Reading, Token, environment, zone_of
from dosetwin.serve.web.letter import document
from dosetwin.serve.web.look import look
from dosetwin.serve.web.patient_page import AskedTherapy, ByTherapy, ByTold, PatientId, back, kept_of, letter, shown, tried_on

router = APIRouter(route_class=PageRoute, include_in_schema=False)
SAID = {
    "accepted": "Accepted and recorded.",
    "overridden": "Override recorded.",
    "entered": "Recorded. The twin has been updated.",
    "known": "That was recorded before; nothing was stored twice.",
    "confirmed": "Confirmed: the twin uses it from now on.",
    "retracted": "Taken back: the twin does not use it. Both stay on record.",
    "seen": "Acknowledged.",
    "opened": "The record is open for a limited time. It was noted who opened it, when and why.",
    "begun": "The record is begun. Enter what is measured and given: the twin follows by itself.",
    "imported": "The case is stored and the twin is made.",
    "same": "Computed again from what is stored: the answer is identical.",
    "changed": "Computed again: the answer differs. See the audit trail.",
}


@router.get("/patient/{id}")
def patient_page(
    request: Request,
    id: PatientId,
    reader: Reading,
    said: Annotated[str, Query(max_length=20)] = "",
    doubts: bool = False,
    scenario: bool = False,
    told: ByTold = "",
    therapy: AskedTherapy = "",
    amount: Annotated[str, Query(max_length=20)] = "",
    interval: Annotated[str, Query(max_length=20)] = "",
    delay: Annotated[str, Query(max_length=20)] = "",
    loading: Annotated[str, Query(max_length=20)] = "",
    sample: Annotated[str, Query(max_length=20)] = "",
    first: Annotated[str, Query(max_length=30)] = "",
    at: Annotated[str, Query(max_length=30)] = "",
    beside: Annotated[str, Query(max_length=100, alias="with")] = "",
) -> HTMLResponse:
    """The page."""
    given = {
        "amount": amount,
        "loading": loading,
        "interval": interval,
        "delay": delay,
        "sample": sample,
        "first": first,
        "at": at,
    }
    return shown(request, id, reader, said=SAID.get(said, ""), doubts=doubts, infection=scenario, given=given,
                 told=told, therapy=therapy, beside=beside)  # fmt: skip


@router.get(f"/{PAGES}/{{rest:path}}")
def earlier(request: Request, rest: str) -> RedirectResponse:
    """Where a patient's pages stood in the first release: bookmarks and printed links still arrive."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/patient/{quote(rest)}{query}", 308)


@router.get("/patient/{id}/print")
def printed(request: Request, id: PatientId, reader: Reading, told: ByTold = "", therapy: AskedTherapy = "") -> HTMLResponse:
    """The same, laid out for paper."""
    return shown(request, id, reader, template="print.html.j2", told=told, therapy=therapy)


@router.get("/patient/{id}/letter.pdf")
def letter_pdf(request: Request, id: PatientId, reader: Reading, told: ByTold = "", therapy: AskedTherapy = "") -> Response:
    """The advice as a letter of one page, to sign."""
    made, _ = letter(request, id, reader, told, therapy)
    return Response(made, media_type="application/pdf", headers={"Content-Disposition": 'inline; filename="dosing-advice.pdf"'})


@router.get("/patient/{id}/letter.fhir")
def letter_fhir(request: Request, id: PatientId, reader: Reading, told: ByTold = "", therapy: AskedTherapy = "") -> JSONResponse:
    """The same letter as a FHIR DocumentReference, with the PDF in it."""
    made, _ = letter(request, id, reader, told, therapy)
    at = reader.service.clock.now().replace(microsecond=0)
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"{id}:{therapy}:{hashlib.sha256(made).hexdigest()}")
    said = document(str(key), id, made, at, reader.who.name or reader.who.subject)
    return JSONResponse(said, media_type="application/fhir+json")


@router.get("/patient/{id}/whatif")
def whatif(
    request: Request,
    id: PatientId,
    reader: Reading,
    amount: Annotated[str, Query(max_length=20)] = "",
    interval: Annotated[str, Query(max_length=20)] = "",
    delay: Annotated[str, Query(max_length=20)] = "",
    loading: Annotated[str, Query(max_length=20)] = "",
    sample: Annotated[str, Query(max_length=20)] = "",
    first: Annotated[str, Query(max_length=30)] = "",
    at: Annotated[str, Query(max_length=30)] = "",
    told: ByTold = "",
    therapy: AskedTherapy = "",
) -> JSONResponse:
    """A regimen tried on the twin: the curve for the chart, and what to say."""
    seen = look(reader.service, reader.who, id, kept_of(request), told=told, therapy=therapy)
    if seen.picture is None or not seen.picture["whatif"]:
        raise Problem(422, "not_accepted", "there is no twin to try on: " + "; ".join(seen.failure))
    assert seen.advice is not None
    ask = partial(reader.service.triers.run, id, seen.question, seen.advice, screen=reader.who.subject)
    now = {"amount": amount, "loading": loading, "interval": interval, "delay": delay, "sample": sample, "first": first, "at": at}
    try:
        found = tried_on(seen, now, zone_of(reader.service), ask)
    except Superseded:
        raise Problem(409, "superseded", "asked again before this was answered") from None
    order = found["order"] and found["order"] | {"text": words.said(found["order"]["text"])}
    html = environment().get_template("tried.html.j2").render(tried=found)
    return JSONResponse({"html": html, "overlay": found["overlay"], "wrong": list(found["wrong"]), "order": order})


@router.get("/patient/{id}/state")
def state(id: PatientId, reader: Reading, therapy: AskedTherapy = "") -> JSONResponse:
    """Which state the twin is in, for a page that is open."""
    reach = reader.service.reach(reader.who)
    with reader.service.store.read() as conn:
        row, found = reach.patient(conn, id), reach.state(conn, id, therapy)
    behind = found is None or found["through_seq"] < row["head"]
    at = "" if found is None else zone_of(reader.service).short(found["computed_at"])
    text = "" if found is None else words.say("The twin was updated at {at}.", at=at)
    return JSONResponse({"state": "" if found is None else found["state_hash"], "behind": behind, "text": text})


@router.post("/patient/{id}/again")
def again(request: Request, id: PatientId, reader: Reading, token: Token = "", therapy: ByTherapy = "") -> Response:
    """The twin as of this minute, with what would change its answer."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("ask")
    with reader.service.store.read() as conn:
        reader.service.reach(reader.who).patient(conn, id, "ask")
    reader.service.refresh(id, only_if_changed=False)
    kept_of(request).put(id, None)
    return back(request, f"{id}?doubts=true{f'&therapy={therapy}' if therapy else ''}")


@router.post("/patient/{id}/replay/{advice}")
def replay(request: Request, id: PatientId, advice: PatientId, reader: Reading, token: Token = "") -> Response:
    """Compute a past advice again from what is stored."""
    reader.same_form(token)
    with reader.service.store.read() as conn:
        if advice not in {row["id"] for row in reader.service.reach(reader.who).advice_of(conn, id)}:
            raise Problem(404, "not_found", "no such advice of this patient")
    same = reader.service.replay(reader.who, advice)["same"]
    return back(request, f"{id}?said={'same' if same else 'changed'}#history")
