"""FHIR in: what a sender meant is used, refused or named; never passed over with a number that looks as if it had been used."""

import copy

import pytest

from dosetwin import formulary
from dosetwin.io.fhir import read_bundle
from dosetwin.io.routes import fits, route_of
from dosetwin.io.text import number, parse_json

from .bundles import AMIKACIN, RXNORM, bundle, given, newborn, observation, patient, quantity
from .test_fhir import ABOUT, finding, found

SNOMED = "http://snomed.info/sct"
LATER = {"start": "2026-03-02T20:00:00Z", "end": "2026-03-02T20:30:00Z"}
TROUGH = "2026-03-03T11:00:00Z"


def errors(t):
    return found(t, "error")


def levels(t):
    return [o.value for o in t.observations if o.measures == "amikacin"]


@pytest.mark.parametrize(
    ("file", "level", "doses", "code", "severity"),
    [
        ("fhir_other_server_same_id", [], 1, "other_subject", "error"),
        ("fhir_logical_ref", [], 1, "other_subject", "error"),
        ("fhir_rate_period_conflict", [2.8], 0, "rate_period_conflict", "error"),
        ("fhir_inhaled_route_code_only", [2.8], 0, "route", "error"),
        ("fhir_negated_condition", [2.8], 1, "negated", "warning"),
        ("fhir_data_absent", [2.8], 1, "value_absent", "warning"),
        ("fhir_versioned_ref", [2.8], 1, "", ""),
        ("fhir_loinc_oid", [2.8], 1, "", ""),
        ("fhir_level_in_component", [2.8], 1, "", ""),
    ],
)
def test_the_inputs_that_went_wrong(shared, file, level, doses, code, severity):
    t = read_bundle(shared / "faults" / f"{file}.json", "amikacin")
    assert (levels(t), len(t.doses)) == (level, doses)
    assert t.series("ASPHYXIA") == ()
    if code:
        assert finding(t, code).severity == severity
    else:
        assert t.findings == ()


# ------------------------------------------------------------------------------------------------ whose it is


@pytest.mark.parametrize(
    ("url", "reference", "mine"),
    [
        ("https://ex.org/r4/Observation/x", "Patient/p", True),
        ("https://ex.org/r4/Observation/x", "https://ex.org/r4/Patient/p", True),
        ("http://EX.org/r4/Observation/x", "http://ex.org/r4/Patient/p/_history/7", True),
        ("urn:uuid:0b", "Patient/p/_history/2", True),
        ("https://other.org/r4/Observation/x", "Patient/p", False),
        ("https://ex.org/r4/Observation/x", "https://ex.org/other/Patient/p", False),
        ("https://ex.org/r4/Observation/x", "Patient/pp", False),
        ("https://ex.org/r4/Observation/x", "#p", False),
        ("https://ex.org/r4/Observation/x", "Group/p", False),
        ("https://ex.org/r4/Observation/x", "Patient?identifier=p", False),
    ],
)
def test_a_reference_is_resolved_on_its_own_server(url, reference, mine):
    raw = newborn(observation("x", "35669-1", 9, "mg/L", TROUGH, subject={"reference": reference}))
    raw["entry"][0]["fullUrl"] = "https://ex.org/r4/Patient/p"
    raw["entry"][-1]["fullUrl"] = url
    t = read_bundle(raw)
    assert (9 in levels(t), "other_subject" in errors(t)) == (mine, not mine)


def test_the_same_id_on_two_servers_is_not_one_patient():
    there = observation("x", "35669-1", 9, "mg/L", TROUGH, subject={"reference": "https://b.org/Patient/p"})
    raw = newborn(observation("y", "35669-1", 8, "mg/L", TROUGH, subject={"reference": "https://a.org/Patient/p"}), there)
    assert "other_subject" in errors(read_bundle(raw))


@pytest.mark.parametrize(
    ("subject", "mine"),
    [
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, True),
        ({"identifier": {"system": "urn:mrn", "value": "8"}}, False),
        ({"identifier": {"system": "urn:ward", "value": "7"}}, False),
        ({"reference": "Patient/p", "identifier": {"system": "urn:mrn", "value": "8"}}, False),
        ({"reference": "Patient/p", "identifier": {"system": "urn:ward", "value": "8"}}, True),
        ({"display": "Ada Other"}, False),
        ({"display": "Baby MADEUP"}, True),
    ],
)
def test_a_logical_reference_must_be_the_patients(subject, mine):
    who = patient(identifier=[{"system": "urn:mrn", "value": "7"}], name=[{"family": "Madeup", "given": ["Mina"]}])
    raw = newborn(observation("x", "35669-1", 9, "mg/L", TROUGH, subject=subject))
    raw["entry"][0]["resource"] = who
    t = read_bundle(raw)
    assert (9 in levels(t), "other_subject" in errors(t)) == (mine, not mine)


# ------------------------------------------------------------------------------------------------ all of it, once


@pytest.mark.parametrize(
    ("more", "whole"),
    [
        ({"link": [{"relation": "self", "url": "https://x/1"}], "total": 6}, True),
        ({"link": [{"relation": "next", "url": "https://x/2"}]}, False),
        ({"total": 5000}, False),
        ({"total": 7}, False),
        ({"total": 2}, True),
    ],
)
def test_a_part_of_a_record_is_refused(more, whole):
    t = read_bundle(newborn() | {"type": "searchset"} | more)
    assert ("incomplete_bundle" in errors(t)) is not whole


def test_included_resources_are_no_matches():
    raw = newborn() | {"type": "searchset", "total": 6}
    raw["entry"][0]["search"] = {"mode": "include"}
    assert "incomplete_bundle" in errors(read_bundle(raw))


@pytest.mark.parametrize(("severity", "expected"), [("fatal", "error"), ("error", "error"), ("warning", "warning")])
def test_what_the_server_says_of_its_answer_is_heard(severity, expected):
    said = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "too-costly", "diagnostics": "cut"}]}
    raw = newborn()
    raw["entry"].append({"resource": said, "search": {"mode": "outcome"}})
    assert (finding(read_bundle(raw), "server_outcome").severity, finding(read_bundle(raw), "server_outcome").value) == (
        expected,
        "cut",
    )


def test_of_several_versions_the_newest_counts():
    def version(n, mg, when):
        return given("d1", mg=mg, meta={"versionId": str(n), "lastUpdated": when})

    first, second = version(9, 16, "2026-03-02T13:00:00Z"), version(10, 12, "2026-03-02T14:00:00Z")
    for order in ((first, second), (second, first)):
        t = read_bundle(bundle(patient(), *order))
        assert [d.amount for d in t.doses] == [12]
        assert finding(t, "older_version").severity == "info"
    counted = [version(9, 16, None), version(10, 12, None)]
    for v in counted:
        del v["meta"]["lastUpdated"]
    assert [d.amount for d in read_bundle(bundle(patient(), *counted)).doses] == [12]
    assert [d.amount for d in read_bundle(bundle(patient(), given(), copy.deepcopy(given()))).doses] == [16]
    assert "duplicate_resource" in errors(read_bundle(bundle(patient(), given(), given(mg=12))))


# ------------------------------------------------------------------------------------------------ what turns a meaning round


@pytest.mark.parametrize(
    "change",
    [
        {"modifierExtension": [{"url": "http://x/not-given", "valueBoolean": True}]},
        {"implicitRules": "http://x/rules"},
        {"dosage": {"dose": quantity(16, "mg"), "modifierExtension": [{"url": "http://x/per-kg", "valueBoolean": True}]}},
    ],
)
def test_what_may_turn_the_meaning_round_is_never_ignored(change):
    t = read_bundle(newborn(given("d2", LATER["start"], LATER["end"], **change)))
    assert (len(t.doses), finding(t, "meaning_modified").severity) == (1, "error")


def test_a_modifier_on_what_nobody_reads_stops_nobody():
    odd = observation("x", "8867-4", 150, "/min", modifierExtension=[{"url": "http://x", "valueBoolean": True}])
    assert errors(read_bundle(newborn(odd))) == set()
    assert "meaning_modified" in errors(
        read_bundle(bundle(patient(modifierExtension=[{"url": "u", "valueBoolean": True}]), given()))
    )


# ------------------------------------------------------------------------------------------------ measurements


def coding(*pairs):
    return {"coding": [{"system": s, "code": c} for s, c in pairs]}


@pytest.mark.parametrize(
    "code",
    [
        coding(("urn:oid:2.16.840.1.113883.6.1", "35669-1")),
        coding(("urn:oid:9.9", "AMIK"), ("http://loinc.org", "35669-1")),
        coding(("https://loinc.org/", "35669-1")),
    ],
)
def test_a_later_coding_and_another_name_of_the_system_are_read(code):
    t = read_bundle(newborn(observation("x", "", 9, "mg/L", TROUGH, code=code)))
    assert levels(t) == [30, 9]


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ({"code": coding(("urn:local", "35669-1"))}, "code_system", "warning"),
        ({"code": coding(("http://loinc.org", "35669-1"), ("http://loinc.org", "35668-3"))}, "conflicting_codes", "error"),
        ({"valueQuantity": None, "valueString": "2,8 mg/L"}, "value_not_a_quantity", "error"),
        ({"valueQuantity": None, "interpretation": [{"text": "low"}]}, "interpretation_only", "warning"),
        ({"valueQuantity": {"_value": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                                                      "valueCode": "error"}]}}}, "value_absent", "warning"),
        ({"effectiveDateTime": "2026-03"}, "time_missing", "error"),
        ({"effectiveDateTime": None, "effectivePeriod": {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T12:00:00Z"}},
         "time_is_a_period", "error"),
        ({"focus": [{"reference": "Patient/mother"}]}, "focus", "error"),
        ({"status": "cancelled"}, "status", "info"),
    ],
)  # fmt: skip
def test_a_level_that_cannot_be_used_is_named(change, code, severity):
    resource = {k: v for k, v in (observation("x", "35669-1", 9, "mg/L", TROUGH) | change).items() if v is not None}
    t = read_bundle(newborn(resource), "amikacin")
    assert levels(t) == [30]
    assert finding(t, code).severity == severity


def test_a_comment_on_a_level_is_shown():
    t = read_bundle(newborn(observation("x", "35669-1", 9, "mg/L", TROUGH, note=[{"text": "drawn from the infusion line"}])))
    assert (levels(t), finding(t, "comment").value) == ([30, 9], "drawn from the infusion line")


def test_moments_of_other_forms():
    period = {"start": "2026-03-03T11:00:00Z", "end": "2026-03-03T11:10:00Z"}
    for form in ({"effectivePeriod": period}, {"effectiveTiming": {"event": ["2026-03-03T11:05:00Z"]}},
                 {"effectiveInstant": "2026-03-03T11:05:00Z"}):  # fmt: skip
        t = read_bundle(newborn(observation("x", "35669-1", 9, "mg/L", None, **form)))
        assert t.observations[-1].time == pytest.approx(23 + 5 / 60, abs=1e-6)
    assert read_bundle(newborn(observation("x", "35669-1", 9, "mg/L", None, effectivePeriod=period))).observations[
        -1
    ].time_sd == pytest.approx(1 / 12)


def test_components_and_members():
    parts = [{"code": coding(("http://loinc.org", "35669-1")), "valueQuantity": quantity(9, "mg/L")},
             {"code": coding(("http://loinc.org", "2160-0")), "dataAbsentReason": {"text": "haemolysed"}}]  # fmt: skip
    panel = observation("x", "", None, "", TROUGH, code={"text": "Drug levels"}, valueQuantity=None, component=parts)
    t = read_bundle(newborn(panel))
    assert (levels(t), t.observations[-1].record) == ([30, 9], "Observation/x component[0]")
    assert finding(t, "value_absent").record == "Observation/x component[1]"
    late = observation("y", "", None, "", TROUGH, code={"text": "Drug levels"}, valueQuantity=None,
                       hasMember=[{"reference": "Observation/level/_history/1"}, {"reference": "Observation/lost"}])  # fmt: skip
    missing = [f for f in read_bundle(newborn(late)).findings if f.code == "member_missing"]
    assert [f.value for f in missing] == ["Observation/lost"]


def test_a_weight_told_for_the_day_of_birth_is_not_before_birth():
    t = read_bundle(newborn(observation("w", "29463-7", 1120, "g", "2026-03-01")))
    assert t.series("WT")[0] == (-30.0, 1.12)
    early = read_bundle(newborn(observation("w", "29463-7", 1120, "g", "2026-02-28")))
    assert early.series("WT")[0][0] < -30.0, "the day before is still a mistake, and the checks say so"


# ------------------------------------------------------------------------------------------------ doses


@pytest.mark.parametrize(
    ("dosage", "hours"),
    [
        ({"rateQuantity": quantity(32, "mg/h")}, 0.5),
        ({"rateQuantity": quantity(30, "mg/h")}, 0.5),
        ({"rateQuantity": quantity(8, "mg/h")}, None),
        ({"rateRatio": {"numerator": quantity(16, "mg"), "denominator": quantity(5, "min")}}, None),
    ],
)
def test_rate_and_period_tell_one_length(dosage, hours):
    t = read_bundle(bundle(patient(), given(dosage={"dose": quantity(16, "mg")} | dosage)))
    assert [d.duration for d in t.doses] == ([] if hours is None else [hours])
    assert ("rate_period_conflict" in errors(t)) is (hours is None)


def test_a_rate_that_cannot_be_read_is_no_bolus():
    t = read_bundle(bundle(patient(), given(end=None, dosage={"dose": quantity(16, "mg"), "rateQuantity": quantity(4, "mL/h")})))
    assert not t.doses
    assert "rate_unusable" in errors(t)


def by(*codes, text=None):
    return {"coding": [{"system": SNOMED, "code": c} for c in codes]} | ({"text": text} if text else {})


@pytest.mark.parametrize(
    ("route", "counted", "severity"),
    [
        (by("47625008"), True, None),
        (by(text="i.v."), True, None),
        (by(text="Intravenous route"), True, None),
        (by("78421000"), True, "warning"),
        (by("447694001"), False, "warning"),
        (by("26643006"), False, "warning"),
        (by("54485002"), False, "warning"),
        (by("72607000"), False, "warning"),
        (by(text="nebulised"), False, "warning"),
        (by(text="intraventricular"), False, "warning"),
        (by("34206005"), False, "error"),
        (by("123456"), False, "error"),
        (by("447694001", text="intravenous"), False, "error"),
    ],
)
def test_a_route_counts_by_code_or_word(route, counted, severity):
    t = read_bundle(newborn(given("d2", LATER["start"], LATER["end"], dosage={"dose": quantity(16, "mg"), "route": route})))
    assert len(t.doses) == 1 + counted
    assert [f.severity for f in t.findings if f.code == "route"] == ([severity] if severity else [])


def test_drops_and_nebuliser_solutions_are_no_infusion():
    for text in ("Amikacin 0.3 % eye drops", "Amikacin liposome for inhalation"):
        t = read_bundle(newborn(given("d2", LATER["start"], LATER["end"], medicationCodeableConcept={"text": text})))
        assert (len(t.doses), finding(t, "route").severity) == (1, "warning")
    vial = {"text": "Amikacin 250 mg/mL for intramuscular or intravenous use"}
    assert len(read_bundle(newborn(given("d2", LATER["start"], LATER["end"], medicationCodeableConcept=vial))).doses) == 2


def test_levels_without_a_dose_in_a_vein_are_refused_with_the_route():
    inhaled = given(dosage={"dose": quantity(16, "mg"), "route": by("447694001")})
    assert "route" in errors(read_bundle(bundle(patient(), inhaled, observation("l", "35669-1", 3, "mg/L"))))
    assert "route" not in errors(read_bundle(bundle(patient(), inhaled, observation("w", "29463-7", 1.1, "kg"))))


def test_routes_of_other_drugs():
    oral = route_of([], "by mouth")
    by_mouth = [fits(oral, formulary.drug(d)) for d in ("warfarin", "phenobarbital", "amikacin")]
    assert by_mouth == ["used", "remarked", "left out"]
    assert fits(route_of([], "intravenous"), formulary.drug("warfarin")) == "refused"


@pytest.mark.parametrize(
    ("concept", "code", "severity"),
    [
        ({"coding": [{"system": RXNORM, "code": "641", "display": "gentamicin"}]}, "conflicting_codes", "error"),
        ({"coding": [{"system": RXNORM, "code": "641"}, {"system": RXNORM, "code": "1596450"}]}, "conflicting_codes", "error"),
        ({"coding": [{"system": "urn:local", "code": "641", "display": "Ondansetron"}]}, "not_used", "info"),
        ({"coding": [{"system": "urn:local", "code": "641"}]}, "unknown_medication", "error"),
    ],
)
def test_a_code_counts_in_its_own_system(concept, code, severity):
    t = read_bundle(newborn(given("d2", LATER["start"], LATER["end"], medicationCodeableConcept=concept)))
    assert (len(t.doses), finding(t, code).severity) == (1, severity)


def test_medications_by_other_references():
    concept = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.88", "code": "641"}]}
    medicine = {"resourceType": "Medication", "id": "m", "ingredient": [{"itemCodeableConcept": concept}]}
    reference = {"reference": "Medication/m/_history/3"}
    t = read_bundle(bundle(patient(), medicine, given(medicationCodeableConcept=None, medicationReference=reference)))
    assert len(t.doses) == 1


def test_a_part_of_another_administration_is_not_counted_twice():
    t = read_bundle(newborn(given("d2", LATER["start"], LATER["end"], partOf=[{"reference": "MedicationAdministration/d1"}])))
    assert len(t.doses) == 1
    assert "part_of" in errors(t)


def test_what_is_said_to_have_been_taken_is_named():
    said = {"resourceType": "MedicationStatement", "id": "s", "status": "active", "subject": ABOUT,
            "medicationCodeableConcept": AMIKACIN}  # fmt: skip
    assert finding(read_bundle(newborn(said)), "statement").severity == "warning"


# ------------------------------------------------------------------------------------------------ conditions and procedures


def condition(text=None, code=None, **more):
    concept = ({"text": text} if text else {}) | ({"coding": [{"system": SNOMED, "code": code}]} if code else {})
    body = {"resourceType": "Condition", "id": "c", "subject": ABOUT, "onsetDateTime": "2026-03-01T06:00:00Z", "code": concept}
    return body | more


def status(code):
    return {"coding": [{"code": code}]}


@pytest.mark.parametrize(
    "text",
    [
        "No evidence of perinatal asphyxia", "perinatal asphyxia ruled out", "Rule out perinatal asphyxia", "r/o birth asphyxia",
        "Perinatal asphyxia absent (situation)", "Birth asphyxia excluded", "Family history of perinatal asphyxia",
        "at risk of perinatal asphyxia", "suspected perinatal asphyxia", "perinatal asphyxia?", "Without birth asphyxia",
        "therapeutic hypothermia not indicated", "Sibling with perinatal asphyxia", "Therapeutic hypothermia considered",
    ],
)  # fmt: skip
def test_words_that_take_back_switch_nothing(text):
    t = read_bundle(newborn(condition(text)))
    assert t.series("ASPHYXIA") == t.series("COOLING") == ()
    assert finding(t, "negated").severity == "warning"


UNCLEAR = (
    "twin with perinatal asphyxia",
    "twin A: perinatal asphyxia",
    "no fever, perinatal asphyxia",
    "no HIE with perinatal asphyxia",
    "mother with sepsis and perinatal asphyxia",
    "perinatal asphyxia and sepsis ruled out",
    "perinatal asphyxia in twin",
    "maternal sepsis with birth asphyxia",
)


@pytest.mark.parametrize("text", UNCLEAR)
def test_words_that_can_be_read_in_two_ways_are_named_and_not_used(text):
    t = read_bundle(newborn(condition(text)))
    assert t.series("ASPHYXIA") == ()
    assert finding(t, "condition_unclear").severity == "warning"
    assert "code_and_text_disagree" in errors(read_bundle(newborn(condition(text, "28314004"))))


@pytest.mark.parametrize("code", [None, "28314004"])
@pytest.mark.parametrize(
    "text",
    [
        "Perinatal asphyxia without HIE",
        "birth asphyxia with no seizures",
        "perinatal asphyxia (no HIE)",
        "perinatal asphyxia, no cooling",
        "perinatal asphyxia in twin pregnancy",
        "birth asphyxia, twin B",
        "Twin pregnancy; birth asphyxia",
        "perinatal asphyxia in dichorionic twin gestation",
        "perinatal asphyxia, mother with sepsis",
        "mother had sepsis; birth asphyxia",
        "Perinatal asphyxia due to maternal haemorrhage",
        "birth asphyxia after maternal cardiac arrest",
        "infant of a diabetic mother with perinatal asphyxia",
        "birth asphyxia. Family history of diabetes",
        "perinatal asphyxia, sepsis ruled out",
        "no sepsis but perinatal asphyxia",
        "No chorioamnionitis. Perinatal asphyxia.",
        "perinatal asphyxia, suspected sepsis",
        "Severe birth asphyxia without mention of HIE",
        "perinatal asphyxia not requiring cooling",
    ],
)
def test_a_negation_or_a_person_counts_where_it_reaches(text, code):
    t = read_bundle(newborn(condition(text, code)))
    assert t.series("ASPHYXIA") == ((-30.0, 1.0),)
    assert not {"negated", "condition_unclear", "code_and_text_disagree"} & found(t)


@pytest.mark.parametrize(
    "text",
    [
        "no sepsis or perinatal asphyxia",
        "no HIE, no perinatal asphyxia",
        "perinatal asphyxia: no",
        "perinatal asphyxia not confirmed",
        "perinatal asphyxia (ruled out)",
        "perinatal asphyxia, suspected",
        "perinatal asphyxia of the co-twin",
        "co-twin with birth asphyxia",
        "birth asphyxia in sibling",
        "no perinatal asphyxia, mother with sepsis",
    ],
)
def test_a_negation_or_a_person_reaches_across_the_words_between(text):
    t = read_bundle(newborn(condition(text)))
    assert t.series("ASPHYXIA") == ()
    assert finding(t, "negated").severity == "warning"


@pytest.mark.parametrize("text", ["perinatal asphyxia, resolved", "Resolved birth asphyxia", "Perinatal asphyxia (resolved)"])
def test_what_is_resolved_was_so(text):
    t = read_bundle(newborn(condition(text)))
    assert t.series("ASPHYXIA") == ((-30.0, 1.0),)
    assert "taken to last" in finding(t, "end_missing").message


@pytest.mark.parametrize(("onset", "on"), [("2026-03-01T06:00:00Z", True), ("2026-03-02", True), ("2026-03-05", False)])
def test_asphyxia_of_the_day_of_birth_is_that_of_the_birth(onset, on):
    t = read_bundle(newborn(condition("asphyxia without HIE", onsetDateTime=onset)))
    assert bool(t.series("ASPHYXIA")) is on
    assert finding(t, "recognised_by_text" if on else "condition_unclear").severity == "warning"


def test_cooling_of_which_nobody_says_what_for_is_named():
    assert finding(read_bundle(newborn(condition("passive cooling"))), "condition_unclear")
    assert read_bundle(newborn(condition("hypothermia on admission"))).series("COOLING") == ()


@pytest.mark.parametrize("text", ["Severe perinatal asphyxia", "Birth asphyxia in liveborn infant, umbilical pH 6.9"])
def test_plain_words_still_count(text):
    assert read_bundle(newborn(condition(text))).series("ASPHYXIA") == ((-30.0, 1.0),)


@pytest.mark.parametrize(
    ("more", "on", "code", "severity"),
    [
        ({"verificationStatus": status("refuted")}, False, "status", "info"),
        ({"verificationStatus": status("entered-in-error")}, False, "status", "info"),
        ({"verificationStatus": status("differential")}, False, "not_established", "warning"),
        ({"verificationStatus": status("provisional")}, True, "not_established", "warning"),
        ({"clinicalStatus": status("resolved")}, True, "end_missing", "warning"),
        ({"clinicalStatus": status("inactive")}, True, "end_missing", "warning"),
        ({"abatementString": "after two days"}, True, "end_missing", "warning"),
        ({"category": [{"text": "family history"}]}, False, "code_and_text_disagree", "error"),
        ({"modifierExtension": [{"url": "u", "valueBoolean": True}]}, False, "meaning_modified", "error"),
    ],
)
def test_what_a_condition_says_of_itself(more, on, code, severity):
    t = read_bundle(newborn(condition(code="28314004", **more)))
    assert bool(t.series("ASPHYXIA")) is on
    assert finding(t, code).severity == severity


def test_code_and_words_that_contradict_are_refused():
    assert "code_and_text_disagree" in errors(read_bundle(newborn(condition("no evidence of asphyxia", "28314004"))))


def cooling(**more):
    code = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.4", "code": "6A4Z1ZZ"}]}
    return {"resourceType": "Procedure", "id": "c", "status": "completed", "subject": ABOUT, "code": code} | more


@pytest.mark.parametrize(
    "when", [{"performedPeriod": {"start": "2026-03-01T10:00:00Z"}}, {"performedDateTime": "2026-03-01T10:00:00Z"}]
)
def test_cooling_that_is_over_ends(when):
    t = read_bundle(newborn(cooling(**when)))
    assert t.series("COOLING") == ((-30.0, 0.0), (-26.0, 1.0), (46.0, 0.0))
    assert finding(t, "end_missing").severity == "warning"


def test_cooling_in_progress_lasts():
    t = read_bundle(newborn(cooling(status="in-progress", performedPeriod={"start": "2026-03-01T10:00:00Z"})))
    assert t.series("COOLING") == ((-30.0, 0.0), (-26.0, 1.0))
    assert "end_missing" not in found(t)


def test_a_flag_told_for_the_day_of_birth_begins_at_birth():
    t = read_bundle(newborn(condition(code="28314004", onsetDateTime="2026-03-01")))
    assert t.series("ASPHYXIA") == ((-30.0, 1.0),)


# ------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [("10", 10.0), (" -2.5 ", -2.5), (".5", 0.5), ("5.", 5.0), ("1e-3", 0.001), ("+3", 3.0)]
    + [(t, None) for t in ("1_0", "nan", "inf", "-Infinity", "１２", "٣", "2,8", "1 0", "", "0x10", "1e999", "1e", "--1", "1d3")],
)
def test_a_number_is_read_strictly_at_every_door(text, value):
    assert number(text) == value
    assert number("2,8", comma=True) == 2.8
    assert number("1,234.5", comma=True) is None


def test_a_name_twice_in_one_object_is_refused():
    with pytest.raises(ValueError, match="twice"):
        parse_json('{"value": 2.8, "value": 28}')


def test_the_name_shown_beside_a_reference_is_the_drug():
    shown = given("d2", medicationCodeableConcept=None, effectivePeriod=LATER,
                  medicationReference={"reference": "Medication/e9", "display": "amikacin injection 500 mg/2 mL"})  # fmt: skip
    assert len(read_bundle(newborn(shown), "amikacin").doses) == 2


def test_bundles_in_a_bundle_are_read():
    inside = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": given("d2", effectivePeriod=LATER)}]}
    assert len(read_bundle(newborn(inside), "amikacin").doses) == 2
    part = read_bundle(newborn(inside | {"link": [{"relation": "next", "url": "u"}]}), "amikacin")
    assert finding(part, "incomplete_bundle").severity == "error"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"dataAbsentReason": {"coding": [{"code": "error"}]}}, "value_and_absent"),
        ({"specimen": {"display": "Cerebrospinal fluid"}}, "specimen"),
        ({"bodySite": {"text": "urine"}}, "specimen"),
        ({"specimen": {"display": "Serum"}}, ""),
        ({"specimen": {"reference": "Specimen/1", "display": "Blood, venous"}}, ""),
    ],
)
def test_a_level_of_something_else_than_blood(more, code):
    t = read_bundle(newborn(observation("l2", "35669-1", 2.8, "mg/L", TROUGH, **more)), "amikacin")
    assert (2.8 in levels(t)) is (not code)
    if code:
        assert finding(t, code).severity == "error"


@pytest.mark.parametrize(
    ("said", "counted"),
    [("UVC", 1), ("PIV", 1), ("central venous line", 1), ("PICC", 1), ("UAC", 1), ("via ETT", 0)],
)
def test_the_line_it_went_through(said, counted):
    t = read_bundle(newborn(given("d2", effectivePeriod=LATER, dosage={"dose": quantity(16, "mg"), "route": {"text": said}})),
                    "amikacin")  # fmt: skip
    assert len(t.doses) == 1 + counted


def test_an_amount_in_words_that_differs_is_said():
    dosage = {"dose": quantity(1.6, "mg"), "text": "16 mg IV (50 mg/mL)"}
    assert finding(read_bundle(newborn(given("d2", effectivePeriod=LATER, dosage=dosage)), "amikacin"), "text_differs")


@pytest.mark.parametrize(
    ("more", "on"),
    [
        ({"code": {"coding": [{"system": SNOMED, "code": "28314004"}], "text": "Birth asphyxia, not otherwise specified"}}, True),
        ({"code": {"text": "ruled-out perinatal asphyxia"}}, False),
        ({"code": {"text": "evaluate for birth asphyxia"}}, False),
        ({"verificationStatus": {"text": "Refuted"}}, False),
    ],
)
def test_words_about_a_condition(more, on):
    c = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "onsetDateTime": "2026-03-01T06:00:00Z",
         "code": {"coding": [{"system": SNOMED, "code": "28314004"}]}, "note": [{"text": "see MRI"}]}  # fmt: skip
    t = read_bundle(newborn(c | more), "amikacin")
    assert bool(t.series("ASPHYXIA")) is on
    assert ("comment" in {f.code for f in t.findings}) is on
