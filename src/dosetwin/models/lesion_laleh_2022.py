"""One lesion under treatment by Gompertz's curve: its ln size settles, higher or lower; numbers from four trials' lesions.

Size = B exp(C (1 - exp(-K t))), t from the first reading. Laleh 2022 (PLoS Comput Biol 18:e1009822) compared the classical
curves of growth, Gompertz's among the best (recalled); the population is ours, fitted to the lesions they published (S1) by
``calibrate/lesions.py``. A lesion read as 0 or below 5 mm was taken as below 5 mm.
"""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Covariance, Eta, Everyday, Output, Reference, Theta, combined, model

REFERENCE = Reference(
    "Laleh NG et al.", 2022, "PLoS Comput Biol 18:e1009822", "10.1371/journal.pcbi.1009822", "derived",
    note="data and the curve are theirs; the population fit is ours (arms pooled, treatments differ)",
)  # fmt: skip
FIT = "our fit to Laleh 2022 S1, studies 1 to 4"
HOURS_PER_DAY = 24.0


class theta(NamedTuple):
    B: Annotated[float, Theta("mm", "longest diameter at the first reading", "derived", FIT)] = 35.0
    C: Annotated[float, Theta("1", "change of ln size in the end", "derived", FIT)] = 0.0257
    K: Annotated[float, Theta("1/d", "rate at which it settles", "derived", FIT)] = 0.00251


class eta(NamedTuple):
    B: Annotated[float, Eta("size", sd=0.603, provenance="derived", source=FIT)] = 0.0
    C: Annotated[float, Eta("change of ln size", sd=1.103, provenance="derived", source=FIT)] = 0.0
    K: Annotated[float, Eta("rate", sd=1.026, provenance="derived", source=FIT)] = 0.0


class cov(NamedTuple):
    """Nothing about the patient is known to it."""


class output(NamedTuple):
    size: Annotated[float, Output("mm", "longest diameter", "LESION", combined(1.66, 0.126, provenance="derived", source=FIT))]


class state(NamedTuple):
    change: Annotated[float, Amount("1", "ln of size over the first")]


class parameters(NamedTuple):
    B: float
    C: float
    K: float


def individual(theta, eta, cov):
    """Size mm, change of its logarithm, rate 1/h."""
    return parameters(B=theta.B * exp(eta.B), C=theta.C + eta.C, K=theta.K * exp(eta.K) / HOURS_PER_DAY)


def initial(p, cov):
    """At the first reading nothing has changed."""
    return state(0.0)


def dynamics(t, A, p, cov):
    """1/h."""
    return state(p.K * (p.C - A.change))


def observe(A, p, cov):
    """Longest diameter, mm."""
    return output(size=p.B * exp(A.change))


MODEL = model(
    __name__,
    drug="lesion",
    population="adults with solid tumours on systemic treatment, one lesion",
    reference=REFERENCE,
    solver="exact",
    dose_unit="1",
    linear_in_dose=False,
    everyday=Everyday(0.001, "mg", 1200.0, source="a step of ln size by 0.001, to check the engine with; nobody doses it"),
    omega=[Covariance("B", "C", 0.0035), Covariance("B", "K", -0.192), Covariance("C", "K", -0.420)],
    anchors=[Anchor("size at the first reading", "B", {}, 35.0, 1e-9, FIT)],
    notes=(
        "arms of four trials are pooled (lung and bladder, chemotherapy and immunotherapy); no covariate and no drug: an order "
        "does not move it",
        "the first reading begins the clock; it may lie weeks before the first dose",
    ),
    equations="dX/dt = K (C - X), X(0) = 0; size = B exp(X)",
)
