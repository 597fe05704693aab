"""What a virtual newborn's body really does: clearance, volumes and creatinine hour by hour under a truth model, and true levels.

Two compartments of De Cock 2012 with the flagship's links: one random effect on filtration moves drug and creatinine, each has
its own beside it, drug clearance scatters between days, cooling and ibuprofen act as in ``models.amikacin_neonate`` (whose
numbers are read from there), kidneys may be injured for a while, filtration may wander. The truth need not be what a policy
believes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, expm1, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

from dosetwin.errors import UnknownName
from dosetwin.models import load
from dosetwin.populations.newborn.newborns import OCCASIONS, WANDER_H, WANDER_STEPS, WT_MAX, Newborns
from dosetwin.structure.growth import weight_after_birth
from dosetwin.structure.kidney import (
    COOLED,
    GA_TERM,
    IBUPROFEN_LOSS,
    LEAK,
    LEAK_GA,
    LEAK_SLOPE,
    LEAK_TAU,
    ML_PER_MIN_TO_L_PER_H,
    PRODUCTION,
    PRODUCTION_EXPONENT,
    PRODUCTION_GA,
    REWARMED,
    SCR_BIRTH,
    SCR_BIRTH_GA,
    SCR_BIRTH_MAX,
    SCR_BIRTH_SLOPE,
    TBW_SLOPE,
    TBW_TERM,
    WU_BIRTH,
    WU_GA,
    WU_GA_PNA50,
    WU_GROWN,
    WU_HILL,
    WU_PNA50,
    WU_WT,
    WU_WT_GROWN,
)  # fmt: skip

BELIEVED = "amikacin_neonate"
"""The model whose typical values the truth starts from, and which policies believe."""
STEP_H = 1.0
"""h over which clearance and volumes are constant."""
DT = 0.25
"""h, the grid of true levels."""


@dataclass(frozen=True)
class Truth:
    """A truth model as data. Factors on clearance and volume, SDs of log random effects (order of ``newborns.PK``), residuals.

    ``occasion`` SD of log drug clearance between days; ``wander`` SD of a slow wander of log filtration (``wander_tau_d``);
    ``level_prop`` and ``level_add`` (mg/L) of a measured level, ``scr_prop`` and ``scr_add`` (mg/dL) of a measured creatinine:
    SD = sqrt((prop x)^2 + add^2).
    """

    name: str
    CL: float = 1.0
    V: float = 1.0
    GFR_sd: float = 0.22
    CL_sd: float = 0.15
    V_sd: float = 0.15
    PROD_sd: float = 0.198
    S0_sd: float = 0.246
    occasion: float = 0.138
    wander: float = 0.0
    wander_tau_d: float = 1.5
    level_prop: float = 0.248
    level_add: float = 0.517
    scr_prop: float = 0.05
    scr_add: float = 0.03
    note: str = ""

    @property
    def sd(self) -> np.ndarray:
        """SDs in the order of ``newborns.PK``."""
        return np.array([self.GFR_sd, self.CL_sd, self.V_sd, self.PROD_sd, self.S0_sd])


TRUTHS: Mapping[str, Truth] = {
    t.name: t
    for t in (
        Truth("as_believed", note="SDs and residual of the belief (amikacin_neonate); creatinine of a good laboratory [assumed]"),
        Truth("shifted", CL=0.8, V=1.12, GFR_sd=0.286, CL_sd=0.195, V_sd=0.195, occasion=0.20, wander=0.12,
              note="clearance 20 % lower, volume 12 % higher, SDs 1.3 times, more scatter between days, wandering filtration"),
        Truth("good_assay", level_prop=0.10, level_add=0.3, note="as believed, levels measured with 10 % and 0.3 mg/L [assumed]"),
    )
}  # fmt: skip


def truth_named(name: str) -> Truth:
    """A truth by name. Raises UnknownName."""
    if name not in TRUTHS:
        raise UnknownName("unknown truth model", where="truth", value=name, allowed=", ".join(TRUTHS))
    return TRUTHS[name]


@dataclass(frozen=True, eq=False)
class Physiology:
    """Hour by hour from the first dose, each [n, T]: CL and Q L/h, V1 = V2 L, SCR mg/dL (noise-free), GFR mL/min.

    Row j holds from j to j + 1 h; SCR is the value at j h.
    """

    CL: np.ndarray
    V1: np.ndarray
    Q: np.ndarray
    SCR: np.ndarray
    GFR: np.ndarray

    def take(self, who: np.ndarray | slice) -> "Physiology":
        """The babies ``who``."""
        return Physiology(self.CL[who], self.V1[who], self.Q[who], self.SCR[who], self.GFR[who])


class _Numbers(NamedTuple):
    """What the kernel needs of the flagship's theta, and the truth's own factors."""

    TVCL: float
    BW_CL: float
    PNA_CL: float
    IBU_CL: float
    BW_REF: float
    PNA_REF: float
    TVV1: float
    WT_V1: float
    WT_REF: float
    Q_CL: float
    PATH_CL: float
    REWARM_CL: float
    CL: float
    V: float
    occasion: float


def _numbers(truth: Truth) -> _Numbers:
    given = dict(zip(load(BELIEVED).thetas, load(BELIEVED).theta_values.tolist(), strict=True))
    own = {"CL": truth.CL, "V": truth.V, "occasion": truth.occasion}
    return _Numbers(*((own | given)[f] if f not in own else own[f] for f in _Numbers._fields))


def physiology(babies: Newborns, hours: int, truth: Truth) -> Physiology:
    """What the bodies of ``babies`` do in the first ``hours`` h after the first dose."""
    n = len(babies)
    eta = babies.pk * truth.sd
    fall = np.exp(-WANDER_H / (24.0 * truth.wander_tau_d))
    wander = np.empty_like(babies.wander)
    wander[:, 0] = babies.wander[:, 0]
    for j in range(1, WANDER_STEPS):
        wander[:, j] = fall * wander[:, j - 1] + np.sqrt(1.0 - fall * fall) * babies.wander[:, j]
    out = np.empty((5, n, hours))
    _bodies(babies.GA, babies.BW, babies.PNA, babies.weight_scatter, babies.asphyxia, babies.cooling, babies.ibuprofen,
            babies.injury, eta, babies.occasion, truth.wander * wander, _numbers(truth), out)  # fmt: skip
    return Physiology(*out)


_after_birth = njit(cache=True, nogil=True)(weight_after_birth)


@njit(cache=True, nogil=True)
def _weight(BW, GA, PNA, depth, pace, growth):
    """``Newborns.weight`` of one baby at ``PNA`` d."""
    shape = _after_birth(1.0, GA, PNA / pace)
    if shape < 1.0:
        WT = BW * (1.0 - min(max(depth * (1.0 - shape), 0.0), 0.25))
    else:
        WT = BW * max(shape, 1.0) ** growth
    return min(WT, WT_MAX)


@njit(cache=True, nogil=True)
def _bodies(GA, BW, PNA, scatter, asphyxia, cooling, ibuprofen, injury, eta, occasion, wander, p, out):
    """Fill ``out`` [5, n, T] with CL, V1, Q, SCR and GFR; creatinine starts at birth and moves in exact hourly steps."""
    T = out.shape[2]
    for i in range(len(GA)):
        ga, bw = GA[i], BW[i]
        # the same balance as ``structure.kidney.creatinine_balance``, unrolled; agreement is tested
        birth = WU_BIRTH * bw / WU_WT
        PNA50 = WU_PNA50 * (ga / WU_GA) ** WU_GA_PNA50
        water = TBW_TERM + TBW_SLOPE * (GA_TERM - ga)
        into = PRODUCTION * (ga / PRODUCTION_GA) ** PRODUCTION_EXPONENT / (10.0 * water * 24.0) * exp(eta[i, 3])
        leak = LEAK * exp(-LEAK_SLOPE * (ga - LEAK_GA))
        S = min(SCR_BIRTH * exp(SCR_BIRTH_SLOPE * (ga - SCR_BIRTH_GA)), SCR_BIRTH_MAX) * exp(eta[i, 4])
        size = p.TVCL * (bw / p.BW_REF) ** p.BW_CL * p.CL
        onset, depth, fall, plateau, recovery = injury[i, 0], injury[i, 1], injury[i, 2], injury[i, 3], injury[i, 4]
        deepest = depth * (1.0 - exp(-(plateau - onset) / fall)) if onset < 1e30 else 0.0
        grown = 0.0
        born = -24.0 * PNA[i]
        first = int(np.ceil(born))
        V1 = 0.0
        # from birth to the next whole hour, then hour by hour; parameters are those of the middle
        for h in range(min(first - 1, -1), T):
            begin, end = max(float(h), born), h + 1.0
            if end <= begin:
                continue
            t = 0.5 * (begin + end)
            age = max((t - born) / 24.0, 1e-6)
            WT = _weight(bw, ga, age, scatter[i, 0], scatter[i, 1], scatter[i, 2])
            if h >= 0 or grown == 0.0 or h % 6 == 0:
                grown = WU_GROWN * (WT / WU_WT) ** WU_WT_GROWN
                V1 = p.TVV1 * (WT / p.WT_REF) ** p.WT_V1 * exp(eta[i, 2]) * p.V
            GFR = birth + (grown - birth) / (1.0 + (PNA50 / age) ** WU_HILL)
            ibu = ibuprofen[i, 0] <= t < ibuprofen[i, 1]
            cooled = cooling[i, 0] <= t < cooling[i, 1]
            # absolute, as printed, but never more than a fifth of what a tiny baby has
            on_scr = GFR - (min(IBUPROFEN_LOSS, 0.2 * GFR) if ibu else 0.0)
            on_drug = p.IBU_CL if ibu else 1.0
            TVCL = size * (1.0 + p.PNA_CL * age / p.PNA_REF)
            Q = p.Q_CL * TVCL * on_drug
            if cooled:
                on_scr *= COOLED
                on_drug *= p.PATH_CL
            elif asphyxia[i]:
                on_scr *= REWARMED
                on_drug *= p.PATH_CL * p.REWARM_CL
            w = age * 24.0 / WANDER_H
            j = min(int(w), WANDER_STEPS - 2)
            moved = eta[i, 0] + wander[i, j] + (wander[i, j + 1] - wander[i, j]) * min(w - j, 1.0)
            if t > onset:
                if t < plateau:
                    moved -= depth * (1.0 - exp(-(t - onset) / fall))
                else:
                    moved -= deepest * exp(-(t - plateau) / recovery)
            own = exp(moved)
            if h >= 0:
                day = min(int(t / 24.0), OCCASIONS - 1)
                out[0, i, h] = TVCL * on_drug * own * exp(eta[i, 1] + p.occasion * occasion[i, day])
                out[1, i, h] = V1
                out[2, i, h] = Q
                out[3, i, h] = S
                out[4, i, h] = on_scr * own
            rate = ML_PER_MIN_TO_L_PER_H * on_scr * own * (1.0 - leak * exp(-age / LEAK_TAU)) / (water * WT)
            left = exp(-rate * (end - begin))
            S = S * left + into / rate * (1.0 - left)


@njit(cache=True, nogil=True)
def levels(CL, V1, Q, dose_at, dose_mg, infusion_h, conc, area):
    """True levels of every baby on the grid of ``DT`` h, exactly: two compartments, parameters constant within the hour.

    Parameters
    ----------
    CL, V1, Q : [n, T] of ``Physiology``.
    dose_at : [n, k] grid step at which a dose starts; negative: no dose.
    dose_mg : [n, k] mg, infused over ``infusion_h`` h (a multiple of DT).
    conc : [n, 4 T] filled with mg/L at the grid points (before what starts there).
    area : [n, 4 T] filled with mg h/L since time 0.
    """
    n, T = CL.shape
    per = round(STEP_H / DT)
    steps = round(infusion_h / DT)
    rate = np.zeros(T * per)
    for i in range(n):
        rate[:] = 0.0
        for k in range(dose_at.shape[1]):
            if dose_at[i, k] >= 0:
                for s in range(dose_at[i, k], min(dose_at[i, k] + steps, T * per)):
                    rate[s] += dose_mg[i, k] / infusion_h
        x, y, a, v = 0.0, 0.0, 0.0, V1[i, 0]
        for h in range(T):
            # an amount, not a level, passes from hour to hour as the volume grows
            v = V1[i, h]
            k10, k12 = CL[i, h] / v, Q[i, h] / v
            k21 = k12
            total = k10 + k12 + k21
            root = sqrt(max(total * total - 4.0 * k10 * k21, 0.0))
            fast = -0.5 * (total + root)
            slow = k10 * k21 / fast
            e1, e2 = exp(slow * DT), exp(fast * DT)
            g1, g2 = expm1(slow * DT) / slow, expm1(fast * DT) / fast
            h1, h2 = (g1 - DT) / slow, (g2 - DT) / fast
            w = 1.0 / (slow - fast)
            d = -(k10 + k12)
            m00, m01 = w * (e1 * (d - fast) - e2 * (d - slow)), w * (e1 - e2) * k21
            m10, m11 = w * (e1 - e2) * k12, w * (e1 * (-k21 - fast) - e2 * (-k21 - slow))
            n00, n01, n10 = w * (g1 * (d - fast) - g2 * (d - slow)), w * (g1 - g2) * k21, w * (g1 - g2) * k12
            j00 = w * (h1 * (d - fast) - h2 * (d - slow))
            for q in range(per):
                s = h * per + q
                conc[i, s] = x / v
                area[i, s] = a
                R = rate[s]
                a += (n00 * x + n01 * y + j00 * R) / v
                x, y = m00 * x + m01 * y + n00 * R, m10 * x + m11 * y + n10 * R
