"""Twins recomputed beside the server: what is recomputed and what need not be, in which order, what a dying process does."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from dosetwin.quantities import QUANTITIES
from dosetwin.serve.agenda import APART_S, Agenda
from dosetwin.serve.audit import digest
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.clock import WallClock
from dosetwin.serve.parcel import pack, unpack
from dosetwin.serve.refresh import UNREAD, Done, basis_of, put, unread
from dosetwin.serve.service import Service
from dosetwin.serve.store.facts import NewFact, NewPatient
from dosetwin.serve.store.remembered import Remembered
from dosetwin.serve.twins import answer
from dosetwin.serve.whatif import Tried, what_if
from service.conftest import settings_for

NOW = datetime.now(UTC).replace(microsecond=0)
FIRST = NOW - timedelta(hours=24)
COURSE = [(-1, {"kind": "covariate", "name": "WT", "value": 1080, "unit": "g"}),
          (-1.5, {"kind": "creatinine", "value": 62, "unit": "umol/L", "assay": "enzymatic"}),
          (0, {"kind": "dose", "amount": 17.6}), (1, {"kind": "level", "value": 33.5})]  # fmt: skip
TEMPERATURE = {"kind": "covariate", "name": "TEMP", "value": 36.6, "unit": "Cel"}


class Ward:
    """A service without routes, and made-up babies in it."""

    def __init__(self, url: str, jwks: Path, folder: Path, **changed: Any):
        self.service = Service.open(settings_for(url, jwks, folder, **changed), WallClock())

    def baby(self) -> str:
        said = {"ward": "W", "sex": "female", "GA_weeks": 29.0, "birth_weight_kg": 1.1, "synthetic": True}
        new = NewPatient.model_validate(said | {"person": {"birth": NOW - timedelta(days=3)}})
        id_ = self.service.change(THE_SERVICE, lambda c, r: self.service.ledger.create_patient(c, THE_SERVICE, new, r.now))[0]
        for h, body in COURSE:
            self.record(id_, h, body)
        return id_

    def record(self, patient: str, hours: float, body: dict[str, Any]) -> Any:
        fact = NewFact.model_validate({"at": FIRST + timedelta(hours=hours), "body": body})
        return self.service.record_soon(THE_SERVICE, patient, fact).result()

    def state(self, patient: str) -> dict[str, Any]:
        with self.service.store.read() as conn:
            found = self.service.reach(THE_SERVICE).state(conn, patient)
        return found or {}

    def known(self, patient: str, remembered: Remembered | None = None) -> Any:
        with self.service.store.read() as conn:
            return (Remembered() if remembered is None else remembered).of(conn, self.service.reach(THE_SERVICE), patient)

    def settled(self, most_s: float = 90.0) -> None:
        until = time.monotonic() + most_s
        while self.service.waiting:
            assert time.monotonic() < until, "twins were not recomputed in time"
            time.sleep(0.02)


@pytest.fixture
def ward(database_url: str, jwks_file: Path, tmp_path: Path) -> Iterator[Ward]:
    it = Ward(database_url, jwks_file, tmp_path)
    yield it
    it.service.close()


@pytest.fixture
def apart(jwks_file: Path, tmp_path: Path) -> Iterator[Ward]:
    """With one process beside it; SQLite."""
    it = Ward(f"sqlite:///{tmp_path / 'store.sqlite3'}", jwks_file, tmp_path, twin_processes=1)
    yield it
    it.service.close()


# ------------------------------------------------------------------------------------------------- what is recomputed


def test_a_temperature_moves_the_line_and_asks_nobody(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = ward.baby()
    ward.service.refresh(patient)
    before = ward.state(patient)

    def no_engine(*_: Any) -> Any:
        raise AssertionError("the engine was asked")

    monkeypatch.setattr("dosetwin.serve.refresh.answer", no_engine)
    for h in (2.0, 3.0):
        seq = ward.record(patient, h, TEMPERATURE).seq
        ward.service.refresh(patient)
        after = ward.state(patient)
        assert after["through_seq"] == seq > before["through_seq"]
        assert after["state_hash"] != before["state_hash"]
        assert (after["answer"], after["summary"]) == (before["answer"], before["summary"])


MATTERS = {
    "a weight": (3.0, {"kind": "covariate", "name": "WT", "value": 1100, "unit": "g"}),
    "a treatment": (3.0, {"kind": "covariate", "name": "IBU", "value": 1}),
    "a level": (20.0, {"kind": "level", "value": 9.0}),
    "a creatinine": (20.0, {"kind": "creatinine", "value": 1.1, "unit": "mg/dL", "assay": "idms"}),
    "a MIC": (3.0, {"kind": "culture", "result": "growth", "organism": "E. coli", "drug": "amikacin", "mic_mg_per_L": 4.0}),
    "a temperature at the same moment as another": (2.0, TEMPERATURE | {"value": 37.0}),
    "a temperature dated ahead": (30.0, TEMPERATURE),
    "a temperature before birth": (-72.0, TEMPERATURE),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", MATTERS)
def test_what_could_matter_is_computed_as_if_nothing_was_kept(ward: Ward, what: str, jwks_file: Path, tmp_path: Path) -> None:
    """After each fact the state is that of a service which keeps nothing."""
    patient = ward.baby()
    ward.record(patient, 2.0, TEMPERATURE)
    ward.service.refresh(patient)
    before = ward.state(patient)
    hours, body = MATTERS[what]
    if not ward.service.store.sqlite and "temperature" in what:
        pytest.skip("once is enough")
    ward.record(patient, hours, body)
    ward.service.refresh(patient)
    after = ward.state(patient)
    assert after["answer"] != before["answer"]
    other = Ward(ward.service.store.url, jwks_file, tmp_path)
    try:
        done = other.service.refresher.recompute(patient, ward.service.question(sensitivity=False), timedelta(hours=6),
                                                 only_if_changed=False)  # fmt: skip
    finally:
        other.service.close()
    assert (done.state_hash, done.through) == (after["state_hash"], after["through_seq"])
    assert done.answer is not None
    assert _timeless(done.answer) == _timeless(after["answer"])


def _timeless(said: dict[str, Any]) -> str:
    """An answer less its moment: two were asked seconds apart, and some remarks say how long ago something was."""
    if said["status"] == "cannot":
        return digest(said)
    doses = [{k: c["regimen"][k] for k in ("amount_mg", "interval_h")} for c in said["candidates"]]
    return digest([said["status"], doses, [f["code"] for f in said["findings"]]])


@pytest.mark.parametrize("name", sorted(UNREAD))
def test_what_is_said_to_be_unread_changes_no_number(ward: Ward, name: str) -> None:
    """With and without such a value: the same recommendation, but for the hash of what went in."""
    if not ward.service.store.sqlite:
        pytest.skip("once is enough")
    assert name in unread("amikacin_neonate")
    patient = ward.baby()
    question = ward.service.question(sensitivity=False)
    said, bases = [], []
    for value in (None, 37.5):
        if value is not None:
            q = QUANTITIES[name]
            told = min(max(7.0 if "A" in name else value, q.low), q.high)
            ward.record(patient, 2.25, {"kind": "covariate", "name": name, "value": told, "unit": q.unit})
        held = ward.known(patient)
        from dosetwin.serve.twins import Known

        known = Known(patient, held.facts, held.version, held.person)
        found = answer(known, question, curves=False).recommendation.to_json()
        assert found["provenance"].pop("input_hash")
        said.append(found)
        bases.append(basis_of(known, question))
    assert said[0] == said[1]
    assert bases[0] == bases[1]


def test_a_correction_of_an_unread_fact_and_of_a_read_one(ward: Ward) -> None:
    patient = ward.baby()
    ward.record(patient, 2.0, TEMPERATURE)
    ward.service.refresh(patient)
    before = ward.state(patient)
    facts = ward.known(patient).facts
    level, temperature = (next(f for f in facts if f.kind == k) for k in ("level", "covariate"))
    temperature = next(f for f in facts if f.kind == "covariate" and f.body["name"] == "TEMP")
    for fact, same in ((temperature, True), (level, False)):
        ward.service.change(
            THE_SERVICE, lambda c, r, f=fact: ward.service.ledger.correct(c, THE_SERVICE, patient, f.id, None, "a slip", r.now)
        )
        ward.service.refresh(patient)
        after = ward.state(patient)
        assert (after["answer"] == before["answer"]) is same
        assert after["through_seq"] > before["through_seq"]


def test_curves_drawn_later_are_the_same(ward: Ward) -> None:
    if not ward.service.store.sqlite:
        pytest.skip("once is enough")
    from dosetwin.advise import with_curves
    from dosetwin.serve.twins import Known

    patient = ward.baby()
    held = ward.known(patient)
    known = Known(patient, held.facts, held.version, held.person)
    question = ward.service.question(sensitivity=False)
    at_once, later = answer(known, question), with_curves(answer(known, question, curves=False))
    assert at_once.curves is not None
    assert later.curves is not None
    for name in ("time", "prior", "updated"):
        assert np.array_equal(getattr(at_once.curves, name), getattr(later.curves, name))
    assert (later.parameters, later.prior_parameters) == (at_once.parameters, at_once.prior_parameters)
    assert later.recommendation == at_once.recommendation
    # and so does the service, from the belief of the background
    ward.service.refresh(patient)
    ward.service.current(THE_SERVICE, patient, exact=False)
    _, _, shown = ward.service.current(THE_SERVICE, patient)
    assert shown.curves is not None


# ------------------------------------------------------------------------------------------------- facts in memory


def test_facts_in_memory_are_those_of_a_fresh_read(ward: Ward, jwks_file: Path, tmp_path: Path) -> None:
    """After facts of our own, a correction, another process's writes and a new identity."""
    patient = ward.baby()
    kept = Remembered()
    other = Ward(ward.service.store.url, jwks_file, tmp_path)

    def same() -> None:
        ours, fresh = ward.known(patient, kept), ward.known(patient)
        assert [dict(f) for f in ours.facts] == [dict(f) for f in fresh.facts]
        assert (ours.version, ours.person, ours.through) == (fresh.version, fresh.person, fresh.through)

    same()
    ward.record(patient, 2.0, TEMPERATURE)
    same()
    other.record(patient, 2.5, TEMPERATURE)
    first = ward.known(patient, kept).facts[1]
    other.service.change(
        THE_SERVICE, lambda c, r: other.service.ledger.correct(c, THE_SERVICE, patient, first.id, None, "a slip", r.now)
    )
    same()
    held = ward.known(patient)
    person = held.person.model_copy(update={"name": "Nora Newname"})
    other.service.change(THE_SERVICE, lambda c, r: other.service.ledger.change_identity(c, THE_SERVICE, patient, person, r.now))
    same()
    assert ward.known(patient, kept).person.name == "Nora Newname"
    other.service.close()


def test_memory_of_facts_is_bounded_and_forgets_whole_patients(ward: Ward) -> None:
    patients = [ward.baby() for _ in range(4)]
    kept = Remembered(most=12)
    for _ in range(2):
        for patient in patients:
            assert len(ward.known(patient, kept).facts) == 5
            assert len(kept) <= 12
    for h in range(15):  # one patient alone may have more: all of its facts are needed at once
        ward.record(patients[0], 3.0 + h / 10, TEMPERATURE)
    assert len(ward.known(patients[0], kept).facts) == len(kept) == 20


def test_many_threads_read_one_memory(ward: Ward) -> None:
    patient = ward.baby()
    kept = Remembered()
    wrong: list[Any] = []

    def look() -> None:
        last = 0
        for _ in range(40):
            held = ward.known(patient, kept)
            seqs = [f.seq for f in held.facts]
            if seqs != sorted(set(seqs)) or held.through < last:
                wrong.append(seqs)
            last = held.through

    threads = [threading.Thread(target=look) for _ in range(4)]
    for t in threads:
        t.start()
    for k in range(25):
        ward.record(patient, 2.0 + k / 50, TEMPERATURE)
    for t in threads:
        t.join()
    assert not wrong
    assert len(ward.known(patient, kept).facts) == 5 + 25 == len(kept)


def test_a_patient_out_of_reach_is_not_in_memory_either(ward: Ward) -> None:
    from dosetwin.serve.auth.principal import Principal
    from dosetwin.serve.problems import Problem

    patient = ward.baby()
    kept = Remembered()
    ward.known(patient, kept)
    stranger = Principal("oidc:x", roles=frozenset({"viewer"}), wards=frozenset({"elsewhere"}))
    with ward.service.store.read() as conn, pytest.raises(Problem, match="another ward"):
        kept.of(conn, ward.service.reach(stranger), patient)


# ------------------------------------------------------------------------------------------------- storing states


def test_results_that_come_late_or_out_of_order_do_no_harm(ward: Ward) -> None:
    patient = ward.baby()
    question = ward.service.question(sensitivity=False)
    old = ward.service.refresher.recompute(patient, question, timedelta(hours=6))
    ward.record(patient, 20.0, {"kind": "level", "value": 9.0})
    new = ward.service.refresher.recompute(patient, question, timedelta(hours=6))

    def store(*found: Done) -> list[str]:
        return ward.service.store.write(lambda c: put(c, found, NOW, ward.service.vault.seals))

    assert store(new) == []
    stored = ward.state(patient)
    assert store(old) == []
    assert ward.state(patient) == stored
    earlier = replace(question, now=question.now - timedelta(minutes=5))  # the same facts, asked before and answered after
    assert store(ward.service.refresher.recompute(patient, earlier, timedelta(hours=6), only_if_changed=False)) == []
    assert ward.state(patient) == stored
    ward.record(patient, 2.0, TEMPERATURE)
    moved = ward.service.refresher.recompute(patient, question, timedelta(hours=6))
    assert moved.answer is None
    # another process has stored something else meanwhile: what was left out would be missing, so it is done again
    ward.service.store.write(lambda c: c.execute(text("UPDATE twin_states SET state_hash = 'another'")))
    assert store(moved) == [patient]
    again = ward.service.refresher.recompute(patient, question, timedelta(hours=6))
    assert again.answer is not None
    assert store(again) == []


# ------------------------------------------------------------------------------------------------- the agenda


def test_the_agenda_puts_news_first_then_who_waits_longest() -> None:
    now = [0.0]
    agenda = Agenda(lambda: now[0])
    for at, id_, urgent in ((0, "stream 1", False), (1, "stream 2", False), (2, "level", True), (3, "stream 1", False)):
        now[0] = at
        agenda.add([id_], urgent=urgent)
    assert agenda.take(2) == ["level", "stream 1"]
    agenda.add(["stream 1"])
    assert agenda.take(5) == ["stream 2"]  # the other is being recomputed
    assert len(agenda) == 3
    agenda.done(["level", "stream 1"])
    assert agenda.take(1, 0.0) == []
    now[0] += 0.1
    assert agenda.take(1) == ["stream 1"]
    agenda.done(["stream 1", "stream 2"])
    agenda.add(["stream 2"], urgent=False)
    now[0] += APART_S - 0.01
    assert agenda.take(1, 0.0) == []
    now[0] += 0.02
    assert agenda.take(1) == ["stream 2"]
    agenda.add(["stream 3"])
    agenda.add(["stream 2"])
    agenda.back(["stream 2"])  # taken and not recomputed: before the others again, now for news
    assert agenda.take(1) == ["stream 2"]
    agenda.done(["stream 2"])
    assert agenda.take(5) == ["stream 3"]
    agenda.done(["stream 3"])
    agenda.close()
    assert agenda.take(1) == []
    assert len(agenda) == 0


# ------------------------------------------------------------------------------------------------- processes


def test_a_process_gives_the_server_s_answer_and_its_belief(apart: Ward) -> None:
    patient = apart.baby()
    apart.service.touched([patient])
    apart.settled()
    beside = apart.state(patient)
    assert beside["answer"]["status"] == "recommend"
    question = apart.service.question(sensitivity=False)
    here = apart.service.refresher.recompute(patient, question, timedelta(hours=6), only_if_changed=False)
    assert here.state_hash == beside["state_hash"]
    assert here.answer is not None
    assert _timeless(here.answer) == _timeless(beside["answer"])
    # what-if: from the belief that came with it, nothing is computed anew
    apart.service.pool.run = lambda work, *args: pytest.fail("computed again")
    _, asked, advice = apart.service.current(THE_SERVICE, patient, exact=False)
    assert isinstance(here.belief, tuple)
    assert what_if(advice, Tried(None))["level"] == what_if(here.belief[1], Tried(None))["level"] or asked != here.belief[0]
    again = unpack(pack(*here.belief))
    assert what_if(again[1], Tried(None)) == what_if(here.belief[1], Tried(None))
    assert again[1].models == here.belief[1].models


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what freed memory is kept is set for glibc only")
def test_a_process_keeps_the_memory_it_works_in(jwks_file: Path, tmp_path: Path) -> None:
    """Left to itself, the C library gives an answer's memory back and fetches it again, until it has learnt to keep it."""
    from dosetwin.serve.worker import Batch, Process

    ward = Ward(f"sqlite:///{tmp_path / 'store.sqlite3'}", jwks_file, tmp_path, draws=500)
    patients = [ward.baby() for _ in range(4)]
    process = Process(ward.service.settings, ward.service.question(sensitivity=False))

    def fetched_by(n: int) -> float:
        """Memory fetched from the system in ``n`` answers, MB: page faults that needed no disk."""

        def faults() -> int:
            return int(Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[7])

        before = faults()
        for k in range(n):
            process.ask(Batch([patients[k % 4]], ward.service.question(sensitivity=False), timedelta(0)))
            assert [d.failure for d in process.answer()] == [None]
        return (faults() - before) * os.sysconf("SC_PAGE_SIZE") / 2**20

    try:
        fetched_by(4)
        assert fetched_by(12) / 12 < 5.0
    finally:
        process.close()
        ward.service.close()


def test_a_killed_process_is_replaced_and_nothing_is_left_out(apart: Ward) -> None:
    patients = [apart.baby() for _ in range(3)]
    apart.service.touched(patients)
    killed = set()
    until = time.monotonic() + 90
    while len(killed) < 2:
        assert time.monotonic() < until
        for process in list(apart.service.crew.processes.values()):
            if process.pid not in killed:
                os.kill(process.pid, signal.SIGKILL)
                killed.add(process.pid)
        time.sleep(0.02)
    apart.settled()
    assert all(apart.state(p)["answer"]["status"] == "recommend" for p in patients)
    assert not any(_alive(pid) for pid in killed)


def test_a_twin_that_ends_its_process_each_time_does_not_stop_the_others(apart: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    from dosetwin.serve import crew
    from dosetwin.serve.worker import Batch, Process

    monkeypatch.setattr(crew, "PAUSE_S", 0.01)
    patients = [apart.baby() for _ in range(3)]
    ask = Process.ask

    def deadly(self: Process, batch: Batch) -> None:
        ask(self, batch)
        if patients[1] in batch.patients:
            os.kill(self.pid, signal.SIGKILL)

    monkeypatch.setattr(Process, "ask", deadly)
    apart.service.touched(patients)
    apart.settled()
    assert [bool(apart.state(p)) for p in patients] == [True, False, True]
    assert apart.service.metrics.failures._value.get() == 1


def test_processes_end_with_the_service(apart: Ward) -> None:
    patient = apart.baby()
    apart.service.touched([patient])
    apart.settled()
    (process,) = apart.service.crew.processes.values()
    assert _alive(process.pid)
    apart.service.close()
    assert not _alive(process.pid)
    assert apart.service.crew.processes == {}


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from service.test_background import Ward
if __name__ == "__main__":
    it = Ward(f"sqlite:///{sys.argv[3]}/store.sqlite3", Path(sys.argv[2]), Path(sys.argv[3]), twin_processes=1)
    it.service.touched([it.baby()])
    it.settled()
    print(*(p.pid for p in it.service.crew.processes.values()), flush=True)
    time.sleep(60)
"""


def test_processes_end_when_the_server_is_killed(jwks_file: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(Path(__file__).parents[1]), str(jwks_file), str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        (pid,) = map(int, server.stdout.readline().split())
        assert _alive(pid)
        server.kill()
    until = time.monotonic() + 20
    while _alive(pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_service_that_is_closed_recomputes_nothing(ward: Ward) -> None:
    patient = ward.baby()
    ward.service.close()
    ward.service.touched([patient])
    assert ward.service.waiting == 0


def _alive(pid: int) -> bool:
    """Whether it runs (a process that ended and was not waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_failure_in_a_process_is_counted_and_says_where_not_what(
    apart: Ward, caplog: pytest.LogCaptureFixture, token: Callable[..., str]
) -> None:
    patient = apart.baby()
    apart.service.store.write(lambda c: c.execute(text("UPDATE identities SET sealed = X'00'")))
    apart.service.touched([patient])
    apart.settled()
    assert apart.service.metrics.failures._value.get() == 1
    assert "refresh of a twin failed: Problem in _person" in caplog.text
    assert patient not in caplog.text


def test_one_belief_is_kept_per_baby_however_often_it_changes(ward: Ward) -> None:
    if not ward.service.store.sqlite:
        pytest.skip("once is enough")
    patient = ward.baby()
    for h, value in ((20.0, 9.0), (21.0, 8.0), (22.0, 7.0)):
        ward.record(patient, h, {"kind": "level", "value": value})
        ward.service.refresh(patient)
    assert len(ward.service.memory) == 1
    _, _, advice = ward.service.current(THE_SERVICE, patient, exact=False)
    assert [o.value for o in advice.levels] == [33.5, 9.0, 8.0, 7.0]
    _, other, _ = ward.service.current(THE_SERVICE, patient, told="maturation", exact=False)
    assert other.told == "maturation"
    assert len(ward.service.memory) == 2
