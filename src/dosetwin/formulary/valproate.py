"""Valproate by mouth: total and free level, whose ratio changes with dose and albumin."""

from dataclasses import replace

from dosetwin.declare import Bar, End, Everyday, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, Raises, drug
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import LEARN, NOT_PAST, TOO_MUCH, measured, pregnancy, rises, rounded, starts
from dosetwin.quantities import Code

RANGE = "50 to 100 mg/L total (recalled)"
DRUG = drug(
    "valproate",
    molar_mass=144.21,
    loinc=(Code("4086-5", "", "recalled"),),
    level_high=1500.0,
    rxnorm="40254",
    atc=("N03AG01",),
    tablets=(500.0, 250.0, 125.0),
    halves=False,
    synonyms=("valproic acid", "divalproex"),
    one_dose=(1.0, 80.0, "mg/kg"),
    usual=(3.0, 40.0),
    routes=("mouth",),
    remarked=("vein",),
    raises=(Raises("VALPROATE", 3 * 24.0, "assumed: gone within three days"),),
    interactions=(
        Interaction(
            "carbamazepine_epoxide",
            "N03AF01",  # carbamazepine
            7 * 24.0,
            "carbamazepine speeds the way out of valproate (the model reads that); valproate slows that of carbamazepine's "
            "epoxide, which acts and harms like it: a level of carbamazepine in its range may hide too much",
            "ask about double vision, dizziness and sleepiness; an epoxide level if it can be had; levels of both after a change",
            "US labels of both (recalled); the epoxide by 43 % (its clearance falls to 0.70: Pisani 1990, six volunteers, "
            "abstract read), "
            "which carbamazepine's model of autoinduction tells; 7 d: assumed",
        ),
    ),
    longest_h=2.0,
    long_h=1.0,
    alarms=(Alarm("level_toxic", 120.0, "above the usual range: drowsiness, tremor, low "
        "platelets", "ammonia and platelets; with low "
                  "albumin the free level is higher than the total one tells", "label: 110 in women, 135 in men (recalled)"),),
)  # fmt: skip

TROUGH = Reading("", "at", End(("next", "last")), name="trough")
LATER = Reading("", "at", End(("last",)), name="trough")
"""Titrated by the week: where a dose leads to counts, not the level before the second tablet."""
FREE = Reading("free valproate", "at", End(("last",)), name="trough")
SICKKIDS = "35 to 70 umol/L free, 5 to 10 mg/L (SickKids test catalogue, read)"
LABEL = "US label: 10 to 15 mg/kg a day to begin with, 5 to 10 mg/kg a week more (drugs.com/dosage/valproic-acid, read)"
TABLETS = rounded(((0.0, 125.0),), "tablets of 125, 250 and 500 mg (recalled)")

VALPROATE_EPILEPSY = Therapy(
    name="valproate_epilepsy",
    drug=DRUG,
    population="adults and children from 25 kg with epilepsy, tablets",
    models=("valproate_label_2020",),
    menu=Repeated((5.0, 30.0), "kg", (12.0,), (0.0,), rounded(((0.0, 125.0), (1000.0, 250.0)), TABLETS.source),
                  loading="never"),
    goals=(
        Goal("trough", LATER, 50.0, 100.0, "mg/L", 1.0, 40.0, "total level before the next "
            "dose", RANGE + "; the 40 % is assumed",
             min_probability=0.40, chance_doses=("last",), help=LEARN),
        Goal("free", FREE, 5.0, 15.0, "mg/L", 1.0, 10.0, "free level before the next "
            "dose", SICKKIDS + "; 15 for adults (recalled)",
             joint=False, help="a free level where albumin is low or the total one near its border"),
        Goal("too_high", TROUGH, None, 120.0, "mg/L", 2.0, 30.0, "not where platelets fall", "label (recalled); 85 % assumed",
             min_probability=0.85, chance_doses=("next", "last"), closed=True, joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("daily_dose", "daily_per_kg", None, 60.0, "mg/kg/d", "dose per day and kg", "label: 60 mg/kg a day (recalled)"),
        starts(15.0, LABEL, "mg/kg/d"), rises(10.0, LABEL, "mg/kg/d"),
        NOT_PAST,
    ),
    bars=(
        pregnancy("a pregnancy forbids it (malformations, lower intelligence of the "
            "child)", "EMA 2018 (recalled)"),
    ),
    rules=(Rule("valproate_label", "15 mg/kg a day to begin with", "US label: 10 to 15 mg/kg a day, more by the week (recalled)",
                "recalled", ("WT",), lambda facts: Says(7.5, 12.0, "15 mg/kg a day", "kg"), "US label"),),
    everyday=Everyday(500.0, "mg", 12.0, 0.0, "a usual dose of adults (recalled)"),
    typical={"WT": 70.0, "ALB": 42.0},
    sampling=Sampling((0.0, 48.0, 96.0), learns=("CLU", "V")),
    horizon_h=5 * 24.0,
    stale_h=60 * 24.0,
    source=RANGE + "; weights are assumed and declared here",
    note="the total level rises less than the dose: more of it is free. Carbamazepine, phenytoin and phenobarbital raise the "
        "clearance",
)  # fmt: skip

SYRUP = Preparation(50.0, ((0.0, 0.5),), "syrup of 250 mg in 5 mL, in steps of 0.5 mL (recalled)")
CHILD = "US label: 15 mg/kg a day to begin with, 5 to 10 mg/kg a week more, at most 60 mg/kg a day (droracle.ai, read)"

VALPROATE_CHILD = replace(
    VALPROATE_EPILEPSY,
    name="valproate_child",
    population="children from two years with epilepsy, syrup twice a day",
    models=("valproate_serrano_1999", "valproate_label_2020"),
    preparation=SYRUP,
    menu=Repeated((2.5, 30.0), "kg", (12.0,), (0.0,), SYRUP.rounding, loading="never"),
    goals=tuple(g for g in VALPROATE_EPILEPSY.goals if g.code != "free"),
    limits=(
        Limit("daily_dose", "daily_per_kg", None, 60.0, "mg/kg/d", "dose per day and kg", CHILD),
        starts(15.0, CHILD, "mg/kg/d"), rises(10.0, CHILD, "mg/kg/d"),
        NOT_PAST, measured(SYRUP),
    ),
    bars=(
        *VALPROATE_EPILEPSY.bars,
        Bar("under_two", "AGE", "under two years the liver fails far more often",
            "US label, boxed warning (recalled)", below=2.0, help="another drug; a child neurologist decides"),
    ),
    rules=(Rule("valproate_label_child", "15 mg/kg a day to begin with", CHILD, "secondary", ("WT",),
                lambda facts: Says(7.5, 12.0, "15 mg/kg a day", "kg"), "US label"),),
    everyday=Everyday(10.0, "mg/kg", 12.0, 0.0, CHILD),
    typical={"WT": 18.0, "AGE": 5.0},
    sampling=Sampling((0.0, 48.0, 96.0), learns=("CL1", "CLU", "V")),
    shown=(),
    note="children clear more per kg than adults. The first model was made of 255 children and follows the dose; it has no "
        "free level",
)  # fmt: skip
