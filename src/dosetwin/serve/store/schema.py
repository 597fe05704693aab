"""The schema and its history: migrations travel inside the package and are run by Alembic."""

from collections.abc import Sequence
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from dosetwin.errors import InputError
from dosetwin.serve.store.writer import LOCK

HERE = "dosetwin.serve.store:migrations"
OLDEST_BACK = "0003"
"""The oldest revision that ``back`` leads to: that of the release before."""


def _config(connection: Connection | None = None, key: bytes = b"") -> Config:
    config = Config()
    config.set_main_option("script_location", HERE)
    config.attributes["connection"] = connection
    config.attributes["seal_key"] = key
    return config


def head() -> str:
    """The newest revision this program knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


def revisions() -> list[str]:
    """Every revision, oldest first."""
    return [s.revision for s in reversed(list(ScriptDirectory.from_config(_config()).walk_revisions()))]


def current(engine: Engine) -> str | None:
    """The revision of a database; None for an empty one."""
    with engine.connect() as conn:
        return MigrationContext.configure(conn).get_current_revision()


def upgrade(engine: Engine, to: str = "head", *, key: bytes = b"") -> None:
    """Bring the schema up to date, whole or not at all; two processes starting together wait for each other.

    ``key``: of the audit chain, to seal rows that older programs wrote. Raises InputError for a database written by a newer
    program, or where the key is needed and not given.
    """
    known = revisions()
    with engine.connect() as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": LOCK})
        found = MigrationContext.configure(conn).get_current_revision()
        if found is not None and found not in known:
            raise InputError("the database was written by a newer dosetwin", where="store", value=found, allowed=known[-1],
                             remedy="install that version, or restore a backup")  # fmt: skip
        if found != (head() if to == "head" else to):
            command.upgrade(_config(conn, key), to)


def back(engine: Engine, to: str) -> None:
    """Take the schema back to an older revision, whole or not at all, for the program of that time.

    Raises InputError for a revision that is not known or not older, or where the database holds what that program cannot read.
    """
    known = revisions()
    with engine.connect() as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": LOCK})
        found = MigrationContext.configure(conn).get_current_revision()
        if found not in known or to not in known[known.index(OLDEST_BACK) :] or known.index(to) > known.index(found):
            raise InputError("not a revision to go back to", where="store back", value=to,
                             allowed=", ".join(known[known.index(OLDEST_BACK) :]),
                             remedy="or restore a backup with the older program")  # fmt: skip
        command.downgrade(_config(conn), to)


def require_current(engine: Engine) -> None:
    """Raise InputError unless the schema is the newest."""
    found = current(engine)
    if found != head():
        raise InputError("the database's schema is not this program's", where="store", value=found, allowed=head(),
                         remedy="run 'dosetwin store migrate'")  # fmt: skip


def append_only(op: Any, table: str) -> None:
    """Make the database itself refuse to change, delete or (PostgreSQL) truncate rows of ``table``; for use in migrations."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                       f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END")  # fmt: skip
        return
    op.execute(f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
               f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$")  # fmt: skip
    op.execute(f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
               f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()")  # fmt: skip
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
               f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()")  # fmt: skip


def changeable(op: Any, table: str) -> None:
    """Take back what ``append_only`` did, for the length of a migration."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}")
        return
    for what in ("change", "truncate"):
        op.execute(f"DROP TRIGGER {table}_no_{what} ON {table}")


def unguarded(conn: Connection, tables: Sequence[str]) -> tuple[str, ...]:
    """Those of ``tables`` whose guards (``append_only``) are missing or switched off."""
    if conn.dialect.name == "sqlite":
        there = set(conn.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
        kinds = ("no_update", "no_delete")
    else:
        there = set(conn.scalars(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'")))
        kinds = ("no_change", "no_truncate")
    return tuple(table for table in tables if not all(f"{table}_{kind}" in there for kind in kinds))
