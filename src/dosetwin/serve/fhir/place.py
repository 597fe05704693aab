"""A kept answer about a place as a FHIR R4 transaction: the Location, the drafted ServiceRequest, and where both came from.

RiskAssessment, GuidanceResponse and DetectedIssue are about patients in R4 and are not written of a place.
"""

from collections.abc import Mapping
from typing import Any

from dosetwin.serve.canon import digest
from dosetwin.serve.fhir.resources import Issued, audit_event, provenance, request_of

WARD = "urn:dosetwin:ward"


def bundle(row: Mapping[str, Any], ward: str) -> dict[str, Any]:
    """What is sent of a kept answer; conditional creation makes sending it twice harmless. A refusal has no ServiceRequest."""
    place = f"urn:uuid:{row['id']}"
    issued = Issued(
        row["id"], row["asked_at"].isoformat(), row["inputs"]["policy"]["drug"], place, row["answer"], digest(row["inputs"])
    )
    location = {"resourceType": "Location", "identifier": [{"system": WARD, "value": ward}], "name": ward, "mode": "instance"}
    entries: list[dict[str, Any]] = [
        {"fullUrl": place, "resource": location,
         "request": {"method": "POST", "url": "Location", "ifNoneExist": f"identifier={WARD}|{ward}"}},
    ]  # fmt: skip
    made = [place]
    if (order := request_of(issued)) is not None:
        (own,) = order["identifier"]
        made.append(url := f"{place}-ServiceRequest")
        entries.append({
            "fullUrl": url, "resource": order | {"locationReference": [{"reference": place}]},
            "request": {"method": "POST", "url": "ServiceRequest", "ifNoneExist": f"identifier={own['system']}|{own['value']}"},
        })  # fmt: skip
    more = (provenance(issued, made), audit_event(issued, made))
    entries += [{"resource": r, "request": {"method": "POST", "url": r["resourceType"]}} for r in more]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
