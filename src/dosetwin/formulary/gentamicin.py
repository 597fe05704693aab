"""Gentamicin: what it is called and how it is given (a mixture: no molar mass); in newborns its goals, limits and rules."""

from dosetwin.declare import Everyday, Facts, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.genetic import bars
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._allergies import allergy
from dosetwin.formulary._genetics import AMINOGLYCOSIDES
from dosetwin.formulary._harms import BESIDE_AMINOGLYCOSIDES
from dosetwin.formulary._newborns import (
    AMINOGLYCOSIDE_SHOWN,
    ANY,
    EVERY_HOURS,
    GENTAMICIN_NEOFAX,
    ONCE_A_DAY,
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
    "gentamicin",
    loinc=(Code("3663-2", "peak"), Code("3664-0"), Code("3665-7", "trough"), Code("35668-3")),
    level_high=300.0,
    rxnorm="1596450",
    atc=("J01GB03",),
    vials=(Vial(20.0, 2.0), Vial(80.0, 2.0)),
    known="read",
    one_dose=(0.5, 15.0, "mg/kg"),
    usual=(1.5, 8.0),
    newborn=(2.0, 8.0),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("AMINO", 24.0, "assumed: a day per dose"),),
    interactions=BESIDE_AMINOGLYCOSIDES,
)

# ------------------------------------------------------------------------------------- rules newborns are dosed by without a twin

_CHEO = (
    (29, 14, 5.0, 48.0), (29, ANY, 5.0, 36.0),
    (34, 10, 5.0, 36.0), (34, ANY, 5.0, 24.0),
    (ANY, 7, 4.0, 24.0), (ANY, ANY, 5.0, 24.0),
)  # fmt: skip


def _nice(facts: Facts) -> Says | str:
    if int(facts.PNA) > 28:
        return f"gentamicin_nice gives this dose to neonates (to 28 d), found PNA {facts.PNA:.0f} d"
    return Says(5.0, 36.0, "first week") if facts.PNA < 7 else Says(5.0, 24.0, "7 days and older")


def _cooled(facts: Facts) -> Says | str:
    if not facts.on("COOLING"):
        return "gentamicin_cooled is for asphyxia treated with cooling only"
    return Says(5.0, 36.0, "cooled")


def _hoff(facts: Facts) -> Says | str:
    if facts.BW < 1.25 or facts.on("INDO"):
        return Says(4.0, 48.0, "indomethacin" if facts.BW >= 1.25 else "birth weight below 1.25 kg")
    return Says(4.0, 24.0, "birth weight 1.25 kg and more")


RULES = (
    Rule("gentamicin_nice", "NICE NG195 and BNF for Children: 5 mg/kg every 36 h, from the second week every 24 h",
         "neonatal formulary of NHS Highland, which follows them (read); NG195 itself recalled. Its 24 h for the very unwell of "
         "more than 32 weeks is left to the ward", "secondary", ("PNA",), _nice, "NICE, BNF for Children"),
    Rule("gentamicin_neofax", "NeoFax", "table recalled; of the same shape as that for amikacin in Segar 2012", "recalled",
         ("PMA", "PNA"), by_age("PMA", GENTAMICIN_NEOFAX), "NeoFax"),
    Rule("gentamicin_cheo", "Children's Hospital of Eastern Ontario, by gestation",
         "its neonatal table (read), of the shape of the AAP table", "secondary", ("GA", "PNA"),
         by_age("GA", _CHEO, "gentamicin_cheo is a table for neonates (to 28 d)"), "CHEO"),
    Rule("gentamicin_hoff", "Hoff 2009: 4 mg/kg every 24 h, 48 h in the smallest and under indomethacin",
         "protocol as summed up on medicalalgorithms.com (read); the year recalled", "secondary", ("BW",), _hoff, "Hoff"),
    Rule("gentamicin_cooled", "Frymoyer 2013, under cooling: 5 mg/kg every 36 h",
         "Frymoyer 2013, J Perinatol 33:778 (abstract): troughs above 2 mg/L in 4 % instead of 38 % at every 24 h", "paper", (),
         _cooled, "Frymoyer under cooling"),
)  # fmt: skip

# ---------------------------------------------------------------------------------- what is aimed at, and limits

HARTMAN = "Hartman 2020 (PMC7383037): peak 8 to 12, trough below 1 mg/L, the targets of the Dutch formulary"

GOALS = aminoglycoside(
    peak=Mark(8.0, 3.5, HARTMAN + "; the 30 % asked of it is what doses in use reach there: 31 % inside", to=12.0),
    low=Mark(1.0, 0.7, HARTMAN + "; NICE asks it of more than three doses (recalled)"),
    toxic=Mark(2.0, 2.0, "Frymoyer 2013, CHEO, van Donge 2018: a trough above 2 mg/L is too high; the 10 % is assumed"),
    cmax_mic=Mark(10.0, 10.0, "van Donge 2018, AAC 62:e02004-17: Cmax/MIC >= 10; the 50 % is assumed"),
    floor=Mark(35.0, 35.0, "assumed: 70 x MIC 0.5 mg/L, the commonest of E. coli (EUCAST); AUC/MIC of 70 is adult-derived; the "
               "50 % is assumed"),
    ceiling=Mark(100.0, 50.0, "Rougier 2003, AAC 47:1010: in adults kidney injury rises above about 100 mg.h/L a day (recalled)"),
    chance=0.30,
)  # fmt: skip

DOSE = (3.0, 7.5)
"""mg/kg: lowest given in the cohort of Fuchs 2014, highest proposed by van Donge 2018."""

LIMITS = (
    Limit("dose_range", "dose_per_kg", *DOSE, "mg/kg", "dose per kg of current weight",
          "lowest: Fuchs 2014, 3 mg/kg; highest: van Donge 2018, 7.5 mg/kg"),
    Limit("dose_max", "dose", None, 37.5, "mg", "single dose",
          "assumed: 7.5 mg/kg at 5 kg; a newborn's dose above it is a typing error"),
    Limit("daily_dose", "daily_per_kg", None, 6.0, "mg/kg/d", "mean dose per day",
          "the densest of the fifteen guidelines compared by van Donge 2018"),
    *ONCE_A_DAY,
    *of_any_dose(gap_h=24.0),
)  # fmt: skip

GENTAMICIN_NEONATE = Therapy(
    name="gentamicin_neonate",
    drug=DRUG,
    population=SEPSIS,
    models=("gentamicin_fuchs_2014", "gentamicin_bijleveld_2017", "gentamicin_germovsek_2016", "gentamicin_bijleveld_2016"),
    made_for=(("COOLING", "gentamicin_bijleveld_2016"),),
    menu=Repeated(DOSE, "kg", (24.0, 30.0, 36.0, 42.0, 48.0), (0.5,), SYRINGE.rounding, loading_intervals=(54.0, 60.0, 72.0)),
    preparation=SYRINGE,
    goals=GOALS,
    limits=LIMITS,
    bars=(*bars(AMINOGLYCOSIDES), allergy("aminoglycoside")),
    rules=RULES,
    everyday=Everyday(5.0, "mg/kg", 36.0, 0.5, "the first week of NICE NG195"),
    typical=ORDINARY | {"BW": 1.5},
    sampling=Sampling(EVERY_HOURS),
    shown=AMINOGLYCOSIDE_SHOWN,
    listed=("GA", "WT", "SCR"),
    source="targets Hartman 2020, van Donge 2018, Frymoyer 2013; limits and rules name theirs",
    note="the usual model is that of most babies (Fuchs 2014: 1,449, checked by its authors on 69 others); under cooling it is "
    "the one made of cooled babies. Germovsek 2016 reads creatinine itself. Weights, chances and the floor are assumed",
)
