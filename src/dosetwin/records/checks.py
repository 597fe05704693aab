"""What is wrong or odd in one patient's timeline: named findings, each with record, value, allowed range and remedy.

An error means that no advice may be built on the data; a warning is printed with the advice. The ranges are guards against
slips of the pen (assumed, deliberately wide), not dosing limits and not a model's applicability.
"""

from collections.abc import Iterator
from itertools import pairwise
from types import MappingProxyType

from dosetwin.errors import Finding
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.observation import Observation
from dosetwin.records.timeline import Timeline

GA_RANGE = (22.0, 44.0)
"""Weeks at birth."""
WT_RANGE = (0.2, 300.0)
"""kg, any patient."""
NEWBORN_WT_MAX = 10.0
"""kg; a patient whose gestational age is known, or who is younger than 60 days, weighs less."""
GRAMS_FROM = 30.0
"""kg; a newborn's weight above it was meant in grams."""
SCR_RANGE = (0.05, 20.0)
"""mg/dL."""
NEWBORN_DAYS = 60.0

DOSE_PER_KG = MappingProxyType(
    {
        "amikacin": (1.0, 40.0),
        "gentamicin": (0.5, 15.0),
        "tobramycin": (0.5, 15.0),
        "vancomycin": (2.0, 60.0),
        "phenobarbital": (0.5, 50.0),
        "warfarin": (0.005, 2.0),
    }
)
"""mg/kg of one dose outside which an amount is taken for a slip of the pen."""
ANY_DOSE_PER_KG = (0.0001, 500.0)

_NOT_DRUGS = frozenset({"SCR", "WT", "INR", "HT", "TEMP", "ALB"})
_SAME = 1e-6


def check(timeline: Timeline, now: float | None = None, *, first_dose: bool = False) -> tuple[Finding, ...]:
    """The findings on a timeline, worst first. The importer's own remarks are in ``timeline.findings``, not repeated here.

    Parameters
    ----------
    now : h on the timeline's clock; data after it get ``future_data`` (``Timeline.until(now)`` leaves them out).
    first_dose : True when advice on the very first dose is asked for, so that having no doses is no error.
    """
    past = timeline if now is None else timeline.until(now)
    found = [
        *_future(timeline, now),
        *_present(past, first_dose),
        *_birth(past),
        *_duplicates(past),
        *_repeated_soon(past),
        *_levels(past),
        *_weights(past),
        *_creatinine(past),
        *_doses(past),
        *_gestation(past),
    ]
    rank = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(found, key=lambda f: rank[f.severity]))


def _name(record: str, what: str, time: float) -> str:
    return record or f"{what} at {time:g} h"


def is_newborn(timeline: Timeline) -> bool:
    """True when gestational age is known or the first record lies within NEWBORN_DAYS of birth."""
    if timeline.patient.GA is not None or timeline.series("GA"):
        return True
    birth, origin = timeline.patient.birth, timeline.origin
    return birth is not None and origin is not None and 0 <= (origin - birth).total_seconds() / 86400 < NEWBORN_DAYS


_NEAR_H = 4.0
"""Two equal doses closer than this (h, assumed) are remarked on: no regimen here repeats a dose so soon."""


def _drug_levels(timeline: Timeline) -> tuple[Observation, ...]:
    return tuple(o for o in timeline.observations if o.measures not in _NOT_DRUGS)


def _expanded(timeline: Timeline) -> list[DoseEvent]:
    return [e for d in timeline.doses for e in d.expanded()]


def _future(timeline: Timeline, now: float | None) -> Iterator[Finding]:
    if now is None:
        return
    records = [("dose", d) for d in _expanded(timeline)] + [("level", o) for o in timeline.observations]
    # a flag that will go off (value 0) is the end of something already known, not a measurement from the future
    records += [("covariate", c) for c in timeline.covariates if c.value != 0]
    for what, r in records:
        if r.time > now + _SAME:
            yield Finding(
                "warning",
                "future_data",
                _name(r.record, what, r.time),
                f"a {what} {r.time - now:g} h after now; not used",
                r.time,
                f"<= {now:g} h",
                "correct the time, or ask for a later now",
            )


def _present(timeline: Timeline, first_dose: bool) -> Iterator[Finding]:
    who = f"patient {timeline.patient.id}"
    if not timeline.doses and not first_dose:
        yield Finding(
            "error",
            "no_doses",
            who,
            "no doses on record",
            None,
            "at least one dose given",
            "send the administrations, with amount and time",
        )
    if not timeline.series("WT") and timeline.patient.BW is None:
        yield Finding(
            "error", "no_weight", who, "no body weight on record", None, "WT or birth weight, kg", "send the weight with its unit"
        )


def _birth(timeline: Timeline) -> Iterator[Finding]:
    if timeline.patient.birth is None or timeline.origin is None:
        return
    born = timeline.at(timeline.patient.birth)
    records = [("dose", d) for d in timeline.doses] + [("level", o) for o in timeline.observations]
    records += [("covariate", c) for c in timeline.covariates]
    for what, r in records:
        if r.time < born - _SAME:
            yield Finding(
                "error",
                "before_birth",
                _name(r.record, what, r.time),
                f"a {what} {born - r.time:g} h before birth",
                r.time,
                f">= {born:g} h",
                "correct the time or the date of birth",
            )


def _repeated_soon(timeline: Timeline) -> Iterator[Finding]:
    """Equal doses so close that a feed may have sent one twice; a split infusion, without a gap or overlap, is none."""
    doses = sorted(_expanded(timeline), key=lambda d: d.time)
    for before, d in pairwise(doses):
        apart = d.time - before.time
        follows = before.duration > 0 and abs(apart - before.duration) <= 1e-6
        if d.amount == before.amount and d.cmt == before.cmt and 1e-6 < apart <= _NEAR_H and not follows:
            yield Finding(
                "warning",
                "dose_repeated_soon",
                _name(d.record, "dose", d.time),
                f"the same amount {60 * apart:.0f} min after {_name(before.record, 'dose', before.time)}; both are used",
                d.amount,
                "",
                "if it is one dose recorded twice, remove one: the twin believes that twice the drug was given",
            )


def _duplicates(timeline: Timeline) -> Iterator[Finding]:
    doses: dict[tuple, DoseEvent] = {}
    for d in _expanded(timeline):
        key = (round(d.time, 6), d.cmt)
        if key in doses and doses[key].amount == d.amount:
            yield Finding(
                "error",
                "duplicate_dose",
                _name(d.record, "dose", d.time),
                f"the same dose as {_name(doses[key].record, 'dose', d.time)}",
                d.amount,
                "each dose once",
                "remove the copy; two doses at once would be counted twice",
            )
        elif key in doses:
            yield Finding(
                "warning",
                "doses_together",
                _name(d.record, "dose", d.time),
                f"a second dose at the same time as {_name(doses[key].record, 'dose', d.time)}; both are used",
                d.amount,
            )
        doses[key] = d
    known: dict[tuple, tuple[float, str]] = {}
    values = [(o.time, o.measures, o.value, _name(o.record, o.measures or "level", o.time), o.cmt) for o in timeline.observations]
    values += [(c.time, c.name, c.value, _name(c.record, c.name, c.time), None) for c in timeline.covariates]
    for time, name, value, record, cmt in values:
        key = (round(time, 6), name, cmt)
        if key not in known:
            known[key] = (value, record)
        elif known[key][0] == value:
            yield Finding(
                "warning",
                "duplicate_record",
                record,
                f"{name or 'level'} repeats {known[key][1]}",
                value,
                "each result once",
                "remove the copy",
            )
        else:
            yield Finding(
                "error",
                "conflicting_values",
                record,
                f"{name or 'level'} differs from {known[key][1]} at the same time",
                value,
                f"{known[key][0]:g}",
                "keep the right one",
            )


def _levels(timeline: Timeline) -> Iterator[Finding]:
    doses = _expanded(timeline)
    first = min((d.time for d in doses), default=None)
    for o in _drug_levels(timeline):
        record = _name(o.record, "level", o.time)
        if o.blq and o.loq is None:
            yield Finding(
                "error",
                "blq_without_loq",
                record,
                "below quantification, but no limit",
                o.value,
                "loq > 0",
                "send the limit of quantification",
            )
        if o.value < 0:
            yield Finding("error", "level_negative", record, "a negative level", o.value, ">= 0")
        if (
            first is not None
            and o.value > 0
            and not o.blq
            and (
                o.time < first - _SAME
                or (o.time <= first and not o.after_dose and not any(d.ss for d in doses if d.time == first))
            )
        ):
            yield Finding(
                "error",
                "level_before_first_dose",
                record,
                f"a level drawn {first - o.time:g} h before the first dose",
                o.value,
                f"later than {first:g} h",
                "add the earlier doses, or correct the time",
            )
        for d in doses:
            if d.duration > 0 and d.time < o.time < d.time + d.duration - _SAME:
                yield Finding(
                    "warning",
                    "level_during_infusion",
                    record,
                    f"drawn during the infusion {_name(d.record, 'dose', d.time)}",
                    o.time,
                    f">= {d.time + d.duration:g} h",
                    "check the time; a line used for both contaminates the sample",
                )


def _weights(timeline: Timeline) -> Iterator[Finding]:
    newborn = is_newborn(timeline)
    low, high = WT_RANGE
    weights = [(_name(c.record, c.name, c.time), c.value) for c in timeline.covariates if c.name in ("WT", "BW")]
    if timeline.patient.BW is not None:
        weights.append((f"patient {timeline.patient.id} birth weight", timeline.patient.BW))
    for record, kg in weights:
        if (newborn and kg > GRAMS_FROM) or kg > high:
            yield Finding(
                "error",
                "weight_in_grams",
                record,
                f"{kg:g} kg looks like grams",
                kg,
                f"{low:g} to {NEWBORN_WT_MAX if newborn else high:g} kg",
                f"{kg / 1000:g} kg?",
            )
        elif kg < low:
            yield Finding(
                "error",
                "weight_implausible",
                record,
                "the weight is too low",
                kg,
                f"{low:g} to {high:g} kg",
                f"{kg * 1000:g} kg?" if kg > 0 else "correct it",
            )
        elif newborn and kg > NEWBORN_WT_MAX:
            yield Finding(
                "warning",
                "weight_implausible",
                record,
                "the weight is high for a newborn",
                kg,
                f"{low:g} to {NEWBORN_WT_MAX:g} kg",
                "check it",
            )


def _creatinine(timeline: Timeline) -> Iterator[Finding]:
    values = [(_name(o.record, "SCR", o.time), o.value) for o in timeline.observations if o.measures == "SCR"]
    values += [(_name(c.record, "SCR", c.time), c.value) for c in timeline.covariates if c.name == "SCR"]
    low, high = SCR_RANGE
    for record, scr in values:
        if not low <= scr <= high:
            other = (
                f"{scr / 88.4:.3g} mg/dL if these are umol/L"
                if scr > high
                else (f"{scr * 88.4:.3g} mg/dL if divided twice by 88.4" if scr > 0 else "")
            )
            yield Finding(
                "error",
                "creatinine_implausible",
                record,
                "creatinine outside the possible range",
                scr,
                f"{low:g} to {high:g} mg/dL",
                other or "correct it",
            )


def _doses(timeline: Timeline) -> Iterator[Finding]:
    # a weight that is itself a finding would only make every dose one too
    most = GRAMS_FROM if is_newborn(timeline) else WT_RANGE[1]
    weights = [(t, w) for t, w in timeline.series("WT") if WT_RANGE[0] <= w <= most]
    for d in timeline.doses:
        record = _name(d.record, "dose", d.time)
        if not d.amount > 0:
            yield Finding("error", "dose_without_amount", record, "a dose without amount", d.amount, "> 0 mg", "give the amount")
            continue
        earlier = [w for t, w in weights if t <= d.time + _SAME]
        kg = earlier[-1] if earlier else (weights[0][1] if weights else timeline.patient.BW)
        if kg is None or not kg > 0:
            continue
        low, high = DOSE_PER_KG.get(timeline.drug, ANY_DOSE_PER_KG)
        if not low <= d.amount / kg <= high:
            yield Finding(
                "error",
                "dose_implausible",
                record,
                f"{d.amount:g} mg is {d.amount / kg:.3g} mg/kg",
                d.amount,
                f"{low * kg:.3g} to {high * kg:.3g} mg ({low:g} to {high:g} mg/kg)",
                "check the amount, its unit and the weight",
            )


def _gestation(timeline: Timeline) -> Iterator[Finding]:
    low, high = GA_RANGE
    values = [(f"patient {timeline.patient.id}", timeline.patient.GA)] if timeline.patient.GA is not None else []
    values += [(_name(c.record, "GA", c.time), c.value) for c in timeline.covariates if c.name == "GA"]
    for record, ga in values:
        if not low <= ga <= high:
            yield Finding(
                "error",
                "gestational_age_implausible",
                record,
                "gestational age outside the possible range",
                ga,
                f"{low:g} to {high:g} weeks",
                f"{ga / 7:.3g} weeks if these are days" if ga > 150 else "correct it",
            )
