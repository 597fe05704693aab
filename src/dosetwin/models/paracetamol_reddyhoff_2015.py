"""Paracetamol in overdose: conjugation, the poison, glutathione and adducts (Reddyhoff et al., 2015), carried to a body."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Everyday, Output, Reference, Theta, Value, additive, model, proportional

REFERENCE = Reference(
    "Reddyhoff D et al.", 2015, "J Theor Biol 386:132-146", "10.1016/j.jtbi.2015.08.021", "secondary",
    note="constants of the curated file (BioModels 609), which says no unit of time: a day, as the half-life shows; carried from "
    "one cell to a body with 1.6e11 cells in 70 kg; absorption, volume, all spread and acetylcysteine's effect assumed",
)  # fmt: skip
CELLS = "1.6e11 hepatocytes in 70 kg, 151.16 g/mol: 3.455e14 mg/kg for one mol in every cell"


class theta(NamedTuple):
    KG: Annotated[float, Theta("1/d", "glucuronidation")] = 2.99
    KS: Annotated[float, Theta("kg/mg/d", "sulphation with what is there", "derived", CELLS)] = 0.6541
    K450: Annotated[float, Theta("1/d", "to the reactive metabolite")] = 0.315
    KN: Annotated[float, Theta("1/d", "and back")] = 0.0315
    KPSH: Annotated[float, Theta("1/d", "binding to proteins")] = 110.0
    KGSH: Annotated[float, Theta("kg/mg/d", "binding to glutathione", "derived", CELLS)] = 4630.8
    BG: Annotated[float, Theta("mg/d/kg", "making of glutathione, as paracetamol", "derived", CELLS)] = 4.7473
    DG: Annotated[float, Theta("1/d", "its loss")] = 2.0
    BS: Annotated[float, Theta("mg/d/kg", "making of sulphate, as paracetamol", "derived", CELLS)] = 9.1561
    DS: Annotated[float, Theta("1/d", "its loss")] = 2.0
    KC: Annotated[float, Theta("1/d", "loss of adducts: half in two days", "recalled", "not in the paper")] = 0.3466
    KNAC: Annotated[float, Theta("1/h", "refilling of glutathione under acetylcysteine", "assumed")] = 1.0
    KA: Annotated[float, Theta("1/h", "absorption", "recalled")] = 1.5
    TVV: Annotated[float, Theta("L/kg", "volume", "recalled")] = 0.9
    DAY: Annotated[float, Theta("h/d", "hours of a day", "derived")] = 24.0


class eta(NamedTuple):
    KG: Annotated[float, Eta("glucuronidation", cv=0.3, provenance="assumed")] = 0.0
    K450: Annotated[float, Eta("way to the reactive metabolite", cv=0.4, provenance="assumed")] = 0.0
    V: Annotated[float, Eta("volume", cv=0.2, provenance="assumed")] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 120.0, "body weight", "29463-7", missing="refuse")]
    NAC: Annotated[float, Cov("1", 0.0, 1.0, "acetylcysteine runs", flag=True)]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "plasma concentration", "paracetamol", proportional(0.15, provenance="assumed"))]
    GSH: Annotated[float, Output("1", "glutathione of the liver, share of normal", "GSH", additive(0.05, provenance="assumed"))]
    NAC_RUNS: Annotated[float, Output("1", "acetylcysteine runs", "NAC_RUNS", additive(0.01, provenance="assumed"))]
    ADDUCTS: Annotated[
        float, Output("mg/kg", "adducts, as paracetamol per kg", "ADDUCTS", proportional(0.3, provenance="assumed"))
    ]


class state(NamedTuple):
    gut: Annotated[float, Amount("mg", "not yet absorbed")]
    parent: Annotated[float, Amount("mg", "in the body")]
    reactive: Annotated[float, Amount("mg", "reactive metabolite")]
    sulphate: Annotated[float, Amount("mg", "sulphate donor, as paracetamol")]
    glutathione: Annotated[float, Amount("mg", "glutathione, as paracetamol")]
    adducts: Annotated[float, Amount("mg", "bound to proteins")]


class parameters(NamedTuple):
    KG: Annotated[float, Value("1/h", "glucuronidation")]
    KS: float
    K450: Annotated[float, Value("1/h", "way to the reactive metabolite")]
    KN: float
    KPSH: float
    KGSH: float
    BG: float
    DG: float
    BS: float
    DS: float
    KC: float
    KNAC: float
    KA: float
    V: float
    G0: Annotated[float, Value("mg", "glutathione at rest, as paracetamol")]
    S0: float
    WT: float


def individual(theta, eta, cov):
    """Parameters of one patient, per h."""
    return parameters(
        KG=theta.KG / theta.DAY * exp(eta.KG),
        KS=theta.KS / theta.DAY / cov.WT,
        K450=theta.K450 / theta.DAY * exp(eta.K450),
        KN=theta.KN / theta.DAY,
        KPSH=theta.KPSH / theta.DAY,
        KGSH=theta.KGSH / theta.DAY / cov.WT,
        BG=theta.BG / theta.DAY * cov.WT,
        DG=theta.DG / theta.DAY,
        BS=theta.BS / theta.DAY * cov.WT,
        DS=theta.DS / theta.DAY,
        KC=theta.KC / theta.DAY,
        KNAC=theta.KNAC,
        KA=theta.KA,
        V=theta.TVV * cov.WT * exp(eta.V),
        G0=theta.BG / theta.DG * cov.WT,
        S0=theta.BS / theta.DS * cov.WT,
        WT=cov.WT,
    )


def initial(p, cov):
    """At rest: nothing of the drug, glutathione and sulphate full."""
    return state(gut=0.0, parent=0.0, reactive=0.0, sulphate=p.S0, glutathione=p.G0, adducts=0.0)


def dynamics(t, A, p, cov):
    """Conjugation, the reactive metabolite between glutathione and protein, and glutathione refilled under acetylcysteine."""
    sulphated = p.KS * A.parent * A.sulphate
    met = p.KGSH * A.reactive * A.glutathione
    reactive = p.K450 * A.parent - p.KN * A.reactive
    return state(
        gut=-p.KA * A.gut,
        parent=p.KA * A.gut - reactive - p.KG * A.parent - sulphated,
        reactive=reactive - p.KPSH * A.reactive - met,
        sulphate=p.BS - p.DS * A.sulphate - sulphated,
        glutathione=p.BG - p.DG * A.glutathione - met + cov.NAC * p.KNAC * (p.G0 - A.glutathione),
        adducts=p.KPSH * A.reactive - p.KC * A.adducts,
    )


def observe(A, p, cov):
    """Plasma concentration, glutathione as a share of normal, adducts per kg."""
    return output(Cp=A.parent / p.V, GSH=A.glutathione / p.G0, NAC_RUNS=cov.NAC, ADDUCTS=A.adducts / p.WT)


MODEL = model(
    __name__,
    drug="paracetamol",
    population="adults after an overdose",
    reference=REFERENCE,
    solver="stiff",
    linear_in_dose=False,
    dose_cmt="gut",
    everyday=Everyday(100.0, "mg/kg", source="an amount between treatment and poison (assumed)"),
    anchors=[Anchor("glutathione at rest", "G0", {"WT": 70.0, "NAC": 0.0}, 2.3736 * 70, 1e-3, "6.87e-15 mol per cell")],
    notes=(
        "amounts of glutathione, sulphate, metabolite and adducts are told as the paracetamol that they meet or are",
        "acetylcysteine refills glutathione at 1/h while it runs: assumed, no dose of it is in the model",
        "no injury of the liver is foreseen: adducts are what is bound, not what is lost by it",
    ),
    equations="P' = -kG P - kS P S - k450 P + kN N; N' = k450 P - kN N - kPSH N - kGSH N G; G' = bG - dG G - kGSH N G "
    "(+ kNAC (G0 - G) under acetylcysteine); S' = bS - dS S - kS P S; C' = kPSH N - kC C",
)  # fmt: skip
