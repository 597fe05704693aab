"""Two records of one person made one, listed, and made two again."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dosetwin.serve.access import The, Who
from dosetwin.serve.audit import stamp
from dosetwin.serve.routes.patients import PatientId
from dosetwin.serve.store.merges import KINDS, absorbed

router = APIRouter(tags=["patients"])
Reason = Annotated[str, Field(min_length=10, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]


class Merge(BaseModel):
    """Which record becomes a part of this one, and how it is known that both are of one person."""

    model_config = ConfigDict(extra="forbid")

    other: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    reason: Reason


class Undo(BaseModel):
    """Why the two are not one person."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


@router.post("/patients/{patient}/merges", status_code=201)
def merge(patient: PatientId, said: Merge, service: The, who: Who) -> dict[str, Any]:
    """Make another record a part of this one: its care is read with this one's. ``alike``: facts of care that both held."""

    def change(conn, reach):
        for id_ in (patient, said.other):
            reach.patient(conn, id_, "correct")
        return service.ledger.merge(conn, who, patient, said.other, said.reason, reach.now)

    alike = service.change(who, change)
    service.touched([patient])
    return {"patient_id": patient, "other": said.other, "alike": alike}


@router.get("/patients/{patient}/merges")
def merges(patient: PatientId, service: The, who: Who) -> dict[str, Any]:
    """The records that are part of this one, and every merge and its undoing."""
    with service.store.read() as conn:
        found = service.reach(who).facts(conn, patient)
        now = absorbed(conn, patient)
    told = [
        {"what": f["kind"], "at": stamp(f["recorded_at"]), "by": f["actor"], **f["body"]} for f in found if f["kind"] in KINDS
    ]
    service.audited(who, "read", patient=patient, detail={"what": "merges"})
    return {"patient_id": patient, "part_of_it": now, "merges": told}


@router.post("/patients/{patient}/merges/{other}/undo", status_code=201)
def undo(patient: PatientId, other: PatientId, said: Undo, service: The, who: Who) -> dict[str, Any]:
    """Two records again. ``stay``: facts of care recorded since the merge, which stay with this record: look at them."""

    def change(conn, reach):
        reach.patient(conn, patient, "correct")
        reach.patient(conn, other, "read")  # a person who sees both undoes it, no machine
        return service.ledger.undo_merge(conn, who, patient, other, said.reason, reach.now)

    stay = service.change(who, change)
    service.touched([patient, other])
    return {"patient_id": patient, "other": other, "stay": stay}
