"""A liver cell and a drug that it makes a poison of: sulphation, glucuronidation, a reactive metabolite, glutathione, adducts.

Reddyhoff et al. 2015, J Theor Biol 386:132, as curated (BioModels 609). Amounts in mol per hepatocyte. The file says no unit of
time. It is a day: the parent's first half-life is then 2.8 h, as people have; were it an hour it would be seven minutes.
"""

from typing import NamedTuple

import numpy as np


class Liver(NamedTuple):
    """Rates per day (per day and mol per cell of what meets), supply in mol per cell and day, what is there at the start."""

    kG: float = 2.99
    kS: float = 2.26e14
    k450: float = 0.315
    kN: float = 0.0315
    kPSH: float = 110.0
    kGSH: float = 1.6e18
    bG: float = 1.374e-14
    dG: float = 2.0
    bS: float = 2.65e-14
    dS: float = 2.0
    S0: float = 1.325e-14
    G0: float = 6.87e-15
    P0: float = 1.32e-13


NAMES = ("sulphate", "glutathione", "reactive", "parent", "adducts")


def changes(x: np.ndarray, p: Liver, supply: float = 1.0) -> np.ndarray:
    """d/dt of (S, G, N, P, C); ``supply``: how many times its usual size the making of glutathione is."""
    S, G, N, P, _ = x
    made = p.k450 * P - p.kN * N
    return np.array([
        p.bS - p.dS * S - p.kS * P * S,
        p.bG * supply - p.dG * G - p.kGSH * N * G,
        made - p.kPSH * N - p.kGSH * N * G,
        -made - p.kG * P - p.kS * P * S,
        p.kPSH * N,
    ])  # fmt: skip


NEVER = (np.inf, 1.0)


def course(times: np.ndarray, p: Liver | None = None, *, parent: float = 1.0, rescue: tuple[float, float] = NEVER) -> np.ndarray:
    """(S, G, N, P, C) [n_times, 5] at ascending ``times`` (d) after ``parent`` times the usual amount at once.

    ``rescue``: (d, times) from when on glutathione is made that much faster.
    """
    from scipy.integrate import solve_ivp

    p = p or Liver()
    start = np.array([p.S0, p.G0, 0.0, p.P0 * parent, 0.0])
    size = np.array([p.S0, p.G0, 1e-20, p.P0, 1e-18])
    at, more = rescue
    first = times[times <= at]
    rows, x, t = [], start, 0.0
    for span, supply in ((first, 1.0), (times[times > at], more)):
        if not len(span):
            continue
        if supply != 1.0 and at > t:
            x = _solved(solve_ivp, x, t, np.array([at]), p, 1.0, size)[-1]
            t = at
        found = _solved(solve_ivp, x, t, span, p, supply, size)
        rows.append(found)
        x, t = found[-1], float(span[-1])
    return np.concatenate(rows)


def _solved(solve, x, t, times, p, supply, size) -> np.ndarray:
    end = max(float(times[-1]), t + 1e-12)
    done = solve(
        lambda _, y: changes(y, p, supply), (t, end), x, "LSODA", t_eval=np.maximum(times, t), rtol=1e-10, atol=1e-9 * size
    )
    return done.y.T


def treatment_line(hours, at_four=150.0):
    """Rumack and Matthew's line: mg/L at ``hours`` (4 to 24) after a single ingestion; 150 in the US, 200 at first, 100 in the
    UK. Falls by half every 4 h."""
    return at_four * 2.0 ** (-(hours - 4.0) / 4.0)
