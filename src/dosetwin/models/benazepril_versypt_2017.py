"""Benazepril: its acid, converting enzyme, renin, angiotensins (Versypt et al., 2017), and a pressure that follows (ours)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, model, proportional

REFERENCE = Reference(
    "Versypt AN et al.", 2017, "Chem Eng Sci 172: their published program, normal kidneys", "", "secondary",
    note="constants of the program's parameter file; renin and angiotensins are told as shares of rest; how pressure follows "
    "angiotensin II and all spread are assumed",
)  # fmt: skip


class theta(NamedTuple):
    KA: Annotated[float, Theta("1/h", "absorption, as acid")] = 1.907
    TVKE: Annotated[float, Theta("1/h", "loss of the acid")] = 0.1333
    VF: Annotated[float, Theta("L", "volume over bioavailability")] = 70.961
    TVC50: Annotated[float, Theta("ug/L", "half inhibition of the converting enzyme")] = 2.2
    HILL: Annotated[float, Theta("1", "slope of the inhibition")] = 0.99
    MADE_I: Annotated[float, Theta("1/h", "angiotensin I from renin: kcat R0 / AI0", "derived")] = 35.914
    LOST_I: Annotated[float, Theta("1/h", "loss of angiotensin I")] = 83.18
    TURNED: Annotated[float, Theta("1/h", "conversion: Vmax / Km")] = 0.0144
    MADE_II: Annotated[float, Theta("1/h", "angiotensin II made: Vmax / Km AI0 / AII0", "derived")] = 0.32239
    LOST_II: Annotated[float, Theta("1/h", "its loss")] = 0.611
    FEEDBACK: Annotated[float, Theta("1/h", "renin made when angiotensin II is low: kfb AII0 / R0", "derived")] = 5.0061
    BENT: Annotated[float, Theta("1", "bend of that: AII0 / fb", "derived")] = 0.041562
    LOST_R: Annotated[float, Theta("1/h", "loss of renin")] = 2.7726
    TVFALL: Annotated[float, Theta("mmHg", "fall of mean pressure without any angiotensin II", "assumed")] = 25.0
    UG: Annotated[float, Theta("ug/mg", "micrograms of a milligram", "derived")] = 1000.0


class eta(NamedTuple):
    KE: Annotated[float, Eta("loss of the acid", cv=0.3, provenance="assumed")] = 0.0
    C50: Annotated[float, Eta("half inhibition", cv=0.3, provenance="assumed")] = 0.0
    FALL: Annotated[float, Eta("fall of pressure", cv=0.4, provenance="assumed")] = 0.0
    MAP0: Annotated[float, Eta("pressure before, beyond what was measured", cv=0.05, provenance="assumed")] = 0.0


class cov(NamedTuple):
    MAP0: Annotated[float, Cov("mmHg", 85.0, 150.0, "mean arterial pressure before treatment", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "benazeprilat in plasma", "benazepril", proportional(0.2, provenance="assumed"))]
    AII: Annotated[float, Output("1", "angiotensin II, share of rest", "AII", additive(0.1, provenance="assumed"))]
    MAP: Annotated[float, Output("mmHg", "mean arterial pressure", "MAP", additive(5.0, provenance="assumed"))]


class state(NamedTuple):
    gut: Annotated[float, Amount("mg", "not yet absorbed")]
    acid: Annotated[float, Amount("mg", "the acid, as what was given")]
    AI: Annotated[float, Amount("1", "angiotensin I, share of rest")]
    AII: Annotated[float, Amount("1", "angiotensin II, share of rest")]
    renin: Annotated[float, Amount("1", "renin, share of rest")]


class parameters(NamedTuple):
    KA: float
    KE: Annotated[float, Value("1/h", "loss of the acid")]
    VF: float
    C50: Annotated[float, Value("ug/L", "half inhibition")]
    HILL: float
    MADE_I: float
    LOST_I: float
    TURNED: float
    MADE_II: float
    LOST_II: float
    FEEDBACK: float
    BENT: float
    LOST_R: float
    FALL: Annotated[float, Value("mmHg", "fall of pressure without angiotensin II")]
    MAP0: Annotated[float, Value("mmHg", "pressure before treatment")]
    UG: float


def individual(theta, eta, cov):
    """Parameters of one patient."""
    return parameters(
        KA=theta.KA,
        KE=theta.TVKE * exp(eta.KE),
        VF=theta.VF,
        C50=theta.TVC50 * exp(eta.C50),
        HILL=theta.HILL,
        MADE_I=theta.MADE_I,
        LOST_I=theta.LOST_I,
        TURNED=theta.TURNED,
        MADE_II=theta.MADE_II,
        LOST_II=theta.LOST_II,
        FEEDBACK=theta.FEEDBACK,
        BENT=theta.BENT,
        LOST_R=theta.LOST_R,
        FALL=theta.TVFALL * exp(eta.FALL),
        MAP0=cov.MAP0 * exp(eta.MAP0),
        UG=theta.UG,
    )


def initial(p, cov):
    """At rest."""
    return state(gut=0.0, acid=0.0, AI=1.0, AII=1.0, renin=1.0)


def dynamics(t, A, p, cov):
    """The acid inhibits conversion; angiotensin II that is low lets renin rise."""
    level = max(p.UG * A.acid / p.VF, 0.0)
    free = p.C50**p.HILL / (p.C50**p.HILL + level**p.HILL)
    low = 1.0 - A.AII
    return state(
        gut=-p.KA * A.gut,
        acid=p.KA * A.gut - p.KE * A.acid,
        AI=p.MADE_I * (A.renin - 1.0) + p.LOST_I * (1.0 - A.AI) + p.TURNED * (1.0 - A.AI * free),
        AII=p.MADE_II * (A.AI * free - 1.0) + p.LOST_II * low,
        renin=p.FEEDBACK * low * (1.0 - p.BENT * low) + p.LOST_R * (1.0 - A.renin),
    )


def observe(A, p, cov):
    """The acid's level, angiotensin II as a share of rest, mean arterial pressure."""
    return output(Cp=p.UG * A.acid / p.VF, AII=A.AII, MAP=p.MAP0 - p.FALL * (1.0 - A.AII))


MODEL = model(
    __name__,
    drug="benazepril",
    population="adults with normal kidneys",
    reference=REFERENCE,
    solver="stiff",
    linear_in_dose=False,
    dose_cmt="gut",
    everyday=Everyday(10.0, "mg", source="the label's usual first dose (recalled)"),
    anchors=[Anchor("loss of the acid", "KE", {"MAP0": 110.0}, 0.1333, 1e-9, "the program's parameter file, normal kidneys")],
    notes=(
        "pressure follows angiotensin II at once and in proportion (25 mmHg without any: assumed); volume, salt and tolerance "
        "are not there, nor is an injury of the kidney or potassium",
    ),
    equations="AI' = kcat (R - R0) + kdeg (AI0 - AI) + Vm/Km (AI0 - AI (1 - I)); "
    "AII' = Vm/Km (AI (1 - I) - AI0) "
    "+ kcons (AII0 - AII); R' = kfb (AII0 - AII)(1 - (AII0 - AII)/fb) + kdegR (R0 - R); I = C^n / (C50^n + C^n)",
)  # fmt: skip
