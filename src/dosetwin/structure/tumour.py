"""Tumours in formulas: size under treatment, radiotherapy of a tumour near its carrying capacity, and the front of a glioma.

All pure; arrays broadcast. Times and rates share a unit.
"""

import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray | float


def claret(t: Array, growth: Array, kill: Array, fading: Array, exposure: Array = 1.0) -> np.ndarray:
    """Size over its first: exp(KL t - KD E/lam (1 - exp(-lam t))). Claret 2009, J Clin Oncol 27:4103."""
    return np.exp(np.multiply(growth, t) - np.multiply(kill, exposure) / fading * -np.expm1(-np.multiply(fading, t)))


def claret_regrows(growth: float, kill: float, fading: float, exposure: float = 1.0) -> float:
    """Time of the smallest size, from which it grows: ln(KD E / KL) / lam; 0 where it never shrinks."""
    return max(math.log(kill * exposure / growth) / fading, 0.0)


def shrink_and_grow(t: Array, decay: Array, growth: Array) -> np.ndarray:
    """Size over its first: exp(-d t) + exp(g t) - 1. Stein 2008, Oncologist 13:1046."""
    return np.exp(-np.multiply(decay, t)) + np.exp(np.multiply(growth, t)) - 1.0


def nadir(decay: float, growth: float) -> float:
    """Time of the smallest size of ``shrink_and_grow``: ln(d/g) / (d + g); 0 where it grows from the beginning."""
    return max(math.log(decay / growth) / (decay + growth), 0.0)


def shrink_and_progress(t: Array, base: Array, shrink: Array, progress: Array) -> np.ndarray:
    """Size, in the unit of ``base``: B exp(-SR t) + PR t. Wang 2009, Clin Pharmacol Ther 86:167."""
    return base * np.exp(-np.multiply(shrink, t)) + np.multiply(progress, t)


SURVIVAL = {"at": 6.94, "sd": math.exp(-0.331), "growth": -6.91, "half": 0.109, "base": -0.00366, "regrows": 0.0124,
            "albumin": 0.0452, "protein": 0.0194, "NLR": -0.0141}  # fmt: skip
"""ln days at base 100 mm, 39.9 wk to regrowth, albumin 39.4 and protein 71 g/L, ratio 4.1. Struemper 2025, CPT Pharmacometrics
Syst Pharmacol 14:1006, Table 3, as filed in nlmixr2lib."""


def survival_lung(
    days: Array, base: Array, shrink: Array, growth: Array, *, albumin: Array = 39.4, protein: Array = 71.0, NLR: Array = 4.1
) -> np.ndarray:
    """Chance to be alive ``days`` after the first scan, lung cancer, from size ``base`` mm, ``shrink`` and ``growth`` 1/wk of
    Stein's curve: log-normal, by growth (Emax), size, weeks to regrowth, albumin and protein (g/L), neutrophils over lymphocytes.
    """
    from scipy.special import ndtr

    s = SURVIVAL
    growth, shrink = np.asarray(growth, dtype=float), np.maximum(shrink, 1e-12)
    regrows = np.maximum(np.log(shrink / growth) / (shrink + growth), 0.0)
    mu = s["at"] + s["growth"] * growth / (growth + s["half"]) + s["base"] * (np.asarray(base) - 100.0)
    mu = mu + s["regrows"] * (regrows - 39.9) + s["albumin"] * (np.asarray(albumin) - 39.4)
    mu = mu + s["protein"] * (np.asarray(protein) - 71.0) + s["NLR"] * (np.minimum(NLR, 100.0) - 4.1)
    return ndtr((mu - np.log(np.maximum(days, 1e-9))) / s["sd"])


def ribba(y: Sequence[float], growth: float, to_quiet: float, repair: float, lost: float, gamma: float, fading: float,
          most: float, filed: bool = False) -> tuple[float, ...]:  # fmt: skip
    """Rates of drug, proliferating, quiescent and damaged tissue of a low-grade glioma (diameters, mm). Ribba 2012, Clin Cancer
    Res 18:5071. ``filed``: as BIOMD0000000521 has it, where what becomes quiescent is not multiplied by P (made of nothing).
    """
    C, P, Q, D = y
    hit = gamma * C * fading
    into = to_quiet if filed else to_quiet * P
    return (
        -fading * C,
        growth * P * (1.0 - (P + Q + D) / most) + repair * D - to_quiet * P - hit * P,
        into - hit * Q,
        hit * Q - repair * D - lost * D,
    )


def saturated_radiotherapy(saturation: float, growth: float, kill: float, days: Sequence[int]) -> np.ndarray:
    """Volume over its first after each fraction, for V' = growth V (1 - V/K) and V -= kill V (1 - V/K) at each.

    ``saturation`` V0/K; ``growth`` 1/d; ``days`` of the fractions, ascending. Logistic growth between fractions is exact.
    Prokopiou 2015, Radiat Oncol 10:159.
    """
    v, last, out = saturation, days[0], []
    for day in days:
        grown = math.exp(growth * (day - last))
        v = v * grown / (1.0 + v * (grown - 1.0))
        v -= kill * v * (1.0 - v)
        last = day
        out.append(v / saturation)
    return np.array(out)


def weekdays(n: int) -> tuple[int, ...]:
    """Days of ``n`` fractions given Monday to Friday, the first on day 0."""
    return tuple(7 * (k // 5) + k % 5 for k in range(n))


def front_speed(diffusion: float, growth: float) -> float:
    """Asymptotic speed of a Fisher front: 2 sqrt(D rho)."""
    return 2.0 * math.sqrt(diffusion * growth)


def glioma(
    diffusion: float,
    growth: float,
    days: float,
    *,
    radius: float = 100.0,
    cells: int = 800,
    start: float = 2.0,
    steps_a_day: int = 10,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A glioma as a sphere, u' = D lap u + rho u (1 - u): radii [cells] mm, u at the end [cells], detectable radius by day.

    ``diffusion`` mm2/d, ``growth`` 1/d; ``start`` mm of the first solid core. Finite volumes (no flux through centre and border,
    so that without growth no tissue is lost), diffusion by Crank and Nicolson, growth exactly between half steps (Strang). The
    detectable radius is where u passes 0.16 (80 % of imaging's threshold as used by Swanson; recalled).
    """
    from scipy.linalg import solve_banded

    h = radius / cells
    edges = h * np.arange(cells + 1)
    r = 0.5 * (edges[1:] + edges[:-1])
    volume = (edges[1:] ** 3 - edges[:-1] ** 3) / 3.0
    flow = diffusion * edges**2 / h
    flow[0] = flow[-1] = 0.0
    lower, upper = flow[1:-1] / volume[1:], flow[1:-1] / volume[:-1]
    diagonal = -(flow[1:] + flow[:-1]) / volume
    dt = 1.0 / steps_a_day
    bands = np.zeros((3, cells))
    bands[0, 1:], bands[1], bands[2, :-1] = -0.5 * dt * upper, 1.0 - 0.5 * dt * diagonal, -0.5 * dt * lower
    u = np.where(r < start, 1.0 - 1e-9, 0.0)
    half = math.exp(0.5 * growth * dt)
    seen = [_detectable(r, u)]
    for _ in range(round(days)):
        for _ in range(steps_a_day):
            u = u * half / (1.0 + u * (half - 1.0))
            right = u + 0.5 * dt * diagonal * u
            right[:-1] += 0.5 * dt * upper * u[1:]
            right[1:] += 0.5 * dt * lower * u[:-1]
            u = solve_banded((1, 1), bands, right)
            u = u * half / (1.0 + u * (half - 1.0))
        seen.append(_detectable(r, u))
    return r, u, np.array(seen)


DETECTABLE = 0.16


def _detectable(r: np.ndarray, u: np.ndarray) -> float:
    """mm: the outermost radius at which u is ``DETECTABLE``, between cells by a straight line; 0 where it is nowhere."""
    above = np.flatnonzero(u >= DETECTABLE)
    if not len(above):
        return 0.0
    k = int(above[-1])
    if k + 1 == len(r):
        return float(r[-1])
    return float(r[k] + (u[k] - DETECTABLE) / (u[k] - u[k + 1]) * (r[k + 1] - r[k]))
