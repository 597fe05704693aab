"""Benazepril in high blood pressure: mean pressure after two weeks as the goal, the label's dose as the rule."""

from dosetwin.declare import Between, Everyday, Facts, Goal, Limit, Reading, Repeated, Rounding, Rule, Sampling, Says, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.limit import Asks, Bar
from dosetwin.formulary._adults import KIDNEY_ASKED, NOT_PAST, clearance, pregnancy, starts
from dosetwin.formulary._mechanisms import BENAZEPRIL

DRUG = drug(
    "benazepril", level_unit="ug/L", level_high=2000.0, rxnorm="18867", atc=("C09AA07",), one_dose=(2.5, 80.0, "mg"),
    usual=(5.0, 40.0), routes=("mouth",), tablets=(5.0, 10.0, 20.0, 40.0),
    interactions=(
        Interaction(
            "benazepril_lithium", "N05AN01", 7 * 24.0,
            "inhibitors of the converting enzyme keep lithium in the body: lithium toxicity was reported",
            "a lithium level and creatinine within a week of every start or change, less lithium as it rises; or another class",
            "label by druglib.com (read); 7 d: assumed; no number moves",
        ),
    ),
)  # fmt: skip

LABEL = "US label: 10 mg once a day, 5 mg beside a diuretic, then 20 to 40 mg in one or two doses (themeditary.com, read)"


def _label(facts: Facts) -> Says:
    return Says(5.0, 24.0, "beside a diuretic", "") if facts.on("DIURETIC") else Says(10.0, 24.0, "usual first dose", "")


def _clearance(facts: Facts) -> float:
    return clearance(facts)


BENAZEPRIL_PRESSURE = Therapy(
    name="benazepril_pressure",
    drug=DRUG,
    population="adults with high blood pressure and normal kidneys",
    models=("benazepril_versypt_2017",),
    menu=Repeated((5.0, 40.0), "", (12.0, 24.0), (0.0,), Rounding(((0.0, 5.0),), "tablets of 5, 10, 20 and 40 mg (recalled)"),
                  loading="never"),
    goals=(
        Goal("pressure", Reading("MAP", "mean", Between(13.0, 14.0, "d"), name="pressure"), 70.0, 97.0, "mmHg", 1.0, 10.0,
             "mean arterial pressure", "below 130/80 mmHg is a mean of 97 (guidelines of 2018 to 2023; recalled); 70 is assumed",
             closed=True, help="a second drug: a calcium antagonist or a diuretic"),
    ),
    limits=(
        NOT_PAST, Limit("a_day", "daily", None, 40.0, "mg/d", source=LABEL),
        starts(10.0, LABEL),
        Limit("beside_a_diuretic", "start_daily", None, 5.0, "mg/d", "a course beside a diuretic begins with no more a "
            "day", LABEL,
              holds=lambda facts: facts.on("DIURETIC")),
    ),
    bars=(
        pregnancy("inhibitors of the converting enzyme harm the unborn child",
            "US label, boxed warning (themeditary.com, read)", help="labetalol, nifedipine or methyldopa"),
        Bar("angioedema", "ANGIOEDEMA", "angioedema in the past, with such a drug or without, forbids it",
            "US label (prescriberpoint.com, read)", forbids=(1.0,), help="another class: a calcium antagonist or a diuretic",
            asks=Asks("nobody wrote whether face, lips or throat ever swelled (angioedema), which forbids this: ask before the "
                      "first dose", first=True)),
        Bar("kidney", "SCR", "creatinine clearance below 30 mL/min: the model is of normal kidneys",
            "US label: 5 mg to begin with there, at most 40 mg a day (themeditary.com, read); no model here for it", below=30.0,
            of=_clearance, asks=KIDNEY_ASKED,
            help="5 mg a day to begin with, potassium and creatinine within a week: a person decides"),
    ),
    rules=(Rule("benazepril_label", "10 mg once a day, 5 mg beside a diuretic", LABEL, "secondary", (), _label, ward="label"),),
    everyday=Everyday(10.0, "mg", 24.0, 0.0, LABEL),
    typical={"MAP0": 112.0},
    sampling=Sampling((24.0, 168.0), of="MAP", learns=("FALL", "MAP0")),
    mechanism=BENAZEPRIL,
    horizon_h=14 * 24.0,
    stale_h=60 * 24.0,
    source=LABEL + "; the goal's lower border, weight and scale are assumed",
    note="research and teaching: pressure follows angiotensin II by an assumed proportion, fitted to nobody",
)  # fmt: skip
