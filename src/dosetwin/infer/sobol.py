"""Scrambled Sobol points, to the bit those of scipy.stats.qmc.Sobol, whose import would cost more than an answer.

Direction numbers: Joe and Kuo 2008, SIAM J. Sci. Comput. 30:2635 (new-joe-kuo-6.21201, first dimensions); scrambling: Matousek
1998, J. Complexity 14:527 (a random lower triangular matrix per dimension, then a random shift).
"""

import numpy as np

BITS = 30
DIRECTIONS = """
3 1
7 1 3
11 1 3 1
13 1 1 1
19 1 1 3 3
25 1 3 5 13
37 1 1 5 5 17
41 1 1 5 5 5
47 1 1 7 11 19
55 1 1 5 1 1
59 1 1 1 3 11
61 1 3 5 5 31
67 1 3 3 9 7 49
91 1 1 1 15 21 21
97 1 3 1 13 27 49
103 1 1 1 15 7 5
109 1 3 1 15 13 25
115 1 1 5 5 19 61
131 1 3 7 11 23 15 103
137 1 3 7 13 13 15 69
143 1 1 3 13 7 35 63
145 1 3 5 9 1 25 53
157 1 3 1 13 9 35 107
167 1 3 1 5 27 61 31
171 1 1 5 11 19 41 61
185 1 3 5 3 3 13 69
191 1 1 7 13 1 19 1
193 1 3 7 5 13 19 59
203 1 1 3 9 25 29 41
211 1 3 5 13 23 1 55
213 1 3 7 3 13 59 17
229 1 3 1 3 5 53 69
239 1 1 5 5 23 33 13
241 1 1 7 7 1 61 123
247 1 1 7 9 13 61 49
253 1 3 3 5 3 55 33
285 1 3 1 15 31 13 49 245
299 1 3 5 15 31 59 63 97
301 1 3 1 11 11 11 77 249
333 1 3 1 11 27 43 71 9
"""
"""Dimensions 2 and on, a line each: the primitive polynomial as a number, then its initial direction numbers."""
_TABLE = [[int(x) for x in line.split()] for line in DIRECTIONS.split("\n") if line]
MOST = 1 + len(_TABLE)
"""Dimensions that are told; beyond them scipy is asked."""


def _directions(d: int) -> np.ndarray:
    """[d, BITS] direction numbers, the first one's bit highest."""
    v = np.ones((d, BITS), dtype=np.uint32)
    for row, (poly, *first) in zip(v[1:], _TABLE, strict=False):
        m = len(first)
        numbers = list(first)
        for j in range(m, BITS):
            new = numbers[j - m]
            for k in range(m):
                if (poly >> (m - 1 - k)) & 1:
                    new ^= numbers[j - k - 1] << (k + 1)
            numbers.append(new)
        row[:] = numbers
    return v << np.arange(BITS - 1, -1, -1, dtype=np.uint32)


def sobol(d: int, n: int, seed: int) -> np.ndarray:
    """The first ``n`` (a power of 2, at most 2^30) scrambled points in [0, 1), [n, d]; the same for the same ``seed``."""
    rng = np.random.default_rng(seed)
    if d > MOST:
        from scipy.stats import qmc

        return qmc.Sobol(d, scramble=True, rng=rng).random(n)
    rng = rng.spawn(1)[0]  # as scipy does with a generator that it is given
    bits = np.arange(BITS, dtype=np.uint32)
    shift = rng.integers(2, size=(d, BITS), dtype=np.uint32) @ (np.uint32(1) << bits)
    mixing = np.tril(rng.integers(2, size=(d, BITS, BITS), dtype=np.uint32))
    mixing[:, bits, bits] = 1
    # rows of the matrix and direction numbers, both with the highest bit first: products modulo 2
    v = (_directions(d)[:, :, None] >> bits[::-1]) & 1
    mixed = np.einsum("dpi,dji->djp", mixing, v) & 1
    v = (mixed << bits[::-1]).sum(axis=2, dtype=np.uint32)
    k = np.arange(n, dtype=np.uint32)
    gray = k ^ (k >> 1)
    points = np.broadcast_to(shift.astype(np.uint32), (n, d)).copy()
    for b in range(max(n - 1, 0).bit_length()):
        points ^= np.where(((gray >> b) & 1)[:, None] == 1, v[:, b], np.uint32(0))
    return points * (1.0 / 2**BITS)
