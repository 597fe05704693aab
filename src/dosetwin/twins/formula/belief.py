"""What is believed of a formula's unknowns after readings: importance sampling that moves to the weight, then resampled."""

from collections.abc import Callable

import numpy as np

from dosetwin.streams import normals, uniforms

POOL, ROUNDS, LEAST = 3000, 4, 150.0
"""Draws of a round, rounds, and the effective number that a round's weights are flattened to before it is moved."""
WIDER = 1.3
"""By how much variances of a proposal are larger than those of the weighed draws."""


def weighed(log_likelihood: Callable[[np.ndarray], np.ndarray], k: int, n: int, seed: int, name: str) -> tuple[np.ndarray, float]:
    """[n, k] standard normal numbers drawn from what is believed, and the effective number of draws behind them.

    ``log_likelihood`` of numbers [m, k] whose prior is standard normal.
    """
    z = normals(seed, f"{name} 0", np.arange(POOL), k)
    log_q = -0.5 * (z**2).sum(axis=1)
    for turn in range(1, ROUNDS + 1):
        log_w = log_likelihood(z) - 0.5 * (z**2).sum(axis=1) - log_q
        log_w = np.where(np.isfinite(log_w), log_w, -np.inf)
        w = _flat(log_w, LEAST if turn < ROUNDS else 1.0)
        if turn == ROUNDS:
            break
        mean = w @ z
        away = z - mean
        cov = WIDER * (w[:, None] * away).T @ away + 1e-6 * np.eye(k)
        root = np.linalg.cholesky(cov)
        x = normals(seed, f"{name} {turn}", np.arange(POOL), k)
        heavy = np.where(np.arange(POOL) % 5 == 0, 2.0, 1.0)[:, None]  # every fifth twice as wide: no tail is left out
        z = mean + (x * heavy) @ root.T
        u = np.linalg.solve(root, (z - mean).T).T
        s = (u**2).sum(axis=1)
        log_q = np.log(0.8 * np.exp(-0.5 * s) + 0.2 * 2.0**-k * np.exp(-0.125 * s)) - np.log(np.diag(root)).sum()
    ess = float(1.0 / (w**2).sum())
    at = (np.arange(n) + uniforms(seed, f"{name} resampled", np.array([0]), 1)[0, 0]) / n
    pick = np.searchsorted(np.cumsum(w), at).clip(max=POOL - 1)
    order = np.argsort(uniforms(seed, f"{name} order", np.arange(n), 1)[:, 0], kind="stable")
    return z[pick][order], ess


def _flat(log_w: np.ndarray, least: float) -> np.ndarray:
    """Weights, flattened by a power until they are worth ``least`` draws."""

    def of(power: float) -> np.ndarray:
        w = np.exp(power * (log_w - log_w.max()))
        return w / w.sum()

    w = of(1.0)
    if 1.0 / (w**2).sum() >= least:
        return w
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if 1.0 / (of(middle) ** 2).sum() >= least else (low, middle)
    return of(low)
