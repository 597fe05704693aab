"""The service under load, on loopback: events, refreshed advice, what-if, the ward list, and a soak. Bounded in count and time.

    python benchmarks/service.py                      PostgreSQL (started here), about two minutes
    python benchmarks/service.py --database sqlite
    python benchmarks/service.py --soak 20            and 20 minutes of the event count of a day of a 40-bed ward
    python benchmarks/service.py --markdown FILE      and the table of docs/service.md

The server runs in a process of its own; it, the database and this load generator share the machine. Each bar is printed with what
was measured, met or MISSED, and how busy the machine was; nothing is asserted.
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
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
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


NEWS_EVERY = 288
"""Of the events so many to one are temperatures; the others are weights, a creatinine, a level, a dose. With 40 babies the others
fall to five of them, one kind each: their records grow long, as in a stay of weeks."""
NEWS = ({"kind": "covariate", "name": "WT", "value": 1.05, "unit": "kg"},
        {"kind": "creatinine", "value": 62, "unit": "umol/L", "assay": "enzymatic"},
        {"kind": "covariate", "name": "WT", "value": 1.07, "unit": "kg"},
        {"kind": "level", "value": 14.0}, {"kind": "dose", "amount": 15.0})  # fmt: skip


def percentiles(seconds: list[float]) -> str:
    """p50, p95, p99 and the worst, ms."""
    p = np.percentile(np.array(seconds) * 1000, [50, 95, 99, 100])
    return f"p50 {p[0]:.0f}  p95 {p[1]:.0f}  p99 {p[2]:.0f}  worst {p[3]:.0f} ms  (n = {len(seconds)})"


@dataclass
class Report:
    """What was measured, bar by bar."""

    database: str
    lines: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def bar(self, what: str, limit: str, found: str, met: bool) -> None:
        """Print a bar and keep it."""
        self.lines.append((what, limit, found, met))
        print(f"{'met   ' if met else 'MISSED'}  {what}: {limit}; {found}; load {os.getloadavg()[0]:.1f}", flush=True)

    def markdown(self) -> str:
        """The table."""
        rows = [f"| {w} | {limit} | {found} | {'met' if met else '**missed**'} |" for w, limit, found, met in self.lines]
        return "\n".join([f"| {self.database} | bar | measured | |", "|---|---|---|---|", *rows]) + "\n"


def ticks(pid: int) -> float:
    """Processor seconds of a process so far; 0 for one that is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [pid, *(p for child in found for p in family(int(child)))]


@contextmanager
def accounted(server: "Server", postgres: Any, events: Callable[[], int]) -> Iterator[None]:
    """Print the processor time per event of everybody who takes part."""
    database = None if postgres is None else postgres._server.pid

    def now() -> list[float]:
        main, *beside = family(server.process.pid)
        of = [] if database is None else family(database)
        return [ticks(main), sum(map(ticks, beside)), sum(map(ticks, of)), time.process_time()]

    before = now()
    yield
    names = ("server", "its processes beside", "database", "load generator")
    spent = [f"{n} {1000 * (b - a) / max(events(), 1):.2f}" for n, a, b in zip(names, before, now(), strict=True)]
    print(f"        processor ms per event: {', '.join(spent)}")


class Server:
    """`dosetwin serve` in a process of its own, with a token of a provider made up for the run."""

    def __init__(self, url: str, folder: Path, beside: "Server | None" = None, **more: object):
        """``beside``: another one on the same store, whose keys it shares; ``more``: further settings, in capitals."""
        key = RSAKey.generate_key(2048, {"kid": "bench", "use": "sig"}) if beside is None else beside.key
        self.key = key
        (folder / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        made = {"DOSETWIN_DATA_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
                "DOSETWIN_AUDIT_KEY": base64.b64encode(os.urandom(40)).decode()}  # fmt: skip
        self.secrets = made if beside is None else beside.secrets
        words = {"DATABASE_URL": url, "DATA_DIR": str(folder), "OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": CLIENT,
                 "OIDC_JWKS_FILE": str(folder / "jwks.json"), "PUBLIC_URL": "https://bench.example", "PORT": str(self.port),
                 "RATE_PER_MINUTE": "1000000"} | {k: str(v) for k, v in more.items()}  # fmt: skip
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
        """Memory of the server and its processes, MB."""
        total = 0
        for pid in family(self.process.pid):
            status = Path(f"/proc/{pid}/status").read_text()
            total += int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
        return total / 1024

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


class Line:
    """A connection that posts events and reads the answers; bare, so that the generator costs the machine little."""

    def __init__(self, server: Server):
        self._server = server
        self._head = f"Host: bench\r\nAuthorization: {server.headers['Authorization']}\r\nContent-Type: application/json\r\n"

    async def open(self) -> "Line":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        return self

    async def post(self, path: str, body: dict[str, Any]) -> int:
        """Status of the answer."""
        data = json.dumps(body).encode()
        self._writer.write(f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = next(line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        await self._reader.readexactly(int(length))
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def feed(
    server: Server, ids: list[str], rate: float, seconds: float, begin_h: float, connections: int = 32
) -> tuple[list[float], int, float]:
    """A ward's events at ``rate`` a second for ``seconds``, dated a second apart from ``begin_h`` before now.

    Returns latencies from when each was due, failures, wall time.
    """
    taken: list[float] = []
    failed = 0
    total = int(rate * seconds)
    at = datetime.now(UTC) - timedelta(hours=begin_h)
    due: asyncio.Queue[tuple[int, float] | None] = asyncio.Queue()
    began = time.perf_counter()

    async def post() -> None:
        nonlocal failed
        line = await Line(server).open()
        while (item := await due.get()) is not None:
            i, when = item
            news = i % NEWS_EVERY == NEWS_EVERY // 2
            said = (
                NEWS[i // NEWS_EVERY % len(NEWS)] if news else {"kind": "covariate", "name": "TEMP", "value": 36.5, "unit": "Cel"}
            )
            body = {"at": (at + timedelta(seconds=i)).isoformat(), "source_key": f"bench/{began}/{i}", "body": said}
            if await line.post(f"/api/v1/patients/{ids[i % len(ids)]}/events", body) == 201:
                taken.append(time.perf_counter() - when)
            else:
                failed += 1
        line.close()

    lines = [asyncio.create_task(post()) for _ in range(connections)]
    began = time.perf_counter()
    for i in range(total):
        wait = began + i / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        due.put_nowait((i, began + i / rate))
    for _ in lines:
        due.put_nowait(None)
    await asyncio.gather(*lines)
    return taken, failed, time.perf_counter() - began


def stored(client: httpx.Client, ids: list[str]) -> int:
    """Events of ``feed`` on record."""
    found = [client.get(f"/api/v1/patients/{id_}/events").raise_for_status().json()["events"] for id_ in ids]
    return sum((e["source_key"] or "").startswith("bench/") for events in found for e in events)


def until_settled(client: httpx.Client, id_: str, seq: int, most: float = 120.0) -> float:
    """Seconds until the twin has worked in the fact ``seq``."""
    began = time.perf_counter()
    while time.perf_counter() - began < most:
        twin = client.get(f"/api/v1/patients/{id_}/twin").raise_for_status().json()
        if twin.get("answer") and twin["through_seq"] >= seq:
            return time.perf_counter() - began
        time.sleep(0.02)
    return float("inf")


def report_level(client: httpx.Client, id_: str, k: int) -> int:
    """A level drawn five minutes ago arrives; returns its number."""
    drawn = datetime.now(UTC) - timedelta(minutes=5)
    level = {"at": drawn.isoformat(), "body": {"kind": "level", "value": 5.0 + 0.2 * k}}
    return client.post(f"/api/v1/patients/{id_}/events", json=level).raise_for_status().json()["seq"]


def refreshes(client: httpx.Client, n: int) -> list[float]:
    """A new level to the refreshed answer with the curves that the page draws, one baby after another."""
    taken = []
    for k in range(n):
        id_ = admit(client, k, facts=True)
        until_settled(client, id_, 1)
        time.sleep(0.2)
        began = time.perf_counter()
        until_settled(client, id_, report_level(client, id_, k))
        client.get(f"/api/v1/patients/{id_}/predictions").raise_for_status()
        taken.append(time.perf_counter() - began)
    return taken


def on_the_page(server: Server, client: httpx.Client, babies: list[str], report: Report) -> None:
    """The same as a reader sees it, in a browser."""
    from service_page import browser, seen, session

    with browser() as chromium:
        if chromium is None:
            print("        no Playwright or Chromium here: what a reader sees was not measured")
            return
        token = session(server.environment, frozenset({WARD}))
        taken = seen(chromium, server.url, token, babies, partial(report_level, client))
    report.bar("new level to refreshed advice on an open page, in Chromium", "< 2 s", percentiles(taken), max(taken) < 2)


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


def ward_of(server: Server, client: httpx.Client, n: int) -> tuple[list[float], int]:
    """Fill the ward to ``n`` twins (states copied from a computed one: only reading is measured) and read the list."""
    from sqlalchemy import select

    from dosetwin.serve.audit import Trail
    from dosetwin.serve.auth.principal import THE_SERVICE
    from dosetwin.serve.crypto import Vault
    from dosetwin.serve.settings import Settings
    from dosetwin.serve.store import Store
    from dosetwin.serve.store.facts import NewPatient
    from dosetwin.serve.store.ledger import Ledger
    from dosetwin.serve.store.tables import patients, twin_states

    settings = Settings.from_environment(server.environment)
    store, ledger = (
        Store(settings.url, migrate=False),
        Ledger(Trail(settings.chain_key), Vault(settings.keys, settings.chain_key)),
    )
    with store.read() as conn:
        computed = conn.execute(select(twin_states).where(twin_states.c.answer.is_not(None)).limit(1)).mappings().one()
        have = len(conn.execute(select(patients.c.id)).all())

    def put(conn: Any) -> None:
        for k in range(n - have):
            new = NewPatient(ward=WARD, label=f"Bed {have + k}", synthetic=True)
            id_, receipt = ledger.create_patient(conn, THE_SERVICE, new, datetime.now(UTC))
            row = dict(computed) | {"patient_id": id_, "through_seq": receipt.seq, "computed_at": datetime.now(UTC)}
            conn.execute(twin_states.insert().values(**row))

    store.write(put)
    store.close()
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        found = client.get("/api/v1/patients").raise_for_status().json()["patients"]
        taken.append(time.perf_counter() - began)
    return taken, len(found)


def soak(server: Server, ids: list[str], minutes: float, report: Report) -> None:
    """The events of a day in ``minutes``, and what memory does (after a warm-up of a tenth)."""
    rate = DAY_OF_A_WARD / 20 / 60
    asyncio.run(feed(server, ids, rate, 6 * minutes, 20.0))
    before = server.rss_mb()
    seen = [before]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(54 * minutes / 9):
            seen.append(server.rss_mb())
            print(f"        memory {seen[-1]:.0f} MB, load {os.getloadavg()[0]:.1f}", flush=True)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    taken, failed, _ = asyncio.run(feed(server, ids, rate, 54 * minutes, 20.0 - 6 * minutes * rate / 3600))
    over.set()
    watcher.join()
    after = server.rss_mb()
    print(f"        memory {' '.join(f'{mb:.0f}' for mb in seen)} {after:.0f} MB")
    half = seen[len(seen) // 2]
    found = f"{before:.0f} MB after a tenth, {half:.0f} half way, {after:.0f} at the end; {percentiles(taken)}, failed {failed}"
    report.bar(
        f"{minutes:g} min soak, {rate:.0f} events/s", "no growth in memory (< 5 %)", found, after < 1.05 * before and not failed
    )


def measure(server: Server, postgres: Any, report: Report, asked: argparse.Namespace) -> None:
    """Everything, in turn."""
    client = httpx.Client(base_url=server.url, headers=server.headers, timeout=120)
    ids = [admit(client, k, facts=True) for k in range(40)]
    for id_ in ids:
        until_settled(client, id_, 1)
    asyncio.run(feed(server, ids, 50.0, 2.0, 23.0))
    counted: list[float] = []
    with accounted(server, postgres, lambda: len(counted)):
        taken, failed, wall = asyncio.run(feed(server, ids, 200.0, asked.seconds, 22.0))
        counted += taken
    p99 = float(np.percentile(taken, 99))
    lost = len(taken) + 100 - stored(client, ids)
    found = f"{len(taken) / wall:.0f}/s, {percentiles(taken)}, refused {failed}, lost {lost}"
    report.bar("events", "200 a second, p99 < 250 ms, none lost", found,
               p99 < 0.25 and not failed and not lost and wall < asked.seconds + 1)  # fmt: skip
    for id_ in ids:
        until_settled(client, id_, 1)
    levels = refreshes(client, 10)
    report.bar("new level to refreshed advice", "< 2 s", percentiles(levels), max(levels) < 2)
    babies = [admit(client, k, facts=True) for k in range(10)]
    for id_ in babies:
        until_settled(client, id_, 1)
    on_the_page(server, client, babies, report)
    tries = asyncio.run(users(server, babies, asked.seconds, 1.0))
    report.bar("what-if, 10 users, 1 s between moves", "p95 < 300 ms", percentiles(tries), float(np.percentile(tries, 95)) < 0.3)
    if asked.soak:  # before a thousand twins are put in at once: the soak is of a ward that is settled
        soak(server, ids, asked.soak, report)
    lists, lines = ward_of(server, client, 1000)
    report.bar(f"ward list of {lines:,} twins", "< 500 ms", percentiles(lists), max(lists) < 0.5)
    checked = client.get("/api/v1/audit/verification").json()
    wrong = f", {checked['wrong'][0]}" if checked["wrong"] else ""
    report.bar("audit trail", "every link and every fact holds", f"{checked['entries']} entries{wrong}", checked["ok"])
    print(f"memory of the server and its processes {server.rss_mb():.0f} MB")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """URL of a fresh database, and the PostgreSQL that was started for it (None for SQLite)."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store.sqlite3'}", None
        return
    sys.path[:0] = [str(TESTS / "service"), str(TESTS / "browser")]
    from postgres import Postgres, why_not

    if why_not():
        raise SystemExit(why_not())
    postgres = Postgres(fsync=True)
    try:
        yield postgres.create(), postgres
    finally:
        postgres.close()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--seconds", type=float, default=20.0, help="of events and of what-if each")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where the table goes")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the server and the database are stopped too
    report = Report(asked.database)
    with tempfile.TemporaryDirectory(prefix="dosetwin-bench-") as name, database(asked.database, Path(name)) as (url, postgres):
        server = Server(url, Path(name))
        try:
            print(f"{asked.database}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}", flush=True)
            measure(server, postgres, report, asked)
        finally:
            server.close()
    if asked.markdown is not None:
        asked.markdown.write_text(report.markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
