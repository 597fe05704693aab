"""Theophylline in adults: one compartment, smoking, heart failure (Powell et al., 1978)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Powell JR et al.",
    1978,
    "Am Rev Respir Dis 118:229-238",
    "",
    "recalled",
    note="mean clearance and its factors as teaching books give them; variability and error assumed",
)


class theta(NamedTuple):
    CL_WT: Annotated[float, Theta("L/h/kg", "clearance per kg of a non-smoker without heart failure")] = 0.039
    SMOKE: Annotated[float, Theta("1", "factor of smoking")] = 1.6
    FAILURE: Annotated[float, Theta("1", "factor of heart failure")] = 0.4
    V_WT: Annotated[float, Theta("L/kg", "volume per kg")] = 0.45
    KA: Annotated[float, Theta("1/h", "absorption of slow-release tablets", "assumed")] = 0.2


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.35, provenance="assumed")] = 0.0
    V: Annotated[float, Eta("volume", cv=0.15, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 35.0, 120.0, "body weight", "29463-7", missing="refuse")]
    SMOKER: Annotated[float, Cov("1", 0, 1, "smoking", flag=True)]
    HEART_FAILURE: Annotated[float, Cov("1", 0, 1, "heart failure", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "theophylline", combined(0.7, 0.1, provenance="assumed"))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CL = theta.CL_WT * cov.WT * theta.SMOKE**cov.SMOKER * theta.FAILURE**cov.HEART_FAILURE
    return parameters(CL=CL * exp(eta.CL), V=theta.V_WT * cov.WT * exp(eta.V), KA=theta.KA)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="theophylline",
    population="adults with airway obstruction",
    anchors=[
        Anchor("clearance of 70 kg", "CL", {"WT": 70}, 2.73, 1e-9, "Powell 1978 (recalled): 0.65 mL/min/kg"),
        Anchor("of a smoker", "CL", {"WT": 70, "SMOKER": 1}, 2.73 * 1.6, 1e-9, "Powell 1978 (recalled)"),
        Anchor("in heart failure", "CL", {"WT": 70, "HEART_FAILURE": 1}, 2.73 * 0.4, 1e-9, "Powell 1978 (recalled)"),
    ],
    notes=("cimetidine, macrolides, quinolones, fever and liver disease lower the clearance: none of them is in the model",),
)
