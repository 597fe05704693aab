"""Draws of a belief weighed anew where a record or two are otherwise: what else was measured stays counted, nothing is fitted.

The posterior under other records differs from the belief's by the densities of the records that changed, the rest cancels. Its
draws weighed by that ratio (importance sampling) answer for the changed records as long as the weights say so themselves: the
largest ones smoothed by a generalized Pareto tail and judged by its shape (Vehtari et al., JMLR 2024: PSIS, k < 0.7).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.declare import Model
from dosetwin.records import Observation, Timeline

if TYPE_CHECKING:
    from dosetwin.simulate import Rule

TRUSTED_SHAPE = 0.7
"""Shape of the tail of the weights below which their mean is trusted (the authors' border)."""
FEWEST_IN_TAIL = 5


@dataclass(frozen=True)
class Changed:
    """Records that are otherwise: ``gone`` as they stand, ``new`` in their place."""

    gone: tuple[Observation, ...] = ()
    new: tuple[Observation, ...] = ()


@dataclass(frozen=True, eq=False)
class Ratio:
    """``log_w`` [K]: ln density of the records as changed minus as they stand, under each draw. ``wrong`` [K, n]: the probability
    of each new record being wrong, given the draw."""

    log_w: np.ndarray
    wrong: np.ndarray


def ratios(
    model: Model, timeline: Timeline, draws: np.ndarray, changes: Sequence[Changed], *, rule: "Rule" = "locf"
) -> list[Ratio | None]:
    """What each change does to the worth of ``draws`` [K, n_full], from one play of the moments concerned.

    Each record may be right or wrong, as ``infer.robust`` declares. None where the model predicts not all of a change's records,
    or a draw fails. Raises InputError where a covariate is missing that the model refuses to go without.
    """
    from dosetwin.infer.likelihood import evidence_for
    from dosetwin.infer.robust import log_wrong, prior_wrong
    from dosetwin.simulate import predict

    every: list[Observation] = []
    for o in (o for c in changes for o in (*c.gone, *c.new)):
        if not any(o is known for known in every):
            every.append(o)
    # what the model does not predict it may read: that stays
    beside = [o for o in timeline.observations if model.measured_by(o.measures) is None]
    facts = replace(timeline, observations=(*beside, *every))
    evidence = evidence_for(model, facts, rule=rule)
    if not len(evidence):
        return [None] * len(changes)
    alike, which = np.unique(draws, axis=0, return_inverse=True)  # draws that were resampled stand there several times
    schedule = evidence.schedule
    prediction = predict(model, schedule, alike, since=float(schedule.out_time.min()))
    if not prediction.ok.all():
        return [None] * len(changes)
    p, wrong, right = prior_wrong(evidence), log_wrong(evidence), evidence.log_densities(prediction)
    worth = np.logaddexp(np.log1p(-p) + right, np.log(p) + wrong)[which.ravel()]
    if not np.isfinite(worth).all():
        return [None] * len(changes)
    blamed = np.exp(np.log(p) + wrong - worth)
    place = {id(facts.observations[int(i)]): k for k, i in enumerate(evidence.index)}
    out: list[Ratio | None] = []
    for c in changes:
        if any(id(o) not in place or o.measures in model.covs for o in (*c.gone, *c.new)):
            out.append(None)
            continue
        new, gone = ([place[id(o)] for o in of] for of in (c.new, c.gone))
        out.append(Ratio(worth[:, new].sum(1) - worth[:, gone].sum(1), blamed[:, new]))
    return out


def smoothed(log_w: np.ndarray) -> tuple[np.ndarray, float]:
    """(weights [K] adding up to 1, shape of their tail) of log weights, the largest replaced by what a generalized Pareto tail
    fitted to them expects. A shape of ``TRUSTED_SHAPE`` or more says that too few draws carry the answer."""
    w = np.exp(log_w - log_w.max())
    n = min(int(0.2 * len(w)), int(3.0 * np.sqrt(len(w))))
    shape = -np.inf
    if n >= FEWEST_IN_TAIL:
        order = np.argsort(w)
        tail, border = order[-n:], float(w[order[-n - 1]])
        over = w[tail] - border
        if over[-1] > 1e-9:
            shape, sigma = _pareto(over)
            at = (np.arange(n) + 0.5) / n
            expected = -np.log1p(-at) if abs(shape) < 1e-9 else np.expm1(-shape * np.log1p(-at)) / shape
            w[tail] = np.minimum(border + sigma * expected, w.max())
    return w / w.sum(), float(shape)


def _pareto(x: np.ndarray) -> tuple[float, float]:
    """(shape, scale) of a generalized Pareto distribution for ascending ``x`` > 0 (Zhang and Stephens, Technometrics 2009, with
    PSIS's weak prior on the shape)."""
    n = len(x)
    m = 30 + int(np.sqrt(n))
    b = (1.0 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3.0 * max(x[int(n / 4 + 0.5) - 1], 1e-300)) + 1.0 / x[-1]
    k = np.log1p(-b[:, None] * x).mean(1)
    profile = n * (np.log(-b / k) - k - 1.0)
    share = 1.0 / np.exp(profile - profile[:, None]).sum(1)
    mean = float(share @ b)
    shape = float(np.log1p(-mean * x).mean())
    sigma = -shape / mean
    return (n * shape + 5.0) / (n + 10.0), sigma


__all__ = ["TRUSTED_SHAPE", "Changed", "Ratio", "ratios", "smoothed"]
