"""Cisplatin by vein: lesions against neutrophils and kidney, every three weeks or every week."""

from dosetwin.declare import At, Bar, Between, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import NOT_PAST, TOO_MUCH, clearance, measured, pregnancy

DRUG = drug(
    "cisplatin",
    molar_mass=300.05,
    level_high=50.0,
    rxnorm="2555",
    atc=("L01XA01",),
    vials=(Vial(10.0, 10.0), Vial(50.0, 50.0), Vial(100.0, 100.0)),
    one_dose=(0.2, 4.0, "mg/kg"),
    usual=(0.4, 3.0),
    longest_h=24.0,
    long_h=8.0,
    shortest_h=24.0,
)
LABEL = "US label and usual regimens: 75 to 100 mg/m2 every three weeks, 40 mg/m2 a week with radiotherapy (recalled)"
MOTWANI = "Motwani 2018, J Clin Oncol 36:682 (odds read, the 3 % without any factor derived)"
NINE_WEEKS = Reading("SLD_RATIO", "at", At(63, "d"), name="lesions after nine weeks")
LOWEST = Reading("NEUT", "min", Between(0, 63, "d"), name="lowest neutrophils")
KIDNEY_RISK = Reading("AKI_RISK", "max", Between(0, 63, "d"), name="kidney injury")
HEARING = Reading("HEARING", "at", At(63, "d"), name="hearing lost, dB")
STEPS = Preparation(1.0, ((0.0, 10.0),), "1 mg/mL: whole 10 mg (assumed)", bags=(1000.0,))


def _if_kidney(amount: float, hours: float):
    def says(facts):
        found = clearance(facts)
        if found < 50.0:
            return f"creatinine clearance {found:.0f} mL/min, below 50: no cisplatin by this rule; carboplatin by Calvert"
        return Says(amount, hours, f"{amount:g} mg/m2, clearance {found:.0f} mL/min", "m2")

    return says


SCHEDULE = "assumed: a dose says its protocol, 40 mg/m2 is a weekly one and 75 to 100 mg/m2 one of three weeks"


def last_per_m2(facts: Facts) -> float | None:
    """The last dose, mg/m2; None before a first one or where the surface is not known."""
    mg, surface = facts.number("LAST_DOSE"), facts.number("BSA")
    return None if mg is None or not surface else mg / surface


NEEDS = ("BSA", "WT", "AGE", "SCR", "SEX")

CISPLATIN_SOLID = Therapy(
    name="cisplatin_solid_tumour",
    drug=DRUG,
    population="adults with solid tumours, hydrated",
    models=("cisplatin_course",),
    menu=Repeated((20.0, 100.0), "m2", (168.0, 504.0), (2.0,), STEPS.rounding),
    preparation=STEPS,
    goals=(
        Goal("response", NINE_WEEKS, None, 0.70, "1", 1.0, 0.2, "lesions at most 70 % of their first sum after nine weeks",
             "RECIST 1.1: partial response; the 30 % is assumed", min_probability=0.30,
             help="another drug, or another drug beside it: so many do not respond to one"),
        Goal("neutrophils", LOWEST, 0.5, None, "10*9/L", 2.0, 0.5, "neutrophils never below 0.5",
             "grade 4 (CTCAE); the 90 % is assumed",
             min_probability=0.90, joint=False, help=TOO_MUCH),
        Goal("kidney", KIDNEY_RISK, None, 0.25, "1", 2.0, 0.1, "chance of a kidney injury at most 25 %",
             MOTWANI + "; the 25 % is assumed",
             min_probability=0.90, joint=False, help="a smaller dose each time, hydration with magnesium, carboplatin instead"),
    ),
    limits=(
        Limit("dose_range", "dose_per_m2", 20.0, 100.0, "mg/m2", "one dose per m2", LABEL),
        Limit("intensity", "daily", None, 13.0, "mg/d", "mean dose per day", "about 50 mg/m2 a week at 1.8 m2 (assumed)"),
        Limit("schedule", "interval_ratio", 0.6, 1.7, "1", "interval over that of the course so far",
              "assumed: a course keeps its schedule, weekly or every three weeks; another one is another protocol"),
        Limit("schedule_three_weeks", "interval_h", 336.0, None, "h", "interval after a dose of more than 55 mg/m2", SCHEDULE,
              holds=lambda facts: (last_per_m2(facts) or 0.0) > 55.0),
        Limit("schedule_weekly", "interval_h", None, 336.0, "h", "interval after a dose of at most 55 mg/m2", SCHEDULE,
              holds=lambda facts: (last_per_m2(facts) or 99.0) <= 55.0),
        NOT_PAST, measured(STEPS),
    ),
    bars=(
        pregnancy("a pregnancy forbids it", "US label (recalled)"),
        Bar("creatinine", "SCR", "creatinine above 1.5 mg/dL: wait or choose carboplatin", "US label (recalled)", above=1.5),
    ),
    rules=(
        Rule("cisplatin_75", "75 mg/m2 every three weeks", LABEL, "recalled", NEEDS, _if_kidney(75.0, 504.0),
             "75 mg/m2, three weeks"),
        Rule("cisplatin_40_weekly", "40 mg/m2 every week", LABEL, "recalled", NEEDS, _if_kidney(40.0, 168.0), "40 mg/m2 a week"),
    ),
    everyday=Everyday(130.0, "mg", 504.0, 2.0, LABEL),
    typical={"WT": 70.0, "BSA": 1.8, "AGE": 58.0, "SCR": 0.9, "SEX": "male"},
    sampling=Sampling((240.0, 336.0, 504.0), of="NEUT", learns=("SLOPE", "CIRC0")),
    shown=((NINE_WEEKS, "course"), (LOWEST, "course"), (KIDNEY_RISK, "course"), (HEARING, "course")),
    listed=("NEUT", "SCR"),
    horizon_h=63 * 24.0,
    stale_h=30 * 24.0,
    source=LABEL + "; " + MOTWANI + "; chances and weights are assumed and declared here",
    note="hydration, magnesium and filgrastim are not in the model; hearing is shown, not weighed: 3.2 dB per 100 mg/m2 ever "
    "given, a mean (Frisina 2016); an audiogram tells the patient's own; free platinum has no accepted target",
)  # fmt: skip
