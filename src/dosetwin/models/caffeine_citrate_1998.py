"""Caffeine in preterm newborns with apnoea: one compartment, proportional to weight (trial of caffeine citrate, 1998)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, additive, model
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Trial of caffeine citrate in apnoea of prematurity",
    1998,
    "Pediatr Res 43 (abstract 488), doi 10.1203/00006450-199804001-00509 (recalled)",
    note="estimates as printed in the abstract; it prints no residual error",
)


class theta(NamedTuple):
    CL_WT: Annotated[float, Theta("L/h/kg", "clearance per kg of current weight")] = 0.00439
    V_WT: Annotated[float, Theta("L/kg", "volume per kg of current weight")] = 0.834
    BASE: Annotated[float, Theta("1", "caffeine base in caffeine citrate", "recalled")] = 0.5


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.37)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.22)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.5, 3.5, "current weight", "29463-7", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output(
            "mg/L",
            "plasma concentration of caffeine base",
            "caffeine",
            additive(3.9, provenance="assumed", source="that of Lee 1997"),
        ),
    ]


class parameters(NamedTuple):
    CL: float
    V: float
    F_central: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(CL=theta.CL_WT * cov.WT * exp(eta.CL), V=theta.V_WT * cov.WT * exp(eta.V), F_central=theta.BASE)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE,
    drug="caffeine",
    population="preterm newborns with apnoea (58 babies, 30 weeks, 1.2 kg)",
    anchors=[
        Anchor("clearance of 1.228 kg", "CL", {"WT": 1.228}, 0.00439 * 1.228, 1e-9, "abstract: 4.39 mL/kg/h"),
        Anchor("volume of 1.228 kg", "V", {"WT": 1.228}, 0.834 * 1.228, 1e-9, "abstract: 0.834 L/kg"),
    ],
    notes=("doses are mg of caffeine citrate, levels mg/L of caffeine base",),
)
