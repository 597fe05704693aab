"""Adalimumab in adults with rheumatoid arthritis: level, CRP, disease activity, antibodies (Ternant et al., 2015)."""

from math import exp, log
from typing import Annotated, NamedTuple

from dosetwin.declare import (
    Amount,
    Anchor,
    Cov,
    Eta,
    Everyday,
    Output,
    Reference,
    Theta,
    Value,
    additive,
    combined,
    lognormal,
    model,
)

REFERENCE = Reference(
    "Ternant D et al.",
    2015,
    "Br J Clin Pharmacol 79:286-297",
    "10.1111/bcp.12509",
    "paper",
    note="means and variabilities of the abstract; its loss of C-reactive protein and residual errors are not in it (recalled, "
    "assumed). Antibodies: Bartelds 2007, doi 10.1136/ard.2006.065615 (abstract read): 21 of 121 within 28 weeks, 52 and 84 % of "
    "those with and without them on methotrexate. In time: Bartelds 2011, JAMA 305:1460 (abstract read): 51 of 272 by 28 "
    "weeks and 76 "
    "by three years, a hazard that falls with 28 weeks (derived)",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/d", "apparent clearance")] = 0.32
    TVV: Annotated[float, Theta("L", "apparent volume")] = 10.8
    KA: Annotated[float, Theta("1/d", "absorption rate constant")] = 0.28
    ANTI_CL: Annotated[float, Theta("1", "fractional rise of clearance with antibodies; as in Crohn's disease (Berends 2018)",
                                    "assumed")] = 3.14  # fmt: skip
    KIN: Annotated[float, Theta("mg/L/d", "C-reactive protein made without the drug")] = 22.0
    KOUT: Annotated[float, Theta("1/d", "loss of C-reactive protein: half of it in 19 h", "recalled")] = log(2.0) * 24.0 / 19.0
    C50: Annotated[float, Theta("mg/L", "level at which half as much C-reactive protein is made")] = 3.6
    DAS0: Annotated[float, Theta("1", "DAS28 without the drug")] = 5.5
    IC50: Annotated[float, Theta("mg/L", "level that halves DAS28")] = 11.0
    ANTI: Annotated[float, Theta("1", "share with antibodies within 28 weeks without methotrexate: 10 of 26", "derived")] = (
        10.0 / 26.0
    )
    ANTI_MTX: Annotated[float, Theta("1", "with methotrexate: 11 of 95", "derived")] = 11.0 / 95.0
    FORMS: Annotated[float, Theta("wk", "time in which two thirds of those who ever form antibodies have them", "derived")] = 28.0
    SEEN: Annotated[float, Theta("wk", "time that ANTI and ANTI_MTX are for")] = 28.0
    WEEK: Annotated[float, Theta("h/wk", "hours of a week", "derived")] = 168.0
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.17)] = 0.0
    V: Annotated[float, Eta("volume", cv=0.92)] = 0.0
    KIN: Annotated[float, Eta("C-reactive protein made", cv=0.65)] = 0.0
    C50: Annotated[float, Eta("half effect on C-reactive protein", cv=0.88)] = 0.0
    DAS0: Annotated[float, Eta("DAS28 without the drug", cv=0.11)] = 0.0
    IC50: Annotated[float, Eta("half effect on DAS28", cv=0.71)] = 0.0


class cov(NamedTuple):
    ANTIBODIES: Annotated[float, Cov("1", 0, 1, "antibodies against the drug", flag=True)]
    METHOTREXATE: Annotated[float, Cov("1", 0, 1, "takes methotrexate", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "serum concentration", "adalimumab", combined(1.0, 0.2, provenance="assumed"))]
    CRP: Annotated[float, Output("mg/L", "C-reactive protein", "CRP", lognormal(0.5, provenance="assumed"))]
    DAS28: Annotated[float, Output("1", "disease activity in 28 joints", "DAS28", additive(0.6, provenance="assumed"))]
    ANTI: Annotated[
        float, Output("1", "chance that antibodies have formed by then", "ANTIBODY_RISK", additive(0.1, provenance="assumed"))
    ]  # fmt: skip


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "under the skin")]
    central: Annotated[float, Amount("mg", "in the body")]
    crp: Annotated[float, Amount("1", "C-reactive protein over that without the drug")]
    formed: Annotated[float, Amount("1", "share of the hazard of antibodies that is over")]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance")]
    V: Annotated[float, Value("L", "volume")]
    KA: float
    CRP0: Annotated[float, Value("mg/L", "C-reactive protein without the drug")]
    KOUT: float
    C50: Annotated[float, Value("mg/L", "half effect on C-reactive protein")]
    DAS0: Annotated[float, Value("1", "DAS28 without the drug")]
    IC50: Annotated[float, Value("mg/L", "half effect on DAS28")]
    LEFT: Annotated[float, Value("1", "share that never forms antibodies; 0 where they are there")]
    FORMS: Annotated[float, Value("1/h", "how fast that hazard goes by")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    forming = theta.ANTI * (1.0 - cov.METHOTREXATE) + theta.ANTI_MTX * cov.METHOTREXATE
    return parameters(
        CL=theta.TVCL / theta.DAY * (1.0 + theta.ANTI_CL * cov.ANTIBODIES) * exp(eta.CL),
        V=theta.TVV * exp(eta.V),
        KA=theta.KA / theta.DAY,
        CRP0=theta.KIN / theta.KOUT * exp(eta.KIN),
        KOUT=theta.KOUT / theta.DAY,
        C50=theta.C50 * exp(eta.C50),
        DAS0=theta.DAS0 * exp(eta.DAS0),
        IC50=theta.IC50 * exp(eta.IC50),
        LEFT=(1.0 - forming) ** (1.0 / (1.0 - exp(-theta.SEEN / theta.FORMS))) * (1.0 - cov.ANTIBODIES),
        FORMS=1.0 / (theta.FORMS * theta.WEEK),
    )


def initial(p, cov):
    """As before the first injection."""
    return state(0.0, 0.0, 1.0, 0.0)


def dynamics(t, A, p, cov):
    """One compartment; the drug keeps C-reactive protein from being made."""
    level = A.central / p.V
    return state(
        depot=-p.KA * A.depot,
        central=p.KA * A.depot - p.CL * level,
        crp=p.KOUT * (p.C50 / (p.C50 + level) - A.crp),
        formed=p.FORMS * (1.0 - A.formed) if A.depot + A.central > 1e-6 else 0.0,
    )


def observe(A, p, cov):
    """Level, C-reactive protein, DAS28 at once by the level, the chance of antibodies."""
    level = A.central / p.V
    ANTI = 1.0 - p.LEFT**A.formed if p.LEFT > 0.0 else 1.0
    return output(Cp=level, CRP=p.CRP0 * A.crp, DAS28=p.DAS0 * p.IC50 / (p.IC50 + level), ANTI=ANTI)


PLAIN = {"ANTIBODIES": 0, "METHOTREXATE": 0}
ON_METHOTREXATE = {"ANTIBODIES": 0, "METHOTREXATE": 1}

MODEL = model(
    __name__,
    drug="adalimumab",
    population="adults with rheumatoid arthritis (30 patients)",
    reference=REFERENCE,
    solver="explicit",
    rtol=1e-5,
    everyday=Everyday(40.0, "mg", 336.0, 0.0, "US label (recalled)"),
    anchors=[
        Anchor("clearance", "CL", PLAIN, 0.32 / 24, 1e-9, "Ternant 2015"),
        Anchor("never antibodies, on methotrexate", "LEFT", ON_METHOTREXATE, (84 / 95) ** 1.58198, 1e-5, "Bartelds 2007"),
    ],
    notes=(
        "the chance of antibodies is that of somebody in whom none were found; once they are, the flag ANTIBODIES says so",
    ),
)  # fmt: skip
