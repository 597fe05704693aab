"""Keeping up with a FHIR server: ask what changed, take in the records of the patients concerned, write advice back.

The cursor is the newest ``meta.lastUpdated`` the server itself reported, so that clocks need not agree; each round overlaps the
last by a minute, which is harmless because taking in the same record twice stores nothing. After a restart everything is read
again.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.errors import InputError
from dosetwin.io.fhir_refs import split
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.fhir.backend import BackendToken
from dosetwin.serve.fhir.client import FhirClient, FhirError
from dosetwin.serve.fhir.given import given, is_drug, of_kind
from dosetwin.serve.fhir.ingest import Ingested, ingest
from dosetwin.serve.fhir.resources import bundle, issued_as
from dosetwin.serve.problems import Problem

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

KINDS = ("Observation", "MedicationAdministration", "Condition", "Procedure", "Consent")
"""Resources of a patient that are read."""
BESIDE = ("Specimen", "AllergyIntolerance")
"""Read as well, where the server has them and lets them be read: when a sample was drawn, and what forbids the drug."""
NOT_OFFERED = frozenset({400, 401, 403, 404, 405, 501})
"""How a server answers that has no such kind, or does not let it be read."""
OVERLAP = timedelta(minutes=1)


@dataclass(frozen=True)
class Server:
    """One FHIR server. ``token_env`` and ``secret_env`` name environment variables that hold the access token and the secret a
    subscription's notification must carry; ``token_file`` a file with the token instead, read for every request, so that whatever
    renews it only writes the file; ``client_id`` and ``key_env`` let the service fetch tokens by itself (``backend.py``);
    ``write_back`` whether issued advice is sent to it; ``everything`` whether a patient's record is asked for by the operation
    of that name; ``subscribe`` whether the service keeps its own Subscriptions there."""

    name: str
    base: str
    ward: str
    token_env: str = ""
    token_file: str = ""
    secret_env: str = ""
    every_s: float = 30.0
    write_back: bool = False
    client_id: str = ""
    key_env: str = ""
    token_url: str = ""
    scope: str = ""
    everything: bool = False
    subscribe: bool = False
    backend: BackendToken | None = field(default=None, repr=False, compare=False)

    def client(self) -> FhirClient:
        """A client with the current token."""
        return FhirClient(self.base, self._token, self.backend.forget if self.backend is not None else None)

    def _token(self) -> str | None:
        if self.backend is not None:
            return self.backend.current()
        if self.token_file:
            try:
                return Path(self.token_file).read_text(encoding="utf-8").strip() or None
            except OSError as error:
                raise FhirError(f"the file with the access token cannot be read ({type(error).__name__})") from None
        return os.environ.get(self.token_env) if self.token_env else None


@dataclass
class Round:
    """What one look at the server brought: patients taken in, those not usable (patient reference -> why), the next cursor."""

    taken: list[Ingested] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    passed_over: int = 0
    since: str | None = None


def servers(path: Path | None) -> tuple[Server, ...]:
    """The servers listed in a JSON file (a list of objects with the fields of Server). Raises InputError naming the entry."""
    if path is None:
        return ()
    try:
        listed = json.loads(Path(path).read_text(encoding="utf-8"))
        found = tuple(Server(**(entry | {"backend": None})) for entry in listed)
    except (OSError, ValueError, TypeError) as error:
        allowed = f"a JSON list of {{{', '.join(f.name for f in fields(Server) if f.name != 'backend')}}}"
        raise InputError(f"cannot be used: {error}", where="DOSETWIN_FHIR_SERVERS", allowed=allowed) from None
    if len({s.name for s in found}) < len(found):
        raise InputError("two servers of one name", where="DOSETWIN_FHIR_SERVERS", remedy="give each its own name")
    for s in found:
        if s.subscribe and not (s.secret_env and os.environ.get(s.secret_env)):
            raise InputError("to subscribe needs a secret that notifications carry", where="DOSETWIN_FHIR_SERVERS", value=s.name,
                             remedy="name an environment variable as secret_env and set it")  # fmt: skip
    return tuple(
        replace(s, backend=BackendToken.from_environment(s.base, s.client_id, s.key_env, s.token_url, s.scope))
        if s.client_id or s.key_env else s for s in found
    )  # fmt: skip


def look(
    service: "Service",
    server: Server,
    client: FhirClient,
    since: str | None,
    reject: Callable[[str, Mapping[str, Any], Problem], None] = lambda *_: None,
) -> Round:
    """Take in every patient with news since the cursor ``since`` (None: everything).

    A patient without the drug and unknown here is passed over. A record that cannot be used is handed to ``reject`` and
    named in the result, and the others go on. Raises FhirError when the server cannot be used; then the cursor stays.
    """
    newest, concerned = since, {}
    asked = _earlier(since)
    for kind in ("Patient", *KINDS, *BESIDE):
        changed = client.search(kind, {"_count": "200", **({"_lastUpdated": f"ge{asked}"} if asked else {})})
        for r in changed if kind not in BESIDE else beside(kind, changed):
            newest = _later(newest, (r.get("meta") or {}).get("lastUpdated"))
            reference = (
                f"Patient/{r.get('id')}" if kind == "Patient" else (r.get("subject") or r.get("patient") or {}).get("reference")
            )
            there, local = split(reference or "")
            if local.startswith("Patient/") and there in ("", split(f"{server.base.rstrip('/')}/{local}")[0]):
                concerned.setdefault(local, None)
    done = Round(since=newest)
    for reference in concerned:
        record = whole_record(client, reference, everything=server.everything)
        if not ours(service, server, record):
            done.passed_over += 1
            continue
        try:
            done.taken.append(ingest(service, THE_SERVICE, record, server=server.base, ward=server.ward, complete=True))
        except Problem as problem:
            done.refused[reference] = str(problem)
            reject(f"fhir:{server.name}", record, problem)
    return done


def whole_record(client: FhirClient, reference: str, *, everything: bool = False) -> dict[str, Any]:
    """Everything the server holds about a patient that a twin may use, as a collection bundle. Raises FhirError.

    ``everything``: by the operation of that name, where the server offers it.
    """
    if everything:
        try:
            kinds = {"Patient", "Medication", "OperationOutcome", *KINDS, *BESIDE}
            whole = [r for r in client.everything(reference) if r.get("resourceType") in kinds]
        except FhirError as error:
            if error.status not in NOT_OFFERED:
                raise
        else:
            if any(r["resourceType"] == "Patient" for r in whole):
                return {"resourceType": "Bundle", "type": "collection", "entry": entries_of(whole, client.base)}
    found = [client.read(reference)]
    for kind in KINDS:
        found += client.changed(kind, reference, None)
    for kind in BESIDE:
        found += beside(kind, client.changed(kind, reference, None))
    named = {split(r.get("medicationReference", {}).get("reference", ""))[1] for r in found}
    found += [client.read(name) for name in sorted(named) if name.startswith("Medication/")]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries_of(found, client.base)}


def beside(kind: str, found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A kind's resources beside the record; where the server does not offer them, what says so. Otherwise raises FhirError."""
    try:
        return list(found)
    except FhirError as error:
        if error.status not in NOT_OFFERED:
            raise
        return [unread(kind, f"the server answered {error.status}")]


def unread(kind: str, why: str) -> dict[str, Any]:
    """A warning in the place of resources that could not be had: the reader of the bundle tells it on."""
    said = {"severity": "warning", "code": "not-supported", "diagnostics": f"{kind}: not read here ({why})"}
    return {"resourceType": "OperationOutcome", "issue": [said]}


def entries_of(found: Iterable[Mapping[str, Any]], base: str) -> list[dict[str, Any]]:
    """Resources of one server as entries of a bundle: each with its address, so that another server's ids are told apart.

    ``base`` "": the server is not known, and neither are the addresses.
    """
    known = base.rstrip("/")
    return [{"resource": r} | ({"fullUrl": f"{known}/{r['resourceType']}/{r['id']}"} if known and r.get("id") else {})
            for r in found]  # fmt: skip


def write_back(service: "Service", client: FhirClient, advice: str, patient: str, who: Principal) -> dict[str, Any]:
    """Send one issued advice to the server as a transaction; returns the server's answer.

    ``patient`` is the FHIR reference there. Raises FhirError when it was refused (nothing is then half-written: a transaction).
    """
    with service.store.read() as conn:
        row = service.reach(who).advice(conn, advice)
    issued = issued_as(row, patient)
    answer = client.transaction(bundle(issued))
    service.audited(who, "fhir_write_back", patient=row["patient_id"], detail={"advice": advice})
    return answer


def ours(service: "Service", server: Server, record: Mapping[str, Any]) -> bool:
    """Whether the record is of a patient on a drug that is followed here: it was given (or the patient is known already)."""
    from sqlalchemy import select

    from dosetwin.serve.fhir.ingest import _prefix
    from dosetwin.serve.store.tables import facts

    try:
        if any(is_drug(drug, c) for c in given(record) for drug in service.installed.drugs):
            return True
    except (AttributeError, TypeError):
        return True  # malformed: the reader says where
    patient = next(iter(of_kind(record, "Patient")), {})
    key = f"{_prefix(server.base)}Patient/{patient.get('id', '')}"
    with service.store.read() as conn:
        return conn.execute(select(facts.c.id).where(facts.c.source_key == key)).first() is not None


def _later(a: str | None, b: str | None) -> str | None:
    if not a or not b:
        return a or b
    return max(a, b, key=datetime.fromisoformat)


def _earlier(since: str | None) -> str | None:
    return None if since is None else (datetime.fromisoformat(since) - OVERLAP).isoformat()
