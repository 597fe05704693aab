"""Tobramycin in children with cystic fibrosis: two compartments, weight, infusion lag (Hennig et al., 2008)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Correlation, Cov, Eta, Output, Reference, Theta, lognormal, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Hennig S et al.", 2008, "Br J Clin Pharmacol 65:502-510", "10.1111/j.1365-2125.2007.03045.x", "secondary",
    note="table 2, covariate model, as transcribed in nlmixr2lib",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of 70 kg")] = 6.37
    TVV1: Annotated[float, Theta("L", "central volume of 70 kg")] = 18.70
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance of 70 kg")] = 0.39
    TVV2: Annotated[float, Theta("L", "peripheral volume of 70 kg")] = 1.32
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearances (fixed)")] = 0.75
    LAG: Annotated[float, Theta("h", "from hanging the infusion to the drug entering the vein")] = 0.40
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.117)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.1166)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", cv=0.4195)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 6.0, 72.6, "body weight", "29463-7", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[
        float, Output("mg/L", "plasma concentration", "tobramycin", lognormal(0.190, source="exponential error, 19.0 %"))
    ]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    LAG_central: float


def individual(theta, eta, cov):
    """Parameters of one child."""
    size = cov.WT / theta.WT_REF
    return parameters(
        CL=theta.TVCL * size**theta.WT_CL * exp(eta.CL),
        V1=theta.TVV1 * size * exp(eta.V1),
        Q=theta.TVQ * size**theta.WT_CL,
        V2=theta.TVV2 * size * exp(eta.V2),
        LAG_central=theta.LAG,
    )


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    drug="tobramycin",
    population="children with cystic fibrosis, 0.5-17.9 years, once daily (35 children, 318 levels)",
    reference=REFERENCE,
    structure=TWO,
    omega=[Correlation("CL", "V1", 0.73), Correlation("CL", "V2", 0.49), Correlation("V1", "V2", 0.27)],
    anchors=[
        Anchor("clearance of 70 kg", "CL", {"WT": 70}, 6.37, 1e-9, "Hennig 2008 table 2"),
        Anchor("central volume of 70 kg", "V1", {"WT": 70}, 18.7, 1e-9, "Hennig 2008 table 2"),
        Anchor("lag", "LAG_central", {"WT": 70}, 0.40, 1e-9, "Hennig 2008 table 2"),
    ],
    notes=("doses are 30-minute infusions by protocol; the lag is part of the hospital's giving set",),
)  # fmt: skip
