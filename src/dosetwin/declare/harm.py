"""A harm that two drugs of one patient share: how often it comes with both, and how that hangs on the exposure to one of them."""

from dataclasses import dataclass

import numpy as np

from dosetwin.declare.drug import Drug
from dosetwin.declare.reading import Reading
from dosetwin.errors import ModelError


@dataclass(frozen=True)
class Harm:
    """``text`` what it is. ``one`` and ``other``: what the ATC codes of the two drugs begin with; ``age`` of whom, years.

    ``chance`` with the drug of ``one`` alone (below ``border`` where there is one); ``together`` odds of both over it alone.
    ``exposed``: a reading of ``one`` at the dose ``at``; above ``border`` (in its unit) the odds are ``above`` times as high.
    ``weight`` of it in the loss, as of a goal that is missed. ``source`` of all, with what is derived or assumed.
    """

    name: str
    text: str
    one: str
    other: str
    age: tuple[float, float]
    chance: float
    together: float
    weight: float
    source: str
    exposed: Reading | None = None
    at: str = "last"
    border: float = 0.0
    above: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.chance < 1 and self.together > 0 and self.above > 0 and self.weight >= 0):
            raise ModelError(f"harm {self.name}: a chance between 0 and 1, odds ratios above 0, no negative weight")

    def of(self, a: Drug, b: Drug) -> int | None:
        """Which of two drugs is the one that ``one`` is about (0, 1); None: the two do not share this harm."""
        for k, (x, y) in enumerate(((a, b), (b, a))):
            if any(c.startswith(self.one) for c in x.atc) and any(c.startswith(self.other) for c in y.atc):
                return k
        return None

    def p(self, exposure: np.ndarray | None, both: bool = True) -> np.ndarray:
        """Chance of it, of any shape; ``exposure`` None: not known, taken to be below the border."""
        odds = self.chance / (1.0 - self.chance) * (self.together if both else 1.0)
        high = np.zeros(()) if exposure is None else np.asarray(exposure) > self.border
        found = odds * np.where(high, self.above, 1.0)
        return found / (1.0 + found)
