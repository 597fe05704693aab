"""Adalimumab under the skin in Crohn's disease: trough, forty milligrams every one or two weeks; antibodies clear it fast."""

from dosetwin.declare import End, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import NOT_PAST, measured, rounded

DRUG = drug(
    "adalimumab",
    level_high=200.0,
    rxnorm="327361",
    atc=("L04AB04",),
    tablets=(80.0, 40.0, 20.0),
    halves=False,
    piece="pen",
    one_dose=(5.0, 200.0, "mg"),
    usual=(10.0, 160.0),
    routes=("skin",),
    longest_h=1.0,
    long_h=0.5,
    shortest_h=24.0,
)

WEEK = 168.0
TROUGH = Reading("", "at", End(("next", "second", "last")), name="trough")
RANGE = "8 to 12 mg/L in maintenance of bowel disease (AGA 2017: 7.5 and more; recalled)"
LABEL = "US label: 160, 80, then 40 mg every other week (recalled)"
ANTIBODIES = "measure antibodies: with many of them another drug, with few a shorter interval and an immunomodulator"


def _goals(source: str) -> tuple[Goal, ...]:
    return (
        Goal("trough", TROUGH, 8.0, 15.0, "mg/L", 1.0, 5.0, "level before the next injection",
             source + "; above 15 no more is gained (assumed), and the 20 % is assumed", min_probability=0.20,
             chance_doses=("last",), help=ANTIBODIES),
        Goal("lost", TROUGH, 5.0, None, "mg/L", 1.0, 5.0, "not where response is lost", "below 5 mg/L remission is rarer "
            "(recalled)",
             closed=True, joint=False, help=ANTIBODIES),
    )  # fmt: skip


PENS = rounded(((0.0, 40.0),), "pens and syringes of 40 mg (recalled)")
CHILD_PENS = rounded(((0.0, 20.0),), "syringes of 20 and 40 mg (recalled)")


def _child(facts: Facts) -> Says:
    small = facts.WT < 40
    return Says(20.0 if small else 40.0, 2 * WEEK, f"{'below' if small else 'from'} 40 kg", "")


ADALIMUMAB_CROHN = Therapy(
    name="adalimumab_crohn",
    drug=DRUG,
    population="adults with Crohn's disease on maintenance",
    models=("adalimumab_berends_2018", "adalimumab_ternant_2015"),
    menu=Repeated((40.0, 80.0), "", (WEEK, 2 * WEEK), (0.0,), PENS),
    goals=_goals(RANGE),
    limits=(
        Limit("most", "daily", None, 80.0 / 7 + 0.01, "mg/d", "mean dose per day", "80 mg a week (label's most; recalled)"),
        NOT_PAST, measured(PENS),
    ),
    rules=(Rule("adalimumab_label", "40 mg every other week", LABEL, "recalled", (),
                lambda facts: Says(40.0, 2 * WEEK, "maintenance of the label", ""), "US label"),),
    everyday=Everyday(40.0, "mg", 2 * WEEK, 0.0, LABEL),
    typical={"WT": 70.0, "ANTIBODIES": 0.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    horizon_h=16 * WEEK,
    stale_h=8 * WEEK,
    source=RANGE + "; chances and weights are assumed and declared here",
    note="antibodies enter as told, no model makes them; the two models differ most where nothing was measured",
)  # fmt: skip

ADALIMUMAB_CROHN_CHILD = Therapy(
    name="adalimumab_crohn_child",
    drug=DRUG,
    population="children from six years with Crohn's disease on maintenance",
    models=("adalimumab_sharma_2015",),
    menu=Repeated((20.0, 40.0), "", (WEEK, 2 * WEEK), (0.0,), CHILD_PENS),
    goals=_goals(RANGE + ", taken over for children"),
    limits=(Limit("most", "daily", None, 40.0 / 7 + 0.01, "mg/d", "mean dose per day", "40 mg a week (recalled)"), NOT_PAST,
            measured(CHILD_PENS)),
    rules=(Rule("adalimumab_label_child", "20 mg below 40 kg, else 40 mg every other week", "US label (recalled)", "recalled",
                ("WT",), _child, "US label"),),
    everyday=Everyday(40.0, "mg", 2 * WEEK, 0.0, "US label (recalled)"),
    typical={"WT": 45.0, "ANTIBODIES": 0.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    horizon_h=16 * WEEK,
    stale_h=8 * WEEK,
    source=RANGE + "; chances and weights are assumed and declared here",
)  # fmt: skip
