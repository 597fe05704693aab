"""Erasing a patient: who it is, what was measured and given, advice and refused messages go; the trail still holds.

What stays: that there was a record, how many facts it had and their hashes, who did what when. The key that sealed the identity
is destroyed, so copies in older backups cannot be opened (``patient_keys.py``). The audit trail says what was erased, by whom and
why, and ``audit verify`` accepts emptied facts of an erased patient, and of nobody else.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, text, update

from dosetwin.errors import InputError
from dosetwin.serve.audit import Trail
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.crypto import Vault
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.merges import absorbed
from dosetwin.serve.store.patient_keys import open_
from dosetwin.serve.store.schema import append_only, changeable
from dosetwin.serve.store.tables import (
    advice,
    break_glass,
    facts,
    identities,
    identity_index,
    patient_keys,
    patients,
    rejected,
    twin_jobs,
    twin_states,
)

ACTION = "erase"
EMPTY = {"erased": True}
"""The body of a fact whose content is gone."""


@dataclass(frozen=True)
class Erased:
    """What went: numbers of facts, advices, identities and refused messages."""

    patient_id: str
    facts: int
    advice: int
    identities: int
    refused: int


@dataclass(frozen=True)
class _On:
    """A connection in the place of Alembic's operations, as far as guards need them."""

    conn: Connection

    def get_bind(self) -> Connection:
        return self.conn

    def execute(self, said: str) -> None:
        self.conn.execute(text(said))


def erase(
    conn: Connection, vault: Vault, trail: Trail, who: Principal, patient: str, reason: str, now: datetime, *,
    remember: bool = True,
) -> list[Erased]:  # fmt: skip
    """Erase a patient's record, and those that were merged into it, in the writer's transaction.

    ``remember``: keep keyed digests of the numbers and of where the record came from, which lead to nobody and tell nothing
    without the key: a feed that still sends this person is refused (``refuse_erased``). A person here may begin a record anew.

    Raises Problem 404 for nobody on record, 409 for a record that is part of another one, or was erased before.
    """
    row = conn.execute(select(patients).where(patients.c.id == patient)).mappings().first()
    if row is None:
        raise Problem(404, "not_found", "no such patient", [wrong("patient", "id", patient, "the id of a patient on record")])
    if row["merged_into"] is not None or row["erased_at"] is not None:
        why = "it was erased before" if row["erased_at"] is not None else "it is part of another record: erase that one"
        raise Problem(409, "erased" if row["erased_at"] is not None else "merged", why)
    on = _On(conn)
    for table in ("facts", "advice", "rejected"):
        changeable(on, table)
    try:
        return [_one(conn, vault, trail, who, id_, reason, now, remember) for id_ in (patient, *absorbed(conn, patient))]
    finally:
        for table in ("facts", "advice", "rejected"):
            append_only(on, table)


def _one(
    conn: Connection, vault: Vault, trail: Trail, who: Principal, patient: str, reason: str, now: datetime, remember: bool
) -> Erased:
    row = dict(conn.execute(select(patients).where(patients.c.id == patient)).mappings().one())
    vault.seals.require("patients", row)
    sealed: dict[str, str | None] = {}
    refused = _refused(conn, vault, patient, sealed)
    tombstones = _tombstones(conn, vault, patient) if remember else set()
    mine = facts.c.patient_id == patient
    emptied = list(conn.execute(select(facts.c.id).where(mine)).scalars())
    conn.execute(update(facts).where(mine).values(body=EMPTY, at=facts.c.recorded_at, source_key=None))
    advised = conn.execute(update(advice).where(advice.c.patient_id == patient).values(inputs=EMPTY, answer=EMPTY)).rowcount
    for digest in conn.execute(select(identity_index.c.digest).where(identity_index.c.patient_id == patient)).scalars():
        sealed[f"identity_index:{digest}"] = None
    for id_ in conn.execute(select(break_glass.c.id).where(break_glass.c.patient_id == patient)).scalars():
        sealed[f"break_glass:{id_}"] = None
    gone = conn.execute(delete(identities).where(identities.c.patient_id == patient)).rowcount
    for table in (identity_index, break_glass, patient_keys, twin_states, twin_jobs):
        conn.execute(delete(table).where(table.c.patient_id == patient))
    for stone in sorted(tombstones):
        row_ = vault.seals.sealed("identity_index", digest=stone, patient_id=patient)
        conn.execute(delete(identity_index).where(identity_index.c.digest == stone))  # erased, begun anew, erased again
        conn.execute(identity_index.insert(), [row_])
        sealed[f"identity_index:{stone}"] = row_["seal"]
    change: dict[str, Any] = {"active": False, "identity_version": 0, "erased_at": now}
    seal = vault.seals.of("patients", row | change)
    conn.execute(update(patients).where(patients.c.id == patient).values(**change, seal=seal))
    sealed[f"patients:{patient}"] = seal
    trail.add(conn, now, who, ACTION, patient=patient, detail={"reason": reason, "emptied": emptied, "advice": advised,
                                                               "sealed": sealed})  # fmt: skip
    return Erased(patient, len(emptied), advised, gone, refused)


OF_ERASED = "erased "
"""What the digests of the erased begin with, before they are keyed: they never lead anybody to a record."""


def _tombstones(conn: Connection, vault: Vault, patient: str) -> set[str]:
    """Digests by which the numbers, and the source of the record, of somebody who is erased are known again."""
    out = set()
    for row in conn.execute(select(identities).where(identities.c.patient_id == patient)).mappings():
        try:
            person = open_(conn, vault, row)
        except InputError:  # its key is gone already
            continue
        out |= {vault.digest(OF_ERASED + system, value) for system, value in person.get("identifiers", {}).items()}
    begun = select(facts.c.source_key).where(facts.c.patient_id == patient, facts.c.kind == "patient_created")
    return out | {vault.digest(OF_ERASED + "source", key) for key in conn.execute(begun).scalars() if key}


def refuse_erased(conn: Connection, vault: Vault, identifiers: Mapping[str, str], source_key: str = "") -> None:
    """Raise Problem 410 where a feed brings somebody whose record was erased on request and who was not begun anew here."""
    known = {vault.digest(OF_ERASED + system, value) for system, value in identifiers.items()}
    known |= {vault.digest(OF_ERASED + "source", source_key)} if source_key else set()
    row = conn.execute(select(identity_index).where(identity_index.c.digest.in_(sorted(known)))).mappings().first()
    if row is not None:
        vault.seals.require("identity_index", dict(row))
        why = "this person was erased: stop the sender, or begin a record by hand where the person is treated again"
        raise Problem(410, "erased", "the record of this person was erased on request; nothing of it is taken in again",
                      [wrong("Patient", "identifier", None, "a record that somebody here begins anew", why)])  # fmt: skip


def _refused(conn: Connection, vault: Vault, patient: str, sealed: dict[str, str | None]) -> int:
    """Delete refused messages that name one of the patient's numbers, or the name."""
    needles, short = set[str](), set[str]()
    for row in conn.execute(select(identities).where(identities.c.patient_id == patient)).mappings():
        try:
            person = open_(conn, vault, row)
        except InputError:  # its key is gone already: erased in the database this backup is of
            continue
        first, _, last = person.get("name", "").strip().rpartition(" ")
        backwards = [f"{last}{sign}{first}" for sign in ("^", ", ", ",", " ")] if first else []
        for value in (*person.get("identifiers", {}).values(), person.get("name", ""), *backwards):
            if len(value.strip()) >= SHORT:
                needles |= _written(value.strip())
            elif value.strip():
                short.add(value.strip().lower())
    gone = 0
    for row in conn.execute(select(rejected)).mappings().all():
        said = _text(vault.open_bytes(row["key_id"], row["body"], f"rejected:{row['id']}")) if needles or short else ""
        if any(n in said for n in needles) or any(_names(said, n) for n in short):
            conn.execute(delete(rejected).where(rejected.c.id == row["id"]))
            sealed[f"rejected:{row['id']}"] = None
            gone += 1
    return gone


SHORT = 4
"""A name or number of fewer letters is in every message: it counts only where a message names a person."""
_PERSON = re.compile(r"^(?:pid|mrg|nk1)\|.*$", re.MULTILINE)


def _names(said: str, short: str) -> bool:
    """Whether a message (in small letters) has a short name or number as a whole field: of an HL7 segment about a person, or as
    a value of JSON."""
    fields = (x.strip() for line in _PERSON.findall(said.replace("\r", "\n")) for x in re.split(r"[|^~&]", line))
    return short in fields or re.search(rf"[:\[,]\s*{re.escape(json.dumps(short))}", said) is not None


def _written(text: str) -> set[str]:
    """A text in small letters as messages may write it: plain, or escaped JSON."""
    return {text.lower(), json.dumps(text)[1:-1].lower(), json.dumps(text.lower())[1:-1]}


def _text(body: bytes) -> str:
    """A message in small letters: UTF-8, else ISO 8859-1."""
    try:
        return body.decode().lower()
    except UnicodeDecodeError:
        return body.decode("latin-1").lower()
