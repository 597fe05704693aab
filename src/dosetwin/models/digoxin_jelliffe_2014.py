"""Digoxin by mouth in adults: two compartments, kidney; reads levels soon after a dose (Jelliffe 2014)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, model, proportional
from dosetwin.structure.compartments import TWO_ORAL
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Jelliffe R et al.",
    2014,
    "Ther Drug Monit 36:387-393",
    "10.1097/FTD.0000000000000023",
    "secondary",
    note="means and 20 % CV (the paper's assumption) as transcribed in nlmixr2lib; residual error not "
    "given, assumed; ranges assumed; clearance per 1.73 m2 taken as Cockcroft and Gault's",
)


class theta(NamedTuple):
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 0.6093
    V_WT: Annotated[float, Theta("L/kg", "central volume per kg")] = 1.5714
    K_NR: Annotated[float, Theta("1/h", "elimination without the kidney")] = 0.0288
    K_R: Annotated[float, Theta("1/h", "elimination by the kidney at CLCR_REF")] = 0.0451
    CLCR_REF: Annotated[float, Theta("mL/min", "reference creatinine clearance")] = 100.0
    K_CP: Annotated[float, Theta("1/h", "from the central compartment")] = 0.56
    K_PC: Annotated[float, Theta("1/h", "back")] = 0.15
    F: Annotated[float, Theta("1", "share absorbed")] = 0.65
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine")] = 1.0
    UG: Annotated[float, Theta("ug/mg", "micrograms in a milligram", "derived")] = 1000.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.25, provenance="assumed", told="clearance")] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.2)] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", cv=0.2)] = 0.0
    KA: Annotated[float, Eta("absorption", cv=0.2)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 30.0, 120.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 98.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.3, 8.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "serum concentration", "digoxin", proportional(0.2, provenance="assumed"))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    KA: float
    F_depot: float
    UG: Annotated[float, Value("ug/mg", "micrograms in a milligram")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CLCR = cockcroft_gault(cov.AGE, cov.WT, cov.SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    V1 = theta.V_WT * cov.WT
    return parameters(
        CL=(theta.K_NR + theta.K_R * CLCR / theta.CLCR_REF) * V1 * exp(eta.CL),
        V1=V1 * exp(eta.V1),
        Q=theta.K_CP * V1 * exp(eta.Q),
        V2=theta.K_CP / theta.K_PC * V1,
        KA=theta.KA * exp(eta.KA),
        F_depot=theta.F,
        UG=theta.UG,
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=p.UG * A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO_ORAL,
    drug="digoxin",
    population="adults, from normal kidneys to none (values of Reuning 1973)",
    anchors=[
        Anchor(
            "clearance of 70 kg at 100 mL/min",
            "CL",
            {"WT": 72, "AGE": 40, "SCR": 1.0, "SEX": 1},
            0.0739 * 1.5714 * 72,
            1e-6,
            "Jelliffe 2014: 0.0288 + 0.0451 1/h",
        ),
        Anchor("central volume of 70 kg", "V1", {"WT": 70, "AGE": 40, "SCR": 1.0, "SEX": 1}, 110.0, 1e-3, "Reuning 1973"),
    ],
)
