"""Low-discrepancy points behind proposals and percentiles: few of them do the work of many random ones, and smoothly."""

from functools import lru_cache

import numpy as np
from scipy.special import chdtri, ndtri

from dosetwin.infer.sobol import sobol


@lru_cache(maxsize=32)
def uniforms(n: int, d: int) -> np.ndarray:
    """[n, d] scrambled Sobol points in (0, 1), always the same."""
    size = 1 << max(n - 1, 1).bit_length()
    points = sobol(d, size, 20260401)[:n]
    points.flags.writeable = False
    return points


def shifted(n: int, shift: np.ndarray) -> np.ndarray:
    """The same points [n, d] moved together by ``shift`` [d] modulo 1: unbiased when it is random."""
    return np.clip(np.mod(uniforms(n, len(shift)) + shift, 1.0), 1e-12, 1.0 - 1e-12)


@lru_cache(maxsize=32)
def normals(n: int, d: int) -> np.ndarray:
    """[n, d] standard normal points, always the same."""
    points = ndtri(np.clip(uniforms(n, d), 1e-12, 1.0 - 1e-12))
    points.flags.writeable = False
    return points


def students(u: np.ndarray, df: float) -> np.ndarray:
    """Multivariate t points [n, d] from uniforms [n, d + 1]."""
    return ndtri(u[:, :-1]) * np.sqrt(df / chdtri(df, u[:, -1:]))
