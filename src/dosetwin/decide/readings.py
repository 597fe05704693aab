"""What every order would do, under every draw: by superposition where a model is linear in dose, else one simulation each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from dosetwin.decide.plans import Plan, scored_doses
from dosetwin.decide.search import Exposures
from dosetwin.declare import After, At, Between, End, Model, Reading, Repeated, Therapy
from dosetwin.declare.goal import judges, output_of
from dosetwin.declare.reading import HOURS
from dosetwin.errors import Finding, InputError, SimulationError, UnknownName
from dosetwin.records import Choosable, Covariate, DoseEvent, DoseOrder, Every, Setting, Timeline

if TYPE_CHECKING:
    from dosetwin.simulate.schedule import Rule

FINE = 48
"""Points at least over which a curve is followed where the engine has no exact area or a reading needs the curve itself."""
MOST, STEP_H = 192, 4.0
"""A span of days is followed every STEP_H hours, at MOST points at most."""
AREAS = ("auc", "auc24", "mean", "hazard")
Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where one order is read: ``times`` ascending, the ``rows`` of moments and the ``spans`` (first and last row) of times in
    them, by (reading, dose); what it gives (``doses``) and what it ``sets``."""

    doses: tuple[DoseEvent, ...]
    times: np.ndarray
    rows: dict[Key, int]
    spans: dict[Key, tuple[int, int]]
    hours: dict[Key, float]
    sets: tuple[Covariate, ...] = ()


def _follows(reading: Reading, exact: bool) -> bool:
    """Whether a reading needs the curve and not its ends alone."""
    return reading.how != "at" and not (exact and reading.how in AREAS)


def _grid(order: Choosable, therapy: Therapy, exact: bool) -> _Grid:
    starts: dict[str, float] = {}
    hours: dict[str, float] = {}
    duration = 0.0
    if not isinstance(order, Setting):
        given = cast("DoseOrder", order)
        index, duration = scored_doses(given.interval, therapy.horizon_h), given.duration
        starts = {dose: given.start(k) for dose, k in index.items()}
        hours = {dose: given.interval if k else given.first_interval for dose, k in index.items()}
    moments: dict[Key, float] = {}
    spans: dict[Key, tuple[float, float]] = {}
    curve: list[float] = []
    for reading in therapy.readings:
        when = reading.when
        for dose in reading.doses:
            key = (reading.key, dose)
            if isinstance(when, End):
                moments[key] = order.first_at if dose == "pre" else starts[dose] + hours[dose]
            elif isinstance(when, After):
                moments[key] = starts[dose] + when.h
            elif isinstance(when, At):
                moments[key] = order.first_at + when.t * HOURS[when.unit]
            elif isinstance(when, Between):
                a, b = (order.first_at + t * HOURS[when.unit] for t in (when.a, when.b))
                spans[key] = (a, b)
                if _follows(reading, exact):
                    n = min(max(FINE, int(np.ceil((b - a) / STEP_H))), MOST)
                    corners = [t for d in order.doses(b) for t in (d.time, d.time + d.duration)]
                    curve += [*(t for t in corners if a <= t <= b), *(a + (b - a) * k / n for k in range(n))]
            else:
                spans[key] = (starts[dose], starts[dose] + hours[dose])
                if _follows(reading, exact):
                    curve += [starts[dose] + duration, *(starts[dose] + hours[dose] * k / FINE for k in range(FINE))]
    ends = [t for pair in spans.values() for t in pair]
    found = [*moments.values(), *ends, *curve]
    # rounded once, by one function (round and np.round differ in the last bit), and rows taken from where each moment went
    times, place = np.unique(np.round(np.array(found), 9), return_inverse=True)
    n = len(moments)
    rows = {key: int(place[k]) for k, key in enumerate(moments)}
    held = {key: (int(place[n + 2 * k]), int(place[n + 2 * k + 1])) for k, key in enumerate(spans)}
    # the doses on the same rounded clock: a trough read a rounding error after its dose would be the peak of a bolus
    doses = tuple(replace(d, time=float(np.round(d.time, 9))) for d in order.doses(max(found) - 1e-6))
    sets = order.settings(max(found) + 1e-6)
    return _Grid(doses, times, rows, held, {key: b - a for key, (a, b) in _long(spans, starts, hours).items()}, sets)


def _long(
    spans: Mapping[Key, tuple[float, float]], starts: Mapping[str, float], hours: Mapping[str, float]
) -> dict[Key, tuple[float, float]]:
    """Spans as (0, length): an interval has the length it was ordered with, not what is left of it after a sum."""
    return {key: (0.0, hours[key[1]]) if key[1] in starts else (a, b) for key, (a, b) in spans.items()}


def _first_grid(order: Choosable, therapy: Therapy, exact: bool) -> _Grid:
    """The same for the first dose alone."""
    whole = _grid(order, therapy, exact)
    rows = {k: r for k, r in whole.rows.items() if k[1] in ("pre", "next")}
    spans = {k: ab for k, ab in whole.spans.items() if k[1] == "next"}
    curves = {reading.key for reading in therapy.readings if _follows(reading, exact)}
    inside = {r for k, (a, b) in spans.items() for r in (range(a, b + 1) if k[0] in curves else (a, b))}
    used = np.unique([*rows.values(), *inside])
    place = {int(r): k for k, r in enumerate(used)}
    held = {k: (place[a], place[b]) for k, (a, b) in spans.items()}
    return _Grid(whole.doses[:1], whole.times[used], {k: place[r] for k, r in rows.items()}, held, whole.hours)


def finish(reading: Reading, value: np.ndarray, times: np.ndarray, facts: Mapping[str, float] | None = None) -> np.ndarray:
    """A reading [...] from what adds up when levels do: itself, an area, or levels [..., n_times] at ``times`` h. ``facts``: what
    borders are multiples of, by name; raises InputError for one that is missing.
    """
    how, level = reading.how, reading.level
    if how == "hazard":
        return 1.0 - np.exp(-value)
    if how in ("min", "max"):
        return np.asarray(value.min(axis=-1) if how == "min" else value.max(axis=-1))
    if how == "ever_above":
        return np.asarray((value > level).any(axis=-1), dtype=np.float64)
    if how == "ever_below":
        return np.asarray((value < level).any(axis=-1), dtype=np.float64)
    if how == "count_above":
        over = value > level
        return np.asarray(over[..., 0] + (over[..., 1:] & ~over[..., :-1]).sum(axis=-1), dtype=np.float64)
    if how == "share_within":
        assert isinstance(level, tuple)
        return share_within(value, times, *level)
    if how == "share_above":
        assert isinstance(level, int | float)
        return share_within(value, times, level * _fact(reading, facts), np.inf)
    return value


def _fact(reading: Reading, facts: Mapping[str, float] | None) -> float:
    """What a border is a multiple of; 1 where it is none."""
    if not reading.multiple_of:
        return 1.0
    if reading.multiple_of not in (facts or {}):
        raise InputError("not known, and the border is a multiple of it", where=reading.multiple_of, allowed="> 0",
                         remedy=f"give {reading.multiple_of}, or let the therapy assume one")  # fmt: skip
    return (facts or {})[reading.multiple_of]


def share_within(value: np.ndarray, times: np.ndarray, low: float, high: float) -> np.ndarray:
    """Share of the time [...] that levels [..., n_times], taken as straight lines between ``times`` (Rosendaal 1993), are from
    ``low`` to ``high``."""
    a, b = value[..., :-1], value[..., 1:]
    inside = np.abs(np.clip(b, low, high) - np.clip(a, low, high))
    rise = np.abs(b - a)
    flat = rise < 1e-12
    part = np.where(flat, (a >= low) & (a <= high), inside / np.where(flat, 1.0, rise))
    return part @ np.diff(times) / (times[-1] - times[0])


Metrics = dict[Key, np.ndarray]
_Group = tuple[float, float, float, float]


def expose(
    model: Model,
    timeline: Timeline,
    plans: Sequence[Plan],
    draws: np.ndarray,
    therapy: Therapy,
    *,
    rule: "Rule" = "locf",
    n_eff: float | None = None,
    brute: bool = False,
    now: float | None = None,
    facts: Mapping[str, float] | None = None,
) -> tuple[Exposures, tuple[Finding, ...]]:
    """True predicted exposure of every plan, and what the covariate policies remarked: ``Responses`` asked once.

    Raises SimulationError when no draw could be simulated.
    """
    responses = Responses(model, timeline, draws, therapy, rule=rule, n_eff=n_eff, brute=brute, now=now, facts=facts)
    exposures = responses.of(plans)
    assert exposures is not None  # only a later question can be refused
    return exposures, responses.findings


def _union(grids: Iterable[_Grid]) -> np.ndarray:
    return np.unique(np.concatenate([g.times for g in grids]))


class Responses:
    """How a patient answers doses, simulated as far as it was asked for, so that further plans at intervals already asked for
    cost a sum. Where a model is not linear in dose every plan is simulated.

    Parameters
    ----------
    timeline : facts known now; doses after now must not be in it.
    draws : posterior draws [n_draws, n_full], equally weighted; the same ones serve every plan (common random numbers).
    n_eff : draws behind the Monte-Carlo error (the effective sample size), default n_draws.
    brute : simulate every plan even where superposition holds (for tests).
    now : h, no plan begins before it: what lies before is shared with other questions about these draws, and played once.
    facts : name -> value of what readings are divided by (``MIC``, mg/L); a reading over one that is missing is not judged.
    """

    def __init__(
        self, model: Model, timeline: Timeline, draws: np.ndarray, therapy: Therapy, *, rule: "Rule" = "locf",
        n_eff: float | None = None, brute: bool = False, now: float | None = None, facts: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self.model, self.timeline, self.draws, self.therapy = model, timeline, draws, therapy
        self.rule: Rule = rule
        self.findings: tuple[Finding, ...] = ()
        self._n_eff, self._now, self._facts = n_eff, now, dict(facts or {})
        judges(therapy.goals, (model,), therapy.drug.name, f"therapy {therapy.name}")
        self._readings = {reading.key: reading for reading in therapy.readings}
        self._column = {key: _column(reading, model, therapy) for key, reading in self._readings.items()}
        self._keys = [(key, dose) for key, reading in self._readings.items() for dose in reading.doses]
        # the engine integrates states: the area of an output with a part of its own (a baseline) is not its own
        self._exact = model.solver == "exact" and model.linear_in_dose
        self._curves = {key for key, reading in self._readings.items() if reading.how not in ("at", *AREAS)}
        self._linear = model.linear_in_dose and not brute and isinstance(therapy.menu, Repeated)
        self._ok: np.ndarray | None = None
        self._base: dict[_Group, Metrics] = {}  # without further doses
        self._one: dict[_Group, Metrics] = {}  # what 1 mg of the first dose adds
        self._rest: dict[_Group, Metrics] = {}  # what 1 mg of every later dose adds
        self._each: dict[_Group, Metrics] = {}  # what 1 mg of every dose adds
        self._grids: dict[_Group, _Grid] = {}

    def of(self, plans: Sequence[Plan]) -> Exposures | None:
        """Exposures of plans; None when a later question fails under a draw that answered earlier ones.

        Raises SimulationError when no draw could be simulated.
        """
        ok = np.ones(len(self.draws), dtype=bool)
        values = self._summed(plans, ok) if self._linear else self._simulated(plans, ok)
        if self._ok is None:
            if not ok.any():
                raise SimulationError(f"model {self.model.name}: no posterior draw could be simulated")
            self._ok = ok
        elif np.any(self._ok & ~ok):
            return None
        if not self._ok.all():
            values = {key: v[:, self._ok] for key, v in values.items()}
        return self._weighed(values)

    def _simulated(self, plans: Sequence[Plan], ok: np.ndarray) -> Metrics:
        from dosetwin.simulate.settings import with_settings

        grids = [_grid(p.order, self.therapy, self._exact) for p in plans]
        known = [with_settings(self.timeline, g.sets, self.model, self.rule) for g in grids]
        read = self._courses([(g.times, g.doses) for g in grids], ok, known)
        found = [self._finished(grid, self._metrics(grid, *levels)) for grid, levels in zip(grids, read, strict=True)]
        return {key: np.stack([f[key] for f in found]) for key in self._keys}

    def _finished(self, grid: _Grid, raw: Metrics) -> Metrics:
        """Readings from what adds up."""
        return {key: self._finish(key, value, grid) for key, value in raw.items()}

    def _finish(self, key: Key, value: np.ndarray, grid: _Grid) -> np.ndarray:
        if key[0] not in self._curves:
            return finish(self._readings[key[0]], value, grid.times, self._facts)
        a, b = grid.spans[key]
        return finish(self._readings[key[0]], value, grid.times[a : b + 1], self._facts)

    def _summed(self, plans: Sequence[Plan], ok: np.ndarray) -> Metrics:
        groups: dict[_Group, list[int]] = {}
        orders = [_every(p) for p in plans]
        for i, r in enumerate(orders):
            groups.setdefault((r.interval, r.first_interval, r.duration, r.first_at), []).append(i)
        self._learn({key: [orders[i] for i in members] for key, members in groups.items()}, ok)
        values = {key: np.empty((len(plans), len(self.draws))) for key in self._keys}
        for key, members in groups.items():
            base, grid = self._base[key], self._grids[key]
            amounts = [(orders[i].first, orders[i].amount) for i in members]
            amount, first = np.array([a for _, a in amounts])[:, None], np.array([a for a, _ in amounts])[:, None]
            alike = np.array_equal(first, amount) and key in self._each
            for metric in self._keys:
                parts = [self._each[key][metric]] if alike else [self._one[key][metric], self._rest[key][metric]]
                if metric[0] in self._curves:
                    for i, (one, more) in zip(members, amounts, strict=True):
                        curve = base[metric] + (more * parts[0] if alike else one * parts[0] + more * parts[1])
                        values[metric][i] = self._finish(metric, curve, grid)
                elif alike:
                    values[metric][members] = self._finish(metric, base[metric] + amount * parts[0], grid)
                else:
                    values[metric][members] = self._finish(metric, base[metric] + first * parts[0] + amount * parts[1], grid)
        return values

    def _learn(self, groups: dict[_Group, list[Every]], ok: np.ndarray) -> None:
        """Simulate what the sums need and nobody asked for yet: one amount throughout, first doses, later doses, no dose."""
        grids, amount = {}, {}
        each, one, rest = [], [], []
        for key, members in groups.items():
            r = members[0]
            amount[key] = float(np.median([m.amount for m in members]))
            grids[key] = _grid(replace(r, amount=amount[key], loading=None), self.therapy, self._exact)
            loaded = any(m.loading is not None or m.wait is not None for m in members)
            if key not in self._each and (r.wait is None):
                each.append(key)
            if loaded and key not in self._one:
                one.append(key)
                if r.wait is not None:
                    rest.append(key)
        alike: dict[tuple[float, float], list[_Group]] = {}  # one course of a single dose serves every interval
        for key in one:
            alike.setdefault(key[2:], []).append(key)
        quiet = [key for key in groups if key not in self._base]
        asked = [(grids[key].times, grids[key].doses) for key in each]
        asked += [(grids[key].times, grids[key].doses[1:]) for key in rest]
        asked += [(_union(grids[k] for k in keys), grids[keys[0]].doses[:1]) for keys in alike.values()]
        if quiet:  # and one without further doses, read wherever any of the others is: the baseline
            asked.append((_union(grids[key] for key in quiet), ()))
        if not asked:
            return
        courses = list(self._courses(asked, ok))

        def at(key: _Group, course: int) -> Metrics:
            (value, area), rows = courses[course], np.searchsorted(asked[course][0], grids[key].times)
            return self._metrics(grids[key], value[:, rows], None if area is None else area[:, rows])

        def added(key: _Group, course: int, mg: float) -> Metrics:
            treated, base = at(key, course), self._base[key]
            return {m: (treated[m] - base[m]) / mg for m in self._keys}

        for key in quiet:
            self._base[key], self._grids[key] = at(key, -1), grids[key]
        for k, key in enumerate(each):
            self._each[key] = added(key, k, amount[key])
        for k, key in enumerate(rest, start=len(each)):
            self._rest[key] = added(key, k, amount[key])
        for k, keys in enumerate(alike.values(), start=len(each) + len(rest)):
            for key in keys:
                self._one[key] = added(key, k, asked[k][1][0].amount)
                if key not in self._rest:
                    self._rest[key] = {m: self._each[key][m] - self._one[key][m] for m in self._keys}

    def alone(self, plans: Sequence[Plan]) -> Exposures | None:
        """What the first dose of each plan does by itself until the second: the ``next`` readings (and ``pre``), no later ones.

        None as for ``of``, and for a model that is not linear in dose.
        """
        if not self._linear:
            return None
        ok = np.ones(len(self.draws), dtype=bool)
        grids = [_first_grid(p.order, self.therapy, self._exact) for p in plans]
        times = _union(grids)
        mg = float(np.median([p.dosed.first for p in plans]))
        given = replace(grids[0].doses[0], amount=mg)
        if any(g.doses[0].time != given.time or g.doses[0].duration != given.duration for g in grids):
            return None  # single doses at several moments would each need a course
        (value, area), (quiet, quiet_area) = self._courses([(times, (given,)), (times, ())], ok)
        if self._ok is None or np.any(self._ok & ~ok):
            return None

        def at(grid: _Grid, value: np.ndarray, area: np.ndarray | None) -> Metrics:
            rows = np.searchsorted(times, grid.times)
            return self._metrics(grid, value[self._ok][:, rows], None if area is None else area[self._ok][:, rows])

        found = []
        for plan, grid in zip(plans, grids, strict=True):
            base, treated = at(grid, quiet, quiet_area), at(grid, value, area)
            raw = {m: base[m] + (plan.dosed.first / mg) * (treated[m] - base[m]) for m in base}
            found.append(self._finished(grid, raw))
        values = {m: np.stack([f[m] for f in found]) for m in found[0]}
        return self._weighed(values)

    def _weighed(self, values: Metrics) -> Exposures:
        assert self._ok is not None
        kept = int(self._ok.sum())
        if not any(d.amount > 0 for d in self.timeline.doses):
            # nothing has been given: there is no level before the first dose
            values = {key: v for key, v in values.items() if key[1] != "pre"}
        effective = min(float(kept), self._n_eff if self._n_eff is not None else kept)
        return Exposures(values, np.full(kept, 1.0 / kept), max(effective, 1.0), self._facts)

    def _courses(
        self, asked: Sequence[tuple[np.ndarray, Sequence[DoseEvent]]], ok: np.ndarray, known: Sequence[Timeline] | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Levels [n_draws, n_times, n_outputs] and cumulative areas of each course (times, further doses) after what is
        ``known`` (default for all: the timeline); ``ok`` loses failed draws."""
        from dosetwin.simulate import predict_courses, schedule_many

        schedule = schedule_many(
            self.model,
            known or [self.timeline] * len(asked),
            [t for t, _ in asked],
            rule=self.rule,
            extra_doses=[d for _, d in asked],
        )
        self.findings = self.findings or schedule.findings
        for found in predict_courses(self.model, schedule, self.draws, auc=self._exact, since=self._now):
            ok &= found.ok
            yield found.value, found.auc

    def _metrics(self, grid: _Grid, value: np.ndarray, area: np.ndarray | None) -> Metrics:
        """What adds up of every reading, from levels and areas [n_draws, n_times, n_outputs]: levels at moments [n_draws], areas
        [n_draws], or the levels of a span [n_draws, n_times]."""
        out = {key: value[:, row, self._column[key[0]]] for key, row in grid.rows.items()}
        for key, (a, b) in grid.spans.items():
            column, reading = self._column[key[0]], self._readings[key[0]]
            if reading.how not in AREAS:
                out[key] = value[:, a : b + 1, column]
                continue
            if area is not None:
                total = area[:, b, column] - area[:, a, column]
            else:
                total = np.trapezoid(value[:, a : b + 1, column], grid.times[a : b + 1], axis=1)
            per = {"auc24": 24.0 / grid.hours[key], "mean": 1.0 / grid.hours[key]}.get(reading.how)
            out[key] = total if per is None else total * per
        return out


def _every(plan: Plan) -> Every:
    assert isinstance(plan.order, Every)
    return plan.order


def _column(reading: Reading, model: Model, therapy: Therapy) -> int:
    name = output_of(reading, model, therapy.drug.name)
    if name is None:
        raise UnknownName("the model predicts nothing of this name", where=f"therapy {therapy.name}, {model.name}",
                          value=reading.what, allowed=", ".join(model.outputs))  # fmt: skip
    return list(model.outputs).index(name)


def combine(parts: Iterable[tuple[Exposures, float]]) -> Exposures:
    """Exposures of the same plans under several models, each with its weight, as one weighted set of draws."""
    found = [(e, w) for e, w in parts if w > 0]
    if len(found) == 1:
        return found[0][0]
    total = sum(w for _, w in found)
    keys = found[0][0].values.keys()
    values = {key: np.concatenate([e.values[key] for e, _ in found], axis=1) for key in keys}
    weights = np.concatenate([e.weights * (w / total) for e, w in found])
    # the variance of a weighted mixture of independent means adds: 1 / n = sum of share^2 / n
    n_eff = 1.0 / sum((w / total) ** 2 / e.n_eff for e, w in found)
    return Exposures(values, weights, n_eff, found[0][0].facts)
