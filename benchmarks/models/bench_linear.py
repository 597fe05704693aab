"""Benchmark model A: two compartments with a daily covariate; invented parameters, no physiology."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 0.0493
    TVV1: Annotated[float, Theta("L", "central volume")] = 0.833
    Q: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 0.0205
    V2: Annotated[float, Theta("L", "peripheral volume")] = 0.833


class eta(NamedTuple):
    CL: Annotated[float, Eta(var=0.09)] = 0.0
    V1: Annotated[float, Eta(var=0.04)] = 0.0


class cov(NamedTuple):
    COV: Annotated[float, Cov("1", 0.0, 100.0, "clearance factor of the day")]


class output(NamedTuple):
    CP: Annotated[float, Output("mg/L", "concentration", "drug", combined(0.3, 0.15))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    return parameters(CL=theta.TVCL * cov.COV * exp(eta.CL), V1=theta.TVV1 * exp(eta.V1), Q=theta.Q, V2=theta.V2)


def observe(A, p, cov):
    return output(CP=A.central / p.V1)


MODEL = model(
    __name__, drug="none", population="benchmark", structure=TWO,
    reference=Reference("dosetwin", 2026, "benchmark model", provenance="assumed"),
)  # fmt: skip
