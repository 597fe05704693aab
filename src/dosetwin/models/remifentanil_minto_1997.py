"""Remifentanil in adults: three compartments and an effect site (Minto et al., 1997); response to a stimulus, pressure."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, model, proportional
from dosetwin.structure.anaesthesia import hill, lean_mass, response
from dosetwin.structure.effect_site import THREE_SITES

REFERENCE = Reference(
    "Minto CF et al.", 1997, "Anesthesiology 86:10-23", "10.1097/00000542-199701000-00004", "secondary",
    note="as transcribed in stanpumpR and the Python Anesthesia Simulator; spread of V3 and Q3 (66 and 41 %) left "
    "out; residual errors assumed",
)  # fmt: skip
BOUILLON = "Bouillon 2004, Anesthesiology 100:1353, laryngoscopy, as transcribed in stanpumpR"
PRESSURE = "Standing 2010, Paediatr Anaesth 20:7, of infants, as transcribed in the Python Anesthesia Simulator"


class theta(NamedTuple):
    TVV1: Annotated[float, Theta("L", "central volume at 40 years and 55 kg lean")] = 5.1
    AGE_V1: Annotated[float, Theta("L/y", "its slope on age")] = -0.0201
    LBM_V1: Annotated[float, Theta("L/kg", "its slope on lean mass")] = 0.072
    TVV2: Annotated[float, Theta("L", "first peripheral volume")] = 9.82
    AGE_V2: Annotated[float, Theta("L/y", "its slope on age")] = -0.0811
    LBM_V2: Annotated[float, Theta("L/kg", "its slope on lean mass")] = 0.108
    TVV3: Annotated[float, Theta("L", "second peripheral volume")] = 5.42
    TVCL: Annotated[float, Theta("L/min", "clearance")] = 2.6
    AGE_CL: Annotated[float, Theta("L/min/y", "its slope on age")] = -0.0162
    LBM_CL: Annotated[float, Theta("L/min/kg", "its slope on lean mass")] = 0.0191
    TVQ2: Annotated[float, Theta("L/min", "flow to the first peripheral volume")] = 2.05
    AGE_Q2: Annotated[float, Theta("L/min/y", "its slope on age")] = -0.0301
    TVQ3: Annotated[float, Theta("L/min", "flow to the second peripheral volume")] = 0.076
    AGE_Q3: Annotated[float, Theta("L/min/y", "its slope on age")] = -0.00113
    TVKE0: Annotated[float, Theta("1/min", "rate of the effect site")] = 0.595
    AGE_KE0: Annotated[float, Theta("1/min/y", "its slope on age")] = -0.007
    AGE_REF: Annotated[float, Theta("y", "reference age")] = 40.0
    LBM_REF: Annotated[float, Theta("kg", "reference lean mass")] = 55.0
    STIMULUS: Annotated[float, Theta("1", "strength of the stimulus", "secondary", BOUILLON)] = 0.83
    C50R: Annotated[float, Theta("ug/L", "half effect on the stimulus", "secondary", BOUILLON)] = 1.01
    SLOPE_R: Annotated[float, Theta("1", "slope of the effect on the stimulus", "secondary", BOUILLON)] = 0.72
    C50P: Annotated[float, Theta("mg/L", "propofol of half effect at a stimulus of 1", "secondary", BOUILLON)] = 6.68
    SLOPE_P: Annotated[float, Theta("1", "slope of propofol", "secondary", BOUILLON)] = 6.9
    KE1: Annotated[float, Theta("1/min", "site of pressure", "secondary", PRESSURE)] = 0.81
    C50M: Annotated[float, Theta("ug/L", "half effect on pressure", "secondary", PRESSURE)] = 17.1
    GAMMA_M: Annotated[float, Theta("1", "slope of the effect on pressure", "secondary", PRESSURE)] = 4.56
    UG: Annotated[float, Theta("ug/mg", "micrograms of a milligram", "derived")] = 1000.0
    KG: Annotated[float, Theta("kg", "one kilogram")] = 1.0
    CM: Annotated[float, Theta("cm", "one centimetre")] = 1.0
    HOUR: Annotated[float, Theta("min/h", "minutes of an hour", "derived")] = 60.0


class eta(NamedTuple):
    V1: Annotated[float, Eta("central volume", cv=0.26)] = 0.0
    V2: Annotated[float, Eta("first peripheral volume", cv=0.29)] = 0.0
    CL: Annotated[float, Eta("clearance", cv=0.14)] = 0.0
    Q2: Annotated[float, Eta("flow to the first peripheral volume", cv=0.36)] = 0.0
    KE0: Annotated[float, Eta("rate of the effect site", cv=0.68)] = 0.0
    C50R: Annotated[float, Eta("half effect on the stimulus", cv=0.26, provenance="secondary", source=BOUILLON)] = 0.0
    MAP0: Annotated[float, Eta("pressure before, beyond what was measured", cv=0.06, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 45.0, 120.0, "body weight", "29463-7", missing="refuse")]
    HT: Annotated[float, Cov("cm", 150.0, 200.0, "height", "8302-2", missing="refuse")]
    AGE: Annotated[float, Cov("y", 20.0, 85.0, "age", "30525-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "1 male, 0 female", missing="refuse")]
    PROPOFOL_CE: Annotated[float, Cov("mg/L", 0.0, 8.0, "propofol at the effect site", missing="population", population=3.0)]
    MAP0: Annotated[
        float, Cov("mmHg", 50.0, 150.0, "mean arterial pressure before this drug", missing="population", population=80.0)
    ]


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "concentration in whole blood", "remifentanil", proportional(0.2, provenance="assumed"))]
    Ce: Annotated[float, Output("ug/L", "concentration at the effect site", "REMI_CE", proportional(0.2, provenance="assumed"))]
    RESPONSE: Annotated[
        float,
        Output("1", "chance of a response to laryngoscopy beside propofol", "RESPONSE", additive(0.1, provenance="assumed")),
    ]
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
    STIMULUS: float
    C50R: float
    SLOPE_R: float
    C50P: float
    SLOPE_P: float
    MAP0: Annotated[float, Value("mmHg", "pressure before anything is given")]
    C50M: float
    GAMMA_M: float
    UG: float


def individual(theta, eta, cov):
    """Parameters of one patient: L, L/h, 1/h; lean mass by James, held at its top."""
    lean = lean_mass(cov.WT, cov.HT, cov.SEX, theta.KG, theta.CM) - theta.LBM_REF
    age = cov.AGE - theta.AGE_REF
    return parameters(
        CL=(theta.TVCL + theta.AGE_CL * age + theta.LBM_CL * lean) * theta.HOUR * exp(eta.CL),
        V1=(theta.TVV1 + theta.AGE_V1 * age + theta.LBM_V1 * lean) * exp(eta.V1),
        Q2=(theta.TVQ2 + theta.AGE_Q2 * age) * theta.HOUR * exp(eta.Q2),
        V2=(theta.TVV2 + theta.AGE_V2 * age + theta.LBM_V2 * lean) * exp(eta.V2),
        Q3=(theta.TVQ3 + theta.AGE_Q3 * age) * theta.HOUR,
        V3=theta.TVV3,
        KE0=(theta.TVKE0 + theta.AGE_KE0 * age) * theta.HOUR * exp(eta.KE0),
        KE1=theta.KE1 * theta.HOUR,
        KE2=theta.KE1 * theta.HOUR,
        STIMULUS=theta.STIMULUS,
        C50R=theta.C50R * exp(eta.C50R),
        SLOPE_R=theta.SLOPE_R,
        C50P=theta.C50P,
        SLOPE_P=theta.SLOPE_P,
        MAP0=cov.MAP0 * exp(eta.MAP0),
        C50M=theta.C50M,
        GAMMA_M=theta.GAMMA_M,
        UG=theta.UG,
    )


def observe(A, p, cov):
    """Blood and effect-site concentration in ug/L (ng/mL), chance of a response, mean arterial pressure."""
    Ce = p.UG * A.site
    return output(
        Cp=p.UG * A.central / p.V1,
        Ce=Ce,
        RESPONSE=response(cov.PROPOFOL_CE, Ce, p.STIMULUS, p.C50R, p.SLOPE_R, p.C50P, p.SLOPE_P),
        MAP=p.MAP0 * (1.0 - hill(p.UG * A.second, p.C50M, p.GAMMA_M)),
    )


MAN = {"WT": 70.0, "HT": 170.0, "AGE": 40.0, "SEX": 1.0, "PROPOFOL_CE": 3.0, "MAP0": 80.0}
CHECKED = "the equations, computed independently"

MODEL = model(
    __name__,
    drug="remifentanil",
    population="adults, volunteers",
    reference=REFERENCE,
    structure=THREE_SITES,
    linear_in_dose=False,
    everyday=Everyday(0.001, "mg/kg", source="1 ug/kg, a usual bolus (recalled)"),
    anchors=[
        Anchor("man of 70 kg, 170 cm, 40 y", "V1", MAN, 5.1 + 0.072 * 0.297, 1e-4, CHECKED),
        Anchor("man of 70 kg, 170 cm, 40 y", "CL", MAN, (2.6 + 0.0191 * 0.297) * 60, 1e-4, CHECKED),
        Anchor("man of 70 kg, 170 cm, 40 y", "KE0", MAN, 0.595 * 60, 1e-9, CHECKED),
    ],
    notes=(
        "lean mass by James turns down above a body-mass index of 43 (men) or 36 (women): it is held at its top there",
        "the fall of pressure was measured in infants: in adults, with propofol beside it, it begins at lower concentrations",
        "doses in mg, concentrations in ug/L (ng/mL)",
    ),
)  # fmt: skip
