"""Voriconazole by mouth in adults with a fungal infection: one compartment, C-reactive protein (Jiang et al., 2022)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference(
    "Jiang Z et al.",
    2022,
    "Front Pharmacol 13:982981",
    "10.3389/fphar.2022.982981",
    "secondary",
    note="table 2 and equations 6 to 9 as transcribed in nlmixr2lib",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance without inflammation")] = 4.34
    CRP_CL: Annotated[float, Theta("1", "log change of clearance per CRP_REF")] = -0.135
    CRP_REF: Annotated[float, Theta("mg/L", "reference C-reactive protein")] = 43.6
    TVV: Annotated[float, Theta("L", "volume")] = 97.4
    KA: Annotated[float, Theta("1/h", "absorption rate constant (fixed)")] = 1.1
    F: Annotated[float, Theta("1", "share absorbed")] = 0.951


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=1.01)] = 0.0
    V: Annotated[float, Eta("volume", var=0.0973)] = 0.0


class cov(NamedTuple):
    CRP: Annotated[float, Cov("mg/L", 0.0, 208.0, "C-reactive protein", "1988-5", missing="population", population=43.6)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "voriconazole", combined(0.373, 0.071))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float
    F_depot: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CL = theta.TVCL * exp(theta.CRP_CL * cov.CRP / theta.CRP_REF + eta.CL)
    return parameters(CL=CL, V=theta.TVV * exp(eta.V), KA=theta.KA, F_depot=theta.F)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="voriconazole",
    population="adults with talaromycosis, China (69 patients, 233 levels)",
    anchors=[
        Anchor("clearance without inflammation", "CL", {"CRP": 0}, 4.34, 1e-9, "Jiang 2022 table 2"),
        Anchor("at 43.6 mg/L", "CL", {"CRP": 43.6}, 3.79, 1e-3, "Jiang 2022 equation 6"),
    ],
)
