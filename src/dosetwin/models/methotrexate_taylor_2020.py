"""Methotrexate in high dose in children: three compartments, body surface, creatinine (Taylor et al., 2020)."""

from math import exp, sqrt
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, model, proportional
from dosetwin.structure.compartments import THREE

REFERENCE = Reference(
    "Taylor ZL et al.",
    2020,
    "Clin Pharmacol Ther 108:635-643",
    "10.1002/cpt.1957",
    "secondary",
    note="model of MTXPK.org as transcribed in nlmixr2lib; the residual error is not published and assumed",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of 1.73 m2 at SCR_REF")] = 11.0
    SCR_CL: Annotated[float, Theta("1", "exponent of creatinine")] = -0.247
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine, 29 umol/L")] = 0.32805
    TVV1: Annotated[float, Theta("L", "central volume of 1.73 m2")] = 16.5
    TVQ2: Annotated[float, Theta("L/h", "first intercompartmental clearance of 1.73 m2")] = 0.602
    TVV2: Annotated[float, Theta("L", "first peripheral volume of 1.73 m2")] = 4.55
    TVQ3: Annotated[float, Theta("L/h", "second intercompartmental clearance of 1.73 m2")] = 0.111
    TVV3: Annotated[float, Theta("L", "second peripheral volume of 1.73 m2")] = 13.1
    HT_REF: Annotated[float, Theta("cm", "height of the reference surface, 1.73 m2 (Mosteller)", "derived")] = 170.0
    WT_REF: Annotated[float, Theta("kg", "weight of the reference surface", "derived")] = 63.379
    UMOL: Annotated[float, Theta("umol/mg", "micromoles in a milligram", "derived")] = 2.20046


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.08)] = 0.0
    V2: Annotated[float, Eta("first peripheral volume", var=0.12)] = 0.0
    Q3: Annotated[float, Eta("second intercompartmental clearance", var=0.13)] = 0.0
    V3: Annotated[float, Eta("second peripheral volume", var=0.10)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 5.0, 120.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 55.0, 195.0, "height", "8302-2", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.1, 4.0, "serum creatinine", "2160-0", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("umol/L", "plasma concentration", "methotrexate", proportional(0.25, provenance="assumed"))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q2: float
    V2: float
    Q3: float
    V3: float
    UMOL: Annotated[float, Value("umol/mg", "micromoles in a milligram")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    surface = sqrt(cov.HT * cov.WT / (theta.HT_REF * theta.WT_REF))
    return parameters(
        CL=theta.TVCL * surface * (cov.SCR / theta.SCR_REF) ** theta.SCR_CL * exp(eta.CL),
        V1=theta.TVV1 * surface,
        Q2=theta.TVQ2 * surface,
        V2=theta.TVV2 * surface * exp(eta.V2),
        Q3=theta.TVQ3 * surface * exp(eta.Q3),
        V3=theta.TVV3 * surface * exp(eta.V3),
        UMOL=theta.UMOL,
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=p.UMOL * A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=THREE,
    drug="methotrexate",
    population="children with leukaemia, 5 or 8 g/m2 over 24 h (772 children)",
    anchors=[
        Anchor("clearance of 1.73 m2", "CL", {"WT": 63.379, "HT": 170, "SCR": 0.32805}, 11.0, 1e-6, "Taylor 2020"),
        Anchor("at twice the creatinine", "CL", {"WT": 63.379, "HT": 170, "SCR": 0.6561}, 11.0 * 2**-0.247, 1e-6, "Taylor 2020"),
    ],
)
