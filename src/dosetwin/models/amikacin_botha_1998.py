"""Amikacin in newborns: one compartment, birth weight and sex (Botha et al., 1998)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, model, proportional
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Botha JH et al.", 1998, "Eur J Clin Pharmacol 53:337-341", "", "paper",
    note="numbers read in the abstract; authorship from memory",
)  # fmt: skip


class theta(NamedTuple):
    CL_BOY: Annotated[float, Theta("L/h", "clearance of a boy of 1 kg")] = 0.031
    BW_CL: Annotated[float, Theta("1", "exponent of birth weight on clearance")] = 1.45
    GIRL_CL: Annotated[float, Theta("1", "factor on clearance of girls")] = 1.28
    TVV: Annotated[float, Theta("L", "volume at 1 kg")] = 0.316
    BW_V: Annotated[float, Theta("1", "exponent of birth weight on volume")] = 1.44
    BW_REF: Annotated[float, Theta("kg", "reference birth weight")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.18)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.13)] = 0.0


class cov(NamedTuple):
    BW: Annotated[float, Cov("kg", 0.8, 4.5, "birth weight", "8339-4", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0, 1, "1 male, 0 female", "76689-9", missing="population", population=0.5)]
    PNA: Annotated[float, Cov("d", 0.0, 14.0, "postnatal age (range only: not in the equations)", age=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "amikacin", proportional(0.29))]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby; unknown sex (0.5) takes the geometric mean."""
    size = cov.BW / theta.BW_REF
    CL = theta.CL_BOY * size**theta.BW_CL * theta.GIRL_CL ** (1.0 - cov.SEX) * exp(eta.CL)
    return parameters(CL=CL, V=theta.TVV * size**theta.BW_V * exp(eta.V))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="amikacin",
    population="newborns, mean GA 35 wk, mean age 3 d (53 babies, 106 levels at steady state)",
    reference=REFERENCE,
    structure=ONE,
    anchors=[
        Anchor("clearance of a boy of 1 kg", "CL", {"BW": 1, "SEX": 1, "PNA": 3}, 0.031, 1e-9, "Botha 1998 abstract"),
        Anchor("clearance of a girl of 1 kg", "CL", {"BW": 1, "SEX": 0, "PNA": 3}, 0.031 * 1.28, 1e-9, "Botha 1998 abstract"),
        Anchor("mean clearance 0.048 L/h/kg, at 2.1 kg, either sex", "CL", {"BW": 2.1, "SEX": 0.5, "PNA": 3}, 2.1 * 0.048, 0.05,
               "Botha 1998 abstract; the mean weight is ours"),
        Anchor("mean volume 0.434 L/kg, at 2.1 kg", "V", {"BW": 2.1, "SEX": 0.5, "PNA": 3}, 2.1 * 0.434, 0.05,
               "Botha 1998 abstract; the mean weight is ours"),
    ],
    notes=("covariate ranges are assumed", "no maturation with age: do not use beyond the first two weeks"),
)  # fmt: skip
