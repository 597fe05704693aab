"""What a far level means: *this patient is unlike the published ones* or *this record is wrong*, weighed by Bayes without chance.

An explanation = {which records are wrong} x {which two levels were exchanged, if any} x {scale of the random effects}
(``infer.robust`` declares them). Its evidence is Laplace's at its own most probable effects, so probabilities do not depend on a
seed or on the number of draws. Sets of wrong records are tried where they can matter: none, each record that the others do not
expect, then greedily more; pairs exchanged where that is likelier than as recorded.

Nearly always nobody is in doubt. Then the most probable effects of a usual patient tell everything: leaving a record out is
the closed form of a normal posterior, and so are widening the prior and exchanging two levels (``infer.influence``). Only where
these say that a record may be wrong or the patient unlike (``QUIET``) are the other explanations fitted.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from dosetwin.infer.belief import DOUBTED, Explanation
from dosetwin.infer.influence import Pairs, influence
from dosetwin.infer.likelihood import Evidence
from dosetwin.infer.map import MapEstimate, map_of
from dosetwin.infer.robust import (
    UNLIKE,
    Scale,
    clip_levels,
    exchangeable,
    log_bounded,
    log_exchanged,
    log_wrong,
    prior_wrong,
    scales_of,
)

QUIET = 0.05
"""Below this probability of any record wrong, and of the patient unlike, by the closed forms, nothing else is fitted."""
CANDIDATE = 0.01
"""A record is tried as wrong where the closed form gives the explanation at least this chance against the best one."""
MOST_WRONG, MOST_TRIED = 6, 12
"""At most so many records are called wrong together, and so many explanations tried at each step."""
MOST_EXCHANGED = 3
"""At most so many pairs are fitted as exchanged, one pair at a time: those likeliest by the closed forms."""
NEGLIGIBLE = 1e-3
"""Explanations less probable than this are not kept."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """An explanation with its fit: ``wrong`` record indices, ``scale``, MAP in the units of that scale, ``score`` = ln prior +
    ln evidence; ``exchanged``: the two levels that stand for each other, or none."""

    wrong: tuple[int, ...]
    scale: Scale
    estimate: MapEstimate
    score: float
    exchanged: tuple[int, ...] = ()

    @property
    def blamed(self) -> frozenset[int]:
        """Records it takes for other than written: wrong, or exchanged."""
        return frozenset((*self.wrong, *self.exchanged))

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

    @property
    def exchanged(self) -> dict[tuple[int, int], float]:
        """Pairs of levels that may stand for each other, each with its probability."""
        found: dict[tuple[int, int], float] = {}
        for f, p in zip(self.fitted, self.probability, strict=True):
            if f.exchanged:
                i, j = f.exchanged
                found[i, j] = found.get((i, j), 0.0) + float(p)
        return found

    @property
    def pairs(self) -> Pairs:
        """The pairs that posterior draws must allow for."""
        return tuple(self.exchanged)

    def records(self) -> tuple[Explanation, ...]:
        """The explanations as a belief shows them."""
        out = [
            Explanation(float(p), f.wrong, max(f.spreads), f.spreads[1] > 1.0, tuple(map(float, f.estimate.eta)), f.exchanged)
            for f, p in zip(self.fitted, self.probability, strict=True)
        ]
        if self.quiet and self.p_unlike > 0.0:  # by the closed form, at the same effects
            usual = replace(out[0], probability=1.0 - self.p_unlike)
            return usual, replace(usual, probability=self.p_unlike, scale=UNLIKE[0][0])
        return tuple(out)


def _log_odds(right: np.ndarray, wrong: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """ln odds of wrong against right from the two log densities and the probability of wrong before the record is seen."""
    return np.log(prior) - np.log1p(-prior) + wrong - right


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -700.0, 700.0)))


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
    near = influence(evidence, usual.z)
    p = _chance(_log_odds(near.left_out(), wrong, prior))
    wider = [near.wider(s) + s.log_weight - scales[0].log_weight for s in scales[1:]]
    unlike = 1.0 - math.exp(-float(np.logaddexp.reduce([0.0, *wider])))
    pairs = () if certain else exchangeable(evidence)
    swapped = _chance(log_exchanged() + near.exchanged(pairs)).max(initial=0.0)
    if usual.converged and max(p.max(), swapped) < QUIET and unlike < 2 * QUIET:
        total = first.score - math.log1p(-unlike) - float(np.log1p(-p).sum())
        return Explained((first,), np.ones(1), p, unlike, total, True, certain)
    return _search(evidence, scales, first, wrong, pairs, certain)


class _Search:
    """Explanations fitted one after the other, each once; ``found`` by (wrong, exchanged, scale)."""

    def __init__(self, evidence: Evidence, scales: tuple[Scale, ...], first: Fitted, wrong: np.ndarray, certain: bool):
        self.evidence, self.scales, self.wrong, self.certain = evidence, scales, wrong, certain
        self.expected = prior_wrong(evidence)
        self.found: dict[tuple[tuple[int, ...], tuple[int, ...], Scale], Fitted] = {((), (), scales[0]): first}
        for s in scales[1:]:
            self.fit((), s, first)

    def top(self) -> Fitted:
        return max(self.found.values(), key=lambda f: f.score)

    def least(self) -> float:
        """The score below which an explanation is hopeless."""
        return self.top().score + math.log(CANDIDATE)

    def read(self, exchanged: tuple[int, ...]) -> Evidence:
        """The levels as recorded, or with two exchanged."""
        return self.evidence.exchanged(*exchanged) if exchanged else self.evidence

    def fit(self, wrong: tuple[int, ...], scale: Scale, near: Fitted, exchanged: tuple[int, ...] = ()) -> Fitted:
        """Fit an explanation from the effects of another, and keep it."""
        n = len(self.evidence)
        part = replace(self.read(exchanged).subset([i for i in range(n) if i not in wrong]), spread=scale.spread)
        start = np.linalg.solve(part.widening, replace(self.evidence, spread=near.spreads).widening @ near.estimate.z)
        estimate = map_of(part, start=start)
        prior = scale.log_weight + (log_exchanged() if exchanged else 0.0)
        if not self.certain:
            is_wrong = np.isin(np.arange(n), wrong)
            prior += float(np.where(is_wrong, np.log(self.expected), np.log1p(-self.expected)).sum())
        score = prior + estimate.log_evidence + float(self.wrong[list(wrong)].sum())
        self.found[wrong, exchanged, scale] = fitted = Fitted(wrong, scale, estimate, score, exchanged)
        return fitted

    def odds(self, f: Fitted) -> np.ndarray:
        """ln odds of wrong of the records that ``f`` takes as written, given the others (-inf for those it blames)."""
        keep = [i for i in range(len(self.evidence)) if i not in f.wrong]
        out = np.full(len(self.evidence), -math.inf)
        if keep:
            part = replace(self.read(f.exchanged).subset(keep), spread=f.spreads)
            out[keep] = _log_odds(influence(part, f.estimate.z).left_out(), self.wrong[keep], self.expected[keep])
        out[list(f.exchanged)] = -math.inf
        return out

    def sets_of_wrong_records(self) -> tuple[int, ...]:
        """Single records, then the best set and one more; the best set found."""
        base: tuple[int, ...] = ()
        for _ in range(0 if self.certain else min(MOST_WRONG, len(self.evidence))):
            new: list[Fitted] = []
            top, least = self.top().score, self.least()
            # what leaving a record out would do to a score is foretold by the closed form; the hopeless are not fitted
            fits = [f for s in self.scales if (f := self.found.get((base, (), s)))]
            hopes = [(f.score + x, i, f) for f in fits for i, x in enumerate(self.odds(f))]
            able = {i for hope, i, _ in hopes if hope >= least} or {max(hopes, key=lambda h: h[0])[1]}
            for hope, i, near in sorted(hopes, key=lambda h: -h[0])[:MOST_TRIED]:
                if i not in able or (hope < least and near.scale is self.scales[-1]):
                    continue
                outside = tuple(sorted((*base, i)))
                if (outside, (), near.scale) not in self.found:
                    new.append(self.fit(outside, near.scale, near))
            if not new or max(f.score for f in new) < top + math.log(CANDIDATE):
                break
            best = max(new, key=lambda f: f.score)
            for i in base:  # an absurd record may have drawn the fit to itself and made a good one look wrong: take that one back
                outside = tuple(k for k in best.wrong if k != i)
                if (outside, (), best.scale) not in self.found:
                    best = max(best, self.fit(outside, best.scale, best), key=lambda f: f.score)
            base = best.wrong
        return base

    def out_of_hollows(self) -> None:
        """With every record right the way may end in a hollow: try again from where a record was left out."""
        for s in self.scales:
            mode = self.found[(), (), s]
            other = max((f for f in self.found.values() if f.wrong and f.scale is s), key=lambda f: f.score, default=None)
            if other is not None and other.score > mode.score:
                again = self.fit((), s, other)
                if not (again.score > mode.score + 1e-3 and again.estimate.objective < mode.estimate.objective - 1e-3):
                    self.found[(), (), s] = mode

    def likeliest(self, pairs: Pairs) -> Pairs:
        """The pairs that are likelier exchanged than as recorded, by a typical patient or by the best explanation so far."""
        if not pairs:
            return ()
        best, n = self.top(), len(self.evidence)
        counted = np.array([i not in best.wrong for i in range(n)])
        typical = influence(self.evidence, np.zeros(len(best.estimate.z))).likelier(pairs, np.zeros(n, dtype=bool))
        after = influence(replace(self.evidence, spread=best.spreads), best.estimate.z).likelier(pairs, counted)
        gain = np.maximum(typical, after)
        return tuple(pairs[k] for k in np.argsort(-gain)[:MOST_EXCHANGED] if gain[k] > 0.0)

    def exchange(self, pair: tuple[int, int], base: tuple[int, ...]) -> None:
        """A pair exchanged: nothing else wrong, what is wrong beside it (``base`` as recorded), unlike patients."""
        usual, first = self.scales[0], self.found[(), (), self.scales[0]]
        typical = replace(first, estimate=replace(first.estimate, z=np.zeros_like(first.estimate.z)))
        best = self.fit((), usual, typical, pair)
        beside = tuple(i for i in base if i not in pair)
        if beside:
            best = max(best, self.fit(beside, usual, best, pair), key=lambda f: f.score)
        also = self.odds(best)
        i = int(np.argmax(also))
        if best.score + also[i] >= self.least():
            best = max(best, self.fit(tuple(sorted((*best.wrong, i))), usual, best, pair), key=lambda f: f.score)
        keep = [i for i in range(len(self.evidence)) if i not in best.wrong]
        near = influence(self.read(pair).subset(keep), best.estimate.z)
        for s in self.scales[1:]:
            if best.score + near.wider(s) + s.log_weight - usual.log_weight >= self.least():
                self.fit(best.wrong, s, best, pair)


def _search(
    evidence: Evidence, scales: tuple[Scale, ...], first: Fitted, wrong: np.ndarray, pairs: Pairs, certain: bool
) -> Explained:
    """Every explanation that matters, fitted: nothing wrong, sets of wrong records, pairs exchanged."""
    n, search = len(evidence), _Search(evidence, scales, first, wrong, certain)
    base = search.sets_of_wrong_records()
    search.out_of_hollows()
    level = [search.found[(), (), s] for s in scales]
    for pair in search.likeliest(pairs):
        search.exchange(pair, base)
    fitted = sorted(search.found.values(), key=lambda f: -f.score)
    score = np.array([f.score for f in fitted])
    total = float(np.logaddexp.reduce(score))
    probability = np.exp(score - total)
    p_wrong = np.zeros(n)
    for f, q in zip(fitted, probability, strict=True):
        p_wrong[list(f.blamed)] += q
    never = [i for i in range(n) if not any(i in f.blamed for f in fitted)]
    if never and not certain:  # too far from doubt to be tried: the closed form at the most probable explanation
        p_wrong[never] = np.minimum(_chance(search.odds(fitted[0])[never]), CANDIDATE)
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
