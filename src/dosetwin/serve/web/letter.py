"""What a letter about a patient says, from top to bottom, and the letter as a FHIR document."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dosetwin.report.narrative import NOT_A_DEVICE
from dosetwin.serve.web.first import main_doubt
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.serve.store.facts import Person

REASONS = 7


def lines_of(p: Mapping[str, Any], since: Mapping[str, Any] | None, answered: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(style, text) of what the letter says: ``big``, ``bold``, ``text`` or ``small``, from top to bottom."""
    first = p["first"]
    sure = f": {first['chance']['text']}, {first['chance']['words']}" if first["chance"] else ""
    out: list[tuple[str, str]] = [("bold", p["title"] + sure)]
    out += [("big", p["hold"][0] if p["hold"] else p["headline"])]
    out += [("bold", text) for text in first["give"]]
    out += [("text", text) for text in p["hold"][1:]]
    if first["times"]:
        out.append(("text", "Next doses: " + ";  ".join(f"{t['at']} ({t['amount']})" for t in first["times"])))
    elif p["regimen"]:
        out.append(("text", f"{p['said']['begins']}: {p['regimen']['first_at_text']}"))
    if p["sample"] and p["sample"]["worth"]:
        out.append(("text", f"Next {p['sampled']}: {p['sample']['day']}, {p['sample']['brief']}"))
    out.append(("bold", f"Main doubt: {main_doubt(p)['text']}"))
    if since is not None:
        out.append(("text", f"{since['text']} {since['why']}"))
    if answered is not None:
        out.append(("bold", f"Decided: {answered['text']} by {answered['by']}, {answered['at']}. {answered['reason']}".strip()))
    out += [("small", f"- {r['text']}") for r in p["why"][:REASONS]]
    return out


def document(id_: str, patient: str, made: bytes, at: datetime, by: str) -> dict[str, Any]:
    """The letter as a FHIR R4 DocumentReference; ``at`` when it was made, ``by`` whose page it was."""
    return {
        "resourceType": "DocumentReference", "id": id_, "status": "current", "docStatus": "preliminary",
        "type": {"text": "Dosing advice"}, "subject": {"reference": f"Patient/{patient}"},
        "date": at.isoformat(), "author": [{"display": by}], "description": NOT_A_DEVICE,
        "content": [{"attachment": {
            "contentType": "application/pdf", "language": "en", "data": base64.b64encode(made).decode(), "size": len(made),
            "hash": base64.b64encode(hashlib.sha1(made, usedforsecurity=False).digest()).decode(),
            "title": "Dosing advice", "creation": at.isoformat(),
        }}],
    }  # fmt: skip


def about(name: str, person: "Person", p: Mapping[str, Any], zone: Zone, site: str) -> list[str]:
    """The lines that say whom it is about: two identifiers at least where they are on record."""
    known = [person.name, *(f"{k} {v}" for k, v in person.identifiers.items())]
    if person.birth is not None:
        known.append(f"born {zone.local(person.birth):%d %b %Y}")
    facts = "; ".join(f"{label} {text}{f' ({under})' if under else ''}" for label, text, under in p["who"]["facts"])
    return [f"Dosing advice, {site}", f"{name}: {', '.join(k for k in known if k)}", facts, f"Twin as of {p['who']['now']}"]
