"""One compartment, oral: run001 of the mapbayr package (inst/exmodel), whose etas NONMEM gave too."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Eta, Output, Reference, Theta, model, proportional
from dosetwin.structure.compartments import ONE_ORAL


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 4.0
    TVV: Annotated[float, Theta("L", "volume")] = 70.0
    TVKA: Annotated[float, Theta("1/h", "absorption")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta(var=0.2)] = 0.0
    V: Annotated[float, Eta(var=0.2)] = 0.0
    KA: Annotated[float, Eta(var=0.2)] = 0.0


class cov(NamedTuple):
    pass


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "concentration; doses are in ug", "drug", proportional(0.05**0.5))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float


def individual(theta, eta, cov):
    return parameters(CL=theta.TVCL * exp(eta.CL), V=theta.TVV * exp(eta.V), KA=theta.TVKA * exp(eta.KA))


def observe(A, p, cov):
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__, drug="none", population="example", reference=Reference("mapbayr", 2021, "inst/exmodel"), structure=ONE_ORAL
)
