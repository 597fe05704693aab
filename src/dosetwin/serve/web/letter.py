"""What a letter about a patient says, from top to bottom, and the letter as a FHIR document."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dosetwin.report.doubt import main_doubt
from dosetwin.report.narrative import NOT_A_DEVICE
from dosetwin.serve.zone import Zone
from dosetwin.words import as_is, language, said, say

if TYPE_CHECKING:
    from dosetwin.serve.store.facts import Person

REASONS = 7


def lines_of(p: Mapping[str, Any], since: Mapping[str, Any] | None, answered: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(style, text) of what the letter says: ``big``, ``bold``, ``text`` or ``small``, from top to bottom."""
    first = p["first"]
    title = said(p["title"])
    if first["chance"]:
        title = say("{title}: {p}, {words}", title=title, p=first["chance"]["text"], words=first["chance"]["words"])
    out: list[tuple[str, str]] = [("bold", title)]
    out += [("big", said(p["hold"][0] if p["hold"] else p["headline"]))]
    out += [("bold", said(text)) for text in first["give"]]
    out += [("text", said(text)) for text in p["hold"][1:]]
    if first["times"]:
        times = ";  ".join(f"{said(t['at'])} ({said(t['amount'])})" for t in first["times"])
        out.append(("text", say("Next doses: {times}", times=as_is(times))))
    elif p["regimen"]:
        out.append(("text", say("{begins}: {at}", begins=p["said"]["begins"], at=p["regimen"]["first_at_text"])))
    if p["sample"] and p["sample"]["worth"]:
        at, when = p["sample"]["day"], p["sample"]["brief"]
        out.append(("text", say("Next {sampled}: {at}, {when}", sampled=p["sampled"], at=at, when=when)))
    out.append(("bold", say("Main doubt: {doubt}", doubt=main_doubt(p)["text"])))
    if since is not None:
        out.append(("text", f"{said(since['text'])} {said(since['why'])}"))
    if answered is not None:
        told = say("Decided: {what} by {by}, {at}.", what=answered["text"], by=as_is(answered["by"]), at=answered["at"])
        out.append(("bold", f"{told} {answered['reason']}".strip()))
    return out + [("small", f"- {said(r['text'])}") for r in p["why"][:REASONS]]


def document(id_: str, patient: str, made: bytes, at: datetime, by: str) -> dict[str, Any]:
    """The letter as a FHIR R4 DocumentReference; ``at`` when it was made, ``by`` whose page it was."""
    return {
        "resourceType": "DocumentReference", "id": id_, "status": "current", "docStatus": "preliminary",
        "type": {"text": "Dosing advice"}, "subject": {"reference": f"Patient/{patient}"},
        "date": at.isoformat(), "author": [{"display": by}], "description": NOT_A_DEVICE,
        "content": [{"attachment": {
            "contentType": "application/pdf", "language": language(), "data": base64.b64encode(made).decode(), "size": len(made),
            "hash": base64.b64encode(hashlib.sha1(made, usedforsecurity=False).digest()).decode(),
            "title": "Dosing advice", "creation": at.isoformat(),
        }}],
    }  # fmt: skip


def about(name: str, person: "Person", p: Mapping[str, Any], zone: Zone, site: str) -> list[str]:
    """The lines that say whom it is about: two identifiers at least where they are on record."""
    known = [person.name, *(f"{k} {v}" for k, v in person.identifiers.items())]
    if person.birth is not None:
        known.append(say("born {date}", date=f"{zone.local(person.birth):%d %b %Y}".lstrip("0")))
    facts = "; ".join(
        f"{said(label)} {said(text)}{f' ({said(under)})' if under else ''}" for label, text, under in p["who"]["facts"]
    )
    return [say("Dosing advice, {site}", site=as_is(site)), f"{name}: {', '.join(k for k in known if k)}", facts,
            say("Twin as of {now}", now=p["who"]["now"])]  # fmt: skip
