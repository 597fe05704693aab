"""A key of each patient's own seals who that is; whoever destroys it has destroyed the identity wherever copies of it lie.

The keys are wrapped with the data keys in a table that is no part of a backup: they go into a file beside it (``FILE.keys``), of
which only the newest is kept. So an erasure reaches the backups made before it.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, select

from dosetwin.errors import InputError
from dosetwin.serve.crypto import Sealed, Vault
from dosetwin.serve.store.tables import patient_keys

OWN = "patient"
"""The key id of what is sealed with its patient's own key."""
_OF = select(patient_keys).where(patient_keys.c.patient_id == bindparam("of"))


def _about(patient: str) -> str:
    return f"patient key:{patient}"


def wrapped(vault: Vault, patient: str, key: bytes) -> dict[str, Any]:
    """The row of a patient's key, wrapped with the current data key."""
    sealed = vault.seal_bytes(key, _about(patient))
    return {"patient_id": patient, "key_id": sealed.key_id, "wrapped": sealed.body}


def unwrapped(vault: Vault, row: Mapping[Any, Any]) -> bytes:
    """A patient's key. Raises InputError for one that does not open."""
    return vault.open_bytes(row["key_id"], row["wrapped"], _about(row["patient_id"]))


def seal(conn: Connection, vault: Vault, patient: str, value: Any, about: str) -> Sealed:
    """JSON value to bytes under the patient's own key, which is made at the first use."""
    row = conn.execute(_OF, {"of": patient}).mappings().first()
    if row is None:
        key = secrets.token_bytes(32)
        conn.execute(patient_keys.insert(), wrapped(vault, patient, key))
    else:
        key = unwrapped(vault, row)
    nonce = secrets.token_bytes(12)
    return Sealed(OWN, nonce + AESGCM(key).encrypt(nonce, json.dumps(value, separators=(",", ":")).encode(), about.encode()))


def open_(conn: Connection, vault: Vault, identity: Mapping[Any, Any]) -> Any:
    """The JSON value of a row of ``identities``. Raises InputError where it does not open, or its key was destroyed."""
    about = f"identity:{identity['patient_id']}:{identity['version']}"
    if identity["key_id"] != OWN:
        return vault.open(identity["key_id"], identity["sealed"], about)
    row = conn.execute(_OF, {"of": identity["patient_id"]}).mappings().first()
    if row is None:
        raise InputError("the patient's key was destroyed", where="identity", remedy="it was erased; nothing opens it again")
    body = bytes(identity["sealed"])
    try:
        return json.loads(AESGCM(unwrapped(vault, row)).decrypt(body[:12], body[12:], about.encode()))
    except InvalidTag:
        raise InputError("sealed data was changed, or belongs to another row", where="identity") from None
