"""SMART Backend Services: our own access token for a FHIR server, fetched with a signed assertion and kept until it ends.

What the token endpoint answers beyond a bearer token is never shown or logged. A server that says 401 is asked with a new token,
once.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from dosetwin.errors import InputError
from dosetwin.serve.bounded import send
from dosetwin.serve.fhir.client import FhirError
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import secure
from dosetwin.serve.smart.client_keys import ASSERTION, Key, assertion, private_keys

SCOPE = "system/*.rs"
EARLY_S, LEAST_S, USUAL_S, LONGEST_S = 30.0, 5.0, 300.0, 86_400.0
"""A token is fetched anew so long before it ends; one that says no length, or one beyond ``LONGEST_S``, is kept ``USUAL_S``."""
TIMEOUT_S = 10.0


@dataclass
class BackendToken:
    """Access tokens for ``client_id``. ``token_url`` "": as the server's smart-configuration says. Any thread may use it."""

    base: str
    client_id: str
    keys: tuple[Key, ...] = field(repr=False)
    token_url: str = ""
    scope: str = SCOPE
    clock: Callable[[], float] = time.time
    transport: httpx.BaseTransport | None = None
    _token: str | None = field(default=None, repr=False)
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def from_environment(cls, base: str, client_id: str, key_env: str, token_url: str, scope: str) -> "BackendToken":
        """With the keys that the environment variable ``key_env`` holds or names. Raises InputError."""
        if not client_id or not key_env:
            raise InputError("client_id and key_env go together", where="DOSETWIN_FHIR_SERVERS", value=base)
        if token_url and not secure(token_url):
            raise InputError("the token endpoint must be reached by https", where="DOSETWIN_FHIR_SERVERS", value=token_url)
        return cls(base, client_id, private_keys(key_env), token_url, scope or SCOPE)

    def current(self) -> str:
        """The token in force. Raises FhirError where none can be had."""
        with self._lock:
            if self._token is None or self.clock() >= self._until:
                self._token, lasts = self._fetch()
                self._until = self.clock() + max(lasts - EARLY_S, LEAST_S)
            return self._token

    def forget(self) -> None:
        """The server did not accept the token: the next one is fetched."""
        with self._lock:
            self._token = None

    def _fetch(self) -> tuple[str, float]:
        with httpx.Client(timeout=TIMEOUT_S, transport=self.transport, follow_redirects=False, trust_env=False) as http:
            url, algorithms = self.token_url, ()
            if not url:
                try:
                    configuration = send("GET", f"{self.base.rstrip('/')}/.well-known/smart-configuration", client=http)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise FhirError(f"the smart-configuration cannot be reached ({type(error).__name__})") from None
                found = self._json(configuration, "smart-configuration")
                url = str(found.get("token_endpoint", ""))
                named = found.get("token_endpoint_auth_signing_alg_values_supported")
                algorithms = tuple(a for a in named if isinstance(a, str)) if isinstance(named, list) else ()
                if not secure(url):
                    raise FhirError("the server's smart-configuration names no token endpoint by https")
            try:
                signed = assertion(self.keys, self.client_id, url, algorithms, self.clock())
            except Problem as problem:
                raise FhirError(problem.detail) from None
            form = {"grant_type": "client_credentials", "scope": self.scope, "client_assertion_type": ASSERTION,
                    "client_assertion": signed}  # fmt: skip
            try:
                answer = send("POST", url, client=http, data=form, headers={"Accept": "application/json"})
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise FhirError(f"the token endpoint cannot be reached ({type(error).__name__})") from None
        said = self._json(answer, f"token endpoint {urlsplit(url).path}")
        token, lasts = said.get("access_token"), said.get("expires_in", USUAL_S)
        if not isinstance(token, str) or not token or str(said.get("token_type", "")).lower() != "bearer":
            raise FhirError("the token endpoint gave no bearer token")
        told = isinstance(lasts, int | float) and not isinstance(lasts, bool) and 0 < lasts <= LONGEST_S
        return token, float(lasts) if told else USUAL_S

    def _json(self, answer: httpx.Response, what: str) -> dict:
        if answer.status_code != 200:
            code = ""
            with suppress(ValueError, AttributeError):
                code = str(answer.json().get("error", ""))[:40]
            known = code if code in ("invalid_client", "invalid_grant", "invalid_scope", "invalid_request") else ""
            raise FhirError(f"{what}: answered {answer.status_code}{f' ({known})' if known else ''}", answer.status_code)
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise FhirError(f"{what}: the answer is not a JSON object")
        return said
