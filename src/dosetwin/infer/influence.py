"""What the levels around one vector of effects say, by closed forms of a normal posterior: nothing here is fitted.

Leaving a record out, widening the prior and exchanging two levels each change a normal posterior by known algebra. At the mode of
a usual patient they tell who is in doubt; at other vectors, which explanation is worth a fit.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosetwin.infer.likelihood import _LOG, LOG_2PI, Evidence, _scale
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
    def best(self) -> np.ndarray:
        """ln density of each level if its residual were 0, [n]."""
        return density_at_prediction(self.evidence, self.value)

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
        narrow = np.linalg.inv(replace(self.evidence, spread=scale.spread).widening)
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
        other = self.evidence.subset(at.ravel())
        turned = replace(other, y=self.evidence.y[at[:, ::-1].ravel()], blq=self.evidence.blq[at[:, ::-1].ravel()])
        return self._residual(other).reshape(-1, 2), self._residual(turned).reshape(-1, 2)

    def _residual(self, levels: Evidence) -> np.ndarray:
        from dosetwin.infer.likelihood import _log_densities

        density = _log_densities(
            self.value[None], np.ones(1, dtype=bool), levels.rows, levels.slope_rows, levels.slope_scale, levels.out, levels.y,
            levels.blq, levels.time_sd, levels.form, levels.a, levels.b,
        )[0]  # fmt: skip
        above = (levels.y > self.value[levels.rows, levels.out]) & ~levels.blq
        size = np.sqrt(np.maximum(2.0 * (density_at_prediction(levels, self.value) - density), 0.0))
        return np.where(above, size, -size)


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


def density_at_prediction(evidence: Evidence, value: np.ndarray) -> np.ndarray:
    """ln density of each level if its residual were 0 and its SD that of the prediction ``value`` [times, outputs], [n]."""
    out = np.zeros(len(evidence))
    for i in range(len(evidence)):
        _, sd = _scale(value[None], 0, i, evidence.rows, evidence.slope_rows, evidence.slope_scale, evidence.out, evidence.y,
                       evidence.time_sd, evidence.form, evidence.a, evidence.b)  # fmt: skip
        if not evidence.blq[i]:
            out[i] = -math.log(sd) - 0.5 * LOG_2PI - (math.log(evidence.y[i]) if evidence.form[i] == _LOG else 0.0)
    return out
