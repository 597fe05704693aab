"""Meropenem in adults: two compartments, creatinine clearance, age, weight (Li et al., 2006)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, combined, model
from dosetwin.structure.compartments import TWO
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Li C et al.",
    2006,
    "J Clin Pharmacol 46:1171-1178",
    "10.1177/0091270006291035",
    "recalled",
    note="typical values from memory; a public re-estimate on simulated data of the paper's design "
    "finds 15.0 L/h, 12.7 L, 15.2 L/h, 12.4 L and the same 0.62 of creatinine clearance",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at the references")] = 14.6
    CLCR_CL: Annotated[float, Theta("1", "exponent of creatinine clearance")] = 0.62
    CLCR_REF: Annotated[float, Theta("mL/min", "reference creatinine clearance")] = 83.0
    AGE_CL: Annotated[float, Theta("1", "exponent of age")] = -0.34
    AGE_REF: Annotated[float, Theta("y", "reference age")] = 35.0
    TVV1: Annotated[float, Theta("L", "central volume of WT_REF")] = 10.8
    WT_V1: Annotated[float, Theta("1", "exponent of weight on volume")] = 0.99
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 18.6
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 12.6
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.34, provenance="recalled")] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.38, provenance="recalled")] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", cv=0.57, provenance="assumed")] = 0.0
    V2: Annotated[float, Eta("peripheral volume", cv=0.46, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 130.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 93.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.2, 8.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output(
            "mg/L",
            "plasma concentration",
            "meropenem",
            combined(0.476, 0.188, provenance="secondary", source="re-estimate on simulated data"),
        ),
    ]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    CLCR: Annotated[float, Value("mL/min", "creatinine clearance")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CLCR = cockcroft_gault(cov.AGE, cov.WT, cov.SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    CL = theta.TVCL * (CLCR / theta.CLCR_REF) ** theta.CLCR_CL * (cov.AGE / theta.AGE_REF) ** theta.AGE_CL
    V1 = theta.TVV1 * (cov.WT / theta.WT_REF) ** theta.WT_V1
    return parameters(CL=CL * exp(eta.CL), V1=V1 * exp(eta.V1), Q=theta.TVQ * exp(eta.Q), V2=theta.TVV2 * exp(eta.V2), CLCR=CLCR)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO,
    drug="meropenem",
    population="adults with infections of the abdomen, lung or urine (79 patients)",
    anchors=[
        Anchor(
            "clearance at the references",
            "CL",
            {"WT": 56.914, "AGE": 35, "SCR": 1.0, "SEX": 1},
            14.6,
            1e-4,
            "Li 2006 (recalled): 83 mL/min = 105 x 56.914 / 72",
        ),
        Anchor("central volume of 70 kg", "V1", {"WT": 70, "AGE": 35, "SCR": 1.0, "SEX": 1}, 10.8, 1e-9, "Li 2006 (recalled)"),
    ],
)
