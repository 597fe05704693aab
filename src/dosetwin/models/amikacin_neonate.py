"""Amikacin in newborns, physiological: blood, kidney, rest of body, and creatinine that shares the kidney's filtration.

Our own composite, from published parts. What is whose:

* Drug leaves the blood only by filtration in the kidney: CL = fu * k * GFR. GFR(GA, BW, WT, PNA) is Wu 2024; k is the
  calibration that makes typical clearance equal De Cock 2012 in birth weight, postnatal age and ibuprofen:
  k(BW, WT, GA, PNA) = CL_DeCock / (fu * GFR_Wu). It is printed with the parameters (K): 0.5 at 24 wk to 0.75 at term for
  babies of median size. It would be 1 if both papers were exact and amikacin were filtered like inulin, so the two sources
  disagree by that much. De Cock gives the typical drug clearance, Wu the time course of creatinine; what links them in one
  baby is the shared random effect GFR.
* Blood is plasma. The rest of the body has two parts: extracellular water in flow-limited exchange with plasma (``rest``),
  and a part that amikacin enters slowly (``tissue``). A purely flow-limited rest mixes within minutes and has one phase; De
  Cock's curve has two, with a slow Q of 0.415 CL. So the apparent volume of ``rest`` is De Cock's V1 less plasma and
  kidney, ``tissue`` is his V2 and the exchange his Q: from the end of an infusion to 48 h the curve is his within 2 %.
  Volumes of plasma and kidney and all flows are physiology, and hardly matter to plasma levels: the kidney extracts < 15 %.
* Creatinine follows the balance dS/dt = P/(10 TBW) - 0.06 GFR M (1 - R)/V S with maternal creatinine at birth and tubular
  back-leak R in the first days; its constants were fitted by us to published typical profiles of extremely small (van Donge 2021)
  and term babies (Boer 2010, Keles 2024 controls; enzymatic assays; 9 % rms). Every course therefore starts at
  birth, whenever treatment starts.
* One random effect on GFR moves drug and creatinine clearance together, each has its own beside it, and a within-subject
  effect moves drug clearance between occasions; the three variances on drug clearance add up to De Cock's 0.30^2.
"""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Kappa, Output, Reference, Theta, Value, combined, model
from dosetwin.structure.composition import plasma_volume, power_of_weight, water_per_kg
from dosetwin.structure.kidney import DL_PER_L, HOURS_PER_DAY, ML_PER_MIN_TO_L_PER_H, asphyxia_left, back_leak, filtration_wu

REFERENCE = Reference(
    "dosetwin authors, from De Cock et al. 2012, Wu et al. 2024, Cristea et al. 2017 and others", 2026,
    "composite; see the source of each number", "", "derived",
    note="not published, not validated at the bedside; De Cock: Clin Pharmacokinet 51:105 as in a public Tucuxi drug file; "
    "Wu: Pharm Res 41:637, doi 10.1007/s11095-024-03677-3, as in nlmixr2lib; Cristea: AAC 61(12), abstract",
)  # fmt: skip

DECOCK = "De Cock 2012 (Tucuxi file)"
WU = "Wu 2024 (nlmixr2lib)"
FIT = "our fit to published typical creatinine"
REWARMING_H = 12.0
"""h over which the effect of cooling fades once it has ended (assumed: 33.5 to 37 C at 0.25-0.5 C/h takes 7-14 h)."""
IBUPROFEN_FADES_H = 24.0
"""h over which the effect of ibuprofen fades after its end (assumed; its half-life in preterm babies: about a day, recalled)."""


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance at the median birth weight and PNA 0", "secondary", DECOCK)] = 0.0493
    BW_CL: Annotated[float, Theta("1", "exponent of birth weight on clearance", "secondary", DECOCK)] = 1.34
    PNA_CL: Annotated[float, Theta("1", "slope of postnatal age on clearance, per PNA_REF", "secondary", DECOCK)] = 0.213
    IBU_CL: Annotated[float, Theta("1", "factor on drug clearance under ibuprofen", "secondary", DECOCK)] = 0.838
    BW_REF: Annotated[float, Theta("kg", "median birth weight", "secondary", DECOCK)] = 1.750
    PNA_REF: Annotated[float, Theta("d", "median postnatal age", "secondary", DECOCK)] = 2.0
    TVV1: Annotated[float, Theta("L", "volume of fast water at the median weight", "secondary", DECOCK)] = 0.833
    WT_V1: Annotated[float, Theta("1", "exponent of current weight on volume", "secondary", DECOCK)] = 0.919
    WT_REF: Annotated[float, Theta("kg", "median current weight", "secondary", DECOCK)] = 1.760
    Q_CL: Annotated[float, Theta("1", "slow exchange as a fraction of typical clearance", "secondary", DECOCK)] = 0.415
    PATH_CL: Annotated[
        float, Theta("1", "factor on drug clearance while cooled", "paper", "Cristea 2017, AAC 61(12): -40.6 %, V unchanged")
    ] = 0.594
    REWARM_CL: Annotated[
        float, Theta("1", "rise of drug clearance after rewarming", "secondary", "Bijleveld 2016: gentamicin after 96 h")
    ] = 1.29
    ASPHYXIA_HELD: Annotated[
        float,
        Theta("d", "age to which asphyxia lowers clearance in full", "derived", "Bijleveld 2016: rewarmed babies from 96 h on"),
    ] = 4.0
    ASPHYXIA_HALF: Annotated[
        float,
        Theta("d", "half-life of what is left of it afterwards", "assumed",
              "no course of clearance found; creatinine falls from above the 90th centile at birth to above the 50th by day 4 "
              "in cooled babies (Borloo 2021, Children 8:475)"),
    ] = 3.0  # fmt: skip
    FU: Annotated[float, Theta("1", "unbound fraction in plasma", "recalled", "binding 0-11 %; no neonatal value found")] = 0.95
    BLOOD: Annotated[float, Theta("L/kg", "blood volume", "recalled", "newborns, 80-90 mL/kg")] = 0.085
    HCT: Annotated[float, Theta("1", "haematocrit", "recalled", "53 % at birth at term, 40-45 % below 1 kg: middle")] = 0.47
    FLOW: Annotated[
        float, Theta("L/h/kg", "cardiac output of plasma", "derived", "260 mL/min/kg (Radiology 1992;183:441), 1 - HCT")
    ] = 8.27
    RENAL: Annotated[
        float, Theta("1", "fraction of cardiac output to the kidneys", "assumed", "6 % on day 1 (textbook) to 16 % (Doppler)")
    ] = 0.10
    KIDNEY: Annotated[
        float, Theta("L", "kidney volume at 1 kg", "derived", "Cristea 2021 table S1: 9.1 g at 1 kg, 24.5 g at 3.4 kg")
    ] = 0.0087
    WT_KIDNEY: Annotated[float, Theta("1", "exponent of weight on kidney volume", "derived", "the same two points")] = 0.81
    WT_ONE: Annotated[float, Theta("kg", "weight at which KIDNEY holds", "derived")] = 1.0
    GFR_BIRTH: Annotated[float, Theta("mL/min", "filtration at birth at BW_WU", "secondary", WU)] = 1.26
    GFR_MAX: Annotated[float, Theta("mL/min", "mature filtration at BW_WU", "secondary", WU)] = 8.98
    WT_GFR: Annotated[float, Theta("1", "exponent of current weight on mature filtration", "secondary", WU)] = 0.738
    BW_WU: Annotated[float, Theta("kg", "reference weight of filtration", "secondary", WU)] = 1.750
    PNA50: Annotated[float, Theta("d", "postnatal age of half maturation at GA_WU", "secondary", WU)] = 34.0
    GA_PNA50: Annotated[float, Theta("1", "exponent of gestational age on PNA50", "secondary", WU)] = -3.61
    GA_WU: Annotated[float, Theta("wk", "reference gestational age of filtration", "secondary", WU)] = 34.0
    HILL: Annotated[float, Theta("1", "steepness of maturation", "secondary", WU)] = 1.03
    IBU_GFR: Annotated[
        float, Theta("mL/min", "fall of creatinine clearance under ibuprofen", "paper", "van Donge 2021, Front Pharmacol")
    ] = 0.0094
    PATH_GFR: Annotated[
        float, Theta("1", "factor on creatinine clearance while cooled", "assumed", "direction: Keles 2024; size ours")
    ] = 0.80
    REWARM_GFR: Annotated[float, Theta("1", "factor on creatinine clearance after asphyxia, not cooled", "assumed")] = 0.90
    PROD: Annotated[float, Theta("mg/kg/d", "creatinine production at GA_PROD", "derived", FIT)] = 10.0
    GA_PRODUCTION: Annotated[float, Theta("1", "exponent of gestational age on production", "derived", FIT)] = 0.14
    GA_PROD: Annotated[float, Theta("wk", "gestational age at which PROD holds", "derived", FIT)] = 30.0
    LEAK: Annotated[float, Theta("1", "tubular back-leak at birth at GA_LEAK", "derived", FIT)] = 0.16
    GA_LEAK_SLOPE: Annotated[float, Theta("1/wk", "fall of back-leak with gestational age", "derived", FIT)] = 0.20
    GA_LEAK: Annotated[float, Theta("wk", "gestational age at which LEAK and S_BIRTH hold", "derived", FIT)] = 27.0
    LEAK_TAU: Annotated[float, Theta("d", "time constant of the closing back-leak", "derived", FIT)] = 2.8
    S_BIRTH: Annotated[
        float, Theta("mg/dL", "creatinine at birth at GA_LEAK", "paper", "van Donge 2021, Front Pharmacol, table 2")
    ] = 0.462
    GA_S_BIRTH: Annotated[float, Theta("1/wk", "its rise with gestational age", "derived", "same table")] = 0.0576
    S_BIRTH_MAX: Annotated[
        float, Theta("mg/dL", "cap of creatinine at birth", "assumed", "0.607 at 32 wk; cord blood at term 0.6-0.7 (recalled)")
    ] = 0.65
    TBW: Annotated[float, Theta("L/kg", "total body water at term", "paper", "Young 2021, ADC FN 106:542")] = 0.738
    TBW_GA: Annotated[float, Theta("L/kg/wk", "more body water per week before term", "paper", "Young 2021")] = 0.0144
    GA_TERM: Annotated[float, Theta("wk", "term", "paper", "Young 2021")] = 40.0


class eta(NamedTuple):
    GFR: Annotated[
        float,
        Eta(
            "filtration: drug and creatinine",
            sd=0.22,
            told="filtration",
            provenance="assumed",
            source="share of De Cock's 0.30; Wu 0.30 at birth",
        ),
    ] = 0.0
    CL: Annotated[float, Eta("drug clearance alone", sd=0.15, provenance="assumed", source="share of De Cock's 0.30")] = 0.0
    V: Annotated[float, Eta("volume of distribution", sd=0.15, provenance="assumed", source="literature band 0-0.45")] = 0.0
    PROD: Annotated[float, Eta("creatinine production", cv=0.20, provenance="assumed")] = 0.0
    S0: Annotated[float, Eta("creatinine at birth", cv=0.25, provenance="assumed")] = 0.0
    CL_occ: Annotated[
        float, Kappa("drug clearance between occasions", sd=0.138, provenance="derived", source="rest of De Cock's variance 0.09")
    ] = 0.0


class cov(NamedTuple):
    BW: Annotated[float, Cov("kg", 0.385, 4.85, "birth weight", "8339-4", missing="refuse")]
    WT: Annotated[float, Cov("kg", 0.385, 4.85, "current weight", "29463-7", missing="carry")]
    GA: Annotated[float, Cov("wk", 23.0, 43.0, "gestational age at birth", "18185-9", missing="refuse")]
    PNA: Annotated[float, Cov("d", 0.0, 30.0, "postnatal age", age=True)]
    IBU: Annotated[float, Cov("1", 0, 1, "ibuprofen running", flag=True, fades_h=IBUPROFEN_FADES_H)]
    ASPHYXIA: Annotated[float, Cov("1", 0, 1, "perinatal asphyxia", flag=True)]
    COOLING: Annotated[float, Cov("1", 0, 1, "therapeutic hypothermia running", flag=True, fades_h=REWARMING_H)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output("mg/L", "plasma concentration", "amikacin", combined(0.517, 0.248, provenance="secondary", source=DECOCK)),
    ]
    Scr: Annotated[
        float,
        Output("mg/dL", "serum creatinine (enzymatic)", "SCR",
               combined(0.0432, 0.141, provenance="secondary", source=WU + ": variances 0.00187 and 0.0198")),
    ]  # fmt: skip


class state(NamedTuple):
    blood: Annotated[float, Amount("mg", "amikacin in plasma")]
    kidney: Annotated[float, Amount("mg", "amikacin in the kidney")]
    rest: Annotated[float, Amount("mg", "amikacin in flow-limited extracellular water")]
    tissue: Annotated[float, Amount("mg", "amikacin in slowly exchanging tissue")]
    creatinine: Annotated[float, Amount("mg/dL", "serum creatinine")]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance of the drug")]
    K: Annotated[float, Value("1", "drug cleared by filtration, share of what is filtered unbound")]
    GFR: Annotated[float, Value("mL/min", "glomerular filtration")]
    QK: Annotated[float, Value("L/h", "plasma flow through the kidney")]
    QR: Annotated[float, Value("L/h", "plasma flow through the rest of the body")]
    PS: Annotated[float, Value("L/h", "exchange with slow tissue")]
    VB: Annotated[float, Value("L", "plasma volume")]
    VK: Annotated[float, Value("L", "volume of the kidney")]
    VR: Annotated[float, Value("L", "fast extracellular volume")]
    VT: Annotated[float, Value("L", "slow tissue volume")]
    KS: Annotated[float, Value("1/h", "elimination rate of creatinine")]
    INTO: Annotated[float, Value("mg/dL/h", "production of creatinine")]
    S0: Annotated[float, Value("mg/dL", "creatinine at birth")]


def individual(theta, eta, cov):
    """Parameters of one baby: CL, flows and PS L/h; GFR mL/min; volumes L (VR, VT apparent); KS 1/h; INTO mg/dL/h."""
    PNA50 = theta.PNA50 * (cov.GA / theta.GA_WU) ** theta.GA_PNA50
    birth = theta.GFR_BIRTH * cov.BW / theta.BW_WU
    grown = power_of_weight(theta.GFR_MAX, cov.WT, theta.BW_WU, theta.WT_GFR)
    GFR_typ = filtration_wu(birth, grown, cov.PNA, PNA50, theta.HILL)
    left = cov.ASPHYXIA * asphyxia_left(cov.PNA, theta.ASPHYXIA_HELD, theta.ASPHYXIA_HALF)
    on_drug = 1.0 - left * (1.0 - theta.PATH_CL * theta.REWARM_CL)
    on_drug += cov.COOLING * (theta.PATH_CL - on_drug)
    on_creatinine = 1.0 - left * (1.0 - theta.REWARM_GFR)
    on_creatinine += cov.COOLING * (theta.PATH_GFR - on_creatinine)

    TVCL = power_of_weight(theta.TVCL, cov.BW, theta.BW_REF, theta.BW_CL) * (1.0 + theta.PNA_CL * cov.PNA / theta.PNA_REF)
    K = TVCL / (theta.FU * GFR_typ * ML_PER_MIN_TO_L_PER_H)
    GFR = GFR_typ * exp(eta.GFR)
    CL = theta.FU * K * GFR * ML_PER_MIN_TO_L_PER_H * exp(eta.CL + eta.CL_occ) * on_drug * theta.IBU_CL**cov.IBU

    VB = plasma_volume(theta.BLOOD, theta.HCT, cov.WT)
    VK = power_of_weight(theta.KIDNEY, cov.WT, theta.WT_ONE, theta.WT_KIDNEY)
    V1 = power_of_weight(theta.TVV1, cov.WT, theta.WT_REF, theta.WT_V1)
    flow = theta.FLOW * cov.WT
    PS = theta.Q_CL * TVCL * theta.IBU_CL**cov.IBU

    # Creatinine: production per litre of body water does not depend on weight; GFR M (1 - R)/V does.
    water = water_per_kg(theta.TBW, theta.TBW_GA, cov.GA, theta.GA_TERM)
    INTO = theta.PROD * (cov.GA / theta.GA_PROD) ** theta.GA_PRODUCTION * exp(eta.PROD) / (DL_PER_L * water * HOURS_PER_DAY)
    R0 = theta.LEAK * exp(-theta.GA_LEAK_SLOPE * (cov.GA - theta.GA_LEAK))
    S0 = theta.S_BIRTH * exp(theta.GA_S_BIRTH * (cov.GA - theta.GA_LEAK))
    S0 = (S0 if S0 < theta.S_BIRTH_MAX else theta.S_BIRTH_MAX) * exp(eta.S0)
    kept = 1.0 - back_leak(R0, cov.PNA, theta.LEAK_TAU)
    KS = ML_PER_MIN_TO_L_PER_H * (GFR_typ - theta.IBU_GFR * cov.IBU) * on_creatinine * exp(eta.GFR) * kept / (water * cov.WT)

    return parameters(
        CL=CL, K=K, GFR=GFR, QK=flow * theta.RENAL, QR=flow * (1.0 - theta.RENAL), PS=PS, VB=VB, VK=VK,
        VR=(V1 - VB - VK) * exp(eta.V), VT=V1 * exp(eta.V), KS=KS, INTO=INTO, S0=S0,
    )  # fmt: skip


def initial(p, cov):
    """At birth: no drug, the mother's creatinine."""
    return state(0.0, 0.0, 0.0, 0.0, p.S0)


def dynamics(t, A, p, cov):
    """Amikacin mg/h, creatinine mg/dL/h. The kidney filters CL litres of the plasma that enters it, the rest passes through."""
    C = A.blood / p.VB
    Ck = A.kidney / p.VK
    Cr = A.rest / p.VR
    slow = p.PS * (Cr - A.tissue / p.VT)
    return state(
        blood=p.QK * (Ck - C) + p.QR * (Cr - C),
        kidney=p.QK * (C - Ck) - p.CL * C,
        rest=p.QR * (C - Cr) - slow,
        tissue=slow,
        creatinine=p.INTO - p.KS * A.creatinine,
    )


def observe(A, p, cov):
    """Plasma concentration mg/L, serum creatinine mg/dL."""
    return output(Cp=A.blood / p.VB, Scr=A.creatinine)


MEDIAN = {"BW": 1.75, "WT": 1.76, "GA": 34, "PNA": 2, "IBU": 0, "ASPHYXIA": 0, "COOLING": 0}

MODEL = model(
    __name__,
    drug="amikacin",
    population="newborns, GA 23-43 wk, first 30 days",
    reference=REFERENCE,
    solver="exact",
    dose_cmt="blood",
    start="birth",
    anchors=[
        Anchor("typical clearance of the median baby", "CL", MEDIAN, 0.0493 * 1.213, 1e-9, "De Cock 2012 equation"),
        Anchor("under ibuprofen", "CL", {**MEDIAN, "IBU": 1}, 0.0493 * 1.213 * 0.838, 1e-9, "De Cock 2012 equation"),
        Anchor("cooled", "CL", {**MEDIAN, "ASPHYXIA": 1, "COOLING": 1}, 0.0493 * 1.213 * 0.594, 1e-9, "Cristea 2017"),
        Anchor("filtration at birth at 1.75 kg", "GFR", {**MEDIAN, "PNA": 0}, 1.26, 1e-9, "Wu 2024 table"),
        Anchor("filtration half mature at 34 d, 1.75 kg", "GFR", {**MEDIAN, "WT": 1.75, "PNA": 34}, 5.12, 1e-9, "Wu 2024 table"),
    ],
    notes=(
        "composite of published parts, not itself published; calibrated to De Cock 2012, so not independent of it",
        "typical clearance is 50-75 % of unbound filtration (K): its two sources, De Cock and Wu, disagree by that much",
        "variance split between filtration, drug clearance and occasions is assumed; their sum is De Cock's",
        "concentration is linear in the dose; creatinine does not depend on it",
        "creatinine of term babies is predicted 13-20 % high in the first week, of cooled ones a third on day 7; below 26 wk "
        "about 20 % low (beside published cohorts; not recalibrated)",
        "factors on creatinine clearance under and after cooling are assumed",
        "asphyxia lowers clearance in full to day 4, then its effect halves every 3 days (assumed); cooling's effect fades over "
        "12 h of rewarming, ibuprofen's over a day (assumed); a cooled baby with no asphyxia on record recovers with rewarming",
    ),
    equations="CL = fu k GFR; dAb/dt = Qk (Ck - C) + Qr (Cr - C); dAk/dt = Qk (C - Ck) - CL C; "
    "dAr/dt = Qr (C - Cr) - PS (Cr - Ct); dAt/dt = PS (Cr - Ct); dS/dt = P/(10 TBW) - 0.06 GFR M (1 - R)/V S",
)  # fmt: skip
