"""Warfarin: two compartments by CYP2C9 and age, INR by VKORC1 through six transits and one compartment (Hamberg et al., 2007)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, lognormal, model
from dosetwin.structure.kidney import sigmoid

REFERENCE = Reference(
    "Hamberg AK et al.", 2007, "Clin Pharmacol Ther 81:529-538", "10.1038/sj.clpt.6100084", "secondary",
    note="values as typed, by the paper's tables, in a public program; the form of the INR is recalled",
)  # fmt: skip


class theta(NamedTuple):
    CL: Annotated[float, Theta("L/h", "clearance of CYP2C9*1/*1 at AGE_REF")] = 0.314
    AGE_CL: Annotated[float, Theta("1/y", "fractional fall of clearance per year of age")] = 0.0091
    AGE_REF: Annotated[float, Theta("y", "reference age")] = 71.0
    F_12: Annotated[float, Theta("1", "share of clearance that *1/*2 lacks")] = 0.315
    F_13: Annotated[float, Theta("1", "share of clearance that *1/*3 lacks")] = 0.453
    F_22: Annotated[float, Theta("1", "share of clearance that *2/*2 lacks")] = 0.722
    F_23: Annotated[float, Theta("1", "share of clearance that *2/*3 lacks")] = 0.690
    F_33: Annotated[float, Theta("1", "share of clearance that *3/*3 lacks")] = 0.852
    V1: Annotated[float, Theta("L", "central volume")] = 13.8
    Q: Annotated[float, Theta("L/h", "flow between compartments")] = 0.131
    V2: Annotated[float, Theta("L", "peripheral volume")] = 6.59
    KA: Annotated[float, Theta("1/h", "absorption rate constant (fixed)")] = 2.0
    S_SHARE: Annotated[float, Theta("1", "S-warfarin in the racemic dose")] = 0.5
    EC50_GG: Annotated[float, Theta("mg/L", "EC50 of VKORC1 -1639 G/G")] = 4.61
    EC50_GA: Annotated[float, Theta("mg/L", "EC50 of VKORC1 -1639 G/A")] = 3.02
    EC50_AA: Annotated[float, Theta("mg/L", "EC50 of VKORC1 -1639 A/A")] = 2.20
    HILL: Annotated[float, Theta("1", "steepness of the effect")] = 0.424
    MTT_1: Annotated[float, Theta("h", "mean transit time of the chain of six")] = 11.6
    MTT_2: Annotated[float, Theta("h", "mean time in the single compartment")] = 120.0
    POWER: Annotated[float, Theta("1", "power of what is lost")] = 3.61
    INR_MAX: Annotated[float, Theta("1", "greatest rise of INR")] = 20.0
    INR_BASE: Annotated[float, Theta("1", "INR without warfarin", "assumed")] = 1.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", var=0.310, told="clearance")] = 0.0
    V1: Annotated[float, Eta("central volume", var=0.262)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", var=0.991)] = 0.0
    EC50: Annotated[float, Eta("EC50", var=0.409)] = 0.0
    MTT_1: Annotated[float, Eta("transit time of the chain", var=0.141)] = 0.0
    MTT_2: Annotated[float, Eta("time in the single compartment", var=1.02)] = 0.0


class cov(NamedTuple):
    AGE: Annotated[float, Cov("y", 18.0, 95.0, "age", "30525-0", missing="refuse")]
    CYP2C9_2: Annotated[float, Cov("1", 0, 2, "number of CYP2C9*2 alleles", missing="population", population=0.25)]
    CYP2C9_3: Annotated[float, Cov("1", 0, 2, "number of CYP2C9*3 alleles", missing="population", population=0.14)]
    VKORC1_A: Annotated[float, Cov("1", 0, 2, "number of VKORC1 -1639 A alleles", missing="population", population=0.8)]


class output(NamedTuple):
    Cs: Annotated[float, Output("mg/L", "S-warfarin plasma concentration", "S-warfarin", lognormal(0.301))]
    INR: Annotated[float, Output("1", "international normalised ratio", "INR", lognormal(0.1803))]


class state(NamedTuple):
    depot: Annotated[float, Amount("mg", "racemic warfarin at the site of absorption")]
    central: Annotated[float, Amount("mg", "S-warfarin in the body")]
    peripheral: Annotated[float, Amount("mg", "S-warfarin in the tissues")]
    chain1: Annotated[float, Amount("1", "clotting factors, relative to untreated")]
    chain2: Annotated[float, Amount("1", "chain, second")]
    chain3: Annotated[float, Amount("1", "chain, third")]
    chain4: Annotated[float, Amount("1", "chain, fourth")]
    chain5: Annotated[float, Amount("1", "chain, fifth")]
    chain6: Annotated[float, Amount("1", "chain, last")]
    slow: Annotated[float, Amount("1", "slow clotting factors")]


class parameters(NamedTuple):
    CL: Annotated[float, Value("L/h", "clearance of S-warfarin")]
    V1: Annotated[float, Value("L", "central volume")]
    Q: Annotated[float, Value("L/h", "flow between compartments")]
    V2: Annotated[float, Value("L", "peripheral volume")]
    KA: Annotated[float, Value("1/h", "absorption rate")]
    F_depot: Annotated[float, Value("1", "share of S-warfarin in a dose")]
    EC50: Annotated[float, Value("mg/L", "level of half the effect")]
    HILL: Annotated[float, Value("1", "steepness of the effect")]
    K1: Annotated[float, Value("1/h", "turnover of the chain of clotting factors")]
    K2: Annotated[float, Value("1/h", "turnover of the slow clotting factors")]
    POWER: Annotated[float, Value("1", "power of what is lost")]
    INR_BASE: Annotated[float, Value("1", "INR without warfarin")]
    INR_MAX: Annotated[float, Value("1", "greatest rise of INR")]


def lacking(two, three, f12, f13, f22, f23, f33):
    """Share of clearance that a pair of CYP2C9 alleles lacks: published for each genotype, in between for a population."""
    c2 = 0.5 * f22 - f12
    c3 = 0.5 * f33 - f13
    return (f12 - c2) * two + c2 * two * two + (f13 - c3) * three + c3 * three * three + (f23 - f12 - f13) * two * three


def individual(theta, eta, cov):
    """Parameters of one patient; an allele that is not *2 or *3 counts as *1."""
    lost = lacking(
        cov.CYP2C9_2, min(cov.CYP2C9_3, 2.0 - cov.CYP2C9_2), theta.F_12, theta.F_13, theta.F_22, theta.F_23, theta.F_33
    )
    A = cov.VKORC1_A
    bent = 0.5 * (theta.EC50_AA + theta.EC50_GG) - theta.EC50_GA
    EC50 = theta.EC50_GG + (theta.EC50_GA - theta.EC50_GG - bent) * A + bent * A * A
    return parameters(
        CL=theta.CL * (1.0 - theta.AGE_CL * (cov.AGE - theta.AGE_REF)) * (1.0 - lost) * exp(eta.CL),
        V1=theta.V1 * exp(eta.V1),
        Q=theta.Q,
        V2=theta.V2 * exp(eta.V2),
        KA=theta.KA,
        F_depot=theta.S_SHARE,
        EC50=EC50 * exp(eta.EC50),
        HILL=theta.HILL,
        K1=6.0 / (theta.MTT_1 * exp(eta.MTT_1)),
        K2=1.0 / (theta.MTT_2 * exp(eta.MTT_2)),
        POWER=theta.POWER,
        INR_BASE=theta.INR_BASE,
        INR_MAX=theta.INR_MAX,
    )


def initial(p, cov):
    """Clotting factors at their untreated level."""
    return state(0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


def dynamics(t, A, p, cov):
    """S-warfarin mg/h, relative clotting factors 1/h; warfarin inhibits what enters the chain and the single compartment."""
    absorbed = p.KA * A.depot
    made = 1.0 - sigmoid(max(A.central, 0.0) / p.V1, p.EC50, p.HILL)
    return state(
        depot=-absorbed,
        central=absorbed - (p.CL + p.Q) / p.V1 * A.central + p.Q / p.V2 * A.peripheral,
        peripheral=p.Q / p.V1 * A.central - p.Q / p.V2 * A.peripheral,
        chain1=p.K1 * (made - A.chain1),
        chain2=p.K1 * (A.chain1 - A.chain2),
        chain3=p.K1 * (A.chain2 - A.chain3),
        chain4=p.K1 * (A.chain3 - A.chain4),
        chain5=p.K1 * (A.chain4 - A.chain5),
        chain6=p.K1 * (A.chain5 - A.chain6),
        slow=p.K2 * (made - A.slow),
    )


def observe(A, p, cov):
    """S-warfarin mg/L; INR."""
    lost = max(1.0 - A.chain6 * A.slow, 0.0)
    return output(Cs=A.central / p.V1, INR=p.INR_BASE + p.INR_MAX * lost**p.POWER)


WILD = {"AGE": 71, "CYP2C9_2": 0, "CYP2C9_3": 0, "VKORC1_A": 0}

MODEL = model(
    __name__,
    drug="warfarin",
    population="adults starting or on warfarin, Sweden (150 patients)",
    reference=REFERENCE,
    dose_cmt="depot",
    solver="explicit",
    everyday=Everyday(5.0, "mg", 24.0, 0.0, "about the mean maintenance dose of adults (recalled)"),
    rtol=3e-6,
    atol=(1e-5, 1e-5, 1e-5, 1e-8, 1e-8, 1e-8, 1e-8, 1e-8, 1e-8, 1e-8),
    anchors=[
        Anchor("clearance of *1/*1 at 71 y", "CL", WILD, 0.314, 1e-9, "Hamberg 2007"),
        Anchor("clearance of *1/*2", "CL", {**WILD, "CYP2C9_2": 1}, 0.314 * 0.685, 1e-9, "Hamberg 2007"),
        Anchor("clearance of *2/*2", "CL", {**WILD, "CYP2C9_2": 2}, 0.314 * 0.278, 1e-9, "Hamberg 2007"),
        Anchor("clearance of *1/*3", "CL", {**WILD, "CYP2C9_3": 1}, 0.314 * 0.547, 1e-9, "Hamberg 2007"),
        Anchor("clearance of *3/*3", "CL", {**WILD, "CYP2C9_3": 2}, 0.314 * 0.148, 1e-9, "Hamberg 2007"),
        Anchor("clearance of *2/*3", "CL", {**WILD, "CYP2C9_2": 1, "CYP2C9_3": 1}, 0.314 * 0.310, 1e-9, "Hamberg 2007"),
        Anchor("clearance falls with age", "CL", {**WILD, "AGE": 81}, 0.314 * 0.909, 1e-9, "Hamberg 2007: -0.91 % per year"),
        Anchor("EC50 of VKORC1 GG", "EC50", WILD, 4.61, 1e-9, "Hamberg 2007"),
        Anchor("EC50 of VKORC1 GA", "EC50", {**WILD, "VKORC1_A": 1}, 3.02, 1e-9, "Hamberg 2007"),
        Anchor("EC50 of VKORC1 AA", "EC50", {**WILD, "VKORC1_A": 2}, 2.20, 1e-9, "Hamberg 2007"),
    ],
    notes=(
        "spread between patients is read as variances, as the public program reads it; as such they are large (clearance 56 %) "
        "and could be CVs in the paper: not resolved",
        "residual of S-warfarin is that of steady state, 0.301, read as the SD of the log; that of ln INR, 0.0325, as a variance",
        "allele counts used when a genotype is missing are recalled European frequencies; age range assumed",
        "doses are mg of racemic warfarin by mouth",
    ),
    equations="two compartments, KA; E = Cs^g/(EC50^g + Cs^g); six transits k = 6/MTT1 and one compartment k = 1/MTT2, fed by "
    "k (1 - E); INR = BASE + 20 (1 - A6 A7)^3.61",
)  # fmt: skip
