"""Busulfan in children and young adults: one compartment, fat-free mass, maturation (Shukla et al., 2020)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Covariance, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.body_size import fat_free_mass
from dosetwin.structure.compartments import ONE
from dosetwin.structure.kidney import sigmoid

REFERENCE = Reference(
    "Shukla P et al.",
    2020,
    "Front Pharmacol 11:888",
    "10.3389/fphar.2020.00888",
    "secondary",
    note="values as transcribed in the PKPDsim model library; variability between doses (12.9 and 13.3 %) is left out",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of FFM_REF, grown up, on the first day")] = 3.96
    TVV: Annotated[float, Theta("L", "volume of FFM_REF")] = 10.8
    FFM_REF: Annotated[float, Theta("kg", "reference fat-free mass")] = 12.0
    FFM_CL: Annotated[float, Theta("1", "exponent of size on clearance")] = 0.75
    BORN: Annotated[float, Theta("1", "share of clearance at birth")] = 0.451
    RIPE: Annotated[float, Theta("1/y", "rate of maturation")] = 1.37
    LATER: Annotated[float, Theta("1", "clearance after the first day over that of the first")] = 0.865
    FFM_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: most per squared height", "secondary")] = 42.92e-4
    FFM50_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: weight of half of it", "secondary")] = 30.93e-4
    FFM_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: most per squared height", "secondary")] = 37.99e-4
    FFM50_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: weight of half of it", "secondary")] = 35.98e-4
    BOY: Annotated[float, Theta("1", "fat-free mass of the youngest boys over that of men")] = 0.88
    BOY50: Annotated[float, Theta("y", "age at which boys are half way")] = 13.4
    BOY_HILL: Annotated[float, Theta("1", "steepness in boys")] = 12.7
    GIRL: Annotated[float, Theta("1", "fat-free mass of the youngest girls over that of women")] = 1.11
    GIRL50: Annotated[float, Theta("y", "age at which girls are half way")] = 7.1
    GIRL_HILL: Annotated[float, Theta("1", "steepness in girls")] = 1.1


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.0595)] = 0.0
    V: Annotated[float, Eta("volume", var=0.0293)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 3.0, 110.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 50.0, 200.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 0.1, 26.0, "age", "30525-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "busulfan", combined(0.0222, 0.106))]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    men = theta.BOY + (1.0 - theta.BOY) * sigmoid(cov.AGE, theta.BOY50, theta.BOY_HILL)
    women = theta.GIRL + (1.0 - theta.GIRL) * sigmoid(cov.AGE, theta.GIRL50, theta.GIRL_HILL)
    FFM = fat_free_mass(cov.WT, cov.HT, cov.SEX, theta.FFM_MEN, theta.FFM50_MEN, theta.FFM_WOMEN, theta.FFM50_WOMEN)
    size = FFM * (men if cov.SEX > 0.5 else women) / theta.FFM_REF
    grown = theta.BORN + (1.0 - theta.BORN) * (1.0 - exp(-theta.RIPE * cov.AGE))
    CL = theta.TVCL * size**theta.FFM_CL * grown * theta.LATER
    return parameters(CL=CL * exp(eta.CL), V=theta.TVV * size * exp(eta.V))


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE,
    drug="busulfan",
    population="children and young adults before transplantation",
    omega=[Covariance("CL", "V", 0.0323)],
    anchors=[
        Anchor(
            "clearance of a boy of 5 years",
            "CL",
            {"WT": 18, "HT": 110, "AGE": 5, "SEX": 1},
            4.0151,
            3e-3,
            "equations of the transcription, computed independently",
        ),
    ],
    notes=(
        "fludarabine-clofarabine conditioning (clearance down by 20 %) is left out",
        "clearance after the first day (13.5 % lower) is used throughout, for a course of four days",
    ),
)
