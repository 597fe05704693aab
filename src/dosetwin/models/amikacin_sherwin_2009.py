"""Amikacin in newborns: one compartment, weight and postmenstrual age (Sherwin et al., 2009)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Sherwin CMT et al.", 2009, "Eur J Clin Pharmacol 65:705-713", "", "paper",
    note="typical values read in the abstract; variabilities were not read",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at 2 kg and 40 weeks")] = 0.23
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance")] = 0.691
    PMA_CL: Annotated[float, Theta("1", "exponent of postmenstrual age on clearance")] = 3.23
    TVV: Annotated[float, Theta("L", "volume at 2 kg")] = 0.957
    WT_V: Annotated[float, Theta("1", "exponent of weight on volume")] = 0.89
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 2.0
    PMA_REF: Annotated[float, Theta("wk", "reference postmenstrual age")] = 40.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", sd=0.30, provenance="assumed")] = 0.0
    V: Annotated[float, Eta("volume", sd=0.15, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.5, 5.0, "current weight", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 24.0, 48.0, "postmenstrual age", age=True)]
    PNA: Annotated[float, Cov("d", 3.0, 90.0, "postnatal age (range only: not in the equations)", age=True)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output(
            "mg/L", "plasma concentration", "amikacin", combined(0.3, 0.20, provenance="assumed", source="not read in the paper")
        ),
    ]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby."""
    size = cov.WT / theta.WT_REF
    CL = theta.TVCL * size**theta.WT_CL * (cov.PMA / theta.PMA_REF) ** theta.PMA_CL * exp(eta.CL)
    return parameters(CL=CL, V=theta.TVV * size**theta.WT_V * exp(eta.V))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="amikacin",
    population="newborns older than 72 h, GA 24-41 wk (80 babies, 358 levels)",
    reference=REFERENCE,
    structure=ONE,
    anchors=[
        Anchor("clearance at 2 kg, 40 wk", "CL", {"WT": 2, "PMA": 40, "PNA": 7}, 0.23, 1e-9, "Sherwin 2009 abstract"),
        Anchor("volume at 2 kg", "V", {"WT": 2, "PMA": 40, "PNA": 7}, 0.957, 1e-9, "Sherwin 2009 abstract"),
        Anchor("clearance per kg at 0.85 kg, 26 wk + 2 d", "CL", {"WT": 0.85, "PMA": 26 + 2 / 7, "PNA": 2}, 0.85 * 0.039, 0.02,
               "our comparison of models, computed from the published equation"),
    ],
    notes=("all variabilities and the ranges of weight and upper ages are assumed",),
)  # fmt: skip
