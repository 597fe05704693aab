"""Phenytoin: a little more dose is much more level; total and free level, by mouth and as a loading dose by vein."""

from dataclasses import replace

from dosetwin.declare import After, At, Between, End, Everyday, Facts, Goal, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, Raises, drug
from dosetwin.declare.genetic import bars
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.limit import Asks, Bar, adjusted_weight
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._adults import NOT_PAST, TOO_MUCH, measured, rises, rounded, starts
from dosetwin.formulary._genetics import PHENYTOIN
from dosetwin.quantities import Code

RANGE = "10 to 20 mg/L total, 1 to 2 mg/L free (US label of capsules by prescriberpoint.com, read)"
DRUG = drug(
    "phenytoin",
    molar_mass=252.27,
    loinc=(Code("3968-5", "", "recalled"),),
    level_high=100.0,
    rxnorm="8183",
    atc=("N03AB02",),
    tablets=(100.0, 50.0),
    halves=False,
    synonyms=("phenytoin sodium",),
    one_dose=(0.5, 25.0, "mg/kg"),
    usual=(2.0, 20.0),
    routes=("mouth", "vein"),
    longest_h=4.0,
    long_h=2.0,
    vials=(Vial(100.0, 2.0, "50 mg/mL (nursekey.com, read)"), Vial(250.0, 5.0, "50 mg/mL (nursekey.com, read)")),
    raises=(
        Raises("INDUCER", 14 * 24.0, "induction goes within one to two weeks (recalled)"),
        Raises("PHENYTOIN", 14 * 24.0, "induction goes within one to two weeks (recalled)"),
    ),
    interactions=(
        Interaction(
            "valproate_phenytoin",
            "N03AG01",
            7 * 24.0,
            "valproate pushes phenytoin off albumin and slows its way out: the total level falls while what is free, which "
            "acts, stays "
            "or rises",
            "a free level; go by how the patient is and not by the total level",
            "labels of both (recalled); no number moves; 7 d: assumed",
        ),
    ),
    alarms=(
        Alarm("level_toxic", 20.0, "above the usual range: nystagmus from 20, ataxia from 30, drowsiness from 40 mg/L (read); "
            "with low "
              "albumin harm comes at a lower total level", "a free level where albumin is low; no dose until it falls, then "
              "less", RANGE),
    ),
    gives_way=True,
)  # fmt: skip

LEARN = (
    "a free level in a few days and ask again: near saturation a little more dose is much more level, and how near is not known"
)
FREE = Reading("free phenytoin", "at", At(14, "d"), name="free level in two weeks")
TOTAL = Reading("", "at", At(14, "d"), name="total level in two weeks")
EVER = Reading("free phenytoin", "ever_above", Between(0, 14, "d"), level=2.5)
LABEL = (
    "US label: 300 mg a day to begin with, 300 to 400 mg as a rule, up to 600 mg, steps no sooner than after 7 to 10 days "
    "(mimsdev.com, prescriberpoint.com: read)"
)
CAPSULES = rounded(((0.0, 50.0),), "capsules of 100 mg, chewable tablets of 50 mg (nursekey.com, read)")


def _label(facts: Facts) -> Says | str:
    if facts.AGE < 15:
        return f"for grown-ups, found {facts.AGE:.3g} y"
    return Says(300.0, 24.0, "300 mg a day", "")


def _cpic(facts: Facts) -> Says | str:
    score = facts.CYP2C9_AS
    if score > 1.0:
        return "CPIC 2020: an activity score of 1.5 or 2 changes nothing"
    part = 0.75 if score == 1.0 else 0.5
    return Says(300.0 * part, 24.0, f"CYP2C9 activity score {score:g}: {part:g} of the usual maintenance dose", "")


PHENYTOIN_EPILEPSY = Therapy(
    name="phenytoin_epilepsy",
    drug=DRUG,
    population="adults with epilepsy, capsules once a day",
    models=("phenytoin_grasela_1983",),
    menu=Repeated((100.0, 600.0), "", (24.0,), (0.0,), CAPSULES, loading="never"),
    goals=(
        Goal("free", FREE, 1.0, 2.0, "mg/L", 1.0, 1.0, "free level in two weeks", RANGE + "; the 35 % is "
            "assumed", min_probability=0.35,
             help="take " + LEARN),
        Goal("too_high", EVER, None, 0.5, "", 2.0, 0.5, "no free level above 2.5 mg/L within two weeks",
             RANGE + "; 2.5 as some centres let pass (neurocritical care, 1.5 to 2.5: read), the 75 % is "
                 "assumed", min_probability=0.75,
             joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("daily_most", "daily", None, 600.0, "mg/d", "dose per day", LABEL),
        starts(300.0, LABEL), rises(100.0, LABEL + "; 100 mg assumed: near saturation a capsule doubles the level"),
        NOT_PAST, measured(CAPSULES),
    ),
    bars=bars(PHENYTOIN),
    rules=(
        Rule("phenytoin_label", "300 mg a day", LABEL, "secondary", ("AGE",), _label, "US label"),
        Rule("phenytoin_cpic", "CPIC 2020 by CYP2C9", "Karnes 2021, Clin Pharmacol Ther 109:302 "
            "(CPIC)", "secondary", ("CYP2C9_AS",),
             _cpic, "CPIC 2020"),
    ),
    everyday=Everyday(300.0, "mg", 24.0, 0.0, LABEL),
    typical={"WT": 70.0, "AGE": 40.0, "ALB": 42.0, "HLA_B_1502": 0.0},
    sampling=Sampling((0.0, 168.0, 336.0), learns=("VMAX", "KM")),
    shown=((FREE, "course"), (TOTAL, "course")),
    horizon_h=14 * 24.0,
    stale_h=60 * 24.0,
    source=RANGE + "; chances and weights are assumed and declared here",
    note="not linear in the dose: at 300 mg a day a typical level of 15 mg/L, at 350 mg twice that. What is free is aimed at: "
    "a total level is judged by albumin",
)  # fmt: skip

LOAD = "15 to 20 mg/kg by vein, at most 50 mg/min, then 100 mg every 6 to 8 h (US label by droracle.ai, scribd.com: read)"
GUIDE = (
    "a hospital's guide for adults (scribd.com/document/675217580, read): 20 mg/kg, at most 2,000 mg; top-up of (20 - level) x "
    "0.7 L/kg, the level corrected where albumin is below 32 g/L; at most 50 mg/min, 25 in the old and with heart disease"
)
SLOW = GUIDE + "; above 50 years or with atherosclerosis more low pressure and bradycardia even at 25 mg/min (Donovan 1991, read)"
MEASURE = "a free level two hours after the dose: the volume is not known before (0.7 L/kg in textbooks, 1.1 in patients)"
AFTER_LOAD = Reading("free phenytoin", "at", After(2.0, ("next",)), name="free level 2 h after the start")
LATER = Reading("free phenytoin", "at", End(("next", "last")), name="free level before the next dose")
DRAWN = Preparation(50.0, ((0.0, 1.0),), "50 mg/mL as it comes (nursekey.com, read), in steps of 1 mL (assumed)")


def _slow(facts: Facts) -> bool:
    age = facts.number("AGE")
    return (age is not None and age > 50.0) or facts.on("HEART_FAILURE")


def corrected(facts: Facts) -> float | None:
    """The last level as it would be at usual albumin, mg/L: ten times a free one, else Sheiner and Tozer's where albumin is below
    32 g/L; None where none was measured."""
    free, total, albumin = facts.number("free phenytoin"), facts.number("phenytoin"), facts.number("ALB")
    if free is not None:
        return 10.0 * free
    if total is None or albumin is None or albumin >= 32.0:
        return total
    return total / (0.02 * albumin + 0.1)


def _load(facts: Facts) -> Says | str:
    most = min(2000.0, 20.0 * (adjusted_weight(facts) or facts.WT))
    if facts.number("DAY") is None:
        return Says(100.0, 8.0, "18 mg/kg first, at most 20 of adjusted weight and 2,000 mg", "", min(18.0 * facts.WT, most))
    level = corrected(facts)
    if level is None:
        return "on phenytoin already: a level first, total with albumin or free"
    top_up = min((20.0 - level) * 0.7 * facts.WT, most)
    if top_up < 100.0:
        return Says(100.0, 8.0, f"no top-up at a level of {level:.3g} mg/L at usual albumin", "")
    return Says(100.0, 8.0, f"top-up to 20 mg/L from {level:.3g} mg/L at usual albumin", "", top_up)


PHENYTOIN_LOADING = replace(
    PHENYTOIN_EPILEPSY,
    name="phenytoin_loading",
    population="adults who need it within hours: a loading dose by vein or a top-up by the level, then every 8 h for three days",
    models=("phenytoin_grasela_1983_vein",),
    preparation=DRAWN,
    menu=Repeated((1.0, 20.0), "kg", (8.0,), (0.25, 0.5, 1.0, 1.5), DRAWN.rounding, rate=50.0, loading="any_time",
                  slower=lambda facts: 25.0 if _slow(facts) else None),
    goals=(
        Goal("loaded", AFTER_LOAD, 1.0, 2.5, "mg/L", 1.0, 1.0, "free level 2 h after the start", RANGE + "; to 2.5 let pass "
            "(read), 50 % "
             "assumed", min_probability=0.50, help="take " + MEASURE),
        Goal("kept", LATER, 1.0, 2.0, "mg/L", 1.0, 1.0, "free level before the next dose", RANGE),
        Goal("too_high", LATER, None, 2.5, "mg/L", 2.0, 1.0, "not where it harms", RANGE + "; the 80 % is "
            "assumed", min_probability=0.80,
             joint=False, help=TOO_MUCH),
    ),
    limits=(
        Limit("one_dose", "dose_per_kg", None, 20.0, "mg/kg", "one dose per kg", LOAD),
        Limit("one_dose_adjusted", "dose_per_adjusted_kg", None, 20.0, "mg/kg", "one dose per kg of adjusted weight (obesity)",
              "Keats (195 patients a fifth above their ideal weight, abstract read): 10 to 20 mg/L in 74 % by adjusted weight, "
              "in 57 % by actual weight, more above; 0.4 of the excess: recalled"),
        Limit("load_most", "dose", None, 2000.0, "mg", "one dose", GUIDE),
        Limit("rate", "rate", None, 50.0, "mg/min", "mg a minute", LOAD),
        Limit("rate_slow", "rate", None, 25.0, "mg/min", "mg a minute above 50 years or where the heart fails", SLOW,
              holds=_slow),
        Limit("goes_on", "later_daily", None, 600.0, "mg/d", "dose per day after the loading dose", LABEL),
        NOT_PAST, measured(DRAWN),
    ),
    bars=(
        *bars(PHENYTOIN),
        Bar("heart_block", "HEART_BLOCK", "sinus bradycardia, a sinoatrial block or one of the second or third degree forbids "
            "it by vein", "US label by bestinmeds.com (contraindications, read)", forbids=(1.0,),
            help="another drug by vein (levetiracetam, valproate), or a pacemaker first: a person decides",
            asks=Asks("nobody wrote whether the ECG shows sinus bradycardia or a block, which forbid it by vein: look before "
                      "the dose")),
    ),
    rules=(Rule("phenytoin_loading_label", "18 mg/kg or a top-up by the level, then 100 mg every 8 h",
                LOAD + "; 18 as guidelines have it (droracle.ai, read); " + GUIDE, "secondary", ("WT",), _load, "US label"),),
    everyday=Everyday(100.0, "mg", 8.0, 0.25, LOAD),
    sampling=Sampling((2.0, 8.0, 24.0, 48.0), learns=("V", "VMAX")),
    shown=((AFTER_LOAD, "next"), (LATER, "last")),
    horizon_h=72.0,
    stale_h=3 * 24.0,
    note="the volume (1.1 L/kg of actual weight, as free levels after loading doses have it) lies above the 0.7 of textbooks; "
    "its spread holds both, a free level two hours after the dose decides. By vein with ECG and blood pressure",
)  # fmt: skip
