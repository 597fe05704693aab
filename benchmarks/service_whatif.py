"""What-if under load: users who move controls without a pause, while events flow, on one server; and whether memory stays flat.

    python benchmarks/service_whatif.py                   PostgreSQL (started here): 10 and 20 users, events at 100 a second
    python benchmarks/service_whatif.py --database sqlite --seconds 20
    python benchmarks/service_whatif.py --workers 1       processes that answer what-ifs (default: the server's own choice)

Server, database and this load generator share the machine: the load is printed beside every figure, and nothing is asserted.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from service import Report, Server, admit, database, feed, percentiles, until_settled

RATE = 100.0
"""Events a second meanwhile."""


async def moving(server: Server, ids: list[str], n: int, seconds: float) -> list[float]:
    """Seconds of every answer to ``n`` users, each moving amount and interval on a baby of their own, without a pause."""
    taken: list[float] = []

    async def one(k: int) -> None:
        async with httpx.AsyncClient(base_url=server.url, headers=server.headers, timeout=60) as client:
            url = f"/api/v1/patients/{ids[k % len(ids)]}/what-if"
            await client.post(url, json={"amount_mg": 15})
            end, i = time.perf_counter() + seconds, k
            while time.perf_counter() < end:
                i += 1
                began = time.perf_counter()
                body: dict[str, Any] = {"amount_mg": 12 + 0.1 * (i % 97), "interval_h": 24 + 6 * (i % 4)}
                (await client.post(url, json=body)).raise_for_status()
                taken.append(time.perf_counter() - began)

    await asyncio.gather(*(one(k) for k in range(n)))
    return taken


async def both(
    server: Server, ids: list[str], ward: list[str], n: int, seconds: float, begin_h: float
) -> tuple[list[float], list[float], int]:
    """What-ifs and events at once: seconds of either, and events refused."""
    tries, (events, refused, _) = await asyncio.gather(
        moving(server, ids, n, seconds), feed(server, ward, RATE, seconds, begin_h)
    )
    return tries, events, refused


def measure(server: Server, asked: argparse.Namespace, report: Report) -> None:
    """Quiet, then with events, for each number of users."""
    client = httpx.Client(base_url=server.url, headers=server.headers, timeout=120)
    ward = [admit(client, k, facts=True) for k in range(40)]
    babies = [admit(client, 40 + k, facts=True) for k in range(max(asked.users))]
    for id_ in (*ward, *babies):
        until_settled(client, id_, 1)
    for _ in range(2):  # the first ones start the processes beside the server
        asyncio.run(moving(server, babies, max(asked.users), 5.0))
        time.sleep(5.0)
    before, begin_h = server.rss_mb(), 23.0
    for n in asked.users:
        quiet = asyncio.run(moving(server, babies, n, asked.seconds))
        p95 = float(np.percentile(quiet, 95))
        report.bar(
            f"what-if, {n} users without a pause",
            "p95 < 150 ms",
            f"{len(quiet) / asked.seconds:.0f}/s, {percentiles(quiet)}",
            p95 < 0.15,
        )
        tries, events, refused = asyncio.run(both(server, babies, ward, n, asked.seconds, begin_h))
        begin_h -= asked.seconds * RATE / 3600.0 + 0.1
        p95 = float(np.percentile(tries, 95))
        report.bar(
            f"the same while {RATE:.0f} events/s flow",
            "p95 < 150 ms",
            f"{len(tries) / asked.seconds:.0f}/s, {percentiles(tries)}",
            p95 < 0.15,
        )
        p99 = float(np.percentile(events, 99))
        report.bar(
            "events meanwhile",
            "p99 < 250 ms, none refused",
            f"{percentiles(events)}, refused {refused}",
            p99 < 0.25 and not refused,
        )
    after = server.rss_mb()
    report.bar(
        "memory of the server and its processes",
        "flat (< 5 %)",
        f"{before:.0f} MB before, {after:.0f} after",
        after < 1.05 * before,
    )


def main() -> None:
    """Start a database and a server, measure, stop both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--users", type=int, nargs="*", default=[10, 20])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", type=int, help="processes that answer what-ifs")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the server and the database are stopped too
    more = {} if asked.workers is None else {"TRY_PROCESSES": asked.workers}
    with tempfile.TemporaryDirectory(prefix="dosetwin-bench-") as name, database(asked.database, Path(name)) as (url, _):
        server = Server(url, Path(name), **more)
        try:
            measure(server, asked, Report(asked.database))
        finally:
            server.close()


if __name__ == "__main__":
    main()
