"""Meropenem in critically ill adults with kidneys that work: two compartments, creatinine clearance (Gijsen et al., 2022)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Covariance, Eta, Output, Reference, Theta, Value, combined, model
from dosetwin.structure.compartments import TWO
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Gijsen M et al.",
    2022,
    "Infect Drug Resist 15:53-62",
    "10.2147/IDR.S343264",
    "secondary",
    note="control stream of the supplement as transcribed in nlmixr2lib; ranges of age, weight and creatinine assumed",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at CLCR_REF")] = 13.7
    CLCR_CL: Annotated[float, Theta("1", "exponent of creatinine clearance")] = 0.637
    CLCR_REF: Annotated[float, Theta("mL/min", "reference creatinine clearance")] = 111.7
    TVV1: Annotated[float, Theta("L", "central volume")] = 25.5
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 8.13
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 12.4
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.288)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.281)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.441)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 150.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 95.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.2, 3.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "meropenem", combined(0.304, 0.383))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    CLCR: Annotated[float, Value("mL/min", "creatinine clearance")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CLCR = cockcroft_gault(cov.AGE, cov.WT, cov.SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    CL = theta.TVCL * (CLCR / theta.CLCR_REF) ** theta.CLCR_CL
    return parameters(CL=CL * exp(eta.CL), V1=theta.TVV1 * exp(eta.V1), Q=theta.TVQ, V2=theta.TVV2 * exp(eta.V2), CLCR=CLCR)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO,
    drug="meropenem",
    population="critically ill adults with sepsis, eGFR of 70 and more (58 patients, 345 levels)",
    omega=[Covariance("CL", "V1", 0.185)],
    anchors=[
        Anchor(
            "clearance at the reference",
            "CL",
            {"WT": 80.424, "AGE": 40, "SCR": 1.0, "SEX": 1},
            13.7,
            1e-6,
            "Gijsen 2022: 111.7 mL/min = 100 x 80.424 / 72",
        ),
        Anchor("central volume", "V1", {"WT": 70, "AGE": 40, "SCR": 1.0, "SEX": 1}, 25.5, 1e-9, "Gijsen 2022"),
    ],
)
