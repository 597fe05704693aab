"""What is wrong or odd in one patient's timeline: named findings, each with record, value, allowed range and remedy.

An error means that no advice may be built on the record; a warning is printed with the advice. Some warnings are ``ASKED``:
where somebody is there to answer, they are asked whether they are sure; where nobody is, ``held`` keeps the record back. The
ranges are those of quantities and drugs, the same ones at every door; each dose and level is judged by its own drug.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from dosetwin import formulary
from dosetwin.checks.believable import GRAMS_FROM, NEWBORN_DAYS, drug_of, one_dose, weight_change
from dosetwin.declare.drug import OneDose
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES, UMOL_PER_MG_DL, Quantity
from dosetwin.records.covariate import Covariate
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.observation import Observation
from dosetwin.records.timeline import Timeline

HELD = frozenset({"weight_jump", "dose_unusual", "doses_close"})
"""Warnings whose record is kept back from a twin until somebody confirms it (``records.held``)."""
ASKED = HELD | {"infusion_unusual", "dose_repeated_soon", "stop_without_start", "far_in_time"}
"""Warnings that somebody who enters a record is asked about."""

_SAME = 1e-6
_MINUTE = 1.0 / 60.0
_CLOSE_H = 1.0
"""Two different doses closer than this (h, assumed) are asked about."""
_FAR_H = 300 * 24.0
"""A few records further than this (h, assumed) from all others have the wrong year more often than not."""
_UNITLESS = frozenset({"laboratory", "score", "setting", "vital"})
"""Kinds of quantities of which one without a unit (pH, an oxygen fraction) is judged though a table's column says none."""


def check(timeline: Timeline, now: float | None = None, *, first_dose: bool = False, weight: bool = True) -> tuple[Finding, ...]:
    """The findings on a timeline, worst first. The importer's own remarks are in ``timeline.findings``, not repeated here.

    Parameters
    ----------
    now : h on the timeline's clock; data after it get ``future_data`` (``Timeline.until(now)`` leaves them out).
    weight : False when nothing here is dosed by weight, so that having none is no error.
    first_dose : True when advice on the very first dose is asked for, so that having no doses is no error.
    """
    past = timeline if now is None else timeline.until(now)
    found = [
        *_future(timeline, now),
        *_present(past, first_dose, weight),
        *_finite(past),
        *_birth(past),
        *_duplicates(past),
        *_repeated_soon(past),
        *_levels(past),
        *_alarms(past),
        *_weights(past),
        *_values(past),
        *_doses(past),
        *_flags(past),
        *_far(past),
        *_gestation(past),
    ]
    rank = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(found, key=lambda f: rank[f.severity]))


def _name(record: str, what: str, time: float) -> str:
    return record or f"{what} at {time:g} h"


def name_of(what: str, record: DoseEvent | Observation | Covariate) -> str:
    """The name a finding calls a record by."""
    return _name(record.record, what, record.time)


def is_newborn(timeline: Timeline, time: float | None = None) -> bool:
    """Whether the patient is younger than NEWBORN_DAYS at ``time`` (h; None: at the origin), or, without a birth date, has a
    gestational age on record."""
    when = timeline.when(0.0 if time is None else time)
    if timeline.patient.birth is not None and when is not None:
        days = (when - timeline.patient.birth).total_seconds() / 86400
        return 0 <= days < NEWBORN_DAYS or (days < 0 and timeline.patient.GA is not None)
    return timeline.patient.GA is not None or bool(timeline.series("GA"))


def highest(timeline: Timeline) -> Callable[[Quantity], float]:
    """Quantity -> the highest value it can have in this patient."""
    newborn = is_newborn(timeline)
    return lambda of: of.top(newborn)


def _drug_levels(timeline: Timeline) -> tuple[Observation, ...]:
    return tuple(o for o in timeline.observations if o.measures not in QUANTITIES)


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


def _present(timeline: Timeline, first_dose: bool, weight: bool) -> Iterator[Finding]:
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
    if weight and not timeline.series("WT") and timeline.patient.BW is None:
        yield Finding(
            "error", "no_weight", who, "no body weight on record", None, "WT or birth weight, kg", "send the weight with its unit"
        )


def _finite(timeline: Timeline) -> Iterator[Finding]:
    for what, r in _all(timeline):
        values = (r.time, r.amount, r.duration) if isinstance(r, DoseEvent) else (r.time, r.value)
        if not all(isfinite(v) for v in values):
            yield Finding("error", "not_finite", _name(r.record, what, r.time), "not a finite number", str(values[1]),
                          "finite numbers", "correct it")  # fmt: skip


def _all(timeline: Timeline) -> list[tuple[str, DoseEvent | Observation | Covariate]]:
    records: list[tuple[str, DoseEvent | Observation | Covariate]] = [("dose", d) for d in timeline.doses]
    records += [(o.measures or "level", o) for o in timeline.observations]
    return records + [(c.name, c) for c in timeline.covariates]


def _birth(timeline: Timeline) -> Iterator[Finding]:
    if timeline.patient.birth is None or timeline.origin is None:
        return
    born = timeline.at(timeline.patient.birth)
    records = [("dose", d) for d in timeline.doses] + [("level", o) for o in timeline.observations]
    records += [("covariate", c) for c in timeline.covariates]
    early = [(what, r) for what, r in records if r.time < born - _SAME]
    if len(early) > 1 and len(early) == len(records):
        yield Finding(
            "error",
            "birth_after_records",
            f"patient {timeline.patient.id} birth",
            f"every record lies before the date of birth, the first {born - early[0][1].time:g} h before",
            timeline.patient.birth.isoformat(),
            f"before {timeline.when(min(r.time for _, r in early))}",
            "correct the date of birth",
        )
        return
    for what, r in early:
        yield Finding(
            "error",
            "before_birth",
            _name(r.record, what, r.time),
            f"a {what} {born - r.time:g} h before birth",
            r.time,
            f">= {born:g} h",
            "correct the time or the date of birth",
        )


def _by_drug(timeline: Timeline) -> dict[str, list[DoseEvent]]:
    """The doses of each drug in the order of time."""
    out: dict[str, list[DoseEvent]] = {}
    for d in sorted(_expanded(timeline), key=lambda d: d.time):
        out.setdefault(d.drug or timeline.drug, []).append(d)
    return out


def _repeated_soon(timeline: Timeline) -> Iterator[Finding]:
    """Doses so close that one may stand there twice; a split infusion, without a gap or overlap, is none."""
    for before, d in (pair for doses in _by_drug(timeline).values() for pair in pairwise(doses)):
        apart = d.time - before.time
        follows = before.duration > 0 and abs(apart - before.duration) <= 1e-6
        if d.amount != before.amount and d.cmt == before.cmt and 1e-6 < apart < _CLOSE_H and not follows:
            yield Finding(
                "warning",
                "doses_close",
                _name(d.record, "dose", d.time),
                f"a second dose {60 * apart:.0f} min after {before.amount:g} mg ({_name(before.record, 'dose', before.time)})",
                d.amount,
                f">= {_CLOSE_H:g} h after the dose before",
                "if it replaces that dose, or repeats it, remove one",
            )
        near = drug_of(d.drug or timeline.drug).shortest_h
        if d.amount == before.amount and d.cmt == before.cmt and _MINUTE < apart <= near and not follows:
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
    last: dict[tuple[str, str | int | None], DoseEvent] = {}
    for d in sorted(_expanded(timeline), key=lambda d: d.time):
        place = (d.drug or timeline.drug, d.cmt)
        before = last.get(place)
        last[place] = d
        if before is None or d.time - before.time > _MINUTE + _SAME:
            continue
        if before.duration > 0 and abs(d.time - before.time - before.duration) <= _SAME:  # a split infusion
            continue
        other = _name(before.record, "dose", before.time)
        if before.amount == d.amount:
            yield Finding(
                "error",
                "duplicate_dose",
                _name(d.record, "dose", d.time),
                f"the same dose as {other}",
                d.amount,
                "each dose once",
                "remove the copy; two doses at once would be counted twice",
            )
        elif d.time - before.time <= _SAME:
            yield Finding(
                "warning",
                "doses_together",
                _name(d.record, "dose", d.time),
                f"a second dose at the same time as {other}; both are used",
                d.amount,
            )
    known: dict[tuple, tuple[float, float, str]] = {}
    values = [(o.time, o.measures, o.value, _name(o.record, o.measures or "level", o.time), o.cmt) for o in timeline.observations]
    values += [(c.time, c.name, c.value, _name(c.record, c.name, c.time), None) for c in timeline.covariates]
    for time, name, value, record, cmt in sorted(values, key=lambda v: v[0]):
        before = known.get((name, cmt))
        known[name, cmt] = (time, value, record)
        if before is None or time - before[0] > _MINUTE + _SAME:
            continue
        if before[1] == value:
            yield Finding(
                "warning",
                "duplicate_record",
                record,
                f"{name or 'level'} repeats {before[2]}",
                value,
                "each result once",
                "remove the copy",
            )
        elif time - before[0] <= _SAME:
            yield Finding(
                "error",
                "conflicting_values",
                record,
                f"{name or 'level'} differs from {before[2]} at the same time",
                value,
                f"{before[1]:g}",
                "keep the right one",
            )


def _levels(timeline: Timeline) -> Iterator[Finding]:
    every = _by_drug(timeline)
    for o in _drug_levels(timeline):
        record = _name(o.record, "level", o.time)
        name = o.measures if o.measures in formulary.levels() else timeline.drug
        doses = [d for given, each in every.items() if given in (name, "") or not name for d in each]
        first = min((d.time for d in doses), default=None)
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
        level = drug_of(name).level
        if level is not None and o.value > level.high:
            yield Finding(
                "error",
                "level_implausible",
                record,
                f"a level of {o.measures or name} outside the possible range",
                o.value,
                level.possible(),
                "check value and unit; a line used for the drug contaminates the sample",
            )
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


def _alarms(timeline: Timeline) -> Iterator[Finding]:
    """What the last level of each drug says by itself, as the drug's file has it."""
    every = _by_drug(timeline)
    last: dict[str, Observation] = {}
    for o in sorted(_drug_levels(timeline), key=lambda o: o.time):
        last[o.measures if o.measures in formulary.levels() else timeline.drug] = o
    for name, o in last.items():
        doses = [
            d for given, each in every.items() if given in (name, "") for d in each
        ]  # a dose that names no drug is of this one
        of, starts = drug_of(name), sorted(d.time for d in doses if d.time <= o.time - _SAME)
        if not starts or o.blq or of.level is None:
            continue
        unit, hours = of.level.unit, o.time - starts[-1]
        for alarm in of.alarms:
            if alarm.rings(o.value, hours):
                limit = f"up to {alarm.above:g} {unit}" if alarm.above is not None else ""
                yield Finding("warning", alarm.code, _name(o.record, "level", o.time),
                              f"{name} {o.value:g} {unit} {hours:.3g} h after the start of a dose: {alarm.text} "
                              f"({alarm.source})", o.value, limit, alarm.remedy)  # fmt: skip


def _weights(timeline: Timeline) -> Iterator[Finding]:
    weights: list[tuple[str, float, float | None]]
    weights = [(_name(c.record, c.name, c.time), c.value, c.time) for c in timeline.covariates if c.name in ("WT", "BW")]
    if timeline.patient.BW is not None:
        weights.append((f"patient {timeline.patient.id} birth weight", timeline.patient.BW, None))
    for record, kg, time in weights:
        newborn = time is None or is_newborn(timeline, time)
        low, high = QUANTITIES["WT"].low, QUANTITIES["WT"].top(newborn)
        if (newborn and kg > GRAMS_FROM) or kg > QUANTITIES["WT"].high:
            yield Finding(
                "error",
                "weight_in_grams",
                record,
                f"{kg:g} kg looks like grams",
                kg,
                f"{low:g} to {high:g} kg",
                f"{kg / 1000:g} kg?",
            )
        elif kg < low or kg > high:
            yield Finding(
                "error",
                "weight_implausible",
                record,
                "the weight is too low" if kg < low else "the weight is too high for a newborn",
                kg,
                f"{low:g} to {high:g} kg",
                f"{kg * 1000:g} kg?" if 0 < kg < low else "correct it",
            )
    for jump in weight_jumps(timeline):
        change = jump.record.value / jump.before - 1.0
        yield Finding(
            "warning",
            "weight_jump",
            _name(jump.record.record, jump.record.name, jump.record.time),
            f"the weight of {jump.record.value:g} kg is {100 * abs(change):.0f} % {'above' if change > 0 else 'below'} "
            f"{jump.what} "
            f"({jump.before:g} kg, {_span(jump.hours)} before); every dose per kg changes by {100 * change:+.0f} % with it",
            jump.record.value,
            f"{jump.before * (1 - jump.allowed):.3g} to {jump.before * (1 + jump.allowed):.3g} kg",
            "confirm or correct it",
        )


def _span(hours: float) -> str:
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


@dataclass(frozen=True)
class Jump:
    """A weight that is not believed after the one ``before`` (kg), ``hours`` earlier: more than ``allowed`` (a share) away."""

    record: Covariate
    before: float
    hours: float
    allowed: float
    what: str


def weight_jumps(timeline: Timeline) -> tuple[Jump, ...]:
    """Weights too far from the last believed one (the birth weight first); those that agree with it again are believed."""
    found: list[Jump] = []
    possible = QUANTITIES["WT"]
    good: tuple[float, float, str] | None = None
    born = None if timeline.patient.birth is None or timeline.origin is None else timeline.at(timeline.patient.birth)
    known = [c for c in timeline.covariates if c.name == "WT" and possible.holds(c.value, is_newborn(timeline, c.time))]
    if timeline.patient.BW is not None and possible.holds(timeline.patient.BW, True) and known:
        first = known[0].time if born is None else born
        if is_newborn(timeline, known[0].time):
            good = (min(first, known[0].time), timeline.patient.BW, "the birth weight")
    jumped: tuple[float, float, str] | None = None
    for c in known:
        if good is None:
            good = (c.time, c.value, "the last weight")
            continue
        newborn = is_newborn(timeline, c.time)
        hours = c.time - good[0]
        allowed = weight_change(hours / 24.0, newborn)
        if _changed(c.value, good[1]) <= allowed + _SAME:
            good, jumped = (c.time, c.value, "the last weight"), None
        elif jumped is not None and _changed(c.value, jumped[1]) <= weight_change((c.time - jumped[0]) / 24.0, newborn) + _SAME:
            good, jumped = (
                (c.time, c.value, "the last weight"),
                None,
            )  # a second weight says the same: the step is real, or was told
        else:
            found.append(Jump(c, good[1], hours, allowed, good[2]))
            jumped = (c.time, c.value, "the last weight")
    return tuple(found)


def _changed(after: float, before: float) -> float:
    return abs(after / before - 1.0)


def _values(timeline: Timeline) -> Iterator[Finding]:
    """Creatinine and other measured quantities outside what can be."""
    values = [(_name(o.record, o.measures, o.time), o.measures, o.value, o.unit, o.time) for o in timeline.observations]
    values += [(_name(c.record, c.name, c.time), c.name, c.value, c.unit, c.time) for c in timeline.covariates]
    for record, name, value, unit, time in values:
        of = QUANTITIES.get(name)
        if of is None or name in ("WT", "BW", "GA"):
            continue
        # a column of a table says no unit: what a study calls TEMP may be in another one
        if name != "SCR" and unit != of.unit and not (of.kind in _UNITLESS and of.unit == "1"):
            continue
        if of.holds(value, is_newborn(timeline, time)):
            continue
        remedy = of.slip or "check value and unit"
        if name == "SCR" and value > of.high:
            remedy = f"{value / UMOL_PER_MG_DL:.3g} mg/dL if these are umol/L"
        elif name == "SCR" and value > 0:
            remedy = f"{value * UMOL_PER_MG_DL:.3g} mg/dL if divided twice by 88.4"
        code = "creatinine_implausible" if name == "SCR" else f"{name.lower()}_implausible"
        yield Finding("error", code, record, f"{of.text} outside the possible range", value,
                      of.possible(is_newborn(timeline, time)), remedy)  # fmt: skip


def _doses(timeline: Timeline) -> Iterator[Finding]:
    # a weight that is itself a finding would only make every dose one too
    weights = [(t, w) for t, w in timeline.series("WT") if QUANTITIES["WT"].holds(w, is_newborn(timeline, t))]
    weighed = [t for t, _ in weights]
    infused = {d.drug or timeline.drug for d in timeline.doses if d.duration > 0}
    for d in timeline.doses:
        record = _name(d.record, "dose", d.time)
        name = d.drug or timeline.drug
        of = drug_of(name)
        if not d.amount > 0:
            yield Finding("error", "dose_without_amount", record, "a dose without amount", d.amount, f"> 0 {of.unit}",
                          "give the amount")  # fmt: skip
            continue
        if d.duration < 0 or d.duration > of.longest_h:
            yield Finding("error", "infusion_implausible", record, f"an infusion over {d.duration:g} h", d.duration,
                          f"0 to {of.longest_h:g} h", "check the rate, the duration and their units")  # fmt: skip
        elif d.duration > of.long_h or (d.duration == 0 and name in infused and of.long_h <= 4.0):
            yield Finding("warning", "infusion_unusual", record,
                          f"an infusion over {d.duration:g} h" if d.duration else "given at once, others were infused",
                          d.duration, f"up to {of.long_h:g} h", "check the duration")  # fmt: skip
        size = one_dose(name)
        kg = 1.0
        if size.per_kg:
            k = bisect_right(weighed, d.time + _SAME)
            known = weights[max(k - 1, 0)][1] if weights else timeline.patient.BW
            if known is None or not known > 0:
                continue
            kg = known
        yield from _size(d, record, name, of.unit, size, kg, is_newborn(timeline, d.time))


def _size(d: DoseEvent, record: str, drug: str, unit: str, size: OneDose, kg: float, newborn: bool) -> Iterator[Finding]:
    """Whether one dose can be, and is usual; ``kg`` 1 where the weight does not count."""
    each = d.amount / kg
    said = f"{d.amount:g} {unit}" + (f" is {each:.3g} {size.unit}" if size.per_kg else "")

    def allowed(low: float, high: float) -> str:
        told = f"{_plainly(low * kg)} to {_plainly(high * kg)} {unit}"
        return f"{told} ({low:g} to {high:g} {size.unit})" if size.per_kg else told

    usual = size.usually(newborn)
    if not size.low <= each <= size.high:
        yield Finding("error", "dose_implausible", record, said, d.amount, allowed(size.low, size.high),
                      _meant(d.amount, kg, usual, unit, size.per_kg) or "check the amount, its unit and the weight")  # fmt: skip
    elif not usual[0] <= each <= usual[1]:
        yield Finding("warning", "dose_unusual", record,
                      f"{said}, {'below' if each < usual[0] else 'above'} what is usual for {drug}", d.amount, allowed(*usual),
                      _meant(d.amount, kg, usual, unit, size.per_kg) or "confirm or correct it")  # fmt: skip


def _plainly(x: float) -> str:
    """Three digits without an exponent up to a million: ``4800``, not ``4.8e+03``."""
    return f"{float(f'{x:.3g}'):g}"


def _meant(amount: float, kg: float, usual: tuple[float, float], unit: str, per_kg: bool) -> str:
    """What may have been meant by an amount that is not believed; "" where nothing fits."""
    low, high = usual
    if per_kg and low <= amount <= high and not low <= amount / kg <= high:
        return f"{_plainly(amount * kg)} {unit} if {amount:g} was {unit}/kg"
    if unit != "mg":
        return ""
    for factor, text in ((1000.0, "g"), (0.001, "ug")):
        if low <= amount * factor / kg <= high:
            return f"{_plainly(amount * factor)} mg if {amount:g} was {text}"
    return ""


def _flags(timeline: Timeline) -> Iterator[Finding]:
    """The end of something that never began."""
    begun: set[str] = set()
    for c in timeline.covariates:
        if c.name in QUANTITIES and QUANTITIES[c.name].flag:
            # a column of zeros says "never", once; the end of a course stands after its beginning
            if c.value == 0 and c.name not in begun and any(
                x.name == c.name and x.value and x.time > c.time for x in timeline.covariates
            ) and c.record.startswith("end of "):  # fmt: skip
                yield Finding("warning", "stop_without_start", _name(c.record, c.name, c.time),
                              f"{c.name} ends here and begins only later", c.value, "an end after its beginning",
                              "correct the two times")  # fmt: skip
            if c.value:
                begun.add(c.name)


def _far(timeline: Timeline) -> Iterator[Finding]:
    """A few records far from all others: a wrong year."""
    records: Sequence[tuple[str, DoseEvent | Observation]] = [
        *(("dose", d) for d in timeline.doses), *(("level", o) for o in timeline.observations)
    ]  # fmt: skip
    placed = sorted(records, key=lambda r: r[1].time)
    cut = next((k for k in range(1, len(placed)) if placed[k][1].time - placed[k - 1][1].time > _FAR_H), None)
    if cut is None:
        return
    few = placed[:cut] if cut <= len(placed) - cut else placed[cut:]
    if len(few) > max(1, len(placed) // 4):
        return
    for what, r in few:
        yield Finding("warning", "far_in_time", _name(r.record, what, r.time),
                      f"a {what} more than {_FAR_H / 24:.0f} days from all other records", r.time, "near the other records",
                      "check the year")  # fmt: skip


def _gestation(timeline: Timeline) -> Iterator[Finding]:
    low, high = QUANTITIES["GA"].low, QUANTITIES["GA"].high
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
