"""Adalimumab in adults with plaque psoriasis: level and the turnover of the skin's score (Pan et al., 2026)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, combined, model

REFERENCE = Reference(
    "Pan S et al.",
    2026,
    "Clin Transl Sci 19:e70563",
    "10.1111/cts.70563",
    "secondary",
    note="tables 2 and 3 as transcribed in nlmixr2lib; 76 AU/mL of antibodies, at which clearance stands, are "
    "taken where none are told",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/d", "apparent clearance of a man at all references")] = 0.386
    TVV: Annotated[float, Theta("L", "apparent volume of WT_REF")] = 10.8
    KA: Annotated[float, Theta("1/d", "absorption rate constant")] = 0.268
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance")] = 0.75
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    ANTI_CL: Annotated[float, Theta("1", "exponent of the antibodies' level on clearance")] = 0.368
    ANTI_REF: Annotated[float, Theta("1", "reference level of antibodies, AU/mL")] = 76.03
    ANTI_LEAST: Annotated[float, Theta("1", "lowest level that counts, AU/mL", "assumed")] = 5.0
    WAIST_CL: Annotated[float, Theta("1", "exponent of the waist on clearance")] = 0.888
    WAIST_REF: Annotated[float, Theta("cm", "reference waist")] = 101.0
    WOMEN_CL: Annotated[float, Theta("1", "fractional rise of clearance in women")] = 0.216
    PRESSURE_CL: Annotated[float, Theta("1", "fractional rise of clearance with hypertension")] = 0.177
    PASI0: Annotated[float, Theta("1", "PASI without the drug")] = 14.3
    KOUT: Annotated[float, Theta("1/d", "loss of lesions")] = 0.04
    IC50: Annotated[float, Theta("mg/L", "level at which half as many lesions form")] = 0.95
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.329)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.768)] = 0.0
    PASI0: Annotated[float, Eta("PASI without the drug", cv=0.386)] = 0.0
    KOUT: Annotated[float, Eta("loss of lesions", cv=1.166)] = 0.0
    IC50: Annotated[float, Eta("half effect", cv=0.971)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 42.6, 170.0, "body weight", "29463-7", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="population", population=1.0)]
    WAIST: Annotated[float, Cov("cm", 46.0, 165.0, "waist", missing="population", population=101.0)]
    ANTIBODY_LEVEL: Annotated[
        float, Cov("1", 0.0, 10000.0, "antibodies by radioimmunoassay, AU/mL", missing="population", population=76.03)
    ]
    HYPERTENSION: Annotated[float, Cov("1", 0.0, 1.0, "treated for high blood pressure", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "adalimumab", combined(1.78, 0.195))]
    PASI: Annotated[float, Output("1", "psoriasis area and severity", "PASI", additive(3.2))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "under the skin")]
    central: Annotated[float, Amount("mg", "in the body")]
    pasi: Annotated[float, Amount("1", "PASI over that without the drug")]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance")]
    V: Annotated[float, Value("L", "volume")]
    KA: float
    PASI0: Annotated[float, Value("1", "PASI without the drug")]
    KOUT: Annotated[float, Value("1/h", "loss of lesions")]
    IC50: Annotated[float, Value("mg/L", "half effect")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CL = theta.TVCL * (cov.WT / theta.WT_REF) ** theta.WT_CL * (cov.WAIST / theta.WAIST_REF) ** theta.WAIST_CL
    CL = CL * (max(cov.ANTIBODY_LEVEL, theta.ANTI_LEAST) / theta.ANTI_REF) ** theta.ANTI_CL
    CL = CL * (1.0 + theta.WOMEN_CL * (1.0 - cov.SEX)) * (1.0 + theta.PRESSURE_CL * cov.HYPERTENSION)
    return parameters(
        CL=CL / theta.DAY * exp(eta.CL),
        V=theta.TVV * cov.WT / theta.WT_REF * exp(eta.V),
        KA=theta.KA / theta.DAY,
        PASI0=theta.PASI0 * exp(eta.PASI0),
        KOUT=theta.KOUT / theta.DAY * exp(eta.KOUT),
        IC50=theta.IC50 * exp(eta.IC50),
    )


def initial(p, cov):
    """As before the first injection."""
    return state(0.0, 0.0, 1.0)


def dynamics(t, A, p, cov):
    """One compartment; the drug keeps lesions from forming."""
    level = A.central / p.V
    return state(
        depot=-p.KA * A.depot,
        central=p.KA * A.depot - p.CL * level,
        pasi=p.KOUT * (p.IC50 / (p.IC50 + level) - A.pasi),
    )


def observe(A, p, cov):
    """Level and score."""
    return output(Cp=A.central / p.V, PASI=p.PASI0 * A.pasi)


MAN = {"WT": 70, "SEX": 1, "WAIST": 101, "ANTIBODY_LEVEL": 76.03, "HYPERTENSION": 0}

MODEL = model(
    __name__,
    drug="adalimumab",
    population="adults with plaque psoriasis (543 patients)",
    reference=REFERENCE,
    solver="explicit",
    rtol=1e-5,
    everyday=Everyday(40.0, "mg", 336.0, 0.0, "label (secondary)"),
    anchors=[
        Anchor("clearance at the references", "CL", MAN, 0.386 / 24, 1e-9, "Pan 2026"),
        Anchor("of a woman with hypertension", "CL", {**MAN, "SEX": 0, "HYPERTENSION": 1}, 0.386 / 24 * 1.216 * 1.177,
               1e-9, "Pan 2026"),
    ],
)  # fmt: skip
