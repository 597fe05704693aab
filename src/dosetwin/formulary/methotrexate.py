"""Methotrexate in high dose over a day: how fast it must be gone, when leucovorin goes on and glucarpidase is due."""

from dosetwin.declare import After, Bar, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.limit import Asks
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import NOT_PAST, TOO_MUCH, measured, pregnancy
from dosetwin.quantities import Code

CONSENSUS = (
    "Ramsey 2018, Oncologist 23:52: glucarpidase at 36 h above 30, 42 h above 10, 48 h above 5 umol/L, where "
    "creatinine has risen too (abstract read)"
)
RESCUE = "leucovorin goes on, in a higher dose, until the level is below 0.2 umol/L; hydrate, alkalise, stop what slows it"
NOW = (
    "creatinine now: where it has risen since before the course, glucarpidase 50 units/kg within 48 to 60 h of the start, "
    "leucovorin not within two hours of it; " + RESCUE
)

DRUG = drug(
    "methotrexate",
    molar_mass=454.44,
    level_unit="umol/L",
    loinc=(Code("14836-1", "moles", "recalled"),),
    level_high=5000.0,
    rxnorm="6851",
    atc=("L01BA01",),
    vials=(Vial(1000.0, 10.0), Vial(5000.0, 50.0)),
    one_dose=(0.05, 600.0, "mg/kg"),
    usual=(5.0, 450.0),
    longest_h=48.0,
    long_h=25.0,
    shortest_h=24.0,
    alarms=(
        Alarm("glucarpidase", 30.0, "so slow that glucarpidase is due", NOW, CONSENSUS, 35.0, 41.0),
        Alarm("glucarpidase", 10.0, "so slow that glucarpidase is due", NOW, CONSENSUS, 41.0, 47.0),
        Alarm("glucarpidase", 5.0, "so slow that glucarpidase is due", NOW, CONSENSUS, 47.0, 72.0),
        Alarm("delayed_elimination", 1.0, "eliminated slowly", RESCUE, "above 1 umol/L at 48 h (recalled)", 47.0, 71.0),
        Alarm("rescue_goes_on", 0.2, "rescue is not over", RESCUE, "until below 0.1 to 0.2 umol/L (recalled)", 47.0),
    ),
)

C24 = Reading("", "at", After(24.0, ("next",)), name="level at 24 h")
C42 = Reading("", "at", After(42.0, ("next",)), name="level at 42 h")
C48 = Reading("", "at", After(48.0, ("next",)), name="level at 48 h")
PROTOCOL = "5 g/m2 over 24 h, as in NOPHO and BFM protocols (recalled)"
BAGS = Preparation(100.0, ((0.0, 0.5), (20.0, 1.0), (50.0, 2.5)), "assumed: steps of 50 to 250 mg", bags=(1000.0,))


def _filtration(facts: Facts) -> float:
    """mL/min/1.73 m2 of a child by its length (cm) and creatinine (mg/dL), Schwartz 2009."""
    return 0.413 * facts.HT / facts.SCR


METHOTREXATE_HIGH_DOSE = Therapy(
    name="methotrexate_high_dose",
    drug=DRUG,
    population="children with leukaemia, a course of a day every second week",
    models=("methotrexate_taylor_2020",),
    menu=Repeated((1000.0, 8000.0), "m2", (336.0,), (24.0,), BAGS.rounding),
    preparation=BAGS,
    goals=(
        Goal("enough", C24, 40.0, 150.0, "umol/L", 1.0, 40.0, "level at the end of the day", "below 150 umol/L at 24 h for 5 "
            "g/m2 "
             "(secondary); 40 and more assumed", min_probability=0.50, help="another dose per m2, after a look at the kidney"),
        Goal("gone", C48, None, 1.0, "umol/L", 2.0, 2.0, "gone at 48 h", "below 1 umol/L (secondary); the 70 % is assumed",
             min_probability=0.70, closed=True, help=TOO_MUCH + "; " + RESCUE),
        Goal("glucarpidase", C42, None, 10.0, "umol/L", 2.0, 10.0, "not where glucarpidase is due at 42 h", CONSENSUS,
             min_probability=0.90, closed=True, joint=False, help=NOW),
    ),
    limits=(
        Limit("dose_range", "dose_per_m2", 500.0, 8000.0, "mg/m2", "one dose per m2", "up to 8 g/m2 over 24 h in the cohort"),
        Limit("interval_range", "interval_h", 168.0, 504.0, "h", "interval", "assumed: a week and more"),
        NOT_PAST, measured(BAGS),
    ),
    bars=(
        pregnancy("a pregnancy forbids it (malformations, death of the child)", "US label (recalled)"),
        Bar("kidney", "SCR", "filtration below 60 mL/min/1.73 m2 (Schwartz): the course waits",
            "protocols: 60 to 65 mL/min/1.73 m2 and more before a course (recalled); Schwartz 2009: 0.413 length / creatinine "
            "(recalled)", below=60.0, of=_filtration,
            asks=Asks("the kidney's filtration cannot be worked out (length and creatinine), and a low one makes the course "
                      "wait"),
            help="hydrate, look for what hurts the kidney, measure again; a smaller "
            "dose only as the protocol says"),
        Bar("dialysis", "DIAL", "without a kidney it stays for days", "US label (recalled)", forbids=(1.0,),
            asks=Asks(lambda facts: None if facts.SCR else "nobody wrote whether there is dialysis, which forbids this")),
    ),
    rules=(Rule("methotrexate_five", "5 g/m2 over 24 h", PROTOCOL, "recalled", ("BSA",),
                lambda facts: Says(5000.0, 336.0, "protocol", "m2"), "5 g/m2"),),
    everyday=Everyday(4000.0, "mg", 336.0, 24.0, PROTOCOL + " at 0.8 m2"),
    typical={"WT": 20.0, "HT": 115.0, "BSA": 0.799, "SCR": 0.35},
    sampling=Sampling((24.0, 36.0, 42.0, 48.0, 66.0)),
    shown=((C24, "next"), (C42, "next"), (C48, "next")),
    horizon_h=72.0,
    stale_h=21 * 24.0,
    source=CONSENSUS + "; chances and weights are assumed and declared here",
    note="the answer is about a coming course; of one that runs, each level says by itself whether rescue must change",
)  # fmt: skip
