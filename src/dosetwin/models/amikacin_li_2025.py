"""Amikacin in preterm infants: one compartment, weight, postmenstrual age and creatinine (Li et al., 2025)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, additive, model
from dosetwin.structure.compartments import ONE

REFERENCE = Reference(
    "Li JH et al.", 2025, "BMC Infect Dis 2026;26:43", "10.1186/s12879-025-11747-z", "secondary",
    note="table 4 and equations 2-7 as transcribed in nlmixr2lib; creatinine form after Allegaert 2008, Drug Metab Lett 2:286",
)  # fmt: skip

UMOL_PER_L = 88.4  # one mg/dL of creatinine


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of 70 kg at 40 weeks with adult kidneys")] = 1.43
    TVV: Annotated[float, Theta("L", "volume of 70 kg")] = 30.97
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance (fixed)")] = 0.75
    PMA_CL: Annotated[float, Theta("1/wk", "slope of postmenstrual age on clearance")] = 0.032
    CPR: Annotated[float, Theta("umol/h", "creatinine production of a man of 70 kg")] = 516.0
    K_AGE: Annotated[float, Theta("1/y", "fall of creatinine production with age below AGE_ADULT")] = 0.00823
    CLCR_REF: Annotated[float, Theta("L/h", "normal creatinine clearance of 70 kg")] = 6.0
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    PMA_REF: Annotated[float, Theta("wk", "postmenstrual age at term")] = 40.0
    AGE_ADULT: Annotated[float, Theta("y", "age at which CPR holds")] = 40.0
    YEAR: Annotated[float, Theta("wk/y", "weeks in a year")] = 52.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.16)] = 0.0
    V: Annotated[float, Eta("volume", var=0.15)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.8, 4.0, "current weight", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 29.1, 39.1, "postmenstrual age", age=True)]
    SCR: Annotated[float, Cov("mg/dL", 15 / 88.4, 60 / 88.4, "serum creatinine (Jaffe)", "2160-0", missing="refuse")]
    PNA: Annotated[float, Cov("d", 2.0, 57.0, "postnatal age (range only: mean 30, SD 14 d)", age=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "amikacin", additive(0.92))]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one baby: clearance follows production over concentration of creatinine."""
    size = cov.WT / theta.WT_REF
    age = (cov.PMA - theta.PMA_REF) / theta.YEAR - theta.AGE_ADULT
    renal = theta.CPR * exp(theta.K_AGE * age) / (cov.SCR * UMOL_PER_L) / theta.CLCR_REF
    CL = theta.TVCL * size**theta.WT_CL * (1.0 + theta.PMA_CL * (cov.PMA - theta.PMA_REF)) * renal * exp(eta.CL)
    return parameters(CL=CL, V=theta.TVV * size * exp(eta.V))


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    drug="amikacin",
    population="preterm infants about a month old, Suzhou (23 babies, 54 levels)",
    reference=REFERENCE,
    structure=ONE,
    anchors=[
        Anchor("clearance of 70 kg at 40 wk with creatinine at its normal for age", "CL",
               {"WT": 70, "PMA": 40, "SCR": 516 * 0.719514 / 6 / 88.4, "PNA": 30}, 1.43, 1e-4, "Li 2025 table 4 and equation 5"),
        Anchor("volume of 70 kg", "V", {"WT": 70, "PMA": 40, "SCR": 0.5, "PNA": 30}, 30.97, 1e-9, "Li 2025 table 4"),
        Anchor("clearance per kg at 1.06 kg, 28 wk + 2 d, 75 umol/L", "CL",
               {"WT": 1.06, "PMA": 28 + 2 / 7, "SCR": 75 / 88.4, "PNA": 2}, 1.06 * 0.030, 0.03,
               "our comparison of models, computed from the published equation"),
    ],
    notes=(
        "creatinine in mg/dL is turned into umol/L by 88.4 inside",
        "the paper used Jaffe creatinine; a lower enzymatic value gives a higher clearance",
        "does not reproduce its own paper's table 5 (`dosetwin validate`): 12 mg/kg every 24 h at 37-60 umol/L leaves 82 % of "
        "troughs below 5 mg/L, the paper says 44 %; an independent transcription misses it alike: its clearance seems fast, "
        "do not rely on its troughs alone",
    ),
)  # fmt: skip
