"""Body of ``dosetwin fhir import``: bundles and bulk files into the store, patient by patient, those not usable said and kept."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dosetwin.errors import InputError, one_line
from dosetwin.io.text import parse_json
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.clock import WallClock
from dosetwin.serve.fhir.bulk import patients
from dosetwin.serve.fhir.ingest import ingest
from dosetwin.serve.fhir.sync import Server, ours
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import Code

OK, REFUSED = 0, 2


def run(
    files: Sequence[Path], *, ward: str, server: str = "import", as_json: bool = False, settings: Settings | None = None
) -> int:
    """Store what the files say; exit code 2 when a patient was refused or a line could not be read.

    ``server`` names where the resources live: the same name must be given again for the same source, so that nothing is stored
    twice. A patient without the drug, not known here, is passed over. Raises InputError for files that cannot be opened.
    """
    try:
        TypeAdapter(Code).validate_python(ward)
    except ValidationError:
        raise InputError(
            "not the name of a ward", where="--ward", value=ward, allowed="letters, digits, space . _ : / -"
        ) from None
    bundles, remarks = _bundles(files)
    service = Service.open(settings or Settings.from_environment(), WallClock())
    lines: list[dict[str, Any]] = []
    try:
        for name, bundle in bundles.items():
            lines.append(_one(service, name, bundle, server, ward))
    finally:
        service.close()
    refused = [x for x in lines if x["done"] == "refused"]
    if as_json:
        sys.stdout.write(json.dumps({"patients": lines, "remarks": remarks}, indent=1) + "\n")
    else:
        _tell(lines, remarks)
    return REFUSED if refused or remarks else OK


def _one(service: Service, name: str, bundle: Mapping[str, Any], server: str, ward: str) -> dict[str, Any]:
    try:
        if not ours(service, Server(server, server, ward), bundle):
            return {"patient": name, "done": "passed over", "why": [f"no {' or '.join(service.installed.drugs)} in the record"]}
        done = ingest(service, THE_SERVICE, bundle, server=server, ward=ward)
    except Problem as problem:
        reasons = problem.errors or [wrong(name, "", None, "", problem.detail)]
        kept = service.reject(THE_SERVICE, f"import:{server}", json.dumps(bundle).encode(), reasons)
        why = [f"{r['resource']} {r['field']}: {r['message']}; expected {r['expected']}" for r in reasons]
        return {"patient": name, "done": "refused", "why": [one_line(w) for w in why], "rejected_id": kept}
    counts = {k: v for k, v in done.to_json().items() if k != "findings"}
    return {"patient": name, "done": "stored", **counts, "why": [one_line(str(f)) for f in done.findings if f.severity != "info"]}


def _bundles(files: Sequence[Path]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Bundle by name, and what of the files cannot be read."""
    for f in files:
        if not f.is_file():
            raise InputError("no such file", where=str(f))
        if f.suffix not in (".json", ".ndjson"):
            raise InputError(
                "not a kind of file that is read", where=str(f), allowed=".ndjson (one resource a line), .json (a bundle)"
            )
    bundles: dict[str, dict[str, Any]] = {}
    remarks: list[str] = []
    for f in (f for f in files if f.suffix == ".json"):
        try:
            found = parse_json(f.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError("not a bundle")
        except (ValueError, RecursionError) as error:
            remarks.append(one_line(f"{f.name}: cannot be read: {error}"))
            continue
        bundles[f.name] = found
    bulk, findings = patients(f for f in files if f.suffix == ".ndjson")
    return bundles | bulk, remarks + [one_line(str(f)) for f in findings]


def _tell(lines: Iterable[Mapping[str, Any]], remarks: Iterable[str]) -> None:
    for remark in remarks:
        sys.stderr.write(f"dosetwin: {remark}\n")
    counts: dict[str, int] = {}
    for x in lines:
        counts[x["done"]] = counts.get(x["done"], 0) + 1
        if x["done"] == "stored":
            said = ", ".join(f"{x[k]} {k}" for k in ("new", "known", "corrected") if x[k]) or "nothing new"
            sys.stdout.write(f"{x['patient']}: stored as {x['patient_id']} ({said})\n")
        else:
            sys.stdout.write(f"{x['patient']}: {x['done']}\n")
        for why in x["why"]:
            sys.stdout.write(f"  {why}\n")
        if "rejected_id" in x:
            sys.stdout.write(f"  kept as {x['rejected_id']}\n")
    total = ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or "no patients found"
    sys.stdout.write(f"{total}\n")
