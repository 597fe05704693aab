"""Meropenem in adults: the share of time above the MIC, by dose, interval and how long it runs."""

from dosetwin.declare import Assumed, Everyday, Facts, Fits, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import KIDNEY, NOT_PAST, clearance, measured
from dosetwin.formulary._over_mic import TROUGH, WHOLE, above, goals

DRUG = drug(
    "meropenem",
    molar_mass=383.46,
    level_high=500.0,
    rxnorm="29561",
    atc=("J01DH02",),
    vials=(Vial(500.0, 10.0, "powder; recalled"), Vial(1000.0, 20.0, "powder; recalled")),
    one_dose=(2.0, 120.0, "mg/kg"),
    usual=(5.0, 60.0),
    longest_h=24.0,
    long_h=9.0,
    shortest_h=2.0,
)

FREE = 0.98
"""Free share in plasma (Gijsen 2022: 2 % bound, secondary)."""
OVER = above(FREE, "next", "last")
NERVES = (
    "Imani 2017, J Antimicrob Chemother 72:2891: troughs above 64 mg/L go with neurotoxicity, above "
    "44 with kidney injury (recalled)"
)
HELP = "run it longer, give it more often; where the MIC is high another drug or a combination"


def _label(facts: Facts) -> Says:
    CLCR = clearance(facts)
    dose, interval = (
        (1000.0, 8.0) if CLCR > 50 else (1000.0, 12.0) if CLCR > 25 else (500.0, 12.0) if CLCR >= 10 else (500.0, 24.0)
    )
    return Says(dose, interval, f"creatinine clearance {CLCR:.0f} mL/min", "")


VIALS = Preparation(50.0, ((0.0, 10.0),), "vials of 500 mg and 1 g", bags=(100.0,), strongest=20.0)

MEROPENEM_ADULT = Therapy(
    name="meropenem_adult",
    drug=DRUG,
    population="adults with a serious infection",
    models=("meropenem_gijsen_2022", "meropenem_li_2006"),
    fits=(Fits("meropenem_gijsen_2022", clearance, "creatinine clearance", "mL/min", "Gijsen 2022 (secondary)", low=70.0),),
    menu=Repeated((500.0, 2000.0), "", (6.0, 8.0, 12.0), (0.5, 3.0, 6.0), VIALS.rounding),
    preparation=VIALS,
    goals=goals(FREE, 0.60, 44.0, 20.0, NERVES, 0.40, "what kills in animals (Drusano 2004; recalled)", HELP),
    limits=(
        Limit("daily_most", "daily", None, 6000.0, "mg/d", "dose per day", "6 g a day, as in meningitis (label; recalled)"),
        Limit("interval_range", "interval_h", 6.0, 24.0, "h", "interval", "6 to 24 h (recalled)"),
        Limit("infusion_range", "infusion_h", 0.25, 8.0, "h", "infusion time", "stable in the bag for about 8 h (recalled)"),
        NOT_PAST, measured(VIALS),
    ),
    rules=(Rule("meropenem_label", "US label by creatinine clearance", "US label: 1 g every 8 h above 50 mL/min, every 12 h "
        "above "
                "25, 500 mg every 12 h above 10, then every 24 h (recalled)", "recalled", KIDNEY, _label, "US label"),),
    everyday=Everyday(1000.0, "mg", 8.0, 0.5, "US label (recalled)"),
    typical={"WT": 75.0, "AGE": 60.0, "SCR": 0.9, "SEX": "male"},
    sampling=Sampling((0.0, 3.0, 6.0, 7.5)),
    assumed=(Assumed("MIC", 2.0, "mg/L", "the border of susceptible bacteria", "EUCAST: 2 mg/L (recalled)"),),
    shown=((OVER, "next"), (OVER, "last"), (TROUGH, "last")),
    horizon_h=48.0,
    stale_h=3 * 24.0,
    source=WHOLE + "; weights are assumed and declared here",
    note="an infusion as long as the interval is a continuous one; the first model knows kidneys of 70 mL/min and more, the "
        "second "
    "all of them",
)  # fmt: skip
