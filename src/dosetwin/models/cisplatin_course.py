"""Cisplatin by vein: free platinum, neutrophils, the kidney's share of patients hurt, hearing, the sum of lesions (composite)."""

from math import exp, log
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, lognormal, model
from dosetwin.structure.creatinine_clearance import cockcroft_gault

REFERENCE = Reference(
    "Urien S, Lokiec F", 2004, "Br J Clin Pharmacol 57:756-763", "10.1111/j.1365-2125.2004.02082.x", "secondary",
    note="free platinum as transcribed in nlmixr2lib; with the forms of Friberg 2002 (neutrophils), Motwani 2018 (kidney) and "
    "Claret 2009 (tumour), whose numbers for cisplatin are assumed where marked: no published fit of all four together was found",
)  # fmt: skip


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance of free platinum at BSA_REF and CLCR_REF")] = 35.5
    TVV1: Annotated[float, Theta("L", "central volume at BSA_REF")] = 23.4
    TVQ: Annotated[float, Theta("L/h", "intercompartmental clearance")] = 8.64
    TVV2: Annotated[float, Theta("L", "peripheral volume")] = 12.0
    BSA_REF: Annotated[float, Theta("m2", "reference body surface")] = 1.62
    BSA_CL: Annotated[float, Theta("1", "exponent of body surface on clearance")] = 0.83
    BSA_V1: Annotated[float, Theta("1", "exponent of body surface on the central volume")] = 1.60
    CLCR_REF: Annotated[float, Theta("mL/min", "reference creatinine clearance")] = 81.0
    CLCR_CL: Annotated[float, Theta("1", "exponent of creatinine clearance")] = 0.36
    SCR_REF: Annotated[float, Theta("mg/dL", "reference creatinine", "derived")] = 1.0
    CG: Annotated[float, Theta("mL/min/y/kg", "Cockcroft and Gault's 1/72 at SCR_REF", "recalled")] = 1.0 / 72.0
    CG_AGE: Annotated[float, Theta("y", "Cockcroft and Gault's age of none", "recalled")] = 140.0
    CG_WOMEN: Annotated[float, Theta("1", "Cockcroft and Gault's factor of women", "recalled")] = 0.85
    CIRC0: Annotated[float, Theta("10*9/L", "neutrophils without cisplatin", "recalled")] = 5.05
    MTT: Annotated[float, Theta("h", "time through the marrow; chosen for a lowest count around day 18 to 23", "assumed")] = 290.0
    GAMMA: Annotated[float, Theta("1", "feedback of the count on its making", "recalled")] = 0.17
    SLOPE: Annotated[float, Theta("L/mg", "effect on the marrow; chosen for about half the count after 75 mg/m2", "assumed")] = (
        14.5
    )
    BASE: Annotated[float, Theta("mm", "sum of lesions at the start", "assumed")] = 65.0
    KL: Annotated[float, Theta("1/wk", "growth of the lesions (Claret 2009, fluorouracil arm)", "secondary")] = 0.015
    KD: Annotated[float, Theta("L/mg/h", "effect on the lesions; chosen for -30 % after three doses of 75 mg/m2", "assumed")] = (
        0.055
    )
    LAMBDA: Annotated[float, Theta("1/wk", "resistance (Claret 2009)", "secondary")] = 0.042
    WEEK: Annotated[float, Theta("h/wk", "hours of a week", "derived")] = 168.0
    RISK: Annotated[float, Theta("1", "logit of a kidney injury without any factor: 3 %", "derived")] = -3.48
    RISK_OLD: Annotated[float, Theta("1", "ln odds ratio, 61 to 70 y (1.64)", "secondary")] = log(1.64)
    RISK_OLDER: Annotated[float, Theta("1", "ln odds ratio, above 70 y (2.97)", "secondary")] = log(2.97)
    OLD: Annotated[float, Theta("y", "age above which the first of them counts", "secondary")] = 60.0
    OLDER: Annotated[float, Theta("y", "age above which the second counts instead", "secondary")] = 70.0
    LOW_ALB: Annotated[float, Theta("g/L", "albumin up to which its odds count", "secondary")] = 35.0
    RISK_PRESSURE: Annotated[float, Theta("1", "ln odds ratio, hypertension (2.10)", "secondary")] = log(2.10)
    RISK_ALBUMIN: Annotated[float, Theta("1", "ln odds ratio, albumin at most 35 g/L (2.21)", "secondary")] = log(2.21)
    RISK_DOSE: Annotated[
        float, Theta("1/mg", "ln odds ratio per mg above DOSE_REF; through 1.58 at 125 and 3.73 at 175 mg", "derived")
    ] = 0.0171
    DOSE_REF: Annotated[float, Theta("mg", "dose without added odds", "secondary")] = 100.0
    GONE: Annotated[float, Theta("1/h", "a dose counts for the kidney for about two weeks", "assumed")] = 0.006
    HEARING: Annotated[
        float, Theta("m2/mg", "dB of hearing lost per mg/m2 ever given: 3.2 per 100 (Frisina 2016)", "secondary")
    ] = 0.032


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", cv=0.149)] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.234)] = 0.0
    CIRC0: Annotated[float, Eta("neutrophils at the start", var=0.107, provenance="secondary")] = 0.0
    SLOPE: Annotated[float, Eta("effect on the marrow", var=0.176, provenance="secondary")] = 0.0
    BASE: Annotated[float, Eta("sum of lesions at the start", var=0.25, provenance="assumed")] = 0.0
    KL: Annotated[float, Eta("growth of the lesions", var=0.556, provenance="secondary")] = 0.0
    KD: Annotated[float, Eta("effect on the lesions", var=0.540, provenance="secondary")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 35.0, 160.0, "body weight", "29463-7", missing="refuse")]
    BSA: Annotated[float, Cov("m2", 1.1, 2.8, "body surface", "3140-1", missing="refuse")]
    AGE: Annotated[float, Cov("y", 18.0, 90.0, "age", "30525-0", missing="refuse")]
    SCR: Annotated[float, Cov("mg/dL", 0.3, 5.0, "serum creatinine", "2160-0", missing="refuse")]
    SEX: Annotated[float, Cov("1", 0.0, 1.0, "sex: 1 male, 0 female", missing="refuse")]
    ALB: Annotated[float, Cov("g/L", 15.0, 60.0, "albumin", "1751-7", missing="population", population=40.0)]
    HYPERTENSION: Annotated[float, Cov("1", 0.0, 1.0, "treated for high blood pressure", flag=True)]


class output(NamedTuple):
    Pt: Annotated[float, Output("mg/L", "free platinum, as cisplatin", "cisplatin", additive(0.116))]
    NEUT: Annotated[float, Output("10*9/L", "neutrophils", "NEUT", lognormal(0.286))]
    SLD: Annotated[float, Output("mm", "sum of lesions", "SLD", additive(14.9, provenance="secondary"))]
    SHRINKS: Annotated[
        float, Output("1", "sum of lesions over that at the start", "SLD_RATIO", additive(0.2, provenance="assumed"))
    ]
    AKI: Annotated[
        float, Output("1", "chance of a kidney injury within two weeks", "AKI_RISK", additive(0.1, provenance="assumed"))
    ]
    HEARING: Annotated[
        float, Output("1", "mean hearing lost at 4 to 12 kHz, dB", "HEARING", additive(10.0, provenance="assumed"))
    ]


class state(NamedTuple):
    central: Annotated[float, Amount("mg", "free in plasma")]
    peripheral: Annotated[float, Amount("mg", "free in tissue")]
    prol: Annotated[float, Amount("1", "dividing cells of the marrow over their start")]
    transit1: Annotated[float, Amount("1", "maturing, first")]
    transit2: Annotated[float, Amount("1", "maturing, second")]
    transit3: Annotated[float, Amount("1", "maturing, third")]
    circ: Annotated[float, Amount("1", "neutrophils over their start")]
    lesions: Annotated[float, Amount("1", "sum of lesions over its start")]
    resistance: Annotated[float, Amount("1", "effect on the lesions that is left")]
    burden: Annotated[float, Amount("1", "cleared in the last weeks over DOSE_REF, for the kidney's risk")]
    ever: Annotated[float, Amount("1", "ever cleared over DOSE_REF, for hearing")]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance of free platinum")]
    V1: Annotated[float, Value("L", "central volume")]
    Q: float
    V2: float
    KTR: Annotated[float, Value("1/h", "rate of maturing")]
    GAMMA: float
    SLOPE: Annotated[float, Value("L/mg", "effect on the marrow")]
    CIRC0: Annotated[float, Value("10*9/L", "neutrophils without cisplatin")]
    BASE: Annotated[float, Value("mm", "sum of lesions at the start")]
    KL: Annotated[float, Value("1/h", "growth of the lesions")]
    KD: Annotated[float, Value("L/mg/h", "effect on the lesions")]
    LAMBDA: Annotated[float, Value("1/h", "resistance")]
    GONE: Annotated[float, Value("1/h", "how fast a dose stops counting for the kidney")]
    RISK: Annotated[float, Value("1", "logit of the kidney's risk without a dose")]
    RISK_DOSE: Annotated[float, Value("1/mg", "what a mg above the reference adds to the logit")]
    DOSE_REF: float
    HEARING: Annotated[float, Value("1", "dB of hearing lost per DOSE_REF")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    CLCR = cockcroft_gault(cov.AGE, cov.WT, cov.SCR / theta.SCR_REF, cov.SEX, theta.CG_AGE, theta.CG, theta.CG_WOMEN)
    size = cov.BSA / theta.BSA_REF
    risk = theta.RISK + theta.RISK_PRESSURE * cov.HYPERTENSION
    risk = risk + (theta.RISK_OLDER if cov.AGE > theta.OLDER else (theta.RISK_OLD if cov.AGE > theta.OLD else 0.0))
    risk = risk + (theta.RISK_ALBUMIN if cov.ALB <= theta.LOW_ALB else 0.0)
    return parameters(
        CL=theta.TVCL * size**theta.BSA_CL * (CLCR / theta.CLCR_REF) ** theta.CLCR_CL * exp(eta.CL),
        V1=theta.TVV1 * size**theta.BSA_V1 * exp(eta.V1),
        Q=theta.TVQ,
        V2=theta.TVV2,
        KTR=4.0 / theta.MTT,
        GAMMA=theta.GAMMA,
        SLOPE=theta.SLOPE * exp(eta.SLOPE),
        CIRC0=theta.CIRC0 * exp(eta.CIRC0),
        BASE=theta.BASE * exp(eta.BASE),
        KL=theta.KL / theta.WEEK * exp(eta.KL),
        KD=theta.KD * exp(eta.KD),
        LAMBDA=theta.LAMBDA / theta.WEEK,
        GONE=theta.GONE,
        RISK=risk,
        RISK_DOSE=theta.RISK_DOSE,
        DOSE_REF=theta.DOSE_REF,
        HEARING=theta.HEARING * theta.DOSE_REF / cov.BSA,
    )


def initial(p, cov):
    """Marrow and lesions as they are before the first dose."""
    return state(0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)


def dynamics(t, A, p, cov):
    """Two compartments; dividing cells lost by the level and made faster when few are in blood; lesions grow and are killed.

    The last 0.001 mg (of a dose of 100) leave ever more slowly: their fast rates would else hold every step below 2 h for
    weeks after the last that matters.
    """
    left = A.central + A.peripheral
    given, still = left > 1e-9, min(1e3 * left, 1.0)
    level = A.central / p.V1
    over = still * (p.Q * level - p.Q * A.peripheral / p.V2)
    made = A.prol * (1.0 - p.SLOPE * level) * max(A.circ, 1e-6) ** -p.GAMMA
    return state(
        central=-still * p.CL * level - over,
        peripheral=over,
        prol=p.KTR * (made - A.prol),
        transit1=p.KTR * (A.prol - A.transit1),
        transit2=p.KTR * (A.transit1 - A.transit2),
        transit3=p.KTR * (A.transit2 - A.transit3),
        circ=p.KTR * (A.transit3 - A.circ),
        lesions=(p.KL - p.KD * A.resistance * level) * A.lesions,
        resistance=-p.LAMBDA * A.resistance if given or A.resistance < 1.0 else 0.0,
        burden=p.CL * level / p.DOSE_REF - p.GONE * A.burden,
        ever=still * p.CL * level / p.DOSE_REF,
    )


def observe(A, p, cov):
    """What is measured; the chance of a kidney injury counts doses above the reference."""
    more = max(A.burden - 1.0, 0.0)
    dosed = A.burden / (A.burden + 0.01)
    odds = exp(p.RISK + p.RISK_DOSE * p.DOSE_REF * more)
    return output(
        Pt=A.central / p.V1,
        NEUT=p.CIRC0 * A.circ,
        SLD=p.BASE * A.lesions,
        SHRINKS=A.lesions,
        AKI=dosed * odds / (1.0 + odds),
        HEARING=p.HEARING * A.ever,
    )


MAN = {"WT": 70, "BSA": 1.62, "AGE": 55, "SCR": 85 * 70 / 72 / 81, "SEX": 1, "ALB": 40, "HYPERTENSION": 0}

MODEL = model(
    __name__,
    drug="cisplatin",
    population="adults with solid tumours",
    reference=REFERENCE,
    solver="explicit",
    rtol=1e-4,
    everyday=Everyday(120.0, "mg", 504.0, 2.0, "75 mg/m2 every three weeks (recalled)"),
    anchors=[
        Anchor("clearance at the references", "CL", MAN, 35.5, 1e-6, "Urien 2004"),
        Anchor("central volume of 2 m2", "V1", {**MAN, "BSA": 2.0}, 23.4 * (2.0 / 1.62) ** 1.6, 1e-9, "Urien 2004"),
        Anchor("hearing lost per 100 mg by 1.62 m2", "HEARING", MAN, 3.2 / 1.62, 1e-9, "Frisina 2016: 3.2 dB per 100 mg/m2"),
        Anchor("odds of an old patient with high pressure and low albumin", "RISK",
               {**MAN, "AGE": 75, "HYPERTENSION": 1, "ALB": 30}, -3.48 + log(2.97 * 2.10 * 2.21), 1e-9, "Motwani 2018"),
    ],
    equations="Friberg's marrow, Claret's lesions, both driven by free platinum in plasma",
    notes=(
        "dose and level are mg of cisplatin; it is not certain whether the paper's are of platinum (65 % of it)",
        "a dose adds to the kidney's odds along a line through the published classes of mg; what was cleared in two weeks counts",
        "hearing: a mean of 488 men years after testis cancer (Frisina 2016, J Clin Oncol, by a summary of its abstract), no "
        "spread between patients; above 300 mg/m2 a severer loss was 1.6 times as likely, 18 % had a severe one. Laurell 1990: "
        "the single dose (100 to 120 mg/m2) matters more than the sum. Hearing before, doses not on record: not in it",
        "no filgrastim, no hydration, no other drug of the regimen",
    ),
)  # fmt: skip
