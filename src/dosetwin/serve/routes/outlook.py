"""What the twin expects, what another plan would do, and what changed since a screen was drawn."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dosetwin.records import Every
from dosetwin.serve.access import The, Who
from dosetwin.serve.audit import stamp
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.routes.patients import PatientId, Therapy
from dosetwin.serve.twins import state_hash
from dosetwin.serve.whatif import Tried, first_of, hour_of, predictions

router = APIRouter(tags=["twins"])
Cursor = Annotated[str, Query(max_length=64, pattern=r"^([0-9]{1,18}\.[0-9]{1,18})?$")]


class Trial(BaseModel):
    """A plan to try on the twin: a regimen (without an amount: no further dose), and when a level would be drawn."""

    model_config = ConfigDict(extra="forbid")

    amount_mg: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None
    loading_mg: (
        Annotated[
            float, Field(gt=0, le=10_000, allow_inf_nan=False, description="the first dose, where it differs from amount_mg")
        ]
        | None
    ) = None
    interval_h: Annotated[float, Field(ge=4, le=168, allow_inf_nan=False)] = 36.0
    infusion_h: Annotated[float, Field(ge=0, le=24, allow_inf_nan=False)] = 0.5
    first_at: AwareDatetime | None = None
    sample_at: AwareDatetime | None = None
    hours: Annotated[float, Field(ge=1, le=336, allow_inf_nan=False)] | None = None


@router.get("/patients/{patient}/predictions")
def patient_predictions(patient: PatientId, service: The, who: Who, therapy: Therapy = None) -> dict[str, Any]:
    """Curves with bands before and after the patient's levels, under the recommended regimen, and the individual parameters."""
    known, question, advice = service.current(who, patient, therapy=therapy)
    return {"patient_id": patient, "state_hash": state_hash(known, question), "now": stamp(question.now)} | predictions(advice)


@router.post("/patients/{patient}/what-if")
def try_plan(patient: PatientId, trial: Trial, service: The, who: Who, therapy: Therapy = None) -> dict[str, Any]:
    """What another dose, interval or sampling time would do. Nothing is stored."""
    known, question, advice = service.current(who, patient, therapy=therapy, exact=False)
    timeline = advice.asked

    def within(field: str, at: datetime, low: float, high: float) -> float:
        found = hour_of(timeline, at)
        if not advice.now + low <= found <= advice.now + high:
            raise Problem(422, "not_accepted", f"{field} is too far from now",
                          [wrong("what-if", field, at.isoformat(), f"{low:g} to {high:g} h from now")])  # fmt: skip
        return found

    first = None if trial.first_at is None else within("first_at", trial.first_at, -1.0, 168.0)
    sample = None if trial.sample_at is None else within("sample_at", trial.sample_at, 0.0, 336.0)
    regimen = None
    if trial.amount_mg is not None:
        start = first_of(advice, trial.interval_h) if first is None else max(first, advice.now)
        regimen = Every(trial.amount_mg, trial.interval_h, min(trial.infusion_h, trial.interval_h), start,
                          loading=trial.loading_mg)  # fmt: skip
    found = service.triers.run(patient, question, advice, Tried(regimen, sample, trial.hours))
    return {"patient_id": patient, "state_hash": state_hash(known, question)} | found


@router.get("/changes")
def changes(service: The, who: Who, since: Cursor = "") -> dict[str, Any]:
    """What changed since a cursor (empty: from now on): poll this to keep a screen current."""
    reach = service.reach(who)
    with service.store.read() as conn:
        cursor, ids = reach.changes(conn, since)
    return {"now": stamp(reach.now), "cursor": cursor, "patients": ids}
