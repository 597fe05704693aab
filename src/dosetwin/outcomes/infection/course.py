"""One infection under one concentration course: counts, P(eradication), P(any resistant bacterium alive), for many at once.

``run`` is the whole interface. Concentrations are true plasma levels on a uniform grid; between grid points they are taken as
linear when rising and exponential when falling, so put doses on the grid. Probabilities are those of the branching process
(``branching.py``); counts are expectations.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dosetwin.errors import InputError
from dosetwin.outcomes.infection import _kernel
from dosetwin.outcomes.infection.draws import Infections

FINE = 6.0
"""How finely a grid step is cut where the concentration changes; docs/infection.md gives the error this leaves."""
REBOUND_AFTER = 120.0
"""h: growth later than this is a rebound."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of the infections; arrays [n], or [c, n] for candidates.

    ``p_erad`` probability that no bacterium of any kind, dormant included, is alive at the end of the grid; ``p_resistant`` that
    any of a less susceptible genotype is; ``log10_load`` log10 of the expected count at the end; ``mic_shift`` log2 of the
    count-weighted MIC at the end over that at time 0 (given survival, and of expected counts); ``rebound`` probability of being
    alive at the end with an expected count at least one and ten times that at 120 h (0 on grids that end earlier); ``series``
    [..., T, 2] log10 of the expected susceptible and less susceptible counts, or None; ``in_scope`` [n] as in ``draws``.
    """

    p_erad: np.ndarray
    p_resistant: np.ndarray
    log10_load: np.ndarray
    mic_shift: np.ndarray
    rebound: np.ndarray
    series: np.ndarray | None
    in_scope: np.ndarray


def checked_conc(conc: np.ndarray, dt: float, n: int) -> np.ndarray:
    """conc as [c, n, T], contiguous. Raises InputError on shape, negative or non-finite values, dt not in (0, 6] h."""
    if not 0.0 < dt <= 6.0:
        raise InputError("time step of the concentration grid", where="infection course: dt", value=dt, allowed="0 < dt <= 6 h")
    conc = np.asarray(conc, dtype=np.float64)
    if conc.ndim not in (2, 3) or conc.shape[-2] != n or conc.shape[-1] < 2:
        raise InputError("concentrations and infections do not match", where="infection course: conc", value=conc.shape,
                         allowed=f"[{n}, T] or [candidates, {n}, T] with T >= 2")  # fmt: skip
    low = conc.min(initial=0.0)
    if not (low >= 0.0 and np.isfinite(conc.max(initial=0.0))):
        raise InputError("a concentration is negative or not a number", where="infection course: conc", value=float(low),
                         allowed="finite and not negative")  # fmt: skip
    return np.ascontiguousarray(conc if conc.ndim == 3 else conc[None])


def run(
    conc: np.ndarray, dt: float, infections: Infections, *, threads: int | None = 1, series: bool = False, fine: float = FINE,
    observe: np.ndarray | float | None = None,
) -> Outcomes:  # fmt: skip
    """Run the infections.

    Parameters
    ----------
    conc : [n, T] mg/L, true plasma concentration of row k for infection k; or [c, n, T]: candidates sharing the infections.
    dt : h between grid points.
    threads : worker threads (None: all processors). The kernel releases the GIL; results do not depend on it.
    series : also return expected counts at every grid point.
    fine : refinement of grid steps (see FINE).
    observe : [n] or scalar; None asks whether a bacterium is alive at the end. A number theta asks instead for
        E[exp(-theta * count at the end)], which takes the place of ``p_erad``: with theta = sampled share, the probability
        that a Poisson sample finds nothing (used by ``culture.py``). ``p_resistant`` means nothing then.

    Raises
    ------
    InputError : negative or non-finite concentrations, shapes that do not match, dt out of range.
    """
    n = len(infections)
    conc = np.asarray(conc)
    cube = checked_conc(conc, dt, n)
    c, _, T = cube.shape
    out = np.zeros((c, n, 5))
    records = np.zeros((c if series else 0, n, T, 2))
    found = np.ones(n) if observe is None else -np.expm1(-np.broadcast_to(np.asarray(observe, dtype=float), (n,)))
    at = round(REBOUND_AFTER / dt)
    columns = [infections.column(name) for name in ("crowding", "s0", "wake")]
    dormant = any(x.any() for x in columns) or bool(infections.D0.any())
    arguments = (
        cube, float(dt), float(fine), infections.table, infections.N0, infections.D0, infections.kg, infections.Emax,
        infections.EC50, infections.slope, infections.levels, np.ascontiguousarray(found), dormant, at,
    )  # fmt: skip
    jobs = c * n
    workers = min(threads or os.cpu_count() or 1, jobs)
    if workers == 1:
        _kernel.cohort(*arguments, 0, jobs, out, records)
    else:
        edges = np.linspace(0, jobs, 4 * workers + 1).astype(int)
        with ThreadPoolExecutor(workers) as pool:
            parts = [pool.submit(_kernel.cohort, *arguments, a, b, out, records) for a, b in pairwise(edges)]
            for part in parts:
                part.result()
    grows = (out[..., 2] > out[..., 4] + 1.0) & (out[..., 2] >= 0.0) & (at < T - 1)
    rebound = np.where(grows, 1.0 - out[..., 0], 0.0)
    flat = conc.ndim == 2

    def shaped(x: np.ndarray) -> np.ndarray:
        return x[0] if flat else x

    return Outcomes(
        shaped(out[..., 0]), shaped(out[..., 1]), shaped(out[..., 2]), shaped(out[..., 3]), shaped(rebound),
        shaped(records) if series else None, infections.in_scope,
    )  # fmt: skip
