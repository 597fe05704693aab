"""The compiled recursion of the extended Kalman filter on the creatinine balance; see ``filter.py`` for what it means."""

from math import exp, log, pi

import numpy as np
from numba import njit

STATES = 5
"""log creatinine, log production, log filtration at birth, log maturation, wandering log filtration (offsets from typical)."""


@njit(cache=True, nogil=True)
def carry(x, P, cross, h, into, out, share, offset, sd, tau):
    """Carry the state ``x`` [5] and its covariance ``P`` [5, 5] over ``h`` h of constant rates, in place.

    ``into`` and ``out`` typical rates; ``offset`` of log clearance in force; ``cross`` [5] is scratch.
    """
    rate = out * exp(min(max(offset, -5.0), 5.0))
    plateau = into * exp(min(max(x[1], -5.0), 5.0)) / rate
    S = exp(x[0])
    left = exp(-rate * h)
    after = plateau * (1.0 - left) + S * left
    by_rate = (-plateau * (1.0 - left) + (plateau - S) * rate * h * left) / after
    J = (S * left / after, plateau * (1.0 - left) / after, share * by_rate, (1.0 - share) * by_rate, by_rate)
    fade = exp(-h / tau)
    # F = identity but for its first row (J) and the fading of the last state: P <- F P F' + Q
    for i in range(5):
        cross[i] = 0.0
        for j in range(5):
            cross[i] += J[j] * P[j, i]
    first = 0.0
    for i in range(5):
        first += J[i] * cross[i]
    for i in range(1, 5):
        P[i, 4] *= fade
        P[4, i] *= fade
    for i in range(1, 5):
        P[0, i] = cross[i] * (fade if i == 4 else 1.0)
        P[i, 0] = P[0, i]
    P[0, 0] = first
    P[4, 4] += sd[4] ** 2 * (1.0 - fade * fade)
    x[0] = log(after)
    x[4] *= fade


@njit(cache=True, nogil=True)
def run(dt, into, out, share, effect, seen, ahead, birth, log_scr, mean, beta, sd, tau, prop, add, ahead_mean, ahead_cov):
    """Filter one baby; fills ``ahead_mean`` [n_hours, 5] and ``ahead_cov`` [n_hours, 5, 5]; returns the negative log likelihood.

    ``mean`` [4] of log creatinine at birth and the three constants; ``sd`` [5] of those and of the wandering offset; ``beta`` [5]
    effects of flags on log clearance; ``tau`` h; noise as a fraction and mg/dL.
    """
    x = np.zeros(5)
    P = np.zeros((5, 5))
    x[0] = log(birth) + mean[0]
    for i in range(1, 4):
        x[i] = mean[i]
    for i in range(5):
        P[i, i] = sd[i] ** 2
    cross = np.zeros(5)
    nll = 0.0
    for k in range(len(dt)):
        h = dt[k]
        if h > 0.0:
            offset = share[k] * x[2] + (1.0 - share[k]) * x[3] + x[4]
            for e in range(effect.shape[1]):
                offset += beta[e] * effect[k, e]
            carry(x, P, cross, h, into[k], out[k], share[k], offset, sd, tau)
        if seen[k] >= 0:
            S = exp(x[0])
            R = prop * prop + (add / S) ** 2
            total = P[0, 0] + R
            # errors are normal in mg/dL, so the log of a measurement lies R/2 below the log of the truth on average
            miss = log_scr[seen[k]] - x[0] + 0.5 * R
            nll += 0.5 * (log(2.0 * pi * total) + miss * miss / total)
            for i in range(5):
                cross[i] = P[i, 0] / total
            for i in range(5):
                x[i] += cross[i] * miss
            for i in range(5):
                for j in range(i, 5):
                    P[i, j] -= cross[i] * cross[j] * total
                    P[j, i] = P[i, j]
        if ahead[k] >= 0:
            a = ahead[k]
            for i in range(5):
                ahead_mean[a, i] = x[i]
                for j in range(5):
                    ahead_cov[a, i, j] = P[i, j]
    return nll


@njit(cache=True, nogil=True)
def cohort(ptr, at, birth, dt, into, out, share, effect, seen, ahead, log_scr, mean, beta, sd, tau, prop, add):
    """Negative log likelihood of a packed cohort."""
    total = 0.0
    none = np.zeros((0, 5))
    nothing = np.zeros((0, 5, 5))
    for b in range(len(ptr) - 1):
        i, j = ptr[b], ptr[b + 1]
        total += run(
            dt[i:j], into[i:j], out[i:j], share[i:j], effect[i:j], seen[i:j], ahead[i:j], birth[b], log_scr[at[b] : at[b + 1]],
            mean, beta, sd, tau, prop, add, none, nothing,
        )  # fmt: skip
    return total
