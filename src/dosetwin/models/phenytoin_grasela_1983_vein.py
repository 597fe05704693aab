"""Phenytoin by vein: one compartment, saturable elimination, binding that follows albumin."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, model, proportional

REFERENCE = Reference(
    "Grasela, Sheiner, Rambeck and others",
    1983,
    "Clin Pharmacokinet 8:355; 780 steady-state levels of 322 children and adults",
    "10.2165/00003088-198308040-00006",
    "paper",
    note="abstract read: elimination, its spread and children; volume, spread of binding and error from table 2 of Ther "
    "Drug Monit 2016, 38:728, doi 10.1097/FTD.0000000000000354 (read); binding by Sheiner and Tozer; put together here",
)  # fmt: skip
TABLE = "secondary"


class theta(NamedTuple):
    TVVMAX: Annotated[float, Theta("mg/d", "fastest elimination of WT_REF, of a man of European descent")] = 415.0
    TVKM: Annotated[float, Theta("mg/L", "level at half of it, from 15 years, at usual albumin")] = 5.7
    CHILD: Annotated[float, Theta("1", "factor on it below 15 years: 43 % less")] = 0.57
    GROWN: Annotated[float, Theta("y", "age from which it is that of adults")] = 15.0
    SIZE: Annotated[float, Theta("1", "exponent of weight on the fastest elimination")] = 0.6
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0
    TVV: Annotated[float, Theta("L", "volume of WT_REF at usual albumin", TABLE)] = 78.6
    BOUND: Annotated[float, Theta("L/g", "share of the total level per gram of albumin: 0.2 per g/dL", TABLE)] = 0.02
    UREMIC: Annotated[float, Theta("1", "factor on it on dialysis: 0.1 per g/dL", TABLE)] = 0.5
    FREE: Annotated[float, Theta("1", "free share at usual albumin", TABLE)] = 0.1


class eta(NamedTuple):
    VMAX: Annotated[float, Eta("fastest elimination, 10 to 20 %", cv=0.15)] = 0.0
    KM: Annotated[float, Eta("half-saturation", cv=0.5)] = 0.0
    V: Annotated[float, Eta("volume, between patients and as its typical value is known", cv=0.42, provenance="derived")] = 0.0
    BIND: Annotated[float, Eta("binding (of the free share there)", cv=0.258, provenance=TABLE)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 8.0, 120.0, "body weight", "29463-7", missing="refuse")]
    AGE: Annotated[float, Cov("y", 1.0, 90.0, "age", missing="population", population=35.0, age=True)]
    ALB: Annotated[float, Cov("g/L", 15.0, 55.0, "serum albumin", "1751-7", missing="population", population=44.0)]
    DIAL: Annotated[float, Cov("1", 0, 1, "on dialysis, or clearance below 20 mL/min", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "total plasma concentration", "phenytoin", proportional(0.171, provenance=TABLE))]
    Cu: Annotated[float, Output("mg/L", "free plasma concentration", "free phenytoin", proportional(0.171, provenance=TABLE))]


class state(NamedTuple):
    central: Annotated[float, Amount("mg", "in the body")]


class parameters(NamedTuple):
    VMAX: float
    KM: float
    V: float
    BIND: Annotated[float, Value("1", "total level over that at usual albumin")]
    FREE: Annotated[float, Value("1", "free share at usual albumin")]


def individual(theta, eta, cov):
    """Parameters of one patient: VMAX mg/h, KM mg/L as if albumin were usual."""
    VMAX = theta.TVVMAX / theta.DAY * (cov.WT / theta.WT_REF) ** theta.SIZE
    KM = theta.TVKM if cov.AGE >= theta.GROWN else theta.TVKM * theta.CHILD
    bound = theta.BOUND * cov.ALB * theta.UREMIC**cov.DIAL
    return parameters(
        VMAX=VMAX * exp(eta.VMAX), KM=KM * exp(eta.KM), V=theta.TVV * cov.WT / theta.WT_REF * exp(eta.V),
        BIND=(bound + theta.FREE) * exp(eta.BIND), FREE=theta.FREE,
    )  # fmt: skip


def dynamics(t, A, p, cov):
    """Eliminated by Michaelis and Menten, by the level as if albumin were usual (what is free decides)."""
    level = A.central / p.V
    return state(central=-p.VMAX * level / (p.KM + level))


def observe(A, p, cov):
    """Total and free level."""
    level = A.central / p.V
    return output(Cp=level * p.BIND, Cu=level * p.FREE)


ADULT = {"WT": 70.0, "AGE": 40.0, "ALB": 44.0, "DIAL": 0.0}

MODEL = model(
    __name__,
    reference=REFERENCE,
    drug="phenytoin",
    population="children from one year and adults with epilepsy",
    solver="explicit",
    rtol=1e-5,
    atol=1e-5,
    everyday=Everyday(200.0, "mg", 24.0, 0.5, "as by mouth"),
    anchors=[
        Anchor("fastest elimination of 70 kg", "VMAX", ADULT, 415 / 24, 1e-9, "abstract: 415 mg/d"),
        Anchor("half-saturation of a child", "KM", ADULT | {"WT": 30, "AGE": 8}, 3.249, 1e-6, "abstract: 43 % below 5.7"),
        Anchor("binding at 22 g/L", "BIND", ADULT | {"ALB": 22}, 0.54, 1e-9, "Sheiner and Tozer: 0.2 x 2.2 + 0.1"),
    ],
    notes=(
        "doses count as phenytoin sodium; the fastest elimination is apparent, of doses by mouth",
        "spread of the volume: 33.9 % between patients (table) and, as textbooks have 0.7 L/kg where the table has 1.12, half "
        "their distance on the log scale (0.24) as its typical value's: 42 % together. Free levels after loading doses speak "
        "for the table: 1.8 mg/L (1.5 to 2.1) after 20 mg/kg in 141, 1.7 after 17 mg/kg in 54 obese patients make 1.1 and 1.0 "
        "L/kg of actual weight (DasGupta 2019, Ann Pharmacother, abstract read)",
        "in patients of Japanese descent the half-saturation is 23 % lower (abstract; not read here)",
        "Sheiner and Tozer's binding is biased and imprecise in intensive care (Ann Pharmacother 2016, 50:311): a free level "
        "decides",
    ),
    equations="dA/dt = -VMAX C / (KM + C), C = A / V; total = C (0.02 ALB + 0.1), free = 0.1 C",
)  # fmt: skip
