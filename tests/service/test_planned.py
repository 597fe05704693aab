"""What is planned for another drug is a stored fact that an answer counts with; the model asked is the one about the patient."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dosetwin import formulary
from dosetwin.serve.installed import Followed, install
from dosetwin.serve.refresh import basis_of
from dosetwin.serve.store.facts import Person
from dosetwin.serve.twins import KeptQuestion, Known, answer, state_hash
from dosetwin.serve.web.look import said
from service.conftest import Running, new_patient, record

START = datetime(2026, 4, 1, 8, tzinfo=UTC)
NOW = START + timedelta(days=28)


def fact(seq: int, kind: str, at: datetime, **body: Any) -> dict[str, Any]:
    return {"seq": seq, "id": f"{seq:08d}", "kind": kind, "at": at, "body": body, "hash": f"{seq}", "actor": "x"}


def known(*more: dict[str, Any]) -> Known:
    """A woman on 5 mg of warfarin for four weeks, INR 2.5."""
    facts = [fact(0, "patient_created", START, sex="female", synthetic=True)]
    for k, (name, value) in enumerate({"VKORC1_A": 1.0, "CYP2C9_2": 0.0, "CYP2C9_3": 0.0, "AGE": 60.0, "WT": 70.0}.items()):
        facts.append(fact(1 + k, "covariate", START, name=name, canonical_value=value, canonical_unit="1"))
    for day in range(28):
        at = START + timedelta(days=day)
        facts.append(fact(10 + day, "dose", at, drug="warfarin", amount_mg=5.0, infusion_h=0.0))
    inr = {"canonical_value": 2.5, "canonical_unit": "1", "below_limit": False, "after_dose": False, "time_sd_h": 0.0}
    facts.append(fact(50, "measured", NOW - timedelta(hours=1), quantity="INR", assay="", findings=[], **inr))
    return Known("w", [*facts, *more], 1, Person(birth=NOW - timedelta(days=60 * 365)))


def plan(seq: int = 60, action: str = "begins", start: datetime = NOW, **more: Any) -> dict[str, Any]:
    begins = {"amount": 400.0, "amount_mg": 400.0, "unit": "mg", "every_h": 24.0} if action == "begins" else {}
    return fact(seq, "planned", NOW, drug="amiodarone", action=action, start=start.isoformat(), **begins, **more)


QUESTION = KeptQuestion("warfarin_hamberg_2010", formulary.therapy("warfarin_inr").to_json(), 1, 100, NOW, sensitivity=False)


def planned(*more: dict[str, Any]) -> list[tuple[float, float]]:
    asked = QUESTION.asked(known(*more))[1]
    return [(round(d.time - asked.now, 3), d.amount) for d in asked.planned if d.drug == "amiodarone"]


def test_a_plan_is_heard_and_a_later_one_takes_its_place():
    assert planned() == []
    assert planned(plan())[:3] == [(0.0, 400.0), (24.0, 400.0), (48.0, 400.0)]
    assert planned(plan(start=NOW + timedelta(days=3)))[0] == (72.0, 400.0)
    assert planned(plan(), plan(61, "withdrawn")) == []
    assert planned(plan(), plan(61, "ends")) == [(0.0, 0.0)]


def test_what_ends_later_is_given_until_then():
    given = [
        fact(70 + k, "dose", NOW - timedelta(days=3 - k), drug="amiodarone", amount_mg=200.0, infusion_h=0.0) for k in range(3)
    ]
    assert planned(*given, plan(80, "ends", NOW + timedelta(days=2))) == [(0.0, 200.0), (24.0, 200.0), (48.0, 0.0)]


def test_a_plan_that_was_not_charted_is_remarked_on():
    timeline, asked = QUESTION.asked(known(plan(start=NOW - timedelta(days=5))))
    assert "planned_not_charted" in [f.code for f in timeline.findings]
    assert min(d.time for d in asked.planned) >= asked.now


def test_a_plan_changes_answer_and_hashes():
    before, after = known(), known(plan())
    assert state_hash(before, QUESTION) != state_hash(after, QUESTION)
    assert basis_of(before, QUESTION) != basis_of(after, QUESTION)
    alone, under = answer(before, QUESTION, curves=False), answer(after, QUESTION, curves=False)
    assert under.regimen.amount < alone.regimen.amount
    assert "interaction_told" in [f.code for f in under.recommendation.findings]


def test_the_model_asked_is_the_one_about_the_patient():
    settings = SimpleNamespace(model="", policy="", told="", wards=None, usual_of_wards=(),
                               therapy_names=("piperacillin_tazobactam_adult",
                                              "meropenem_adult@meropenem_gijsen_2022"))  # fmt: skip
    free, fixed = install(settings).followed  # type: ignore[arg-type]

    def asked(of: Followed, scr: float) -> str:
        facts = [fact(0, "patient_created", START, sex="male", synthetic=True)]
        for k, (name, value, unit) in enumerate((("WT", 80.0, "kg"), ("AGE", 60.0, "y"), ("SCR", scr, "mg/dL"))):
            facts.append(fact(1 + k, "covariate", START, name=name, canonical_value=value, canonical_unit=unit))
        return of.of(Known("p", facts, 1, Person()), START + timedelta(hours=1)).model

    assert asked(free, 0.9) == "piperacillin_roberts_2010"
    assert asked(free, 3.1) == "piperacillin_obrinkhansen_2015"
    assert asked(fixed, 3.1) == "meropenem_gijsen_2022"  # the operator named it


def test_a_plan_comes_by_the_api_and_is_shown(quiet: Running):
    pharmacist = quiet.as_("pharmacist")
    id_ = new_patient(pharmacist)
    at = datetime.now(UTC)
    body = {"kind": "planned", "drug": "ibuprofen", "action": "begins", "start": (at + timedelta(days=3)).isoformat(),
            "amount": 11.0, "every_h": 24.0}  # fmt: skip
    record(pharmacist, id_, [{"at": (at - timedelta(minutes=5)).isoformat(), "body": body}])
    events = pharmacist.get(f"/api/v1/patients/{id_}/events").json()["events"]
    assert [e["body"]["amount_mg"] for e in events if e["kind"] == "planned"] == [11.0]
    text = said("planned", next(e["body"] for e in events if e["kind"] == "planned"))[1]
    assert text.startswith("ibuprofen 11 mg every 24 h begins")
    for wrong in ({"amount": None}, {"drug": "aspirine"}, {"action": "ends"}, {"start": "2062-01-01T00:00:00Z"}):
        event = {"at": at.isoformat(), "body": body | wrong, "patient_id": id_}
        assert pharmacist.post("/api/v1/events", json={"events": [event]}).status_code == 422, wrong


@pytest.mark.parametrize("drug", ["warfarin", "amikacin"])
def test_a_plan_of_the_drug_asked_about_is_no_plan_beside(drug: str):
    own = plan(60)
    own["body"]["drug"] = drug
    assert [d.drug for d in QUESTION.asked(known(own))[1].planned][:1] == ([] if drug == "warfarin" else ["amikacin"])
