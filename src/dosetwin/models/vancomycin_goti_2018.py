"""Vancomycin in adults in hospital: two compartments, weight and creatinine clearance, dialysis (Goti et al., 2018)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, combined, model
from dosetwin.structure.compartments import TWO
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Goti V et al.", 2018, "Ther Drug Monit 40:212-221, with its erratum of 2019", "10.1097/FTD.0000000000000490", "secondary",
    note="values as transcribed in the PKPDsim model library; the erratum's border of 65 y for low creatinine",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at a creatinine clearance of 120 mL/min")] = 4.5
    CLCR_REF: Annotated[float, Theta("mL/min", "reference creatinine clearance")] = 120.0
    CLCR_CL: Annotated[float, Theta("1", "exponent of creatinine clearance")] = 0.8
    CLCR_MOST: Annotated[float, Theta("mL/min", "creatinine clearance is counted to here")] = 150.0
    TVV1: Annotated[float, Theta("L", "central volume of 70 kg")] = 58.4
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 6.5
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 38.4
    DIAL_CL: Annotated[float, Theta("1", "share of clearance left in patients on dialysis, between sessions")] = 0.7
    DIAL_V1: Annotated[float, Theta("1", "share of the central volume in patients on dialysis")] = 0.5
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine; in the old a lower one counts as this")] = 1.0
    OLD: Annotated[float, Theta("y", "age above which a low creatinine counts as SCR_REF (erratum)")] = 65.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.398)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.816)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", cv=0.571)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 35.0, 200.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 95.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.3, 12.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]
    DIAL: Annotated[float, Cov("1", 0.0, 1.0, "on dialysis", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "vancomycin", combined(3.4, 0.227, form="sd"))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    CLCR: Annotated[float, Value("mL/min", "creatinine clearance")]


def individual(theta, eta, cov):
    """Parameters of one patient; CLCR by Cockcroft and Gault, in mL/min."""
    SCR = max(cov.SCR, theta.SCR_REF) if cov.AGE > theta.OLD else cov.SCR
    found = cockcroft_gault(cov.AGE, cov.WT, SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    CLCR = min(found, theta.CLCR_MOST)
    return parameters(
        CL=theta.TVCL * (CLCR / theta.CLCR_REF) ** theta.CLCR_CL * theta.DIAL_CL**cov.DIAL * exp(eta.CL),
        V1=theta.TVV1 * (cov.WT / theta.WT_REF) * theta.DIAL_V1**cov.DIAL * exp(eta.V1),
        Q=theta.TVQ,
        V2=theta.TVV2 * exp(eta.V2),
        CLCR=CLCR,
    )


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MAN = {"WT": 70, "AGE": 40, "SCR": 1.0, "SEX": 1, "DIAL": 0}

MODEL = model(
    __name__,
    drug="vancomycin",
    population="adults in hospital, with and without dialysis",
    reference=REFERENCE,
    structure=TWO,
    anchors=[
        Anchor("creatinine clearance by hand", "CLCR", MAN, 100 * 70 / 72, 1e-9, "Cockcroft and Gault 1976"),
        Anchor("of a woman", "CLCR", {**MAN, "SEX": 0}, 0.85 * 100 * 70 / 72, 1e-9, "Cockcroft and Gault 1976"),
        Anchor("a low creatinine at 80 y counts as 1", "CLCR", {**MAN, "AGE": 80, "SCR": 0.5}, 60 * 70 / 72, 1e-9, "erratum"),
        Anchor("never above 150 mL/min", "CLCR", {**MAN, "SCR": 0.4}, 150.0, 1e-9, "Goti 2018"),
        Anchor("clearance at 120 mL/min", "CL", {**MAN, "SCR": 100 * 70 / 72 / 120}, 4.5, 1e-9, "Goti 2018"),
        Anchor("central volume on dialysis", "V1", {**MAN, "DIAL": 1}, 29.2, 1e-9, "Goti 2018: half"),
    ],
    notes=(
        "the residual is the paper's 3.4 mg/L + 22.7 %, on the SD as another engine types it; the library takes a smaller one",
        "what a dialysis session removes is not in the model",
    ),
)
