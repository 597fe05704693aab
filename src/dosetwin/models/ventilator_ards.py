"""A ventilated adult with ARDS: one elastic compartment, CO2 balance with dead space and stores, oxygen past a shunt (ours)."""

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
    AV: Annotated[
        float, Theta("1", "arteriovenous difference of saturation", "assumed", "saturation extracted at rest: 25 %")
    ] = 0.25
    DISS: Annotated[
        float, Theta("1/mmHg", "dissolved oxygen as saturation", "derived", "0.0031 / (1.34 x 11 g/dL of haemoglobin)"),
    ] = 0.00021  # fmt: skip
    PAO2_DISS: Annotated[float, Theta("mmHg", "arterial oxygen pressure that dissolved oxygen is counted at", "assumed")] = 75.0
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
    PaCO2: Annotated[float, Output("mmHg", "arterial CO2 pressure", "PACO2", proportional(0.05, provenance="assumed"))]
    pH: Annotated[float, Output("1", "arterial pH", "PH", additive(0.02, provenance="assumed"))]
    SaO2: Annotated[float, Output("1", "arterial oxygen saturation", "SAO2", additive(0.02, provenance="assumed"))]


class state(NamedTuple):
    CO2: Annotated[float, Amount("mmol", "CO2 in the body's stores above none at 0 mmHg")]


class parameters(NamedTuple):
    C: float
    DP: float
    VA: float
    VCO2: float
    STORE: float
    SHUNT: float
    GAS: float
    SOL: float
    PK: float
    AV: float
    DISS: float
    PAO2_DISS: float
    DRY: float
    RQ: float
    MMHG: float
    SEV_A: float
    SEV_B: float
    PBW: float
    VDVT: float


def individual(theta, eta, cov):
    """Parameters of one patient at the settings in force; VA in L/h, VCO2 in mmol/h."""
    PBW = theta.PBW_F + theta.PBW_M * cov.SEX + theta.PBW_HT * (cov.HT - theta.HT_REF)
    C = theta.C_KG * PBW * exp(eta.C)
    passed = max(cov.VT - theta.VD_KG * PBW, theta.FREE * cov.VT)
    dead = 1.0 / (1.0 + (1.0 - theta.VDA) / theta.VDA * exp(-eta.VDA))
    odds = theta.SHUNT / (1.0 - theta.SHUNT) * exp(eta.SHUNT - theta.PEEP_SHUNT * (cov.PEEP - theta.PEEP_REF))
    return parameters(
        C=C,
        DP=cov.VT / C,
        VA=cov.RR * theta.HOUR * passed * (1.0 - dead) / 1000.0,
        VCO2=theta.VCO2_KG * theta.HOUR * PBW * exp(eta.VCO2),
        STORE=theta.STORE * PBW,
        SHUNT=odds / (1.0 + odds),
        GAS=theta.GAS,
        SOL=theta.SOL,
        PK=theta.PK,
        AV=theta.AV,
        DISS=theta.DISS,
        PAO2_DISS=theta.PAO2_DISS,
        DRY=theta.PB - theta.PH2O,
        RQ=theta.RQ,
        MMHG=theta.MMHG,
        SEV_A=theta.SEV_A,
        SEV_B=theta.SEV_B,
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
    """Plateau and driving pressure; PaCO2; pH by Henderson and Hasselbalch; saturation of shunted and ventilated blood mixed."""
    PaCO2 = max(A.CO2 / p.STORE, 0.001 * p.MMHG)
    alveolar = max(cov.FIO2 * p.DRY - PaCO2 * (cov.FIO2 + (1.0 - cov.FIO2) / p.RQ), p.MMHG) / p.MMHG
    capillary = 1.0 / (p.SEV_A / (alveolar**3 + p.SEV_B * alveolar) + 1.0)
    dissolved = p.DISS * (alveolar * p.MMHG - p.PAO2_DISS)
    mixed = capillary + dissolved - p.SHUNT / (1.0 - p.SHUNT) * p.AV
    return output(
        Pplat=cov.PEEP + p.DP,
        DP=p.DP,
        PaCO2=PaCO2,
        pH=p.PK + log10(cov.HCO3 / (p.SOL * PaCO2)),
        SaO2=min(max(mixed, 0.0), 1.0),
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
        "the smallest form: compliance does not depend on volume or PEEP, airway resistance and auto-PEEP are left out",
        "one store of CO2 (time constant about 10 min); bicarbonate is what was last measured and does not follow PaCO2",
        "dissolved oxygen of arterial blood is counted at 75 mmHg; cardiac output and haemoglobin are inside the arteriovenous "
        "difference, which is assumed",
        "doses into the state are mmol of CO2; a ventilator's orders are settings",
    ),
    equations="Pplat = PEEP + VT/C; VA = RR (VT - VD)(1 - fA); dCO2/dt = VCO2 - VA GAS PaCO2, PaCO2 = CO2/STORE; "
    "pH = pK + lg(HCO3/(sol PaCO2)); S = Sc' + d (PAO2 - 75) - s/(1 - s) (Sa - Sv)",
)  # fmt: skip
