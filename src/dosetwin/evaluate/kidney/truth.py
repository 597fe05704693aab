"""What only the judge knows: two oracles, the filtration relative to a typical baby, and the amikacin trough that follows.

The trough: as if amikacin were started at each moment by the rule ``decock_smits`` (20 min infusion), read just before the second
dose. Volumes, intercompartmental clearance, weight, age and ibuprofen are the same for the truth and for every kidney (De Cock
2012, typical values, charted data); clearance is De Cock's times a relative filtration hour by hour: the truth's own filtration
over that of its typical baby of the same gestation, weight, age and ibuprofen, or what a kidney predicts over Wu's typical
filtration. Maturation alone: 1. Cooling, asphyxia, other drugs and luck are thus in the true factor, and De Cock's own factor for
ibuprofen is counted once. A kidney's factor is read at 24, 48 and 72 h, its log a straight line between, the first value before.
"""

from dataclasses import dataclass, replace

import numpy as np

from dosetwin import formulary
from dosetwin.declare import Facts, Says
from dosetwin.evaluate.kidney import kernel
from dosetwin.evaluate.kidney.batch import Answers, Moments
from dosetwin.evaluate.kidney.origins import HOURS, Origins
from dosetwin.models import amikacin_decock_2012 as decock
from dosetwin.populations.newborn_kidney import truth as kidney_truth
from dosetwin.populations.newborn_kidney.babies import Babies, Interval, draw
from dosetwin.populations.newborn_kidney.cohort import HORIZONS_H, KidneyCohort
from dosetwin.populations.newborn_kidney.parameters import PARAMETERS

DRAWS = 40
"""Futures of the wandering, for the spread of the oracle that knows today's state."""
INFUSION = 20.0 / 60.0
"""h."""
_EVERYONE = slice(None)


@dataclass(frozen=True, eq=False)
class Told:
    """The hidden side of a cohort, remade from its seed: ``babies``, their ``luck``, and rates without luck by hour [n, H]:
    ``inflow`` mg/dL/h, ``rate`` 1/h; ``typical`` filtration mL/min of a baby without deviations, ibuprofen its only flag."""

    babies: Babies
    luck: kidney_truth.Luck
    inflow: np.ndarray
    rate: np.ndarray
    typical: np.ndarray
    wander: tuple[float, float]


def told(cohort: KidneyCohort, hospitals: str | None = None) -> Told:
    """Everything that is true of a cohort. ``hospitals`` as the cohort was made with."""
    p, truth, n = PARAMETERS, cohort.truth, len(cohort)
    home = truth == "A" if hospitals is None else hospitals == "home"
    babies = draw(n, cohort.seed, p.home if home else p.outside, p)
    hours = 24 * p.days + max(HORIZONS_H)
    luck = kidney_truth.luck(truth, babies, cohort.seed, hours, p)
    of = p.A if truth == "A" else p.B
    rates = kidney_truth._composite if truth == "A" else kidney_truth._reconstruction
    still = replace(luck, wander=np.zeros_like(luck.wander), injury=np.zeros_like(luck.injury))
    at = rates(babies, still, of, p.care.asphyxia_h)  # type: ignore[arg-type]
    inflow, rate = np.empty((n, hours)), np.empty((n, hours))
    for h in range(hours):
        inflow[:, h], rate[:, h], _ = at(h)
    never = Interval(np.full((n, 1), np.inf), np.full((n, 1), np.inf))
    plain = replace(
        babies, asphyxia=np.zeros(n, dtype=bool), cooling=never, indomethacin=never, aminoglycoside=never, vancomycin=never
    )
    level = rates(plain, kidney_truth.no_luck(n, hours), of, p.care.asphyxia_h)  # type: ignore[arg-type]
    typical = np.stack([level(h)[2] for h in range(hours)], axis=1)
    return Told(babies, luck, inflow, rate, typical, (of.wander_sd, 24.0 * of.wander_tau))


def oracle_today(cohort: KidneyCohort, about: Told, origins: Origins) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance [n, 3] of log creatinine (IDMS) for one who knows every hidden value now, the treatments to come, and the
    further course of an injury that has begun, but neither new luck nor an injury that has not."""
    sd, tau = about.wander
    keep = float(np.exp(-1.0 / tau))
    z = np.random.default_rng([cohort.seed, 20_240]).standard_normal((DRAWS, int(HOURS[-1])))
    out = np.empty((len(origins), len(HOURS), 2))
    ongoing = about.luck.onset[origins.baby] <= origins.now
    kernel.told_state(
        origins.baby, origins.now.astype(np.int64), cohort.hidden.SCR, about.inflow, about.rate, about.luck.wander,
        about.luck.injury, ongoing, keep, sd * np.sqrt(1.0 - keep**2), z, np.array(HORIZONS_H, dtype=np.int64), out,
    )  # fmt: skip
    return out[..., 0], out[..., 1] ** 2


def oracle_filtration(cohort: KidneyCohort, about: Told, origins: Origins) -> np.ndarray:
    """Log filtration ahead [n, 3], mL/min, of the one who knows today's state: what no new luck would leave."""
    last, tau = about.luck.wander.shape[1] - 1, about.wander[1]
    baby, hour = origins.baby[:, None], origins.now.astype(np.int64)[:, None]
    ahead = hour + np.array(HORIZONS_H)
    at = np.minimum(ahead, last)
    kept = about.luck.wander[baby, np.maximum(hour - 1, 0)] * np.exp(-(ahead - hour + 1) / tau)
    new = about.luck.onset[baby] > hour
    return np.log(cohort.hidden.GFR[baby, ahead]) - about.luck.wander[baby, at] + kept + new * about.luck.injury[baby, at]


@dataclass(frozen=True, eq=False)
class Courses:
    """Amikacin as if started at each moment: ``dose`` mg, ``tau`` h, ``V1`` L [n], by hour [n, H] typical ``CL`` and ``Q`` L/h,
    ``relative`` true filtration, and the true ``trough`` mg/L [n] (NaN when the rule says nothing)."""

    dose: np.ndarray
    tau: np.ndarray
    V1: np.ndarray
    CL: np.ndarray
    Q: np.ndarray
    relative: np.ndarray
    trough: np.ndarray

    def predicted(self, log_factor: np.ndarray) -> np.ndarray:
        """Trough [n], mg/L, by a kidney's log relative filtration [n, 3] at HOURS."""
        t = np.arange(self.CL.shape[1]) + 0.5
        x = np.clip(t, HOURS[0], HOURS[-1])
        k = np.clip(((x - HOURS[0]) // (HOURS[1] - HOURS[0])).astype(int), 0, len(HOURS) - 2)
        share = (x - np.array(HOURS)[k]) / (HOURS[1] - HOURS[0])
        factor = np.exp(log_factor[:, k] * (1.0 - share) + log_factor[:, k + 1] * share)
        found = kernel.troughs(self.dose, self.tau, INFUSION, self.CL, factor, self.V1, self.Q)
        return np.where(np.isfinite(self.trough), found, np.nan)


def courses(cohort: KidneyCohort, about: Told, origins: Origins) -> Courses:
    """The courses of amikacin and their true troughs."""
    theta, n, span = decock.theta(), len(origins), int(HOURS[-1])
    baby, hour = origins.baby, origins.now.astype(np.int64)
    stays = [origins.stays[b] for b in baby.tolist()]
    WT = np.array(
        [r.weight_at(t) for r, t in zip((s.until(t) for s, t in zip(stays, origins.now, strict=True)), origins.now, strict=True)]
    )
    advice = formulary.rule("decock_smits")
    dose, tau = np.full(n, np.nan), np.full(n, np.nan)
    for o, (r, t, w) in enumerate(zip(stays, origins.now.tolist(), WT.tolist(), strict=True)):
        says = advice.advise(
            Facts(WT=w, GA=r.GA, PMA=r.GA + t / 168.0, PNA=t / 24.0, IBU=r.flag_at("IBU", t),
                  ASPHYXIA=r.flag_at("ASPHYXIA", t), COOLING=r.flag_at("COOLING", t))
        )  # fmt: skip
        if isinstance(says, Says) and says.interval <= span:
            dose[o], tau[o] = says.amount * w, says.interval
    ahead = hour[:, None] + np.arange(span)
    BW = np.array([r.BW for r in origins.stays])[baby][:, None]
    ibuprofen = np.stack([about.babies.ibuprofen.on(baby, hour + u + 0.5) for u in range(span)], axis=1)
    CL = theta.TVCL * (BW / theta.BW_REF) ** theta.BW_CL * (1.0 + theta.PNA_CL * (ahead + 0.5) / 24.0 / theta.PNA_REF)
    CL = CL * np.where(ibuprofen, theta.IBU_CL, 1.0)
    V1 = theta.TVV1 * (WT / theta.WT_REF) ** theta.WT_V1
    who = baby[:, None]
    relative = cohort.hidden.GFR[who, ahead] / about.typical[who, ahead]
    Q = theta.Q_CL * CL
    known = np.isfinite(dose)
    truth = kernel.troughs(np.where(known, dose, 1.0), np.where(known, tau, 24.0), INFUSION, CL, relative, V1, Q)
    return Courses(np.where(known, dose, 1.0), np.where(known, tau, 24.0), V1, CL, Q, relative, np.where(known, truth, np.nan))


def log_relative(m: Moments, a: Answers) -> np.ndarray:
    """A kidney's log filtration [n, 3] over Wu's typical one with ibuprofen as its only flag."""
    return a.log_GFR - np.log(m.plain)
