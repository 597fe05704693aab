"""A case from a file: shown as it was understood, stored only when somebody says so; what is refused stays retrievable."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from dosetwin import formulary
from dosetwin.errors import InputError
from dosetwin.quantities import ASSAYED
from dosetwin.records import Timeline
from dosetwin.report import narrative
from dosetwin.serve.auth.principal import EVERY_WARD
from dosetwin.serve.case import asks, stored, understood
from dosetwin.serve.problems import Problem, from_input_error, wrong
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, page, zone_of
from dosetwin.serve.zone import Zone

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST = 2 * 1024 * 1024
"""Bytes of one case."""
Short = Annotated[str, Form(max_length=200)]


@router.get("/import")
def import_page(request: Request, reader: Reading) -> HTMLResponse:
    """Choose a file."""
    reader.service.reach(reader.who).need("record")
    return _page(request, reader)


def _page(request: Request, reader: Reader, *, status: int = 200, **more: Any) -> HTMLResponse:
    now, zone = reader.service.clock.now(), zone_of(reader.service)
    wards = sorted(w for w in reader.who.wards if w != EVERY_WARD)
    given: dict[str, Any] = {"wrong": None, "seen": None, "kept": "", "anchor": zone.typed(now.replace(minute=0))[0]} | more
    choices = zone.choices(given["anchor"])
    # the ward's own drugs first: what is chosen before anybody looks is the usual one, not the first of the alphabet
    drugs = dict.fromkeys((*reader.service.installed.drugs, *formulary.followed()))
    return page(
        request, "import.html.j2", reader, "import", status, drugs=drugs, most_kb=MOST // 1024, wards=wards,
        anchor_choices=choices, **given,
    )  # fmt: skip


@router.post("/import")
def seen(
    request: Request,
    reader: Reading,
    file: UploadFile | None = None,
    token: Token = "",
    drug: Short = "",
    anchor: Short = "",
    anchor_offset: Short = "",
) -> HTMLResponse:
    """What was understood of a file, and what was not; nothing is stored."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("record")
    zone, drug = zone_of(reader.service), drug or reader.service.installed.first.drug
    raw = file.file.read(MOST + 1) if file is not None else b""
    name = Path(file.filename or "case").name[:120] if file is not None else "case"
    try:
        if not raw:
            raise InputError("the file is empty", where=name, remedy="choose a FHIR bundle or a table")
        if len(raw) > MOST:
            raise InputError("the file is too large", where=name, allowed=f"at most {MOST // 1024} kB for one case")
        said = zone.read(anchor, anchor_offset)
        anchor = said.at.isoformat() if said.at else anchor
        timeline = understood(name, raw, drug, anchor, zone)
    except InputError as error:
        return _refused(request, reader, name, raw, from_input_error(error), anchor=anchor)
    except Problem as problem:
        return _refused(request, reader, name, raw, problem, anchor=anchor)
    return _page(request, reader, seen=preview(name, raw, timeline, drug, zone), anchor=anchor)


def _refused(request: Request, reader: Reader, name: str, raw: bytes, problem: Problem, anchor: str = "") -> HTMLResponse:
    """The reasons, and the file kept with them."""
    errors = problem.errors or [wrong(name, "", None, "", problem.detail)]
    kept = reader.service.reject(reader.who, "page", raw[:MOST], errors) if raw else ""
    found = {"title": f"{name} cannot be used; nothing was stored", "errors": errors}
    more = {"anchor": anchor} if len(anchor) == len("2026-10-25T02:30") else {}  # as the field takes it
    return _page(request, reader, status=problem.status, wrong=found, kept=kept, **more)


def preview(name: str, raw: bytes, t: Timeline, drug: str, zone: Zone) -> dict[str, Any]:
    """What the page shows before storing."""
    origin = t.origin.isoformat() if t.origin else None
    events: list[tuple[float, str, str, str]] = []
    for d in t.doses:
        events += [
            (e.time, "dose", f"{e.amount:g} mg {e.drug or t.drug or drug}{narrative.over(e.duration)}", e.record)
            for e in d.expanded()
        ]
    for o in t.observations:
        of = next((q for q in ASSAYED.values() if q.name == o.measures), None)
        text = f"{'< ' if o.blq else ''}{o.value:g} {o.unit}" if of is None else of.said(o.value)
        events.append((o.time, "level" if of is None else of.text, text, o.record))
    for c in t.covariates:
        label, unit = narrative.named(c.name)
        begun = f"{label} {'begins' if c.value else 'ends'}"
        text = begun if narrative.is_flag(c.name) else f"{label} {c.value:g} {unit}".strip()
        events.append((c.time, "measure", text, c.record))
    p = t.patient
    doses = sum(e[1] == "dose" for e in events)
    tiles = [
        {"value": f"{p.GA:g} wk" if p.GA is not None else "not stated", "text": "gestational age"},
        {"value": f"{p.BW:g} kg" if p.BW is not None else "not stated", "text": "birth weight"},
        {"value": zone.long(p.birth) if p.birth else "not stated", "text": "born"},
        {"value": doses, "text": "doses"},
        {"value": sum(e[1] == "level" for e in events), "text": "levels"},
        *({"value": sum(e[1] == kind for e in events), "text": f"{kind}s"} for kind in ASSAYED),
    ]
    return {
        "name": name,
        "text": raw.decode("utf-8", "replace"),
        "drug": drug,
        "synthetic": p.synthetic,
        "label": p.label or "",
        "tiles": tiles,
        "events": [
            {"when": zone.clock(origin, at), "kind": kind, "text": text, "record": record}
            for at, kind, text, record in sorted(events, key=lambda e: e[0])
        ],
        "ward": "",
        "asks": [zone.retold(narrative.remark(f)) for f in asks(t)],
        "findings": [{"severity": f.severity, "code": f.code, "text": zone.retold(narrative.remark(f))} for f in t.findings],
    }


@router.post("/import/store")
def store(
    request: Request,
    reader: Reading,
    token: Token = "",
    text: Annotated[str, Form(max_length=MOST)] = "",
    name: Short = "case",
    drug: Short = "",
    anchor: Short = "",
    ward: Short = "",
    label: Short = "",
    sure: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Store the case that was looked at: the patient and all facts, or nothing. The same file again changes nothing."""
    reader.same_form(token)
    drug = drug or reader.service.installed.of_ward(ward.strip()).drug
    # a form sends line ends as CR LF
    raw = text.replace("\r\n", "\n").encode()
    try:
        timeline = understood(name, raw, drug, anchor, zone_of(reader.service))
        made = stored(reader.service, reader.who, timeline, raw, drug, ward.strip(), label.strip(), sure=sure)
    except InputError as error:
        return _refused(request, reader, name, raw, from_input_error(error))
    except Problem as problem:
        if problem.code == "not_confirmed":  # nothing typed is lost: the same page, with the question
            zone = zone_of(reader.service)
            seen = preview(name, raw, timeline, drug, zone) | {"label": label, "ward": ward}
            return _page(request, reader, status=problem.status, seen=seen, anchor=anchor)
        return _refused(request, reader, name, raw, problem)
    reader.service.refresh(made.id)
    return RedirectResponse(
        f"{request.scope.get('root_path', '')}/patient/{made.id}?said={'known' if made.known else 'imported'}", 303
    )
