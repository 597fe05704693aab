"""Heart and vessels within 10 and 30 years: the PREVENT equations of 2023 (Khan 2024, Circulation 149:430)."""

import csv
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from dosetwin.errors import InputError
from dosetwin.outcomes.diabetes.equations import OTHERS
from dosetwin.outcomes.scores.score import SEX, Column, Score, logistic, yes

OUTCOMES = {"TOTAL_CVD": "total", "ASCVD": "ascvd", "HEART_FAILURE": "hf", "CHD": "chd", "STROKE": "stroke"}
TO_MMOL = 0.02586
"""mmol/L of cholesterol in 1 mg/dL."""


@cache
def _coefficients() -> dict[tuple[str, str], dict[str, float]]:
    """(model, column such as f_total) -> term -> coefficient."""
    text = (files("dosetwin.outcomes.scores") / "prevent.csv").read_text(encoding="utf-8")
    out: dict[tuple[str, str], dict[str, float]] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        for column, value in row.items():
            if column not in ("model", "term"):
                out.setdefault((row["model"], column), {})[row["term"]] = float(value)
    return out


def _terms(v: Mapping[str, float]) -> dict[str, float]:
    age = (v["AGE"] - 55.0) / 10.0
    nonhdl, hdl = (v["TC"] - v["HDL"]) * TO_MMOL - 3.5, (v["HDL"] * TO_MMOL - 1.3) / 0.3
    low, high = (min(v["SBP"], 110.0) - 110.0) / 20.0, (max(v["SBP"], 110.0) - 130.0) / 20.0
    thin, fat = (min(v["BMI"], 30.0) - 25.0) / 5.0, (max(v["BMI"], 30.0) - 30.0) / 5.0
    bad, good = (min(v["EGFR"], 60.0) - 60.0) / -15.0, (max(v["EGFR"], 60.0) - 90.0) / -15.0
    dm, smokes, treated, statin = (v[k] for k in ("DIABETES", "SMOKER", "BP_TREATED", "STATIN"))
    terms = {
        "age": age, "age2": age * age, "nonhdl": nonhdl, "hdl": hdl, "sbp_low": low, "sbp_high": high, "diabetes": dm,
        "smoking": smokes, "bmi_low": thin, "bmi_high": fat, "egfr_low": bad, "egfr_high": good, "treated": treated,
        "statin": statin, "treated_sbp": treated * high, "treated_nonhdl": statin * nonhdl, "age_nonhdl": age * nonhdl,
        "age_hdl": age * hdl, "age_sbp": age * high, "age_diabetes": age * dm, "age_smoking": age * smokes, "age_bmi": age * fat,
        "age_egfr": age * bad, "constant": 1.0,
    }  # fmt: skip
    terms |= {"ln_acr": math.log(v["UACR"])} if "UACR" in v else {"no_acr": 1.0}
    if "HBA1C" in v:
        terms |= {"hba1c_diabetes": dm * (v["HBA1C"] - 5.3), "hba1c_none": (1.0 - dm) * (v["HBA1C"] - 5.3)}
    else:
        terms["no_hba1c"] = 1.0
    if "SDI" in v:
        terms |= {"sdi_4": float(4 <= v["SDI"] <= 6), "sdi_7": float(v["SDI"] >= 7)}
    else:
        terms["no_sdi"] = 1.0
    return terms


def _risk(v: Mapping[str, float]) -> dict[str, float | str]:
    if v["TC"] <= v["HDL"]:
        raise InputError("total cholesterol is not above HDL", where="TC", value=v["TC"], allowed=f"> {v['HDL']:g} mg/dL")
    more = [k for k in ("UACR", "HBA1C", "SDI") if k in v]
    model = "base" if not more else ({"UACR": "uacr", "HBA1C": "hba1c"}.get(more[0], "full") if len(more) == 1 else "full")
    terms, sex = _terms(v), "m" if v["SEX"] == 1.0 else "f"
    out: dict[str, float | str] = {"MODEL": model}
    for years in ("10yr", "30yr"):
        known = (f"{model}_{years}", f"{sex}_total") in _coefficients()
        for name, column in OUTCOMES.items():
            if years == "30yr" and (not known or v["AGE"] > 59.0):
                continue  # the equations of thirty years end at 59
            b = _coefficients()[f"{model}_{years}", f"{sex}_{column}"]
            x = sum(c * terms.get(term, 0.0) for term, c in b.items())
            out[f"{name}_{years.upper().replace('YR', 'Y')}"] = 100.0 * logistic(x)
    return out


CHOLESTEROL = {"mmol/L": 1.0 / TO_MMOL}
SCORES = (
    Score(
        "prevent", "Cardiovascular disease within 10 and 30 years, PREVENT",
        "Khan 2024, Circulation 149:430; coefficients as tabulated in preventr 0.12.0 (MIT)", "secondary",
        (
            Column("AGE", "age", "y", 30.0, 79.0), Column("SEX", "sex (1 male, 0 female)", "", 0.0, 1.0, words=SEX, whole=True),
            Column("TC", "total cholesterol", "mg/dL", 130.0, 320.0, units=CHOLESTEROL),
            Column("HDL", "HDL cholesterol", "mg/dL", 20.0, 100.0, units=CHOLESTEROL),
            Column("SBP", "systolic pressure", "mmHg", 90.0, 180.0), Column("BMI", "body mass index", "kg/m2", 18.5, 39.9999),
            Column("EGFR", "filtration", "mL/min/1.73 m2", 15.0, 140.0),
            yes("DIABETES", "diabetes"), yes("SMOKER", "smokes now"), yes("BP_TREATED", "drugs for blood pressure"),
            yes("STATIN", "a statin"),
            Column("UACR", "albumin over creatinine in urine", "mg/g", 0.1, 25000.0, False, units={"mg/mmol": 8.84}),
            Column("HBA1C", "haemoglobin A1c", "%", 3.0, 15.0, False, units={"mmol/mol": OTHERS["HBA1C"].into}),
            Column("SDI", "social deprivation index, decile", "", 1.0, 10.0, False, words={}, whole=True),
        ),
        {"MODEL": "equations used", **{f"{k}_{y}": f"{k.lower().replace('_', ' ')}, {y[:-1]} years, %" for y in ("10Y", "30Y")
                                       for k in OUTCOMES}},
        _risk,
        note="base, uacr, hba1c or full by what is given; thirty years to the age of 59, and not for uacr or hba1c alone",
    ),
)  # fmt: skip
