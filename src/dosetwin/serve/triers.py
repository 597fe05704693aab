"""Processes beside the server that answer what-ifs, so that one user's curve does not wait for another's page.

A patient's what-ifs go to one process, in the order in which they came; it keeps the last beliefs it was asked about, so that a
move of a control costs the play and no transport. Who moves on before the answer is told so (``Superseded``): what still waits of
the same screen is dropped. Where a process is not there (it starts, it died) the work is done in the server. Run as
``python -m dosetwin.serve.triers``, by ``Triers`` only.
"""

import itertools
import os
import signal
import sys
import threading
import time
from collections import OrderedDict, deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from dosetwin.serve.parcel import pack, unpack
from dosetwin.serve.settings import Settings
from dosetwin.serve.twins import KeptQuestion, Pool
from dosetwin.serve.whatif import Tried, what_if
from dosetwin.serve.worker import NICER, Lost, Process, receive, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from dosetwin.advise import Advice

WAIT_S = 15.0
"""s that a what-if waits for its process, those before it included; then it is done in the server, and a process that has been
busy with one for so long is ended and replaced."""
BELIEFS = 32
"""Beliefs that a process keeps, the last ones asked about (100 kB each, and what was played of them)."""


class Superseded(RuntimeError):
    """The same screen asked again before this was answered."""


@dataclass(eq=False)
class _Job:
    number: int
    question: KeptQuestion
    advice: "Advice"
    tried: Tried
    screen: str
    done: "Future[dict[str, Any]]" = field(default_factory=Future)


class _Line:
    """One process with its queue, served by a thread."""

    def __init__(self, settings: Settings, question: KeptQuestion, name: str):
        self._settings, self._question = settings, question
        self._jobs: deque[_Job] = deque()
        self._news = threading.Condition()
        self._closed = False
        self._held: OrderedDict[int, None] = OrderedDict()
        self._process: Process | None = None
        self.ready = False
        self.wait_s = WAIT_S
        self._since: float | None = None
        self.thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self.thread.start()

    def put(self, job: _Job) -> bool:
        """Queue a job; False where nobody is there to do it. What waits of the same screen is superseded."""
        with self._news:
            if self._closed or not self.ready:
                return False
            for old in [j for j in self._jobs if job.screen and j.screen == job.screen]:
                self._jobs.remove(old)
                old.done.set_exception(Superseded())
            self._jobs.append(job)
            self._news.notify()
        return True

    def late(self, job: _Job) -> None:
        """Nobody waits for a job any more: forget it where it still waits, end the process where it hangs on one."""
        with self._news:
            if job in self._jobs:
                self._jobs.remove(job)
            if self._process is not None and self._since is not None and time.monotonic() - self._since >= self.wait_s:
                self._process.kill()

    def close(self) -> None:
        """Finish what runs, drop what waits, end the process."""
        with self._news:
            self._closed = True
            self._drop()
            self._news.notify()
        self.thread.join(timeout=20)

    def _drop(self) -> None:
        while self._jobs:
            self._jobs.popleft().done.set_exception(Lost())

    def _serve(self) -> None:
        try:
            while self._begun() and self._answered():
                pass
        finally:
            if self._process is not None:
                self._process.close()

    def _begun(self) -> bool:
        """Start a process and wait until it is ready; False once closed."""
        if self._process is not None:
            self._process.close()
        with suppress(Lost):
            self._held.clear()
            self._process = Process(self._settings, self._question, "dosetwin.serve.triers")
            self._process.answer()
            self.ready = True
        with self._news:
            if not self.ready and not self._closed:
                self._news.wait(30.0)  # it would not start: not at once again
            return not self._closed

    def _answered(self) -> bool:
        """Answer until the process dies; False once closed."""
        while True:
            with self._news:
                while not self._jobs and not self._closed:
                    self._news.wait()
                if self._closed:
                    return False
                if not self.ready:
                    return True
                job = self._jobs.popleft()
                self._since = time.monotonic()
            try:
                found = self._ask(job)
            except Lost as lost:
                with self._news:
                    self.ready = False
                    self._drop()
                job.done.set_exception(lost)
                return True
            finally:
                self._since = None
            if found is None:
                job.done.set_exception(Lost())
            else:
                job.done.set_result(found)

    def _ask(self, job: _Job) -> Any:
        assert self._process is not None
        parcel = None if job.number in self._held else pack(job.question, job.advice)
        self._process.ask((job.number, parcel, job.tried))
        _remember(self._held, job.number, None)
        return self._process.answer()


def _remember(held: "OrderedDict[int, Any]", number: int, value: Any) -> None:
    """Both sides of a pipe keep the same beliefs by the same rule."""
    held[number] = value
    held.move_to_end(number)
    if len(held) > BELIEFS:
        held.popitem(last=False)


class Triers:
    """What-ifs of all patients, on ``settings.try_processes`` processes; without any, in the server's ``pool``.

    The first what-if starts them, and is answered in the server like all until they are ready. ``ready_for``: what they make
    ready for; None: no processes here.
    """

    def __init__(self, settings: Settings, pool: Pool):
        self._settings, self._pool = settings, pool
        self._lines: list[_Line] = []
        self._numbers: WeakKeyDictionary[Advice, int] = WeakKeyDictionary()
        self._count = itertools.count()
        self._gate = threading.Lock()
        self._closed = False
        self.ready_for: Callable[[], KeptQuestion] | None = None

    def _started(self) -> list[_Line]:
        s = self._settings
        with self._gate:
            if self.ready_for is not None and not self._lines and not self._closed and s.twin_processes:
                self._lines = [_Line(s, self.ready_for(), f"dosetwin-try-{k}") for k in range(s.try_processes)]
            return self._lines

    def run(self, patient: str, question: KeptQuestion, advice: "Advice", tried: Tried, screen: str = "") -> dict[str, Any]:
        """``what_if``, beside the server where that can be. ``screen``: who asks; "" is superseded by nobody.

        Raises what ``what_if`` raises, and Superseded.
        """
        with self._gate:
            number = self._numbers.setdefault(advice, next(self._count))
        job, lines = _Job(number, question, advice, tried, screen and f"{screen} {patient}"), self._started()
        if lines and (line := lines[hash(patient) % len(lines)]).put(job):
            try:
                return job.done.result(line.wait_s)
            except Lost:  # then it is done here
                pass
            except TimeoutError:
                line.late(job)
        return self._pool.run(what_if, advice, tried)

    def close(self) -> None:
        """End the processes."""
        with self._gate:
            self._closed = True
        for line in self._lines:
            line.close()


def main() -> None:
    """The process: settings, then what-ifs come in; answers go out, until nothing comes any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to answer: it closes the pipe when it has finished
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    inward, outward = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the answers
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICER)  # events and pages go first
    held: OrderedDict[int, Advice] = OrderedDict()
    try:
        settings, question = receive(inward)
        from dosetwin.serve.installed import install
        from dosetwin.serve.refresh import warm

        install(settings)
        warm(question)
        send(outward, "ready")
        while True:
            number, parcel, tried = receive(inward)
            try:
                advice = held[number] if parcel is None else unpack(parcel)[1]
                _remember(held, number, advice)
                found = what_if(advice, tried)
            except Exception:  # the server does it again, and finds the error
                found = None
            send(outward, found)
    except (EOFError, BrokenPipeError):
        pass


if __name__ == "__main__":
    main()
