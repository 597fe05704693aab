"""Digoxin by mouth: doses in milligrams (0.125 mg is 125 micrograms), levels in micrograms a litre, not soon after a dose."""

from dosetwin.declare import End, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Sentence, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import KIDNEY, NOT_PAST, TOO_MUCH, clearance, measured, rises_in_two_weeks, rounded, starts
from dosetwin.quantities import Code

RANGE = "0.5 to 0.9 ug/L in heart failure: Rathore 2003, JAMA 289:871 (recalled); deaths rise from 1.2"
DRUG = drug(
    "digoxin",
    molar_mass=780.94,
    level_unit="ug/L",
    loinc=(Code("10535-3", "", "recalled"),),
    level_high=50.0,
    rxnorm="3407",
    atc=("C01AA05",),
    tablets=(0.25, 0.125, 0.0625),
    halves=False,
    one_dose=(0.02, 1.5, "mg"),
    usual=(0.06, 0.75),
    routes=("mouth",),
    remarked=("vein",),
    longest_h=2.0,
    long_h=1.0,
    alarms=(
        Alarm("level_early", None, "drawn before the drug has gone from blood to tissue: it says nothing of what the heart sees",
              "take it at least 6, better 8 to 24 h after a dose", "label (recalled)", 0.0, 6.0),
        Alarm("level_toxic", 2.0, "above what is safe: nausea, coloured vision, arrhythmia", "stop it, an ECG, potassium and "
              "creatinine; digoxin antibodies where the rhythm is in danger", "label (recalled)", 6.0),
    ),
)  # fmt: skip

TROUGH = Reading("", "at", End(("next", "last")), name="trough")
LATER = Reading("", "at", End(("last",)), name="trough")
SLOWLY = (
    "US label: 0.25 mg a day below 70 years with good kidneys, 0.125 or 0.0625 else, raised every two weeks (healthscout.com, "
    "read); 0.125 mg more each time: assumed"
)
TABLETS = rounded(((0.0, 0.0625),), "tablets of 62.5, 125 and 250 micrograms (recalled)")


def _label(facts: Facts) -> Says:
    CLCR = clearance(facts)
    dose = 0.25 if CLCR >= 60 and facts.AGE < 70 else 0.125 if CLCR >= 30 else 0.0625
    halved = facts.on("AMIODARONE")
    text = f"creatinine clearance {CLCR:.0f} mL/min, {facts.AGE:.0f} y" + (", halved for amiodarone" if halved else "")
    return Says(max(dose / 2 if halved else dose, 0.0625), 24.0, text, "")


def _potassium(facts: Facts) -> str | None:
    K = facts.number("POTASSIUM")
    if K is None or K >= 3.5:
        return None
    return (
        f"potassium {K:.1f} mmol/L: below 3.5 the heart bears less digoxin at any level; replace it, with magnesium, before the "
        "next dose"
    )


DIGOXIN_ADULT = Therapy(
    name="digoxin_adult",
    drug=DRUG,
    population="adults with heart failure or atrial fibrillation",
    models=("digoxin_hirai_2022", "digoxin_jelliffe_2014"),
    menu=Repeated((0.0625, 0.375), "", (24.0, 48.0), (0.0,), TABLETS, loading="never"),
    goals=(
        Goal("trough", LATER, 0.5, 0.9, "ug/L", 1.0, 0.4, "level before the next dose", RANGE + "; the 30 % is assumed",
             min_probability=0.30, chance_doses=("last",), help="take a level after a week, before a dose, and ask again"),
        Goal("too_high", TROUGH, None, 1.2, "ug/L", 2.0, 0.5, "not where deaths rise", RANGE + "; the 80 % is assumed",
             min_probability=0.80, chance_doses=("next", "last"), closed=True, joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("dose_most", "dose", None, 0.5, "mg", "one dose", "assumed: maintenance above it is a slip of the decimal point"),
        Limit("interval_range", "interval_h", 24.0, 72.0, "h", "interval", "once a day, every second or third in renal failure"),
        starts(0.25, SLOWLY), rises_in_two_weeks(0.125, SLOWLY),
        NOT_PAST, measured(TABLETS),
    ),
    says=(Sentence("potassium_low", _potassium, "warning"),),
    rules=(Rule("digoxin_simple", "by kidney and age: 0.25, 0.125 or 0.0625 mg a "
        "day", "bedside rule of textbooks and ESC guidelines "
                "(recalled); its borders are assumed", "recalled", KIDNEY, _label, "by kidney and age"),),
    everyday=Everyday(0.125, "mg", 24.0, 0.0, "usual maintenance (recalled)"),
    typical={"WT": 65.0, "AGE": 72.0, "SCR": 1.0, "SEX": "male"},
    sampling=Sampling((0.0, 72.0, 168.0)),
    horizon_h=12 * 24.0,
    stale_h=60 * 24.0,
    source=RANGE + "; weights are assumed and declared here",
    note="the first model was made of troughs at steady state and knows amiodarone; the second follows a single dose into tissue",
)  # fmt: skip
