"""Attacks by somebody who can write into the database but has no key: what they change is refused in use, or found."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from dosetwin.errors import InputError
from dosetwin.serve.audit import Trail
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.crypto import Vault
from dosetwin.serve.settings import Settings
from dosetwin.serve.store import Store
from dosetwin.serve.store.backup import restore
from dosetwin.serve.store.checkpoint import Checkpoint, set_aside
from dosetwin.serve.store.tables import APPEND_ONLY
from service.conftest import AUDIT_KEY, DATA_KEY, Running, course, new_patient, record, settings_for
from service.test_store import CHAIN, KEYS, NOW, Opened, defused, guarded

DATA = Path(__file__).parent / "data"


@pytest.fixture
def ward(running: Running, monkeypatch: pytest.MonkeyPatch) -> tuple[Running, str, str]:
    """Two babies with record numbers, one with a twin that was computed; a record opened in an emergency, a refused message."""
    monkeypatch.setattr(running.service, "touched", lambda ids, **_: None)
    chief = running.as_("pharmacist")
    a = new_patient(chief, person={"name": "Mina Madeup", "identifiers": {"mrn": "M-A"}})
    b = new_patient(chief, person={"name": "Otto Other", "identifiers": {"mrn": "M-B"}})
    record(chief, a, course())
    running.service.refresh(a)
    away = running.as_("prescriber", wards=["elsewhere"], sub="away")
    assert away.post(f"/api/v1/patients/{b}/break-glass", json={"reason": "an emergency at night"}).status_code == 201
    assert chief.post(f"/api/v1/patients/{a}/events", json={"at": "yesterday"}).status_code == 422
    it = running.service
    it.store.write(lambda conn: it.ledger.issue_advice(conn, THE_SERVICE, a, through_seq=7, identity_version=1, inputs={},
                                                       answer={"status": "refuse", "regimen": None}, now=NOW))  # fmt: skip
    return running, a, b


def attack(running: Running, *statements: str, **values: Any) -> None:
    """What the attacker runs, triggers out of the way."""
    with running.service.store.engine.connect() as conn, conn.begin():
        defused(conn)
        for statement in statements:
            assert conn.execute(text(statement), values).rowcount != 0, statement
        guarded(conn)


def test_triggers_that_are_gone_are_noticed(ward: tuple[Running, str, str]) -> None:
    running, _, _ = ward
    assert wrong(running) == ()
    with running.service.store.engine.connect() as conn, conn.begin():
        defused(conn)
    assert [w.split(":")[0] for w in wrong(running)] == [f"table {t} can be changed" for t in APPEND_ONLY]
    attack(running)
    assert wrong(running) == ()


def wrong(running: Running) -> tuple[str, ...]:
    with running.service.store.read() as conn:
        return running.service.verified(conn).wrong


SWAP = """UPDATE identity_index SET patient_id = CASE patient_id WHEN :a THEN :b ELSE :a END"""
ROWS = {
    "two babies' record numbers swapped": SWAP,
    "a record number led elsewhere": "UPDATE identity_index SET patient_id = :a WHERE patient_id = :b",
    "a record number removed": "DELETE FROM identity_index WHERE patient_id = :b",
    "a record number put in": "INSERT INTO identity_index (digest, patient_id) VALUES ('d', :a)",
    "a record number with another's seal": "INSERT INTO identity_index (digest, patient_id, seal) "
                                           "SELECT 'd', patient_id, seal FROM identity_index WHERE patient_id = :a",
    "an identity deleted": "DELETE FROM identities WHERE patient_id = :b",
    "an identity put in": "INSERT INTO identities (patient_id, version, key_id, sealed, recorded_at, seal) "
                          "SELECT patient_id, 2, key_id, sealed, recorded_at, seal FROM identities WHERE patient_id = :a",
    "another baby's identity": "UPDATE identities SET sealed = (SELECT i.sealed FROM identities i WHERE i.patient_id = :b) "
                               "WHERE patient_id = :a",
    "an identity's date": "UPDATE identities SET recorded_at = '2020-01-01 00:00:00' WHERE patient_id = :a",
    "a baby hidden": "UPDATE patients SET active = false WHERE id = :b",
    "a baby hidden as arriving": "UPDATE patients SET arriving = true WHERE id = :b",
    "a baby moved": "UPDATE patients SET ward = 'elsewhere' WHERE id = :b",
    "a baby denied": "UPDATE patients SET care_denied = true WHERE id = :b",
    "a baby made real": "UPDATE patients SET synthetic = false WHERE id = :b",
    "a baby removed": "DELETE FROM patients WHERE id = :b",
    "a baby's last fact": "UPDATE patients SET head = head - 1 WHERE id = :a",
    "an emergency forged": "INSERT INTO break_glass (id, actor, patient_id, reason, at, expires_at) VALUES "
                           "('x', 'oidc:away', :a, 'because I can', '2026-01-01 00:00:00', '2099-01-01 00:00:00')",
    "an emergency made longer": "UPDATE break_glass SET expires_at = '2099-01-01 00:00:00'",
    "an emergency of somebody else": "UPDATE break_glass SET actor = 'oidc:somebody'",
    "an emergency with another reason": "UPDATE break_glass SET reason = 'a good reason'",
    "an emergency forgotten": "DELETE FROM break_glass",
    "a refused message deleted": "DELETE FROM rejected",
    "a refused message's reasons": "UPDATE rejected SET reasons = '[]'",
    "a twin's answer": "UPDATE twin_states SET answer = '{\"status\": \"recommend\"}'",
    "a twin's answer and its hash": "UPDATE twin_states SET answer = 'null', answer_hash = "
                                    "'74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b'",
    "a twin's line": "UPDATE twin_states SET summary = '{}'",
    "a twin ahead": "UPDATE twin_states SET through_seq = 999999",
    "an advice of another baby": "UPDATE advice SET patient_id = :b",
    "an advice asked by another": "UPDATE advice SET asked_by = 'oidc:somebody'",
    "an advice asked at another time": "UPDATE advice SET asked_at = '2020-01-01 00:00:00'",
    "an advice that knew fewer facts": "UPDATE advice SET through_seq = through_seq - 1",
    "an advice about another identity": "UPDATE advice SET identity_version = 7",
    "an advice's hash": "UPDATE advice SET answer_hash = 'x'",
    "an advice put in": "INSERT INTO advice SELECT 'x', patient_id, through_seq, identity_version, asked_at, asked_by, inputs, "
                        "answer, answer_hash FROM advice",
    "a fact's number": "UPDATE facts SET seq = 9999 WHERE seq = 3",
    "an older fact's number": "UPDATE facts SET seq = -1 WHERE kind = 'level'  AND seq = (SELECT MAX(seq) FROM facts f "
                              "WHERE f.kind = 'level')",
    "who recorded a fact": "UPDATE facts SET actor = 'oidc:somebody' WHERE seq = 3",
    "the last entry": "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
    "the trail's head": "UPDATE audit_head SET entries = entries - 1",
    "the trail's head removed": "DELETE FROM audit_head",
    "a second head": "INSERT INTO audit_head (id, entries, hash, seal) SELECT 2, entries, hash, seal FROM audit_head",
    "a seal": "UPDATE patients SET seal = NULL WHERE id = :a",
}  # fmt: skip


@pytest.mark.parametrize("what", ROWS)
def test_no_row_is_changed_put_in_or_removed_unseen(ward: tuple[Running, str, str], what: str) -> None:
    running, a, b = ward
    assert wrong(running) == ()
    used = {k: v for k, v in {"a": a, "b": b}.items() if f":{k}" in ROWS[what]}
    attack(running, ROWS[what], **used)
    assert wrong(running)
    running.service.audited(THE_SERVICE, "read")  # what is written afterwards hides nothing
    assert wrong(running)


def test_two_facts_of_one_message_do_not_change_places_unseen(ward: tuple[Running, str, str]) -> None:
    """Their order decides which correction or consent holds."""
    running, _, _ = ward
    attack(running, "UPDATE facts SET seq = 9999 WHERE seq = 4", "UPDATE facts SET seq = 4 WHERE seq = 5",
           "UPDATE facts SET seq = 5 WHERE seq = 9999")  # fmt: skip
    assert [w for w in wrong(running) if "number was changed" in w]


def test_an_advice_that_was_changed_is_neither_shown_nor_replayed(ward: tuple[Running, str, str]) -> None:
    running, a, b = ward
    chief = running.as_("pharmacist")
    (given,) = chief.get(f"/api/v1/patients/{a}/advice").json()["advice"]
    assert chief.get(f"/api/v1/advice/{given['id']}").status_code == 200
    attack(running, "UPDATE advice SET patient_id = :b", b=b)
    said = {"decision": "accepted"}
    assert chief.get(f"/api/v1/advice/{given['id']}").status_code == 503
    assert chief.post(f"/api/v1/advice/{given['id']}/replay").status_code == 503
    assert chief.post(f"/api/v1/advice/{given['id']}/answer", json=said).status_code == 503


def test_a_swapped_record_number_leads_to_nobody(ward: tuple[Running, str, str]) -> None:
    running, a, b = ward
    from dosetwin.serve.live.inbox import Item, take
    from dosetwin.serve.problems import Problem
    from dosetwin.serve.store.facts import NewFact

    def level(of: str, key: str) -> str:
        fact = NewFact.model_validate({"at": datetime.now(UTC), "body": {"kind": "level", "value": 9}})
        return take(running.service, "lab", [("mrn", of)], datetime.now(UTC), [Item(key, fact)]).patient_id

    assert level("M-A", "1") == a
    attack(running, SWAP, a=a, b=b)
    with pytest.raises(Problem) as found:
        level("M-A", "2")
    assert found.value.status == 503
    rows = running.as_("pharmacist").get(f"/api/v1/patients/{b}/events").json()["events"]
    assert not [r for r in rows if r["kind"] == "level"]


def test_a_session_put_in_is_no_session(ward: tuple[Running, str, str]) -> None:
    import hashlib

    running, a, _ = ward
    boss = json.dumps({"subject": "x", "name": "", "roles": ["pharmacist"], "wards": ["*"], "how": "session"})
    attack(running, "INSERT INTO sessions (token_hash, principal, csrf, created_at, expires_at) "
           "VALUES (:h, :p, 'c', '2026-01-01 00:00:00', '2099-01-01 00:00:00')",
           h=hashlib.sha256(b"mine").hexdigest(), p=boss)  # fmt: skip
    for path in ("/api/v1/session", f"/api/v1/patients/{a}", "/api/v1/patients"):
        assert running.as_().get(path, headers={"Cookie": "dosetwin_session=mine"}).status_code == 401
    assert running.as_().get("/", headers={"Cookie": "dosetwin_session=mine"}).status_code == 303
    assert any("sessions" in w for w in wrong(running))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET principal = :p",
        "UPDATE sessions SET expires_at = '2099-01-01 00:00:00'",
        "UPDATE sessions SET csrf = 'known'",
        "INSERT INTO sessions (token_hash, principal, csrf, created_at, expires_at, seal) "
        "SELECT 'another', principal, csrf, created_at, expires_at, seal FROM sessions",
    ],
)
def test_a_session_that_was_changed_is_no_session(running: Running, change: str) -> None:
    from dosetwin.serve.auth.principal import Principal

    token, _ = running.service.log_in(Principal("v", "V", frozenset({"viewer"}), frozenset({"NICU-1"}), "session"))
    cookie = {"Cookie": f"dosetwin_session={token}"}
    assert running.as_().get("/api/v1/session", headers=cookie).status_code == 200
    boss = json.dumps({"subject": "v", "name": "V", "roles": ["pharmacist"], "wards": ["*"], "how": "session"})
    attack(running, change, **({"p": boss} if ":p" in change else {}))
    expected = 200 if "INSERT" in change else 401  # the row that is put in beside it opens nothing and changes nothing
    assert running.as_().get("/api/v1/session", headers=cookie).status_code == expected
    assert wrong(running)


def test_a_forged_emergency_opens_nothing_and_a_changed_record_is_not_shown(ward: tuple[Running, str, str]) -> None:
    running, a, b = ward
    away = running.as_("prescriber", wards=["elsewhere"], sub="away")
    assert away.get(f"/api/v1/patients/{a}").status_code == 403
    attack(running, ROWS["an emergency forged"], a=a)
    assert away.get(f"/api/v1/patients/{a}").status_code == 403
    assert not [p for p in away.get("/api/v1/patients").json()["patients"] if p["id"] == a]
    chief = running.as_("pharmacist")
    attack(running, "UPDATE patients SET ward = 'elsewhere' WHERE id = :a", a=a)
    for who in (away, chief):
        assert who.get(f"/api/v1/patients/{a}").status_code == 503
    moved = {"at": datetime.now(UTC).isoformat(), "body": {"kind": "transferred", "ward": "NICU-1"}}
    assert chief.post(f"/api/v1/patients/{a}/events", json=moved).status_code == 503  # and is not sealed again
    attack(running, "DELETE FROM identities WHERE patient_id = :b", b=b)
    assert chief.get(f"/api/v1/patients/{b}").status_code == 503


def test_a_changed_answer_is_not_shown_nor_carried_on(ward: tuple[Running, str, str]) -> None:
    running, a, _ = ward
    chief = running.as_("pharmacist")
    before = chief.get(f"/api/v1/patients/{a}/twin").json()
    for statement in (ROWS["a twin's answer"], ROWS["a twin's line"], ROWS["a twin ahead"]):
        attack(running, statement)
        assert chief.get(f"/api/v1/patients/{a}/twin").json()["answer"] is None
        cool = {"at": datetime.now(UTC).isoformat(), "body": {"kind": "covariate", "name": "TEMP", "value": 36.6, "unit": "C"}}
        assert chief.post(f"/api/v1/patients/{a}/events", json=cool).status_code in (201, 422)
        running.service.catch_up()
        running.service.refresh(a)
        now = chief.get(f"/api/v1/patients/{a}/twin").json()
        assert now["answer"]["regimen"] == before["answer"]["regimen"]
        assert wrong(running) == ()


# ------------------------------------------------------------------------------------------------ the end of the trail


def test_an_old_copy_of_everything_is_found_by_the_checkpoint(tmp_path: Path, jwks_file: Path, token: Callable[..., str]) -> None:
    """Whoever puts back a whole old database, sealed head and all, does not reach the file outside it."""
    file = tmp_path / "s.sqlite3"
    settings = settings_for(f"sqlite:///{file}", jwks_file, tmp_path, checkpoint_file=str(tmp_path / "elsewhere" / "head.json"))
    with Running(settings, token, background=False) as running:
        new_patient(running.as_("pharmacist"))
    old = file.read_bytes()
    with Running(settings, token, background=False) as running:
        new_patient(running.as_("pharmacist"))
    assert verified(settings, tmp_path).returncode == 0
    for beside in tmp_path.glob("s.sqlite3-*"):
        beside.unlink()
    file.write_bytes(old)
    done = verified(settings, tmp_path)
    assert done.returncode == 1
    assert "checkpoint" in done.stdout
    with Running(settings, token, background=False) as running:  # going on does not hide it
        new_patient(running.as_("pharmacist"))
    assert verified(settings, tmp_path).returncode == 1


def test_a_checkpoint_is_private_sealed_and_missed(tmp_path: Path, jwks_file: Path, token: Callable[..., str]) -> None:
    settings = settings_for(f"sqlite:///{tmp_path / 's.sqlite3'}", jwks_file, tmp_path)
    with Running(settings, token, background=False) as running:
        new_patient(running.as_("pharmacist"))
    file = settings.checkpoint
    assert file.stat().st_mode & 0o777 == 0o600
    said = json.loads(file.read_text())
    file.write_text(json.dumps(said | {"entries": said["entries"] - 1}))
    assert "changed" in verified(settings, tmp_path).stdout
    assert verified(settings, tmp_path).returncode == 1
    assert set_aside(file) is not None
    assert "no checkpoint" in verified(settings, tmp_path).stdout
    assert Checkpoint(file, Trail(b"x" * 32).seals).read() is None


def verified(settings: Settings, folder: Path) -> "subprocess.CompletedProcess[str]":
    """``dosetwin audit verify`` as an operator runs it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("DOSETWIN_")}
    env |= {"DOSETWIN_DATA_KEYS": DATA_KEY, "DOSETWIN_AUDIT_KEY": AUDIT_KEY, "DOSETWIN_DATABASE_URL": settings.database_url,
            "DOSETWIN_DATA_DIR": str(settings.data_dir)}  # fmt: skip
    if settings.checkpoint_file:
        env["DOSETWIN_CHECKPOINT_FILE"] = str(settings.checkpoint_file)
    words = [sys.executable, "-m", "dosetwin.cli", "audit", "verify"]
    return subprocess.run(words, capture_output=True, text=True, env=env, cwd=folder, timeout=120)


# ------------------------------------------------------------------------------------------- databases of older programs


def test_a_database_of_the_first_program_opens_is_sealed_and_verifies(tmp_path: Path) -> None:
    """The file was written by the program before seals: two babies, a changed identity, an emergency, a refused message."""
    file = tmp_path / "old.sqlite3"
    file.write_bytes(gzip.decompress((DATA / "store_0001.sqlite3.gz").read_bytes()))
    url = f"sqlite:///{file}"
    with pytest.raises(InputError, match="DOSETWIN_AUDIT_KEY"):
        Store(url)
    Store(url, key=CHAIN).close()
    looked_through(url)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_backup_of_the_first_program_is_restored_and_sealed(into: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}" if into == "sqlite" else request.getfixturevalue("postgres").create()
    with pytest.raises(InputError, match="DOSETWIN_AUDIT_KEY"):
        restore(DATA / "store_0001.zip", url)
    empty = f"sqlite:///{tmp_path / 'newer.sqlite3'}" if into == "sqlite" else request.getfixturevalue("postgres").create()
    restore(DATA / "store_0001.zip", empty, key=CHAIN)
    looked_through(empty)


def looked_through(url: str) -> None:
    it = Opened(url)
    try:
        with it.store.read() as conn:
            assert it.trail.verify(conn, vault=Vault(KEYS, CHAIN)).wrong == ()
            versions = conn.execute(text("SELECT identity_version FROM patients ORDER BY identity_version")).scalars().all()
            assert versions == [1, 2]
            assert conn.execute(text("SELECT COUNT(*) FROM sessions")).scalar() == 0
            from dosetwin.serve.store.reach import Reach

            everybody = Reach(THE_SERVICE, NOW, it.vault)
            a = everybody.find(conn, "nhs", "N-9")
            assert a is not None
            assert everybody.person(conn, a)[1].name == "Mina Named"
        it.level(a, "after", at=NOW - timedelta(hours=1))
        assert it.verdict().ok
        with it.store.engine.connect() as conn, conn.begin():
            defused(conn)
            conn.execute(text("UPDATE patients SET active = false"))
        assert not it.verdict().ok
    finally:
        it.store.close()
