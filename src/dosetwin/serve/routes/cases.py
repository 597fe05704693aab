"""Tables of past or present patients taken in by machines: all of a table, or nothing with every row that is wrong."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from dosetwin.quantities import ASSAYED
from dosetwin.serve.access import The, Who, keeps_refused
from dosetwin.serve.audit import stamp
from dosetwin.serve.case import stored_table, understood_table
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.routes.patients import AGAIN
from dosetwin.serve.store.facts import Code, Drug
from dosetwin.serve.zone import Zone

router = APIRouter(tags=["patients"])
_ABOUT_ZERO = (
    "When hour 0 of the table was, with its offset (2026-04-12T08:00:00+02:00); `ID@moment` for one subject of it, repeatable."
)


@router.post("/cases/csv", status_code=201, responses=AGAIN)
@keeps_refused
def take_in_table(
    content: Annotated[bytes, Body(media_type="text/csv", description="A NONMEM-style table, UTF-8, with one or more subjects.")],
    service: The,
    who: Who,
    response: Response,
    ward: Annotated[Code, Query(description="Where the patients are put.")],
    zero: Annotated[list[Annotated[str, Query(max_length=160)]], Query(min_length=1, max_length=1000, description=_ABOUT_ZERO)],
    drug: Annotated[Drug | None, Query(description="Left out: the service's own.")] = None,
    synthetic: Annotated[bool, Query(description="The patients are made up.")] = False,
    confirmed: Annotated[str, Query(max_length=500, description="Why values that are unusual for their patient are right.")] = "",
    dry_run: Annotated[bool, Query(description="Say what would be stored and store nothing.")] = False,
) -> dict[str, Any]:
    """Follow every subject of a table. The same table again answers 200 and stores nothing; rows are named by their line."""
    service.reach(who).need("record")
    about: str = drug or service.installed.first.drug
    timelines = understood_table(content, about, _zeros(zero), Zone())
    found = [
        {"subject": t.patient.id, "doses": sum(1 for d in t.doses for _ in d.expanded()),
         "levels": sum(o.measures == about for o in t.observations),
         **{f"{kind}s": sum(o.measures == of.name for o in t.observations) for kind, of in ASSAYED.items()},
         "covariates": len(t.covariates),
         "from": None if t.origin is None else stamp(t.origin),
         "findings": [f.to_json() for f in t.findings]}
        for t in timelines
    ]  # fmt: skip
    if dry_run:
        response.status_code = 200
        return {"stored": False, "patients": found}
    made = stored_table(service, who, timelines, content, ward, synthetic=synthetic, sure=confirmed)
    if all(m.known for m in made):
        response.status_code = 200
    service.touched([m.id for m in made if not m.known])
    return {"stored": True, "patients": [f | {"id": m.id, "known": m.known} for f, m in zip(found, made, strict=True)]}


def _zeros(given: list[str]) -> dict[str, datetime]:
    """ID ("" for all) -> moment. Raises Problem 422 for what is no moment with an offset."""
    out: dict[str, datetime] = {}
    errors = []
    for text in given:
        id_, _, moment = text.rpartition("@")
        try:
            at = datetime.fromisoformat(moment.replace(" ", "+"))  # a plus sign in a query is a space
            if at.tzinfo is None or id_ in out:
                raise ValueError
            out[id_] = at
        except ValueError:
            errors.append(wrong("query", "zero", text, "a moment with its offset, 2026-04-12T08:00:00+02:00; each ID once"))
    if errors:
        raise Problem(422, "not_accepted", f"{len(errors)} moments not understood; nothing was stored", errors)
    return out
