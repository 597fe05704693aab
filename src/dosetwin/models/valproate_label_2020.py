"""Valproate by mouth: one compartment, saturable binding to albumin, enzyme inducers (numbers of the US label)."""

from math import exp, sqrt
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, combined, model, proportional

REFERENCE = Reference(
    "US prescribing information of divalproex and valproate",
    2020,
    "clinical pharmacology section",
    "",
    "recalled",
    note="free fraction 10 % at 40 mg/L and 18.5 % at 130 mg/L give the two "
    "numbers of binding (derived); variability and error assumed",
)


class theta(NamedTuple):
    TVCLU: Annotated[float, Theta("L/h", "clearance of free drug of WT_REF")] = 4.6
    TVV: Annotated[float, Theta("L", "volume of total drug of WT_REF")] = 11.0
    BOUND: Annotated[float, Theta("mg/g", "most that a gram of albumin binds", "derived")] = 4.12
    KD: Annotated[float, Theta("mg/L", "free level at half of it", "derived")] = 15.2
    WT_REF: Annotated[float, Theta("kg", "reference weight, of 1.73 m2")] = 70.0
    SIZE: Annotated[float, Theta("1", "exponent of weight on clearance", "assumed")] = 0.75
    KA: Annotated[float, Theta("1/h", "absorption of enteric-coated tablets", "assumed")] = 0.5
    INDUCED: Annotated[float, Theta("1", "factor of carbamazepine, phenytoin or phenobarbital on clearance")] = 1.4


class eta(NamedTuple):
    CLU: Annotated[float, Eta("clearance of free drug", cv=0.25, provenance="assumed")] = 0.0
    V: Annotated[float, Eta("volume", cv=0.15, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 15.0, 130.0, "body weight", "29463-7", missing="refuse")]
    ALB: Annotated[float, Cov("g/L", 20.0, 55.0, "serum albumin", "1751-7", missing="population", population=42.0)]
    INDUCER: Annotated[float, Cov("1", 0, 1, "on carbamazepine, phenytoin or rifampicin", flag=True)]
    PHENOBARBITAL: Annotated[float, Cov("1", 0, 1, "on phenobarbital", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "total plasma concentration", "valproate", combined(3.0, 0.12, provenance="assumed"))]
    Cu: Annotated[float, Output("mg/L", "free plasma concentration", "free valproate", proportional(0.2, provenance="assumed"))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    central: Annotated[float, Amount("mg", "in the body")]


class parameters(NamedTuple):
    CLU: Annotated[float, Value("L/h", "clearance of free drug")]
    V: float
    KA: float
    BMAX: Annotated[float, Value("mg/L", "most that is bound")]
    KD: Annotated[float, Value("mg/L", "free level at half binding")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    size = cov.WT / theta.WT_REF
    CLU = theta.TVCLU * size**theta.SIZE * theta.INDUCED ** max(cov.INDUCER, cov.PHENOBARBITAL)
    return parameters(
        CLU=CLU * exp(eta.CLU), V=theta.TVV * size * exp(eta.V), KA=theta.KA, BMAX=theta.BOUND * cov.ALB, KD=theta.KD
    )


def free(total, BMAX, KD):
    """Free level, mg/L, at a total one: total = free + BMAX free / (KD + free)."""
    rest = total - BMAX - KD
    return 0.5 * (rest + sqrt(rest * rest + 4.0 * KD * total))


def dynamics(t, A, p, cov):
    """Absorbed first-order; what is free is eliminated."""
    return state(depot=-p.KA * A.depot, central=p.KA * A.depot - p.CLU * free(max(A.central, 0.0) / p.V, p.BMAX, p.KD))


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V, Cu=free(max(A.central, 0.0) / p.V, p.BMAX, p.KD))


MODEL = model(
    __name__,
    reference=REFERENCE,
    drug="valproate",
    population="children and adults with epilepsy",
    solver="explicit",
    rtol=1e-5,
    atol=1e-4,
    everyday=Everyday(500.0, "mg", 12.0, 0.0, "a usual dose of adults (recalled)"),
    anchors=[
        Anchor("clearance of free drug", "CLU", {"WT": 70, "ALB": 42}, 4.6, 1e-9, "US label: 4.6 L/h/1.73 m2"),
        Anchor(
            "most that is bound",
            "BMAX",
            {"WT": 70, "ALB": 42},
            173.0,
            2e-3,
            "from 4 mg/L free at 40 and 24.05 at 130 mg/L, solved by hand",
        ),
    ],
    notes=("children clear more per kg than the exponent gives: levels decide",),
    equations="C = Cu + BMAX Cu / (KD + Cu); dA/dt = KA Ad - CLU Cu; BMAX follows albumin",
)
