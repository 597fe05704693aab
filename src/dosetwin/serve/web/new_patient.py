"""A new patient by a form: checked field by field, those alike shown before a second record of one person is made."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from dosetwin.io.text import thousands
from dosetwin.io.text import typed as number
from dosetwin.quantities import QUANTITIES
from dosetwin.serve.auth.principal import EVERY_WARD
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import NewPatient
from dosetwin.serve.summary import TOLD_WITH
from dosetwin.serve.web.entries import TWO_WAYS
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, page, zone_of
from dosetwin.serve.web.patient_page import back
from dosetwin.serve.web.ward import people_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Typed = Annotated[str, Form(max_length=200)]
SYSTEM = "mrn"
"""What a record number is called where nobody on record has one."""
MEASURES = ("GA", "BW")
"""Facts of a birth that a record may begin with; of a grown-up they stay empty."""
FIELDS: tuple[str, ...] = ("ward", "label", "name", "system", "number", "birth", "sex", *MEASURES)


@router.get("/new")
def new_page(request: Request, reader: Reading) -> HTMLResponse:
    """The empty form."""
    reader.service.reach(reader.who).need("record")
    return _page(request, reader, {})


@router.post("/new")
def make(
    request: Request,
    reader: Reading,
    token: Token = "",
    ward: Typed = "",
    label: Typed = "",
    name: Typed = "",
    system: Typed = "",
    number_: Annotated[str, Form(max_length=200, alias="number")] = "",
    birth: Typed = "",
    sex: Typed = "",
    GA: Typed = "",
    BW: Typed = "",
    another: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Begin the record, or say per field what is wrong, or show who is alike."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("record")
    values = (ward, label, name, system, number_, birth, sex, GA, BW)
    typed: dict[str, str] = dict(zip(FIELDS, values, strict=True))
    new, bad = _read(reader, typed)
    if new is None:
        return _page(request, reader, typed, bad=bad, status=422)
    alike = _alike(reader, new)
    if alike and not another:
        return _page(request, reader, typed, alike=alike, status=409)

    def create(conn: Any, reach: Any) -> Any:
        reach.need("record")
        return reader.service.ledger.create_patient(conn, reader.who, new, reach.now)

    try:
        id_, _ = reader.service.change(reader.who, create)
    except Problem as problem:
        if problem.code != "patient_exists":
            raise
        said = "this number is on record already, for somebody outside your reach" if not alike else "this number is theirs"
        return _page(request, reader, typed, bad={"number": said}, alike=alike, status=409)
    reader.service.refresh(id_)
    return back(request, f"{id_}?said=begun")


def _read(reader: Reader, typed: Mapping[str, str]) -> tuple[NewPatient | None, dict[str, str]]:
    """The patient, or per field what was found, what is allowed and what to do."""
    bad: dict[str, str] = {}
    zone, now = zone_of(reader.service), reader.service.clock.now()
    body: dict[str, Any] = {
        "ward": typed["ward"].strip(),
        "label": typed["label"].strip(),
        "person": {"name": typed["name"].strip()},
    }
    if not reader.who.of_ward(body["ward"]):
        bad["ward"] = f"found “{body['ward']}”, allowed {', '.join(sorted(reader.who.wards))}"
    if not body["label"] and not body["person"]["name"]:
        bad["label"] = "found nothing; enter a bed or label, or a name below, so that the list can call the patient something"
    if typed["number"].strip():
        body["person"]["identifiers"] = {typed["system"].strip() or SYSTEM: typed["number"].strip()}
    if typed["birth"].strip():
        read = zone.read(typed["birth"])
        if read.at is None:
            bad["birth"] = f"found “{typed['birth']}”: {read.why}"
        elif read.at > now:
            bad["birth"] = f"found {zone.short(read.at)}, which is ahead of now ({zone.long(now)})"
        else:
            body["person"]["birth"] = read.at
    if typed["sex"]:
        body["sex"] = typed["sex"]
    for code in MEASURES:
        if not typed[code].strip():
            continue
        value, q = number(typed[code]), QUANTITIES[code]
        if value is None or not q.low <= value <= q.high:
            bad[code] = (
                TWO_WAYS.format(value=typed[code].strip())
                if thousands(typed[code])
                else (
                    f"found “{typed[code]}”, allowed {q.low:g} to {q.high:g} {q.unit_shown}; leave it empty where it is not known"
                )
            )
        else:
            body[TOLD_WITH[code]] = value
    if bad:
        return None, bad
    try:
        return NewPatient.model_validate(body | {"synthetic": reader.service.settings.demo}), {}
    except ValidationError as error:
        for e in error.errors():
            field = next((str(x) for x in reversed(e["loc"]) if str(x) in FIELDS), "ward")
            bad[field] = f"found “{typed.get(field, '')}”: {e['msg'].lower()}"
        return None, bad


def _alike(reader: Reader, new: NewPatient) -> list[dict[str, str]]:
    """Patients within reach with the same bed, name, birth or number, each with what is the same."""
    reach, zone = reader.service.reach(reader.who), zone_of(reader.service)
    with reader.service.store.read() as conn:
        rows = reach.patients(conn)
        people = reach.people(conn, rows, people_of(reader.service))
    out: dict[str, dict[str, str]] = {}
    for r in rows:
        who = people.get(r["id"])
        label = ((r["summary"] or {}).get("label") or "").strip().lower()
        same = []
        if new.label and label == new.label.lower() and r["ward"] == new.ward:
            same.append("bed")
        if who is not None and new.person.name and who.name.strip().lower() == new.person.name.lower():
            same.append("name")
        if who is not None and set(who.identifiers.values()) & set(new.person.identifiers.values()):
            same.append("number")
        if same:
            born = "" if who is None or who.birth is None else f", born {zone.short(who.birth)}"
            called = (r["summary"] or {}).get("label") or r["id"][:8]
            out[r["id"]] = {"id": r["id"], "text": f"{called} {'' if who is None else who.name}{born}", "same": ", ".join(same)}
    return list(out.values())


def _page(
    request: Request, reader: Reader, typed: Mapping[str, str], *, bad: Mapping[str, str] | None = None,
    alike: list[dict[str, str]] | None = None, status: int = 200,
) -> HTMLResponse:  # fmt: skip
    systems = Counter(s for p in people_of(reader.service).values() for s in p.identifiers)
    usual = systems.most_common(1)[0][0] if systems else SYSTEM
    return page(
        request, "new.html.j2", reader, "new", status,
        wards=sorted(w for w in reader.who.wards if w != EVERY_WARD),
        typed=dict.fromkeys(FIELDS, "") | {"system": usual} | dict(typed),
        bad=dict.fromkeys(FIELDS, "") | dict(bad or {}), alike=alike or [],
        measures=[(code, QUANTITIES[code].text, QUANTITIES[code].unit_shown) for code in MEASURES],
        wrong=None if not bad else {"title": "Not stored yet", "errors": [wrong("", k, None, "", v) for k, v in bad.items()]},
    )  # fmt: skip
