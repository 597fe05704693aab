"""What years are worth and what they cost: quality-adjusted life years and the care of complications, discounted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dosetwin.errors import InputError
from dosetwin.outcomes.diabetes.equations import EVENTS
from dosetwin.outcomes.diabetes.life import Lives

UTILITY = 0.785
"""A year with type 2 diabetes and none of the events. Clarke 2002, Med Decis Making 22:340 (UKPDS 62; recalled)."""
LOST: Mapping[str, float] = {
    "infarction": 0.055, "ischaemia": 0.090, "stroke": 0.164, "heart_failure": 0.108, "amputation": 0.280, "blindness": 0.074,
}  # fmt: skip
"""What a year loses from the event on (UKPDS 62; recalled). Ulcers and renal failure have no figure there and lose nothing."""
COST: Mapping[str, tuple[float, float]] = {
    "ischaemia": (9767.0, 0.0), "amputation": (9546.0, 1792.0), "stroke": (6805.0, 0.0), "infarction": (6379.0, 0.0),
    "heart_failure": (3191.0, 0.0), "blindness": (1355.0, 453.0),
}  # fmt: skip
"""GBP of 2012 of inpatient care in the year of the event and in each later one, a man of 60: Alva 2015, Diabet Med 32:459 (UKPDS
84; read in the abstract, which gives later years of amputation and blindness alone; the others count as none: too low)."""


@dataclass(frozen=True)
class Worth:
    """How years are valued: discount a year, utility and its losses, costs of events, and of the treatment a year."""

    discount: float = 0.035
    """NICE's reference case (recalled)."""
    utility: float = UTILITY
    lost: Mapping[str, float] = field(default_factory=lambda: LOST)
    cost: Mapping[str, tuple[float, float]] = field(default_factory=lambda: COST)

    def __post_init__(self) -> None:
        if not 0.0 <= self.discount < 1.0:
            raise InputError("a discount of a year", where="discount", value=self.discount, allowed="0 to below 1")
        if strange := sorted({*self.lost, *self.cost} - {*EVENTS}):
            raise InputError("no such event", where="worth", value=strange[0], allowed=", ".join(EVENTS))

    def qalys(self, lives: Lives) -> np.ndarray:
        """[n] discounted quality-adjusted years; the year of death counts half (assumed)."""
        had = np.logical_or.accumulate(lives.happened, axis=1) | lives.before[:, None, :]
        quality = self.utility - had @ np.array([self.lost.get(e, 0.0) for e in EVENTS])
        year = np.arange(lives.years)
        lived = np.where(year < lives.died[:, None], 1.0, np.where(year == lives.died[:, None], 0.5, 0.0))
        return (quality * lived / (1.0 + self.discount) ** year).sum(axis=1)

    def costs(self, lives: Lives, treatment: np.ndarray | float = 0.0) -> np.ndarray:
        """[n] discounted costs of events and later years, and of ``treatment`` ([n, years] or one number, a year)."""
        had = np.logical_or.accumulate(lives.happened, axis=1) | lives.before[:, None, :]
        at_once = np.array([self.cost.get(e, (0.0, 0.0))[0] for e in EVENTS])
        later = np.array([self.cost.get(e, (0.0, 0.0))[1] for e in EVENTS])
        spent = lives.happened @ at_once + (had & ~lives.happened) @ later + np.asarray(treatment)
        return (spent * lives.alive / (1.0 + self.discount) ** np.arange(lives.years)).sum(axis=1)
