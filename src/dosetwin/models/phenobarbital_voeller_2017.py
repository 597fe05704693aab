"""Phenobarbital in newborns: one compartment, intravenous and oral, weights and postnatal age (Völler et al., 2017)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, model, proportional
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Völler S et al.", 2017, "Eur J Pharm Sci 109S:S90-S97", "10.1016/j.ejps.2017.05.026", "secondary",
    note="final estimates of DDMODEL00000256 as transcribed in nlmixr2lib; covariate ranges recalled from the abstract",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at PNA_REF and BW_REF")] = 0.00909
    PNA_CL: Annotated[float, Theta("1/d", "slope of postnatal age on clearance")] = 0.0533
    BW_CL: Annotated[float, Theta("1/kg", "slope of birth weight on clearance")] = 0.369
    TVV: Annotated[float, Theta("L", "volume at WT_REF")] = 2.38
    WT_V: Annotated[float, Theta("1/kg", "slope of current weight on volume")] = 0.309
    KA: Annotated[float, Theta("1/h", "absorption rate constant (fixed)")] = 50.0
    F: Annotated[float, Theta("1", "oral bioavailability")] = 0.594
    PNA_REF: Annotated[float, Theta("d", "reference postnatal age")] = 4.50
    BW_REF: Annotated[float, Theta("kg", "reference birth weight")] = 2.59
    WT_REF: Annotated[float, Theta("kg", "reference current weight")] = 2.70


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0898)] = 0.0
    V: Annotated[float, Eta("volume", var=0.0504)] = 0.0


class cov(NamedTuple):
    BW: Annotated[float, Cov("kg", 0.45, 4.4, "birth weight", "8339-4", missing="refuse")]
    WT: Annotated[float, Cov("kg", 0.45, 4.4, "current weight", "29463-7")]
    PNA: Annotated[float, Cov("d", 0.0, 22.0, "postnatal age", age=True)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output(
            "mg/L", "plasma concentration", "phenobarbital", proportional(0.0258**0.5, source="DDMODEL00000256: variance 0.0258")
        ),
    ]


class parameters(NamedTuple):
    KA: float
    CL: float
    V: float
    F_depot: float


def individual(theta, eta, cov):
    """Parameters of one baby; F_depot acts on doses by mouth."""
    age = 1.0 + theta.PNA_CL * (cov.PNA - theta.PNA_REF)
    CL = theta.TVCL * age * (1.0 + theta.BW_CL * (cov.BW - theta.BW_REF)) * exp(eta.CL)
    V = theta.TVV * (1.0 + theta.WT_V * (cov.WT - theta.WT_REF)) * exp(eta.V)
    return parameters(KA=theta.KA, CL=CL, V=V, F_depot=theta.F)


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="phenobarbital",
    population="newborns, GA 24-42 wk, PNA 0-22 d (53 babies, 229 levels)",
    reference=REFERENCE,
    structure=ONE_ORAL,
    dose_cmt="central",
    anchors=[
        Anchor("clearance at the reference", "CL", {"BW": 2.59, "WT": 2.7, "PNA": 4.5}, 0.00909, 1e-9, "DDMODEL00000256"),
        Anchor("volume at the reference", "V", {"BW": 2.59, "WT": 2.7, "PNA": 4.5}, 2.38, 1e-9, "DDMODEL00000256"),
        Anchor("clearance a day later", "CL", {"BW": 2.59, "WT": 2.7, "PNA": 5.5}, 0.00909 * 1.0533, 1e-9, "DDMODEL00000256"),
    ],
    notes=("a dose without compartment is intravenous; doses by mouth go to 'depot'",),
)  # fmt: skip
