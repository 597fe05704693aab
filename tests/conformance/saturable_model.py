"""Phenytoin in adults: one compartment, saturable elimination."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, combined, model

REFERENCE = Reference("the test", 2026, "nowhere", "", "assumed")


class theta(NamedTuple):
    TVVMAX: Annotated[float, Theta("mg/h", "fastest elimination at the reference weight")] = 20.4
    TVKM: Annotated[float, Theta("mg/L", "level at half of the fastest elimination")] = 4.0
    TVV: Annotated[float, Theta("L", "volume")] = 49.0
    KA: Annotated[float, Theta("1/h", "absorption")] = 0.3
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0


class eta(NamedTuple):
    VMAX: Annotated[float, Eta("fastest elimination", cv=0.2)] = 0.0
    KM: Annotated[float, Eta("half-saturation", cv=0.4)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 120.0, "current weight", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "phenytoin", combined(0.5, 0.1))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    central: Annotated[float, Amount("mg", "in the body")]


class parameters(NamedTuple):
    VMAX: float
    KM: float
    V: float
    KA: float


def individual(theta, eta, cov):
    size = cov.WT / theta.WT_REF
    return parameters(VMAX=theta.TVVMAX * size * exp(eta.VMAX), KM=theta.TVKM * exp(eta.KM), V=theta.TVV * size, KA=theta.KA)


def dynamics(t, A, p, cov):
    level = A.central / p.V
    return state(depot=-p.KA * A.depot, central=p.KA * A.depot - p.VMAX * level / (p.KM + level))


def observe(A, p, cov):
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="phenytoin",
    population="adults",
    reference=REFERENCE,
    solver="auto",
    everyday=Everyday(4.0, "mg/kg", source="a usual maintenance dose (recalled)"),
    anchors=[Anchor("fastest elimination", "VMAX", {"WT": 70.0}, 20.4, 1e-9, "7 mg/kg/d")],
)
