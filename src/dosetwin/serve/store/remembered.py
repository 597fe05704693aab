"""Facts kept in memory: they are only ever added to, so a patient's are read once and then only those that are new."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from dosetwin.serve.store.facts import Person
from dosetwin.serve.store.merges import KINDS
from dosetwin.serve.store.reach import Reach

MOST_FACTS = 100_000
"""Of all patients together, about 20 MB; those of the patient asked about longest ago go first."""
MOST_BODIES = 20_000
"""A stream says the same few values again and again: equal bodies are one object."""


class Fact(Mapping[str, Any]):
    """What the twin needs of a fact; number, id and hash are packed: a fifth of a dict. Nobody changes it, nor its body."""

    __slots__ = ("_packed", "at", "body", "kind")
    NAMES = ("at", "body", "kind", "hash", "seq", "id")
    kind: str
    at: datetime
    body: Mapping[str, Any]

    def __init__(self, row: Mapping[str, Any], body: Mapping[str, Any]):
        self.at, self.kind, self.body = row["at"], sys.intern(row["kind"]), body
        self._packed = row["seq"].to_bytes(8, "big") + bytes.fromhex(row["id"].replace("-", "") + row["hash"])

    @property
    def seq(self) -> int:
        """Number in the order of recording."""
        return int.from_bytes(self._packed[:8], "big")

    @property
    def id(self) -> str:
        """As the store wrote it: a UUID in small letters."""
        x = self._packed[8:24].hex()
        return f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"

    @property
    def hash(self) -> str:
        """Of the fact's content, in hexadecimal digits."""
        return self._packed[24:].hex()

    def __getitem__(self, name: str) -> Any:
        if name not in Fact.NAMES:
            raise KeyError(name)
        return getattr(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dict's, without the price of an exception."""
        return getattr(self, name) if name in Fact.NAMES else default

    def __iter__(self) -> Iterator[str]:
        return iter(Fact.NAMES)

    def __len__(self) -> int:
        return len(Fact.NAMES)


@dataclass(frozen=True)
class Held:
    """One patient's facts through the last one read, and who the patient is."""

    facts: tuple[Fact, ...]
    version: int
    person: Person

    @property
    def through(self) -> int:
        """Number of the last fact."""
        return self.facts[-1].seq if self.facts else 0


class Remembered:
    """Facts by patient, at most ``most`` of them. Any thread may use it; what it gives is never behind the connection's snapshot.

    It may be ahead of it, by facts that another thread read from a later one: they are committed all the same.
    """

    def __init__(self, most: int = MOST_FACTS):
        self._most = most
        self._kept: OrderedDict[str, Held] = OrderedDict()
        self._bodies: dict[str, Mapping[str, Any]] = {}
        self._count = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def of(self, conn: Connection, reach: Reach, patient: str) -> Held:
        """Facts and identity of a patient. Raises Problem for one out of reach, who is asked about every time."""
        version = reach.version(conn, patient)
        with self._lock:
            kept = self._kept.get(patient)
        rows = reach.facts(conn, patient, after=kept.through if kept else 0)
        if kept is not None and any(r["kind"] in KINDS for r in rows):  # another record became part of this one, or left it
            rows, kept = reach.facts(conn, patient), None
            self._forget(patient)
        person = kept.person if kept is not None and kept.version >= version else reach.person(conn, patient, version)[1]
        with self._lock:
            now = self._kept.get(patient)
            # another thread may have put more meanwhile, or, after an eviction, less
            before = max((h for h in (now, kept) if h is not None), key=lambda h: h.through, default=Held((), 0, person))
            new = tuple(Fact(r, self._one(r["body"])) for r in rows if r["seq"] > before.through)
            newer = before if before.version > version else Held((), version, person)
            held = Held(before.facts + new, newer.version, newer.person)
            self._kept[patient] = held
            self._kept.move_to_end(patient)
            self._count += len(held.facts) - (len(now.facts) if now else 0)
            while self._count > self._most and len(self._kept) > 1:
                self._count -= len(self._kept.popitem(last=False)[1].facts)
        return held

    def _forget(self, patient: str) -> None:
        with self._lock:
            gone = self._kept.pop(patient, None)
            self._count -= len(gone.facts) if gone is not None else 0

    def _one(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body, or an equal one that is kept already."""
        if len(self._bodies) >= MOST_BODIES:
            self._bodies.clear()
        return self._bodies.setdefault(repr(body), body)
