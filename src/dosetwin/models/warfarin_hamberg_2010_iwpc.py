"""Warfarin: Hamberg 2010 whose steady state at an INR of 2.5 needs the IWPC's dose; amiodarone and inducers with their time."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, lognormal, model
from dosetwin.structure.kidney import sigmoid

REFERENCE = Reference(
    "Hamberg AK et al.; International Warfarin Pharmacogenetics Consortium", 2010, "Clin Pharmacol Ther 87:727-734",
    "10.1038/clpt.2010.37", "derived",
    note="kinetics, chains and spread of Hamberg 2010; EC50 follows from the IWPC's dose (2009, N Engl J Med 360:753)",
)  # fmt: skip


class theta(NamedTuple):
    CL_1: Annotated[float, Theta("L/h", "clearance per CYP2C9*1 allele at AGE_REF")] = 0.174
    CL_2: Annotated[float, Theta("L/h", "clearance per CYP2C9*2 allele")] = 0.0879
    CL_3: Annotated[float, Theta("L/h", "clearance per CYP2C9*3 allele")] = 0.0422
    AGE_CL: Annotated[float, Theta("1/y", "fractional fall of clearance per year of age")] = 0.00571
    AGE_REF: Annotated[float, Theta("y", "reference age")] = 71.0
    V: Annotated[float, Theta("L", "volume")] = 14.3
    S_SHARE: Annotated[float, Theta("1", "S-warfarin in the racemic dose")] = 0.5
    HILL: Annotated[float, Theta("1", "steepness of the effect")] = 1.15
    MTT_1: Annotated[float, Theta("h", "mean transit time of the fast chain")] = 28.6
    MTT_2: Annotated[float, Theta("h", "mean transit time of the slow chain")] = 118.3
    INR_MAX: Annotated[float, Theta("1", "greatest rise of INR")] = 20.0
    INR_BASE: Annotated[float, Theta("1", "INR without warfarin", "assumed")] = 1.0
    INR_AIM: Annotated[float, Theta("1", "INR that the IWPC's doses led to: the middle of 2 to 3")] = 2.5
    UNIT: Annotated[float, Theta("mg/h", "what the square of the IWPC's sum counts: mg a week", "derived")] = 1.0 / 168.0
    BASE: Annotated[float, Theta("1", "IWPC: constant")] = 5.6044
    AGE_0: Annotated[float, Theta("y", "the IWPC counts decades, 6 from 60 to 69: years less half a decade", "derived")] = 5.0
    AGE_D: Annotated[float, Theta("1/y", "IWPC: a tenth of the decade's")] = -0.02614
    HT_D: Annotated[float, Theta("1/cm", "IWPC: height")] = 0.0087
    WT_D: Annotated[float, Theta("1/kg", "IWPC: weight")] = 0.0128
    AG_D: Annotated[float, Theta("1", "IWPC: VKORC1 A/G")] = -0.8677
    AA_D: Annotated[float, Theta("1", "IWPC: VKORC1 A/A")] = -1.6974
    D_12: Annotated[float, Theta("1", "IWPC: CYP2C9 *1/*2")] = -0.5211
    D_13: Annotated[float, Theta("1", "IWPC: CYP2C9 *1/*3")] = -0.9357
    D_22: Annotated[float, Theta("1", "IWPC: CYP2C9 *2/*2")] = -1.0616
    D_23: Annotated[float, Theta("1", "IWPC: CYP2C9 *2/*3")] = -1.9206
    D_33: Annotated[float, Theta("1", "IWPC: CYP2C9 *3/*3")] = -2.3312
    ASIAN_D: Annotated[float, Theta("1", "IWPC: Asian")] = -0.1092
    BLACK_D: Annotated[float, Theta("1", "IWPC: Black")] = -0.2760
    AMIO_D: Annotated[float, Theta("1", "IWPC: amiodarone")] = -0.5503
    INDUCER_D: Annotated[float, Theta("1", "IWPC: carbamazepine, phenytoin or rifampicin")] = 1.1816
    LEAST: Annotated[float, Theta("1", "least sum a dose is made of", "assumed")] = 1.0
    CYP4F2: Annotated[float, Theta("1", "larger dose per CYP4F2*3 allele (CPIC 2017: 5 to 10 %)", "recalled")] = 0.05
    T_INHIBIT: Annotated[float, Theta("h", "half-time of amiodarone's inhibition (greatest in week 7)", "recalled")] = 14.0 * 24
    T_INHIBITED: Annotated[float, Theta("h", "half-time of its end (amiodarone's half-life)", "recalled")] = 50.0 * 24
    T_INDUCE: Annotated[float, Theta("h", "half-time of induction and of its end (full in two to three weeks)", "recalled")] = (
        120.0
    )


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.089, told="clearance")] = 0.0
    V: Annotated[float, Eta("volume", var=0.054)] = 0.0
    EC50: Annotated[float, Eta("EC50", var=0.34)] = 0.0


class cov(NamedTuple):
    AGE: Annotated[float, Cov("y", 18.0, 95.0, "age", "30525-0", missing="refuse")]
    HT: Annotated[float, Cov("cm", 120.0, 210.0, "height", missing="population", population=168.0)]
    WT: Annotated[float, Cov("kg", 35.0, 200.0, "weight", missing="population", population=78.0)]
    CYP2C9_2: Annotated[float, Cov("1", 0, 2, "number of CYP2C9*2 alleles", missing="population", population=0.25)]
    CYP2C9_3: Annotated[float, Cov("1", 0, 2, "number of CYP2C9*3 alleles", missing="population", population=0.14)]
    VKORC1_A: Annotated[float, Cov("1", 0, 2, "number of VKORC1 -1639 A alleles", missing="population", population=0.8)]
    CYP4F2_3: Annotated[float, Cov("1", 0, 2, "number of CYP4F2*3 alleles", missing="population", population=0.0)]
    ASIAN: Annotated[float, Cov("1", 0, 1, "Asian ancestry", flag=True, missing="population", population=0.0)]
    AFRICAN_AMERICAN: Annotated[float, Cov("1", 0, 1, "African ancestry", flag=True, missing="population", population=0.0)]
    AMIODARONE: Annotated[float, Cov("1", 0, 1, "amiodarone", flag=True, missing="population", population=0.0)]
    INDUCER: Annotated[float, Cov("1", 0, 1, "carbamazepine, phenytoin or rifampicin", flag=True, missing="population",
                                  population=0.0)]  # fmt: skip


class output(NamedTuple):
    Cs: Annotated[float, Output("mg/L", "S-warfarin plasma concentration", "S-warfarin", lognormal(0.099))]
    INR: Annotated[float, Output("1", "international normalised ratio", "INR", lognormal(0.20))]


class state(NamedTuple):
    central: Annotated[float, Amount("mg", "S-warfarin in the body")]
    fast1: Annotated[float, Amount("1", "fast chain of clotting factors, relative to untreated")]
    fast2: Annotated[float, Amount("1", "fast chain, second")]
    fast3: Annotated[float, Amount("1", "fast chain, last")]
    slow1: Annotated[float, Amount("1", "slow chain of clotting factors")]
    slow2: Annotated[float, Amount("1", "slow chain, second")]
    slow3: Annotated[float, Amount("1", "slow chain, last")]
    inhibited: Annotated[float, Amount("1", "how far amiodarone's inhibition has come, 0 to 1")]
    induced: Annotated[float, Amount("1", "how far induction has come, 0 to 1")]


class parameters(NamedTuple):
    CL0: Annotated[float, Value("L/h", "clearance of S-warfarin, neither inhibited nor induced")]
    V: Annotated[float, Value("L", "volume of distribution")]
    F_central: Annotated[float, Value("1", "share of S-warfarin in a dose")]
    EC50: Annotated[float, Value("mg/L", "level of half the effect")]
    HILL: Annotated[float, Value("1", "steepness of the effect")]
    K1: Annotated[float, Value("1/h", "turnover of the fast chain of clotting factors")]
    K2: Annotated[float, Value("1/h", "turnover of the slow chain of clotting factors")]
    INR_BASE: Annotated[float, Value("1", "INR without warfarin")]
    INR_MAX: Annotated[float, Value("1", "greatest rise of INR")]
    NEED: Annotated[float, Value("mg/h", "dose of the IWPC, without amiodarone and inducers")]
    INHIBITED: Annotated[float, Value("1", "clearance with amiodarone at its end over without")]
    INDUCED: Annotated[float, Value("1", "clearance with an inducer at its end over without")]
    K_INHIBIT: Annotated[float, Value("1/h", "rate at which inhibition comes or goes")]
    K_INDUCE: Annotated[float, Value("1/h", "rate at which induction comes or goes")]


def pair(two, three, d12, d13, d22, d23, d33):
    """What a pair of CYP2C9 alleles adds: the published value of each genotype, in between for numbers of a population."""
    c2 = 0.5 * d22 - d12
    c3 = 0.5 * d33 - d13
    return (d12 - c2) * two + c2 * two * two + (d13 - c3) * three + c3 * three * three + (d23 - d12 - d13) * two * three


def individual(theta, eta, cov):
    """Parameters of one patient; an allele that is not *2 or *3 counts as *1."""
    two = cov.CYP2C9_2
    three = min(cov.CYP2C9_3, 2.0 - two)
    alleles = theta.CL_1 * (2.0 - two - three) + theta.CL_2 * two + theta.CL_3 * three
    TVCL = alleles * (1.0 - theta.AGE_CL * (cov.AGE - theta.AGE_REF))
    A = cov.VKORC1_A
    bent = 0.5 * theta.AA_D - theta.AG_D
    root = (
        theta.BASE + theta.AGE_D * (cov.AGE - theta.AGE_0) + theta.HT_D * cov.HT + theta.WT_D * cov.WT
        + (theta.AG_D - bent) * A + bent * A * A
        + pair(two, three, theta.D_12, theta.D_13, theta.D_22, theta.D_23, theta.D_33)
        + theta.ASIAN_D * cov.ASIAN + theta.BLACK_D * cov.AFRICAN_AMERICAN
    )  # fmt: skip
    root = max(root, theta.LEAST)
    with_amiodarone = max(root + theta.AMIO_D, 0.5 * theta.LEAST)
    NEED = theta.UNIT * root * root * (1.0 + theta.CYP4F2 * cov.CYP4F2_3)
    effect = (theta.INR_AIM - theta.INR_BASE) / theta.INR_MAX
    EC50 = theta.S_SHARE * NEED / TVCL * ((1.0 - effect) / effect) ** (1.0 / theta.HILL)
    half = 0.6931471805599453
    return parameters(
        CL0=TVCL * exp(eta.CL),
        V=theta.V * exp(eta.V),
        F_central=theta.S_SHARE,
        EC50=EC50 * exp(eta.EC50),
        HILL=theta.HILL,
        K1=3.0 / theta.MTT_1,
        K2=3.0 / theta.MTT_2,
        INR_BASE=theta.INR_BASE,
        INR_MAX=theta.INR_MAX,
        NEED=NEED,
        INHIBITED=(with_amiodarone / root) ** 2,
        INDUCED=((root + theta.INDUCER_D) / root) ** 2,
        K_INHIBIT=half * (cov.AMIODARONE / theta.T_INHIBIT + (1.0 - cov.AMIODARONE) / theta.T_INHIBITED),
        K_INDUCE=half / theta.T_INDUCE,
    )


def initial(p, cov):
    """Clotting factors at their untreated level; what is taken when the record begins has been taken for long."""
    return state(0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, cov.AMIODARONE, cov.INDUCER)


def dynamics(t, A, p, cov):
    """S-warfarin mg/h, relative clotting factors 1/h; warfarin inhibits what enters both chains."""
    made = 1.0 - sigmoid(A.central / p.V, p.EC50, p.HILL)
    CL = p.CL0 * (1.0 + (p.INHIBITED - 1.0) * A.inhibited) * (1.0 + (p.INDUCED - 1.0) * A.induced)
    return state(
        central=-CL / p.V * A.central,
        fast1=p.K1 * (made - A.fast1),
        fast2=p.K1 * (A.fast1 - A.fast2),
        fast3=p.K1 * (A.fast2 - A.fast3),
        slow1=p.K2 * (made - A.slow1),
        slow2=p.K2 * (A.slow1 - A.slow2),
        slow3=p.K2 * (A.slow2 - A.slow3),
        inhibited=p.K_INHIBIT * (cov.AMIODARONE - A.inhibited),
        induced=p.K_INDUCE * (cov.INDUCER - A.induced),
    )


def observe(A, p, cov):
    """S-warfarin mg/L; INR."""
    return output(Cs=A.central / p.V, INR=p.INR_BASE + p.INR_MAX * (1.0 - 0.5 * (A.fast3 + A.slow3)))


MAN = {"AGE": 65, "HT": 175, "WT": 80, "CYP2C9_2": 0, "CYP2C9_3": 0, "VKORC1_A": 0, "CYP4F2_3": 0, "ASIAN": 0,
       "AFRICAN_AMERICAN": 0, "AMIODARONE": 0, "INDUCER": 0}  # fmt: skip
SUM = 5.6044 - 0.2614 * 6 + 0.0087 * 175 + 0.0128 * 80

MODEL = model(
    __name__,
    drug="warfarin",
    population="adults on warfarin: Sweden (1,426 with INR); doses of the IWPC (4,043 patients of three ancestries)",
    reference=REFERENCE,
    dose_cmt="central",
    solver="explicit",
    everyday=Everyday(5.0, "mg", 24.0, 0.0, "about the mean maintenance dose of adults (recalled)"),
    rtol=3e-6,
    atol=(1e-5, 1e-8, 1e-8, 1e-8, 1e-8, 1e-8, 1e-8, 1e-5, 1e-5),
    anchors=[
        Anchor("clearance of *1/*1 at 71 y", "CL0", {**MAN, "AGE": 71}, 0.348, 1e-9, "Hamberg 2010: 0.174 per allele"),
        Anchor("dose of the IWPC, wild type", "NEED", MAN, SUM**2 / 168, 1e-9, "IWPC 2009, appendix S1e, decade 6"),
        Anchor("dose of the IWPC, A/G and *1/*3", "NEED", {**MAN, "VKORC1_A": 1, "CYP2C9_3": 1},
               (SUM - 0.8677 - 0.9357) ** 2 / 168, 1e-9, "IWPC 2009, appendix S1e"),
        Anchor("dose of the IWPC, A/A and *2/*3", "NEED", {**MAN, "VKORC1_A": 2, "CYP2C9_2": 1, "CYP2C9_3": 1},
               (SUM - 1.6974 - 1.9206) ** 2 / 168, 1e-9, "IWPC 2009, appendix S1e"),
        Anchor("dose of the IWPC, *2/*2, Asian", "NEED", {**MAN, "CYP2C9_2": 2, "ASIAN": 1}, (SUM - 1.0616 - 0.1092) ** 2 / 168,
               1e-9, "IWPC 2009, appendix S1e"),
        Anchor("amiodarone", "INHIBITED", MAN, ((SUM - 0.5503) / SUM) ** 2, 1e-9, "IWPC 2009: ratio of doses"),
    ],
    notes=(
        "EC50 is that at which the IWPC's dose keeps a typical patient's INR at 2.5; Hamberg's own EC50 by VKORC1 asks for "
        "larger doses than patients take",
        "spread between patients as in Hamberg 2010, read as variances: it holds the IWPC's error (35 % of a dose) and more",
        "amiodarone and inducers change clearance by the ratio of the IWPC's doses with and without, with first-order courses "
        "(recalled half-times), other drugs by what they tell; what is taken at the first record has been taken for long",
        "height and weight where not known: about those of the IWPC's patients (recalled); ancestry not known counts as European",
        "doses are mg of racemic warfarin by mouth; absorption takes no time",
    ),
    equations="dAc/dt = -CL/V Ac; E = Cs^g/(EC50^g + Cs^g); chains of three, k = 3/MTT, fed by k (1 - E); "
    "INR = BASE + 20 (1 - (C3 + C6)/2); EC50 = S D/CL (20/1.5 - 1)^(1/g), D = (IWPC's sum)^2",
)  # fmt: skip
