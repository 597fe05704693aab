"""Two compartments of one volume, with effects on clearance and volume, as in a trial's belief; invented numbers."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 0.0493
    TVV: Annotated[float, Theta("L", "volumes")] = 0.833
    Q: Annotated[float, Theta("L/h", "flow")] = 0.0205


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.09)] = 0.0
    V1: Annotated[float, Eta("volume", var=0.04)] = 0.0


class cov(NamedTuple):
    COV: Annotated[float, Cov("1", text="factor on clearance", missing="population", population=1.0)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "concentration", "drug", combined(0.3, 0.15))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    return parameters(CL=theta.TVCL * cov.COV * exp(eta.CL), V1=theta.TVV * exp(eta.V1), Q=theta.Q, V2=theta.TVV * exp(eta.V1))


def observe(A, p, cov):
    return output(Cp=A.central / p.V1)


MODEL = model(__name__, drug="none", population="bench", reference=Reference("bench", 2025, "bench"), structure=TWO)
