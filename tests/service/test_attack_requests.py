"""Attacks by requests: other people's patients, forged tokens and sessions, redirects, bombs, injections. None may get in."""

import gzip
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from dosetwin.serve.auth.sessions import COOKIE
from dosetwin.serve.security import local_path
from dosetwin.serve.settings import Settings
from service.conftest import CLIENT, ISSUER, Running, course, new_patient, record, settings_for


@pytest.fixture
def open_(jwks_file: Path, tmp_path: Path, token: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with Running(settings_for(f"sqlite:///{tmp_path / 's.sqlite3'}", jwks_file, tmp_path), token, background=False) as service:
        monkeypatch.setattr(service.service, "touched", lambda ids, **_: None)
        yield service


@pytest.fixture
def demo(tmp_path: Path, token: Callable[..., str]) -> Iterator[Running]:
    with Running(Settings.from_environment({}, demo=True, data_dir=tmp_path, demo_babies=0, demo_speed=1, twin_processes=0,
                                           login_per_minute=1000), token, background=False) as service:  # fmt: skip
        yield service


def logged_in(running: Running, name: str) -> httpx.Client:
    client = running.as_()
    got = client.post("/api/v1/session", json={"username": name, "password": name})
    assert got.status_code == 201
    client.headers["X-CSRF-Token"] = got.json()["csrf"]
    client.cookies.set(COOKIE, re.search(rf"{COOKIE}=([^;]+)", got.headers["set-cookie"])[1])  # type: ignore[index]
    return client


# --------------------------------------------------------------------------------------------- other people's patients


BODIES: dict[str, Any] = {
    "pair": {"with": "vancomycin_newborns"},
    "events": {"at": "2026-01-01T00:00:00Z", "body": {"kind": "discharged"}},
    "correction": {"reason": "because", "event": None},
    "advice": {}, "answer": {"decision": "accepted"}, "what-if": {}, "replay": {},
    "person": {"name": "Mine Now"}, "acknowledgement": {"reason": "seen it"}, "confirmation": {"reason": "because"},
    "merges": {"other": "00000000-0000-4000-8000-000000000000", "reason": "one person"},
}  # fmt: skip


def test_no_route_reaches_a_patient_of_another_ward(open_: Running) -> None:
    """Every route of the API that takes a patient, an event, an advice: tried by everybody of another ward."""
    chief = open_.as_("pharmacist")
    patient = new_patient(chief)
    receipts = record(chief, patient, course())
    advice = chief.post(f"/api/v1/patients/{patient}/advice", json={"draws": 100}).json()["id"]
    ids = {"patient": patient, "event": receipts[-1]["id"], "advice": advice, "alert": receipts[0]["id"]}
    before = chief.get(f"/api/v1/patients/{patient}/events").json()
    tried = 0
    for path, item in open_.app.openapi()["paths"].items():
        wanted = set(re.findall(r"{(\w+)}", path))
        if not wanted or not wanted <= set(ids) or path.endswith("break-glass"):
            continue
        url = re.sub(r"{(\w+)}", lambda m: ids[m[1]], path)
        for method in item:
            for who in ("viewer", "prescriber", "pharmacist", "feed"):
                body = BODIES.get(url.rsplit("/", 1)[-1])
                answer = open_.as_(who, wards=["elsewhere"]).request(
                    method.upper(), url, json=body, params={"ward": "NICU-1"} if "/place/" in path else None
                )
                assert answer.status_code in (403, 404), (method, url, who, answer.status_code, answer.text)
                assert patient not in answer.text.replace(url, ""), (method, url, who)
                tried += 1
    assert tried >= 4 * 12
    stranger = open_.as_("pharmacist", wards=["elsewhere"])
    batch = {"events": [BODIES["events"] | {"patient_id": patient}]}
    assert stranger.post("/api/v1/events", json=batch).status_code == 403
    assert stranger.get("/api/v1/patients").json()["patients"] == []
    assert stranger.get("/api/v1/patients", params={"ward": "NICU-1"}).json()["patients"] == []
    assert stranger.get("/api/v1/alerts").json()["alerts"] == []
    assert stranger.post("/api/v1/patients", json={"ward": "NICU-1", "synthetic": True}).status_code == 403
    assert open_.as_("model-admin", wards=["elsewhere"]).get("/api/v1/export").text == ""
    assert chief.get(f"/api/v1/patients/{patient}/events").json() == before


def test_wards_that_look_like_every_ward_are_not(open_: Running) -> None:
    new_patient(open_.as_("pharmacist"))
    for wards in ("", "**", "NICU-1%", "NICU-_", "nicu-1", "*,", "'*'", ["**"], [None], {"*": 1}, "[*]"):
        client = open_.as_("viewer", dosetwin_wards=wards)
        assert client.get("/api/v1/patients").json()["patients"] == [], wards


def test_an_opened_record_closes_by_itself(open_: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = new_patient(open_.as_("pharmacist"))
    away = open_.as_("prescriber", wards=["elsewhere"])
    assert away.post(f"/api/v1/patients/{patient}/break-glass", json={"reason": "an emergency at night"}).status_code == 201
    assert away.get(f"/api/v1/patients/{patient}").status_code == 200
    assert open_.as_("prescriber", wards=["elsewhere"], sub="another").get(f"/api/v1/patients/{patient}").status_code == 403

    class Later:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=61)

    monkeypatch.setattr(open_.service, "clock", Later())
    assert away.get(f"/api/v1/patients/{patient}").status_code == 403


# ----------------------------------------------------------------------------------------------------- tokens, sessions


def test_a_token_cannot_bring_its_own_key(open_: Running) -> None:
    mine = RSAKey.generate_key(2048, {"kid": "test-1", "use": "sig", "alg": "RS256"})
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "x", "iat": now, "exp": now + 600, "dosetwin_roles": ["pharmacist"],
              "dosetwin_wards": ["*"]}  # fmt: skip
    public = mine.as_dict(private=False)
    heads: list[dict[str, Any]] = [{"jwk": public}, {"kid": "../../../../dev/null"}, {"kid": "' UNION SELECT '"}, {"kid": ""},
                                   {"kid": "mine", "jwk": public}, {"jku": "https://evil.example/jwks"},
                                   {"x5u": "https://evil.example/c.pem"}, {"crit": ["exp"], "exp": now}]  # fmt: skip
    for head in heads:
        try:
            text = jwt.encode({"alg": "RS256", "kid": "test-1"} | head, claims, mine)
        except Exception:  # the library itself does not sign it
            continue
        answer = open_.as_().get("/api/v1/patients", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 401, head


def test_a_login_has_a_new_token_and_ends_the_one_before(demo: Running) -> None:
    client = demo.as_()
    fixed = "known-to-the-attacker-0123456789abcdef"
    login = {"username": "viewer", "password": "viewer"}
    first = client.post("/api/v1/session", json=login, headers={"Cookie": f"{COOKIE}={fixed}"})
    one = re.search(rf"{COOKIE}=([^;]+)", first.headers["set-cookie"])[1]  # type: ignore[index]
    assert one != fixed
    assert "httponly" in first.headers["set-cookie"].lower()
    assert demo.as_().get("/api/v1/session", headers={"Cookie": f"{COOKIE}={fixed}"}).status_code == 401
    assert demo.as_().get("/api/v1/session", headers={"Cookie": f"{COOKIE}={one}"}).status_code == 200
    second = demo.as_().post("/login", data=login, headers={"Cookie": f"{COOKIE}={one}"})
    two = re.search(rf"{COOKIE}=([^;]+)", second.headers["set-cookie"])[1]  # type: ignore[index]
    assert demo.as_().get("/api/v1/session", headers={"Cookie": f"{COOKIE}={one}"}).status_code == 401
    csrf = demo.as_().get("/api/v1/session", headers={"Cookie": f"{COOKIE}={two}"}).json()["csrf"]
    out = demo.as_().post("/logout", data={"csrf": csrf}, headers={"Cookie": f"{COOKIE}={two}"})
    assert out.status_code == 303
    assert demo.as_().get("/api/v1/session", headers={"Cookie": f"{COOKIE}={two}"}).status_code == 401


def test_every_form_of_the_page_needs_the_sessions_token(demo: Running) -> None:
    person = logged_in(demo, "pharmacist")
    patient = new_patient(person, ward="NICU-demo")
    before = person.get(f"/api/v1/patients/{patient}/events").json()
    cookie = {"Cookie": f"{COOKIE}={next(c.value for c in person.cookies.jar)}"}
    forms = [r for r in page_routes() if "POST" in r[0]]
    assert len(forms) >= 8
    for _, path in forms:
        if path == "/login":
            continue
        url = re.sub(r"{(\w+)(:path)?}", lambda m: {"kind": "replay"}.get(m[1], patient), path)
        for csrf in ({}, {"csrf": "guess"}):
            answer = demo.as_().post(url, data=csrf | {"reason": "a long reason"}, headers=cookie)
            assert answer.status_code in (403, 404, 422), (url, answer.status_code)
    assert person.get(f"/api/v1/patients/{patient}/events").json() == before
    assert demo.as_().post("/login", data={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def page_routes() -> list[tuple[set[str], str]]:
    """Methods and paths of the page."""
    from dosetwin.serve.web import answering, cases, entering, pages, patients, results

    routers = (pages.router, patients.router, answering.router, entering.router, cases.router, results.router)
    return [(set(r.methods), r.path) for x in routers for r in x.routes if hasattr(r, "methods")]


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "https:evil.example", "javascript:alert(1)",
     "/\t/evil.example", "/\n/evil.example", "/ok\\..\\evil", "", "evil.example", " //evil.example"],
)  # fmt: skip
def test_a_login_leads_nowhere_else(demo: Running, target: str) -> None:
    assert local_path(target) == "/"
    login = {"username": "viewer", "password": "viewer", "next": target}
    assert demo.as_().post("/login", data=login).headers["location"] == "/"
    page = demo.as_().get("/login", params={"next": target})
    assert "evil.example" not in page.text
    assert "javascript:" not in page.text


def test_no_other_origin_reads_or_frames_the_page(open_: Running) -> None:
    for path in ("/api/v1/patients", "/login", "/cds-services", "/health/live"):
        for method in ("GET", "OPTIONS"):
            headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
            answer = open_.as_("viewer").request(method, path, headers=headers)
            assert "access-control-allow-origin" not in answer.headers, path
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


# ------------------------------------------------------------------------------------------------- bombs and injections


def test_bombs_are_refused_quickly(open_: Running) -> None:
    feed = open_.as_("pharmacist")
    patient = new_patient(feed)
    url = f"/api/v1/patients/{patient}/events"
    at = datetime.now(UTC).isoformat()
    good = f'{{"at": "{at}", "body": {{"kind": "level", "value": VALUE}}}}'
    bombs: dict[str, bytes] = {
        "deep": b"[" * 200_000, "deep objects": b'{"a":' * 200_000, "deep inside": good.replace("VALUE", "[" * 90_000).encode(),
        "digits": good.replace("VALUE", "9" * 100_000).encode(), "infinite": good.replace("VALUE", "1e999").encode(),
        "not a number": good.replace("VALUE", "NaN").encode(), "twice": good.replace("VALUE", '3, "value": 30').encode(),
        "surrogate": good.replace("VALUE", '"\\ud800"').encode(), "nul": good.replace("VALUE", '"\\u0000"').encode(),
        "not utf-8": b"\xff\xfe" + good.encode(), "truth": good.replace("VALUE", "true").encode(),
        "no body": b"", "list": b"[]", "text": b'"x"',
    }  # fmt: skip
    for name, body in bombs.items():
        began = time.monotonic()
        answer = feed.post(url, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, (name, answer.status_code)
        assert time.monotonic() - began < 3, name
    squeezed = gzip.compress(b'{"at": "' + b" " * 200_000_000 + b'"}', 1)
    for content, kind in ((squeezed, "application/json"), (squeezed, "text/csv")):
        target = url if kind == "application/json" else "/api/v1/cases/csv?ward=NICU-1&zero=2026-04-01T08:00:00Z"
        answer = feed.post(target, content=content, headers={"Content-Type": kind, "Content-Encoding": "gzip"})
        assert 400 <= answer.status_code < 500, kind
    assert [e["kind"] for e in feed.get(url).json()["events"]] == ["patient_created"]


def test_no_query_is_changed_by_what_is_searched(open_: Running) -> None:
    chief = open_.as_("pharmacist")
    patient = new_patient(chief)
    for text in ("' OR '1'='1", "NICU-1' --", "'; DROP TABLE facts; --", "%", 'NICU-1" OR ""="'):
        for path in ("/api/v1/patients?ward=", "/api/v1/changes?since="):
            assert chief.get(path + httpx.QueryParams({"x": text})["x"]).status_code in (200, 422)
        assert chief.get(f"/api/v1/patients/{httpx.URL('/').copy_with(path='/' + text).raw_path.decode()[1:]}").status_code in (
            404,
            422,
        )
        wanted = {"ward": text, "synthetic": True, "label": text, "person": {"identifiers": {text: text}}}
        assert chief.post("/api/v1/patients", json=wanted).status_code == 422
    assert chief.get(f"/api/v1/patients/{patient}").status_code == 200


def test_what_is_typed_is_never_markup(demo: Running) -> None:
    person = logged_in(demo, "pharmacist")
    bad = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'
    patient = new_patient(person, ward="NICU-demo", label=bad, person={"name": bad, "identifiers": {"mrn": bad[:90]}})
    record(
        person, patient, [{"at": datetime.now(UTC).isoformat(), "body": {"kind": "culture", "result": "growth", "organism": bad}}]
    )
    for path in ("/", f"/patient/{patient}", f"/patient/{patient}/print", "/ward-rows", f"/?find={bad}&sort={bad}"):
        text = person.get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


@pytest.mark.parametrize("name", ["..%2f..%2fsettings.py", "%2e%2e/%2e%2e/settings.py", "page.css%00.py", "..", "/etc/passwd",
                                  "....//settings.py", "page.css/../../pages.py", "__init__.py", "login.html.j2"])  # fmt: skip
def test_no_path_leads_out_of_the_static_files(open_: Running, name: str) -> None:
    url = httpx.URL(open_.url).copy_with(raw_path=f"/static/0/{name}".encode())
    answer = open_.as_().get(url)
    assert answer.status_code in (404, 401, 303), name
    assert "import" not in answer.text


def test_a_hook_cannot_make_us_ask_other_addresses(demo: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("httpx.Client.stream", lambda self, method, url, **_: asked.append(str(url)))
    hook = {"hook": "order-select", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"}
    order = {"resourceType": "MedicationRequest", "id": "1", "status": "draft", "intent": "order",
             "medicationCodeableConcept": {"text": "Amikacin"}, "subject": {"reference": "Patient/1"}}  # fmt: skip
    orders = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    for server in ("http://169.254.169.254/latest", "http://127.0.0.1:22", "file:///etc/passwd", "https://evil.example/fhir"):
        context = {"patientId": "1", "draftOrders": orders, "selections": ["MedicationRequest/1"]}
        answer = demo.as_().post("/cds-services/dosetwin-order-select", json=hook | {"fhirServer": server, "context": context})
        assert answer.status_code in (412, 422), server
    for id_ in ("../../admin", "..", "1?x=y", "1/$everything", "Patient/../x", "http://evil.example", "1#a"):
        context = {"patientId": id_, "draftOrders": orders, "selections": ["MedicationRequest/1"]}
        answer = demo.as_().post("/cds-services/dosetwin-order-select", json=hook | {"context": context})
        assert answer.status_code == 400, id_
    assert asked == []


def test_what_leaves_the_house_holds_no_free_text(open_: Running) -> None:
    chief = open_.as_("pharmacist")
    patient = new_patient(chief, label="=cmd|'/c calc'!A1", person={"name": "@SUM(1+1)", "identifiers": {"mrn": "+1"}})
    record(chief, patient, course())
    answer = open_.as_("model-admin", wards=["*"]).get("/api/v1/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    for line in answer.text.splitlines():
        json.loads(line)
    for text in ("cmd", "SUM", patient, "NICU-1"):
        assert text not in answer.text
