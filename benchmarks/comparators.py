"""The same work done by others: scipy's LSODA, a batch closed form written by hand, and a Dormand-Prince written by hand."""

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
from scipy.integrate import odeint, solve_ivp

DOSE, DURATION, INTERVAL, DAYS = 26.4, 0.5, 24.0, 10
TVCL, TVV1, Q, V2 = 0.0493, 0.833, 0.0205, 0.833


def closed_form(eta: np.ndarray, cov: np.ndarray, block: int = 256) -> np.ndarray:
    """Model A by hand in NumPy: modes of each subject and day, [n, 241]. Blocks stay in the processor's cache."""
    n = len(eta)
    out = np.zeros((n, 24 * DAYS + 1))
    hours = np.arange(1, 25) - DURATION
    for lo in range(0, n, block):
        s = slice(lo, min(lo + block, n))
        V1 = TVV1 * np.exp(eta[s, 1])
        a1, a2 = np.zeros(len(V1)), np.zeros(len(V1))
        k12, k21 = Q / V1, np.full(len(V1), Q / V2)
        for day in range(DAYS):
            k10 = TVCL * cov[s, day] * np.exp(eta[s, 0]) / V1
            total, root = k10 + k12 + k21, np.sqrt((k10 + k12 + k21) ** 2 - 4 * k10 * k21)
            fast = 0.5 * (total + root)
            slow = k10 * k21 / fast
            # amounts of the two modes in the central compartment: A1 = m1 + m2
            gap = fast - slow
            m_fast = (a1 * (fast - k21) - a2 * k21) / gap
            m_slow = (a1 * (k21 - slow) + a2 * k21) / gap
            rate = DOSE / DURATION
            e_fast, e_slow = np.exp(-fast * DURATION), np.exp(-slow * DURATION)
            m_fast = m_fast * e_fast + rate * (fast - k21) / gap * (1 - e_fast) / fast
            m_slow = m_slow * e_slow + rate * (k21 - slow) / gap * (1 - e_slow) / slow
            c_fast = np.exp(-fast[:, None] * hours) * m_fast[:, None]
            c_slow = np.exp(-slow[:, None] * hours) * m_slow[:, None]
            out[s, 24 * day + 1 : 24 * day + 25] = (c_fast + c_slow) / V1[:, None]
            f, w = c_fast[:, -1], c_slow[:, -1]
            a1, a2 = f + w, f * k12 / (k21 - fast) + w * k12 / (k21 - slow)
    return out


def _rhs_linear(y, t, k10, k12, k21, rate):
    return [rate - (k10 + k12) * y[0] + k21 * y[1], k12 * y[0] - k21 * y[1]]


def _rhs_nonlinear(y, t, CL, V1, rate):
    C = max(y[0], 0.0) / V1
    N = y[2] + y[3] + y[4]
    adapted = 1.0 - y[6] / (y[6] + 0.3)
    xs, xr = (C / 4.0) * math.sqrt(C / 4.0), (C / 40.0) * math.sqrt(C / 40.0)
    to_rest = (1.2 - 0.179) * N / 1e9 * y[2]
    flow = Q * (y[0] / V1 - y[1] / V2)
    switch = 0.01 * C * y[5] - 0.03 * y[6]
    return [
        rate - CL * y[0] / V1 - flow, flow, 1.2 * y[2] - (0.179 + 6.0 * adapted * xs / (1.0 + xs)) * y[2] - to_rest,
        to_rest - 0.179 * y[3], 0.96 * y[4] * (1.0 - N / 1e9) - (0.179 + 6.0 * xr / (1.0 + xr)) * y[4], -switch, switch, C,
    ]  # fmt: skip


def lsoda(which: str, eta: np.ndarray, cov: np.ndarray, interface: str = "solve_ivp", tol: float = 1e-6) -> np.ndarray:
    """Concentrations [n, 241] of ``states``."""
    return states(which, eta, cov, interface, tol)[..., 0] / (TVV1 * np.exp(eta[:, 1:]))


def states(which: str, eta: np.ndarray, cov: np.ndarray, interface: str, tol: float, atol: float | None = None) -> np.ndarray:
    """Model A or B by scipy, restarted at every dose, infusion end and day: states [n, 241, n_states].

    ``interface``: ``solve_ivp``, scipy's present one to LSODA, ``odeint``, its older and much faster one, or ``DOP853``.
    """
    rhs = _rhs_linear if which == "linear" else _rhs_nonlinear
    start = np.zeros(2) if which == "linear" else np.array([0.0, 0.0, 1e6, 0.0, 10.0, 1.0, 0.0, 0.0])
    out = np.zeros((len(eta), 24 * DAYS + 1, len(start)))
    method, least = "LSODA" if interface == "solve_ivp" else interface, tol if atol is None else atol

    def path(y, times, fixed):
        if interface == "odeint":
            return odeint(rhs, y, times, args=fixed, rtol=tol, atol=least)
        done = solve_ivp(lambda t, x: rhs(x, t, *fixed), (times[0], times[-1]), y, method, times, rtol=tol, atol=least)
        return done.y.T

    for i in range(len(eta)):
        V1 = TVV1 * math.exp(eta[i, 1])
        y = out[i, 0] = start
        for day in range(DAYS):
            CL = TVCL * cov[i, day] * math.exp(eta[i, 0])
            fixed = (CL / V1, Q / V1, Q / V2) if which == "linear" else (CL, V1)
            y = path(y, [0.0, DURATION], (*fixed, DOSE / DURATION))[-1]
            found = path(y, np.concatenate([[DURATION], np.arange(1.0, 25.0)]), (*fixed, 0.0))
            out[i, 24 * day + 1 : 24 * day + 25] = found[1:]
            y = found[-1]
    return out


def prototype(folder: Path) -> ModuleType | None:
    """The hand-written stepper of the planning phase, if the reference folder is there."""
    path = folder / "prototypes" / "unrolled_rk.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("unrolled_rk", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
