"""The head of the trail noted in a file outside the database, sealed: what shows that the end of the trail was cut off.

Whoever can write into the database can also put back an old trail with its old sealed head, whole; the file does not follow. Put
it where the database's administrators cannot write (``DOSETWIN_CHECKPOINT_FILE``).
"""

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, desc, select

from dosetwin.errors import InputError
from dosetwin.serve.store.private import private_folder, write_private
from dosetwin.serve.store.seals import Seals
from dosetwin.serve.store.tables import audit

log = logging.getLogger("dosetwin.serve")
_LAST = select(audit.c.seq, audit.c.hash).order_by(desc(audit.c.seq)).limit(1)


@dataclass(frozen=True)
class Noted:
    """How many entries the trail had, and the hash of the last."""

    entries: int
    head: str


class Checkpoint:
    """The file. ``note`` is called by the store's writer after commits, by nobody else."""

    def __init__(self, path: Path, seals: Seals, read: Callable[[], AbstractContextManager[Connection]] | None = None):
        self.path, self._seals, self._open = path, seals, read
        self._silent = False

    def read(self) -> Noted | None:
        """What was noted last; None where there is no file. Raises InputError for one that was changed, or of another key."""
        try:
            said = json.loads(self.path.read_text(encoding="utf-8"))
            noted = Noted(int(said["entries"]), str(said["head"]))
            good = said["seal"] == self._seals.mac("checkpoint", {k: v for k, v in said.items() if k != "seal"})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            good, noted = False, Noted(0, "")
        if not good:
            raise InputError("the checkpoint was changed, or belongs to another key", where=str(self.path),
                             remedy="see docs/security.md")  # fmt: skip
        return noted

    def note(self) -> None:
        """Write the head as it is now, unless what was noted is not in the trail any more: then the file stays as it is."""
        if self._silent or self._open is None:
            return
        with self._open() as conn:
            last = conn.execute(_LAST).first()
            if last is None:
                last = (0, "")
            try:
                before = self.read()
            except InputError:
                before = Noted(-1, "")
            if before is not None and before.entries and not self._there(conn, before):
                log.error(
                    "the checkpoint of the audit trail is not in the trail: entries were removed? run 'dosetwin audit verify'"
                )
                self._silent = True
                return
        said = {"entries": last[0], "head": last[1], "at": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            private_folder(self.path.parent)
            write_private(self.path, json.dumps(said | {"seal": self._seals.mac("checkpoint", said)}) + "\n")
        except OSError as error:
            log.error("the checkpoint of the audit trail cannot be written: %s", type(error).__name__)

    @staticmethod
    def _there(conn: Connection, noted: Noted) -> bool:
        return conn.execute(select(audit.c.hash).where(audit.c.seq == noted.entries)).scalar() == noted.head


def set_aside(path: Path) -> Path | None:
    """Rename a checkpoint that a restored backup cannot follow; returns its new name, None where there is none."""
    if not path.exists():
        return None
    aside = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}")
    path.rename(aside)
    return aside
