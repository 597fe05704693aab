"""Adults in hospital or on tablets: age, sex, body size, creatinine, and the genotypes that a dose of warfarin hangs on.

Each number stands beside its source; facts are drawn one after the other, size by sex, creatinine by sex.
"""

import numpy as np

from dosetwin.populations.population import People, Population
from dosetwin.populations.spread import Spread
from dosetwin.streams import uniforms
from dosetwin.structure.creatinine_clearance import cockcroft_gault

AGE = Spread("AGE", "normal", mean=64.0, sd=15.0, low=20.0, high=90.0, source="assumed: adults treated in hospital")
MEN = 0.52
"""Share of men, assumed."""
NHANES = "recalled: NHANES 2015-2018, adults of the United States"
HT = (
    Spread("HT", "normal", mean=161.5, sd=7.1, low=140.0, high=185.0, source=NHANES),
    Spread("HT", "normal", mean=175.3, sd=7.6, low=150.0, high=205.0, source=NHANES),
)
"""cm, women, men."""
BMI = (
    Spread("BMI", "lognormal", median=28.6, cv=0.26, low=16.0, high=55.0, source=NHANES),
    Spread("BMI", "lognormal", median=28.5, cv=0.21, low=16.0, high=55.0, source=NHANES),
)
"""kg/m2, women, men; independent of height and age (assumed)."""
SCR = (
    Spread("SCR", "lognormal", median=0.78, cv=0.32, low=0.4, high=4.0, source="assumed"),
    Spread("SCR", "lognormal", median=0.98, cv=0.32, low=0.4, high=4.0, source="assumed"),
)
"""mg/dL, women, men; independent of age (assumed: clearance falls with age through Cockcroft and Gault all the same)."""
EUR = "1000 Genomes, Europeans, as tabulated in PMC6562764 table 1; Hardy-Weinberg assumed"
CYP2C9_2, CYP2C9_3, VKORC1_A, CYP4F2_3 = 0.124, 0.073, 0.388, 0.290
"""Allele frequencies: CYP2C9*2, *3, VKORC1 -1639A, CYP4F2*3 (EUR). Each of the two copies of CYP2C9 carries one of *1, *2, *3."""


def adults(number: np.ndarray, seed: int) -> People:
    """Adults of these numbers."""

    def drawn(s: Spread) -> np.ndarray:
        return s.drawn(number, seed, f"adults/{s.name}")

    male = uniforms(seed, "adults/SEX", number, 1)[:, 0] < MEN

    def by_sex(pair: tuple[Spread, Spread]) -> np.ndarray:
        return np.where(male, drawn(pair[1]), drawn(pair[0]))

    age, height, index, creatinine = drawn(AGE), by_sex(HT), by_sex(BMI), by_sex(SCR)
    weight = index * (height / 100.0) ** 2
    copies = uniforms(seed, "adults/CYP2C9", number, 2)
    second = copies < CYP2C9_2
    third = (copies >= CYP2C9_2) & (copies < CYP2C9_2 + CYP2C9_3)
    return People(
        number,
        {
            "AGE": age,
            "SEX": male.astype(np.float64),
            "HT": height,
            "WT": weight,
            "SCR": creatinine,
            "CLCR": cockcroft_gault(age, weight, creatinine, male.astype(np.float64)),
            "CYP2C9_2": second.sum(axis=1).astype(np.float64),
            "CYP2C9_3": third.sum(axis=1).astype(np.float64),
            "VKORC1_A": (uniforms(seed, "adults/VKORC1", number, 2) < VKORC1_A).sum(axis=1).astype(np.float64),
            "CYP4F2_3": (uniforms(seed, "adults/CYP4F2", number, 2) < CYP4F2_3).sum(axis=1).astype(np.float64),
        },
    )


POPULATION = Population(
    "adults",
    "adults of European descent in hospital, 20 to 90 years",
    adults,
    ("AGE", "SEX", "HT", "WT", "SCR", "CLCR", "CYP2C9_2", "CYP2C9_3", "VKORC1_A", "CYP4F2_3"),
    (
        f"AGE: {AGE.source}", "SEX: 52 % men, assumed", f"HT: {NHANES}", f"WT: from HT and a body mass index, {NHANES}",
        "SCR: assumed", "CLCR: Cockcroft and Gault 1976", f"genotypes: {EUR}",
    ),
)  # fmt: skip
