"""The service under load, on loopback: events, refreshed advice, what-if, the ward list, and a soak. Bounded in count and time.

    python benchmarks/service.py                      PostgreSQL (started here), about two minutes
    python benchmarks/service.py --database sqlite
    python benchmarks/service.py --soak 20            and 20 minutes of the event count of a day of a 40-bed ward

The server runs in a process of its own; it, the database and this load generator share the machine. Nothing is asserted.
"""

import argparse
import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from joserfc import jwt
from joserfc.jwk import RSAKey

TESTS = Path(__file__).resolve().parents[1] / "tests"
ISSUER, CLIENT, WARD = "https://login.hospital.example", "bench", "NICU-1"
DAY_OF_A_WARD = 24 * 40 * 60
"""Events of 24 h: 40 beds, one a minute each."""


def percentiles(seconds: list[float]) -> str:
    """p50, p95, p99 and the worst, ms."""
    p = np.percentile(np.array(seconds) * 1000, [50, 95, 99, 100])
    return f"p50 {p[0]:.0f}  p95 {p[1]:.0f}  p99 {p[2]:.0f}  worst {p[3]:.0f} ms  (n = {len(seconds)})"


class Server:
    """`dosetwin serve` in a process of its own, with a token of a provider made up for the run."""

    def __init__(self, url: str, folder: Path):
        key = RSAKey.generate_key(2048, {"kid": "bench", "use": "sig"})
        (folder / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.secrets = {"DOSETWIN_DATA_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
                        "DOSETWIN_AUDIT_KEY": base64.b64encode(os.urandom(40)).decode()}  # fmt: skip
        words = {"DATABASE_URL": url, "DATA_DIR": str(folder), "OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": CLIENT,
                 "OIDC_JWKS_FILE": str(folder / "jwks.json"), "PUBLIC_URL": "https://bench.example", "PORT": str(self.port),
                 "RATE_PER_MINUTE": "1000000"}  # fmt: skip
        self.environment = self.secrets | {f"DOSETWIN_{k}": v for k, v in words.items()}
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DOSETWIN_")}
        self.process = subprocess.Popen([sys.executable, "-m", "dosetwin.cli", "serve"], env=clean | self.environment, cwd=folder)
        self.url = f"http://127.0.0.1:{self.port}"
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": CLIENT, "sub": "bench", "iat": now, "exp": now + 7200,
                  "dosetwin_roles": ["pharmacist", "feed", "auditor"], "dosetwin_wards": ["*"]}  # fmt: skip
        self.headers = {"Authorization": "Bearer " + jwt.encode({"alg": "RS256", "kid": "bench"}, claims, key)}
        until = time.monotonic() + 120
        while True:
            try:
                if httpx.get(self.url + "/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > until or self.process.poll() is not None:
                raise SystemExit("the service did not start")
            time.sleep(0.2)

    def rss_mb(self) -> float:
        """Memory of the server, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024

    def close(self) -> None:
        """Stop it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


def course(k: int) -> list[dict[str, Any]]:
    """A made-up newborn's first day."""
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=24)
    told = [(-1, {"kind": "covariate", "name": "WT", "value": 1.0 + 0.002 * (k % 500), "unit": "kg"}),
            (-1.5, {"kind": "creatinine", "value": 60, "unit": "umol/L", "assay": "enzymatic"}),
            (0, {"kind": "dose", "amount": 17.0}), (1, {"kind": "level", "value": 32.0})]  # fmt: skip
    return [{"at": (first + timedelta(hours=h)).isoformat(), "body": body} for h, body in told]


def admit(client: httpx.Client, k: int, *, facts: bool) -> str:
    """A patient, with a course or bare."""
    born = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    body = {"ward": WARD, "label": f"Bed {k}", "sex": "female", "GA_weeks": 29.0, "birth_weight_kg": 1.1, "synthetic": True,
            "person": {"birth": born}}  # fmt: skip
    id_ = client.post("/api/v1/patients", json=body).raise_for_status().json()["id"]
    if facts:
        events = [e | {"patient_id": id_} for e in course(k)]
        client.post("/api/v1/events", json={"events": events}).raise_for_status()
    return id_


async def feed(
    server: Server, ids: list[str], rate: float, seconds: float, connections: int = 32
) -> tuple[list[float], int, float]:
    """Temperatures at ``rate`` a second for ``seconds``; latencies from when each was due, failures, wall time."""
    taken: list[float] = []
    failed = 0
    total = int(rate * seconds)
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(base_url=server.url, headers=server.headers, limits=limits, timeout=60) as client:
        began = time.perf_counter()
        at = datetime.now(UTC) - timedelta(hours=12)

        async def one(i: int) -> None:
            nonlocal failed
            due = began + i / rate
            body = {"at": (at + timedelta(seconds=i)).isoformat(), "source_key": f"bench/{began}/{i}",
                    "body": {"kind": "covariate", "name": "TEMP", "value": 36.5, "unit": "Cel"}}  # fmt: skip
            answer = await client.post(f"/api/v1/patients/{ids[i % len(ids)]}/events", json=body)
            if answer.status_code == 201:
                taken.append(time.perf_counter() - due)
            else:
                failed += 1

        tasks = []
        for i in range(total):
            await asyncio.sleep(max(0.0, began + i / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(one(i)))
        await asyncio.gather(*tasks)
        return taken, failed, time.perf_counter() - began


def stored(client: httpx.Client, ids: list[str]) -> int:
    """Temperatures on record."""
    found = [client.get(f"/api/v1/patients/{id_}/events").raise_for_status().json()["events"] for id_ in ids]
    return sum(e["body"].get("name") == "TEMP" for events in found for e in events)


def until_settled(client: httpx.Client, id_: str, seq: int, most: float = 120.0) -> float:
    """Seconds until the twin has worked in the fact ``seq``."""
    began = time.perf_counter()
    while time.perf_counter() - began < most:
        twin = client.get(f"/api/v1/patients/{id_}/twin").raise_for_status().json()
        if twin.get("answer") and twin["through_seq"] >= seq:
            return time.perf_counter() - began
        time.sleep(0.02)
    return float("inf")


def refreshes(client: httpx.Client, n: int) -> list[float]:
    """A new level to the refreshed answer, one baby after another."""
    taken = []
    for k in range(n):
        id_ = admit(client, k, facts=True)
        until_settled(client, id_, 1)
        time.sleep(0.2)
        drawn = datetime.now(UTC) - timedelta(minutes=5)
        level = {"at": drawn.isoformat(), "body": {"kind": "level", "value": 5.0 + 0.2 * k}}
        began = time.perf_counter()
        seq = client.post(f"/api/v1/patients/{id_}/events", json=level).raise_for_status().json()["seq"]
        until_settled(client, id_, seq)
        taken.append(time.perf_counter() - began)
    return taken


async def users(server: Server, ids: list[str], seconds: float, think: float) -> list[float]:
    """Ten users, each moving one thing after another on their own baby, ``think`` s between answers and next moves."""
    taken: list[float] = []

    async def one(k: int) -> None:
        async with httpx.AsyncClient(base_url=server.url, headers=server.headers, timeout=60) as client:
            url = f"/api/v1/patients/{ids[k % len(ids)]}/what-if"
            await client.post(url, json={"amount_mg": 15})
            end = time.perf_counter() + seconds
            i = 0
            await asyncio.sleep(think * k / 10)
            while time.perf_counter() < end:
                i += 1
                began = time.perf_counter()
                (await client.post(url, json={"amount_mg": 12 + (i % 10), "interval_h": 24 + 6 * (i % 4)})).raise_for_status()
                taken.append(time.perf_counter() - began)
                await asyncio.sleep(think)

    await asyncio.gather(*(one(k) for k in range(10)))
    return taken


def ward_of(server: Server, client: httpx.Client, n: int) -> list[float]:
    """Fill the ward to ``n`` twins (states copied from a computed one: only reading is measured) and read the list."""
    from sqlalchemy import select

    from dosetwin.serve.store import Store
    from dosetwin.serve.store.tables import patients, twin_states

    store = Store(server.environment["DOSETWIN_DATABASE_URL"], migrate=False)
    with store.read() as conn:
        computed = conn.execute(select(twin_states).where(twin_states.c.answer.is_not(None)).limit(1)).mappings().one()
        have = len(conn.execute(select(patients.c.id)).all())
    head = computed["through_seq"]

    def put(conn: Any) -> None:
        new = [f"{k:036d}" for k in range(n - have)]
        conn.execute(patients.insert(), [{"id": i, "ward": WARD, "head": head, "created_at": datetime.now(UTC), "synthetic": True,
                                          "care_denied": False, "research_denied": False, "active": True}
                                         for i in new])  # fmt: skip
        conn.execute(twin_states.insert(), [dict(computed) | {"patient_id": i} for i in new])

    store.write(put)
    store.close()
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        found = client.get("/api/v1/patients").raise_for_status().json()["patients"]
        taken.append(time.perf_counter() - began)
    print(f"  ({len(found)} lines)")
    return taken


def soak(server: Server, ids: list[str], minutes: float) -> None:
    """The events of a day in ``minutes``, and what the server's memory does (after a warm-up of a tenth)."""
    rate = DAY_OF_A_WARD / (24 * 60) / 60 * (24 * 60 / 20)
    asyncio.run(feed(server, ids, rate, 6 * minutes))
    before = server.rss_mb()
    taken, failed, _ = asyncio.run(feed(server, ids, rate, 54 * minutes))
    print(
        f"soak {minutes:g} min at {rate:.0f} events/s: {percentiles(taken)}, failed {failed}; "
        f"memory {before:.0f} -> {server.rss_mb():.0f} MB"
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--seconds", type=float, default=20.0, help="of events and of what-if each")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the server and the database are stopped too
    sys.path.insert(0, str(TESTS / "service"))
    from postgres import Postgres, why_not

    postgres = None
    with tempfile.TemporaryDirectory(prefix="dosetwin-bench-") as name:
        folder = Path(name)
        if asked.database == "postgresql":
            if why_not():
                raise SystemExit(why_not())
            postgres = Postgres(fsync=True)
            url = postgres.create()
        else:
            url = f"sqlite:///{folder / 'store.sqlite3'}"
        server = Server(url, folder)
        try:
            print(f"{asked.database}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
            client = httpx.Client(base_url=server.url, headers=server.headers, timeout=120)
            ids = [admit(client, k, facts=False) for k in range(40)]
            taken, failed, wall = asyncio.run(feed(server, ids, 200.0, asked.seconds))
            print(f"events at 200/s for {wall:.0f} s: {percentiles(taken)}; refused {failed}, "
                  f"acknowledged {len(taken)}, stored {stored(client, ids)}")  # fmt: skip
            print(f"new level to refreshed advice: {percentiles(refreshes(client, 10))}")
            babies = [admit(client, k, facts=True) for k in range(10)]
            for id_ in babies:
                until_settled(client, id_, 1)
            print(f"what-if, 10 users, 1 s between moves: {percentiles(asyncio.run(users(server, babies, asked.seconds, 1.0)))}")
            print(f"ward list of 1,000 twins: {percentiles(ward_of(server, client, 1000))}")
            if asked.soak:
                soak(server, ids, asked.soak)
            print(f"memory of the server {server.rss_mb():.0f} MB; load after {os.getloadavg()[0]:.1f}")
            checked = client.get("/api/v1/audit/verification").json()
            print(f"audit trail: {checked['entries']} entries, holds: {checked['ok']} {checked['wrong'][:1]}")
        finally:
            server.close()
            if postgres is not None:
                postgres.close()


if __name__ == "__main__":
    main()
