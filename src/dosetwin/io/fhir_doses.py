"""What FHIR says about drugs: doses given, orders, statements; a dose is used as given, or refused, or left out by name."""

import re
from datetime import datetime, timedelta
from typing import Any

from dosetwin import formulary
from dosetwin.declare.drug import Drug
from dosetwin.io import codes, routes
from dosetwin.io.fhir_facts import Facts, understood
from dosetwin.io.fhir_parts import Notes, Span, coded, label, moment, quantity, words
from dosetwin.io.fhir_refs import Entry, medication_concept, split
from dosetwin.records import DoseEvent

GIVEN = {"completed", "in-progress", "stopped"}
_MG = re.compile(r"(\d+(?:\.\d+)?)\s*mg\b(?!\s*/)", re.IGNORECASE)
RATE_SLACK, RATE_SLACK_H = 0.1, 5 / 60
"""Two tellings of one infusion's length may differ by the larger of a tenth and five minutes (assumed: rounding, a flush)."""


def read_administration(e: Entry, facts: Facts) -> None:
    """A drug given: a dose of it, or a flag that it raises where it is only given beside."""
    notes, a = facts.notes, e.body
    concept = medication_concept(e, facts.entries)
    meant = codes.medication(coded(concept))
    if not meant.name:
        if not words(concept) and a.status in GIVEN:
            # it may have been this very drug: a dose left out makes the next one too large
            notes.add("error", "unknown_medication", e.record, "a drug given that has no listed code and no name; not used",
                      label(concept), "RxNorm or ATC code, or a name", "send the medication with its name")  # fmt: skip
            return
        facts.unread[f"MedicationAdministration {label(concept)}"] += 1
        return
    of = formulary.drug(meant.name)
    with notes.beside(of.followed and facts.drug not in (meant.name, meant.also)):
        _read(e, concept, meant, of, facts)


def _read(e: Entry, concept: Any, meant: codes.Meant, of: Drug, facts: Facts) -> None:
    notes, a, name = facts.notes, e.body, of.name
    if a.status not in GIVEN:
        why = f" ({label(a.statusReason[0])})" if a.statusReason else ""
        notes.add("warning" if a.status in ("unknown", "on-hold") else "info", "not_given", e.record,
                  f"{name} with this status{why} was not given or is not known to be; not used", a.status,
                  ", ".join(sorted(GIVEN)))  # fmt: skip
        return
    if meant.also:
        notes.add("error", "conflicting_codes", e.record, f"its codes and words mean {name} and {meant.also}; not used",
                  label(concept), "one drug", "correct the codes at the source")  # fmt: skip
        return
    if not understood(e, e.record, name, notes):
        return
    if meant.by_text:
        notes.add("warning", "recognised_by_text", e.record, f"taken as {name} by its text; no listed code", label(concept), "",
                  "send the RxNorm ingredient or the ATC code")  # fmt: skip
    if any(split(str(p.reference or ""))[1].startswith("MedicationAdministration/") for p in a.partOf or []):
        notes.add("error", "part_of", e.record, f"{name}: part of another administration, which would count it twice; not used",
                  str(a.partOf[0].reference), "administrations that stand alone", "send the parts, or the whole")  # fmt: skip
        return
    period = a.effectivePeriod
    start = moment(period.start if period else a.effectiveDateTime, e.record, notes, severity="error")
    if start is None:
        return
    end = moment(period.end, e.record, notes, severity="warning") if period is not None and period.end is not None else None
    if period is not None and end is not None and end < start:
        notes.add("error", "period_reversed", e.record, "the administration ends before it starts; not used", str(period.end),
                  f">= {period.start}")  # fmt: skip
        return
    if not _by_a_route_that_counts(e, of, concept, notes):
        return
    if not of.followed:
        running = a.status == "in-progress" and end is None
        for r in of.raises:
            until = None if running else (end or start) + timedelta(hours=r.after_h)
            facts.spans.setdefault(r.flag, []).append(Span(start, until, e.record))
        on = ", ".join(r.flag for r in of.raises)
        after = max(r.after_h for r in of.raises)
        notes.add("info", "comedication", e.record, f"{name}: {on} on from its start until {after:g} h after its end")
        return
    dose = _dose(e, of, start, end, notes)
    if dose is not None:
        facts.given.append((start, dose))


def _by_a_route_that_counts(e: Entry, of: Drug, concept: Any, notes: Notes) -> bool:
    """Whether the drug came in as the models have it; any other way is a finding, and an unknown one an error."""
    d, name = e.body.dosage, of.name
    stated = getattr(d, "route", None)
    route = routes.Route("unstated", "") if stated is None else routes.route_of(coded(stated))
    beside = " ".join([words(concept), *((words(d.method), words(d.site), str(d.text or "")) if d is not None else ())])
    if route.kind in ("unstated", "vein"):
        spoken = [r for r in routes.spoken_routes(beside) if r.kind != "vein"]
        local = [r for r in spoken if r.kind == "elsewhere"]
        if local and len(spoken) == len(local):  # "for intramuscular or intravenous use" is about the vial
            route = routes.Route("unknown", "contradictory", beside[:100]) if stated is not None else local[0]
    if not of.followed:
        if route.kind == "elsewhere":
            notes.add("info", "route", e.record, f"{name}: {route.name}; no covariate depends on it", route.said)
        return route.kind != "elsewhere"
    what = routes.fits(route, of)
    if what == "remarked":
        notes.add("warning", "route", e.record, f"{name} was given {route.name}; it is counted as if intravenous", route.said)
    elif what == "left out":
        notes.add("warning", "route", e.record, f"{name} was given by another route ({route.name}): the dose is not used; a "
                  "level may hold a little of it", route.said, "intravenous")  # fmt: skip
    elif what == "refused":
        notes.add("error", "route", e.record, f"{name}: the route is {route.name}, not one the model knows; not used",
                  route.said, "oral" if "vein" not in of.routes else "intravenous (SNOMED CT 47625008)",
                  "send a listed route code")  # fmt: skip
    return what in ("used", "remarked")


def _dose(e: Entry, of: Drug, start: datetime, end: datetime | None, notes: Notes) -> DoseEvent | None:
    """Amount (mg) and duration (h) of one administration; None and an error finding when they are not known or contradict."""
    d, name = e.body.dosage, of.name
    hours = (end - start).total_seconds() / 3600 if end is not None else None
    rate: float | None = None
    if d is not None and d.rateQuantity is not None:
        rate = quantity(d.rateQuantity, "rate", e.record, notes, severity="warning")
    elif d is not None and d.rateRatio is not None:
        top = quantity(d.rateRatio.numerator, "amount", e.record, notes, severity="warning")
        bottom = quantity(d.rateRatio.denominator, "duration", e.record, notes, severity="warning")
        rate = top / bottom if top is not None and bottom else None
    amount: float | None = None
    if d is not None and d.dose is not None:
        amount = quantity(d.dose, of.amount, e.record, notes, severity="error")
        if amount is None:
            return None
    elif rate is not None and hours:
        amount = rate * hours
        notes.add("info", "amount_from_rate", e.record, f"{name}: amount computed from rate and period", amount)
    if amount is None or amount <= 0:
        notes.add("error", "dose_without_amount", e.record, f"{name} given without a usable amount; the dose is not used", amount,
                  f"> 0 {of.unit}", "send dosage.dose")  # fmt: skip
        return None
    if e.body.status == "stopped":
        notes.add("warning", "stopped", e.record,
                  f"{name}: the administration was stopped; the amount may not have been given in full", amount)  # fmt: skip
    by_rate = amount / rate if rate is not None and rate > 0 else None
    if hours is not None and by_rate is not None and not agree(hours, by_rate):
        notes.add("error", "rate_period_conflict", e.record, f"{name}: by its period the infusion lasted {hours:.3g} h, by its "
                  f"rate {by_rate:.3g} h; the dose is not used", f"{hours:.3g} h", f"{by_rate:.3g} h, as the rate says",
                  "correct the period or the rate")  # fmt: skip
        return None
    told = d is not None and (d.rateQuantity is not None or d.rateRatio is not None)
    if hours is None and by_rate is None and told:
        notes.add("error", "rate_unusable", e.record, f"{name}: an infusion whose rate cannot be read, its end not stated; "
                  "the dose is not used", None, "mg/h, or effectivePeriod", "send the end of the infusion")  # fmt: skip
        return None
    hours = by_rate if hours is None else hours
    if hours is None:
        notes.add("warning", "duration_missing", e.record, f"{name}: no duration or rate; taken as a bolus", None,
                  "effectivePeriod, or dosage.rate", "send the start and end of the infusion")  # fmt: skip
    text = str(getattr(d, "text", None) or "")
    written = [float(x) for x in _MG.findall(text)]
    if written and not any(abs(x - amount) <= 0.02 * max(x, amount) for x in written):
        notes.add("warning", "text_differs", e.record, f"{name}: the amount used is {amount:g} mg, the text of the dosage says "
                  "another", text, f"{amount:g} mg", "check which was given")  # fmt: skip
    for note in e.body.note or []:
        if note.text:
            notes.add("warning", "comment", e.record, f"the sender's comment on {name} is not interpreted", str(note.text))
    return DoseEvent(0.0, amount, round(hours or 0.0, 6), record=e.record, drug=name)


def agree(hours: float, by_rate: float) -> bool:
    """Whether two tellings (h) of one infusion's length are the same but for rounding."""
    return abs(hours - by_rate) <= max(RATE_SLACK_H, RATE_SLACK * max(hours, by_rate))


def read_request(e: Entry, facts: Facts) -> None:
    """An order: reported as the plan."""
    r = e.body
    concept = medication_concept(e, facts.entries)
    text = "; ".join(str(i.text) for i in r.dosageInstruction or [] if i.text)
    plan = f"{codes.medication(coded(concept)).name or label(concept)} {r.status} {r.intent}: {text or 'no instruction text'}"
    facts.notes.add("info", "planned", e.record, "an order is not a dose given; kept as the plan", plan)


def read_statement(e: Entry, facts: Facts) -> None:
    """What somebody says was taken (before transfer, at home): no dose with a time, but the drug may be in the body."""
    concept = medication_concept(e, facts.entries)
    name = codes.medication(coded(concept)).name
    if name and name == facts.drug and e.body.status in ("active", "completed", "stopped", "unknown"):
        facts.notes.add("warning", "statement", e.record, f"{name} is said to have been taken; a statement is no dose given and "
                        "is not used", e.body.status, "MedicationAdministration", "send the doses given elsewhere")  # fmt: skip
    else:
        facts.unread[f"MedicationStatement {label(concept)}"] += 1
