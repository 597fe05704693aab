"""Events of many senders written together: the same receipts, refusals, order and audit as one by one."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.clock import WallClock
from dosetwin.serve.problems import Problem
from dosetwin.serve.service import Service
from dosetwin.serve.store.facts import NewFact, NewPatient
from dosetwin.serve.store.tables import audit, facts
from service.conftest import settings_for

NOW = datetime.now(UTC).replace(microsecond=0)
NURSE = Principal("oidc:nurse", roles=frozenset({"prescriber"}), wards=frozenset({"W"}))
VIEWER = Principal("oidc:viewer", roles=frozenset({"viewer"}), wards=frozenset({"W"}))


@pytest.fixture
def service(database_url: str, jwks_file: Path, tmp_path: Path) -> Iterator[Service]:
    it = Service.open(settings_for(database_url, jwks_file, tmp_path), WallClock())
    yield it
    it.close()


def patient(service: Service, ward: str = "W") -> str:
    new = NewPatient(ward=ward, synthetic=True)
    return service.change(THE_SERVICE, lambda c, r: service.ledger.create_patient(c, THE_SERVICE, new, r.now))[0]


def level(value: float, key: str | None = None, **changed: Any) -> NewFact:
    return NewFact.model_validate({"at": NOW, "source_key": key, "body": {"kind": "level", "value": value}} | changed)


def together(service: Service, asked: list[tuple[Principal, str, NewFact]]) -> list[Any]:
    """All wait for one commit: the writer is held while they are handed in."""
    held, go = threading.Event(), threading.Event()

    def hold(_: Any) -> None:
        held.set()
        assert go.wait(20)

    first = service.store.submit(hold)
    assert held.wait(20)
    futures: list[Future[Any]] = [service.record_soon(*one) for one in asked]
    go.set()
    first.result(20)
    return [f.exception(20) or f.result(20) for f in futures]


def test_each_gets_its_own_answer(service: Service) -> None:
    here, elsewhere = patient(service), patient(service, "X")
    before = service.store.write(lambda c: len(c.execute(select(audit.c.seq)).all()))
    found = together(service, [
        (NURSE, here, level(1.0, "a")), (NURSE, elsewhere, level(2.0, "b")), (VIEWER, here, level(3.0, "c")),
        (NURSE, here, level(1.0, "a")), (NURSE, here, level(9.0, "a")), (NURSE, "0" * 36, level(4.0)),
        (NURSE, here, level(5.0, at=NOW + timedelta(days=9))),
        (NURSE, here, level(5.0, body={"kind": "level", "value": 5.0, "unit": "furlong"})), (THE_SERVICE, elsewhere, level(6.0)),
    ])  # fmt: skip
    said = [r.status if isinstance(r, Problem) else r.known for r in found]
    assert said == [False, 403, 403, True, 409, 404, 422, 422, False]
    assert found[3].id == found[0].id
    with service.store.read() as conn:
        rows = conn.execute(select(facts).where(facts.c.kind == "level").order_by(facts.c.seq)).mappings().all()
        entries = conn.execute(select(audit).order_by(audit.c.seq)).mappings().all()
        assert service.trail.verify(conn).ok
        assert conn.execute(select(facts.c.seq)).all()
    assert [(r["id"], r["seq"]) for r in rows] == [(found[0].id, found[0].seq), (found[8].id, found[8].seq)]
    assert [(e["actor"], e["patient_id"]) for e in entries[before:]] == [(NURSE.subject, here), (THE_SERVICE.subject, elsewhere)]


def test_numbers_follow_the_order_in_which_they_came(service: Service) -> None:
    ids = [patient(service) for _ in range(3)]
    found = together(service, [(NURSE, ids[k % 3], level(1.0 + k, f"k{k}")) for k in range(60)])
    seqs = [r.seq for r in found]
    assert seqs == sorted(seqs)
    assert len(set(seqs)) == 60
    with service.store.read() as conn:
        values = [b["value"] for (b,) in conn.execute(select(facts.c.body).where(facts.c.kind == "level").order_by(facts.c.seq))]
        heads = [service.reach(NURSE).patient(conn, id_)["head"] for id_ in ids]
        assert service.trail.verify(conn).ok
    assert values == [1.0 + k for k in range(60)]
    assert heads == seqs[-3:]


def test_when_together_fails_each_is_tried_alone(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = patient(service)
    record_each = service.ledger.record_each

    def only_one(conn: Any, new: Any, now: datetime) -> Any:
        done = record_each(conn, new, now)
        if len(new) > 1 or new[0][2].body.value == 3.0:
            raise RuntimeError("the disk")
        return done

    monkeypatch.setattr(service.ledger, "record_each", only_one)
    found = together(service, [(NURSE, id_, level(float(k))) for k in range(6)])
    assert [isinstance(r, RuntimeError) for r in found] == [False, False, False, True, False, False]
    with service.store.read() as conn:
        assert len(conn.execute(select(facts.c.id).where(facts.c.kind == "level")).all()) == 5
        assert service.trail.verify(conn).ok


def test_a_fact_that_decides_who_may_record_is_written_by_itself(service: Service) -> None:
    id_ = patient(service)
    moved = NewFact.model_validate({"at": NOW, "body": {"kind": "transferred", "ward": "X"}})
    found = together(service, [(NURSE, id_, moved), (NURSE, id_, level(1.0))])
    assert not isinstance(found[0], Exception)
    assert isinstance(found[1], Problem)
    assert found[1].status == 403


def test_a_sender_that_gives_up_before_the_commit_has_stored_nothing(service: Service) -> None:
    id_ = patient(service)
    held, go = threading.Event(), threading.Event()
    service.store.submit(lambda _: (held.set(), go.wait(20)))
    held.wait(20)
    futures = [service.record_soon(NURSE, id_, level(float(k))) for k in range(3)]
    assert futures[1].cancel()
    go.set()
    assert [f.cancelled() or f.result(20).known for f in futures] == [False, True, False]
    with service.store.read() as conn:
        found = conn.execute(select(facts.c.body).where(facts.c.kind == "level").order_by(facts.c.seq))
        assert [b["value"] for (b,) in found] == [0.0, 2.0]
