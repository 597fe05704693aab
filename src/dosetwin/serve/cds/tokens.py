"""Who calls: the JWT of a CDS Hooks client is checked before anything of the request is read.

Only asymmetric signatures of listed issuers are accepted; ``none`` and the HMAC family never are, whatever the header says.
A token is good for one service URL, for minutes, and once.
"""

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "EdDSA")
LONGEST_S = 600.0
"""Longest life of a token (exp - iat); the specification speaks of minutes."""
LEEWAY_S = 60.0
"""Clocks may differ by that much."""


class Unauthorized(Exception):
    """The caller is not who may call; ``str`` says why without repeating the token."""


@dataclass
class Clients:
    """Trusted issuers and their public keys.

    ``keys``: issuer -> JWK set (``{"keys": [...]}``). ``check`` is safe to call from several threads.
    """

    keys: Mapping[str, Mapping[str, Any]]
    _seen: dict[tuple[str, str], float] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def check(self, authorization: str | None, *, audience: str, now: float) -> str:
        """The issuer of a valid ``Bearer`` token for ``audience`` at ``now`` (s since 1970).

        Raises Unauthorized: no token, unlisted issuer or key, wrong algorithm, signature, audience, time, or a token used before.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("a bearer token is needed")
        token = token.strip()
        try:
            decoded = jwt.decode(token, _key_for(token, self.keys), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise Unauthorized(f"the token is not valid: {type(error).__name__}") from None
        claims = decoded.claims
        for name in ("iss", "aud", "exp", "iat", "jti"):
            if claims.get(name) in (None, ""):
                raise Unauthorized(f"the token has no {name}")
        issuer, jti = str(claims["iss"]), str(claims["jti"])
        if issuer not in self.keys:
            raise Unauthorized("the issuer is not listed")
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if audience not in audiences:
            raise Unauthorized(f"the token is not for {audience}")
        exp, iat = claims["exp"], claims["iat"]
        if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in (exp, iat)):
            raise Unauthorized("exp and iat must be numbers")
        if exp < now - LEEWAY_S:
            raise Unauthorized("the token has expired")
        if iat > now + LEEWAY_S:
            raise Unauthorized("the token is from the future")
        if exp - iat > LONGEST_S:
            raise Unauthorized(f"the token lives longer than {LONGEST_S:g} s")
        with self._lock:
            for old in [k for k, until in self._seen.items() if until < now - LEEWAY_S]:
                del self._seen[old]
            if (issuer, jti) in self._seen:
                raise Unauthorized("the token was used before")
            self._seen[issuer, jti] = float(exp)
        return issuer


def _key_for(token: str, keys: Mapping[str, Mapping[str, Any]]) -> KeySet:
    """Looks into a token only to find which key must verify it; nothing else of it is believed."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a signed JWT")
    header, payload = (json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in parts[:2])
    if header.get("alg") not in ALGORITHMS:
        raise ValueError("algorithm not accepted")
    issuer = payload["iss"]
    if issuer not in keys:
        raise KeyError("issuer")
    chosen = [k for k in keys[issuer]["keys"] if k.get("kid") == header.get("kid") and k.get("kty") != "oct"]
    if header.get("kid") is None or not chosen:
        raise KeyError("kid")
    return KeySet.import_key_set({"keys": chosen})  # pyright: ignore[reportArgumentType]
