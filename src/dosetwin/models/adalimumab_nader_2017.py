"""Adalimumab in adults with hidradenitis suppurativa: one compartment, weight, inflammation, antibodies (Nader et al., 2017)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Nader A et al.",
    2017,
    "Clin Pharmacokinet 56:1091-1102",
    "10.1007/s40262-016-0502-4",
    "secondary",
    note="table 2 as transcribed in nlmixr2lib; the covariance of clearance and volume is not published. Antibodies act at "
    "once here, in the paper from the third week after the first dose on",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/d", "apparent clearance of WT_REF and CRP_REF without antibodies")] = 0.667
    TVV: Annotated[float, Theta("L", "apparent volume of WT_REF")] = 13.5
    KA: Annotated[float, Theta("1/d", "absorption rate constant")] = 0.195
    ANTI_CL: Annotated[float, Theta("1", "ratio of clearance with antibodies")] = 6.76
    CRP_CL: Annotated[float, Theta("1", "exponent of C-reactive protein on clearance")] = 0.173
    CRP_REF: Annotated[float, Theta("mg/L", "reference C-reactive protein")] = 7.9
    CRP_LEAST: Annotated[float, Theta("mg/L", "lowest value that counts: the lowest seen")] = 0.1
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance")] = 0.888
    WT_V: Annotated[float, Theta("1", "exponent of weight on volume")] = 0.707
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 94.0
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.346)] = 0.0
    V: Annotated[float, Eta("volume", var=0.091)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 43.0, 221.0, "body weight", "29463-7", missing="refuse")]
    CRP: Annotated[float, Cov("mg/L", 0.0, 189.0, "C-reactive protein before treatment", "1988-5", missing="population",
                              population=7.9)]  # fmt: skip
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "adalimumab", combined(1.435, 0.228))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    size, CRP = cov.WT / theta.WT_REF, max(cov.CRP, theta.CRP_LEAST) / theta.CRP_REF
    CL = theta.TVCL * size**theta.WT_CL * CRP**theta.CRP_CL * theta.ANTI_CL**cov.ANTIBODIES
    return parameters(CL=CL / theta.DAY * exp(eta.CL), V=theta.TVV * size**theta.WT_V * exp(eta.V), KA=theta.KA / theta.DAY)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MEDIAN = {"WT": 94, "CRP": 7.9, "ANTIBODIES": 0}

MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="adalimumab",
    everyday=Everyday(40.0, "mg", 168.0, 0.0, "US label in this disease (recalled)"),
    population="adults with hidradenitis suppurativa (600 patients)",
    anchors=[
        Anchor("clearance at the medians", "CL", MEDIAN, 0.667 / 24, 1e-9, "Nader 2017"),
        Anchor("clearance with antibodies", "CL", {**MEDIAN, "ANTIBODIES": 1}, 0.667 / 24 * 6.76, 1e-9, "Nader 2017"),
    ],
)
