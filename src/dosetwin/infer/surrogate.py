"""Predictions of a long record's levels by a quadratic around its most probable effects, instead of a play per vector.

Many levels leave so little room that the logarithm of every prediction is a quadratic of the effects over all that is still
possible. Its coefficients come from a few plays in units of the posterior's SD; ``sampling`` weighs its proposals by it and then
plays some of them in full, and all of them where the two do not agree (``TOLERATED``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dosetwin.infer.likelihood import Evidence
from dosetwin.simulate import Prediction

MANY = 24
"""Levels from which a record is long; a shorter one is played for every vector."""
TOLERATED = 0.02
"""Largest distance (total variation) allowed between the weights by the quadratic and by plays; 500 draws tell 0.04 at best."""
STEP = 1.5
"""SD of the posterior at which the quadratic is the play itself."""
REACH, NEAR = 8.0, 5.0
"""SD from the centre beyond which a vector has no weight, and within which every explanation's most probable effects must lie."""
SHARE = 0.2
"""The plays behind the quadratic are at most this share of those that it spares."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """``log_value`` [1 + n + n (n + 1) / 2, n_cells]: coefficients of ln prediction in u, z = centre + root u, at the cells
    (``rows``, ``out``) of the predictions that the levels of ``evidence`` read; 0 (not its log) where ``never``.
    """

    evidence: Evidence
    centre: np.ndarray
    root: np.ndarray
    rows: np.ndarray
    out: np.ndarray
    log_value: np.ndarray
    never: np.ndarray

    def predict(self, z: np.ndarray) -> Prediction:
        """Predictions at the levels for whitened vectors ``z`` [K, n]; all else is 0. Not ok beyond ``REACH``."""
        u = np.linalg.solve(self.root, (z - self.centre).T).T
        near = np.square(u).sum(1) <= REACH**2
        value = np.zeros((len(z), len(self.evidence.schedule.out_time), len(self.evidence.model.outputs)))
        told = _terms(np.where(near[:, None], u, 0.0)) @ self.log_value
        value[:, self.rows, self.out] = np.where(self.never, 0.0, np.exp(np.clip(told, -700.0, 700.0)))
        return Prediction(self.evidence.schedule.out_time, value, np.zeros((len(z), 0, 0)), near, np.zeros(len(z), np.int64))


def _terms(u: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(u.shape[1])
    return np.hstack([np.ones((len(u), 1)), u, u[:, i] * u[:, j]])


def surrogate(
    evidence: Evidence, centre: np.ndarray, covariance: np.ndarray, modes: Iterable[np.ndarray], vectors: int
) -> Surrogate | None:
    """The quadratic around ``centre`` [n] with the posterior's ``covariance``, or None where it would not serve.

    ``modes``: whitened effects that must lie within it; ``vectors``: how many will be asked for.
    """
    n = len(centre)
    size = 1 + n + n * (n + 1) // 2
    if len(evidence) < MANY or size + n > SHARE * vectors:
        return None
    root = np.linalg.cholesky(covariance)
    if any(np.linalg.norm(np.linalg.solve(root, mode - centre)) > NEAR for mode in modes):
        return None
    i, j = np.triu_indices(n, 1)
    eye = STEP * np.eye(n)
    points = np.vstack([np.zeros((1, n)), eye, -eye, eye[i] + eye[j]])
    prediction = evidence.predict(centre + points @ root.T)
    slopes = evidence.slope_rows >= 0
    cells = {*zip(evidence.rows, evidence.out, strict=True), *zip(evidence.slope_rows[slopes], evidence.out[slopes], strict=True)}
    rows, out = np.array(sorted(cells), dtype=np.int64).T
    f = prediction.value[:, rows, out]
    never = (f == 0.0).all(axis=0)
    if not prediction.ok.all() or not (f[:, ~never] > 0.0).all():
        return None
    log_value = np.zeros((size, len(rows)))
    log_value[:, ~never] = np.linalg.solve(_terms(points), np.log(f[:, ~never]))
    return Surrogate(evidence, centre, root, rows, out, log_value, never)


__all__ = ["Surrogate", "surrogate"]
