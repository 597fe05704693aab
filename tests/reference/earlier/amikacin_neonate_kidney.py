"""Amikacin in newborns, physiological, with filtration that a kidney model outside it tells day by day.

The blood, kidney and tissues of ``amikacin_neonate``, its typical values and its effects of ibuprofen, cooling and asphyxia on
drug clearance. Creatinine is no part of it. Where ``amikacin_neonate`` has one constant random effect on filtration, here
log filtration relative to the typical baby is KIDNEY + KIDNEY1 K1 + KIDNEY2 K2 + KIDNEY3 K3 with K1 to K3 standard normal: a mean
and three loadings for each day, which ``advise`` fills in from the forecast of creatinine (docs/kidney.md). One draw of K1 to K3
is one course of the kidney over all days, so days are as alike as the forecast says, and drug levels update them like any
random effect. Without those covariates the loadings are (0.22, 0, 0): the random effect of ``amikacin_neonate``.
"""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Kappa, Output, Reference, combined, model
from dosetwin.models import amikacin_neonate as flagship
from dosetwin.models.amikacin_neonate import IBUPROFEN_FADES_H, REWARMING_H
from dosetwin.structure.composition import plasma_volume, power_of_weight
from dosetwin.structure.kidney import ML_PER_MIN_TO_L_PER_H, asphyxia_left, filtration_wu

theta = flagship.theta
"""The tables are the flagship's: one number, one place. Those of creatinine are not used here."""

REFERENCE = Reference(
    "dosetwin authors, from De Cock et al. 2012, Wu et al. 2024, Cristea et al. 2017 and others", 2026,
    "composite; see the source of each number", "", "derived",
    note="not published, not validated at the bedside; parameters and sources are those of amikacin_neonate; filtration over the "
    "days comes from a forecast of creatinine, learned or fitted on synthetic newborns only",
)  # fmt: skip

LOG_LOWEST, LOG_HIGHEST = -1.6094379124341003, 1.0986122886681098
"""Filtration stays between 0.2 and 3 times that of the typical baby (assumed; the limits of the kinetic GFR)."""


class eta(NamedTuple):
    K1: Annotated[
        float, Eta("course of filtration, first component", sd=1.0, provenance="derived", source="scaled by KIDNEY1")
    ] = 0.0
    K2: Annotated[
        float, Eta("course of filtration, second component", sd=1.0, provenance="derived", source="scaled by KIDNEY2")
    ] = 0.0
    K3: Annotated[
        float, Eta("course of filtration, third component", sd=1.0, provenance="derived", source="scaled by KIDNEY3")
    ] = 0.0
    CL: Annotated[float, Eta("drug clearance alone", sd=0.15, provenance="assumed", source="share of De Cock's 0.30")] = 0.0
    V: Annotated[float, Eta("volume of distribution", sd=0.15, provenance="assumed", source="literature band 0-0.45")] = 0.0
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
    KIDNEY: Annotated[
        float, Cov("1", -1.7, 1.2, "log filtration over typical, mean of the day", missing="population", population=0.0)
    ]
    KIDNEY1: Annotated[float, Cov("1", -1.0, 1.0, "SD of it, first component", missing="population", population=0.22)]
    KIDNEY2: Annotated[float, Cov("1", -1.0, 1.0, "SD of it, second component", missing="population", population=0.0)]
    KIDNEY3: Annotated[float, Cov("1", -1.0, 1.0, "SD of it, third component", missing="population", population=0.0)]


class output(NamedTuple):
    Cp: Annotated[
        float,
        Output(
            "mg/L", "plasma concentration", "amikacin", combined(0.517, 0.248, provenance="secondary", source=flagship.DECOCK)
        ),
    ]


class state(NamedTuple):
    blood: Annotated[float, Amount("mg", "amikacin in plasma")]
    kidney: Annotated[float, Amount("mg", "amikacin in the kidney")]
    rest: Annotated[float, Amount("mg", "amikacin in flow-limited extracellular water")]
    tissue: Annotated[float, Amount("mg", "amikacin in slowly exchanging tissue")]


class parameters(NamedTuple):
    CL: float
    K: float
    GFR: float
    QK: float
    QR: float
    PS: float
    VB: float
    VK: float
    VR: float
    VT: float


def individual(theta, eta, cov):
    """Parameters of one baby on one day: CL, flows and PS L/h; GFR mL/min; volumes L (VR, VT apparent)."""
    PNA50 = theta.PNA50 * (cov.GA / theta.GA_WU) ** theta.GA_PNA50
    birth = theta.GFR_BIRTH * cov.BW / theta.BW_WU
    grown = power_of_weight(theta.GFR_MAX, cov.WT, theta.BW_WU, theta.WT_GFR)
    GFR_typ = filtration_wu(birth, grown, cov.PNA, PNA50, theta.HILL)
    offset = cov.KIDNEY + cov.KIDNEY1 * eta.K1 + cov.KIDNEY2 * eta.K2 + cov.KIDNEY3 * eta.K3
    offset = LOG_LOWEST if offset < LOG_LOWEST else LOG_HIGHEST if offset > LOG_HIGHEST else offset
    left = cov.ASPHYXIA * asphyxia_left(cov.PNA, theta.ASPHYXIA_HELD, theta.ASPHYXIA_HALF)
    on_drug = 1.0 - left * (1.0 - theta.PATH_CL * theta.REWARM_CL)
    on_drug += cov.COOLING * (theta.PATH_CL - on_drug)

    TVCL = power_of_weight(theta.TVCL, cov.BW, theta.BW_REF, theta.BW_CL) * (1.0 + theta.PNA_CL * cov.PNA / theta.PNA_REF)
    K = TVCL / (theta.FU * GFR_typ * ML_PER_MIN_TO_L_PER_H)
    GFR = GFR_typ * exp(offset)
    CL = theta.FU * K * GFR * ML_PER_MIN_TO_L_PER_H * exp(eta.CL + eta.CL_occ) * on_drug * theta.IBU_CL**cov.IBU

    VB = plasma_volume(theta.BLOOD, theta.HCT, cov.WT)
    VK = power_of_weight(theta.KIDNEY, cov.WT, theta.WT_ONE, theta.WT_KIDNEY)
    V1 = power_of_weight(theta.TVV1, cov.WT, theta.WT_REF, theta.WT_V1)
    flow = theta.FLOW * cov.WT
    return parameters(
        CL=CL, K=K, GFR=GFR, QK=flow * theta.RENAL, QR=flow * (1.0 - theta.RENAL),
        PS=theta.Q_CL * TVCL * theta.IBU_CL**cov.IBU, VB=VB, VK=VK, VR=(V1 - VB - VK) * exp(eta.V), VT=V1 * exp(eta.V),
    )  # fmt: skip


def dynamics(t, A, p, cov):
    """Amikacin mg/h. The kidney filters CL litres of the plasma that enters it, the rest passes through."""
    C = A.blood / p.VB
    Ck = A.kidney / p.VK
    Cr = A.rest / p.VR
    slow = p.PS * (Cr - A.tissue / p.VT)
    return state(
        blood=p.QK * (Ck - C) + p.QR * (Cr - C),
        kidney=p.QK * (C - Ck) - p.CL * C,
        rest=p.QR * (C - Cr) - slow,
        tissue=slow,
    )


def observe(A, p, cov):
    """Plasma concentration mg/L."""
    return output(Cp=A.blood / p.VB)


USUAL = {**flagship.MEDIAN, "KIDNEY": 0.0, "KIDNEY1": 0.22, "KIDNEY2": 0.0, "KIDNEY3": 0.0}

MODEL = model(
    __name__,
    drug="amikacin",
    population="newborns, GA 23-43 wk, first 30 days",
    reference=REFERENCE,
    solver="exact",
    dose_cmt="blood",
    anchors=[
        Anchor("typical clearance of the median baby", "CL", USUAL, 0.0493 * 1.213, 1e-9, "De Cock 2012 equation"),
        Anchor("under ibuprofen", "CL", {**USUAL, "IBU": 1}, 0.0493 * 1.213 * 0.838, 1e-9, "De Cock 2012 equation"),
        Anchor("cooled", "CL", {**USUAL, "ASPHYXIA": 1, "COOLING": 1}, 0.0493 * 1.213 * 0.594, 1e-9, "Cristea 2017"),
        Anchor("filtration at birth at 1.75 kg", "GFR", {**USUAL, "PNA": 0}, 1.26, 1e-9, "Wu 2024 table"),
        Anchor("half the filtration, half the clearance", "CL", {**USUAL, "KIDNEY": -0.6931471805599453},
               0.5 * 0.0493 * 1.213, 1e-9, "CL = fu k GFR"),
        Anchor("filtration is kept above a fifth of typical", "CL", {**USUAL, "KIDNEY": -1.7}, 0.2 * 0.0493 * 1.213, 1e-9,
               "limits of the kinetic GFR"),
    ],
    notes=(
        "composite of published parts, not itself published; calibrated to De Cock 2012, so not independent of it",
        "typical clearance is 50-75 % of unbound filtration (K): its two sources, De Cock and Wu, disagree by that much",
        "variance split between filtration, drug clearance and occasions is assumed; without creatinine their sum is De Cock's",
        "filtration relative to typical is taken to move drug clearance one for one",
        "made for advise, which fills in KIDNEY and its loadings; alone it is amikacin_neonate without creatinine",
    ),
    equations="CL = fu k GFR; GFR = typical exp(KIDNEY + KIDNEY1 K1 + KIDNEY2 K2 + KIDNEY3 K3), within 0.2 to 3 times typical; "
    "dAb/dt = Qk (Ck - C) + Qr (Cr - C); dAk/dt = Qk (C - Ck) - CL C; dAr/dt = Qr (C - Cr) - PS (Cr - Ct); dAt/dt = PS (Cr - Ct)",
)  # fmt: skip
