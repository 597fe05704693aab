"""Tacrolimus by mouth after kidney transplantation: trough in whole blood, micrograms a litre; CYP3A5 decides the first dose."""

from dataclasses import replace

from dosetwin.declare import End, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import LEARN, NOT_PAST, TOO_MUCH, measured, rounded, step
from dosetwin.quantities import Code

DRUG = drug(
    "tacrolimus",
    molar_mass=804.0,
    level_unit="ug/L",
    loinc=(Code("11253-2", "whole blood", "recalled"),),
    level_high=150.0,
    rxnorm="42316",
    atc=("L04AD02",),
    tablets=(5.0, 1.0, 0.5),
    halves=False,
    piece="capsule",
    one_dose=(0.1, 40.0, "mg"),
    usual=(0.5, 20.0),
    routes=("mouth",),
    longest_h=1.0,
    long_h=0.5,
    alarms=(Alarm("level_toxic", 20.0, "above any target: tremor, kidney injury and high potassium "
        "follow", "leave a dose out and "
                  "measure again; was it a trough, and has an azole or macrolide been started?", "recalled"),),
)  # fmt: skip

TROUGH = Reading("", "at", End(("next", "second", "last")), name="trough")
ROTTERDAM = "Andrews 2019 (secondary): pre-dose 10 to 15 in weeks 1 and 2, 8 to 12 in weeks 3 and 4, then 5 to 10 ug/L"
CPIC = (
    "Birdwell 2015, Clin Pharmacol Ther 98:19 (CPIC; recalled): carriers of CYP3A5*1 start with 1.5 "
    "to 2 times, at most 0.3 mg/kg/d"
)


def _cpic(facts: Facts) -> Says:
    expresses = facts.CYP3A5_1 > 0.5
    text = f"{facts.CYP3A5_1:g} CYP3A5*1 alleles" + (": one and a half times the standard" if expresses else ": the standard")
    return Says(0.15 if expresses else 0.1, 12.0, text, "kg")


RULES = (
    Rule("tacrolimus_standard", "0.2 mg/kg a day in two doses", "standard of Andrews 2019 (secondary)", "secondary", ("WT",),
         lambda facts: Says(0.1, 12.0, "standard starting dose", "kg"), "standard"),
    Rule("tacrolimus_cpic", "CPIC 2015 by CYP3A5", CPIC + "; the factor 1.5 is taken", "recalled", ("WT", "CYP3A5_1"), _cpic,
         "CPIC 2015"),
)  # fmt: skip
CAPSULES = rounded(((0.0, 0.5),), "capsules of 0.5, 1 and 5 mg (recalled)")


def _goals(low: float, high: float) -> tuple[Goal, ...]:
    return (
        Goal("trough", TROUGH, low, high, "ug/L", 1.0, 5.0, "level before the next dose", ROTTERDAM + "; the 25 % is assumed",
             min_probability=0.25, chance_doses=("last",), help=LEARN),
        Goal("too_high", TROUGH, None, 20.0, "ug/L", 2.0, 10.0, "not where kidneys and nerves suffer", "recalled; 85 % assumed",
             min_probability=0.85, chance_doses=("next", "second", "last"), closed=True, joint=False, help=TOO_MUCH),
    )  # fmt: skip


TACROLIMUS_KIDNEY_START = Therapy(
    name="tacrolimus_kidney_start",
    drug=DRUG,
    population="adults in the first two weeks after kidney transplantation",
    models=("tacrolimus_andrews_2019", "tacrolimus_woillard_2011"),
    menu=Repeated((0.5, 15.0), "", (12.0,), (0.0,), CAPSULES, loading="never"),
    goals=_goals(10.0, 15.0),
    limits=(
        Limit("daily_most", "daily", None, 30.0, "mg/d", "dose per day", "0.3 mg/kg a day (CPIC) at 100 kg"),
        Limit("daily_dose", "daily_per_kg", None, 0.3, "mg/kg/d", "dose per day and kg", CPIC),
        step(0.2, 2.0, "assumed: more than double or less than a fifth at once is not proposed; voriconazole asks for a third"),
        NOT_PAST, measured(CAPSULES),
    ),
    rules=RULES,
    everyday=Everyday(0.1, "mg/kg", 12.0, 0.0, "standard starting dose (secondary)"),
    typical={"WT": 75.0, "HT": 172.0, "AGE": 55.0, "SEX": "male", "SCR": 1.6, "ALB": 38.0, "HCT": 0.33, "CYP3A5_1": 0.0},
    sampling=Sampling((12.0, 24.0, 36.0, 60.0)),
    horizon_h=5 * 24.0,
    stale_h=4 * 24.0,
    source=ROTTERDAM + "; chances and weights are assumed and declared here",
    note="of a patient whose genotype nobody knows the models take no CYP3A5*1 allele and say so",
)  # fmt: skip

TACROLIMUS_KIDNEY = replace(
    TACROLIMUS_KIDNEY_START,
    name="tacrolimus_kidney",
    population="adults from the fifth week after kidney transplantation",
    goals=_goals(5.0, 10.0),
    stale_h=30 * 24.0,
)
