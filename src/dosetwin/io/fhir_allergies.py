"""Allergies on record: a flag that bars every drug of the class, so that nothing is advised before a person has seen it."""

from typing import Any

from dosetwin import formulary
from dosetwin.errors import Severity
from dosetwin.io import codes
from dosetwin.io.fhir_facts import Facts, understood
from dosetwin.io.fhir_parts import Span, coded, codings, label, moment, words
from dosetwin.io.fhir_refs import Entry

_NONE = ("no known", "none known", "nkda", "nka")


def read_allergy(e: Entry, facts: Facts) -> None:
    """An allergy: to a class or a drug of one the flag of that class, to a drug of none an error, where that is the drug asked
    about; a doubtful one, an intolerance or one to a relative a warning; to anything else named."""
    notes, a = facts.notes, e.body
    texts = " ".join([words(a.code), *(words(r.substance) for r in a.reaction or [])]).strip()
    what = label(a.code) if a.code is not None else texts[:80] or "(nothing named)"
    verdict = {code for _, code, _ in codings(a.verificationStatus)} or set(words(a.verificationStatus).split())
    over = {code for _, code, _ in codings(a.clinicalStatus)} & {"inactive", "resolved"}
    if verdict & {"refuted", "entered-in-error"} or any(w in texts for w in _NONE):
        notes.add("info", "status", e.record, "an allergy refuted, or none known", what)
        return
    name = codes.medication(coded(a.code, *(r.substance for r in a.reaction or []))).name
    its_class = formulary.allergic_to(texts, name)
    member = its_class != ""
    its_class = its_class or formulary.related_to(texts)
    here = its_class != "" and formulary.allergic_to("", facts.drug) == its_class
    mine = bool(facts.drug) and (facts.drug in (name, *texts.split()) or (member and here and its_class in texts))
    related = bool(facts.drug) and not mine and here
    if not (mine or related or member):
        notes.add("info", "other_allergy", e.record, "an allergy to something else is on record", what)
        return
    understood(e, e.record, "allergy", notes, "warning")
    sure = not over and not verdict & {"unconfirmed", "presumed"} and str(a.type or "allergy") == "allergy"
    barred = sure and member and _barred(e, its_class, facts)
    severity: Severity = "error" if mine and sure and not barred else "warning" if mine or related else "info"
    doubt = ("it is " + ", ".join(sorted(over)) if over else "not confirmed" if not sure and verdict & {"unconfirmed", "presumed"}
             else "said to be an intolerance" if not sure else "")  # fmt: skip
    to = (facts.drug if facts.drug in texts or name == facts.drug else f"the class of {facts.drug}" if mine
          else "a relative" if related else "another drug")  # fmt: skip
    message = f"ALLERGY to {to} is on record{_how(a)}" + (f" ({doubt})" if doubt else "")
    notes.add(severity, "allergy" if mine or related else "other_allergy", e.record, message, what, "no allergy to the drug",
              "a person decides; another drug, or correct the record (verificationStatus refuted)")  # fmt: skip


def _barred(e: Entry, its_class: str, facts: Facts) -> bool:
    """Raise the flag of a class from when the allergy was seen or recorded, else from birth; False where no moment is told."""
    born = next((p.body.birthDate for p in facts.entries if p.kind == "Patient"), None)
    said = e.body.onsetDateTime or e.body.recordedDate or born
    start = None if said is None else moment(said, e.record, facts.notes, severity="warning", day_will_do=True)
    if start is None:
        return False
    facts.spans.setdefault(formulary.allergic_flag(its_class), []).append(Span(start, None, e.record))
    return True


def _how(a: Any) -> str:
    """How bad it is said to be: ``, criticality high, anaphylaxis``."""
    said = [f"criticality {a.criticality}"] if a.criticality else []
    said += [label(m) for r in a.reaction or [] for m in r.manifestation or []]
    return f", {', '.join(said)}"[:90] if said else ""
