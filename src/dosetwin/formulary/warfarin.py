"""Warfarin: what it is called and how it is given; in adults what INR it aims at, limits, what forbids it, first doses."""

from dataclasses import replace

from dosetwin.declare import Between, Everyday, Goal, Limit, Reading, Therapy, Weekly
from dosetwin.declare.diary import Diary, Pause
from dosetwin.declare.drug import drug
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import pregnancy
from dosetwin.formulary._allergies import allergy
from dosetwin.formulary._warfarin_rules import BY_INR, RULES, RULES_AT_3

DRUG = drug(
    "warfarin",
    molar_mass=308.33,
    level_high=30.0,
    rxnorm="11289",
    atc=("B01AA03",),
    known="read",
    one_dose=(0.25, 160.0, "mg"),
    usual=(0.5, 20.0),
    routes=("mouth",),
    longest_h=1.0,
    long_h=1.0,
    tablets=(5.0, 3.0, 1.0, 0.5),
)

DIARY = Diary(
    missed=(
        "If you notice it on the same day, take the dose then.",
        "If you notice it the next day, leave it out and go on with that day's dose. Never take two days' doses together.",
        "Write the missed dose down and tell it at your next INR test.",
        "Two or more doses missed: call the clinic; an earlier INR test may be needed.",
    ),
    call=(
        "At once, by the emergency number: a blow to the head, black or bloody stools, vomiting blood, a sudden severe headache, "
        "weakness of one side, trouble speaking, chest pain, bleeding that does not stop within ten minutes.",
        "The same day: many new bruises, red or brown urine, bleeding gums, a swollen painful leg.",
        "Before the first dose of any new medicine, also from the pharmacy without prescription or from plants; when one is "
        "stopped; when an antibiotic, amiodarone or a medicine for seizures is begun or ended.",
        "If you are or may be pregnant.",
    ),
    habits=(
        "Take it once a day, at the same hour, best in the evening.",
        "Eat green vegetables as evenly as you can from week to week; little alcohol.",
        "No aspirin or ibuprofen against pain unless the clinic says so.",
        "Check the strength (mg) on each pack: the dose is in milligrams, not in tablets.",
    ),
    source="as patient leaflets of warfarin have it (recalled)",
    pause=Pause(
        days=5,
        begin_h=12.0,
        below=1.5,
        low=2.0,
        bridge="Heparin in between is suggested only for a high risk of clots: a mechanical mitral valve, a stroke or clot in "
        "the last three months; not for most with atrial fibrillation",
        source="Douketis 2012, Chest 141:e326S (stop 5 days before, read in the abstract); begin 12 to 24 h after (recalled); "
        "Douketis 2022, Chest 162:e207 (recalled). These models let an INR fall slower than patients' did (White 1995, recalled: "
        "from 2.6 to 1.2 in 4.7 days, here 1.5): the INR of the day before decides",
    ),
)
"""What the patient takes home."""

# -------------------------------------------------------------------------------------------------- what is aimed at, and limits

WEEKS_2_3 = Between(7, 21, "d")
MEAN = Reading("INR", "mean", Between(14, 21, "d"), name="mean of the third week")
RANGE = "Holbrook 2012, Chest 141:e152S (recalled)"


def _goals(low: float, high: float, too_high: float) -> tuple[tuple[Goal, ...], Reading]:
    """Goals of an INR from ``low`` to ``high``, never above ``too_high``, and the share of time they are about."""
    share = Reading("INR", "share_within", WEEKS_2_3, level=(low, high))
    above = Reading("INR", "ever_above", Between(0, 21, "d"), level=too_high)
    named = f"INR {low:g} to {high:g}"
    return (
        Goal("in_range", share, 0.60, None, "", 1.0, 0.60, f"share of the second and third week with an {named}",
             f"{RANGE}: {named}; 60 % of the time as wards reach it (Hamberg 2015: 61 %)", closed=True,
             help="take an INR in a few days and ask again: so little is known of this patient that no dose is likely to do"),
        Goal("bleeding", above, None, 0.5, "", 2.0, 0.5, f"no INR above {too_high:g} within three weeks",
             "bleeding in the brain is 3.6 times as frequent at an INR of 3.6 to 4.5 as at 2 to 2.5 (Singer 2009, "
             "doi 10.1161/CIRCOUTCOMES.108.830232); the 80 % is assumed", min_probability=0.80, joint=False,
             help="a smaller dose, an INR every few days, and a look at what else makes it rise"),
        Goal("third_week", MEAN, low, high, "1", 0.5, 1.0, "mean INR of the third week", f"{RANGE}: {named}", joint=False,
             brief=False, help="take an INR in a few days and ask again"),
    ), share  # fmt: skip


GOALS, SHARE = _goals(2.0, 3.0, 4.0)

WARFARIN_INR = Therapy(
    name="warfarin_inr",
    drug=DRUG,
    population="adults whose INR shall be 2 to 3",
    models=("warfarin_hamberg_2010_iwpc", "warfarin_hamberg_2010", "warfarin_hamberg_2007"),
    menu=Weekly(daily=(0.5, 15.0), step=0.5),
    goals=GOALS,
    limits=(
        Limit("daily", "dose", None, 15.0, "mg", "the largest dose of a day", "assumed: above it something else is wrong"),
        Limit("weekly_change", "weekly_change", 0.80, 1.20, "1", "dose of a week relative to the week before",
              "Holbrook 2012 and its nomograms: 5 to 20 % a step (recalled)",
              holds=lambda facts: not facts.on("CYP2C9_INHIBITOR")),
        Limit("weekly_change_beside", "weekly_change", 0.30, 1.50, "1", "dose of a week relative to the week before, beside a "
              "drug that slows CYP2C9 or just after it",
              "30 to 35 % less on the first day of metronidazole (PMID 21417792, read), 70 % less clearance under fluconazole "
              "(Cheng 2022, read); half as much more after its end: assumed",
              holds=lambda facts: facts.on("CYP2C9_INHIBITOR")),
        Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "a dose cannot be given before now"),
    ),
    bars=(
        pregnancy("a pregnancy forbids warfarin (malformations, bleeding of the child)", "US label (recalled)"),
        allergy("coumarin"),
    ),
    rules=(*RULES, BY_INR),
    everyday=Everyday(5.0, "mg", 24.0, 0.0, "the usual first dose"),
    typical={"AGE": 65.0, "HT": 170.0, "WT": 80.0, "VKORC1_A": 1.0, "CYP2C9_2": 0.0, "CYP2C9_3": 0.0},
    sampling=Sampling((24.0, 48.0, 72.0, 120.0, 168.0), of="INR", learns=("EC50",), sharp=0.20, soon_h=72.0,
                      soon_source="beyond the usual step of 20 %: an INR within three days (assumed; labels ask for INRs within "
                      "days where another drug begins or ends)"),
    shown=((MEAN, "course"), (SHARE, "course")),
    horizon_h=21 * 24.0,
    stale_h=21 * 24.0,
    diary=DIARY,
    source="Holbrook 2012, IWPC 2009 and Gage 2008; chances and weights are assumed and declared here",
    note="tablets halved; the days of the week differ by half a milligram at most",
)  # fmt: skip

GOALS_HIGH, SHARE_HIGH = _goals(2.5, 3.5, 4.5)

WARFARIN_INR_HIGH = replace(
    WARFARIN_INR,
    name="warfarin_inr_high",
    population="adults whose INR shall be 2.5 to 3.5: a mechanical mitral valve",
    goals=GOALS_HIGH,
    rules=(*RULES_AT_3, next(r for r in RULES if r.name == "warfarin_five")),
    shown=((MEAN, "course"), (SHARE_HIGH, "course")),
    note="tablets halved; the days of the week differ by half a milligram at most; the clinic's table by INR is for 2 to 3 only",
)
