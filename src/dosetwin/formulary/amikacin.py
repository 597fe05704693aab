"""Amikacin: what it is called and how it is given; in newborns what it aims at, its limits, the rules they are dosed by."""

from dosetwin.declare import Everyday, Facts, Goal, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.menu import Repeated, Rounding
from dosetwin.declare.reading import AUC24, CMAX_MIC, PEAK, TROUGH
from dosetwin.declare.therapy import Sampling
from dosetwin.quantities import Code

DRUG = drug(
    "amikacin",
    molar_mass=585.6,
    loinc=(Code("3319-1", "peak"), Code("3320-9", "", "recalled"), Code("3321-7", "trough"), Code("35669-1")),
    level_high=500.0,
    rxnorm="641",
    atc=("J01GB06",),  # the skin and eye codes are other routes
    known="read",
    one_dose=(1.0, 40.0, "mg/kg"),
    usual=(5.0, 30.0),
    newborn=(5.0, 25.0),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("AMINO", 24.0, "assumed: a day per dose"),),
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


def _neofax(facts: Facts) -> Says | str:
    # the tables count completed weeks and days: "<= 29" is below 30 weeks, "0-7 d" is below 8 days
    weeks, days = int(facts.PMA), int(facts.PNA)
    text = f"PMA {weeks} wk, PNA {days} d"
    if weeks <= 29:
        return Says(18.0, 48.0, text) if days <= 7 else Says(15.0, 36.0, text) if days <= 28 else Says(15.0, 24.0, text)
    if weeks <= 34:
        return Says(18.0, 36.0, text) if days <= 7 else Says(15.0, 24.0, text)
    return Says(15.0, 24.0, text)


def _bnfc(facts: Facts) -> Says | str:
    if facts.PNA is not None and int(facts.PNA) > 28:
        return f"bnfc gives this dose to neonates (to 28 d), found PNA {facts.PNA:.0f} d"
    return Says(15.0, 24.0, "all neonates")


def _red_book(facts: Facts) -> Says | str:
    weeks, days = int(facts.GA), int(facts.PNA)
    if days > 28:
        return f"red_book is a table for neonates (to 28 d), found PNA {days} d"
    text = f"GA {weeks} wk, PNA {days} d"
    if weeks < 30:
        return Says(15.0, 48.0 if days <= 14 else 24.0, text)
    if weeks < 35:
        return Says(15.0, 24.0, text)
    return Says(15.0 if days <= 7 else 17.5, 24.0, text)


RULES = (
    Rule("decock_smits", "De Cock 2012 / Smits 2015 (Leuven)",
         "De Cock 2012; Smits 2015: table and the + 10 h under ibuprofen or asphyxia from memory",
         "recalled", ("WT", "PNA"), _decock_smits, "De Cock/Smits (Leuven)"),
    Rule("smits_path", "De Cock/Smits, + 12 h under cooling", "Cristea 2017, AAC 61(12): + 12 h; the table itself from memory",
         "recalled", ("WT", "PNA"), _smits_path, "De Cock/Smits under cooling"),
    Rule("neofax", "NeoFax", "table in Segar 2012 and copies in code", "secondary", ("PMA", "PNA"), _neofax),
    Rule("bnfc", "BNF for Children 2011-12, extended interval", "BNFc 2011-12, p. 279", "paper", (), _bnfc, "BNF for Children"),
    Rule("red_book", "AAP table (Nelson's, 24th ed., 2018)", "MSD manual table after Nelson's Pediatric Antimicrobial Therapy",
         "secondary", ("GA", "PNA"), _red_book, "AAP table (Nelson)"),
)  # fmt: skip
"""``red_book`` is the AAP table as printed in Nelson 2018; the current Red Book itself was not readable."""

# ---------------------------------------------------------------------------------- what is aimed at, and limits

LEUVEN = "De Cock 2012; Smits 2015, AAC 59:6344: peak > 24, trough < 3 mg/L"
HIGH_TROUGH = "wait longer, take another level before the next dose, and reconsider renal function; a shorter wait is not safe"
NO_EXPOSURE = "no regimen inside the limits gives this exposure: reconsider the drug"

GOALS = (
    Goal(
        "peak_window", PEAK, 24.0, 35.0, "mg/L", 1.0, 10.0, "peak 1 h after the start of the dose",
        LEUVEN + "; upper border 35 as in Matcha 2025 and the Nelson/AAP table", min_probability=0.50, first_weight=1.0,
        first_source="assumed: the first peak of a sepsis counts as much as all scored peaks of a later course. Direction: "
        "first Cmax/MIC foretells the response of adults to aminoglycosides (Moore 1987, J Infect Dis 155:93; Kashuba 1999, "
        "AAC 43:623; recalled)",
        help="take a level about 1 h after a dose to learn the volume: the prediction is too uncertain or the window too narrow",
    ),
    Goal(
        "trough_low", TROUGH, None, 3.0, "mg/L", 1.0, 2.0, "level at the end of the interval", LEUVEN, help=HIGH_TROUGH,
    ),
    Goal(
        "trough_toxic", TROUGH, None, 5.0, "mg/L", 2.0, 5.0, "never above the toxicity mark at the end of an interval",
        "Cristea 2017, AAC 61(12): trough > 5 mg/L is the mark of toxicity; the 10 % is assumed",
        min_probability=0.90, closed=True, joint=False, help=HIGH_TROUGH, told_as="p_trough_not_toxic",
    ),
    Goal(
        "cmax_mic", CMAX_MIC, 8.0, None, "", 1.0, 8.0, "peak over MIC; only scored when the MIC is known",
        "Sherwin 2009, Treluyer 2002: Cmax/MIC >= 8; the 50 % is assumed", min_probability=0.50, closed=True,
        help="the MIC cannot be reached at an accepted peak: ask microbiology about another drug or a combination",
    ),
    # Without a floor the longest interval always wins: exposure between peak and trough would be free.
    Goal(
        "auc_floor", AUC24, 140.0, None, "mg.h/L", 0.5, 140.0, "mean AUC over 24 h of the dose's interval",
        "assumed: 70 x MIC 2 mg/L; AUC/MIC of 70 or more is adult-derived and unverified here; the 50 % is assumed",
        min_probability=0.50, closed=True, joint=False, brief=False, help=NO_EXPOSURE,
    ),
    Goal(
        "auc_ceiling", AUC24, None, 400.0, "mg.h/L", 0.25, 200.0, "mean AUC over 24 h of the dose's interval",
        "assumed: no published neonatal ceiling found; keeps short intervals from accumulating unseen", closed=True, joint=False,
        brief=False, help=NO_EXPOSURE,
    ),
)  # fmt: skip

SYRINGE = Rounding(
    ((0.0, 0.1), (10.0, 0.25), (30.0, 1.0)),
    "assumed: a 5 mg/mL dilution in a 1 mL syringe (0.02 and 0.05 mL), larger doses to the mg; a site sets its own",
)
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
    Limit("change_per_step", "amount_ratio", 0.5, 1.5, "1", "dose relative to the previous one",
          "assumed: more than half up or down at once is not proposed without a human decision"),
    Limit("gap", "gap_h", 12.0, None, "h", "start of the previous dose to the coming one",
          "the shortest interval allowed"),
    Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "a dose cannot be given before now"),
    Limit("syringe", "off_step", None, 1e-6, "mg", "distance to an amount the syringe can measure", SYRINGE.source),
)  # fmt: skip

AMIKACIN_NEONATE = Therapy(
    name="amikacin_neonate",
    drug=DRUG,
    population="newborns with suspected or proven sepsis",
    models=(
        "amikacin_neonate",
        "amikacin_decock_2012",
        "amikacin_sherwin_2009",
        "amikacin_botha_1998",
        "amikacin_allegaert_2006",
    ),
    menu=Repeated(DOSE, "kg", (12.0, 18.0, 20.0, 24.0, 30.0, 36.0, 42.0, 48.0), (0.5,), SYRINGE, loading_intervals=(54.0, 60.0)),
    goals=GOALS,
    limits=LIMITS,
    rules=RULES,
    everyday=Everyday(15.0, "mg/kg", 36.0, 0.5, "De Cock/Smits table, 1.2 to 2 kg in the first fortnight"),
    typical={"WT": 1.5, "GA": 30.0, "PNA": 2.0, "PMA": 30.3},
    sampling=Sampling((0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 18.0, 24.0, 30.0, 36.0, 42.0, 48.0)),
    shown=((PEAK, "next"), (TROUGH, "next"), (TROUGH, "last"), (AUC24, "last")),
    source="targets De Cock 2012, Smits 2015, Cristea 2017; limits and rules name theirs",
    note="weights, tie width and chance constraints are assumed and declared here; targets and limits name their sources",
)
