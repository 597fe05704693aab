"""Vancomycin: how it is called and given (swallowed, it stays in the gut); goals, limits, rules in adults, children, newborns."""

from dosetwin.declare import Assumed, End, Everyday, Facts, Goal, Interval, Limit, Reading, Rule, Says, Therapy
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.reading import AUC24, TROUGH
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._allergies import allergy
from dosetwin.formulary._newborns import ANY, ORDINARY, SYRINGE, by_age, of_any_dose
from dosetwin.quantities import Code
from dosetwin.structure.creatinine_clearance import cockcroft_gault

DRUG = drug(
    "vancomycin",
    molar_mass=1449.3,
    loinc=(Code("4090-7", "peak", "recalled"), Code("4091-5", "", "recalled"), Code("4092-3", "trough"), Code("20578-1")),
    level_high=500.0,
    rxnorm="11124",
    atc=("J01XA01",),
    vials=(Vial(500.0, 10.0, "powder; recalled"), Vial(1000.0, 20.0, "powder; recalled")),
    one_dose=(2.0, 60.0, "mg/kg"),
    usual=(5.0, 40.0),
    newborn=(5.0, 30.0),
    longest_h=96.0,
    long_h=26.0,
    raises=(Raises("VANCO", 24.0, "assumed: a day per dose"),),
    interactions=(
        Interaction(
            "nephrotoxic",
            "J01G",  # aminoglycosides
            48.0,
            "both can harm the kidney, and the harm of the two may add up; creatinine rises a day or two after it",
            "measure creatinine every day and urine output, and ask whether both are still needed",
            "both product labels warn of it (recalled); adults: 13 of 100 more than on vancomycin alone (Goetz 1993, abstract "
            "read); newborns: 16 of 533 against 7, odds 1.5, 0.6 to 4.0 (Constance 2016, abstract read); 48 h: assumed",
        ),
    ),
)

# ------------------------------------------------------------------------------------------------------------------- rules

LABEL = "US label (recalled): 15 mg/kg first, then a daily dose in mg of about 15 times the creatinine clearance in mL/min"


def _clearance(facts: Facts) -> float:
    return cockcroft_gault(facts.AGE, facts.WT, facts.SCR, float(facts.SEX in ("male", 1.0)))


def _label_adult(facts: Facts) -> Says | str:
    if facts.AGE < 18:
        return f"vancomycin_label_adult is for adults, found {facts.AGE:.3g} y"
    if facts.on("DIAL"):
        return "vancomycin_label_adult gives no interval on dialysis: levels decide"
    CLCR = _clearance(facts)
    interval = 12.0 if CLCR >= 60 else 24.0 if CLCR >= 25 else 48.0
    return Says(15.0 * CLCR * interval / 24.0, interval, f"creatinine clearance {CLCR:.0f} mL/min", "", 15.0 * facts.WT)


def _consensus_adult(facts: Facts) -> Says | str:
    if facts.AGE < 18:
        return f"vancomycin_consensus_2020 is for adults, found {facts.AGE:.3g} y"
    CLCR = _clearance(facts)
    if CLCR < 60:
        return f"vancomycin_consensus_2020 gives doses for usual kidneys, found {CLCR:.0f} mL/min"
    return Says(15.0, 8.0 if CLCR > 100 else 12.0, f"creatinine clearance {CLCR:.0f} mL/min", "kg", 25.0)


def _label_child(facts: Facts) -> Says | str:
    if not 1 / 12 <= facts.AGE < 18:
        return f"vancomycin_label_child is for one month to 18 years, found {facts.AGE:.3g} y"
    return Says(10.0, 6.0, "one month to 18 years", "kg")


def _consensus_child(facts: Facts) -> Says | str:
    if not 0.25 <= facts.AGE < 18:
        return f"vancomycin_consensus_child is for three months to 18 years, found {facts.AGE:.3g} y"
    return Says(17.5 if facts.AGE < 12 else 15.0, 6.0, f"{'three months to 12' if facts.AGE < 12 else '12 to 18'} years", "kg")


CONSENSUS = "Rybak 2020, Am J Health Syst Pharm 77:835 (recalled)"
RULES_ADULT = (
    Rule("vancomycin_label_adult", "US label: 15 times creatinine clearance a day", LABEL + "; the intervals are assumed",
         "recalled", ("WT", "AGE", "SCR", "SEX"), _label_adult, "US label"),
    Rule("vancomycin_consensus_2020", "US consensus 2020: 25 mg/kg, then 15 mg/kg every 8 to 12 h",
         CONSENSUS + ": loading 20 to 35 mg/kg, then 15 to 20 mg/kg every 8 to 12 h; 25 and 15 mg/kg and the border between the "
         "intervals are assumed", "recalled", ("WT", "AGE", "SCR", "SEX"), _consensus_adult, "US consensus 2020"),
)  # fmt: skip
RULES_CHILD = (
    Rule("vancomycin_label_child", "US label: 10 mg/kg every 6 h", "US label (recalled)", "recalled", ("WT", "AGE"), _label_child,
         "US label"),
    Rule("vancomycin_consensus_child", "US consensus 2020: 60 to 80 mg/kg a day",
         CONSENSUS + ": 60 to 80 mg/kg a day under 12 years, 60 to 70 above; 70 and 60 in four doses assumed", "recalled",
         ("WT", "AGE"), _consensus_child, "US consensus 2020"),
)  # fmt: skip

_NEOFAX = (
    (29, 14, 15.0, 18.0), (29, ANY, 15.0, 12.0),
    (36, 14, 15.0, 12.0), (36, ANY, 15.0, 8.0),
    (44, 7, 15.0, 12.0), (44, ANY, 15.0, 8.0),
    (ANY, ANY, 15.0, 6.0),
)  # fmt: skip
_NELSON = ((15.0, 12.0), (20.0, 24.0), (15.0, 24.0), (10.0, 24.0), (15.0, 48.0))
_NELSON_TO = {True: (0.4, 0.7, 1.0, 1.4, ANY), False: (0.6, 0.9, 1.2, 1.6, ANY)}
"""Highest creatinine of each row, mg/dL in tenths: to 28 weeks of gestation, and above."""


def _nelson(facts: Facts) -> Says | str:
    small, SCR = int(facts.GA) <= 28, round(facts.SCR + 1e-9, 1)
    dose, interval = next(x for x, to in zip(_NELSON, _NELSON_TO[small], strict=True) if to >= SCR)
    text = f"GA {'<= 28' if small else '> 28'} wk, creatinine {SCR:g} mg/dL"
    return Says(dose, interval, text, loading=20.0)


def _label_newborn(facts: Facts) -> Says | str:
    if int(facts.PNA) > 30:
        return f"vancomycin_label_newborn is for the first month, found PNA {facts.PNA:.0f} d"
    first = int(facts.PNA) <= 7
    return Says(10.0, 12.0 if first else 8.0, "first week" if first else "to the age of one month", loading=15.0)


RULES_NEWBORN = (
    Rule("vancomycin_neofax", "NeoFax: 15 mg/kg by postmenstrual and postnatal age",
         "table on 99nicu.org (read): 10 to 15 mg/kg; 15, as three quarters of 182 babies got it (EJHP 2022, 29:44, read)",
         "secondary", ("PMA", "PNA"), by_age("PMA", _NEOFAX), "NeoFax"),
    Rule("vancomycin_nelson", "Nelson's 2018: 20 mg/kg, then by creatinine and gestation",
         "table in the Merck manual (read): loading dose, doses, intervals, first and last border; the borders between are "
         "recalled", "recalled", ("GA", "SCR"), _nelson, "Nelson, by creatinine"),
    Rule("vancomycin_label_newborn", "US label: 15 mg/kg, then 10 mg/kg every 12 h, from the second week every 8 h",
         "US label as quoted on droracle.ai (read)", "secondary", ("PNA",), _label_newborn, "US label"),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- what is aimed at, and limits

AUC_MIC = Reading("", "auc24", Interval(("second", "last")), over="MIC", name="AUC24/MIC")
"""Area over 24 h over the MIC, from the second day's kind of exposure on: after a loading dose the first interval is richer."""
DAY_1 = Reading("", "auc24", Interval(("next",)), name="AUC24 of the first interval")
TROUGH_LATER = Reading("", "at", End(("pre", "next", "second", "last")), name="trough")
TOO_MUCH = "wait longer, take a level, look at the kidney and at what else is hard on it; where nothing fits, another drug"
TOO_LITTLE = "take a level to learn the clearance; where the MIC is above 1 mg/L, another drug"


HIGH = (20.0, 10.0, f"{CONSENSUS}: troughs above 15 to 20 mg/L go with kidney injury")
HIGH_NEWBORN = (
    15.0, 5.0, "BNF for Children asks for 10 to 15 mg/L (Petrie 2014, ADC, read); injury in 22 % of troughs above 15 (Ywaya, "
    "CJHP, read) and rising with the trough (BMC Pediatr 2017, s12887-017-0777-0, read)",
)  # fmt: skip


def _goals(who: str, high: tuple[float, float, str] = HIGH) -> tuple[Goal, ...]:
    return (
        Goal("auc_mic", AUC_MIC, 400.0, 600.0, "h", 1.0, 200.0, "AUC over 24 h over the MIC",
             f"{CONSENSUS}: 400 to 600 ({who})", min_probability=0.30, chance_doses=("second", "last"), help=TOO_LITTLE),
        Goal("auc_toxic", AUC24, None, 650.0, "mg.h/L", 2.0, 200.0, "not above the area that hurts kidneys more often",
             "kidney injury rises from 600 to 650 (Zasowski 2018, AAC 62:e01684; recalled); the 70 % is assumed",
             min_probability=0.70, chance_doses=("second", "last"), closed=True, joint=False, help=TOO_MUCH),
        Goal("auc_day_1", DAY_1, 400.0, None, "mg.h/L", 0.5, 200.0, "AUC over 24 h of the first interval",
             "Lodise 2014, CID 59:666: exposure of the first day counts (recalled); the border is that of later days, assumed",
             closed=True, joint=False, brief=False, help=TOO_LITTLE),
        Goal("trough_high", TROUGH_LATER, None, high[0], "mg/L", 0.5, high[1], "level at the end of the interval", high[2],
             closed=True, joint=False, help=TOO_MUCH),
    )  # fmt: skip


BAGS = Preparation(
    50.0, ((0.0, 5.0),), "assumed: steps of 250 mg; US label: at most 5 mg/mL in the bag (recalled)",
    bags=(100.0, 250.0, 500.0), strongest=5.0,
)  # fmt: skip
SYRINGES = Preparation(10.0, ((0.0, 0.5), (10.0, 1.0), (50.0, 5.0)), "assumed: 10 mg/mL in a syringe, half a millilitre and more")
RATE = Limit("rate", "rate", None, 15.0, "mg/min", "speed of the infusion",
             "US label: 10 mg/min or an hour, whichever is longer; up to 15 mg/min in adults (recalled)")  # fmt: skip
RATE_CHILD = Limit("rate", "rate", None, 10.0, "mg/min", "speed of the infusion", "US label: 10 mg/min (recalled)")


def _limits(highest: float, daily: float, rate: Limit, measured: Preparation) -> tuple[Limit, ...]:
    return (
        Limit("dose_range", "dose_per_kg", 3.0, 35.0, "mg/kg", "one dose per kg of current weight",
              f"{CONSENSUS}: loading to 35 mg/kg; the lowest is assumed"),
        Limit("dose_max", "dose", None, highest, "mg", "one dose", f"{CONSENSUS}: a loading dose to 3 g; per day 4.5 g"),
        Limit("daily_dose", "daily_per_kg", None, daily, "mg/kg/d", "mean dose per day",
              f"{CONSENSUS}: adults to 60 mg/kg, children to 100 mg/kg a day"),
        Limit("interval_range", "interval_h", 6.0, 48.0, "h", "interval", "assumed: the usual ones"),
        rate,
        Limit("infusion_range", "infusion_h", 1.0, 4.0, "h", "infusion time", "US label: at least an hour (recalled)"),
        Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "a dose cannot be given before now"),
        Limit("measurable", "off_step", None, 1e-6, "mg", "distance to an amount that can be measured", measured.source),
    )  # fmt: skip


MIC_1 = Assumed("MIC", 1.0, "mg/L", "most staphylococci are at or below it, and the target is defined with it", CONSENSUS)
AFTER = (0.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.5, 23.5)
SHOWN = ((AUC24, "next"), (AUC24, "last"), (TROUGH, "next"), (TROUGH, "last"))

VANCOMYCIN_ADULT = Therapy(
    name="vancomycin_adult",
    drug=DRUG,
    population="adults with a serious staphylococcal infection",
    models=("vancomycin_goti_2018", "vancomycin_colin_2019"),
    menu=Repeated((5.0, 30.0), "kg", (8.0, 12.0, 18.0, 24.0, 48.0), (1.0, 1.5, 2.0, 2.5, 3.0, 3.5), BAGS.rounding, rate=15.0),
    preparation=BAGS,
    goals=_goals("adults"),
    limits=_limits(3000.0, 60.0, RATE, BAGS),
    bars=(allergy("glycopeptide"),),
    rules=RULES_ADULT,
    everyday=Everyday(15.0, "mg/kg", 12.0, 1.5, CONSENSUS),
    typical={"WT": 70.0, "AGE": 60.0, "SCR": 0.9, "SEX": "male"},
    sampling=Sampling(AFTER),
    assumed=(MIC_1,),
    shown=SHOWN,
    horizon_h=72.0,
    stale_h=4 * 24.0,
    source=CONSENSUS + "; weights and chances are assumed and declared here",
)

VANCOMYCIN_CHILD = Therapy(
    name="vancomycin_child",
    drug=DRUG,
    population="children from three months with a serious staphylococcal infection",
    models=("vancomycin_colin_2019",),
    menu=Repeated((5.0, 25.0), "kg", (6.0, 8.0, 12.0, 24.0), (1.0, 1.5, 2.0), SYRINGES.rounding, rate=10.0),
    preparation=SYRINGES,
    goals=_goals("adult targets, taken over for children"),
    limits=_limits(1500.0, 100.0, RATE_CHILD, SYRINGES),
    bars=(allergy("glycopeptide"),),
    rules=RULES_CHILD,
    everyday=Everyday(15.0, "mg/kg", 6.0, 1.0, CONSENSUS),
    typical={"WT": 20.0, "AGE": 6.0, "SCR": 0.4},
    sampling=Sampling(AFTER),
    assumed=(MIC_1,),
    shown=SHOWN,
    horizon_h=72.0,
    stale_h=4 * 24.0,
    source=CONSENSUS + "; weights and chances are assumed and declared here",
)

NEWBORN = (
    "Nelson's 2018 as printed in the Merck manual (read): AUC24/MIC 400; Therapeutic Guidelines (read): 400 to 650 in young "
    "infants"
)

VANCOMYCIN_NEONATE = Therapy(
    name="vancomycin_neonate",
    drug=DRUG,
    population="newborns with a suspected or proven staphylococcal infection",
    models=("vancomycin_frymoyer_2014", "vancomycin_colin_2019"),
    menu=Repeated((5.0, 25.0), "kg", (6.0, 8.0, 12.0, 18.0, 24.0, 36.0, 48.0), (1.0,), SYRINGE.rounding),
    preparation=SYRINGE,
    goals=_goals("taken over for newborns; " + NEWBORN, HIGH_NEWBORN),
    limits=(
        Limit("dose_range", "dose_per_kg", 5.0, 25.0, "mg/kg", "one dose per kg of current weight",
              "highest: loading dose of NeoVanc (Hill 2022, Lancet Infect Dis 22:49; recalled); lowest assumed"),
        Limit("dose_max", "dose", None, 125.0, "mg", "one dose", "assumed: 25 mg/kg at 5 kg"),
        Limit("daily_dose", "daily_per_kg", None, 60.0, "mg/kg/d", "mean dose per day",
              "15 mg/kg every 6 h, the densest of NeoFax"),
        Limit("interval_range", "interval_h", 6.0, 48.0, "h", "interval", "shortest NeoFax, longest Nelson's 2018"),
        RATE_CHILD,
        Limit("infusion_range", "infusion_h", 1.0, 2.0, "h", "infusion time",
              "60 to 120 min (99nicu.org; Merck manual: at least 60)"),
        *of_any_dose(6.0, ((0.4, 2.0), "assumed: from a loading dose of 20 to 8 mg/kg, and back")),
    ),
    bars=(allergy("glycopeptide"),),
    rules=RULES_NEWBORN,
    everyday=Everyday(15.0, "mg/kg", 12.0, 1.0, "NeoFax at 30 to 36 weeks in the first fortnight"),
    typical=ORDINARY | {"SCR": 0.8},
    sampling=Sampling(AFTER),
    assumed=(MIC_1,),
    shown=SHOWN,
    horizon_h=72.0,
    stale_h=4 * 24.0,
    source=NEWBORN + "; weights and chances are assumed and declared here",
    note="the usual model was made of newborns alone; the second pools all ages. Both read creatinine themselves: no kidney "
    "tells them anything",
)  # fmt: skip
