"""What drugs that harm the same organ do together: warned of; where a size of the harm was found, weighed when two orders are
chosen together."""

from dosetwin.declare.change import Change
from dosetwin.declare.drug import Drug
from dosetwin.declare.harm import Harm
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.reading import AUC24

PLATINUM = Interaction(
    "nephrotoxic_ototoxic",
    "L01XA",  # cisplatin, carboplatin
    28 * 24.0,
    "both can harm kidney and hearing, and the harm may add up; the kidney's shows in the second week after cisplatin and keeps "
    "the antibiotic in",
    "another antibiotic where there is one; creatinine, magnesium and levels every day or two, and a hearing test",
    "labels of cisplatin (read: caution with other drugs that harm the kidney, second week) and of aminoglycosides (recalled); "
    "how much more often: not found; 28 d, a cycle: assumed",
)
NSAIDS = Interaction(
    "nephrotoxic_nsaid",
    ("M01A", "C01EB03", "C01EB16"),  # indometacin, ibuprofen as given to close a newborn's duct
    48.0,
    "an anti-inflammatory drug lowers what the kidney filters, which keeps the antibiotic in, and its harm to the kidney may "
    "add up",
    "creatinine every day, urine output, and a level before the next dose",
    "labels warn of it (recalled); models that read ibuprofen have its effect on clearance, else no number moves; 48 h: assumed",
)
BESIDE_AMINOGLYCOSIDES = (PLATINUM, NSAIDS)


def on_warfarin(change: Change, days: int = 14) -> Interaction:
    """What an inhibitor of CYP2C9 does to warfarin, with its size; ``days`` after its last dose it still counts as given."""
    return Interaction(
        f"{change.drug}_warfarin",
        "B01AA",
        days * 24.0,
        f"{change.drug} slows the way out of S-warfarin by CYP2C9: the INR rises within days, and bleeding was reported",
        f"an INR every two or three days from the first day of {change.drug} until it stands, and again after its end: the old "
        f"dose is too small then",
        "US label of fluconazole by medlibrary.org, and Crit Care 2014, doi 10.1186/s13054-014-0458-4, table 4 (read); intervals "
        "assumed",
        change=change,
    )


def growth_factor(name: str, days: int) -> Interaction:
    """What a growth factor of neutrophils does to counts beside platinum, for ``days`` after its last dose: nobody's number
    moves."""
    return Interaction(
        f"{name}_counts",
        "L01XA",  # cisplatin, carboplatin
        21 * 24.0,
        f"neutrophils counted within {days} days of {name} are not what this marrow would have by itself, and no model here "
        f"holds it: "
        "a high count would be read as a marrow that bears more, and a higher dose proposed",
        f"counts taken within {days} days of it are left out: go by the protocol, or count again later",
        "Quartino 2014, Pharm Res 31:3390 (by its transcription in radivot/myelo, read): G-CSF speeds making and ripening of "
        "neutrophils "
        "by powers of 0.44 and 0.23 of its level over the body's own; put into Friberg's feedback as it stands counts run "
        "away, so it is "
        f"not; {days} d: assumed",
        hides="NEUT",
        hides_h=days * 24.0,
    )


KIDNEY_ADULT = Harm(
    "kidney",
    "kidney injury in two weeks or more of both (creatinine up by half)",
    one="J01XA",  # vancomycin and its relatives
    other="J01G",  # aminoglycosides
    age=(18.0, 130.0),
    chance=0.112,
    together=2.57,
    exposed=AUC24,
    border=563.0,
    above=5.07,
    weight=2.0,
    source="Chavada 2017, AAC 61:e02535-16 (127 adults on vancomycin alone, 14 days and more; abstract read): 11.2 % to an AUC24 "
    "of 563 mg.h/L, odds 5.07 (1.57 to 16.3) times as high above; Goetz and Sayers 1993, JAC 32:325 (eight studies; abstract "
    "read): 13.3 (7.3 to 19.4) of 100 more with an aminoglycoside than with vancomycin alone, whence 2.57 times the "
    "odds (derived); that both multiply, and the weight, are assumed",
)
KIDNEY_NEWBORN = Harm(
    "kidney",
    "kidney injury (AKIN, or creatinine of 1.5 mg/dL for two days)",
    one="J01G",
    other="J01XA",
    age=(0.0, 0.25),
    chance=0.0131,
    together=1.5,
    weight=2.0,
    source="Constance 2016, Arch Dis Child Fetal Neonatal Ed 101:F236 (533 pairs on gentamicin; abstract read): 7 with it "
    "alone, 16 with vancomycin beside, odds 1.5 (0.6 to 4.0) times as high once matched; no exposure that moves it was found; "
    "the weight is assumed",
)
HARMS = (KIDNEY_ADULT, KIDNEY_NEWBORN)


def shared(a: Drug, b: Drug, age: float | None) -> tuple[Harm, ...]:
    """Harms that two drugs share in somebody of this age (years; None: not known, those of any age)."""
    return tuple(h for h in HARMS if h.of(a, b) is not None and (age is None or h.age[0] <= age < h.age[1]))
