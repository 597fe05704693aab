"""Gentamicin in newborns and infants: three compartments, weight, age and creatinine (Germovsek et al., 2016)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Covariance, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import THREE
from dosetwin.structure.kidney import sigmoid

REFERENCE = Reference(
    "Germovsek E et al.", 2016, "Antimicrob Agents Chemother 60:4869-4877", "10.1128/AAC.00577-16", "secondary",
    note="final estimates of DDMODEL00000238 as transcribed in nlmixr2lib; covariate ranges recalled from the abstract",
)  # fmt: skip

UMOL_PER_L = 88.4  # one mg/dL of creatinine


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "mature clearance of 70 kg at typical creatinine")] = 6.21
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance (fixed)")] = 0.632
    PMA50: Annotated[float, Theta("wk", "postmenstrual age of half maturation (fixed)")] = 55.4
    HILL: Annotated[float, Theta("1", "steepness of maturation (fixed)")] = 3.33
    PNA50: Annotated[float, Theta("d", "postnatal age of half the change after birth")] = 1.70
    SCR_CL: Annotated[float, Theta("1", "exponent of creatinine over its typical value")] = -0.130
    TSCR: Annotated[float, Theta("umol/L", "typical creatinine extrapolated to PMA 0")] = 166.48
    PMA_TSCR: Annotated[float, Theta("umol/L/wk", "slope of typical creatinine with PMA")] = -2.8488
    TVV1: Annotated[float, Theta("L", "central volume of 70 kg")] = 26.5
    TVV2: Annotated[float, Theta("L", "first peripheral volume of 70 kg")] = 21.2
    TVV3: Annotated[float, Theta("L", "second peripheral volume of 70 kg")] = 148.0
    TVQ2: Annotated[float, Theta("L/h", "exchange with the first peripheral volume of 70 kg")] = 2.15
    TVQ3: Annotated[float, Theta("L/h", "exchange with the second peripheral volume of 70 kg")] = 0.271
    WT_Q: Annotated[float, Theta("1", "exponent of weight on exchanges (fixed)")] = 0.75
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.175)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.112)] = 0.0
    V2: Annotated[float, Eta("first peripheral volume", var=0.132)] = 0.0
    V3: Annotated[float, Eta("second peripheral volume", var=0.177)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.53, 5.05, "current weight", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 23.3, 51.0, "postmenstrual age", age=True)]
    PNA: Annotated[float, Cov("d", 1.0, 66.0, "postnatal age", age=True)]
    SCR: Annotated[float, Cov("mg/dL", 0.2, 2.0, "serum creatinine", "2160-0", missing="population", population=78 / 88.4)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output("mg/L", "plasma concentration", "gentamicin",
               combined(0.0164**0.5, 0.0360**0.5, source="DDMODEL00000238: variances 0.0164 and 0.0360")),
    ]  # fmt: skip


class parameters(NamedTuple):
    CL: float
    V1: float
    Q2: float
    V2: float
    Q3: float
    V3: float


def individual(theta, eta, cov):
    """Parameters of one baby."""
    size = cov.WT / theta.WT_REF
    maturity = sigmoid(cov.PMA, theta.PMA50, theta.HILL) * cov.PNA / (theta.PNA50 + cov.PNA)
    renal = (cov.SCR * UMOL_PER_L / (theta.TSCR + theta.PMA_TSCR * cov.PMA)) ** theta.SCR_CL
    return parameters(
        CL=theta.TVCL * size**theta.WT_CL * maturity * renal * exp(eta.CL),
        V1=theta.TVV1 * size * exp(eta.V1),
        Q2=theta.TVQ2 * size**theta.WT_Q,
        V2=theta.TVV2 * size * exp(eta.V2),
        Q3=theta.TVQ3 * size**theta.WT_Q,
        V3=theta.TVV3 * size * exp(eta.V3),
    )


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    drug="gentamicin",
    population="newborns and infants, GA 23-42 wk, PNA 1-66 d (205 babies, 1,325 levels)",
    reference=REFERENCE,
    structure=THREE,
    omega=[Covariance("CL", "V1", 0.116)],
    anchors=[
        Anchor("clearance per kg at 2.9 kg, 37 wk, day 3, 55 umol/L", "CL",
               {"WT": 2.9, "PMA": 37 + 3 / 7, "PNA": 3, "SCR": 55 / 88.4}, 2.9 * 0.040, 0.03,
               "our comparison of models, computed from the published equation"),
        Anchor("central volume of 70 kg", "V1", {"WT": 70, "PMA": 40, "PNA": 5, "SCR": 0.6}, 26.5, 1e-9, "DDMODEL00000238"),
        Anchor("half of mature clearance at 55.4 wk, long after birth", "CL",
               {"WT": 70, "PMA": 55.4, "PNA": 1e6, "SCR": (166.48 - 2.8488 * 55.4) / 88.4}, 6.21 / 2, 1e-4, "DDMODEL00000238"),
    ],
    notes=(
        "without a creatinine the median of the study (78 umol/L) is used; the paper used the typical value for age",
        "no kidney tells it its filtration: it reads creatinine itself, which would count twice",
        "typical creatinine is linear in PMA and only sensible up to about 52 weeks; clearance is 0 at the moment of birth",
    ),
)  # fmt: skip
