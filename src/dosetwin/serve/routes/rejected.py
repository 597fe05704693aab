"""Messages that were not accepted: which, why, and the message itself."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from dosetwin.serve.access import The, Who
from dosetwin.serve.audit import stamp

router = APIRouter(tags=["rejected"])


def _shown(row: Any) -> dict[str, Any]:
    return {"id": row["id"], "at": stamp(row["at"]), "source": row["source"], "actor": row["actor"], "reasons": row["reasons"]}


@router.get("/rejected")
def list_rejected(service: The, who: Who, most: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
    """The newest refused messages with their reasons."""
    reach = service.reach(who)
    with service.store.read() as conn:
        return {"rejected": [_shown(r) for r in reach.rejected(conn, most)]}


@router.get("/rejected/{rejected}")
def one_rejected(rejected: Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")], service: The, who: Who) -> dict[str, Any]:
    """One refused message as it came, base64."""
    reach = service.reach(who)
    with service.store.read() as conn:
        row = reach.rejected_one(conn, rejected)
    body = service.vault.open_bytes(row["key_id"], row["body"], f"rejected:{rejected}")
    service.audited(who, "read_rejected", detail={"rejected": rejected})
    return _shown(row) | {"body_base64": base64.b64encode(body).decode()}
