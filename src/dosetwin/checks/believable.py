"""What can be believed of a quantity, a dose or a change of weight: one table for every door, possible and usual ranges.

Outside the possible range a record is a slip of the pen and is refused; outside the usual one somebody is asked. Both are
guards (assumed, deliberately wide), not dosing limits and not a model's applicability.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

GRAMS_FROM = 30.0
"""kg; a newborn's weight above it was meant in grams."""
NEWBORN_DAYS = 60.0


@dataclass(frozen=True)
class Believable:
    """``name`` in words, canonical ``unit``, possible from ``low`` to ``high``, in newborns to ``newborn_high``."""

    name: str
    unit: str
    low: float
    high: float
    newborn_high: float | None = None

    def top(self, newborn: bool) -> float:
        """The highest possible value."""
        return self.newborn_high if newborn and self.newborn_high is not None else self.high

    def allowed(self, newborn: bool = False) -> str:
        """``0.2 to 10 kg``."""
        return f"{self.low:g} to {self.top(newborn):g} {self.unit}".strip()

    def holds(self, value: float, newborn: bool = False) -> bool:
        """Whether a value in the canonical unit can be."""
        return self.low <= value <= self.top(newborn)


QUANTITIES: Mapping[str, Believable] = MappingProxyType(
    {
        "GA": Believable("gestational age", "weeks", 22.0, 44.0),
        "WT": Believable("weight", "kg", 0.2, 300.0, 10.0),
        "BW": Believable("birth weight", "kg", 0.2, 10.0, 10.0),
        "SCR": Believable("creatinine", "mg/dL", 0.05, 20.0),
        "TEMP": Believable("temperature", "Cel", 20.0, 45.0),
        "HT": Believable("length", "cm", 20.0, 250.0, 80.0),
        "HC": Believable("head circumference", "cm", 15.0, 70.0, 50.0),
        "ALB": Believable("albumin", "g/L", 5.0, 80.0),
        "INR": Believable("INR", "1", 0.5, 30.0),
        "APGR": Believable("Apgar score", "", 0.0, 10.0),
        "APGR1": Believable("Apgar score", "", 0.0, 10.0),
        "GFR": Believable("glomerular filtration", "mL/min", 0.0, 300.0),
    }
)


@dataclass(frozen=True)
class Drug:
    """What is believed of a drug: one dose in mg/kg, ``possible`` and ``usual`` (``newborn``: usual there); the highest ``level``
    (mg/L); the longest infusion, ``longest`` possible and ``long`` unusual (h)."""

    possible: tuple[float, float] = (0.0001, 500.0)
    usual: tuple[float, float] = (0.0001, 500.0)
    newborn: tuple[float, float] | None = None
    level: float = 10_000.0
    longest: float = 96.0
    long: float = 72.0

    def usually(self, newborn: bool) -> tuple[float, float]:
        """The usual mg/kg of one dose."""
        return self.newborn if newborn and self.newborn is not None else self.usual


ANY_DRUG = Drug()
DRUGS: Mapping[str, Drug] = MappingProxyType(
    {
        "amikacin": Drug((1.0, 40.0), (5.0, 30.0), (5.0, 25.0), 500.0, 24.0, 4.0),
        "gentamicin": Drug((0.5, 15.0), (1.5, 8.0), (2.0, 8.0), 300.0, 24.0, 4.0),
        "tobramycin": Drug((0.5, 15.0), (1.5, 12.0), (2.0, 8.0), 300.0, 24.0, 4.0),
        "vancomycin": Drug((2.0, 60.0), (5.0, 40.0), (5.0, 30.0), 500.0, 96.0, 26.0),
        "phenobarbital": Drug((0.5, 50.0), (1.0, 40.0), None, 500.0, 24.0, 4.0),
        "warfarin": Drug((0.005, 2.0), (0.005, 0.5), None, 30.0, 1.0, 1.0),
    }
)


def drug(name: str) -> Drug:
    """What is believed of a drug; a very wide range for one nobody listed."""
    return DRUGS.get(name, ANY_DRUG)


WEIGHT_STEP, WEIGHT_PER_DAY = 0.10, 0.03
ADULT_WEIGHT_STEP, ADULT_WEIGHT_PER_DAY = 0.10, 0.01
"""Relative change of a weight that passes without a question: a step for scale and fluid, and growth or loss per day. Newborns
lose up to 10 % in days and gain 1.5 to 2 % a day; the borders are assumed."""


def weight_change(days: float, newborn: bool) -> float:
    """The relative change of weight that is believed after ``days``."""
    step, per_day = (WEIGHT_STEP, WEIGHT_PER_DAY) if newborn else (ADULT_WEIGHT_STEP, ADULT_WEIGHT_PER_DAY)
    return step + per_day * max(days, 0.0)
