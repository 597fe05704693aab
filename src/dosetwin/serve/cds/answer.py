"""What a hook is answered: the patient's record taken in from the prefetch (or fetched), the twin asked, cards made.

Hooks: ``patient-view`` (a card only when the twin has something to say), ``order-select`` (the advised regimen as a draft order)
and ``order-sign`` (a card only when the order differs from the advice). A patient no twin can be built for gets a card that
says why when the drug is being ordered, and none when the record is merely opened.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dosetwin.errors import InputError
from dosetwin.io.fhir_refs import incomplete, outcome
from dosetwin.serve.audit import digest
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.cds.cards import advice_card, cannot_card, is_for, order_card
from dosetwin.serve.fhir.client import FhirClient, FhirError
from dosetwin.serve.fhir.ingest import ingest
from dosetwin.serve.fhir.resources import DISCLAIMER, Issued
from dosetwin.serve.fhir.sync import Server, beside, entries_of, ours, unread
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.told import marks
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

SERVICES = {
    "dosetwin-patient-view": ("patient-view", "Twin: what needs attention", "Shows when a patient's twin has a warning."),
    "dosetwin-order-select": ("order-select", "Twin: advised regimen", "Offers the advised regimen as a draft order."),
    "dosetwin-order-sign": ("order-sign", "Twin: check of the order", "Compares an order with the twin's advice."),
}
_OF = "patient={{context.patientId}}"
PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "observations": f"Observation?{_OF}&_count=1000",
    "administrations": f"MedicationAdministration?{_OF}&_count=1000&_include=MedicationAdministration:medication",
    "conditions": f"Condition?{_OF}&_count=1000",
    "procedures": f"Procedure?{_OF}&_count=1000",
    "specimens": f"Specimen?{_OF}&_count=1000",
    "allergies": f"AllergyIntolerance?{_OF}&_count=1000",
}
ALSO = ("specimens", "allergies")
"""Prefetch keys without which there is an answer all the same: what could not be had is said."""


@dataclass(frozen=True)
class Caller:
    """An EHR that may call: its name, the ward its unknown patients are put on, and the FHIR servers it may point to."""

    issuer: str
    ward: str
    fhir_servers: tuple[str, ...] = ()

    @property
    def principal(self) -> Principal:
        """What it may do here: deliver records, ask, and report what was decided."""
        return Principal(f"cds:{self.issuer}", self.issuer, frozenset({"prescriber", "feed"}), frozenset({self.ward}), "token")


def discovery() -> dict[str, Any]:
    """The answer to ``GET /cds-services``."""
    return {
        "services": [
            {"id": id_, "hook": hook, "title": title, "description": text, "prefetch": PREFETCH,
             "usageRequirements": "Read access to the patient's observations, administrations, conditions, procedures, specimens "
                                  "and allergies."}
            for id_, (hook, title, text) in SERVICES.items()
        ]
    }  # fmt: skip


class Truncated(Exception):
    """Only a part of the record is in the prefetch and the rest cannot be fetched; ``bundle`` that part."""

    def __init__(self, why: str, bundle: Mapping[str, Any]):
        super().__init__(why)
        self.bundle = bundle


def respond(service: "Service", caller: Caller, name: str, request: Mapping[str, Any], page: str) -> dict[str, Any]:
    """The response to a hook of the service called ``name``.

    ``page``: base URL of the patients' pages. Raises Problem 404 (no such service), 400 (another hook), 412 (record not there and
    not to be fetched).
    """
    if name not in SERVICES:
        raise Problem(404, "not_found", "no such service", [wrong("cds-service", "id", name, ", ".join(SERVICES))])
    hook = SERVICES[name][0]
    if request["hook"] != hook:
        raise Problem(400, "wrong_hook", "this service answers another hook", [wrong("request", "hook", request["hook"], hook)])
    context = request["context"]
    drugs = {d: [o for o in _orders(context, hook) if is_for(d, o)] for d in service.installed.drugs}
    ordered = {d: orders for d, orders in drugs.items() if orders}
    if hook != "patient-view" and not ordered:
        return {"cards": []}
    drug = next(iter(ordered), service.installed.first.drug)
    patient = str(context["patientId"]).removeprefix("Patient/")
    try:
        bundle = _record(request, caller, patient)
    except Truncated as part:
        service.audited(caller.principal, "cds_hook", outcome="refused", detail={"service": name, "error": "Truncated"})
        here = Server("cds", _server(request, caller), caller.ward)
        # the record of a patient who is not on the drug concerns nobody here, whole or not
        said = hook != "patient-view" or ours(service, here, part.bundle)
        return {"cards": [cannot_card(drug, str(part))] if said else []}
    try:
        done = ingest(service, caller.principal, bundle, server=_server(request, caller), ward=caller.ward,
                      drug=next(iter(ordered), ""))  # fmt: skip
        if hook == "patient-view":
            return _view(service, done.patient_id, page)
    except (InputError, Problem) as error:
        if isinstance(error, Problem) and error.status == 403:
            raise
        service.audited(caller.principal, "cds_hook", outcome="refused", detail={"service": name, "error": type(error).__name__})
        return {"cards": [] if hook == "patient-view" else [cannot_card(drug, _why(error))]}
    cards: list[dict[str, Any]] = []
    for about, orders in ordered.items():
        cards += _of_drug(service, caller, name, request, bundle, done.patient_id, about, orders, page)
    unheard = "".join(f"\n- {f.value}" for f in done.findings if f.code == "server_outcome")
    return {"cards": [c | {"detail": c["detail"] + unheard} for c in cards]}


def _of_drug(
    service: "Service", caller: Caller, name: str, request: Mapping[str, Any], bundle: Mapping[str, Any], id_: str, drug: str,
    orders: Sequence[Mapping[str, Any]], page: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """The cards about the orders of one drug: of the therapy that runs for the patient, else of the drug's first one here."""
    hook, context = SERVICES[name][0], request["context"]
    patient = str(context["patientId"]).removeprefix("Patient/")
    reach = service.reach(caller.principal)
    try:
        with service.store.read() as conn:
            running = service.running(service.known(conn, reach, id_))
        of = next((f for f in running if f.drug == drug), service.installed.of_drug(drug))
        asked = service.ask(caller.principal, id_, therapy=of.name, sensitivity=False)
    except (InputError, Problem) as error:
        if isinstance(error, Problem) and error.status == 403:
            raise
        service.audited(caller.principal, "cds_hook", outcome="refused", detail={"service": name, "error": type(error).__name__})
        return [cannot_card(drug, _why(error))]
    sources = tuple(_reference(r) for r in _resources(bundle) if r.get("id") and r["resourceType"] == "Observation")
    issued = Issued(asked["id"], asked["asked_at"], drug, f"Patient/{patient}", asked["answer"], digest(asked["inputs"]),
                    str(context.get("userId", "")) or None, sources)  # fmt: skip
    more = "" if of is running[0] else f"?therapy={of.name}"
    link, zone = f"{page}{id_}{more}" if page else None, Zone(service.settings.time_zone or "UTC")
    if hook == "order-select":
        return [advice_card(issued, link, suggest=True, zone=zone)]
    return [c for c in (order_card(issued, o, link, zone=zone) for o in orders) if c is not None]


def feedback(service: "Service", caller: Caller, given: Sequence[Mapping[str, Any]]) -> None:
    """Keep what became of cards: accepted, or overridden with its reason. All of it or nothing.

    A card that rests on no advice (what needs attention, why there is none) is noted in the audit trail. Raises Problem 403 for
    the advice of a patient out of the caller's reach.
    """
    who = caller.principal

    def change(conn: Any, reach: Any) -> None:
        for item in given:
            try:
                row = reach.advice(conn, item["card"].lower(), "answer")
            except Problem as problem:
                if problem.status != 404:
                    raise
                detail = {"card": item["card"].lower(), "outcome": item["outcome"]}
                service.trail.add(conn, reach.now, who, "cds_feedback", detail=detail)
                continue
            if item["outcome"] == "accepted" and row["answer"].get("regimen") is None:  # the card was seen; it ordered nothing
                detail = {"card": item["card"].lower(), "outcome": item["outcome"]}
                service.trail.add(conn, reach.now, who, "cds_feedback", patient=row["patient_id"], detail=detail)
                continue
            reason = item.get("overrideReason") or {}
            words = [(reason.get("reason") or {}).get("code", ""), reason.get("userComment", "")]
            said = {"decision": item["outcome"], "reason": ": ".join(w for w in words if w)}
            if item["outcome"] == "overridden" and len(said["reason"]) < 3:
                said["reason"] = "no reason given in the ordering screen"
            service.ledger.answer_advice(conn, who, row, said, reach.now)

    service.change(who, change)


def _view(service: "Service", patient: str, page: str) -> dict[str, Any]:
    """A card for each therapy by which the ward list would mark this patient."""
    service.refresh(patient)
    reach = service.reach(THE_SERVICE)
    with service.store.read() as conn:
        states = reach.states(conn, patient)
    return {"cards": [c for s in states if (c := _marked(s["summary"], patient, page, s is states[0])) is not None]}


def _marked(summary: Mapping[str, Any], patient: str, page: str, first: bool) -> dict[str, Any] | None:
    """A card of one therapy, None where there is nothing to say."""
    said = [*summary.get("level_contradicts", ())]
    said += [text for _, text, _ in marks(summary)]
    if summary.get("hold"):
        said.append(summary["hold"])
    elif summary.get("status") == "refuse":
        said.append(f"no acceptable regimen: {summary['reason']}")
    if not said:
        return None
    text = f"{summary['drug']} twin: {said[0]}"
    card = {
        "uuid": str(uuid.uuid4()),
        "summary": text if len(text) < 140 else text[:138].rstrip() + "…",
        "indicator": "warning",
        "detail": "\n".join([*(f"- {s}" for s in said), "", DISCLAIMER]),
        "source": {"label": "dosetwin"},
    }
    if page:
        card["links"] = [{"label": "Open the twin", "url": page + patient + ("" if first else f"?therapy={summary['therapy']}"),
                          "type": "absolute"}]  # fmt: skip
    return card


def _orders(context: Mapping[str, Any], hook: str) -> list[Mapping[str, Any]]:
    drafts = [e["resource"] for e in (context.get("draftOrders") or {}).get("entry", ()) if e.get("resource")]
    drafts = [d for d in drafts if d.get("resourceType") == "MedicationRequest"]
    if hook != "order-select":
        return drafts
    chosen = set(context.get("selections") or ())
    return [d for d in drafts if _reference(d) in chosen]


def _record(request: Mapping[str, Any], caller: Caller, patient: str) -> dict[str, Any]:
    """The patient's record as a collection bundle: out of the prefetch; what is missing or cut there, from the EHR's FHIR server.

    Raises Problem 412 (not there and not to be fetched), 400 (another patient's), Truncated (cut, and not to be fetched).
    """
    prefetch = request.get("prefetch") or {}
    cut = {key: why for key in PREFETCH if (why := _cut(prefetch.get(key)))}
    lacking = [key for key in PREFETCH if key not in prefetch and key not in ALSO]
    also = {key: cut.pop(key, "not sent") for key in ALSO if key in cut or key not in prefetch}
    base, access = str(request.get("fhirServer") or ""), request.get("fhirAuthorization") or {}
    entries = [e for key in PREFETCH if key not in cut and key not in also for e in _entries(prefetch.get(key), base)]
    listed = bool(base) and base.rstrip("/") in caller.fhir_servers
    if not listed:  # what came of them is used
        part = [(key, e) for key in also for e in _entries(prefetch.get(key), base)]
        entries += [e for key, e in part if e["resource"].get("resourceType") == _kind(key)]
        entries += entries_of((unread(_kind(key), f"{why}, and not to be fetched") for key, why in also.items()), base)
    if lacking or cut or (also and listed):
        if not listed:
            if lacking:
                raise Problem(412, "prefetch_needed", "the record is not in the prefetch and cannot be fetched",
                              [wrong("request", f"prefetch.{key}", None, PREFETCH[key]) for key in lacking])  # fmt: skip
            came = {"entry": [e for key in PREFETCH for e in _entries(prefetch.get(key), base)]}
            told = "; ".join(f"{key}: {why}" for key, why in cut.items())
            raise Truncated(f"the record that was sent is only a part ({told}); doses or levels may be missing, so there is no "
                            "advice: send every page, or let the service fetch the record", came)  # fmt: skip
        try:
            with FhirClient(base, lambda: access.get("access_token"), timeout_s=5.0) as client:
                for key in (*lacking, *cut, *also):
                    kind = _kind(key)
                    found = [client.read(f"Patient/{patient}")] if key == "patient" else client.changed(kind, patient, None)
                    entries += entries_of(beside(kind, found) if key in also else found, base)
        except FhirError as error:
            raise Problem(412, "record_not_fetched", str(error)) from None
    kinds = {"Medication", "OperationOutcome", *map(_kind, PREFETCH)}
    entries = [e for e in entries if e["resource"].get("resourceType") in kinds]
    others = [
        r["id"] for e in entries if (r := e["resource"])["resourceType"] == "Patient" and r.get("id") not in (None, patient)
    ]
    if others:
        raise Problem(400, "other_patient", "the prefetch holds another patient than the context names",
                      [wrong("request", "prefetch.patient", others[0], f"Patient/{patient}")])  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _kind(key: str) -> str:
    """The kind of resource that a prefetch key holds."""
    return PREFETCH[key].partition("?")[0].partition("/")[0]


def _cut(value: Any) -> str:
    """Why a prefetched answer is not all the server has; "" where it is."""
    if not isinstance(value, Mapping):
        return ""
    if value.get("resourceType") == "OperationOutcome":
        return "the EHR could not fetch it"
    for item in value.get("entry") or ():
        told = outcome(item) if isinstance(item, Mapping) else None
        if told is not None and told[0] not in ("warning", "information"):
            return "the EHR's server failed in part"
    return incomplete(value)


def _entries(value: Any, base: str) -> list[dict[str, Any]]:
    """A prefetched answer's entries; those without an address get the EHR's."""
    listed = value.get("entry") or () if isinstance(value, Mapping) and value.get("resourceType") == "Bundle" else ()
    given = [dict(e) for e in listed if isinstance(e, Mapping) and isinstance(e.get("resource"), Mapping)]
    if not listed:
        given = [{"resource": r} for r in _resources(value)]
    return [(entries_of([e["resource"]], base)[0] if not e.get("fullUrl") else {}) | e for e in given]


def _resources(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        return []
    if value.get("resourceType") == "Bundle":
        return [e["resource"] for e in value.get("entry", ()) if isinstance(e.get("resource"), Mapping)]
    return [dict(value)]


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"


def _server(request: Mapping[str, Any], caller: Caller) -> str:
    return str(request.get("fhirServer") or caller.issuer).rstrip("/")


def _why(error: Exception) -> str:
    if isinstance(error, Problem) and error.errors:
        return "; ".join(f"{e['resource']}: {e['message']} (expected {e['expected']})" for e in error.errors[:5])
    return str(error)
