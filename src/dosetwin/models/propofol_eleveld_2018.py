"""Propofol from infancy to old age: three compartments, an effect site, BIS, and arterial pressure (Eleveld et al., 2018)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, lognormal, model, proportional
from dosetwin.structure.anaesthesia import al_sallami, fallen, hill
from dosetwin.structure.effect_site import THREE_SITES

REFERENCE = Reference(
    "Eleveld DJ et al.", 2018, "Br J Anaesth 120:942-959", "10.1016/j.bja.2018.01.018", "secondary",
    note="kinetics as in the paper's NONMEM file, transcribed in stanpumpR; variances as transcribed in the Python Anesthesia "
    "Simulator; arterial samples; depth recalled; pressure is of Jeleazcov 2015 and not of this paper",
)  # fmt: skip
PRESSURE = "Jeleazcov 2015, Br J Anaesth 115:213, as transcribed in the Python Anesthesia Simulator"


class theta(NamedTuple):
    TVV1: Annotated[float, Theta("L", "central volume of 70 kg")] = 6.2830780766822
    TVV2: Annotated[float, Theta("L", "first peripheral volume of 70 kg at 35 years")] = 25.5013145036879
    TVV3: Annotated[float, Theta("L", "second peripheral volume of the reference man")] = 272.8166615043603
    TVCL_M: Annotated[float, Theta("L/min", "clearance of men of 70 kg")] = 1.7895836588902
    TVCL_F: Annotated[float, Theta("L/min", "clearance of women of 70 kg")] = 2.1002218877899
    TVQ2: Annotated[float, Theta("L/min", "flow to the first peripheral volume")] = 1.7500983738779
    TVQ3: Annotated[float, Theta("L/min", "flow to the second peripheral volume")] = 1.1085424008536
    CL50: Annotated[float, Theta("wk", "postmenstrual age of half clearance")] = 42.2760190602615
    CL_HILL: Annotated[float, Theta("1", "steepness of its maturation")] = 9.0548452392807
    AGE_V2: Annotated[float, Theta("1/y", "slope of log V2 on age")] = -0.015633
    OPIOID_CL: Annotated[float, Theta("1/y", "slope of log clearance on age beside an opioid")] = -0.00285709
    OPIOID_V3: Annotated[float, Theta("1/y", "slope of log V3 on age beside an opioid")] = -0.0138166
    WT_V1: Annotated[float, Theta("kg", "weight of half of the largest central volume")] = 33.5531248778544
    Q3_50: Annotated[float, Theta("wk", "age from conception of half Q3")] = 68.2767978846832
    Q2_YOUNG: Annotated[float, Theta("1", "more Q2 before Q3 is mature")] = 1.304268047136
    TVKE0: Annotated[float, Theta("1/min", "rate of the effect site, arterial samples")] = 0.146
    WT_KE0: Annotated[float, Theta("1", "exponent of weight on it")] = -0.25
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
    BIS0: Annotated[float, Theta("1", "BIS awake", "recalled")] = 93.0
    TVCE50: Annotated[float, Theta("mg/L", "effect-site concentration of half effect at 35 years", "recalled")] = 3.08
    AGE_CE50: Annotated[float, Theta("1/y", "slope of its log on age", "recalled")] = -0.00635
    STEEP: Annotated[float, Theta("1", "slope of the effect below half", "recalled")] = 1.89
    FLAT: Annotated[float, Theta("1", "slope of the effect above half", "recalled")] = 1.47
    KE1: Annotated[float, Theta("1/min", "first site of pressure", "secondary", PRESSURE)] = 0.054
    KE2: Annotated[float, Theta("1/min", "second site of pressure", "secondary", PRESSURE)] = 0.0695
    C50_1: Annotated[float, Theta("mg/L", "half effect at the first site", "secondary", PRESSURE)] = 1.96
    C50_2: Annotated[float, Theta("mg/L", "half effect at the second site", "secondary", PRESSURE)] = 2.20
    GAMMA_1: Annotated[float, Theta("1", "slope at the first site", "secondary", PRESSURE)] = 4.77
    GAMMA_2: Annotated[float, Theta("1", "slope at the second site", "secondary", PRESSURE)] = 8.49
    FALL: Annotated[
        float,
        Theta("mmHg", "largest fall of mean pressure", "derived", "a third of systolic 54.8 and two thirds of diastolic 18.1"),
    ] = 30.333333333333332
    YEAR: Annotated[float, Theta("wk/y", "weeks of a year")] = 52.0
    TERM: Annotated[float, Theta("wk", "weeks of a pregnancy")] = 40.0
    HOUR: Annotated[float, Theta("min/h", "minutes of an hour", "derived")] = 60.0


class eta(NamedTuple):
    V1: Annotated[float, Eta("central volume", var=0.610)] = 0.0
    V2: Annotated[float, Eta("first peripheral volume", var=0.565)] = 0.0
    V3: Annotated[float, Eta("second peripheral volume", var=0.597)] = 0.0
    CL: Annotated[float, Eta("clearance", var=0.265)] = 0.0
    Q2: Annotated[float, Eta("flow to the first peripheral volume", var=0.346)] = 0.0
    Q3: Annotated[float, Eta("flow to the second peripheral volume", var=0.209)] = 0.0
    KE0: Annotated[float, Eta("rate of the effect site", var=0.702)] = 0.0
    CE50: Annotated[float, Eta("concentration of half effect", var=0.242, provenance="recalled")] = 0.0
    C50: Annotated[
        float, Eta("concentrations of half the fall of pressure", sd=0.16, provenance="secondary", source=PRESSURE)
    ] = 0.0
    MAP0: Annotated[float, Eta("pressure before, beyond what was measured", cv=0.06, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 3.0, 160.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 50.0, 205.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 1.0, 88.0, "age", "30525-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "1 male, 0 female", missing="refuse")]
    OPIOID: Annotated[
        float,
        Cov(
            "1", 0.0, 1.0, "1 beside an opioid, 0 alone: a switch that somebody has to set", missing="population", population=1.0
        ),
    ]
    MAP0: Annotated[
        float, Cov("mmHg", 50.0, 150.0, "mean arterial pressure before anything is given", missing="population", population=95.0)
    ]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "arterial concentration", "propofol", lognormal(0.191307))]
    Ce: Annotated[
        float, Output("mg/L", "concentration at the effect site", "PROPOFOL_CE", proportional(0.2, provenance="assumed"))
    ]
    BIS: Annotated[float, Output("1", "bispectral index", "BIS", additive(8.03, provenance="recalled"))]
    MAP: Annotated[float, Output("mmHg", "mean arterial pressure", "MAP", additive(6.0, provenance="assumed"))]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance")]
    V1: float
    Q2: Annotated[float, Value("L/h", "flow to the first peripheral volume")]
    V2: float
    Q3: Annotated[float, Value("L/h", "flow to the second peripheral volume")]
    V3: float
    KE0: Annotated[float, Value("1/h", "rate of the effect site")]
    KE1: Annotated[float, Value("1/h", "first site of pressure")]
    KE2: Annotated[float, Value("1/h", "second site of pressure")]
    BIS0: float
    CE50: float
    STEEP: float
    FLAT: float
    MAP0: Annotated[float, Value("mmHg", "pressure before anything is given")]
    FALL: float
    C50_1: float
    C50_2: float
    GAMMA_1: float
    GAMMA_2: float


def individual(theta, eta, cov):
    """Parameters of one patient: L, L/h, 1/h."""
    size = cov.WT / theta.WT_REF
    weeks = cov.AGE * theta.YEAR + theta.TERM
    weeks_ref = theta.AGE_REF * theta.YEAR + theta.TERM
    mature = 1.0 / (1.0 + (theta.CL50 / weeks) ** theta.CL_HILL) * (1.0 + (theta.CL50 / weeks_ref) ** theta.CL_HILL)
    far = weeks / (weeks + theta.Q3_50)
    far_ref = weeks_ref / (weeks_ref + theta.Q3_50)
    lean = al_sallami(
        cov.WT, cov.HT, cov.AGE, cov.SEX, theta.YOUNG_M, theta.YOUNG_F, theta.MOST_M, theta.HALF_M, theta.MOST_F, theta.HALF_F
    )
    lean_ref = al_sallami(
        theta.WT_REF,
        theta.HT_REF,
        theta.AGE_REF,
        1.0,
        theta.YOUNG_M,
        theta.YOUNG_F,
        theta.MOST_M,
        theta.HALF_M,
        theta.MOST_F,
        theta.HALF_F,
    )
    V1 = theta.TVV1 * cov.WT / (cov.WT + theta.WT_V1) * (theta.WT_REF + theta.WT_V1) / theta.WT_REF * exp(eta.V1)
    grown2 = size * exp(theta.AGE_V2 * (cov.AGE - theta.AGE_REF)) * exp(eta.V2)
    grown3 = lean / lean_ref * exp(theta.OPIOID_V3 * cov.AGE * cov.OPIOID) * exp(eta.V3)
    CL = (theta.TVCL_M * cov.SEX + theta.TVCL_F * (1.0 - cov.SEX)) * theta.HOUR
    C50 = exp(eta.C50)
    return parameters(
        CL=CL * size**theta.WT_CL * mature * exp(theta.OPIOID_CL * cov.AGE * cov.OPIOID) * exp(eta.CL),
        V1=V1,
        Q2=theta.TVQ2 * theta.HOUR * grown2**theta.WT_CL * (1.0 + theta.Q2_YOUNG * (1.0 - far)) * exp(eta.Q2),
        V2=theta.TVV2 * grown2,
        Q3=theta.TVQ3 * theta.HOUR * grown3**theta.WT_CL * far / far_ref * exp(eta.Q3),
        V3=theta.TVV3 * grown3,
        KE0=theta.TVKE0 * theta.HOUR * size**theta.WT_KE0 * exp(eta.KE0),
        KE1=theta.KE1 * theta.HOUR,
        KE2=theta.KE2 * theta.HOUR,
        BIS0=theta.BIS0,
        CE50=theta.TVCE50 * exp(theta.AGE_CE50 * (cov.AGE - theta.AGE_REF)) * exp(eta.CE50),
        STEEP=theta.STEEP,
        FLAT=theta.FLAT,
        MAP0=cov.MAP0 * exp(eta.MAP0),
        FALL=theta.FALL,
        C50_1=theta.C50_1 * C50,
        C50_2=theta.C50_2 * C50,
        GAMMA_1=theta.GAMMA_1,
        GAMMA_2=theta.GAMMA_2,
    )


def observe(A, p, cov):
    """Arterial and effect-site concentration, BIS, mean arterial pressure."""
    slope = p.FLAT if A.site > p.CE50 else p.STEEP
    fall = p.FALL * fallen(A.second, A.third, p.C50_1, p.GAMMA_1, p.C50_2, p.GAMMA_2)
    return output(Cp=A.central / p.V1, Ce=A.site, BIS=p.BIS0 * (1.0 - hill(A.site, p.CE50, slope)), MAP=p.MAP0 - fall)


MAN = {"WT": 70.0, "HT": 170.0, "AGE": 40.0, "SEX": 1.0, "OPIOID": 1.0, "MAP0": 90.0}
OLDER = {"WT": 70.0, "HT": 171.0, "AGE": 50.0, "SEX": 1.0, "OPIOID": 1.0, "MAP0": 90.0}
WOMAN = {"WT": 55.0, "HT": 160.0, "AGE": 50.0, "SEX": 0.0, "OPIOID": 1.0, "MAP0": 90.0}
TEST = "stanpumpR, its own tests of its transcription"

MODEL = model(
    __name__,
    drug="propofol",
    population="a year to old age, patients and volunteers pooled",
    reference=REFERENCE,
    structure=THREE_SITES,
    linear_in_dose=False,
    everyday=Everyday(2.0, "mg/kg", source="a usual dose that induces (recalled)"),
    anchors=[
        Anchor("man of 70 kg, 50 y, beside an opioid", "V1", OLDER, 6.283078, 1e-6, TEST),
        Anchor("man of 70 kg, 50 y, beside an opioid", "V2", OLDER, 20.17078, 1e-6, TEST),
        Anchor("man of 70 kg, 50 y, beside an opioid", "V3", OLDER, 137.4287, 1e-6, TEST),
        Anchor("man of 70 kg, 50 y, beside an opioid", "CL", OLDER, 1.551355 * 60, 1e-6, TEST),
        Anchor("man of 70 kg, 50 y, beside an opioid", "Q2", OLDER, 1.516118 * 60, 1e-6, TEST),
        Anchor("man of 70 kg, 50 y, beside an opioid", "Q3", OLDER, 0.6698454 * 60, 1e-6, TEST),
        Anchor("woman of 55 kg, 50 y, beside an opioid", "V3", WOMAN, 92.30994, 1e-6, TEST),
        Anchor("woman of 55 kg, 50 y, beside an opioid", "CL", WOMAN, 1.519402 * 60, 1e-6, TEST),
        Anchor("man of 40 y without an opioid", "CL", {**MAN, "OPIOID": 0.0}, 1.790 * 60, 1e-3, "the paper's reference man"),
    ],
    notes=(
        "OPIOID has to be set: without it the model counts with an opioid and says so; clearance and the deep volume differ",
        "times in minutes in the paper, in hours here; the delay of the monitor (15 s and more) is left out",
        "fall of mean pressure: (systolic + 2 diastolic) / 3; a transcription that adds a third of their sum overstates it",
        "effect-site concentrations of models with other ke0 are other numbers: never compare them",
    ),
)  # fmt: skip
