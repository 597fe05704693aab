"""Piperacillin, Roberts 2010, with inter-occasion variability and a lag, as typed in posologyr's tests (test_map_iov.R)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Cov, Eta, Kappa, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO


class theta(NamedTuple):
    TVLAG: Annotated[float, Theta("h", "lag")] = 0.07
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 17.1
    TVV1: Annotated[float, Theta("L", "central volume")] = 7.2
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 17.8
    TVQ: Annotated[float, Theta("L/h", "flow")] = 52.0


class eta(NamedTuple):
    LAG: Annotated[float, Eta(var=0.1747673)] = 0.0
    CL: Annotated[float, Eta(var=0.08507985)] = 0.0
    V1: Annotated[float, Eta(var=0.0673745)] = 0.0
    V2: Annotated[float, Eta(var=0.429067)] = 0.0
    Q: Annotated[float, Eta(var=0.2247455)] = 0.0
    k_CL: Annotated[float, Kappa(var=0.1934626)] = 0.0
    k_V1: Annotated[float, Kappa(var=0.05783106)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "concentration", "piperacillin", combined(3.2, 0.253, form="sd"))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    LAG_central: float


def individual(theta, eta, cov):
    return parameters(
        CL=theta.TVCL * (cov.WT / 70.0) * exp(eta.CL + eta.k_CL),
        V1=theta.TVV1 * exp(eta.V1 + eta.k_V1),
        Q=theta.TVQ * exp(eta.Q),
        V2=theta.TVV2 * exp(eta.V2),
        LAG_central=theta.TVLAG * exp(eta.LAG),
    )


def observe(A, p, cov):
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__, drug="piperacillin", population="adults", reference=Reference("Roberts", 2010, "posologyr"), structure=TWO
)
