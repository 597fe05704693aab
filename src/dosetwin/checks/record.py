"""What is wrong or odd in one patient's timeline: named findings, each with record, value, allowed range and remedy.

An error means that no advice may be built on the record; a warning is printed with the advice. Some warnings are ``ASKED``:
where somebody is there to answer, they are asked whether they are sure; where nobody is, ``held`` keeps the record back. The
ranges are those of quantities and drugs, the same ones at every door; each dose and level is judged by its own drug.
"""

from collections.abc import Callable, Iterator, Sequence
from math import isfinite

from dosetwin.checks.doses import doses
from dosetwin.checks.levels import alarms, levels
from dosetwin.checks.named import SAME, expanded, is_newborn, named
from dosetwin.checks.twice import duplicates, repeated_soon
from dosetwin.checks.weights import weights
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
        *duplicates(past),
        *repeated_soon(past),
        *levels(past),
        *alarms(past),
        *weights(past),
        *_values(past),
        *doses(past),
        *_flags(past),
        *_far(past),
        *_gestation(past),
    ]
    rank = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(found, key=lambda f: rank[f.severity]))


def highest(timeline: Timeline) -> Callable[[Quantity], float]:
    """Quantity -> the highest value it can have in this patient."""
    newborn = is_newborn(timeline)
    return lambda of: of.top(newborn)


def _future(timeline: Timeline, now: float | None) -> Iterator[Finding]:
    if now is None:
        return
    records = [("dose", d) for d in expanded(timeline)] + [("level", o) for o in timeline.observations]
    # a flag that will go off (value 0) is the end of something already known, not a measurement from the future
    records += [("covariate", c) for c in timeline.covariates if c.value != 0]
    for what, r in records:
        if r.time > now + SAME:
            yield Finding(
                "warning",
                "future_data",
                named(r.record, what, r.time),
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
            yield Finding("error", "not_finite", named(r.record, what, r.time), "not a finite number", str(values[1]),
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
    early = [(what, r) for what, r in records if r.time < born - SAME]
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
            named(r.record, what, r.time),
            f"a {what} {born - r.time:g} h before birth",
            r.time,
            f">= {born:g} h",
            "correct the time or the date of birth",
        )


def _values(timeline: Timeline) -> Iterator[Finding]:
    """Creatinine and other measured quantities outside what can be."""
    values = [(named(o.record, o.measures, o.time), o.measures, o.value, o.unit, o.time) for o in timeline.observations]
    values += [(named(c.record, c.name, c.time), c.name, c.value, c.unit, c.time) for c in timeline.covariates]
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


def _flags(timeline: Timeline) -> Iterator[Finding]:
    """The end of something that never began."""
    begun: set[str] = set()
    for c in timeline.covariates:
        if c.name in QUANTITIES and QUANTITIES[c.name].flag:
            # a column of zeros says "never", once; the end of a course stands after its beginning
            if c.value == 0 and c.name not in begun and any(
                x.name == c.name and x.value and x.time > c.time for x in timeline.covariates
            ) and c.record.startswith("end of "):  # fmt: skip
                yield Finding("warning", "stop_without_start", named(c.record, c.name, c.time),
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
        yield Finding("warning", "far_in_time", named(r.record, what, r.time),
                      f"a {what} more than {_FAR_H / 24:.0f} days from all other records", r.time, "near the other records",
                      "check the year")  # fmt: skip


def _gestation(timeline: Timeline) -> Iterator[Finding]:
    low, high = QUANTITIES["GA"].low, QUANTITIES["GA"].high
    values = [(f"patient {timeline.patient.id}", timeline.patient.GA)] if timeline.patient.GA is not None else []
    values += [(named(c.record, "GA", c.time), c.value) for c in timeline.covariates if c.name == "GA"]
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
