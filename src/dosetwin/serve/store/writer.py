"""One writer: pending changes are committed together, in order, under one lock across all processes.

Every change runs in a savepoint of its own, so that one refused change leaves its neighbours alone; the caller is answered only
after the commit. The lock makes the order of ``seq`` the order of commits, which the audit chain and replays rely on.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
MOST_TOGETHER = 64
LOCK = 0x646F736574776E
"""Number of PostgreSQL's advisory lock that writers hold until their commit."""


class Closed(RuntimeError):
    """The store was closed while a change was pending: it was not stored."""


class Writer:
    """A thread that commits what ``submit`` is given."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._queue: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="dosetwin-writer", daemon=True)
        self._thread.start()

    def submit(self, change: Callable[[Connection], T]) -> "Future[T]":
        """Queue a change; the future has its result once it is committed, or its exception (then nothing of it is stored)."""
        future: Future[T] = Future()
        with self._gate:
            if self._closed:
                raise Closed("the store is closed")
            self._queue.put((change, future))
        return future

    def close(self) -> None:
        """Commit what is pending and stop."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            together = [first]
            stop = False
            while len(together) < MOST_TOGETHER:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    stop = True
                    break
                together.append(item)
            self._commit(together)
            if stop:
                return

    def _commit(self, together: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.connect() as conn, conn.begin():
                if conn.dialect.name == "postgresql":
                    conn.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": LOCK})
                for change, future in together:
                    if not future.set_running_or_notify_cancel():
                        continue
                    try:
                        with conn.begin_nested():
                            done.append((future, change(conn), None))
                    except DBAPIError as error:
                        if error.connection_invalidated:
                            raise
                        done.append((future, None, error))
                    except Exception as error:
                        done.append((future, None, error))
        except BaseException as error:
            # the commit itself failed: nothing of the whole lot is stored, and everybody is told
            for _, future in together:
                if not future.done():
                    if not future.running():
                        future.set_running_or_notify_cancel()
                    future.set_exception(error)
            return
        for future, result, error in done:
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)
