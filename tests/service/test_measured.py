"""One kind of fact for everything measured; facts of older kinds are read as the same, and questions of before read as then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from dosetwin.serve.store.facts import NewFact, Person
from dosetwin.serve.store.measured import measurement
from dosetwin.serve.timeline import raw_timeline
from dosetwin.serve.web.look import said
from service.conftest import Running, new_patient, record

AT = datetime(2026, 4, 12, 8, 0, tzinfo=UTC)


def fact(**body: Any) -> dict[str, Any]:
    """A fact as it is stored."""
    made = NewFact.model_validate({"at": AT, "body": body})
    return {"id": "0" * 8, "seq": 1, "kind": made.body.kind, "at": AT, "body": made.body.canonical()}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"kind": "level", "drug": "vancomycin", "value": 6.0, "unit": "umol/L", "time_sd_h": 0.1},
         {"quantity": "vancomycin", "value": 6.0, "unit": "umol/L", "time_sd_h": 0.1}),
        ({"kind": "level", "value": 0.6, "below_loq": True},
         {"quantity": "amikacin", "value": 0.6, "unit": "mg/L", "below_limit": True}),
        ({"kind": "creatinine", "value": 62, "unit": "umol/L", "assay": "jaffe"},
         {"quantity": "SCR", "value": 62, "unit": "umol/L", "assay": "jaffe"}),
        ({"kind": "covariate", "name": "WT", "value": 1080, "unit": "g"}, {"quantity": "WT", "value": 1080, "unit": "g"}),
        ({"kind": "covariate", "name": "IBU", "value": 1}, {"quantity": "IBU", "value": 1}),
        ({"kind": "covariate", "name": "INR", "value": 1.4}, {"quantity": "INR", "value": 1.4}),
    ],
)  # fmt: skip
def test_an_older_kind_says_the_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, now = fact(**old), fact(kind="measured", **new)
    assert measurement(before) == measurement(now)
    assert said(before["kind"], before["body"]) == said(now["kind"], now["body"])
    a, b = (raw_timeline("p", [f], Person(), "amikacin") for f in (before, now))
    assert [o.measures for o in a.observations] == [o.measures for o in b.observations]
    assert [(c.name, c.value, c.unit) for c in a.covariates] == [(c.name, c.value, c.unit) for c in b.covariates]


def test_an_INR_is_a_measurement_and_was_a_covariate() -> None:
    inr = fact(kind="covariate", name="INR", value=1.8)
    assert [o.measures for o in raw_timeline("p", [inr], Person(), "warfarin").observations] == ["INR"]
    before = raw_timeline("p", [inr], Person(), "warfarin", as_before=True)
    assert ([c.name for c in before.covariates], before.observations) == (["INR"], ())


def test_a_genotype_is_the_patients() -> None:
    t = raw_timeline("p", [fact(kind="measured", quantity="CYP2C9_2", value=1)], Person(), "warfarin")
    assert t.patient.traits == {"CYP2C9_2": 1}
    assert t.covariates == ()


@pytest.mark.parametrize(
    "body",
    [{"quantity": "mystery", "value": 1}, {"quantity": "GA", "value": 29, "unit": "wk"}, {"quantity": "IBU", "value": 2},
     {"quantity": "CYP2C9_2", "value": 3}, {"quantity": "WT", "value": 1.0, "unit": "kg", "below_limit": True},
     {"quantity": "WT", "value": 1.0, "unit": "kg", "assay": "jaffe"}],
)  # fmt: skip
def test_what_cannot_be_measured_so_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewFact.model_validate({"at": AT, "body": {"kind": "measured"} | body})


def test_the_service_takes_and_shows_them(quiet: Running) -> None:
    pharmacist = quiet.as_("pharmacist")
    id_ = new_patient(pharmacist)
    at = datetime.now(UTC) - timedelta(hours=20)
    bodies: list[dict[str, Any]] = [
        {"kind": "dose", "amount": 16.0}, {"kind": "measured", "quantity": "WT", "value": 1100, "unit": "g"},
        {"kind": "measured", "quantity": "INR", "value": 1.3},
        {"kind": "measured", "quantity": "amikacin", "value": 9.0, "unit": "mg/L"},
    ]  # fmt: skip
    record(pharmacist, id_, [{"at": (at + timedelta(hours=k)).isoformat(), "body": b} for k, b in enumerate(bodies)])
    quiet.service.refresh(id_)
    with quiet.service.store.read() as conn:
        from dosetwin.serve.auth.principal import THE_SERVICE

        line = quiet.service.reach(THE_SERVICE).state(conn, id_)
    assert line is not None
    assert (line["summary"]["weight_kg"], line["summary"]["last_level"]["value"]) == (1.1, 9.0)
    heavy = {"kind": "measured", "quantity": "WT", "value": 45, "unit": "kg"}
    answer = pharmacist.post("/api/v1/events", json={"events": [{"patient_id": id_, "at": at.isoformat(), "body": heavy}]})
    assert answer.status_code == 422, answer.text
