"""Truths D and E: newborns whose kidneys follow neither structure that the learned kidney stands on.

Truths B and C have the form of van Donge 2021, and the learned kidney averages its forecast with a filter on that form: there a
gain may only show that one of its two structures was the right one. In D filtration is Rhodin's, maturing with postmenstrual age
and weight, and rises after birth as the circulation changes; creatinine is filtered as it comes, nothing leaks back, production
goes with current weight and water per kilogram stays. E is D with C's injuries. Written and committed before any forecaster met
them; nothing is trained or fitted on them. Births, care, wards and laboratories are those of the outside hospitals.
"""

from dataclasses import dataclass

import numpy as np

from dosetwin.errors import InputError
from dosetwin.populations.newborn.draws import normals, uniforms
from dosetwin.populations.newborn_kidney.babies import birth_creatinine, draw
from dosetwin.populations.newborn_kidney.cohort import HORIZONS_H, KidneyCohort
from dosetwin.populations.newborn_kidney.parameters import PARAMETERS, Parameters
from dosetwin.populations.newborn_kidney.randomise import observed
from dosetwin.populations.newborn_kidney.truth import L_PER_D, Course, _condition, _hill, injuries, ornstein_uhlenbeck


@dataclass(frozen=True)
class Neither:
    """Provenance in brackets as in ``kidney_parameters``. Effects of illness and drugs are truth B's."""

    production: float = 6.0  # mg/kg/d; with ``water`` it puts typical creatinine near van Donge's and Boer's tables [D]
    water: float = 0.76  # L/kg at every age [A, Young 2021 at term 0.738]
    at_birth: float = 0.45  # share of Rhodin's filtration at birth [A, Smeets 2022: it doubles in five days]
    rise_d: float = 4.0  # time constant of the rise [A]
    sd_CL: float = 0.28  # between babies, log [A]
    sd_rise: float = 0.40  # log of the time constant [A]
    sd_production: float = 0.20  # [A]
    sd_S0: float = 0.246  # [A]
    wander_sd: float = 0.13  # SD of log filtration over time [A]
    wander_tau: float = 1.3  # d [A]


NEITHER = Neither()


def neither(
    n: int, seed: int, *, injured: bool = False, noise: str = "low", of: Neither = NEITHER, parameters: Parameters = PARAMETERS
) -> KidneyCohort:
    """``n`` babies of truth D, or E when ``injured``; baby i depends on (seed, noise, i) only, and is the same in both until
    it is injured.

    Raises InputError for an unknown noise level or no baby.
    """
    p, b = parameters, parameters.B
    if noise not in p.noise:
        raise InputError("unknown noise level", where="truths D and E", value=noise, allowed=", ".join(p.noise))
    if n < 1:
        raise InputError("a cohort needs a baby", where="truths D and E", value=n, allowed=">= 1")
    babies = draw(n, seed, p.outside, p)
    hours = 24 * p.days + max(HORIZONS_H)
    eta = normals(seed, "kidney/D/eta", n, 4).T
    wander = ornstein_uhlenbeck(normals(seed, "kidney/D/wander", n, hours), of.wander_sd, 24.0 * of.wander_tau)
    fall, onset = np.zeros((n, hours)), np.full(n, np.inf)
    if injured:
        fall, onset = injuries(babies, uniforms(seed, "kidney/E/injury", n, 7), hours, p.C)
    leaves = np.minimum(
        np.maximum(babies.leaves, np.where(np.isfinite(onset), onset + 24.0 * p.C.stay_after_d, 0.0)), 24.0 * p.days
    )
    own, rise = np.exp(of.sd_CL * eta[0]), of.rise_d * np.exp(of.sd_rise * eta[1])
    inflow = of.production * np.exp(of.sd_production * eta[2]) / (10.0 * of.water * 24.0)
    SCR, GFR = np.empty((n, hours + 1)), np.empty((n, hours + 1))
    SCR[:, 0] = birth_creatinine(babies, p.birth) * np.exp(of.sd_S0 * eta[3])
    for h in range(hours):
        t = h + 0.5
        WT, PMA = babies.weight(t / 24.0), babies.GA + t / 168.0
        rhodin = b.rhodin_GFR * (WT / 70.0) ** b.rhodin_exponent * _hill(PMA, np.asarray(b.rhodin_PMA50), b.rhodin_hill)
        grown = 1.0 - (1.0 - of.at_birth) * np.exp(-t / 24.0 / rise)
        GFR[:, h] = rhodin * grown * own * _condition(babies, t, b, p.care.asphyxia_h) * np.exp(wander[:, h] - fall[:, h])
        GFR[:, h] *= np.where(babies.ibuprofen.on(slice(None), t), 0.95, 1.0)
        rate = L_PER_D / 24.0 * GFR[:, h] / (of.water * WT)
        steady = inflow / rate
        SCR[:, h + 1] = steady + (SCR[:, h] - steady) * np.exp(-rate)
    GFR[:, hours] = GFR[:, hours - 1]
    course = Course(SCR, GFR, np.concatenate([fall, fall[:, -1:]], axis=1))
    return observed("E" if injured else "D", seed, noise, babies, course, onset, p.outside, leaves, p)
