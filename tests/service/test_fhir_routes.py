"""FHIR over HTTP: bundles in, notifications, advice out; bulk files sorted by patient."""

import json
from datetime import UTC, datetime
from importlib.resources import files

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from fastapi import Request
from fastapi.testclient import TestClient
from fhir.resources.R4B.bundle import Bundle

from dosetwin.errors import InputError
from dosetwin.serve.access import principal_of
from dosetwin.serve.app import create_app
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.fhir.bulk import patients
from dosetwin.serve.fhir.sync import servers
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings

BUNDLE = json.loads((files("dosetwin") / "data" / "demo_newborn.json").read_text(encoding="utf-8"))


class Fixed:
    def now(self) -> datetime:
        return datetime(2026, 4, 13, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fhir")
    listed = [{"name": "ehr", "base": "http://127.0.0.1:9/r4", "ward": "nicu", "secret_env": "TEST_FHIR_SECRET"}]
    (folder / "servers.json").write_text(json.dumps(listed), encoding="utf-8")
    settings = Settings(demo=True, data_dir=folder, demo_babies=0, demo_speed=1, draws=300, fhir_servers=folder / "servers.json")
    app = create_app(settings, clock=Fixed(), background=False)

    def somebody(request: Request):
        request.state.principal = THE_SERVICE
        return THE_SERVICE

    app.dependency_overrides[principal_of] = somebody
    with TestClient(app) as c:
        yield c


def test_a_bundle_is_taken_in_once_and_its_advice_comes_back_as_valid_fhir(client):
    first = client.post("/api/v1/fhir/bundle", params={"ward": "nicu"}, json=BUNDLE)
    assert first.status_code == 201, first.text
    again = client.post("/api/v1/fhir/bundle", params={"ward": "nicu"}, json=BUNDLE).json()
    assert (again["new"], again["known"]) == (0, first.json()["new"])
    asked = client.post(f"/api/v1/patients/{first.json()['patient_id']}/advice", json={}).json()
    found = client.get(f"/api/v1/advice/{asked['id']}/fhir").json()
    kinds = [e.resource.get_resource_type() for e in Bundle.model_validate(found).entry]
    assert {"RiskAssessment", "MedicationRequest", "GuidanceResponse", "Provenance", "AuditEvent"} <= set(kinds)


def test_a_bundle_that_cannot_be_used_names_resource_and_field_and_stays_retrievable(client):
    broken = json.loads(json.dumps(BUNDLE).replace("demo-newborn", "broken"))
    for e in broken["entry"]:
        if e["resource"].get("id") == "creatinine-day-2":
            e["resource"]["valueQuantity"]["value"] = -1
    answer = client.post("/api/v1/fhir/bundle", params={"ward": "nicu"}, json=broken)
    assert answer.status_code == 422
    assert any("creatinine-day-2" in e["resource"] for e in answer.json()["errors"])
    kept = client.get(f"/api/v1/rejected/{answer.json()['rejected_id']}")
    assert kept.status_code == 200
    for nonsense in ({}, {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": []}):
        assert client.post("/api/v1/fhir/bundle", params={"ward": "nicu"}, json=nonsense).status_code == 422


def consent(decision, at, **more):
    return {"resourceType": "Consent", "id": "c1", "status": "active", "scope": {"coding": [{"code": "treatment"}]},
            "category": [{"text": "privacy"}], "patient": {"reference": "Patient/demo-newborn"}, "dateTime": at,
            "provision": {"type": decision}} | more  # fmt: skip


def test_a_consent_decides_who_may_read_and_one_not_understood_is_remarked_on(client):
    service = client.app.state.service

    def sent(*consents):
        bundle = BUNDLE | {"entry": [*BUNDLE["entry"], *({"resource": c} for c in consents)]}
        return client.post("/api/v1/fhir/bundle", params={"ward": "nicu", "server": "consents"}, json=bundle).json()

    first = sent(consent("deny", "2026-04-13T10:00:00Z"))
    reader = Principal("dr", roles=frozenset({"viewer"}), wards=frozenset({"nicu"}))

    def denied():
        with service.store.read() as conn:
            try:
                service.reach(reader).patient(conn, first["patient_id"])
            except Problem:
                return True
        return False

    assert denied()
    assert sent(consent("deny", "2026-04-13T10:00:00Z"))["new"] == 0
    assert sent(consent("permit", "2026-04-13T11:00:00Z"))["new"] == 1
    assert not denied()
    odd = sent(consent("deny", "2026-04-13T12:00:00Z", provision={"type": "deny", "provision": [{"type": "permit"}]}))
    assert [f["code"] for f in odd["findings"] if f["record"] == "Consent/c1" and f["severity"] == "warning"] == [
        "consent_not_read"
    ]
    assert not denied()


def test_a_notification_needs_the_secret(client, monkeypatch):
    assert client.post("/fhir/notify/ehr").status_code == 401
    monkeypatch.setenv("TEST_FHIR_SECRET", "s3cret")
    assert client.post("/fhir/notify/ehr", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/fhir/notify/ehr", headers={"Authorization": "Bearer s3cret"}).status_code == 200
    assert client.post("/fhir/notify/other", headers={"Authorization": "Bearer s3cret"}).status_code == 404


def test_a_server_that_is_down_is_said_and_one_for_reading_is_not_written_to(client):
    answer = client.post("/api/v1/fhir/servers/ehr/look")
    assert answer.status_code == 502
    assert "cannot be reached" in answer.json()["detail"]
    assert "cannot be reached" in client.get("/api/v1/fhir/servers").json()["servers"][0]["trouble"]
    url = f"/api/v1/fhir/servers/ehr/advice/{'0' * 8}-0000-0000-0000-{'0' * 12}"
    assert client.post(url, params={"patient": "Patient/1"}).status_code == 403


def test_bulk_files_become_one_bundle_per_patient(tmp_path):
    by_kind = {}
    for e in BUNDLE["entry"]:
        by_kind.setdefault(e["resource"]["resourceType"], []).append(e["resource"])
    for kind, resources in by_kind.items():
        (tmp_path / f"{kind}.ndjson").write_text("\n".join(json.dumps(r) for r in resources) + "\n", encoding="utf-8")
    lost = '{"resourceType": "Observation", "subject": {"reference": "Patient/gone"}}'
    odd = f'{{"resourceType": "Observation"}}\nnot json\n[]\n{lost}\n'
    (tmp_path / "odd.ndjson").write_text(odd, encoding="utf-8")
    bundles, findings = patients(sorted(tmp_path.glob("*.ndjson")))
    (found,) = bundles.values()
    assert len(found["entry"]) == sum(e["resource"]["resourceType"] != "MedicationRequest" for e in BUNDLE["entry"])
    assert sorted(f.code for f in findings) == ["no_owner", "not_json", "not_json", "unknown_patient"]


@pytest.mark.parametrize("text", ["{", "[{}]", '[{"name": "a", "base": "x", "ward": "w", "other": 1}]'])
def test_a_wrong_list_of_servers_is_refused(tmp_path, text):
    path = tmp_path / "servers.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="DOSETWIN_FHIR_SERVERS"):
        servers(path)
