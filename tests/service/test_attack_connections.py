"""Attacks on the connections of a real server: idle, slow and many; whose address it is; what is open without a login."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from dosetwin.errors import InputError
from dosetwin.serve.connections import Places
from dosetwin.serve.settings import Settings
from service.conftest import CLIENT, ISSUER, Running, new_patient, settings_for


@contextlib.contextmanager
def serving(jwks: Path, folder: Path, token: Callable[..., str], **changed: Any) -> Iterator[Running]:
    with Running(settings_for(f"sqlite:///{folder / 's.sqlite3'}", jwks, folder, **changed), token, background=False) as service:
        yield service


def opened(running: Running, count: int, said: bytes = b"") -> list[socket.socket]:
    """So many connections on which somebody says so much and then nothing."""
    out = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", running.port), timeout=5)
        if said:
            s.sendall(said)
        out.append(s)
    return out


PATIENCE = 60.0
"""s within which a fresh question is answered however busy the machine is; what is held is held for longer than that."""


def alive(running: Running) -> bool:
    """A fresh question is answered while the others are held."""
    return httpx.get(f"{running.url}/health/live", timeout=PATIENCE, trust_env=False).status_code == 200


HALVES = {
    "nothing": b"",
    "half a head": b"GET /api/v1/patients HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "half a body": b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
    "half a login": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\na",
}


@pytest.mark.parametrize("half", HALVES)
def test_idle_connections_stop_nobody(half: str, jwks_file: Path, tmp_path: Path, token: Callable[..., str]) -> None:
    patient = {"head_seconds": 900, "body_seconds": 900}  # nobody is cut off for his slowness: only that there is room can help
    with serving(jwks_file, tmp_path, token, **patient) as running, contextlib.ExitStack() as held:
        for s in opened(running, 520, HALVES[half]):
            held.enter_context(s)
        assert alive(running)
        person = running.as_("viewer")
        assert person.get("/api/v1/patients").status_code == 200
        assert person.get("/health/ready").status_code == 200


def test_a_client_that_dawdles_is_cut_off(jwks_file: Path, tmp_path: Path, token: Callable[..., str]) -> None:
    with serving(jwks_file, tmp_path, token, head_seconds=0.4, body_seconds=0.8) as running:
        for half in HALVES.values():
            (s,) = opened(running, 1, half)
            began, ended = time.monotonic(), None
            s.settimeout(0.1)
            while time.monotonic() - began < 5 and ended is None:  # a byte now and then must not help
                with contextlib.suppress(TimeoutError):
                    try:
                        s.sendall(b"a")
                        if s.recv(4096) == b"":
                            ended = time.monotonic() - began
                    except (ConnectionError, BrokenPipeError):
                        ended = time.monotonic() - began
            s.close()
            assert ended is not None
            assert ended < 3
        # who keeps the time is served again and again on one connection, and a pause between two requests is none
        with httpx.Client(base_url=running.url, trust_env=False) as client:
            for _ in range(3):
                assert client.get("/health/live").status_code == 200
                time.sleep(0.6)


class Held:
    """A connection as ``Places`` sees it."""

    def __init__(self, address: str, phase: str, since: float):
        self.address, self.phase, self.since, self.gone = address, phase, since, False

    def abort(self) -> None:
        self.gone = True


def test_who_waits_longest_makes_room_and_the_busy_are_left_alone() -> None:
    places = Places(most=6, each=3, trusted="10.0.0.1/32")
    first = [Held("a", "head", 1), Held("a", "answer", 2), Held("a", "body", 3)]
    for it in first:
        assert places.admit(it, "a") == "open"  # type: ignore[arg-type]
    assert places.admit(Held("a", "head", 4), "a") == "open"  # type: ignore[arg-type]
    assert [it.gone for it in first] == [True, False, False]
    for k in range(3):
        assert places.admit(Held("10.0.0.1", "answer", k), "10.0.0.1") == "open"  # type: ignore[arg-type]
    assert places.total == 6
    assert places.admit(Held("10.0.0.1", "answer", 9), "10.0.0.1") == "open"  # type: ignore[arg-type]
    assert places.total == 6
    busy = Places(most=2, each=2)
    for _ in range(2):
        assert busy.admit(Held("b", "answer", 1), "b") == "open"  # type: ignore[arg-type]
    assert busy.admit(Held("b", "head", 1), "b") == "refused"  # type: ignore[arg-type]
    assert busy.admit(Held("c", "head", 1), "c") == "health"  # type: ignore[arg-type]
    for it in list(busy.held["b"]):
        busy.leave(it)
    assert busy.total == 1


def test_health_answers_when_every_thread_and_every_place_is_busy(
    jwks_file: Path, tmp_path: Path, token: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    with serving(jwks_file, tmp_path, token, connections=60, connections_per_address=60) as running:
        go = threading.Event()
        monkeypatch.setattr(running.service, "question", lambda **_: go.wait(5 * PATIENCE))
        doctor = running.as_("prescriber")
        patient = new_patient(doctor)
        headers = dict(doctor.headers)
        url = f"{running.url}/api/v1/patients/{patient}/advice"
        with ThreadPoolExecutor(60) as pool:
            asked = [
                pool.submit(httpx.post, url, json={}, headers=headers, timeout=10 * PATIENCE, trust_env=False) for _ in range(59)
            ]
            time.sleep(1.5)
            try:
                assert alive(running)
            finally:
                go.set()
            assert all(a.result().status_code == 500 for a in asked)  # they were let in, and what they got is no question


def test_the_server_as_it_is_started_is_bounded(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("DOSETWIN_")}
    env |= {"DOSETWIN_DATA_DIR": str(tmp_path / "made" / "data"), "DOSETWIN_DEMO_BABIES": "0", "DOSETWIN_TWIN_PROCESSES": "0"}
    words = [sys.executable, "-m", "dosetwin.cli", "serve", "--demo", "--port", str(port)]
    server = subprocess.Popen(words, env=env, cwd=tmp_path, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.umask(0))
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{url}/health/live", trust_env=False)
                break
            assert time.monotonic() < until
            time.sleep(0.2)
        held = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(520)]
        assert httpx.get(f"{url}/health/live", timeout=3, trust_env=False).status_code == 200
        assert httpx.get(f"{url}/api/v1/openapi.json", timeout=10, trust_env=False).status_code == 200  # the demo is open
        found = list((tmp_path / "made").rglob("*"))
        assert {p.name for p in found} >= {"data", "dosetwin.sqlite3", "dosetwin.sqlite3-wal"}
        for path in (tmp_path / "made", *found):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        for s in held:
            s.close()
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=90)  # what it computes for the demo is finished first
        finally:
            server.kill()
            server.wait()


# ------------------------------------------------------------------------------------------------------- whose address


def test_only_declared_proxies_say_whose_request_it_is(jwks_file: Path, tmp_path: Path, token: Callable[..., str]) -> None:
    def tries(running: Running, forwarded: Callable[[int], str]) -> list[int]:
        client = running.as_()
        return [client.get("/health/ready", headers={"X-Forwarded-For": forwarded(k)}).status_code for k in range(8)]

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with serving(jwks_file, tmp_path / "a", token, rate_per_minute=4) as running:
        assert 429 in tries(running, lambda k: f"192.0.2.{k}")  # nobody is let off by what he writes himself
    with serving(jwks_file, tmp_path / "b", token, rate_per_minute=4, trusted_proxies="127.0.0.1") as running:
        assert 429 not in tries(running, lambda k: f"192.0.2.{k}")
        assert 429 in tries(
            running, lambda k: f"198.51.100.{k}, 203.0.113.9"
        )  # what stands left of the proxy's word is the client's
        assert 429 in tries(running, lambda k: f"nonsense{k}, 203.0.113.10")


def test_proxies_are_addresses() -> None:
    with pytest.raises(InputError, match="TRUSTED_PROXIES"):
        Settings.from_environment({"DOSETWIN_TRUSTED_PROXIES": "everybody"})
    assert Settings.from_environment({"DOSETWIN_TRUSTED_PROXIES": "10.1.0.0/16, ::1"}).trusted_proxies == "10.1.0.0/16 ::1/128"


# ------------------------------------------------------------------------------------------------------ what opens doors


def test_an_id_token_opens_nothing(jwks_file: Path, tmp_path: Path, provider_key: RSAKey, token: Callable[..., str]) -> None:
    now = int(datetime.now(UTC).timestamp())
    said = {"iss": ISSUER, "aud": CLIENT, "sub": "x", "iat": now, "exp": now + 600, "dosetwin_roles": ["viewer"],
            "dosetwin_wards": ["NICU-1"]}  # fmt: skip

    def signed(kind: str | None, **more: Any) -> str:
        head = {"alg": "RS256", "kid": "test-1"} | ({"typ": kind} if kind else {})
        return jwt.encode(head, said | more, provider_key)

    with serving(jwks_file, tmp_path, token) as running:

        def status(text: str) -> int:
            return running.as_().get("/api/v1/patients", headers={"Authorization": f"Bearer {text}"}).status_code

        for good in (signed("at+jwt"), signed("application/at+jwt"), signed("JWT", typ="Bearer"), signed(None)):
            assert status(good) == 200
        for more in ({"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"typ": "ID"}, {"token_use": "id"}, {"typ": "Refresh"}):
            assert status(signed("JWT", **more)) == 401, more
        for typ in ("id_token+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt"):
            assert status(signed(typ)) == 401, typ
    (tmp_path / "strict").mkdir()
    with serving(jwks_file, tmp_path / "strict", token, oidc_access_typ="at+jwt") as running:
        assert status(signed("JWT")) == 401
        assert status(signed("at+jwt")) == 200


def test_the_document_of_the_api_needs_a_login(jwks_file: Path, tmp_path: Path, token: Callable[..., str]) -> None:
    with serving(jwks_file, tmp_path, token) as running:
        for path in ("/api/v1/openapi.json", "/openapi.json", "/docs", "/redoc", "/docs/oauth2-redirect", "/metrics"):
            assert running.as_().get(path).status_code in (401, 404), path
        assert "/api/v1/patients" in running.as_("viewer").get("/api/v1/openapi.json").json()["paths"]
        assert running.as_("viewer").get("/metrics").status_code == 403


def test_the_host_of_a_request_leads_nobody_elsewhere(jwks_file: Path, tmp_path: Path, token: Callable[..., str]) -> None:
    with serving(jwks_file, tmp_path, token) as running:
        for path in ("/api/v1/models/", "/api/v1/patients/", "/login/", "/", "/models"):
            answer = running.as_().get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
            assert "evil.example" not in answer.headers.get("location", ""), path
            assert "evil.example" not in answer.text, path
