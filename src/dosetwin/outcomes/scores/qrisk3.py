"""Heart attack and stroke within ten years in England: QRISK3-2017 (Hippisley-Cox 2017, BMJ 357:j2099)."""

import csv
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import SEX, Column, Score, yes

SURVIVAL = {0: 0.988876402378082, 1: 0.977268040180206}
MEANS = {
    0: (0.053274843841791, 4.332503318786621, 0.154946178197861, 0.144462317228317, 3.476326465606690, 123.130012512207030,
        9.002537727355957, 0.392308831214905),
    1: (0.234766781330109, 77.284080505371094, 0.149176135659218, 0.141913309693336, 4.300998687744141, 128.571578979492188,
        8.756621360778809, 0.526304900646210),
}  # fmt: skip
"""Two terms of age and of body mass, cholesterol ratio, pressure, its SD, Townsend score; women 0, men 1."""
ORIGIN = {
    0: (0.0, 0.28040314332995425, 0.56298994142075398, 0.29590000851116516, 0.07278537987798255, -0.17072135508857317,
        -0.39371043314874971, -0.32632495283530272, -0.17127056883241784),
    1: (0.0, 0.27719248760308279, 0.47446360714931268, 0.52961729919689371, 0.03510015918629902, -0.35807899669327919,
        -0.40056485232165140, -0.41522792889830173, -0.26321348134749967),
}  # fmt: skip
SMOKES = {
    0: (0.0, 0.13386833786546262, 0.56200858012438537, 0.66749593377502547, 0.84948177644830847),
    1: (0.0, 0.19128222863388983, 0.55241588192645552, 0.63835053027506072, 0.78983819881858019),
}
FLAGS = {
    "AF": ("AF", "atrial fibrillation"), "ANTIPSYCHOTIC": ("atypicalantipsy", "an atypical antipsychotic"),
    "STEROID": ("corticosteroids", "steroid tablets"), "ERECTILE": ("impotence2", "erectile dysfunction (men)"),
    "MIGRAINE": ("migraine", "migraine"), "RA": ("ra", "rheumatoid arthritis"), "CKD": ("renal", "kidney disease, stage 3 to 5"),
    "SEVERE_MENTAL": ("semi", "severe mental illness"), "SLE": ("sle", "lupus"),
    "BP_TREATED": ("treatedhyp", "treated hypertension"),
    "DIABETES_1": ("type1", "type 1 diabetes"), "DIABETES_2": ("type2", "type 2 diabetes"),
    "FAMILY": ("fh_cvd", "angina or heart attack of a relative below 60"),
}  # fmt: skip
CATEGORIES = {"non-smoker": 1.0, "ex-smoker": 2.0, "light": 3.0, "moderate": 4.0, "heavy": 5.0}
PEOPLE = {"white": 1.0, "indian": 2.0, "pakistani": 3.0, "bangladeshi": 4.0, "other asian": 5.0, "black caribbean": 6.0,
          "black african": 7.0, "chinese": 8.0, "other": 9.0}  # fmt: skip


@cache
def _coefficients() -> tuple[dict[str, float], dict[str, float]]:
    """Term -> coefficient, of women and of men."""
    text = (files("dosetwin.outcomes.scores") / "qrisk3.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    return {r["term"]: float(r["female"]) for r in rows}, {r["term"]: float(r["male"]) for r in rows}


def _risk(v: Mapping[str, float]) -> dict[str, float | str]:
    if v["DIABETES_1"] and v["DIABETES_2"]:
        raise InputError("diabetes of both types", where="DIABETES_2", value=1, allowed="one of them")
    male = int(v["SEX"])
    age, bmi = v["AGE"] / 10.0, v["WT"] / (v["HT"] / 100.0) ** 2 / 10.0
    raw = ((age**-1, age**3) if male else (age**-2, age)) + (bmi**-2, bmi**-2 * math.log(bmi))
    values = dict(zip(("age_1", "age_2", "bmi_1", "bmi_2", "rati", "sbp", "sbps5", "town"),
                      (x - m for x, m in zip((*raw, v["RATIO"], v["SBP"], v["SBP_SD"], v["TOWNSEND"]), MEANS[male], strict=True)),
                      strict=True))  # fmt: skip
    values |= {term: v[name] for name, (term, _) in FLAGS.items()}
    smokes = int(v["SMOKING"])
    values |= {f"smoke{k}": float(smokes == k) for k in (2, 3, 4, 5)}
    x = ORIGIN[male][int(v["ETHNICITY"]) - 1] + SMOKES[male][smokes - 1]
    for term, c in _coefficients()[male].items():
        first, _, second = (term[:5], "_", term[6:]) if term.startswith(("age_1_", "age_2_")) else (term, "", "")
        x += c * values[first] * (values[second] if second else 1.0)
    return {"RISK_10Y": 100.0 * (1.0 - SURVIVAL[male] ** math.exp(x))}


SCORES = (
    Score(
        "qrisk3", "Heart attack or stroke within ten years in England, QRISK3-2017",
        "Hippisley-Cox 2017, BMJ 357:j2099; coefficients published by ClinRisk Ltd. with its program", "secondary",
        (
            Column("AGE", "age", "y", 25.0, 84.0), Column("SEX", "sex (1 male, 0 female)", "", 0.0, 1.0, words=SEX, whole=True),
            Column("WT", "weight", "kg", 30.0, 250.0), Column("HT", "height", "cm", 120.0, 230.0, units={"m": 100.0}),
            Column("ETHNICITY", "1 white or not stated, 2 Indian, 3 Pakistani, 4 Bangladeshi, 5 other Asian, 6 black Caribbean, "
                   "7 black African, 8 Chinese, 9 other", "", 1.0, 9.0, words=PEOPLE, whole=True),
            Column("SMOKING", "1 non-smoker, 2 ex-smoker, 3 light (below 10), 4 moderate (10 to 19), 5 heavy", "", 1.0, 5.0,
                   words=CATEGORIES, whole=True),
            Column("RATIO", "total over HDL cholesterol", "", 1.0, 11.0), Column("SBP", "systolic pressure", "mmHg", 70.0, 210.0),
            Column("SBP_SD", "SD of at least two systolic pressures", "mmHg", 0.0, 40.0),
            Column("TOWNSEND", "Townsend deprivation score", "", -7.0, 11.0),
            *(yes(name, text) for name, (_, text) in FLAGS.items()),
        ),
        {"RISK_10Y": "risk within ten years, %"}, _risk,
        note="an unofficial calculation for research; body mass as given, where the official page caps it",
    ),
)  # fmt: skip
