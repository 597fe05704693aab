"""Warfarin: what it is called and how it is given; in adults what INR it aims at, limits, what forbids it, first doses."""

from dosetwin.declare import Bar, Between, Everyday, Goal, Limit, Reading, Therapy, Weekly
from dosetwin.declare.drug import drug
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._warfarin_rules import BY_INR, RULES

DRUG = drug(
    "warfarin",
    molar_mass=308.33,
    level_high=30.0,
    rxnorm="11289",
    atc=("B01AA03",),
    known="read",
    one_dose=(0.005, 2.0, "mg/kg"),
    usual=(0.005, 0.5),
    routes=("mouth",),
    longest_h=1.0,
    long_h=1.0,
)

# -------------------------------------------------------------------------------------------------- what is aimed at, and limits

WEEKS_2_3 = Between(7, 21, "d")
SHARE = Reading("INR", "share_within", WEEKS_2_3, level=(2.0, 3.0))
ABOVE = Reading("INR", "ever_above", Between(0, 21, "d"), level=4.0)
MEAN = Reading("INR", "mean", Between(14, 21, "d"), name="mean of the third week")
RANGE = "Holbrook 2012, Chest 141:e152S: INR 2 to 3 (recalled)"

WARFARIN_INR = Therapy(
    name="warfarin_inr",
    drug=DRUG,
    population="adults whose INR shall be 2 to 3",
    models=("warfarin_hamberg_2010",),
    menu=Weekly(daily=(0.5, 15.0), step=0.5),
    goals=(
        Goal("in_range", SHARE, 0.60, None, "", 1.0, 0.60, "share of the second and third week with an INR of 2 to 3",
             RANGE + "; 60 % of the time as wards reach it (Hamberg 2015: 61 %)", closed=True,
             help="take an INR in a few days and ask again: so little is known of this patient that no dose is likely to do"),
        Goal("bleeding", ABOVE, None, 0.5, "", 2.0, 0.5, "no INR above 4 within three weeks",
             "bleeding rises from an INR of 4 (recalled); the 80 % is assumed", min_probability=0.80, joint=False,
             help="a smaller dose, an INR every few days, and a look at what else makes it rise"),
        Goal("third_week", MEAN, 2.0, 3.0, "1", 0.5, 1.0, "mean INR of the third week", RANGE, joint=False, brief=False,
             help="take an INR in a few days and ask again"),
    ),
    limits=(
        Limit("daily", "dose", None, 15.0, "mg", "the largest dose of a day", "assumed: above it something else is wrong"),
        Limit("weekly_change", "weekly_change", 0.80, 1.20, "1", "dose of a week relative to the week before",
              "Holbrook 2012 and its nomograms: 5 to 20 % a step (recalled)"),
        Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "a dose cannot be given before now"),
    ),
    bars=(
        Bar("pregnancy", "PREGNANT", "a pregnancy forbids warfarin (malformations, bleeding of the child)", "US label (recalled)",
            forbids=(1.0,)),
    ),
    rules=(*RULES, BY_INR),
    everyday=Everyday(5.0, "mg", 24.0, 0.0, "the usual first dose"),
    typical={"AGE": 65.0, "VKORC1_A": 1.0, "CYP2C9_2": 0.0, "CYP2C9_3": 0.0},
    sampling=Sampling((24.0, 48.0, 72.0, 120.0, 168.0), of="INR", learns=("CL", "EC50")),
    shown=((MEAN, "course"), (SHARE, "course")),
    horizon_h=21 * 24.0,
    stale_h=21 * 24.0,
    source="Holbrook 2012 and Gage 2008; chances and weights are assumed and declared here",
    note="tablets halved; the days of the week differ by half a milligram at most",
)  # fmt: skip
