"""Gentamicin in newborns: two compartments, weight and postmenstrual age (Bijleveld et al., 2017)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Correlation, Cov, Eta, Output, Reference, Theta, lognormal, model
from dosetwin.declare.channels import FILTRATION
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Bijleveld YA et al.", 2017, "Antimicrob Agents Chemother 61:e01304-16", "10.1128/AAC.01304-16", "secondary",
    note="table 3, final model, as transcribed in nlmixr2lib",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of 70 kg at the median postmenstrual age")] = 1.00
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearances (fixed)")] = 0.75
    PMA_CL: Annotated[float, Theta("1", "exponent of postmenstrual age on clearance")] = 1.89
    TVV1: Annotated[float, Theta("L", "central volume of 70 kg")] = 37.4
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance of 70 kg")] = 0.57
    TVV2: Annotated[float, Theta("L", "peripheral volume of 70 kg")] = 17.1
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    PMA_REF: Annotated[float, Theta("wk", "median postmenstrual age (225 d)")] = 225 / 7


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.331, told="filtration", told_sd=FILTRATION.sd)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.244)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.76, 4.67, "weight at the start of treatment", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 25.0, 46.0, "postmenstrual age", age=True)]
    PNA: Annotated[float, Cov("d", 0.0, 31.0, "postnatal age (range only: not in the equations)", age=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "gentamicin", lognormal(0.43))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one baby."""
    size = cov.WT / theta.WT_REF
    CL = theta.TVCL * size**theta.WT_CL * (cov.PMA / theta.PMA_REF) ** theta.PMA_CL * exp(eta.CL)
    return parameters(CL=CL, V1=theta.TVV1 * size * exp(eta.V1), Q=theta.TVQ * size**theta.WT_CL, V2=theta.TVV2 * size)


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MEDIAN = {"WT": 70, "PMA": 225 / 7, "PNA": 1}

MODEL = model(
    __name__,
    drug="gentamicin",
    population="newborns with suspected gram-negative sepsis, GA 25-42 wk, PNA 0-31 d (65 babies, 136 levels)",
    reference=REFERENCE,
    structure=TWO,
    omega=[Correlation("CL", "V1", 0.08)],
    anchors=[
        Anchor("clearance of 70 kg", "CL", MEDIAN, 1.00, 1e-9, "Bijleveld 2017 table 3"),
        Anchor("central volume of 70 kg", "V1", MEDIAN, 37.4, 1e-9, "Bijleveld 2017 table 3"),
        Anchor("peripheral volume of 70 kg", "V2", MEDIAN, 17.1, 1e-9, "Bijleveld 2017 table 3"),
    ],
    notes=(
        "the paper reads no creatinine; a kidney may tell it its filtration, which then has the SD of 0.22 it has between "
        "newborns (assumed); the rest of the variance of clearance stays the drug's",
    ),
)  # fmt: skip
