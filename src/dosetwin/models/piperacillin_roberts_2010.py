"""Piperacillin in critically ill adults: two compartments, weight, the giving set's lag (Roberts et al., 2010)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Roberts JA et al.",
    2010,
    "Int J Antimicrob Agents 35:156-163",
    "10.1016/j.ijantimicag.2009.10.008",
    "secondary",
    note="values as transcribed in posologyr; variability between occasions (CL 46 %, "
    "V1 24 %) and that of the lag are left out; range of weight assumed",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of WT_REF")] = 17.1
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    TVV1: Annotated[float, Theta("L", "central volume")] = 7.2
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 52.0
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 17.8
    LAG: Annotated[float, Theta("h", "from the infuser to the vein")] = 0.07


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.08507985)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.0673745)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.429067)] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", var=0.2247455)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 150.0, "body weight", "29463-7", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "piperacillin", combined(3.2, 0.253, form="sd"))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    LAG_central: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(
        CL=theta.TVCL * cov.WT / theta.WT_REF * exp(eta.CL),
        V1=theta.TVV1 * exp(eta.V1),
        Q=theta.TVQ * exp(eta.Q),
        V2=theta.TVV2 * exp(eta.V2),
        LAG_central=theta.LAG,
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO,
    drug="piperacillin",
    population="critically ill adults with sepsis and kidneys that work (16 patients)",
    anchors=[
        Anchor("clearance of 70 kg", "CL", {"WT": 70}, 17.1, 1e-9, "Roberts 2010"),
        Anchor("central volume", "V1", {"WT": 70}, 7.2, 1e-9, "Roberts 2010"),
    ],
)
