"""De-identified export for research: one JSON line per fact."""

from fastapi import APIRouter, Response

from dosetwin.serve.access import The, Who
from dosetwin.serve.deidentify import lines

router = APIRouter(tags=["export"])


@router.get(
    "/export", response_class=Response, responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}}
)
def export(service: The, who: Who) -> Response:
    """Every patient who did not deny research, under pseudonyms, dates moved per patient, free text left out."""
    reach = service.reach(who)
    out: list[str] = []
    with service.store.read() as conn:
        ids = reach.for_research(conn)
        for id_ in ids:
            facts, person = reach.research_record(conn, id_)
            out += lines(service.settings.chain_key, id_, facts, person)
    service.audited(who, "export", detail={"patients": len(ids)})
    return Response("".join(out), media_type="application/x-ndjson")
