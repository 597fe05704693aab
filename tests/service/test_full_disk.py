"""A disk that is really full: a small file system under the database, filled to the last block and emptied again.

Nothing acknowledged is lost, what cannot be stored is refused with 507 or 503 in words, the service goes on when there is room.
Mounting needs root with the right to do so; elsewhere these tests are skipped, with the reason.
"""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from dosetwin.serve.live.hl7v2 import Reader, receive
from dosetwin.serve.settings import Settings
from service.conftest import WARD, Running, new_patient, settings_for
from service.postgres import Postgres, why_not
from service.test_web import person

pytestmark = pytest.mark.slow
AT = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


class Disk:
    """A file system of its own in memory, of so many megabytes."""

    def __init__(self, at: Path, megabytes: int, owner: str = ""):
        self.at = at
        user = pwd.getpwnam(owner) if owner else None
        options = f"size={megabytes}m" + (f",uid={user.pw_uid},gid={user.pw_gid},mode=700" if user else "")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            at.rmdir()
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    @property
    def room(self) -> int:
        found = os.statvfs(self.at)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """To the last block."""
        with (self.at / "ballast").open("ab", buffering=0) as ballast:
            for size in (2**20, 2**12, 1):
                try:
                    while True:
                        ballast.write(b"x" * size)
                except OSError:
                    continue
        assert self.room == 0

    def empty(self) -> None:
        """As it was before it was filled."""
        (self.at / "ballast").unlink()

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", str(self.at)], check=False)
        self.at.rmdir()


@pytest.fixture
def disk() -> Iterator[Callable[..., Disk]]:
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    made: list[Disk] = []

    def make(megabytes: int, owner: str = "") -> Disk:
        # not below pytest's own folder, which other users (PostgreSQL's) cannot reach
        made.append(Disk(Path(tempfile.mkdtemp(prefix="dosetwin-disk-")), megabytes, owner))
        return made[-1]

    yield make
    for found in made:
        found.close()


def level(key: str, value: float = 7.0) -> dict[str, Any]:
    return {
        "at": AT,
        "source_key": key,
        "body": {"kind": "level", "value": value},
    }


def post(client: httpx.Client, patient: str, key: str) -> httpx.Response:
    return client.post(f"/api/v1/patients/{patient}/events", json=level(key))


def until_refused(client: httpx.Client, patient: str, name: str, most: int = 5000) -> tuple[list[str], httpx.Response]:
    """Keys acknowledged, and the first answer that was none."""
    acknowledged = []
    for k in range(most):
        answer = post(client, patient, f"{name}/{k}/{'x' * 200}")
        if answer.status_code != 201:
            return acknowledged, answer
        acknowledged.append(f"{name}/{k}/{'x' * 200}")
    raise AssertionError("the disk never became full")


def keys_of(client: httpx.Client, patient: str) -> set[str]:
    return {e["source_key"] for e in client.get(f"/api/v1/patients/{patient}/events").json()["events"] if e["source_key"]}


def story(running: Running, disk: Disk, statuses: tuple[int, ...], wait: Callable[[], None] = lambda: None) -> None:
    """Full, refused, read, emptied, going on: nothing acknowledged lost."""
    pharmacist = running.as_("pharmacist")
    patient = new_patient(pharmacist, ward=WARD)
    before = [k for k in ("a", "b", "c") if post(pharmacist, patient, k).status_code == 201]
    disk.fill()
    acknowledged, refused = until_refused(pharmacist, patient, "full")
    assert refused.status_code in statuses, refused.text
    problem = refused.json()
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    assert "no room" in problem["detail"] or "does not answer" in problem["detail"]
    again = [post(pharmacist, patient, f"more/{k}") for k in range(10)]
    assert all(a.status_code in (*statuses, 201) for a in again)
    acknowledged += [f"more/{k}" for k, a in enumerate(again) if a.status_code == 201]
    ready = pharmacist.get("/health/ready")
    assert ready.status_code == 503
    assert pharmacist.get("/health/live").status_code == 200
    batch = {"events": [level(f"batch/{k}/{'x' * 200}") | {"patient_id": patient} for k in range(500)]}
    together = pharmacist.post("/api/v1/events", json=batch)
    assert together.status_code in statuses
    sent = f"{datetime.now(UTC):%Y%m%d%H%M%S}+0000"
    text = (
        f"MSH|^~\\&|LAB|H|T|H|{sent}||ORU^R01^ORU_R01|M1|P|2.5.1\rPID|1||none^^^H^MR\r"
        "OBR|1||A1|35669-1^Amikacin^LN|||20260413115500+0000\r"
        "OBX|1|NM|35669-1^Amikacin^LN||2.8|mg/L^mg/L^UCUM|||||F"
    )
    code, said, _ = receive(running.service, Reader("amikacin"), text)
    assert code in ("AR", "AE"), "refused for now, or kept with its reasons in a last free block"
    assert code == "AE" or "send it again" in said

    disk.empty()
    wait()
    until = time.monotonic() + 15
    while pharmacist.get("/health/ready").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.2)
    stored = keys_of(pharmacist, patient)
    assert {*before, *acknowledged} <= stored, "everything acknowledged is there"
    assert not any(k.startswith("batch/") for k in stored), "nothing of a batch that was refused"
    sent_again = [post(pharmacist, patient, k) for k in ("more/0", "more/9")]
    assert all(a.status_code in (200, 201) for a in sent_again)
    assert pharmacist.post("/api/v1/events", json=batch).status_code == 201
    assert running.as_("auditor").get("/api/v1/audit/verification").json()["ok"]


def test_a_full_disk_under_sqlite(disk: Any, jwks_file: Path, token: Any, tmp_path: Path) -> None:
    small = disk(3)
    settings = settings_for(f"sqlite:///{small.at / 'store.sqlite3'}", jwks_file, tmp_path)
    with Running(settings, token, background=False) as running:
        running.service.touched = lambda *_a, **_k: None
        story(running, small, (507,))


def test_people_are_told_in_words_and_the_ward_list_can_still_be_read(disk: Any) -> None:
    small = disk(4)
    settings = Settings(demo=True, data_dir=small.at, demo_babies=0, login_per_minute=1000, rate_per_minute=100_000)
    with Running(settings, lambda *a, **k: "", background=False) as running:
        running.service.touched = lambda *_a, **_k: None
        pharmacist, viewer = person(running), person(running, "viewer")
        csrf = pharmacist.get("/api/v1/session").json()["csrf"]
        patient = new_patient(pharmacist_api(pharmacist, csrf), ward="NICU-demo")
        small.fill()
        pages = [pharmacist.post(f"/patient/{patient}/enter", data={
            "csrf": csrf, "kind": "creatinine", "value": "0.9", "unit": "mg/dL", "at": AT[:16]}) for _ in range(200)]  # fmt: skip
        assert pages[-1].status_code == 507
        assert "text/html" in pages[-1].headers["content-type"]
        assert "no room left" in pages[-1].text
        assert viewer.get("/").status_code == 200
        read = viewer.get(f"/patient/{patient}")
        assert read.status_code == 507, "what cannot be noted in the trail is not shown"
        small.empty()
        assert viewer.get(f"/patient/{patient}").status_code == 200


def pharmacist_api(client: httpx.Client, csrf: str) -> httpx.Client:
    client.headers["x-csrf-token"] = csrf
    return client


def test_a_full_disk_under_a_tablespace_of_postgresql(disk: Any, jwks_file: Path, token: Any, tmp_path: Path) -> None:
    if why_not():
        pytest.skip(why_not())
    small = disk(24, "postgres")
    server = Postgres()
    try:
        (small.at / "space").mkdir()
        os.chown(small.at / "space", *pwd.getpwnam("postgres")[2:4])
        with psycopg.connect(server._dsn("postgres"), autocommit=True) as conn:
            conn.execute(f"CREATE TABLESPACE small LOCATION '{small.at / 'space'}'".encode())
            conn.execute(b"CREATE DATABASE narrow TABLESPACE small")
        with Running(settings_for(server._dsn("narrow"), jwks_file, tmp_path), token, background=False) as running:
            running.service.touched = lambda *_a, **_k: None
            story(running, small, (507,))
    finally:
        server.close()


def test_a_service_killed_while_its_disk_is_full_starts_again_when_there_is_room(disk: Any, tmp_path: Path) -> None:
    """A process of its own that prints each key once it is committed, killed in the middle of a full disk."""
    small = disk(3)
    url = f"sqlite:///{small.at / 'store.sqlite3'}"
    script = f"""
import sys
from service.test_store import Opened
it = Opened({url!r})
patient = it.patient()
print(patient, flush=True)
for k in range(100000):
    try:
        it.level(patient, f"{{'x' * 200}}/{{k}}")
        print(k, flush=True)
    except Exception as error:
        print("refused", type(error).__name__, flush=True)
"""
    words = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    process = subprocess.Popen([sys.executable, "-c", script], env=words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    patient = process.stdout.readline().strip()
    acknowledged, refused = [], 0
    for line in process.stdout:
        if line.startswith("refused"):
            refused += 1
        else:
            acknowledged.append(line.strip())
        if len(acknowledged) == 20 and not (small.at / "ballast").exists():
            small.fill()
        if refused >= 20:
            break
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().splitlines()
    acknowledged += [x for x in rest if x.isdigit()]
    process.wait(timeout=20)
    process.stdout.close()
    assert len(acknowledged) >= 20
    small.empty()
    from service.test_store import Opened

    it = Opened(url)
    try:
        with it.store.read() as conn:
            from sqlalchemy import select

            from dosetwin.serve.store.tables import facts

            stored = {r[0].rpartition("/")[2] for r in conn.execute(select(facts.c.source_key)) if r[0]}
        assert set(acknowledged) <= stored
        assert it.verdict().ok
        it.level(patient, "after")
    finally:
        it.store.close()


def test_a_full_disk_under_all_of_postgresql(disk: Any, jwks_file: Path, token: Any, tmp_path: Path) -> None:
    """Without room for its log PostgreSQL stops altogether; the service says 503, and goes on when the database is back."""
    if why_not():
        pytest.skip(why_not())
    small = disk(120, "postgres")
    server = Postgres(under=small.at, fsync=True, wal_segment_mb=1)
    try:
        with Running(settings_for(server.create(), jwks_file, tmp_path), token, background=False) as running:
            running.service.touched = lambda *_a, **_k: None

            def wait() -> None:
                if server._server.poll() is not None:
                    server.start()
                until = time.monotonic() + 60
                while not running.service.store.ready():
                    assert time.monotonic() < until
                    time.sleep(0.2)

            story(running, small, (503, 507), wait)
    finally:
        server.close()
