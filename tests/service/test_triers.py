"""What-ifs beside the server: the server's own answers, in order, and again here when a process is gone."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from dosetwin import models, read_case
from dosetwin.advise import Question, advise
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.records import Every
from dosetwin.serve import triers
from dosetwin.serve.settings import Settings
from dosetwin.serve.triers import Superseded, Triers
from dosetwin.serve.twins import KeptQuestion, Pool
from dosetwin.serve.whatif import Tried, what_if

QUESTION = KeptQuestion(
    model="amikacin_decock_2012", policy=AMIKACIN_NEONATE.to_json(), seed=1, draws=100, now=datetime(2026, 4, 15, 10, tzinfo=UTC),
    sensitivity=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def advice():
    case = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))
    asked = (models.load("amikacin_decock_2012"),)
    return advise(case, Question(AMIKACIN_NEONATE, asked, now=case.as_of, seed=1, draws=200, sensitivity=False))


@pytest.fixture
def beside(tmp_path):
    made = Triers(Settings(demo=True, data_dir=tmp_path, twin_processes=1, try_processes=1), Pool(1))
    made.ready_for = lambda: QUESTION
    yield made
    made.close()


def wait(until) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end
        time.sleep(0.005)


def tried(advice, amount: float) -> Tried:
    return Tried(Every(amount, 36.0, 0.5, advice.now + 1.0), advice.now + 20.0)


@pytest.mark.slow
def test_a_process_answers_as_the_server_and_one_that_is_killed_is_replaced(beside, advice):
    here = what_if(advice, tried(advice, 15.0))
    assert beside.run("one", QUESTION, advice, tried(advice, 15.0)) == here  # it is not there yet
    (line,) = beside._lines
    wait(lambda: line.ready)
    for amount in (15.0, 15.0, 18.0):
        assert beside.run("one", QUESTION, advice, tried(advice, amount)) == what_if(advice, tried(advice, amount))
    assert len(line._held) == 1
    os.kill(line._process.pid, signal.SIGKILL)
    assert beside.run("one", QUESTION, advice, tried(advice, 15.0)) == here


def waiting(line) -> list[float]:
    return [job.tried.regimen.amount for job in list(line._jobs)]


class Slow:
    """In a process's place: answers when it may."""

    gate = threading.Semaphore(0)

    def __init__(self, *_: object):
        self.asked: list[tuple[int, bytes | None, Tried]] = []
        self.pid, self.killed = 0, False

    def ask(self, what) -> None:
        self.asked.append(what)

    def answer(self):
        if not self.asked:
            return "ready"
        self.gate.acquire()
        regimen = self.asked[-1][2].regimen
        assert regimen is not None
        return {"amount": regimen.amount}

    def kill(self) -> None:
        self.killed = True

    def close(self) -> None:
        pass


def test_who_asks_again_drops_what_waits_of_that_screen_and_nobody_elses(beside, advice, monkeypatch):
    monkeypatch.setattr(triers, "Process", Slow)
    (line,) = beside._started()
    wait(lambda: line.ready)
    with ThreadPoolExecutor(5) as pool:
        found = []
        for amount, screen in ((11.0, "a"), (12.0, "a"), (13.0, "b"), (14.0, ""), (15.0, "a")):
            found.append(pool.submit(beside.run, "one", QUESTION, advice, tried(advice, amount), screen))
            wait(lambda last=amount: line._process.asked if last == 11.0 else waiting(line)[-1:] == [last])
        with pytest.raises(Superseded):
            found[1].result(timeout=10)
        Slow.gate.release(4)
        assert [f.result(timeout=10)["amount"] for f in (found[0], *found[2:])] == [11.0, 13.0, 14.0, 15.0]
    assert [x[1] is None for x in line._process.asked] == [False, True, True, True]


def test_who_waits_behind_a_process_that_hangs_is_answered_here_and_it_is_ended(beside, advice, monkeypatch):
    monkeypatch.setattr(triers, "Process", Slow)
    (line,) = beside._started()
    wait(lambda: line.ready)
    line.wait_s = 0.1
    assert "joint" in beside.run("one", QUESTION, advice, tried(advice, 11.0)), "the server's own answer"
    assert line._process.killed
    assert waiting(line) == []
    Slow.gate.release()
