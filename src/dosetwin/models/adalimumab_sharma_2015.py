"""Adalimumab in children with Crohn's disease: one compartment, injected under the skin, weight, antibodies (Sharma 2015)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Sharma S et al.",
    2015,
    "Inflamm Bowel Dis 21:783-792",
    "10.1097/MIB.0000000000000327",
    "secondary",
    note="IMAgINE 1; values as tabled in Marquez-Megias 2021, Pharmaceutics 13:1244; doi and range of weight recalled",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "apparent clearance of WT_REF without antibodies")] = 0.0117
    ANTI_CL: Annotated[float, Theta("1", "fractional rise of clearance with antibodies")] = 1.08
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance")] = 0.48
    TVV: Annotated[float, Theta("L", "apparent volume of WT_REF")] = 4.75
    WT_V: Annotated[float, Theta("1", "exponent of weight on volume")] = 0.904
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 45.2
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 0.00833


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.211)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 13.0, 110.0, "body weight", "29463-7", missing="refuse")]
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "adalimumab", combined(1.9, 0.071))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    size = cov.WT / theta.WT_REF
    CL = theta.TVCL * (1.0 + theta.ANTI_CL * cov.ANTIBODIES) * size**theta.WT_CL
    return parameters(CL=CL * exp(eta.CL), V=theta.TVV * size**theta.WT_V, KA=theta.KA)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="adalimumab",
    everyday=Everyday(40.0, "mg", 336.0, 0.0, "US label (recalled)"),
    population="children with Crohn's disease (189 children)",
    anchors=[
        Anchor("clearance of 45.2 kg", "CL", {"WT": 45.2, "ANTIBODIES": 0}, 0.0117, 1e-9, "Sharma 2015"),
        Anchor("with antibodies", "CL", {"WT": 45.2, "ANTIBODIES": 1}, 0.0117 * 2.08, 1e-9, "Sharma 2015"),
    ],
)
