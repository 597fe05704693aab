"""Busulfan from infancy to old age: two compartments, normal fat mass, maturation (McCune et al., 2014)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Covariance, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.body_size import fat_free_mass
from dosetwin.structure.compartments import TWO
from dosetwin.structure.kidney import sigmoid

REFERENCE = Reference(
    "McCune JS et al.",
    2014,
    "Clin Cancer Res 20:754-763",
    "10.1158/1078-0432.CCR-13-1960",
    "secondary",
    note="clearance and the normal fat mass it is of, 12.4 L/h at 62 kg, as the abstract prints them (read); the rest as "
    "transcribed in the PKPDsim model library, which has 11.4 L/h at 70 kg; variability between doses (CL 11.3 %, V 22.4 %) is "
    "left out",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of NFM_OF_CL, grown up, in the first six hours", "paper")] = 12.4
    NFM_OF_CL: Annotated[float, Theta("kg", "normal fat mass of a man of 70 kg, which the clearance is of", "paper")] = 62.0
    TVV1: Annotated[float, Theta("L", "central volume of NFM_REF")] = 13.9
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance of NFM_REF")] = 135.2
    TVV2: Annotated[float, Theta("L", "peripheral volume of NFM_REF")] = 29.9
    FAT_CL: Annotated[float, Theta("1", "share of fat mass that counts for clearance")] = 0.509
    FAT_V: Annotated[float, Theta("1", "share of fat mass that counts for volume")] = 0.203
    NFM_REF: Annotated[float, Theta("kg", "reference normal fat mass")] = 70.0
    NFM_CL: Annotated[float, Theta("1", "exponent of size on clearances")] = 0.75
    WOMEN_V: Annotated[float, Theta("1", "factor of women on volumes")] = 1.07
    PMA50: Annotated[float, Theta("wk", "postmenstrual age at half maturation")] = 45.7
    HILL: Annotated[float, Theta("1", "steepness of maturation")] = 2.3
    YEAR: Annotated[float, Theta("wk/y", "weeks in a year")] = 52.1775
    TERM: Annotated[float, Theta("wk", "postmenstrual age at birth")] = 40.0
    LATER: Annotated[float, Theta("1", "clearance after 36 h over that of the first six hours")] = 0.919
    FFM_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: most per squared height", "secondary")] = 42.92e-4
    FFM50_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: weight of half of it", "secondary")] = 30.93e-4
    FFM_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: most per squared height", "secondary")] = 37.99e-4
    FFM50_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: weight of half of it", "secondary")] = 35.98e-4


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0459)] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.152)] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", var=0.814)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.00932)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 3.5, 120.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 50.0, 200.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 0.1, 66.0, "age", "30525-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "busulfan", combined(0.027, 0.0387))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    FFM = fat_free_mass(cov.WT, cov.HT, cov.SEX, theta.FFM_MEN, theta.FFM50_MEN, theta.FFM_WOMEN, theta.FFM50_WOMEN)
    NFM = FFM + theta.FAT_CL * (cov.WT - FFM)
    size_CL, size_Q = NFM / theta.NFM_OF_CL, NFM / theta.NFM_REF
    size_V = (FFM + theta.FAT_V * (cov.WT - FFM)) / theta.NFM_REF * theta.WOMEN_V ** (1.0 - cov.SEX)
    grown = sigmoid(cov.AGE * theta.YEAR + theta.TERM, theta.PMA50, theta.HILL)
    return parameters(
        CL=theta.TVCL * size_CL**theta.NFM_CL * grown * theta.LATER * exp(eta.CL),
        V1=theta.TVV1 * size_V * exp(eta.V1),
        Q=theta.TVQ * size_Q**theta.NFM_CL * exp(eta.Q),
        V2=theta.TVV2 * size_V * exp(eta.V2),
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO,
    drug="busulfan",
    population="0.1 to 66 years before transplantation (1,610 patients, 12,380 levels)",
    omega=[
        Covariance("CL", "V1", 0.0172),
        Covariance("CL", "Q", 0.0681),
        Covariance("V1", "Q", 0.097),
        Covariance("CL", "V2", 0.0115),
        Covariance("V1", "V2", -0.00924),
        Covariance("Q", "V2", 0.069),
    ],
    anchors=[
        Anchor(
            "clearance of a man of 70 kg",
            "CL",
            {"WT": 70, "HT": 176, "AGE": 40, "SEX": 1},
            12.4 * (63.2 / 62.0) ** 0.75 * 0.919,
            2e-3,
            "abstract: 12.4 L/h at a normal fat mass of 62 kg (63.2 kg here), 8.1 % less later",
        ),
        Anchor(
            "volume of a woman of 60 kg",
            "V1",
            {"WT": 60, "HT": 165, "AGE": 40, "SEX": 0},
            9.2408,
            2e-3,
            "equations of the transcription, computed independently",
        ),
    ],
    notes=(
        "clearance falls by 6.8 % six hours and 8.1 % 36 h after the first "
        "dose: the later value is used throughout, for a course of four days",
    ),
)
