"""Tacrolimus in adults after kidney transplantation: two compartments, CYP3A5, age, albumin, size, haematocrit (Andrews 2019)."""

from math import exp, sqrt
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Output, Reference, Theta, Value, combined, model
from dosetwin.structure.body_size import fat_free_mass
from dosetwin.structure.compartments import TWO_ORAL

REFERENCE = Reference(
    "Andrews LM et al.",
    2019,
    "Br J Clin Pharmacol 85:601-615",
    "10.1111/bcp.13838",
    "secondary",
    note="table 2 as transcribed in nlmixr2lib; variability between occasions (CL 13.6 %) is left out",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "apparent clearance at the references, no CYP3A5*1 allele")] = 23.0
    TVV1: Annotated[float, Theta("L", "apparent central volume of LBM_REF")] = 692.0
    TVQ: Annotated[float, Theta("L/h", "apparent intercompartmental clearance")] = 11.6
    TVV2: Annotated[float, Theta("L", "apparent peripheral volume")] = 5340.0
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 3.58
    LAG: Annotated[float, Theta("h", "time before absorption begins")] = 0.38
    CYP3A5: Annotated[float, Theta("1", "factor of carriers of CYP3A5*1 on clearance")] = 1.631
    AGE_CL: Annotated[float, Theta("1", "exponent of age")] = -0.43
    AGE_REF: Annotated[float, Theta("y", "reference age")] = 55.72
    ALB_CL: Annotated[float, Theta("1", "exponent of albumin")] = 0.43
    ALB_REF: Annotated[float, Theta("g/L", "reference albumin")] = 42.0
    BSA_CL: Annotated[float, Theta("1", "exponent of body surface")] = 0.88
    HT_REF: Annotated[float, Theta("cm", "height of the reference surface, 1.93 m2 (Mosteller)", "derived")] = 176.0
    WT_REF: Annotated[float, Theta("kg", "weight of the reference surface", "derived")] = 76.19
    SCR_CL: Annotated[float, Theta("1", "exponent of creatinine")] = -0.14
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine, 134.98 umol/L")] = 1.5269
    HCT_CL: Annotated[float, Theta("1", "exponent of haematocrit")] = -0.76
    HCT_REF: Annotated[float, Theta("1", "reference haematocrit")] = 0.34
    LBM_V: Annotated[float, Theta("1", "exponent of lean mass on volume")] = 1.52
    LBM_REF: Annotated[float, Theta("kg", "reference lean mass")] = 58.94
    FFM_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: most per squared height", "secondary")] = 42.92e-4
    FFM50_MEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of men: weight of half of it", "secondary")] = 30.93e-4
    FFM_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: most per squared height", "secondary")] = 37.99e-4
    FFM50_WOMEN: Annotated[float, Theta("kg/cm/cm", "fat-free mass of women: weight of half of it", "secondary")] = 35.98e-4
    UG: Annotated[float, Theta("ug/mg", "micrograms in a milligram", "derived")] = 1000.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.386, told="clearance")] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.492)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", cv=0.530)] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", cv=0.787)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 37.6, 132.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 140.0, 200.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 15.0, 79.4, "age", "30525-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.4, 21.3, "serum creatinine", "2160-0", missing="refuse")]
    ALB: Annotated[float, Cov("g/L", 12.0, 57.0, "serum albumin", "1751-7", missing="population", population=42.0)]
    HCT: Annotated[float, Cov("1", 0.15, 0.8, "haematocrit", "4544-3", missing="refuse")]
    CYP3A5_1: Annotated[float, Cov("1", 0, 2, "number of CYP3A5*1 alleles", missing="population", population=0.0)]


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "whole-blood concentration", "tacrolimus", combined(0.88, 0.177))]


class parameters(NamedTuple):
    CL: float
    V1: float
    Q: float
    V2: float
    KA: float
    LAG_depot: float
    UG: Annotated[float, Value("ug/mg", "micrograms in a milligram")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    expresses = theta.CYP3A5 if cov.CYP3A5_1 > 0.5 else 1.0
    surface = sqrt(cov.HT * cov.WT / (theta.HT_REF * theta.WT_REF))
    LBM = fat_free_mass(cov.WT, cov.HT, cov.SEX, theta.FFM_MEN, theta.FFM50_MEN, theta.FFM_WOMEN, theta.FFM50_WOMEN)
    CL = theta.TVCL * expresses * (cov.AGE / theta.AGE_REF) ** theta.AGE_CL * (cov.ALB / theta.ALB_REF) ** theta.ALB_CL
    CL = CL * surface**theta.BSA_CL * (cov.SCR / theta.SCR_REF) ** theta.SCR_CL * (cov.HCT / theta.HCT_REF) ** theta.HCT_CL
    return parameters(
        CL=CL * exp(eta.CL),
        V1=theta.TVV1 * (LBM / theta.LBM_REF) ** theta.LBM_V * exp(eta.V1),
        Q=theta.TVQ * exp(eta.Q),
        V2=theta.TVV2 * exp(eta.V2),
        KA=theta.KA,
        LAG_depot=theta.LAG,
        UG=theta.UG,
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=p.UG * A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    structure=TWO_ORAL,
    drug="tacrolimus",
    population="adults in the first three months after kidney transplantation, twice-daily capsules (337 patients, 4,527 levels)",
    anchors=[
        Anchor(
            "clearance at the references",
            "CL",
            {"WT": 76.19, "HT": 176, "AGE": 55.72, "SEX": 1, "SCR": 1.5269, "ALB": 42, "HCT": 0.34, "CYP3A5_1": 0},
            23.0,
            1e-6,
            "Andrews 2019 table 2",
        ),
        Anchor(
            "of a carrier of CYP3A5*1",
            "CL",
            {"WT": 76.19, "HT": 176, "AGE": 55.72, "SEX": 1, "SCR": 1.5269, "ALB": 42, "HCT": 0.34, "CYP3A5_1": 1},
            23.0 * 1.631,
            1e-6,
            "Andrews 2019 table 2",
        ),
        Anchor(
            "65 y against 25 y: 34 % less",
            "CL",
            {"WT": 76.19, "HT": 176, "AGE": 65, "SEX": 1, "SCR": 1.5269, "ALB": 42, "HCT": 0.34, "CYP3A5_1": 0},
            23.0 * (25 / 55.72) ** -0.43 * 0.66,
            0.01,
            "Andrews 2019, results: 34 % lower",
        ),
    ],
    notes=(
        "lean mass by Janmahasatian: the paper names no formula",
        "CYP3A4*22 carriers clear a fifth less (factor 0.8): no record holds that allele yet, the usual one is taken",
        "residual error of immunoassays; by mass spectrometry 24.5 %, proportional",
    ),
)
