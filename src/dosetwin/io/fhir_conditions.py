"""Conditions and procedures that switch a flag covariate: said of this patient, said to be so, with beginning and end."""

from datetime import date, datetime, timedelta
from typing import Any

from dosetwin.io import codes
from dosetwin.io.fhir_facts import Facts, understood
from dosetwin.io.fhir_parts import Span, codings, label, merge, moment, words
from dosetwin.io.fhir_refs import Entry
from dosetwin.records import Covariate

COOLING_HOURS = 72.0
"""Cooling that is over but whose end nobody sent is taken to have lasted this long (Jacobs 2013, Cochrane CD003311: the duration
of the trials; secondary), with a warning."""
_NOT_DONE = ("not-done", "entered-in-error", "preparation")
_OVER = {"inactive", "remission", "resolved"}


def read_condition(e: Entry, facts: Facts) -> None:
    """A condition or procedure that switches a flag covariate; one that is negated, doubted or of somebody else does not."""
    notes = facts.notes
    c = e.body
    listed = [code for s, code, _ in codings(c.code) if codes.system(s) in (codes.SNOMED_SYSTEM, codes.ICD_SYSTEM)]
    flags = [codes.CONDITIONS.get(code) or codes.CONDITIONS.get(code[:3], "") for code in listed]
    flag = next((f for f in flags if f), "")
    text, by_text = words(c.code), False
    if not flag:
        if any(code.startswith(codes.INDICATIONS) for code in listed):
            notes.add("info", "indication", e.record, "the reason for treatment; no covariate depends on it", label(c.code))
            return
        hit = next((word for word in codes.CONDITION_WORDS if word.replace("-", " ") in text.replace("-", " ")), "")
        if not hit:
            facts.unread[f"{e.kind} {label(c.code)}"] += 1
            return
        flag, by_text = codes.CONDITION_WORDS[hit], True
    if not _is_so(e, flag, text, facts, by_text=by_text) or not understood(e, e.record, flag, notes):
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
    if end is None and (untold or _over(e)):
        end = start + timedelta(hours=COOLING_HOURS) if flag == "COOLING" else None
        took = f"taken to have lasted {COOLING_HOURS:g} h" if end is not None else "taken to last"
        notes.add("warning", "end_missing", e.record, f"{flag} is over, but its end is not stated as a moment; {took}",
                  untold or None, "the moment it ended", "send performedPeriod.end or abatementDateTime")  # fmt: skip
    facts.spans.setdefault(flag, []).append(Span(start, end, e.record))


def _is_so(e: Entry, flag: str, text: str, facts: Facts, *, by_text: bool) -> bool:
    """Whether the resource says that the flag is so; a finding where it does not, an error where code and words contradict."""
    notes, c = facts.notes, e.body
    stated = getattr(c, "verificationStatus", None)
    verdict = {code for _, code, _ in codings(stated)} or set(words(stated).replace("-", " ").split())
    status = str(getattr(c, "status", None) or "completed")
    if verdict & {"refuted", "entered-in-error"} or status in _NOT_DONE:
        notes.add("info", "status", e.record, f"{flag} refuted or not done; not used", label(c.code))
        return False
    if "differential" in verdict or status == "unknown":
        notes.add("warning", "not_established", e.record, f"{flag} is not established; not used", label(c.code), "confirmed",
                  "send it when it is")  # fmt: skip
        return False
    if verdict & {"unconfirmed", "provisional"}:
        notes.add("warning", "not_established", e.record, f"{flag} is not confirmed yet; taken to be so", label(c.code))
    listed = getattr(c, "category", None) or []
    about = " ".join(words(x) for x in (listed if isinstance(listed, list) else [listed]))
    word = codes.doubted(text) or ("family" if "family" in about else "")
    if not word:
        return True
    if by_text:
        notes.add("warning", "negated", e.record, f"its text does not say that there is {flag} ({word.strip()!r}); not used",
                  label(c.code), "a listed code", "send a code, or verificationStatus")  # fmt: skip
    else:
        notes.add("error", "code_and_text_disagree", e.record, f"its code means {flag}, its words say {word.strip()!r}; not used",
                  text[:100], "one meaning", "send verificationStatus refuted, or another code")  # fmt: skip
    return False


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
