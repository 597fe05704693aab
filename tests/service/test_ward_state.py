"""What the ward list says of a baby: answers hold until facts arrive, creatinine against its lowest, the last MIC."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dosetwin.forecast.tells import listed
from dosetwin.serve.store.facts import Person
from dosetwin.serve.summary import answered
from dosetwin.serve.timeline import mic_of
from dosetwin.serve.told import turning as turned
from dosetwin.serve.twins import Known
from service.conftest import Running, course, new_patient, record

NOW = datetime(2026, 4, 12, 12, tzinfo=UTC)


def fact(seq: int, kind: str, hours: float = 0.0, **body: Any) -> dict[str, Any]:
    id_ = f"00000000-0000-0000-0000-{seq:012d}"
    return {"seq": seq, "id": id_, "kind": kind, "at": NOW + timedelta(hours=hours), "body": body, "hash": "", "actor": "x"}


OPENS = {
    "dose": {"drug": "amikacin", "amount_mg": 15.0, "infusion_h": 0.5},
    "level": {"drug": "amikacin", "mg_per_L": 9.0, "below_loq": False, "time_sd_h": 0.0, "after_dose": False},
    "creatinine": {"mg_per_dL": 0.9, "assay": "idms", "findings": []},
    "covariate": {"name": "WT", "canonical_value": 1.2, "canonical_unit": "kg"},
    "culture": {"specimen": "blood", "result": "growth", "mic_mg_per_L": 4.0},
    "correction": {"corrects": "x", "action": "retract", "reason": "typed wrongly"},
    "identity_changed": {"version": 2},
}
LEAVES = {
    "advice_issued": {"advice_id": "b"},
    "alert": {"code": "late"},
    "alert_acknowledged": {"code": "late", "about": "x"},
    "alert_ended": {"code": "late", "about": "x"},
    "alert_told": {"code": "late", "text": "mail night@ward.example", "about": "x"},
    "transferred": {"ward": "NICU-2"},
    "consent": {"purpose": "research", "decision": "deny"},
}


@pytest.mark.parametrize("decision", ["accepted", "overridden"])
def test_an_answer_is_open_again_after_new_facts(decision: str) -> None:
    before = [
        fact(1, "patient_created"),
        fact(2, "dose", **OPENS["dose"]),
        fact(3, "advice_answered", decision=decision, advice_id="a"),
    ]

    def said(*more: dict[str, Any]) -> str | None:
        return answered(Known("p", [*before, *more], 1, Person()))

    assert said() == decision
    for kind, body in OPENS.items():
        assert said(fact(4, kind, **body)) is None, kind
        assert said(fact(4, kind, **body), fact(5, "advice_answered", decision="accepted", advice_id="b")) == "accepted"
    for kind, body in LEAVES.items():
        assert said(fact(4, kind, **body)) == decision, kind


def test_the_ward_list_asks_again_after_a_new_level(quiet: Running) -> None:
    doctor = quiet.as_("prescriber")
    patient = new_patient(doctor)
    record(doctor, patient, course())
    quiet.service.refresh(patient)
    advice = doctor.post(f"/api/v1/patients/{patient}/advice", json={"draws": 100}).json()["id"]
    told = {"decision": "overridden", "reason": "another dose", "given": {"amount_mg": 15, "interval_h": 36}}
    said = doctor.post(f"/api/v1/advice/{advice}/answer", json=told)
    assert said.status_code == 201, said.text

    def line() -> Any:
        quiet.service.refresh(patient)
        return doctor.get(f"/api/v1/patients/{patient}").json()["summary"]["answered"]

    assert line() == "overridden"
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    assert doctor.post(f"/api/v1/patients/{patient}/events",
                       json={"at": at, "body": {"kind": "level", "value": 7.0}}).status_code == 201  # fmt: skip
    assert line() is None


def creatinines(*values: tuple[float, float]) -> list[dict[str, Any]]:
    return [fact(k, "creatinine", h, mg_per_dL=v, assay="idms", findings=[]) for k, (h, v) in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("values", "turning"),
    [
        (((-40, 0.6), (-20, 1.0), (0, 0.95)), True),  # the middle one is the highest: compared with the lowest of 48 h
        (((-40, 0.6), (-20, 1.0), (0, 0.85)), False),
        (((-20, 1.0), (-40, 0.6), (0, 0.95)), True),  # whatever the order in which they were recorded
        (((-60, 0.6), (-20, 1.0), (0, 0.88)), False),  # the lowest is older than 48 h, and 1.5 times it is not reached
        (((-60, 0.6), (-20, 1.0), (0, 0.90)), True),  # 1.5 times the lowest of 7 days
        (((-200, 0.5), (-20, 0.9), (0, 0.9)), False),  # older than 7 days
        (((-40, 1.0), (-20, 0.6), (0, 0.9)), True),
    ],
)
def test_a_kidney_is_compared_with_its_lowest_of_48_hours(values: Any, turning: bool) -> None:
    found = turned(listed()["kidney"], creatinines(*values))
    assert found["turning"] is turning
    if turning:
        assert ("rose by" in found["why"]) == (values[-1][1] - min(v for h, v in values[:-1] if h >= -48) >= 0.3 - 1e-9)


def test_the_last_mic_counts() -> None:
    def culture(seq: int, **body: Any) -> dict[str, Any]:
        return fact(seq, "culture", specimen="blood", result="growth", **body)

    assert mic_of([culture(1, mic_mg_per_L=2.0), culture(2, mic_mg_per_L=8.0)], "amikacin") == 8.0
    assert mic_of([culture(1, mic_mg_per_L=8.0), culture(2, mic_mg_per_L=2.0)], "amikacin") == 2.0
    both = [culture(1, mic_mg_per_L=8.0, drug="amikacin"), culture(2, mic_mg_per_L=1.0, drug="vancomycin"), culture(3)]
    assert mic_of(both, "amikacin") == 8.0
    assert mic_of([], "amikacin") is None
    away = fact(4, "correction", corrects=both[0]["id"], action="retract", reason="another baby's")
    assert mic_of([*both, away], "amikacin") is None


def test_the_last_mic_is_what_the_twin_is_asked_with(quiet: Running) -> None:
    doctor = quiet.as_("prescriber")
    patient = new_patient(doctor)
    record(doctor, patient, course())
    for mic in (2.0, 6.0):
        at = datetime.now(UTC).isoformat()
        body = {"kind": "culture", "result": "growth", "mic_mg_per_L": mic}
        assert doctor.post(f"/api/v1/patients/{patient}/events", json={"at": at, "body": body}).status_code == 201
    assert doctor.post(f"/api/v1/patients/{patient}/advice", json={"draws": 100}).json()["inputs"]["mic_mg_per_L"] == 6.0
