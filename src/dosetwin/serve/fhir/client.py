"""A thin FHIR R4 client: search with paging, what changed since, transactions; bounded and patient with a busy server.

A page link that points to another origin is refused: the access token must not travel to a server nobody configured.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

MAX_PAGES = 1000
MAX_BYTES = 64 * 2**20
"""Largest single answer that is read."""
RETRIES = 3
BUSY = frozenset({429, 502, 503, 504})


_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def is_id(text: str) -> bool:
    """Whether a text is a FHIR id, which becomes a part of an address; dots alone would lead elsewhere on the server."""
    return _ID.fullmatch(text) is not None and text.strip(".") != ""


class FhirError(Exception):
    """The server could not be used: which request, what it answered, what to do. One line, without tokens or patient data.

    ``status``: the HTTP status it answered with, 0 where it gave none.
    """

    def __init__(self, said: str, status: int = 0):
        super().__init__(said)
        self.status = status


@dataclass
class FhirClient:
    """A server at ``base``. ``token`` returns the current access token or None; ``renew`` is called, once, where
    the server did not accept it; ``sleep`` waits between tries (s)."""

    base: str
    token: Callable[[], str | None] = lambda: None
    renew: Callable[[], None] | None = None
    timeout_s: float = 20.0
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    trust_env: bool = False

    def __post_init__(self) -> None:
        self.base = self.base.rstrip("/") + "/"
        scheme = urlsplit(self.base).scheme
        if scheme not in ("http", "https"):
            raise FhirError(f"the FHIR server's address must begin with https:// (or http:// on this machine), found {scheme!r}")
        self._http = httpx.Client(
            timeout=self.timeout_s, transport=self.transport, follow_redirects=False, trust_env=self.trust_env
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> "FhirClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, reference: str) -> dict[str, Any]:
        """One resource, by a reference such as ``Patient/12``. Raises FhirError."""
        return self._json("GET", self._inside(reference))

    def search(self, kind: str, parameters: Mapping[str, str | list[str]] | None = None) -> Iterator[dict[str, Any]]:
        """Every resource a search matches, page after page; of what the server says of its own answer, only warnings.

        Raises FhirError, also when the pages never end or go round in a circle, when the server says that it failed in part, or
        when it gave fewer matches than it counted: what is missing may be a dose.
        """
        url, first = urljoin(self.base, kind), dict(parameters or {})
        seen: set[str] = set()
        total, matches = 0, 0
        for _ in range(MAX_PAGES):
            page = self._json("GET", url, params=first or None)
            if page.get("resourceType") != "Bundle":
                raise FhirError(f"GET {kind}: a search must answer with a Bundle, found {page.get('resourceType')!r}")
            for entry in page.get("entry", ()):
                resource = entry.get("resource")
                if resource and resource.get("resourceType") == "OperationOutcome":
                    severities = {i.get("severity") for i in resource.get("issue", ())}
                    if severities & {"fatal", "error"}:
                        raise FhirError(f"GET {kind}: the server says that its answer failed in part; ask it again")
                    if "warning" in severities:
                        yield resource
                elif resource:
                    matches += (entry.get("search") or {}).get("mode") != "include"
                    yield resource
            said = page.get("total")
            total = max(total, said) if isinstance(said, int) else total
            following = next((x.get("url") for x in page.get("link", ()) if x.get("relation") == "next"), None)
            if not following:
                if matches < total:
                    raise FhirError(f"GET {kind}: the server counts {total} matches and gave {matches}; the rest is missing")
                return
            url, first = self._inside(following), {}
            if url in seen:
                raise FhirError(f"GET {kind}: the server's pages go round in a circle; stopped")
            seen.add(url)
        raise FhirError(f"GET {kind}: more than {MAX_PAGES} pages; narrow the search or raise the page size")

    def changed(self, kind: str, patient: str, since: str | None) -> Iterator[dict[str, Any]]:
        """A patient's resources of a kind, last updated at or after ``since`` (ISO 8601; None: all)."""
        id_ = patient.removeprefix("Patient/")
        parameters: dict[str, str | list[str]] = {"_id": id_} if kind == "Patient" else {"patient": f"Patient/{id_}"}
        if since:
            parameters["_lastUpdated"] = f"ge{since}"
        return self.search(kind, parameters)

    def everything(self, patient: str) -> Iterator[dict[str, Any]]:
        """What the server's ``$everything`` operation gives of a patient (``Patient/12``). Raises FhirError."""
        return self.search(f"{patient}/$everything", {"_count": "200"})

    def write(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Create a resource, or replace the one with its id. Raises FhirError."""
        kind, id_ = str(resource["resourceType"]), str(resource.get("id", ""))
        if id_ and not is_id(id_):
            raise FhirError(f"{kind}: the server gave an id that is none")
        url = urljoin(self.base, f"{kind}/{id_}" if id_ else kind)
        return self._json("PUT" if id_ else "POST", url, body=resource)

    def create_once(self, resource: Mapping[str, Any], unless: str) -> dict[str, Any]:
        """Create a resource ``unless`` (a search, ``identifier=system|value``) one is there: sent twice it stands there once.

        Raises FhirError.
        """
        return self._json("POST", urljoin(self.base, str(resource["resourceType"])), body=resource, unless=unless)

    def transaction(self, bundle: Mapping[str, Any]) -> dict[str, Any]:
        """Send a transaction Bundle; not sent again after a broken connection. Raises FhirError."""
        answer = self._json("POST", self.base, body=bundle)
        bad = [e.get("response", {}).get("status", "?") for e in answer.get("entry", ())
               if not str(e.get("response", {}).get("status", "")).startswith("2")]  # fmt: skip
        if bad:
            raise FhirError(f"POST transaction: {len(bad)} of {len(answer.get('entry', ()))} entries refused, first {bad[0]}")
        return answer

    def _inside(self, address: str) -> str:
        url = urljoin(self.base, address)
        ours, theirs = urlsplit(self.base), urlsplit(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise FhirError(f"a link leads away from the configured server to {theirs.scheme}://{theirs.netloc}; not followed")
        return url

    def _json(
        self, method: str, url: str, *, params: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None,
        unless: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        what = f"{method} {urlsplit(url).path}"
        renewed = self.renew is None
        for attempt in range(RETRIES + 1):
            headers = {"Accept": "application/fhir+json"}
            if token := self.token():
                headers["Authorization"] = f"Bearer {token}"
            if body is not None:
                headers["Content-Type"] = "application/fhir+json"
            if unless:
                headers["If-None-Exist"] = unless
            wait = 0.5 * 2**attempt
            try:
                with self._http.stream(method, url, params=params, json=body, headers=headers) as answer:
                    content = _bounded(answer, what)
                    status, asked = answer.status_code, answer.headers.get("Retry-After", "")
            except httpx.TransportError as error:
                if attempt < RETRIES and (method == "GET" or isinstance(error, httpx.ConnectError)):
                    self.sleep(wait)
                    continue
                raise FhirError(f"{what}: the server cannot be reached ({type(error).__name__})") from None
            if status in BUSY and attempt < RETRIES:
                self.sleep(min(float(asked), 30.0) if asked.isdigit() else wait)
                continue
            if status == 401 and not renewed and self.renew is not None:
                renewed = True
                self.renew()
                continue
            if status >= 300:
                raise FhirError(f"{what}: the server answered {status}{_diagnostics(content)}", status)
            try:
                parsed = httpx.Response(200, content=content).json()
            except ValueError:
                raise FhirError(f"{what}: the answer is not JSON") from None
            if not isinstance(parsed, dict):
                raise FhirError(f"{what}: the answer is not a FHIR resource")
            return parsed
        raise AssertionError("unreachable")


def _bounded(answer: httpx.Response, what: str) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > MAX_BYTES:
            raise FhirError(f"{what}: the answer is larger than {MAX_BYTES // 2**20} MiB; lower the page size")
        parts.append(part)
    return b"".join(parts)


def _diagnostics(content: bytes) -> str:
    """The code of an OperationOutcome; its text may hold patient data and stays out of messages and logs."""
    try:
        issue = httpx.Response(200, content=content).json()["issue"][0]
        return f" ({issue.get('severity', '')} {issue.get('code', '')})"
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""
