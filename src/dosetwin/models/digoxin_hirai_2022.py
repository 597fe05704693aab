"""Digoxin by mouth in adults with atrial fibrillation and heart failure: one compartment, kidney, amiodarone (Hirai 2022)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, model, proportional
from dosetwin.structure.compartments import ONE_ORAL
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Hirai T et al.",
    2022,
    "BMC Pharmacol Toxicol 23:14",
    "10.1186/s40360-022-00552-y",
    "secondary",
    note="table 3 as transcribed in nlmixr2lib; KA and V fixed in the paper, 20 % variability of V assumed; ranges assumed",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "apparent clearance at CLCR_REF without amiodarone")] = 6.209
    CLCR_CL: Annotated[float, Theta("1", "exponent of creatinine clearance")] = 0.409
    CLCR_REF: Annotated[float, Theta("mL/min", "reference creatinine clearance")] = 60.0
    CLCR_MOST: Annotated[float, Theta("mL/min", "creatinine clearance is counted to here")] = 120.0
    AMIO_CL: Annotated[float, Theta("1", "fractional change of clearance on amiodarone")] = -0.238
    V_WT: Annotated[float, Theta("L/kg", "apparent volume per kg (fixed)")] = 6.0
    KA: Annotated[float, Theta("1/h", "absorption rate constant (fixed)")] = 1.0
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine")] = 1.0
    UG: Annotated[float, Theta("ug/mg", "micrograms in a milligram", "derived")] = 1000.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", sd=0.344)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.2, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 30.0, 120.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 98.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.3, 8.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]
    AMIODARONE: Annotated[float, Cov("1", 0, 1, "on amiodarone", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "serum concentration", "digoxin", proportional(0.366))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float
    CLCR: Annotated[float, Value("mL/min", "creatinine clearance")]
    UG: Annotated[float, Value("ug/mg", "micrograms in a milligram")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    found = cockcroft_gault(cov.AGE, cov.WT, cov.SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    CLCR = min(found, theta.CLCR_MOST)
    CL = theta.TVCL * (CLCR / theta.CLCR_REF) ** theta.CLCR_CL * (1.0 + theta.AMIO_CL * cov.AMIODARONE)
    return parameters(CL=CL * exp(eta.CL), V=theta.V_WT * cov.WT * exp(eta.V), KA=theta.KA, CLCR=CLCR, UG=theta.UG)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=p.UG * A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="digoxin",
    population="adults with atrial fibrillation and heart failure, Japan (391 patients, 3,465 troughs)",
    anchors=[
        Anchor(
            "clearance at 60 mL/min",
            "CL",
            {"WT": 57.6, "AGE": 65, "SCR": 1.0, "SEX": 1},
            6.209,
            1e-6,
            "Hirai 2022: 60 mL/min = 75 x 57.6 / 72",
        ),
        Anchor(
            "on amiodarone",
            "CL",
            {"WT": 57.6, "AGE": 65, "SCR": 1.0, "SEX": 1, "AMIODARONE": 1},
            6.209 * 0.762,
            1e-6,
            "Hirai 2022",
        ),
        Anchor("never above 120 mL/min", "CL", {"WT": 90, "AGE": 30, "SCR": 0.6, "SEX": 1}, 6.209 * 2**0.409, 1e-6, "Hirai 2022"),
    ],
    notes=("the model was made of troughs at steady state: what it says of the first hours after a dose rests on fixed numbers",),
)
