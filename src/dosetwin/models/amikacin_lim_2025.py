"""Amikacin in newborns: one compartment, weight and postmenstrual age (Lim et al., 2025)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Lim CP et al.", 2025, "Antimicrob Agents Chemother 69(8):e00818-25", "10.1128/aac.00818-25", "secondary",
    note="equations as transcribed in nlmixr2lib; the paper prints no parameter table and no residual error",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at 1 kg and 30 weeks")] = 0.0487
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance")] = 0.919
    PMA_CL: Annotated[float, Theta("1", "exponent of postmenstrual age on clearance")] = 1.53
    TVV: Annotated[float, Theta("L", "volume at 1 kg")] = 0.497
    WT_V: Annotated[float, Theta("1", "exponent of weight on volume")] = 0.851
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 1.0
    PMA_REF: Annotated[float, Theta("wk", "reference postmenstrual age")] = 30.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0188)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.58, 3.77, "current weight", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 25.9, 45.0, "postmenstrual age", age=True)]
    PNA: Annotated[float, Cov("d", 3.0, 90.0, "postnatal age (range only: not in the equations)", age=True)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output("mg/L", "plasma concentration", "amikacin",
               combined(0.3, 0.20, provenance="assumed", source="form combined in the paper, sizes unpublished")),
    ]  # fmt: skip


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby; the paper found no between-subject variability of volume."""
    size = cov.WT / theta.WT_REF
    CL = theta.TVCL * size**theta.WT_CL * (cov.PMA / theta.PMA_REF) ** theta.PMA_CL * exp(eta.CL)
    return parameters(CL=CL, V=theta.TVV * size**theta.WT_V)


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="amikacin",
    population="newborns and infants in intensive care, GA 24-41 wk, Singapore (90 babies, 254 levels)",
    reference=REFERENCE,
    structure=ONE,
    anchors=[
        Anchor("clearance at 1 kg, 30 wk", "CL", {"WT": 1, "PMA": 30, "PNA": 10}, 0.0487, 1e-9, "Lim 2025 equation 1"),
        Anchor("volume at 1 kg", "V", {"WT": 1, "PMA": 30, "PNA": 10}, 0.497, 1e-9, "Lim 2025 equation 2"),
        Anchor("clearance per kg at 3.5 kg, 40 wk, day 25", "CL", {"WT": 3.5, "PMA": 40 + 25 / 7, "PNA": 25}, 3.5 * 0.077, 0.02,
               "our comparison of models, computed from the published equation"),
    ],
    notes=(
        "residual error is assumed: the paper gives none",
        "postnatal age is a range only: before day 3 this model reads 35-125 % above models that know postnatal age",
        "the age column of the paper's table 1 adds weeks and days; the range of PMA here is a reconstruction",
    ),
)  # fmt: skip
