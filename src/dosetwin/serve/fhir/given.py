"""What a bundle says was given, before anything else of it is read: which of the drugs that are followed here it is about."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dosetwin.io import codes
from dosetwin.io.fhir_refs import split


def drug_of(drugs: Sequence[str], record: Mapping[str, Any]) -> str:
    """The first of ``drugs`` that a record names, else the first of all: the reader says what it finds."""
    try:
        concepts = given(record)
        return next((d for d in drugs if any(is_drug(d, c) for c in concepts)), drugs[0])
    except (AttributeError, TypeError):
        return drugs[0]  # malformed: the reader says where


def given(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What was administered: concepts, named in place or in a Medication of the record."""
    administered = of_kind(record, "MedicationAdministration")
    named = {split((r.get("medicationReference") or {}).get("reference") or "")[1] for r in administered}
    stored = [m.get("code") for m in of_kind(record, "Medication") if f"Medication/{m.get('id')}" in named]
    inside = [m.get("code") for r in administered for m in r.get("contained", ()) if m.get("resourceType") == "Medication"]
    return [c for c in (*(r.get("medicationCodeableConcept") for r in administered), *stored, *inside) if c]


def is_drug(drug: str, concept: Mapping[str, Any]) -> bool:
    """Whether a CodeableConcept means the drug, by a code, its words or its text."""
    said = [codes.Coded(*(str(c.get(k) or "") for k in ("system", "code", "display"))) for c in concept.get("coding", ())]
    text = str(concept.get("text") or "")
    meant = codes.medication(said, text)
    return drug in (meant.name, meant.also) or drug in text.lower()


def of_kind(record: Mapping[str, Any], kind: str) -> Iterable[Mapping[str, Any]]:
    """A bundle's resources of one kind."""
    entries = record.get("entry")
    found = [e.get("resource") for e in entries if isinstance(e, Mapping)] if isinstance(entries, list) else []
    return [r for r in found if isinstance(r, Mapping) and r.get("resourceType") == kind]
