"""Tobramycin: what it is called and how it is given; in cystic fibrosis, in critically ill adults, and in newborns."""

from dosetwin.declare import Everyday, Facts, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.genetic import bars
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import KIDNEY, NOT_PAST, clearance, measured
from dosetwin.formulary._allergies import allergy
from dosetwin.formulary._genetics import AMINOGLYCOSIDES
from dosetwin.formulary._harms import BESIDE_AMINOGLYCOSIDES
from dosetwin.formulary._newborns import (
    AMINOGLYCOSIDE_SHOWN,
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
    "tobramycin",
    molar_mass=467.5,
    loinc=(Code("4057-6", "peak", "recalled"), Code("4058-4"), Code("4059-2", "trough", "recalled"), Code("35670-9")),
    level_high=300.0,
    rxnorm="10627",
    atc=("J01GB01",),
    vials=(Vial(80.0, 2.0),),
    one_dose=(0.5, 15.0, "mg/kg"),
    usual=(1.5, 12.0),
    newborn=(2.0, 8.0),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("AMINO", 24.0, "assumed: a day per dose"),),
    interactions=BESIDE_AMINOGLYCOSIDES,
)

ONCE = (
    "once-daily practice: peak 20 to 30 mg/L an hour after the start, AUC24 of 80 to 110, trough below 1 (recalled; "
    "20 to 30 and below 1 as a survey of centres and a cohort in cystic fibrosis tell, abstracts read); up to "
    "40 let pass: assumed"
)
STEPS = Preparation(40.0, ((0.0, 0.25), (5.0, 0.5)), "40 mg/mL, steps of 10 and 20 mg (assumed)", bags=(100.0,))
GOALS = aminoglycoside(
    peak=Mark(20.0, 10.0, ONCE, to=40.0),
    low=Mark(1.0, 0.5, ONCE),
    toxic=Mark(2.0, 2.0, "a trough above 2 mg/L is too high (recalled); the 10 % is assumed"),
    cmax_mic=Mark(10.0, 10.0, "Cmax/MIC of 8 to 10 and more (recalled); the 50 % is assumed"),
    floor=Mark(70.0, 35.0, "AUC/MIC of 70 at an MIC of 1 mg/L (recalled); the 50 % is assumed"),
    ceiling=Mark(125.0, 50.0, "kidney and ear suffer with exposure; the border is assumed"),
    chance=0.35,
)  # fmt: skip


def _limits(most: float) -> tuple[Limit, ...]:
    return (
        Limit("dose_range", "dose_per_kg", 2.0, 13.0, "mg/kg", "one dose per kg", "assumed: half to a third above those in use"),
        Limit("dose_max", "dose", None, most, "mg", "one dose", "660 mg (BNF for Children; recalled); adults assumed"),
        Limit("interval_range", "interval_h", 24.0, 48.0, "h", "interval", "once a day, longer where kidneys fail"),
        Limit("infusion_range", "infusion_h", 0.3, 1.0, "h", "infusion time", "20 to 60 min (label; recalled)"),
        NOT_PAST,
        measured(STEPS),
    )


def _adult(facts: Facts) -> Says:
    CLCR = clearance(facts)
    interval = 24.0 if CLCR >= 60 else 36.0 if CLCR >= 40 else 48.0
    return Says(7.0, interval, f"creatinine clearance {CLCR:.0f} mL/min", "kg")


TOBRAMYCIN_CYSTIC_FIBROSIS = Therapy(
    name="tobramycin_cystic_fibrosis",
    drug=DRUG,
    population="children with cystic fibrosis and a lung infection",
    models=("tobramycin_hennig_2008",),
    menu=Repeated((4.0, 13.0), "kg", (24.0,), (0.5,), STEPS.rounding),
    preparation=STEPS,
    goals=GOALS,
    limits=_limits(660.0),
    bars=(*bars(AMINOGLYCOSIDES), allergy("aminoglycoside")),
    rules=(Rule("tobramycin_bnfc", "10 mg/kg once a day", "BNF for Children, cystic fibrosis: 10 mg/kg, at most 660 mg "
        "(recalled)",
                "recalled", ("WT",), lambda facts: Says(min(10.0, 660.0 / facts.WT), 24.0, "once a day", "kg"),
                "BNF for Children"),),
    everyday=Everyday(10.0, "mg/kg", 24.0, 0.5, "BNF for Children (recalled)"),
    typical={"WT": 25.0, "AGE": 8.0},
    sampling=Sampling((0.0, 1.0, 2.0, 4.0, 6.0, 8.0)),
    shown=AMINOGLYCOSIDE_SHOWN,
    horizon_h=72.0,
    stale_h=7 * 24.0,
    source=ONCE + "; weights and chances are assumed and declared here",
)  # fmt: skip

TOBRAMYCIN_ADULT = Therapy(
    name="tobramycin_adult",
    drug=DRUG,
    population="critically ill adults with a Gram-negative infection",
    models=("tobramycin_conil_2010",),
    menu=Repeated((3.0, 10.0), "kg", (24.0, 36.0, 48.0), (0.5,), STEPS.rounding),
    preparation=STEPS,
    goals=GOALS,
    limits=_limits(900.0),
    bars=(*bars(AMINOGLYCOSIDES), allergy("aminoglycoside")),
    rules=(Rule("tobramycin_hartford", "7 mg/kg every 24, 36 or 48 h by creatinine clearance",
                "Nicolau 1995, AAC 39:650 (Hartford; recalled): 24 h from 60, 36 h from 40 mL/min, else 48 h", "recalled", KIDNEY,
                _adult, "Hartford"),),
    everyday=Everyday(7.0, "mg/kg", 24.0, 0.5, "Hartford (recalled)"),
    typical={"WT": 75.0, "HT": 174.0, "AGE": 55.0, "SCR": 0.9, "SEX": "male"},
    sampling=Sampling((0.0, 1.0, 4.0, 8.0, 12.0)),
    shown=AMINOGLYCOSIDE_SHOWN,
    horizon_h=72.0,
    stale_h=5 * 24.0,
    source=ONCE + "; weights and chances are assumed and declared here",
)  # fmt: skip

# ------------------------------------------------------------------------------------------------------------------- newborns

DE_HOOG = "De Hoog 1997, Clin Pharmacol Ther 62:392 (470 newborns of the first week; abstract)"
VALITALO = "Valitalo 2015, J Antimicrob Chemother 70:2074 (abstract)"
HARTMAN = "Hartman 2020 (PMC7383037)"


def _de_hoog(facts: Facts) -> Says | str:
    if int(facts.PNA) > 7:
        return f"tobramycin_de_hoog is for the first week, found PNA {facts.PNA:.0f} d"
    interval = 48.0 if facts.GA < 32 else 36.0 if facts.GA <= 37 else 24.0
    return Says(4.0, interval, f"GA {facts.GA:.0f} wk")


TOBRAMYCIN_NEONATE = Therapy(
    name="tobramycin_neonate",
    drug=DRUG,
    population=SEPSIS,
    models=("tobramycin_decock_2014",),
    menu=Repeated((2.5, 5.5), "kg", (24.0, 30.0, 36.0, 42.0, 48.0), (0.5,), SYRINGE.rounding,
                  loading_intervals=(54.0, 60.0, 72.0)),
    preparation=SYRINGE,
    goals=aminoglycoside(
        peak=Mark(5.0, 3.5, VALITALO + ": peak 5 to 12 mg/L; the 50 % asked of it is assumed", to=12.0),
        low=Mark(1.0, 0.7, HARTMAN + ": trough at most 1 mg/L, the Dutch formulary's; Valitalo 2015 aims below 0.5"),
        toxic=Mark(2.0, 2.0, DE_HOOG + ": troughs below 2 mg/L; the 10 % is assumed"),
        cmax_mic=Mark(10.0, 10.0, "as for gentamicin (van Donge 2018): Cmax/MIC >= 10; the 50 % is assumed"),
        floor=Mark(35.0, 35.0, "assumed: 70 x MIC 0.5 mg/L; AUC/MIC of 70 is adult-derived; the 50 % is assumed"),
        ceiling=Mark(100.0, 50.0, "as for gentamicin: Rougier 2003, AAC 47:1010, in adults (recalled)"),
    ),
    limits=(
        Limit("dose_range", "dose_per_kg", 2.5, 5.5, "mg/kg", "dose per kg of current weight",
              "lowest: De Hoog 1997's usual doses, 2.5 mg/kg; highest: proposed by Valitalo 2015, 5.5 mg/kg"),
        Limit("dose_max", "dose", None, 27.5, "mg", "single dose",
              "assumed: 5.5 mg/kg at 5 kg; a newborn's dose above it is a typing error"),
        Limit("daily_dose", "daily_per_kg", None, 5.5, "mg/kg/d", "mean dose per day",
              "assumed: Valitalo's dose once a day; De Hoog 1997's usual dose was 5 mg/kg a day"),
        *ONCE_A_DAY,
        *of_any_dose(gap_h=24.0),
    ),
    bars=(*bars(AMINOGLYCOSIDES), allergy("aminoglycoside")),
    rules=(
        Rule("tobramycin_de_hoog", "De Hoog 1997, first week: 4 mg/kg every 48, 36 or 24 h by gestation",
             DE_HOOG + ": below 32 weeks 48 h, to 37 weeks 36 h, above 24 h", "paper", ("GA", "PNA"), _de_hoog, "De Hoog"),
        Rule("tobramycin_neofax", "NeoFax, the same table as for gentamicin",
             "doses and intervals by age as IWK Health gives them for tobramycin (read); the weeks of PMA recalled", "recalled",
             ("PMA", "PNA"), by_age("PMA", GENTAMICIN_NEOFAX), "NeoFax"),
    ),
    everyday=Everyday(4.0, "mg/kg", 36.0, 0.5, DE_HOOG),
    typical=ORDINARY | {"BW": 1.5},
    sampling=Sampling(EVERY_HOURS),
    shown=AMINOGLYCOSIDE_SHOWN,
    listed=("GA", "WT", "SCR"),
    source="; ".join((DE_HOOG, VALITALO, HARTMAN)) + "; limits and rules name theirs",
    note="the model reads weight alone; its spreads are assumed, so levels count for more here. Weights, chances and the floor "
    "are assumed",
)  # fmt: skip
