"""What the levels around one vector of effects say, by closed forms of a normal posterior: nothing here is fitted.

Leaving a record out, widening the prior and exchanging two levels each change a normal posterior by known algebra. At the mode of
a usual patient they tell who is in doubt; at other vectors, which explanation is worth a fit.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_ndtr

from dosetwin.infer.likelihood import _LOG, LOG_2PI, Evidence, narrowing
from dosetwin.infer.robust import Scale

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Influence:
    """Levels linearised around whitened effects ``z`` [n_full]; ``ok`` False where they could not be simulated there.

    ``jacobian`` [n_full, n] of the predictions, ``weight`` [n] their information, ``value`` [times, outputs] predicted, and
    ``density`` [n] the ln densities, all at ``z``.
    """

    evidence: Evidence
    z: np.ndarray
    ok: bool
    jacobian: np.ndarray
    weight: np.ndarray
    value: np.ndarray
    density: np.ndarray

    @cached_property
    def information(self) -> np.ndarray:
        """About the whitened effects, [n_full, n_full]."""
        return (self.jacobian * self.weight) @ self.jacobian.T

    @cached_property
    def covariance(self) -> np.ndarray:
        """Of the whitened effects given all levels, [n_full, n_full]."""
        return np.linalg.inv(self.information + np.eye(len(self.z)))

    @cached_property
    def errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Prediction and residual SD of each level, on the scale of its error, [n] each."""
        return self.evidence.errors(self.value[None])

    @cached_property
    def best(self) -> np.ndarray:
        """ln density of each level if its residual were 0, [n]; 0 below the limit of quantification."""
        e, (_, sd) = self.evidence, self.errors
        full = np.zeros(len(e))
        for i in np.flatnonzero(~e.blq):
            full[i] = -math.log(sd[i]) - 0.5 * LOG_2PI - (math.log(e.y[i]) if e.form[i] == _LOG else 0.0)
        return full

    def left_out(self) -> np.ndarray:
        """ln density of each level given the others, [n].

        Leaving a record with leverage h and residual r (in SD) out moves its prediction so that it lies r / (1 - h) away with
        variance 1 / (1 - h) in units of its own (the leave-one-out identity of least squares).
        """
        if not self.ok:
            return np.full(len(self.evidence), -math.inf)
        leverage = self.weight * np.einsum("in,ij,jn->n", self.jacobian, self.covariance, self.jacobian)
        leverage = np.clip(leverage, 0.0, 1.0 - 1e-9)
        # density = -r^2/2 + rest; the residual follows without asking which error model it was
        square = np.maximum(2.0 * (self.best - self.density), 0.0)
        loo = self.best - 0.5 * square / (1.0 - leverage) + 0.5 * np.log1p(-leverage)
        return np.where(self.evidence.blq, np.minimum(self.density, loo), loo)

    def wider(self, scale: Scale) -> float:
        """ln evidence under a wider prior minus that under the published one; ``z`` is the mode under the published one."""
        narrow = narrowing(self.evidence.model, self.evidence.occasions, scale.spread)
        precision = narrow.T @ narrow
        z, n = self.z, len(self.z)
        # the likelihood's own maximum and curvature: gradient of ln likelihood at the mode is z
        total = self.information + np.eye(n)
        b = total @ z
        wide = self.information + precision
        gain = 0.5 * (b @ np.linalg.solve(wide, b) - b @ z)
        return float(gain - 0.5 * (np.linalg.slogdet(wide)[1] - np.linalg.slogdet(total)[1]) + np.log(np.diag(narrow)).sum())

    def exchanged(self, pairs: Pairs) -> np.ndarray:
        """ln evidence with the levels of each pair exchanged minus that as recorded, [pairs]; ``z`` is the mode as recorded."""
        if not pairs or not self.ok:
            return np.full(len(pairs), -math.inf)
        before, after = self._residuals(pairs)
        v = np.einsum("nms,ms->nm", self._scaled(pairs), after - before)  # the mode is stationary: only the change pulls
        return 0.5 * (np.square(before) - np.square(after)).sum(1) + 0.5 * (v * (self.covariance @ v)).sum(0)

    def likelier(self, pairs: Pairs, counted: np.ndarray) -> np.ndarray:
        """ln density of each pair exchanged minus as recorded, [pairs]: around ``z``, given the levels ``counted`` [n] (bool)."""
        if not pairs or not self.ok:
            return np.full(len(pairs), -math.inf)
        before, after = self._residuals(pairs)
        a = self._scaled(pairs)
        told = (self.jacobian * (self.weight * counted)) @ self.jacobian.T
        spread = np.einsum("nms,nk,kmt->mst", a, np.linalg.inv(told + np.eye(len(self.z))), a) + np.eye(2)
        square = [np.einsum("ms,ms->m", r, np.linalg.solve(spread, r[:, :, None])[:, :, 0]) for r in (before, after)]
        return 0.5 * (square[0] - square[1])

    def _scaled(self, pairs: Pairs) -> np.ndarray:
        """Jacobian of the residuals of each pair's two levels, in SD, [n_full, pairs, 2]."""
        return (self.jacobian * np.sqrt(self.weight))[:, np.array(pairs)]

    def _residuals(self, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """Signed residuals in SD of each pair's two levels as recorded and exchanged, [pairs, 2] each."""
        at = np.array(pairs)
        return self._residual(at, at), self._residual(at, at[:, ::-1])

    def _residual(self, at: np.ndarray, read: np.ndarray) -> np.ndarray:
        """Residuals in SD at the times of levels ``at`` if what was measured is that of levels ``read``; same shape."""
        (f, sd), y = self.errors, self.evidence.y[read]
        target = np.where(self.evidence.form[at] == _LOG, np.log(np.maximum(y, 1e-300)), y)
        r = (target - f[at]) / sd[at]
        return np.where(self.evidence.blq[read], -np.sqrt(-2.0 * log_ndtr(r)), r)


def influence(evidence: Evidence, z: np.ndarray) -> Influence:
    """The levels linearised around whitened effects ``z`` [n_full]."""
    n, step = len(z), 1e-5 if evidence.model.solver == "exact" else 1e-2
    points = z + np.vstack([np.zeros((1, n)), step * np.eye(n)])
    prediction = evidence.predict(points)
    if not prediction.ok.all():
        empty = np.zeros((n, len(evidence)))
        return Influence(evidence, z, False, empty, np.zeros(len(evidence)), prediction.value[0], np.zeros(len(evidence)))
    levels = evidence.at_levels(prediction)
    jacobian = (levels[1:] - levels[0]) / step
    weight = evidence.information(prediction)
    return Influence(evidence, z, True, jacobian, weight, prediction.value[0], evidence.log_densities(prediction)[0])
