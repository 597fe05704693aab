"""Extinction of a branching process, written out plainly: the equations the fast kernel is judged by.

A cell of genotype j divides (b), dies (d), turns dormant (s) or is pushed to genotype j + 1 (a); at a division one daughter is
of genotype j + 1 with probability u; a dormant cell dies (dD) or wakes (w). With p the probability that some descendant of one
cell is alive at the end T, and time running backwards from p(T) = 1:

    -dp_j/dt  = b p_j - b p_j ((1 - u) p_j + u p_{j+1}) - b u (p_j - p_{j+1}) - d p_j - s (p_j - pD_j) - a (p_j - p_{j+1})
    -dpD_j/dt = w (p_j - pD_j) - dD pD_j

``r`` is the same for "some descendant of a higher genotype is alive": r(T) = 0 for the first genotype; for the others r = p, as
there is no way back. Numbers of cells at time 0 are Poisson, so P(eradication) = exp(-sum N0 p(0)). The equations are exact for
given rates. Crowding and the saturation of phagocytes depend on the count itself; there the expected count of a forward pass is
used, which matters only where counts are so large that chance does not. ``solve`` is slow (adaptive, tolerance 1e-8);
``course.run`` is the fast form of the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

import numpy as np
from scipy.integrate import solve_ivp

from dosetwin.errors import SimulationError
from dosetwin.outcomes.infection.draws import Infections
from dosetwin.structure.bacteria import (
    adaptation_rate,
    adapted_share,
    drifted,
    emax_kill,
    immune_clearance,
    logistic_room,
)


@dataclass(frozen=True)
class Extinction:
    """One infection: probabilities, survival of a growing (``p``) and a dormant (``pD``) cell per genotype, final log10 load."""

    p_erad: float
    p_resistant: float
    p: np.ndarray
    pD: np.ndarray
    log10_load: float


def one_type(growth: np.ndarray, death: np.ndarray, t: np.ndarray, N0: float) -> float:
    """P(eradication) of N0 cells of one kind by Kendall's closed form.

    dw/dt = death exp(-G), w(0) = 1, G the integral of ``growth`` (net, 1/h); P = exp(-N0/w). Trapezoidal on the grid ``t``: use a
    fine one. (Kendall 1948; as in Radivoyevitch et al. 2015, AAPS J 17:447.)
    """
    G = np.concatenate(([0.0], np.cumsum(0.5 * (growth[1:] + growth[:-1]) * np.diff(t))))
    f = death * np.exp(-G)
    w = 1.0 + float(np.sum(0.5 * (f[1:] + f[:-1]) * np.diff(t)))
    return exp(-N0 / w)


def solve(
    conc: Callable[[float], float], times: np.ndarray, infections: Infections, row: int = 0, *, rtol: float = 1e-8
) -> Extinction:
    """One infection under a concentration function (h -> plasma mg/L), by scipy's LSODA.

    ``times`` h, ascending: integration restarts at each (put starts and ends of infusions there). Raises SimulationError.
    """
    at = {name: float(infections.column(name)[row]) for name in _NAMES}
    J = infections.genotypes(row)
    N0, D0, kg = infections.N0[row, :J], infections.D0[row, :J], infections.kg[row, :J]
    Emax, EC50, slope = infections.Emax[row, :J], infections.EC50[row, :J], infections.slope[row, :J]

    def rates(t: float, AR: float, shift: float, B: float) -> tuple[np.ndarray, ...]:
        C = conc(t) * at["penetration"] * exp(-shift)
        share = adapted_share(AR, at["AR50"])
        clear = immune_clearance(B, at["kimm"], at["Ksat"])
        kill = np.array([share * emax_kill(C, Emax[j], EC50[j], at["hill"]) + slope[j] * C for j in range(J)])
        b = kg * (1.0 if at["crowding"] else logistic_room(B, at["capacity"]))
        d = at["kd"] + at["partner"] + clear + kill
        s = at["s0"] + at["crowding"] * np.maximum(kg - at["kd"], 0.0) * B / at["capacity"]
        up = np.array([1.0] * (J - 1) + [0.0])
        return (
            b,
            d,
            np.broadcast_to(s, (J,)),
            up * at["u"],
            up * at["kada"] * C,
            np.array([at["kd_dormant"] + at["kimm_dormant"] * clear]),
        )

    def forward(t: float, y: np.ndarray) -> np.ndarray:
        N, D, AR, shift = np.maximum(y[:J], 0.0), np.maximum(y[J : 2 * J], 0.0), y[-2], y[-1]
        b, d, s, u, a, dD = rates(t, AR, shift, float(N.sum() + D.sum()))
        dN = (b * (1.0 - u) - d - s - a) * N + at["wake"] * D
        dN[1:] += (b[:-1] * u[:-1] + a[:-1]) * N[:-1]
        C = conc(t) * at["penetration"]
        adapting = adaptation_rate(AR, C, at["kon"], at["koff"])
        drifting = drifted(shift, C, at["MIC"], at["drift"], at["revert"])
        return np.concatenate((dN, s * N - (at["wake"] + dD) * D, [adapting, drifting]))

    y = np.concatenate((N0, D0, [0.0, 0.0]))
    pieces = []
    for a, b in pairwise(times):
        # counts only steer crowding and clearance here: what is far below one cell need not be accurate
        done = solve_ivp(forward, (a, b), y, method="LSODA", rtol=rtol, atol=1e-9, dense_output=True, max_step=1.0)
        if not done.success:
            raise SimulationError(f"forward pass stopped at {done.t[-1]:g} h: {done.message}")
        pieces.append((a, b, done.sol))
        y = done.y[:, -1]
    end = float(y[: 2 * J].sum())

    z = np.concatenate((np.ones(2 * J), [0.0, 0.0]))
    for a, b, forwards in reversed(pieces):

        def backward(tau: float, z: np.ndarray, forwards: Callable[[float], np.ndarray] = forwards, b: float = b) -> np.ndarray:
            t = b - tau
            state = forwards(t)
            N, D = np.maximum(state[:J], 0.0), np.maximum(state[J : 2 * J], 0.0)
            br, d, s, u, tr, dD = rates(t, state[-2], state[-1], float(N.sum() + D.sum()))
            p, pD, r, rD = z[:J], z[J : 2 * J], z[-2], z[-1]
            above = np.append(p[1:], 0.0)
            dp = br * (1.0 - p) * ((1.0 - u) * p + u * above) - d * p - s * (p - pD) - tr * (p - above)
            dpD = at["wake"] * (p - pD) - dD[0] * pD
            dr = br[0] * (1.0 - r) * ((1.0 - u[0]) * r + u[0] * above[0]) - d[0] * r - s[0] * (r - rD) - tr[0] * (r - above[0])
            return np.concatenate((dp, dpD, [dr, at["wake"] * (r - rD) - dD[0] * rD]))

        done = solve_ivp(backward, (0.0, b - a), z, method="LSODA", rtol=rtol, atol=1e-17, max_step=1.0)
        if not done.success:
            raise SimulationError(f"backward pass stopped {done.t[-1]:g} h before {b:g} h: {done.message}")
        z = done.y[:, -1]
    p, pD = z[:J], z[J : 2 * J]
    alive = float(N0 @ p + D0 @ pD)
    resistant = float(N0[1:] @ p[1:] + D0[1:] @ pD[1:] + N0[0] * z[-2] + D0[0] * z[-1])
    return Extinction(exp(-alive), 1.0 - exp(-resistant), p, pD, log(max(end, 1e-280)) / log(10.0))


_NAMES = (
    "penetration", "hill", "AR50", "kon", "koff", "capacity", "crowding", "s0", "wake", "kd_dormant",
    "kimm", "Ksat", "kimm_dormant", "u", "kada", "kd", "partner", "drift", "revert", "MIC",
)  # fmt: skip
