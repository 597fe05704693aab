"""What a far level means: *this patient is unlike the published ones* or *this record is wrong*, weighed by Bayes without chance.

An explanation = {which records are wrong} x {scale of the random effects} (``infer.robust`` declares both). Its evidence is
Laplace's at its own most probable effects, so probabilities do not depend on a seed or on the number of draws. Sets of wrong
records are tried where they can matter: none, each record that the others do not expect, then greedily more.

Nearly always nobody is in doubt. Then the most probable effects of a usual patient tell everything: leaving a record out is
the closed form of a normal posterior, and so is widening the prior. Only where these say that a record may be wrong or the
patient unlike (``QUIET``) are the other explanations fitted.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from dosetwin.infer.belief import DOUBTED, Explanation
from dosetwin.infer.likelihood import LOG_2PI, Evidence
from dosetwin.infer.map import MapEstimate, map_of
from dosetwin.infer.robust import UNLIKE, Scale, clip_levels, log_bounded, log_wrong, prior_wrong, scales_of

QUIET = 0.05
"""Below this probability of any record wrong, and of the patient unlike, by the closed forms, nothing else is fitted."""
CANDIDATE = 0.01
"""A record is tried as wrong where the closed form gives the explanation at least this chance against the best one."""
MOST_WRONG, MOST_TRIED = 6, 12
"""At most so many records are called wrong together, and so many explanations tried at each step."""
NEGLIGIBLE = 1e-3
"""Explanations less probable than this are not kept."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """An explanation with its fit: ``wrong`` record indices, ``scale``, MAP in the units of that scale, ``score`` = ln prior +
    ln evidence."""

    wrong: tuple[int, ...]
    scale: Scale
    estimate: MapEstimate
    score: float

    @property
    def spreads(self) -> tuple[float, float]:
        """Factors on the SDs of (etas, kappas)."""
        return self.scale.spread


@dataclass(frozen=True, eq=False)
class Explained:
    """All that is known of the explanations of one patient's levels.

    ``fitted`` most probable first with ``probability`` [len]; ``p_wrong`` [n_levels]; ``log_evidence`` of all together;
    ``quiet``: nobody is in doubt and ``fitted`` is the usual explanation alone. ``certain``: every record was taken as right.
    ``bounded``: the most probable effects when no level may pull harder than the bound; None where none does.
    """

    fitted: tuple[Fitted, ...]
    probability: np.ndarray
    p_wrong: np.ndarray
    p_unlike: float
    log_evidence: float
    quiet: bool
    certain: bool = False
    bounded: Fitted | None = None

    @property
    def doubted(self) -> np.ndarray:
        """[n_levels] bool."""
        return self.p_wrong >= DOUBTED

    def records(self) -> tuple[Explanation, ...]:
        """The explanations as a belief shows them."""
        out = [
            Explanation(float(p), f.wrong, max(f.spreads), f.spreads[1] > 1.0, tuple(map(float, f.estimate.eta)))
            for f, p in zip(self.fitted, self.probability, strict=True)
        ]
        if self.quiet and self.p_unlike > 0.0:  # by the closed form, at the same effects
            usual = replace(out[0], probability=1.0 - self.p_unlike)
            return usual, replace(usual, probability=self.p_unlike, scale=UNLIKE[0][0])
        return tuple(out)


def _influence(evidence: Evidence, estimate: MapEstimate) -> tuple[np.ndarray, np.ndarray]:
    """(ln density of each level given the others [n], information about the whitened effects [n_full, n_full]), both normal.

    Leaving a record with leverage h and residual r (in SD) out moves its prediction so that it lies r / (1 - h) away with
    variance 1 / (1 - h) in units of its own (the leave-one-out identity of least squares).
    """
    n, step = len(estimate.z), 1e-5 if evidence.model.solver == "exact" else 1e-2
    points = estimate.z + np.vstack([np.zeros((1, n)), step * np.eye(n)])
    prediction = evidence.predict(points)
    if not prediction.ok.all():
        return np.full(len(evidence), -math.inf), np.zeros((n, n))
    levels = evidence.at_levels(prediction)
    jacobian = (levels[1:] - levels[0]) / step
    weight = evidence.information(prediction)
    information = (jacobian * weight) @ jacobian.T
    covariance = np.linalg.inv(information + np.eye(n))
    leverage = np.clip(weight * np.einsum("in,ij,jn->n", jacobian, covariance, jacobian), 0.0, 1.0 - 1e-9)
    density = evidence.log_densities(prediction)[0]
    # density = -r^2/2 + rest; the residual follows without asking which error model it was
    best = density_at_prediction(evidence, prediction.value[0])
    square = np.maximum(2.0 * (best - density), 0.0)
    loo = best - 0.5 * square / (1.0 - leverage) + 0.5 * np.log1p(-leverage)
    return np.where(evidence.blq, np.minimum(density, loo), loo), information


def density_at_prediction(evidence: Evidence, value: np.ndarray) -> np.ndarray:
    """ln density of each level if its residual were 0 and its SD that of the prediction ``value`` [times, outputs], [n]."""
    from dosetwin.infer.likelihood import _LOG, _scale

    out = np.zeros(len(evidence))
    for i in range(len(evidence)):
        _, sd = _scale(value[None], 0, i, evidence.rows, evidence.slope_rows, evidence.slope_scale, evidence.out, evidence.y,
                       evidence.time_sd, evidence.form, evidence.a, evidence.b)  # fmt: skip
        if not evidence.blq[i]:
            out[i] = -math.log(sd) - 0.5 * LOG_2PI - (math.log(evidence.y[i]) if evidence.form[i] == _LOG else 0.0)
    return out


def _log_odds(right: np.ndarray, wrong: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """ln odds of wrong against right from the two log densities and the probability of wrong before the record is seen."""
    return np.log(prior) - np.log1p(-prior) + wrong - right


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -700.0, 700.0)))


def _wider(evidence: Evidence, estimate: MapEstimate, information: np.ndarray, scale: Scale) -> float:
    """ln evidence under a wider prior minus that under the published one, for a normal likelihood with this information."""
    narrow = np.linalg.inv(replace(evidence, spread=scale.spread).widening)
    precision = narrow.T @ narrow
    z, n = estimate.z, len(estimate.z)
    # the likelihood's own maximum and curvature: gradient of ln likelihood at the mode is z
    total = information + np.eye(n)
    b = total @ z
    wide = information + precision
    gain = 0.5 * (b @ np.linalg.solve(wide, b) - b @ z)
    return float(gain - 0.5 * (np.linalg.slogdet(wide)[1] - np.linalg.slogdet(total)[1]) + np.log(np.diag(narrow)).sum())


def explain(evidence: Evidence, usual: MapEstimate | None = None, *, certain: bool = False) -> Explained:
    """All explanations of compiled levels that matter, with their probabilities.

    ``usual``: the MAP of a usual patient with every record right, when the caller has it. ``certain``: every record is right.
    """
    usual = map_of(evidence) if usual is None else usual
    n, scales, prior = len(evidence), scales_of(evidence), prior_wrong(evidence)
    all_right = 0.0 if certain else float(np.log1p(-prior).sum())
    first = Fitted((), scales[0], usual, all_right + scales[0].log_weight + usual.log_evidence)
    if n == 0:
        return Explained((first,), np.ones(1), np.zeros(0), 0.0, 0.0, True, certain)
    wrong = np.full(n, -math.inf) if certain else log_wrong(evidence)
    right, information = _influence(evidence, usual)
    p = _chance(_log_odds(right, wrong, prior))
    wider = [_wider(evidence, usual, information, s) + s.log_weight - scales[0].log_weight for s in scales[1:]]
    unlike = 1.0 - math.exp(-float(np.logaddexp.reduce([0.0, *wider])))
    if usual.converged and p.max() < QUIET and unlike < 2 * QUIET:
        total = first.score - math.log1p(-unlike) - float(np.log1p(-p).sum())
        return Explained((first,), np.ones(1), p, unlike, total, True, certain)
    return _search(evidence, scales, first, wrong, certain)


def _search(evidence: Evidence, scales: tuple[Scale, ...], first: Fitted, wrong: np.ndarray, certain: bool) -> Explained:
    """Fit the explanations one after the other: nothing wrong, single records, then the best set and one more."""
    n, expected = len(evidence), prior_wrong(evidence)

    def fit(outside: tuple[int, ...], scale: Scale, near: Fitted) -> Fitted:
        part = replace(evidence.subset([i for i in range(n) if i not in outside]), spread=scale.spread)
        start = np.linalg.solve(part.widening, replace(evidence, spread=near.spreads).widening @ near.estimate.z)
        estimate = map_of(part, start=start)
        prior = scale.log_weight
        if not certain:
            is_wrong = np.isin(np.arange(n), outside)
            prior += float(np.where(is_wrong, np.log(expected), np.log1p(-expected)).sum())
        return Fitted(outside, scale, estimate, prior + estimate.log_evidence + float(wrong[list(outside)].sum()))

    def odds(f: Fitted) -> np.ndarray:
        """ln odds of wrong of the records that ``f`` calls right, given the others (-inf for those it calls wrong)."""
        keep = [i for i in range(n) if i not in f.wrong]
        out = np.full(n, -math.inf)
        if keep:
            part = replace(evidence.subset(keep), spread=f.spreads)
            out[keep] = _log_odds(_influence(part, f.estimate)[0], wrong[keep], expected[keep])
        return out

    found: dict[tuple[tuple[int, ...], Scale], Fitted] = {
        ((), s): fit((), s, first) if s is not scales[0] else first for s in scales
    }
    base: tuple[int, ...] = ()
    for _ in range(0 if certain else min(MOST_WRONG, n)):
        new: list[Fitted] = []
        top = max(f.score for f in found.values())
        # what leaving a record out would do to a score is foretold by the closed form; the hopeless are not fitted
        hopes = [(f.score + x, i, f) for s in scales if (f := found.get((base, s))) for i, x in enumerate(odds(f))]
        least = top + math.log(CANDIDATE)
        able = {i for hope, i, _ in hopes if hope >= least} or {max(hopes, key=lambda h: h[0])[1]}
        for hope, i, near in sorted(hopes, key=lambda h: -h[0])[:MOST_TRIED]:
            if i not in able or (hope < least and near.scale is scales[-1]):
                continue
            outside = tuple(sorted((*base, i)))
            if (outside, near.scale) not in found:
                found[outside, near.scale] = fit(outside, near.scale, near)
                new.append(found[outside, near.scale])
        if not new or max(f.score for f in new) < top + math.log(CANDIDATE):
            break
        best = max(new, key=lambda f: f.score)
        for i in base:  # an absurd record may have drawn the fit to itself and made a good one look wrong: take that one back
            outside = tuple(k for k in best.wrong if k != i)
            if (outside, best.scale) not in found:
                found[outside, best.scale] = back = fit(outside, best.scale, best)
                best = max(best, back, key=lambda f: f.score)
        base = best.wrong
    for s in scales:  # with every record right the way may end in a hollow: try again from where a record was left out
        mode = found[(), s]
        other = max((f for f in found.values() if f.wrong and f.scale is s), key=lambda f: f.score, default=None)
        if other is not None and other.score > mode.score:
            again = fit((), s, other)
            if again.score > mode.score + 1e-3 and again.estimate.objective < mode.estimate.objective - 1e-3:
                found[(), s] = again
    level = [found[(), s] for s in scales]
    fitted = sorted(found.values(), key=lambda f: -f.score)
    score = np.array([f.score for f in fitted])
    total = float(np.logaddexp.reduce(score))
    probability = np.exp(score - total)
    p_wrong = np.zeros(n)
    for f, q in zip(fitted, probability, strict=True):
        p_wrong[list(f.wrong)] += q
    never = [i for i in range(n) if not any(i in f.wrong for f in fitted)]
    if never and not certain:  # too far from doubt to be tried: the closed form at the most probable explanation
        p_wrong[never] = np.minimum(_chance(odds(fitted[0])[never]), CANDIDATE)
    bounded = None if certain else _bounded_mode(evidence, level)
    keep = probability >= NEGLIGIBLE
    kept = tuple(f for f, k in zip(fitted, keep, strict=True) if k)
    share = probability[keep] / probability[keep].sum()
    p_unlike = float(sum(q for f, q in zip(kept, share, strict=True) if max(f.spreads) > 1.0))
    return Explained(kept, share, p_wrong, p_unlike, total, False, certain, bounded)


def _bounded_mode(evidence: Evidence, fitted: list[Fitted]) -> Fitted | None:
    """The mode of the bounded likelihood, by fitting levels moved to the bound until they no longer move."""
    best: Fitted | None = None
    top = -math.inf
    moved = False
    for f in fitted:
        if f.score < max(x.score for x in fitted) - 6.0:
            continue
        part = replace(evidence, spread=f.spreads)
        estimate = f.estimate
        for _ in range(8):
            clipped = clip_levels(part, part.predict(estimate.z[None]))
            if np.allclose(clipped, part.y, rtol=1e-12, atol=0.0):
                break
            moved = True
            before, estimate = estimate, map_of(replace(part, y=clipped), start=estimate.z)
            if np.abs(estimate.z - before.z).max() < 0.02:
                break
        prediction = part.predict(estimate.z[None])
        value = float(log_bounded(part, prediction)[0]) - 0.5 * float(estimate.z @ estimate.z)
        value += f.scale.log_weight + 0.5 * float(np.linalg.slogdet(estimate.cov_z)[1])
        if value > top:
            best, top = Fitted((), f.scale, estimate, value), value
    return best if moved else None


__all__ = ["Explained", "Fitted", "explain"]
