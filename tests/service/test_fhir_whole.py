"""A record fetched from a FHIR server is whole or refused; references find their owner; what is not stored is said."""

import json

import httpx
import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")

from dosetwin.io.fhir import read_bundle
from dosetwin.serve.fhir.bulk import patients
from dosetwin.serve.fhir.client import FhirClient, FhirError
from dosetwin.serve.fhir.given import given, is_drug
from dosetwin.serve.fhir.ingest import left_out
from dosetwin.serve.fhir.sync import BESIDE, entries_of, whole_record

BASE = "https://ehr.example/r4"


def client(pages):
    def handle(request):
        return httpx.Response(200, json=pages(request))

    return FhirClient(BASE, transport=httpx.MockTransport(handle), sleep=lambda _s: None)


def found(**more):
    entry = [{"resource": {"resourceType": "Observation", "id": str(k)}} for k in range(2)]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entry} | more


def outcome(severity):
    said = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "incomplete"}]}
    return found(entry=[*found()["entry"], {"resource": said, "search": {"mode": "outcome"}}])


@pytest.mark.parametrize(
    ("page", "why"), [(found(total=5000), "counts 5000 matches and gave 2"), (outcome("error"), "failed in part")]
)
def test_an_answer_that_is_a_part_is_no_record(page, why):
    with pytest.raises(FhirError, match=why):
        list(client(lambda _: page).search("Observation"))


def test_a_whole_answer_passes_and_a_warning_goes_with_the_record():
    assert len(list(client(lambda _: found(total=2)).search("Observation"))) == 2
    kinds = [r["resourceType"] for r in client(lambda _: outcome("warning")).search("Observation")]
    assert kinds == ["Observation", "Observation", "OperationOutcome"]


def test_medications_named_by_versioned_or_absolute_references_are_read():
    def pages(request):
        kind = request.url.path.split("/")[2]
        if kind == "MedicationAdministration":
            given = [{"resourceType": kind, "id": str(k), "medicationReference": {"reference": r}}
                     for k, r in enumerate((f"{BASE}/Medication/m", "Medication/m/_history/2"))]  # fmt: skip
            return found(entry=[{"resource": r} for r in given])
        if kind in ("Patient", "Medication"):
            code = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.88", "code": "641"}]}
            return {"resourceType": kind, "id": request.url.path.split("/")[3], "code": code}
        return found(entry=[])

    record = whole_record(client(pages), "Patient/p")
    assert [e["fullUrl"] for e in record["entry"]].count(f"{BASE}/Medication/m") == 1
    assert [is_drug("amikacin", c) for c in given(record)] == [True]
    assert not is_drug("amikacin", {"coding": [{"system": "urn:local", "code": "641", "display": "Paracetamol"}]})


def beside(answer_to):
    """A server with one administration and one level; ``answer_to(kind)`` answers for the kinds beside them."""
    level = {"resourceType": "Observation", "id": "l", "status": "final", "subject": {"reference": "Patient/p"},
             "code": {"coding": [{"system": "http://loinc.org", "code": "35669-1"}]}, "effectiveDateTime": "2026-03-03T11:00:00Z",
             "specimen": {"reference": "Specimen/s"},
             "valueQuantity": {"value": 2.8, "code": "mg/L", "unit": "mg/L", "system": "http://unitsofmeasure.org"}}  # fmt: skip

    def handle(request):
        kind = request.url.path.split("/")[2]
        if kind == "Patient":
            return httpx.Response(200, json={"resourceType": kind, "id": "p", "birthDate": "2026-03-01"})
        if kind in BESIDE:
            status, resources = answer_to(kind)
            return httpx.Response(status, json=found(entry=[{"resource": r} for r in resources]))
        return httpx.Response(200, json=found(entry=[{"resource": level}] if kind == "Observation" else []))

    return FhirClient(BASE, transport=httpx.MockTransport(handle), sleep=lambda _s: None)


def test_specimens_and_allergies_of_a_server_are_read_as_those_of_a_bundle():
    drawn = {"resourceType": "Specimen", "id": "s", "status": "available", "subject": {"reference": "Patient/p"},
             "collection": {"collectedDateTime": "2026-03-03T10:10:00Z"}}  # fmt: skip
    code = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "641", "display": "amikacin"}]}
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}, "code": code}
    held = {"Specimen": (200, [drawn]), "AllergyIntolerance": (200, [allergy])}
    timeline = read_bundle(whole_record(beside(held.get), "Patient/p"), "amikacin")
    said = {f.code: f.severity for f in timeline.findings}
    assert [str(timeline.when(o.time)) for o in timeline.observations] == ["2026-03-03 10:10:00+00:00"]
    assert (said["specimen_time"], said["allergy"]) == ("warning", "warning")
    assert timeline.series("ALLERGY_AMINOGLYCOSIDE")[-1][1] == 1.0


@pytest.mark.parametrize("status", [403, 404])
def test_a_server_that_offers_no_allergies_is_followed_and_that_is_said(status):
    server = beside(lambda kind: (200, []) if kind == "Specimen" else (status, []))
    timeline = read_bundle(whole_record(server, "Patient/p"), "amikacin")
    (said,) = [f for f in timeline.findings if f.code == "server_outcome"]
    assert (said.severity, f"AllergyIntolerance: not read here (the server answered {status})") == ("warning", said.value)
    with pytest.raises(FhirError, match="500"):
        whole_record(beside(lambda kind: (500, [])), "Patient/p")


def test_an_unknown_server_gives_no_addresses():
    assert entries_of([{"resourceType": "Patient", "id": "p"}], "") == [{"resource": {"resourceType": "Patient", "id": "p"}}]


def test_bulk_lines_find_their_owner(tmp_path):
    lines = [{"resourceType": "Patient", "id": "p"}]
    lines += [{"resourceType": "Observation", "id": str(k), "subject": {"reference": r}}
              for k, r in enumerate(("Patient/p", "Patient/p/_history/3", f"{BASE}/Patient/p", "Group/p"))]  # fmt: skip
    path = tmp_path / "x.ndjson"
    path.write_text("\n".join(json.dumps(x) for x in lines) + '\n{"resourceType": "Patient", "id": "a", "id": "b"}\n')
    bundles, findings = patients([path])
    assert len(bundles["Patient/p"]["entry"]) == 4
    assert [f.code for f in findings] == ["no_owner", "not_json"]


def test_what_the_store_has_no_place_for_is_said():
    def measured(identity, loinc, value, unit, **more):
        system = "http://unitsofmeasure.org"
        return {"resourceType": "Observation", "id": identity, "status": "final", "subject": {"reference": "Patient/p"},
                "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]}, "effectiveDateTime": "2026-03-02T10:00:00Z",
                "valueQuantity": {"value": value, "code": unit, "system": system} | more}  # fmt: skip

    resources = [{"resourceType": "Patient", "id": "p"}, measured("s", "2160-0", 0.2, "mg/dL", comparator="<"),
                 measured("i", "6301-6", 1.4, "{INR}")]  # fmt: skip
    timeline = read_bundle(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}, "amikacin"
    )
    assert {f.record for f in left_out(timeline)} == {"Observation/s"}
