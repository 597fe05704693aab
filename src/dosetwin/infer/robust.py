"""Densities of the two explanations of a far level: a heavy tail of the random effects, and a record that is wrong.

All constants are declared and the same for every model. A *scale* component widens the published SDs of the random effects; with
its weights the prior is a scale mixture of normals close to a Student-t. A *wrong* record (level, time, dose, mix-up of patients)
says nothing about the patient: its value lies anywhere around what the model expects of a typical patient at that time,

    ln y ~ ln centre + WRONG_SCALE t(WRONG_DF),

where the centre is never below the residual SD. Records are wrong independently, so the sum over all sets of wrong records is a
product over records, (1 - p) right + p wrong, and the posterior draws need no enumeration.

Two levels may also have been *exchanged*: the peak labelled trough and the trough labelled peak. Then both values are this
patient's, each at the other's time: one explanation of two records, which tells of the patient what two wrong records do not.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from scipy.special import poch, stdtr

from dosetwin.infer.likelihood import _LOG, _SD, LOG_2PI, Evidence, _log_normal_cdf, _residual, narrowing
from dosetwin.quantities import QUANTITIES
from dosetwin.simulate import Prediction

P_WRONG = 0.02
"""Probability that a record is wrong before it is seen (assumed: 1-5 % of levels are mislabelled, mistimed or contaminated)."""
P_WRONG_LABORATORY = 0.005
"""The same for ``LABORATORY`` results (assumed): they move slowly, so that a wrong time hardly matters, and most laboratories
compare them with the one before."""
LABORATORY = frozenset({"SCR", "INR"})
"""What counts as a laboratory result; everything else is a drug level."""
P_EXCHANGED = 0.005
"""Probability that two levels of a drug stand for each other before they are seen (assumed: of the 2 % of wrong records a quarter
come as such a pair; peak and trough are drawn within one interval, look alike, and are labelled and entered by hand)."""
EXCHANGED_WITHIN_H, EXCHANGED_APART = 48.0, 2
"""Only levels no more than this far apart (h: a long interval) can be exchanged, with at most one other between them (assumed).
Laboratory results cannot: they are analysed at once, under a barcode, and compared with the one before."""
WRONG_SCALE, WRONG_DF = 1.0, 3.0
"""Spread of ln(level / typical) of wrong records (assumed): half within a factor 2.1, 10 % beyond 10."""
UNLIKE = ((2.0, 0.08), (4.0, 0.02))
"""(factor on the SD of the between-subject effects, prior weight) of patients unlike the published ones (assumed): with the rest
as published close to a Student-t of 5 degrees of freedom."""
CHANGED = (4.0, 0.01)
"""(factor on the SD of the effects of the occasions, weight) of patients who changed; only with several occasions (assumed)."""
BOUND = 2.5
"""SD from its prediction beyond which a level pulls the *believed* parameters no harder."""


@dataclass(frozen=True)
class Scale:
    """One component of the heavy tail: factors on the SDs of (etas, kappas), and the log of its prior weight."""

    spread: tuple[float, float]
    log_weight: float


def scales_of(evidence: Evidence) -> tuple[Scale, ...]:
    """The components of the prior, the published one first; weights add up to 1."""
    wide = [Scale((s, 1.0), math.log(w)) for s, w in UNLIKE if evidence.model.eta_names]
    if evidence.model.kappa_names and evidence.occasions > 1:
        wide.append(Scale((1.0, CHANGED[0]), math.log(CHANGED[1])))
    rest = 1.0 - math.fsum(math.exp(s.log_weight) for s in wide)
    return (Scale((1.0, 1.0), math.log(rest)), *wide)


def prior_wrong(evidence: Evidence) -> np.ndarray:
    """Probability of each record being wrong before it is seen, [n]."""
    return np.array([P_WRONG_LABORATORY if level.measures in LABORATORY else P_WRONG for level in evidence.levels], dtype=float)


def exchangeable(evidence: Evidence) -> tuple[tuple[int, int], ...]:
    """Pairs of levels (indices, the earlier first) that may have been exchanged: of one drug, at two times, with two values."""
    of: dict[int, list[int]] = {}
    for i, level in enumerate(evidence.levels):
        if level.measures not in QUANTITIES:
            of.setdefault(int(evidence.out[i]), []).append(i)
    found = []
    for same in of.values():
        same.sort(key=lambda i: evidence.levels[i].time)
        for apart in range(1, EXCHANGED_APART + 1):
            for i, j in zip(same, same[apart:], strict=False):
                near = 0.0 < evidence.levels[j].time - evidence.levels[i].time <= EXCHANGED_WITHIN_H
                differs = evidence.y[i] != evidence.y[j] or evidence.blq[i] != evidence.blq[j]
                if near and differs:
                    found.append((i, j))
    return tuple(sorted(found))


def log_exchanged() -> float:
    """ln odds of a pair exchanged against as recorded, before the levels are seen."""
    return math.log(P_EXCHANGED) - math.log1p(-P_EXCHANGED)


def log_prior(z: np.ndarray, evidence: Evidence) -> np.ndarray:
    """ln density of the heavy-tailed prior at whitened ``z`` [K, n] (whitened by the published SDs), [K]."""
    parts = []
    for scale in scales_of(evidence):
        narrow = narrowing(evidence.model, evidence.occasions, scale.spread)
        parts.append(scale.log_weight - 0.5 * np.square(z @ narrow.T).sum(1) + np.log(np.diag(narrow)).sum())
    return np.logaddexp.reduce(parts, axis=0) - 0.5 * z.shape[1] * LOG_2PI


def log_wrong(evidence: Evidence) -> np.ndarray:
    """ln density of each level if its record is wrong, [n]; the same for every parameter vector."""
    if len(evidence) == 0:
        return np.zeros(0)
    if evidence.typical is None:
        return np.full(len(evidence), -math.inf)
    f = np.abs(evidence.typical)
    # what an empty sample would still read: a log-normal error has no additive part to tell it
    smallest = np.where(evidence.form == _LOG, 0.0, evidence.a)
    centre = np.maximum(np.maximum(f, smallest), 1e-3 * np.maximum(np.abs(evidence.y), 1e-12))
    value = np.maximum(evidence.y, 1e-3 * centre)
    u = np.log(value / centre) / WRONG_SCALE
    return np.where(evidence.blq, _log_below(u, WRONG_DF), _log_student(u, WRONG_DF) - np.log(WRONG_SCALE * value))


def _log_student(u: np.ndarray, df: float) -> np.ndarray:
    """ln density of t with ``df`` degrees of freedom."""
    return np.log(poch(0.5 * df, 0.5)) - 0.5 * (np.log(df) + np.log(np.pi)) - (df + 1) / 2 * np.log1p(u * u / df)


def _log_below(u: np.ndarray, df: float) -> np.ndarray:
    """ln P(t < u); -inf where that underflows."""
    with np.errstate(divide="ignore"):
        return np.log(stdtr(df, u))


@njit(cache=True, nogil=True)
def _sums(
    value, ok, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b, as_is, blamed, doubted
):  # pragma: no cover - compiled
    """Sums over levels per vector, [K] each: of ln right, of ln (right, or wrong), and of that where not doubted."""
    n_draws, n = value.shape[0], y.shape[0]
    right, every, others = np.zeros(n_draws), np.zeros(n_draws), np.zeros(n_draws)
    for k in range(n_draws):
        if not ok[k]:
            right[k] = every[k] = others[k] = -math.inf
            continue
        for i in range(n):
            f, slope = value[k, rows[i], out[i]], 0.0
            if slope_rows[i] >= 0:
                slope = (f - value[k, slope_rows[i], out[i]]) * slope_scale[i] * time_sd[i]
            _, sd, target, z = _residual(f, slope, y[i], form[i], a[i], b[i])
            if blq[i]:
                one = _log_normal_cdf(z)
            else:
                one = -0.5 * z * z - math.log(sd) - 0.5 * LOG_2PI
                if form[i] == _LOG:
                    one -= target
            right[k] += one
            both = -math.inf
            if math.isfinite(one):
                x = as_is[i] + one
                both = max(x, blamed[i]) + math.log1p(math.exp(-abs(x - blamed[i])))
            every[k] += both
            if not doubted[i]:
                others[k] += both
    return right, every, others


@njit(cache=True, nogil=True)
def _at(g, sd, factor, constant, form, a, b):  # pragma: no cover - compiled
    """Residual SD at prediction ``g``: see ``_bounded``."""
    if form == _SD:
        return (a + b * abs(g)) * factor
    return sd if form == _LOG else math.sqrt(constant + (b * g) ** 2)


@njit(cache=True, nogil=True)
def _where(f, target, sd, c, factor, constant, form, a, b):  # pragma: no cover - compiled
    """The prediction between ``f`` and ``target`` from which the level lies ``c`` SD away: the root of a linear or quadratic
    equation, by halving where that is none (a prediction below 0)."""
    if form == _SD:
        g = (target - c * factor * a) / max(1.0 + c * factor * b, 1e-300)
    elif form == _LOG:
        g = target - c * sd
    elif c < 0.0:
        rest = 1.0 - (c * b) ** 2
        g = (target - c * math.sqrt(max((b * target) ** 2 + rest * constant, 0.0))) / rest
    else:
        root = math.sqrt(max((b * target) ** 2 + (1.0 - (c * b) ** 2) * constant, 0.0))
        g = (target * target - c * c * constant) / max(target + c * root, 1e-300)
    left = target - g - c * _at(g, sd, factor, constant, form, a, b)
    if (g - f) * (g - target) <= 0.0 and abs(left) <= 1e-12 * abs(target - f):
        return g
    near, far = f, target
    for _ in range(60):
        g = 0.5 * (near + far)
        if (target - g - c * _at(g, sd, factor, constant, form, a, b)) * (target - f) > 0.0:
            near = g
        else:
            far = g
    return 0.5 * (near + far)


@njit(cache=True, nogil=True)
def _bounded(value, ok, rows, slope_rows, slope_scale, out, y, blq, time_sd, form, a, b, bound):  # pragma: no cover - compiled
    """Sum over levels per vector, [K]; see ``log_bounded``."""
    n_draws, n = value.shape[0], y.shape[0]
    total = np.zeros(n_draws)
    for k in range(n_draws):
        if not ok[k]:
            total[k] = -math.inf
            continue
        for i in range(n):
            f, slope = value[k, rows[i], out[i]], 0.0
            if slope_rows[i] >= 0:
                slope = (f - value[k, slope_rows[i], out[i]]) * slope_scale[i] * time_sd[i]
            f, sd, target, z = _residual(f, slope, y[i], form[i], a[i], b[i])
            if blq[i]:
                total[k] += _log_normal_cdf(z)
                continue
            low = bound if form[i] == _LOG or b[i] <= 0.0 else min(bound, 0.5 / b[i])
            if -low <= z <= bound:
                total[k] += -0.5 * z * z - math.log(sd)
                continue
            c = bound if z > 0 else -low
            # residual SD at another prediction g: what time uncertainty and the floor add at f is kept (as a factor for form SD)
            own = a[i] if form[i] == _LOG else a[i] + b[i] * abs(f) if form[i] == _SD else math.sqrt(a[i] ** 2 + (b[i] * f) ** 2)
            factor = sd / max(own, 1e-300)
            constant = max(sd * sd - (b[i] * f) ** 2, (1e-6 * sd) ** 2)
            g = _where(f, target, sd, c, factor, constant, form[i], a[i], b[i])
            if form[i] == _LOG or b[i] <= 0.0:
                steps, s = (g - f) / sd, sd
            elif form[i] == _SD:
                s = (a[i] + b[i] * abs(g)) * factor
                steps = math.log(s / sd) / (b[i] * factor)
            else:
                s = math.sqrt(constant + (b[i] * g) ** 2)
                root = math.sqrt(constant)
                steps = (math.asinh(b[i] * g / root) - math.asinh(b[i] * f / root)) / b[i]
            total[k] += -0.5 * c * c - math.log(sd) - c * steps - c * c * math.log(s / sd)
    return total


def clip_levels(evidence: Evidence, prediction: Prediction) -> np.ndarray:
    """The levels moved to ``BOUND`` SD from the predictions of vector 0 where they lie farther, [n]: they pull as hard."""
    out, (at, spread) = evidence.y.copy(), evidence.errors(prediction.value)
    for i in np.flatnonzero(~evidence.blq):
        f, sd = at[i], spread[i]
        log = evidence.form[i] == _LOG
        low = BOUND if log or evidence.b[i] <= 0.0 else min(BOUND, 0.5 / evidence.b[i])
        target = math.log(out[i]) if log else out[i]
        target = min(max(target, f - low * sd), f + BOUND * sd)
        out[i] = math.exp(target) if log else target
    return out


def log_bounded(evidence: Evidence, prediction: Prediction) -> np.ndarray:
    """Log-likelihood in which no level pulls harder than one ``BOUND`` SD away, [K], without its constant.

    Within the bound it is the ordinary one. Beyond, its slope in the prediction is that of a level exactly at the bound, so

        ln p = -c^2/2 - ln sd(f) - c (h(g) - h(f)) - c^2 ln(sd(g) / sd(f)),   h' = 1/sd,   level = g + c sd(g).

    Its mixed derivative in level and prediction is nowhere negative (a monotone likelihood ratio): a higher level never speaks
    for a lower prediction. For a proportional error the bound below is at most 1/(2 b) SD, beyond which the ordinary likelihood
    itself would lose that property.
    """
    return _bounded(
        prediction.value, prediction.ok, evidence.rows, evidence.slope_rows, evidence.slope_scale, evidence.out, evidence.y,
        evidence.blq, evidence.time_sd, evidence.form, evidence.a, evidence.b, BOUND,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Weighing:
    """What a vector is worth under each condition on the records, up to one constant; ``doubted`` [n] bool.

    ``certain``: every record is right, whatever it says. ``pairs``: levels that may have been exchanged, one pair at a time.
    """

    evidence: Evidence
    doubted: np.ndarray
    certain: bool = False
    pairs: tuple[tuple[int, int], ...] = ()

    @cached_property
    def wrong(self) -> np.ndarray:
        """ln density of each record if wrong, [n]."""
        return log_wrong(self.evidence)

    def conditions(self, z: np.ndarray, prediction: Prediction, believed: bool = True) -> dict[str, np.ndarray]:
        """``mixture``, ``right``, ``wrong`` and ``believed`` (as in ``Belief``), each ln p(levels, vector) [K].

        The mixture sums over all sets of wrong records, all scales, and ``pairs`` exchanged. ``wrong``: every doubted record is
        wrong, or exchanged. ``likelihood`` is that of the levels, all right. ``believed`` False leaves that one out.
        """
        prior = log_prior(z, self.evidence)
        if self.pairs and not self.certain:
            found = self._exchanged(prediction, prior)
        else:
            likelihood, all_, others = self._sums(prediction)
            found = {"likelihood": likelihood, "mixture": all_ + prior, "right": likelihood + prior, "wrong": others + prior}
        return found | {"believed": log_bounded(self.evidence, prediction) + prior} if believed else found

    def _sums(self, prediction: Prediction) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ln density of all levels if right; of all, right or wrong; of those that are not doubted, right or wrong; [K] each."""
        e, p = self.evidence, prior_wrong(self.evidence)
        blamed = np.full(len(e), -math.inf) if self.certain else np.log(p) + self.wrong
        as_is = np.zeros(len(e)) if self.certain else np.log1p(-p)
        return _sums(
            prediction.value, prediction.ok, e.rows, e.slope_rows, e.slope_scale, e.out, e.y, e.blq, e.time_sd, e.form, e.a, e.b,
            as_is, blamed, self.doubted,
        )  # fmt: skip

    def _exchanged(self, prediction: Prediction, prior: np.ndarray) -> dict[str, np.ndarray]:
        """The conditions with each of the pairs exchanged beside none."""
        as_it_is, p = self.evidence.log_densities(prediction), prior_wrong(self.evidence)
        blamed, likelihood = np.log(p) + self.wrong, as_it_is.sum(1)
        both = np.logaddexp(np.log1p(-p) + as_it_is, blamed)
        both = np.where(np.isfinite(as_it_is), both, -math.inf)
        mixture, wrong = [both.sum(1)], [both[:, ~self.doubted].sum(1) + blamed[self.doubted].sum()]
        for pair in self.pairs:
            at = np.array(pair)
            turned = self.evidence.exchanged(*pair).subset(at)
            right = turned.log_densities(prediction)
            here = both.copy()
            here[:, at] = np.logaddexp(np.log1p(-p[at]) + right, np.log(p[at]) + log_wrong(turned))
            here[:, at] = np.where(np.isfinite(right), here[:, at], -math.inf)
            others = self.doubted.copy()
            others[at] = False
            mixture.append(log_exchanged() + here.sum(1))
            wrong.append(log_exchanged() + here[:, ~others].sum(1) + blamed[others].sum())
        summed = {"mixture": np.logaddexp.reduce(mixture) + prior, "wrong": np.logaddexp.reduce(wrong) + prior}
        return {"likelihood": likelihood, "right": likelihood + prior} | summed
