"""Vancomycin, Goti 2018, as typed in posologyr's tests (tests/testthat/test_map_mlx.R): SD = 3.4 + 0.227 F."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 4.5
    TVV1: Annotated[float, Theta("L", "central volume")] = 58.4
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 38.4
    Q: Annotated[float, Theta("L/h", "flow")] = 6.5


class eta(NamedTuple):
    CL: Annotated[float, Eta(var=0.147)] = 0.0
    V1: Annotated[float, Eta(var=0.51)] = 0.0
    V2: Annotated[float, Eta(var=0.282)] = 0.0


class cov(NamedTuple):
    CLCR: Annotated[float, Cov("mL/min", missing="refuse")]
    WT: Annotated[float, Cov("kg", missing="refuse")]
    DIAL: Annotated[float, Cov("1", 0, 1, flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "concentration", "vancomycin", combined(3.4, 0.227, form="sd"))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    CL = theta.TVCL * (cov.CLCR / 120.0) ** 0.8 * 0.7**cov.DIAL * exp(eta.CL)
    V1 = theta.TVV1 * (cov.WT / 70.0) * 0.5**cov.DIAL * exp(eta.V1)
    return parameters(CL=CL, V1=V1, Q=theta.Q, V2=theta.TVV2 * exp(eta.V2))


def observe(A, p, cov):
    return output(Cp=A.central / p.V1)


MODEL = model(__name__, drug="vancomycin", population="adults", reference=Reference("Goti", 2018, "posologyr"), structure=TWO)
