"""Small FHIR bundles for the tests, built from parts."""

from typing import Any

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
AMIKACIN = {"coding": [{"system": RXNORM, "code": "641", "display": "amikacin"}]}
IBUPROFEN = {"coding": [{"system": "http://www.whocc.no/atc", "code": "C01EB16", "display": "ibuprofen"}]}
Json = dict[str, Any]


def patient(**more: Any) -> Json:
    birth_time = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "2026-03-01T06:00:00Z"}
    return {
        "resourceType": "Patient",
        "id": "p",
        "gender": "female",
        "birthDate": "2026-03-01",
        "_birthDate": {"extension": [birth_time]},
        **more,
    }


def quantity(value: Any, code: str, **more: Any) -> Json:
    return {"value": value, "system": UCUM, "code": code, "unit": code, **more}


def observation(identity: str, loinc: str, value: Any, unit: str, when: str | None = "2026-03-02T13:00:00Z", **more: Any) -> Json:
    body: Json = {
        "resourceType": "Observation", "id": identity, "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": LOINC, "code": loinc}]}, "effectiveDateTime": when, "valueQuantity": quantity(value, unit),
    }  # fmt: skip
    return {k: v for k, v in (body | more).items() if v is not None}


def given(
    identity: str = "d1", start: str = "2026-03-02T12:00:00Z", end: str | None = "2026-03-02T12:30:00Z", mg: Any = 16, **more: Any
) -> Json:
    period = {"start": start} | ({"end": end} if end else {})
    body: Json = {
        "resourceType": "MedicationAdministration", "id": identity, "status": "completed", "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": AMIKACIN, "effectivePeriod": period, "dosage": {"dose": quantity(mg, "mg")},
    }  # fmt: skip
    return {k: v for k, v in (body | more).items() if v is not None}


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def newborn(*more: Json) -> Json:
    """A bundle that has all a twin needs, and what is given."""
    return bundle(
        patient(),
        observation("ga", "11884-4", 29, "wk", "2026-03-01T06:00:00Z"),
        observation("bw", "8339-4", 1130, "g", "2026-03-01T06:20:00Z"),
        observation("wt", "29463-7", 1.1, "kg", "2026-03-02T09:00:00Z"),
        given(),
        observation("level", "35669-1", 30, "mg/L"),
        *more,
    )
