"""Insulin in type 1 diabetes: what settings are changed by, what glucose aims at, and what no change may pass."""

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import Between, Reading
from dosetwin.formulary._mechanisms import insulin

DRUG = drug("insulin", unit="1", measured=False, device=True)
"""Ordered in settings of a pump or of pens: what a person doses by. Doses themselves are units of U-100 insulin."""

LOW, VERY_LOW, INSIDE = 0.04, 0.01, 0.70
"""Shares of time below 70 and 54 mg/dL that nobody's settings may pass, and inside 70-180 mg/dL that they should reach."""
SURE = 0.8
"""Share of the lives in which both must hold (assumed)."""
BASAL, RATIO, FACTOR = (0.8, 0.9, 1.0, 1.1), (0.9, 1.0, 1.1, 1.25), (0.9, 1.0, 1.1, 1.25)
"""Steps of a setting, relative to the present one: at most a tenth more insulin at once, a fifth less (usual steps are 10 to
20 %, recalled; more caution upwards is ours)."""
CONSENSUS = "Battelino 2019, Diabetes Care 42:1593 (recalled)"
DAYS = Between(0.0, 3.0, "d")


def _as_now(facts: Facts) -> Sets | str:
    return Sets({"basal": 1.0, "ratio": 1.0, "factor": 1.0}, "as they are")


def _less(facts: Facts) -> Sets | str:
    return Sets({"basal": 0.9, "ratio": 1.1, "factor": 1.1}, "a tenth less insulin everywhere")


AS_NOW = Rule("as_now", "The settings as they are", "what is done without a twin", "derived", (), _as_now, ward="as now")
TENTH_LESS = Rule("tenth_less", "A tenth less insulin after lows", "usual steps are 10 to 20 % (recalled)",
                  "recalled", (), _less, ward="a tenth less")  # fmt: skip

BASAL_BOLUS = Therapy(
    name="insulin_basal_bolus",
    drug=DRUG,
    population="people with type 1 diabetes who wear a monitor",
    models=(),
    kind="loop",
    menu=Settings({"basal": BASAL, "ratio": RATIO, "factor": FACTOR}),
    goals=(
        Goal("inside", Reading("glucose", "share_within", DAYS, level=(70.0, 180.0), name="in 70-180 mg/dL"), INSIDE, None, "1",
             1.0, 0.3, "share of time in 70-180 mg/dL", CONSENSUS, closed=True, joint=False),
        Goal("below_70", Reading("glucose", "share_within", DAYS, level=(0.0, 70.0), name="< 70 mg/dL"), None, LOW, "1",
             2.0, 0.04, "share of time below 70 mg/dL", CONSENSUS + "; the 80 % is assumed", min_probability=SURE, closed=True,
             help="less insulin first; look at meals not entered, exercise and doses not told"),
        Goal("below_54", Reading("glucose", "share_within", DAYS, level=(0.0, 54.0), name="< 54 mg/dL"), None, VERY_LOW, "1",
             4.0, 0.01, "share of time below 54 mg/dL", CONSENSUS + "; the 80 % is assumed", min_probability=SURE, closed=True),
    ),
    limits=(),
    rules=(AS_NOW, TENTH_LESS),
    typical={"WT": 70.0},
    shown=((Reading("glucose", "share_within", DAYS, level=(70.0, 180.0), name="in 70-180 mg/dL"), "course"),
           (Reading("glucose", "share_within", DAYS, level=(0.0, 70.0), name="< 70 mg/dL"), "course")),
    horizon_h=72.0,
    stale_h=48.0,
    mechanism=insulin(),
    source=CONSENSUS + "; steps, chances and weights are assumed and declared here",
    note="research and teaching; settings are shares of the present ones; a table of days (docs/insulin.md) takes the place of a "
    "patient's record, and nothing of it is followed by the service",
)  # fmt: skip
