"""The most probable random effects of a patient and the curvature around them (MAP and Laplace covariance).

Everything is done in whitened vectors z (eta = L z, L L' = omega), so that every direction has prior SD 1. The objective is
the one NONMEM users know: -2 ln p(levels | eta) without the 2 pi constants, + eta' omega^-1 eta.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding
from dosetwin.infer.likelihood import Evidence, evidence_for
from dosetwin.records import Timeline
from dosetwin.simulate import Prediction, Rule
from dosetwin.simulate.engine import player, threads_available

MAX_ITERATIONS = 40
SCORING_TOLERANCE = 1e-3
"""Scoring hands over to the exact Hessian when its step is shorter than this many prior SDs; the last step is Newton's."""
NEWTON_LIMIT = 2e-2
"""A last step longer than this (prior SDs) is taken as an ordinary one, and the search goes on."""
SLOW, SLOW_STEP = 12, 0.05
"""Scoring that still creeps after so many steps, in steps shorter than this (prior SDs), goes on by Newton's."""
LONGEST_STEP = 4.0
"""No step is longer than this many prior SDs."""
STEPS = {True: (1e-5, 1e-3), False: (1e-2, 5e-2)}
"""Steps of differences in prior SDs, for gradients and for Hessians. Exact solutions bear small one-sided steps; an adaptive
solver's error of about rtol must stay small against the differences it is divided by, which needs wider, symmetric ones."""
HALVINGS = 0.5 ** np.arange(1, 11)


@dataclass(frozen=True, eq=False)
class MapEstimate:
    """``eta`` [n_full], Laplace ``cov`` [n_full, n_full], ``objective`` at eta (see module), ``converged``.

    ``log_evidence``: the Laplace approximation of ln p(levels | model). ``z``, ``cov_z``: the same in whitened space.
    """

    eta: np.ndarray
    cov: np.ndarray
    objective: float
    converged: bool
    z: np.ndarray
    cov_z: np.ndarray
    log_evidence: float
    evaluations: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class _Point:
    """Objective, gradient and expected Hessian at z, the step these ask for and its largest part (NaN where they are)."""

    z: np.ndarray
    f: float
    gradient: np.ndarray
    scoring: np.ndarray
    step: np.ndarray
    longest: float


@lru_cache(maxsize=64)
def _neighbours(n: int, exact: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Around a point of n numbers: itself and what gradients ask for, what Hessians ask for, and which pairs the latter's are."""
    step, hessian_step = STEPS[exact]
    eye, (i, j) = np.eye(n), np.triu_indices(n, 1)
    star = np.vstack([np.zeros((1, n)), step * eye, *([] if exact else [-step * eye])])
    pairs = hessian_step * (eye[i] + eye[j])
    sides = [pairs] if exact else [pairs, -pairs]
    return star, np.vstack([np.zeros((1, n)), hessian_step * eye, -hessian_step * eye, *sides]), i, j


class _Objective:
    """Batched objective of one patient: -2 ln likelihood + z'z, counting the vectors it simulates."""

    def __init__(self, evidence: Evidence):
        self.evidence = evidence
        self.play = player(evidence.model, evidence.schedule)
        n = self.n = evidence.root.shape[0]
        self.exact = evidence.model.solver == "exact"
        self.step, self.hessian_step = STEPS[self.exact]
        self.star, self.lattice, self.i, self.j = _neighbours(n, self.exact)
        self.evaluations = 0

    def _predict(self, z: np.ndarray) -> Prediction:
        self.evaluations += len(z)
        return self.play(z @ self.evidence.root.T)

    def values(self, z: np.ndarray) -> np.ndarray:
        """Objective of each row, +inf where the simulation failed."""
        likelihood = self.evidence.log_likelihood(self._predict(z))
        return -2.0 * likelihood - self.evidence.constant + np.einsum("ki,ki->k", z, z)

    def at(self, z: np.ndarray) -> _Point:
        """Everything a scoring step needs, from one batched call."""
        points = z + self.star
        f, gradient, scoring, step, longest = self.evidence.around(self._predict(points), points, self.step, not self.exact)
        value = float(f[0])
        return _Point(z, value if isfinite(value) else inf, gradient, scoring, step, longest)

    def second_order(self, point: _Point) -> tuple[np.ndarray, np.ndarray] | None:
        """The best gradient [n] at hand and the Hessian [n, n]; None where a neighbour's simulation failed."""
        f, n, h = self.values(point.z + self.lattice), self.n, self.hessian_step
        if not np.isfinite(f).all():
            return None
        plus, minus = f[1 : n + 1], f[n + 1 : 2 * n + 1]
        hessian = np.diag((plus + minus - 2 * f[0]) / h**2)
        if self.exact:
            off = (f[2 * n + 1 :] - plus[self.i] - plus[self.j] + f[0]) / h**2
        else:
            both = f[2 * n + 1 :].reshape(2, -1).sum(0)
            off = (both - plus[self.i] - plus[self.j] - minus[self.i] - minus[self.j] + 2 * f[0]) / (2 * h**2)
        hessian[self.i, self.j] = hessian[self.j, self.i] = off
        return (plus - minus) / (2 * h) if self.exact else point.gradient, hessian


def _positive(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _descend(objective: _Objective, start: np.ndarray) -> tuple[_Point, np.ndarray, bool]:
    """Damped Fisher scoring, finished by a Newton step: (last point, Hessian there, converged)."""
    point = objective.at(start)
    damping = 0.0
    for iteration in range(MAX_ITERATIONS):
        step, longest = point.step, point.longest
        if not isfinite(longest):
            break
        if damping:
            step = -np.linalg.solve(point.scoring + damping * np.diag(np.diag(point.scoring)), point.gradient)
            longest = float(np.abs(step).max())
        small = longest < SCORING_TOLERANCE
        if longest > LONGEST_STEP:
            step = step * (LONGEST_STEP / longest)
        if small or (iteration >= SLOW and longest < SLOW_STEP):
            local = objective.second_order(point)
            if local is not None and _positive(local[1]):
                gradient, hessian = local
                step = -np.linalg.solve(hessian, gradient)
                if np.abs(step).max() < (NEWTON_LIMIT if small else SCORING_TOLERANCE):
                    decrease = 0.5 * float(step @ hessian @ step)
                    last = _Point(point.z + step, point.f - decrease, gradient, point.scoring, step, longest)
                    return last, hessian, True
            elif small:
                return point, point.scoring, damping == 0.0
        trial = objective.at(point.z + step)
        if not trial.f <= point.f + 1e-10 * (1.0 + abs(point.f)):
            halved = point.z + HALVINGS[:, None] * step
            f = objective.values(halved)
            best = int(np.argmin(f))
            if not f[best] < point.f:
                if small:
                    return point, point.scoring, True
                damping = max(10 * damping, 1e-2)
                if damping > 1e6:
                    break
                continue
            trial = objective.at(halved[best])
        damping = 0.1 * damping if damping > 1e-4 else 0.0
        point = trial
    return point, point.scoring, False


def map_of(evidence: Evidence, *, start: np.ndarray | None = None, starts: int = 64, seed: int = 0) -> MapEstimate:
    """MAP of compiled evidence; further starts (the best of ``starts`` prior draws) only when the first does not converge."""
    n = evidence.root.shape[0]
    if len(evidence) == 0:
        # without data the answer is known: exactly zero, exactly the prior
        return MapEstimate(np.zeros(n), evidence.omega, 0.0, True, np.zeros(n), np.eye(n), 0.0, 0)
    objective = _Objective(evidence)
    first = np.zeros(n) if start is None else np.asarray(start, dtype=np.float64)
    best, hessian, converged = _descend(objective, first)
    if not converged or not np.isfinite(best.f):
        scouts = np.random.default_rng([seed, 7]).standard_normal((starts, n))
        scouts = np.vstack([np.zeros((1, n)), 0.5 * scouts])
        f = objective.values(scouts)
        for k in np.argsort(f)[:4]:
            if not np.isfinite(f[k]):
                break
            other = _descend(objective, scouts[k])
            if other[0].f < best.f - 1e-9 or (other[2] and not converged and other[0].f < best.f + 1e-6):
                best, hessian, converged = other
    cov_z = np.linalg.inv(hessian / 2.0)
    cov_z = 0.5 * (cov_z + cov_z.T)
    findings: tuple[Finding, ...] = ()
    if not converged:
        message = "the most probable parameters were not found to full precision"
        findings = (Finding("warning", "map_not_converged", evidence.model.name, message, remedy="judge by the posterior draws"),)
    _, log_det = np.linalg.slogdet(cov_z)
    log_evidence = -0.5 * (best.f + evidence.constant) + 0.5 * float(log_det)
    root = evidence.root
    return MapEstimate(
        root @ best.z, root @ cov_z @ root.T, best.f, converged, best.z, cov_z, log_evidence, objective.evaluations, findings
    )


def map_estimate(
    model: Model,
    timeline: Timeline,
    evidence: Evidence | None = None,
    *,
    rule: Rule = "locf",
    start: np.ndarray | None = None,
) -> MapEstimate:
    """Maximum a posteriori of a patient's random effects.

    Parameters
    ----------
    evidence : compiled levels (``evidence_for``), when the caller has them.
    start : whitened vector to start from, default the typical patient.

    Returns
    -------
    MapEstimate. Without levels: eta exactly 0 and the covariance omega.

    Raises
    ------
    InputError : a covariate is missing that the model refuses to go without.

    Examples
    --------
    >>> from dosetwin import Covariate, Patient, Timeline, models
    >>> nobody = Timeline(Patient("one", BW=1.1), covariates=(Covariate(0.0, "WT", 1.1, "kg"), Covariate(0.0, "PNA", 3.0, "d")))
    >>> found = map_estimate(models.load("amikacin_decock_2012"), nobody)
    >>> found.eta.tolist()
    [0.0, 0.0]
    """
    return map_of(evidence if evidence is not None else evidence_for(model, timeline, rule=rule), start=start)


def fit_many(
    model: Model,
    timelines: Sequence[Timeline],
    *,
    rule: Rule = "locf",
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[MapEstimate, ...]:
    """MAP of every patient of a data set, on threads; the result does not depend on how many."""
    workers = threads or threads_available()
    done: list[MapEstimate] = []

    def one(timeline: Timeline) -> MapEstimate:
        return map_estimate(model, timeline, rule=rule)

    if timelines:
        done.append(one(timelines[0]))  # alone, so that only one thread compiles
    with ThreadPoolExecutor(workers) as pool:
        for estimate in pool.map(one, timelines[1:]):
            done.append(estimate)
            if progress:
                progress(len(done), len(timelines))
    return tuple(done)


__all__ = ["MapEstimate", "fit_many", "map_estimate", "map_of"]
