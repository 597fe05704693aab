"""Theophylline by mouth in adults: a narrow level that smoking lowers and heart failure raises."""

from dosetwin.declare import End, Everyday, Facts, Goal, Interval, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import LEARN, NOT_PAST, TOO_MUCH, measured, rises, rounded, starts, step
from dosetwin.quantities import Code

RANGE = "5 to 15 mg/L (NAEPP and GINA; recalled)"
DRUG = drug(
    "theophylline",
    molar_mass=180.16,
    loinc=(Code("4049-3", "", "recalled"),),
    level_high=200.0,
    rxnorm="10438",
    atc=("R03DA04",),
    tablets=(300.0, 200.0, 100.0),
    one_dose=(0.5, 20.0, "mg/kg"),
    usual=(1.0, 12.0),
    routes=("mouth",),
    remarked=("vein",),
    longest_h=24.0,
    long_h=1.0,
    alarms=(Alarm("level_toxic", 20.0, "toxic: vomiting, arrhythmia, seizures", "stop it, ECG and potassium; charcoal; "
        "dialysis where "
                  "the level is above 90, or above 40 on a long course", "recalled"),),
)  # fmt: skip

TROUGH = Reading("", "at", End(("next", "last")), name="trough")
PEAK = Reading("", "max", Interval(("next", "last")), name="highest level")
LATER = Reading("", "at", End(("last",)), name="trough")
LABEL = (
    "US label: 300 mg a day, after three days 400, after three more 600 (drugs.com/dosage/theophylline, read); 400 from the "
    "first day on is the rule here"
)
TABLETS = rounded(((0.0, 50.0),), "tablets of 100, 200 and 300 mg, halved (recalled)")


def _label(facts: Facts) -> Says:
    slow = facts.on("HEART_FAILURE")
    return Says(100.0 if slow else 200.0, 12.0, "heart failure: at most 400 mg a day" if slow else "adults without risks", "")


THEOPHYLLINE_ADULT = Therapy(
    name="theophylline_adult",
    drug=DRUG,
    population="adults with asthma or airway obstruction, tablets twice a day",
    models=("theophylline_powell_1978", "theophylline_rovei_1982"),
    menu=Repeated((100.0, 500.0), "", (12.0,), (0.0,), TABLETS, loading="never"),
    goals=(
        Goal("trough", LATER, 5.0, 15.0, "mg/L", 1.0, 5.0, "level before the next dose", RANGE + "; the 50 % is assumed",
             min_probability=0.50, chance_doses=("last",), help=LEARN),
        Goal("too_high", PEAK, None, 20.0, "mg/L", 2.0, 5.0, "highest level of the interval", "toxic above 20 mg/L (recalled); "
            "the 85 % "
             "is assumed", min_probability=0.85, chance_doses=("next", "last"), closed=True, joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("daily_most", "daily", None, 1000.0, "mg/d", "dose per day", "assumed; US label: 900 mg a day at most "
              "without levels (globalrph.com, read)"),
        step(0.4, 1.6, "assumed: more than 60 % up at once is not proposed"),
        starts(400.0, LABEL), rises(300.0, LABEL),
        NOT_PAST, measured(TABLETS),
    ),
    rules=(Rule("theophylline_label", "200 mg every 12 h, in heart failure 100 mg", "US label: 300 mg a day, after three days "
        "400, after "
                "three more 600; with risk factors at most 400 (recalled); the second step is taken", "recalled", (), _label,
                "US label"),),
    everyday=Everyday(200.0, "mg", 12.0, 0.0, "US label (recalled)"),
    typical={"WT": 70.0},
    sampling=Sampling((0.0, 36.0, 60.0)),
    horizon_h=4 * 24.0,
    stale_h=30 * 24.0,
    source=RANGE + "; weights are assumed and declared here",
    note="the first model is of patients and slow tablets, the second of healthy people and plain ones",
)  # fmt: skip
