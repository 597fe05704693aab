"""Conditions and procedures that switch a flag covariate: said of this patient, said to be so, with beginning and end."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from dosetwin.io import codes
from dosetwin.io.fhir_facts import Facts, understood
from dosetwin.io.fhir_parts import Span, codings, label, merge, moment, words
from dosetwin.io.fhir_refs import Entry
from dosetwin.io.scope import Said, said_of
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Covariate

_NOT_DONE = ("not-done", "entered-in-error", "preparation")
_OVER = {"inactive", "remission", "resolved"}


def read_condition(e: Entry, facts: Facts) -> None:
    """A condition or procedure that switches a flag covariate; one that is negated, doubted or of somebody else does not."""
    notes = facts.notes
    c = e.body
    listed = [code for s, code, _ in codings(c.code) if codes.system(s) in (codes.SNOMED_SYSTEM, codes.ICD_SYSTEM)]
    flag = codes.condition(listed)
    text, by_text = words(c.code), False
    if not flag:
        if any(code.startswith(codes.INDICATIONS) for code in listed):
            notes.add("info", "indication", e.record, "the reason for treatment; no covariate depends on it", label(c.code))
            return
        flag, by_text = codes.condition_spoken(text), True
        if not flag and re.search(r"\basphyxia\b", text):
            flag = "ASPHYXIA" if _at_birth(e, facts) else _unclear(e, "ASPHYXIA", facts)
        elif not flag and re.search(r"\bcooling\b", text):
            flag = _unclear(e, "COOLING", facts)
        if not flag:
            if not any(f.record == e.record and f.code == "condition_unclear" for f in notes.found):
                facts.unread[f"{e.kind} {label(c.code)}"] += 1
            return
    said = _is_so(e, flag, facts, by_text=by_text)
    if said is None or not understood(e, e.record, flag, notes):
        return
    for note in c.note or []:
        if note.text:
            notes.add("warning", "comment", e.record, f"the sender's comment on {flag} is not interpreted", str(note.text))
    if by_text:
        notes.add("warning", "recognised_by_text", e.record, f"taken as {flag} by its text; no listed code", label(c.code))
    begin, finish, untold = _times(e)
    if begin is None and (recorded := getattr(c, "recordedDate", None)) is not None:
        notes.add("info", "onset_missing", e.record, f"{flag}: no onset, the time of recording is taken", str(recorded))
        begin = recorded
    start = moment(begin, e.record, notes, severity="error", day_will_do=True)
    if start is None:
        return
    end = moment(finish, e.record, notes, severity="warning", day_will_do=True) if finish is not None else None
    if end is not None and isinstance(finish, date) and not isinstance(finish, datetime):
        notes.days.pop(e.record, None)
        if isinstance(begin, date) and not isinstance(begin, datetime):
            notes.days[e.record] = begin
    if end is not None and end < start:
        notes.add("error", "period_reversed", e.record, f"{flag} ends before it starts; not used", str(finish), f">= {begin}")
        return
    if end is None and (untold or said == "over" or _over(e)):
        usual = QUANTITIES[flag].runs_h
        end = None if usual is None else start + timedelta(hours=usual)
        took = "taken to last" if usual is None else f"taken to have lasted {usual:g} h"
        notes.add("warning", "end_missing", e.record, f"{flag} is over, but its end is not stated as a moment; {took}",
                  untold or None, "the moment it ended", "send performedPeriod.end or abatementDateTime")  # fmt: skip
    facts.spans.setdefault(flag, []).append(Span(start, end, e.record))


def _at_birth(e: Entry, facts: Facts) -> bool:
    """Whether a condition is told for the day of birth or the one after it: an asphyxia then is that of the birth."""
    born = next((p.body.birthDate for p in facts.entries if p.kind == "Patient"), None)
    begin = _times(e)[0] or getattr(e.body, "recordedDate", None)
    day = begin.date() if isinstance(begin, datetime) else begin
    return isinstance(day, date) and isinstance(born, date) and timedelta(0) <= day - born <= timedelta(days=1)


def _unclear(e: Entry, flag: str, facts: Facts) -> str:
    """Name a condition whose words may mean the flag and do not say so; "" always: it is not used."""
    facts.notes.add("warning", "condition_unclear", e.record, f"may mean {flag}, but its words do not say so; not used",
                    label(e.body.code), "a listed code, or its full name", "send a code if it is meant")  # fmt: skip
    return ""


def _is_so(e: Entry, flag: str, facts: Facts, *, by_text: bool) -> str | None:
    """ "so" or "over" where the resource says that the flag is or was so; None, with a finding, where it does not.

    An error where code and words contradict, or the words of a coded condition can be read in two ways.
    """
    notes, c = facts.notes, e.body
    stated = getattr(c, "verificationStatus", None)
    verdict = {code for _, code, _ in codings(stated)} or set(words(stated).replace("-", " ").split())
    status = str(getattr(c, "status", None) or "completed")
    if verdict & {"refuted", "entered-in-error"} or status in _NOT_DONE:
        notes.add("info", "status", e.record, f"{flag} refuted or not done; not used", label(c.code))
        return None
    if "differential" in verdict or status == "unknown":
        notes.add("warning", "not_established", e.record, f"{flag} is not established; not used", label(c.code), "confirmed",
                  "send it when it is")  # fmt: skip
        return None
    if verdict & {"unconfirmed", "provisional"}:
        notes.add("warning", "not_established", e.record, f"{flag} is not confirmed yet; taken to be so", label(c.code))
    listed = getattr(c, "category", None) or []
    about = " ".join(words(x) for x in (listed if isinstance(listed, list) else [listed]))
    said = said_of(flag, [*(display for _, _, display in codings(c.code)), str(c.code.text or "")])
    if "family" in about:
        said = Said("somebody else's", "family")
    if said.verdict in ("so", "over"):
        return said.verdict
    meaning = "can be read in two ways" if said.verdict == "unclear" else f"says that {flag} is {_WORDS[said.verdict]}"
    if by_text:
        notes.add("warning", "condition_unclear" if said.verdict == "unclear" else "negated", e.record,
                  f"its text {meaning} ({said.cue!r}); not used", label(c.code), "a listed code",
                  "send a code, or verificationStatus")  # fmt: skip
    else:
        notes.add("error", "code_and_text_disagree", e.record, f"its code means {flag}, its text {meaning} ({said.cue!r}); not "
                  "used", words(c.code)[:100], "one meaning", "send verificationStatus refuted, or another code")  # fmt: skip
    return None


_WORDS = {"not": "not so", "in doubt": "in doubt", "somebody else's": "somebody else's"}


def _times(e: Entry) -> tuple[Any, Any, str]:
    """Beginning, end, and an end that was told in a form without a moment."""
    c = e.body
    if e.kind == "Procedure":
        period = c.performedPeriod
        begin, finish = (period.start, period.end) if period else (c.performedDateTime, None)
        return begin, finish, ""
    begin = c.onsetDateTime or (c.onsetPeriod.start if c.onsetPeriod else None)
    finish = c.abatementDateTime or (c.abatementPeriod.end or c.abatementPeriod.start if c.abatementPeriod else None)
    untold = c.abatementString or c.abatementAge or c.abatementRange
    return begin, finish, str(untold)[:80] if untold is not None and finish is None else ""


def _over(e: Entry) -> bool:
    if e.kind == "Procedure":
        return str(e.body.status or "completed") not in ("in-progress", "on-hold")
    return bool({code for _, code, _ in codings(e.body.clinicalStatus)} & _OVER)


def flag_covariates(name: str, spans: list[Span], hours: Any, first: datetime, birth: datetime) -> list[Covariate]:
    """0/1 covariates: 0 from the first record on, 1 while a span lasts."""
    merged = merge(spans)
    out: list[Covariate] = []
    earliest = min(first, birth) if (first - birth) < timedelta(days=60) else first
    if merged[0].start > earliest:
        out.append(Covariate(hours(earliest), name, 0.0, "", f"before {merged[0].record}"))
    for span in merged:
        out.append(Covariate(hours(span.start), name, 1.0, "", span.record))
        if span.end is not None:
            out.append(Covariate(hours(span.end), name, 0.0, "", f"end of {span.record}"))
    return out
