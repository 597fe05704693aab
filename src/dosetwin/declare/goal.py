"""What an order should reach: a reading between borders, with what a miss costs and where the borders come from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.place import placed, stamp
from dosetwin.declare.reading import COURSE, Reading
from dosetwin.errors import InputError, UnknownName
from dosetwin.quantities.units import plain_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dosetwin.declare.model import Model

AROUND = ("pre", "next", COURSE)
"""Where a chance constraint holds unless said otherwise: the coming dose, the level before it, the course."""


@dataclass(frozen=True)
class Goal:
    """One goal about one reading.

    ``low`` and ``high`` are open borders (``closed`` True: the border itself is met) in ``unit``. ``weight`` and ``scale``
    make the loss: a miss costs ``weight * (1 + min(distance / scale, 1))``. ``min_probability``: chance constraint that
    must hold at each of ``chance_doses``; an order that breaks it is never recommended. By default these are the coming dose
    and the level before it: later doses count in the loss, but will be asked for again with what is known then.
    ``joint``: counts in the joint attainment. ``brief``: shown in short tables too. ``help``: what would help where no order
    reaches it. ``told_as``: the key under which its chance, lowest over its doses, is told with what is expected; "": it is not.

    The first dose of a course may weigh otherwise: ``first_weight`` is what a miss at the coming dose (``next``) then costs
    instead of its share of ``weight``, ``first_source`` why.

    ``price`` True: no border but a price, ``weight / scale`` for each unit of the reading (a bed kept open); always met.
    """

    code: str
    reading: Reading
    low: float | None = None
    high: float | None = None
    unit: str = ""
    weight: float = 1.0
    scale: float = 1.0
    text: str = ""
    source: str = ""
    min_probability: float | None = None
    closed: bool = False
    joint: bool = True
    chance_doses: tuple[str, ...] = AROUND
    first_weight: float | None = None
    first_source: str = ""
    brief: bool = True
    help: str = ""
    price: bool = False
    told_as: str = ""
    at: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"goal {self.code}")
        if not self.text:
            object.__setattr__(self, "text", self.reading.label)
        where = placed(self, f"goal {self.code}")
        if self.price and (self.low is not None or self.high is not None or self.min_probability is not None or self.joint):
            raise InputError("a price has no border, no chance and counts in no joint attainment", where=where)
        if self.low is None and self.high is None and not self.price:
            raise InputError("a goal needs a low or a high border", where=where)
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise InputError("the low border is not below the high one", where=where, value=(self.low, self.high))
        if not self.weight >= 0 or not self.scale > 0:
            raise InputError(
                "weight must not be negative and scale must be positive", where=where, value=(self.weight, self.scale)
            )
        if self.min_probability is not None and not 0 <= self.min_probability <= 1:
            raise InputError("a probability", where=where, value=self.min_probability, allowed="0 to 1")
        if self.min_probability is not None and not set(self.chance_doses) & set(self.doses):
            raise InputError(
                "a chance constraint needs a dose it holds at", where=where, value=self.chance_doses,
                allowed=", ".join(self.doses),
            )  # fmt: skip
        if not self.source:
            raise InputError("a goal must name its source", where=where, remedy='write source="..."')
        if self.first_weight is not None and (not self.first_weight >= 0 or not self.first_source):
            raise InputError("a first weight must not be negative and must name its source", where=where, value=self.first_weight)

    @property
    def doses(self) -> tuple[str, ...]:
        """The doses at which it is judged."""
        return self.reading.doses

    @property
    def what(self) -> str:
        """What is judged, in words."""
        return self.reading.words

    def costs(self, dose: str, n_doses: int, first: bool = False) -> float:
        """Weight of a miss at one of ``n_doses`` doses judged."""
        return self.first_weight if first and dose == "next" and self.first_weight is not None else self.weight / n_doses

    @property
    def constrained(self) -> tuple[str, ...]:
        """The doses at which the chance constraint must hold; empty without one."""
        return () if self.min_probability is None else tuple(d for d in self.doses if d in self.chance_doses)

    @property
    def forbids_now(self) -> bool:
        """Whether the level just before the coming dose can forbid it."""
        return self.reading.how == "at" and "pre" in self.constrained

    def met(self, value: np.ndarray) -> np.ndarray:
        """Whether each value (same unit as the goal, any shape) meets the goal; bool, same shape."""
        if self.price:
            return np.ones(np.shape(value), dtype=bool)
        low = None if self.low is None else (value >= self.low if self.closed else value > self.low)
        high = None if self.high is None else (value <= self.high if self.closed else value < self.high)
        if low is not None and high is not None:
            return low & high
        return np.asarray(high if low is None else low)

    def miss(self, value: np.ndarray) -> np.ndarray:
        """0 where met, else 1 plus the distance to the border in units of ``scale``, at most 2; of a price the value in units of
        ``scale``; float64, same shape."""
        if self.price:
            return value / self.scale
        # at most one side is missed, so the larger of the two signed distances is the distance
        sides = ([] if self.low is None else [self.low - value]) + ([] if self.high is None else [value - self.high])
        distance = sides[0] if len(sides) == 1 else np.maximum(*sides)
        cost = np.clip(distance / self.scale, 0.0, 1.0)
        cost += 1.0
        cost *= ~self.met(value)
        return cost

    def border(self) -> str:
        """The goal in words: ``24-35 mg/L``, ``< 3 mg/L``."""
        if self.price:
            return "as little as possible"
        if self.reading.how in ("ever_above", "ever_below"):
            return ""
        share = 100.0 if self.reading.how in ("share_within", "share_above", "hazard") else 1.0
        unit = "%" if share > 1 else "" if plain_unit(self.unit) == "1" else self.unit
        if self.low is not None and self.high is not None:
            return f"{share * self.low:g}-{share * self.high:g} {unit}".strip()
        sign = ("<" if self.low is None else ">") + ("=" if self.closed else "")
        return f"{sign} {share * (self.high if self.low is None else self.low):g} {unit}".strip()  # type: ignore[operator]

    def judged_by(self, model: "Model", drug: str) -> str:
        """The name of the model's output that this goal judges. Raises UnknownName where it has none of that name."""
        name = output_of(self.reading, model, drug)
        if name is None:
            where = f"{placed(self, f'goal {self.code}')}, {model.name}"
            raise UnknownName("the model predicts nothing of this name", where=where,
                              value=self.reading.what, allowed=", ".join(model.outputs))  # fmt: skip
        return name

    def to_json(self) -> dict[str, Any]:
        data = {k: v for k, v in asdict(self).items() if k != "at"}
        return data | {"reading": self.reading.to_json(), "chance_doses": list(self.chance_doses)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Goal":
        given: dict[str, Any] = {**data, "chance_doses": tuple(data["chance_doses"])}
        given["reading"] = Reading.from_json(data["reading"])
        return cls(**given)


def output_of(reading: Reading, model: "Model", drug: str) -> str | None:
    """The name of the output a reading is taken from; None where the model has none of that name."""
    if reading.what:
        return model.measured_by(reading.what)
    return model.measured_by(drug) or next(iter(model.outputs))


def judges(goals: "Iterable[Goal]", models: "Sequence[Model]", drug: str, where: str = "") -> None:
    """Refuse goals whose unit is not that of what they judge: an INR of 2 to 3 is no level of 2 to 3 mg/L.

    ``where``: the therapy's file or name. Raises InputError, UnknownName.
    """
    for goal in goals:
        for model in models:
            name = goal.judged_by(model, drug)
            expected = goal.reading.unit(model.outputs[name].unit)
            if plain_unit(goal.unit) != plain_unit(expected):
                others = [n for n, o in model.outputs.items() if plain_unit(goal.reading.unit(o.unit)) == plain_unit(goal.unit)]
                remedy = f'name what it judges: Reading("{others[0]}", ...)' if others else "give the borders in that unit"
                told = placed(goal, f"goal {goal.code}")
                raise InputError(
                    f"the unit is not that of what is judged ({goal.what} of {name}, {model.name})",
                    where=f"{where}: {told}" if where else told, value=goal.unit, allowed=expected or "1", remedy=remedy,
                )  # fmt: skip
