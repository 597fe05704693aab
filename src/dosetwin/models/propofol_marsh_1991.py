"""Propofol by weight alone: three compartments (Marsh et al., 1991) and an effect site added to them later."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, model, proportional
from dosetwin.structure.effect_site import THREE_SITE

REFERENCE = Reference(
    "Marsh B et al.", 1991, "Br J Anaesth 67:41-48", "10.1093/bja/67.1.41", "secondary",
    note="rate constants as transcribed in two programs; ke0 0.26 of the first pumps (the modified one has 1.21); no spread was "
    "published: it is assumed",
)  # fmt: skip


class theta(NamedTuple):
    V1_KG: Annotated[float, Theta("L/kg", "central volume")] = 0.228
    K10: Annotated[float, Theta("1/min", "out")] = 0.119
    K12: Annotated[float, Theta("1/min", "to the first peripheral volume")] = 0.112
    K13: Annotated[float, Theta("1/min", "to the second")] = 0.042
    K21: Annotated[float, Theta("1/min", "back from the first")] = 0.055
    K31: Annotated[float, Theta("1/min", "back from the second")] = 0.0033
    TVKE0: Annotated[float, Theta("1/min", "rate of the effect site")] = 0.26
    HOUR: Annotated[float, Theta("min/h", "minutes of an hour", "derived")] = 60.0


class eta(NamedTuple):
    V1: Annotated[float, Eta("volumes", cv=0.4, provenance="assumed")] = 0.0
    CL: Annotated[float, Eta("clearance", cv=0.3, provenance="assumed")] = 0.0
    KE0: Annotated[float, Eta("rate of the effect site", cv=0.4, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 30.0, 150.0, "body weight", "29463-7", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "propofol", proportional(0.2, provenance="assumed"))]
    Ce: Annotated[
        float, Output("mg/L", "concentration at the effect site", "PROPOFOL_CE", proportional(0.2, provenance="assumed"))
    ]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance")]
    V1: float
    Q2: Annotated[float, Value("L/h", "flow to the first peripheral volume")]
    V2: float
    Q3: Annotated[float, Value("L/h", "flow to the second peripheral volume")]
    V3: float
    KE0: Annotated[float, Value("1/h", "rate of the effect site")]


def individual(theta, eta, cov):
    """Parameters of one patient: L, L/h, 1/h."""
    V1 = theta.V1_KG * cov.WT * exp(eta.V1)
    return parameters(
        CL=theta.K10 * theta.HOUR * theta.V1_KG * cov.WT * exp(eta.CL),
        V1=V1,
        Q2=theta.K12 * theta.HOUR * V1,
        V2=theta.K12 / theta.K21 * V1,
        Q3=theta.K13 * theta.HOUR * V1,
        V3=theta.K13 / theta.K31 * V1,
        KE0=theta.TVKE0 * theta.HOUR * exp(eta.KE0),
    )


def observe(A, p, cov):
    """Plasma and effect-site concentration, mg/L."""
    return output(Cp=A.central / p.V1, Ce=A.site)


MODEL = model(
    __name__,
    drug="propofol",
    population="adults (and children, by weight)",
    reference=REFERENCE,
    structure=THREE_SITE,
    anchors=[
        Anchor("central volume of 70 kg", "V1", {"WT": 70.0}, 15.96, 1e-9, "0.228 L/kg"),
        Anchor("first peripheral volume of 70 kg", "V2", {"WT": 70.0}, 0.4643 * 70, 1e-4, "V1 k12 / k21: 0.4643 L/kg"),
        Anchor("second peripheral volume of 70 kg", "V3", {"WT": 70.0}, 2.9018 * 70, 1e-4, "V1 k13 / k31: 2.9018 L/kg"),
    ],
    notes=("effect-site concentrations of models with other ke0 are other numbers: never compare them",),
)  # fmt: skip
