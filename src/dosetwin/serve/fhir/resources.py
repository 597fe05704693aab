"""One piece of advice as FHIR R4 resources: risk assessment, guidance, draft order, issues, provenance, audit event.

Built as plain dictionaries without nulls or empty lists and checked by the R4 models of fhir.resources in the tests. Nothing here
orders anything: the request is a draft with intent ``proposal``, for a prescriber to sign or throw away.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dosetwin import formulary
from dosetwin.decide.recommendation import loading_interval, order
from dosetwin.forecast.tells import listed
from dosetwin.io.codes import ATC_SYSTEM, RXNORM_SYSTEM, UCUM_SYSTEM
from dosetwin.serve.canon import digest
from dosetwin.serve.fhir.setting import settings_request

DISCLAIMER = "Decision support for research and evaluation, not a medical device."
_NAMESPACE = uuid.UUID("6f9a1d0e-8a53-5c0c-9f62-3a7d1c1f4b70")
_ISSUES = {
    "level_contradicts_model": "high",
    "level_doubted": "high",
    **{t.watch.feared: "high" for t in listed().values()},
    "high_trough_expected": "high",
    "outside_studied_range": "moderate",
}
"""Findings and reasons that become a DetectedIssue, with its severity."""


@dataclass(frozen=True)
class Issued:
    """A piece of advice as it was issued.

    ``id`` the advice's own; ``at`` ISO 8601 with offset; ``drug`` a name of the formulary; ``patient`` and ``author`` FHIR
    references (``Patient/123``; the person who asked, or None); ``recommendation`` what ``Recommendation.to_json`` wrote;
    ``inputs_hash`` of the facts it was made from; ``sources`` references of the resources it rests on.
    """

    id: str
    at: str
    drug: str
    patient: str
    recommendation: Mapping[str, Any]
    inputs_hash: str
    author: str | None = None
    sources: tuple[str, ...] = ()


def issued_as(row: Mapping[str, Any], patient: str) -> Issued:
    """A stored advice as it was issued, about the patient of that FHIR reference."""
    inputs = row["inputs"]
    return Issued(row["id"], row["asked_at"].isoformat(), inputs["policy"]["drug"], patient, row["answer"], digest(inputs))


def bundle(issued: Issued) -> dict[str, Any]:
    """A transaction Bundle with every resource of one advice; conditional creation makes sending it twice harmless."""
    resources = [risk_assessment(issued)]
    if (order := request_of(issued)) is not None:
        resources.append(order)
    resources += detected_issues(issued)
    resources.append(guidance_response(issued))
    urls = [_url(issued, r) for r in resources]
    resources += [provenance(issued, urls), audit_event(issued, urls)]
    entries = []
    for r in resources:
        request = {"method": "POST", "url": r["resourceType"]}
        if "identifier" in r:
            value = _identifier(issued, r["resourceType"], _part(r))["value"]
            request["ifNoneExist"] = f"identifier=urn:dosetwin:advice|{value}"
        entries.append({"fullUrl": _url(issued, r), "resource": r, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def risk_assessment(issued: Issued) -> dict[str, Any]:
    """The chosen regimen's chances of meeting each target at each dose; for a refusal, that nothing could be chosen and why."""
    advice = issued.recommendation
    chosen = _chosen(advice)
    reasons = {r["code"]: r for r in advice["reasons"]}
    predictions = []
    for a in chosen["attainment"] if chosen else ():
        said = reasons.get(f"p_{a['target']}", {}).get("text", "")
        predictions.append(
            {
                "outcome": {"text": f"{a['target'].replace('_', ' ')} met, dose: {a['dose']}"},
                "probabilityDecimal": round(a["p"], 4),
                "rationale": f"{said}; Monte-Carlo standard error {a['se']:.3f}".removeprefix("; "),
            }
        )
    return _filled(
        {
            "resourceType": "RiskAssessment",
            "identifier": [_identifier(issued, "RiskAssessment")],
            "status": "final",
            "method": {"text": "posterior draws of " + ", ".join(m["name"] for m in _models(advice))},
            "subject": {"reference": issued.patient},
            "occurrenceDateTime": issued.at,
            "basis": [{"reference": s} for s in issued.sources],
            "prediction": predictions,
            "mitigation": _headline(issued),
            "note": [{"text": DISCLAIMER}],
        }
    )


def request_of(issued: Issued) -> dict[str, Any] | None:
    """The advised order as a draft of its kind: MedicationRequest, DeviceRequest, ServiceRequest; None as for each of them."""
    regimen = issued.recommendation["regimen"]
    if regimen is None or issued.recommendation.get("hold"):
        return None
    if "settings" not in regimen:
        return medication_request(issued)
    own = settings_request(regimen, issued.drug, "place" in issued.recommendation["provenance"])
    return _filled(
        {
            **own,
            "identifier": [_identifier(issued, own["resourceType"])],
            "status": "draft",
            "intent": "proposal",
            "subject": {"reference": issued.patient},
            "authoredOn": issued.at,
            "note": [{"text": DISCLAIMER}, {"text": _because(issued)}],
        }
    )


def _because(issued: Issued) -> str:
    return "; ".join(r["text"] for r in issued.recommendation["reasons"] if r["text"])


def medication_request(issued: Issued) -> dict[str, Any] | None:
    """The advised regimen as a draft order (intent ``proposal``); None when the answer is a refusal or a hold, or no dose."""
    regimen = issued.recommendation["regimen"]
    if regimen is None or issued.recommendation.get("hold") or "settings" in regimen:
        return None
    text, start, by_hand = _headline(issued), regimen["first_at"], issued.recommendation.get("given", {}).get("doses", ())
    repeated = {"frequency": 1, "period": regimen["interval_h"], "periodUnit": "h"}

    if regimen.get("week"):  # an instruction for each amount, on its days
        dosage = [
            _instruction(
                issued.drug,
                regimen,
                mg,
                start,
                {"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": days},
                text,
                by_hand,
            )
            for mg, days in by_amount(regimen["week"]).items()
        ]
    elif regimen.get("loading_mg") is None:
        dosage = [_instruction(issued.drug, regimen, regimen["amount_mg"], start, repeated, text, by_hand)]
    else:  # one dose, and from one interval later on the others
        later = _later(start, loading_interval(regimen))
        dosage = [
            {"sequence": 1, **_instruction(issued.drug, regimen, regimen["loading_mg"], start, {"count": 1}, text, by_hand)},
            {
                "sequence": 2,
                **_instruction(issued.drug, regimen, regimen["amount_mg"], later, repeated, text, by_hand),
            },
        ]
    return _filled(
        {
            "resourceType": "MedicationRequest",
            "identifier": [_identifier(issued, "MedicationRequest")],
            "status": "draft",
            "intent": "proposal",
            "medicationCodeableConcept": drug_concept(issued.drug),
            "subject": {"reference": issued.patient},
            "authoredOn": issued.at,
            "dosageInstruction": dosage,
            "note": [{"text": DISCLAIMER}, {"text": _because(issued)}],
        }
    )


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as FHIR codes them, in the order of a week of tablets."""
ROUTES = {"vein": ("47625008", "Intravenous route"), "mouth": ("26643006", "Oral route"),
          "skin": ("34206005", "Subcutaneous route")}  # fmt: skip
"""Routes of the formulary that have one code in SNOMED CT."""


def by_amount(week: Sequence[float]) -> dict[float, list[str]]:
    """Amount -> its days of the week, the larger first; days without a dose are in none."""
    return {mg: [d for d, x in zip(DAYS, week, strict=True) if x == mg] for mg in sorted({x for x in week if x}, reverse=True)}


def _instruction(
    drug: str, regimen: Mapping[str, Any], mg: float, start: Any, repeat: Mapping[str, Any], text: str,
    by_hand: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """One dosage instruction, by the drug's own route and in its unit, with how hands give it where the advice says so."""
    given = next((d for d in by_hand if abs(d["amount"] - mg) < 1e-9), {})
    rate = given.get("rate_mL_per_h")
    of = formulary.by_name().get(drug)
    code, words = ROUTES.get("vein" if of is None else of.routes[0], ("", ""))
    unit = "mg" if of is None else of.unit
    return _filled({
        "text": f"{text}: {given['words']}" if given else text,
        "timing": {
            "repeat": _filled(
                {
                    "boundsPeriod": {"start": start} if isinstance(start, str) else None,
                    "duration": regimen["infusion_h"] or None,
                    "durationUnit": "h" if regimen["infusion_h"] else None,
                    **repeat,
                }
            )
        },
        "route": {"coding": [{"system": "http://snomed.info/sct", "code": code, "display": words}]} if code else None,
        "doseAndRate": [_filled({
            "doseQuantity": {"value": mg, "unit": unit, "system": UCUM_SYSTEM, "code": unit},
            "rateQuantity": {"value": rate, "unit": "mL/h", "system": UCUM_SYSTEM, "code": "mL/h"} if rate else None,
        })],
    })  # fmt: skip


def _later(at: Any, hours: float) -> Any:
    """An ISO moment, or hours on a record's own clock, so much later."""
    return (datetime.fromisoformat(at) + timedelta(hours=hours)).isoformat() if isinstance(at, str) else at + hours


def detected_issues(issued: Issued) -> list[dict[str, Any]]:
    """What a clinician should see at once: a level that contradicts the model, what is feared, a patient out of range."""
    found = []
    said = [*issued.recommendation["findings"], *issued.recommendation["reasons"]]
    for n, item in enumerate(said):
        severity = _ISSUES.get(item["code"]) or ("high" if item.get("severity") == "error" else None)
        if severity is None:
            continue
        text = item.get("message") or item.get("text") or item["code"].replace("_", " ")
        where = item.get("record") or ""
        found.append(
            _filled(
                {
                    "resourceType": "DetectedIssue",
                    "identifier": [_identifier(issued, "DetectedIssue", str(n))],
                    "status": "preliminary",
                    "code": {"text": item["code"].replace("_", " ")},
                    "severity": severity,
                    "patient": {"reference": issued.patient},
                    "identifiedDateTime": issued.at,
                    "evidence": [{"detail": [{"reference": where}]}] if where in issued.sources else None,
                    "detail": f"{where}: {text}" if where else text,
                }
            )
        )
    return found


def _therapy(advice: Mapping[str, Any]) -> str:
    """The name of the therapy asked; answers of before called it a policy."""
    said = advice["provenance"]
    return (said.get("therapy") or said.get("policy") or {}).get("name", "none")


def guidance_response(issued: Issued) -> dict[str, Any]:
    """That the therapy was evaluated, by which model, and what it had to remark."""
    advice = issued.recommendation
    findings = [f for f in advice["findings"] if f["severity"] != "info"]
    outcome = {
        "resourceType": "OperationOutcome",
        "id": "findings",
        "issue": [
            {"severity": f["severity"], "code": "invalid" if f["severity"] == "error" else "informational",
             "diagnostics": f"{f['record']}: {f['message']}"} for f in findings
        ],
    }  # fmt: skip
    return _filled(
        {
            "resourceType": "GuidanceResponse",
            "contained": [outcome] if findings else None,
            "requestIdentifier": {"system": "urn:dosetwin:advice", "value": issued.id},
            "identifier": [_identifier(issued, "GuidanceResponse")],
            "moduleUri": f"urn:dosetwin:therapy:{_therapy(advice)}",
            "status": "data-required" if advice["status"] == "refuse" or advice.get("hold") else "success",
            "subject": {"reference": issued.patient},
            "occurrenceDateTime": issued.at,
            "reasonCode": [{"text": _headline(issued)}],
            "evaluationMessage": [{"reference": "#findings"}] if findings else None,
            "note": [{"text": DISCLAIMER}],
        }
    )


def provenance(issued: Issued, targets: Sequence[str]) -> dict[str, Any]:
    """Who made the resources, with which version, from which facts (their hash)."""
    advice = issued.recommendation
    agents = [{"who": {"display": f"dosetwin {advice['provenance'].get('dosetwin', '')}".strip()},
               "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                                    "code": "assembler"}]}}]  # fmt: skip
    if issued.author:
        agents.append({"who": {"reference": issued.author}, "type": {"text": "asked for the advice"}})
    what = [{"role": "source", "what": {"identifier": {"system": "urn:dosetwin:inputs-sha256", "value": issued.inputs_hash}}}]
    what += [{"role": "source", "what": {"reference": s}} for s in issued.sources]
    what += [{"role": "derivation", "what": {"identifier": {"system": "urn:dosetwin:model-sha256", "value": m["hash"]},
                                             "display": m["name"]}} for m in _models(advice) if "hash" in m]  # fmt: skip
    return {
        "resourceType": "Provenance",
        "target": [{"reference": t} for t in targets],
        "recorded": issued.at,
        "agent": agents,
        "entity": what,
    }


def audit_event(issued: Issued, targets: Sequence[str]) -> dict[str, Any]:
    """That the resources were written, by whom, about whom."""
    return {
        "resourceType": "AuditEvent",
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
            "display": "RESTful Operation",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "transaction", "display": "transaction"}],
        "action": "C",
        "recorded": issued.at,
        "outcome": "0",
        "agent": [
            {"who": {"display": "dosetwin"}, "requestor": issued.author is None},
            *([{"who": {"reference": issued.author}, "requestor": True}] if issued.author else []),
        ],
        "source": {"observer": {"display": "dosetwin"}},
        "entity": [{"what": {"reference": issued.patient}}, *({"what": {"reference": t}} for t in targets)],
    }


def drug_concept(drug: str) -> dict[str, Any]:
    """A drug's CodeableConcept: RxNorm ingredient, ATC, name. A drug without listed codes has its name only."""
    of = formulary.by_name().get(drug)
    coding = [{"system": RXNORM_SYSTEM, "code": of.rxnorm, "display": drug}] if of is not None and of.rxnorm else []
    coding += [{"system": ATC_SYSTEM, "code": code} for code in (() if of is None else of.atc)]
    return _filled({"coding": coding, "text": drug})


def _headline(issued: Issued) -> str:
    advice = issued.recommendation
    regimen = advice["regimen"]
    if advice.get("hold"):
        return f"Hold the next dose: {advice['hold_reason']}"
    if regimen is None:
        return "No acceptable regimen: " + "; ".join(r["text"] or r["code"] for r in advice["reasons"])
    if "settings" in regimen:
        return f"{issued.drug}: set {regimen['words']}"
    over = f", infused over {regimen['infusion_h']:g} h" if regimen["infusion_h"] else ""
    return f"{issued.drug} {order(regimen)}{over}"


def _chosen(advice: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if advice["regimen"] is None:
        return None
    return next((c for c in advice["candidates"] if c["regimen"] == advice["regimen"]), None)


def _models(advice: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return advice["provenance"].get("models", ())


def _identifier(issued: Issued, kind: str, part: str = "") -> dict[str, str]:
    return {"system": "urn:dosetwin:advice", "value": "-".join(p for p in (issued.id, kind, part) if p)}


def _part(resource: Mapping[str, Any]) -> str:
    if resource["resourceType"] != "DetectedIssue":
        return ""
    return resource["identifier"][0]["value"].rsplit("-", 1)[1]


def _url(issued: Issued, resource: Mapping[str, Any]) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, '|'.join((issued.id, resource['resourceType'], _part(resource))))}"


def _filled(resource: dict[str, Any]) -> dict[str, Any]:
    """Without what is None or empty: FHIR forbids both."""
    return {k: v for k, v in resource.items() if v is not None and v != [] and v != {} and v != ""}
