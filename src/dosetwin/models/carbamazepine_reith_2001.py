"""Carbamazepine by mouth in children and young adults: a clearance that follows surface and dose (Reith et al., 2001)."""

from math import exp, log
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, model

REFERENCE = Reference(
    "Reith DM et al.",
    2001,
    "J Pharmacokinet Pharmacodyn 28:79-92",
    "10.1023/A:1011569703060",
    "paper",
    note="clearance, volume and absorption as printed in the abstract, at steady state; that it follows the dose "
    "within days is as in the other model. Spread assumed, error as in Delgado Iribarnegaray 1997 (201 children; abstract read)",
)  # fmt: skip


class theta(NamedTuple):
    CL_BSA: Annotated[float, Theta("L/h/m2", "apparent clearance per body surface")] = 2.24
    CL_DOSE: Annotated[float, Theta("L/h", "apparent clearance per DOSE_REF of daily dose")] = 0.047
    DOSE_REF: Annotated[float, Theta("mg/kg/d", "daily dose that CL_DOSE is for")] = 1.0
    V_WT: Annotated[float, Theta("L/kg", "apparent volume per kg")] = 0.37
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 0.013
    KENZ: Annotated[float, Theta("1/d", "turnover of the enzyme: half-life of four days", "recalled")] = log(2.0) / 4.0
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.20, provenance="assumed")] = 0.0
    V: Annotated[float, Eta("volume", cv=0.30, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 6.0, 100.0, "body weight", "29463-7", missing="refuse")]
    BSA: Annotated[float, Cov("m2", 0.3, 2.3, "body surface", "3140-1", missing="refuse")]
    AGE: Annotated[float, Cov("y", 0.7, 37.0, "age, for whom it was made", "30525-0", missing="population", population=8.0)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "carbamazepine", additive(1.5, provenance="secondary"))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    central: Annotated[float, Amount("mg", "in the body")]
    induced: Annotated[float, Amount("1", "daily dose over DOSE_REF that the enzyme has followed")]


class parameters(NamedTuple):
    CL0: Annotated[float, Value("L/h", "clearance without induction")]
    SLOPE: Annotated[float, Value("L/h", "clearance per DOSE_REF")]
    V: Annotated[float, Value("L", "volume")]
    KA: float
    KENZ: float
    PER_MG: Annotated[float, Value("h/mg", "mg/h absorbed over DOSE_REF")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(
        CL0=theta.CL_BSA * cov.BSA * exp(eta.CL),
        SLOPE=theta.CL_DOSE * exp(eta.CL),
        V=theta.V_WT * cov.WT * exp(eta.V),
        KA=theta.KA,
        KENZ=theta.KENZ / theta.DAY,
        PER_MG=theta.DAY / cov.WT / theta.DOSE_REF,
    )


def initial(p, cov):
    """Before the first dose."""
    return state(0.0, 0.0, 0.0)


def dynamics(t, A, p, cov):
    """Absorbed slowly; cleared the faster the more was absorbed in the last days."""
    absorbed = p.KA * A.depot
    return state(
        depot=-absorbed,
        central=absorbed - (p.CL0 + p.SLOPE * A.induced) * A.central / p.V,
        induced=p.KENZ * (p.PER_MG * absorbed - A.induced),
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__,
    reference=REFERENCE,
    drug="carbamazepine",
    population="children and young adults, 0.7 to 37 years (91 patients)",
    solver="explicit",
    rtol=1e-5,
    everyday=Everyday(100.0, "mg", 12.0, 0.0, "label, 6 to 12 years (drugs.com, read)"),
    anchors=[
        Anchor("clearance of 1 m2 without a dose", "CL0", {"WT": 28, "BSA": 1.0, "AGE": 8}, 2.24, 1e-9, "Reith 2001, abstract"),
        Anchor("clearance per mg/kg a day", "SLOPE", {"WT": 28, "BSA": 1.0, "AGE": 8}, 0.047, 1e-9, "Reith 2001, abstract"),
    ],
    equations="CL = CL0 + SLOPE x, dx/dt = KENZ (daily dose absorbed - x)",
)
