"""Carbamazepine by mouth: it speeds its own way out for a month, and two HLA alleles forbid it."""

from dataclasses import replace

from dosetwin.declare import At, Between, Everyday, Facts, Fits, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.change import Change
from dosetwin.declare.drug import Alarm, Raises, drug
from dosetwin.declare.genetic import bars
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation
from dosetwin.declare.reading import COURSE
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import LEARN, NOT_PAST, TOO_MUCH, measured, rises, rounded, starts
from dosetwin.formulary._genetics import CARBAMAZEPINE
from dosetwin.quantities import Code

RANGE = "4 to 12 mg/L (read: reference laboratories and textbooks)"
DRUG = drug(
    "carbamazepine",
    molar_mass=236.27,
    loinc=(Code("3432-2", "", "recalled"),),
    level_high=100.0,
    rxnorm="2002",
    atc=("N03AF01",),
    tablets=(400.0, 200.0),
    one_dose=(0.5, 30.0, "mg/kg"),
    usual=(1.0, 15.0),
    routes=("mouth",),
    longest_h=1.0,
    long_h=0.5,
    interactions=(
        Interaction(
            "carbamazepine_warfarin",
            "B01AA",
            28 * 24.0,
            "carbamazepine speeds the way out of warfarin; the need for it rises by half within one to two months and falls back "
            "within weeks of the end, when the old dose makes patients bleed",
            "an INR every week for two months after it is begun, changed or ended",
            "Mannheimer 2016, doi 10.1111/jth.13268 (166 patients; abstract read); fall within weeks: recalled",
            change=Change(
                "carbamazepine", ratio=1.49, sd=0.24, per_day=600.0, on_h=4 * 24.0, off_h=4 * 24.0, most=2.0, flag="INDUCER",
                provenance="derived",
                source="Mannheimer 2016: 49 % more warfarin, more than half in 59 % and more than twice in 17 % of patients, "
                "whence the spread; in proportion to dose (Kudriakova 1992), 600 mg a day assumed; half-time of four days as in "
                "the model of autoinduction",
            ),
        ),
    ),
    raises=(Raises("INDUCER", 14 * 24.0, "induction goes within one to two weeks (recalled)"),),
    alarms=(Alarm("level_toxic", 12.0, "above the usual range: double vision, ataxia, "
        "drowsiness", "a smaller dose, sodium; has an "
                  "inhibitor been started (macrolide, azole, verapamil)?", RANGE),),
)  # fmt: skip

MONTH = Reading("", "at", At(28, "d"), name="level after four weeks")
EPOXIDE = Reading("carbamazepine epoxide", "at", At(28, "d"), name="epoxide after four weeks")
ABOVE = Reading("", "ever_above", Between(0, 28, "d"), level=12.0)
LABEL = "US label: 200 mg twice a day to begin with, at most 200 mg a day more each week (druglib.com, droracle.ai: read)"
TABLETS = rounded(((0.0, 100.0),), "tablets of 200 mg, halved (recalled)")

CARBAMAZEPINE_EPILEPSY = Therapy(
    name="carbamazepine_epilepsy",
    drug=DRUG,
    population="adults with epilepsy, tablets twice a day",
    models=("carbamazepine_autoinduction", "carbamazepine_graves_1998"),
    fits=(Fits("carbamazepine_graves_1998", "DAY", "days of treatment", "d", "Graves 1998: steady state; 60 assumed", low=60.0),),
    menu=Repeated((100.0, 800.0), "", (12.0,), (0.0,), TABLETS, loading="never"),
    goals=(
        Goal("month", MONTH, 4.0, 12.0, "mg/L", 1.0, 4.0, "level after four weeks", RANGE + "; the 50 % is assumed",
             min_probability=0.50, help=LEARN),
        Goal("too_high", ABOVE, None, 0.5, "", 2.0, 0.5, "never above 12 mg/L within four weeks", RANGE + "; the 70 % is assumed",
             min_probability=0.70, joint=False, help="begin with less and go up by the week: induction takes a month; "
                 "" + TOO_MUCH),
    ),
    limits=(
        Limit("daily_most", "daily", None, 1200.0, "mg/d", "dose per day", "US label: generally no more than 1,200 mg a day; "
            "up to "
              "1,600 in rare instances, which a person decides (drugs.com/dosage/carbamazepine, read)"),
        Limit("daily_most_to_15", "daily", None, 1000.0, "mg/d", "dose per day", "US label: 1,000 mg a day to 15 years (read)",
              holds=lambda facts: (facts.number("AGE") or 40.0) < 16.0),
        starts(400.0, LABEL), rises(200.0, LABEL),
        NOT_PAST, measured(TABLETS),
    ),
    bars=bars(CARBAMAZEPINE),
    rules=(Rule("carbamazepine_label", "200 mg every 12 h to begin with", "US label (recalled)", "recalled", (),
                lambda facts: Says(200.0, 12.0, "start of the label", ""), "US label"),),
    everyday=Everyday(200.0, "mg", 12.0, 0.0, "US label (recalled)"),
    typical={"WT": 70.0, "AGE": 40.0, "HLA_B_1502": 0.0, "HLA_A_3101": 0.0},
    sampling=Sampling((0.0, 168.0, 336.0), learns=("CL0", "CL", "V")),
    shown=((MONTH, COURSE), (ABOVE, COURSE), (EPOXIDE, COURSE)),
    horizon_h=28 * 24.0,
    stale_h=60 * 24.0,
    source=RANGE + "; weights are assumed and declared here",
    note="from the first tablet on the first model is the right one; after two months of it the second, made of 829 patients, "
        "as well",
)  # fmt: skip

CHILD = (
    "US label of the suspension: 50 mg four times a day at 6 to 12 years, 100 mg from 12 years, 10 to 20 mg/kg a day in four "
    "doses below 6 (drugs.com/dosage/carbamazepine, read)"
)
WEEKLY = "US label: 100 mg a day more each week (mussenhealth.us, read)"
SUSPENSION = Preparation(
    20.0, ((0.0, 0.1), (3.0, 0.2), (5.0, 0.5)), "suspension of 20 mg/mL (drugs.com/dosage/carbamazepine, read); marks of "
    "syringes for the mouth: assumed",
)  # fmt: skip


def _child(facts: Facts) -> Says | str:
    if facts.AGE >= 12:
        return Says(100.0, 6.0, "from 12 years as adults", "")
    if facts.AGE >= 6:
        return Says(50.0, 6.0, "6 to 12 years", "")
    return Says(float(SUSPENSION.rounding.amounts(0.0, 2.5 * facts.WT)[-1]), 6.0, "below 6 years: 10 mg/kg a day at most", "")


CARBAMAZEPINE_CHILD = replace(
    CARBAMAZEPINE_EPILEPSY,
    name="carbamazepine_child",
    population="children from one year with epilepsy",
    models=("carbamazepine_reith_2001",),
    preparation=SUSPENSION,
    fits=(),
    menu=Repeated((1.25, 11.5), "kg", (6.0, 8.0), (0.0,), SUSPENSION.rounding, loading="never"),
    limits=(
        Limit("daily_most", "daily", None, 1000.0, "mg/d", "dose per day", "US label: 1,000 mg a day to 15 years (read)"),
        Limit("daily_dose", "daily_per_kg", None, 35.0, "mg/kg/d", "dose per day and kg",
              "US label: 35 mg/kg a day below 6 years (read)"),
        starts(10.0, "10 mg/kg a day to begin with (sgpgi.ac.in, anticonvulsants of children, read)", "mg/kg/d"),
        Limit("first_dose_school", "start_daily", None, 200.0, "mg/d", "a course at 6 to 12 years begins with no more a "
            "day", CHILD,
              holds=lambda facts: 6 <= facts.AGE < 12),
        Limit("first_dose_most", "start_daily", None, 400.0, "mg/d", "a course begins with no more a day", LABEL + ", of adults"),
        rises(100.0, WEEKLY),
        NOT_PAST, measured(SUSPENSION),
    ),
    rules=(Rule("carbamazepine_label_child", "by age: 10 mg/kg a day, 200 or 400 mg a day", CHILD, "secondary",
                ("AGE", "WT"), _child, "US label"),),
    everyday=Everyday(50.0, "mg", 6.0, 0.0, CHILD),
    typical={"WT": 25.0, "BSA": 0.93, "AGE": 8.0, "HLA_B_1502": 0.0, "HLA_A_3101": 0.0},
    sampling=Sampling((0.0, 168.0, 336.0), learns=("CL0", "V")),
    shown=(),
    note="its clearance follows the dose, over about two weeks. Suspension in three or four doses a day: its peaks are higher "
    "than those of tablets (US label), and the model shows none",
)  # fmt: skip
