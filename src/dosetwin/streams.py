"""Named random streams: what is drawn depends on seed and names alone, never on order, cohort or number of workers.

* ``stream``: a generator per (seed, names); for one patient's draws.
* ``words``, ``uniforms``, ``normals``: number j of stream ``name`` of baby i is a function of (seed, name, i, j). Counter based
  (SplitMix64: Steele, Lea and Flood, OOPSLA 2014, with the finaliser of Stafford's variant 13), so any baby, chunk or worker
  computes its own numbers without drawing anybody else's first. New populations draw here.
* ``row_uniforms`` (infections) and ``subject_...`` (newborns of studies and the frozen kidney truths): the same promise by other
  formulas. Figures are published with their numbers, so they stay to the bit.
"""

import hashlib
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


def stream(seed: int, *names: object) -> np.random.Generator:
    """A random stream of its own for each (seed, names): results do not depend on order or number of workers."""
    digest = hashlib.sha256(repr((int(seed), *map(str, names))).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32))


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


def row_uniforms(seed: int, stream: str, n: int, k: int, *, first: int = 0) -> np.ndarray:
    """[n, k] uniform numbers in (0, 1) keyed by (seed, stream, row): rows do not depend on n."""
    rows = np.arange(first, first + n, dtype=np.uint64)[:, None]
    columns = np.arange(k, dtype=np.uint64)[None, :]
    with np.errstate(over="ignore"):
        x = np.asarray(np.uint64(seed & 0xFFFFFFFFFFFFFFFF) * _GOLD + np.uint64(zlib.crc32(stream.encode())))
        x = _mix(_mix(_mix(x + _GOLD) + rows * np.uint64(0xD1342543DE82EF95) + _GOLD) + columns * _GOLD + _GOLD)
    return ((x >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def subject_stream(seed: int, name: str, subject: int) -> np.random.Generator:
    """The random stream called ``name`` of one subject."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode()), subject])))


def subject_uniforms(seed: int, name: str, n: int, k: int) -> np.ndarray:
    """[n, k] uniform numbers in (0, 1), row i from subject i's stream."""
    return np.array([subject_stream(seed, name, i).random(k) for i in range(n)]).reshape(n, k)


def subject_normals(seed: int, name: str, n: int, k: int) -> np.ndarray:
    """[n, k] standard normal numbers, row i from subject i's stream."""
    return np.array([subject_stream(seed, name, i).standard_normal(k) for i in range(n)]).reshape(n, k)
