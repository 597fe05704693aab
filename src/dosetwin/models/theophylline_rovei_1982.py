"""Theophylline by mouth in healthy non-smokers: one compartment, weight, plain tablets (Rovei et al., 1982)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, model, proportional
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Rovei V et al.",
    1982,
    "Br J Clin Pharmacol 14:769-778",
    "10.1111/j.1365-2125.1982.tb02035.x",
    "secondary",
    note="table 3 as transcribed in nlmixr2lib; variability is the spread of eight people, "
    "residual error that of the transcription; range of weight widened (assumed)",
)


class theta(NamedTuple):
    CL_WT: Annotated[float, Theta("L/h/kg", "clearance per kg")] = 0.042
    V_WT: Annotated[float, Theta("L/kg", "volume per kg")] = 0.51
    KA: Annotated[float, Theta("1/h", "absorption of plain tablets")] = 1.73
    LAG: Annotated[float, Theta("h", "time before absorption begins")] = 0.09


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.25)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.14)] = 0.0
    KA: Annotated[float, Eta("absorption", cv=0.5)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 100.0, "body weight", "29463-7", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "theophylline", proportional(0.1, provenance="assumed"))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float
    LAG_depot: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(
        CL=theta.CL_WT * cov.WT * exp(eta.CL), V=theta.V_WT * cov.WT * exp(eta.V), KA=theta.KA * exp(eta.KA), LAG_depot=theta.LAG
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="theophylline",
    population="healthy adults who do not smoke, plain tablets (8 people)",
    anchors=[
        Anchor("clearance of 70 kg", "CL", {"WT": 70}, 2.94, 1e-9, "Rovei 1982 table 3: 0.042 L/h/kg"),
        Anchor("volume of 70 kg", "V", {"WT": 70}, 35.7, 1e-9, "Rovei 1982 table 3: 0.51 L/kg"),
    ],
)
