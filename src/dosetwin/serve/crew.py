"""Who recomputes twins in the background: threads of the server, or processes beside it, each served by a thread."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from dosetwin.serve.agenda import Agenda
from dosetwin.serve.refresh import Done
from dosetwin.serve.settings import Settings
from dosetwin.serve.worker import Batch, Lost, Process

log = logging.getLogger("dosetwin.serve")
TOGETHER = 8
"""Twins in one batch: what is handed over and stored together."""
TRIES = 2
"""A twin whose recomputation ended a process so often is left until it changes again."""
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Between the death of a process and its successor, doubled each time it dies again without having done anything."""


@dataclass(eq=False)
class Crew:
    """Threads that take twins off the agenda until it is closed.

    ``ask`` makes a batch of patients; ``compute`` recomputes one here and now (without processes); ``store`` hands in what came
    of a batch; ``settle`` waits until that is stored, or failed.
    """

    agenda: Agenda
    settings: Settings
    ask: Callable[[Sequence[str]], Batch]
    compute: Callable[[str, Batch], list[Done]]
    store: "Callable[[list[Done]], Future[list[str]]]"
    settle: "Callable[[list[Done], Future[list[str]]], None]"
    _threads: list[threading.Thread] = field(default_factory=list)
    _gate: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False
    processes: dict[str, Process] = field(default_factory=dict)
    """Those that run now, by the name of their thread."""

    def start(self) -> None:
        """Start the threads and their processes, once."""
        with self._gate:
            if self._threads or self._closed:
                return
            apart = self.settings.twin_processes
            run = self._beside if apart else self._here
            self._threads = [threading.Thread(target=run, name=f"dosetwin-refresh-{k}", daemon=True)
                             for k in range(apart or self.settings.workers)]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what is being recomputed, leave the rest (the next start works it in), end the processes."""
        with self._gate:
            self._closed = True
        self.agenda.close()
        for thread in self._threads:
            thread.join(timeout=20)
        for process in list(self.processes.values()):
            process.close()

    # ------------------------------------------------------------------------------------------------ in the server

    def _here(self) -> None:
        while ids := self.agenda.take(1):
            batch = self.ask(ids)
            self._settled(self._stored([d for id_ in ids for d in self.compute(id_, batch)]))

    def _stored(self, found: list[Done]) -> "tuple[list[Done], Future[list[str]]]":
        try:
            return found, self.store(found)
        except Exception as error:  # the store is closed
            failed: Future[list[str]] = Future()
            failed.set_exception(error)
            return found, failed

    def _settled(self, handed: "tuple[list[Done], Future[list[str]]] | None") -> None:
        if handed is not None:
            found, future = handed
            try:
                self.settle(found, future)
            except Exception as error:  # this thread must go on; nothing is lost that the sweep would not find
                log.error("after a refresh: %s", type(error).__name__)
            self.agenda.done({d.patient for d in found})

    # --------------------------------------------------------------------------------------------------- beside it

    def _beside(self) -> None:
        """Keep one process busy: the next batch is on its way while the last one's results are being stored."""
        name = threading.current_thread().name
        process: Process | None = None
        handed: tuple[list[Done], Future[list[str]]] | None = None
        deaths: dict[str, int] = {}
        pause = 0.0
        retry: list[str] = []
        with suppress(Lost):  # then it is tried again when there is something to do
            process = self.processes[name] = Process(self.settings, self.ask(()).question)
        while True:
            # after a death one by one, so that the twin that caused it is known
            ids = [retry.pop()] if retry else self.agenda.take(TOGETHER, 0.0 if handed is not None else None)
            if not ids:
                if handed is None:
                    break
                self._settled(handed)
                handed = None
                continue
            try:
                if process is None:
                    if pause:
                        time.sleep(pause)
                    process = self.processes[name] = Process(self.settings, self.ask(()).question)
                process.ask(self.ask(ids))
                self._settled(handed)
                handed = None
                found = process.answer()
            except Lost:
                self._settled(handed)
                handed = None
                if process is not None:
                    self.processes.pop(name, None)
                    process.close()
                    process = None
                pause = min(max(2 * pause, PAUSE_S), LONGEST_PAUSE_S)
                if self._closed:
                    self.agenda.done([*ids, *retry])
                    break
                log.error("a process that recomputes twins ended; another one is started")
                if len(ids) > 1:
                    retry += ids
                    continue
                deaths[ids[0]] = deaths.get(ids[0], 0) + 1
                if deaths[ids[0]] < TRIES:
                    retry += ids
                    continue
                del deaths[ids[0]]
                found = [Done(ids[0], failure=("Lost", "worker", 0))]
            else:
                pause = 0.0
                for d in found:
                    deaths.pop(d.patient, None)
                self.agenda.back(ids[len({d.patient for d in found}) :])
            handed = self._stored(found)
        if process is not None:
            self.processes.pop(name, None)
            process.close(wait_s=10.0)
