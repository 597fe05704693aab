"""Remifentanil beside propofol: targets of a pump, quiet at laryngoscopy and pressure as goals, the label's rates as the rule."""

from dosetwin.declare import Between, Everyday, Goal, Limit, Reading, Rule, Sampling, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Targets
from dosetwin.declare.rule import Aims, Steps
from dosetwin.formulary._adults import NOT_PAST
from dosetwin.formulary._mechanisms import remifentanil as stages
from dosetwin.formulary._tci import JAMES, TciPump

DRUG = drug(
    "remifentanil", level_unit="ug/L", molar_mass=376.45, level_high=200.0, rxnorm="73032", atc=("N01AH06",),
    one_dose=(0.0000001, 0.05, "mg/kg"), usual=(0.0000001, 0.003), shortest_h=0.0,
)  # fmt: skip

STRENGTH = 0.05
"""mg/mL: 50 ug/mL, as usually diluted."""
MINTO = TciPump("remifentanil_minto_1997", "Minto", STRENGTH, "ng/mL", 15.0, 1000.0, youngest=12.0, top_bmi=JAMES)
ELEVELD = TciPump("remifentanil_eleveld_2017", "Eleveld", STRENGTH, "ng/mL", 15.0, 1000.0)
LABEL = "label of remifentanil in adults: 0.5 to 1 ug/kg/min at induction, 0.25 beside propofol (rxreasoner.com, read)"
DEPTH = Between(0.1, 0.6)

REMIFENTANIL_TCI = Therapy(
    name="remifentanil_tci",
    drug=DRUG,
    population="adults under total intravenous anaesthesia with propofol",
    models=("remifentanil_minto_1997",),
    menu=Targets(tuple(0.5 * k for k in range(1, 21)), {"minto": MINTO, "eleveld": ELEVELD}, STRENGTH),
    goals=(
        Goal("quiet", Reading("RESPONSE", "mean", DEPTH, name="chance of a response"), None, 0.10, "1", 1.0, 0.20,
             "no response to laryngoscopy", "Bouillon 2004, Anesthesiology 100:1353 (surface); the 10 % is assumed", closed=True,
             help="more propofol beside it"),
        Goal("pressure", Reading("MAP", "mean", DEPTH, name="pressure"), 65.0, None, "mmHg", 1.0, 10.0, "mean arterial pressure",
             "harm goes with time below 65 mmHg (Walsh 2013, Salmasi 2017; recalled)", closed=True,
             help="volume and a vasopressor"),
        Goal("no_more_than_needed", Reading("REMI_CE", "mean", DEPTH, name="effect site"), None, 8.0, "ug/L", 0.5, 4.0,
             "effect-site concentration", "assumed: above 8 ng/mL little is gained, and tolerance and pain follow", closed=True,
             joint=False),
    ),
    limits=(NOT_PAST, Limit("an_hour", "dose", None, 6.0, "mg", "all of an hour", "assumed: three syringes of 2 mg")),
    rules=(
        Rule("remifentanil_label", "Label: 0.5 ug/kg/min for ten minutes, then 0.25", LABEL, "recalled", (),
             lambda facts: Steps(0.0, ((10.0, 0.03), (60.0, 0.015)), "0.5, then 0.25 ug/kg/min"), ward="label"),
        Rule("remifentanil_target_4", "An effect-site target of 4 ng/mL", "usual beside propofol (recalled)", "recalled",
             ("AGE",), lambda facts: Aims(4.0, "minto", "effect site 4 ng/mL"), ward="4 ng/mL"),
    ),
    everyday=Everyday(0.001, "mg/kg", 24.0, 0.0, "1 ug/kg, a usual bolus (recalled)"),
    typical={"WT": 70.0, "HT": 170.0, "AGE": 40.0, "SEX": "male"},
    sampling=Sampling((0.05, 0.25, 0.5), learns=("CL", "KE0")),
    mechanism=stages(MINTO),
    horizon_h=1.0,
    stale_h=2.0,
    source=LABEL + "; goals' borders, weights and scales are assumed",
    note="research and teaching: no closed loop; propofol is a fact here (PROPOFOL_CE, ug/mL), 3 where nobody says",
)  # fmt: skip
