"""Tobramycin: what it is called and how it is given; once a day in children with cystic fibrosis and in critically ill adults."""

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
from dosetwin.formulary._newborns import AMINOGLYCOSIDE_SHOWN, Mark, aminoglycoside
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

ONCE = "once-daily practice: peak 20 to 30 mg/L an hour after the start, AUC24 of 80 to 110, trough below 1 (recalled)"
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
