"""Saturable elimination by an adaptive solver, log-normal error: invented numbers."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Eta, Output, Reference, Theta, lognormal, model


class theta(NamedTuple):
    VM: Annotated[float, Theta("mg/h", "maximal rate")] = 2.0
    KM: Annotated[float, Theta("mg/L", "half saturation")] = 5.0
    TVV: Annotated[float, Theta("L", "volume")] = 1.0


class eta(NamedTuple):
    VM: Annotated[float, Eta(var=0.09)] = 0.0
    V: Annotated[float, Eta(var=0.04)] = 0.0


class cov(NamedTuple):
    pass


class state(NamedTuple):
    body: Annotated[float, Amount("mg")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "concentration", "drug", lognormal(0.15))]


class parameters(NamedTuple):
    VM: float
    KM: float
    V: float


def individual(theta, eta, cov):
    return parameters(VM=theta.VM * exp(eta.VM), KM=theta.KM, V=theta.TVV * exp(eta.V))


def dynamics(t, A, p, cov):
    C = A.body / p.V
    return state(-p.VM * C / (p.KM + C))


def observe(A, p, cov):
    return output(Cp=A.body / p.V)


MODEL = model(__name__, drug="none", population="test", reference=Reference("test", 2025, "test"), solver="explicit", rtol=1e-8)
