"""Ten years of chronic kidney disease: how filtration falls under an ACE inhibitor and an SGLT2 inhibitor, and failure."""

from collections.abc import Mapping

import numpy as np

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column, Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Reading
from dosetwin.outcomes.scores.kidney import BASE, FOUR, MG_G
from dosetwin.studies.decisions._years import AGE, DAYS, SEX, YEARS, flag, potassium_forbids

DRUG = drug("kidney_drugs", unit="1", measured=False, device=True)
EMPA = "EMPA-KIDNEY 2024, Lancet Diabetes Endocrinol (abstract read)"
RENAAL = "RENAAL 2001, N Engl J Med 345:861: -4.4 against -5.2 a year (recalled)"
PROTEIN = {"ACE": 0.70, "SGLT2": 0.81}
"""Albuminuria on the drug over that without: 0.70 set by eye beside RENAAL's 35 % less, EMPA-KIDNEY -19 % (recalled)."""
ALBUMINURIA = 30.0
"""mg/g: below it no trial here says that an ACE inhibitor flattens the fall (RENAAL's people had far more; KDIGO begins
at 30)."""
FAILURE = 15.0
TREND = 3.0


def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
    """Filtration falls by SLOPE a year, times RAS (with albuminuria) and SGLT while the drugs are taken, less a dip at once; KFRE
    with it."""
    untreated = _untreated(facts)
    slope, albuminuria = p["SLOPE"], untreated >= ALBUMINURIA
    egfr0 = p["EGFR0"]
    out = np.empty((len(egfr0), len(t)))
    albumin = np.empty(len(t))
    starts = [a for a, _ in steps[1:]] + [np.inf]
    for j, when in enumerate(t):
        value = egfr0.copy()
        for (a, s), b in zip(steps, starts, strict=True):
            span = min(when, b) - max(a, 0.0)
            if span > 0.0:
                fall = slope * np.where(slope < 0, p["RAS"] ** (s["ACE"] * albuminuria) * p["SGLT"] ** s["SGLT2"], 1.0)
                value = value + fall * span
        s = steps[int(np.searchsorted(starts[:-1], when + 1e-9, side="right"))][1]
        out[:, j] = np.maximum(value - 2.12 * s["SGLT2"], 3.0)
        albumin[j] = (untreated or 1.0) * PROTEIN["ACE"] ** s["ACE"] * PROTEIN["SGLT2"] ** s["SGLT2"]
    failed = np.logical_or.accumulate(out < FAILURE, axis=1).astype(float)
    return {"EGFR": out, "FAILED": failed, "KFRE_5Y": _kfre(out, albumin, facts)}


def _untreated(facts: Facts) -> float:
    """Albumin over creatinine without the drugs, mg/g: what was measured and what the drugs taken then (``ACE_NOW`` ...)
    took off it; 0 where nobody measured it."""
    taken = {k: facts.number(f"{k}_NOW") or 0.0 for k in PROTEIN}
    return (facts.number("ACR") or 0.0) / (PROTEIN["ACE"] ** taken["ACE"] * PROTEIN["SGLT2"] ** taken["SGLT2"])


def _kfre(egfr: np.ndarray, acr: np.ndarray, facts: Facts) -> np.ndarray:
    """Risk of kidney failure within five years by four variables, 0 where filtration is 60 or more (the equation ends there)."""
    age, male, slope, albumin = FOUR
    x = age * ((facts.number("AGE") or 60.0) / 10.0 - 7.036) + male * ((facts.number("SEX") or 0.0) - 0.5642)
    x = x + slope * (egfr / 5.0 - 7.222) + albumin * (np.log(acr) - 5.137)
    risk = 1.0 - BASE[4][3 if not facts.on("NORTH_AMERICA") else 1] ** np.exp(x)
    return np.where(egfr < 60.0, risk, 0.0)


FORMULA = Formula(
    name="kidney",
    text="filtration falls by a slope that drugs flatten",
    clock="y",
    step=0.25,
    unknowns=(
        Unknown(
            "EGFR0",
            "mL/min/1.73 m2",
            "filtration when the clock begins",
            45.0,
            0.5,
            "a wide spread: the first value says it (assumed)",
        ),
        Unknown(
            "SLOPE",
            "mL/min/1.73 m2/y",
            "fall a year without the drugs",
            -2.75,
            2.5,
            EMPA + ": -2.75 on placebo; spread assumed",
            "plain",
        ),
        Unknown("RAS", "1", "fall on an ACE inhibitor over that without", 0.85, 0.08, RENAAL),
        Unknown("SGLT", "1", "fall on an SGLT2 inhibitor over that without", 0.50, 0.083, EMPA + ": 50 % less (42 to 58)"),
    ),
    reads=(
        Read(
            "EGFR",
            "filtration",
            "mL/min/1.73 m2",
            3.0,
            150.0,
            {"mL/s/1.73 m2": 60.0},
            proportional=0.06,
            slip="a creatinine? dosetwin score ckd_epi turns it into a filtration",
        ),
        Read("FAILED", "1 once filtration has been below 15", "1", 0.0, 1.0, measured=False),
        Read("KFRE_5Y", "risk of kidney failure in the five years that follow (KFRE)", "1", 0.0, 1.0, measured=False),
    ),
    settings=(
        Column("ACE", "ACE inhibitor or angiotensin blocker", "1", 0.0, 1.0, words={"yes": 1.0, "no": 0.0}),
        Column("SGLT2", "SGLT2 inhibitor", "1", 0.0, 1.0, words={"yes": 1.0, "no": 0.0}),
    ),
    now={"ACE": 0.0, "SGLT2": 0.0},
    course=course,
    source=f"{EMPA}; {RENAAL}; KFRE (Tangri 2016)",
    facts=(
        AGE,
        SEX,
        Column(
            "ACR",
            "albumin over creatinine in urine",
            "mg/g",
            0.1,
            30000.0,
            {"mg/mmol": MG_G},
            needed=True,
            slip="mg/mmol? say so in units",
        ),
        flag("NORTH_AMERICA", "lives in North America", needed=False),
        Column("K", "potassium", "mmol/L", 2.0, 8.0),
        flag("PREGNANT", "pregnant or may become so", needed=False),
        flag("TYPE_1", "type 1 diabetes", needed=False),
    ),
)


def words(s: Mapping[str, float]) -> str:
    """``ACE inhibitor and SGLT2 inhibitor``."""
    on = [w for k, w in (("ACE", "ACE inhibitor"), ("SGLT2", "SGLT2 inhibitor")) if s[k]]
    return " and ".join(on) or "neither drug"


def possible(s: Mapping[str, float], facts: Facts) -> bool:
    """No ACE inhibitor in pregnancy, begun above potassium 5.0 or at 6.0; no SGLT2 inhibitor begun below 20, in pregnancy or type
    1 diabetes.
    """
    if s["ACE"] and (facts.on("PREGNANT") or potassium_forbids(facts, facts.number("ACE") == 1.0)):
        return False
    begun = facts.number("SGLT2") == 1.0
    late = (facts.number("EGFR") or 0.0) < 20.0 and not begun
    return not (s["SGLT2"] and (facts.on("PREGNANT", "TYPE_1") or late))


def _kdigo(facts: Facts) -> Sets | str:
    egfr, acr = facts.number("EGFR"), facts.number("ACR") or 0.0
    if egfr is None:
        return "kdigo_2024 needs a filtration"
    ACE = float(acr >= 30.0 or facts.number("ACE") == 1.0)
    SGLT2 = float((egfr >= 20.0 and (acr >= 200.0 or egfr < 45.0)) or facts.number("SGLT2") == 1.0)
    asked = {"ACE": ACE, "SGLT2": SGLT2}
    wanted = {k: v if possible({"ACE": 0.0, "SGLT2": 0.0, k: v}, facts) else 0.0 for k, v in asked.items()}
    if any(asked.values()) and not any(wanted.values()):
        return "kdigo_2024: what it asks for is barred here"
    barred = "" if wanted == asked else "; what else it asks for is barred here"
    return Sets(wanted, f"albuminuria {acr:.0f} mg/g, filtration {egfr:.0f}{barred}")


KDIGO = Rule(
    "kdigo_2024",
    "KDIGO 2024: ACE inhibitor with albuminuria, SGLT2 inhibitor from 20 mL/min",
    "KDIGO 2024, Kidney Int 105:S117 (recalled)",
    "recalled",
    (),
    _kdigo,
    ward="KDIGO",
)

THERAPY = Therapy(
    name="kidney_years",
    drug=DRUG,
    population="adults with chronic kidney disease",
    models=(),
    menu=Settings({}, {("ACE", "SGLT2"): ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))}),
    goals=(
        Goal(
            "kept",
            Reading("FAILED", "at", At(DAYS, "d"), name="failure"),
            None,
            0.5,
            "1",
            1.0,
            1.0,
            "filtration never below 15 in ten years",
            "KDIGO's stage G5 (recalled)",
            closed=True,
        ),
        Goal(
            "risk",
            Reading("KFRE_5Y", "at", At(1826.0, "d"), name="KFRE"),
            None,
            None,
            "1",
            0.5,
            1.0,
            "risk of failure in the five years after five",
            "KFRE (Tangri 2016)",
            joint=False,
            price=True,
        ),
        Goal(
            "fall",
            Reading("EGFR", "at", At(DAYS, "d"), name="filtration"),
            30.0,
            None,
            "mL/min/1.73 m2",
            0.5,
            15.0,
            "filtration of 30 or more in ten years",
            "KDIGO's stage G3 (recalled)",
            closed=True,
        ),
    ),
    limits=(),
    rules=(KDIGO,),
    typical={},
    horizon_h=24.0 * DAYS,
    stale_h=24.0 * 365,
    tie_loss=0.004,
    source=f"{EMPA}; {RENAAL}; weights assumed",
    note="research and teaching: one slope a person; no acute kidney injury, no death before the kidney fails; harms "
    "of the drugs "
    "are bars alone",
)

DECISION = Decision(
    FORMULA,
    THERAPY,
    "Ten years of chronic kidney disease",
    words,
    ("EGFR", "KFRE_5Y"),
    YEARS,
    (
        "The slope without drugs is believed from trials' placebo arms and told by the filtrations given; drugs "
        "multiply it: an SGLT2 "
        "inhibitor by 0.50 (0.42 to 0.58), an ACE inhibitor by 0.85 from an albuminuria of 30 mg/g on; together their "
        "product (assumed).",
        "The albuminuria given is taken as measured under the drugs taken now.",
        "The dip of 2.12 mL/min at the beginning of an SGLT2 inhibitor is undone when it is stopped.",
        "Deaths before the kidney fails are not taken out: in old age the chance of failure is too high.",
    ),
    possible=possible,
)
