"""Piperacillin in adults with septic shock: two compartments, creatinine; free levels (Obrink-Hansen et al., 2015)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, model, proportional
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Obrink-Hansen K et al.",
    2015,
    "Antimicrob Agents Chemother 59:7018-7026",
    "10.1128/AAC.01347-15",
    "secondary",
    note="table 2 as transcribed in nlmixr2lib; total levels are the free ones over the free share (0.7, recalled)",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of free drug at SCR_REF")] = 3.6
    SCR_CL: Annotated[float, Theta("L/h", "change of clearance as creatinine doubles from SCR_REF: 0.011 per umol/L")] = -1.87
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine, 170 umol/L")] = 1.92308
    TVV1: Annotated[float, Theta("L", "central volume of free drug")] = 7.3
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance of free drug")] = 6.58
    TVV2: Annotated[float, Theta("L", "peripheral volume of free drug")] = 3.9
    FREE: Annotated[float, Theta("1", "free share in plasma", "recalled")] = 0.7


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.712)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.578)] = 0.0


class cov(NamedTuple):
    SCR: Annotated[float, Cov("mg/dL", 0.6, 5.0, "serum creatinine", "2160-0", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "total plasma concentration", "piperacillin", proportional(0.147))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CL = theta.TVCL + theta.SCR_CL * (cov.SCR / theta.SCR_REF - 1.0)
    return parameters(
        CL=theta.FREE * CL * exp(eta.CL),
        V1=theta.FREE * theta.TVV1 * exp(eta.V1),
        Q=theta.FREE * theta.TVQ,
        V2=theta.FREE * theta.TVV2,
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO,
    drug="piperacillin",
    population="adults with septic shock, many with kidney injury (15 patients, 120 levels)",
    anchors=[
        Anchor(
            "clearance of total drug at 170 umol/L",
            "CL",
            {"SCR": 1.92308},
            2.52,
            1e-6,
            "Obrink-Hansen 2015: 3.6 L/h of free drug",
        ),
        Anchor("at 100 umol/L", "CL", {"SCR": 100 / 88.4}, 0.7 * (3.6 + 0.77), 1e-4, "Obrink-Hansen 2015: -0.011 L/h per umol/L"),
    ],
)
