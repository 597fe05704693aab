"""The store: appended, never changed; once per message; nothing lost by many writers, a crash or a move to another database."""

import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from dosetwin.errors import InputError
from dosetwin.serve.audit import Trail
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.crypto import Vault
from dosetwin.serve.problems import Problem
from dosetwin.serve.store import Store, schema
from dosetwin.serve.store.backup import backup, restore
from dosetwin.serve.store.facts import NewFact, NewPatient, Person
from dosetwin.serve.store.keys import rotate
from dosetwin.serve.store.ledger import Ledger
from dosetwin.serve.store.patient_keys import open_
from dosetwin.serve.store.tables import APPEND_ONLY, audit, facts, identities, metadata, rejected

NOW = datetime(2026, 4, 12, 12, 0, tzinfo=UTC)
KEYS = {"k1": bytes(range(32))}
CHAIN = bytes(range(40))


class Opened:
    """A store with what writes into it."""

    def __init__(self, url: str, keys: dict[str, bytes] = KEYS):
        self.store = Store(url)
        self.vault = Vault(keys, CHAIN)
        self.trail = Trail(CHAIN)
        self.ledger = Ledger(self.trail, self.vault)

    def patient(self, **changed: Any) -> str:
        new = NewPatient.model_validate({"ward": "W", "person": {"name": "Mina Madeup"}} | changed)
        return self.store.write(lambda c: self.ledger.create_patient(c, THE_SERVICE, new, NOW))[0]

    def level(self, patient: str, key: str | None, value: float = 10.0, at: datetime = NOW) -> Any:
        fact = NewFact.model_validate({"at": at, "source_key": key, "body": {"kind": "level", "value": value}})
        return self.store.write(lambda c: self.ledger.record(c, THE_SERVICE, [(patient, fact)], NOW))[0]

    def count(self, table: Any = facts) -> int:
        with self.store.read() as conn:
            return conn.execute(select(func.count()).select_from(table)).scalar() or 0

    def verdict(self, expect: str | None = None) -> Any:
        with self.store.read() as conn:
            return self.trail.verify(conn, expect)


@pytest.fixture
def opened(database_url: str):
    it = Opened(database_url)
    yield it
    it.store.close()


def defused(conn: Connection) -> None:
    for table in APPEND_ONLY:
        if conn.dialect.name == "sqlite":
            conn.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_update"))
            conn.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_delete"))
        else:
            conn.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}"))
            conn.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}"))


def guarded(conn: Connection) -> None:
    """The triggers as they were: an attacker who can take them away can put them back."""
    operations = Operations(MigrationContext.configure(conn))
    defused(conn)
    for table in APPEND_ONLY:
        schema.append_only(operations, table)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_or_delete(opened: Opened, table: str, verb: str) -> None:
    patient = opened.patient()
    opened.store.write(lambda c: opened.ledger.issue_advice(c, THE_SERVICE, patient, through_seq=1, identity_version=1, inputs={},
                                                            answer={"status": "refuse", "regimen": None}, now=NOW))  # fmt: skip
    message = {"id": "r", "at": NOW, "source": "s", "actor": "a", "reasons": [], "key_id": "k1", "body": b"x"}
    opened.store.write(lambda c: c.execute(rejected.insert().values(**message)))
    statement = verb.format(table).replace("actor", "asked_by" if table == "advice" else "actor")
    with pytest.raises(DBAPIError, match="append-only"):
        opened.store.write(lambda c: c.execute(text(statement)))
    if opened.store.engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="append-only"):
            opened.store.write(lambda c: c.execute(text(f"TRUNCATE {table} CASCADE")))
    assert opened.count(metadata.tables[table]) >= 1


def test_the_same_message_twice_is_one_fact(opened: Opened) -> None:
    patient = opened.patient()
    first, again = opened.level(patient, "lab|1"), opened.level(patient, "lab|1")
    assert (first.known, again.known) == (False, True)
    assert first.id == again.id
    assert opened.count() == 2
    with pytest.raises(Problem, match="source key"):
        opened.level(patient, "lab|1", value=11.0)
    new = {"source_key": "adt|1", "ward": "W", "person": {"name": "x"}}
    assert opened.patient(**new) == opened.patient(**new)


def test_the_same_message_twice_in_one_batch_is_one_fact(opened: Opened) -> None:
    patient = opened.patient()
    fact = NewFact.model_validate({"at": NOW, "source_key": "k", "body": {"kind": "level", "value": 3}})
    got = opened.store.write(lambda c: opened.ledger.record(c, THE_SERVICE, [(patient, fact), (patient, fact)], NOW))
    assert [r.known for r in got] == [False, True]
    assert opened.count() == 2


def test_one_wrong_event_stops_the_whole_batch_and_is_named(opened: Opened) -> None:
    patient = opened.patient()
    good = NewFact.model_validate({"at": NOW, "body": {"kind": "level", "value": 3}})
    odd = NewFact.model_validate({"at": NOW, "body": {"kind": "level", "value": 3, "unit": "bananas"}})
    late = NewFact.model_validate({"at": NOW + timedelta(days=30), "body": {"kind": "level", "value": 3}})
    with pytest.raises(Problem) as found:
        opened.store.write(lambda c: opened.ledger.record(c, THE_SERVICE, [(patient, f) for f in (good, odd, late)], NOW))
    assert found.value.errors is not None
    assert [e["field"] for e in found.value.errors] == ["level.unit", "at"]
    assert "mg/L" in found.value.errors[0]["expected"]
    assert opened.count() == 1


def test_a_refused_change_leaves_its_neighbours_alone(opened: Opened) -> None:
    """Changes are committed together; each must stand or fall on its own."""
    patient = opened.patient()
    gate = threading.Event()
    hold = opened.store._writer.submit(lambda c: gate.wait(10))
    facts_ = [NewFact.model_validate({"at": NOW, "body": {"kind": "level", "value": v}}) for v in (1, 2, 3)]

    def bad(conn: Any) -> None:
        opened.ledger.record(conn, THE_SERVICE, [(patient, facts_[1])], NOW)
        raise ValueError("no")

    good = [
        opened.store._writer.submit(lambda c, f=f: opened.ledger.record(c, THE_SERVICE, [(patient, f)], NOW)) for f in facts_[::2]
    ]
    refused = opened.store._writer.submit(bad)
    broken = opened.store._writer.submit(lambda c: c.execute(text("SELECT nonsense FROM nowhere")))
    gate.set()
    assert hold.result(10)
    assert all(g.result(10) for g in good)
    with pytest.raises(ValueError, match="no"):
        refused.result(10)
    with pytest.raises(DBAPIError):
        broken.result(10)
    assert opened.count() == 3
    assert opened.verdict().ok


def test_many_threads_lose_nothing(opened: Opened) -> None:
    patients = [opened.patient() for _ in range(4)]
    errors: list[BaseException] = []

    def write(k: int) -> None:
        try:
            for i in range(15):
                opened.level(patients[(k + i) % 4], f"w{k}/{i}", value=1.0 + i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert opened.count() == 4 + 8 * 15
    assert opened.verdict().ok


WRITER = """
import sys
sys.path.insert(0, sys.argv[3])
from service.test_store import Opened
from datetime import UTC, datetime
it = Opened(sys.argv[1])
patient = it.patient()
for i in range(int(sys.argv[2])):
    it.level(patient, f"{patient}/{i}", value=1.0 + i)
    print(f"{patient}/{i}", flush=True)
it.store.close()
"""


def writer(url: str, n: int) -> subprocess.Popen[str]:
    tests = str(Path(__file__).resolve().parents[1])
    return subprocess.Popen([sys.executable, "-c", WRITER, url, str(n), tests], stdout=subprocess.PIPE, text=True)


def test_several_processes_lose_nothing_and_keep_one_chain(database_url: str) -> None:
    Store(database_url).close()
    processes = [writer(database_url, 20) for _ in range(3)]
    said = [line for p in processes for line in p.communicate(timeout=60)[0].split()]
    assert len(said) == 60
    it = Opened(database_url)
    try:
        assert it.count() == 63
        assert it.verdict().ok
    finally:
        it.store.close()


def test_a_killed_writer_loses_nothing_it_acknowledged(database_url: str) -> None:
    Store(database_url).close()
    process = writer(database_url, 100_000)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(25)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += process.stdout.read().split()
    process.wait(timeout=20)
    process.stdout.close()
    it = Opened(database_url)
    try:
        with it.store.read() as conn:
            stored = {k for (k,) in conn.execute(select(facts.c.source_key)) if k}
        # the last line may have been cut off in the middle of printing it
        assert set(acknowledged[:-1]) <= stored
        assert len(stored) <= len(acknowledged) + 1
        assert it.verdict().ok
        it.level(it.patient(), "after")
    finally:
        it.store.close()


def test_a_killed_postgresql_loses_nothing_acknowledged(postgres) -> None:
    it = Opened(postgres.create())
    patient = it.patient()
    for i in range(20):
        it.level(patient, f"before/{i}")
    postgres.kill()
    with pytest.raises(DBAPIError):
        it.level(patient, "while it is down")
    assert not it.store.ready()
    postgres.start()
    assert it.store.ready()
    it.level(patient, "after")
    assert it.count() == 22
    assert it.verdict().ok
    it.store.close()


def test_migrations_lead_to_the_schema_the_program_expects(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    it = Store(database_url)
    try:
        with it.engine.connect() as conn:
            assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    finally:
        it.close()


@pytest.mark.parametrize("revision", schema.revisions())
def test_every_released_schema_is_brought_up_with_its_rows(database_url: str, revision: str) -> None:
    from dosetwin.serve.store.store import open_engine

    engine = open_engine(database_url)
    schema.upgrade(engine, revision)
    with engine.connect() as conn, conn.begin():
        conn.execute(text("INSERT INTO patients (id, ward, head, created_at, synthetic, care_denied, research_denied, active) "
                          "VALUES ('p', 'W', 0, '2026-01-01 00:00:00', :t, :f, :f, :t)"), {"t": True, "f": False})  # fmt: skip
    engine.dispose()
    store = Store(database_url, key=CHAIN)
    with store.read() as conn:
        assert conn.execute(text("SELECT ward FROM patients")).scalar() == "W"
        tables = set(inspect(conn).get_table_names())
    assert set(metadata.tables) <= tables
    store.close()


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    store = Store(database_url)
    store.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    store.close()
    with pytest.raises(InputError, match="newer"):
        Store(database_url)


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_backup_restores_on_either_database(opened: Opened, into: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    patient = opened.patient(person={"name": "Mina Madeup", "birth": NOW.isoformat()})
    for i in range(5):
        opened.level(patient, f"k{i}", value=0.1 + i)
    head = opened.verdict().head
    file = tmp_path / "backup.zip"
    manifest = backup(opened.store, file, NOW)
    assert manifest["tables"]["facts"]["rows"] == 6
    assert b"Mina" not in file.read_bytes()
    with pytest.raises(InputError, match="exists"):
        backup(opened.store, file, NOW)
    target = f"sqlite:///{tmp_path / 'new.sqlite3'}" if into == "sqlite" else request.getfixturevalue("postgres").create()
    restore(file, target)
    other = Opened(target)
    try:
        assert other.verdict(expect=head).ok
        with opened.store.read() as a, other.store.read() as b:
            everything = select(facts).order_by(facts.c.seq)
            assert a.execute(everything).all() == b.execute(everything).all()
        other.level(patient, "after the restore")
        assert other.count() == 7
        with pytest.raises(InputError, match="not empty"):
            restore(file, target)
    finally:
        other.store.close()


def test_a_damaged_backup_restores_nothing(opened: Opened, tmp_path: Path) -> None:
    opened.level(opened.patient(), "k")
    good, bad, cut = tmp_path / "good.zip", tmp_path / "bad.zip", tmp_path / "cut.zip"
    backup(opened.store, good, NOW)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b'"value":10.0', b'"value":99.0') if name == "facts.jsonl" else data)
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    for k, file in enumerate((bad, cut)):
        url = f"sqlite:///{tmp_path / f'{k}.sqlite3'}"
        with pytest.raises(InputError, match=r"damaged|cut off"):
            restore(file, url)
        it = Opened(url)
        assert it.count() == 0
        it.store.close()


def test_a_full_disk_stores_nothing_and_says_so(tmp_path: Path) -> None:
    """SQLite with a page limit behaves as on a full disk: the change fails whole, what is stored stays, later changes work."""
    it = Opened(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    patient = it.patient()
    it.level(patient, "before")

    def limit(pages: int) -> Callable[[Any], None]:
        return lambda conn: conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    it.store.write(lambda c: limit(c.exec_driver_sql("PRAGMA page_count").scalar() or 1)(c))

    def fill() -> None:
        for i in range(2000):
            it.level(patient, f"{'x' * 250}/{i}")

    with pytest.raises(DBAPIError, match="full"):
        fill()
    stored = it.count()
    assert it.verdict().ok
    it.store.write(limit(1_000_000))
    it.level(patient, "after")
    assert it.count() == stored + 1
    assert it.verdict().ok
    it.store.close()


def test_keys_are_rotated_and_the_old_one_may_go(opened: Opened) -> None:
    ids = [opened.patient(person={"name": f"Name {k}"}) for k in range(3)]
    new_key = {"k2": bytes(range(32, 64))}
    assert rotate(opened.store, Vault(new_key | KEYS, CHAIN)) == 3
    assert rotate(opened.store, Vault(new_key | KEYS, CHAIN)) == 0
    only_new = Vault(new_key, CHAIN)
    with opened.store.read() as conn:
        for row in conn.execute(select(identities)).mappings():
            person = Person.model_validate(open_(conn, only_new, row))
            assert person.name == f"Name {ids.index(row['patient_id'])}"
    assert opened.verdict().ok
    with pytest.raises(InputError, match="not given"):
        opened.vault.open("k2", b"", "x")


def test_identities_are_sealed_and_bound_to_their_row(opened: Opened) -> None:
    a = opened.patient(person={"name": "Mina Madeup", "identifiers": {"mrn": "123456"}})
    b = opened.patient(person={"name": "Otto Other"})
    with opened.store.read() as conn:
        rows = {r["patient_id"]: r for r in conn.execute(select(identities)).mappings()}
        everything = json.dumps([[str(v) for v in r] for t in metadata.sorted_tables for r in conn.execute(select(t))])
    assert "Mina" not in everything
    assert "123456" not in everything
    with opened.store.read() as conn:
        assert open_(conn, opened.vault, rows[a])["name"] == "Mina Madeup"
        for change in (
            {"sealed": rows[b]["sealed"]},
            {"patient_id": b},
            {"sealed": rows[a]["sealed"][:-1] + b"\0"},
            {"version": 2},
        ):
            with pytest.raises(InputError, match="changed, or belongs to another row"):
                open_(conn, opened.vault, dict(rows[a]) | change)


TAMPERING = {
    "a fact's value": "UPDATE facts SET body = REPLACE(CAST(body AS TEXT), '10.0', '99.0') {json} WHERE kind = 'level'",
    "a fact's time": "UPDATE facts SET at = '2020-01-01 00:00:00' WHERE kind = 'level'",
    "a fact removed": "DELETE FROM facts WHERE kind = 'level'",
    "who did it": "UPDATE audit SET actor = 'somebody else' WHERE seq = 2",
    "an entry removed": "DELETE FROM audit WHERE seq = 2",
    "an advice's answer": 'UPDATE advice SET answer = \'{"status":"recommend","regimen":null}\'',
    "an advice removed": "DELETE FROM advice",
    "the ward of a patient": "UPDATE patients SET ward = 'mine'",
    "a denied consent": "UPDATE patients SET care_denied = true",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_behind_the_program_is_found(opened: Opened, what: str) -> None:
    patient = opened.patient()
    opened.level(patient, "k")
    opened.store.write(lambda c: opened.ledger.issue_advice(c, THE_SERVICE, patient, through_seq=2, identity_version=1, inputs={},
                                                            answer={"status": "refuse", "regimen": None}, now=NOW))  # fmt: skip
    assert opened.verdict().ok
    sqlite = opened.store.sqlite
    statement = TAMPERING[what].replace("{json}", "" if sqlite else "::json")
    if not sqlite:
        statement = statement.replace(
            "REPLACE(CAST(body AS TEXT), '10.0', '99.0') ::json", "REPLACE(body::text, '10.0', '99.0')::json"
        )

    def tamper(conn: Any) -> None:
        table = next(t for t in ("facts", "audit", "advice", "patients") if f" {t}" in statement)
        if table in APPEND_ONLY:
            names = [f"{table}_no_update", f"{table}_no_delete"] if sqlite else [f"{table}_no_change ON {table}"]
            for name in names:
                conn.execute(text(f"DROP TRIGGER {name}"))
        changed = conn.execute(text(statement.replace(":", "\\:") if '"' in statement or "::" in statement else statement))
        assert changed.rowcount >= 1
        guarded(conn)

    opened.store.write(tamper)
    verdict = opened.verdict()
    assert not verdict.ok
    assert verdict.wrong


def test_entries_cut_off_at_the_end_are_found(opened: Opened) -> None:
    opened.patient()
    for what in ("read", "read", "export"):
        opened.store.write(lambda c, w=what: opened.trail.add(c, NOW, THE_SERVICE, w))
    head = opened.verdict().head
    opened.store.write(lambda c: c.execute(text("DROP TRIGGER audit_no_delete" if opened.store.sqlite else
                                                "DROP TRIGGER audit_no_change ON audit")))  # fmt: skip
    opened.store.write(lambda c: c.execute(text("DELETE FROM audit WHERE action = 'export'")))
    opened.store.write(guarded)
    assert not opened.verdict(expect=head).ok
    assert "cut off at the end" in opened.verdict().wrong[0]  # without a noted head too: the sealed head does not agree
    opened.store.write(lambda c: opened.trail.add(c, NOW, THE_SERVICE, "read"))
    assert "says so itself" in opened.verdict().wrong[0]  # what is written later does not hide it


def test_another_key_does_not_verify(opened: Opened) -> None:
    opened.patient()
    with opened.store.read() as conn:
        assert not Trail(b"another key of at least thirty-two bytes").verify(conn).ok
    assert opened.count(audit) == 1
