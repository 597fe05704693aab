"""Advice: asked, answered, accepted or overridden and why; past advice replayed from what is stored."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dosetwin.serve import override
from dosetwin.serve.access import The, Who
from dosetwin.serve.audit import stamp
from dosetwin.serve.reasons import REASON_CODES, in_words
from dosetwin.serve.routes.patients import PatientId
from dosetwin.serve.store.facts import Confirmed, Name, NotNegative, Positive, Text
from dosetwin.serve.told import NAMES, OPTION

router = APIRouter(tags=["advice"])
AdviceId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="The advice's id.")]


class Asked(BaseModel):
    """What may be asked for beside the service's settings."""

    model_config = ConfigDict(extra="forbid")

    therapy: Annotated[Name | None, Field(description="A therapy installed here; left out: the patient's first.")] = None
    model: Name | None = None
    mic_mg_per_L: Positive | None = None
    told: Annotated[
        Literal[NAMES] | None,  # type: ignore[valid-type]
        Field(alias=OPTION, description="Who tells the effects of the model, for this question alone; left out: the setting."),
    ] = None
    draws: Annotated[int, Field(ge=100, le=2000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31)] | None = None


class Given(BaseModel):
    """The regimen that was ordered instead: ``amount_mg`` every ``interval_h``, or a ``week`` of tablets. Whether it can be
    believed, the checks of records say, as of any dose."""

    model_config = ConfigDict(extra="forbid")

    amount_mg: Annotated[Positive | None, Field(description="Of a week: the mean of a day, left out.")] = None
    interval_h: Annotated[float | None, Field(gt=0, le=10_000, allow_inf_nan=False)] = None
    week: Annotated[
        list[NotNegative] | None, Field(min_length=7, max_length=7, description="mg of each day from Monday, one dose a day.")
    ] = None
    infusion_h: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] = 0.5
    loading_mg: Annotated[Positive | None, Field(description="The first dose, where it differs.")] = None
    first_at: Annotated[AwareDatetime | None, Field(description="Left out: when the coming dose is due.")] = None

    @model_validator(mode="after")
    def _one_form(self) -> "Given":
        if self.week is None:
            if self.amount_mg is None or self.interval_h is None:
                raise ValueError("amount_mg and interval_h, or a week")
            return self
        mean = sum(self.week) / 7.0
        runs = "infusion_h" in self.model_fields_set and self.infusion_h > 0.0
        if runs or self.loading_mg is not None or (self.amount_mg, self.interval_h) not in ((None, None), (mean, 24.0)):
            raise ValueError("a week has no other amount, interval, infusion or loading dose")
        if not mean > 0:
            raise ValueError("a week without a dose: say in the reason that nothing is given")
        self.amount_mg, self.interval_h, self.infusion_h = mean, 24.0, 0.0
        return self


class Answered(BaseModel):
    """What the prescriber decided; an override needs a reason, one above the limits also ``confirmed`` with one."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["accepted", "overridden"]
    reason: Text = ""
    reason_code: Annotated[
        Literal[REASON_CODES] | None,  # type: ignore[valid-type]
        Field(description="Why, as an ordering screen says it too; another one than 'other' needs no further words."),
    ] = None
    given: Given | None = None
    confirmed: Confirmed | None = None


@router.post("/patients/{patient}/advice", status_code=201)
def ask(patient: PatientId, asked: Asked, service: The, who: Who) -> dict[str, Any]:
    """Ask for the next dose now. Question and answer are kept."""
    return service.ask(who, patient, **asked.model_dump(exclude_none=True))


@router.get("/patients/{patient}/advice")
def advice_list(patient: PatientId, service: The, who: Who) -> dict[str, Any]:
    """Every advice given for a patient, newest first, and what was decided."""
    reach = service.reach(who)
    with service.store.read() as conn:
        rows, answers = reach.advice_of(conn, patient), reach.answers(conn, patient)
    service.audited(who, "read", patient=patient, detail={"what": "advice"})
    return {"advice": [_short(r) | {"decided": _decided(answers.get(r["id"]))} for r in rows]}


def _short(row: Any) -> dict[str, Any]:
    return {"id": row["id"], "patient_id": row["patient_id"], "asked_at": stamp(row["asked_at"]), "asked_by": row["asked_by"],
            "through_seq": row["through_seq"], "answer_hash": row["answer_hash"]}  # fmt: skip


def _decided(fact: Any) -> dict[str, Any] | None:
    if fact is None:
        return None
    said = {k: v for k, v in fact["body"].items() if k != "advice_id"}
    return said | {"by": fact["actor"], "at": stamp(fact["recorded_at"])}


@router.get("/advice/{advice}")
def advice(advice: AdviceId, service: The, who: Who) -> dict[str, Any]:
    """One advice: the question, the answer and what was decided."""
    reach = service.reach(who)
    with service.store.read() as conn:
        row = reach.advice(conn, advice)
        decided = reach.answers(conn, row["patient_id"]).get(advice)
    service.audited(who, "read", patient=row["patient_id"], detail={"what": "advice", "advice": advice})
    return _short(row) | {"inputs": row["inputs"], "answer": row["answer"], "decided": _decided(decided)}


@router.post("/advice/{advice}/answer", status_code=201)
def answer(advice: AdviceId, answered: Answered, service: The, who: Who) -> dict[str, Any]:
    """Accept or override. Who, when and why is kept; deciding again adds a further decision, the last one holds.

    What was ordered instead is tried on the twin and kept with what it ``would`` do; one that cannot be is refused (422), one
    above the limits needs ``confirmed`` (409).
    """
    body = in_words(answered.model_dump(mode="json", exclude_none=True))
    if answered.given is not None and (answered.decision == "accepted" or body["reason"].strip()):
        with service.store.read() as conn:
            row = service.reach(who).advice(conn, advice, "answer")
        body = override.answered(override.of_row(service, who, row), body, sure=answered.confirmed is not None)

    def change(conn, reach):
        row = reach.advice(conn, advice, "answer")
        return row["patient_id"], service.ledger.answer_advice(conn, who, row, body, reach.now)

    patient, receipt = service.change(who, change)
    service.touched([patient])
    return receipt.to_json()


@router.post("/advice/{advice}/replay")
def replay(advice: AdviceId, service: The, who: Who) -> dict[str, Any]:
    """Compute a past advice again from what is stored: the answer must be identical."""
    return service.replay(who, advice)
