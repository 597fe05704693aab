"""Propofol for total intravenous anaesthesia of adults: targets of a pump, depth and pressure as goals."""

from dosetwin.declare import Between, Everyday, Facts, Goal, Limit, Reading, Rule, Sampling, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Targets
from dosetwin.declare.rule import Aims, Steps
from dosetwin.formulary._adults import NOT_PAST
from dosetwin.formulary._mechanisms import propofol as stages
from dosetwin.formulary._tci import JAMES, TciPump

DRUG = drug(
    "propofol", molar_mass=178.27, level_high=30.0, rxnorm="8782", atc=("N01AX10",), one_dose=(0.0001, 20.0, "mg/kg"),
    usual=(0.0001, 4.0), shortest_h=0.0,
)  # fmt: skip

ONE_PERCENT = 10.0
"""mg/mL of a 1 % emulsion; 2 % has twice as much."""
ELEVELD = TciPump("propofol_eleveld_2018", "Eleveld", ONE_PERCENT, "ug/mL", 8.0)
SCHNIDER = TciPump("propofol_schnider_1998", "Schnider", ONE_PERCENT, "ug/mL", 8.0, youngest=18.0, top_bmi=JAMES)
MARSH = TciPump("propofol_marsh_1991", "Marsh", ONE_PERCENT, "ug/mL", 8.0, site="plasma")
LABEL = (
    "label of propofol by target-controlled infusion in adults: plasma 4 to 8 ug/mL below 55 years, less above (mims.com, "
    "read); 4 and, from 55 years, 3 are taken (assumed)"
)
TIVA = "Nimmo 2019, Anaesthesia 74:211 (AAGBI and SIVA guidelines, 2018): processed EEG where the patient is paralysed (recalled)"
DEPTH = Between(0.2, 0.7)
"""h after the start over which depth and pressure are judged: minutes 12 to 42."""


def _label(facts: Facts) -> Aims | str:
    if facts.AGE is None:
        return "the label's target needs AGE, not known"
    if facts.AGE < 16:
        return "the label's target-controlled infusion is not for children"
    target = 4.0 if facts.AGE < 55 else 3.0
    return Aims(target, "marsh", f"{target:g} ug/mL in plasma at {facts.AGE:.0f} years")


PROPOFOL_TCI = Therapy(
    name="propofol_tci",
    drug=DRUG,
    population="adults under total intravenous anaesthesia",
    models=("propofol_eleveld_2018",),
    menu=Targets(
        tuple(1.0 + 0.25 * k for k in range(21)), {"eleveld": ELEVELD, "schnider": SCHNIDER, "marsh": MARSH}, ONE_PERCENT,
    ),
    goals=(
        Goal("depth", Reading("BIS", "mean", DEPTH, name="depth"), 40.0, 60.0, "1", 1.0, 10.0, "depth by the monitor",
             TIVA + "; 40 to 60 is the maker's range for general anaesthesia", closed=True,
             help="titrate to the monitor; an opioid beside it"),
        Goal("pressure", Reading("MAP", "mean", DEPTH, name="pressure"), 65.0, None, "mmHg", 1.0, 10.0, "mean arterial pressure",
             "harm goes with time below 65 mmHg (Walsh 2013, Salmasi 2017; recalled)", closed=True,
             help="volume and a vasopressor: less hypnotic alone is no answer"),
    ),
    limits=(
        NOT_PAST,
        Limit("an_hour", "dose", None, 1500.0, "mg", "all of an hour", "assumed: three syringes of 50 mL of 1 %"),
    ),
    rules=(
        Rule("propofol_label_target", "Label: a plasma target of 4 ug/mL, 3 from 55 years on", LABEL, "recalled", ("AGE",),
             _label, ward="label's target"),
        Rule("propofol_ten_eight_six", "1 mg/kg, then 10, 8 and 6 mg/kg/h by hand", "Roberts 1988, Anaesthesia 43 (suppl):14 "
             "(recalled)", "recalled", (),
             lambda facts: Steps(1.0, ((10.0, 10.0), (10.0, 8.0), (60.0, 6.0)), "1 mg/kg, then 10, 8 and 6 mg/kg/h"),
             ward="10-8-6 by hand"),
    ),
    everyday=Everyday(2.0, "mg/kg", 24.0, 0.0, "a usual dose that induces (recalled)"),
    typical={"WT": 70.0, "HT": 170.0, "AGE": 40.0, "SEX": "male"},
    sampling=Sampling((0.1, 0.25, 0.5), of="BIS", learns=("CE50", "CL")),
    mechanism=stages(ELEVELD),
    horizon_h=1.0,
    stale_h=2.0,
    source=TIVA + "; weights and scales are assumed",
    note="research and teaching: no closed loop; the pump counts with its model's typical patient, the twin with this one",
)  # fmt: skip
