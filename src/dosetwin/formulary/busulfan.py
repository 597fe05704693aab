"""Busulfan before transplantation, once a day: exposure neither too low to keep the graft nor too high for the liver."""

from dosetwin.declare import Everyday, Facts, Goal, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.reading import AUC24
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import NOT_PAST, TOO_MUCH, measured

DRUG = drug(
    "busulfan",
    molar_mass=246.3,
    level_high=50.0,
    rxnorm="1828",
    atc=("L01AB01",),
    vials=(Vial(60.0, 10.0),),
    one_dose=(0.3, 8.0, "mg/kg"),
    usual=(0.6, 6.0),
    longest_h=24.0,
    long_h=6.0,
)

BANDS = ((9.0, 1.0), (16.0, 1.2), (23.0, 1.1), (34.0, 0.95), (float("inf"), 0.8))
"""kg up to, mg/kg four times a day."""
LABEL = "EMA label: 0.8 to 1.2 mg/kg by weight four times a day (recalled); given here as one dose a day, as many centres do"


def _label(facts: Facts) -> Says:
    each = next(mg for to, mg in BANDS if to > facts.WT)
    return Says(4.0 * each, 24.0, f"{facts.WT:g} kg: four times {each:g} mg/kg", "kg")


BARTELINK = "Bartelink 2016, Lancet Haematol 3:e526: best survival at 78 to 101 mg.h/L over four days (recalled), a quarter a day"
STEPS = Preparation(
    0.5, ((0.0, 2.0), (120.0, 10.0), (400.0, 20.0)),
    "diluted tenfold to about 0.5 mg/mL (label, recalled): whole milligrams, larger doses to 5 or 10 mg (assumed)",
)  # fmt: skip

BUSULFAN_AUC = Therapy(
    name="busulfan_auc",
    drug=DRUG,
    population="children and adults before transplantation, one dose a day for four days",
    models=("busulfan_mccune_2014", "busulfan_shukla_2020"),
    menu=Repeated((1.5, 6.5), "kg", (24.0,), (3.0,), STEPS.rounding),
    preparation=STEPS,
    goals=(
        Goal("exposure", AUC24, 19.5, 25.3, "mg.h/L", 1.0, 5.0, "AUC of a day", BARTELINK, min_probability=0.35,
             help="take levels at the end of the dose and 1, 3 and 5 h later, and ask again before the next"),
        Goal("liver", AUC24, None, 29.0, "mg.h/L", 2.0, 5.0, "not where veno-occlusive disease gets common",
             "above 1,500 uM.min four times a day it gets common (recalled): 24.6 mg.h/L; 29 with what a day may differ, assumed",
             min_probability=0.80, closed=True, joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("dose_range", "dose_per_kg", 1.5, 6.5, "mg/kg", "one dose per kg", "assumed: half to 1.3 times the label's"),
        Limit("infusion_range", "infusion_h", 2.0, 4.0, "h", "infusion time", "2 to 4 h (recalled)"),
        NOT_PAST, measured(STEPS),
    ),
    rules=(Rule("busulfan_label", "EMA label by weight, as one dose a day", LABEL, "recalled", ("WT",), _label, "EMA label"),),
    everyday=Everyday(3.2, "mg/kg", 24.0, 3.0, LABEL),
    typical={"WT": 20.0, "HT": 115.0, "AGE": 6.0, "SEX": "male"},
    sampling=Sampling((3.0, 4.0, 6.0, 8.0)),
    shown=((AUC24, "next"), (AUC24, "last")),
    horizon_h=96.0,
    stale_h=48.0,
    source=BARTELINK + "; chances and weights are assumed and declared here",
    note="1 mg.h/L is 243.6 uM.min; a course that has begun counts by the day: what is left of its whole AUC is the ward's sum",
)  # fmt: skip
