"""News by Server-Sent Events: what travels, whose it is, when it ends, and that it keeps no server from stopping."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import select, update

from dosetwin.serve.app import create_app
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem
from dosetwin.serve.server import Server
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.tables import sessions
from dosetwin.serve.web import stream
from service.conftest import apart, new_patient, record


class Served:
    """The demo without its babies behind the server that the command starts."""

    def __init__(self, folder: Path, server: type[uvicorn.Server] = Server, **changed: Any):
        words = {
            "demo": True,
            "data_dir": folder,
            "demo_babies": 0,
            "draws": 200,
            "login_per_minute": 1000,
            "rate_per_minute": 100_000,
        }
        self.app = create_app(Settings(**(words | changed)), background=False)
        self.service = self.app.state.service
        self.server = server(uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until = time.monotonic() + 30
        while not self.server.started:
            assert self.thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.01)
        self.clients: list[httpx.Client] = []
        self.heard: list[Heard] = []
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def client(self, **options: Any) -> httpx.Client:
        self.clients.append(httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options))
        return self.clients[-1]

    def person(self, name: str) -> httpx.Client:
        client = self.client()
        said = client.post("/api/v1/session", json={"username": name, "password": name}).json()
        client.headers["x-csrf-token"] = said["csrf"]
        return client

    def stop(self) -> float:
        """Seconds until the server has stopped."""
        began = time.monotonic()
        self.server.should_exit = True
        self.thread.join(timeout=60)
        seconds = time.monotonic() - began
        for heard in self.heard:
            heard.over.wait(5)
        for client in self.clients:
            client.close()
        return seconds


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    yield found
    found.stop()
    assert not found.thread.is_alive()


class Heard:
    """A reader of a stream in a thread: (event, data, id) as they come; ``over`` once it ended."""

    def __init__(self, client: httpx.Client, served: Served | None = None, **query: str):
        if served is not None:
            served.heard.append(self)
        self.events: list[tuple[str, Any, str]] = []
        self.lines: list[str] = []
        self.headers: httpx.Headers | None = None
        self.over = threading.Event()
        self.left = threading.Event()
        self._new = threading.Condition()
        self._client, self._query = client, query
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            with self._client.stream("GET", "/news/stream", params=self._query, timeout=60) as answer:
                self.status, self.headers = answer.status_code, answer.headers
                name, data, id_ = "", "", ""
                for line in answer.iter_lines():
                    with self._new:
                        self.lines.append(line)
                        key, _, value = line.partition(": ")
                        if key == "event":
                            name = value
                        elif key == "data":
                            data = value
                        elif key == "id":
                            id_ = value
                        elif not line and name:
                            self.events.append((name, json.loads(data), id_))
                            name = data = ""
                        self._new.notify_all()
                    if self.left.is_set():
                        return
        finally:
            self.over.set()

    def wait(self, count: int, seconds: float = 20) -> list[tuple[str, Any, str]]:
        with self._new:
            assert self._new.wait_for(lambda: len(self.events) >= count, seconds), self.lines
            return list(self.events)


def test_what_changed_travels_and_nothing_else(served: Served) -> None:
    pharmacist = served.person("pharmacist")
    patient = new_patient(pharmacist, ward="NICU-demo", label="Bed 12")
    heard = Heard(served.person("viewer"), served)
    first = heard.wait(1)[0]
    assert (first[0], first[1]) == ("news", {"patients": []})
    assert heard.headers is not None
    assert heard.headers["content-type"].startswith("text/event-stream")
    assert heard.headers["x-accel-buffering"] == "no"
    assert "no-store" in heard.headers["cache-control"]
    assert "content-encoding" not in heard.headers
    record(pharmacist, patient, [{"at": datetime.now(UTC).isoformat(), "body": {"kind": "covariate", "name": "WT", "value": 1.1,
                                                                                "unit": "kg"}}])  # fmt: skip
    name, data, cursor = heard.wait(2)[1]
    assert (name, data) == ("news", {"patients": [patient]})
    assert cursor != first[2]
    text = "\n".join(heard.lines)
    assert not any(word in text for word in ("Bed 12", "Mina", "WT", "1.1"))


def test_another_ward_hears_nothing_of_it(served: Served) -> None:
    pharmacist = served.person("pharmacist")
    patient = new_patient(pharmacist, ward="NICU-demo")
    heard = Heard(served.person("elsewhere"), served)
    heard.wait(1)
    record(pharmacist, patient, [{"at": datetime.now(UTC).isoformat(), "body": {"kind": "consent", "purpose": "care",
                                                                                "decision": "permit"}}])  # fmt: skip
    time.sleep(stream.CHECK_S + 1.0)
    assert len(heard.events) == 1
    refused = served.person("elsewhere").get("/news/stream", params={"about": patient})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:dosetwin:problem:out_of_reach")
    assert served.person("auditor").get("/news/stream").status_code == 403
    assert httpx.get(f"{served.url}/news/stream", trust_env=False).status_code == 401


def test_a_reader_who_comes_back_misses_nothing(served: Served) -> None:
    pharmacist = served.person("pharmacist")
    heard = Heard(served.person("viewer"), served)
    cursor = heard.wait(1)[0][2]
    patient = new_patient(pharmacist, ward="NICU-demo")
    for how in ({"params": {"since": cursor}}, {"headers": {"last-event-id": cursor}, "params": {"since": ""}}):
        viewer = served.person("viewer")
        with viewer.stream("GET", "/news/stream", **how) as answer:
            text = next(line for line in answer.iter_lines() if line.startswith("data:"))
        assert json.loads(text.partition(": ")[2]) == {"patients": [patient]}
    assert pharmacist.get("/news/stream", params={"since": "x"}).status_code == 422


def test_the_end_of_the_session_ends_the_stream(served: Served) -> None:
    viewer = served.person("viewer")
    heard = Heard(viewer, served)
    heard.wait(1)
    other = served.client(cookies=dict(viewer.cookies), headers=viewer.headers)
    assert other.delete("/api/v1/session").status_code == 204
    name, data, _ = heard.wait(2, stream.CHECK_S + 5)[1]
    assert (name, data["status"]) == ("end", 401)
    assert heard.over.wait(5)


def _changed(served: Served, conn: Any, changed: dict[str, Any]) -> None:
    """Sessions as the provider's change would leave them, with their seals."""
    for row in conn.execute(select(sessions)).mappings().all():
        seal = served.service.vault.seals.of("sessions", {**row, **changed})
        conn.execute(update(sessions).where(sessions.c.token_hash == row["token_hash"]).values(**changed, seal=seal))


def test_a_session_that_expires_or_loses_its_ward_ends_the_stream(served: Served) -> None:
    for changed, status in (
        ({"expires_at": datetime.now(UTC) - timedelta(seconds=1)}, 401),
        ({"principal": Principal("demo:viewer", "Vera", frozenset({"viewer"}), frozenset({"other"}), "demo").to_json()}, 403),
    ):
        heard = Heard(served.person("viewer"), served)
        heard.wait(1)
        served.service.store.write(lambda conn, changed=changed: _changed(served, conn, changed))
        name, data, _ = heard.wait(2, stream.CHECK_S + 5)[1]
        assert (name, data["status"]) == ("end", status)


def test_a_record_that_leaves_the_reach_ends_the_stream_of_its_page(served: Served) -> None:
    pharmacist = served.person("pharmacist")
    patient = new_patient(pharmacist, ward="NICU-demo")
    page, list_ = Heard(served.person("viewer"), served, about=patient), Heard(served.person("viewer"), served)
    page.wait(1)
    list_.wait(1)
    record(pharmacist, patient, [{"at": datetime.now(UTC).isoformat(), "body": {"kind": "transferred", "ward": "other-ward"}}])
    found = page.wait(2, stream.CHECK_S + 5)[-1]
    assert (found[0], found[1]["status"]) == ("end", 403)
    assert not list_.over.is_set(), "the ward list goes on"


def test_streams_are_bounded_per_person_and_given_back(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_PER_USER", 2)
    viewer = served.person("viewer")
    many = [Heard(viewer, served), Heard(viewer, served)]
    for heard in many:
        heard.wait(1)
    refused = viewer.get("/news/stream")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    assert viewer.get("/news").status_code == 200, "asking goes on"
    Heard(served.person("pharmacist"), served).wait(1)
    assert len(served.app.state.news_hub) == 3
    monkeypatch.setattr(stream, "MOST", 3)
    assert served.person("prescriber").get("/news/stream").status_code == 503
    monkeypatch.setattr(stream, "MOST", 200)
    for heard in many:
        heard.left.set()
    pharmacist = served.person("pharmacist")
    weight = {"kind": "covariate", "name": "WT", "value": 1.0, "unit": "kg"}
    record(pharmacist, new_patient(pharmacist, ward="NICU-demo"), [{"at": datetime.now(UTC).isoformat(), "body": weight}])
    until = time.monotonic() + 20
    while len(served.app.state.news_hub) > 1:
        assert time.monotonic() < until, "a reader who left must free the place"
        time.sleep(0.1)
    Heard(viewer, served).wait(1)


def test_it_beats_and_does_not_last_for_ever(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BEAT_S", 0.2)
    monkeypatch.setattr(stream, "CHECK_S", 0.2)
    monkeypatch.setattr(stream, "LASTS_S", 1.5)
    heard = Heard(served.person("viewer"), served)
    heard.wait(1)
    assert heard.over.wait(10)
    assert sum(line == ": beat" for line in heard.lines) >= 3
    assert [e[0] for e in heard.events] == ["news"]
    assert heard.lines[0] == f"retry: {stream.RETRY_MS}"


def test_the_server_stops_at_once_although_pages_listen(tmp_path: Path) -> None:
    served = Served(tmp_path)
    heard = [Heard(served.person("viewer"), served) for _ in range(3)]
    for h in heard:
        h.wait(1)
    assert served.stop() < 5
    assert not served.thread.is_alive()
    assert all(h.over.wait(5) for h in heard)


def test_a_hub_that_is_closed_takes_nobody() -> None:
    async def join() -> None:
        hub = stream.Hub()
        hub.close()
        with pytest.raises(Problem) as refused:
            hub.join("somebody")
        assert refused.value.status == 503

    apart(join())


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM is not a signal of Windows")
def test_the_command_stops_on_sigterm_with_a_page_open(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = {k: v for k, v in os.environ.items() if not k.startswith("DOSETWIN_")} | {
        "DOSETWIN_DATA_DIR": str(tmp_path), "DOSETWIN_DEMO_BABIES": "0"}  # fmt: skip
    command = [sys.executable, "-m", "dosetwin.cli", "serve", "--demo", "--port", str(port)]
    server = subprocess.Popen(command, env=words, stderr=subprocess.PIPE, text=True)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                client.post("/api/v1/session", json={"username": "viewer", "password": "viewer"})
                break
            except httpx.TransportError:
                assert server.poll() is None
                assert time.monotonic() < until
                time.sleep(0.2)
        heard = Heard(client)
        heard.wait(1)
        server.send_signal(signal.SIGTERM)
        assert heard.over.wait(12), "before the 15 s after which connections are cut"
        server.wait(timeout=60)
    finally:
        client.close()
        if server.poll() is None:
            server.kill()
        assert server.stderr is not None
        server.stderr.close()
