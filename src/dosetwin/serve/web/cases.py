"""A case from a file: shown as it was understood, stored only when somebody says so; what is refused stays retrievable."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from dosetwin.errors import Finding, InputError
from dosetwin.records import Observation, Timeline
from dosetwin.records.checks import check
from dosetwin.report import narrative
from dosetwin.serve.auth.principal import EVERY_WARD
from dosetwin.serve.problems import Problem, from_input_error, wrong
from dosetwin.serve.store.facts import FLAGS, Covariate, NewPatient, Person
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, page, zone_of
from dosetwin.serve.zone import Zone
from dosetwin.units import UMOL_PER_MG_DL

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST = 2 * 1024 * 1024
"""Bytes of one case."""
DRUGS = ("amikacin", "gentamicin", "tobramycin", "vancomycin")
STATED = ("GA", "BW", "PNA", "PMA", "SEX")
"""Covariates of a table that say who the patient is; they go to the patient, not to the facts."""
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
    return page(
        request, "import.html.j2", reader, "import", status, drugs=DRUGS, most_kb=MOST // 1024, wards=wards,
        anchor_choices=choices, **given,
    )  # fmt: skip


@router.post("/import")
def seen(
    request: Request,
    reader: Reading,
    file: UploadFile | None = None,
    token: Token = "",
    drug: Short = "amikacin",
    anchor: Short = "",
    anchor_offset: Short = "",
) -> HTMLResponse:
    """What was understood of a file, and what was not; nothing is stored."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("record")
    zone = zone_of(reader.service)
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


def understood(name: str, raw: bytes, drug: str, anchor: str, zone: Zone) -> Timeline:
    """The timeline of a file's bytes. Raises InputError or Problem naming every record that cannot be used."""
    from dosetwin.io.case import read_case

    suffix = ".json" if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else ".csv"
    with TemporaryDirectory(prefix="dosetwin-case-") as folder:
        path = Path(folder) / f"{re.sub(r'[^A-Za-z0-9._-]', '_', Path(name).stem)[:80] or 'case'}{suffix}"
        path.write_bytes(raw)
        found = read_case(path, drug)
    if found.origin is None:
        found = _with_calendar(found, anchor, drug, zone)
    remarks = (*found.findings, *check(found, first_dose=not found.doses))
    errors = [f for f in remarks if f.severity == "error"]
    if errors:
        raise Problem(
            422,
            "not_accepted",
            f"{len(errors)} records are not usable",
            [wrong(f.record, f.record, f.value, f.allowed or f.remedy, f.message) for f in errors],
        )
    return replace(found, findings=tuple(dict.fromkeys(remarks)))


def _with_calendar(t: Timeline, anchor: str, drug: str, zone: Zone) -> Timeline:
    """A table's hours put on the calendar; what it says of patient, levels and creatinine put in place."""
    said = zone.read(anchor)
    if said.at is None:
        raise InputError(
            "a table has no calendar" + (f"; {said.why}" if anchor else ""),
            where="its hour 0",
            value=anchor or None,
            allowed="day and time of day",
            remedy="say when its hour 0 was",
        )
    zero = said.at
    first: dict[str, tuple[float, float]] = {}
    for c in t.covariates:
        first.setdefault(c.name, (c.time, c.value))
    birth = t.patient.birth
    if "PNA" in first and birth is None:
        from datetime import timedelta

        birth = zero + timedelta(hours=first["PNA"][0] - 24.0 * first["PNA"][1])
    who = replace(
        t.patient,
        GA=t.patient.GA if t.patient.GA is not None else first.get("GA", (0.0, None))[1],
        BW=t.patient.BW if t.patient.BW is not None else first.get("BW", (0.0, None))[1],
        birth=birth,
    )
    findings = [Finding("info", "calendar_given", "hour 0", f"put at {zone.long(zero)}, as stated on import")]
    levels = []
    for o in t.observations:
        if o.measures in ("", "1", drug):
            levels.append(replace(o, measures=drug))
        elif o.measures == "SCR":
            levels.append(o)
        else:
            findings.append(Finding("warning", "left_out", o.record, "measures something this service does not know", o.measures))
    levels += [Observation(c.time, "SCR", c.value, "mg/dL", record=c.record) for c in t.covariates if c.name == "SCR"]
    kept = []
    for c in t.covariates:
        if c.name in get_args(Covariate):
            kept.append(c)
        elif c.name not in (*STATED, "SCR"):
            findings.append(Finding("warning", "left_out", c.record, "a column this service does not know", c.name))
    return replace(
        t,
        origin=zero,
        patient=who,
        covariates=tuple(kept),
        observations=tuple(levels),
        drug=drug,
        findings=(*t.findings, *dict.fromkeys(findings)),
    )


def preview(name: str, raw: bytes, t: Timeline, drug: str, zone: Zone) -> dict[str, Any]:
    """What the page shows before storing."""
    origin = t.origin.isoformat() if t.origin else None
    events: list[tuple[float, str, str, str]] = []
    for d in t.doses:
        events += [
            (e.time, "dose", f"{e.amount:g} mg {t.drug or drug} over {narrative.hours(e.duration)}", e.record)
            for e in d.expanded()
        ]
    for o in t.observations:
        text = (
            f"{o.value:.2f} mg/dL ({o.value * UMOL_PER_MG_DL:.0f} µmol/L)"
            if o.measures == "SCR"
            else f"{'< ' if o.blq else ''}{o.value:g} {o.unit}"
        )
        events.append((o.time, "creatinine" if o.measures == "SCR" else "level", text, o.record))
    for c in t.covariates:
        label, unit = narrative.COVARIATES.get(c.name, (narrative.FLAGS.get(c.name, c.name), ""))
        text = f"{label} {'begins' if c.value else 'ends'}" if c.name in FLAGS else f"{label} {c.value:g} {unit}".strip()
        events.append((c.time, "measure", text, c.record))
    p = t.patient
    doses = sum(e[1] == "dose" for e in events)
    tiles = [
        {"value": f"{p.GA:g} wk" if p.GA is not None else "not stated", "text": "gestational age"},
        {"value": f"{p.BW:g} kg" if p.BW is not None else "not stated", "text": "birth weight"},
        {"value": zone.long(p.birth) if p.birth else "not stated", "text": "born"},
        {"value": doses, "text": "doses"},
        {"value": sum(e[1] == "level" for e in events), "text": "levels"},
        {"value": sum(e[1] == "creatinine" for e in events), "text": "creatinines"},
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
        "findings": [{"severity": f.severity, "code": f.code, "text": zone.retold(narrative.remark(f))} for f in t.findings],
    }


@router.post("/import/store")
def store(
    request: Request,
    reader: Reading,
    token: Token = "",
    text: Annotated[str, Form(max_length=MOST)] = "",
    name: Short = "case",
    drug: Short = "amikacin",
    anchor: Short = "",
    ward: Short = "",
    label: Short = "",
) -> Response:
    """Store the case that was looked at: the patient and all facts, or nothing. The same file again changes nothing."""
    reader.same_form(token)
    # a form sends line ends as CR LF
    raw = text.replace("\r\n", "\n").encode()
    try:
        timeline = understood(name, raw, drug, anchor, zone_of(reader.service))
        id_, known = stored(reader, timeline, raw, drug, ward.strip(), label.strip())
    except InputError as error:
        return _refused(request, reader, name, raw, from_input_error(error))
    except Problem as problem:
        return _refused(request, reader, name, raw, problem)
    reader.service.refresh(id_)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/baby/{id_}?said={'known' if known else 'imported'}", 303)


def stored(reader: Reader, t: Timeline, raw: bytes, drug: str, ward: str, label: str) -> tuple[str, bool]:
    """The patient's id, and whether the same file was stored before."""
    from dosetwin.serve.fhir.ingest import facts_of

    service = reader.service
    key = f"file:{hashlib.sha256(raw).hexdigest()[:32]}"
    wanted = facts_of(t if t.drug else replace(t, drug=drug), key)
    first = min((f.at for f in wanted.values()), default=service.clock.now())
    who = t.patient
    try:
        new = NewPatient(
            ward=ward,
            label=label,
            sex=who.sex,
            GA_weeks=who.GA,
            birth_weight_kg=who.BW,
            synthetic=who.synthetic,
            person=_person(raw, t),
            source_key=f"{key}:patient",
            at=min(m for m in (who.birth, first, service.clock.now()) if m is not None),
        )
    except ValidationError as error:
        found = [
            wrong("patient", ".".join(map(str, e["loc"])), e.get("input"), e["msg"]) for e in error.errors(include_url=False)[:10]
        ]
        raise Problem(422, "not_accepted", "the patient is not accepted", found) from None

    def change(conn: Any, reach: Any) -> tuple[str, bool]:
        reach.need("record")
        if not reader.who.of_ward(ward):
            raise Problem(
                403,
                "out_of_reach",
                "not one of your wards",
                [wrong("patient", "ward", ward, ", ".join(sorted(reader.who.wards)))],
            )
        id_, receipt = service.ledger.create_patient(conn, reader.who, new, reach.now)
        receipts = service.ledger.record(conn, reader.who, [(id_, f) for f in wanted.values()], reach.now)
        return id_, receipt.known and all(r.known for r in receipts)

    return service.change(reader.who, change)


def _person(raw: bytes, t: Timeline) -> Person:
    """Name and record numbers of a bundle; a table names nobody."""
    if not raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return Person(birth=t.patient.birth)
    from dosetwin.serve.fhir import ingest

    bundle = json.loads(raw.decode("utf-8-sig"))
    resource = next(e["resource"] for e in bundle["entry"] if e.get("resource", {}).get("resourceType") == "Patient")
    return ingest._person(resource, t)
