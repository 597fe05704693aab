"""Piperacillin (with tazobactam) in adults: the share of time above the MIC; doses are milligrams of piperacillin."""

from dosetwin.declare import Assumed, Everyday, Facts, Fits, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import KIDNEY, NOT_PAST, clearance, measured
from dosetwin.formulary._over_mic import TROUGH, WHOLE, above, goals

DRUG = drug(
    "piperacillin",
    text="piperacillin-tazobactam",
    molar_mass=517.55,
    level_high=1500.0,
    rxnorm="8339",
    atc=("J01CR05", "J01CA12"),
    vials=(Vial(2000.0, 10.0, "powder; recalled"), Vial(4000.0, 20.0, "powder; recalled")),
    synonyms=("piperacillin-tazobactam", "piperacillin/tazobactam"),
    one_dose=(10.0, 300.0, "mg/kg"),
    usual=(20.0, 150.0),
    longest_h=24.0,
    long_h=9.0,
    shortest_h=2.0,
)

FREE = 0.7
"""Free share in plasma (recalled)."""
OVER = above(FREE, "next", "last")
NERVES = "Quinton 2017: above 157 mg/L more neurological disorders under continuous infusion (recalled)"
HELP = "run it longer, give it more often; where the MIC is high another drug"


def _label(facts: Facts) -> Says:
    CLCR = clearance(facts)
    return Says(4000.0, 8.0 if CLCR >= 20 else 12.0, f"creatinine clearance {CLCR:.0f} mL/min", "")


VIALS = Preparation(200.0, ((0.0, 10.0),), "vials of 2 g and 4 g of piperacillin (2.25 and 4.5 g of both)", bags=(100.0,))

PIPERACILLIN_ADULT = Therapy(
    name="piperacillin_tazobactam_adult",
    drug=DRUG,
    population="adults with a serious infection",
    models=("piperacillin_roberts_2010", "piperacillin_obrinkhansen_2015"),
    fits=(Fits("piperacillin_roberts_2010", clearance, "creatinine clearance", "mL/min",
               "Roberts 2010: kidneys that work; 50 assumed", low=50.0),),
    menu=Repeated((2000.0, 4000.0), "", (4.0, 6.0, 8.0, 12.0), (0.5, 4.0), VIALS.rounding),
    preparation=VIALS,
    goals=goals(FREE, 0.50, 157.0, 100.0, NERVES, 0.50, "what kills in animals (recalled)", HELP),
    limits=(
        Limit("daily_most", "daily", None, 16000.0, "mg/d", "dose per day", "16 g a day (label; recalled)"),
        Limit("interval_range", "interval_h", 4.0, 12.0, "h", "interval", "6 to 12 h (label), 4 h continuous (recalled)"),
        Limit("infusion_range", "infusion_h", 0.5, 12.0, "h", "infusion time", "30 min, extended 4 h, or continuous (recalled)"),
        NOT_PAST, measured(VIALS),
    ),
    rules=(Rule("piperacillin_label", "EU label: 4 g every 8 h, below 20 mL/min every 12 h", "EU label (recalled)", "recalled",
                KIDNEY, _label, "EU label"),),
    everyday=Everyday(4000.0, "mg", 8.0, 0.5, "EU label (recalled)"),
    typical={"WT": 75.0, "AGE": 60.0, "SCR": 0.9, "SEX": "male"},
    sampling=Sampling((0.0, 4.0, 6.0, 7.5)),
    assumed=(Assumed("MIC", 8.0, "mg/L", "the border of susceptible Enterobacterales", "EUCAST: 8 mg/L (recalled)"),),
    shown=((OVER, "next"), (OVER, "last"), (TROUGH, "last")),
    horizon_h=48.0,
    stale_h=3 * 24.0,
    source=WHOLE + "; weights are assumed and declared here",
    note="a dose charted as 4.5 g of product is 4 g of piperacillin: chart piperacillin. The first model is of kidneys that "
        "work, the "
    "second of septic shock with kidney injury; an infusion of 4 h every 4 h is a continuous one",
)  # fmt: skip
