"""Infliximab in Crohn's disease, children and adults: two compartments, weight, albumin, antibodies (Fasanmade et al., 2011)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Fasanmade AA et al.",
    2011,
    "Clin Ther 33:946-964",
    "10.1016/j.clinthera.2011.06.002",
    "secondary",
    note="pooled model as in the control stream of Kim 2025 (10.1002/psp4.70089), transcribed "
    "in nlmixr2lib; variability between occasions (18.3 %) left out; ranges assumed",
)


class theta(NamedTuple):
    CL_WT: Annotated[float, Theta("L/d/kg", "clearance per kg at the references")] = 0.00542
    V1_WT: Annotated[float, Theta("L/kg", "central volume per kg")] = 0.0524
    V2_WT: Annotated[float, Theta("L/kg", "peripheral volume per kg")] = 0.0196
    Q_WT: Annotated[float, Theta("L/d/kg", "intercompartmental clearance per kg")] = 0.00226
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 65.0
    SIZE_CL: Annotated[float, Theta("1", "exponent of weight on clearance per kg")] = -0.313
    SIZE_V1: Annotated[float, Theta("1", "exponent of weight on central volume per kg")] = -0.233
    SIZE_V2: Annotated[float, Theta("1", "exponent of weight on peripheral volume per kg")] = -0.588
    ALB_CL: Annotated[float, Theta("1", "exponent of albumin")] = -0.855
    ALB_REF: Annotated[float, Theta("g/L", "reference albumin")] = 41.0
    ANTI_CL: Annotated[float, Theta("1", "fractional rise of clearance with antibodies")] = 0.291
    IMM_CL: Annotated[float, Theta("1", "fractional change of clearance with an immunomodulator")] = -0.137
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0942)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.0159)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.306)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 20.0, 140.0, "body weight", "29463-7", missing="refuse")]
    ALB: Annotated[float, Cov("g/L", 20.0, 55.0, "serum albumin", "1751-7", missing="population", population=41.0)]
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]
    IMMUNOMODULATOR: Annotated[float, Cov("1", 0, 1, "azathioprine, mercaptopurine or methotrexate", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "infliximab", combined(0.371, 0.292))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    size = cov.WT / theta.WT_REF
    CL = theta.CL_WT / theta.DAY * cov.WT * size**theta.SIZE_CL * (cov.ALB / theta.ALB_REF) ** theta.ALB_CL
    return parameters(
        CL=CL * (1.0 + theta.ANTI_CL * cov.ANTIBODIES) * (1.0 + theta.IMM_CL * cov.IMMUNOMODULATOR) * exp(eta.CL),
        V1=theta.V1_WT * cov.WT * size**theta.SIZE_V1 * exp(eta.V1),
        Q=theta.Q_WT / theta.DAY * cov.WT,
        V2=theta.V2_WT * cov.WT * size**theta.SIZE_V2 * exp(eta.V2),
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO,
    drug="infliximab",
    everyday=Everyday(5.0, "mg/kg", 1344.0, 2.0, "US label (recalled)"),
    population="children and adults with Crohn's disease (692 patients)",
    anchors=[
        Anchor("clearance of 65 kg", "CL", {"WT": 65, "ALB": 41}, 0.3523 / 24, 1e-4, "Fasanmade 2011: 5.42 mL/kg/d"),
        Anchor(
            "with antibodies on an immunomodulator",
            "CL",
            {"WT": 65, "ALB": 41, "ANTIBODIES": 1, "IMMUNOMODULATOR": 1},
            0.3523 / 24 * 1.291 * 0.863,
            1e-4,
            "Fasanmade 2011",
        ),
        Anchor("central volume of 65 kg", "V1", {"WT": 65, "ALB": 41}, 3.406, 1e-9, "Fasanmade 2011: 52.4 mL/kg"),
    ],
    notes=(
        "another transcription (Frymoyer 2017) has the exponents of weight "
        "with the other sign: these are the ones that size explains",
    ),
)
