"""What drugs for adults share: no dose in the past, steps that can be measured, the kidney, common wording."""

from dosetwin.declare import Bar, Facts, Limit
from dosetwin.declare.limit import Asks
from dosetwin.declare.menu import Rounding
from dosetwin.declare.preparation import Preparation
from dosetwin.structure.creatinine_clearance import cockcroft_gault

NOT_PAST = Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "a dose cannot be given before now")
LEARN = "take a level and ask again: so little is known of this patient that no dose is likely to do"
TOO_MUCH = "wait longer, take a level, look for what slows the drug's way out; where nothing fits, another drug"
KIDNEY = ("WT", "AGE", "SCR", "SEX")
"""Facts that creatinine clearance needs."""


def _asks_pregnancy(facts: Facts) -> str | None:
    age = facts.number("AGE")
    if facts.SEX in ("male", 1.0) or (age is not None and not 10.0 <= age <= 55.0):
        return None
    if facts.SEX is None:
        return "nobody wrote the sex: of a woman ask or test for a pregnancy before the first dose, since it forbids this"
    return "nobody wrote whether she is pregnant, and a pregnancy forbids this: ask or test before the first dose"


def pregnancy(text: str, source: str, help: str = "") -> Bar:
    """That a pregnancy forbids it; it is asked of whom is no man and of 10 to 55 years (assumed), or of an age nobody wrote."""
    return Bar("pregnancy", "PREGNANT", text, source, forbids=(1.0,), help=help, asks=Asks(_asks_pregnancy))


KIDNEY_ASKED = Asks("the kidney's clearance cannot be worked out, and a low one forbids this: creatinine, age, weight and sex")


def clearance(facts: Facts) -> float:
    """Creatinine clearance by Cockcroft and Gault, mL/min."""
    return cockcroft_gault(facts.AGE, facts.WT, facts.SCR, float(facts.SEX in ("male", 1.0)))


def measured(rounding: Rounding | Preparation) -> Limit:
    """That a dose is one of those that can be given."""
    return Limit("measurable", "off_step", None, 1e-6, "mg", "distance to an amount that can be given", rounding.source)


def step(low: float, high: float, why: str) -> Limit:
    """Lowest and highest ratio of a dose to the one before, and why."""
    return Limit("change_per_step", "amount_ratio", low, high, "1", "dose relative to the previous one", why)


def starts(high: float, source: str, unit: str = "mg/d") -> Limit:
    """Most a day of a course that begins (``unit`` mg/d, or mg/kg/d)."""
    of = "start_daily_per_kg" if "kg" in unit else "start_daily"
    return Limit("first_dose", of, None, high, unit, "a course begins with no more a day", source)


def rises_in_two_weeks(high: float, source: str) -> Limit:
    """Most by which a day's dose (mg) may rise within two weeks."""
    return Limit(
        "rise_in_two_weeks", "fortnight_rise", None, high, "mg/d", "a day's dose rises by no more within two weeks", source
    )


def rises(high: float, source: str, unit: str = "mg/d") -> Limit:
    """Most by which a day's dose may rise within a week (``unit`` mg/d, or mg/kg/d)."""
    of = "daily_rise_per_kg" if "kg" in unit else "daily_rise"
    return Limit("rise_in_a_week", of, None, high, unit, "a day's dose rises by no more within a week", source)


def rounded(steps: tuple[tuple[float, float], ...], source: str) -> Rounding:
    """Amounts that can be given."""
    return Rounding(steps, source)
