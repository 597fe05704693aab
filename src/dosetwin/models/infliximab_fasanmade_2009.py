"""Infliximab in adults with ulcerative colitis: two compartments, albumin, antibodies, sex, weight (Fasanmade et al., 2009)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Fasanmade AA et al.",
    2009,
    "Eur J Clin Pharmacol 65:1211-1228",
    "10.1007/s00228-009-0718-4",
    "secondary",
    note="clearance, volumes, exchange and their spread as in the abstract (read), the rest as transcribed in nlmixr2lib; "
    "ranges of weight and albumin assumed",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/d", "clearance of a man at ALB_REF without antibodies")] = 0.407
    ALB_CL: Annotated[float, Theta("1", "exponent of albumin")] = -1.54
    ALB_REF: Annotated[float, Theta("g/L", "reference albumin")] = 41.0
    ANTI_CL: Annotated[float, Theta("1", "fractional rise of clearance with antibodies")] = 0.471
    WOMEN_CL: Annotated[float, Theta("1", "fractional change of clearance in women")] = -0.236
    TVV1: Annotated[float, Theta("L", "central volume of a man of WT_REF")] = 3.29
    WT_V1: Annotated[float, Theta("1", "exponent of weight")] = 0.538
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 77.0
    WOMEN_V1: Annotated[float, Theta("1", "fractional change of volume in women")] = -0.137
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 4.13
    TVQ: Annotated[float, Theta("L/d", "intercompartmental clearance")] = 7.14
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.131)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.048)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 150.0, "body weight", "29463-7", missing="refuse")]
    ALB: Annotated[float, Cov("g/L", 20.0, 55.0, "serum albumin", "1751-7", missing="population", population=41.0)]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "infliximab", combined(0.0413, 0.403))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    woman = 1.0 - cov.SEX
    CL = theta.TVCL / theta.DAY * (cov.ALB / theta.ALB_REF) ** theta.ALB_CL * (1.0 + theta.ANTI_CL * cov.ANTIBODIES)
    V1 = theta.TVV1 * (cov.WT / theta.WT_REF) ** theta.WT_V1 * (1.0 + theta.WOMEN_V1 * woman)
    return parameters(
        CL=CL * (1.0 + theta.WOMEN_CL * woman) * exp(eta.CL), V1=V1 * exp(eta.V1), Q=theta.TVQ / theta.DAY, V2=theta.TVV2
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
    population="adults with ulcerative colitis (482 patients, 4,145 levels)",
    anchors=[
        Anchor("clearance of a man", "CL", {"WT": 77, "ALB": 41, "SEX": 1}, 0.407 / 24, 1e-9, "Fasanmade 2009"),
        Anchor(
            "of a woman with antibodies",
            "CL",
            {"WT": 77, "ALB": 41, "SEX": 0, "ANTIBODIES": 1},
            0.407 / 24 * 1.471 * 0.764,
            1e-9,
            "Fasanmade 2009",
        ),
        Anchor("volume of a man", "V1", {"WT": 77, "ALB": 41, "SEX": 1}, 3.29, 1e-9, "Fasanmade 2009"),
    ],
)
