"""Tobramycin in newborns: one compartment, clearance by weight with an exponent that falls with it (De Cock et al., 2014)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, model, proportional
from dosetwin.declare.channels import FILTRATION
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "De Cock RFW et al.", 2014, "Pharm Res 31:2643-2654", "10.1007/s11095-014-1361-z", "paper",
    note="clearance and its exponent as the abstract gives them (1,760 patients on gentamicin, tobramycin or vancomycin); the "
    "volume is Nahata's, spreads and residual error are assumed: the paper's own were not read",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of a newborn of 4 kg")] = 0.28
    BDE: Annotated[float, Theta("1", "exponent of weight at 1 kg: 2.23 times 1000 g to the power BDE_WT", "derived")] = (
        2.23 * 1000.0**-0.065
    )
    BDE_WT: Annotated[float, Theta("1", "exponent of weight on that exponent")] = -0.065
    WT_ONE: Annotated[float, Theta("kg", "weight at which the exponent is BDE", "derived")] = 1.0
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 4.0
    TVV: Annotated[float, Theta("L/kg", "volume: between Nahata's 0.59 below 1 kg and 0.61 above 34 weeks", "derived")] = 0.6


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.35, provenance="assumed", told="filtration", told_sd=FILTRATION.sd)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.25, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.5, 5.0, "current weight", "29463-7", missing="refuse")]
    PNA: Annotated[float, Cov("d", 0.0, 31.0, "postnatal age (range only: not in the equations)", age=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "tobramycin", proportional(0.25, provenance="assumed"))]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby; a newborn's exponent is 1.3 to 1.5, an adult's would be 1.1."""
    BDE = theta.BDE * (cov.WT / theta.WT_ONE) ** theta.BDE_WT
    return parameters(CL=theta.TVCL * (cov.WT / theta.WT_REF) ** BDE * exp(eta.CL), V=theta.TVV * cov.WT * exp(eta.V))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="tobramycin",
    population="newborns to a month; clearance from patients of 415 g to 85 kg, 1 d to 18 y",
    reference=REFERENCE,
    structure=ONE,
    anchors=[
        Anchor("clearance of 4 kg", "CL", {"WT": 4.0, "PNA": 1}, 0.28, 1e-9, "De Cock 2014, abstract"),
        Anchor("clearance of 1 kg", "CL", {"WT": 1.0, "PNA": 1}, 0.28 * 0.25 ** (2.23 * 1000**-0.065), 1e-9, "its equation in g"),
        Anchor("volume of 3 kg", "V", {"WT": 3.0, "PNA": 1}, 1.8, 1e-9, "0.60 L/kg, between Nahata's two"),
    ],
    notes=(
        "volume: Nahata 1986 (Br J Clin Pharmacol, eight newborns of 0.6 to 1.0 kg) 0.59 L/kg; in 26 of the first week 0.81 "
        "to 0.84 L/kg to 34 weeks and 0.61 above (abstracts read): a peak level teaches a baby's own",
        "clearance, mL/min/kg: 0.69 in the eight (this gives 0.6 at 0.8 kg), 1.05 at 1.0 to 1.25 kg (0.7), 1.28 above 34 weeks "
        "(1.04 at 2.8 kg): where they differ this one is the slower",
        "neither age nor creatinine is read; a kidney may tell it its filtration, which then has the SD of 0.22 it has between "
        "newborns (assumed)",
    ),
)  # fmt: skip
