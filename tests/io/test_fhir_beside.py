"""What stands beside a result: its specimen and the report it came in; and allergies, which somebody must see."""

import json

import pytest
from typer.testing import CliRunner

from dosetwin.cli import app
from dosetwin.io.fhir import read_bundle

from .bundles import AMIKACIN, newborn, observation, quantity
from .test_fhir import ABOUT, finding, found

DRAWN, REPORTED = "2026-03-03T11:00:00Z", "2026-03-03T14:20:00Z"
BLOOD = {"text": "Serum"}


def level(value=3.0, when=REPORTED, **more):
    return observation("l2", "35669-1", value, "mg/L", when, **more)


def specimen(identity="s1", when=DRAWN, **more):
    body = {"resourceType": "Specimen", "id": identity, "status": "available", "subject": ABOUT, "type": BLOOD,
            "collection": {"collectedDateTime": when} if when else None}  # fmt: skip
    return {k: v for k, v in (body | more).items() if v is not None}


def report(*results, **more):
    body = {"resourceType": "DiagnosticReport", "id": "r1", "status": "final", "subject": ABOUT, "code": {"text": "Amikacin"},
            "result": [{"reference": r} for r in results]}  # fmt: skip
    return {k: v for k, v in (body | more).items() if v is not None}


def second(t):
    """(hour, value) of the second level; the first stands in every bundle."""
    return [(o.time, o.value) for o in t.observations if o.measures == "amikacin"][1:]


BY = {"specimen": {"reference": "Specimen/s1"}}

# ------------------------------------------------------------------------------------------------ specimens


def test_a_result_is_of_the_moment_its_specimen_was_collected():
    t = read_bundle(newborn(level(**BY), specimen()))
    assert second(t) == [(23.0, 3.0)]
    said = finding(t, "specimen_time")
    assert (said.severity, said.record) == ("warning", "Observation/l2")
    near = read_bundle(newborn(level(when="2026-03-03T11:04:00Z", **BY), specimen()))
    assert (second(near), "specimen_time" in found(near)) == ([(23.0, 3.0)], False)


def test_a_result_without_a_time_has_that_of_its_specimen():
    assert second(read_bundle(newborn(level(when=None, **BY), specimen()))) == [(23.0, 3.0)]
    period = {"collectedPeriod": {"start": DRAWN, "end": "2026-03-03T11:20:00Z"}}
    t = read_bundle(newborn(level(when=None, **BY), specimen(collection=period)))
    assert [round(h, 4) for h, _ in second(t)] == [round(23 + 1 / 6, 4)]
    inside = level(when=None, contained=[specimen()], specimen={"reference": "#s1"})
    assert second(read_bundle(newborn(inside))) == [(23.0, 3.0)]


@pytest.mark.parametrize(
    ("of", "code", "severity"),
    [
        ({"when": "2026-03-01T11:00:00Z"}, "specimen_time", "error"),
        ({"status": "unsatisfactory"}, "specimen", "error"),
        ({"status": "entered-in-error"}, "specimen", "error"),
        ({"type": {"text": "Urine"}}, "specimen", "error"),
        ({"type": {"text": "Cerebrospinal fluid"}}, "specimen", "error"),
        ({"subject": {"reference": "Patient/q"}}, "other_subject", "error"),
    ],
)
def test_a_specimen_that_cannot_be_that_of_the_result_is_refused(of, code, severity):
    t = read_bundle(newborn(level(**BY), specimen(**of)))
    assert finding(t, code).severity == severity
    assert second(t) == [] or code == "other_subject"


def test_what_is_said_of_a_specimen_is_named():
    t = read_bundle(newborn(level(**BY), specimen(condition=[{"text": "haemolysed"}], note=[{"text": "drawn from the line"}])))
    assert [f.value for f in t.findings if f.code == "specimen_condition"] == ["haemolysed", "drawn from the line"]
    assert second(t) == [(23.0, 3.0)]
    lost = read_bundle(newborn(level(**BY)))
    assert (finding(lost, "specimen_missing").severity, len(second(lost))) == ("info", 1)
    dayless = read_bundle(newborn(level(**BY), specimen(when="2026-03-03")))
    assert len(second(dayless)) == 1
    assert finding(dayless, "time_of_day_missing").record == "Observation/l2"


# ------------------------------------------------------------------------------------------------ reports


def test_a_result_inside_a_report_is_used():
    held = {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"coding": [{"system": "http://loinc.org",
            "code": "35669-1"}]}, "valueQuantity": quantity(3, "mg/L")}  # fmt: skip
    t = read_bundle(newborn(report("#o1", contained=[held], effectiveDateTime=DRAWN)))
    assert second(t) == [(23.0, 3.0)]
    assert [o.record for o in t.observations][1:] == ["DiagnosticReport/r1#o1"]
    by = report("#o1", contained=[held, specimen()], specimen=[{"reference": "#s1"}])
    assert second(read_bundle(newborn(by))) == [(23.0, 3.0)]


def test_a_result_has_from_its_report_what_it_does_not_say():
    t = read_bundle(newborn(level(when=None), report("Observation/l2", effectiveDateTime=DRAWN)))
    assert second(t) == [(23.0, 3.0)]
    assert "effectiveDateTime" in finding(t, "told_by_report").message
    own = read_bundle(newborn(level(), report("Observation/l2", effectiveDateTime=DRAWN)))
    assert second(own)[0][0] == pytest.approx(26 + 1 / 3)
    of = read_bundle(newborn(level(when=None), specimen(), report("Observation/l2", specimen=[{"reference": "Specimen/s1"}])))
    assert second(of) == [(23.0, 3.0)]


def test_what_a_report_says_beside_its_results_is_named():
    t = read_bundle(
        newborn(level(), report("Observation/l2", conclusion="Level below the target", presentedForm=[{"title": "pdf"}]))
    )
    assert finding(t, "conclusion_unread").value == "Level below the target; a document"
    missing = read_bundle(newborn(report("Observation/l9")))
    assert finding(missing, "result_missing").severity == "warning"
    void = read_bundle(newborn(level(), report("Observation/l2", status="entered-in-error")))
    assert (second(void), finding(void, "report_void").severity) == ([], "warning")
    assert "error" in {f.severity for f in read_bundle(newborn(report("#o1", subject={"reference": "Patient/q"}))).findings}


# ------------------------------------------------------------------------------------------------ allergies


def allergy(code=AMIKACIN, verification="confirmed", clinical="active", **more):
    status = {"verificationStatus": {"coding": [{"code": verification}]}, "clinicalStatus": {"coding": [{"code": clinical}]}}
    body = {"resourceType": "AllergyIntolerance", "id": "a1", "patient": ABOUT, "code": code} | status
    return {k: v for k, v in (body | more).items() if v is not None}


@pytest.mark.parametrize(
    ("said", "severity", "code"),
    [
        ({"criticality": "high"}, "warning", "allergy"),
        ({"code": {"text": "Amikacin"}}, "warning", "allergy"),
        ({"code": {"text": "Aminoglycosides"}}, "warning", "allergy"),
        ({"code": None, "reaction": [{"substance": AMIKACIN, "manifestation": [{"text": "rash"}]}]}, "warning", "allergy"),
        ({"verification": "unconfirmed"}, "warning", "allergy"),
        ({"clinical": "resolved"}, "warning", "allergy"),
        ({"type": "intolerance"}, "warning", "allergy"),
        ({"code": {"text": "gentamicin"}}, "warning", "allergy"),
        ({"code": {"text": "Neomycin sulfate"}}, "warning", "allergy"),
        ({"code": {"text": "penicillin"}}, "info", "other_allergy"),
        ({"verification": "refuted"}, "info", "status"),
        ({"code": {"text": "No known drug allergies"}}, "info", "status"),
        ({"patient": {"reference": "Patient/q"}}, "error", "other_subject"),
    ],
)
def test_an_allergy_is_seen(said, severity, code):
    t = read_bundle(newborn(allergy(**said)), "amikacin")
    assert finding(t, code).severity == severity
    assert finding(t, code).record == "AllergyIntolerance/a1"


@pytest.mark.parametrize("said", [{"criticality": "high"}, {"code": {"text": "gentamicin"}}, {"recordedDate": "2026-03-02"}])
def test_an_allergy_to_the_drug_or_one_of_its_class_bars_every_order(said, tmp_path):
    file = tmp_path / "case.json"
    file.write_text(json.dumps(newborn(allergy(**said))))
    done = CliRunner().invoke(app, ["advise", str(file), "--drug", "amikacin", "--json"])
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["status"]) == (3, "refuse")
    assert "bar_allergy" in {r["code"] for r in answer["reasons"]}
    assert not any(c["allowed"] for c in answer["candidates"])


def test_an_allergy_to_another_class_bars_nothing_here_and_is_kept_for_the_drugs_it_does():
    t = read_bundle(newborn(allergy(code={"text": "vancomycin"})), "amikacin")
    assert finding(t, "other_allergy").severity == "info"
    assert [(c.name, c.value) for c in t.covariates if c.name.startswith("ALLERGY")] == [("ALLERGY_GLYCOPEPTIDE", 1.0)]
