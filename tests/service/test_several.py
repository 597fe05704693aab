"""Several processes on one PostgreSQL: one leads and another follows when it is gone, and they share what is behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from dosetwin.serve.jobs import LEASE, Jobs
from dosetwin.serve.leader import Leader
from dosetwin.serve.store import schema
from dosetwin.serve.store.store import open_engine
from service.conftest import AUDIT_KEY, DATA_KEY, ISSUER, WARD, course, settings_for

NOW = datetime(2026, 4, 13, 14, tzinfo=UTC)


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def engine(postgres):
    made = open_engine(postgres.create().replace("postgresql://", "postgresql+psycopg://"))
    schema.upgrade(made, key=b"k" * 40)
    yield made
    made.dispose()


def test_one_leads_and_the_next_follows_however_it_ends(engine):
    ran: list[str] = []

    def work(name):
        def run(stop: threading.Event) -> None:
            ran.append(f"{name} begins")
            stop.wait()
            ran.append(f"{name} ends")

        return run

    one = Leader(engine, [("a", work("one"))], every_s=0.05).start()
    until(lambda: one.leads)
    two = Leader(engine, [("b", work("two"))], every_s=0.05).start()
    time.sleep(0.3)
    assert not two.leads
    with engine.connect() as conn:  # the database ends the leader's connection: as if the network had
        holder = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        conn.execute(text(holder))
    until(lambda: ran.count("one ends") == 1)
    until(lambda: one.leads != two.leads)
    first, second = (one, two) if one.leads else (two, one)
    assert not (one.leads and two.leads)
    first.close()
    until(lambda: second.leads)
    second.close()
    assert sum("begins" in r for r in ran) == sum("ends" in r for r in ran) == 3


def test_a_job_is_taken_by_one_and_free_again_when_its_time_is_over(engine):
    one, two = Jobs(engine, share=3), Jobs(engine, share=3)
    behind = {f"p{k}": NOW - timedelta(minutes=k) for k in range(5)}
    first = one.take(behind, NOW)
    second = two.take(behind, NOW)
    assert len(first) == 3
    assert sorted(first + second) == sorted(behind)
    assert one.take(behind, NOW) == []
    one.done(first)
    assert two.take({k: behind[k] for k in second}, NOW + LEASE / 2) == []
    assert sorted(one.take({k: behind[k] for k in second}, NOW + LEASE * 2)) == sorted(second), "whoever took them is gone"
    assert two.take({"new": NOW}, NOW) == [], "whose facts they are works them in first"
    two.forget({})
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM twin_jobs")).scalar() == 0
    # a row that another transaction looks at is passed over, not waited for
    with engine.begin() as conn:
        conn.execute(text("INSERT INTO twin_jobs (patient_id, since) VALUES ('x', now() - interval '1 hour')"))
    with engine.begin() as held:
        held.execute(text("SELECT * FROM twin_jobs FOR UPDATE"))  # to the end of this block: to wait for it is to wait for ever
        assert one.take({"x": NOW - timedelta(hours=1)}, NOW) == []


@pytest.mark.slow
def test_a_killed_leader_loses_nothing_and_the_other_goes_on(postgres, jwks_file, tmp_path, token):
    url = postgres.create()
    processes, ports = [], []
    for k in (1, 2):
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
        env = {k: v for k, v in os.environ.items() if not k.startswith("DOSETWIN_") or k == "DOSETWIN_CACHE"} | {
            "DOSETWIN_DATABASE_URL": url, "DOSETWIN_DATA_DIR": str(tmp_path / str(k)), "DOSETWIN_DATA_KEYS": DATA_KEY,
            "DOSETWIN_AUDIT_KEY": AUDIT_KEY, "DOSETWIN_OIDC_ISSUER": ISSUER, "DOSETWIN_OIDC_CLIENT_ID": "dosetwin-test",
            "DOSETWIN_OIDC_JWKS_FILE": str(jwks_file), "DOSETWIN_PUBLIC_URL": "https://twin.example",
            "DOSETWIN_PORT": str(ports[-1]), "DOSETWIN_TWIN_PROCESSES": "0", "DOSETWIN_WORKERS": "1", "DOSETWIN_DRAWS": "100",
        }  # fmt: skip
        processes.append(subprocess.Popen([sys.executable, "-m", "dosetwin.cli", "serve"], env=env, stderr=subprocess.DEVNULL))
    headers = {"Authorization": f"Bearer {token('pharmacist')}"}
    clients = [httpx.Client(base_url=f"http://127.0.0.1:{p}", headers=headers, timeout=30, trust_env=False) for p in ports]

    def leads(client):
        try:
            return client.get("/health/ready").json().get("leads", False)
        except httpx.HTTPError:
            return False

    try:
        until(lambda: [c for c in clients if leads(c)], 60)
        until(lambda: all(_up(c) for c in clients), 60)
        at = next(k for k, c in enumerate(clients) if leads(c))
        born = (datetime.now(UTC) - timedelta(days=3)).isoformat()
        baby = {"ward": WARD, "GA_weeks": 29, "birth_weight_kg": 1.1, "sex": "female", "person": {"birth": born}}
        made = clients[at].post("/api/v1/patients", json=baby)
        id_ = made.json()["id"]
        events = [e | {"patient_id": id_} for e in course()]
        assert clients[at].post("/api/v1/events", json={"events": events}).status_code == 201
        processes[at].send_signal(signal.SIGKILL)
        other = clients[1 - at]
        until(lambda: leads(other), 15)
        assert len([e for e in other.get(f"/api/v1/patients/{id_}/events").json()["events"] if e["kind"] == "dose"]) == 1
        head = other.get(f"/api/v1/patients/{id_}").json()["head"]
        until(lambda: (other.get(f"/api/v1/patients/{id_}/twin").json().get("through_seq") or 0) >= head, 60)
    finally:
        for client in clients:
            client.close()
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            process.wait(timeout=30)
    from dosetwin.serve.app import create_app

    app = create_app(settings_for(url, jwks_file, tmp_path), background=False)
    with app.state.service.store.read() as conn:
        assert app.state.service.verified(conn).ok
    app.state.service.close()


def _up(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.HTTPError:
        return False
