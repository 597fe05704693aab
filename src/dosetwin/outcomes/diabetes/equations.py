"""The equations of the UKPDS Outcomes Model 2: what each reads, and the chance of each event within a year.

Hayes 2013, Diabetologia 56:1925 (UKPDS 82), supplement tables 4 to 6; coefficients as read in the inputs of the COMPAR-EU
diabetes model (icorroramos/COMPAR-EU_diabetes_model), whose row for heart failure agrees with a second program (joyceho/cvdm).
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from dosetwin.errors import InputError

EVENTS = ("heart_failure", "ischaemia", "infarction", "stroke", "blindness", "ulcer", "amputation", "renal_failure")
"""What may happen; all but ulcers, blindness and what cannot come twice have an equation for the second time."""
WORDS: Mapping[str, str] = {
    "infarction": "heart attack", "stroke": "stroke", "heart_failure": "heart failure", "ischaemia": "angina",
    "blindness": "blindness", "ulcer": "foot ulcer", "amputation": "amputation", "renal_failure": "kidney failure",
}  # fmt: skip
DEATHS = ("death", "death_first_event", "death_after", "death_another_event")

FACTORS: Mapping[str, tuple[str, float, float]] = {
    "AGE_DIAGNOSIS": ("y", 18.0, 100.0), "DURATION": ("y", 0.0, 80.0), "FEMALE": ("", 0.0, 1.0), "AFRO": ("", 0.0, 1.0),
    "INDIAN": ("", 0.0, 1.0), "ATFIB": ("", 0.0, 1.0), "BMI": ("kg/m2", 12.0, 80.0), "EGFR": ("mL/min/1.73 m2", 1.0, 200.0),
    "HBA1C": ("%", 3.0, 20.0), "HDL": ("mmol/L", 0.1, 5.0), "LDL": ("mmol/L", 0.1, 15.0), "MMALB": ("", 0.0, 1.0),
    "PVD": ("", 0.0, 1.0), "SBP": ("mm[Hg]", 60.0, 280.0), "SMOKER": ("", 0.0, 1.0), "WBC": ("10*9/L", 0.5, 50.0),
    "HB": ("g/dL", 3.0, 25.0), "HR": ("1/min", 25.0, 200.0),
}  # fmt: skip
"""What the equations read: unit, least and most believed. Flags are 0 or 1; MMALB: urine albumin from 50 mg/L; PVD: claudication
or an ankle pressure index below 0.9."""


@dataclass(frozen=True)
class Other:
    """Another unit a factor is written in: ``into`` its own, and how in words."""

    unit: str
    into: Callable[[float], float]
    how: str


_LIPID = Other("mg/dL", lambda x: x / 38.67, "divide by 38.67")
OTHERS: Mapping[str, Other] = {
    "HBA1C": Other("mmol/mol", lambda x: x / 10.929 + 2.15, "% = mmol/mol / 10.929 + 2.15"), "LDL": _LIPID, "HDL": _LIPID,
    "HB": Other("g/L", lambda x: x / 10.0, "divide by 10"),
}  # fmt: skip


def slip(name: str) -> str:
    """What to ask of a value of this factor that cannot be."""
    other = OTHERS.get(name)
    return "check value and unit" if other is None else f"is it in {other.unit}? {other.how}"


@cache
def coefficients() -> Mapping[str, Mapping[str, float]]:
    """Equation -> term -> coefficient, as in the file beside this one."""
    text = resources.files("dosetwin.outcomes.diabetes").joinpath("equations.csv").read_text(encoding="utf-8")
    out: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(text.splitlines()):
        out.setdefault(row["equation"], {})[row["term"]] = float(row["value"])
    return out


def believable(values: Mapping[str, np.ndarray]) -> None:
    """Raises InputError where a factor is missing, is none of ours, or holds what nobody has."""
    if missing := [n for n in FACTORS if n not in values]:
        raise InputError(
            "a risk factor is missing", where="people", value=", ".join(missing), remedy="measure it; nothing is filled in"
        )
    if strange := [n for n in values if n not in FACTORS]:
        raise InputError("no such risk factor", where="people", value=", ".join(strange), allowed=", ".join(FACTORS))
    for name, (unit, low, high) in FACTORS.items():
        value = np.asarray(values[name], dtype=float)
        bad = ~((value >= low) & (value <= high)) | ((unit == "") & (value != np.round(value)))
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise InputError(f"{name} cannot be this", where=f"person {at + 1}", value=float(np.ravel(value)[at]),
                             allowed=f"{low:g} to {high:g} {unit}".rstrip(),
                             remedy=slip(name))  # fmt: skip


def terms(v: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the equations multiply, scaled as the paper scales: mmHg, heart rate and filtration by 10, lipids in 0.1 mmol/L."""
    egfr = np.asarray(v["EGFR"], dtype=float)
    return {
        **{n: np.asarray(v[n], dtype=float) for n in ("AGE_DIAGNOSIS", "DURATION", "FEMALE", "AFRO", "INDIAN", "ATFIB", "BMI",
                                                      "HBA1C", "MMALB", "PVD", "SMOKER", "WBC", "HB")},
        "AGE": np.asarray(v["AGE_DIAGNOSIS"], dtype=float) + v["DURATION"],
        "EGFR": egfr / 10.0, "EGFR_TO_60": np.minimum(egfr, 60.0) / 10.0, "EGFR_OVER_60": np.maximum(egfr - 60.0, 0.0) / 10.0,
        "HDL": 10.0 * np.asarray(v["HDL"]), "LDL": 10.0 * np.asarray(v["LDL"]),
        "LDL_OVER_3.5": 10.0 * np.maximum(np.asarray(v["LDL"]) - 3.5, 0.0), "SBP": np.asarray(v["SBP"]) / 10.0,
        "HR": np.asarray(v["HR"]) / 10.0, "BMI_UNDER_18.5": (np.asarray(v["BMI"]) < 18.5).astype(float),
        "BMI_FROM_25": (np.asarray(v["BMI"]) >= 25.0).astype(float),
    }  # fmt: skip


def predictor(equation: str, of: Mapping[str, np.ndarray]) -> np.ndarray:
    """The linear predictor; terms that are not in ``of`` (histories nobody has) count as 0."""
    found = coefficients()[equation]
    total = np.full(np.shape(of["AGE"]), found["constant"])
    for term, value in found.items():
        if term not in ("constant", "shape") and term in of:
            total = total + value * of[term]
    return total


def within_a_year(equation: str, lp: np.ndarray, of: Mapping[str, np.ndarray]) -> np.ndarray:
    """Chance of the event in the year that begins now, from the linear predictor.

    Weibull of the years since diagnosis, H = exp(lp) t^shape; Gompertz of age for the deaths without an event; logistic without a
    shape. ``of`` holds AGE and DURATION, y.
    """
    shape = coefficients()[equation].get("shape")
    if shape is None:
        return 1.0 / (1.0 + np.exp(-lp))
    if equation in ("death", "death_after"):
        grown = np.exp(shape * (of["AGE"] + 1.0)) - np.exp(shape * of["AGE"])
        return -np.expm1(-np.exp(lp) / shape * grown)
    t = of["DURATION"]
    return -np.expm1(-np.exp(lp) * ((t + 1.0) ** shape - t**shape))
