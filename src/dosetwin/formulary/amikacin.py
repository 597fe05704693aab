"""Amikacin: what it is called and how it is given; in newborns what it aims at, its limits, the rules they are dosed by."""

from dosetwin.declare import Everyday, Facts, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.genetic import bars
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._allergies import allergy
from dosetwin.formulary._amikacin_newborn import CONTROL
from dosetwin.formulary._genetics import AMINOGLYCOSIDES
from dosetwin.formulary._harms import BESIDE_AMINOGLYCOSIDES
from dosetwin.formulary._newborns import (
    AMINOGLYCOSIDE_SHOWN,
    ANY,
    EVERY_HOURS,
    ORDINARY,
    SEPSIS,
    SYRINGE,
    Mark,
    aminoglycoside,
    by_age,
    of_any_dose,
)
from dosetwin.quantities import Code

DRUG = drug(
    "amikacin",
    molar_mass=585.6,
    loinc=(Code("3319-1", "peak"), Code("3320-9", "", "recalled"), Code("3321-7", "trough"), Code("35669-1")),
    level_high=500.0,
    rxnorm="641",
    atc=("J01GB06",),  # the skin and eye codes are other routes
    vials=(Vial(100.0, 2.0), Vial(500.0, 2.0)),
    known="read",
    one_dose=(1.0, 40.0, "mg/kg"),
    usual=(5.0, 30.0),
    newborn=(5.0, 25.0),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("AMINO", 24.0, "assumed: a day per dose"),),
    interactions=BESIDE_AMINOGLYCOSIDES,
)

# ------------------------------------------------------------------------------------- rules newborns are dosed by without a twin

# (upper border of current weight in kg, mg/kg, interval h), PNA below 14 d and from 14 d on
_DECOCK_EARLY = ((0.8, 16.0, 48.0), (1.2, 16.0, 42.0), (2.0, 15.0, 36.0), (2.8, 13.0, 30.0), (float("inf"), 12.0, 24.0))
_DECOCK_LATE = ((0.8, 20.0, 42.0), (1.2, 20.0, 36.0), (2.0, 19.0, 30.0), (2.8, 18.0, 24.0), (float("inf"), 17.0, 20.0))


def _decock_table(facts: Facts) -> Says | str:
    if facts.PNA > 30:
        return f"decock_smits was studied to PNA 30 d, found {facts.PNA:.0f} d"
    rows = _DECOCK_EARLY if facts.PNA < 14 else _DECOCK_LATE
    _, dose, interval = next(row for row in rows if row[0] > facts.WT)
    return Says(dose, interval, f"weight {facts.WT:g} kg, PNA {'< 14' if facts.PNA < 14 else '>= 14'} d")


def _decock_smits(facts: Facts) -> Says | str:
    says = _decock_table(facts)
    if isinstance(says, str) or not facts.on("IBU", "ASPHYXIA", "COOLING"):
        return says
    why = "ibuprofen" if facts.on("IBU") else "asphyxia"
    return Says(says.amount, says.interval + 10.0, f"{says.text}, + 10 h for {why}")


def _smits_path(facts: Facts) -> Says | str:
    if not facts.on("COOLING"):
        return "smits_path is for asphyxia treated with cooling only"
    says = _decock_table(facts)
    return says if isinstance(says, str) else Says(says.amount, says.interval + 12.0, f"{says.text}, + 12 h for cooling")


def _bnfc(facts: Facts) -> Says | str:
    if facts.PNA is not None and int(facts.PNA) > 28:
        return f"bnfc gives this dose to neonates (to 28 d), found PNA {facts.PNA:.0f} d"
    return Says(15.0, 24.0, "all neonates")


_NEOFAX = (
    (29, 7, 18.0, 48.0), (29, 28, 15.0, 36.0), (29, ANY, 15.0, 24.0),
    (34, 7, 18.0, 36.0), (34, ANY, 15.0, 24.0),
    (ANY, ANY, 15.0, 24.0),
)  # fmt: skip
_RED_BOOK = (
    (29, 14, 15.0, 48.0), (29, ANY, 15.0, 24.0),
    (34, ANY, 15.0, 24.0),
    (ANY, 7, 15.0, 24.0), (ANY, ANY, 17.5, 24.0),
)  # fmt: skip

RULES = (
    Rule("decock_smits", "De Cock 2012 / Smits 2015 (Leuven)",
         "De Cock 2012; Smits 2015: table and the + 10 h under ibuprofen or asphyxia from memory",
         "recalled", ("WT", "PNA"), _decock_smits, "De Cock/Smits (Leuven)"),
    Rule("smits_path", "De Cock/Smits, + 12 h under cooling", "Cristea 2017, AAC 61(12): + 12 h; the table itself from memory",
         "recalled", ("WT", "PNA"), _smits_path, "De Cock/Smits under cooling"),
    Rule("neofax", "NeoFax", "table in Segar 2012 and copies in code", "secondary", ("PMA", "PNA"),
         by_age("PMA", _NEOFAX)),
    Rule("bnfc", "BNF for Children 2011-12, extended interval", "BNFc 2011-12, p. 279", "paper", (), _bnfc, "BNF for Children"),
    Rule("red_book", "AAP table (Nelson's, 24th ed., 2018)", "MSD manual table after Nelson's Pediatric Antimicrobial Therapy",
         "secondary", ("GA", "PNA"), by_age("GA", _RED_BOOK, "red_book is a table for neonates (to 28 d)"), "AAP table (Nelson)"),
)  # fmt: skip
"""``red_book`` is the AAP table as printed in Nelson 2018; the current Red Book itself was not readable."""

# ---------------------------------------------------------------------------------- what is aimed at, and limits

LEUVEN = "De Cock 2012; Smits 2015, AAC 59:6344: peak > 24, trough < 3 mg/L"

GOALS = aminoglycoside(
    peak=Mark(24.0, 10.0, LEUVEN + "; upper border 35 as in Matcha 2025 and the Nelson/AAP table", to=35.0),
    low=Mark(3.0, 2.0, LEUVEN),
    toxic=Mark(5.0, 5.0, "Cristea 2017, AAC 61(12): trough > 5 mg/L is the mark of toxicity; the 10 % is assumed"),
    cmax_mic=Mark(8.0, 8.0, "Sherwin 2009, Treluyer 2002: Cmax/MIC >= 8; the 50 % is assumed"),
    floor=Mark(140.0, 140.0,
               "assumed: 70 x MIC 2 mg/L; AUC/MIC of 70 or more is adult-derived and unverified here; the 50 % is assumed"),
    ceiling=Mark(400.0, 200.0,
                 "assumed: no published neonatal ceiling found; keeps short intervals from accumulating unseen"),
)  # fmt: skip

DOSE = (7.5, 20.0)
"""mg/kg: lowest BNFc 2011 and the US label, highest De Cock/Smits."""

LIMITS = (
    Limit("dose_range", "dose_per_kg", *DOSE, "mg/kg", "dose per kg of current weight",
          "lowest: BNFc 2011 and US label 7.5 mg/kg; highest: De Cock/Smits 20 mg/kg"),
    Limit("dose_max", "dose", None, 100.0, "mg", "single dose",
          "assumed: 20 mg/kg at 5 kg; a newborn's dose above it is a typing error"),
    Limit("daily_dose", "daily_per_kg", None, 20.4, "mg/kg/d", "mean dose per day",
          "17 mg/kg every 20 h, the densest of the De Cock/Smits table"),
    Limit("interval_range", "interval_h", 12.0, 48.0, "h", "interval",
          "shortest: US label; longest: NeoFax, De Cock/Smits and the Nelson table"),
    Limit("loading_interval", "loading_interval_h", 12.0, 60.0, "h", "interval after a loading dose",
          "the longest interval printed, 48 h, and the 12 h that Cristea 2017 adds where clearance is low"),
    Limit("infusion_range", "infusion_h", 0.33, 1.0, "h", "infusion time",
          "30 min in NeoFax and Nelson; 20 min Leuven (recalled); 60 min assumed: longer, and a 1 h peak falls into it"),
    *of_any_dose(gap_h=12.0),
)  # fmt: skip

AMIKACIN_NEONATE = Therapy(
    name="amikacin_neonate",
    drug=DRUG,
    population=SEPSIS,
    models=(
        "amikacin_neonate",
        "amikacin_decock_2012",
        "amikacin_sherwin_2009",
        "amikacin_botha_1998",
        "amikacin_allegaert_2006",
    ),
    menu=Repeated(
        DOSE, "kg", (12.0, 18.0, 20.0, 24.0, 30.0, 36.0, 42.0, 48.0), (0.5,), SYRINGE.rounding, loading_intervals=(54.0, 60.0)
    ),
    preparation=SYRINGE,
    goals=GOALS,
    limits=LIMITS,
    bars=(*bars(AMINOGLYCOSIDES), allergy("aminoglycoside")),
    rules=RULES,
    everyday=Everyday(15.0, "mg/kg", 36.0, 0.5, "De Cock/Smits table, 1.2 to 2 kg in the first fortnight"),
    typical=ORDINARY,
    sampling=Sampling(EVERY_HOURS),
    shown=AMINOGLYCOSIDE_SHOWN,
    listed=("GA", "WT", "SCR"),
    control=CONTROL,
    source="targets De Cock 2012, Smits 2015, Cristea 2017; limits and rules name theirs",
    note="weights, tie width and chance constraints are assumed and declared here; targets and limits name their sources",
)
