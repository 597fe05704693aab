"""The compiled arithmetic of a Gaussian process on log residuals; see ``gaussian_process.py`` for what it means."""

from math import exp, log, pi, sqrt

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def covariance(s, t, constant, early, fade, wander, tau):
    """Covariance of two residuals at ages ``s`` and ``t`` h."""
    return constant**2 + early**2 * exp(-(s + t) / fade) + wander**2 * exp(-abs(s - t) / tau)


@njit(cache=True, nogil=True)
def factor(age, curve, constant, early, fade, wander, tau, prop, add):
    """Lower Cholesky factor of the measurements' covariance; measurement error at the level of the curve."""
    n = len(age)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = covariance(age[i], age[j], constant, early, fade, wander, tau)
            if i == j:
                total += prop**2 + (add / curve[i]) ** 2
            for k in range(j):
                total -= L[i, k] * L[j, k]
            if i == j:
                L[i, i] = sqrt(max(total, 1e-12))
            else:
                L[i, j] = total / L[j, j]
    return L


@njit(cache=True, nogil=True)
def forward(L, b):
    """Solve L y = b."""
    y = b.copy()
    for i in range(len(b)):
        for k in range(i):
            y[i] -= L[i, k] * y[k]
        y[i] /= L[i, i]
    return y


@njit(cache=True, nogil=True)
def bias(curve, prop, add):
    """How far the log of a measurement lies below the log of the truth on average: errors are normal in mg/dL."""
    return 0.5 * (prop**2 + (add / curve) ** 2)


@njit(cache=True, nogil=True)
def cohort(at, age, curve, residual, mean, constant, early, fade, wander, tau, prop, add):
    """Negative log likelihood of a packed cohort's log residuals."""
    total = 0.0
    for b in range(len(at) - 1):
        i, j = at[b], at[b + 1]
        L = factor(age[i:j], curve[i:j], constant, early, fade, wander, tau, prop, add)
        y = forward(L, residual[i:j] + bias(curve[i:j], prop, add) - mean)
        for k in range(j - i):
            total += log(L[k, k]) + 0.5 * y[k] ** 2 + 0.5 * log(2.0 * pi)
    return total


@njit(cache=True, nogil=True)
def posterior(age, curve, residual, ahead, mean, constant, early, fade, wander, tau, prop, add):
    """Mean and variance [n_hours, 2] of the latent residual at ages ``ahead`` h."""
    out = np.empty((len(ahead), 2))
    L = factor(age, curve, constant, early, fade, wander, tau, prop, add)
    y = forward(L, residual + bias(curve, prop, add) - mean)
    k = np.empty(len(age))
    for h in range(len(ahead)):
        for i in range(len(age)):
            k[i] = covariance(age[i], ahead[h], constant, early, fade, wander, tau)
        v = forward(L, k)
        m, var = mean, covariance(ahead[h], ahead[h], constant, early, fade, wander, tau)
        for i in range(len(age)):
            m += v[i] * y[i]
            var -= v[i] * v[i]
        out[h, 0] = m
        out[h, 1] = var
    return out
