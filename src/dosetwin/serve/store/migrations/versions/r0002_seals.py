"""Seals: every row that decides whose, who or what gets one, the trail notes them, its head is kept sealed.

Rows as they are now are taken for good: run the older program's ``audit verify`` before upgrading. Sessions and derived states
are dropped instead: people log in again, twins are computed again.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from dosetwin.errors import InputError
from dosetwin.serve.audit import link
from dosetwin.serve.store.schema import append_only, changeable
from dosetwin.serve.store.seals import Seals
from dosetwin.serve.store.tables import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = {"patients": ("id",), "identities": ("patient_id", "version"), "identity_index": ("digest",), "break_glass": ("id",),
        "rejected": ("id",)}  # fmt: skip
SEALED: dict[str, dict[str, Any]] = {
    "patients": {"id": sa.String(), "ward": sa.String(), "created_at": Moment(), "synthetic": sa.Boolean(),
                 "care_denied": sa.Boolean(), "research_denied": sa.Boolean(), "active": sa.Boolean(),
                 "identity_version": sa.Integer(), "arriving": sa.Boolean()},
    "identities": {"patient_id": sa.String(), "version": sa.Integer(), "key_id": sa.String(), "sealed": sa.LargeBinary(),
                   "recorded_at": Moment()},
    "identity_index": {"digest": sa.String(), "patient_id": sa.String()},
    "break_glass": {"id": sa.String(), "actor": sa.String(), "patient_id": sa.String(), "reason": sa.Text(), "at": Moment(),
                    "expires_at": Moment()},
    "rejected": {"id": sa.String(), "at": Moment(), "source": sa.String(), "actor": sa.String(), "reasons": sa.JSON(),
                 "key_id": sa.String(), "body": sa.LargeBinary()},
}  # fmt: skip
TRAILED = ("patients", "identity_index", "break_glass", "rejected")
TOGETHER = 500
AUDIT = sa.table("audit", sa.column("seq", NUMBER), sa.column("at", Moment()), sa.column("detail", sa.JSON()),
                 *(sa.column(n, sa.String()) for n in ("actor", "roles", "action", "patient_id", "outcome", "previous",
                                                       "hash")))  # fmt: skip


def upgrade() -> None:
    """Add the columns and the head, and seal what is there. Raises InputError where the key is not given."""
    conn = op.get_bind()
    for name in (*SEALED, "sessions", "twin_states"):
        op.add_column(name, sa.Column("seal", sa.String(length=64), nullable=True))
    op.add_column("twin_states", sa.Column("answer_hash", sa.String(length=64), nullable=True))
    op.add_column("patients", sa.Column("identity_version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("patients", sa.Column("arriving", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", NUMBER, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filler", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
    )
    op.execute("DELETE FROM sessions")
    op.execute("DELETE FROM twin_states")
    op.execute(
        "UPDATE patients SET identity_version = COALESCE((SELECT MAX(version) FROM identities WHERE patient_id = patients.id), 1)"
    )
    last = conn.execute(sa.select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
    filled = last is not None or conn.execute(sa.text("SELECT 1 FROM patients LIMIT 1")).first() is not None
    if not filled:
        return
    key: bytes = context.config.attributes.get("seal_key") or b""
    if not key:
        raise InputError("the audit key is needed to seal the rows that are there", where="DOSETWIN_AUDIT_KEY")
    changeable(op, "rejected")
    noted = _seal(conn, Seals(key))
    append_only(op, "rejected")
    _note(conn, key, last, noted)


def _seal(conn: sa.Connection, seals: Seals) -> dict[str, str]:
    """Seal every row; returns what the trail is to note."""
    noted: dict[str, str] = {}
    for name, columns in SEALED.items():
        table = sa.table(name, *(sa.column(c, kind) for c, kind in columns.items()), sa.column("seal", sa.String()))
        keys = KEYS[name]
        put = sa.update(table).where(*(table.c[k] == sa.bindparam(f"k_{k}") for k in keys)).values(seal=sa.bindparam("new"))
        changes = []
        for row in conn.execute(sa.select(table)).mappings().all():
            mac = seals.mac(name, {c: row[c] for c in columns})
            changes.append({f"k_{k}": row[k] for k in keys} | {"new": mac})
            if name in TRAILED:
                noted[":".join((name, *(str(row[k]) for k in keys)))] = mac
        if changes:
            conn.execute(put, changes)
    return noted


def _note(conn: sa.Connection, key: bytes, last: Any, noted: dict[str, str]) -> None:
    """Entries with the seals, at the end of the chain, and its sealed head."""
    number, previous = (0, "0" * 64) if last is None else (last.seq, last.hash)
    names = sorted(noted)
    for start in range(0, max(len(names), 1), TOGETHER):
        number += 1
        detail = {"sealed": {n: noted[n] for n in names[start : start + TOGETHER]}}
        row = {"seq": number, "at": datetime.now(UTC), "actor": "dosetwin", "roles": "", "action": "seal_rows",
               "patient_id": None, "outcome": "ok", "detail": detail, "previous": previous}  # fmt: skip
        previous = row["hash"] = link(key, row)
        conn.execute(AUDIT.insert(), row)
    said = {"id": 1, "entries": number, "hash": previous}
    conn.execute(sa.text("INSERT INTO audit_head (id, entries, hash, seal) VALUES (:id, :entries, :hash, :seal)"),
                 said | {"seal": Seals(key).mac("audit_head", said)})  # fmt: skip
