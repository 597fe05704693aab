"""A ventilated lung, whole: resistance and trapped gas, recruitment by PEEP, contents of oxygen past a shunt, power (ours)."""

from math import exp, log10
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
    additive,
    model,
    proportional,
)
from dosetwin.structure.gases import nearer

REFERENCE = Reference(
    "the dosetwin authors", 2026, "composite of textbook balances; spread of dead space: Nuckton 2002, N Engl J Med 346:1281",
    "", "derived", note="physiology and its spread from the sources named beside each number; no fit to patients",
)  # fmt: skip


class theta(NamedTuple):
    """Typical values of an adult with moderate ARDS."""

    C_KG: Annotated[
        float, Theta("mL/cmH2O/kg", "static compliance of the respiratory system per kg predicted weight", "assumed",
                     "about 33 mL/cmH2O at 66 kg, between medians reported in ARDS (25 to 40)"),
    ] = 0.50  # fmt: skip
    VD_KG: Annotated[
        float, Theta("mL/kg", "airway dead space per kg predicted weight", "recalled", "Radford 1955: about 1 mL/lb"),
    ] = 2.2  # fmt: skip
    FREE: Annotated[float, Theta("1", "least share of a breath that ventilates, however small it is", "assumed")] = 0.2
    VDA: Annotated[
        float, Theta("1", "alveolar dead space, share of what passes the airways", "derived",
                     "makes VD/VT 0.58 at 6 mL/kg: Nuckton 2002, mean of 179 patients (read in the abstract)"),
    ] = 0.337  # fmt: skip
    VCO2_KG: Annotated[
        float, Theta("mmol/min/kg", "CO2 made per kg predicted weight", "assumed", "3.0 mL/min/kg STPD over 22.41 mL/mmol"),
    ] = 0.134  # fmt: skip
    STORE: Annotated[
        float, Theta("mmol/mmHg/kg", "CO2 that a rise of 1 mmHg stores, per kg predicted weight", "derived",
                     "without breathing PaCO2 rises by about 3.5 mmHg/min (recalled): VCO2 / 3.5"),
    ] = 0.038  # fmt: skip
    GAS: Annotated[
        float, Theta("mmol/L/mmHg", "a gas at 37 Cel: 1 / (R T)", "derived", "1 / (62.364 x 310.15) mol/L/mmHg: 1 / 0.863"),
    ] = 0.0517  # fmt: skip
    SOL: Annotated[float, Theta("mmol/L/mmHg", "solubility of CO2 in plasma", "recalled", "Kelman 1967 at 37 Cel")] = 0.0307
    PK: Annotated[float, Theta("1", "pK of carbonic acid in plasma", "recalled")] = 6.1
    SHUNT: Annotated[float, Theta("1", "shunt at PEEP_REF", "assumed", "gives about 90 % at FiO2 0.5, a moderate ARDS")] = 0.30
    PEEP_SHUNT: Annotated[float, Theta("1/cmH2O", "fall of the logit of shunt per cmH2O of PEEP", "assumed")] = 0.05
    PEEP_REF: Annotated[float, Theta("cmH2O", "PEEP of SHUNT")] = 10.0
    G: Annotated[
        float, Theta("L/min/cmH2O", "flow of airways and tube per pressure", "assumed", "a resistance of 12 cmH2O s/L: 60 / 12"),
    ] = 5.0  # fmt: skip
    IE: Annotated[float, Theta("1", "inspiration over expiration, constant flow", "assumed", "1:2, as most are set")] = 0.5
    OPENS: Annotated[float, Theta("1/cmH2O", "rise of the log of compliance per cmH2O of PEEP", "assumed")] = 0.01
    Q_KG: Annotated[float, Theta("L/min/kg", "cardiac output per kg predicted weight", "assumed", "6 L/min at 66 kg")] = 0.09
    VO2_VCO2: Annotated[float, Theta("1", "oxygen used over CO2 made", "derived", "1 / 0.8")] = 1.25
    MOLAR: Annotated[float, Theta("mL/mmol", "a gas STPD", "recalled")] = 22.41
    BOUND: Annotated[float, Theta("mL/g", "oxygen of a gram of haemoglobin", "recalled", "1.34; 1.36 and 1.39 are used too")] = (
        1.34
    )
    HB: Annotated[float, Theta("g/dL", "haemoglobin", "assumed", "usual in intensive care; not asked")] = 10.5
    DISS: Annotated[float, Theta("mL/dL/mmHg", "dissolved oxygen", "recalled")] = 0.0031
    JOULE: Annotated[float, Theta("J/L/cmH2O", "work of a litre at a cmH2O", "secondary", "Gattinoni 2016: 0.098")] = 0.098
    PB: Annotated[float, Theta("mmHg", "barometric pressure")] = 760.0
    PH2O: Annotated[float, Theta("mmHg", "water vapour at 37 Cel")] = 47.0
    RQ: Annotated[float, Theta("1", "respiratory quotient", "assumed")] = 0.8
    MMHG: Annotated[float, Theta("mmHg", "the unit of Severinghaus' curve")] = 1.0
    SEV_A: Annotated[float, Theta("1", "Severinghaus 1979", "recalled")] = 23400.0
    SEV_B: Annotated[float, Theta("1", "Severinghaus 1979", "recalled")] = 150.0
    PBW_F: Annotated[
        float, Theta("kg", "predicted weight of women at HT_REF", "recalled", "ARDSNet 2000, N Engl J Med 342:1301")
    ] = 45.5
    PBW_M: Annotated[float, Theta("kg", "more in men", "recalled", "ARDSNet 2000")] = 4.5
    PBW_HT: Annotated[float, Theta("kg/cm", "per cm above HT_REF", "recalled", "ARDSNet 2000")] = 0.91
    HT_REF: Annotated[float, Theta("cm", "five feet")] = 152.4
    HOUR: Annotated[float, Theta("min/h", "minutes of an hour")] = 60.0


class eta(NamedTuple):
    C: Annotated[float, Eta("compliance", cv=0.35, provenance="assumed", source="spread of compliance in ARDS cohorts")] = 0.0
    VDA: Annotated[
        float, Eta("alveolar dead space (logit)", sd=0.63, provenance="derived", source="Nuckton 2002: SD 0.09 of VD/VT"),
    ] = 0.0  # fmt: skip
    VCO2: Annotated[float, Eta("CO2 made", cv=0.20, provenance="assumed", source="fever and sepsis: 15 to 25 %")] = 0.0
    R: Annotated[float, Eta("resistance", cv=0.30, provenance="assumed", source="spread of tube and airways")] = 0.0
    PEEP: Annotated[
        float,
        Eta(
            "fall of shunt with PEEP (log)", sd=0.7, provenance="assumed", source="recruitable and not: Gattinoni 2006 (recalled)"
        ),
    ] = 0.0
    SHUNT: Annotated[float, Eta("shunt (logit)", sd=0.5, provenance="assumed", source="0.16 to 0.50 in 95 % of patients")] = 0.0


class cov(NamedTuple):
    VT: Annotated[float, Cov("mL", 150.0, 900.0, "tidal volume", missing="refuse")]
    RR: Annotated[float, Cov("1/min", 6.0, 40.0, "respiratory rate", missing="refuse")]
    PEEP: Annotated[float, Cov("cmH2O", 0.0, 24.0, "positive end-expiratory pressure", missing="refuse")]
    FIO2: Annotated[float, Cov("1", 0.21, 1.0, "inspired oxygen fraction", missing="refuse")]
    HT: Annotated[float, Cov("cm", 140.0, 205.0, "height", "8302-2", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "1 male, 0 female", missing="refuse")]
    HCO3: Annotated[float, Cov("mmol/L", 8.0, 50.0, "arterial bicarbonate", missing="population", population=24.0)]


class output(NamedTuple):
    Pplat: Annotated[float, Output("cmH2O", "plateau pressure", "PPLAT", additive(1.0, provenance="assumed"))]
    DP: Annotated[float, Output("cmH2O", "driving pressure", "DP", additive(1.0, provenance="assumed"))]
    Ppeak: Annotated[float, Output("cmH2O", "peak pressure", "PPEAK", additive(1.5, provenance="assumed"))]
    PaCO2: Annotated[float, Output("mmHg", "arterial CO2 pressure", "PACO2", proportional(0.05, provenance="assumed"))]
    pH: Annotated[float, Output("1", "arterial pH", "PH", additive(0.02, provenance="assumed"))]
    SaO2: Annotated[float, Output("1", "arterial oxygen saturation", "SAO2", additive(0.02, provenance="assumed"))]
    PaO2: Annotated[float, Output("mmHg", "arterial oxygen pressure", "PAO2", proportional(0.08, provenance="assumed"))]
    Power: Annotated[float, Output("J/min", "mechanical power", "POWER", proportional(0.10, provenance="assumed"))]


class state(NamedTuple):
    CO2: Annotated[float, Amount("mmol", "CO2 in the body's stores above none at 0 mmHg")]


class parameters(NamedTuple):
    C: float
    R: float
    DP: float
    AUTO: float
    FLOW: float
    VA: float
    VCO2: float
    STORE: float
    SHUNT: float
    GAS: float
    SOL: float
    PK: float
    USED: float
    BOUND: float
    DISS: float
    DRY: float
    RQ: float
    MMHG: float
    SEV_A: float
    SEV_B: float
    JOULE: float
    PBW: float
    VDVT: float


def individual(theta, eta, cov):
    """Parameters of one patient at the settings in force; VA in L/h, VCO2 in mmol/h, FLOW in L/min, R cmH2O min/L."""
    PBW = theta.PBW_F + theta.PBW_M * cov.SEX + theta.PBW_HT * (cov.HT - theta.HT_REF)
    more = cov.PEEP - theta.PEEP_REF
    C = theta.C_KG * PBW * exp(eta.C + theta.OPENS * exp(eta.PEEP) * more)
    R = exp(eta.R) / theta.G
    passed = max(cov.VT - theta.VD_KG * PBW, theta.FREE * cov.VT)
    dead = 1.0 / (1.0 + (1.0 - theta.VDA) / theta.VDA * exp(-eta.VDA))
    odds = theta.SHUNT / (1.0 - theta.SHUNT) * exp(eta.SHUNT - theta.PEEP_SHUNT * exp(eta.PEEP) * more)
    cycle = 1.0 / cov.RR
    left = exp(-cycle / (1.0 + theta.IE) / (R * C / 1000.0))
    VCO2 = theta.VCO2_KG * PBW * exp(eta.VCO2)
    return parameters(
        C=C,
        R=R,
        DP=cov.VT / C,
        AUTO=cov.VT / C * left / (1.0 - left),
        FLOW=cov.VT / 1000.0 / (cycle * theta.IE / (1.0 + theta.IE)),
        VA=cov.RR * theta.HOUR * passed * (1.0 - dead) / 1000.0,
        VCO2=VCO2 * theta.HOUR,
        STORE=theta.STORE * PBW,
        SHUNT=odds / (1.0 + odds),
        GAS=theta.GAS,
        SOL=theta.SOL,
        PK=theta.PK,
        USED=VCO2 * theta.VO2_VCO2 * theta.MOLAR / (theta.Q_KG * PBW * 10.0),
        BOUND=theta.BOUND * theta.HB,
        DISS=theta.DISS,
        DRY=theta.PB - theta.PH2O,
        RQ=theta.RQ,
        MMHG=theta.MMHG,
        SEV_A=theta.SEV_A,
        SEV_B=theta.SEV_B,
        JOULE=theta.JOULE,
        PBW=PBW,
        VDVT=1.0 - passed * (1.0 - dead) / cov.VT,
    )


def initial(p, cov):
    """The steady state of the first settings: PaCO2 = VCO2 / (GAS VA)."""
    return state(CO2=p.STORE * p.VCO2 / (p.GAS * p.VA))


def dynamics(t, A, p, cov):
    """CO2 made less CO2 breathed out, mmol/h."""
    return state(CO2=p.VCO2 - p.VA * p.GAS * A.CO2 / p.STORE)


def observe(A, p, cov):
    """Pressures with what is trapped; gases: contents of shunted and ventilated blood mixed, their tension by Newton's steps."""
    PaCO2 = max(A.CO2 / p.STORE, 0.001 * p.MMHG)
    alveolar = max(cov.FIO2 * p.DRY - PaCO2 * (cov.FIO2 + (1.0 - cov.FIO2) / p.RQ), p.MMHG) / p.MMHG
    capillary = 1.0 / (p.SEV_A / (alveolar**3 + p.SEV_B * alveolar) + 1.0)
    dissolved = p.DISS * p.MMHG / p.BOUND
    share = max(capillary + dissolved * alveolar - p.SHUNT / (1.0 - p.SHUNT) * p.USED / p.BOUND, 0.05)
    lowest = min(max(share - dissolved * alveolar, 0.02), 0.999)
    a = 0.5 * p.SEV_A / (1.0 / lowest - 1.0)
    b = (125000.0 + a * a) ** 0.5
    tension = (b + a) ** (1.0 / 3.0) - (b - a) ** (1.0 / 3.0)
    tension = nearer(tension, share, dissolved, p.SEV_A, p.SEV_B)
    tension = nearer(tension, share, dissolved, p.SEV_A, p.SEV_B)
    tension = nearer(tension, share, dissolved, p.SEV_A, p.SEV_B)
    tension = nearer(tension, share, dissolved, p.SEV_A, p.SEV_B)
    tension = nearer(tension, share, dissolved, p.SEV_A, p.SEV_B)
    tension = min(nearer(tension, share, dissolved, p.SEV_A, p.SEV_B), alveolar)
    Pplat = cov.PEEP + p.AUTO + p.DP
    Ppeak = Pplat + p.R * p.FLOW
    return output(
        Pplat=Pplat,
        DP=p.DP,
        Ppeak=Ppeak,
        PaCO2=PaCO2,
        pH=p.PK + log10(cov.HCO3 / (p.SOL * PaCO2)),
        SaO2=1.0 / (p.SEV_A / (tension**3 + p.SEV_B * tension) + 1.0),
        PaO2=tension * p.MMHG,
        Power=p.JOULE * cov.RR * cov.VT / 1000.0 * (Ppeak - 0.5 * p.DP),
    )


MAN = {"VT": 420.0, "RR": 20.0, "PEEP": 10.0, "FIO2": 0.5, "HT": 175.0, "SEX": 1.0, "HCO3": 24.0}

MODEL = model(
    __name__,
    drug="ventilator",
    population="adults on controlled ventilation with ARDS",
    reference=REFERENCE,
    solver="auto",
    linear_in_dose=False,
    dose_unit="mmol",
    everyday=Everyday(50.0, "mg", source="mmol of CO2, set free by 50 mmol of bicarbonate with acid: assumed; nobody doses it"),
    anchors=[
        Anchor("predicted weight of a man of 175 cm", "PBW", MAN, 70.57, 1e-4, "ARDSNet 2000: 50 + 0.91 (cm - 152.4)"),
        Anchor("predicted weight of a woman of 160 cm", "PBW", {**MAN, "HT": 160.0, "SEX": 0.0}, 52.42, 1e-4, "ARDSNet 2000"),
        Anchor("dead space at 6 mL/kg", "VDVT", {**MAN, "VT": 423.4}, 0.58, 0.002, "Nuckton 2002: mean 0.58"),
        Anchor("compliance", "C", MAN, 35.3, 0.001, "0.5 mL/cmH2O/kg (assumed)"),
    ],
    notes=(
        "constant flow at an I:E of 1:2; flow, haemoglobin and cardiac output are not asked: 10.5 g/dL and 0.09 L/min/kg "
        "are assumed",
        "PEEP opens lung: shunt falls and compliance rises with it, by a size of each patient's own; it never "
        "overstretches: plateau and "
        "power must guard against that",
        "one store of CO2 (time constant about 10 min); bicarbonate is what was last measured and does not follow PaCO2",
        "doses into the state are mmol of CO2; a ventilator's orders are settings",
    ),
    equations="Pplat = PEEP + auto + VT/C; auto = VT/C e/(1 - e), e = exp(-TE/RC); Ppeak = Pplat + R flow; "
    "dCO2/dt = VCO2 - VA GAS PaCO2; Ca = Cc - s/(1 - s) VO2/Q; power = 0.098 RR VT (Ppeak - DP/2)",
)  # fmt: skip
