"""Vancomycin from newborns to old age: two compartments, weight, age and creatinine (Colin et al., 2019)."""

from math import exp, log10
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.compartments import TWO
from dosetwin.structure.kidney import sigmoid

REFERENCE = Reference(
    "Colin PJ et al.", 2019, "Clin Pharmacokinet 58:767-780", "10.1007/s40262-018-0727-5", "secondary",
    note="values as transcribed in the PKPDsim model library; covariate ranges assumed",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of 70 kg at 35 years and standard creatinine")] = 5.312
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearances")] = 0.75
    A50: Annotated[float, Theta("y", "postmenstrual age of half maturation")] = 0.8932
    HILL: Annotated[float, Theta("1", "steepness of maturation")] = 2.8864
    OLD50: Annotated[float, Theta("y", "postmenstrual age of half decline")] = 61.559
    OLD_HILL: Annotated[float, Theta("1", "steepness of decline")] = -2.241
    SCR_CL: Annotated[float, Theta("dL/mg", "slope of creatinine above standard on log clearance")] = -0.64856
    SCR_STD: Annotated[float, Theta("mg/dL", "standard creatinine at one year: exp(-1.22839)")] = 0.2927635
    SCR_LOG: Annotated[float, Theta("1", "slope of log standard creatinine on log10 age")] = 0.67190
    SCR_BIRTH: Annotated[float, Theta("1", "excess of log standard creatinine before birth")] = 6.27017
    SCR_FALL: Annotated[float, Theta("1/y", "rate at which that excess falls")] = 3.10940
    TVV1: Annotated[float, Theta("L", "central volume of 70 kg")] = 42.52
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance of 70 kg")] = 3.222
    TVV2: Annotated[float, Theta("L", "peripheral volume of 70 kg")] = 41.68
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    A_REF: Annotated[float, Theta("y", "reference postmenstrual age: 35 years and 40 weeks")] = 35 + 40 / 52
    A_ONE: Annotated[float, Theta("y", "one year")] = 1.0
    YEAR: Annotated[float, Theta("wk/y", "weeks in a year")] = 52.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0746)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.0716)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.684)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 0.5, 150.0, "body weight", "29463-7", missing="refuse")]
    PMA: Annotated[float, Cov("wk", 24.0, 5000.0, "postmenstrual age; adults: 40 + 52 times age", age=True)]
    SCR: Annotated[float, Cov("mg/dL", 0.1, 5.0, "serum creatinine", "2160-0", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "vancomycin", combined(1.23, 0.2145))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    A = cov.PMA / theta.YEAR
    grown = sigmoid(A, theta.A50, theta.HILL) / sigmoid(theta.A_REF, theta.A50, theta.HILL)
    aged = sigmoid(A, theta.OLD50, theta.OLD_HILL) / sigmoid(theta.A_REF, theta.OLD50, theta.OLD_HILL)
    standard = theta.SCR_STD * exp(theta.SCR_LOG * log10(A / theta.A_ONE) + theta.SCR_BIRTH * exp(-theta.SCR_FALL * A))
    size = cov.WT / theta.WT_REF
    CL = theta.TVCL * size**theta.WT_CL * grown * aged * exp(theta.SCR_CL * (cov.SCR - standard))
    return parameters(
        CL=CL * exp(eta.CL),
        V1=theta.TVV1 * size * exp(eta.V1),
        Q=theta.TVQ * size**theta.WT_CL,
        V2=theta.TVV2 * size * exp(eta.V2),
    )


def observe(A, p, cov):
    """Plasma concentration, mg/L."""
    return output(Cp=A.central / p.V1)


CHECKED = "transcribed equation, computed independently"

MODEL = model(
    __name__,
    drug="vancomycin",
    population="newborns to old age, pooled",
    reference=REFERENCE,
    structure=TWO,
    anchors=[
        Anchor("70 kg, 35 y, SCR 0.83", "CL", {"WT": 70, "PMA": 35 * 52 + 40, "SCR": 0.83}, 5.32, 2e-3, CHECKED),
        Anchor("70 kg, 70 y, SCR 1.0", "CL", {"WT": 70, "PMA": 70 * 52 + 40, "SCR": 1.0}, 2.94, 3e-3, CHECKED),
        Anchor("3.5 kg, term, SCR 0.5", "CL", {"WT": 3.5, "PMA": 40, "SCR": 0.5}, 0.283, 4e-3, CHECKED),
        Anchor("1 kg, 28 wk, SCR 0.8", "CL", {"WT": 1, "PMA": 28, "SCR": 0.8}, 0.053, 1e-2, CHECKED),
    ],
    notes=(
        "haematological malignancy (clearance x 1.294) and healthy volunteers (V1 x 0.688, Q x 0.403) are left out",
        "patients older than a few months: enter PMA as 40 + 52 times the age in years",
    ),
)  # fmt: skip
