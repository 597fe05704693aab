"""One writer: pending changes are committed together, in order, under one lock across all processes.

Every change runs in a savepoint of its own, so that one refused change leaves its neighbours alone; the caller is answered only
after the commit. The lock makes the order of ``seq`` the order of commits, which the audit chain and replays rely on.

Changes that are alike (``Alike``) are run together, a few statements for all of them; when that fails, one by one as any other.
"""

import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
log = logging.getLogger("dosetwin.serve")
MOST_TOGETHER = 256
GATHER_S = 0.004
"""After a commit that several shared, the next one waits so long for company: most of the cost is per commit, not per change."""
NOTE_S = 1.0
"""What is called after commits is called at most so often."""
LOCK = 0x646F736574776E
"""Number of PostgreSQL's advisory lock that writers hold until their commit."""


NO_ROOM = ("53100", "53200")
"""PostgreSQL's states for a disk, or memory, that is full."""


def no_room(error: BaseException | None) -> bool:
    """Whether an error says that the database has no room."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return "database or disk is full" in str(cause) or getattr(cause, "sqlstate", None) in NO_ROOM


class Closed(RuntimeError):
    """The store was closed while a change was pending: it was not stored."""


@dataclass(frozen=True)
class Alike:
    """A change that can be made together with others of its kind.

    ``together`` makes the changes of many ``item``s, in order, and returns a result for each, or the exception that refuses it
    (then nothing of that item may have been written). Everything it raises undoes all of them, and each is tried alone.
    """

    together: Callable[[Connection, list[Any]], list[Any]]
    item: Any

    def __call__(self, conn: Connection) -> Any:
        """The change alone."""
        result = self.together(conn, [self.item])[0]
        if isinstance(result, Exception):
            raise result
        return result


@dataclass(eq=False)
class _Pending:
    change: Callable[[Connection], Any]
    future: "Future[Any]" = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None


class Writer:
    """A thread that commits what ``submit`` is given."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._closed = False
        self.no_room_at = -math.inf
        self.note: Callable[[], None] | None = None
        self._unnoted, self._noted_at = False, -NOTE_S
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="dosetwin-writer", daemon=True)
        self._thread.start()

    def submit(self, change: Callable[[Connection], T]) -> "Future[T]":
        """Queue a change; the future has its result once it is committed, or its exception (then nothing of it is stored)."""
        pending = _Pending(change)
        with self._gate:
            if self._closed:
                raise Closed("the store is closed")
            self._queue.put(pending)
        return pending.future

    def close(self) -> None:
        """Commit what is pending and stop."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        shared = False
        while True:
            first = self._next()
            if first is None:
                self._note()
                return
            if shared and not self._closed:
                time.sleep(GATHER_S)
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
            shared = len(together) > 1
            self._commit(together)
            self._unnoted = True
            if stop or time.monotonic() - self._noted_at >= NOTE_S:
                self._note()
            if stop:
                return

    def _next(self) -> _Pending | None:
        """What comes next; while it is quiet, what was committed is noted."""
        while True:
            try:
                return self._queue.get(timeout=NOTE_S if self._unnoted else None)
            except queue.Empty:
                self._note()

    def _note(self) -> None:
        if self._unnoted and self.note is not None:
            try:
                self.note()
            except Exception as error:  # the commit stands; the next one tries again
                log.error("noting the head of the trail failed: %s", type(error).__name__)
        self._unnoted, self._noted_at = False, time.monotonic()

    def _commit(self, together: list[_Pending]) -> None:
        wanted: list[_Pending] = []
        try:
            with self._engine.connect() as conn, conn.begin():
                if conn.dialect.name == "postgresql":
                    conn.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": LOCK})
                wanted += [p for p in together if p.future.set_running_or_notify_cancel()]
                for lot in _lots(wanted):
                    if len(lot) == 1 or not _all_at_once(conn, lot):
                        for p in lot:
                            _alone(conn, p)
        except BaseException as error:
            if no_room(error):
                self.no_room_at = time.monotonic()
            # the commit itself failed: nothing of the whole lot is stored, and everybody is told
            for p in together:
                if not p.future.done():
                    if not p.future.running():
                        p.future.set_running_or_notify_cancel()
                    p.future.set_exception(error)
            return
        if any(no_room(p.error) for p in wanted):
            self.no_room_at = time.monotonic()
        elif wanted:
            self.no_room_at = -math.inf
        for p in wanted:
            if p.error is not None:
                p.future.set_exception(p.error)
            else:
                p.future.set_result(p.result)


def _lots(pending: list[_Pending]) -> list[list[_Pending]]:
    """Changes that are alike in one lot, the others each in its own; lots in the order of their first."""
    lots: dict[Any, list[_Pending]] = {}
    for p in pending:
        key = p.change.together if isinstance(p.change, Alike) else id(p)
        lots.setdefault(key, []).append(p)
    return list(lots.values())


def _all_at_once(conn: Connection, lot: list[_Pending]) -> bool:
    """Make alike changes together; False when they must be tried one by one."""
    changes = [p.change for p in lot]
    assert all(isinstance(c, Alike) for c in changes)
    try:
        with conn.begin_nested():
            results = changes[0].together(conn, [c.item for c in changes])  # type: ignore[attr-defined]
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return False
    except Exception:
        return False
    for p, result in zip(lot, results, strict=True):
        p.result, p.error = (None, result) if isinstance(result, Exception) else (result, None)
    return True


def _alone(conn: Connection, p: _Pending) -> None:
    try:
        with conn.begin_nested():
            p.result = p.change(conn)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        p.error = error
    except Exception as error:
        p.error = error
