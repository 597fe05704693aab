"""One patient under one arm, event by event: doses are given, samples are drawn, each result that is back asks the arm again."""

from dataclasses import dataclass, field

import numpy as np

from dosetwin.decide.limits import broken
from dosetwin.decide.plans import situation
from dosetwin.decide.readings import AREAS, FINE, finish
from dosetwin.declare import End, Reading
from dosetwin.declare.reading import HOURS, After, At, Between
from dosetwin.errors import InputError
from dosetwin.records import Choosable, Covariate, DoseEvent, Observation, Timeline
from dosetwin.simulate.settings import replaced
from dosetwin.trial.therapy.choice import Ordered, ordered
from dosetwin.trial.therapy.design import Arm, TherapyDesign
from dosetwin.trial.therapy.endpoints import judged, readings_of, value_name, which
from dosetwin.trial.therapy.truth import VirtualPatient

SLACK = 1e-9
STEP_H, MOST = 1.0, 1000
"""h and points: how closely the truth is followed over a span; one interval at FINE points at least."""
REVIEW_H = 24.0
"""h: a rule that looks at nothing measured is asked again so often, for facts that have changed (weight, age, what runs)."""


@dataclass
class Course:
    """What happened: doses given, what was set and measured, the orders written (h, in words), what was counted on the way."""

    given: list[DoseEvent] = field(default_factory=list)
    sets: list[Covariate] = field(default_factory=list)
    measured: list[Observation] = field(default_factory=list)
    orders: list[tuple[float, str]] = field(default_factory=list)
    due: float = 0.0
    decisions: int = 0
    broken: int = 0
    unacceptable: int = 0


def follow(patient: VirtualPatient, arm: Arm) -> Course:
    """A patient's course. Raises InputError where the arm has no order to begin with, SimulationError."""
    design, made = patient.design, Course()
    order, key = _decided(patient, arm, made, 0.0, None, None)
    if order is None:
        raise InputError("no order to begin with", where=f"patient {patient.number}: {arm.name}")
    asked = _Samples(design, arm)
    known_at: list[float] = []
    if arm.policy.startswith("rule:") and not arm.looks_in(design):
        known_at += list(np.arange(REVIEW_H, design.horizon_h, REVIEW_H))
    while True:
        coming = [d for d in order.doses(design.horizon_h) if not made.given or d.time > made.given[-1].time + SLACK]
        drawn, result = asked.next(made.given, coming), min(known_at, default=np.inf)
        now = min(drawn, result)
        if now >= design.horizon_h - SLACK:
            made.given += coming
            made.due = _due(order, made.given[-1].time if made.given else -np.inf, design.horizon_h)
            return made
        made.given += [d for d in coming if d.time < now - SLACK]
        if drawn <= result:
            made.measured += patient.measured(made.given, now, asked.taken(made.given, coming), made.sets)
            known_at.append(now + design.schedule.turnaround_h)
            continue
        known_at.remove(result)
        order, key = _decided(patient, arm, made, now, order, key)


def _due(order: Choosable, last: float, horizon: float) -> float:
    """h at which the dose after the last one would have been given: the end of its interval."""
    more = [d.time for d in order.doses(horizon + 400.0) if d.time > last + SLACK]
    return more[0] if more else np.inf


def _decided(patient: VirtualPatient, arm: Arm, made: Course, now: float, order: Choosable | None, key: object) -> tuple:
    """The order in force after a decision at ``now`` and its key; an arm with nothing new to say goes on as before."""
    design = patient.design
    late = design.schedule.turnaround_h
    known = replaced(patient.record.until(now), made.sets)
    known = known.append(*made.given, *(o for o in made.measured if o.time + late <= now + SLACK))
    found = _asked(patient, arm, made, known, now)
    made.decisions += 1
    if found is None:
        return order, key
    made.unacceptable += not found.acceptable
    new = found.plan.order
    said = design.of.menu.key(new)
    if order is not None and said == key:
        return order, key
    made.broken += bool(broken(new, design.of, situation(known, now, therapy=design.of)))
    made.orders.append((now, new.words()))
    made.sets += new.settings(design.horizon_h)
    return new, said


def _asked(patient: VirtualPatient, arm: Arm, made: Course, known: Timeline, now: float) -> Ordered | None:
    """What an arm orders; twins of one belief order the same before anything is given, and are asked once."""
    if arm.policy != "twin" or made.given or made.measured:
        return ordered(patient.design, arm, known, now)
    key = (patient.design.believed(arm).name, arm.draws)
    if key not in patient.first:
        patient.first[key] = ordered(patient.design, arm, known, now)
    return patient.first[key]


class _Samples:
    """Which samples are still to come, and when the next one is; an arm that looks at none has none taken."""

    def __init__(self, design: TherapyDesign, arm: Arm) -> None:
        plan = design.schedule
        looks = arm.looks_in(design)
        self._at = sorted(t for t in plan.at_h if t < design.horizon_h) if looks else []
        self._dose: list[tuple[int, float]] = []
        if looks:
            self._dose = sorted([(k, 0.0) for k in plan.before_doses] + [(k, plan.after_h) for k in plan.after_doses])
        self._count = 0

    def _times(self, given: list[DoseEvent], coming: list[DoseEvent]) -> list[float]:
        starts = [d.time for d in (*given, *coming)]
        return [starts[k - 1] + h if k <= len(starts) else np.inf for k, h in self._dose]

    def next(self, given: list[DoseEvent], coming: list[DoseEvent]) -> float:
        """h of the next sample under the order in force; infinite: there is none."""
        return min([*self._at[:1], *self._times(given, coming)], default=np.inf)

    def taken(self, given: list[DoseEvent], coming: list[DoseEvent]) -> int:
        """Strike the next sample off; its number, from 0."""
        times = self._times(given, [d for d in coming if d not in given])
        if self._at and self._at[0] <= min(times, default=np.inf):
            self._at.pop(0)
        else:
            self._dose.pop(int(np.argmin(times)))
        self._count += 1
        return self._count - 1


def counted(patient: VirtualPatient, made: Course) -> dict[str, float]:
    """Every endpoint of a course, read from what was true."""
    design = patient.design
    values = _values(patient, made, readings_of(design))
    out: dict[str, float] = {}
    for goal in judged(design):
        if not goal.price:
            out[goal.code] = _mean(goal.met(values[value_name(goal.reading)]).astype(np.float64))
    for name, (_, low, high) in design.own_readings.items():
        if low is not None or high is not None:
            x = values[name]
            out[f"met_{name}"] = _mean(
                ((x >= (-np.inf if low is None else low)) & (x <= (np.inf if high is None else high))) * 1.0
            )
    out |= {name: _mean(x) for name, x in values.items()}
    return out | {
        "limits_broken": made.broken, "nothing_acceptable": made.unacceptable, "decisions": made.decisions,
        "samples": len({o.record for o in made.measured}), "doses": len(made.given), "amount": sum(d.amount for d in made.given),
    }  # fmt: skip


def _mean(x: np.ndarray) -> float:
    return float(x.mean()) if len(x) else float("nan")


Span = tuple[float, float]


def _spans(reading: Reading, starts: np.ndarray, ends: np.ndarray, horizon: float) -> list[Span]:
    """Where a reading is read: (from, to) h, twice the same for a moment; at every dose whose moment or interval is over."""
    when = reading.when
    if isinstance(when, At):
        at = when.t * HOURS[when.unit]
        return [(at, at)]
    if isinstance(when, Between):
        return [(when.a * HOURS[when.unit], when.b * HOURS[when.unit])]
    if isinstance(when, After):
        reached = [float(t) + when.h for t in starts[_which(when.doses, len(starts))]]
        return [(t, t) for t in reached if t <= horizon + SLACK]
    own = _which(when.doses, len(starts))
    whole = [(float(a), float(b)) for a, b in zip(starts[own], ends[own], strict=True) if b <= horizon + SLACK]
    return [(b, b) for _, b in whole] if isinstance(when, End) else whole


def _which(doses: tuple[str, ...], n: int) -> slice:
    """Of ``n`` doses given those that a reading is about."""
    return {"all": slice(0, n), "first": slice(0, 1), "later": slice(1, n), "last": slice(max(n - 1, 0), n)}[which(doses)]


def _values(patient: VirtualPatient, made: Course, readings: dict[str, Reading]) -> dict[str, np.ndarray]:
    """Every reading at every place it is read [places], from one simulation of what was true."""
    from dosetwin.declare.goal import output_of

    design, model = patient.design, patient.design.true_model
    starts = np.array([d.time for d in made.given])
    ends = np.append(starts[1:], made.due)
    corners = np.array([t for d in made.given for t in (d.time, d.time + d.duration)])
    spans = {name: _spans(r, starts, ends, design.horizon_h) for name, r in readings.items()}
    grids: dict[str, list[np.ndarray]] = {}
    for name, found in spans.items():
        grids[name] = []
        for a, b in found:
            n = 0 if a == b else min(max(FINE, int(np.ceil((b - a) / STEP_H))), MOST)
            inside = corners[(corners > a) & (corners < b)] if n else corners[:0]
            grids[name].append(np.unique(np.concatenate([[a, b], np.linspace(a, b, n + 1), inside])))
    if not any(grids.values()):
        return {name: np.empty(0) for name in readings}
    times = np.unique(np.concatenate([g for found in grids.values() for g in found]))
    level, area = patient.true(made.given, times, made.sets)
    out: dict[str, np.ndarray] = {}
    for name, reading in readings.items():
        column = list(model.outputs).index(output_of(reading, model, design.of.drug.name) or "")
        read = []
        for (a, b), grid in zip(spans[name], grids[name], strict=True):
            rows = np.searchsorted(times, grid)
            curve = level[rows, column]
            if a == b:
                value = curve[0]
            elif reading.how in AREAS:
                total = np.trapezoid(curve, grid) if area is None else area[rows[-1], column] - area[rows[0], column]
                per = {"auc24": 24.0 / (b - a), "mean": 1.0 / (b - a)}.get(reading.how, 1.0)
                value = finish(reading, np.array(total * per), grid, design.known)
            else:
                value = finish(reading, curve, grid, design.known)
            read.append(float(value) / (design.known[reading.over] if reading.over else 1.0))
        out[name] = np.array(read)
    return out
