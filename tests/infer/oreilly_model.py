"""Warfarin by mouth and prothrombin complex activity: one compartment, turnover; begins far from what was published."""

from math import exp, log
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, additive, combined, model

REFERENCE = Reference("the test", 2026, "nowhere", "", "assumed", note="typical values off by half and more, wide spreads")
WIDE = 0.5


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of WT_REF", "assumed")] = 0.2
    TVV: Annotated[float, Theta("L", "volume of WT_REF", "assumed")] = 12.0
    TVTABS: Annotated[float, Theta("h", "half-life of absorption", "assumed")] = 1.5
    TVLAG: Annotated[float, Theta("h", "lag of absorption", "assumed")] = 0.8
    TVE0: Annotated[float, Theta("1", "activity without the drug", "assumed")] = 110.0
    TVC50: Annotated[float, Theta("mg/L", "level of half effect", "assumed")] = 2.0
    TVTEQ: Annotated[float, Theta("h", "half-life of activity", "assumed")] = 22.0
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    SIZE: Annotated[float, Theta("1", "exponent of weight on clearance")] = 0.75


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=WIDE, provenance="assumed")] = 0.0
    V: Annotated[float, Eta("volume", var=WIDE, provenance="assumed")] = 0.0
    TABS: Annotated[float, Eta("absorption", var=WIDE, provenance="assumed")] = 0.0
    E0: Annotated[float, Eta("activity without the drug", var=0.1, provenance="assumed")] = 0.0
    C50: Annotated[float, Eta("level of half effect", var=WIDE, provenance="assumed")] = 0.0
    TEQ: Annotated[float, Eta("half-life of activity", var=WIDE, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 30.0, 130.0, "body weight", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "warfarin", combined(0.37, 0.07, provenance="assumed"))]
    PCA: Annotated[float, Output("1", "prothrombin complex activity", "PCA", additive(3.7, provenance="assumed"))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    central: Annotated[float, Amount("mg", "in the body")]
    activity: Annotated[float, Amount("1", "activity over that without the drug")]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float
    LAG_depot: float
    E0: float
    C50: float
    KOUT: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    size = cov.WT / theta.WT_REF
    return parameters(
        CL=theta.TVCL * size**theta.SIZE * exp(eta.CL), V=theta.TVV * size * exp(eta.V),
        KA=log(2.0) / theta.TVTABS / exp(eta.TABS),
        LAG_depot=theta.TVLAG, E0=theta.TVE0 * exp(eta.E0), C50=theta.TVC50 * exp(eta.C50),
        KOUT=log(2.0) / theta.TVTEQ / exp(eta.TEQ),
    )  # fmt: skip


def initial(p, cov):
    """Before the dose."""
    return state(0.0, 0.0, 1.0)


def dynamics(t, A, p, cov):
    """Absorbed and eliminated first-order; activity is made less the higher the level."""
    level = A.central / p.V
    return state(
        depot=-p.KA * A.depot,
        central=p.KA * A.depot - p.CL * level,
        activity=p.KOUT * (p.C50 / (p.C50 + level) - A.activity),
    )


def observe(A, p, cov):
    """Level and activity."""
    return output(Cp=A.central / p.V, PCA=p.E0 * A.activity)


MODEL = model(
    __name__,
    drug="warfarin",
    population="volunteers",
    reference=REFERENCE,
    solver="explicit",
    rtol=1e-5,
    everyday=Everyday(100.0, "mg", 336.0, 0.0, "one dose of the study"),
    anchors=[Anchor("clearance of 70 kg", "CL", {"WT": 70.0}, 0.2, 1e-9, "the test")],
)
