"""What can be believed of one dose and of a change of weight. What a quantity can be, stands with the quantity.

Outside the possible range a record is a slip of the pen and is refused; outside the usual one somebody is asked. Both are
guards (assumed, deliberately wide), not dosing limits and not a model's applicability.
"""

from dosetwin import formulary
from dosetwin.declare.drug import UNKNOWN_LEVEL, Drug, OneDose, drug

GRAMS_FROM = 30.0
"""kg; a newborn's weight above it was meant in grams."""
NEWBORN_DAYS = 60.0


WEIGHT_STEP, WEIGHT_PER_DAY = 0.10, 0.03
ADULT_WEIGHT_STEP, ADULT_WEIGHT_PER_DAY = 0.10, 0.01
"""Relative change of a weight that passes without a question: a step for scale and fluid, and growth or loss per day. Newborns
lose up to 10 % in days and gain 1.5 to 2 % a day; the borders are assumed."""


def weight_change(days: float, newborn: bool) -> float:
    """The relative change of weight that is believed after ``days``."""
    step, per_day = (WEIGHT_STEP, WEIGHT_PER_DAY) if newborn else (ADULT_WEIGHT_STEP, ADULT_WEIGHT_PER_DAY)
    return step + per_day * max(days, 0.0)


ANY_DOSE = OneDose(0.0001, 500.0, "mg/kg", (0.0001, 500.0))
"""What one dose of a drug can be whose file says nothing of it."""
NOBODYS = drug("nobodys", level_high=UNKNOWN_LEVEL)
"""A drug that no file declares."""


def drug_of(name: str) -> Drug:
    """The drug's file; a very wide one for a drug nobody declared."""
    return formulary.by_name().get(name, NOBODYS)


def one_dose(name: str) -> OneDose:
    """What is believed of one dose of a drug."""
    return drug_of(name).one_dose or ANY_DOSE
