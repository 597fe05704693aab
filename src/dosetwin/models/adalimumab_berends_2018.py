"""Adalimumab in adults with Crohn's disease: one compartment, injected under the skin, antibodies (Berends et al., 2018)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Berends SE et al.",
    2018,
    "Aliment Pharmacol Ther 47:1229-1237 (recalled)",
    "10.1111/apt.14548",
    "secondary",
    note="values as tabled in Marquez-Megias 2021, Pharmaceutics 13:1244; the 40 % higher clearance on weekly doses is left out",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "apparent clearance without antibodies")] = 0.0133
    ANTI_CL: Annotated[float, Theta("1", "fractional rise of clearance with antibodies")] = 3.14
    TVV: Annotated[float, Theta("L", "apparent volume")] = 4.07
    KA: Annotated[float, Theta("1/h", "absorption rate constant (fixed)")] = 0.00833


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.491)] = 0.0


class cov(NamedTuple):
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "adalimumab", combined(1.02, 0.09))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(CL=theta.TVCL * (1.0 + theta.ANTI_CL * cov.ANTIBODIES) * exp(eta.CL), V=theta.TVV, KA=theta.KA)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="adalimumab",
    everyday=Everyday(40.0, "mg", 336.0, 0.0, "US label (recalled)"),
    population="adults with Crohn's disease (96 patients)",
    anchors=[
        Anchor("clearance", "CL", {"ANTIBODIES": 0}, 0.0133, 1e-9, "Berends 2018"),
        Anchor("clearance with antibodies", "CL", {"ANTIBODIES": 1}, 0.0133 * 4.14, 1e-9, "Berends 2018"),
    ],
)
