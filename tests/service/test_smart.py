"""SMART App Launch against an authorization server we did not write (npm's oidc-provider), with Medplum's FHIR router behind it.

The official Python client drives the same peer, so that the peer is known to be one SMART clients work with.
"""

import base64
import hmac
import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
import httpx
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from dosetwin.errors import InputError
from dosetwin.serve.app import create_app
from dosetwin.serve.auth import sessions
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings
from dosetwin.serve.smart import routes
from dosetwin.serve.smart import servers as smart_servers
from dosetwin.serve.smart.launch import person
from dosetwin.serve.smart.servers import SmartServer, discover, listed
from service.test_fhir_server import BUNDLE, uploaded
from service.test_fhir_server import peer as fhir_server

__all__ = ["fhir_server"]
HERE = Path(__file__).parent
BACK = "http://testserver/smart/callback"
PACKAGE = "oidc-provider@8.8.1"


@contextmanager
def launched(fhir_server, *more):
    """The peer's FHIR base and a patient in it; ``more`` arguments of the peer."""
    import platformdirs

    kept = Path(platformdirs.user_cache_dir("dosetwin")) / "peers" / PACKAGE.replace("@", "-")
    if not (kept / "node_modules" / "oidc-provider").is_dir():
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
        got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", PACKAGE], cwd=kept,
                             capture_output=True, text=True, timeout=240, check=False)  # fmt: skip
        if got.returncode:
            pytest.skip(f"npm could not install the peer: {got.stderr.strip().splitlines()[-1:]}")
    shutil.copy(HERE / "peers" / "smart_server.mjs", kept / "smart_server.mjs")
    command = ["node", "smart_server.mjs", BACK, fhir_server, *more]
    process = subprocess.Popen(command, cwd=kept, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        base = f"http://127.0.0.1:{int(process.stdout.readline())}/fhir"
        yield base, uploaded(fhir_server, json.loads(json.dumps(BUNDLE).replace("demo-newborn", "launched"))).split("/")[1]
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture(scope="module")
def ehr(fhir_server):
    with launched(fhir_server) as found:
        yield found


class Moved:
    """The wall's clock, moved by ``by`` seconds."""

    by = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.by, UTC)


@pytest.fixture
def app(ehr, tmp_path):
    listed_ = [{"iss": ehr[0], "client_id": "dosetwin-public", "ward": "nicu", "roles": ["prescriber"]}]
    (tmp_path / "smart.json").write_text(json.dumps(listed_), encoding="utf-8")
    clock = Moved()
    settings = Settings(demo=True, data_dir=tmp_path, demo_babies=0, draws=200, public_url="http://testserver",
                        smart_servers=tmp_path / "smart.json")  # fmt: skip
    with TestClient(create_app(settings, clock=clock, background=False), follow_redirects=False) as client:
        client.app.state.clock = clock
        yield client


def authorized(url: str) -> str:
    """What a browser does at the authorization server; the address it sends the browser back to."""
    with httpx.Client(trust_env=False, timeout=20) as browser:
        for _ in range(10):
            answer = browser.get(url)
            assert answer.status_code in (302, 303), answer.text
            url = httpx.URL(url).join(answer.headers["location"]).__str__()
            if url.startswith(BACK):
                return url
    raise AssertionError("the authorization server never came back")


def back(client, url):
    return client.get(url.removeprefix("http://testserver"))


def test_the_ehr_opens_the_babys_page(app, ehr):
    base, patient = ehr
    off = app.get("/smart/launch", params={"iss": base, "launch": f"L-{patient}"})
    assert off.status_code == 302, off.text
    asked = parse_qs(urlsplit(off.headers["location"]).query)
    assert (asked["aud"], asked["code_challenge_method"], asked["launch"]) == ([base], ["S256"], [f"L-{patient}"])
    url = authorized(off.headers["location"])
    done = back(app, url)
    assert done.status_code == 303, done.text
    id_ = done.headers["location"].removeprefix("/patient/")
    assert app.get(done.headers["location"]).status_code == 200
    who = app.get("/api/v1/session").json()
    assert (who["roles"], who["wards"], who["name"]) == (["prescriber"], ["nicu"], "Petra Prescriber (made up)")
    events = app.get(f"/api/v1/patients/{id_}/events").json()["events"]
    assert {"dose", "level", "creatinine"} <= {e["kind"] for e in events}

    again = back(app, url)  # the launch's cookie was used up
    assert again.status_code == 403
    assert "not begun in this browser" in again.text


def test_a_standalone_launch_lets_the_ehr_ask_for_the_patient(app, ehr):
    base, patient = ehr
    httpx.get(f"{base}/picked/{patient}", trust_env=False)
    off = app.get("/smart/standalone")
    assert "launch%2Fpatient" in off.headers["location"]
    assert back(app, authorized(off.headers["location"])).status_code == 303


def test_a_code_is_good_once_and_only_with_its_verifier(app, ehr):
    base, patient = ehr
    off = app.get("/smart/launch", params={"iss": base, "launch": f"L-{patient}"})
    cookie = app.cookies["dosetwin_launch"]
    url = authorized(off.headers["location"])
    assert back(app, url).status_code == 303
    app.cookies.clear()
    app.cookies.set("dosetwin_launch", cookie)
    assert "did not accept the code" in back(app, url).text
    assert sessions.COOKIE not in app.cookies

    app.cookies.clear()
    first = authorized(app.get("/smart/launch", params={"iss": base, "launch": f"L-{patient}"}).headers["location"])
    code = parse_qs(urlsplit(first).query)["code"][0]
    other = app.get("/smart/launch", params={"iss": base, "launch": f"L-{patient}"}).headers["location"]
    state = parse_qs(urlsplit(other).query)["state"][0]
    stolen = app.get("/smart/callback", params={"code": code, "state": state})
    assert stolen.status_code == 403
    assert "did not accept the code" in stolen.text


def test_a_wrong_state_a_late_answer_a_refusal_and_a_foreign_browser_end_the_launch(app, ehr):
    base, patient = ehr
    assert back(app, "/smart/callback?code=x&state=y").status_code == 403
    url = authorized(app.get("/smart/launch", params={"iss": base, "launch": f"L-{patient}"}).headers["location"])
    code = parse_qs(urlsplit(url).query)["code"][0]
    assert "another launch" in app.get("/smart/callback", params={"code": code, "state": "other"}).text
    app.app.state.clock.by = 700.0
    assert "too long" in back(app, url).text
    app.app.state.clock.by = 0.0
    refused = authorized(app.get("/smart/launch", params={"iss": base, "launch": "nonsense"}).headers["location"])
    assert "refused" in back(app, refused).text
    assert sessions.COOKIE not in app.cookies


@pytest.mark.parametrize("iss", ["https://evil.example/fhir", "", "http://169.254.169.254/fhir", "/fhir"])
def test_an_ehr_that_is_not_listed_is_asked_nothing(app, iss, monkeypatch):
    monkeypatch.setattr(smart_servers.httpx, "get", lambda *_a, **_k: pytest.fail("asked a foreign server"))
    answer = app.get("/smart/launch", params={"iss": iss, "launch": "x"})
    assert answer.status_code == 403
    assert "location" not in answer.headers


def test_a_record_the_token_does_not_open_begins_no_session(app, ehr, monkeypatch):
    base, patient = ehr
    url = authorized(app.get("/smart/launch", params={"iss": base, "launch": f"L-{patient}"}).headers["location"])
    exchange = routes.exchange
    monkeypatch.setattr(routes, "exchange", lambda *a: replace(exchange(*a), access_token="expired"))
    answer = back(app, url)
    assert answer.status_code == 502
    assert "401" in answer.text
    assert sessions.COOKIE not in app.cookies


def test_the_official_client_is_launched_by_the_same_peer(ehr):
    fhirclient = pytest.importorskip("fhirclient.client")
    base, patient = ehr
    scope = "openid fhirUser launch patient/Patient.rs"
    smart = fhirclient.FHIRClient({"app_id": "dosetwin-public", "api_base": base, "redirect_uri": BACK, "scope": scope,
                                   "launch_token": f"L-{patient}"})  # fmt: skip
    smart.prepare()
    smart.handle_callback(authorized(smart.authorize_url))
    assert smart.ready
    assert smart.patient.id == patient
    smart.server.session.close()


# ------------------------------------------------------------------------------------------------------- the ID token alone

KEY = RSAKey.generate_key(2048, {"kid": "k1"})
SERVER = SmartServer("https://ehr.example/fhir", "us", "nicu", ("viewer",), other_wards=("nicu-2",))
NOW = 1_800_000_000


def token(key=KEY, alg="RS256", **changed):
    said = {"iss": "https://ehr.example", "aud": "us", "sub": "p1", "nonce": "n", "iat": NOW - 5, "exp": NOW + 300} | changed
    return jwt.encode({"alg": alg, "kid": "k1"}, {k: v for k, v in said.items() if v is not None}, key, algorithms=[alg])


def check(id_token):
    signed = KeySet.import_key_set({"keys": [KEY.as_dict(private=False)]})
    return person(SERVER, "https://ehr.example", signed, id_token, "n", NOW)


def test_a_good_id_token_names_the_person():
    who = check(token(name="N"))
    assert (who.subject, who.name, who.roles, who.wards) == (
        "smart:https://ehr.example|p1", "N", frozenset({"viewer"}), frozenset({"nicu", "nicu-2"}))  # fmt: skip


def _by_public_key_as_secret():
    body = token().split(".")[1]
    signed = f"eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.{body}"  # {"alg":"HS256","kid":"k1"}
    mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _unsigned():
    head, body, _ = token().split(".")
    none = "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ"  # {"alg":"none","kid":"k1"}
    assert head != none
    return f"{none}.{body}."


@pytest.mark.parametrize(
    "make",
    [
        lambda: token(nonce="other"),
        lambda: token(nonce=None),
        lambda: token(exp=NOW - 120),
        lambda: token(exp=None),
        lambda: token(iss="https://evil.example"),
        lambda: token(aud="others"),
        lambda: token(aud=["us", "others"]),
        lambda: token(key=RSAKey.generate_key(2048, {"kid": "k1"})),
        _by_public_key_as_secret,
        _unsigned,
        lambda: "nonsense",
        lambda: "",
    ],
    ids=[
        "nonce",
        "no nonce",
        "expired",
        "no exp",
        "issuer",
        "audience",
        "two audiences",
        "key",
        "symmetric",
        "none",
        "text",
        "empty",
    ],
)
def test_an_id_token_that_does_not_hold_is_refused(make):
    with pytest.raises(Problem, match="ID token is not accepted"):
        check(make())


GOOD = {"iss": "https://ehr.example/fhir", "client_id": "us", "ward": "nicu", "roles": ["viewer"]}


WRONG = ({"iss": "http://ehr.example/fhir"}, {"roles": []}, {"roles": ["feed"]}, {"roles": ["god"]}, {"ward": ""},
         {"secret_env": "NOT_SET_ANYWHERE"}, {"more": 1})  # fmt: skip


@pytest.mark.parametrize(
    "content", ["{", '{"iss": 1}', "[1]", json.dumps([GOOD, GOOD]), *(json.dumps([GOOD | c]) for c in WRONG)]
)
def test_a_wrong_list_of_ehrs_is_named_at_the_start(tmp_path, content):
    (tmp_path / "smart.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="DOSETWIN_SMART_SERVERS"):
        listed(tmp_path / "smart.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [({"code_challenge_methods_supported": ["plain"]}, "S256"), ({"token_endpoint": "http://evil.example/t"}, "https"),
     ({"jwks_uri": None}, "https")],
)  # fmt: skip
def test_an_ehr_without_what_a_safe_launch_needs_is_refused(monkeypatch, change, said):
    good = {"issuer": "https://e.example", "authorization_endpoint": "https://e.example/a", "token_endpoint": "https://e.example/t",
            "jwks_uri": "https://e.example/k", "code_challenge_methods_supported": ["S256"]}  # fmt: skip
    monkeypatch.setattr(smart_servers, "get", lambda _url: good)
    assert discover(SERVER).authorize == "https://e.example/a"
    monkeypatch.setattr(smart_servers, "get", lambda _url: good | change)
    with pytest.raises(Problem, match=said):
        discover(SERVER)
