"""A region's patients on one PostgreSQL: events of 10,000 patients at 500 a second, on one server process and on four.

    python benchmarks/service_scale.py                        about five minutes
    python benchmarks/service_scale.py --patients 2000 --rate 200 --seconds 10

Read the ratio of four to one: servers, database and this load generator share the machine, so that four processes gain what its
cores leave them; the load is printed beside every figure. Nothing is asserted.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from service import WARD, Report, Server, admit, database, feed, percentiles, until_settled

IN_ONE = 250
"""Patients that are put in at once."""


def region(server: Server, client: httpx.Client, n: int) -> list[str]:
    """``n`` made-up patients with a twin each: the first by the front door, the others beside it with copies of its state."""
    from sqlalchemy import select

    from dosetwin.serve.audit import Trail
    from dosetwin.serve.auth.principal import THE_SERVICE
    from dosetwin.serve.crypto import Vault
    from dosetwin.serve.settings import Settings
    from dosetwin.serve.store import Store
    from dosetwin.serve.store.facts import NewPatient
    from dosetwin.serve.store.ledger import Ledger
    from dosetwin.serve.store.tables import twin_states

    first = admit(client, 0, facts=True)
    until_settled(client, first, 1)
    settings = Settings.from_environment(server.environment)
    vault = Vault(settings.keys, settings.chain_key)
    store, ledger = Store(settings.url, key=settings.chain_key, migrate=False), Ledger(Trail(settings.chain_key), vault)
    with store.read() as conn:
        computed = dict(conn.execute(select(twin_states).where(twin_states.c.patient_id == first)).mappings().one())
    ids = [first]

    def put(conn: Any) -> None:
        for _ in range(min(IN_ONE, n - len(ids))):
            at = datetime.now(UTC)
            id_, receipt = ledger.create_patient(
                conn, THE_SERVICE, NewPatient(ward=WARD, label=f"Bed {len(ids)}", synthetic=True), at
            )
            row = {k: v for k, v in computed.items() if k != "seal"} | {
                "patient_id": id_,
                "through_seq": receipt.seq,
                "computed_at": at,
            }
            conn.execute(twin_states.insert().values(**vault.seals.sealed("twin_states", **row)))
            ids.append(id_)

    while len(ids) < n:
        store.write(put)
    store.close()
    return ids


async def together(
    servers: list[Server], ids: list[str], rate: float, seconds: float, begin_h: float
) -> tuple[list[float], int, float]:
    """Events of all patients, spread over the servers: latencies from when each was due, refused, wall time."""
    n = len(servers)
    found = await asyncio.gather(
        *(feed(s, ids[k::n], rate / n, seconds, begin_h, connections=64 // n) for k, s in enumerate(servers))
    )
    return [t for taken, _, _ in found for t in taken], sum(f for _, f, _ in found), max(w for _, _, w in found)


def measure(servers: list[Server], ids: list[str], asked: argparse.Namespace, begin_h: float, report: Report) -> float:
    """Print what so many servers took; events a second."""
    asyncio.run(together(servers, ids, asked.rate / 2, 2.0, begin_h))
    taken, refused, wall = asyncio.run(together(servers, ids, asked.rate, asked.seconds, begin_h - 1.0))
    rate, p99 = len(taken) / wall, float(np.percentile(taken, 99))
    name = f"{len(ids):,} patients, {len(servers)} server process{'' if len(servers) == 1 else 'es'}"
    met = rate > 0.98 * asked.rate and not refused and p99 < 0.5
    report.bar(
        name,
        f"{asked.rate:.0f} events/s, p99 < 500 ms, none refused",
        f"{rate:.0f}/s, {percentiles(taken)}, refused {refused}",
        met,
    )
    return rate


def main() -> None:
    """Start PostgreSQL and servers, measure, stop all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--processes", type=int, default=4)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # servers and database are stopped too
    with tempfile.TemporaryDirectory(prefix="dosetwin-bench-") as name, database("postgresql", Path(name)) as (url, _):
        servers = [Server(url, Path(name))]
        try:
            print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}", flush=True)
            with httpx.Client(base_url=servers[0].url, headers=servers[0].headers, timeout=120) as client:
                began = time.perf_counter()
                ids = region(servers[0], client, asked.patients)
                print(f"        {len(ids):,} patients put in within {time.perf_counter() - began:.0f} s", flush=True)
                report = Report("postgresql")
                one = measure(servers, ids, asked, 20.0, report)
                while len(servers) < asked.processes:
                    servers.append(Server(url, Path(name), servers[0]))
                many = measure(servers, ids, asked, 10.0, report)
                print(f"        ratio of {asked.processes} processes to one: {many / one:.2f}")
                began = time.perf_counter()
                lines = len(client.get("/api/v1/patients").raise_for_status().json()["patients"])
                memory = sum(s.rss_mb() for s in servers)
                print(f"        list of {lines:,}: {time.perf_counter() - began:.2f} s; memory {memory:.0f} MB")
        finally:
            for server in servers:
                server.close()


if __name__ == "__main__":
    main()
