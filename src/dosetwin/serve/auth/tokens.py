"""Tokens of the hospital's identity provider, checked with its published keys: signature, issuer, audience, time."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import ROLES, Principal
from dosetwin.serve.bounded import send
from dosetwin.serve.clock import Clock
from dosetwin.serve.memory import Memory
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings, secure

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Asymmetric only: ``none`` and the HMAC family are refused whatever a token's header says."""
LEEWAY_S = 60
AGAIN_S = 60.0
"""Keys are asked for again at most this often, however many tokens name an unknown one."""
TIMEOUT_S = 5.0
CHECKED_FOR_S = 60.0
"""A token that was accepted is taken without checking its signature again for so long, never beyond its expiry."""
MOST_SEEN = 1000


class Provider:
    """The identity provider: its addresses and keys, asked for when first needed and again when a key is not known."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._asked = -AGAIN_S

    def metadata(self) -> dict[str, Any]:
        """What the provider says of itself. Raises Problem 503 where it does not answer."""
        if self._metadata is None:
            found = self._get(self._settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self._settings.oidc_issuer:
                raise Problem(503, "provider", "the identity provider names itself otherwise than DOSETWIN_OIDC_ISSUER")
            self._metadata = found
        return self._metadata

    def keys(self, *, again: bool = False) -> KeySet:
        """Public keys; ``again``: asks the provider anew, if that was not done just now."""
        with self._lock:
            if self._settings.oidc_jwks_file is not None:
                if self._keys is None:
                    self._keys = _key_set(json.loads(self._settings.oidc_jwks_file.read_text(encoding="utf-8")))
            elif self._keys is None or (again and time.monotonic() - self._asked >= AGAIN_S):
                if self._keys is None and time.monotonic() - self._asked < 1.0:
                    raise Problem(503, "provider", "the identity provider does not answer", headers={"Retry-After": "5"})
                self._asked = time.monotonic()
                where = self.metadata().get("jwks_uri")
                if not secure(where):
                    raise Problem(503, "provider", "the identity provider names no https address of its keys")
                self._keys = _key_set(self._get(str(where)))
            return self._keys

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = send("GET", url, timeout=TIMEOUT_S, follow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError):
            raise Problem(503, "provider", "the identity provider does not answer", headers={"Retry-After": "5"}) from None
        if not isinstance(found, dict):
            raise Problem(503, "provider", "the identity provider answers with something else")
        return found


def _key_set(data: Mapping[str, Any]) -> KeySet:
    keys = [k for k in data.get("keys", []) if isinstance(k, Mapping) and k.get("kty") != "oct" and k.get("use", "sig") == "sig"]
    if not keys:
        raise InputError("no public keys of the identity provider", where="DOSETWIN_OIDC_JWKS_FILE or the provider's jwks_uri")
    return KeySet.import_key_set({"keys": keys})  # pyright: ignore[reportArgumentType]


class Tokens:
    """Reads bearer tokens (access tokens that are JWTs) and the login's ID token."""

    def __init__(self, settings: Settings, clock: Clock):
        self._settings, self._clock = settings, clock
        self._seen = Memory(MOST_SEEN)
        self.provider = Provider(settings)

    def principal(self, token: str) -> Principal:
        """Whose bearer token it is. Raises Problem 401 for one that is not accepted."""
        found = self.remembered(token)
        if found is not None:
            return found
        if not self._settings.oidc_issuer:
            raise _refused("no identity provider is set up")
        claims = self.claims(token, audience=self._settings.oidc_audience or self._settings.oidc_client_id)
        if not _for_access(_header(token), claims, self._settings.oidc_access_typ):
            raise _refused("this is no access token")
        who = self.person(claims, "token")
        self._seen.put(_name(token), (who, float(claims["exp"]) + LEEWAY_S, time.monotonic() + CHECKED_FOR_S))
        return who

    def remembered(self, token: str) -> Principal | None:
        """Whose token it is, if it was checked within CHECKED_FOR_S and has not expired since; None: check it."""
        kept = self._seen.get(_name(token))
        if kept is None or time.monotonic() >= kept[2] or self._clock.now().timestamp() >= kept[1]:
            return None
        return kept[0]

    def claims(self, token: str, *, audience: str, nonce: str | None = None) -> dict[str, Any]:
        """The claims of a token that holds. Raises Problem 401."""
        try:
            try:
                decoded = jwt.decode(token, self.provider.keys(), algorithms=list(ALGORITHMS))
            except (JoseError, ValueError):
                decoded = jwt.decode(token, self.provider.keys(again=True), algorithms=list(ALGORITHMS))
            needed: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
            needed |= {
                "iss": {"essential": True, "value": self._settings.oidc_issuer},
                "aud": {"essential": True, "value": audience},
            }
            if nonce is not None:
                needed["nonce"] = {"essential": True, "value": nonce}
            rules = jwt.JWTClaimsRegistry(now=int(self._clock.now().timestamp()), leeway=LEEWAY_S, **needed)
            rules.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise _refused(f"the token is not accepted: {type(error).__name__}") from None
        return dict(decoded.claims)

    def person(self, claims: Mapping[str, Any], how: str) -> Principal:
        """Roles and wards as the provider says; a role nobody knows is dropped, without any nothing is allowed."""
        roles = frozenset(_words(claims, self._settings.oidc_roles_claim)) & frozenset(ROLES)
        wards = frozenset(w for w in _words(claims, self._settings.oidc_wards_claim) if len(w) <= 64)
        return Principal(f"oidc:{claims['sub']}"[:200], str(claims.get("name", ""))[:200], roles, wards, how)


ACCESS = ("at+jwt", "application/at+jwt")
ONLY_ID = ("nonce", "at_hash", "c_hash", "s_hash")
"""Claims that only ID tokens have: they say who logged in, to the client that asked, and open nothing."""


def _header(token: str) -> dict[str, Any]:
    """The header of a token whose signature was checked."""
    part = token.partition(".")[0]
    found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found if isinstance(found, dict) else {}


def is_access(token: str) -> bool:
    """Whether a token whose signature was checked calls itself an access token."""
    return str(_header(token).get("typ", "")).lower() in ACCESS


def _for_access(header: Mapping[str, Any], claims: Mapping[str, Any], needed: str) -> bool:
    """Whether a token is one to knock with: by RFC 9068 its type says so; without that, nothing says that it is an ID token.

    ``needed``: the type it must have, where the settings name one.
    """
    typ = str(header.get("typ", "")).lower()
    if needed:
        return typ in (needed.lower(), f"application/{needed.lower()}")
    if typ in ACCESS:
        return True
    said = str(claims.get("typ", claims.get("token_use", ""))).lower()
    return typ in ("", "jwt") and said not in ("id", "id_token", "refresh", "logout") and not any(n in claims for n in ONLY_ID)


def _name(token: str) -> bytes:
    """What a token is remembered by: not the token itself."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _words(claims: Mapping[str, Any], path: str) -> list[str]:
    """A list of words under a dotted path of claims (``realm_access.roles``), or one text with words between spaces."""
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return value.split()
    return [w for w in value if isinstance(w, str)] if isinstance(value, list) else []


def _refused(detail: str) -> Problem:
    return Problem(401, "token_not_accepted", detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
