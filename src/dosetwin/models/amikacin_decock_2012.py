"""Amikacin in newborns: two compartments, birth weight, postnatal age and ibuprofen (De Cock et al., 2012)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "De Cock RFW et al.", 2012, "Clin Pharmacokinet 51:105-117", "10.2165/11595640-000000000-00000", "secondary",
    note="values as they stand in a public Tucuxi drug file citing the paper; exponents agree with the paper's abstract",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at the median birth weight and PNA 0")] = 0.0493
    BW_CL: Annotated[float, Theta("1", "exponent of birth weight on clearance")] = 1.34
    PNA_CL: Annotated[float, Theta("1", "slope of postnatal age on clearance, per PNA_REF")] = 0.213
    IBU_CL: Annotated[float, Theta("1", "factor on clearance under ibuprofen")] = 0.838
    TVV1: Annotated[float, Theta("L", "central volume at the median weight")] = 0.833
    WT_V1: Annotated[float, Theta("1", "exponent of current weight on volume")] = 0.919
    Q_CL: Annotated[float, Theta("1", "intercompartmental clearance as a fraction of clearance")] = 0.415
    BW_REF: Annotated[float, Theta("kg", "median birth weight")] = 1.750
    WT_REF: Annotated[float, Theta("kg", "median current weight")] = 1.760
    PNA_REF: Annotated[float, Theta("d", "median postnatal age")] = 2.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", sd=0.30)] = 0.0
    V1: Annotated[float, Eta("central volume", sd=0.15, provenance="assumed")] = 0.0


class cov(NamedTuple):
    BW: Annotated[float, Cov("kg", 0.385, 4.65, "birth weight", "8339-4", missing="refuse")]
    WT: Annotated[float, Cov("kg", 0.385, 4.78, "current weight", "29463-7")]
    PNA: Annotated[float, Cov("d", 0.0, 30.0, "postnatal age", age=True)]
    IBU: Annotated[float, Cov("1", 0, 1, "ibuprofen running", flag=True)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output(
            "mg/L", "plasma concentration", "amikacin",
            combined(0.517, 0.248, source="Tucuxi file: square roots of the model-building variances"),
        ),
    ]  # fmt: skip


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one baby; Q follows the typical clearance, V2 equals V1."""
    size = (cov.BW / theta.BW_REF) ** theta.BW_CL
    TVCL = theta.TVCL * size * (1.0 + theta.PNA_CL * cov.PNA / theta.PNA_REF) * theta.IBU_CL**cov.IBU
    V1 = theta.TVV1 * (cov.WT / theta.WT_REF) ** theta.WT_V1 * exp(eta.V1)
    return parameters(CL=TVCL * exp(eta.CL), V1=V1, Q=theta.Q_CL * TVCL, V2=V1)


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    drug="amikacin",
    population="newborns, GA 24-43 wk, PNA 1-30 d",
    reference=REFERENCE,
    structure=TWO,
    anchors=[
        Anchor("abstract: typical clearance at the median baby", "CL", {"BW": 1.75, "WT": 1.76, "PNA": 2, "IBU": 0},
               0.0493 * 1.213, 1e-9, "De Cock 2012 equation"),
    ],
    notes=("between-subject variability of V1 is assumed",),
)  # fmt: skip
