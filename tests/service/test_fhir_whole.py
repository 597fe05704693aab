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
from dosetwin.serve.fhir.sync import entries_of, whole_record

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
