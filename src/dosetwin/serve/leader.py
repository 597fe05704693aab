"""One process of several leads: it alone polls, subscribes and watches alerts; when it is gone another one does.

The lead is a PostgreSQL advisory lock of a connection of its own: the database gives it to one, and takes it back the moment that
connection ends, however it ends. A leader that cannot reach the database any more steps down at its next look; for that long two
may believe to lead, which costs work and loses nothing (every fact is stored once by its source key). Where the database is a
file there is one process, and it leads.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger("dosetwin.serve")
LOCK = 0x646F73654C656164
"""Number of the advisory lock."""
LOOK_S = 1.0
Work = Callable[[threading.Event], None]
"""What only a leader does: runs until the event is set."""


class Leader:
    """Runs ``works`` while this process leads. ``start`` and ``close`` once each."""

    def __init__(self, engine: Engine, works: Sequence[tuple[str, Work]], every_s: float = LOOK_S):
        """``works``: what to run, each with the name of its thread."""
        self._engine, self._works, self._every_s = engine, list(works), every_s
        self._alone = engine.dialect.name != "postgresql"
        self._stop = threading.Event()
        self._leads = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dosetwin-leader", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether this process leads now."""
        return self._leads.is_set()

    def start(self) -> "Leader":
        """Begin to lead, or to wait for it."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop what runs and give the lead away."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.is_set():
            conn = None if self._alone else self._elected()
            if conn is None and not self._alone:
                self._stop.wait(self._every_s)
                continue
            self._lead(conn)

    def _elected(self) -> Connection | None:
        """The connection that holds the lead; None where somebody else has it, or the database does not answer."""
        try:
            conn = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if conn.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": LOCK}).scalar():
                return conn
            conn.close()
        except SQLAlchemyError as error:
            log.warning("no lead: %s", type(error).__name__)
        return None

    def _lead(self, conn: Connection | None) -> None:
        term = threading.Event()
        threads = [threading.Thread(target=work, args=(term,), name=name, daemon=True) for name, work in self._works]
        self._leads.set()
        log.info("this process leads")
        for thread in threads:
            thread.start()
        try:
            while not self._stop.wait(self._every_s):
                if conn is not None and not _there(conn):
                    log.error("the lead was lost: the database does not answer")
                    break
        finally:
            self._leads.clear()
            term.set()
            for thread in threads:
                thread.join(timeout=20)
            if conn is not None:
                conn.invalidate()  # ends the connection, and with it the lock: it must not go back into the pool
                conn.close()


def _there(conn: Connection) -> bool:
    """Whether the connection that holds the lead is alive, and the lock still its own."""
    try:
        mine = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted"
        return bool(conn.execute(text(mine)).scalar())
    except SQLAlchemyError:
        return False
