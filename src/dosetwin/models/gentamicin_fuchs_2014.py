"""Gentamicin in newborns: two compartments, weight, GA, PNA and dopamine (Fuchs et al., 2014)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Correlation, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Fuchs A et al.", 2014, "Br J Clin Pharmacol 78:1090-1101", "10.1111/bcp.12444", "secondary",
    note="table 2, final model, as transcribed in nlmixr2lib",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at 2.17 kg, GA 34 wk, PNA 1 d")] = 0.089
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearances (fixed)")] = 0.75
    GA_CL: Annotated[float, Theta("1", "slope of relative gestational age on clearance")] = 1.870
    PNA_CL: Annotated[float, Theta("1", "slope of relative postnatal age on clearance")] = 0.054
    DOPA_CL: Annotated[float, Theta("1", "fractional change of clearance under dopamine")] = -0.120
    TVV1: Annotated[float, Theta("L", "central volume at 2.17 kg, GA 34 wk")] = 0.908
    GA_V1: Annotated[float, Theta("1", "slope of relative gestational age on central volume")] = -0.922
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance at 2.17 kg")] = 0.157
    TVV2: Annotated[float, Theta("L", "peripheral volume at 2.17 kg")] = 0.560
    WT_REF: Annotated[float, Theta("kg", "median weight")] = 2.170
    GA_REF: Annotated[float, Theta("wk", "median gestational age")] = 34.0
    PNA_REF: Annotated[float, Theta("d", "median postnatal age")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.28, told="filtration", told_sd=0.13)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.18)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.44, 5.51, "current weight", "29463-7", missing="refuse")]
    GA: Annotated[float, Cov("wk", 24.0, 42.0, "gestational age at birth", "18185-9", missing="refuse")]
    PNA: Annotated[float, Cov("d", 0.0, 94.0, "postnatal age", age=True)]
    DOPA: Annotated[float, Cov("1", 0, 1, "dopamine running", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "gentamicin", combined(0.10, 0.18))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one baby."""
    size = cov.WT / theta.WT_REF
    GA = cov.GA / theta.GA_REF - 1.0
    age = (1.0 + theta.GA_CL * GA) * (1.0 + theta.PNA_CL * (cov.PNA / theta.PNA_REF - 1.0))
    CL = theta.TVCL * size**theta.WT_CL * age * (1.0 + theta.DOPA_CL * cov.DOPA) * exp(eta.CL)
    V1 = theta.TVV1 * size * (1.0 + theta.GA_V1 * GA) * exp(eta.V1)
    return parameters(CL=CL, V1=V1, Q=theta.TVQ * size**theta.WT_CL, V2=theta.TVV2 * size)


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    drug="gentamicin",
    population="newborns, GA 24-42 wk, mostly the first week (1,449 babies, 3,039 levels)",
    reference=REFERENCE,
    structure=TWO,
    omega=[Correlation("CL", "V1", 0.87)],
    anchors=[
        Anchor("clearance of the median baby", "CL", {"WT": 2.17, "GA": 34, "PNA": 1, "DOPA": 0}, 0.089, 1e-9, "table 2"),
        Anchor("central volume of the median baby", "V1", {"WT": 2.17, "GA": 34, "PNA": 1, "DOPA": 0}, 0.908, 1e-9, "table 2"),
        Anchor("under dopamine", "CL", {"WT": 2.17, "GA": 34, "PNA": 1, "DOPA": 1}, 0.089 * 0.88, 1e-9, "table 2"),
        Anchor("clearance per kg at 3.5 kg, 40 wk, day 2", "CL", {"WT": 3.5, "GA": 40, "PNA": 2, "DOPA": 0}, 3.5 * 0.051, 0.02,
               "our comparison of models, computed from the published equation"),
    ],
    notes=(
        "the paper reads no creatinine; a kidney may tell it its filtration, with an SD of 0.13 (derived): clearance and volume "
        "vary together (r = 0.87), so at most 1 - 0.87^2 of the variance of clearance is the kidney's alone. Filtration differs "
        "between newborns by 0.22, so this model follows a creatinine less than others do",
        "ibuprofen and cooling are not among its covariates: with a creatinine, their effect on creatinine counts for the drug",
    ),
)  # fmt: skip
