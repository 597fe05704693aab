"""A streaming belief of one person's glucose and insulin: an extended Kalman filter on Hovorka's equations, a step per reading.

The sensitivities are scaled so that the person's own basal dose holds their target; what the equations do not explain (meals not
announced, exercise, another sensitivity today) is carried by one more state, glucose from elsewhere, which fades within an hour.
A step costs the same however long the course: nothing is fitted again.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dosetwin.structure import glucose as g

Array = NDArray[np.float64]
STEP_MIN = 5
STATES = 12
"""Ten amounts of ``structure.glucose``, glucose under the skin (mmol/L), glucose from elsewhere (mmol/min)."""
SKIN_MIN, FADES_MIN = 10.0, 60.0
"""min, assumed: delay of glucose under the skin, time in which what is unexplained fades."""
NOISE_MG_DL = 10.0
"""SD of a sensor's reading, assumed: monitors are off by 8 to 10 % (MARD) in the range that matters."""
UNEXPLAINED = 0.0025
"""mmol/kg/min, SD over an hour of what is unexplained: a sixth of what the liver makes (assumed)."""
_slopes = njit(cache=True, error_model="numpy", inline="always")(g.slopes)
_MG_DL, _VG, _MU = g.MG_DL, g.VG, 1000.0


@njit(cache=True, error_model="numpy")
def _move(x, dose, food, weight, scale, t_insulin, t_food, minutes, steps):  # pragma: no cover: compiled
    """Move the twelve states on in place by Runge-Kutta of order four; dose mU/min, food g/min."""
    h = minutes / steps
    k = np.empty((4, STATES))
    y = np.empty(STATES)
    for _ in range(steps):
        for stage in range(4):
            f = 0.0 if stage == 0 else (h if stage == 3 else 0.5 * h)
            for j in range(STATES):
                y[j] = x[j] + f * k[stage - 1, j] if stage else x[j]
            s = _slopes(
                y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7], y[8], y[9], dose, food, y[11], weight, scale, t_insulin, t_food
            )
            for j in range(10):
                k[stage, j] = s[j]
            k[stage, 10] = (y[6] / (_VG * weight) - y[10]) / SKIN_MIN
            k[stage, 11] = -y[11] / FADES_MIN
        for j in range(STATES):
            x[j] += h * (k[0, j] + 2.0 * (k[1, j] + k[2, j]) + k[3, j]) / 6.0


@njit(cache=True, error_model="numpy")
def _told(states, cov, readings, dose, food, weight, scale, t_insulin, t_food, noise, unexplained):  # pragma: no cover: compiled
    n = len(states)
    J = np.empty((STATES, STATES))
    for i in range(n):
        x, P = states[i], cov[i]
        before = x.copy()
        _move(x, dose[i], food[i], weight[i], scale[i], t_insulin, t_food, float(STEP_MIN), 2)
        for j in range(STATES):
            d = 1e-4 * (abs(before[j]) + 1e-3)
            y = before.copy()
            y[j] += d
            _move(y, dose[i], food[i], weight[i], scale[i], t_insulin, t_food, float(STEP_MIN), 2)
            for r in range(STATES):
                J[r, j] = (y[r] - x[r]) / d
        P[:, :] = J @ P @ J.T
        P[11, 11] += (unexplained * weight[i]) ** 2 * (1.0 - np.exp(-2.0 * STEP_MIN / FADES_MIN))
        for j in range(3):  # how much of a dose arrives is not certain
            P[j, j] += (0.05 * x[j]) ** 2 * STEP_MIN / 60.0
        P[8, 8] += (0.10 * x[8]) ** 2 * STEP_MIN / 60.0
        if readings[i] == readings[i]:
            gain = P[:, 10] / (P[10, 10] + (noise / _MG_DL) ** 2)
            off = readings[i] / _MG_DL - x[10]
            for j in range(STATES):
                x[j] += gain[j] * off
            P[:, :] -= np.outer(gain, P[10, :])
            for j in range(STATES - 1):
                x[j] = max(x[j], 0.0)
            for a in range(STATES):
                for b in range(a):
                    P[a, b] = P[b, a] = 0.5 * (P[a, b] + P[b, a])


@njit(cache=True, error_model="numpy")
def _foreseen(states, doses, basal, food, weight, scale, t_insulin, t_food, out):  # pragma: no cover: compiled
    n, K, T = out.shape
    x = np.empty(STATES)
    for i in range(n):
        for k in range(K):
            x[:] = states[i]
            for t in range(T):
                rate = doses[i, k] / STEP_MIN if t == 0 else basal[i]
                minutes = float(STEP_MIN) if t == 0 else 2.0 * STEP_MIN
                _move(x, _MU * rate, food[i] / STEP_MIN if t == 0 else 0.0, weight[i], scale[i], t_insulin, t_food, minutes, 1)
                out[i, k, t] = x[6] / (_VG * weight[i]) * _MG_DL


@dataclass
class Belief:
    """What n people are believed to hold: ``states`` [n, STATES], ``cov`` [n, STATES, STATES]; moved on by ``told``.

    ``weight`` kg, ``basal`` U/h, ``scale`` of the sensitivities, all [n].
    """

    states: Array
    cov: Array
    weight: Array
    basal: Array
    scale: Array

    @classmethod
    def first(cls, weight: Array, basal: Array, reading: Array, target: float) -> "Belief":
        """Before the first step: at rest under the basal dose (U/h), glucose as first read (mg/dL)."""
        n = len(weight)
        states, cov, scale = np.zeros((n, STATES)), np.zeros((n, STATES, STATES)), np.empty(n)
        for i in range(n):
            dose = _MU * basal[i] / 60.0
            scale[i] = g.scale_of(target / g.MG_DL, dose, weight[i])
            states[i, :10] = g.steady(reading[i] / g.MG_DL, dose, weight[i], scale[i])[:10]
            states[i, 10] = reading[i] / g.MG_DL
            for j in range(8):
                cov[i, j, j] = (0.2 * states[i, j]) ** 2
            cov[i, 10, 10] = 1.0
            cov[i, 11, 11] = (UNEXPLAINED * weight[i]) ** 2
        return cls(states, cov, weight, basal, scale)

    def told(self, readings: Array, dose: Array, food: Array) -> None:
        """Move on by five minutes in which ``dose`` U were given and ``food`` g announced [n]; then hear a reading.

        readings mg/dL [n], nan: none.
        """
        _told(self.states, self.cov, readings, _MU * dose / STEP_MIN, food / STEP_MIN, self.weight, self.scale, g.TMAX_I,
              g.TMAX_G, NOISE_MG_DL, UNEXPLAINED)  # fmt: skip

    def foreseen(self, doses: Array, food: Array, hours: float) -> Array:
        """Glucose (mg/dL) [n, K, T] after ``doses`` U [n, K] in the coming five minutes and the basal dose then.

        The first of T ends with these five minutes, the others follow every ten. ``food`` g announced now [n].
        """
        out = np.empty((*doses.shape, 1 + round(hours * 6.0)))
        _foreseen(self.states, doses, self.basal / 60.0, food, self.weight, self.scale, g.TMAX_I, g.TMAX_G, out)
        return out

    @property
    def level(self) -> Array:
        """Glucose in blood as believed now, mg/dL [n]."""
        return self.states[:, 6] / (g.VG * self.weight) * g.MG_DL
