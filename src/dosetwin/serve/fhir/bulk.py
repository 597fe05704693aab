"""Bulk data (NDJSON, one resource a line, as ``$export`` writes it) sorted into one bundle per patient."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dosetwin.errors import Finding
from dosetwin.io.fhir_refs import split
from dosetwin.io.text import parse_json
from dosetwin.serve.fhir.sync import BESIDE, KINDS

SENT = ("DiagnosticReport",)
"""Kinds that are read where they are sent, and not asked for."""

LONGEST_LINE = 2**20


def patients(files: Iterable[Path]) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    """Patient reference -> a collection bundle of everything in ``files`` about it; and what could not be used, by file and line.

    Lines that are no JSON, resources without an owner, and owners that are in no file are findings; nothing is dropped unsaid.
    """
    people: dict[str, dict[str, Any]] = {}
    owned: dict[str, list[dict[str, Any]]] = {}
    where: dict[str, str] = {}
    shared: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for record, resource in _lines(files, findings):
        kind = resource.get("resourceType")
        if kind == "Patient":
            people[f"Patient/{resource.get('id')}"] = resource
        elif kind == "Medication":
            shared.append(resource)
        elif kind in (*KINDS, *BESIDE, *SENT):
            owner = split(str((resource.get("subject") or resource.get("patient") or {}).get("reference") or ""))[1]
            if not owner.startswith("Patient/"):
                findings.append(
                    Finding("warning", "no_owner", record, "belongs to no patient; not used", owner or None, "Patient/id")
                )
                continue
            owned.setdefault(owner, []).append(resource)
            where.setdefault(owner, record)
    findings += [
        Finding("warning", "unknown_patient", where[owner], f"{len(owned[owner])} resources of a patient in no file", owner,
                "a Patient resource", "export the Patient resources too")
        for owner in sorted(set(owned) - set(people))
    ]  # fmt: skip
    bundles = {
        name: {"resourceType": "Bundle", "type": "collection",
               "entry": [{"resource": r} for r in (person, *owned.get(name, ()), *shared)]}
        for name, person in people.items()
    }  # fmt: skip
    return bundles, findings


def _lines(files: Iterable[Path], findings: list[Finding]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in files:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                record = f"{path.name}:{number}"
                if not line.strip():
                    continue
                try:
                    if len(line) > LONGEST_LINE:
                        raise ValueError("the line is too long")
                    resource = parse_json(line)
                    if not isinstance(resource, dict):
                        raise ValueError("not a resource")
                except ValueError as error:
                    findings.append(
                        Finding("warning", "not_json", record, f"cannot be read: {error}", None, "one resource a line")
                    )
                    continue
                yield record, resource
