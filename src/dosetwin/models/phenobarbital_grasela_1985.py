"""Phenobarbital in newborns: one compartment, weight and Apgar score (Grasela and Donn, 1985; NONMEM refit of the same data)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, model, proportional
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Grasela TH, Donn SM", 1985, "Dev Pharmacol Ther 8:374-383", "10.1159/000457062", "secondary",
    note="estimates of the NONMEM run 'pheno_real' distributed with Pharmpy on the data of the paper, not the paper's own table",
)  # fmt: skip


class theta(NamedTuple):
    CL_WT: Annotated[float, Theta("L/h/kg", "clearance per kg")] = 0.00469555
    V_WT: Annotated[float, Theta("L/kg", "volume per kg at an Apgar score of 5 or more")] = 0.984258
    APGR_V: Annotated[float, Theta("1", "fractional increase of volume at an Apgar score below 5")] = 0.15892
    APGR_LOW: Annotated[float, Theta("1", "Apgar score from which volume is normal")] = 5.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0293508)] = 0.0
    V: Annotated[float, Eta("volume", var=0.027906)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.6, 3.6, "body weight", "29463-7", missing="refuse")]
    APGR: Annotated[float, Cov("1", 1, 10, "Apgar score at 5 minutes", "9274-2", missing="population", population=7.0)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output("mg/L", "plasma concentration", "phenobarbital",
               proportional(0.013241**0.5, source="NONMEM run: variance 0.013241")),
    ]  # fmt: skip


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby."""
    low = theta.APGR_V if cov.APGR < theta.APGR_LOW else 0.0
    return parameters(CL=theta.CL_WT * cov.WT * exp(eta.CL), V=theta.V_WT * cov.WT * (1.0 + low) * exp(eta.V))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="phenobarbital",
    population="newborns treated for seizures (59 babies, 155 levels)",
    reference=REFERENCE,
    structure=ONE,
    anchors=[
        Anchor("clearance per kg of the paper", "CL", {"WT": 1.0, "APGR": 7}, 0.0047, 0.02, "abstract of the paper (recalled)"),
        Anchor("volume per kg of the paper", "V", {"WT": 1.0, "APGR": 7}, 0.96, 0.05, "abstract of the paper (recalled)"),
        Anchor("volume after low Apgar", "V", {"WT": 1.0, "APGR": 4}, 0.984258 * 1.15892, 1e-9, "NONMEM run pheno_real"),
    ],
    notes=("doses were given intravenously and are entered as boluses, as in the published data set",),
)  # fmt: skip
