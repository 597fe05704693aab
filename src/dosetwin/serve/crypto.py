"""Sealing of identifiers: AES-256-GCM with a key id, bound to the row it belongs to; keyed digests to find them again."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dosetwin.errors import InputError
from dosetwin.serve.store.seals import Seals


@dataclass(frozen=True)
class Sealed:
    """Encrypted bytes and the id of the key that opens them."""

    key_id: str
    body: bytes


class Vault:
    """Seals and opens with the keys it was given; the first one seals."""

    def __init__(self, keys: Mapping[str, bytes], index_key: bytes):
        if not keys:
            raise InputError("no key to seal identifiers with", where="DOSETWIN_DATA_KEYS")
        self._keys = dict(keys)
        self.current = next(iter(self._keys))
        self.seals = Seals(index_key)
        self._index_key = hmac.new(index_key, b"identifier index", hashlib.sha256).digest()

    def __repr__(self) -> str:
        return f"Vault(keys={list(self._keys)})"

    def seal(self, value: Any, about: str) -> Sealed:
        """JSON value to bytes; ``about`` (which row it is for) is authenticated: a ciphertext moved elsewhere does not open."""
        nonce = secrets.token_bytes(12)
        text = json.dumps(value, separators=(",", ":")).encode()
        return Sealed(self.current, nonce + AESGCM(self._keys[self.current]).encrypt(nonce, text, about.encode()))

    def seal_bytes(self, value: bytes, about: str) -> Sealed:
        """Bytes as they are."""
        nonce = secrets.token_bytes(12)
        return Sealed(self.current, nonce + AESGCM(self._keys[self.current]).encrypt(nonce, value, about.encode()))

    def open(self, key_id: str, body: bytes, about: str) -> Any:
        """The JSON value. Raises InputError for an unknown key id, or bytes that were changed or belong elsewhere."""
        return json.loads(self.open_bytes(key_id, body, about))

    def open_bytes(self, key_id: str, body: bytes, about: str) -> bytes:
        """The bytes. Raises InputError as ``open``."""
        key = self._keys.get(key_id)
        if key is None:
            raise InputError("sealed with a key that is not given", where="DOSETWIN_DATA_KEYS", value=key_id,
                             allowed=", ".join(self._keys))  # fmt: skip
        try:
            return AESGCM(key).decrypt(body[:12], body[12:], about.encode())
        except InvalidTag:
            raise InputError("sealed data was changed, or belongs to another row", where=about.split(":")[0]) from None

    def digest(self, system: str, value: str) -> str:
        """Keyed digest of an identifier: equal for equal identifiers, tells nothing without the key."""
        text = f"{system.strip()}|{value.strip()}".encode()
        return hmac.new(self._index_key, text, hashlib.sha256).hexdigest()
