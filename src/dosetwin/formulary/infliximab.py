"""Infliximab into a vein in inflammatory bowel disease: trough at the end of eight weeks, interval and dose."""

from dosetwin.declare import Bar, End, Everyday, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.limit import Asks
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import LEARN, NOT_PAST, measured
from dosetwin.formulary._antibodies import REACTIVE, TITRE

DRUG = drug(
    "infliximab",
    level_high=500.0,
    rxnorm="191831",
    atc=("L04AB02",),
    vials=(Vial(100.0, 10.0, "powder; recalled"),),
    one_dose=(1.0, 25.0, "mg/kg"),
    usual=(3.0, 12.0),
    longest_h=6.0,
    long_h=4.0,
    shortest_h=24.0,
    alarms=(
        Alarm("antibodies_likely", None, "hardly any of it is left before the next infusion: antibodies against it are likely",
              TITRE, REACTIVE + "; 1 mg/L and four weeks after a dose are assumed as borders", after_h=660.0, below=1.0,
              withholds="ANTIBODIES"),
    ),
)  # fmt: skip

WEEK = 168.0
TROUGH = Reading("", "at", End(("next", "second", "last")), name="trough")
RANGE = "trough of 5 mg/L and more in maintenance (AGA 2017 and others; recalled)"
LABEL = "US label: 5 mg/kg at weeks 0, 2 and 6, then every 8 weeks (recalled)"
VIALS = Preparation(10.0, ((0.0, 10.0),), "vials of 100 mg, none thrown away (assumed)", bags=(250.0, 500.0), strongest=4.0)

INFLIXIMAB_IBD = Therapy(
    name="infliximab_ibd",
    drug=DRUG,
    population="adults with Crohn's disease or ulcerative colitis on maintenance",
    models=("infliximab_fasanmade_2011", "infliximab_fasanmade_2009"),
    menu=Repeated((4.0, 11.0), "kg", (4 * WEEK, 6 * WEEK, 8 * WEEK), (2.0,), VIALS.rounding),
    preparation=VIALS,
    goals=(
        Goal("trough", TROUGH, 5.0, 10.0, "mg/L", 1.0, 5.0, "level before the next "
            "infusion", RANGE + "; above 10 no more is gained "
             "(assumed), and the 20 % is assumed", min_probability=0.20, chance_doses=("last",),
             help=LEARN + "; where antibodies have come, another drug"),
        Goal("lost", TROUGH, 3.0, None, "mg/L", 1.0, 3.0, "not where response is lost", "below 3 mg/L remission is rarer "
            "(recalled)",
             closed=True, joint=False, help="a shorter interval or a larger dose; antibodies?"),
    ),
    limits=(
        Limit("dose_range", "dose_per_kg", 3.0, 11.0, "mg/kg", "one dose per kg", "label: 5 to 10 mg/kg (recalled), with vials"),
        Limit("interval_range", "interval_h", 4 * WEEK, 8 * WEEK, "h", "interval", "4 to 8 weeks are in use (recalled)"),
        NOT_PAST, measured(VIALS),
    ),
    bars=(
        Bar("heart_failure", "HEART_FAILURE", "moderate or severe heart failure forbids more than 5 mg/kg and speaks against any",
            "US label (recalled)", forbids=(1.0,),
            asks=Asks("nobody wrote whether the heart fails (moderately or severely), which speaks against this: ask")),
    ),
    rules=(
        Rule("infliximab_label", "5 mg/kg every 8 weeks", LABEL, "recalled", ("WT",),
             lambda facts: Says(5.0, 8 * WEEK, "maintenance of the label", "kg"), "US label"),
        Rule("infliximab_ten", "10 mg/kg every 8 weeks", "label, of those who lost their response "
            "(recalled)", "recalled", ("WT",),
             lambda facts: Says(10.0, 8 * WEEK, "doubled", "kg"), "doubled dose"),
    ),
    everyday=Everyday(5.0, "mg/kg", 8 * WEEK, 2.0, LABEL),
    typical={"WT": 70.0, "ALB": 41.0, "SEX": "male", "ANTIBODIES": 0.0},
    sampling=Sampling((0.0, 14 * 24.0, 28 * 24.0, 56 * 24.0)),
    horizon_h=24 * WEEK,
    stale_h=12 * WEEK,
    source=RANGE + "; chances and weights are assumed and declared here",
    note="the first model is of Crohn's disease, the second of ulcerative colitis; antibodies enter as told, no model makes them",
)  # fmt: skip
