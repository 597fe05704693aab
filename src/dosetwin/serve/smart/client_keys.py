"""Our own keys towards EHRs: a signed assertion in place of a secret (SMART 2.2, client-confidential-asymmetric).

Private keys come from an environment variable, or from a file that it names; they are held in memory and shown nowhere. Of
several the first signs and all are published: a new one is put first, the old one stays until every EHR has seen the new set.
"""

import json
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from dosetwin.errors import InputError
from dosetwin.serve.problems import Problem, wrong

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LASTS_S = 240
"""SMART allows at most five minutes."""
ALLOWED = "a private key P-384 or RSA of at least 2048 bits, as PEM, JWK or JWK set, or the path of a file with it"
Key = ECKey | RSAKey


def algorithm(key: Key) -> str:
    """What a key signs with: one of the two that SMART's servers must know."""
    return "ES384" if isinstance(key, ECKey) else "RS384"


def private_keys(name: str) -> tuple[Key, ...]:
    """The keys in the environment variable ``name``, or in the file whose path it holds. Raises InputError, never with a key."""
    said = os.environ.get(name, "").strip()
    if not said:
        raise InputError("the environment variable with the key is not set", where=name, allowed=ALLOWED)
    text = said if said.startswith(("{", "-----BEGIN")) else _read(name, Path(said))
    try:
        if text.startswith("{"):
            found = json.loads(text)
            keys = [_from_jwk(k) for k in found.get("keys", [found])]
        else:
            keys = [_from_pem(text)]
    except (JoseError, ValueError, KeyError, TypeError):
        raise InputError("holds no key that can be used", where=name, allowed=ALLOWED) from None
    usable = [k for k in keys if k.is_private and (_bits(k) >= 2048 if isinstance(k, RSAKey) else k.curve_name == "P-384")]
    if not keys or len(usable) < len(keys):
        raise InputError("holds a key that cannot be used", where=name, allowed=ALLOWED)
    if len({k.kid for k in keys}) < len(keys):
        raise InputError("holds two keys of one name (kid)", where=name)
    return tuple(keys)


def _read(name: str, path: Path) -> str:
    try:
        if os.name != "nt" and path.stat().st_mode & 0o007:
            raise InputError("everybody on this machine can read the file with the key", where=name, remedy="chmod o-rwx")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise InputError(f"the file with the key cannot be read: {type(error).__name__}", where=name) from None


def _from_jwk(data: dict[str, Any]) -> Key:
    kind = {"EC": ECKey, "RSA": RSAKey}[data["kty"]]
    named = {k: v for k, v in data.items() if k not in ("use", "key_ops", "alg")}
    key = kind.import_key(named)
    return key if key.kid else kind.import_key({**named, "kid": key.thumbprint()})


def _from_pem(text: str) -> Key:
    for kind in (ECKey, RSAKey):
        try:
            key = kind.import_key(text)
            return kind.import_key({**key.as_dict(private=key.is_private), "kid": key.thumbprint()})
        except (JoseError, ValueError, TypeError):
            continue
    raise ValueError


def _bits(key: RSAKey) -> int:
    return key.raw_value.key_size


def published(keys: Iterable[Key]) -> dict[str, Any]:
    """The public halves as a JWK set."""
    out = {k.kid: {**k.as_dict(private=False), "use": "sig", "key_ops": ["verify"], "alg": algorithm(k)} for k in keys}
    return {"keys": list(out.values())}


def assertion(keys: Sequence[Key], client_id: str, token_url: str, accepted: Sequence[str], now: float) -> str:
    """A signed statement that we are ``client_id``, good once, at this address, for minutes.

    ``accepted``: algorithms the EHR says it takes (empty: it does not say). Raises Problem 502 where none of our keys fits.
    """
    key = next((k for k in keys if not accepted or algorithm(k) in accepted), None)
    if key is None:
        raise Problem(502, "ehr", "the EHR takes none of the algorithms our keys sign with",
                      [wrong("smart-configuration", "token_endpoint_auth_signing_alg_values_supported", None,
                             ", ".join(sorted({algorithm(k) for k in keys})))])  # fmt: skip
    alg = algorithm(key)
    said = {"iss": client_id, "sub": client_id, "aud": token_url, "iat": int(now), "exp": int(now) + LASTS_S,
            "jti": secrets.token_urlsafe(32)}  # fmt: skip
    return jwt.encode({"alg": alg, "kid": key.kid, "typ": "JWT"}, said, key, algorithms=[alg])
