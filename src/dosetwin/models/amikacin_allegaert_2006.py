"""Amikacin in extremely preterm newborns in the first 72 h: one compartment, weight, age, NSAID (Allegaert et al., 2006)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Allegaert K et al.", 2006, "Br J Clin Pharmacol (PMC1884978)", "", "paper",
    note="numbers read in the abstract; allometric exponents from memory; linear between the two ages is our reading",
)  # fmt: skip


class theta(NamedTuple):
    CL_LOW: Annotated[float, Theta("L/h", "clearance per 70 kg at PMA_LOW")] = 0.486
    CL_HIGH: Annotated[float, Theta("L/h", "clearance per 70 kg at PMA_HIGH")] = 0.940
    PMA_LOW: Annotated[float, Theta("wk", "lower postmenstrual age")] = 24.0
    PMA_HIGH: Annotated[float, Theta("wk", "upper postmenstrual age")] = 30.0
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance", "recalled")] = 0.75
    TVV: Annotated[float, Theta("L", "volume per 70 kg")] = 40.2
    WT_V: Annotated[float, Theta("1", "exponent of weight on volume", "recalled")] = 1.0
    NSAID_CL: Annotated[float, Theta("1", "factor on clearance under ibuprofen or indometacin")] = 0.78
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", sd=0.336)] = 0.0
    V: Annotated[float, Eta("volume", sd=0.451)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.45, 1.98, "current weight", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 24.0, 30.5, "postmenstrual age", age=True)]
    PNA: Annotated[float, Cov("d", 0.0, 3.0, "postnatal age (range only: not in the equations)", age=True)]
    IBU: Annotated[float, Cov("1", 0, 1, "ibuprofen or indometacin running", flag=True)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output(
            "mg/L", "plasma concentration", "amikacin", combined(0.3, 0.20, provenance="assumed", source="not read in the paper")
        ),
    ]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby; clearance is linear in postmenstrual age between the two published values."""
    share = (cov.PMA - theta.PMA_LOW) / (theta.PMA_HIGH - theta.PMA_LOW)
    size = cov.WT / theta.WT_REF
    TVCL = (theta.CL_LOW + (theta.CL_HIGH - theta.CL_LOW) * share) * size**theta.WT_CL * theta.NSAID_CL**cov.IBU
    return parameters(CL=TVCL * exp(eta.CL), V=theta.TVV * size**theta.WT_V * exp(eta.V))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="amikacin",
    population="preterm newborns below 31 wk in the first 72 h (205 babies)",
    reference=REFERENCE,
    structure=ONE,
    anchors=[
        Anchor("clearance per 70 kg at 24 wk", "CL", {"WT": 70, "PMA": 24, "PNA": 1, "IBU": 0}, 0.486, 1e-9, "abstract"),
        Anchor("clearance per 70 kg at 30 wk", "CL", {"WT": 70, "PMA": 30, "PNA": 1, "IBU": 0}, 0.940, 1e-9, "abstract"),
        Anchor("volume per 70 kg", "V", {"WT": 70, "PMA": 28, "PNA": 1, "IBU": 0}, 40.2, 1e-9, "abstract"),
        Anchor("NSAID on day 1", "CL", {"WT": 70, "PMA": 24, "PNA": 1, "IBU": 1}, 0.486 * 0.78, 1e-9, "abstract"),
    ],
    notes=("population variabilities 0.336 and 0.451 are read as standard deviations of the log", "residual error is assumed"),
)  # fmt: skip
