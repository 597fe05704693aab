"""Creatinine of extremely small newborns in their first six weeks (structure of van Donge et al., 2021; constants derived).

The published parameter table was not available to us. The structure (constant production, clearance that matures with
postnatal age, gestational age on creatinine at birth and on maturation, an absolute loss under ibuprofen) is the paper's; the
constants are ours, least squares on its 32 published typical values (Front Pharmacol 2021, table 2; largest misfit
0.008 mg/dL). Only production and clearance per volume are identified (the volume comes from the ibuprofen effect), to about 10 %.
The state is the body's creatinine; a dose into it is creatinine given from outside, as in a clearance test.
"""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Output, Reference, Theta, combined, model
from dosetwin.structure.kidney import DL_PER_L, HOURS_PER_DAY, sigmoid

REFERENCE = Reference(
    "dosetwin authors, after van Donge T et al.", 2021, "structure: Pediatr Nephrol 2021 issue 3", "10.1007/s00467-020-04749-3",
    "derived",
    note="reconstruction from 32 published typical values: Front Pharmacol 2021, doi 10.3389/fphar.2020.610294, table 2",
)  # fmt: skip

FIT = "our fit to Front Pharmacol 2021, table 2"


class theta(NamedTuple):
    KIN: Annotated[float, Theta("mg/d", "creatinine production", "derived", FIT)] = 2.82
    CLB: Annotated[float, Theta("L/d", "creatinine clearance at birth at GA_REF", "derived", FIT)] = 0.233
    GA_CLB: Annotated[float, Theta("1", "exponent of gestational age on CLB", "derived", FIT)] = 0.50
    EMAX: Annotated[float, Theta("L/d", "clearance that maturation adds at GA_REF", "derived", FIT)] = 0.763
    GA_EMAX: Annotated[float, Theta("1", "exponent of gestational age on EMAX", "derived", FIT)] = -0.14
    T50: Annotated[float, Theta("d", "postnatal age of half maturation at GA_REF", "derived", FIT)] = 11.7
    GA_T50: Annotated[float, Theta("1", "exponent of gestational age on T50", "derived", FIT)] = -2.33
    HILL: Annotated[float, Theta("1", "steepness of maturation", "derived", FIT)] = 1.34
    V: Annotated[float, Theta("L", "volume of distribution", "derived", FIT)] = 0.608
    S_BIRTH: Annotated[float, Theta("mg/dL", "creatinine at birth at GA_REF", "derived", "log-linear fit to the table")] = 0.4587
    GA_S_BIRTH: Annotated[float, Theta("1/wk", "its rise with gestational age", "derived", "the same")] = 0.0576
    IBU: Annotated[float, Theta("L/d", "fall of clearance under ibuprofen", "paper", "0.0094 mL/min")] = 0.0135
    GA_REF: Annotated[float, Theta("wk", "reference gestational age", "paper", "median of the study")] = 27.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("creatinine clearance", cv=0.25, provenance="assumed", source="variability not known to us")] = 0.0
    T50: Annotated[float, Eta("age of half maturation", cv=0.30, provenance="assumed")] = 0.0
    KIN: Annotated[float, Eta("creatinine production", cv=0.20, provenance="assumed")] = 0.0
    S0: Annotated[float, Eta("creatinine at birth", cv=0.25, provenance="assumed")] = 0.0


class cov(NamedTuple):
    GA: Annotated[float, Cov("wk", 24.0, 32.0, "gestational age at birth", "18185-9", missing="refuse")]
    PNA: Annotated[float, Cov("d", 0.0, 42.0, "postnatal age", age=True)]
    IBU: Annotated[float, Cov("1", 0, 1, "ibuprofen running", flag=True)]


class output(NamedTuple):
    Scr: Annotated[
        float,
        Output("mg/dL", "serum creatinine (enzymatic)", "SCR", combined(0.0432, 0.141, provenance="assumed", source="Wu 2024")),
    ]


class state(NamedTuple):
    creatinine: Annotated[float, Amount("mg", "creatinine in the body")]


class parameters(NamedTuple):
    KIN: float
    CL: float
    V: float
    S0: float


def individual(theta, eta, cov):
    """Production mg/h, clearance L/h, volume L, creatinine at birth mg/dL."""
    G = cov.GA / theta.GA_REF
    mature = sigmoid(cov.PNA, theta.T50 * G**theta.GA_T50 * exp(eta.T50), theta.HILL)
    CL = (theta.CLB * G**theta.GA_CLB + theta.EMAX * G**theta.GA_EMAX * mature - theta.IBU * cov.IBU) * exp(eta.CL)
    S0 = theta.S_BIRTH * exp(theta.GA_S_BIRTH * (cov.GA - theta.GA_REF) + eta.S0)
    return parameters(KIN=theta.KIN * exp(eta.KIN) / HOURS_PER_DAY, CL=CL / HOURS_PER_DAY, V=theta.V, S0=S0)


def initial(p, cov):
    """At birth: the mother's creatinine."""
    return state(p.S0 * DL_PER_L * p.V)


def dynamics(t, A, p, cov):
    """Creatinine in the body, mg/h."""
    return state(p.KIN - p.CL * A.creatinine / p.V)


def observe(A, p, cov):
    """Serum creatinine mg/dL."""
    return output(Scr=A.creatinine / (DL_PER_L * p.V))


MODEL = model(
    __name__,
    drug="creatinine",
    population="newborns of 1000 g or less, GA 24-32 wk, first 42 days",
    reference=REFERENCE,
    solver="exact",
    start="birth",
    age_step_h=6.0,
    anchors=[
        Anchor("creatinine at birth, GA 24", "S0", {"GA": 24, "PNA": 0}, 0.383, 0.015, "Front Pharmacol 2021, table 2"),
        Anchor("creatinine at birth, GA 32", "S0", {"GA": 32, "PNA": 0}, 0.607, 0.015, "Front Pharmacol 2021, table 2"),
    ],
    notes=(
        "reconstruction: the published parameter table was not available; between-baby variability is assumed",
        "the abstract of Pediatr Nephrol 2021 gives 0.61 mg/dL at birth for GA 27 where the table fitted here gives 0.462",
        "delivery mode (faster maturation after caesarean section) is in the paper and not here: its size is unknown to us",
        "do not extrapolate creatinine at birth to term",
    ),
    equations="dA/dt = KIN - CL(PNA)/V A; CL = CLB + EMAX PNA^h/(T50^h + PNA^h) - IBU; S = A/(10 V)",
)
