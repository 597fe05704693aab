"""Exposure of every plan under every draw: by superposition where a model is linear in dose, else one simulation per plan."""

from collections.abc import Iterable, Sequence
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
    interval: float


def _grid(regimen: Regimen, policy: Policy, exact: bool) -> _Grid:
    index = scored_doses(regimen.interval, policy.horizon_h)
    starts = {dose: regimen.first_at + k * regimen.interval for dose, k in index.items()}
    end = starts["last"] + regimen.interval
    wanted = {("trough", "pre"): regimen.first_at}
    for dose, start in starts.items():
        wanted["peak", dose] = start + policy.peak_after_h
        wanted["trough", dose] = start + regimen.interval
    found = [*wanted.values(), *starts.values()]
    if not exact:
        for start in starts.values():
            found += [start + regimen.duration, *(start + regimen.interval * k / FINE for k in range(FINE))]
    # rounded once, by one function (round and np.round differ in the last bit), and rows taken from where each moment went
    times, place = np.unique(np.round(np.array(found), 9), return_inverse=True)
    row = {key: int(place[k]) for k, key in enumerate(wanted)}
    spans = {d: (int(place[len(wanted) + k]), row["trough", d]) for k, d in enumerate(starts)}
    # the doses on the same rounded clock: a trough read a rounding error after its dose would be the peak of a bolus
    doses = tuple(replace(d, time=float(np.round(d.time, 9))) for d in regimen.doses(end - 1e-6))
    return _Grid(doses, times, row, spans, regimen.interval)


def _read(grid: _Grid, value: np.ndarray, area: np.ndarray | None) -> dict[tuple[str, str], np.ndarray]:
    """Metrics [n_draws] from levels [n_draws, n_times] and cumulative areas (None: trapezoid)."""
    out = {key: value[:, row] for key, row in grid.rows.items()}
    for dose, (a, b) in grid.spans.items():
        if area is not None:
            total = area[:, b] - area[:, a]
        else:
            total = np.trapezoid(value[:, a : b + 1], grid.times[a : b + 1], axis=1)
        out["auc24", dose] = total * (24.0 / grid.interval)
    return out


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
) -> tuple[Exposures, tuple[Finding, ...]]:
    """True predicted exposure of every plan, and what the covariate policies remarked.

    Parameters
    ----------
    timeline : facts known now; doses after now must not be in it.
    draws : posterior draws [n_draws, n_full], equally weighted; the same ones serve every plan (common random numbers).
    n_eff : draws behind the Monte-Carlo error (the effective sample size), default n_draws.
    brute : simulate every plan even where superposition holds (for tests).

    Raises
    ------
    SimulationError : when no draw could be simulated.
    """
    from dosetwin.simulate import predict, schedule_many

    judges(policy.targets, (model,), policy.drug, f"policy {policy.name}")
    places = list(model.outputs)
    columns = {"": places.index(model.measured_by(policy.drug) or places[0])}
    columns |= {f" of {t.output}": places.index(t.judged_by(model, policy.drug)) for t in policy.targets if t.output}
    exact = model.solver == "exact"
    linear = model.linear_in_dose and not brute
    plain = [("peak", d) for d in PEAK_DOSES] + [("trough", d) for d in TROUGH_DOSES] + [("auc24", d) for d in PEAK_DOSES]
    keys = [(metric + of, dose) for of in columns for metric, dose in plain]
    n_plans, n_draws = len(plans), len(draws)
    values = {key: np.zeros((n_plans, n_draws)) for key in keys}
    ok = np.ones(n_draws, dtype=bool)

    groups: dict[tuple[float, float, float], list[int]] = {}
    for i, plan in enumerate(plans):
        r = plan.regimen
        groups.setdefault((r.interval, r.duration, r.first_at) if linear else (float(i), 0.0, 0.0), []).append(i)
    reference = {key: float(np.median([plans[i].regimen.amount for i in members])) for key, members in groups.items()}
    grids: list[_Grid] = []
    for key, members in groups.items():
        r = plans[members[0]].regimen
        amount = reference[key] if linear else r.amount
        grids.append(_grid(Regimen(amount, r.interval, r.duration, r.first_at, r.cmt), policy, exact))
    # One more course without further doses, read wherever any of the others is: the baseline of the superposition.
    union = np.unique(np.concatenate([g.times for g in grids]))
    schedule = schedule_many(
        model,
        [timeline] * (len(grids) + linear),
        [g.times for g in grids] + [union] * linear,
        rule=rule,
        extra_doses=[g.doses for g in grids] + [()] * linear,
    )

    def levels(course: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Levels and areas [n_draws, n_times, n_outputs]."""
        found = predict(model, schedule, draws, course=course, auc=exact)
        ok[:] &= found.ok
        return found.value, found.auc

    quiet, quiet_area = levels(len(grids)) if linear else (np.empty((0, 0, 0)), None)

    def read(grid: _Grid, value: np.ndarray, area: np.ndarray | None) -> dict[tuple[str, str], np.ndarray]:
        return {
            (metric + of, dose): v
            for of, k in columns.items()
            for (metric, dose), v in _read(grid, value[:, :, k], None if area is None else area[:, :, k]).items()
        }

    def baseline(grid: _Grid) -> dict[tuple[str, str], np.ndarray]:
        at = np.searchsorted(union, grid.times)
        return read(grid, quiet[:, at], None if quiet_area is None else quiet_area[:, at])

    for g, (key, members) in enumerate(groups.items()):
        treated = read(grids[g], *levels(g))
        if not linear:
            for metric in keys:
                values[metric][members[0]] = treated[metric]
            continue
        base = baseline(grids[g])
        scale = np.array([plans[i].regimen.amount for i in members])[:, None] / reference[key]
        for metric in keys:
            values[metric][members] = base[metric] + scale * (treated[metric] - base[metric])
    if not ok.any():
        raise SimulationError(f"model {model.name}: no posterior draw could be simulated")
    kept = int(ok.sum())
    if kept < n_draws:
        values = {key: v[:, ok] for key, v in values.items()}
    if not any(d.amount > 0 for d in timeline.doses):
        for of in columns:
            del values["trough" + of, "pre"]  # nothing has been given: there is no level before the first dose
    effective = min(float(kept), n_eff if n_eff is not None else kept)
    return Exposures(values, np.full(kept, 1.0 / kept), max(effective, 1.0)), schedule.findings


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
    return Exposures(values, weights, n_eff)
