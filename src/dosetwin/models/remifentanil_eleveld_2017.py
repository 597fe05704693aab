"""Remifentanil from childhood to old age, also in obesity: three compartments and an effect site (Eleveld et al., 2017)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, model, proportional
from dosetwin.structure.anaesthesia import al_sallami
from dosetwin.structure.effect_site import THREE_SITE

REFERENCE = Reference(
    "Eleveld DJ et al.", 2017, "Anesthesiology 126:1005-1018", "10.1097/ALN.0000000000001634", "secondary",
    note="thetas as in the NONMEM file transcribed in stanpumpR; variances and ke0 as transcribed in the Python Anesthesia "
    "Simulator; residual errors assumed",
)  # fmt: skip


class theta(NamedTuple):
    TVV1: Annotated[float, Theta("L", "central volume of the reference man: exp(1.759110)")] = 5.807266626
    TVV2: Annotated[float, Theta("L", "first peripheral volume: exp(2.177170)")] = 8.821306603
    TVV3: Annotated[float, Theta("L", "second peripheral volume: exp(1.614450)")] = 5.025123345
    TVCL: Annotated[float, Theta("L/min", "clearance: exp(0.946257)")] = 2.576049438
    TVQ2: Annotated[float, Theta("L/min", "flow to the first peripheral volume: exp(0.540315)")] = 1.716547489
    TVQ3: Annotated[float, Theta("L/min", "flow to the second: exp(-2.083880)")] = 0.1244464221
    WT50: Annotated[float, Theta("kg", "weight of half of the mature clearance")] = 2.878980
    AGE_V1: Annotated[float, Theta("1/y", "slope of log V1, Q2, Q3 on age")] = -0.00554481
    AGE_V2: Annotated[float, Theta("1/y", "slope of log V2, CL on age")] = -0.00326985
    AGE_V3: Annotated[float, Theta("1/y", "slope of log V3 on age")] = -0.0315135
    WOMEN: Annotated[float, Theta("1", "more CL, Q2 and V2 in women of about 12 to 45 years")] = 0.4704050
    WT_V3: Annotated[float, Theta("1/kg", "slope of log V3 on weight")] = -0.0260496
    FROM: Annotated[float, Theta("y", "age from which women differ")] = 12.0
    UNTIL: Annotated[float, Theta("y", "age until which women differ")] = 45.0
    TVKE0: Annotated[float, Theta("1/min", "rate of the effect site at 35 years")] = 1.09
    AGE_KE0: Annotated[float, Theta("1/y", "slope of its log on age")] = -0.0289
    WT_CL: Annotated[float, Theta("1", "exponent of size on clearances")] = 0.75
    WT_REF: Annotated[float, Theta("kg", "weight of the reference man")] = 70.0
    HT_REF: Annotated[float, Theta("cm", "height of the reference man")] = 170.0
    AGE_REF: Annotated[float, Theta("y", "age of the reference man")] = 35.0
    YOUNG_M: Annotated[float, Theta("y", "Al-Sallami, men")] = 13.4
    YOUNG_F: Annotated[float, Theta("y", "Al-Sallami, women")] = 7.1
    MOST_M: Annotated[float, Theta("kg/cm/cm", "fat-free mass, men")] = 42.92e-4
    HALF_M: Annotated[float, Theta("kg/cm/cm", "fat-free mass, men")] = 30.93e-4
    MOST_F: Annotated[float, Theta("kg/cm/cm", "fat-free mass, women")] = 37.99e-4
    HALF_F: Annotated[float, Theta("kg/cm/cm", "fat-free mass, women")] = 35.98e-4
    UG: Annotated[float, Theta("ug/mg", "micrograms of a milligram", "derived")] = 1000.0
    HOUR: Annotated[float, Theta("min/h", "minutes of an hour", "derived")] = 60.0


class eta(NamedTuple):
    V1: Annotated[float, Eta("central volume", var=0.104)] = 0.0
    V2: Annotated[float, Eta("first peripheral volume", var=0.115)] = 0.0
    V3: Annotated[float, Eta("second peripheral volume", var=0.810)] = 0.0
    CL: Annotated[float, Eta("clearance", var=0.0197)] = 0.0
    Q2: Annotated[float, Eta("flow to the first peripheral volume", var=0.0547)] = 0.0
    Q3: Annotated[float, Eta("flow to the second peripheral volume", var=0.285)] = 0.0
    KE0: Annotated[float, Eta("rate of the effect site", var=1.26)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 5.0, 150.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 60.0, 205.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 1.0, 85.0, "age", "30525-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "1 male, 0 female", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "arterial concentration", "remifentanil", proportional(0.2, provenance="assumed"))]
    Ce: Annotated[float, Output("ug/L", "concentration at the effect site", "REMI_CE", proportional(0.2, provenance="assumed"))]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance")]
    V1: float
    Q2: Annotated[float, Value("L/h", "flow to the first peripheral volume")]
    V2: float
    Q3: Annotated[float, Value("L/h", "flow to the second peripheral volume")]
    V3: float
    KE0: Annotated[float, Value("1/h", "rate of the effect site")]
    UG: float


def individual(theta, eta, cov):
    """Parameters of one patient: L, L/h, 1/h."""
    lean = al_sallami(
        cov.WT, cov.HT, cov.AGE, cov.SEX, theta.YOUNG_M, theta.YOUNG_F, theta.MOST_M, theta.HALF_M, theta.MOST_F, theta.HALF_F
    )
    # the reference man's fat-free mass is taken grown up (as the file does): 1 instead of 0.88 + 0.12 of it
    size = lean / (theta.MOST_M * theta.HT_REF**2 * theta.WT_REF / (theta.HALF_M * theta.HT_REF**2 + theta.WT_REF))
    mature = cov.WT**2 / (cov.WT**2 + theta.WT50**2) * (theta.WT_REF**2 + theta.WT50**2) / theta.WT_REF**2
    age = cov.AGE - theta.AGE_REF
    young = 1.0 / (1.0 + (theta.FROM / cov.AGE) ** 6)
    old = 1.0 / (1.0 + (theta.UNTIL / cov.AGE) ** 6)
    sex = 1.0 + (1.0 - cov.SEX) * young * (1.0 - old) * theta.WOMEN
    first, second = exp(theta.AGE_V1 * age), exp(theta.AGE_V2 * age)
    grown2 = size * second * sex * exp(eta.V2)
    grown3 = size * exp(theta.AGE_V3 * age) * exp(theta.WT_V3 * (cov.WT - theta.WT_REF)) * exp(eta.V3)
    return parameters(
        CL=theta.TVCL * theta.HOUR * size**theta.WT_CL * second * sex * mature * exp(eta.CL),
        V1=theta.TVV1 * size * first * exp(eta.V1),
        Q2=theta.TVQ2 * theta.HOUR * grown2**theta.WT_CL * first * sex * exp(eta.Q2),
        V2=theta.TVV2 * grown2,
        Q3=theta.TVQ3 * theta.HOUR * grown3**theta.WT_CL * first * exp(eta.Q3),
        V3=theta.TVV3 * grown3,
        KE0=theta.TVKE0 * theta.HOUR * exp(theta.AGE_KE0 * age) * exp(eta.KE0),
        UG=theta.UG,
    )


def observe(A, p, cov):
    """Arterial and effect-site concentration, ug/L (ng/mL)."""
    return output(Cp=p.UG * A.central / p.V1, Ce=p.UG * A.site)


OLDER = {"WT": 70.0, "HT": 171.0, "AGE": 50.0, "SEX": 1.0}
TEST = "stanpumpR, its own tests of its transcription"

MODEL = model(
    __name__,
    drug="remifentanil",
    population="childhood to old age, pooled",
    reference=REFERENCE,
    structure=THREE_SITE,
    everyday=Everyday(0.001, "mg/kg", source="1 ug/kg, a usual bolus (recalled)"),
    anchors=[
        Anchor("man of 70 kg, 171 cm, 50 y", "V1", OLDER, 5.371314, 1e-6, TEST),
        Anchor("man of 70 kg, 171 cm, 50 y", "V2", OLDER, 8.442319, 1e-6, TEST),
        Anchor("man of 70 kg, 171 cm, 50 y", "V3", OLDER, 3.148362, 1e-6, TEST),
        Anchor("man of 70 kg, 171 cm, 50 y", "CL", OLDER, 2.462212 * 60, 1e-6, TEST),
        Anchor("man of 70 kg, 171 cm, 50 y", "Q2", OLDER, 1.52838 * 60, 1e-6, TEST),
        Anchor("man of 70 kg, 171 cm, 50 y", "Q3", OLDER, 0.08064262 * 60, 1e-6, TEST),
    ],
    notes=(
        "ke0 is the paper's, not one made of a peak time: effect-site concentrations of other conventions are other numbers",
        "another transcription leaves out the sex effect on V2; the NONMEM file has it",
    ),
)  # fmt: skip
