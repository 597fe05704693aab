"""Adalimumab under the skin: the trough that each disease asks for, by dose and interval; antibodies clear it fast."""

from dosetwin.declare import At, End, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.reading import COURSE
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import NOT_PAST, measured, rounded
from dosetwin.formulary._antibodies import REACTIVE, TITRE

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
    alarms=(
        Alarm(
            "antibodies_likely",
            None,
            "hardly any of it is left before the next injection: antibodies against it are "
            "likely (median 1.2 mg/L "
            "with them, 11.0 without), and more of it will not mend that",
            TITRE,
            "Bartelds 2007, Ann Rheum Dis 66:921 (abstract read); 2 mg/L, the lowest "
            "without antibodies "
            "there, and five days after a dose are taken as borders; " + REACTIVE,
            after_h=120.0,
            below=2.0,
            withholds="ANTIBODIES",
        ),
    ),
)

WEEK = 168.0
TROUGH = Reading("", "at", End(("next", "second", "last")), name="trough")
RANGE = "7.5 mg/L and more in maintenance, 8 and more for the mucosa (AGA 2017 and others, by droracle.ai, read)"
LABEL = "US label: 160, 80, then 40 mg every other week (recalled)"
ANTIBODIES = "measure antibodies: with many of them another drug, with few a shorter interval and an immunomodulator"


def _trough(low: float, high: float, source: str) -> Goal:
    return Goal("trough", TROUGH, low, high, "mg/L", 1.0, 5.0, "level before the next injection",
                source + "; that above it no more is gained is assumed, and so is the 20 %", min_probability=0.20,
                chance_doses=("last",), help=ANTIBODIES)  # fmt: skip


def _lost(low: float, source: str) -> Goal:
    return Goal("lost", TROUGH, low, None, "mg/L", 1.0, 5.0, "not where response is lost", source, closed=True, joint=False,
                help=ANTIBODIES)  # fmt: skip


def _goals(source: str) -> tuple[Goal, ...]:
    return (_trough(8.0, 15.0, source), _lost(5.0, "AGA 2017: below 5 mg/L fewer are in remission (droracle.ai, read)"))


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
    averages=True,
    menu=Repeated((40.0, 80.0), "", (WEEK, 2 * WEEK), (0.0,), PENS),
    goals=_goals(RANGE),
    limits=(
        Limit("most", "daily", None, 80.0 / 7 + 0.01, "mg/d", "mean dose per day", "80 mg a week (label's most; recalled)"),
        NOT_PAST, measured(PENS),
    ),
    rules=(Rule("adalimumab_label", "40 mg every other week", LABEL, "recalled", (),
                lambda facts: Says(40.0, 2 * WEEK, "maintenance of the label; to begin with 80 mg two weeks after 160", "",
                                   160.0, 2 * WEEK), "US label"),),
    everyday=Everyday(40.0, "mg", 2 * WEEK, 0.0, LABEL),
    typical={"WT": 70.0, "ANTIBODIES": 0.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    horizon_h=16 * WEEK,
    stale_h=8 * WEEK,
    source=RANGE + "; chances and weights are assumed and declared here",
    note="antibodies enter as told; the two models are averaged and differ most where nothing was measured",
)  # fmt: skip

CHILD_LIMITS = (
    Limit("most", "daily", None, 40.0 / 7 + 0.01, "mg/d", "mean dose per day", "40 mg a week (recalled)"), NOT_PAST,
    measured(CHILD_PENS),
)  # fmt: skip
ADALIMUMAB_CROHN_CHILD = Therapy(
    name="adalimumab_crohn_child",
    drug=DRUG,
    population="children from six years with Crohn's disease on maintenance",
    models=("adalimumab_sharma_2015",),
    menu=Repeated((20.0, 40.0), "", (WEEK, 2 * WEEK), (0.0,), CHILD_PENS),
    goals=_goals(RANGE + ", taken over for children"),
    limits=CHILD_LIMITS,
    rules=(Rule("adalimumab_label_child", "20 mg below 40 kg, else 40 mg every other week", "US label (recalled)", "recalled",
                ("WT",), _child, "US label"),),
    everyday=Everyday(40.0, "mg", 2 * WEEK, 0.0, "US label (recalled)"),
    typical={"WT": 45.0, "ANTIBODIES": 0.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    horizon_h=16 * WEEK,
    stale_h=8 * WEEK,
    source=RANGE + "; chances and weights are assumed and declared here",
)  # fmt: skip

METHOTREXATE = "methotrexate beside it: fewer antibodies and a slower way out"
TAPER = (
    "a dose every third week where the level is above what is aimed at (l'Ami 2018, Ann Rheum Dis 77:484, abstract read: above "
    "8 mg/L in rheumatoid arthritis)"
)
MOST = Limit("most", "daily", None, 80.0 / 7 + 0.01, "mg/d", "mean dose per day", "80 mg a week (label's most; recalled)")
MONTHS = At(168, "d")
ACTIVITY = Reading("DAS28", "at", MONTHS, name="DAS28 after 24 weeks")
INFLAMED = Reading("CRP", "at", MONTHS, name="C-reactive protein after 24 weeks")
ANTIBODY_RISK = Reading("ANTIBODY_RISK", "at", MONTHS, name="antibodies by then")
SKIN = Reading("PASI", "at", MONTHS, name="PASI after 24 weeks")
RA = "5 to 8 mg/L before the next injection (Pouw 2015, Ann Rheum Dis 74:513; abstract read)"
PSORIASIS = "3.5 to 7 mg/L: Menting 2015, JAMA Dermatol 151:616 (abstract read)"
HS = "10.7 mg/L told those who improved (46 patients; Chen 2026, doi 10.3389/fimmu.2026.1760206, abstract read)"
JIA = (
    "no range of children with arthritis was found: 5 mg/L of adults, and 12 as most, the median of treated children "
    "(Nassar-Sheikh Rashid 2024, secondary)"
)

ADALIMUMAB_RHEUMATOID = Therapy(
    name="adalimumab_rheumatoid_arthritis",
    drug=DRUG,
    population="adults with rheumatoid arthritis",
    models=("adalimumab_ternant_ra_2015",),
    menu=Repeated((40.0, 80.0), "", (WEEK, 2 * WEEK, 3 * WEEK), (0.0,), PENS),
    goals=(
        _trough(5.0, 8.0, RA),
        Goal("activity", ACTIVITY, None, 3.2, "1", 1.0, 1.0, "low disease activity after 24 weeks",
             "EULAR: DAS28 up to 3.2 (recalled)", closed=True, joint=False,
             help=METHOTREXATE + "; where the level is in range another drug"),
        Goal("inflammation", INFLAMED, None, 10.0, "mg/L", 0.5, 10.0, "C-reactive protein at most 10 mg/L after 24 weeks",
             "the usual border of laboratories (recalled)", closed=True, joint=False, brief=False),
    ),
    limits=(MOST, NOT_PAST, measured(PENS)),
    rules=(Rule("adalimumab_label_ra", "40 mg every other week", "US label (recalled)", "recalled", (),
                lambda facts: Says(40.0, 2 * WEEK, "the label", ""), "US label"),),
    everyday=Everyday(40.0, "mg", 2 * WEEK, 0.0, "US label (recalled)"),
    typical={"WT": 75.0, "ANTIBODIES": 0.0, "METHOTREXATE": 1.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    shown=((TROUGH, "next"), (TROUGH, "last"), (ACTIVITY, COURSE), (INFLAMED, COURSE), (ANTIBODY_RISK, COURSE)),
    horizon_h=24 * WEEK,
    stale_h=12 * WEEK,
    source=RA + "; chances and weights are assumed and declared here",
    note=TAPER + "; a DAS28 or C-reactive protein that was measured is learned from",
)  # fmt: skip

ADALIMUMAB_PSORIASIS = Therapy(
    name="adalimumab_psoriasis",
    drug=DRUG,
    population="adults with plaque psoriasis",
    models=("adalimumab_pan_2026",),
    menu=Repeated((40.0, 80.0), "", (WEEK, 2 * WEEK, 3 * WEEK), (0.0,), PENS),
    goals=(
        _trough(3.5, 7.0, PSORIASIS),
        _lost(3.2, "Wilkinson 2019: 3.2 mg/L told responders (eprints.ncl.ac.uk/251316, abstract read)"),
        Goal("skin", SKIN, None, 3.0, "1", 1.0, 3.0, "PASI at most 3 after 24 weeks", "usual goal of treatment (recalled)",
             closed=True, joint=False, help="where the level is in range another drug"),
    ),
    limits=(MOST, NOT_PAST, measured(PENS)),
    rules=(Rule("adalimumab_label_psoriasis", "80 mg, a week later 40 mg every other week", "label as in Pan 2026 (secondary)",
                "secondary", (), lambda facts: Says(40.0, 2 * WEEK, "the label", "", 80.0, WEEK), "label"),),
    everyday=Everyday(40.0, "mg", 2 * WEEK, 0.0, "label (secondary)"),
    typical={"WT": 85.0, "SEX": "male", "WAIST": 101.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    shown=((TROUGH, "next"), (TROUGH, "last"), (SKIN, COURSE)),
    horizon_h=24 * WEEK,
    stale_h=12 * WEEK,
    source=PSORIASIS + "; chances and weights are assumed and declared here",
    note=TAPER,
)  # fmt: skip

ADALIMUMAB_HIDRADENITIS = Therapy(
    name="adalimumab_hidradenitis",
    drug=DRUG,
    population="adults with hidradenitis suppurativa",
    models=("adalimumab_nader_2017",),
    menu=Repeated((40.0, 80.0), "", (WEEK, 2 * WEEK), (0.0,), PENS),
    goals=(_trough(10.0, 20.0, HS), _lost(6.0, "below 6 mg/L subtherapeutic (physiciansweekly.com, 38 patients, read)")),
    limits=(MOST, NOT_PAST, measured(PENS)),
    rules=(Rule("adalimumab_label_hs", "160 mg, 80 mg two weeks later, then 40 mg a week",
                "label as in Nader 2017 (secondary)", "secondary", (),
                lambda facts: Says(40.0, WEEK, "40 mg a week; to begin with 80 mg two weeks after 160", "", 160.0, 2 * WEEK),
                "label"),),
    everyday=Everyday(40.0, "mg", WEEK, 0.0, "label (secondary)"),
    typical={"WT": 94.0, "CRP": 7.9, "ANTIBODIES": 0.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    horizon_h=16 * WEEK,
    stale_h=8 * WEEK,
    source=HS + "; chances and weights are assumed and declared here",
)  # fmt: skip

ADALIMUMAB_JUVENILE = Therapy(
    name="adalimumab_juvenile_arthritis",
    drug=DRUG,
    population="children from two years with juvenile idiopathic arthritis or its uveitis",
    models=("adalimumab_nassar_2024",),
    menu=Repeated((20.0, 40.0), "", (WEEK, 2 * WEEK, 3 * WEEK), (0.0,), CHILD_PENS),
    goals=(_trough(5.0, 12.0, JIA), _lost(5.0, "antibodies were sought below 5 mg/L there (secondary)")),
    limits=CHILD_LIMITS,
    rules=(Rule("adalimumab_label_juvenile", "20 mg below 30 kg, else 40 mg every other week",
                "European label as in Nassar-Sheikh Rashid 2024 (secondary)", "secondary", ("WT",),
                lambda facts: Says(20.0 if facts.WT < 30 else 40.0, 2 * WEEK, "by weight", ""), "EU label"),),
    everyday=Everyday(40.0, "mg", 2 * WEEK, 0.0, "European label (secondary)"),
    typical={"WT": 49.0, "CRP": 0.6, "ANTIBODIES": 0.0, "METHOTREXATE": 1.0},
    sampling=Sampling((0.0, 7 * 24.0, 14 * 24.0)),
    horizon_h=16 * WEEK,
    stale_h=8 * WEEK,
    source=JIA + "; chances and weights are assumed and declared here",
    note="uveitis asks for more, methotrexate for less",
)  # fmt: skip
