"""What a policy may believe of a virtual baby: a fast joint posterior of clearance by day, volume and infection.

Two compartments of De Cock 2012 with the flagship's effects of ibuprofen and cooling. Log clearance on a piece of the course is

    ln CL = ln typical + m + L z,   ln V = sd_V z_V,   z standard normal,

where ``m`` and the first columns of ``L`` are what the chosen kidney says of filtration (``forecast.filtration``), and the other
columns are the baby's own drug clearance and its scatter between days. Given levels, the mode is found by Gauss-Newton steps, and
quasi-random draws from the normal around it carry importance weights, so that the posterior is right where it is not normal.
Far levels are heard as everywhere (``infer.robust``): a heavy tail of the effects (days apart), each record wrong with 2 %.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, pi, sqrt

import numpy as np
from numba import njit
from scipy.special import ndtri

from dosetwin.decide.look_ahead.ahead import Course
from dosetwin.decide.look_ahead.loss import Loss, dose_misses
from dosetwin.decide.look_ahead.outlook import DT, Outlook
from dosetwin.decide.look_ahead.two_compartments import course as run_levels
from dosetwin.decide.look_ahead.two_compartments import propagators
from dosetwin.errors import InputError
from dosetwin.infer.explanations import QUIET
from dosetwin.infer.likelihood import LOG_2PI
from dosetwin.infer.robust import P_WRONG, UNLIKE, WRONG_SCALE
from dosetwin.infer.sobol import sobol
from dosetwin.outcomes.infection.draws import DRAWS, Infections, draw_infections
from dosetwin.outcomes.infection.mic import distribution
from dosetwin.outcomes.infection.packs import Pack

PIECE_H = 12.0
"""h over which believed parameters are constant."""
ITERATIONS = 8
"""Gauss-Newton steps at most; they stop when nothing moves."""
SCALES = (1.0, *(scale for scale, _ in UNLIKE))
WEIGHTS = (1.0 - sum(weight for _, weight in UNLIKE), *(weight for _, weight in UNLIKE))
LOG_T3 = log(2.0 / (pi * sqrt(3.0)))
PARTS, FATTER = 6, 1.2
"""Proposals: usual, unlike twice and four times, without a record, and the two wide priors; SDs of the first four times this."""
LEAST_SHARE = 0.1
"""No explanation that is tried has a smaller share of the draws."""


@dataclass(frozen=True)
class Believed:
    """The belief model's numbers: SDs of log effects, residual of a level (SD = sqrt((prop x)^2 + add^2)).

    Defaults are those of ``models.amikacin_neonate`` (filtration, drug clearance alone, volume, between days), and
    De Cock's residual.
    """

    GFR_sd: float = 0.22
    CL_sd: float = 0.15
    V_sd: float = 0.15
    day_sd: float = 0.138
    prop: float = 0.248
    add: float = 0.517


@dataclass(frozen=True, eq=False)
class Prior:
    """One baby's prior on pieces of ``PIECE_H`` from time 0, before levels: typical CL, V (L/h, L), Q, and the kidney's word.

    ``CL``, ``V``, ``Q`` [s]; ``mean`` [s] of the log deviation of clearance; ``loadings`` [s, q], of which the last ``days``
    columns are the scatter between days (not widened for patients unlike the published ones).
    """

    CL: np.ndarray
    V: np.ndarray
    Q: np.ndarray
    mean: np.ndarray
    loadings: np.ndarray
    V_sd: float
    days: int = 0


@njit(cache=True, nogil=True)
def _predict(z, CL, V, Q, mean, loadings, V_sd, rate, piece, at, out):
    """Levels at the grid steps ``at``, ascending, each before the dose that begins there."""
    q = loadings.shape[1]
    factor = exp(V_sd * z[q])
    x, y = 0.0, 0.0
    k, m = 0, len(at)
    last = -1
    e00 = e01 = e10 = e11 = g0 = g1 = 0.0
    v = V[0] * factor
    for t in range(at[m - 1] + 1):
        while k < m and at[k] == t:
            out[k] = x / (V[piece[t]] * factor)
            k += 1
        if k >= m:
            return
        j = piece[t]
        if j != last:
            last = j
            dev = mean[j]
            for i in range(q):
                dev += loadings[j, i] * z[i]
            v = V[j] * factor
            k10, k12 = CL[j] * exp(dev) / v, Q[j] / v
            k21 = k12
            total = k10 + k12 + k21
            root = sqrt(max(total * total - 4.0 * k10 * k21, 0.0))
            fast = -0.5 * (total + root)
            slow = k10 * k21 / fast
            a1, a2 = exp(slow * 0.5), exp(fast * 0.5)
            b1, b2 = (a1 - 1.0) / slow, (a2 - 1.0) / fast
            w = 1.0 / (slow - fast)
            d = -(k10 + k12)
            e00 = w * (a1 * (d - fast) - a2 * (d - slow))
            e01 = w * (a1 - a2) * k21
            e10 = w * (a1 - a2) * k12
            e11 = w * (a1 * (-k21 - fast) - a2 * (-k21 - slow))
            g0 = w * (b1 * (d - fast) - b2 * (d - slow))
            g1 = w * (b1 - b2) * k12
        R = rate[t]
        x, y = e00 * x + e01 * y + g0 * R, e10 * x + e11 * y + g1 * R


@njit(cache=True, nogil=True)
def _objective(z, CL, V, Q, mean, loadings, V_sd, rate, piece, at, y, prop, add, keep, precision, f):
    """-2 log posterior density up to a constant, of the levels kept; ``f`` is filled with the prediction."""
    total = 0.0
    for i in range(len(z)):
        total += precision[i] * z[i] * z[i]
    if len(y):
        _predict(z, CL, V, Q, mean, loadings, V_sd, rate, piece, at, f)
    for k in range(len(y)):
        if keep[k]:
            var = (prop * f[k]) ** 2 + add * add
            total += (y[k] - f[k]) ** 2 / var + log(var)
    return total


@njit(cache=True, nogil=True)
def _mode(z, CL, V, Q, mean, loadings, V_sd, rate, piece, at, y, prop, add, keep, precision, f, J):
    """Mode by Gauss-Newton with step halving from ``z``: (mode, -2 log density, curvature); fills ``f`` and ``J`` [m, d]."""
    d, m = len(z), len(y)
    g, H = np.zeros(m), np.diag(precision)
    best = _objective(z, CL, V, Q, mean, loadings, V_sd, rate, piece, at, y, prop, add, keep, precision, f)
    for _ in range(ITERATIONS):
        for i in range(d):
            step = 1e-4
            z[i] += step
            _predict(z, CL, V, Q, mean, loadings, V_sd, rate, piece, at, g)
            z[i] -= step
            for k in range(m):
                J[k, i] = (g[k] - f[k]) / step
        H = np.diag(precision)
        gradient = precision * z
        for k in range(m):
            if not keep[k]:
                continue
            var = (prop * f[k]) ** 2 + add * add
            r = y[k] - f[k]
            # the variance moves with the level too
            dvar = 2.0 * prop * prop * f[k] / var
            info = 1.0 / var + 0.5 * dvar * dvar
            slope = -r / var + 0.5 * dvar * (1.0 - r * r / var)
            for i in range(d):
                gradient[i] += slope * J[k, i]
                for j in range(d):
                    H[i, j] += info * J[k, i] * J[k, j]
        move = np.linalg.solve(H, gradient)
        scale, improved = 1.0, False
        for _half in range(6):
            new = _objective(z - scale * move, CL, V, Q, mean, loadings, V_sd, rate, piece, at, y, prop, add, keep, precision, g)
            if new < best:
                z = z - scale * move
                gain = best - new
                best = new
                for k in range(m):
                    f[k] = g[k]
                improved = gain > 1e-6
                break
            scale *= 0.5
        if not improved:
            break
    return z, best, H


@njit(cache=True, nogil=True)
def _log_wrong(y, centre, add):
    """ln density of a level whose record is wrong (``infer.robust.log_wrong``)."""
    centre = max(max(centre, add), 1e-3 * max(y, 1e-12))
    value = max(y, 1e-3 * centre)
    u = log(value / centre) / WRONG_SCALE
    return LOG_T3 - 2.0 * log(1.0 + u * u / 3.0) - log(WRONG_SCALE * value)


@njit(cache=True, nogil=True)
def _doubt(z, H, J, f, y, wrong, wide, prop, add):
    """Probability of the most probable wrong record and of an unlike patient, by the closed forms of a normal posterior."""
    d = len(z)
    inverse = np.linalg.inv(H)
    p_worst = 0.0
    for k in range(len(y)):
        var = (prop * f[k]) ** 2 + add * add
        r = (y[k] - f[k]) ** 2 / var
        info = 1.0 / var + 2.0 * (prop * prop * f[k] / var) ** 2
        h = min(max(info * np.dot(J[k], np.dot(inverse, J[k])), 0.0), 1.0 - 1e-9)
        right = -0.5 * (log(var) + LOG_2PI) - 0.5 * r / (1.0 - h) + 0.5 * log(1.0 - h)
        p = 1.0 / (1.0 + exp(min(max(log(1.0 - P_WRONG) - log(P_WRONG) + right - wrong[k], -500.0), 500.0)))
        p_worst = max(p_worst, p)
    b = np.dot(H, z)
    usual, logdet = np.dot(b, z), np.linalg.slogdet(H)[1]
    odds = 0.0
    for j in range(1, len(SCALES)):
        precision = np.where(wide, 1.0 / SCALES[j] ** 2, 1.0)
        other = H - np.eye(d) + np.diag(precision)
        gain = 0.5 * (np.dot(b, np.linalg.solve(other, b)) - usual)
        gain += -0.5 * (np.linalg.slogdet(other)[1] - logdet) + 0.5 * np.log(precision).sum()
        odds += WEIGHTS[j] / WEIGHTS[0] * exp(min(gain, 500.0))
    return p_worst, odds / (1.0 + odds)


@njit(cache=True, nogil=True)
def _posterior(CL, V, Q, mean, loadings, V_sd, rate, piece, at, y, prop, add, wide, normal, draws, log_weight):
    """Fills ``draws`` [n, d] and ``log_weight`` [n] from standard ``normal`` [n, d]; returns (P(a record wrong), P(unlike)).

    The weights are those of the whole mixture of ``infer.robust``; ``wide`` [d] says which effects it widens. Where the closed
    forms leave a doubt, draws come from the modes of a usual patient, of unlike ones, without one record, and from wide priors.
    """
    d, m, n = loadings.shape[1] + 1, len(y), len(draws)
    if m == 0:
        draws[:] = normal
        log_weight[:] = 0.0
        return 0.0, 0.0
    f, J, usual, every = np.zeros(m), np.zeros((m, d)), np.ones(d), np.ones(m, dtype=np.bool_)
    wrong = np.zeros(m)
    _predict(np.zeros(d), CL, V, Q, mean, loadings, V_sd, rate, piece, at, f)
    for k in range(m):
        wrong[k] = _log_wrong(y[k], f[k], add)
    means, roots = np.zeros((PARTS, d)), np.zeros((PARTS, d, d))
    score, logdets = np.full(PARTS, -np.inf), np.zeros(PARTS)
    z, best, H = _mode(np.zeros(d), CL, V, Q, mean, loadings, V_sd, rate, piece, at, y, prop, add, every, usual, f, J)
    means[0] = z
    roots[0] = np.linalg.inv(np.linalg.cholesky(H)).T
    logdets[0] = np.linalg.slogdet(H)[1]
    constant = m * (log(1.0 - P_WRONG) - 0.5 * LOG_2PI)
    score[0] = log(WEIGHTS[0]) - 0.5 * best - 0.5 * logdets[0] + constant
    p_wrong, p_unlike = _doubt(z, H, J, f, y, wrong, wide, prop, add)
    if p_wrong >= QUIET or p_unlike >= 2.0 * QUIET:
        for c in range(1, 3 + m):
            keep, s, j, start = every.copy(), min(c, 2), min(c, 3), means[0].copy()
            if c > 2:  # without one record, each in turn; the best of them stays
                keep[c - 3], s, start = False, 0, np.zeros(d)
            precision = np.where(wide, 1.0 / SCALES[s] ** 2, 1.0)
            z, best, H = _mode(start, CL, V, Q, mean, loadings, V_sd, rate, piece, at, y, prop, add, keep, precision, f, J)
            logdet = np.linalg.slogdet(H)[1]
            value = log(WEIGHTS[s]) - 0.5 * best - 0.5 * logdet + 0.5 * np.log(precision).sum() + constant
            if c > 2:
                value += log(P_WRONG) - log(1.0 - P_WRONG) + wrong[c - 3] + 0.5 * LOG_2PI
            if value > score[j]:
                score[j], logdets[j], means[j] = value, logdet, z
                roots[j] = np.linalg.inv(np.linalg.cholesky(H)).T
        for c in range(4, PARTS):  # where levels no longer tell effects apart only the wide prior bounds them
            spread = np.where(wide, SCALES[c - 3], 1.0)
            roots[c], logdets[c], score[c] = np.diag(spread), -2.0 * np.log(spread).sum(), -1e9
    for c in range(4):
        roots[c] *= FATTER
        logdets[c] -= 2.0 * d * log(FATTER)
    share = np.exp(score - score[:4].max())
    share = np.where(score > -np.inf, np.maximum(share / share.sum(), LEAST_SHARE), 0.0)
    ends = np.round(n * np.cumsum(share / share.sum()))
    share[0] = ends[0] / n
    for c in range(1, PARTS):
        share[c] = (ends[c] - ends[c - 1]) / n
    gap, moved = np.zeros(d), np.zeros(d)
    c = 0
    for i in range(n):
        while i >= ends[c]:
            c += 1
        draws[i] = means[c] + np.dot(roots[c], normal[i])
        log_q = -np.inf
        for j in range(PARTS):
            if share[j] <= 0.0:
                continue
            if j == c:
                moved = normal[i].copy()
            else:
                gap = draws[i] - means[j]
                moved = np.linalg.solve(roots[j], gap)
            log_q = np.logaddexp(log_q, log(share[j]) + 0.5 * logdets[j] - 0.5 * np.dot(moved, moved))
        _predict(draws[i], CL, V, Q, mean, loadings, V_sd, rate, piece, at, f)
        target = -np.inf
        for j in range(len(SCALES)):
            q = 0.0
            for a in range(d):
                q += log(SCALES[j]) + 0.5 * (draws[i, a] / SCALES[j]) ** 2 if wide[a] else 0.5 * draws[i, a] ** 2
            target = np.logaddexp(target, log(WEIGHTS[j]) - q)
        for k in range(m):
            var = (prop * f[k]) ** 2 + add * add
            right = -0.5 * ((y[k] - f[k]) ** 2 / var + log(var) + LOG_2PI)
            target += np.logaddexp(log(1.0 - P_WRONG) + right, log(P_WRONG) + wrong[k])
        log_weight[i] = target - log_q
    return p_wrong, p_unlike


@lru_cache(maxsize=8)
def _sobol(n: int, k: int) -> np.ndarray:
    size = 1 << max(int(np.ceil(np.log2(n))), 1)
    return sobol(k, size, 20260101)[:n]


def quasi_uniforms(n: int, k: int, shift: np.ndarray) -> np.ndarray:
    """[n, k] quasi-random numbers in (0, 1): a Sobol sequence, shifted by ``shift`` [k] modulo 1."""
    return np.clip(np.mod(_sobol(n, k) + shift, 1.0), 1e-9, 1.0 - 1e-9)


@dataclass(frozen=True, eq=False)
class CourseBelief:
    """The belief at one moment of one course; ``outlook`` makes joint draws of it.

    ``doses`` [k, 2] start h and mg, ``levels`` [m, 2] time h and mg/L (all known by ``now``); ``MIC`` the measured one or None;
    ``key`` of the random shift.
    """

    prior: Prior
    model: Believed
    course: Course
    loss: Loss
    now: float
    weight: float
    doses: np.ndarray
    levels: np.ndarray
    pack: Pack | None
    organism: str
    MIC: float | None
    key: int

    def outlook(self, draws: int, stream: int) -> Outlook:
        """``draws`` weighted joint draws; their number must be positive."""
        if draws < 1:
            raise InputError("draws of a belief", where="course belief", value=draws, allowed=">= 1")
        p, q = self.prior, self.prior.loadings.shape[1] + 1
        s = len(p.CL)
        shift = np.random.Generator(np.random.PCG64([self.key & 0xFFFFFFFF, stream])).random(q + len(DRAWS))
        u = quasi_uniforms(draws, q + len(DRAWS), shift)
        steps = round(self.course.end / DT)
        piece = np.minimum((DT * (np.arange(steps) + 0.5) / PIECE_H).astype(np.int64), s - 1)
        rate = np.zeros(steps)
        infusion = round(self.course.infusion / DT)
        for t, mg in self.doses:
            first = round(t / DT)
            rate[first : first + infusion] += mg / (infusion * DT)
        at = np.rint(self.levels[:, 0] / DT).astype(np.int64)
        z, log_weight = np.empty((draws, q)), np.empty(draws)
        m = self.model
        wide = np.ones(q, dtype=np.bool_)
        wide[q - 1 - p.days : q - 1] = False
        _posterior(p.CL, p.V, p.Q, p.mean, p.loadings, p.V_sd, rate, piece, at, np.ascontiguousarray(self.levels[:, 1]), m.prop,
                   m.add, wide, ndtri(u[:, :q]), z, log_weight)  # fmt: skip
        weights = np.exp(log_weight - log_weight.max())
        weights /= weights.sum()
        CL = p.CL * np.exp(p.mean + z[:, :-1] @ p.loadings.T)
        V = p.V * np.exp(p.V_sd * z[:, -1:])
        parameters = np.stack([CL, V, np.broadcast_to(p.Q, V.shape), V], axis=2)
        infections = None if self.pack is None else self._infections(u[:, q:])
        return past_and_future(self, np.ascontiguousarray(parameters), PIECE_H * np.arange(s), weights, rate, piece, infections)

    def _infections(self, u: np.ndarray) -> Infections:
        assert self.pack is not None
        of = distribution(self.organism)
        if self.MIC is not None:
            of = of.updated(self.MIC)
        return draw_infections(self.pack, len(u), uniforms=u, organism=self.organism, mic=of.quantile(u[:, 0]), WT=self.weight)


def past_and_future(
    belief: CourseBelief, parameters: np.ndarray, edges: np.ndarray, weights: np.ndarray, rate: np.ndarray, piece: np.ndarray,
    infections: Infections | None,
) -> Outlook:  # fmt: skip
    """The outlook of draws with known parameters: what the doses so far have made of them, up to the start of the last one."""
    n, doses, course = len(parameters), belief.doses, belief.course
    origin, given = (float(doses[-1, 0]), float(doses[-1, 1])) if len(doses) else (belief.now, 0.0)
    back = round(origin / DT)
    amounts = np.zeros((n, 2))
    level, area = np.zeros((back + 1, n)), np.zeros((back + 1, n))
    if back:
        P, V = propagators(parameters, DT), np.ascontiguousarray(parameters[:, :, 1].T)
        run_levels(P, V, piece[:back], amounts, rate[:back], level, area)
    before, before_h = np.zeros(n), 0.0
    for k in range(len(doses) - 1):
        a, b = round(doses[k, 0] / DT), round(doses[k + 1, 0] / DT)
        hours = (b - a) * DT
        top = a + round(course.peak_after / DT)
        day = (area[b] - area[a]) * 24.0 / hours
        before += hours * dose_misses(level[top], level[b], day, belief.loss).sum(axis=1)
        before_h += hours
    return Outlook(belief.now, origin, given, belief.weight, parameters, edges, amounts, weights, before, before_h,
                   np.ascontiguousarray(level.T), infections, belief.MIC)  # fmt: skip


def known_truth(belief: CourseBelief, CL: np.ndarray, V: np.ndarray, Q: np.ndarray, infections: Infections | None) -> Outlook:
    """The outlook of somebody who knows everything: CL, V, Q [hours] of the baby itself, and its infection (one row)."""
    parameters = np.stack([CL, V, Q, V], axis=1)[None]
    steps = round(belief.course.end / DT)
    piece = np.minimum((DT * (np.arange(steps) + 0.5)).astype(np.int64), len(CL) - 1)
    rate = np.zeros(steps)
    infusion = round(belief.course.infusion / DT)
    for t, mg in belief.doses:
        first = round(t / DT)
        rate[first : first + infusion] += mg / (infusion * DT)
    edges = np.arange(len(CL), dtype=np.float64)
    return past_and_future(belief, np.ascontiguousarray(parameters), edges, np.ones(1), rate, piece, infections)


@dataclass(frozen=True, eq=False)
class Omniscient:
    """A belief that is the truth: the ceiling. ``outlook`` is one draw, whatever is asked for."""

    belief: CourseBelief
    CL: np.ndarray
    V: np.ndarray
    Q: np.ndarray
    infections: Infections | None

    def outlook(self, draws: int, stream: int) -> Outlook:
        """The truth."""
        return known_truth(self.belief, self.CL, self.V, self.Q, self.infections)
