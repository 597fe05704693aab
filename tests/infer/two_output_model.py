"""A drug and a marker it lowers, both measured: invented numbers, linear, two outputs."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Eta, Output, Reference, Theta, additive, combined, model


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 0.06
    TVV: Annotated[float, Theta("L", "volume")] = 1.0
    BASE: Annotated[float, Theta("1", "marker at baseline")] = 10.0
    KOUT: Annotated[float, Theta("1/h", "loss of marker")] = 0.05


class eta(NamedTuple):
    CL: Annotated[float, Eta(var=0.09)] = 0.0
    BASE: Annotated[float, Eta(var=0.04)] = 0.0


class cov(NamedTuple):
    pass


class state(NamedTuple):
    body: Annotated[float, Amount("mg")]
    marker: Annotated[float, Amount("1")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "concentration", "drug", combined(0.3, 0.15))]
    M: Annotated[float, Output("1", "marker", "marker", additive(0.5))]


class parameters(NamedTuple):
    CL: float
    V: float
    BASE: float
    KOUT: float


def individual(theta, eta, cov):
    return parameters(CL=theta.TVCL * exp(eta.CL), V=theta.TVV, BASE=theta.BASE * exp(eta.BASE), KOUT=theta.KOUT)


def dynamics(t, A, p, cov):
    return state(-p.CL / p.V * A.body, p.KOUT * (p.BASE - A.marker) - 0.01 * A.body)


def initial(p, cov):
    return state(0.0, p.BASE)


def observe(A, p, cov):
    return output(Cp=A.body / p.V, M=A.marker)


MODEL = model(__name__, drug="none", population="test", reference=Reference("test", 2025, "test"), solver="exact")
