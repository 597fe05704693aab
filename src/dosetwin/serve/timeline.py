"""Facts of the store become the engine's timeline: corrections applied, hours since the first dose, nothing guessed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dosetwin.checks.held import held_back
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.serve.store.facts import CARE, Person
from dosetwin.serve.store.measured import measurement


def in_force(facts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Clinical facts after corrections, in the order recorded: retracted ones gone, replaced ones as they were corrected.

    Those that stand are the objects given, not copies.
    """
    corrected: dict[str, Mapping[str, Any]] = {}
    confirmed: dict[str, Mapping[str, Any]] = {}
    for f in facts:
        if f["kind"] == "correction":
            about = f["body"]["corrects"]
            if f["body"]["action"] == "confirm":
                confirmed[about] = f
            else:  # another value is another question
                corrected[about] = f
                confirmed.pop(about, None)
                if f["body"].get("confirmed"):
                    confirmed[about] = f
    out: list[Mapping[str, Any]] = []
    for f in facts:
        if f["kind"] not in CARE:
            continue
        correction = corrected.get(f["id"]) if corrected else None
        sure = confirmed.get(f["id"]) if confirmed else None
        told = {} if sure is None else {"confirmed_by": sure["id"], "confirmed": confirmation(sure)}
        if correction is None:
            out.append(dict(f) | told if told else f)
        elif correction["body"]["action"] == "replace":
            at = datetime.fromisoformat(correction["body"]["at"])
            out.append(dict(f) | {"at": at, "body": correction["body"]["body"], "corrected_by": correction["id"]} | told)
    return out


def confirmation(fact: Mapping[str, Any]) -> str:
    """The reason why an unusual value was confirmed."""
    body = fact["body"]
    return (body.get("confirmed") or {}).get("reason") or body["reason"]


def names_of(facts: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The names, as the timeline has them, of facts that somebody confirmed."""
    return frozenset(name_of(f) for f in in_force(facts) if f.get("confirmed_by"))


def name_of(fact: Mapping[str, Any]) -> str:
    """The name of a fact's record on the timeline."""
    return f"{fact['kind']}/{fact['id'][:8]}"


def timeline_of(patient: str, facts: Sequence[Mapping[str, Any]], person: Person, drug: str, *, beside: bool = False) -> Timeline:
    """The timeline a twin is told, without what cannot be believed or waits for an answer: findings name it, the rest goes on.

    ``beside``: with doses and levels of other drugs, of which a question hears only what they do to this one; without, facts are
    read as programs did that kept questions without saying it (an INR told as a covariate is one).
    """
    everything = raw_timeline(patient, facts, person, drug, as_before=not beside)
    return held_back(everything if beside else told(everything), names_of(facts))


def told(everything: Timeline) -> Timeline:
    """What a question about the timeline's drug rests on: without doses and levels of other drugs."""
    return everything.of(everything.drug, {o.measures for o in everything.observations if o.measures not in QUANTITIES})


def raw_timeline(
    patient: str, facts: Sequence[Mapping[str, Any]], person: Person, drug: str, *, as_before: bool = False
) -> Timeline:
    """All that is on record about one patient; times in h since the first dose of ``drug``, else the first fact of care.

    ``as_before``: an INR told as a covariate is one, as programs read it that kept questions without saying how (replays).
    """
    created = next((f for f in facts if f["kind"] == "patient_created"), None)
    said = created["body"] if created is not None else {}
    care = in_force(facts)
    origin = origin_of(facts, care, drug)

    def hours(at: datetime) -> float:
        # to the second: floats of hours would make moments that are equal differ
        assert origin is not None
        return round((at - origin) / timedelta(seconds=1)) / 3600.0

    doses, levels, known = [], [], []
    traits: dict[str, float] = {}
    findings: list[Finding] = []
    for f in care:
        b, name, t = f["body"], name_of(f), hours(f["at"])
        if f["kind"] == "dose":
            doses.append(DoseEvent(t, b["amount_mg"], b["infusion_h"], record=name, drug=b["drug"]))
        elif (m := measurement(f)) is not None:
            of = QUANTITIES.get(m.quantity)
            findings += [Finding(**{**x, "record": name}) for x in m.findings]
            if of is not None and of.kind == "trait":
                traits[m.quantity] = m.value
            elif of is None or (of.predicted and not (as_before and f["kind"] == "covariate")):
                limit = m.value if m.below else None
                levels.append(Observation(t, m.quantity, m.value, m.unit, limit, m.below, m.time_sd_h, m.after_dose, m.assay,
                                          name))  # fmt: skip
            else:
                known.append(Covariate(t, m.quantity, m.value, m.unit, name))
    who = Patient(patient, said.get("sex"), person.birth, said.get("GA_weeks"), said.get("birth_weight_kg"),
                  bool(said.get("synthetic")), said.get("label", ""), traits=traits)  # fmt: skip
    return Timeline(who, tuple(doses), tuple(levels), tuple(known), origin, findings=tuple(findings), drug=drug)


def origin_of(facts: Sequence[Mapping[str, Any]], care: Sequence[Mapping[str, Any]], drug: str) -> datetime | None:
    """When the timeline's clock starts: the first dose of the drug, else the first fact of ``care``, else the first contact."""
    moments = [f["at"] for f in care if f["kind"] == "dose" and f["body"]["drug"] == drug] or [f["at"] for f in care]
    return min(moments, default=next((f["at"] for f in facts if f["kind"] == "patient_created"), None))


def mic_of(facts: Sequence[Mapping[str, Any]], drug: str) -> float | None:
    """The MIC (mg/L) of the last culture that tells one for the drug."""
    found = [f["body"] for f in in_force(facts) if f["kind"] == "culture"]
    mics = [b["mic_mg_per_L"] for b in found if b.get("mic_mg_per_L") is not None and b.get("drug") in (None, drug)]
    return mics[-1] if mics else None
