"""Resampling, and adaptive Metropolis for where importance weights collapse, with the diagnostics of its chains."""

import math
from collections.abc import Callable

import numpy as np

DF = 5.0
"""Degrees of freedom of the heavy-tailed steps."""
RHAT_LIMIT, MIN_CHAIN_ESS = 1.05, 400.0
"""Chains have settled below this split-Rhat and from this effective sample size on."""


def systematic(w: np.ndarray, draws: int, offset: float) -> np.ndarray:
    """Indices, ascending, of ``draws`` equally weighted draws by systematic resampling; ``offset`` in [0, 1)."""
    edges = np.cumsum(w)
    edges /= edges[-1]
    return np.searchsorted(edges, (offset + np.arange(draws)) / draws)


def split_rhat(chains: np.ndarray) -> float:
    """Largest split-Rhat over parameters of ``chains`` [steps, chains, n] (Gelman et al., BDA3 section 11.4)."""
    half = len(chains) // 2
    parts = np.concatenate([chains[:half], chains[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = half * parts.mean(axis=0).var(axis=0, ddof=1)
    safe = np.where(within > 0, within, 1.0)
    return float(np.sqrt(np.where(within > 0, (half - 1) / half + between / (half * safe), 1.0)).max())


def chain_ess(chains: np.ndarray) -> float:
    """Smallest effective sample size over parameters of ``chains`` [steps, chains, n] (Geyer's positive pairs)."""
    steps, count, _ = chains.shape
    centred = chains - chains.mean(axis=(0, 1))
    size = 1 << (2 * steps - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, size, axis=0)[:steps].mean(axis=1)
    rho = covariance / np.where(covariance[0] > 0, covariance[0], 1.0)
    pairs = rho[0 : steps - steps % 2 : 2] + rho[1:steps:2]
    alive = np.cumprod(pairs > 0, axis=0)
    tau = np.maximum(2.0 * (pairs * alive).sum(axis=0) - 1.0, 1.0)
    return float(steps * count / tau.max())


def metropolis(
    log_post: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    mean: np.ndarray,
    cov: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    *,
    warm_up: int = 400,
    limit: int = 6400,
) -> tuple[np.ndarray, float, float]:
    """Adaptive Metropolis, many chains per simulated batch.

    ``log_post`` of whitened vectors [C, n] -> [C]. ``start`` [C, n] one row per chain; ``mean`` [n], ``cov`` [n, n] a first guess
    of the posterior (its Laplace approximation).
    Steps alternate between a random walk, whose shape follows the chains' own spread, and an autoregressive step that leaves
    the guess invariant and so keeps its size in many dimensions (preconditioned Crank-Nicolson, Cotter 2013). Step sizes and
    shape adapt during warm-up only; sampling then doubles until split-Rhat is below ``RHAT_LIMIT`` and the effective sample
    size reaches ``MIN_CHAIN_ESS``, or ``limit`` steps are done. Returns (draws [draws, n], ess, rhat).
    """
    count, d = start.shape
    z = start.copy()
    guess = np.linalg.cholesky(cov + 1e-9 * np.eye(d))
    walk, scale, beta = guess, 2.38 / math.sqrt(d), 0.5

    now = log_post(z)
    history: list[np.ndarray] = []

    def accepted(proposal: np.ndarray, correction: np.ndarray | float) -> float:
        nonlocal z, now
        value = log_post(proposal)
        with np.errstate(invalid="ignore"):  # -inf - -inf: a chain that started where the simulation fails moves at once
            accept = ~(np.log(rng.random(count)) >= value - now + correction)
        z = np.where(accept[:, None], proposal, z)
        now = np.where(accept, value, now)
        return float(accept.mean())

    def random_walk() -> float:
        heavy = np.sqrt(DF / rng.chisquare(DF, (count, 1)))
        return accepted(z + scale * heavy * (rng.standard_normal((count, d)) @ walk.T), 0.0)

    def autoregressive() -> float:
        u = np.linalg.solve(guess, (z - mean).T).T
        v = math.sqrt(1.0 - beta * beta) * u + beta * rng.standard_normal((count, d))
        return accepted(mean + v @ guess.T, 0.5 * (np.square(v).sum(1) - np.square(u).sum(1)))

    for i in range(warm_up):
        gain = 1.0 / math.sqrt(1.0 + i / 10)
        scale *= math.exp(gain * (random_walk() - 0.25))
        beta = min(beta * math.exp(gain * (autoregressive() - 0.4)), 1.0)
        history.append(z)
        if i % 50 == 49:
            recent = np.concatenate(history[len(history) // 2 :])
            walk = np.linalg.cholesky(np.cov(recent.T).reshape(d, d) + 1e-9 * np.eye(d))
    history.clear()
    target = max(200, -(-2 * draws // count))
    while True:
        while len(history) < target:
            random_walk()
            autoregressive()
            history.append(z)
        chains = np.array(history)
        rhat, ess = split_rhat(chains), chain_ess(chains)
        if (rhat < RHAT_LIMIT and ess >= MIN_CHAIN_ESS) or target * 2 > limit:
            break
        target *= 2
    pooled = chains.reshape(-1, d)
    return pooled[rng.permutation(systematic(np.ones(len(pooled)), draws, rng.random()))], ess, rhat
