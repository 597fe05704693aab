"""What policies that dose a whole course know of a therapy: rules behind rules, borders of levels, tables tuned."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dosetwin.errors import InputError


@dataclass(frozen=True)
class Table:
    """A fixed table: amount per kg and interval by current weight and postnatal age, hours added under a condition.

    ``rows``: (PNA below d, weight below kg, amount/kg, interval h), read from the top; the last one holds for everybody.
    ``longer`` h under one of the control's conditions; ``first`` amount/kg of the first dose, None: as the table.
    """

    rows: tuple[tuple[float, float, float, float], ...]
    longer: float = 0.0
    first: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not self.rows or self.rows[-1][:2] != (float("inf"), float("inf")):
            raise InputError("the last row of a nomogram must hold for everybody", where="nomogram", value=self.rows[-1:])


@dataclass(frozen=True)
class ByLevels:
    """How levels shift a rule. A trough drawn at most ``before`` h before a dose: the first of ``troughs`` (above, h longer) that
    it lies above lengthens the interval. A peak drawn within ``peak_h`` of the start of a dose: outside ``peak`` the amount is
    scaled towards ``aim``, by at most ``step``. ``longest`` h is never passed."""

    troughs: tuple[tuple[float, float], ...]
    peak: tuple[float, float]
    aim: float
    source: str
    peak_h: tuple[float, float] = (0.5, 2.0)
    before: float = 2.0
    step: float = 0.20
    longest: float = 72.0


@dataclass(frozen=True)
class Prices:
    """What a whole course costs beside missed goals: an infection ``not_eradicated`` at its end, one that is ``resistant`` then
    (each times its chance), each ``dose`` and each blood ``sample``."""

    not_eradicated: float = 1.0
    resistant: float = 1.0
    dose: float = 0.01
    sample: float = 0.01
    source: str = "assumed: they say what is worth what, and are printed with every result"

    def __post_init__(self) -> None:
        for name in ("not_eradicated", "resistant", "dose", "sample"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise InputError("not a price", where=f"prices: {name}", value=getattr(self, name), allowed=">= 0, finite")


@dataclass(frozen=True)
class Control:
    """``rule`` the standard one; ``behind`` those followed where a rule is silent, ``last`` (amount/kg, h) where all are;
    ``conditions`` flags under which a nomogram waits longer; ``by_levels`` how measured levels shift a rule.

    By the scenario pack under which they were tuned: ``nomograms``, and ``loading`` amount/kg of a first dose. ``usual`` the pack
    that stands for one without its own. ``prices`` of a course beside its goals.
    """

    rule: str
    behind: tuple[str, ...]
    last: tuple[float, float]
    conditions: tuple[str, ...]
    by_levels: ByLevels
    nomograms: Mapping[str, Table]
    usual: str
    loading: dict[str, float] = field(default_factory=dict)
    source: str = ""
    prices: Prices = Prices()
