"""Changing keys: everything sealed is opened with the old key and sealed with the new one."""

from sqlalchemy import Connection, select, update

from dosetwin.serve.crypto import Vault
from dosetwin.serve.store import patient_keys
from dosetwin.serve.store.store import Store
from dosetwin.serve.store.tables import identities
from dosetwin.serve.store.tables import patient_keys as keys

TOGETHER = 200


def rotate(store: Store, vault: Vault) -> int:
    """Wrap every patient's key with the current data key, and seal identities that an older program sealed with a data key with
    their patient's own; returns how many were. May be interrupted and run again.

    Refused messages keep the key they were sealed with (their table is append-only): keep old keys listed as long as you keep
    those messages.
    """
    done = 0
    for some in (_identities, _wrapped):
        while True:
            moved = store.write(lambda conn, some=some: some(conn, vault))
            done += moved
            if moved < TOGETHER:
                break
    return done


def _identities(conn: Connection, vault: Vault) -> int:
    rows = conn.execute(select(identities).where(identities.c.key_id != patient_keys.OWN).limit(TOGETHER)).mappings().all()
    for row in rows:
        vault.seals.require("identities", row)
        about = f"identity:{row['patient_id']}:{row['version']}"
        sealed = patient_keys.seal(conn, vault, row["patient_id"], vault.open(row["key_id"], row["sealed"], about), about)
        new = {"key_id": sealed.key_id, "sealed": sealed.body}
        conn.execute(
            update(identities)
            .where(identities.c.patient_id == row["patient_id"], identities.c.version == row["version"])
            .values(**new, seal=vault.seals.of("identities", {**row, **new}))
        )
    return len(rows)


def _wrapped(conn: Connection, vault: Vault) -> int:
    rows = conn.execute(select(keys).where(keys.c.key_id != vault.current).limit(TOGETHER)).mappings().all()
    for row in rows:
        new = patient_keys.wrapped(vault, row["patient_id"], patient_keys.unwrapped(vault, row))
        conn.execute(update(keys).where(keys.c.patient_id == row["patient_id"]).values(**new))
    return len(rows)
