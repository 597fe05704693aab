"""Carboplatin by vein: cleared by filtration and a little more (Calvert et al., 1989)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, combined, model
from dosetwin.structure.compartments import TWO
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Calvert AH et al.", 1989, "J Clin Oncol 7:1748-1756", "10.1200/JCO.1989.7.11.1748", "recalled",
    note="clearance is the paper's formula; volumes and variability are round numbers of later papers (recalled)",
)  # fmt: skip


class theta(NamedTuple):
    BESIDE: Annotated[float, Theta("mL/min", "clearance beside filtration")] = 25.0
    PER: Annotated[float, Theta("1", "L/h in 1 mL/min", "derived")] = 0.06
    MOST: Annotated[float, Theta("mL/min", "filtration is counted to here (FDA 2010)")] = 125.0
    LEAST_SCR: Annotated[float, Theta("mg/dL", "a lower creatinine counts as this")] = 0.7
    SCR_REF: Annotated[float, Theta("mg/dL", "creatinine of 1", "derived")] = 1.0
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    V1_WT: Annotated[float, Theta("L/kg", "central volume per kg")] = 0.17
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 2.0
    V2_WT: Annotated[float, Theta("L/kg", "peripheral volume per kg")] = 0.11


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.20)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.20)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 35.0, 160.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 90.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.3, 5.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Pt: Annotated[float, Output("mg/L", "free carboplatin", "carboplatin", combined(0.05, 0.15, form="sd"))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    GFR: Annotated[float, Value("mL/min", "filtration, by Cockcroft and Gault")]


def individual(theta, eta, cov):
    """Parameters of one patient: the clearance is that of Calvert's formula."""
    SCR = max(cov.SCR, theta.LEAST_SCR) / theta.SCR_REF
    found = cockcroft_gault(cov.AGE, cov.WT, SCR, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    GFR = min(found, theta.MOST)
    return parameters(
        CL=theta.PER * (GFR + theta.BESIDE) * exp(eta.CL),
        V1=theta.V1_WT * cov.WT * exp(eta.V1),
        Q=theta.TVQ,
        V2=theta.V2_WT * cov.WT,
        GFR=GFR,
    )


def observe(A, p, cov):
    """Free carboplatin, mg/L."""
    return output(Pt=A.central / p.V1)


WOMAN = {"WT": 60, "AGE": 60, "SCR": 0.85 * 80 * 60 / 72 / 75, "SEX": 0}

MODEL = model(
    __name__,
    drug="carboplatin",
    population="adults with solid tumours",
    reference=REFERENCE,
    structure=TWO,
    anchors=[
        Anchor("filtration by hand", "GFR", WOMAN, 75.0, 1e-6, "Cockcroft and Gault 1976"),
        Anchor("clearance by the formula", "CL", WOMAN, 6.0, 1e-6, "Calvert 1989: (75 + 25) mL/min"),
        Anchor("never above 125 mL/min", "GFR", {**WOMAN, "AGE": 20, "WT": 100}, 125.0, 1e-9, "FDA 2010"),
    ],
    notes=("a creatinine below 0.7 mg/dL counts as 0.7: low ones overdose (FDA 2010, recalled)",),
)  # fmt: skip
