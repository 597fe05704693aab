"""Renin, angiotensin I and II, and what an inhibitor of the converting enzyme does to them.

Versypt et al. 2017 (their published program; benazepril in normal kidneys): concentrations of the inhibitor's acid in ug/L
(ng/mL), angiotensins in pmol/L, time in h.
"""

from typing import NamedTuple

import numpy as np


class Renin(NamedTuple):
    """Constants of one kidney function and drug."""

    C50: float = 2.2
    hill: float = 0.99
    ka: float = 1.907
    ke: float = 0.1333
    VF: float = 70.961
    kdeg_AI: float = 83.18
    kdeg_R: float = 2.7726
    AI0: float = 369.4
    AII0: float = 16.5
    R0: float = 0.206
    Vmax_Km: float = 0.0144
    kcat_R: float = 64_400.0
    kfb: float = 0.0625
    fb: float = 397.0
    kcons: float = 0.611


def inhibition(C, C50, hill):
    """Share of the converting enzyme that is inhibited."""
    return 0.0 if C <= 0.0 else 1.0 / (1.0 + (C50 / C) ** hill)


def course(times: np.ndarray, dose: float, p: Renin | None = None, *, every: float = 24.0) -> dict[str, np.ndarray]:
    """``drug`` ug/L, ``inhibited`` share, ``AI``, ``AII`` pmol/L and ``renin`` at ascending ``times`` h; ``dose`` mg every
    ``every`` h from 0 on. Without a drug all stay where they were."""
    from scipy.integrate import solve_ivp

    p = p or Renin()
    base_AI = p.kdeg_AI * p.AI0 + p.Vmax_Km * p.AI0

    def drug(t: float) -> float:
        given = [k * every for k in range(int(t // every) + 1)]
        return sum(
            1000.0 * dose / p.VF * p.ka / (p.ka - p.ke) * (np.exp(-p.ke * (t - g)) - np.exp(-p.ka * (t - g))) for g in given
        )

    def changes(t: float, y: np.ndarray) -> np.ndarray:
        AI, AII, R = y
        made = p.Vmax_Km * AI * (1.0 - inhibition(drug(t), p.C50, p.hill))
        low = p.AII0 - AII
        return np.array([
            p.kcat_R * (R - p.R0) + base_AI - p.kdeg_AI * AI - made,
            made + p.kcons * low - p.Vmax_Km * p.AI0,
            p.kfb * low * (1.0 - low / p.fb) - p.kdeg_R * (R - p.R0),
        ])  # fmt: skip

    found = solve_ivp(changes, (0.0, float(times[-1])), [p.AI0, p.AII0, p.R0], "LSODA", t_eval=times, rtol=1e-8, atol=1e-8,
                      max_step=1.0)  # fmt: skip
    levels = np.array([drug(float(t)) for t in times])
    return {"drug": levels, "inhibited": np.array([inhibition(c, p.C50, p.hill) for c in levels]), "AI": found.y[0],
            "AII": found.y[1], "renin": found.y[2]}  # fmt: skip
