"""Adalimumab in adults with Crohn's disease: one compartment, injected under the skin, antibodies (Ternant et al., 2015)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Ternant D et al.",
    2015,
    "Eur J Clin Pharmacol 71:1155-1157",
    "10.1007/s00228-015-1892-1",
    "secondary",
    note="values as tabled in Marquez-Megias 2021, Pharmaceutics 13:1244; doi recalled",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "apparent clearance without antibodies")] = 0.0175
    ANTI_CL: Annotated[float, Theta("1", "fractional rise of clearance with antibodies")] = 4.5
    TVV: Annotated[float, Theta("L", "apparent volume")] = 13.5
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 0.00625


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.65)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.48)] = 0.0


class cov(NamedTuple):
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "adalimumab", combined(1.8, 0.16))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(CL=theta.TVCL * (1.0 + theta.ANTI_CL * cov.ANTIBODIES) * exp(eta.CL), V=theta.TVV * exp(eta.V), KA=theta.KA)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="adalimumab",
    everyday=Everyday(40.0, "mg", 336.0, 0.0, "US label (recalled)"),
    population="adults with Crohn's disease (65 patients)",
    anchors=[
        Anchor("clearance", "CL", {"ANTIBODIES": 0}, 0.0175, 1e-9, "Ternant 2015"),
        Anchor("clearance with antibodies", "CL", {"ANTIBODIES": 1}, 0.0175 * 5.5, 1e-9, "Ternant 2015"),
    ],
)
