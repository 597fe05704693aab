"""Lithium carbonate by mouth in adults: one compartment, lean mass, creatinine clearance (Jermain et al., 1991)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, model, proportional
from dosetwin.structure.body_size import fat_free_mass
from dosetwin.structure.compartments import ONE_ORAL
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Jermain DM et al.",
    1991,
    "Clin Pharm 10:376-381",
    "",
    "recalled",
    note="the abstract prints mean clearance 1.36 L/h, volume 32.8 L, 24 % "
    "variability of clearance and 16 % error; the two coefficients are from memory",
)


class theta(NamedTuple):
    LBM_CL: Annotated[float, Theta("L/h/kg", "clearance per kg of lean mass")] = 0.0093
    CLCR_CL: Annotated[float, Theta("1", "clearance per creatinine clearance")] = 0.0885
    TVV: Annotated[float, Theta("L", "volume", "paper")] = 32.8
    KA: Annotated[float, Theta("1/h", "absorption of tablets", "secondary")] = 0.293
    MMOL: Annotated[float, Theta("mmol/mg", "lithium in a milligram of carbonate: 2 / 73.89", "derived")] = 0.0270673
    CG: Annotated[float, Theta("L/h/y/kg", "Cockcroft and Gault's 1/72 mL/min as L/h at SCR_REF", "recalled")] = 0.06 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine")] = 1.0
    FFM_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: most per squared height", "secondary")] = 42.92e-4
    FFM50_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: weight of half of it", "secondary")] = 30.93e-4
    FFM_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: most per squared height", "secondary")] = 37.99e-4
    FFM50_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: weight of half of it", "secondary")] = 35.98e-4


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.24, provenance="paper")] = 0.0
    V: Annotated[float, Eta("volume", cv=0.25, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 140.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 140.0, 200.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 85.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.4, 2.5, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mmol/L", "serum concentration", "lithium", proportional(0.16, provenance="paper"))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float
    CLCR: Annotated[float, Value("L/h", "creatinine clearance")]
    MMOL: Annotated[float, Value("mmol/mg", "lithium in a milligram of carbonate")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CLCR = cockcroft_gault(cov.AGE, cov.WT, cov.SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    LBM = fat_free_mass(cov.WT, cov.HT, cov.SEX, theta.FFM_MEN, theta.FFM50_MEN, theta.FFM_WOMEN, theta.FFM50_WOMEN)
    CL = theta.LBM_CL * LBM + theta.CLCR_CL * CLCR
    return parameters(CL=CL * exp(eta.CL), V=theta.TVV * exp(eta.V), KA=theta.KA, CLCR=CLCR, MMOL=theta.MMOL)


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=p.MMOL * A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=ONE_ORAL,
    drug="lithium",
    population="psychiatric inpatients with kidneys that work (79 patients)",
    anchors=[
        Anchor(
            "creatinine clearance in L/h",
            "CLCR",
            {"WT": 72, "HT": 175, "AGE": 40, "SCR": 1.0, "SEX": 1},
            6.0,
            1e-9,
            "Cockcroft and Gault 1976",
        ),
        Anchor("volume", "V", {"WT": 72, "HT": 175, "AGE": 40, "SCR": 1.0, "SEX": 1}, 32.8, 1e-9, "Jermain 1991, abstract"),
    ],
    notes=(
        "doses are mg of lithium carbonate; absorption is the fixed value of Jin 2022 (10.3389/fphar.2022.913935)",
        "dehydration, a diuretic, an ACE inhibitor or an NSAID raises the level: none of them is in the model",
    ),
)
