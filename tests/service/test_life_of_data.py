"""A record's life: handed out, archived, erased so that the trail holds and no backup brings it back; restore drills."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text

from dosetwin.errors import InputError
from dosetwin.serve import command
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.bounded import TooLarge, send
from dosetwin.serve.fhir.backend import BackendToken
from dosetwin.serve.fhir.client import FhirError
from dosetwin.serve.fhir.ingest import ingest
from dosetwin.serve.problems import Problem
from dosetwin.serve.store.backup import KEYS, backup, restore
from dosetwin.serve.store.erase import _names, _text, erase
from dosetwin.serve.store.keys import rotate
from dosetwin.serve.store.retain import archive
from dosetwin.serve.store.retain import opened as open_archive
from dosetwin.serve.store.tables import advice, facts, identities, patient_keys, patients, rejected, twin_states
from service.conftest import AUDIT_KEY, DATA_KEY, Running, course, new_patient, record
from service.conftest import running as running

NAME, NUMBER = "Mina Madeup", "M-4711-X"


@pytest.fixture
def filled(quiet: Running):
    """Two babies with a course; one of them has an advice and a refused message."""
    client = quiet.as_("pharmacist")
    born = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    one = new_patient(client, person={"name": NAME, "identifiers": {"mrn": NUMBER}, "birth": born})
    other = new_patient(client)
    for id_ in (one, other):
        record(client, id_, course())
    quiet.service.ask(THE_SERVICE, one)
    quiet.service.reject(THE_SERVICE, "hl7:LAB", f"PID|1||{NUMBER}".encode(), [])
    return quiet, one, other


def gone(quiet: Running, one: str) -> None:
    service = quiet.service
    now = service.clock.now()
    done = service.store.write(
        lambda conn: erase(conn, service.vault, service.trail, THE_SERVICE, one, "the guardian asked", now)
    )
    assert [(d.advice, d.identities, d.refused) for d in done] == [(1, 1, 1)]


def everything(quiet: Running) -> str:
    """All that a reader of the database sees."""
    out = []
    with quiet.service.store.read() as conn:
        for table in (facts, advice, identities, patient_keys, patients, rejected, twin_states):
            out += [repr(dict(r)) for r in conn.execute(select(table)).mappings()]
        out += [json.dumps(d) for d in conn.execute(text("SELECT detail FROM audit")).scalars()]
    return "\n".join(out)


def test_an_erased_record_is_gone_and_the_trail_holds(filled):
    quiet, one, other = filled
    with quiet.service.store.read() as conn:
        [at] = set(conn.execute(select(facts.c.at).where(facts.c.patient_id == one, facts.c.kind == "dose")).scalars())
        numbers = conn.execute(select(facts.c.seq).where(facts.c.patient_id == one)).scalars().all()
    gone(quiet, one)
    said = everything(quiet)
    for trace in ("33.5", str(at), "17.6", "course/"):
        assert trace not in "\n".join(line for line in said.splitlines() if one in line), trace
    client = quiet.as_("pharmacist")
    assert client.get(f"/api/v1/patients/{one}").status_code == 410
    assert client.get(f"/api/v1/patients/{one}/record").status_code == 410
    assert one not in {p["id"] for p in client.get("/api/v1/patients").json()["patients"]}
    assert client.post(f"/api/v1/patients/{one}/events", json=course()[0]).status_code == 410
    assert len(client.get(f"/api/v1/patients/{other}/record").json()["facts"]) > 5
    with quiet.service.store.read() as conn:
        found = quiet.service.verified(conn)
        assert found.ok, found.wrong
        assert conn.execute(select(facts.c.seq).where(facts.c.patient_id == one)).scalars().all() == numbers
    assert quiet.service.reach(THE_SERVICE).now
    with quiet.service.store.read() as conn:
        assert quiet.service.reach(THE_SERVICE).find(conn, "mrn", NUMBER) is None
    # a baby with the same number may come again
    again = new_patient(client, person={"name": NAME, "identifiers": {"mrn": NUMBER}})
    assert again != one


def test_nobody_empties_a_fact_without_the_trail_noticing(filled):
    quiet, one, other = filled
    gone(quiet, one)

    def attack(conn):
        from dosetwin.serve.store.erase import EMPTY, _On
        from dosetwin.serve.store.schema import append_only, changeable

        changeable(_On(conn), "facts")
        conn.execute(
            facts.update().where(facts.c.patient_id == other, facts.c.kind == "dose").values(body=EMPTY, source_key=None)
        )
        append_only(_On(conn), "facts")

    quiet.service.store.write(attack)
    with quiet.service.store.read() as conn:
        wrong = quiet.service.verified(conn).wrong
    assert len(wrong) == 1
    assert "was changed" in wrong[0]


def test_an_older_backup_does_not_bring_an_erased_person_back(filled, tmp_path: Path, monkeypatch, capsys):
    quiet, one, _ = filled
    old = tmp_path / "old.zip"
    backup(quiet.service.store, old, datetime.now(UTC))
    gone(quiet, one)
    backup(quiet.service.store, tmp_path / "new.zip", datetime.now(UTC))
    for name, value in {"DATABASE_URL": f"sqlite:///{tmp_path / 'again.sqlite3'}", "DATA_KEYS": DATA_KEY, "AUDIT_KEY": AUDIT_KEY,
                        "DATA_DIR": str(tmp_path / "data")}.items():  # fmt: skip
        monkeypatch.setenv(f"DOSETWIN_{name}", value)
    assert command.store("restore", str(old)) == 0
    assert f"erased {one}" in capsys.readouterr().out
    assert command.audit("verify", None) == 0
    assert command.store("drill", str(old)) == 0
    said = capsys.readouterr().out
    assert "1 patients erased since" in said
    assert "would go on from this backup" in said
    (tmp_path / KEYS).unlink()
    with pytest.raises(InputError, match="nobody could be identified"):
        restore(old, f"sqlite:///{tmp_path / 'third.sqlite3'}", key=quiet.service.settings.chain_key)


def test_keys_are_changed_and_names_still_open(filled, tmp_path: Path):
    quiet, one, _ = filled
    service = quiet.service
    from dosetwin.serve.crypto import Vault

    newer = Vault({"k2": b"2" * 32, **service.settings.keys}, service.settings.chain_key)
    assert rotate(service.store, newer) == 2
    only = Vault({"k2": b"2" * 32}, service.settings.chain_key)
    object.__setattr__(service, "vault", only)
    with service.store.read() as conn:
        assert service.reach(THE_SERVICE).person(conn, one)[1].name == NAME


def test_closed_stays_are_archived_and_refused_messages_forgotten(filled, tmp_path: Path, monkeypatch, capsys):
    quiet, one, other = filled
    client = quiet.as_("pharmacist")
    leave = {"at": datetime.now(UTC).isoformat(), "body": {"kind": "discharged"}}
    assert client.post(f"/api/v1/patients/{one}/events", json=leave).status_code == 201
    url = quiet.service.settings.url.replace("postgresql+psycopg", "postgresql")
    for name, value in {"DATABASE_URL": url, "DATA_KEYS": DATA_KEY, "AUDIT_KEY": AUDIT_KEY, "RETAIN_REJECTED_DAYS": "0.0000001",
                        "RETAIN_STAYS_DAYS": "0.0000001", "DATA_DIR": str(tmp_path)}.items():  # fmt: skip
        monkeypatch.setenv(f"DOSETWIN_{name}", value)
    with pytest.raises(InputError, match="DOSETWIN_ARCHIVE_DIR"):
        command.store("retain", None)
    monkeypatch.setenv("DOSETWIN_ARCHIVE_DIR", str(tmp_path / "archive"))
    assert command.store("retain", None, dry_run=True) == 0
    assert "1 refused messages and 1 closed stays are due" in capsys.readouterr().out
    assert command.store("retain", None) == 0
    file = tmp_path / "archive" / f"{one}.archive"
    assert NAME.encode() not in file.read_bytes()
    said = open_archive(quiet.service.vault, file)
    assert said["identity"][0]["name"] == NAME
    assert any(f["said"].get("amount_mg") == 17.6 for f in said["facts"])
    with quiet.service.store.read() as conn:
        assert quiet.service.verified(conn).ok
        assert conn.execute(select(rejected)).first() is None
    assert command.store("retain", None, dry_run=True) == 0
    assert "0 refused messages and 0 closed stays" in capsys.readouterr().out.splitlines()[-1]
    with pytest.raises(InputError, match="needs a reason"):
        command.store("erase", other)
    assert command.store("erase", other, "asked for in a letter of 3 May") == 0
    with pytest.raises(InputError, match="erased before"):
        command.store("erase", other, "asked for in a letter of 3 May")


def bundle(number: str) -> dict:
    text_ = (files("dosetwin") / "data" / "demo_newborn.json").read_text(encoding="utf-8")
    (id_,) = {e["resource"]["id"] for e in json.loads(text_)["entry"] if e["resource"]["resourceType"] == "Patient"}
    said = json.loads(text_.replace(f'"{id_}"', f'"p{number}"').replace(f"Patient/{id_}", f"Patient/p{number}"))
    for e in said["entry"]:
        if e["resource"]["resourceType"] == "Patient":
            e["resource"]["identifier"] = [{"system": "mrn", "value": number}]
    return said


def test_a_feed_does_not_bring_back_who_was_erased_but_a_person_may(filled):
    quiet, one, _ = filled
    service = quiet.service
    gone(quiet, one)
    feed = {"server": "https://ehr.example/fhir", "ward": "nicu"}
    with pytest.raises(Problem, match="erased on request") as found:
        ingest(service, THE_SERVICE, bundle(NUMBER), **feed)
    assert found.value.status == 410
    elsewhere = {"server": "https://other.example/fhir", "ward": "nicu"}
    assert ingest(service, THE_SERVICE, bundle("another"), **elsewhere).created  # nobody else is kept out
    assert NUMBER not in everything(quiet)  # what is remembered tells nothing without the key
    with service.store.read() as conn:
        assert service.verified(conn).ok
    again = new_patient(quiet.as_("pharmacist"), person={"name": NAME, "identifiers": {"mrn": NUMBER}})
    assert ingest(service, THE_SERVICE, bundle(NUMBER), **feed).patient_id == again


def test_a_source_that_sent_an_erased_person_without_numbers_is_known_again(filled):
    quiet, _, _ = filled
    service, feed = quiet.service, {"server": "https://ehr.example/fhir", "ward": "nicu"}
    said = bundle("")
    for e in said["entry"]:
        e["resource"].pop("identifier", None)
    id_ = ingest(service, THE_SERVICE, said, **feed).patient_id
    now = service.clock.now()
    service.store.write(lambda conn: erase(conn, service.vault, service.trail, THE_SERVICE, id_, "asked for by the family", now))
    with pytest.raises(Problem, match="erased on request"):
        ingest(service, THE_SERVICE, said, **feed)


@pytest.mark.parametrize(
    ("message", "goes"),
    [
        ("PID|1||77^^^LAB||Bo^^\rOBX|1||x", True),
        ('{"name": [{"text": "Bo"}]}', True),
        ('{"name": [{"given": ["Bo"]}]}', True),
        ("PID|1||4711||Boxer^Bob\rOBX|1||bo 77", False),  # a part of a word, or of another segment
    ],
)
def test_short_names_count_where_a_message_names_a_person(message, goes):
    assert _names(_text(message.encode()), "bo") is goes


def test_an_archive_that_a_failed_commit_left_does_not_block_the_next_one(filled, tmp_path: Path):
    quiet, one, other = filled
    service, folder, now = quiet.service, tmp_path / "archive", quiet.service.clock.now()

    def kept(conn):
        return archive(conn, service.vault, service.trail, THE_SERVICE, one, folder, now)

    def broken(conn):
        kept(conn)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        service.store.write(broken)
    assert (folder / f"{one}.archive").exists()  # and nothing was erased
    file = service.store.write(kept)
    assert open_archive(service.vault, file)["patient"] == one
    foreign = folder / f"{other}.archive"
    foreign.write_bytes(b"somebody's own file")
    with pytest.raises(InputError, match="never overwritten"):
        service.store.write(lambda c: archive(c, service.vault, service.trail, THE_SERVICE, other, folder, now))
    again = new_patient(quiet.as_("pharmacist"), person={"name": NAME, "identifiers": {"mrn": NUMBER}})
    assert again != one
    ingest(service, THE_SERVICE, bundle(NUMBER), server="https://ehr.example/fhir", ward="nicu")  # archived is not erased


def test_a_feeds_source_key_is_not_taken_by_somebody_else(filled):
    quiet, one, _ = filled
    client = quiet.as_("pharmacist")
    event = {**course()[0], "source_key": "fhir:0123456789ab:Observation/1:level"}
    answer = client.post(f"/api/v1/patients/{one}/events", json=event)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "source_key")
    assert client.post("/api/v1/events", json={"events": [{"patient": one, "event": event}]}).status_code == 422
    new = {"ward": "nicu", "source_key": "hl7:PAS:x"}
    assert client.post("/api/v1/patients", json=new).status_code == 422


def test_an_answer_without_end_is_not_read():
    def endless(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Endless())

    with httpx.Client(transport=httpx.MockTransport(endless)) as client, pytest.raises(TooLarge):
        send("GET", "https://ehr.example/.well-known/smart-configuration", client=client)
    token = BackendToken("https://ehr.example/fhir", "us", (), transport=httpx.MockTransport(endless))
    with pytest.raises(FhirError, match="cannot be reached"):
        token.current()


class Endless(httpx.SyncByteStream):
    """Bytes without end."""

    def __iter__(self):
        return iter(lambda: b"x" * 65_536, b"")
