"""Lithium carbonate by mouth: doses in milligrams of carbonate, the level in mmol/L twelve hours after a dose."""

from dosetwin.declare import After, Bar, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import KIDNEY, KIDNEY_ASKED, NOT_PAST, TOO_MUCH, clearance, measured, rises, rounded, starts, step
from dosetwin.quantities import Code

RANGE = "0.6 to 0.8 mmol/L twelve hours after a dose in maintenance: Nolen 2019, Bipolar Disord 21:394 (ISBD; recalled)"
DRUG = drug(
    "lithium",
    text="lithium carbonate",
    molar_mass=6.94,
    level_unit="mmol/L",
    loinc=(Code("14334-7", "moles", "recalled"),),
    level_high=10.0,
    rxnorm="42351",
    atc=("N05AN01",),
    tablets=(300.0,),
    synonyms=("lithium carbonate",),
    one_dose=(50.0, 2500.0, "mg"),
    usual=(150.0, 1500.0),
    routes=("mouth",),
    longest_h=1.0,
    long_h=0.5,
    alarms=(
        Alarm("level_early", None, "drawn too soon after a dose: targets are about twelve "
            "hours", "take it twelve hours after the "
              "last dose", "ISBD (recalled)", 0.0, 10.0),
        Alarm("level_toxic", 1.5, "toxic: tremor, confusion, kidney injury", "stop it, fluids, creatinine and sodium; dialysis "
            "above "
              "4, or above 2.5 with signs", "label (recalled)"),
    ),
)  # fmt: skip

TWELVE = Reading("", "at", After(12.0, ("next", "last")), name="12-h level")
LATER = Reading("", "at", After(12.0, ("last",)), name="12-h level")
LABEL = "US label: 300 mg three times a day to begin with, 300 mg a day more every three days (buzzrx.com, read)"
MMOL_PER_MG = 2.0 / 73.89
PEPIN = "Pepin 1980, J Clin Pharmacol 20:610: clearance of lithium 0.235 of that of creatinine (recalled)"


def _pepin(facts: Facts) -> Says:
    CL = 0.235 * clearance(facts) * 0.06
    return Says(0.7 * CL * 12.0 / MMOL_PER_MG, 12.0, f"clearance {CL:.2f} L/h, for 0.7 mmol/L on average", "")


TABLETS = rounded(((0.0, 150.0),), "tablets of 300 mg, halved (recalled)")

LITHIUM_BIPOLAR = Therapy(
    name="lithium_bipolar",
    drug=DRUG,
    population="adults with bipolar disorder on maintenance",
    models=("lithium_jermain_1991",),
    menu=Repeated((150.0, 1200.0), "", (12.0, 24.0), (0.0,), TABLETS, loading="never"),
    goals=(
        Goal("twelve", LATER, 0.6, 0.8, "mmol/L", 1.0, 0.2, "level twelve hours after a dose", RANGE + "; the 20 % is assumed",
             min_probability=0.20, chance_doses=("last",), help="take a level after five days, twelve hours after a dose"),
        Goal("too_high", TWELVE, None, 1.2, "mmol/L", 2.0, 0.4, "not where it harms", "label: keep below 1.5; 1.2 and the 90 % "
            "assumed",
             min_probability=0.90, chance_doses=("next", "last"), closed=True, joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("daily_most", "daily", None, 1800.0, "mg/d", "dose per day", "label: 1,800 mg a day in mania (recalled)"),
        step(0.4, 2.0, "assumed: more than double or less than half at once is not proposed"),
        starts(900.0, LABEL), rises(600.0, LABEL),
        NOT_PAST, measured(TABLETS),
    ),
    bars=(
        Bar("kidney", "SCR", "creatinine clearance below 30 mL/min: lithium is not for severe kidney failure",
            "US label (MPR's monograph, read)",
            below=30.0, of=clearance, asks=KIDNEY_ASKED, help="valproate, quetiapine or lamotrigine instead (recalled)"),
    ),
    rules=(
        Rule("lithium_pepin", "Pepin 1980: by creatinine clearance", PEPIN, "recalled", KIDNEY, _pepin, "Pepin 1980"),
        Rule("lithium_label", "300 mg three times a day to begin with", "US label (recalled)", "recalled", (),
             lambda facts: Says(300.0, 8.0, "start of the label", ""), "US label"),
    ),
    everyday=Everyday(450.0, "mg", 12.0, 0.0, "usual maintenance (recalled)"),
    typical={"WT": 70.0, "HT": 172.0, "AGE": 40.0, "SCR": 0.9, "SEX": "male"},
    sampling=Sampling((12.0, 84.0, 132.0)),
    shown=((TWELVE, "next"), (TWELVE, "last")),
    horizon_h=8 * 24.0,
    stale_h=60 * 24.0,
    source=RANGE + "; weights are assumed and declared here",
    note="a diuretic, an ACE inhibitor, an NSAID or thirst raises the level: no model knows of them; 1 mmol of lithium is 36.9 "
        "mg of "
    "carbonate",
)  # fmt: skip
