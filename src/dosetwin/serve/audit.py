"""The audit trail: append-only, each entry chained to the one before by a keyed hash, verified link by link."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, desc, select, update

from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.canon import canonical as canonical
from dosetwin.serve.canon import digest as digest
from dosetwin.serve.canon import stamp as stamp
from dosetwin.serve.store.seals import Seals
from dosetwin.serve.store.tables import audit, audit_head

if TYPE_CHECKING:
    from dosetwin.serve.crypto import Vault
    from dosetwin.serve.store.checkpoint import Checkpoint, Noted

START = "0" * 64
_LAST = select(audit.c.seq, audit.c.hash).order_by(desc(audit.c.seq)).limit(1)
_ADD = audit.insert()
_HEAD = select(audit_head).where(audit_head.c.id == 1)
_FIRST_HEAD, _NEXT_HEAD = audit_head.insert(), update(audit_head).where(audit_head.c.id == 1)
GAP = "audit_gap"
"""The entry that says: before me, the end of the trail was not the one that was noted."""
_ITSELF = Principal("dosetwin", "the service itself")


def link(key: bytes, row: Mapping[Any, Any]) -> str:
    """Keyed hash of an entry and of the one before it."""
    said = {k: row[k] for k in ("seq", "actor", "roles", "action", "patient_id", "outcome", "detail", "previous")}
    return hmac.new(key, canonical(said | {"at": stamp(row["at"])}), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Entry:
    """What an entry says; ``detail`` holds ids, codes and hashes, never a value about a patient.

    Its ``facts`` are hashes by fact id, its ``sealed`` the seals of rows by table and key (None: the row is gone).
    """

    who: Principal
    action: str
    patient: str | None = None
    outcome: str = "ok"
    detail: dict[Any, Any] = field(default_factory=dict)


class Trail:
    """Writes the trail inside the writer's transactions (their lock keeps the chain straight)."""

    def __init__(self, key: bytes):
        self._key = key
        self.seals = Seals(key)

    def link(self, row: Mapping[Any, Any]) -> str:
        """The hash that an entry must bear."""
        return link(self._key, row)

    def add(self, conn: Connection, now: datetime, who: Principal, action: str, *, patient: str | None = None,
            outcome: str = "ok", detail: Mapping[Any, Any] | None = None) -> str:  # fmt: skip
        """Append an entry; ``detail`` holds ids, codes and hashes, never a value about a patient. Returns its hash."""
        return self.add_all(conn, now, [Entry(who, action, patient, outcome, dict(detail or {}))])

    def add_all(self, conn: Connection, now: datetime, entries: Sequence["Entry"]) -> str:
        """Append entries (at least one), each chained to the one before. Returns the hash of the last."""
        last = conn.execute(_LAST).first()
        number, previous = (0, START) if last is None else (last.seq, last.hash)
        noted = conn.execute(_HEAD).mappings().first()
        if not self._agrees(noted, number, previous):
            # writing on would hide it: the trail itself says for ever that entries were missing here
            expected = None if noted is None else {"entries": noted["entries"], "head": noted["hash"]}
            entries = [Entry(_ITSELF, GAP, outcome="refused", detail={"expected": expected, "found": number}), *entries]
        rows = []
        for e in entries:
            number += 1
            row: dict[str, Any] = {
                "seq": number, "at": now, "actor": e.who.subject[:200], "roles": " ".join(sorted(e.who.roles))[:200],
                "action": e.action, "patient_id": e.patient, "outcome": e.outcome, "detail": e.detail, "previous": previous,
            }  # fmt: skip
            previous = row["hash"] = link(self._key, row)
            rows.append(row)
        conn.execute(_ADD, rows)
        head = self.seals.sealed("audit_head", id=1, entries=number, hash=previous)
        conn.execute(_FIRST_HEAD if noted is None else _NEXT_HEAD, head)
        return previous

    def _agrees(self, noted: Mapping[Any, Any] | None, number: int, last: str) -> bool:
        """Whether the sealed head is the last entry there is."""
        if noted is None:
            return number == 0
        return self.seals.holds("audit_head", noted) and (noted["entries"], noted["hash"]) == (number, last)

    def verify(self, conn: Connection, expected: str | None = None, *, checkpoint: "Noted | None" = None,
               vault: "Vault | None" = None) -> "Verdict":  # fmt: skip
        """Check every link, every fact, every sealed row and the head.

        ``expected``: a hash noted earlier that must still be in the chain; ``checkpoint``: the head as it was noted outside the
        database; ``vault``: opens identities, to see that record numbers lead where the identities say.
        """
        from dosetwin.serve.verify import verdict

        return verdict(conn, self, expected, checkpoint, vault)

    def verify_with(self, conn: Connection, expected: str | None, file: "Checkpoint", vault: "Vault | None") -> "Verdict":
        """As ``verify``, with the checkpoint as its file has it; a file that was changed is one more thing wrong."""
        try:
            noted, wrong = file.read(), ()
        except InputError as error:
            noted, wrong = None, (str(error),)
        found = self.verify(conn, expected, checkpoint=noted, vault=vault)
        return replace(found, wrong=(*wrong, *found.wrong), checkpoint=None if noted is None else noted.entries)


@dataclass(frozen=True)
class Verdict:
    """What a check of the trail found: entries, the last hash (note it elsewhere), what is wrong.

    ``checkpoint``: how many entries the file outside the database says there were at least (None: there is no such file).
    """

    entries: int
    head: str
    wrong: tuple[str, ...]
    checkpoint: int | None = None

    @property
    def ok(self) -> bool:
        """True when every link and every fact holds."""
        return not self.wrong


def fact_hash(row: Mapping[Any, Any]) -> str:
    """Hash of everything a fact says and of who said it when."""
    said = {k: row[k] for k in ("id", "patient_id", "kind", "actor", "source_key", "body")}
    return digest(said | {"at": stamp(row["at"]), "recorded_at": stamp(row["recorded_at"])})
