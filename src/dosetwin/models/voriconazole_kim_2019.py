"""Voriconazole by mouth in adults: three compartments, clearance that it inhibits itself, CYP2C19, weight (Kim et al., 2019)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Covariance, Eta, Everyday, Output, Reference, Theta, Value, additive, model

REFERENCE = Reference(
    "Kim Y et al.",
    2019,
    "J Clin Med 8:227",
    "10.3390/jcm8020227",
    "secondary",
    note="tables 2 and 3 as transcribed in nlmixr2lib; severe liver injury "
    "(clearance down to 47 %) is left out; bioavailability without variability",
)


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of WT_REF, normal metabolizer, not inhibited")] = 45.3
    WT_REF: Annotated[float, Theta("kg", "reference weight")] = 70.0
    WT_CL: Annotated[float, Theta("1", "exponent of weight on clearance")] = 0.595
    IM_CL: Annotated[float, Theta("1", "log factor of intermediate metabolizers on clearance")] = -0.186
    PM_CL: Annotated[float, Theta("1", "log factor of poor metabolizers on clearance")] = -0.746
    FLOOR: Annotated[float, Theta("1", "share of clearance that cannot be inhibited")] = 0.162
    IM_FLOOR: Annotated[float, Theta("1", "log factor of intermediate metabolizers on it")] = -0.51
    PM_FLOOR: Annotated[float, Theta("1", "log factor of poor metabolizers on it")] = -0.44
    IC50: Annotated[float, Theta("mg/L", "level at half inhibition (fixed)")] = 0.01
    KIC: Annotated[float, Theta("1/h", "rate into the inhibiting compartment")] = 0.002
    TVV1: Annotated[float, Theta("L", "central volume")] = 35.7
    TVV2: Annotated[float, Theta("L", "first peripheral volume of WT_REF")] = 58.9
    WT_V2: Annotated[float, Theta("1", "exponent of weight on it")] = 2.2
    TVQ2: Annotated[float, Theta("L/h", "first intercompartmental clearance of WT_REF")] = 10.9
    WT_Q2: Annotated[float, Theta("1", "exponent of weight on it")] = 2.56
    TVV3: Annotated[float, Theta("L", "second peripheral volume")] = 25.4
    TVQ3: Annotated[float, Theta("L/h", "second intercompartmental clearance")] = 54.6
    KA: Annotated[float, Theta("1/h", "absorption rate constant")] = 1.23
    LAG: Annotated[float, Theta("h", "time before absorption begins")] = 0.237
    F: Annotated[float, Theta("1", "share absorbed")] = 0.876


class eta(NamedTuple):
    V1: Annotated[float, Eta("central volume", cv=0.402)] = 0.0
    CL: Annotated[float, Eta("clearance", cv=0.214)] = 0.0
    V2: Annotated[float, Eta("first peripheral volume", cv=0.206)] = 0.0
    Q2: Annotated[float, Eta("first intercompartmental clearance", cv=0.288)] = 0.0
    FLOOR: Annotated[float, Eta("share that cannot be inhibited", cv=0.544)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.8, 88.5, "body weight", "29463-7", missing="refuse")]
    CYP2C19: Annotated[
        float,
        Cov("1", 0, 4, "CYP2C19: 0 poor, 1 intermediate, 2 normal, 3 rapid, 4 ultrarapid", missing="population", population=2.0),
    ]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "voriconazole", additive(0.799))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "not yet absorbed")]
    central: Annotated[float, Amount("mg", "in the central compartment")]
    slow: Annotated[float, Amount("mg", "in the first peripheral compartment")]
    fast: Annotated[float, Amount("mg", "in the second peripheral compartment")]
    inhibiting: Annotated[float, Amount("mg/L", "level that inhibits")]


class parameters(NamedTuple):
    CL0: Annotated[float, Value("L/h", "clearance, not inhibited")]
    FLOOR: Annotated[float, Value("1", "share of clearance that cannot be inhibited")]
    V1: float
    Q2: float
    V2: float
    Q3: float
    V3: float
    KA: float
    LAG_depot: float
    F_depot: float
    IC50: Annotated[float, Value("mg/L", "level at half inhibition")]
    KIC: Annotated[float, Value("1/h", "rate into the inhibiting compartment")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    size = cov.WT / theta.WT_REF
    poor = 1.0 if cov.CYP2C19 < 0.5 else 0.0
    middle = 1.0 if cov.CYP2C19 >= 0.5 and cov.CYP2C19 < 1.5 else 0.0
    return parameters(
        CL0=theta.TVCL * size**theta.WT_CL * exp(theta.IM_CL * middle + theta.PM_CL * poor + eta.CL),
        FLOOR=theta.FLOOR * exp(theta.IM_FLOOR * middle + theta.PM_FLOOR * poor + eta.FLOOR),
        V1=theta.TVV1 * exp(eta.V1),
        Q2=theta.TVQ2 * size**theta.WT_Q2 * exp(eta.Q2),
        V2=theta.TVV2 * size**theta.WT_V2 * exp(eta.V2),
        Q3=theta.TVQ3,
        V3=theta.TVV3,
        KA=theta.KA,
        LAG_depot=theta.LAG,
        F_depot=theta.F,
        IC50=theta.IC50,
        KIC=theta.KIC,
    )


def dynamics(t, A, p, cov):
    """Three compartments; clearance falls from CL0 to its floor as the inhibiting level follows that in plasma."""
    level = A.central / p.V1
    CL = p.CL0 * (p.FLOOR + (1.0 - p.FLOOR) * p.IC50 / (p.IC50 + max(A.inhibiting, 0.0)))
    slow = p.Q2 * (level - A.slow / p.V2)
    fast = p.Q3 * (level - A.fast / p.V3)
    return state(
        depot=-p.KA * A.depot,
        central=p.KA * A.depot - CL * level - slow - fast,
        slow=slow,
        fast=fast,
        inhibiting=p.KIC * (level - A.inhibiting),
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    drug="voriconazole",
    population="adults, Korea: 93 volunteers and 100 patients (1,828 levels)",
    solver="explicit",
    rtol=1e-5,
    atol=(1e-6, 1e-6, 1e-6, 1e-6, 1e-9),
    everyday=Everyday(200.0, "mg", 12.0, 0.0, "the label's dose by mouth (recalled)"),
    omega=[
        Covariance("V1", "CL", 0.0116),
        Covariance("V1", "V2", -0.0117),
        Covariance("V1", "Q2", -0.0734),
        Covariance("CL", "V2", -0.0119),
        Covariance("CL", "Q2", 0.008),
        Covariance("V2", "Q2", 0.0345),
    ],
    anchors=[
        Anchor("clearance of a normal metabolizer", "CL0", {"WT": 70, "CYP2C19": 2}, 45.3, 1e-9, "Kim 2019 table 2"),
        Anchor("of an intermediate one", "CL0", {"WT": 70, "CYP2C19": 1}, 37.6, 1e-3, "Kim 2019, discussion"),
        Anchor("of a poor one", "CL0", {"WT": 70, "CYP2C19": 0}, 21.5, 2e-3, "Kim 2019, discussion"),
        Anchor("floor of a poor one", "FLOOR", {"WT": 70, "CYP2C19": 0}, 0.104, 5e-3, "Kim 2019, results"),
    ],
    notes=(
        "the paper prints no equation of the inhibiting compartment: it follows the "
        "plasma level (KIC), which differs by 1 % of clearance from its sum within 72 h",
        "rapid and ultrarapid metabolizers count as normal, as in the paper: they may need more",
    ),
    equations="CL = CL0 (FLOOR + (1 - FLOOR) IC50 / (IC50 + Ci)); dCi/dt = KIC (C - Ci)",
)
