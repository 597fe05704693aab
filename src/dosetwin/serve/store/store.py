"""The database behind the service: opened, migrated, read, and written through one writer."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select, update
from sqlalchemy.exc import SQLAlchemyError

from dosetwin.errors import InputError
from dosetwin.serve.store.private import private_file, private_folder
from dosetwin.serve.store.tables import heartbeat
from dosetwin.serve.store.writer import Closed, Writer, no_room

T = TypeVar("T")
BUSY_S = 30
READY_S, WAIT_S = 2.0, 5.0
FULL_S = 5.0
"""So long after a write that found no room PostgreSQL, whose disk is not ours to look at, is not ready, unless one found some."""
LEAST_ROOM = 2 * 2**20
FILLER = 32 * 2**10
"""Bytes that are written to see whether there is room: more than is free in the pages that are there."""
NO_ROOM = "the database has no room left"


class Store:
    """An open store. ``read()`` gives a connection on a consistent snapshot, ``write(change)`` runs and commits a change."""

    def __init__(self, url: str, *, migrate: bool = True, key: bytes = b""):
        """Open, and bring the schema up to date unless ``migrate`` is False. Raises InputError where it cannot be opened.

        ``key``: of the audit chain; an upgrade that has rows to seal needs it.
        """
        self.url = url
        self.engine = open_engine(url)
        self.sqlite = self.engine.dialect.name == "sqlite"
        from dosetwin.serve.store import schema

        try:
            if migrate:
                schema.upgrade(self.engine, key=key)
            else:
                schema.require_current(self.engine)
        except BaseException:
            self.engine.dispose()
            raise
        self._writer = Writer(self.engine)
        self._asking, self._ready_at, self.unready = threading.Lock(), -READY_S, ""

    def close(self) -> None:
        """Commit what is pending and close all connections."""
        self._writer.close()
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose reads all see the same moment; nothing can be written through it."""
        with reading(self.engine) as conn:
            yield conn

    def write(self, change: Callable[[Connection], T]) -> T:
        """Run ``change`` in the writer's next transaction and return its result after the commit."""
        return self._writer.submit(change).result()

    def submit(self, change: Callable[[Connection], T]) -> "Future[T]":
        """As ``write``, without waiting: the future has the result after the commit."""
        return self._writer.submit(change)

    def after_commits(self, note: Callable[[], None]) -> None:
        """Call ``note`` in the writer soon after commits, at most once a second, and once more at the end."""
        self._writer.note = note

    def ready(self) -> bool:
        """Whether the database answers, and something can be written to it; ``unready`` says why not.

        Asked again and again it is tried every other second, while it is not ready every time.
        """
        with self._asking:
            if self.unready or time.monotonic() - self._ready_at > READY_S:
                self.unready, self._ready_at = self._tried(), time.monotonic()
            return not self.unready

    def _tried(self) -> str:
        if self._room() < LEAST_ROOM if self.sqlite else time.monotonic() - self._writer.no_room_at < FULL_S:
            return NO_ROOM
        try:
            with self.read() as conn:
                conn.execute(select(1)).scalar()
            self._writer.submit(_beat).result(timeout=WAIT_S)
        except (SQLAlchemyError, Closed, TimeoutError) as error:
            return NO_ROOM if no_room(error) else "the database does not answer, or cannot be written to"
        return ""

    def _room(self) -> int:
        """Bytes free where the file of an SQLite database is."""
        import shutil

        try:
            return shutil.disk_usage(Path(str(self.engine.url.database)).parent).free
        except OSError:
            return LEAST_ROOM


def _beat(conn: Connection) -> None:
    """Write something that needs room."""
    row = {"id": 1, "at": datetime.now(UTC), "filler": os.urandom(FILLER)}
    if conn.execute(update(heartbeat).where(heartbeat.c.id == 1).values(**row)).rowcount == 0:
        conn.execute(heartbeat.insert(), row)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading, on a consistent snapshot."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(dosetwin_read=True, **options) as conn, conn.begin():
        yield conn


def _private(path: Path) -> None:
    """The file, and what SQLite keeps beside it (which gets the file's own mode), readable by nobody else."""
    try:
        private_folder(path.parent)
        for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if name == path or name.exists():
                private_file(name)
    except OSError as error:
        raise InputError(
            f"cannot be opened: {error.strerror}", where=str(path), remedy="a folder this user may write to"
        ) from None


def open_engine(url: str) -> Engine:
    """An engine whose SQLite connections are in WAL mode, fully synced, and begin writing at once (no upgrade deadlocks)."""
    try:
        parsed = make_url(url)
    except Exception:
        raise InputError(
            "not a database URL", where="DOSETWIN_DATABASE_URL", allowed="postgresql://... or sqlite:///file"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return create_engine(parsed, pool_size=10, max_overflow=20, pool_pre_ping=True, pool_timeout=30,
                             connect_args={"connect_timeout": 10, "options": "-c timezone=utc"})  # fmt: skip
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise InputError("not a database for this service", where="DOSETWIN_DATABASE_URL", value=backend,
                         allowed="postgresql://... or sqlite:///file")  # fmt: skip
    _private(Path(parsed.database))
    engine = create_engine(parsed, connect_args={"timeout": BUSY_S, "check_same_thread": False}, pool_size=10, max_overflow=20)

    @event.listens_for(engine, "connect")
    def _connected(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # transactions are begun below, not by the driver
        cursor = dbapi.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_S * 1000}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(conn: Connection) -> None:
        reading = conn.get_execution_options().get("dosetwin_read")
        conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
