"""Reports and specimens around an Observation: results that stand in a report, and the moment at which the blood was drawn.

A DiagnosticReport adds what its results leave unsaid (subject, time, specimen) and the results it holds inside itself; a Specimen
tells when it was collected, which is when the level was what it was. Nothing here says what a result means.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dosetwin import formulary
from dosetwin.io import codes
from dosetwin.io.fhir_parts import Notes, coded, label, moment, words
from dosetwin.io.fhir_refs import Entry, same

APART = timedelta(minutes=5)
"""Collection and the time of the result may differ by this without a word (assumed: clocks, rounding)."""
TOO_FAR = timedelta(hours=24)
"""Further apart they are two blood draws, or a slip of the pen (assumed)."""
_TIMES = ("effectiveDateTime", "effectivePeriod", "effectiveTiming", "effectiveInstant")
_NO_REPORT = ("entered-in-error", "cancelled")
_BAD = {"entered-in-error", "unsatisfactory", "unavailable"}
Parse = Callable[[str, Mapping[str, Any], str], Any]


def settled(entries: list[Entry], notes: Notes, parse: Parse) -> list[Entry]:
    """The entries with each result complete: those inside reports added, times of specimens in place; findings say what."""
    out = list(entries)
    for report in (e for e in entries if e.kind == "DiagnosticReport"):
        _report(report, out, notes, parse)
    return [_collected(e, out, notes, parse) if e.kind == "Observation" else e for e in out]


def specimen_of(e: Entry, entries: list[Entry]) -> Any:
    """The Specimen an Observation refers to, contained or in the bundle; None where it names none, or it is not there."""
    reference = str(getattr(e.body.specimen, "reference", None) or "")
    if reference.startswith("#"):
        return next((c for c in e.body.contained or [] if getattr(c, "id", None) == reference[1:]), None)
    return next((s.body for s in entries if s.kind == "Specimen" and reference and same(reference, s, e)), None)


# -------------------------------------------------------------------------------------------------------- reports


def _report(report: Entry, entries: list[Entry], notes: Notes, parse: Parse) -> None:
    r = report.body
    void = str(r.status or "") in _NO_REPORT
    inside = {str(c.get("id")): c for c in report.raw.get("contained") or [] if isinstance(c, Mapping)}
    read = 0
    for link in r.result or []:
        reference = str(link.reference or "")
        held = inside.get(reference[1:]) if reference.startswith("#") else None
        at = next((k for k, e in enumerate(entries) if e.kind == "Observation" and same(reference, e, report)), None)
        if held is None and at is None:
            notes.add("warning", "result_missing", report.record, "a report whose result is not in the bundle; its value is not "
                      "known", reference or label_of(link), "a resource of the bundle", "send the result too")  # fmt: skip
            continue
        read += 1
        if void:
            what = reference if held is None else f"{report.record}{reference}"
            notes.add("warning", "report_void", what, "a result of a report that is entered in error or cancelled; not used",
                      r.status)  # fmt: skip
            if at is not None:
                del entries[at]
        elif held is not None:
            if held.get("resourceType") == "Observation":
                entries.append(_made(f"{report.record}{reference}", _filled(held, report.raw), report, parse))
        elif at is not None:
            e = entries[at]
            raw = _filled(e.raw, report.raw)
            if raw != e.raw:
                said = ", ".join(k for k in raw if k not in e.raw)
                notes.add("info", "told_by_report", e.record, f"taken from {report.record}: {said}")
                entries[at] = replace(e, body=parse("Observation", raw, e.record), raw=raw)
    told = [str(r.conclusion or ""), *(label(c) for c in r.conclusionCode or []), *("a document" for _ in r.presentedForm or [])]
    if not void and (said := "; ".join(t for t in told if t)):
        notes.add("warning", "conclusion_unread", report.record, "the conclusion of a report is not interpreted", said, "",
                  "read it")  # fmt: skip
    elif not read and not void:
        notes.add("info", "not_used", report.record, "a report without results", label(r.code))


def label_of(link: Any) -> str | None:
    """What a reference shows."""
    return str(link.display) if link.display else None


def _made(record: str, raw: Mapping[str, Any], report: Entry, parse: Parse) -> Entry:
    # its address is that of its report: references in it are resolved there
    return Entry("Observation", record, parse("Observation", raw, record), report.url, raw)


def _filled(result: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the subject, time and specimen of its report where it has none of its own."""
    out = dict(result)
    if "subject" not in out and "subject" in report:
        out["subject"] = report["subject"]
    if not any(t in out for t in _TIMES):
        out |= {t: report[t] for t in _TIMES if t in report}
    listed = report.get("specimen")
    if "specimen" not in out and isinstance(listed, list) and len(listed) == 1:
        out["specimen"] = listed[0]
        held = [c for c in report.get("contained") or [] if isinstance(c, Mapping) and c.get("resourceType") == "Specimen"]
        if held:
            out["contained"] = [*(out.get("contained") or []), *held]
    return out


# ------------------------------------------------------------------------------------------------------ specimens


def _listed(body: Any) -> str:
    parts = (body, *(body.component or []))
    names = (codes.quantity(coded(p.code)).name for p in parts)
    return next((n for n in names if n and formulary.measured(n).in_blood), "")


def _moments(specimen: Any, record: str, notes: Notes) -> Iterator[tuple[str, Any]]:
    """The element of an Observation that says the same, and what it holds."""
    c = specimen.collection
    if c is None:
        return
    if c.collectedDateTime is not None:
        if moment(c.collectedDateTime, record, notes, severity="warning") is not None:
            yield "effectiveDateTime", c.collectedDateTime
    elif c.collectedPeriod is not None and c.collectedPeriod.start is not None:
        yield "effectivePeriod", c.collectedPeriod


def _collected(e: Entry, entries: list[Entry], notes: Notes, parse: Parse) -> Entry:
    """An Observation at the time its specimen was collected."""
    name = _listed(e.body)
    specimen = specimen_of(e, entries) if name else None
    if specimen is None:
        reference = str(getattr(e.body.specimen, "reference", None) or "")
        if name and reference and not reference.startswith("#"):
            notes.add("info", "specimen_missing", e.record, f"the specimen of {name} is not in the bundle; the time of the "
                      "result is taken", reference)  # fmt: skip
        return e
    status = str(specimen.status or "")
    if status in _BAD:
        notes.add("error", "specimen", e.record, f"{name} was measured in a specimen that is {status}; the record is not used",
                  status, "available", "withdraw the result, or correct the specimen")  # fmt: skip
        return replace(e, body=e.body.model_copy(update={"status": "cancelled"}))
    for said in (*(words(c) for c in specimen.condition or []), *(str(n.text or "") for n in specimen.note or [])):
        if said:
            notes.add(
                "warning", "specimen_condition", e.record, f"what is said of the specimen of {name} is not interpreted", said
            )
    for element, value in _moments(specimen, e.record, notes):
        before = e.body.effectiveDateTime or e.body.effectiveInstant
        after = value if element == "effectiveDateTime" else value.start
        apart = abs(before - after) if _comparable(before, after) else None
        if apart is not None and apart > TOO_FAR:
            notes.add("error", "specimen_time", e.record, f"{name}: the result is dated {before}, its specimen {after}; the "
                      "record is not used", str(after), f"within {TOO_FAR} of the result", "correct one of them")  # fmt: skip
            return replace(e, body=e.body.model_copy(update={"status": "cancelled"}))
        if apart is not None and apart > APART:
            notes.add("warning", "specimen_time", e.record, f"{name} is taken at the time its specimen was collected, not at "
                      "that of the result", str(after), str(before))  # fmt: skip
        held = {"collectedDateTime": "effectiveDateTime", "collectedPeriod": "effectivePeriod"}
        source = _raw_collection(e, entries)
        raw = {k: v for k, v in e.raw.items() if k not in _TIMES}
        raw |= {held[k]: v for k, v in source.items() if k in held}
        return replace(e, body=parse("Observation", raw, e.record), raw=raw)
    return e


def _comparable(a: Any, b: Any) -> bool:
    return all(getattr(x, "tzinfo", None) is not None for x in (a, b))


def _raw_collection(e: Entry, entries: list[Entry]) -> Mapping[str, Any]:
    reference = str(getattr(e.body.specimen, "reference", None) or "")
    inside = [c for c in e.raw.get("contained") or [] if isinstance(c, Mapping) and f"#{c.get('id')}" == reference]
    found = inside or [s.raw for s in entries if s.kind == "Specimen" and same(reference, s, e)]
    return found[0].get("collection") or {}
