"""The tables: facts, advice and audit are only ever added to; identities are sealed; all else is derived or short-lived."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

APPEND_ONLY = ("facts", "advice", "audit", "rejected")
"""Tables whose rows the database itself refuses to change or delete."""


def _seal() -> "Column[Any]":
    """The MAC of the row's content and place (``seals.py``); a row without one is not believed."""
    return Column("seal", String(64))


_Number = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite, which has no time zones, keeps it without and gets it back with."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """UTC on the way in; a moment without offset is an error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without its offset from UTC")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


facts = Table(
    "facts",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("patient_id", String(36), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("source_key", String(300), unique=True),
    Column("body", JSON, nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "patient_id", "seq"),
)
"""``at`` when it happened, ``recorded_at`` when it was learnt; ``source_key`` names the message it came from: once only."""

advice = Table(
    "advice",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("patient_id", String(36), nullable=False),
    Column("through_seq", _Number, nullable=False),
    Column("identity_version", Integer, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("asked_by", String(200), nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("answer_hash", String(64), nullable=False),
    Index(None, "patient_id", "asked_at"),
)
"""What was asked and answered: facts up to ``through_seq`` and ``inputs`` are all that a replay needs."""

audit = Table(
    "audit",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("roles", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("patient_id", String(36)),
    Column("outcome", String(16), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "patient_id"),
    Index(None, "at"),
)

rejected = Table(
    "rejected",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("source", String(64), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    _seal(),
    Index(None, "at"),
)
"""Messages that were not accepted, sealed (they may hold anything), with the reasons."""

patients = Table(
    "patients",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("ward", String(64), nullable=False, index=True),
    Column("head", _Number, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("care_denied", Boolean, nullable=False, default=False),
    Column("research_denied", Boolean, nullable=False, default=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("identity_version", Integer, nullable=False, server_default="1"),
    Column("arriving", Boolean, nullable=False, server_default=false()),
    Column("merged_into", String(36)),
    Column("merges", Integer),
    Column("erased_at", Moment),
    _seal(),
)
"""Derived from facts: where the patient lies, what was consented to, the number of the last fact, which identity holds.

``merged_into``: the record that this one was merged into; ``merges``: how many others were merged into this one (``merges.py``).
``erased_at``: when everything about the patient was erased (``erase.py``).
``arriving`` while a large record is being taken in, piece by piece: until it is whole nobody sees it.
"""

identities = Table(
    "identities",
    metadata,
    Column("patient_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    _seal(),
)
"""Name, record number and birth, encrypted. The one place that holds them; its rows are re-encrypted when keys are changed."""

patient_keys = Table(
    "patient_keys",
    metadata,
    Column("patient_id", String(36), primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
"""Each patient's own key, wrapped with a data key: no part of a backup, destroyed when the patient is erased."""

identity_index = Table(
    "identity_index",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("patient_id", String(36), nullable=False, index=True),
    _seal(),
)
"""Keyed digests of identifiers, so that a patient is found again by record number without storing it readable."""

twin_states = Table(
    "twin_states",
    metadata,
    Column("patient_id", String(36), ForeignKey("patients.id"), primary_key=True),
    Column("therapy", String(100), primary_key=True),
    Column("state_hash", String(64), nullable=False),
    Column("through_seq", _Number, nullable=False),
    Column("computed_at", Moment, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("answer", JSON),
    Column("answer_hash", String(64)),
    _seal(),
)
"""Derived and thrown away at will: the ward list's line and the current answer of each twin, by patient and therapy."""

twin_jobs = Table(
    "twin_jobs",
    metadata,
    Column("patient_id", String(36), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("taken_by", String(32)),
    Column("until", Moment),
)
"""Twins that are behind, and which process has taken which (``jobs.py``): derived, empty when nothing is behind."""

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("principal", JSON, nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    _seal(),
)

break_glass = Table(
    "break_glass",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("actor", String(200), nullable=False),
    Column("patient_id", String(36), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    _seal(),
    Index(None, "actor", "patient_id"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("filler", LargeBinary, nullable=False),
)
"""One row that is written anew to see whether anything can be."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", _Number, nullable=False),
    Column("hash", String(64), nullable=False),
    _seal(),
)
"""One row: how many entries the trail has and the hash of the last, sealed; an end cut off does not agree with it."""
