"""The next level worth taking: which sampling time is expected to narrow clearance and the last trough most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.declare import Residual


@dataclass(frozen=True)
class Value:
    """Expected fall of the variance (share, 0 to 1) of each quantity if a level were taken ``after_h``."""

    after_h: float
    falls: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean fall over the quantities: what times are ranked by."""
        return float(np.mean(self.falls))


def noisy(level: np.ndarray, residual: Residual, rng: np.random.Generator) -> np.ndarray:
    """A measured level for each true one (same shape), by the model's residual error; never below 0."""
    return np.maximum(residual.measured(level, rng.standard_normal(level.shape)), 0.0)


def expected_fall(measured: np.ndarray, quantity: np.ndarray, floor: float) -> float:
    """Share of the variance of ``quantity`` [K] that a level ``measured`` [K] is expected to remove.

    Preposterior analysis by regression on draws (Strong 2015, for the expected value of sample information): the posterior mean
    of the quantity is approximated by a cubic in the log of the level; the share is its R^2, corrected for the number of terms.
    """
    total = float(np.var(quantity))
    if total <= 1e-12:
        return 0.0
    x = np.log(np.maximum(measured, floor))
    spread = float(np.std(x))
    if spread <= 1e-12:
        return 0.0
    x = (x - x.mean()) / spread
    basis = np.stack([np.ones_like(x), x, x**2, x**3], axis=1)
    rest = quantity - basis @ np.linalg.lstsq(basis, quantity, rcond=None)[0]
    n = len(quantity)
    r2 = 1.0 - float(rest @ rest) / n / total
    return float(np.clip(1.0 - (1.0 - r2) * (n - 1) / max(n - 4, 1), 0.0, 1.0))


def rank_times(
    after_h: Sequence[float],
    levels: np.ndarray,
    quantities: Sequence[np.ndarray],
    residual: Residual,
    rng: np.random.Generator,
    *,
    loq: float = 0.5,
) -> tuple[Value, ...]:
    """Sampling times from most to least informative (mean fall over the quantities); ties to the earlier.

    ``levels`` [n_draws, n_times] true predicted levels; ``quantities`` each [n_draws], for example ln CL; ``loq`` mg/L below
    which a laboratory reports no number. The same residual luck serves every time, so times are compared on equal terms.
    """
    luck = rng.spawn(1)[0]
    state = luck.bit_generator.state
    out = []
    for j, after in enumerate(after_h):
        luck.bit_generator.state = state
        y = noisy(levels[:, j], residual, luck)
        out.append(Value(float(after), tuple(expected_fall(y, q, loq / 2.0) for q in quantities)))
    return tuple(sorted(out, key=lambda v: (-round(v.mean, 6), v.after_h)))
