"""When a ward draws creatinine, and what its laboratory then prints: informative sampling, assay, noise, unit.

At most one sample in each 12 hours. The odds depend on what the ward knows (age, illness, drugs, its own last results, its
hospital's habits) and, where the truth is an injury, on the urine output that goes with it. Sampling stops at discharge.
"""

from dataclasses import dataclass

import numpy as np

from dosetwin.populations.newborn.draws import normals, uniforms
from dosetwin.populations.newborn_kidney.babies import Babies
from dosetwin.populations.newborn_kidney.parameters import Hospitals, Noise, Parameters, Sampling
from dosetwin.populations.newborn_kidney.truth import Course
from dosetwin.quantities.assays import ASSAYS, UMOL_PER_MG_DL

SLOT_H = 12
INJURED = 0.2
"""Fall of log clearance from which urine output shows it."""


@dataclass(frozen=True, eq=False)
class Samples:
    """One row per measurement [m], sorted by baby and time: hour ``t_h``, latent and printed values on the baby's own assay."""

    baby: np.ndarray
    t_h: np.ndarray
    latent: np.ndarray
    printed: np.ndarray
    """In the hospital's unit, rounded as its laboratory does."""


def on_own_assay(SCR: np.ndarray, slope: np.ndarray, intercept: np.ndarray) -> np.ndarray:
    """What an assay without noise reads, mg/dL, at true (IDMS) creatinine ``SCR``: the lines of ``units.ASSAYS`` backwards."""
    return (SCR - intercept) / slope


def assay_lines(babies: Babies, group: Hospitals) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept (mg/dL) of each baby's assay to IDMS."""
    lines = np.array([ASSAYS[h.assay] for h in group.sites])
    return lines[babies.hospital, 0], lines[babies.hospital, 1]


def sample(
    babies: Babies, course: Course, group: Hospitals, noise: Noise, seed: int, p: Parameters, *, leaves: np.ndarray
) -> Samples:
    """All measurements of all babies until they leave, at most ``p.days``."""
    s, n = p.sampling, len(babies)
    slots = p.days * 24 // SLOT_H
    chance = uniforms(seed, "kidney/sampling", n, 2 * slots + 1)
    error = normals(seed, "kidney/noise", n, slots)
    slope, intercept = assay_lines(babies, group)
    umol = np.array([h.unit == "umol/L" for h in group.sites])[babies.hospital]
    habit = np.array([h.odds for h in group.sites])[babies.hospital] * np.array(s.by_GA)[babies.band]
    rows: list[tuple[np.ndarray, ...]] = []
    last, lowest = np.full(n, np.nan), np.full(n, np.inf)
    last_h = np.full(n, -np.inf)
    alarmed = np.zeros(n, dtype=bool)
    for slot in range(slots):
        # each ward has its round at an hour of its own, give or take three hours
        t = np.floor(SLOT_H * slot + 6.0 * chance[:, -1] + 6.0 * chance[:, slots + slot]).astype(int)
        t = np.maximum(t, 1)
        odds = habit * np.interp(SLOT_H * slot / 24.0, [x[0] for x in s.odds], [x[1] for x in s.odds])
        odds = odds * (s.evening if slot % 2 else 1.0)
        odds = odds * np.where(_ill(babies, t), s.ill, 1.0)
        odds = odds * np.where(course.injury[np.arange(n), t] > INJURED, s.unwell, 1.0)
        recent = t - last_h < 24.0 * s.rising_memory_d
        odds = odds * np.where(recent & alarmed, s.rising, 1.0) * np.where(recent & (last > s.high_value), s.high, 1.0)
        drawn = np.flatnonzero((chance[:, slot] < odds / (1.0 + odds)) & (t < leaves))
        if not len(drawn):
            continue
        latent = on_own_assay(course.SCR[drawn, t[drawn]], slope[drawn], intercept[drawn])
        sd = np.hypot(noise.proportional * latent, noise.additive)
        printed = _print(latent + sd * error[drawn, slot], umol[drawn], s)
        value = np.where(umol[drawn], printed / UMOL_PER_MG_DL, printed)
        rows.append((drawn, t[drawn], latent, printed))
        alarmed[drawn] = (value - lowest[drawn] >= 0.3) | (value >= 1.5 * lowest[drawn])
        lowest[drawn] = np.minimum(lowest[drawn], value)
        last[drawn], last_h[drawn] = value, t[drawn]
    baby, hour, latent, printed = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = np.lexsort((hour, baby))
    return Samples(baby[order], hour[order], latent[order], printed[order])


def _ill(babies: Babies, t: np.ndarray) -> np.ndarray:
    """Whether a ward looks closer: drugs that go to the kidney, support of the circulation, the days after asphyxia."""
    everyone = slice(None)
    ill = babies.asphyxia & (t < 72)
    for care in (babies.inotropes, babies.cooling, babies.ibuprofen, babies.indomethacin, babies.vancomycin):
        ill = ill | care.on(everyone, t)
    return ill


def _print(value: np.ndarray, umol: np.ndarray, s: Sampling) -> np.ndarray:
    """Results as printed, from mg/dL: not below the reporting limit, rounded to 1 umol/L or to a step in mg/dL."""
    value = np.maximum(value, s.report_limit)
    return np.where(umol, np.round(value * UMOL_PER_MG_DL), np.round(np.round(value / s.step_mg_dL) * s.step_mg_dL, 4))
