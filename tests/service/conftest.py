"""What the service's tests share: both databases, a running service on loopback, people with tokens of a provider we made up."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (pip install 'dosetwin[serve]')")
pytest.importorskip("sqlalchemy", reason="the service's packages are not installed (pip install 'dosetwin[serve]')")

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey

from dosetwin.serve import server
from dosetwin.serve.app import create_app
from dosetwin.serve.settings import Settings
from service.postgres import Postgres, why_not

ISSUER = "https://login.hospital.example"
CLIENT = "dosetwin-test"
DATA_KEY = "k1:" + base64.b64encode(bytes(range(32))).decode()
AUDIT_KEY = base64.b64encode(bytes(range(32, 72))).decode()
WARD = "NICU-1"


def apart(of: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: where the browser tests ran before, this one has Playwright's loop running."""
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(asyncio.run, of).result()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    if why_not():
        pytest.skip(why_not())
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: every test that takes it runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite3'}"
    return request.getfixturevalue("postgres").create()


@pytest.fixture(scope="session")
def provider_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "test-1", "use": "sig", "alg": "RS256"})


@pytest.fixture(scope="session")
def jwks_file(provider_key: RSAKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("provider") / "jwks.json"
    path.write_text(json.dumps({"keys": [provider_key.as_dict(private=False)]}))
    return path


@pytest.fixture
def settings(database_url: str, jwks_file: Path, tmp_path: Path) -> Settings:
    """Settings of a real start (no demo): keys, provider, https outside."""
    return settings_for(database_url, jwks_file, tmp_path)


def settings_for(url: str, jwks: Path, folder: Path, **changed: Any) -> Settings:
    words: dict[str, Any] = {
        "database_url": url, "data_dir": folder, "data_keys": DATA_KEY, "audit_key": AUDIT_KEY, "oidc_issuer": ISSUER,
        "oidc_client_id": CLIENT, "oidc_jwks_file": jwks, "public_url": "https://twin.hospital.example", "workers": 2,
        "rate_per_minute": 100_000, "login_per_minute": 1000, "draws": 200, "twin_processes": 0,
    }  # fmt: skip
    return Settings.from_environment({}, **(words | changed))


@pytest.fixture(scope="session")
def token(provider_key: RSAKey) -> Callable[..., str]:
    """A token of the provider: ``token("pharmacist", wards=["NICU-1"])``; further claims override."""

    def make(*roles: str, wards: Any = (WARD,), sub: str = "", **claims: Any) -> str:
        now = int(datetime.now(UTC).timestamp())
        said: dict[str, Any] = {"iss": ISSUER, "aud": CLIENT, "sub": sub or "-".join(roles) or "nobody", "name": "Test Person",
                                "iat": now, "exp": now + 3600, "dosetwin_roles": list(roles),
                                "dosetwin_wards": list(wards)}  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "test-1"}, {k: v for k, v in (said | claims).items() if v is not None},
                          provider_key)  # fmt: skip

    return make


class Running:
    """A service listening on a free port of loopback, in a thread of this process."""

    def __init__(self, settings: Settings, token: Callable[..., str], **options: Any):
        self.app = create_app(settings, **options)
        self.service = self.app.state.service
        self._token = token
        config = server.config(self.app, settings, host="127.0.0.1", port=0, lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 30
        while not self._server.started:
            assert time.monotonic() < until, "the service did not start in time"
            assert self._thread.is_alive(), "the service did not start"
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._clients: list[httpx.Client] = []

    def as_(self, *roles: str, **claims: Any) -> httpx.Client:
        """A client with a bearer token for these roles; none: nobody."""
        headers = {"Authorization": f"Bearer {self._token(*roles, **claims)}"} if roles else {}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._server.should_exit = True
        self._thread.join(timeout=30)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def running(settings: Settings, token: Callable[..., str]) -> Iterator[Running]:
    """The service, on each database in turn, without background sweep."""
    with Running(settings, token, background=False) as service:
        yield service


@pytest.fixture
def quiet(running: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The service without twins recomputed in the background: for tests that are not about numbers."""
    monkeypatch.setattr(running.service, "touched", lambda ids, **_: None)
    return running


def new_patient(client: httpx.Client, **changed: Any) -> str:
    """A made-up newborn; returns the id."""
    born = datetime.now(UTC) - timedelta(days=3)
    body: dict[str, Any] = {
        "ward": WARD, "label": "Bed 1", "sex": "female", "GA_weeks": 29.0, "birth_weight_kg": 1.1, "synthetic": True,
        "person": {"name": "Mina Madeup", "identifiers": {"mrn": f"M-{time.monotonic_ns()}"}, "birth": born.isoformat()},
    }  # fmt: skip
    answer = client.post("/api/v1/patients", json=body | changed)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def course(hours_ago: float = 26.0) -> list[dict[str, Any]]:
    """Weight, creatinine, one dose, a peak and a later level of a made-up newborn."""
    first = (datetime.now(UTC) - timedelta(hours=hours_ago)).replace(microsecond=0)

    def event(h: float, **body: Any) -> dict[str, Any]:
        return {"at": (first + timedelta(hours=h)).isoformat(), "source_key": f"course/{h}/{body['kind']}/{time.monotonic_ns()}",
                "body": body}  # fmt: skip

    return [
        event(-1, kind="covariate", name="WT", value=1080, unit="g"),
        event(-1.5, kind="creatinine", value=62, unit="umol/L", assay="enzymatic"),
        event(0, kind="dose", amount=17.6, infusion_h=0.5),
        event(1, kind="level", value=33.5),
        event(22.5, kind="level", value=9.7),
    ]


def record(client: httpx.Client, patient: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Record events; returns the receipts."""
    answer = client.post("/api/v1/events", json={"events": [e | {"patient_id": patient} for e in events]})
    assert answer.status_code == 201, answer.text
    return answer.json()["events"]
