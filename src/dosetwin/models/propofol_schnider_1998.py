"""Propofol in adults: three compartments and an effect site (Schnider et al., 1998, 1999), BIS beside remifentanil (Bouillon)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, model, proportional
from dosetwin.structure.anaesthesia import fallen, lean_mass, surface
from dosetwin.structure.effect_site import THREE_SITES

REFERENCE = Reference(
    "Schnider TW et al.", 1998, "Anesthesiology 88:1170; 1999, 90:1502", "10.1097/00000542-199805000-00006", "secondary",
    note="as transcribed in stanpumpR and the Python Anesthesia Simulator; spread as in the latter, which found none for ke0 "
    "(assumed); residual errors assumed",
)  # fmt: skip
BOUILLON = "Bouillon 2004, Anesthesiology 100:1353, as transcribed in the Python Anesthesia Simulator"
PRESSURE = "Jeleazcov 2015, Br J Anaesth 115:213, as transcribed in the Python Anesthesia Simulator"


class theta(NamedTuple):
    V1: Annotated[float, Theta("L", "central volume")] = 4.27
    TVV2: Annotated[float, Theta("L", "first peripheral volume at 53 years")] = 18.9
    AGE_V2: Annotated[float, Theta("L/y", "its slope on age")] = -0.391
    TVV3: Annotated[float, Theta("L", "second peripheral volume")] = 238.0
    TVCL: Annotated[float, Theta("L/min", "clearance of 77 kg, 59 kg lean, 177 cm")] = 1.89
    WT_CL: Annotated[float, Theta("L/min/kg", "its slope on weight")] = 0.0456
    LBM_CL: Annotated[float, Theta("L/min/kg", "its slope on lean mass")] = -0.0681
    HT_CL: Annotated[float, Theta("L/min/cm", "its slope on height")] = 0.0264
    TVQ2: Annotated[float, Theta("L/min", "flow to the first peripheral volume at 53 years")] = 1.29
    AGE_Q2: Annotated[float, Theta("L/min/y", "its slope on age")] = -0.024
    TVQ3: Annotated[float, Theta("L/min", "flow to the second peripheral volume")] = 0.836
    TVKE0: Annotated[float, Theta("1/min", "rate of the effect site")] = 0.456
    WT_REF: Annotated[float, Theta("kg", "mean weight")] = 77.0
    LBM_REF: Annotated[float, Theta("kg", "mean lean mass")] = 59.0
    HT_REF: Annotated[float, Theta("cm", "mean height")] = 177.0
    AGE_REF: Annotated[float, Theta("y", "mean age")] = 53.0
    C50P: Annotated[float, Theta("mg/L", "half effect of propofol alone", "secondary", BOUILLON)] = 4.47
    C50R: Annotated[float, Theta("ug/L", "half effect of remifentanil alone", "secondary", BOUILLON)] = 19.3
    GAMMA: Annotated[float, Theta("1", "slope of the surface", "secondary", BOUILLON)] = 1.43
    BIS0: Annotated[float, Theta("1", "BIS awake", "secondary", BOUILLON)] = 97.4
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
    CL_LEAST: Annotated[float, Theta("L/min", "clearance is never below", "assumed")] = 0.2
    Q2_LEAST: Annotated[float, Theta("L/min", "flow is never below", "assumed")] = 0.1
    KG: Annotated[float, Theta("kg", "one kilogram")] = 1.0
    CM: Annotated[float, Theta("cm", "one centimetre")] = 1.0
    HOUR: Annotated[float, Theta("min/h", "minutes of an hour", "derived")] = 60.0


class eta(NamedTuple):
    V1: Annotated[float, Eta("central volume", cv=0.0404)] = 0.0
    V3: Annotated[float, Eta("second peripheral volume", cv=0.1435)] = 0.0
    CL: Annotated[float, Eta("clearance", cv=0.1005)] = 0.0
    Q3: Annotated[float, Eta("flow to the second peripheral volume", cv=0.1179)] = 0.0
    KE0: Annotated[float, Eta("rate of the effect site", cv=0.42, provenance="assumed")] = 0.0
    C50P: Annotated[float, Eta("concentration of half effect", cv=0.182, provenance="secondary", source=BOUILLON)] = 0.0
    C50: Annotated[
        float, Eta("concentrations of half the fall of pressure", sd=0.16, provenance="secondary", source=PRESSURE)
    ] = 0.0
    MAP0: Annotated[float, Eta("pressure before, beyond what was measured", cv=0.06, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 44.0, 123.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 155.0, 196.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 88.0, "age", "30525-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "1 male, 0 female", missing="refuse")]
    REMI_CE: Annotated[float, Cov("ug/L", 0.0, 20.0, "remifentanil at the effect site", missing="population", population=0.0)]
    MAP0: Annotated[
        float, Cov("mmHg", 50.0, 150.0, "mean arterial pressure before anything is given", missing="population", population=95.0)
    ]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "propofol", proportional(0.2, provenance="assumed"))]
    Ce: Annotated[
        float, Output("mg/L", "concentration at the effect site", "PROPOFOL_CE", proportional(0.2, provenance="assumed"))
    ]
    BIS: Annotated[float, Output("1", "bispectral index", "BIS", additive(8.0, provenance="assumed"))]
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
    C50P: float
    C50R: float
    GAMMA: float
    MAP0: Annotated[float, Value("mmHg", "pressure before anything is given")]
    FALL: float
    C50_1: float
    C50_2: float
    GAMMA_1: float
    GAMMA_2: float
    LBM: float


def individual(theta, eta, cov):
    """Parameters of one patient: L, L/h, 1/h; lean mass by James, held at its top."""
    LBM = lean_mass(cov.WT, cov.HT, cov.SEX, theta.KG, theta.CM)
    CL = theta.TVCL + theta.WT_CL * (cov.WT - theta.WT_REF) + theta.LBM_CL * (LBM - theta.LBM_REF)
    CL = CL + theta.HT_CL * (cov.HT - theta.HT_REF)
    Q2 = theta.TVQ2 + theta.AGE_Q2 * (cov.AGE - theta.AGE_REF)
    C50 = exp(eta.C50)
    return parameters(
        CL=max(CL, theta.CL_LEAST) * theta.HOUR * exp(eta.CL),
        V1=theta.V1 * exp(eta.V1),
        Q2=max(Q2, theta.Q2_LEAST) * theta.HOUR,
        V2=theta.TVV2 + theta.AGE_V2 * (cov.AGE - theta.AGE_REF),
        Q3=theta.TVQ3 * theta.HOUR * exp(eta.Q3),
        V3=theta.TVV3 * exp(eta.V3),
        KE0=theta.TVKE0 * theta.HOUR * exp(eta.KE0),
        KE1=theta.KE1 * theta.HOUR,
        KE2=theta.KE2 * theta.HOUR,
        BIS0=theta.BIS0,
        C50P=theta.C50P * exp(eta.C50P),
        C50R=theta.C50R,
        GAMMA=theta.GAMMA,
        MAP0=cov.MAP0 * exp(eta.MAP0),
        FALL=theta.FALL,
        C50_1=theta.C50_1 * C50,
        C50_2=theta.C50_2 * C50,
        GAMMA_1=theta.GAMMA_1,
        GAMMA_2=theta.GAMMA_2,
        LBM=LBM,
    )


def observe(A, p, cov):
    """Plasma and effect-site concentration, BIS of both drugs, mean arterial pressure."""
    fall = p.FALL * fallen(A.second, A.third, p.C50_1, p.GAMMA_1, p.C50_2, p.GAMMA_2)
    BIS = surface(A.site, cov.REMI_CE, p.C50P, p.C50R, p.GAMMA, p.BIS0)
    return output(Cp=A.central / p.V1, Ce=A.site, BIS=BIS, MAP=p.MAP0 - fall)


MAN = {"WT": 70.0, "HT": 170.0, "AGE": 40.0, "SEX": 1.0, "REMI_CE": 0.0, "MAP0": 90.0}
CHECKED = "the equations, computed independently"

MODEL = model(
    __name__,
    drug="propofol",
    population="adults, volunteers",
    reference=REFERENCE,
    structure=THREE_SITES,
    linear_in_dose=False,
    everyday=Everyday(2.0, "mg/kg", source="a usual dose that induces (recalled)"),
    anchors=[
        Anchor("man of 70 kg, 170 cm, 40 y", "V2", MAN, 23.983, 1e-6, CHECKED),
        Anchor("man of 70 kg, 170 cm, 40 y", "CL", MAN, 1.6381 * 60, 1e-4, CHECKED),
        Anchor("lean mass of a man of 70 kg, 170 cm", "LBM", MAN, 55.297, 1e-4, "James: 1.10 W - 128 (W/H)^2"),
    ],
    notes=(
        "lean mass by James turns down above a body-mass index of 43 (men) or 36 (women): it is held at its top there, and the "
        "range of weights studied is said",
        "BIS is of a surface fitted with other kinetics; effect-site concentrations of models with other ke0 are other numbers",
    ),
)  # fmt: skip
