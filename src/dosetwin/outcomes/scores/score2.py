"""Heart attack and stroke within ten years in Europe: SCORE2 (40 to 69 years) and SCORE2-OP (70 to 89)."""

import math
from collections.abc import Mapping

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import SEX, Column, Score, yes

REGIONS = ("low", "moderate", "high", "very high")
MALE = (0.3742, 0.6012, 0.2777, 0.6457, 0.1458, -0.2698, -0.0755, -0.0255, -0.0281, 0.0426, -0.0983, 0.9605)
FEMALE = (0.4648, 0.7744, 0.3131, 0.8096, 0.1002, -0.2606, -0.1088, -0.0277, -0.0226, 0.0613, -0.1272, 0.9776)
"""Age, smoking, pressure, diabetes, total, HDL cholesterol, age times smoking, pressure, total, HDL, diabetes; survival."""
SCALES = {
    1: ((-0.5699, 0.7476), (-0.1565, 0.8009), (0.3207, 0.9360), (0.5836, 0.8294)),
    0: ((-0.7380, 0.7019), (-0.3143, 0.7701), (0.5710, 0.9369), (0.9412, 0.8329)),
}
OLD_MALE = (0.0634, 0.4245, 0.3524, 0.0094, 0.0850, -0.3564, -0.0174, -0.0247, -0.0005, 0.0073, 0.0091, 0.7576, -0.0929)
OLD_FEMALE = (0.0789, 0.6010, 0.4921, 0.0102, 0.0605, -0.3040, -0.0107, -0.0255, -0.0004, -0.0009, 0.0154, 0.8082, -0.229)
"""Age, diabetes, smoking, pressure, total, HDL cholesterol, age times diabetes, smoking, pressure, total, HDL; survival; mean."""
OLD_SCALES = {
    1: ((-0.34, 1.19), (0.01, 1.25), (0.08, 1.15), (0.05, 0.70)),
    0: ((-0.52, 1.01), (-0.10, 1.10), (0.38, 1.09), (0.38, 0.69)),
}


def _young(v: Mapping[str, float]) -> float:
    age, sbp, tc, hdl = (v["AGE"] - 60.0) / 5.0, (v["SBP"] - 120.0) / 20.0, v["TC"] - 6.0, (v["HDL"] - 1.3) / 0.5
    b = MALE if v["SEX"] == 1.0 else FEMALE
    x = b[0] * age + b[1] * v["SMOKER"] + b[2] * sbp + b[4] * tc + b[5] * hdl
    x += age * (b[6] * v["SMOKER"] + b[7] * sbp + b[8] * tc + b[9] * hdl)
    return 1.0 - b[11] ** math.exp(x)


def _old(v: Mapping[str, float]) -> float:
    age, sbp, tc, hdl = v["AGE"] - 73.0, v["SBP"] - 150.0, v["TC"] - 6.0, v["HDL"] - 1.4
    b = OLD_MALE if v["SEX"] == 1.0 else OLD_FEMALE
    x = b[0] * age + b[2] * v["SMOKER"] + b[3] * sbp + b[4] * tc + b[5] * hdl
    x += age * (b[7] * v["SMOKER"] + b[8] * sbp + b[9] * tc + b[10] * hdl)
    return 1.0 - b[11] ** math.exp(x + b[12])


def _risk(v: Mapping[str, float]) -> dict[str, float | str]:
    if v.get("DIABETES") == 1.0:
        raise InputError("SCORE2 is not for people with diabetes", where="DIABETES", value=1, remedy="use SCORE2-Diabetes")
    if v["TC"] <= v["HDL"]:
        raise InputError("total cholesterol is not above HDL", where="TC", value=v["TC"], allowed=f"> {v['HDL']:g} mmol/L")
    old, region, male = v["AGE"] >= 70.0, int(v["REGION"]) - 1, int(v["SEX"])
    a, b = (OLD_SCALES if old else SCALES)[male][region]
    raw = _old(v) if old else _young(v)
    return {"RISK_10Y": 100.0 * (1.0 - math.exp(-math.exp(a + b * math.log(-math.log(1.0 - raw))))),
            "MODEL": "SCORE2-OP" if old else "SCORE2"}  # fmt: skip


CHOLESTEROL = {"mg/dL": 0.02586}
SCORES = (
    Score(
        "score2", "Heart attack, stroke or death of them within ten years in Europe, SCORE2 and SCORE2-OP",
        "SCORE2 2021, Eur Heart J 42:2439 and 42:2455; coefficients as in the package RiskScorescvd", "secondary",
        (
            Column("AGE", "age", "y", 40.0, 89.0), Column("SEX", "sex (1 male, 0 female)", "", 0.0, 1.0, words=SEX, whole=True),
            yes("SMOKER", "smokes now"), Column("SBP", "systolic pressure", "mmHg", 80.0, 220.0),
            Column("TC", "total cholesterol", "mmol/L", 2.0, 12.0, units=CHOLESTEROL),
            Column("HDL", "HDL cholesterol", "mmol/L", 0.3, 4.0, units=CHOLESTEROL),
            Column("REGION", "risk of the country (1 low to 4 very high)", "", 1.0, 4.0, whole=True,
                   words={r: i + 1.0 for i, r in enumerate(REGIONS)} | {"very_high": 4.0}),
            Column("DIABETES", "diabetes", "", 0.0, 1.0, False, words={"yes": 1.0, "no": 0.0}, whole=True),
        ),
        {"RISK_10Y": "risk within ten years, %", "MODEL": "equations used"}, _risk,
    ),
)  # fmt: skip
