"""Whose a FHIR resource is, which of its versions counts, and whether the bundle is all there is: before anything is read.

A reference is resolved as FHIR R4 says (references.html 2.3.0.1, bundle.html 2.36.4): relative ones against the base of the entry
they stand in; the version at the end does not matter; http and https are one. An id is unique on its server only.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dosetwin.io.fhir_parts import Notes

_LITERAL = re.compile(r"^(?:https?://(?P<base>[^?#]+?)/)?(?P<local>[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64})$")


@dataclass(frozen=True)
class Entry:
    """One resource: its kind, how messages call it, its parsed form, the url other resources refer to it by, and its JSON."""

    kind: str
    record: str
    body: Any
    url: str
    raw: Mapping[str, Any]


def split(reference: str) -> tuple[str, str]:
    """(server, ``Type/id``) of a literal reference, without scheme and version; ("", the text itself) of any other."""
    said = reference.strip().partition("/_history/")[0]
    found = _LITERAL.match(said)
    if found is None:
        return "", said
    host, slash, path = (found["base"] or "").partition("/")
    return f"{host.lower()}{slash}{path}".rstrip("/"), found["local"]


def same(reference: str, target: Entry, within: Entry | None = None) -> bool:
    """Whether a literal reference that stands in ``within`` is to ``target``."""
    server, local = split(reference)
    if not local:
        return False
    there, there_local = split(target.url)
    if (server, local) == (there, there_local) and target.url:
        return True
    if local != f"{target.kind}/{target.body.id}":
        return False
    here = server or (split(within.url)[0] if within is not None else "")
    return not here or not there or here == there


def about(e: Entry, person: Entry, notes: Notes) -> bool:
    """Whether a resource is about the patient; one about somebody else, or of whom cannot be told, is an error finding."""
    subject = getattr(e.body, "patient" if e.kind == "AllergyIntolerance" else "subject", None)
    if e.kind == "Medication" or (e.kind == "Specimen" and subject is None):
        return True
    reference = str(getattr(subject, "reference", None) or "")
    identifier = getattr(subject, "identifier", None)
    mine = ", ".join(sorted({f"Patient/{person.body.id}", person.url} - {"", "Patient/None"}))
    if reference and (person.url or person.body.id) and not same(reference, person, e):
        notes.add("error", "other_subject", e.record, "the record is about somebody else; it is not used", reference, mine,
                  "send one patient per bundle, of one server")  # fmt: skip
        return False
    if identifier is not None and identifier.value:
        said = f"{identifier.system or 'no system'}|{identifier.value}"
        held = {(str(i.system or ""), str(i.value)) for i in person.body.identifier or [] if i.value}
        if (str(identifier.system or ""), str(identifier.value)) in held:
            return True
        if not reference or any(system == identifier.system for system, _ in held):
            notes.add("error", "other_subject", e.record, "the patient it names is none the Patient resource carries; it is not "
                      "used", said, ", ".join(sorted(f"{s}|{v}" for s, v in held)) or "an identifier of the Patient",
                      "send subject.reference, or the identifier in the Patient resource")  # fmt: skip
            return False
        return True
    if reference:
        return True
    shown = str(getattr(subject, "display", None) or "")
    names = {w for n in person.body.name or [] for part in (n.family, n.text, *(n.given or [])) for w in _words(part)}
    if shown and names and not names & _words(shown):
        notes.add("error", "other_subject", e.record, "no reference to the patient, and the name shown is another; not used",
                  shown, mine, "send subject.reference")  # fmt: skip
        return False
    notes.add("warning", "subject_not_stated", e.record, "no reference to the patient; taken to be about this one",
              shown or None, mine, "send subject.reference")  # fmt: skip
    return True


def medication_concept(e: Entry, entries: list[Entry]) -> Any:
    """The medication of an administration or request, references resolved inside the bundle and the resource.

    A Medication without a code of its own is its one ingredient.
    """
    direct = e.body.medicationCodeableConcept
    if direct is not None:
        return direct
    reference = str(getattr(e.body.medicationReference, "reference", None) or "")
    if reference.startswith("#"):
        inside = next((c for c in e.body.contained or [] if getattr(c, "id", None) == reference[1:]), None)
        return _substance(inside)
    target = next((m for m in entries if m.kind == "Medication" and same(reference, m, e)), None)
    if target is None or not reference:
        # many servers leave the Medication out and show its name beside the reference
        return _shown(getattr(e.body.medicationReference, "display", None))
    return _substance(target.body)


def _shown(name: Any) -> Any:
    from fhir.resources.R4B.codeableconcept import CodeableConcept

    return CodeableConcept(text=str(name)) if name else None


def _substance(medication: Any) -> Any:
    code, parts = getattr(medication, "code", None), getattr(medication, "ingredient", None) or []
    return parts[0].itemCodeableConcept if code is None and len(parts) == 1 else code


def one_server(name: str, person: Entry, entries: list[Entry], notes: Notes) -> None:
    """An error where records refer to this patient's id on several servers and the Patient resource does not say which is its."""
    if split(person.url)[0]:
        return
    references = [(str(getattr(getattr(e.body, "subject", None), "reference", None) or ""), e) for e in entries]
    servers = {split(r)[0] or split(e.url)[0] for r, e in references if split(r)[1].startswith("Patient/")} - {""}
    if len(servers) > 1:
        notes.add("error", "other_subject", name, "the records are about patients of several servers with the same id",
                  ", ".join(sorted(servers)), "one server", "send the Patient with its fullUrl")  # fmt: skip


def latest(entries: list[Entry], notes: Notes) -> list[Entry]:
    """One entry for each resource: the newest of several versions (by ``meta``), each older one remarked on.

    Versions that differ and do not say which is newer are an error: both would count as facts.
    """
    groups: dict[tuple[str, str], list[Entry]] = {}
    for e in entries:
        key = (split(e.url)[0], e.record) if e.body.id else (str(id(e)), e.record)
        groups.setdefault(key, []).append(e)
    out: list[Entry] = []
    for (_, record), group in groups.items():
        newest = max(group, key=_age)
        out.append(newest)
        if len(group) == 1:
            continue
        contents = [{k: v for k, v in e.raw.items() if k not in ("meta", "text")} for e in group]
        if all(c == contents[0] for c in contents):
            notes.add("info", "older_version", record, "the same resource more than once, one content; used once", len(group))
        elif Counter(map(_age, group))[_age(newest)] > 1:
            out += [e for e in group if e is not newest]
            notes.add("error", "duplicate_resource", record, "the same resource more than once", len(group), "1",
                      "send only its latest version, or meta.lastUpdated")  # fmt: skip
        else:
            version = newest.body.meta.versionId or newest.body.meta.lastUpdated
            notes.add("info", "older_version", record, f"{len(group)} versions of the resource; only the newest is used", version)
    order = {id(e): k for k, e in enumerate(entries)}
    return sorted(out, key=lambda e: order[id(e)])


def incomplete(bundle: Mapping[str, Any]) -> str:
    """Why a bundle is only a part of what the server holds; "" where it does not say so."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("relation") == "next":
            return "there is a next page"
    listed = bundle.get("entry")
    entries = [e for e in listed if isinstance(e, Mapping)] if isinstance(listed, list) else []
    total = bundle.get("total")
    if isinstance(total, int) and not isinstance(total, bool):
        matches = sum(_mode(e) not in ("include", "outcome") for e in entries)
        if matches < total:
            return f"{matches} of {total} matches"
    inner = (r for e in entries if isinstance(r := e.get("resource"), Mapping) and r.get("resourceType") == "Bundle")
    return next((why for bundle in inner if (why := incomplete(bundle))), "")


def flat(listed: list[Any], depth: int = 0) -> list[Any]:
    """The entries of a bundle, those of bundles inside it (the answers to a batch) in their place."""
    out: list[Any] = []
    for item in listed:
        inner = item.get("resource") if isinstance(item, Mapping) else None
        if isinstance(inner, Mapping) and inner.get("resourceType") == "Bundle" and depth < 4:
            entries = inner.get("entry")
            out += flat(entries if isinstance(entries, list) else [], depth + 1)
        else:
            out.append(item)
    return out


def outcome(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """(worst severity, what is said) of an entry in which the server speaks about the search itself; None for any other."""
    resource = item.get("resource")
    if not isinstance(resource, Mapping) or (resource.get("resourceType") != "OperationOutcome" and _mode(item) != "outcome"):
        return None
    listed = resource.get("issue")
    issues = [i for i in listed if isinstance(i, Mapping)] if isinstance(listed, list) else []
    ranks = ("fatal", "error", "warning", "information")
    worst = min((str(i.get("severity")) for i in issues), key=lambda s: ranks.index(s) if s in ranks else 0, default="error")
    details = [i.get("diagnostics") or (i.get("details") or {}).get("text") or i.get("code") or "" for i in issues]
    return worst, "; ".join(str(d) for d in details if d)[:120]


def strange(raw: Any) -> str:
    """The first thing in a resource that may turn its meaning round and that nobody here understands; "" where none is."""
    if isinstance(raw, Mapping):
        if raw.get("implicitRules"):
            return f"implicitRules {raw['implicitRules']}"[:120]
        if raw.get("modifierExtension"):
            listed = raw["modifierExtension"]
            first = listed[0] if isinstance(listed, list) and listed else {}
            return f"modifierExtension {first.get('url', '') if isinstance(first, Mapping) else ''}"[:120]
        return next((found for v in raw.values() if (found := strange(v))), "")
    if isinstance(raw, list):
        return next((found for v in raw if (found := strange(v))), "")
    return ""


def _mode(item: Mapping[str, Any]) -> str:
    search = item.get("search")
    return str(search.get("mode") or "") if isinstance(search, Mapping) else ""


def _age(e: Entry) -> tuple[datetime, int]:
    meta = e.body.meta
    when = meta.lastUpdated if meta is not None and isinstance(meta.lastUpdated, datetime) else None
    version = str(meta.versionId or "") if meta is not None else ""
    return (when.astimezone(UTC) if when is not None else datetime.min.replace(tzinfo=UTC),
            int(version) if version.isascii() and version.isdigit() else -1)  # fmt: skip


def _words(text: Any) -> set[str]:
    return {w.lower() for w in re.findall(r"\w+", str(text or "")) if len(w) > 1}
