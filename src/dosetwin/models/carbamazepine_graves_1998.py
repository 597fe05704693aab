"""Carbamazepine by mouth in adults at steady state: one compartment, weight, age, inducers (Graves et al., 1998)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, additive, model, proportional
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Graves NM et al.",
    1998,
    "Pharmacotherapy 18:273-281",
    "",
    note="equation, variability and error as printed in the abstract; ranges assumed",
)


class theta(NamedTuple):
    CL_0: Annotated[float, Theta("L/h", "apparent clearance at no weight")] = 3.58
    CL_WT: Annotated[float, Theta("L/h/kg", "apparent clearance per kg")] = 0.0134
    PHENYTOIN_CL: Annotated[float, Theta("1", "factor of phenytoin")] = 1.42
    PHENOBARBITAL_CL: Annotated[float, Theta("1", "factor of phenobarbital or felbamate")] = 1.17
    BOTH_CL: Annotated[float, Theta("1", "factor of both")] = 1.62
    OLD_CL: Annotated[float, Theta("1", "factor of age OLD and more")] = 0.749
    OLD: Annotated[float, Theta("y", "age from which clearance is lower")] = 70.0
    V_WT: Annotated[float, Theta("L/kg", "apparent volume per kg")] = 1.97
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 0.441
    MADE: Annotated[float, Theta("1", "mg of epoxide made of a mg cleared (as in the other model)", "derived")] = 0.24
    CLE_WT: Annotated[float, Theta("L/h/kg", "clearance of the epoxide: Pisani 1990, abstract", "secondary")] = 0.0906
    VALPROATE_CLE: Annotated[float, Theta("1", "factor of valproate on it: Pisani 1990, abstract", "secondary")] = 0.70


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.26)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.82)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 130.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 95.0, "age", "30525-0", missing="refuse")]
    PHENYTOIN: Annotated[float, Cov("1", 0, 1, "on phenytoin", flag=True)]
    PHENOBARBITAL: Annotated[float, Cov("1", 0, 1, "on phenobarbital", flag=True)]
    VALPROATE: Annotated[float, Cov("1", 0, 1, "on valproate", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "carbamazepine", additive(1.8))]
    Ce: Annotated[
        float, Output("mg/L", "plasma concentration of the epoxide", "carbamazepine "
            "epoxide", proportional(0.4, provenance="assumed"))
    ]  # fmt: skip


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float
    RATIO: Annotated[float, Value("1", "epoxide level over carbamazepine's, as if it settled at once")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    both = cov.PHENYTOIN * cov.PHENOBARBITAL
    beside = theta.PHENYTOIN_CL**cov.PHENYTOIN * theta.PHENOBARBITAL_CL**cov.PHENOBARBITAL
    induced = both * theta.BOTH_CL + (1.0 - both) * beside
    old = theta.OLD_CL if cov.AGE >= theta.OLD else 1.0
    CL = (theta.CL_0 + theta.CL_WT * cov.WT) * induced * old
    CL = CL * exp(eta.CL)
    RATIO = theta.MADE * CL / (theta.CLE_WT * cov.WT * theta.VALPROATE_CLE**cov.VALPROATE)
    return parameters(CL=CL, V=theta.V_WT * cov.WT * exp(eta.V), KA=theta.KA, RATIO=RATIO)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V, Ce=p.RATIO * A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="carbamazepine",
    population="adults on carbamazepine for weeks (829 patients)",
    anchors=[
        Anchor("clearance of 70 kg", "CL", {"WT": 70, "AGE": 40}, 4.518, 1e-9, "Graves 1998, abstract"),
        Anchor("with phenytoin", "CL", {"WT": 70, "AGE": 40, "PHENYTOIN": 1}, 4.518 * 1.42, 1e-9, "Graves 1998, abstract"),
        Anchor(
            "with phenytoin and phenobarbital",
            "CL",
            {"WT": 70, "AGE": 40, "PHENYTOIN": 1, "PHENOBARBITAL": 1},
            4.518 * 1.62,
            1e-9,
            "Graves 1998, abstract",
        ),
        Anchor("at 75 years", "CL", {"WT": 70, "AGE": 75}, 4.518 * 0.749, 1e-9, "Graves 1998, abstract"),
    ],
    notes=("of patients whose enzymes are induced already: in the first month the other model is the right one",),
)
