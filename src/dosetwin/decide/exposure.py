"""Exposure of every plan under every draw: by superposition where a model is linear in dose, else one simulation per plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.decide.plans import Plan, scored_doses
from dosetwin.decide.policy import Policy
from dosetwin.decide.search import Exposures
from dosetwin.decide.target import PEAK_DOSES, TROUGH_DOSES, judges
from dosetwin.declare import Model
from dosetwin.errors import Finding, SimulationError
from dosetwin.records import DoseEvent, Regimen, Timeline

if TYPE_CHECKING:
    from dosetwin.simulate.schedule import Rule

FINE = 48
"""Points per interval of the trapezoidal area, used only where the engine has no exact area."""


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where one regimen is read: ``times`` ascending, and the rows of the peaks, troughs and interval borders in them."""

    doses: tuple[DoseEvent, ...]
    times: np.ndarray
    rows: dict[tuple[str, str], int]
    spans: dict[str, tuple[int, int]]
    hours: dict[str, float]


def _grid(regimen: Regimen, policy: Policy, exact: bool) -> _Grid:
    index = scored_doses(regimen.interval, policy.horizon_h)
    starts = {dose: regimen.start(k) for dose, k in index.items()}
    hours = {dose: regimen.interval if k else regimen.first_interval for dose, k in index.items()}
    end = starts["last"] + regimen.interval
    wanted = {("trough", "pre"): regimen.first_at}
    for dose, start in starts.items():
        wanted["peak", dose] = start + policy.peak_after_h
        wanted["trough", dose] = start + hours[dose]
    found = [*wanted.values(), *starts.values()]
    if not exact:
        for dose, start in starts.items():
            found += [start + regimen.duration, *(start + hours[dose] * k / FINE for k in range(FINE))]
    # rounded once, by one function (round and np.round differ in the last bit), and rows taken from where each moment went
    times, place = np.unique(np.round(np.array(found), 9), return_inverse=True)
    row = {key: int(place[k]) for k, key in enumerate(wanted)}
    spans = {d: (int(place[len(wanted) + k]), row["trough", d]) for k, d in enumerate(starts)}
    # the doses on the same rounded clock: a trough read a rounding error after its dose would be the peak of a bolus
    doses = tuple(replace(d, time=float(np.round(d.time, 9))) for d in regimen.doses(end - 1e-6))
    return _Grid(doses, times, row, spans, hours)


def _first_grid(regimen: Regimen, policy: Policy, exact: bool) -> _Grid:
    """The same for the first dose alone."""
    whole = _grid(regimen, policy, exact)
    rows = {k: r for k, r in whole.rows.items() if k[1] in ("pre", "next")}
    a, b = whole.spans["next"]
    used = np.unique([*rows.values(), *range(a, b + 1)] if not exact else [*rows.values(), a, b])
    place = {int(r): k for k, r in enumerate(used)}
    return _Grid(
        whole.doses[:1], whole.times[used], {k: place[r] for k, r in rows.items()}, {"next": (place[a], place[b])}, whole.hours
    )


def _read(grid: _Grid, value: np.ndarray, area: np.ndarray | None) -> dict[tuple[str, str], np.ndarray]:
    """Metrics [n_draws] from levels [n_draws, n_times] and cumulative areas (None: trapezoid)."""
    out = {key: value[:, row] for key, row in grid.rows.items()}
    for dose, (a, b) in grid.spans.items():
        if area is not None:
            total = area[:, b] - area[:, a]
        else:
            total = np.trapezoid(value[:, a : b + 1], grid.times[a : b + 1], axis=1)
        out["auc24", dose] = total * (24.0 / grid.hours[dose])
    return out


KEYS = tuple([("peak", d) for d in PEAK_DOSES] + [("trough", d) for d in TROUGH_DOSES] + [("auc24", d) for d in PEAK_DOSES])
Metrics = dict[tuple[str, str], np.ndarray]
_Group = tuple[float, float, float, float]


def expose(
    model: Model,
    timeline: Timeline,
    plans: Sequence[Plan],
    draws: np.ndarray,
    policy: Policy,
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
    responses = Responses(model, timeline, draws, policy, rule=rule, n_eff=n_eff, brute=brute, now=now, facts=facts)
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
        self, model: Model, timeline: Timeline, draws: np.ndarray, policy: Policy, *, rule: "Rule" = "locf",
        n_eff: float | None = None, brute: bool = False, now: float | None = None, facts: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self.model, self.timeline, self.draws, self.policy = model, timeline, draws, policy
        self.rule: Rule = rule
        self.findings: tuple[Finding, ...] = ()
        self._n_eff, self._now, self._facts = n_eff, now, dict(facts or {})
        judges(policy.targets, (model,), policy.drug, f"policy {policy.name}")
        places = list(model.outputs)
        self._columns = {"": places.index(model.measured_by(policy.drug) or places[0])}
        self._columns |= {f" of {t.output}": places.index(t.judged_by(model, policy.drug)) for t in policy.targets if t.output}
        self._keys = [(metric + of, dose) for of in self._columns for metric, dose in KEYS]
        self._exact = model.solver == "exact"
        self._linear = model.linear_in_dose and not brute
        self._ok: np.ndarray | None = None
        self._base: dict[_Group, Metrics] = {}  # without further doses
        self._one: dict[_Group, Metrics] = {}  # what 1 mg of the first dose adds
        self._rest: dict[_Group, Metrics] = {}  # what 1 mg of every later dose adds
        self._each: dict[_Group, Metrics] = {}  # what 1 mg of every dose adds

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
        grids = [_grid(p.regimen, self.policy, self._exact) for p in plans]
        read = self._courses([(g.times, g.doses) for g in grids], ok)
        found = [self._metrics(grid, *levels) for grid, levels in zip(grids, read, strict=True)]
        return {key: np.stack([f[key] for f in found]) for key in self._keys}

    def _summed(self, plans: Sequence[Plan], ok: np.ndarray) -> Metrics:
        groups: dict[_Group, list[int]] = {}
        for i, plan in enumerate(plans):
            r = plan.regimen
            groups.setdefault((r.interval, r.first_interval, r.duration, r.first_at), []).append(i)
        self._learn({key: [plans[i].regimen for i in members] for key, members in groups.items()}, ok)
        values = {key: np.empty((len(plans), len(self.draws))) for key in self._keys}
        for key, members in groups.items():
            base = self._base[key]
            amount = np.array([plans[i].regimen.amount for i in members])[:, None]
            first = np.array([plans[i].regimen.first for i in members])[:, None]
            alike = np.array_equal(first, amount) and key in self._each
            for metric in self._keys:
                if alike:
                    values[metric][members] = base[metric] + amount * self._each[key][metric]
                else:
                    values[metric][members] = base[metric] + first * self._one[key][metric] + amount * self._rest[key][metric]
        return values

    def _learn(self, groups: dict[_Group, list[Regimen]], ok: np.ndarray) -> None:
        """Simulate what the sums need and nobody asked for yet: one amount throughout, first doses, later doses, no dose."""
        grids, amount = {}, {}
        each, one, rest = [], [], []
        for key, members in groups.items():
            r = members[0]
            amount[key] = float(np.median([m.amount for m in members]))
            grids[key] = _grid(replace(r, amount=amount[key], loading=None), self.policy, self._exact)
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
            self._base[key] = at(key, -1)
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
        grids = [_first_grid(p.regimen, self.policy, self._exact) for p in plans]
        times = _union(grids)
        mg = float(np.median([p.regimen.first for p in plans]))
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
            found.append({m: base[m] + (plan.regimen.first / mg) * (treated[m] - base[m]) for m in base})
        values = {m: np.stack([f[m] for f in found]) for m in found[0]}
        return self._weighed(values)

    def _weighed(self, values: Metrics) -> Exposures:
        assert self._ok is not None
        kept = int(self._ok.sum())
        if not any(d.amount > 0 for d in self.timeline.doses):
            for of in self._columns:
                del values["trough" + of, "pre"]  # nothing has been given: there is no level before the first dose
        effective = min(float(kept), self._n_eff if self._n_eff is not None else kept)
        return Exposures(values, np.full(kept, 1.0 / kept), max(effective, 1.0), self._facts)

    def _courses(
        self, asked: Sequence[tuple[np.ndarray, Sequence[DoseEvent]]], ok: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Levels [n_draws, n_times, n_outputs] and cumulative areas of each course (times, further doses); ``ok`` loses failed
        draws."""
        from dosetwin.simulate import predict_courses, schedule_many

        schedule = schedule_many(
            self.model, [self.timeline] * len(asked), [t for t, _ in asked], rule=self.rule, extra_doses=[d for _, d in asked]
        )
        self.findings = self.findings or schedule.findings
        for found in predict_courses(self.model, schedule, self.draws, auc=self._exact, since=self._now):
            ok &= found.ok
            yield found.value, found.auc

    def _metrics(self, grid: _Grid, value: np.ndarray, area: np.ndarray | None) -> Metrics:
        """Readings of every output judged, from levels and areas [n_draws, n_times, n_outputs]."""
        return {
            (metric + of, dose): v
            for of, k in self._columns.items()
            for (metric, dose), v in _read(grid, value[:, :, k], None if area is None else area[:, :, k]).items()
        }


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
