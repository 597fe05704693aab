"""The newborns of trials on infections as a population for any therapy: ages, sizes, daily weights, care that runs."""

import numpy as np

from dosetwin.populations.newborn.newborns import Newborns, cohort
from dosetwin.populations.population import People, Population

DAYS = 14
"""Daily weights that a chart holds."""
CARE = {"IBU": "ibuprofen", "COOLING": "cooling"}


def _one(number: int, seed: int) -> Newborns:
    return cohort(1, seed, "nicu", first=number)


def newborns(number: np.ndarray, seed: int) -> People:
    """Newborns of these numbers."""
    babies = [_one(int(i), seed) for i in number]

    def each(name: str) -> np.ndarray:
        return np.array([float(getattr(b, name)[0]) for b in babies])

    WT = np.concatenate([b.weight(24.0 * np.arange(DAYS)) for b in babies])
    hours = 24.0 * np.arange(1, DAYS)
    values = {"GA": each("GA"), "BW": each("BW"), "PNA": each("PNA"), "SEX": each("male"), "WT": WT[:, 0],
              "ASPHYXIA": each("asphyxia")}  # fmt: skip
    values["PMA"] = values["GA"] + values["PNA"] / 7.0
    on = {flag: np.concatenate([b.on(care, 24.0 * np.arange(DAYS)) for b in babies]) for flag, care in CARE.items()}
    values |= {flag: runs[:, 0].astype(np.float64) for flag, runs in on.items()}
    later = {"WT": (hours, WT[:, 1:])} | {flag: (hours, runs[:, 1:].astype(np.float64)) for flag, runs in on.items()}
    return People(number, values, later)


POPULATION = Population(
    "newborns",
    "newborns treated for suspected sepsis, 23 to 42 weeks at birth",
    newborns,
    ("GA", "BW", "PNA", "PMA", "SEX", "WT", "ASPHYXIA", "IBU", "COOLING"),
    ("populations/newborn/newborns.py: every number beside its source", "no creatinine: it belongs to a truth of the kidney"),
)
