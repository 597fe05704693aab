"""Adalimumab in children with juvenile arthritis: weight, antibodies, methotrexate, uveitis (Nassar et al., 2024)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, additive, model
from dosetwin.structure.compartments import TWO_ORAL

REFERENCE = Reference(
    "Nassar-Sheikh Rashid A et al.",
    2024,
    "Paediatr Drugs 26:441-450",
    "10.1007/s40272-024-00629-7",
    "secondary",
    note="table 2 as transcribed in nlmixr2lib; all but clearance is fixed there to Kang 2020. The three hours in which a dose "
    "reaches the depot and the correlations of the fixed variabilities are left out; ranges assumed",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/d", "apparent clearance of WT_REF at CRP_REF")] = 0.374
    TVV1: Annotated[float, Theta("L", "apparent central volume of WT_REF")] = 2.67
    TVQ: Annotated[float, Theta("L/d", "apparent intercompartmental clearance of WT_REF")] = 1.7
    TVV2: Annotated[float, Theta("L", "apparent peripheral volume of WT_REF")] = 3.94
    KA: Annotated[float, Theta("1/d", "absorption rate constant")] = 0.262
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearances")] = 0.75
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    ANTI_CL: Annotated[float, Theta("1", "ratio of clearance with antibodies")] = 2.08
    MTX_CL: Annotated[float, Theta("1", "ratio of clearance with methotrexate")] = 0.72
    UVEITIS_CL: Annotated[float, Theta("1", "ratio of clearance with uveitis")] = 1.44
    CRP_CL: Annotated[float, Theta("1", "exponent of C-reactive protein on clearance")] = 0.165
    CRP_REF: Annotated[float, Theta("mg/L", "reference C-reactive protein")] = 0.6
    CRP_LEAST: Annotated[float, Theta("mg/L", "lowest value that counts", "assumed")] = 0.1
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0754785)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.585)] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", var=1.31)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.150)] = 0.0
    KA: Annotated[float, Eta("absorption", var=0.439)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 10.0, 90.0, "body weight", "29463-7", missing="refuse")]
    CRP: Annotated[float, Cov("mg/L", 0.0, 50.0, "C-reactive protein", "1988-5", missing="population", population=0.6)]
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]
    METHOTREXATE: Annotated[float, Cov("1", 0, 1, "takes methotrexate", flag=True)]
    UVEITIS: Annotated[float, Cov("1", 0, 1, "active uveitis", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "adalimumab", additive(3.61))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    KA: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    size, CRP = cov.WT / theta.WT_REF, max(cov.CRP, theta.CRP_LEAST) / theta.CRP_REF
    CL = theta.TVCL * size**theta.WT_CL * CRP**theta.CRP_CL * theta.ANTI_CL**cov.ANTIBODIES
    CL = CL * theta.MTX_CL**cov.METHOTREXATE * theta.UVEITIS_CL**cov.UVEITIS
    return parameters(
        CL=CL / theta.DAY * exp(eta.CL),
        V1=theta.TVV1 * size * exp(eta.V1),
        Q=theta.TVQ / theta.DAY * size**theta.WT_CL * exp(eta.Q),
        V2=theta.TVV2 * size * exp(eta.V2),
        KA=theta.KA / theta.DAY * exp(eta.KA),
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


GROWN = {"WT": 70, "CRP": 0.6, "ANTIBODIES": 0, "METHOTREXATE": 0, "UVEITIS": 0}

MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO_ORAL,
    drug="adalimumab",
    everyday=Everyday(40.0, "mg", 336.0, 0.0, "European label from 30 kg (secondary)"),
    population="children with juvenile idiopathic arthritis (50 patients)",
    anchors=[
        Anchor("clearance of 70 kg", "CL", GROWN, 0.374 / 24, 1e-9, "Nassar-Sheikh Rashid 2024"),
        Anchor("with methotrexate, 0.27 L/d", "CL", {**GROWN, "METHOTREXATE": 1}, 0.269 / 24, 2e-3, "Nassar-Sheikh Rashid 2024"),
        Anchor("at 10 mg/L, 59 % more", "CL", {**GROWN, "CRP": 10}, 0.374 / 24 * 1.59, 2e-3, "Nassar-Sheikh Rashid 2024"),
    ],
)
