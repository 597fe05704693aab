"""What stands between the service and a hostile network: unsafe starts, tokens, cookies, limits, headers, logins."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from dosetwin.errors import InputError
from dosetwin.serve import deidentify
from dosetwin.serve import settings as settings_module
from dosetwin.serve.auth.sessions import COOKIE
from dosetwin.serve.clock import WallClock
from dosetwin.serve.problems import Problem
from dosetwin.serve.security import Rate
from dosetwin.serve.settings import DEMO_KEY, Settings
from service.conftest import AUDIT_KEY, CLIENT, DATA_KEY, ISSUER, Running, course, new_patient, settings_for

SAFE = {"DOSETWIN_DATA_KEYS": DATA_KEY, "DOSETWIN_AUDIT_KEY": AUDIT_KEY, "DOSETWIN_OIDC_ISSUER": ISSUER,
        "DOSETWIN_OIDC_CLIENT_ID": CLIENT, "DOSETWIN_PUBLIC_URL": "https://twin.hospital.example"}  # fmt: skip

# ------------------------------------------------------------------------------------------------------- unsafe starts


@pytest.mark.parametrize("left_out", SAFE)
def test_an_unsafe_start_is_refused_and_names_what_to_set(left_out: str) -> None:
    Settings.from_environment(SAFE).refuse_unsafe()
    with pytest.raises(InputError, match=left_out):
        Settings.from_environment({k: v for k, v in SAFE.items() if k != left_out}).refuse_unsafe()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOSETWIN_DATA_KEYS", f"k1:{DEMO_KEY}"),
        ("DOSETWIN_DATA_KEYS", "k1:" + base64.b64encode(b"short").decode()),
        ("DOSETWIN_DATA_KEYS", "no key at all"),
        ("DOSETWIN_AUDIT_KEY", base64.b64encode(b"short").decode()),
        ("DOSETWIN_PUBLIC_URL", "http://twin.hospital.example"),
        ("DOSETWIN_OIDC_ISSUER", "http://login.hospital.example"),
        ("DOSETWIN_PORT", "99999"),
        ("DOSETWIN_SUPERUSER", "yes"),
    ],
)
def test_a_bad_setting_is_refused_without_being_repeated(name: str, value: str) -> None:
    with pytest.raises(InputError, match=name) as found:
        Settings.from_environment(SAFE | {name: value}).refuse_unsafe()
    assert value not in str(found.value) or value == "yes"


def test_the_demo_keeps_away_from_a_real_database() -> None:
    with pytest.raises(InputError, match="DATABASE_URL"):
        Settings.from_environment({"DOSETWIN_DEMO": "1", "DOSETWIN_DATABASE_URL": "postgresql://x/y"}).refuse_unsafe()


def test_settings_never_print_their_secrets() -> None:
    text = repr(Settings.from_environment(SAFE | {"DOSETWIN_OIDC_CLIENT_SECRET": "hunter2hunter2"}))
    assert "hunter2" not in text
    assert DATA_KEY not in text
    assert AUDIT_KEY not in text


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(settings_module.PREFIX)}
    command = [sys.executable, "-m", "dosetwin.cli", "serve"]
    done = subprocess.run(command, capture_output=True, text=True, env=clean, cwd=tmp_path, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "DOSETWIN_DATA_KEYS" in done.stderr
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------------------------------------------------- tokens


@pytest.fixture
def sqlite_settings(tmp_path: Path, jwks_file: Path) -> Settings:
    return settings_for(f"sqlite:///{tmp_path / 's.sqlite3'}", jwks_file, tmp_path)


@pytest.fixture
def quick(sqlite_settings: Settings, token: Callable[..., str]) -> Iterator[Running]:
    """One service on SQLite: what is tested here does not reach the database."""
    with Running(sqlite_settings, token, background=False) as service:
        yield service


def coded(part: dict[str, Any]) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged(kind: str, token: Callable[..., str], provider_key: RSAKey) -> str:
    """A token that must not be accepted."""
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "x", "iat": now, "exp": now + 600, "dosetwin_roles": ["pharmacist"]}
    if kind == "none":
        return f"{coded({'alg': 'none'})}.{coded(claims)}."
    if kind == "hmac with the public key":
        start = f"{coded({'alg': 'HS256', 'kid': 'test-1'})}.{coded(claims)}"
        mark = hmac.new(provider_key.as_pem(private=False), start.encode(), hashlib.sha256).digest()
        return f"{start}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
    if kind == "another key":
        return jwt.encode({"alg": "RS256", "kid": "test-1"}, claims, RSAKey.generate_key(2048, {"kid": "test-1"}))
    good = token("pharmacist")
    head, _, mark = good.split(".")
    anonymous = {k: v for k, v in claims.items() if k != "sub"}
    return {
        "expired": token("pharmacist", exp=now - 120),
        "not yet": token("pharmacist", nbf=now + 600),
        "another issuer": token("pharmacist", iss="https://login.elsewhere.example"),
        "another audience": token("pharmacist", aud="billing"),
        "no expiry": token("pharmacist", exp=None),
        "nobody": jwt.encode({"alg": "RS256", "kid": "test-1"}, anonymous, provider_key),
        "changed": f"{head}.{coded(claims | {'sub': 'boss'})}.{mark}",
        "cut": good[:-8],
        "rubbish": "a.b.c",
        "empty": ".",
    }[kind]  # fmt: skip


KINDS = ("none", "hmac with the public key", "another key", "expired", "not yet", "another issuer", "another audience",
         "no expiry", "nobody", "changed", "cut", "rubbish", "empty")  # fmt: skip


def test_only_tokens_of_the_provider_for_us_and_for_now_are_accepted(
    quick: Running, token: Callable[..., str], provider_key: RSAKey
) -> None:
    nobody = quick.as_()
    assert nobody.get("/api/v1/models", headers={"Authorization": f"Bearer {token('viewer')}"}).status_code == 200
    for kind in KINDS:
        answer = nobody.get("/api/v1/models", headers={"Authorization": f"Bearer {forged(kind, token, provider_key)}"})
        assert answer.status_code == 401, kind
        assert answer.headers["www-authenticate"].startswith("Bearer"), kind


def test_roles_are_read_from_where_the_provider_puts_them(tmp_path: Path, jwks_file: Path, token: Callable[..., str]) -> None:
    from dosetwin.serve.auth.tokens import Tokens

    words = settings_for("sqlite:///x", jwks_file, tmp_path, oidc_roles_claim="realm_access.roles", oidc_wards_claim="w")
    tokens = Tokens(words, WallClock())
    who = tokens.principal(token("x", realm_access={"roles": ["pharmacist", "king", 3]}, w="NICU-1 NICU-2"))
    assert who.roles == {"pharmacist"}
    assert who.wards == {"NICU-1", "NICU-2"}
    nothing = tokens.principal(token("pharmacist", realm_access="odd"))
    assert not nothing.roles
    assert not nothing.may("read")


def test_an_expired_token_stops_working_while_the_service_runs(quick: Running, token: Callable[..., str]) -> None:
    from dosetwin.serve.auth.tokens import LEEWAY_S

    text = token("viewer")
    tokens = quick.app.state.tokens
    assert tokens.principal(text).roles == {"viewer"}

    class Later:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=3600 + LEEWAY_S + 1)

    tokens._clock = Later()
    with pytest.raises(Problem) as found:
        tokens.principal(text)
    assert found.value.status == 401


# ------------------------------------------------------------------------------------------- the demo's login, sessions


@pytest.fixture
def demo(tmp_path: Path, token: Callable[..., str]) -> Iterator[Running]:
    words = Settings(demo=True, data_dir=tmp_path, demo_babies=0, login_per_minute=8, rate_per_minute=100_000, workers=1)
    with Running(words, token, background=False) as service:
        yield service


def log_in(client: httpx.Client, name: str) -> str:
    answer = client.post("/api/v1/session", json={"username": name, "password": name})
    assert answer.status_code == 201
    return answer.json()["csrf"]


def test_a_session_needs_its_csrf_token_for_every_change(demo: Running) -> None:
    client = demo.as_()
    csrf = log_in(client, "pharmacist")
    body = {"ward": "NICU-demo", "synthetic": True}
    for headers in ({}, {"x-csrf-token": "guess"}, {"x-csrf-token": ""}):
        answer = client.post("/api/v1/patients", json=body, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("csrf")
    assert client.post("/api/v1/patients", json=body, headers={"x-csrf-token": csrf}).status_code == 201
    other = demo.as_()
    stolen = log_in(other, "viewer")
    assert client.post("/api/v1/patients", json=body, headers={"x-csrf-token": stolen}).status_code == 403


def test_the_cookie_is_out_of_reach_of_scripts_and_the_session_ends(demo: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    client = demo.as_()
    answer = client.post("/api/v1/session", json={"username": "viewer", "password": "viewer"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/api/v1/session").json()["roles"] == ["viewer"]
    kept = client.cookies[COOKIE]
    assert client.delete("/api/v1/session", headers={"x-csrf-token": answer.json()["csrf"]}).status_code == 204
    again = demo.as_()
    assert again.get("/api/v1/session", headers={"cookie": f"{COOKIE}={kept}"}).status_code == 401
    log_in(client, "viewer")
    later = demo.service.wall.now() + timedelta(hours=9)
    monkeypatch.setattr(demo.service.wall, "now", lambda: later, raising=False)
    assert client.get("/api/v1/session").status_code == 401


def test_logins_are_limited_and_local_users_exist_only_in_the_demo(demo: Running, quick: Running) -> None:
    client = demo.as_()
    codes = [client.post("/api/v1/session", json={"username": "viewer", "password": "x"}).status_code for _ in range(12)]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert quick.as_().post("/api/v1/session", json={"username": "viewer", "password": "viewer"}).status_code == 403


# --------------------------------------------------------------------------------------------------- limits and headers


def test_every_answer_carries_the_security_headers(quick: Running) -> None:
    for path in ("/health/live", "/api/v1/patients", "/no/such/page"):
        headers = quick.as_().get(path).headers
        policy = headers["content-security-policy"]
        assert "'unsafe-inline'" not in policy
        assert "'unsafe-eval'" not in policy
        assert "default-src 'none'" in policy or "default-src 'self'" in policy
        assert "frame-ancestors" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"].startswith("max-age=31536000")
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_too_large_a_request_is_cut_off_announced_or_not(quick: Running) -> None:
    feed = quick.as_("feed")
    most = int(quick.service.settings.max_body_mb * 1024 * 1024)
    announced = feed.post("/api/v1/events", content=b"x" * (most + 1))
    assert announced.status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(most // 65536 + 2):
            yield b"x" * 65536

    with contextlib.suppress(httpx.TransportError):  # the service may hang up in the middle of it, which is as good
        assert feed.post("/api/v1/events", content=pieces()).status_code == 413
    assert quick.as_().get("/health/live").status_code == 200


def test_a_rate_limit_refills() -> None:
    rate = Rate(per_minute=600)
    assert sum(rate.take("a") == 0 for _ in range(700)) in range(600, 640)
    assert rate.take("b") == 0
    assert 0 < rate.take("a") < 1
    time.sleep(0.25)
    assert rate.take("a") == 0


def test_a_slow_client_holds_nobody_up(quick: Running) -> None:
    """Requests that never finish cost a socket each, no thread: others are answered meanwhile."""
    import socket

    wires = [socket.create_connection(("127.0.0.1", quick.port), timeout=5) for _ in range(60)]
    for wire in wires:
        wire.sendall(b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    assert quick.as_("viewer").get("/api/v1/patients").status_code == 200
    for wire in wires:
        wire.close()


def test_a_clock_that_jumps_back_never_dates_a_fact_before_an_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WallClock()
    readings = iter([datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(days=400), datetime(2020, 1, 1, tzinfo=UTC)])
    monkeypatch.setattr(clock, "_read", lambda: next(readings))
    first = clock.now()
    assert clock.now() >= first


def test_a_fact_from_the_far_future_is_refused(quick: Running) -> None:
    feed = quick.as_("feed")
    patient = new_patient(feed)
    late = course()[2] | {"at": (datetime.now(UTC) + timedelta(days=3)).isoformat()}
    answer = feed.post(f"/api/v1/patients/{patient}/events", json=late)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"


# ----------------------------------------------------------------------------------------------------------- house rules


def test_routes_reach_patients_only_through_the_query_layer() -> None:
    """No route or page touches a table itself: ward, consent and role are checked in one place."""
    folder = Path(settings_module.__file__).parent
    for path in [*folder.glob("routes/*.py"), *folder.glob("web/*.py"), *folder.glob("cds/*.py")]:
        text = path.read_text(encoding="utf-8")
        assert "store.tables" not in text, path.name
        assert "select(" not in text, path.name


@given(st.text(max_size=40), st.text(max_size=40))
@hypothesis_settings(max_examples=50)
def test_date_shifts_are_each_patients_own(a: str, b: str) -> None:
    shift = deidentify.shift(b"key", a)
    assert timedelta(days=7) <= abs(shift) <= timedelta(days=367)
    assert (deidentify.pseudonym(b"key", a) == deidentify.pseudonym(b"key", b)) == (a == b)
    assert deidentify.pseudonym(b"key", a) != deidentify.pseudonym(b"other", a)


def test_the_extra_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import importlib.util

    from dosetwin import cli

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "fastapi" else real(name, *a))
    assert cli.run(["serve"]) == cli.BAD_INPUT
    assert "pip install 'dosetwin[serve]'" in capsys.readouterr().err


# ----------------------------------------------------------------------------------------- login through the provider


class Stub(BaseHTTPRequestHandler):
    """A minimal identity provider: metadata, keys, and a token for a code it gave out."""

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _say(self, body: dict[str, Any], status: int = 200) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        state: Any = self.server
        if self.path.endswith("openid-configuration"):
            me = state.issuer
            self._say({"issuer": me, "authorization_endpoint": me + "/authorize", "token_endpoint": me + "/token",
                       "jwks_uri": me + "/keys"})  # fmt: skip
        else:
            state.key_requests += 1
            self._say({"keys": [state.key.as_dict(private=False)]})

    def do_POST(self) -> None:
        state: Any = self.server
        said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = state.asked
        challenge = base64.urlsafe_b64encode(hashlib.sha256(said.get("code_verifier", [""])[0].encode()).digest()).rstrip(b"=")
        if said.get("code") != ["the-code"] or challenge.decode() != asked["code_challenge"]:
            return self._say({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": state.issuer, "aud": CLIENT, "sub": "mina", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
                  "dosetwin_roles": ["prescriber"], "dosetwin_wards": ["NICU-1"], "name": "Dr Test"} | state.change  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": state.key.kid}, claims, state.key)
        return self._say({"access_token": "opaque", "token_type": "Bearer", "id_token": token})


@pytest.fixture
def login(tmp_path: Path, token: Callable[..., str], provider_key: RSAKey) -> Iterator[tuple[Running, Any]]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.issuer, server.key, server.change = f"http://127.0.0.1:{server.server_address[1]}", provider_key, {}
    server.key_requests, server.asked = 0, {}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    words = settings_for(f"sqlite:///{tmp_path / 's.sqlite3'}", Path("unused"), tmp_path, oidc_issuer=server.issuer,
                         oidc_jwks_file=None)  # fmt: skip
    with Running(words, token, background=False) as service:
        yield service, server
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def begin(service: Running, server: Any, then: str = "/") -> tuple[httpx.Client, dict[str, str], str]:
    """Off to the provider: client, what it was asked, the login's cookie (Secure, so the client must be handed it)."""
    client = service.as_()
    answer = client.get("/auth/login", params={"then": then})
    assert answer.status_code == 302
    url = urlsplit(answer.headers["location"])
    asked = {k: v[0] for k, v in parse_qs(url.query).items()}
    server.asked = asked
    cookie = answer.headers["set-cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    return client, asked, cookie.split(";")[0]


def test_a_login_through_the_provider_makes_a_session(login: tuple[Running, Any]) -> None:
    service, server = login
    client, asked, cookie = begin(service, server, then="/patients/1")
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "https://twin.hospital.example/auth/callback"
    answer = client.get("/auth/callback", params={"state": asked["state"], "code": "the-code"}, headers={"cookie": cookie})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/patients/1"
    made = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE))
    assert "Secure" in made
    who = client.get("/api/v1/session", headers={"cookie": made.split(";")[0]}).json()
    assert (who["subject"], who["roles"], who["wards"]) == ("oidc:mina", ["prescriber"], ["NICU-1"])


def test_a_login_that_is_not_ours_is_refused(login: tuple[Running, Any]) -> None:
    service, server = login
    cases: list[tuple[str, dict[str, str], dict[str, Any], bool, int]] = [
        ("another state", {"state": "x"}, {}, True, 400),
        ("no cookie", {}, {}, False, 400),
        ("another code", {"code": "guess"}, {}, True, 401),
        ("refused", {"error": "access_denied"}, {}, True, 401),
        ("another nonce", {}, {"nonce": "x"}, True, 401),
        ("another audience", {}, {"aud": "x"}, True, 401),
        ("another issuer", {}, {"iss": "x"}, True, 401),
        ("expired", {}, {"exp": 1}, True, 401),
    ]
    for name, params, change, with_cookie, status in cases:
        client, asked, cookie = begin(service, server)
        server.change = change
        headers = {"cookie": cookie} if with_cookie else {}
        answer = client.get("/auth/callback", params={"state": asked["state"], "code": "the-code"} | params, headers=headers)
        assert answer.status_code == status, name
        assert not any(c.startswith(COOKIE) for c in answer.headers.get_list("set-cookie")), name


def test_a_login_never_sends_people_elsewhere(login: tuple[Running, Any]) -> None:
    service, server = login
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        client, asked, cookie = begin(service, server, then=target)
        answer = client.get("/auth/callback", params={"state": asked["state"], "code": "the-code"}, headers={"cookie": cookie})
        assert answer.headers["location"] == "/"


def test_new_keys_of_the_provider_are_fetched_but_not_for_every_stranger(login: tuple[Running, Any]) -> None:
    service, server = login
    nobody = service.as_()
    unknown = jwt.encode({"alg": "RS256", "kid": "other"}, {"iss": server.issuer}, RSAKey.generate_key(2048, {"kid": "other"}))
    for _ in range(5):
        assert nobody.get("/api/v1/models", headers={"Authorization": f"Bearer {unknown}"}).status_code == 401
    assert server.key_requests <= 2


def test_a_provider_that_is_down_is_said_so(login: tuple[Running, Any]) -> None:
    service, server = login
    server.shutdown()
    server.server_close()
    answer = service.as_().get("/auth/login")
    assert answer.status_code == 503
    assert re.match(r"\d+", answer.headers["retry-after"])
