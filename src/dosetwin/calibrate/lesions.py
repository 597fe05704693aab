"""How the numbers of ``models/lesion_laleh_2022`` were made: a population fit of Gompertz's curve to sizes of lesions.

Expectation maximisation with importance sampling: each lesion's ln size, change and ln rate are normal between lesions, the
error of a reading is additive and proportional, and a lesion read as 0 or below ``LIMIT`` mm is known only to be below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

from dosetwin import streams

LIMIT = 5.0
"""mm below which a lesion is not measured (RECIST 1.1 writes 5 for what is too small)."""


@dataclass(frozen=True, eq=False)
class Lesion:
    """Days since the first reading [n] and longest diameters [n], mm."""

    days: np.ndarray
    size: np.ndarray


@dataclass(frozen=True, eq=False)
class Population:
    """``mean`` [3] and ``cov`` [3, 3] of ln size (mm), change of ln size in the end, ln rate (1/d); ``additive`` mm."""

    mean: np.ndarray
    cov: np.ndarray
    additive: float
    proportional: float


START = Population(np.array([3.4, -0.2, -4.6]), np.diag([0.5, 0.5, 1.0]), 1.5, 0.1)


def predicted(phi: np.ndarray, days: np.ndarray) -> np.ndarray:
    """[n, m] sizes for parameters [n, 3] on days [m]."""
    size, change, rate = phi.T[:, :, None]
    rate = np.exp(np.clip(rate, -15.0, 5.0))  # a search may wander; what is clipped is a rate of no lesion
    return np.exp(np.clip(size + change * -np.expm1(-rate * days), -8.0, 8.0))


def likelihood(phi: np.ndarray, lesion: Lesion, p: Population) -> np.ndarray:
    """[n] log likelihood of a lesion's readings."""
    f = predicted(phi, lesion.days)
    sd = np.sqrt(p.additive**2 + (p.proportional * f) ** 2)
    seen = lesion.size >= LIMIT
    z = (np.where(seen, lesion.size, LIMIT) - f) / sd
    return np.where(seen, -0.5 * z * z - np.log(sd), log_ndtr(z)).sum(axis=1)


def weighed(lesion: Lesion, p: Population, n: int, seed: int, name: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws [n, 3] of what one lesion may be, and their weights [n]: a t about the mode, weighed by prior and likelihood."""
    precision = np.linalg.inv(p.cov)

    def cost(phi: np.ndarray) -> float:
        z = phi - p.mean
        return float(0.5 * z @ precision @ z - likelihood(phi[None], lesion, p)[0])

    found = minimize(cost, p.mean, method="BFGS", options={"gtol": 1e-3, "maxiter": 60})
    spread = 1.3 * (found.hess_inv + found.hess_inv.T) / 2.0 + 1e-9 * np.eye(3)
    root = np.linalg.cholesky(spread)
    z = streams.normals(seed, "lesions", np.array([name]), 3 * n).reshape(n, 3)
    df = 5.0
    chi = streams.normals(seed, "tails of lesions", np.array([name]), int(df) * n).reshape(n, int(df))
    scale = np.sqrt(df / (chi**2).sum(axis=1))
    phi = found.x + (z * scale[:, None]) @ root.T
    proposal = -0.5 * (df + 3) * np.log1p(((z * scale[:, None]) ** 2).sum(axis=1) / df)
    away = phi - p.mean
    log = likelihood(phi, lesion, p) - 0.5 * np.einsum("ni,ij,nj->n", away, precision, away) - proposal
    w = np.exp(log - log.max())
    return phi, w / w.sum()


def fit(lesions: Sequence[Lesion], *, start: Population = START, rounds: int = 40, draws: int = 200, seed: int = 1) -> Population:
    """Mean, spread and errors of the population the lesions come from."""
    p = start
    for k in range(rounds):
        sets = [weighed(x, p, draws, seed + k, i) for i, x in enumerate(lesions)]
        mean = np.mean([w @ phi for phi, w in sets], axis=0)
        cov = np.mean([np.einsum("n,ni,nj->ij", w, phi - mean, phi - mean) for phi, w in sets], axis=0)

        def cost(log_errors: np.ndarray, sets: list[tuple[np.ndarray, np.ndarray]] = sets, mean: np.ndarray = mean,
                 cov: np.ndarray = cov) -> float:  # fmt: skip
            q = Population(mean, cov, *np.exp(log_errors))
            return -sum(float(w @ likelihood(phi, x, q)) for (phi, w), x in zip(sets, lesions, strict=True))

        errors = np.log([p.additive, p.proportional])
        if k % 4 == 3:
            errors = minimize(cost, errors, method="Nelder-Mead", options={"maxiter": 25}).x
        p = Population(mean, cov, *map(float, np.exp(errors)))
    return p


def forecast(told: Lesion, days: np.ndarray, p: Population, *, draws: int = 1000, seed: int = 1, name: int = 0) -> np.ndarray:
    """[3, m] 5 %, 50 % and 95 % of what would be read on ``days`` after the readings told; error of reading included."""
    phi, w = weighed(told, p, draws, seed, name)
    pick = phi[np.searchsorted(np.cumsum(w), (np.arange(draws) + 0.5) / draws).clip(max=draws - 1)]
    f = predicted(pick, days)
    noise = streams.normals(seed, "readings of lesions", np.array([name]), draws * len(days)).reshape(draws, -1)
    read = f + noise * np.sqrt(p.additive**2 + (p.proportional * f) ** 2)
    return np.quantile(np.maximum(read, 0.0), (0.05, 0.5, 0.95), axis=0)
