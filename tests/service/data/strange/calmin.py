"""Calmin as a ward would know it: tablets, one laboratory goal, no weight, no MIC. Made up for tests."""

from dosetwin.declare import Bar, Between, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy, Weekly
from dosetwin.declare.drug import drug
from dosetwin.declare.therapy import Sampling

DRUG = drug(
    "calmin", rxnorm="9999998", one_dose=(0.1, 100.0, "mg"), usual=(0.5, 60.0), routes=("mouth",), longest_h=1.0, long_h=1.0
)

SECOND_WEEK = Reading("INR", "mean", Between(7, 14, "d"), name="mean of the second week")


def _ten(facts: Facts) -> Says:
    return Says(10.0, 24.0, "everybody", "")


CALM = Therapy(
    name="calm",
    drug=DRUG,
    population="adults, made up",
    models=("calmin_model.py",),
    menu=Weekly(daily=(1.0, 40.0), step=0.5),
    goals=(Goal("calm_ratio", SECOND_WEEK, 2.0, 3.0, "1", 1.0, 1.0, "mean ratio of the second week", "made up", help="measure"),),
    limits=(
        Limit("daily", "dose", None, 40.0, "mg", "the largest dose of a day", "made up"),
        Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "made up"),
    ),
    bars=(Bar("allele", "CYP2C9_3", "two alleles forbid calmin", "made up", forbids=(2.0,)),),
    rules=(Rule("calm_ten", "10 mg a day", "made up", "assumed", (), _ten, "10 mg a day"),),
    everyday=Everyday(10.0, "mg", 24.0, 0.0, "made up"),
    sampling=Sampling((24.0, 48.0, 72.0, 168.0), of="INR", learns=("K",)),
    shown=((SECOND_WEEK, "course"),),
    listed=("INR",),
    horizon_h=14 * 24.0,
    stale_h=21 * 24.0,
    source="made up",
)
