"""The compiled search for one baby's most probable van Donge parameters; see ``vandonge.py`` for what it means."""

from math import exp, log, pi

import numpy as np
from numba import njit

ETAS = 4
"""log clearance, log age of half maturation, log production, log creatinine at birth."""


@njit(cache=True, nogil=True)
def balance(kin, CLb, Emax, T50, hill, V, loss, middle, ibuprofen):
    """Into mg/dL/h, out 1/h, and the share of clearance that was there at birth, of a baby ``middle`` h old."""
    mature = 1.0 / (1.0 + (T50 / (middle / 24.0)) ** hill)
    CL = CLb + Emax * mature
    return kin / (10.0 * V * 24.0), (CL - loss * ibuprofen) / (V * 24.0), CLb / CL


@njit(cache=True, nogil=True)
def balances(numbers, middle, ibuprofen, into, out, share):
    """``balance`` of many steps: ``numbers`` [n, 8] of each step's typical baby; fills ``into``, ``out`` and ``share`` [n]."""
    for k in range(len(middle)):
        b = numbers[k]
        into[k], out[k], share[k] = balance(b[0], b[1], b[2], b[3], b[4], b[5], b[7], middle[k], ibuprofen[k])


@njit(cache=True, nogil=True)
def course(dt, middle, ibuprofen, seen, ahead, base, eta, at_seen, at_ahead):
    """Log creatinine at measurements and horizons; ``base`` of a typical baby: kin mg/d, CLb, Emax, T50, Hill, V, S0, loss."""
    S = base[6] * exp(eta[3])
    T50 = base[3] * exp(eta[1])
    kin, faster = base[0] * exp(eta[2]), exp(eta[0])
    for k in range(len(dt)):
        if dt[k] > 0.0:
            into, out, _ = balance(kin, base[1], base[2], T50, base[4], base[5], base[7], middle[k], ibuprofen[k])
            rate = out * faster
            left = exp(-rate * dt[k])
            S = into / rate * (1.0 - left) + S * left
        if seen[k] >= 0:
            at_seen[seen[k]] = log(S)
        if ahead[k] >= 0:
            at_ahead[ahead[k]] = log(S)


@njit(cache=True, nogil=True)
def _noise(f, prop, add):
    return prop**2 + (add / exp(f)) ** 2


@njit(cache=True, nogil=True)
def _loss(y, f, eta, mean, sd, prop, add):
    total = 0.0
    for i in range(len(y)):
        R = _noise(f[i], prop, add)
        # errors are normal in mg/dL, so the log of a measurement lies R/2 below the log of the truth on average
        total += 0.5 * (y[i] - f[i] + 0.5 * R) ** 2 / R + 0.5 * log(2.0 * pi * R)
    for j in range(ETAS):
        total += 0.5 * ((eta[j] - mean[j]) / sd[j]) ** 2
    return total


@njit(cache=True, nogil=True)
def estimate(dt, middle, ibuprofen, seen, ahead, base, y, mean, sd, prop, add, ahead_mean, ahead_var, eta):
    """MAP by Gauss-Newton with halved steps; fills ``eta`` and the horizons' mean and variance (Laplace).

    Returns the Laplace approximation of the negative log marginal likelihood of ``y``.
    """
    n, m = len(y), len(ahead_mean)
    f, g = np.empty(n), np.empty(m)
    f1, g1 = np.empty(n), np.empty(m)
    J, Ja = np.empty((n, ETAS)), np.empty((m, ETAS))
    eta[:] = mean
    trial = np.empty(ETAS)
    course(dt, middle, ibuprofen, seen, ahead, base, eta, f, g)
    value = _loss(y, f, eta, mean, sd, prop, add)
    H = np.zeros((ETAS, ETAS))
    for _ in range(25):
        for j in range(ETAS):
            trial[:] = eta
            trial[j] += 1e-4
            course(dt, middle, ibuprofen, seen, ahead, base, trial, f1, g1)
            for i in range(n):
                J[i, j] = (f1[i] - f[i]) / 1e-4
            for i in range(m):
                Ja[i, j] = (g1[i] - g[i]) / 1e-4
        slope = np.zeros(ETAS)
        H[:] = 0.0
        for j in range(ETAS):
            slope[j] = (eta[j] - mean[j]) / sd[j] ** 2
            H[j, j] = 1.0 / sd[j] ** 2
        for i in range(n):
            R = _noise(f[i], prop, add)
            # d/df of the loss, the noise's own dependence on f included; Gauss-Newton for the curvature
            dR = -2.0 * (R - prop**2)
            miss = y[i] - f[i] + 0.5 * R
            pull = miss * (0.5 * dR - 1.0) / R - 0.5 * miss**2 * dR / R**2 + 0.5 * dR / R
            for j in range(ETAS):
                slope[j] += pull * J[i, j]
                for k in range(ETAS):
                    H[j, k] += J[i, j] * J[i, k] / R
        step = np.linalg.solve(H, slope)
        size = 1.0
        better = False
        while size > 1e-3:
            for j in range(ETAS):
                trial[j] = eta[j] - size * step[j]
            course(dt, middle, ibuprofen, seen, ahead, base, trial, f1, g1)
            new = _loss(y, f1, trial, mean, sd, prop, add)
            if new < value:
                better = True
                break
            size *= 0.5
        if not better:
            break
        gain = value - new
        eta[:] = trial
        f[:] = f1
        g[:] = g1
        value = new
        if gain < 1e-8:
            break
    V = np.linalg.inv(H)
    for i in range(m):
        ahead_mean[i] = g[i]
        ahead_var[i] = 0.0
        for j in range(ETAS):
            for k in range(ETAS):
                ahead_var[i] += Ja[i, j] * V[j, k] * Ja[i, k]
    logdet = np.linalg.slogdet(H)[1]
    for j in range(ETAS):
        logdet += 2.0 * log(sd[j])
    return value + 0.5 * logdet


@njit(cache=True, nogil=True)
def cohort(ptr, at, dt, middle, ibuprofen, seen, ahead, base, log_scr, mean, sd, prop, add):
    """Sum of the approximate negative log marginal likelihoods; ``base`` [n_babies, 8]."""
    total = 0.0
    none, nothing, eta = np.zeros(0), np.zeros(0), np.zeros(ETAS)
    for b in range(len(ptr) - 1):
        i, j = ptr[b], ptr[b + 1]
        total += estimate(
            dt[i:j], middle[i:j], ibuprofen[i:j], seen[i:j], ahead[i:j], base[b], log_scr[at[b] : at[b + 1]],
            mean, sd, prop, add, none, nothing, eta,
        )  # fmt: skip
    return total
