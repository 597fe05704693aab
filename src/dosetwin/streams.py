"""Random numbers that belong to a baby: number j of stream ``name`` of baby i is a function of (seed, name, i, j) alone.

Counter based (SplitMix64: Steele, Lea and Flood, OOPSLA 2014, with the finaliser of Stafford's variant 13), so any baby, chunk or
worker computes its own numbers without drawing anybody else's first.
"""

import zlib

import numpy as np
from scipy.special import ndtri

_GOLD = np.uint64(0x9E3779B97F4A7C15)
_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser, uint64 of any shape (wraps by design)."""
    x = (x ^ (x >> np.uint64(30))) * _A
    x = (x ^ (x >> np.uint64(27))) * _B
    return x ^ (x >> np.uint64(31))


def words(seed: int, name: str, babies: np.ndarray, k: int, first: int = 0) -> np.ndarray:
    """[n, k] uint64: numbers ``first`` .. ``first + k - 1`` of the stream ``name`` of each of ``babies`` [n]."""
    key = _mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) + _GOLD)
    key = _mix(key ^ (np.uint64(zlib.crc32(name.encode())) << np.uint64(17)))
    own = _mix(_mix(key + _GOLD * (np.asarray(babies, dtype=np.uint64) + np.uint64(1))))
    steps = _GOLD * np.arange(first + 1, first + k + 1, dtype=np.uint64)
    return _mix(own[:, None] + steps)


def uniforms(seed: int, name: str, babies: np.ndarray, k: int, first: int = 0) -> np.ndarray:
    """[n, k] uniform numbers in the open interval (0, 1)."""
    return ((words(seed, name, babies, k, first) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, name: str, babies: np.ndarray, k: int, first: int = 0) -> np.ndarray:
    """[n, k] standard normal numbers."""
    return ndtri(uniforms(seed, name, babies, k, first))
