"""Twins that are behind are shared out between processes: each takes some that nobody has taken, for a while.

On PostgreSQL only (``FOR UPDATE SKIP LOCKED``): a process whose facts those are works them in first; others help with what has
waited longer than ``HELP_S``, beginning with what came last. A job of a process that died is free again when its time is over.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from dosetwin.serve.store.tables import twin_jobs

HELP_S = 2.0
"""A twin that has been behind for so long may be taken by any process."""
LEASE = timedelta(seconds=60)
SHARE = 16
"""So many at a time."""


class Jobs:
    """The jobs of one process, which has a name of its own."""

    def __init__(self, engine: Engine, share: int = SHARE):
        self._engine, self._share = engine, share
        self.me = secrets.token_hex(8)
        self._new = True
        self.shared = engine.dialect.name == "postgresql"

    def take(self, behind: Mapping[str, datetime], now: datetime) -> list[str]:
        """Of the twins that are ``behind`` (since when) those that this process is to recompute.

        A process that begins waits for nobody: what is behind then may have nobody.
        """
        if not self.shared or not behind:
            return list(behind)
        with self._engine.begin() as conn:
            rows = [{"patient_id": id_, "since": since} for id_, since in sorted(behind.items())]
            conn.execute(insert(twin_jobs).on_conflict_do_nothing(), rows)
            mine = self._claimed(conn, list(behind), now)
        self._new = False
        return mine

    def _claimed(self, conn: Connection, behind: Sequence[str], now: datetime) -> list[str]:
        free = or_(twin_jobs.c.taken_by.is_(None), twin_jobs.c.until < now)
        waited = twin_jobs.c.since <= now - (timedelta() if self._new else timedelta(seconds=HELP_S))
        query = (
            select(twin_jobs.c.patient_id)
            .where(twin_jobs.c.patient_id.in_(behind), free, waited)
            .order_by(twin_jobs.c.since.desc(), twin_jobs.c.patient_id)
            .limit(self._share)
            .with_for_update(skip_locked=True)
        )
        mine = list(conn.execute(query).scalars())
        if mine:
            conn.execute(update(twin_jobs).where(twin_jobs.c.patient_id.in_(mine)).values(taken_by=self.me, until=now + LEASE))
        return mine

    def forget(self, behind: Mapping[str, datetime]) -> None:
        """Jobs of twins that are behind no more go."""
        if self.shared:
            with self._engine.begin() as conn:
                conn.execute(delete(twin_jobs).where(twin_jobs.c.patient_id.not_in(list(behind))))

    def done(self, ids: Iterable[str]) -> None:
        """These twins were recomputed, by whomever."""
        wanted = sorted(set(ids))
        if self.shared and wanted:
            with self._engine.begin() as conn:
                conn.execute(delete(twin_jobs).where(twin_jobs.c.patient_id.in_(wanted)))
