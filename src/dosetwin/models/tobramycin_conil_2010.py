"""Tobramycin in critically ill adults, once daily: two compartments, creatinine clearance, height (Conil et al., 2010)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, model, proportional
from dosetwin.structure.compartments import TWO
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Conil JM et al.",
    2011,
    "Br J Clin Pharmacol 71:61-71",
    "10.1111/j.1365-2125.2010.03793.x",
    "secondary",
    note="table 2, 49 patients, as transcribed in nlmixr2lib; ranges assumed",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at the references")] = 3.83
    CLCR_CL: Annotated[
        float, Theta("L/h", "change of clearance as creatinine clearance doubles from CLCR_REF: 0.020 per mL/min")
    ] = 1.88
    CLCR_REF: Annotated[float, Theta("mL/min", "reference creatinine clearance")] = 94.0
    HT_CL: Annotated[float, Theta("L/h/cm", "change of clearance with height")] = 0.052
    HT_REF: Annotated[float, Theta("cm", "reference height")] = 172.0
    TVV1: Annotated[float, Theta("L", "central volume")] = 25.5
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 4.74
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 30.6
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.095)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.045)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 45.0, 140.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 155.0, 195.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 85.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.4, 2.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "tobramycin", proportional(0.2345))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    CLCR: Annotated[float, Value("mL/min", "creatinine clearance")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CLCR = cockcroft_gault(cov.AGE, cov.WT, cov.SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    CL = theta.TVCL + theta.CLCR_CL * (CLCR / theta.CLCR_REF - 1.0) + theta.HT_CL * (cov.HT - theta.HT_REF)
    return parameters(CL=CL * exp(eta.CL), V1=theta.TVV1 * exp(eta.V1), Q=theta.TVQ, V2=theta.TVV2, CLCR=CLCR)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO,
    drug="tobramycin",
    population="critically ill adults, 5 mg/kg once daily (49 patients, 277 levels)",
    anchors=[
        Anchor(
            "clearance at the references",
            "CL",
            {"WT": 67.68, "HT": 172, "AGE": 40, "SCR": 1.0, "SEX": 1},
            3.83,
            1e-6,
            "Conil 2010 table 2: 94 mL/min = 100 x 67.68 / 72",
        ),
        Anchor(
            "ten centimetres taller",
            "CL",
            {"WT": 67.68, "HT": 182, "AGE": 40, "SCR": 1.0, "SEX": 1},
            4.35,
            1e-6,
            "Conil 2010 table 2",
        ),
    ],
)
