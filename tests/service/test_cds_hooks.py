"""CDS Hooks against the running application: discovery, the three hooks, feedback, and what is refused."""

import copy
import json
import uuid
from datetime import UTC, datetime
from importlib.resources import files

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from fastapi.testclient import TestClient
from fhir.resources.R4B.medicationrequest import MedicationRequest
from joserfc import jwt
from joserfc.jwk import ECKey

from dosetwin.serve.app import create_app
from dosetwin.serve.settings import Settings

NOW = datetime(2026, 4, 13, 14, tzinfo=UTC)
BUNDLE = json.loads((files("dosetwin") / "data" / "demo_newborn.json").read_text(encoding="utf-8"))
ISSUER = "https://ehr.example"
KEY = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)


class Fixed:
    """A clock that stands."""

    def __init__(self, at: datetime = NOW):
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cds")
    listed = {ISSUER: {"keys": [KEY.as_dict(private=False)], "ward": "nicu", "fhir_servers": ["https://fhir.example/r4"]}}
    (folder / "clients.json").write_text(json.dumps(listed), encoding="utf-8")
    settings = Settings(demo=True, data_dir=folder, demo_babies=0, demo_speed=1, draws=300, public_url="http://testserver",
                        cds_clients=folder / "clients.json", cds_origins="https://ehr.example")  # fmt: skip
    with TestClient(create_app(settings, clock=Fixed(), background=False)) as c:
        yield c


def authorization(path: str) -> dict[str, str]:
    seconds = NOW.timestamp()
    claims = {"iss": ISSUER, "aud": "http://testserver" + path, "iat": seconds, "exp": seconds + 120, "jti": str(uuid.uuid4())}
    token = jwt.encode({"alg": "ES256", "kid": "k1", "typ": "JWT"}, claims, KEY, algorithms=["ES256"])
    return {"Authorization": f"Bearer {token}"}


def prefetch(bundle=BUNDLE):
    by = {}
    for entry in bundle["entry"]:
        by.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])

    def searchset(kind):
        return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in by.get(kind, ())]}

    return {"patient": by["Patient"][0], "observations": searchset("Observation"), "conditions": searchset("Condition"),
            "administrations": searchset("MedicationAdministration"), "procedures": None}  # fmt: skip


def order(mg=20.0, hours=24.0, drug="amikacin"):
    return {"resourceType": "MedicationRequest", "id": "draft-1", "status": "draft", "intent": "order",
            "medicationCodeableConcept": {"text": drug}, "subject": {"reference": "Patient/demo-newborn"},
            "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": hours, "periodUnit": "h"}},
                                   "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg", "code": "mg"}}]}]}  # fmt: skip


def hook(name, orders=(), **more):
    context = {"userId": "Practitioner/1", "patientId": "demo-newborn"}
    if orders:
        context["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": o} for o in orders]}
        context["selections"] = [f"MedicationRequest/{o['id']}" for o in orders]
    return {"hook": name, "hookInstance": str(uuid.uuid4()), "context": context, "prefetch": prefetch()} | more


def call(client, name, body):
    path = f"/cds-services/{name}"
    return client.post(path, json=body, headers=authorization(path))


def no_empty(value) -> bool:
    if isinstance(value, dict):
        return all(v not in (None, "", [], {}) and no_empty(v) for v in value.values())
    return all(no_empty(v) for v in value) if isinstance(value, list) else True


def within_the_specification(card) -> bool:
    """CDS Hooks 2.0.1: what a card must have, and nothing null or empty."""
    assert no_empty(card)
    assert 0 < len(card["summary"]) < 140
    assert card["indicator"] in ("info", "warning", "critical")
    assert card["source"]["label"]
    assert uuid.UUID(card["uuid"])
    for link in card.get("links", ()):
        assert {"label", "url", "type"} <= set(link)
    if "suggestions" in card:
        assert card["selectionBehavior"] in ("at-most-one", "any")
        for s in card["suggestions"]:
            assert uuid.UUID(s["uuid"])
            assert all({"type", "description", "resource"} <= set(a) for a in s["actions"])
    return True


def test_discovery_names_hooks_and_prefetch_and_lets_listed_origins_read_it(client):
    answer = client.get("/cds-services", headers={"Origin": "https://ehr.example"})
    found = {s["hook"]: s for s in answer.json()["services"]}
    assert set(found) == {"patient-view", "order-select", "order-sign"}
    assert all({"id", "description", "prefetch"} <= set(s) for s in found.values())
    assert answer.headers["access-control-allow-origin"] == "https://ehr.example"
    assert "access-control-allow-origin" not in client.get("/cds-services", headers={"Origin": "https://evil.example"}).headers
    assert client.options("/cds-services/x", headers={"Origin": "https://ehr.example"}).status_code == 204


def test_order_select_offers_the_advised_regimen_as_a_draft(client):
    answer = call(client, "dosetwin-order-select", hook("order-select", [order()]))
    assert answer.status_code == 200, answer.text
    (card,) = answer.json()["cards"]
    assert within_the_specification(card)
    assert "not a medical device" in card["detail"]
    assert card["links"][0]["url"].startswith("http://testserver/patient/")
    draft = card["suggestions"][0]["actions"][0]["resource"]
    assert (draft["status"], draft["intent"]) == ("draft", "proposal")
    MedicationRequest.model_validate(draft)


def test_order_sign_is_silent_about_the_advised_order_and_warns_of_another(client):
    (card,) = call(client, "dosetwin-order-select", hook("order-select", [order()])).json()["cards"]
    draft = card["suggestions"][0]["actions"][0]["resource"]
    repeat = draft["dosageInstruction"][0]["timing"]["repeat"]
    mg = draft["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"]
    same = call(client, "dosetwin-order-sign", hook("order-sign", [order(mg, repeat["period"])]))
    assert same.json() == {"cards": []}
    untidy = order(3 * mg, 12.0) | {"note": [], "encounter": None, "reasonCode": [{"text": ""}]}
    (other,) = call(client, "dosetwin-order-sign", hook("order-sign", [untidy])).json()["cards"]
    assert within_the_specification(other)
    assert other["indicator"] == "critical"
    assert "ordered" in other["summary"]
    spelled = order(1000 * mg, repeat["period"])
    spelled["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"] = {"value": 1000 * mg, "unit": "mcg"}
    assert call(client, "dosetwin-order-sign", hook("order-sign", [spelled])).json() == {"cards": []}
    unread = order()
    del unread["dosageInstruction"][0]["timing"]
    (unsure,) = call(client, "dosetwin-order-sign", hook("order-sign", [unread])).json()["cards"]
    assert "not checked" in unsure["summary"]
    assert within_the_specification(unsure)


def test_orders_of_other_drugs_and_an_unremarkable_baby_get_no_card(client):
    assert call(client, "dosetwin-order-sign", hook("order-sign", [order(drug="paracetamol")])).json() == {"cards": []}
    assert call(client, "dosetwin-patient-view", hook("patient-view")).json() == {"cards": []}


def test_feedback_is_kept_with_its_reason(client):
    (card,) = call(client, "dosetwin-order-select", hook("order-select", [order()])).json()["cards"]
    path = "/cds-services/dosetwin-order-select/feedback"
    why = {"reason": {"code": "clinical-judgement", "system": "x"}, "userComment": "septic shock"}
    said = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-04-13T14:01:00Z", "overrideReason": why}
    answer = client.post(path, json={"feedback": [said]}, headers=authorization(path))
    assert answer.status_code == 200, answer.text
    service = client.app.state.service
    from dosetwin.serve.auth.principal import THE_SERVICE

    with service.store.read() as conn:
        reach = service.reach(THE_SERVICE)
        row = reach.advice(conn, card["uuid"])
        kept = reach.answers(conn, row["patient_id"])[card["uuid"]]
    assert kept["body"]["decision"] == "overridden"
    assert kept["body"]["reason"] == "clinical-judgement: septic shock"
    assert kept["actor"] == f"cds:{ISSUER}"
    unknown = client.post(path, json={"feedback": [said | {"card": str(uuid.uuid4())}]}, headers=authorization(path))
    assert unknown.status_code == 200
    from sqlalchemy import select

    from dosetwin.serve.store.tables import audit

    with service.store.read() as conn:
        noted = conn.execute(select(audit.c.actor, audit.c.detail).where(audit.c.action == "cds_feedback")).one()
    assert (noted.actor, noted.detail["outcome"]) == (f"cds:{ISSUER}", "overridden")


def test_who_has_no_valid_token_gets_nothing(client):
    path = "/cds-services/dosetwin-order-sign"
    assert client.post(path, json=hook("order-sign", [order()])).status_code == 401
    elsewhere = authorization("/cds-services/dosetwin-order-select")
    assert client.post(path, json=hook("order-sign", [order()]), headers=elsewhere).status_code == 401
    once = authorization(path)
    assert client.post(path, json=hook("order-sign", [order(drug="x")]), headers=once).status_code == 200
    assert client.post(path, json=hook("order-sign", [order(drug="x")]), headers=once).status_code == 401


def test_without_prefetch_the_record_is_fetched_only_from_listed_servers(client):
    body = hook("order-sign", [order()])
    del body["prefetch"]
    answer = call(client, "dosetwin-order-sign", body)
    assert answer.status_code == 412
    assert answer.json()["errors"][0]["field"] == "prefetch.patient"
    body |= {"fhirServer": "http://169.254.169.254/", "fhirAuthorization": {"access_token": "t"}}
    assert call(client, "dosetwin-order-sign", body).status_code == 412


def test_a_record_no_twin_can_be_built_from_gets_a_card_that_says_why(client):
    broken = copy.deepcopy(BUNDLE)
    for entry in broken["entry"]:
        if entry["resource"].get("id") == "amikacin-level-1":
            entry["resource"]["valueQuantity"] |= {"code": "furlong", "unit": "furlong"}
    body = hook("order-sign", [order()]) | {"prefetch": prefetch(broken)}
    (card,) = call(client, "dosetwin-order-sign", body).json()["cards"]
    assert "amikacin-level-1" in card["detail"]
    assert within_the_specification(card)
    assert call(client, "dosetwin-patient-view", hook("patient-view", prefetch=prefetch(broken))).json() == {"cards": []}


@pytest.mark.parametrize(
    "change", [{"hook": "order-select"}, {"hookInstance": "x"}, {"context": {}}, {"context": None}, {"fhirServer": "ftp://x"}]
)
def test_a_malformed_request_is_named(client, change):
    answer = call(client, "dosetwin-order-sign", hook("order-sign", [order()]) | change)
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"]


def test_a_result_corrected_in_the_source_becomes_a_correction(client):
    from dosetwin.serve.auth.principal import THE_SERVICE
    from dosetwin.serve.fhir.ingest import ingest

    service = client.app.state.service
    first = ingest(service, THE_SERVICE, BUNDLE, server="s2", ward="nicu")
    again = ingest(service, THE_SERVICE, BUNDLE, server="s2", ward="nicu")
    assert (again.new, again.corrected, again.retracted) == (0, 0, 0)
    assert again.known == first.new + first.known
    changed = copy.deepcopy(BUNDLE)
    changed["entry"] = [e for e in changed["entry"] if e["resource"].get("id") != "weight-day-2"]
    for entry in changed["entry"]:
        if entry["resource"].get("id") == "amikacin-level-2":
            entry["resource"]["valueQuantity"]["value"] = 4.4
    third = ingest(service, THE_SERVICE, changed, server="s2", ward="nicu", complete=True)
    assert (third.new, third.corrected, third.retracted) == (0, 1, 1)
    last = ingest(service, THE_SERVICE, BUNDLE, server="s2", ward="nicu", complete=True)
    assert (last.new, last.corrected) == (0, 2)


def test_a_baby_who_turns_gets_a_card_when_the_record_is_opened(client):
    worse = json.loads(json.dumps(BUNDLE).replace("Patient/demo-newborn", "Patient/turning"))
    for entry in worse["entry"]:
        r = entry["resource"]
        if r["resourceType"] == "Patient":
            r |= {"id": "turning", "identifier": [{"system": "urn:test", "value": "turning"}]}
            continue
        r["id"] += "-turning"
        if r["id"] == "creatinine-day-2-turning":
            r["valueQuantity"]["value"] *= 2.5
    body = hook("patient-view", prefetch=prefetch(worse))
    body["context"]["patientId"] = "turning"
    (card,) = call(client, "dosetwin-patient-view", body).json()["cards"]
    assert "creatinine" in card["detail"]
    assert "not a medical device" in card["detail"]
    assert within_the_specification(card)


def test_the_early_warning_of_the_kidney_gets_a_card_too(client, monkeypatch):
    from sqlalchemy import delete

    from dosetwin.serve import refresh
    from dosetwin.serve.store.tables import twin_states

    client.app.state.service.store.write(lambda conn: conn.execute(delete(twin_states)))
    ours = refresh.summary_of
    text = "the mechanistic kidney expects an injury within 2 days with a probability of 41%"
    monkeypatch.setattr(refresh, "summary_of", lambda *given: ours(*given) | {"kidney_expected": text})
    (card,) = call(client, "dosetwin-patient-view", hook("patient-view")).json()["cards"]
    assert text in card["detail"]
    assert within_the_specification(card)


def truncated(change):
    body = prefetch()
    body["observations"] |= change
    return body


@pytest.mark.parametrize("change", [{"link": [{"relation": "next", "url": "https://x/2"}]}, {"total": 5000}])
def test_a_prefetch_that_is_only_a_part_gets_no_advice_and_a_card_that_says_so(client, change):
    for name in ("order-sign", "order-select", "patient-view"):
        orders = [] if name == "patient-view" else [order()]
        answer = call(client, f"dosetwin-{name}", hook(name, orders, prefetch=truncated(change)))
        (card,) = answer.json()["cards"]
        assert "only a part (observations:" in card["detail"]
        assert "suggestions" not in card
        assert within_the_specification(card)


def test_a_part_of_a_record_that_is_not_about_the_drug_is_no_news(client):
    body = truncated({"total": 5000}) | {"administrations": None}
    body["patient"] = body["patient"] | {"id": "stranger"}
    asked = hook("patient-view", prefetch=body)
    asked["context"]["patientId"] = "stranger"
    assert call(client, "dosetwin-patient-view", asked).json() == {"cards": []}


def test_what_the_ehr_could_not_fetch_is_not_taken_for_empty(client):
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    body = hook("order-sign", [order()], prefetch=prefetch() | {"administrations": failed})
    (card,) = call(client, "dosetwin-order-sign", body).json()["cards"]
    assert "could not fetch" in card["detail"]


def test_the_rest_is_fetched_where_the_ehr_allows_it(client, monkeypatch):
    from dosetwin.serve.cds import answer
    from dosetwin.serve.fhir.client import FhirClient

    fetched = []

    def changed(self, kind, patient, since):
        fetched.append((kind, patient, self.token()))
        return iter([e["resource"] for e in BUNDLE["entry"] if e["resource"]["resourceType"] == kind])

    monkeypatch.setattr(FhirClient, "changed", changed)
    request = hook("order-sign", [order()], prefetch=truncated({"total": 5000}), fhirServer="https://ehr.example/r4",
                   fhirAuthorization={"access_token": "t"})  # fmt: skip
    bundle = answer._record(request, answer.Caller("x", "nicu", ("https://ehr.example/r4",)), "demo-newborn")
    assert fetched == [(kind, "demo-newborn", "t") for kind in ("Observation", "Specimen", "AllergyIntolerance")]
    kinds = [e["resource"]["resourceType"] for e in bundle["entry"]]
    assert kinds.count("Observation") == sum(e["resource"]["resourceType"] == "Observation" for e in BUNDLE["entry"])
    assert all(e["fullUrl"].startswith("https://ehr.example/r4/") for e in bundle["entry"])


def allergy(drug="amikacin"):
    code = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "641", "display": drug}]}
    return {"resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/demo-newborn"}, "code": code}


def test_an_allergy_that_is_sent_is_what_the_card_says(client):
    sent = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": allergy()}]}
    body = hook("order-sign", [order()], prefetch=prefetch() | {"allergies": sent, "specimens": None})
    (card,) = call(client, "dosetwin-order-sign", body).json()["cards"]
    assert card["indicator"] == "critical"
    assert "an allergy to aminoglycosides is on record" in card["summary"] + card["detail"]
    assert within_the_specification(card)


def test_what_is_beside_the_record_is_fetched_where_that_is_allowed_and_else_named(client, monkeypatch):
    from dosetwin.serve.cds import answer
    from dosetwin.serve.fhir.client import FhirClient, FhirError

    def changed(self, kind, patient, since):
        if kind == "Specimen":
            raise FhirError("GET Specimen: the server answered 403", 403)
        yield allergy()

    monkeypatch.setattr(FhirClient, "changed", changed)
    request = hook("order-sign", [order()], fhirServer="https://ehr.example/r4", fhirAuthorization={"access_token": "t"})

    def had(*listed):
        bundle = answer._record(request, answer.Caller("x", "nicu", listed), "demo-newborn")
        resources = [e["resource"] for e in bundle["entry"]]
        issues = [r["issue"][0]["diagnostics"] for r in resources if r["resourceType"] == "OperationOutcome"]
        return [r["id"] for r in resources if r["resourceType"] == "AllergyIntolerance"], issues

    assert had("https://ehr.example/r4") == (["a1"], ["Specimen: not read here (the server answered 403)"])
    why = "not read here (not sent, and not to be fetched)"
    assert had() == ([], [f"Specimen: {why}", f"AllergyIntolerance: {why}"])
    (card,) = call(client, "dosetwin-order-select", hook("order-select", [order()])).json()["cards"]
    assert f"- AllergyIntolerance: {why}" in card["detail"]


def test_the_prefetch_must_be_about_the_patient_of_the_context(client):
    body = hook("order-sign", [order()])
    body["context"]["patientId"] = "somebody-else"
    answer = call(client, "dosetwin-order-sign", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "prefetch.patient")
