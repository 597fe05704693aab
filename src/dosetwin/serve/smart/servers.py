"""The EHRs that may launch the page: listed in a file, nobody else; what each says of itself, asked at every launch."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import ROLES
from dosetwin.serve.bounded import send
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.settings import secure as secure
from dosetwin.serve.smart.client_keys import Key, private_keys

TIMEOUT_S = 5.0
MAX_BYTES = 2**20
FIELDS = "iss, client_id, ward, roles, secret_env, key_env, other_wards, refresh_s"


@dataclass(frozen=True)
class SmartServer:
    """One EHR: ``iss`` its FHIR base address (the same text as in the list of FHIR servers, so that a record fetched both ways is
    one), ``client_id`` ours there, ``ward`` where its unknown patients are put, ``roles`` of everybody it launches for.

    ``secret_env`` names the environment variable with our secret, ``key_env`` the one with our private keys or with the path of
    the file that holds them (neither: a public client); ``other_wards`` these people also see. ``refresh_s``
    above 0: while the session lasts the record is fetched again so often, with a refresh token.
    """

    iss: str
    client_id: str
    ward: str
    roles: tuple[str, ...]
    secret_env: str = ""
    other_wards: tuple[str, ...] = ()
    key_env: str = ""
    refresh_s: float = 0.0
    keys: tuple[Key, ...] = field(default=(), repr=False, compare=False)

    @property
    def secret(self) -> str:
        """Our secret there, empty for a public client."""
        return os.environ.get(self.secret_env, "") if self.secret_env else ""


@dataclass(frozen=True)
class Endpoints:
    """What ``.well-known/smart-configuration`` says: where to go, and whose signature an ID token bears; ``algorithms`` that our
    own signature may have (empty: it does not say)."""

    issuer: str
    authorize: str
    token: str
    keys: str
    algorithms: tuple[str, ...] = ()


def listed(path: Path | None) -> tuple[SmartServer, ...]:
    """The EHRs of a JSON file. Raises InputError naming what is wrong with it."""
    if path is None:
        return ()
    where = "DOSETWIN_SMART_SERVERS"
    try:
        found = tuple(
            SmartServer(**(e | {"roles": tuple(e["roles"]), "other_wards": tuple(e.get("other_wards", ())), "keys": ()}))
            for e in json.loads(Path(path).read_text(encoding="utf-8"))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"cannot be used: {type(error).__name__}: {error}", where=where,
                         allowed=f"a JSON list of {{{FIELDS}}}") from None  # fmt: skip
    for s in found:
        if not secure(s.iss):
            raise InputError("an EHR must be reached by https", where=where, value=s.iss)
        if not s.roles or not set(s.roles) <= set(ROLES) - {"feed"}:
            raise InputError("roles not accepted", where=where, value=", ".join(s.roles), allowed=", ".join(ROLES[:-1]))
        if not s.client_id or not s.ward:
            raise InputError("an entry is incomplete", where=where, value=s.iss, allowed=FIELDS)
        if s.secret_env and not s.secret:
            raise InputError("the environment variable with the secret is not set", where=where, value=s.secret_env)
        if s.secret_env and s.key_env:
            raise InputError("a secret or a key, not both", where=where, value=s.iss)
    if len({s.iss.rstrip("/") for s in found}) < len(found):
        raise InputError("two entries for one EHR", where=where)
    return tuple(replace(s, keys=private_keys(s.key_env)) if s.key_env else s for s in found)


def chosen(servers: Sequence[SmartServer], iss: str) -> SmartServer:
    """The listed EHR; nothing is asked of any other. Raises Problem 403."""
    for s in servers:
        if s.iss.rstrip("/") == iss.rstrip("/"):
            return s
    raise Problem(403, "unknown_ehr", "this EHR is not among those that may open the page",
                  [wrong("launch", "iss", iss[:200], "an EHR of the list DOSETWIN_SMART_SERVERS names")])  # fmt: skip


def discover(server: SmartServer) -> Endpoints:
    """What the EHR says of itself now. Raises Problem 502 where it does not answer or lacks what a safe launch needs."""
    said = get(server.iss.rstrip("/") + "/.well-known/smart-configuration")
    needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    bad = [n for n in needed if not secure(said.get(n))]
    if bad:
        raise Problem(502, "ehr", "the EHR's smart-configuration lacks an https address",
                      [wrong("smart-configuration", n, None, "an https address") for n in bad])  # fmt: skip
    methods = said.get("code_challenge_methods_supported")
    if not isinstance(methods, list) or "S256" not in methods:
        raise Problem(502, "ehr", "the EHR does not offer PKCE with S256",
                      [wrong("smart-configuration", "code_challenge_methods_supported", None, "S256")])  # fmt: skip
    ways, algorithms = (_words(said, f"token_endpoint_auth_{n}_supported") for n in ("methods", "signing_alg_values"))
    if server.keys and ways and "private_key_jwt" not in ways:
        why = wrong("smart-configuration", "token_endpoint_auth_methods_supported", None, "private_key_jwt")
        raise Problem(502, "ehr", "the EHR does not take a signed assertion in place of a secret", [why])
    return Endpoints(*(said[n] for n in needed), algorithms=algorithms)


def _words(said: dict[str, Any], name: str) -> tuple[str, ...]:
    found = said.get(name)
    return tuple(w for w in found if isinstance(w, str)) if isinstance(found, list) else ()


def get(url: str) -> dict[str, Any]:
    """A JSON object from the EHR; redirects are not followed. Raises Problem 502."""
    try:
        answer = send("GET", url, most=MAX_BYTES, headers={"Accept": "application/json"}, timeout=TIMEOUT_S,
                      follow_redirects=False, trust_env=False)  # fmt: skip
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError):
        raise Problem(502, "ehr", f"the EHR does not answer at {urlsplit(url).path}") from None
    if not isinstance(found, dict):
        raise Problem(502, "ehr", f"the EHR answers with something else at {urlsplit(url).path}")
    return found
