"""How probable the measured levels are for given parameter vectors: residual errors, levels below the LOQ, uncertain times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numba import njit

from dosetwin.declare import Model, Residual
from dosetwin.errors import Finding
from dosetwin.records import Observation, Timeline
from dosetwin.simulate import Prediction, Rule, Schedule, predict, schedule_for

LOG_2PI = math.log(2.0 * math.pi)
TIME_STEP_H = 0.01
"""Step (h) of the finite difference dF/dt behind uncertain sampling times."""
FLOOR = 1e-4
"""The residual SD never falls below this fraction of the level: a level where the model says 0 is improbable, not an error."""

_VARIANCE, _SD, _LOG = 0, 1, 2


@njit(cache=True, nogil=True)
def _log_normal_cdf(z):  # pragma: no cover - compiled
    """ln Phi(z), by its asymptote where erfc would underflow."""
    if z > -30.0:
        return math.log(0.5 * math.erfc(-z * 0.7071067811865476))
    return -0.5 * z * z - math.log(-z) - 0.9189385332046727 + math.log1p(-1.0 / (z * z))


@njit(cache=True, nogil=True)
def _scale(f, slope, y, form, a, b):  # pragma: no cover - compiled
    """Prediction and SD of a level that is predicted as ``f``; both on the log scale for a log-normal error. ``slope``: what its
    uncertain time adds, as an SD. Numbers alone are handed over: arrays would be a call each, four times as slow."""
    floor = FLOOR * max(abs(y), 1e-12)
    if form == _LOG:
        f = max(f, FLOOR * floor)
        return math.log(f), math.sqrt(a * a + (slope / f) ** 2)
    if form == _SD:
        variance = (a + b * abs(f)) ** 2
    else:
        variance = a * a + (b * f) ** 2
    return f, math.sqrt(max(variance + slope * slope, floor * floor))


@njit(cache=True, nogil=True)
def _residual(f, slope, y, form, a, b):  # pragma: no cover - compiled
    """Prediction, SD, what was measured, and the residual in SD, of a level; all on the scale of its error."""
    f, sd = _scale(f, slope, y, form, a, b)
    target = math.log(y) if form == _LOG else y
    return f, sd, target, (target - f) / sd


@njit(cache=True, nogil=True)
def _scales(value, rows, slope_rows, slope_scale, out, y, time_sd, form, a, b):  # pragma: no cover - compiled
    """``_scale`` of every level for vector 0, [n] each."""
    n = y.shape[0]
    found, spread = np.empty(n), np.empty(n)
    for i in range(n):
        f, slope = value[0, rows[i], out[i]], 0.0
        if slope_rows[i] >= 0:
            slope = (f - value[0, slope_rows[i], out[i]]) * slope_scale[i] * time_sd[i]
        found[i], spread[i] = _scale(f, slope, y[i], form[i], a[i], b[i])
    return found, spread


@njit(cache=True, nogil=True)
def _log_densities(value, ok, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b):  # pragma: no cover
    """ln density of each level per vector, [K, n]; -inf where the simulation failed."""
    n_draws, n = value.shape[0], y.shape[0]
    found = np.empty((n_draws, n))
    for k in range(n_draws):
        if not ok[k]:
            found[k] = -math.inf
            continue
        for i in range(n):
            f, slope = value[k, rows[i], out[i]], 0.0
            if slope_rows[i] >= 0:
                slope = (f - value[k, slope_rows[i], out[i]]) * slope_scale[i] * time_sd[i]
            _, sd, target, z = _residual(f, slope, y[i], form[i], a[i], b[i])
            if blq[i]:
                found[k, i] = _log_normal_cdf(z)
            else:
                found[k, i] = -0.5 * z * z - math.log(sd) - 0.5 * LOG_2PI
                if form[i] == _LOG:
                    found[k, i] -= target
    return found


@njit(cache=True, nogil=True)
def _log_likelihood(value, ok, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b):  # pragma: no cover
    """Sum of log densities per vector; -inf where the simulation failed."""
    found = _log_densities(value, ok, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b)
    total = np.zeros(value.shape[0])
    for k in range(value.shape[0]):
        if not ok[k]:
            total[k] = -math.inf
            continue
        for i in range(y.shape[0]):
            total[k] += found[k, i]
    return total


@njit(cache=True, nogil=True)
def _cdf(value, rows, slope_rows, slope_scale, out, y, time_sd, form, a, b):  # pragma: no cover - compiled
    """P(Y < y) per vector and level, [K, n]."""
    n_draws, n = value.shape[0], y.shape[0]
    p = np.empty((n_draws, n))
    for k in range(n_draws):
        for i in range(n):
            f, slope = value[k, rows[i], out[i]], 0.0
            if slope_rows[i] >= 0:
                slope = (f - value[k, slope_rows[i], out[i]]) * slope_scale[i] * time_sd[i]
            _, _, _, z = _residual(f, slope, y[i], form[i], a[i], b[i])
            p[k, i] = 0.5 * math.erfc(-z * 0.7071067811865476)
    return p


@njit(cache=True, nogil=True)
def _information(value, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b):  # pragma: no cover
    """Fisher information of each level about its own prediction (vector 0), [n]; never negative."""
    n = y.shape[0]
    w = np.empty(n)
    for i in range(n):
        natural, slope = value[0, rows[i], out[i]], 0.0
        if slope_rows[i] >= 0:
            slope = (natural - value[0, slope_rows[i], out[i]]) * slope_scale[i] * time_sd[i]
        f, sd = _scale(natural, slope, y[i], form[i], a[i], b[i])
        if form[i] == _LOG:
            inner, spread = 1.0 / (sd * math.exp(f)), 0.0
            target = math.log(y[i])
        else:
            inner = 1.0 / sd
            d_sd = b[i] if form[i] == _SD else b[i] * b[i] * natural / sd
            spread, target = d_sd / sd, y[i]
        if blq[i]:
            z = (target - f) / sd
            ratio = math.exp(-0.5 * z * z - 0.5 * LOG_2PI - _log_normal_cdf(z))
            w[i] = max(ratio * (ratio + z), 0.0) * (inner + z * spread) ** 2
        else:
            w[i] = inner * inner + 2.0 * spread * spread
    return w


@njit(cache=True, nogil=True)
def _around(
    value, ok, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b, z, constant, step, both
):  # pragma: no cover
    """Objective at each z; by differences of ``step`` (to both sides: ``both``) gradient and expected Hessian at the first, and
    the step that these ask for with its largest part."""
    found = -2.0 * _log_likelihood(value, ok, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b) - constant
    n, m = z.shape[1], y.shape[0]
    for k in range(z.shape[0]):
        for i in range(n):
            found[k] += z[k, i] * z[k, i]
    gradient, scoring, ahead, longest = np.full(n, np.nan), np.eye(n), np.full(n, np.nan), np.nan
    for k in range(z.shape[0]):
        if not math.isfinite(found[k]):
            return found, gradient, scoring, ahead, longest
    weight = _information(value, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b)
    slopes, away = np.empty((n, m)), 2.0 * step if both else step
    for j in range(n):
        before = n + 1 + j if both else 0
        gradient[j] = (found[1 + j] - found[before]) / away
        for i in range(m):
            slopes[j, i] = (value[1 + j, rows[i], out[i]] - value[before, rows[i], out[i]]) / away
    good = True
    for j in range(n):
        for k in range(n):
            total = 0.0
            for i in range(m):
                total += slopes[j, i] * weight[i] * slopes[k, i]
            scoring[j, k] = 2.0 * (total + (1.0 if j == k else 0.0))
            good = good and math.isfinite(scoring[j, k])
    if not good:
        return found, np.full(n, np.nan), np.eye(n), ahead, longest
    # the Hessian is positive definite, as a sum of squares and the prior's: eliminated without pivots
    left = scoring.copy()
    for j in range(n):
        ahead[j] = -gradient[j]
    for k in range(n):
        for i in range(k + 1, n):
            share = left[i, k] / left[k, k]
            ahead[i] -= share * ahead[k]
            for j in range(k + 1, n):
                left[i, j] -= share * left[k, j]
    longest = 0.0
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            ahead[i] -= left[i, j] * ahead[j]
        ahead[i] /= left[i, i]
        longest = max(longest, abs(ahead[i])) if math.isfinite(ahead[i]) else math.nan
    return found, gradient, scoring, ahead, longest


@dataclass(frozen=True, eq=False)
class Evidence:
    """The levels of one patient that a model predicts, compiled to arrays beside the schedule that predicts them.

    ``levels[i]``, which is observation ``index[i]`` of the timeline, is predicted by output ``out[i]`` at output time
    ``rows[i]`` of the schedule. Levels without a record name are called "ID level n". ``spread`` (etas, kappas): factors on the
    published SDs of the random effects. What is wider is each effect's own (published covariances say how usual patients vary):
    variances grow, covariances stay.
    """

    model: Model
    schedule: Schedule
    levels: tuple[Observation, ...]
    index: np.ndarray
    rows: np.ndarray
    slope_rows: np.ndarray
    slope_scale: np.ndarray
    out: np.ndarray
    y: np.ndarray
    blq: np.ndarray
    time_sd: np.ndarray
    form: np.ndarray
    a: np.ndarray
    b: np.ndarray
    findings: tuple[Finding, ...]
    occasions: int
    spread: tuple[float, float] = (1.0, 1.0)

    def __len__(self) -> int:
        return len(self.levels)

    def subset(self, keep: Sequence[int] | np.ndarray) -> "Evidence":
        """The same schedule with only some levels (indices)."""
        chosen = np.asarray(keep, dtype=np.int64)
        per_level = ("index", "rows", "slope_rows", "slope_scale", "out", "y", "blq", "time_sd", "form", "a", "b")
        kept = {name: getattr(self, name)[chosen] for name in per_level}
        return replace(self, levels=tuple(self.levels[i] for i in chosen), **kept)

    def exchanged(self, i: int, j: int) -> "Evidence":
        """The same with what was measured in levels ``i`` and ``j`` standing for each other (``levels`` stay as recorded)."""
        order = np.arange(len(self))
        order[[i, j]] = j, i
        return replace(self, y=self.y[order], blq=self.blq[order])

    @property
    def spreads(self) -> np.ndarray:
        """``spread`` by effect, [n_full]."""
        return _spreads(self.model, self.occasions, self.spread)

    @cached_property
    def omega(self) -> np.ndarray:
        """Covariance of the full vector, [n_full, n_full], with the variances widened by ``spread``."""
        return _omega(self.model, self.occasions, self.spread)

    @cached_property
    def root(self) -> np.ndarray:
        """L with L L' = ``omega``; rows of fixed effects are 0."""
        return _root(self.model, self.occasions, self.spread)

    @cached_property
    def widening(self) -> np.ndarray:
        """W, lower triangular: whitened effects z of this ``spread`` are W z in those of the published one."""
        return _widening(self.model, self.occasions, self.spread)

    def predict(self, z: np.ndarray) -> Prediction:
        """Predictions for whitened vectors ``z`` [K, n_full] (eta = L z, z ~ N(0, I) a priori)."""
        return self.predict_eta(z @ self.root.T)

    def predict_eta(self, eta: np.ndarray) -> Prediction:
        """Predictions for random-effect vectors ``eta`` [K, n_full]."""
        return predict(self.model, self.schedule, eta)

    @cached_property
    def typical(self) -> np.ndarray | None:
        """Predictions at the levels for a patient of no effects, [n]; None where that fails."""
        prediction = self.predict_eta(np.zeros((1, self.root.shape[0])))
        return self.at_levels(prediction)[0] if prediction.ok[0] else None

    def log_likelihood(self, prediction: Prediction) -> np.ndarray:
        """ln p(levels | vector), [K], constants included; -inf for a vector whose simulation failed."""
        return _log_likelihood(
            prediction.value, prediction.ok, self.rows, self.slope_rows, self.slope_scale, self.out, self.y, self.blq,
            self.time_sd, self.form, self.a, self.b,
        )  # fmt: skip

    def log_densities(self, prediction: Prediction) -> np.ndarray:
        """ln density of each level, [K, n], as summed by ``log_likelihood``."""
        return _log_densities(
            prediction.value, prediction.ok, self.rows, self.slope_rows, self.slope_scale, self.out, self.y, self.blq,
            self.time_sd, self.form, self.a, self.b,
        )  # fmt: skip

    def cdf(self, prediction: Prediction) -> np.ndarray:
        """P(level < measured value | vector) with residual error, [K, n]; for a BLQ level P(below the LOQ)."""
        return _cdf(
            prediction.value, self.rows, self.slope_rows, self.slope_scale, self.out, self.y, self.time_sd,
            self.form, self.a, self.b,
        )  # fmt: skip

    def around(
        self, prediction: Prediction, z: np.ndarray, step: float, both: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
        """Of whitened vectors ``z`` [K, n_full], a point and its neighbours at ``step`` along each axis (then at -``step``, where
        ``both``): -2 ln likelihood + z'z less ``constant``, [K]; at the first its gradient [n_full], expected Hessian, the step
        to where these see the minimum and that step's largest part. All but the first NaN: a neighbour failed."""
        return _around(
            prediction.value, prediction.ok, self.rows, self.slope_rows, self.slope_scale, self.out, self.y, self.blq,
            self.time_sd, self.form, self.a, self.b, z, self.constant, step, both,
        )  # fmt: skip

    def errors(self, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Prediction and residual SD of each level, on the scale of its error, at vector 0 of ``value`` [K, times, outputs]."""
        return _scales(
            value, self.rows, self.slope_rows, self.slope_scale, self.out, self.y, self.time_sd, self.form, self.a, self.b
        )

    def information(self, prediction: Prediction) -> np.ndarray:
        """Fisher information about each level's prediction at vector 0, [n]."""
        return _information(
            prediction.value, self.rows, self.slope_rows, self.slope_scale, self.out, self.y, self.blq, self.time_sd,
            self.form, self.a, self.b,
        )  # fmt: skip

    def at_levels(self, prediction: Prediction) -> np.ndarray:
        """Predictions at the levels, [K, n]."""
        return prediction.value[:, self.rows, self.out]

    @cached_property
    def constant(self) -> float:
        """What the convention of the objective leaves out: n ln 2 pi, and 2 ln y of log-normal levels."""
        measured = ~self.blq
        logs = measured & (self.form == _LOG)
        return float(measured.sum() * LOG_2PI + 2.0 * np.log(self.y[logs]).sum())


@lru_cache(maxsize=256)
def _root(model: Model, occasions: int, spread: tuple[float, float]) -> np.ndarray:
    """``Evidence.root``, the same for every patient of a model."""
    omega = _omega(model, occasions, spread)
    free = np.diag(omega) > 0
    root = np.zeros_like(omega)
    if free.any():
        root[np.ix_(free, free)] = np.linalg.cholesky(omega[np.ix_(free, free)])
    root.flags.writeable = False
    return root


@lru_cache(maxsize=256)
def _widening(model: Model, occasions: int, spread: tuple[float, float]) -> np.ndarray:
    """``Evidence.widening``, the same for every patient of a model."""
    free = np.ix_(*2 * (np.diag(_omega(model, occasions, spread)) > 0,))
    wide = np.diag(_spreads(model, occasions, spread))
    if spread != (1.0, 1.0):
        wide[free] = np.linalg.solve(_root(model, occasions, (1.0, 1.0))[free], _root(model, occasions, spread)[free])
    wide.flags.writeable = False
    return wide


@lru_cache(maxsize=256)
def narrowing(model: Model, occasions: int, spread: tuple[float, float]) -> np.ndarray:
    """Inverse of ``Evidence.widening``."""
    narrow = np.linalg.inv(_widening(model, occasions, spread))
    narrow.flags.writeable = False
    return narrow


def _omega(model: Model, occasions: int, spread: tuple[float, float]) -> np.ndarray:
    omega = model.omega_for(occasions).copy()
    spreads = _spreads(model, occasions, spread)
    np.fill_diagonal(omega, np.diag(omega) * spreads * spreads)
    return omega


def _spreads(model: Model, occasions: int, spread: tuple[float, float]) -> np.ndarray:
    return np.repeat(np.array(spread, dtype=np.float64), [len(model.eta_names), occasions * len(model.kappa_names)])


def _codes(residual: Residual) -> tuple[int, float, float]:
    """(form, a, b) of a residual: one variance formula serves additive, proportional and combined."""
    if residual.kind == "lognormal":
        return _LOG, residual.a, 0.0
    if residual.kind == "combined" and residual.form == "sd":
        return _SD, residual.a, residual.b
    a = 0.0 if residual.kind == "proportional" else residual.a
    b = 0.0 if residual.kind == "additive" else residual.b
    return _VARIANCE, a, b


def _slope_time(level: Observation, jumps: np.ndarray) -> tuple[float, bool]:
    """Where dF/dt is taken: on the side of the level where no dose starts, and whether that is after a dose."""
    before = level.time - TIME_STEP_H
    # a dose at the very time counts against the backward side only when the level is drawn after it
    upper = level.time if level.after_dose else level.time - 1e-9
    if level.after_dose or bool(np.any((jumps >= before) & (jumps <= upper))):
        return level.time + TIME_STEP_H, False
    return before, True


def _called(level: Observation, record: str) -> Observation:
    """The same level with a name (``replace`` takes five times as long)."""
    new = object.__new__(Observation)
    new.__dict__.update(level.__dict__, record=record)
    return new


def evidence_for(
    model: Model,
    timeline: Timeline,
    *,
    rule: Rule = "locf",
    times: Sequence[float] = (),
    time_uncertainty: bool = True,
) -> Evidence:
    """Compile the levels of a timeline for a model.

    Parameters
    ----------
    rule : how covariates behave between records (``locf``, ``nocb``, ``linear``).
    times : further output times of the schedule (h), ignored by the likelihood.
    time_uncertainty : False ignores ``time_sd`` of the levels.

    Returns
    -------
    Evidence; its findings name the levels no output predicts and levels that cannot be used.

    Raises
    ------
    InputError : a covariate is missing that the model refuses to go without.
    """
    findings: list[Finding] = []
    used: list[tuple[Observation, str]] = []
    index: list[int] = []
    by_name: dict[str, str | None] = {}  # asked once for each quantity: a record of a year has hundreds of levels
    for number, level in enumerate(timeline.observations):
        if level.measures not in by_name:
            by_name[level.measures] = model.measured_by(level.measures)
        name = by_name[level.measures]
        kind = "" if name is None else model.outputs[name].residual.kind
        if name is not None and math.isfinite(level.value) and not (kind == "lognormal" and level.value <= 0):
            used.append((level if level.record else _called(level, f"{timeline.patient.id} level {number + 1}"), name))
            index.append(number)
            continue
        record = level.record or f"{timeline.patient.id} level {number + 1}"
        if name is None:
            message = f"{model.name} has no output that predicts {level.measures!r}"
            known = ", ".join(o.measures for o in model.outputs.values())
            findings.append(Finding("info", "level_not_predicted", record, message, allowed=known))
            continue
        message = f"level of {level.measures or name} cannot be used with a {kind} residual error"
        allowed = "a positive number" if kind == "lognormal" else "a number"
        findings.append(Finding("error", "level_unusable", record, message, level.value, allowed, "correct the record"))

    jumps = np.array([e.time for d in timeline.doses for e in d.expanded()])
    slopes = [_slope_time(level, jumps) if time_uncertainty and level.time_sd > 0 else None for level, _ in used]
    wanted = {(level.time, level.after_dose) for level, _ in used}
    wanted |= {s for s in slopes if s is not None} | {(float(t), False) for t in times}
    ordered = sorted(wanted)
    row = {key: i for i, key in enumerate(ordered)}
    at = np.array([t for t, _ in ordered], dtype=np.float64)
    schedule = schedule_for(model, timeline, at, after=np.array([a for _, a in ordered], dtype=bool), rule=rule)
    code = {name: _codes(output.residual) for name, output in model.outputs.items()}
    codes = [code[name] for _, name in used]
    place = {name: k for k, name in enumerate(model.outputs)}
    return Evidence(
        model=model,
        schedule=schedule,
        levels=tuple(level for level, _ in used),
        index=np.array(index, dtype=np.int64),
        rows=np.array([row[level.time, level.after_dose] for level, _ in used], dtype=np.int64),
        slope_rows=np.array([-1 if s is None else row[s] for s in slopes], dtype=np.int64),
        slope_scale=np.array([0.0 if s is None else 1.0 / (o.time - s[0]) for s, (o, _) in zip(slopes, used, strict=True)]),
        out=np.array([place[name] for _, name in used], dtype=np.int64),
        y=np.array([level.value for level, _ in used], dtype=np.float64),
        blq=np.array([level.blq for level, _ in used], dtype=bool),
        time_sd=np.array([level.time_sd for level, _ in used], dtype=np.float64),
        form=np.array([c[0] for c in codes], dtype=np.int64),
        a=np.array([c[1] for c in codes], dtype=np.float64),
        b=np.array([c[2] for c in codes], dtype=np.float64),
        findings=tuple(findings) + tuple(schedule.findings),
        occasions=len(timeline.occasions) + 1,
    )
