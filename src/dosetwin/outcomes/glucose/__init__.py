"""What a course of glucose says: time in range, risk of low and high values, swings."""

from dosetwin.outcomes.glucose.excursions import mage, turning_points
from dosetwin.outcomes.glucose.metrics import Glycaemia, glycaemia, risk

__all__ = ["Glycaemia", "glycaemia", "mage", "risk", "turning_points"]
