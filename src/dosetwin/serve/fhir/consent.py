"""FHIR Consent read into what the store enforces: care or research, permitted or denied, for the whole record.

A consent that says more than that (exceptions below its base rule, another scope) is remarked on, never half applied.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dosetwin.errors import Finding
from dosetwin.serve.store.facts import NewFact

PURPOSES = {"treatment": "care", "patient-privacy": "care", "research": "research"}
"""Consent.scope code -> what the store keeps apart."""


def consents(bundle: Mapping[str, Any], prefix: str) -> tuple[list[NewFact], list[Finding]]:
    """The consent facts of a bundle, oldest first, and remarks on consents that could not be read.

    ``prefix`` begins each source key; the key holds the decision and its moment, so that the same consent is stored once and a
    changed one is a new fact (the last per purpose holds).
    """
    found: list[NewFact] = []
    remarks: list[Finding] = []
    for entry in bundle.get("entry", ()):
        r = entry.get("resource") or {}
        if r.get("resourceType") != "Consent":
            continue
        record = f"Consent/{r.get('id', '')}"
        scopes = [c.get("code") for c in (r.get("scope") or {}).get("coding", ())]
        purpose = next((PURPOSES[s] for s in scopes if s in PURPOSES), None)
        provision = r.get("provision") or {}
        decision, at = provision.get("type"), r.get("dateTime")
        why = ""
        if r.get("status") != "active":
            why = f"its status is {r.get('status')!r}, only active ones hold"
        elif purpose is None:
            why = f"its scope is none of {', '.join(PURPOSES)}"
        elif decision not in ("permit", "deny"):
            why = "its provision neither permits nor denies"
        elif provision.get("provision"):
            why = "it has exceptions, which this store cannot keep"
        if not why:
            try:
                body = {"kind": "consent", "purpose": purpose, "decision": decision, "reference": record}
                key = f"{prefix}{record}:{decision}:{at}"
                found.append(NewFact.model_validate({"at": at, "source_key": key[:300], "body": body}))
            except ValidationError:
                why = f"its dateTime {at!r} is no moment with an offset"
        if why:
            remarks.append(Finding("warning", "consent_not_read", record, f"consent not applied: {why}", None,
                                   "active; scope treatment, patient-privacy or research; permit or deny without exceptions",
                                   "record the decision in the service by hand"))  # fmt: skip
    return sorted(found, key=lambda f: f.at), remarks
