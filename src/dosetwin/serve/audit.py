"""The audit trail: append-only, each entry chained to the one before by a keyed hash, verified link by link."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, desc, select

from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.store.tables import advice, audit, facts, patients

START = "0" * 64
_LAST = select(audit.c.seq, audit.c.hash).order_by(desc(audit.c.seq)).limit(1)
_ADD = audit.insert()
MOST_WRONG = 20
"""So many are named; one is enough to know."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the bytes that are hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def stamp(when: datetime) -> str:
    """A moment as it is hashed: UTC, to the microsecond."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _link(key: bytes, row: Mapping[Any, Any]) -> str:
    said = {k: row[k] for k in ("seq", "actor", "roles", "action", "patient_id", "outcome", "detail", "previous")}
    return hmac.new(key, canonical(said | {"at": stamp(row["at"])}), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Entry:
    """What an entry says; ``detail`` holds ids, codes and hashes, never a value about a patient."""

    who: Principal
    action: str
    patient: str | None = None
    outcome: str = "ok"
    detail: dict[Any, Any] = field(default_factory=dict)


class Trail:
    """Writes the trail inside the writer's transactions (their lock keeps the chain straight)."""

    def __init__(self, key: bytes):
        self._key = key

    def add(self, conn: Connection, now: datetime, who: Principal, action: str, *, patient: str | None = None,
            outcome: str = "ok", detail: Mapping[Any, Any] | None = None) -> str:  # fmt: skip
        """Append an entry; ``detail`` holds ids, codes and hashes, never a value about a patient. Returns its hash."""
        return self.add_all(conn, now, [Entry(who, action, patient, outcome, dict(detail or {}))])

    def add_all(self, conn: Connection, now: datetime, entries: Sequence["Entry"]) -> str:
        """Append entries (at least one), each chained to the one before. Returns the hash of the last."""
        last = conn.execute(_LAST).first()
        number, previous = (0, START) if last is None else (last.seq, last.hash)
        rows = []
        for e in entries:
            number += 1
            row: dict[str, Any] = {
                "seq": number, "at": now, "actor": e.who.subject[:200], "roles": " ".join(sorted(e.who.roles))[:200],
                "action": e.action, "patient_id": e.patient, "outcome": e.outcome, "detail": e.detail, "previous": previous,
            }  # fmt: skip
            previous = row["hash"] = _link(self._key, row)
            rows.append(row)
        conn.execute(_ADD, rows)
        return previous

    def verify(self, conn: Connection, expected: str | None = None) -> "Verdict":
        """Check every link, and every fact against the entry that recorded it.

        ``expected``: a hash noted earlier that must still be in the chain; without one, entries cut off at the end are only
        noticed through facts they recorded.
        """
        wrong: list[str] = []
        previous, number, seen_expected = START, 0, expected is None
        recorded: dict[str, str] = {}
        for row in conn.execution_options(yield_per=1000).execute(select(audit).order_by(audit.c.seq)).mappings():
            number += 1
            if row["seq"] != number:
                wrong.append(f"entry {number} is missing (found {row['seq']})")
                number = row["seq"]
            if row["previous"] != previous:
                wrong.append(f"entry {row['seq']} does not follow the one before it")
            if not hmac.compare_digest(_link(self._key, row), row["hash"]):
                wrong.append(f"entry {row['seq']} was changed, or the key is another one")
            previous = row["hash"]
            seen_expected = seen_expected or row["hash"] == expected
            recorded.update(row["detail"].get("facts", {}))
            if len(wrong) >= MOST_WRONG:
                break
        if not seen_expected:
            wrong.append("the hash that was noted is not in the chain: entries were removed or replaced")
        for row in conn.execution_options(yield_per=1000).execute(select(facts).order_by(facts.c.seq)).mappings():
            if len(wrong) >= MOST_WRONG:
                break
            if recorded.pop(row["id"], None) != row["hash"]:
                wrong.append(f"fact {row['id']} is not the one the trail recorded")
            elif fact_hash(row) != row["hash"]:
                wrong.append(f"fact {row['id']} was changed")
        wrong += [f"fact {id_} is missing" for id_ in recorded]
        wrong += _advice_wrong(conn) + _patients_wrong(conn)
        return Verdict(number, previous, tuple(wrong[:MOST_WRONG]))


def _advice_wrong(conn: Connection) -> list[str]:
    """Advice whose question or answer is not what the fact of its issue says."""
    wrong = []
    issued = {
        b["advice_id"]: b
        for (b,) in conn.execute(select(facts.c.body).where(facts.c.kind == "advice_issued").order_by(facts.c.seq))
    }
    for row in conn.execution_options(yield_per=100).execute(select(advice)).mappings():
        said = issued.pop(row["id"], None)
        if said is None:
            wrong.append(f"advice {row['id']} was never issued")
        elif (digest(row["answer"]), digest(row["inputs"])) != (said["answer_hash"], said["inputs_hash"]):
            wrong.append(f"advice {row['id']} was changed")
    return wrong + [f"advice {id_} is missing" for id_ in issued]


def _patients_wrong(conn: Connection) -> list[str]:
    """Patients whose ward or consent is not what the facts say: a way to widen access without touching a fact."""
    said: dict[str, dict[str, Any]] = {}
    kinds = ("patient_created", "transferred", "consent")
    found = conn.execute(
        select(facts.c.patient_id, facts.c.kind, facts.c.body).where(facts.c.kind.in_(kinds)).order_by(facts.c.seq)
    )
    for patient, kind, body in found:
        now = said.setdefault(patient, {"ward": "", "care_denied": False, "research_denied": False})
        if kind == "consent":
            now[f"{body['purpose']}_denied"] = body["decision"] == "deny"
        else:
            now["ward"] = body["ward"]
    wrong = []
    for row in conn.execute(select(patients)).mappings():
        expected = said.pop(row["id"], None)
        if expected is None or any(row[k] != v for k, v in expected.items()):
            wrong.append(f"the ward or consent of patient {row['id']} is not what the facts say")
    return wrong + [f"patient {id_} is missing" for id_ in said]


@dataclass(frozen=True)
class Verdict:
    """What a check of the trail found: entries, the last hash (note it elsewhere), and what is wrong."""

    entries: int
    head: str
    wrong: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True when every link and every fact holds."""
        return not self.wrong


def fact_hash(row: Mapping[Any, Any]) -> str:
    """Hash of everything a fact says and of who said it when."""
    said = {k: row[k] for k in ("id", "patient_id", "kind", "actor", "source_key", "body")}
    return digest(said | {"at": stamp(row["at"]), "recorded_at": stamp(row["recorded_at"])})
