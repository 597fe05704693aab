"""Three truths about a newborn's creatinine, each solved hour by hour: what a forecaster may never see.

A is the composite of ``models/amikacin_neonate`` (Wu 2024 filtration, body water, back-leak). B has another structure: the form
of van Donge 2021, clearance of creatinine maturing with postnatal age, filtration with postmenstrual age as in Rhodin 2009, the
two moved by the same individual deviations. C is B with injuries that no record mentions. Rates are taken at the middle of each
hour, within which the balance is solved exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dosetwin.populations.newborn.draws import normals, uniforms
from dosetwin.populations.newborn_kidney.babies import Babies, birth_creatinine
from dosetwin.populations.newborn_kidney.parameters import Composite, Injury, Parameters, Reconstruction

L_PER_D = 1.44
"""L/d in 1 mL/min."""

Rates = Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Course:
    """Creatinine ``SCR`` mg/dL (IDMS) and filtration ``GFR`` mL/min at each hour 0..H: [n, H+1]; ``injury`` log fall [n, H+1]."""

    SCR: np.ndarray
    GFR: np.ndarray
    injury: np.ndarray


@dataclass(frozen=True, eq=False)
class Luck:
    """What no covariate explains: between-baby scores ``eta`` [n, k], ``wander`` of log filtration [n, H], ``injury`` [n, H]."""

    eta: np.ndarray
    wander: np.ndarray
    injury: np.ndarray
    onset: np.ndarray


def luck(truth: str, babies: Babies, seed: int, hours: int, p: Parameters) -> Luck:
    """The luck of every baby under truth A, B or C; B and C share theirs but for the injuries."""
    n = len(babies)
    family, of = ("A", p.A) if truth == "A" else ("B", p.B)
    eta = normals(seed, f"kidney/{family}/eta", n, 8)
    wander = ornstein_uhlenbeck(normals(seed, f"kidney/{family}/wander", n, hours), of.wander_sd, 24.0 * of.wander_tau)
    injury, onset = np.zeros((n, hours)), np.full(n, np.inf)
    if truth == "C":
        injury, onset = injuries(babies, uniforms(seed, "kidney/C/injury", n, 7), hours, p.C)
    return Luck(eta, wander, injury, onset)


def no_luck(n: int, hours: int) -> Luck:
    """Typical babies."""
    return Luck(np.zeros((n, 8)), np.zeros((n, hours)), np.zeros((n, hours)), np.full(n, np.inf))


def ornstein_uhlenbeck(z: np.ndarray, sd: float, tau: float) -> np.ndarray:
    """Wandering [n, H] from standard normal ``z`` [n, H]: SD ``sd`` at every hour, correlation exp(-dt/``tau`` h)."""
    keep = np.exp(-1.0 / tau)
    x = np.empty_like(z)
    x[:, 0] = sd * z[:, 0]
    for h in range(1, z.shape[1]):
        x[:, h] = keep * x[:, h - 1] + sd * np.sqrt(1.0 - keep**2) * z[:, h]
    return x


def injuries(babies: Babies, u: np.ndarray, hours: int, c: Injury) -> tuple[np.ndarray, np.ndarray]:
    """Fall of log clearance [n, H] (0 without injury) and its first hour [n] (infinite without)."""

    def between(k: int, limits: tuple[float, float]) -> np.ndarray:
        return limits[0] + u[:, k] * (limits[1] - limits[0])

    hurt = u[:, 0] < np.array(c.share)[babies.band]
    late = 24.0 * between(2, c.late_day)
    # an injury happens on the ward: a late one needs a baby that is still there, an early one comes before going home
    early = np.minimum(24.0 * between(2, c.early_day), babies.leaves * (0.1 + 0.8 * u[:, 2]))
    onset = np.where((u[:, 1] < c.early) | (late >= babies.leaves), early, late)
    t = np.arange(hours)[None, :] + 0.5 - onset[:, None]
    fall, plateau, recovery = between(4, c.onset_h), 24.0 * between(5, c.plateau_d), 24.0 * between(6, c.recovery_d)
    worst = 1.0 - np.exp(-np.clip(np.minimum(t, plateau[:, None]), 0.0, None) / fall[:, None])
    healed = np.exp(-np.clip(t - plateau[:, None], 0.0, None) / recovery[:, None])
    shape = np.where(hurt[:, None], between(3, c.depth)[:, None] * worst * healed, 0.0)
    return shape, np.where(hurt, onset, np.inf)


def solve(truth: str, babies: Babies, chance: Luck, p: Parameters) -> Course:
    """Creatinine and filtration of every baby, hour by hour, under truth A, B or C."""
    n, hours = chance.wander.shape
    SCR, GFR = np.empty((n, hours + 1)), np.empty((n, hours + 1))
    care_h = p.care.asphyxia_h
    at = _composite(babies, chance, p.A, care_h) if truth == "A" else _reconstruction(babies, chance, p.B, care_h)
    sd_S0 = p.A.sd_S0 if truth == "A" else p.B.sd_S0
    SCR[:, 0] = birth_creatinine(babies, p.birth) * np.exp(sd_S0 * chance.eta[:, 5])
    for h in range(hours):
        inflow, rate, GFR[:, h] = at(h)
        steady = inflow / rate
        SCR[:, h + 1] = steady + (SCR[:, h] - steady) * np.exp(-rate)
    GFR[:, hours] = GFR[:, hours - 1]
    return Course(SCR, GFR, np.concatenate([chance.injury, chance.injury[:, -1:]], axis=1))


def _hill(x: float | np.ndarray, half: np.ndarray, power: np.ndarray | float) -> np.ndarray:
    return 1.0 / (1.0 + (half / x) ** power)


def _condition(babies: Babies, t: float, of: Composite | Reconstruction, asphyxia_h: float) -> np.ndarray:
    """Factor of asphyxia, cooling and nephrotoxic drugs on clearance at ``t`` h: [n]."""
    everyone = slice(None)
    suffering = np.where(babies.asphyxia & (t < asphyxia_h), np.log(of.asphyxia), 0.0)
    effect = babies.severity * np.where(babies.cooling.on(everyone, t), np.log(of.cooled), suffering)
    toxic = babies.aminoglycoside.on(everyone, t) & babies.vancomycin.on(everyone, t)
    effect = effect + np.where(toxic, np.log(of.nephrotoxic), 0.0)
    return np.exp(effect + np.where(babies.indomethacin.on(everyone, t), np.log(of.indomethacin), 0.0))


def _composite(babies: Babies, chance: Luck, a: Composite, asphyxia_h: float) -> Rates:
    """Inflow (mg/dL/h), rate (1/h) and filtration (mL/min) of truth A in the hour after ``h``."""
    eta = chance.eta.T
    PNA50 = a.PNA50 * (babies.GA / a.GA_ref) ** a.GA_exponent * np.exp(a.sd_PNA50 * eta[2])
    hill = a.hill * np.exp(a.sd_hill * eta[3])
    birth = a.GFR_birth * babies.BW / a.BW_ref * np.exp(a.sd_birth * eta[0])
    water = a.water + a.water_GA * (40.0 - babies.GA)
    production = a.production * (babies.GA / 30.0) ** a.production_GA * np.exp(a.sd_production * eta[4])
    R0 = np.minimum(a.leak * np.exp(-a.leak_GA * (babies.GA - 27.0) + a.sd_leak * eta[6]), a.leak_max)

    def at(h: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        t = h + 0.5
        WT = babies.weight(t / 24.0)
        grown = a.GFR_max * (WT / a.BW_ref) ** a.WT_exponent * np.exp(a.sd_max * eta[1])
        GFR = birth + (grown - birth) * _hill(t / 24.0, PNA50, hill)
        # an absolute fall, as printed, but never more than a fifth of what a tiny baby has
        GFR = GFR - np.where(babies.ibuprofen.on(slice(None), t), np.minimum(a.ibuprofen, 0.2 * GFR), 0.0)
        GFR = GFR * _condition(babies, t, a, asphyxia_h) * np.exp(chance.wander[:, h] - chance.injury[:, h])
        kept = 1.0 - R0 * np.exp(-t / 24.0 / a.leak_tau)
        return production / (10.0 * water * 24.0), L_PER_D / 24.0 * GFR * kept / (water * WT), GFR

    return at


def _reconstruction(babies: Babies, chance: Luck, b: Reconstruction, asphyxia_h: float) -> Rates:
    """Inflow (mg/dL/h), rate (1/h) and filtration (mL/min) of truths B and C in the hour after ``h``."""
    eta = chance.eta.T
    size, mature = babies.BW / b.BW_ref, babies.GA / b.GA_ref
    own = np.exp(b.sd_CL * eta[0])
    T50 = b.T50 * mature**b.T50_GA * np.exp(b.sd_T50 * eta[2]) * np.where(babies.caesarean, b.caesarean_T50, 1.0)
    CL_birth, CL_rise = b.CL_birth * size * mature**b.CL_birth_GA, b.CL_rise * size * mature**b.CL_rise_GA
    production = b.production * size * np.exp(b.sd_production * eta[4])
    volume = b.volume * np.exp(b.sd_volume * eta[6])
    tubular = np.exp(b.sd_tubular * eta[7])

    def at(h: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        t = h + 0.5
        WT = babies.weight(t / 24.0)
        CL = CL_birth + CL_rise * _hill(t / 24.0, T50, b.hill)
        less = np.where(babies.ibuprofen.on(slice(None), t), np.minimum(b.ibuprofen * size / CL, 0.2), 0.0)
        changed = own * (1.0 - less) * _condition(babies, t, b, asphyxia_h)
        changed = changed * np.exp(chance.wander[:, h] - chance.injury[:, h])
        V = volume * WT
        PMA = babies.GA + t / 168.0
        rhodin = b.rhodin_GFR * (WT / 70.0) ** b.rhodin_exponent * _hill(PMA, np.asarray(b.rhodin_PMA50), b.rhodin_hill)
        # a kidney slow to mature in creatinine is as slow in filtration
        pace = CL / (CL_birth + CL_rise * _hill(t / 24.0, b.T50 * mature**b.T50_GA, b.hill))
        return production / (10.0 * V * 24.0), CL * changed * tubular / V / 24.0, rhodin * pace * changed

    return at
