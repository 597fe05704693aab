"""Valproate by mouth in children: a clearance that follows weight and dose, faster on carbamazepine."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, model

REFERENCE = Reference(
    "Serrano BB et al.",
    1999,
    "255 children, 770 levels",
    "",
    "secondary",
    note="as in table 1 of Zhang 2023, Front Pharmacol 14:1228641 (read); ranges, that clearance follows the dose within a "
        "day, and the "
    "dose it begins from are assumed",
)  # fmt: skip


class theta(NamedTuple):
    COEF: Annotated[float, Theta("L/h", "clearance of WT_REF at DOSE_REF")] = 0.012
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 1.0
    SIZE: Annotated[float, Theta("1", "exponent of weight")] = 0.715
    DOSE_REF: Annotated[float, Theta("mg/kg/d", "reference dose")] = 1.0
    RISE: Annotated[float, Theta("1", "exponent of the daily dose per kg")] = 0.306
    CARBAMAZEPINE_CL: Annotated[float, Theta("1", "factor of carbamazepine")] = 1.359
    V_WT: Annotated[float, Theta("L/kg", "volume per kg")] = 0.24
    KA: Annotated[float, Theta("1/h", "absorption")] = 1.9
    FOLLOWS: Annotated[float, Theta("1/d", "how fast clearance follows the dose", "assumed")] = 1.5
    LEAST: Annotated[float, Theta("mg/kg/d", "dose that it begins from", "assumed")] = 10.0
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.214)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.20, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 5.0, 75.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 0.5, 15.0, "age, for whom it was made", "30525-0", missing="population", population=7.0)]
    INDUCER: Annotated[float, Cov("1", 0, 1, "on carbamazepine (phenytoin, rifampicin: taken as that)", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "total plasma concentration", "valproate", additive(15.6, provenance="secondary"))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    central: Annotated[float, Amount("mg", "in the body")]
    dose: Annotated[float, Amount("1", "daily dose over DOSE_REF that clearance has followed")]


class parameters(NamedTuple):
    CL1: Annotated[float, Value("L/h", "clearance at DOSE_REF")]
    RISE: Annotated[float, Value("1", "exponent of the dose")]
    V: float
    KA: float
    FOLLOWS: Annotated[float, Value("1/h", "how fast clearance follows the dose")]
    PER_MG: Annotated[float, Value("h/mg", "mg/h absorbed over DOSE_REF")]
    LEAST: Annotated[float, Value("1", "dose that it begins from over DOSE_REF")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CL1 = theta.COEF * (cov.WT / theta.WT_REF) ** theta.SIZE * theta.CARBAMAZEPINE_CL**cov.INDUCER
    return parameters(
        CL1=CL1 * exp(eta.CL), RISE=theta.RISE, V=theta.V_WT * cov.WT * exp(eta.V), KA=theta.KA,
        FOLLOWS=theta.FOLLOWS / theta.DAY, PER_MG=theta.DAY / cov.WT / theta.DOSE_REF, LEAST=theta.LEAST / theta.DOSE_REF,
    )  # fmt: skip


def initial(p, cov):
    """Before the first dose."""
    return state(0.0, 0.0, p.LEAST)


def dynamics(t, A, p, cov):
    """Absorbed first-order; cleared the faster the more was absorbed lately."""
    absorbed = p.KA * A.depot
    return state(
        depot=-absorbed,
        central=absorbed - p.CL1 * max(A.dose, p.LEAST) ** p.RISE * A.central / p.V,
        dose=p.FOLLOWS * (p.PER_MG * absorbed - A.dose),
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    drug="valproate",
    population="children with epilepsy (255 of them)",
    solver="explicit",
    rtol=1e-5,
    everyday=Everyday(10.0, "mg/kg", 12.0, 0.0, "an ordinary dose of children (droracle.ai, read)"),
    anchors=[
        Anchor(
            "clearance of 20 kg per unit of dose", "CL1", {"WT": 20, "AGE": 6, "INDUCER": 0}, 0.102192, 1e-4, "0.012 x 20^0.715"
        ),
        Anchor("the same on carbamazepine", "CL1", {"WT": 20, "AGE": 6, "INDUCER": 1}, 0.138879, 1e-4, "times 1.359"),
    ],
    equations="CL = CL1 x^RISE, dx/dt = FOLLOWS (daily dose per kg absorbed - x), x at least LEAST",
)
