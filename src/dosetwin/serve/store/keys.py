"""Changing keys: everything sealed is opened with the old key and sealed with the new one."""

from sqlalchemy import Connection, select, update

from dosetwin.serve.crypto import Vault
from dosetwin.serve.store.store import Store
from dosetwin.serve.store.tables import identities

TOGETHER = 200


def rotate(store: Store, vault: Vault) -> int:
    """Seal every identity with the current key; returns how many were. May be interrupted and run again.

    Refused messages keep the key they were sealed with (their table is append-only): keep old keys listed as long as you keep
    those messages.
    """
    done = 0
    while True:
        moved = store.write(lambda conn: _some(conn, vault))
        done += moved
        if moved < TOGETHER:
            return done


def _some(conn: Connection, vault: Vault) -> int:
    rows = conn.execute(select(identities).where(identities.c.key_id != vault.current).limit(TOGETHER)).mappings().all()
    for row in rows:
        vault.seals.require("identities", row)
        about = f"identity:{row['patient_id']}:{row['version']}"
        sealed = vault.seal(vault.open(row["key_id"], row["sealed"], about), about)
        new = {"key_id": sealed.key_id, "sealed": sealed.body}
        conn.execute(
            update(identities)
            .where(identities.c.patient_id == row["patient_id"], identities.c.version == row["version"])
            .values(**new, seal=vault.seals.of("identities", {**row, **new}))
        )
    return len(rows)
