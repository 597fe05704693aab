"""Vancomycin in newborns: one compartment, weight, postmenstrual age and creatinine (Frymoyer et al., 2014)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Covariance, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE
from dosetwin.structure.kidney import sigmoid

REFERENCE = Reference(
    "Frymoyer A et al.", 2014, "Antimicrob Agents Chemother 58:6454-6461", "10.1128/AAC.03620-14", "secondary",
    note="values as transcribed in the PKPDsim model library; numbers of babies and DOI recalled, covariate ranges assumed",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "mature clearance of 2.9 kg at a creatinine of 1 mg/dL")] = 0.345
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance (fixed)")] = 0.75
    PMA50: Annotated[float, Theta("wk", "postmenstrual age of half maturation")] = 34.8
    HILL: Annotated[float, Theta("1", "steepness of maturation")] = 4.53
    SCR_CL: Annotated[float, Theta("1", "exponent of creatinine on clearance")] = -0.267
    TVV: Annotated[float, Theta("L", "volume of 2.9 kg")] = 1.75
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 2.9
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0465)] = 0.0
    V: Annotated[float, Eta("volume", var=0.0119)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.5, 6.3, "current weight", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 24.0, 54.0, "postmenstrual age", age=True)]
    SCR: Annotated[float, Cov("mg/dL", 0.1, 2.5, "serum creatinine", "2160-0", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "vancomycin", combined(1.3, 0.205))]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby."""
    size = cov.WT / theta.WT_REF
    renal = (cov.SCR / theta.SCR_REF) ** theta.SCR_CL
    CL = theta.TVCL * size**theta.WT_CL * sigmoid(cov.PMA, theta.PMA50, theta.HILL) * renal * exp(eta.CL)
    return parameters(CL=CL, V=theta.TVV * size * exp(eta.V))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


CHECKED = "transcribed equation, computed independently"

MODEL = model(
    __name__,
    drug="vancomycin",
    population="newborns in intensive care (249 babies, 1,702 levels)",
    reference=REFERENCE,
    structure=ONE,
    omega=[Covariance("CL", "V", 0.00734)],
    anchors=[
        Anchor("half of mature clearance at 34.8 wk", "CL", {"WT": 2.9, "PMA": 34.8, "SCR": 1.0}, 0.345 / 2, 1e-9, CHECKED),
        Anchor("2.9 kg, 40 wk, 0.4 mg/dL", "CL", {"WT": 2.9, "PMA": 40, "SCR": 0.4}, 0.2876, 1e-3, CHECKED),
        Anchor("1 kg, 28 wk, 0.8 mg/dL", "CL", {"WT": 1, "PMA": 28, "SCR": 0.8}, 0.0448, 1e-3, CHECKED),
        Anchor("volume of 2.9 kg", "V", {"WT": 2.9, "PMA": 40, "SCR": 0.5}, 1.75, 1e-9, CHECKED),
    ],
    notes=(
        "no kidney tells it its filtration: it reads creatinine itself, which would count twice",
        "in the first days creatinine is still partly the mother's, and clearance is read too low",
    ),
)  # fmt: skip
