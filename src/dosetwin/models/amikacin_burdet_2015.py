"""Amikacin in critically ill adults: two compartments, creatinine clearance, weight and oxygenation (Burdet et al., 2015)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Covariance, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO

REFERENCE = Reference(
    "Burdet C et al.", 2015, "Eur J Clin Pharmacol 71:75-83", "", "secondary",
    note="values as transcribed in a worked example of the posologyr package; ranges of covariates assumed",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at the reference creatinine clearance")] = 4.3
    CLCR_CL: Annotated[float, Theta("1", "exponent of creatinine clearance on clearance")] = 0.7
    TVV1: Annotated[float, Theta("L", "central volume at the reference weight and oxygenation")] = 15.9
    WT_V1: Annotated[float, Theta("1", "exponent of weight on central volume")] = 0.9
    POVERF_V1: Annotated[float, Theta("1", "exponent of PaO2/FIO2 on central volume")] = 0.4
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 12.1
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 21.4
    CLCR_REF: Annotated[float, Theta("mL/min", "median 4-hour creatinine clearance")] = 82.0
    WT_REF: Annotated[float, Theta("kg", "median total body weight")] = 78.0
    POVERF_REF: Annotated[float, Theta("mmHg", "median PaO2/FIO2")] = 169.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.1)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.05)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.2)] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", var=0.08)] = 0.0


class cov(NamedTuple):
    CLCR: Annotated[float, Cov("mL/min", 10.0, 250.0, "creatinine clearance (4-hour urine)", "2164-2", missing="refuse")]
    WT: Annotated[float, Cov("kg", 40.0, 150.0, "total body weight", "29463-7", missing="refuse")]
    POVERF: Annotated[float, Cov("mmHg", 50.0, 450.0, "PaO2/FIO2", "50984-4", missing="population", population=169.0)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output("mg/L", "plasma concentration", "amikacin",
               combined(0.2, 0.1, form="sd", source="posologyr example: SD = 0.2 + 0.1 F")),
    ]  # fmt: skip


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CL = theta.TVCL * (cov.CLCR / theta.CLCR_REF) ** theta.CLCR_CL * exp(eta.CL)
    size = (cov.WT / theta.WT_REF) ** theta.WT_V1
    V1 = theta.TVV1 * size * (cov.POVERF / theta.POVERF_REF) ** theta.POVERF_V1 * exp(eta.V1)
    return parameters(CL=CL, V1=V1, Q=theta.TVQ * exp(eta.Q), V2=theta.TVV2 * exp(eta.V2))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    drug="amikacin",
    population="adults in intensive care with suspected ventilator-associated pneumonia",
    reference=REFERENCE,
    structure=TWO,
    omega=[
        Covariance("CL", "V1", 0.01), Covariance("CL", "V2", 0.01), Covariance("CL", "Q", -0.06),
        Covariance("V1", "V2", 0.02), Covariance("V1", "Q", 0.004), Covariance("V2", "Q", 0.003),
    ],
    anchors=[
        Anchor("clearance of the median patient", "CL", {"CLCR": 82, "WT": 78, "POVERF": 169}, 4.3, 1e-9, "posologyr example"),
        Anchor("clearance at 50 mL/min", "CL", {"CLCR": 50, "WT": 62, "POVERF": 169}, 3.0412, 1e-4, "4.3 (50/82)^0.7"),
        Anchor("central volume at 62 kg", "V1", {"CLCR": 50, "WT": 62, "POVERF": 169}, 12.932, 1e-4, "15.9 (62/78)^0.9"),
    ],
    notes=("covariate ranges are assumed: the transcription gives medians only",),
)  # fmt: skip
