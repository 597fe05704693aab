"""Calmin in adults: a made-up tablet whose effect a laboratory sees; no weight, no level in blood, no MIC."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Eta, Everyday, Output, Reference, Theta, model, proportional

REFERENCE = Reference("made up for tests", 2026, "nowhere", "", "assumed")


class theta(NamedTuple):
    TVK: Annotated[float, Theta("1/h", "elimination rate constant")] = 0.03
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 0.7
    BASE: Annotated[float, Theta("1", "ratio without the drug")] = 1.0
    TVSLOPE: Annotated[float, Theta("1/mg", "rise of the ratio per mg in the body")] = 0.1


class eta(NamedTuple):
    K: Annotated[float, Eta("elimination", cv=0.3)] = 0.0
    SLOPE: Annotated[float, Eta("effect", cv=0.3)] = 0.0


class cov(NamedTuple):
    pass


class output(NamedTuple):
    INR: Annotated[float, Output("1", "international normalised ratio", "INR", proportional(0.1))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    body: Annotated[float, Amount("mg", "in the body")]


class parameters(NamedTuple):
    K: float
    KA: float
    F_depot: float
    BASE: float
    SLOPE: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(K=theta.TVK * exp(eta.K), KA=theta.KA, F_depot=1.0, BASE=theta.BASE, SLOPE=theta.TVSLOPE * exp(eta.SLOPE))


def dynamics(t, A, p, cov):
    """mg/h."""
    absorbed = p.KA * A.depot
    return state(depot=-absorbed, body=absorbed - p.K * A.body)


def observe(A, p, cov):
    """The ratio rises with the amount in the body."""
    return output(INR=p.BASE + p.SLOPE * A.body)


MODEL = model(
    __name__,
    drug="calmin",
    population="nobody: made up",
    reference=REFERENCE,
    dose_cmt="depot",
    solver="auto",
    atol=(1e-8, 1e-8),
    everyday=Everyday(10.0, "mg", 24.0, 0.0, "made up"),
    anchors=[Anchor("elimination", "K", {}, 0.03, 1e-9, "made up")],
)
