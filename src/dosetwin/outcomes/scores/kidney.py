"""The kidney: filtration by creatinine (CKD-EPI 2021) and the risk that it fails (KFRE)."""

import math
from collections.abc import Mapping

from dosetwin.outcomes.scores.score import SEX, YES_NO, Column, Score
from dosetwin.quantities import UMOL_PER_MG_DL

MG_G = 8.84
"""mg/g in 1 mg/mmol of albumin over creatinine."""
AGE = Column("AGE", "age", "y", 18.0, 110.0)
SEX_COLUMN = Column("SEX", "sex (1 male, 0 female)", "", 0.0, 1.0, words=SEX, whole=True)
SCR = Column("SCR", "serum creatinine", "mg/dL", 0.1, 25.0, units={"umol/L": 1.0 / UMOL_PER_MG_DL})


def ckd_epi(SCR: float, AGE: float, male: bool) -> float:
    """mL/min/1.73 m2 from creatinine mg/dL, age y and sex: Inker 2021, N Engl J Med 385:1737 (no race)."""
    k, a, women = (0.9, -0.302, 1.0) if male else (0.7, -0.241, 1.012)
    return 142.0 * min(SCR / k, 1.0) ** a * max(SCR / k, 1.0) ** -1.2 * 0.9938**AGE * women


def _filtration(v: Mapping[str, float]) -> dict[str, float | str]:
    value = ckd_epi(v["SCR"], v["AGE"], v["SEX"] == 1.0)
    stage = next(
        name for name, least in (("G1", 90), ("G2", 60), ("G3a", 45), ("G3b", 30), ("G4", 15), ("G5", 0)) if value >= least
    )
    return {"EGFR": value, "STAGE": stage}


FOUR = (-0.2201, 0.2467, -0.5567, 0.4510)
SIX = (-0.2218, 0.2553, -0.5541, 0.4562)
EIGHT = (-0.1992, 0.1602, -0.4919, 0.3364)
"""Age, male, filtration, ln albuminuria."""
BASE = {4: (0.9750, 0.9240, 0.9832, 0.9365), 6: (0.9750, 0.9240, 0.9830, 0.9370), 8: (0.9780, 0.9301, 0.9827, 0.9245)}
"""Survival of 2 and 5 years in North America, then elsewhere."""
BLOOD = ("ALB", "PHOSPHATE", "BICARBONATE", "CALCIUM")


def _failure(v: Mapping[str, float]) -> dict[str, float | str]:
    variables = 8 if all(k in v for k in BLOOD) else (6 if "DIABETES" in v and "HYPERTENSION" in v else 4)
    age, male, egfr, acr = {4: FOUR, 6: SIX, 8: EIGHT}[variables]
    x = age * (v["AGE"] / 10.0 - 7.036) + male * (v["SEX"] - 0.5642) + egfr * (v["EGFR"] / 5.0 - 7.222)
    x += acr * (math.log(v["ACR"]) - 5.137)
    if variables == 6:
        x += -0.1475 * (v["DIABETES"] - 0.5106) + 0.1426 * (v["HYPERTENSION"] - 0.8501)
    if variables == 8:
        x += -0.3441 * (v["ALB"] - 3.997) + 0.2604 * (v["PHOSPHATE"] - 3.916) - 0.07354 * (v["BICARBONATE"] - 25.57)
        x += -0.2228 * (v["CALCIUM"] - 9.355)
    region = 0 if v["NORTH_AMERICA"] == 1.0 else 2
    two, five = (100.0 * (1.0 - s ** math.exp(x)) for s in BASE[variables][region : region + 2])
    return {"RISK_2Y": two, "RISK_5Y": five, "VARIABLES": float(variables)}


SCORES = (
    Score(
        "ckd_epi", "Filtration by creatinine, CKD-EPI 2021", "Inker 2021, N Engl J Med 385:1737", "secondary",
        (SCR, AGE, SEX_COLUMN), {"EGFR": "filtration, mL/min/1.73 m2", "STAGE": "KDIGO stage"}, _filtration,
    ),
    Score(
        "kfre", "Kidney failure within 2 and 5 years, KFRE with 4, 6 or 8 variables",
        "Tangri 2016, JAMA 315:164; coefficients as in the package kfre 0.1.18 (MIT)", "secondary",
        (
            AGE, SEX_COLUMN, Column("EGFR", "filtration, below 60 only", "mL/min/1.73 m2", 1.0, 59.9999),
            Column("ACR", "albumin over creatinine in urine", "mg/g", 0.1, 30000.0, units={"mg/mmol": MG_G}),
            Column("NORTH_AMERICA", "calibrated to North America, 1, or elsewhere, 0", "", 0.0, 1.0, words=YES_NO, whole=True),
            Column("DIABETES", "diabetes (with HYPERTENSION: six variables)", "", 0.0, 1.0, False, words=YES_NO, whole=True),
            Column("HYPERTENSION", "hypertension", "", 0.0, 1.0, False, words=YES_NO, whole=True),
            Column("ALB", "albumin (with the next three: eight variables)", "g/dL", 1.0, 7.0, False, units={"g/L": 0.1}),
            Column("PHOSPHATE", "phosphate", "mg/dL", 0.5, 20.0, False, units={"mmol/L": 3.0974}),
            Column("BICARBONATE", "bicarbonate", "mmol/L", 5.0, 50.0, False, units={"mEq/L": 1.0}),
            Column("CALCIUM", "calcium", "mg/dL", 4.0, 18.0, False, units={"mmol/L": 4.008}),
        ),
        {"RISK_2Y": "risk within 2 years, %", "RISK_5Y": "risk within 5 years, %", "VARIABLES": "variables used"}, _failure,
        note="where a value of the larger equations is missing the smaller one answers; nothing is filled in",
    ),
)  # fmt: skip
