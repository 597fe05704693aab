"""Circulation without space: aorta, arteries, veins and the left heart as volumes and valves (Naghavi's seven elements).

Pressures mmHg, volumes mL, times ms, resistances mmHg ms/mL, compliances mL/mmHg. P of a vessel (V - Vref) / C; of a chamber
a E_act (V - Vref) + (1 - a) E_pas (exp(k (V - Vref)) - 1), a its activation. Blood leaves aorta, arteries and veins through their
resistance; valves are diodes. Parameters of ModularCirc 0.3.0 (READ); form of the chambers' pressure recalled.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dosetwin.errors import InputError

MMHG_ML_J = 1.33322e-4
"""J in a mmHg mL."""
NODES = ("aorta", "arteries", "veins", "atrium", "ventricle")


@dataclass(frozen=True)
class Chamber:
    """Elastance passive (mmHg) and active (mmHg/mL), ``k`` 1/mL, ``Vref`` mL; activation ``tmax``, ``ttr``, ``tau``, ``delay``
    ms."""

    E_pas: float
    E_act: float
    k: float
    Vref: float
    tmax: float
    ttr: float
    tau: float
    delay: float = 0.0


@dataclass(frozen=True)
class Circulation:
    """``R`` of aorta, arteries, veins, aortic and mitral valve; ``C`` and ``Vref`` of aorta, arteries, veins; ``volume`` mL in
    all, ``shares`` of it at the start; ``HR`` /min."""

    R: tuple[float, float, float, float, float] = (240.0, 1125.0, 9.0, 6.0, 4.1)
    C: tuple[float, float, float] = (0.3, 3.0, 133.3)
    Vref: tuple[float, float, float] = (100.0, 900.0, 2800.0)
    atrium: Chamber = Chamber(0.44, 0.45, 0.05, 10.0, 150.0, 225.0, 25.0, 100.0)
    ventricle: Chamber = Chamber(1.0, 3.0, 0.027, 10.0, 280.0, 420.0, 25.0)
    volume: float = 5200.0
    shares: tuple[float, float, float, float, float] = (0.025, 0.21, 0.727, 0.018, 0.02)
    HR: float = 60.0

    def __post_init__(self) -> None:
        if not 20.0 <= self.HR <= 220.0:
            raise InputError("heart rate", where="circulation", value=self.HR, allowed="20 to 220 /min")
        if min((*self.R, *self.C)) <= 0.0 or not 500.0 <= self.volume <= 12_000.0:
            raise InputError("no circulation", where="circulation", value=(self.R, self.C, self.volume),
                             allowed="resistances and compliances > 0, 500 to 12,000 mL of blood",
                             remedy="litres? times 1000")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Beat:
    """The last beat: ``t`` ms [n], volumes ``V`` and pressures ``P`` [n, 5] in the order of ``NODES``, flows ``Q`` [n, 5] mL/ms
    (aorta to arteries, to veins, to atrium, mitral, aortic valve)."""

    of: Circulation
    t: np.ndarray
    V: np.ndarray
    P: np.ndarray
    Q: np.ndarray

    @property
    def SV(self) -> float:
        """Stroke volume, mL: through the aortic valve."""
        return float(np.trapezoid(self.Q[:, 4], self.t))

    def read(self) -> dict[str, float]:
        """What a clinician reads: mmHg, mL, L/min; ``work`` of both chambers and ``loss`` in resistances and valves, J."""
        ao, la, lv = self.P[:, 0], self.P[:, 3], self.V[:, 4]
        flows = [float(np.trapezoid(self.Q[:, k], self.t)) for k in range(5)]
        work = -sum(float(np.trapezoid(self.P[:, k], self.V[:, k])) for k in (3, 4))
        drop = [ao - self.P[:, 1], self.P[:, 1] - self.P[:, 2], self.P[:, 2] - la, la - self.P[:, 4], self.P[:, 4] - ao]
        loss = sum(float(np.trapezoid(self.Q[:, k] * drop[k], self.t)) for k in range(5))
        return {
            "SBP": float(ao.max()), "DBP": float(ao.min()), "MAP": float(np.trapezoid(ao, self.t) / self.t[-1]),
            "EDV": float(lv.max()), "ESV": float(lv.min()), "SV": self.SV, "EF": float((lv.max() - lv.min()) / lv.max()),
            "LVP": float(self.P[:, 4].max()), "LAP_high": float(la.max()), "LAP_low": float(la.min()),
            "CO": self.SV * self.of.HR / 1000.0, "volume": float(self.V.sum(axis=1).max()),
            "volume_low": float(self.V.sum(axis=1).min()), "flow_low": min(flows), "flow_high": max(flows),
            "work": work * MMHG_ML_J, "loss": loss * MMHG_ML_J,
        }  # fmt: skip


def beats(of: Circulation, n: int = 40, dt: float = 0.1) -> Beat:
    """The last of ``n`` beats, by Runge and Kutta's fourth order in steps of ``dt`` ms."""
    step = _kernel()
    cycle = 60_000.0 / of.HR
    steps = math.ceil(cycle / dt)
    h = cycle / steps
    y = np.array(of.shares) / sum(of.shares) * of.volume
    chambers = np.array([[c.E_pas, c.E_act, c.k, c.Vref, c.tmax, c.ttr, c.tau, c.delay] for c in (of.atrium, of.ventricle)])
    args = (np.array(of.R), np.array(of.C), np.array(of.Vref), chambers, cycle)
    for _ in range(n - 1):
        y = step(y, steps, h, *args, np.empty((0, 5)), np.empty((0, 5)), np.empty((0, 5)))
    V, P, Q = (np.empty((steps + 1, 5)) for _ in range(3))
    step(y, steps, h, *args, V, P, Q)
    return Beat(of, np.arange(steps + 1) * h, V, P, Q)


@lru_cache(maxsize=1)
def _kernel():
    from dosetwin.structure._circulation_kernel import run

    return run


def doubled(of: Circulation) -> Circulation:
    """The same with twice the arterial resistance."""
    return replace(of, R=(of.R[0], 2.0 * of.R[1], *of.R[2:]))


def peer(HR: float) -> Circulation:
    """As ModularCirc 0.3.0 runs it: its ventricle is activated with the atrium's 150 and 225 ms, whatever it is set to."""
    plain = Circulation(HR=HR)
    return replace(plain, ventricle=replace(plain.ventricle, tmax=150.0, ttr=225.0))


NORMAL = Circulation(
    R=(60.0, 840.0, 9.0, 6.0, 4.1), ventricle=Chamber(1.0, 2.2, 0.0185, 10.0, 280.0, 420.0, 25.0), volume=5250.0, HR=72.0,
)  # fmt: skip
"""A healthy adult at rest: retuned by us so that flows and pressures stand in their usual ranges (assumed)."""
