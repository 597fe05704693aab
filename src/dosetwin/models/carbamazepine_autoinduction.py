"""Carbamazepine by mouth from the first tablet on: it makes the enzyme that clears it (composite of published anchors)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, combined, model, proportional

REFERENCE = Reference(
    "composite: Bertilsson 1986, Kudriakova 1992, Graves 1998",
    1998,
    "literature anchors, not one fit",
    "",
    "secondary",
    note="naive and induced clearance, the time of induction and its "
    "proportion to dose are read; form and slope are chosen to meet them",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of WT_REF before any induction")] = 1.75
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    SIZE: Annotated[float, Theta("1", "exponent of weight on clearance", "assumed")] = 0.75
    SLOPE: Annotated[float, Theta("L/mg", "rise of enzyme per level, as a share of its start", "derived")] = 0.19
    KENZ: Annotated[float, Theta("1/d", "turnover of the enzyme", "derived")] = 0.17
    V_WT: Annotated[float, Theta("L/kg", "volume per kg")] = 1.4
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 0.441
    PHENYTOIN_CL: Annotated[float, Theta("1", "factor of phenytoin")] = 1.42
    PHENOBARBITAL_CL: Annotated[float, Theta("1", "factor of phenobarbital")] = 1.17
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0
    MADE: Annotated[float, Theta("1", "mg of epoxide made of a mg cleared (meets a ratio of 5.85)", "derived")] = 0.24
    CLE_WT: Annotated[float, Theta("L/h/kg", "clearance of the epoxide", "paper")] = 0.0906
    VE_WT: Annotated[float, Theta("L/kg", "volume of the epoxide", "paper")] = 0.82
    VALPROATE_CLE: Annotated[float, Theta("1", "factor of valproate on it: 63.2 of 90.6", "paper")] = 0.70


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.26)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.2, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 15.0, 130.0, "body weight", "29463-7", missing="refuse")]
    PHENYTOIN: Annotated[float, Cov("1", 0, 1, "on phenytoin", flag=True)]
    PHENOBARBITAL: Annotated[float, Cov("1", 0, 1, "on phenobarbital", flag=True)]
    VALPROATE: Annotated[float, Cov("1", 0, 1, "on valproate", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "carbamazepine", combined(0.5, 0.15, provenance="assumed"))]
    Ce: Annotated[
        float, Output("mg/L", "plasma concentration of the epoxide", "carbamazepine "
            "epoxide", proportional(0.4, provenance="assumed"))
    ]  # fmt: skip


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    central: Annotated[float, Amount("mg", "in the body")]
    enzyme: Annotated[float, Amount("1", "enzyme over that before the first dose")]
    epoxide: Annotated[float, Amount("mg", "epoxide in the body")]


class parameters(NamedTuple):
    CL0: Annotated[float, Value("L/h", "clearance before induction")]
    V: float
    KA: float
    SLOPE: Annotated[float, Value("L/mg", "rise of enzyme per level")]
    KENZ: Annotated[float, Value("1/h", "turnover of the enzyme")]
    MADE: Annotated[float, Value("1", "epoxide made of what is cleared")]
    CLE: Annotated[float, Value("L/h", "clearance of the epoxide")]
    VE: Annotated[float, Value("L", "volume of the epoxide")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CL = theta.TVCL * (cov.WT / theta.WT_REF) ** theta.SIZE
    CL = CL * theta.PHENYTOIN_CL**cov.PHENYTOIN * theta.PHENOBARBITAL_CL**cov.PHENOBARBITAL
    return parameters(
        CL0=CL * exp(eta.CL), V=theta.V_WT * cov.WT * exp(eta.V), KA=theta.KA, SLOPE=theta.SLOPE, KENZ=theta.KENZ / theta.DAY,
        MADE=theta.MADE, CLE=theta.CLE_WT * cov.WT * theta.VALPROATE_CLE**cov.VALPROATE, VE=theta.VE_WT * cov.WT,
    )  # fmt: skip


def initial(p, cov):
    """The enzyme as it is before the first dose."""
    return state(0.0, 0.0, 1.0, 0.0)


def dynamics(t, A, p, cov):
    """Absorbed first-order; cleared by an enzyme that is made faster the higher the level."""
    level = A.central / p.V
    cleared = p.CL0 * A.enzyme * level
    return state(
        depot=-p.KA * A.depot,
        central=p.KA * A.depot - cleared,
        enzyme=p.KENZ * (1.0 + p.SLOPE * level - A.enzyme),
        epoxide=p.MADE * cleared - p.CLE * A.epoxide / p.VE,
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V, Ce=A.epoxide / p.VE)


MODEL = model(
    __name__,
    reference=REFERENCE,
    drug="carbamazepine",
    population="children and adults from the first dose on",
    solver="explicit",
    rtol=1e-5,
    atol=(1e-4, 1e-4, 1e-6, 1e-4),
    everyday=Everyday(200.0, "mg", 12.0, 0.0, "the usual first dose of adults (recalled)"),
    anchors=[
        Anchor("clearance before induction", "CL0", {"WT": 70}, 1.75, 1e-9, "teaching pair of naive and induced clearance"),
        Anchor("turnover of the enzyme", "KENZ", {"WT": 70}, 0.17 / 24, 1e-9, "half-life of four days"),
        Anchor("epoxide's clearance", "CLE", {"WT": 70, "VALPROATE": 0}, 6.342, 1e-9, "Pisani 1990: 90.6 mL/h/kg"),
    ],
    notes=(
        "epoxide: clearance and volume of six volunteers, alone and on valproate (Pisani 1990, PMID 2111769, abstract read); "
        "as much is "
        "made as gives a level of 1 to 5.85 at 8 mg/L (121 samples; with valproate 4.22, here 4.1; scilit.com, abstract "
        "read). Its spread "
        "between patients (3.9 of 5.85) is in the error alone",
    ),
    equations="dE/dt = KENZ (1 + SLOPE C - E); dA/dt = KA Ad - CL0 E C; dAe/dt = MADE CL0 E C - CLE Ce",
)
