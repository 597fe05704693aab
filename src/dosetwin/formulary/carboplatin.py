"""Carboplatin by vein: one exposure for every kidney, by Calvert's formula or by the twin."""

from dosetwin.declare import Everyday, Facts, Goal, Interval, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import KIDNEY, LEARN, NOT_PAST, TOO_MUCH, clearance, measured

CALVERT = "Calvert 1989, J Clin Oncol 7:1748 (recalled)"
FDA = "FDA 2010: filtration counted to 125 mL/min, so that AUC 6 is never more than 900 mg (recalled)"
DRUG = drug(
    "carboplatin",
    molar_mass=371.25,
    level_high=200.0,
    rxnorm="40048",
    atc=("L01XA02",),
    vials=(Vial(50.0, 5.0), Vial(150.0, 15.0), Vial(450.0, 45.0)),
    one_dose=(0.5, 30.0, "mg/kg"),
    usual=(2.0, 15.0),
    longest_h=24.0,
    long_h=2.0,
    shortest_h=24.0,
)
AREA = Reading("", "auc", Interval(("next",)), name="AUC of the course")
MIN = 60.0
"""mg/mL min in 1 mg/mL h; 1 mg/mL min is 16.7 mg/L h."""


def _calvert(target: float):
    def says(facts: Facts) -> Says:
        filtration = min(clearance(Facts({**facts, "SCR": max(facts.SCR, 0.7)})), 125.0)
        return Says(
            target * (filtration + 25.0), 504.0, f"filtration {filtration:.0f} mL/min: {target:g} x ({filtration:.0f} + 25)", ""
        )

    return says


STEPS = Preparation(10.0, ((0.0, 1.0),), "10 mg/mL: whole 10 mg (assumed)", bags=(250.0, 500.0), strongest=2.0)

CARBOPLATIN_AUC = Therapy(
    name="carboplatin_auc",
    drug=DRUG,
    population="adults with solid tumours, every three weeks",
    models=("carboplatin_calvert_1989",),
    menu=Repeated((100.0, 900.0), "", (504.0,), (1.0,), STEPS.rounding),
    preparation=STEPS,
    goals=(
        Goal("exposure", AREA, 4.5 * 1000 / MIN, 5.5 * 1000 / MIN, "mg.h/L", 1.0, 20.0, "AUC of 5 mg/mL min, 10 % either way",
             CALVERT, min_probability=0.30, help=LEARN),
        Goal("marrow", AREA, None, 7.5 * 1000 / MIN, "mg.h/L", 2.0, 20.0, "not where platelets fall hard",
             "above 7 to 8 mg/mL min thrombocytopenia gets common (recalled)", min_probability=0.90, closed=True,
             joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("most", "dose", None, 900.0, "mg", "one dose", FDA),
        Limit("interval_range", "interval_h", 336.0, 672.0, "h", "interval", "three to four weeks (recalled)"),
        NOT_PAST, measured(STEPS),
    ),
    rules=(
        Rule("calvert_5", "AUC 5 x (filtration + 25)", CALVERT + "; " + FDA, "recalled", KIDNEY, _calvert(5.0), "Calvert, AUC 5"),
        Rule("calvert_6", "AUC 6 x (filtration + 25)", CALVERT + "; " + FDA, "recalled", KIDNEY, _calvert(6.0), "Calvert, AUC 6"),
    ),
    everyday=Everyday(500.0, "mg", 504.0, 1.0, CALVERT),
    typical={"WT": 65.0, "AGE": 60.0, "SCR": 0.9, "SEX": "female"},
    sampling=Sampling((1.0, 2.0, 4.0, 6.0)),
    horizon_h=504.0,
    stale_h=30 * 24.0,
    source=CALVERT + "; " + FDA + "; chances and weights are assumed and declared here",
)  # fmt: skip
