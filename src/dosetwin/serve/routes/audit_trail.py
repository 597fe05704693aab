"""The audit trail, for auditors: who did what, and whether the chain holds."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from dosetwin.serve.access import The, Who
from dosetwin.serve.audit import stamp

router = APIRouter(tags=["audit"])


@router.get("/audit")
def entries(
    service: The,
    who: Who,
    patient: Annotated[str | None, Query(pattern=r"^[0-9a-f-]{36}$")] = None,
    before: Annotated[int, Query(ge=0, le=2**53)] = 2**53,
    most: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Entries, newest first."""
    reach = service.reach(who)
    with service.store.read() as conn:
        rows = reach.audit(conn, patient, before, most)
    return {"entries": [{**{k: r[k] for k in ("seq", "actor", "roles", "action", "patient_id", "outcome", "detail", "hash")},
                         "at": stamp(r["at"])} for r in rows]}  # fmt: skip


@router.get("/audit/verification")
def verification(service: The, who: Who, expect: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None) -> dict[str, Any]:
    """Check every link of the chain and every fact against it. ``expect``: a hash noted earlier."""
    service.reach(who).need("audit")
    with service.store.read() as conn:
        found = service.verified(conn, expect)
    service.audited(who, "verify_audit", detail={"ok": found.ok, "entries": found.entries})
    return {"ok": found.ok, "entries": found.entries, "head": found.head, "wrong": list(found.wrong)}
