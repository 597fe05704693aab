"""Voriconazole by mouth in adults: a trough that CYP2C19, inflammation and its own inhibition decide."""

from dosetwin.declare import End, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.change import Change
from dosetwin.declare.drug import Alarm, Raises, drug
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.menu import Repeated
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import LEARN, NOT_PAST, TOO_MUCH, measured, rounded
from dosetwin.formulary._harms import on_warfarin
from dosetwin.quantities import Code

RANGE = "trough of 1 to 5.5 mg/L (Pascual 2008, CID 46:201, and guidelines; recalled)"
DRUG = drug(
    "voriconazole",
    molar_mass=349.31,
    loinc=(Code("38370-3", "", "recalled"),),
    level_high=60.0,
    rxnorm="121243",
    atc=("J02AC03",),
    tablets=(200.0, 50.0),
    halves=False,
    one_dose=(20.0, 1000.0, "mg"),
    usual=(100.0, 500.0),
    routes=("mouth",),
    remarked=("vein",),
    longest_h=6.0,
    long_h=4.0,
    raises=(Raises("CYP2C9_INHIBITOR", 5 * 24.0, "while its effect goes (assumed: five half-times)"),),
    interactions=(
        Interaction(
            "voriconazole_tacrolimus",
            "L04AD02",
            14 * 24.0,
            "voriconazole slows the way out of tacrolimus by CYP3A: its level rises about three times within days",
            "a third of the dose of tacrolimus from the first day, levels every second or third day until they stand, and again "
            "after its end",
            "drugs.com, interactions of tacrolimus with azoles (read; from the labels)",
            change=Change(
                "voriconazole", ratio=0.31, sd=0.3, per_day=400.0, on_h=24.0, off_h=48.0, power=0.2, provenance="derived",
                source="drugs.com (read): 3.2 times the area after a week of voriconazole by mouth; spread between patients, "
                "half-times of a day and two days, and that half the dose does nearly as much: assumed",
            ),
        ),
        on_warfarin(
            Change(
                "voriconazole", ratio=0.41, sd=0.4, per_day=400.0, on_h=24.0, off_h=24.0, power=0.5, provenance="derived",
                source="Yamamoto 2014, Biol Pharm Bull 37:1990 (read): five patients, INR 1.95 to 2.89 at INR over dose 1.13 to "
                "2.23, by way of a steepness of 1.15 a clearance of 0.41; one patient settled at 40 % of her dose (Song 2020, "
                "Clin Exp Thromb Hemost 6:1, read); label by hellopharmacist.com (read): the prothrombin time twice that "
                "of placebo under 300 mg twice a day; dose 400 mg a day, spread, half-times and growth assumed",
            ),
        ),
        Interaction(
            "voriconazole_phenytoin",
            "N03AB02",
            14 * 24.0,
            "voriconazole raises the area of phenytoin by 81 %, and phenytoin about halves the level of voriconazole, which its "
            "model does not know",
            "avoid the two together; else 400 mg of voriconazole every 12 h by mouth (200 mg below 40 kg), levels of both within "
            "days",
            "medpill.info and Crit Care 2014, doi 10.1186/s13054-014-0458-4, table 4 (read); no number moves",
        ),
        Interaction(
            "voriconazole_inducer",
            ("N03AF01", "N03AA02", "J04AB02"),  # carbamazepine, phenobarbital, rifampicin
            14 * 24.0,
            "carbamazepine, phenobarbital and rifampicin take the level of voriconazole away: labels forbid them together, and "
            "its model does not know of it",
            "another antifungal, or another drug in place of the inducer, whose effect goes within about two weeks of its end",
            "label by mims.com (contraindications, read); two weeks: recalled; no number moves",
        ),
    ),
    alarms=(Alarm("level_toxic", 5.5, "above the usual range: hallucinations, liver "
        "injury", "a smaller dose or a longer wait, and "
                  "a level in three days; poor metabolizers and inflammation raise it", RANGE),),
)  # fmt: skip

TROUGH = Reading("", "at", End(("next", "last")), name="trough")
LABEL = "label: 400 mg twice, then 200 mg every 12 h by mouth; half below 40 kg (recalled)"
CPIC = "Moriyama 2017, Clin Pharmacol Ther 102:45 (CPIC; recalled)"


def _label(facts: Facts) -> Says:
    part = 0.5 if facts.WT < 40 else 1.0
    return Says(200.0 * part, 12.0, "40 kg and more" if part == 1 else "below 40 kg", "", 400.0 * part)


def _cpic(facts: Facts) -> Says | str:
    if facts.CYP2C19 >= 3:
        return "CPIC 2017: rapid and ultrarapid metabolizers get another drug, their trough will be too low"
    if facts.CYP2C19 < 1:
        return "CPIC 2017: poor metabolizers get another drug, or less of this one by levels"
    return Says(200.0, 12.0, "normal or intermediate metabolizer: the label's dose", "", 400.0)


TABLETS = rounded(((0.0, 50.0),), "tablets of 50 and 200 mg (recalled)")

VORICONAZOLE_ADULT = Therapy(
    name="voriconazole_adult",
    drug=DRUG,
    population="adults with an invasive fungal infection, tablets",
    models=("voriconazole_kim_2019", "voriconazole_jiang_2022"),
    menu=Repeated((100.0, 400.0), "", (12.0,), (0.0,), TABLETS),
    goals=(
        Goal("trough", TROUGH, 1.0, 5.5, "mg/L", 1.0, 2.0, "level before the next dose", RANGE + "; the 40 % is assumed",
             min_probability=0.40, chance_doses=("last",), help=LEARN),
        Goal("too_high", TROUGH, None, 5.5, "mg/L", 1.0, 2.0, "not where it harms", RANGE + "; the 70 % is assumed",
             min_probability=0.70, chance_doses=("next", "last"), closed=True, joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("daily_most", "daily", None, 800.0, "mg/d", "dose per day", "assumed: twice the label's"),
        Limit("goes_on", "later_daily", None, 600.0, "mg/d", "dose per day after the loading dose",
              "label: 200 mg every 12 h, 300 mg where that is too little (recalled)"),
        NOT_PAST, measured(TABLETS),
    ),
    rules=(
        Rule("voriconazole_label", "label: 400 mg twice, then 200 mg every 12 h", LABEL, "recalled", ("WT",), _label, "label"),
        Rule("voriconazole_cpic", "CPIC 2017 by CYP2C19", CPIC, "recalled", ("CYP2C19",), _cpic, "CPIC 2017"),
    ),
    everyday=Everyday(200.0, "mg", 12.0, 0.0, LABEL),
    typical={"WT": 65.0, "CYP2C19": 2.0, "CRP": 40.0},
    sampling=Sampling((0.0, 24.0, 48.0, 72.0), learns=("CL0", "CL", "FLOOR")),
    horizon_h=5 * 24.0,
    stale_h=5 * 24.0,
    source=RANGE + "; weights are assumed and declared here",
    note="not linear in the dose: half as much more can be twice the level. The first model knows the gene, the second "
        "inflammation",
)  # fmt: skip
