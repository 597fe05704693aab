"""FHIR in: what becomes which record, what becomes which finding, and what is refused."""

import json
from datetime import UTC, datetime

import pytest

from dosetwin.checks.record import check
from dosetwin.errors import InputError, UnknownName
from dosetwin.io.case import read_case
from dosetwin.io.fhir import read_bundle

from .bundles import AMIKACIN, IBUPROFEN, RXNORM, bundle, given, newborn, observation, patient, quantity


def found(timeline, severity=None):
    return {f.code for f in timeline.findings if severity in (None, f.severity)}


def finding(timeline, code):
    return next(f for f in timeline.findings if f.code == code)


def test_a_complete_newborn():
    t = read_bundle(newborn())
    assert (t.patient.GA, t.patient.BW, t.patient.sex, t.patient.synthetic) == (29.0, 1.13, "female", False)
    assert t.patient.birth == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert t.origin == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert [(d.time, d.amount, d.duration, d.record) for d in t.doses] == [(0.0, 16.0, 0.5, "MedicationAdministration/d1")]
    assert [(o.time, o.measures, o.value, o.unit) for o in t.observations] == [(1.0, "amikacin", 30.0, "mg/L")]
    assert [(c.time, c.name, c.value) for c in t.covariates] == [(-3.0, "WT", 1.1)]
    assert t.drug == "amikacin"
    assert t.findings == ()
    assert check(t, now=24.0) == ()


def test_levels_in_other_units_and_below_the_limit():
    t = read_bundle(
        newborn(
            observation("a", "3321-7", 2.5, "ug/mL", "2026-03-03T11:00:00Z"),
            observation("b", "3321-7", None, "", "2026-03-04T11:00:00Z", valueQuantity=quantity(0.8, "mg/L", comparator="<")),
        )
    )
    assert [(o.value, o.blq, o.loq) for o in t.observations] == [(30, False, None), (2.5, False, None), (0.8, True, 0.8)]


def test_creatinine_carries_its_assay():
    t = read_bundle(
        newborn(
            observation("j", "14682-9", 61.88, "umol/L", "2026-03-02T10:00:00Z", method={"text": "Jaffe, kinetic"}),
            observation("e", "2160-0", 0.7, "mg/dL", "2026-03-03T10:00:00Z", method={"text": "Enzymatic (IDMS)"}),
            observation("u", "38483-4", 0.7, "mg/dL", "2026-03-04T10:00:00Z"),
            observation("x", "2160-0", 62, "mg/dL", "2026-03-05T10:00:00Z", method={"text": "enzymatic"}),
        )
    )
    scr = [o for o in t.observations if o.measures == "SCR"]
    assert [(round(o.value, 4), o.assay) for o in scr] == [
        (0.4649, "jaffe"),
        (0.7, "idms"),
        (0.7, "unknown"),
        (62.0, "enzymatic"),
    ]
    assert finding(t, "creatinine_assay_unknown").record == "Observation/u"
    assert finding(t, "creatinine_unit_suspect").record == "Observation/x"


ABOUT = {"reference": "Patient/p"}
JAUNDICE = {"resourceType": "Condition", "id": "x", "code": {"text": "jaundice"}, "subject": ABOUT}
ORDER = {"resourceType": "MedicationRequest", "id": "x", "status": "active", "intent": "order", "subject": ABOUT}
ORDER["medicationCodeableConcept"] = AMIKACIN


@pytest.mark.parametrize(
    ("resource", "code", "severity"),
    [
        (observation("x", "35669-1", 30, "10*9/L"), "unknown_unit", "error"),
        (observation("x", "35669-1", 30, "furlong"), "unknown_unit", "error"),
        (observation("x", "29463-7", 1.1, "mL"), "unknown_unit", "error"),
        (observation("x", "2160-0", 1.1, "mg/kg"), "unknown_unit", "error"),
        (observation("x", "2160-0", -1, "mg/dL"), "value_unusable", "error"),
        (observation("x", "35669-1", None, "", valueQuantity=None), "value_missing", "error"),
        (observation("x", "35669-1", None, "", valueQuantity=None, dataAbsentReason={"text": "lost"}), "value_absent", "warning"),
        (observation("x", "35669-1", None, "", valueQuantity=quantity(80, "mg/L", comparator=">")), "comparator", "error"),
        (observation("x", "35669-1", 30, "mg/L", "2026-03-02"), "time_of_day_missing", "error"),
        (observation("x", "35669-1", 30, "mg/L", None), "time_missing", "error"),
        (observation("x", "35669-1", 30, "mg/L", "0226-03-02T10:00:00Z"), "time_implausible", "error"),
        (observation("x", "35669-1", 30, "mg/L", status="entered-in-error"), "status", "info"),
        (observation("x", "35669-1", 30, "mg/L", status="preliminary"), "preliminary", "warning"),
        (observation("x", "35669-1", 30, "mg/L", subject={"reference": "Patient/other"}), "other_subject", "error"),
        (observation("x", "11884-4", 31, "wk"), "conflicting_values", "error"),
        (observation("x", "99999-9", 31, "mg/L", code={"text": "Amikacin, tube 2"}), "unknown_code", "warning"),
        (observation("x", "8867-4", 150, "/min"), "not_used", "info"),
        (given("x", mg=None, dosage=None), "dose_without_amount", "error"),
        (given("x", mg=0), "dose_without_amount", "error"),
        (given("x", dosage={"dose": quantity(2, "mL")}), "unknown_unit", "error"),
        (given("x", status="not-done"), "not_given", "info"),
        (given("x", status="stopped"), "stopped", "warning"),
        (given("x", end=None), "duration_missing", "warning"),
        (given("x", end="2026-03-01T12:00:00Z"), "period_reversed", "error"),
        (given("x", "2026-03-02"), "time_of_day_missing", "error"),
        (given("x", medicationCodeableConcept={"text": "Amikacin 50 mg/mL"}), "recognised_by_text", "warning"),
        (given("x", medicationCodeableConcept={"text": "vitamin K"}), "not_used", "info"),
        (given("x", dosage={"dose": quantity(16, "mg"), "route": {"text": "intramuscular"}}), "route", "warning"),
        (ORDER, "planned", "info"),
        (JAUNDICE, "not_used", "info"),
        ({"resourceType": "Basic", "id": "x", "code": {"text": "?"}}, "resource_not_read", "info"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)  # fmt: skip
def test_whatever_cannot_be_used_is_said(resource, code, severity):
    t = read_bundle(newborn(resource))
    assert finding(t, code).severity == severity
    assert "\n" not in str(finding(t, code))


@pytest.mark.parametrize(
    "unusable",
    [given("x", mg=0), given("x", status="not-done"), given("x", "2026-03-02"), given("x", dosage={"dose": quantity(2, "mL")})],
)
def test_an_unusable_dose_is_not_counted(unusable):
    assert len(read_bundle(newborn(unusable)).doses) == 1


def test_amount_from_rate_and_duration_from_rate():
    rate = {"numerator": quantity(32, "mg"), "denominator": quantity(60, "min")}
    t = read_bundle(
        bundle(
            patient(),
            given("r", dosage={"rateRatio": rate}),
            given("q", "2026-03-03T12:00:00Z", None, dosage={"dose": quantity(16, "mg"), "rateQuantity": quantity(32, "mg/h")}),
        )
    )
    assert [(d.amount, d.duration) for d in t.doses] == [(16.0, 0.5), (16.0, 0.5)]
    assert "amount_from_rate" in found(t)


def test_medication_by_reference():
    medicine = {"resourceType": "Medication", "id": "m", "code": AMIKACIN}
    apart = given("a", medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"})
    inside = given(
        "b",
        "2026-03-03T12:00:00Z",
        "2026-03-03T12:30:00Z",
        medicationCodeableConcept=None,
        medicationReference={"reference": "#m"},
        contained=[medicine],
    )
    assert len(read_bundle(bundle(patient(), medicine, apart, inside)).doses) == 2


def test_ibuprofen_switches_a_flag_until_a_day_after_the_last_dose():
    first = given("i1", "2026-03-02T11:00:00Z", "2026-03-02T11:15:00Z", 11, medicationCodeableConcept=IBUPROFEN)
    second = given("i2", "2026-03-03T11:00:00Z", "2026-03-03T11:15:00Z", 5.5, medicationCodeableConcept=IBUPROFEN)
    t = read_bundle(newborn(first, second))
    assert t.series("IBU") == ((-30.0, 0.0), (-1.0, 1.0), (47.25, 0.0))
    assert len(t.doses) == 1


def test_a_running_infusion_keeps_its_flag():
    dopamine = {"coding": [{"system": RXNORM, "code": "3628"}]}
    t = read_bundle(newborn(given("x", end=None, status="in-progress", medicationCodeableConcept=dopamine)))
    assert t.series("DOPA")[-1] == (0.0, 1.0)
    assert t.series("INO")[-1] == (0.0, 1.0)


def test_asphyxia_and_cooling_have_a_beginning_and_an_end():
    asphyxia = {"resourceType": "Condition", "id": "a", "subject": ABOUT, "onsetDateTime": "2026-03-01T06:00:00Z",
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "P21.0"}]}}  # fmt: skip
    cooling = {"resourceType": "Procedure", "id": "c", "status": "completed", "subject": ABOUT,
               "performedPeriod": {"start": "2026-03-01T10:00:00Z", "end": "2026-03-04T10:00:00Z"},
               "code": {"coding": [{"system": "http://www.cms.gov/Medicare/Coding/ICD10", "code": "6A4Z1ZZ"}]}}  # fmt: skip
    refuted = {
        **asphyxia,
        "id": "r",
        "verificationStatus": {
            "coding": [{"code": "refuted", "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status"}]
        },
    }
    t = read_bundle(newborn(asphyxia, cooling))
    assert t.series("ASPHYXIA") == ((-30.0, 1.0),)
    assert t.series("COOLING") == ((-30.0, 0.0), (-26.0, 1.0), (46.0, 0.0))
    assert read_bundle(newborn(refuted)).series("ASPHYXIA") == ()


def test_two_drugs_need_a_name():
    vancomycin = {"coding": [{"system": RXNORM, "code": "11124"}]}
    both = bundle(patient(), given(), given("v", medicationCodeableConcept=vancomycin))
    with pytest.raises(InputError, match="amikacin, vancomycin"):
        read_bundle(both)
    assert read_bundle(both, drug="vancomycin").drug == "vancomycin"
    with pytest.raises(UnknownName, match="aspirin"):
        read_bundle(both, drug="aspirin")
    measured = read_bundle(
        bundle(patient(), given(), given("v", medicationCodeableConcept=vancomycin), observation("l", "35669-1", 30, "mg/L"))
    )
    assert measured.drug == "amikacin"
    assert "other_drug" in found(measured)
    assert [d.drug for d in measured.doses] == ["amikacin", "vancomycin"]
    assert [d.drug for d in measured.of("amikacin").doses] == ["amikacin"]


def test_birth_without_a_time_is_a_warning_for_a_newborn():
    t = read_bundle(bundle(patient(_birthDate=None), given()))
    assert finding(t, "birth_time_missing").severity == "warning"
    assert t.patient.birth == datetime(2026, 3, 1, tzinfo=UTC)


def test_gestational_age_as_an_extension():
    extension = {"url": "http://example.org/StructureDefinition/gestational-age", "valueQuantity": quantity(203, "d")}
    assert read_bundle(bundle(patient(extension=[extension]), given())).patient.GA == 29.0


@pytest.mark.parametrize("code", ["HTEST", "synthetic"])
def test_made_up_patients_are_marked(code):
    assert read_bundle(bundle(patient(meta={"tag": [{"code": code}]}), given())).patient.synthetic


def test_a_patient_alone_has_nothing_usable():
    assert "nothing_usable" in found(read_bundle(bundle(patient())), "error")


def test_time_zones_are_one_clock():
    t = read_bundle(bundle(patient(), given(start="2026-03-29T01:30:00+01:00", end="2026-03-29T03:30:00+02:00")))
    assert t.doses[0].duration == 1.0


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "not a FHIR Bundle"),
        ({"resourceType": "Patient"}, "not a FHIR Bundle"),
        ({"resourceType": "Bundle"}, "no entries"),
        ({"resourceType": "Bundle", "entry": [3]}, "entry[0]"),
        ({"resourceType": "Bundle", "entry": [{"resource": {"id": "x"}}]}, "entry[0]"),
        (bundle(given()), "0 Patient"),
        (bundle(patient(), patient(id="q")), "2 Patient"),
        (bundle(patient(), {"resourceType": "Observation", "id": "o1", "status": "final"}), "Observation/o1"),
        (bundle(patient(), observation("o2", "35669-1", "much", "mg/L")), "Observation/o2"),
        (bundle(patient(), observation("o3", "35669-1", 3, "mg/L", "yesterday")), "Observation/o3"),
        (bundle(patient(birthDate="soon", _birthDate=None), given()), "Patient/p"),
    ],
)
def test_broken_bundles_are_refused_naming_the_place(raw, message):
    with pytest.raises(InputError) as error:
        read_bundle(raw)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "case.json:1"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a":' * 100_000, "case.json"),
        ("[]", "allowed: a FHIR R4 Bundle"),
        ("", "allowed: a FHIR R4 Bundle"),
    ],
)
def test_files_that_are_no_case(tmp_path, text, message):
    path = tmp_path / "case.json"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_case(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_case_is_told_by_its_content(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(newborn()))
    (tmp_path / "b.csv").write_text("ID,TIME,AMT,DV\n1,0,10,.\n1,1,.,5\n")
    (tmp_path / "c.csv").write_text("ID,TIME,AMT,DV\n1,0,10,.\n2,0,10,.\n")
    assert read_case(tmp_path / "a.json").drug == "amikacin"
    table = read_case(tmp_path / "b.csv")
    assert len(table.doses) == 1
    assert {f.code for f in table.findings} == {"evid_inferred", "mdv_inferred"}
    with pytest.raises(InputError, match="2 subjects"):
        read_case(tmp_path / "c.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_case(tmp_path / "absent.json")


def test_other_peoples_patients_pass_unharmed_and_are_refused_with_reasons(shared):
    files = sorted((shared / "data" / "synthea").glob("*.json"))
    if not files:
        pytest.skip("no synthetic bundles")
    for file in files:
        t = read_bundle(file)
        assert t.series("WT")
        assert not t.doses
        assert "no_doses" in {f.code for f in check(t) if f.severity == "error"}
        assert "resource_not_read" in found(t)


def test_a_dose_whose_drug_cannot_be_told_is_an_error():
    later = {"start": "2026-03-02T20:00:00Z", "end": "2026-03-02T20:30:00Z"}
    for concept in ({"coding": [{"system": RXNORM, "code": "1665060"}]}, None):
        lost = {"reference": "Medication/m9"} if concept is None else None
        t = read_bundle(
            newborn(given("d2", later["start"], later["end"], medicationCodeableConcept=concept, medicationReference=lost))
        )
        assert finding(t, "unknown_medication").record == "MedicationAdministration/d2"
        assert finding(t, "unknown_medication").severity == "error"


def test_an_absolute_reference_to_a_medication_of_the_bundle_is_followed():
    reference = {"reference": "https://example.org/fhir/Medication/m9"}
    dose = given(
        "d2", "2026-03-02T20:00:00Z", "2026-03-02T20:30:00Z", medicationCodeableConcept=None, medicationReference=reference
    )
    t = read_bundle(newborn(dose, {"resourceType": "Medication", "id": "m9", "code": AMIKACIN}))
    assert [d.time for d in t.doses] == [0.0, 8.0]


@pytest.mark.parametrize(("status", "severity"), [("unknown", "warning"), ("on-hold", "warning"), ("not-done", "info")])
def test_a_dose_that_may_have_been_given_is_a_warning(status, severity):
    t = read_bundle(newborn(given("d2", "2026-03-02T20:00:00Z", "2026-03-02T20:30:00Z", status=status)))
    assert (len(t.doses), finding(t, "not_given").severity) == (1, severity)


def test_a_printed_unit_that_contradicts_its_code_is_an_error():
    wrong = newborn(
        given("d2", "2026-03-02T20:00:00Z", None, dosage={"dose": quantity(16, "mg", unit="mL")}),
        observation("s", "2160-0", None, "", "2026-03-02T20:00:00Z", valueQuantity=quantity(9, "mg/dL", unit="umol/L")),
    )
    t = read_bundle(wrong)
    assert {f.record for f in t.findings if f.code == "unit_conflict"} == {"Observation/s", "MedicationAdministration/d2"}
    assert not [o for o in t.observations if o.measures == "SCR"]
    same = read_bundle(newborn(observation("l2", "35669-1", 0, "", valueQuantity=quantity(9, "ug/mL", unit="mg/L"))))
    assert "unit_conflict" not in found(same)


@pytest.mark.parametrize(
    ("code", "value", "unit", "read"),
    [
        ("35669-1", 12, "MG/L", 12.0),
        ("35669-1", 12, "mcg/mL", 12.0),
        ("35669-1", 12, "\u00b5g/mL", 12.0),
        ("35669-1", 12, "\u03bcg/ml", 12.0),
        ("2160-0", 88.4, "UMOL/L", 1.0),
        ("2160-0", 88.4, "\u00b5mol/l", 1.0),
        ("2160-0", 0.9, "MG/DL", 0.9),
        ("29463-7", 2.5, "lb", 1.133980925),
        ("29463-7", 1200, "grams", 1.2),
        ("29463-7", 1.2, "KG", 1.2),
    ],
)
@pytest.mark.parametrize("coded", [True, False])
def test_units_as_people_and_laboratories_spell_them(code, value, unit, read, coded):
    held = quantity(value, unit) if coded else {"value": value, "unit": unit}
    t = read_bundle(newborn(observation("x", code, None, "", "2026-03-02T20:00:00Z", valueQuantity=held)))
    (got,) = [r.value for r in (*t.observations, *t.covariates) if r.record == "Observation/x"]
    assert got == pytest.approx(read, rel=1e-12)
    assert not [f for f in t.findings if f.severity == "error"]


def test_two_versions_of_one_resource_are_an_error():
    t = read_bundle(newborn(given("d1", "2026-03-02T12:10:00Z", "2026-03-02T12:40:00Z")))
    assert finding(t, "duplicate_resource").record == "MedicationAdministration/d1"


def test_a_record_that_names_no_patient_is_remarked():
    t = read_bundle(
        newborn(observation("l2", "35669-1", 12, "mg/L", "2026-03-02T20:00:00Z", subject={"display": "Another Baby"}))
    )
    assert (finding(t, "subject_not_stated").record, finding(t, "subject_not_stated").value) == ("Observation/l2", "Another Baby")
