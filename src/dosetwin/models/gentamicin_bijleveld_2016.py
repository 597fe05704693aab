"""Gentamicin in term newborns cooled after asphyxia: two compartments, recovery after rewarming (Bijleveld et al., 2016)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Correlation, Cov, Eta, Output, Reference, Theta, lognormal, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Bijleveld YA et al.", 2016, "Br J Clin Pharmacol 81:1067-1077", "10.1111/bcp.12883", "secondary",
    note="table 2, final model, as transcribed in nlmixr2lib",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of 70 kg at GA 40 wk while cooled")] = 1.89
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearances (fixed)")] = 0.75
    GA_CL: Annotated[float, Theta("1", "exponent of gestational age on clearance")] = 3.00
    WARM_CL: Annotated[float, Theta("1", "factor on clearance after rewarming")] = 1.29
    PNA_WARM: Annotated[float, Theta("d", "postnatal age from which babies are warm again (96 h)")] = 4.0
    TVV1: Annotated[float, Theta("L", "central volume of 70 kg")] = 32.5
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance of 70 kg")] = 2.01
    TVV2: Annotated[float, Theta("L", "peripheral volume of 70 kg")] = 30.3
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    GA_REF: Annotated[float, Theta("wk", "median gestational age")] = 40.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.266)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.408)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", cv=0.533)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 2.09, 5.07, "birth weight", "29463-7", missing="refuse")]
    GA: Annotated[float, Cov("wk", 36.0, 42.0, "gestational age at birth", "18185-9", missing="refuse")]
    PNA: Annotated[float, Cov("d", 0.0, 5.2, "postnatal age", age=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "gentamicin", lognormal(0.15))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one baby."""
    size = cov.WT / theta.WT_REF
    warm = theta.WARM_CL if cov.PNA > theta.PNA_WARM else 1.0
    CL = theta.TVCL * size**theta.WT_CL * (cov.GA / theta.GA_REF) ** theta.GA_CL * warm * exp(eta.CL)
    return parameters(
        CL=CL, V1=theta.TVV1 * size * exp(eta.V1), Q=theta.TVQ * size**theta.WT_CL, V2=theta.TVV2 * size * exp(eta.V2)
    )


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    drug="gentamicin",
    population="term newborns with hypoxic-ischaemic encephalopathy, 33.5 C for 72 h (47 babies, 612 levels)",
    reference=REFERENCE,
    structure=TWO,
    omega=[Correlation("CL", "V1", 0.81)],
    anchors=[
        Anchor("clearance of 70 kg, cooled", "CL", {"WT": 70, "GA": 40, "PNA": 2}, 1.89, 1e-9, "table 2"),
        Anchor("clearance of 70 kg, rewarmed", "CL", {"WT": 70, "GA": 40, "PNA": 4.5}, 1.89 * 1.29, 1e-9, "table 2"),
        Anchor("central volume of 70 kg", "V1", {"WT": 70, "GA": 40, "PNA": 2}, 32.5, 1e-9, "table 2"),
    ],
    notes=(
        "the paper's variability of the residual error between babies (50 %) is not carried",
        "no kidney tells it its filtration: it takes every baby for asphyxiated and cooled, recorded or not, and a creatinine "
        "that rose with these would count the same fall twice",
    ),
)  # fmt: skip
