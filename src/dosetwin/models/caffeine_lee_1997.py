"""Caffeine in preterm newborns with apnoea: one compartment, weight, postnatal and gestational age (Lee et al., 1997)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, additive, model
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Lee TC et al.",
    1997,
    "Clin Pharmacol Ther 61:628-640",
    "10.1016/S0009-9236(97)90097-7",
    note="equations, variability and error as printed in the abstract; ranges of weight and age assumed",
)


class theta(NamedTuple):
    CL_WT: Annotated[float, Theta("L/h/kg", "clearance per kg of current weight")] = 0.00399
    CL_PNA: Annotated[float, Theta("L/h/d", "clearance per day of age")] = 0.000128
    V_WT_LATE: Annotated[float, Theta("L/kg", "volume per kg, gestational age above GA_LATE")] = 0.764
    V_PNA_LATE: Annotated[float, Theta("L/d", "volume per day of age, gestational age above GA_LATE")] = 0.0468
    V_WT_EARLY: Annotated[float, Theta("L/kg", "volume per kg, gestational age to GA_LATE")] = 0.755
    V_PNA_EARLY: Annotated[float, Theta("L/d", "volume per day of age, gestational age to GA_LATE")] = 0.0224
    GA_LATE: Annotated[float, Theta("wk", "gestational age that parts the two volumes")] = 28.0
    BASE: Annotated[float, Theta("1", "caffeine base in caffeine citrate", "recalled")] = 0.5


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.25)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.11)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.5, 3.5, "current weight", "29463-7", missing="refuse")]
    PNA: Annotated[float, Cov("d", 0.0, 60.0, "postnatal age", age=True)]
    GA: Annotated[float, Cov("wk", 24.0, 36.0, "gestational age", "11884-4", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration of caffeine base", "caffeine", additive(3.9))]


class parameters(NamedTuple):
    CL: float
    V: float
    F_central: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    late = cov.GA > theta.GA_LATE
    V = theta.V_WT_LATE * cov.WT + theta.V_PNA_LATE * cov.PNA if late else theta.V_WT_EARLY * cov.WT + theta.V_PNA_EARLY * cov.PNA
    CL = theta.CL_WT * cov.WT + theta.CL_PNA * cov.PNA
    return parameters(CL=CL * exp(eta.CL), V=V * exp(eta.V), F_central=theta.BASE)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE,
    drug="caffeine",
    population="preterm newborns with apnoea given caffeine citrate into a vein",
    anchors=[
        Anchor(
            "clearance of 1.2 kg at 5 d",
            "CL",
            {"WT": 1.2, "PNA": 5, "GA": 30},
            0.00399 * 1.2 + 0.000128 * 5,
            1e-9,
            "Lee 1997, abstract",
        ),
        Anchor(
            "volume of 1.2 kg at 5 d, 30 weeks",
            "V",
            {"WT": 1.2, "PNA": 5, "GA": 30},
            0.764 * 1.2 + 0.0468 * 5,
            1e-9,
            "Lee 1997, abstract",
        ),
        Anchor(
            "volume of 1 kg at 5 d, 27 weeks",
            "V",
            {"WT": 1.0, "PNA": 5, "GA": 27},
            0.755 + 0.0224 * 5,
            1e-9,
            "Lee 1997, abstract",
        ),
    ],
    notes=(
        "doses are mg of caffeine citrate, levels mg/L of caffeine base; by mouth it comes in whole (label, recalled)",
        "ages advance in steps of 17 h: at the end of a step the volume jumps (1.5 % in a day), and no usual sample falls there",
    ),
    age_step_h=17.0,
)
