"""The page of a place: how many to open, why and how sure, what is new; opened and watched here, alerts acknowledged."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from pydantic import ValidationError

from dosetwin.report import narrative, readings
from dosetwin.serve.places.alerts import acknowledge
from dosetwin.serve.places.facts import MOST, NewPlaceFact, Opened, WatchBegan, WatchEnded, number_open
from dosetwin.serve.places.kept import News
from dosetwin.serve.problems import Problem
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, page, zone_of
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.declare import Therapy
    from dosetwin.declare.pool import Pool

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Ward = Annotated[str, Query(max_length=64)]
Told = Annotated[str, Form(max_length=500)]
RECENT = 12
"""Facts shown, newest first."""
SAID = {"opened": "Recorded: what is open from now.", "watched": "Recorded.", "": ""}


@router.get("/beds")
def beds(request: Request, reader: Reading, ward: Ward = "", said: str = "") -> HTMLResponse:
    """A place within reach, the first where none is named."""
    return shown(request, reader, ward, said=SAID.get(said, ""))


def shown(request: Request, reader: Reader, ward: str, *, said: str = "", wrong: dict[str, str] | None = None, status: int = 200,
          typed: str = "") -> HTMLResponse:  # fmt: skip
    """The page, with what is wrong with what was typed."""
    service = reader.service
    service.reach(reader.who).need("read")
    mine = service.places.wards(reader.who)
    if not ward and not mine:
        raise Problem(404, "not_found", "none of your wards is followed as a place: the operator names them in DOSETWIN_PLACES")
    found = service.places.state(reader.who, ward or mine[0])
    service.audited(reader.who, "read", detail={"what": "place", "ward": found.ward})
    zone = zone_of(service)
    return page(
        request, "beds.html.j2", reader, "beds", status=status, place=found, wards=mine, said=said, wrong=wrong or {},
        typed=typed,
        now=zone.long(found.now), answer=answer(found.advice, zone) if found.advice is not None else None,
        facts=[{"at": zone.short(f["at"]), "by": f["actor"], "text": told(f, found.of)}
               for f in reversed(found.told) if f["kind"] != "visit_seen"][:RECENT],
        may_record=reader.who.may("record"), may_answer=reader.who.may("answer"), most=MOST,
        news=None if found.news is None else news(found.news, zone),
    )  # fmt: skip


def answer(advice: "Advice", zone: Zone) -> dict[str, Any]:
    """An answer for the template: the order, how sure, why, what is expected, what was tried, the figure."""
    from dosetwin.report.page import about, candidates, rests_on

    rec, therapy = advice.recommendation, advice.therapy
    why, why_not = narrative.split_reasons(narrative.order(rec.reasons) if rec.regimen else rec.reasons)
    titles, rows = candidates(advice)
    priced = {narrative.aim(g) for g in therapy.goals if g.price}  # a price is paid, not met
    judged = [brief and text not in priced for text, brief in titles]
    sure = readings.how_sure(rec.how_sure, therapy, rests_on(advice), advice.source) if rec.regimen else []
    return {
        "title": narrative.answer_title(rec), "tone": narrative.tone(rec), "headline": narrative.headline(rec, therapy.drug.name),
        "certainty": narrative.certainty(rec.how_sure.get("joint")) if rec.regimen else ("", ""),
        "sure": [*sure[:1], *sure[-1:]],
        "joint": rec.how_sure.get("joint"), "open": rec.order.get("values", {}).get(pool(therapy).of),
        "why": [narrative.sentence(r, therapy.goals) for r in why],
        "why_not": [narrative.sentence(r, therapy.goals) for r in why_not],
        "expected": readings.expected(rec, therapy), "titles": [t for (t, _), j in zip(titles, judged, strict=True) if j],
        "rows": [r | {"p": [p for (p, _), j in zip(r["p"], judged, strict=True) if j]} for r in rows if r["short"]],
        "heads": readings.heads(therapy, advice.source), "chart": chart(advice, zone), "believed": about(advice),
        "at": zone.clock(advice.timeline.origin and advice.timeline.origin.isoformat(), advice.now), "therapy": therapy,
        "goals": [{"text": g.text, "wanted": narrative.border(g), "least": g.min_probability, "source": g.source}
                  for g in therapy.goals],
    }  # fmt: skip


def pool(therapy: "Therapy") -> "Pool":
    """The pool of a place's therapy."""
    assert therapy.pool is not None
    return therapy.pool


def chart(advice: "Advice", zone: Zone) -> dict[str, Any] | None:
    """What is taken in the days ahead, with what is open now and as advised; None where nobody knows what is open."""
    from dosetwin.serve.web.charts import BandOf, Chart, LineOf, ZoneOf, rounded, svg

    c = advice.curves
    if c is None or advice.twin is None:
        return None
    origin = advice.timeline.origin.isoformat() if advice.timeline.origin else None
    now, then = [rounded(row) for row in c.prior], [rounded(row) for row in c.updated]
    of, opened = advice.twin.pool.of, advice.twin.known.open or 0.0
    ordered = advice.recommendation.order.get("values", {}).get(of)
    drawn = Chart(
        "taken", f"{of.capitalize()} taken", "1", f"{of} taken", origin, float(c.time[0]), float(c.time[-1]), advice.now,
        rounded(c.time, 7),
        (BandOf("as it is, 90 %", "prior90", now[0], now[4]), BandOf("as advised, 90 %", "updated90", then[0], then[4]),
         BandOf("as advised, 50 %", "updated50", then[1], then[3])),
        (LineOf("as it is, median", "prior", now[2]), LineOf("as advised, median", "updated", then[2])),
        alt=f"{of.capitalize()} taken in the coming two weeks: as advised a median of {max(then[2]):.3g} at most, with "
            f"{opened:g} open now {max(now[2]):.3g}.", zone=zone,
    )  # fmt: skip
    borders = {opened: f"{opened:g} open now"} | ({} if ordered in (None, opened) else {ordered: f"{ordered:g} as advised"})
    drawn = replace(drawn, zones=tuple(ZoneOf(text, None, n) for n, text in borders.items() if n <= drawn.top))
    days = range(0, len(c.time), 48)
    rows = [[zone.clock(origin, float(c.time[i])), *(f"{v[i]:.3g}" for v in (now[2], now[0], now[4], then[2], then[0], then[4]))]
            for i in days]  # fmt: skip
    drawn = drawn.said()
    return {"still": Markup(svg(drawn)), "chart": drawn, "rows": rows}


def news(found: News, zone: Zone) -> list[str]:
    """What is new since the last answer that was kept, in words."""
    then = f"{zone.short(found.at)}, {found.by}"
    opened = [f"Opened since: {', '.join(map(str, found.opened))}."] if found.opened else []
    return [
        f"Was: {found.was or 'no acceptable order'} ({then}).",
        f"Since then {found.asked} asked, {found.admitted} came in, {found.left} left and {found.refused} were sent away.",
        *opened,
    ]


def told(fact: Any, of: str) -> str:
    """A fact about a place whose pool is ``of`` that, in words."""
    body = fact["body"]
    if (number := number_open(fact)) is not None:
        advised = body.get("advised")
        beside = "" if advised is None else ", as advised" if advised == number else f"; {advised} were advised"
        return f"{number} {of} open{beside}" + (f" ({body['text']})" if body.get("text") else "")
    if fact["kind"] == "watch_began":
        of = "the patients followed on this ward" if body["by"] == "patients" else "the visits told"
        return f"everybody who comes is on record: {of}"
    return "not everybody who comes is on record any more"


@router.post("/beds/open")
def open_beds(
    request: Request, reader: Reading, token: Token = "", ward: Told = "", beds: Told = "", advised: Told = "", text: Told = ""
) -> Response:
    """From now on so many are open. The answer beside which that was decided is kept with it."""
    reader.same_form(token)
    count, meant = _count(beds), _count(advised)
    if count is None:
        return shown(request, reader, ward, wrong={"beds": f"a whole number from 0 to {MOST}"}, typed=beds[:20], status=422)
    try:
        body = Opened(kind="opened", number=count, advised=meant, advice=_kept(reader, ward, meant), text=text.strip())
    except ValidationError:
        return shown(request, reader, ward, wrong={"beds": "write the reason without control characters"}, status=422)
    return _recorded(request, reader, ward, NewPlaceFact(at=reader.service.clock.now(), body=body), "opened")


def _kept(reader: Reader, ward: str, meant: int | None) -> str | None:
    """The id of the answer that was shown, kept; None where the answer of now says another number, or nobody was shown one."""
    places = reader.service.places
    places.need(reader.who, ward, "record")
    if meant is None or not reader.who.may("ask"):
        return None
    answer = places.state(reader.who, ward).advice
    of = places.pool(ward).of
    same = answer is not None and answer.recommendation.order.get("values", {}).get(of) == meant
    return str(places.keep(reader.who, ward)["id"]) if same else None


@router.post("/beds/seen")
def seen(request: Request, reader: Reading, token: Token = "", ward: Told = "", alert: Told = "", text: Told = "") -> Response:
    """An alert of the place was seen, and why it need not be repeated."""
    reader.same_form(token)
    if len(text.strip()) < 3:
        return shown(request, reader, ward, wrong={"alert": "a reason of three letters and more"}, status=422)
    acknowledge(reader.service, reader.who, ward, alert, text.strip()[:300])
    return _to(request, ward, "watched")


def _count(typed: str) -> int | None:
    """A number in the digits 0 to 9, None for everything else."""
    said = typed.strip()
    return int(said) if re.fullmatch(r"[0-9]{1,4}", said) and int(said) <= MOST else None


@router.post("/beds/watch")
def watch(
    request: Request, reader: Reading, token: Token = "", ward: Told = "", since: Told = "", by: Told = "patients", end: Told = ""
) -> Response:
    """Since when everybody who comes is on record, and as what; or that it is so no longer."""
    reader.same_form(token)
    now, zone = reader.service.clock.now(), zone_of(reader.service)
    if end:
        return _recorded(request, reader, ward, NewPlaceFact(at=now, body=WatchEnded(kind="watch_ended")), "watched")
    read = zone.read(since)
    if read.at is None or read.at > now:
        return shown(request, reader, ward, wrong={"since": read.why or "a moment that is over"}, typed=since[:40], status=422)
    body = WatchBegan(kind="watch_began", by="patients" if by == "patients" else "told")
    return _recorded(request, reader, ward, NewPlaceFact(at=read.at, body=body), "watched")


def _recorded(request: Request, reader: Reader, ward: str, fact: NewPlaceFact, said: str) -> Response:
    reader.service.places.record(reader.who, ward, [fact])
    return _to(request, ward, said)


def _to(request: Request, ward: str, said: str) -> Response:
    query = urlencode({"ward": ward, "said": said})
    return RedirectResponse(f"{request.scope.get('root_path', '')}/beds?{query}", 303)
