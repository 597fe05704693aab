"""For those who run the service: is it alive, is it ready."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from dosetwin.serve.access import The
from dosetwin.serve.problems import Problem

router = APIRouter(tags=["operations"])


@router.get("/health/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/health/ready")
def ready(service: The) -> dict[str, Any]:
    """The database answers and the writer writes; 503 where not."""
    if not service.store.ready():
        raise Problem(503, "not_ready", "the database does not answer", headers={"Retry-After": "5"})
    service.store.write(lambda conn: conn.execute(select(1)).scalar())
    return {"status": "ready"}
