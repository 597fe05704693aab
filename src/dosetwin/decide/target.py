"""What a dose should reach: targets as data, each with its source, and how far a predicted level misses one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dosetwin.errors import InputError, UnknownName, UnknownUnit
from dosetwin.quantities import QUANTITIES
from dosetwin.units import plain_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dosetwin.declare import Model

Metric = Literal["peak", "trough", "auc24", "cmax_mic"]
PEAK_DOSES = ("next", "second", "last")
TROUGH_DOSES = ("pre", "next", "second", "last")
"""Dose indices that are scored: ``next`` the coming dose, ``second`` the one after it, ``last`` the last of the
horizon; a trough belongs to the end of that dose's own interval, ``pre`` is the level just before the coming dose."""


@dataclass(frozen=True)
class Target:
    """One target for one quantity.

    ``low`` and ``high`` are open borders (``closed`` True: the border itself is met) in ``unit``. ``weight`` and ``scale``
    make the loss: a miss costs ``weight * (1 + min(distance / scale, 1))``. ``min_probability``: chance constraint that
    must hold at each of ``chance_doses``; a regimen that breaks it is never recommended. By default these are the coming dose
    and the level before it: later doses count in the loss, but will be asked for again with what is known then.
    ``joint``: counts in the joint attainment. ``output``: what is judged, by the name of a model's output or of what it
    measures (``INR``); "" is the drug's level.

    The first dose of a course may weigh otherwise: ``first_weight`` is what a miss at the coming dose (``next``) then costs
    instead of its share of ``weight``, ``first_source`` why.
    """

    code: str
    metric: Metric
    low: float | None
    high: float | None
    unit: str
    weight: float
    scale: float
    text: str
    source: str
    doses: tuple[str, ...] = PEAK_DOSES
    min_probability: float | None = None
    closed: bool = False
    joint: bool = True
    chance_doses: tuple[str, ...] = ("pre", "next")
    output: str = ""
    first_weight: float | None = None
    first_source: str = ""

    def __post_init__(self) -> None:
        where = f"target {self.code}"
        allowed = TROUGH_DOSES if self.metric == "trough" else PEAK_DOSES
        if self.low is None and self.high is None:
            raise InputError("a target needs a low or a high border", where=where)
        if not set(self.doses) <= set(allowed) or not self.doses:
            raise InputError("unknown dose index", where=where, value=self.doses, allowed=", ".join(allowed))
        if self.weight < 0 or self.scale <= 0:
            raise InputError(
                "weight must not be negative and scale must be positive", where=where, value=(self.weight, self.scale)
            )
        if self.min_probability is not None and not 0 <= self.min_probability <= 1:
            raise InputError("a probability", where=where, value=self.min_probability, allowed="0 to 1")
        if self.min_probability is not None and not set(self.chance_doses) & set(self.doses):
            raise InputError(
                "a chance constraint needs a dose it holds at",
                where=where,
                value=self.chance_doses,
                allowed=", ".join(self.doses),
            )
        if not self.source:
            raise InputError("a target must name its source", where=where)
        own = (q.unit for q in QUANTITIES.values())
        known = {plain_unit(unit_of(self.metric, u)) for u in (*own, "ug/L", "ng/mL", "umol/L", "mmol/L", "")}
        if plain_unit(self.unit) not in known:
            raise UnknownUnit("unknown unit", where=where, value=self.unit,
                              allowed=f"the unit of what is judged, as {unit_of(self.metric, 'mg/L') or '1'}")  # fmt: skip
        if self.first_weight is not None and (not self.first_weight >= 0 or not self.first_source):
            raise InputError("a first weight must not be negative and must name its source", where=where, value=self.first_weight)

    @property
    def reads(self) -> str:
        """The metric as exposures are keyed: ``peak``, or ``peak of INR`` where an output is named."""
        metric = "peak" if self.metric == "cmax_mic" else self.metric
        return f"{metric} of {self.output}" if self.output else metric

    @property
    def over(self) -> str:
        """The fact that what is read is divided by before it is judged: ``MIC``; "" for none."""
        return "MIC" if self.metric == "cmax_mic" else ""

    @property
    def what(self) -> str:
        """The metric with the output it is read from, in words."""
        return f"{self.output} {self.metric}" if self.output else self.metric

    def costs(self, dose: str, n_doses: int, first: bool = False) -> float:
        """Weight of a miss at one of ``n_doses`` doses judged."""
        return self.first_weight if first and dose == "next" and self.first_weight is not None else self.weight / n_doses

    @property
    def constrained(self) -> tuple[str, ...]:
        """The doses at which the chance constraint must hold; empty without one."""
        return () if self.min_probability is None else tuple(d for d in self.doses if d in self.chance_doses)

    def met(self, value: np.ndarray) -> np.ndarray:
        """Whether each value (same unit as the target, any shape) meets the target; bool, same shape."""
        low = None if self.low is None else (value >= self.low if self.closed else value > self.low)
        high = None if self.high is None else (value <= self.high if self.closed else value < self.high)
        if low is not None and high is not None:
            return low & high
        return np.asarray(high if low is None else low)

    def miss(self, value: np.ndarray) -> np.ndarray:
        """0 where met, else 1 plus the distance to the border in units of ``scale``, at most 2; float64, same shape."""
        # at most one side is missed, so the larger of the two signed distances is the distance
        sides = ([] if self.low is None else [self.low - value]) + ([] if self.high is None else [value - self.high])
        distance = sides[0] if len(sides) == 1 else np.maximum(*sides)
        cost = np.clip(distance / self.scale, 0.0, 1.0)
        cost += 1.0
        cost *= ~self.met(value)
        return cost

    def border(self) -> str:
        """The target in words: ``24-35 mg/L``, ``< 3 mg/L``."""
        unit = "" if plain_unit(self.unit) == "1" else self.unit
        if self.low is not None and self.high is not None:
            return f"{self.low:g}-{self.high:g} {unit}".strip()
        sign = ("<" if self.low is None else ">") + ("=" if self.closed else "")
        return f"{sign} {self.high if self.low is None else self.low:g} {unit}".strip()

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"doses": list(self.doses), "chance_doses": list(self.chance_doses)}

    def judged_by(self, model: "Model", drug: str) -> str:
        """The name of the model's output that this target judges. Raises UnknownName where it has none of that name."""
        name = model.measured_by(self.output) if self.output else model.measured_by(drug) or next(iter(model.outputs))
        if name is None:
            raise UnknownName("the model predicts nothing of this name", where=f"target {self.code}, model {model.name}",
                              value=self.output, allowed=", ".join(model.outputs))  # fmt: skip
        return name

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Target":
        given: dict[str, Any] = {**data, "doses": tuple(data["doses"]), "chance_doses": tuple(data["chance_doses"])}
        return cls(**given)


def unit_of(metric: Metric, unit: str) -> str:
    """The unit of a metric of an output in ``unit``: that of the output for levels, times hours for areas, none for ratios."""
    if metric == "cmax_mic":
        return ""
    if metric != "auc24":
        return unit
    above, sign, below = unit.partition("/")
    return f"{above}.h{sign}{below}" if above not in ("", "1") else f"h{sign}{below}"


def judges(targets: "Iterable[Target]", models: "Sequence[Model]", drug: str, where: str = "") -> None:
    """Refuse targets whose unit is not that of what they judge: an INR of 2 to 3 is no level of 2 to 3 mg/L.

    ``where``: the policy's file or name. Raises InputError, UnknownName.
    """
    for target in targets:
        for model in models:
            name = target.judged_by(model, drug)
            expected = unit_of(target.metric, model.outputs[name].unit)
            if plain_unit(target.unit) != plain_unit(expected):
                others = [
                    n for n, o in model.outputs.items() if plain_unit(unit_of(target.metric, o.unit)) == plain_unit(target.unit)
                ]
                remedy = f'name what it judges: "output": "{others[0]}"' if others else "give the borders in that unit"
                raise InputError(
                    f"the unit is not that of what is judged ({target.metric} of {name}, {model.name})",
                    where=f"{where}: target {target.code}" if where else f"target {target.code}",
                    value=target.unit, allowed=expected or "1", remedy=remedy,
                )  # fmt: skip


LEUVEN = "De Cock 2012; Smits 2015, AAC 59:6344: peak > 24, trough < 3 mg/L"

AMIKACIN_NEONATE = (
    Target(
        "peak_window", "peak", 24.0, 35.0, "mg/L", 1.0, 10.0, "peak 1 h after the start of the dose",
        LEUVEN + "; upper border 35 as in Matcha 2025 and the Nelson/AAP table", min_probability=0.50, first_weight=1.0,
        first_source="assumed: the first peak of a sepsis counts as much as all scored peaks of a later course. Direction: "
        "first Cmax/MIC foretells the response of adults to aminoglycosides (Moore 1987, J Infect Dis 155:93; Kashuba 1999, "
        "AAC 43:623; recalled)",
    ),
    Target(
        "trough_low", "trough", None, 3.0, "mg/L", 1.0, 2.0, "level at the end of the interval",
        LEUVEN, doses=TROUGH_DOSES,
    ),
    Target(
        "trough_toxic", "trough", None, 5.0, "mg/L", 2.0, 5.0, "never above the toxicity mark at the end of an interval",
        "Cristea 2017, AAC 61(12): trough > 5 mg/L is the mark of toxicity; the 10 % is assumed",
        doses=TROUGH_DOSES, min_probability=0.90, closed=True, joint=False,
    ),
    Target(
        "cmax_mic", "cmax_mic", 8.0, None, "", 1.0, 8.0, "peak over MIC; only scored when the MIC is known",
        "Sherwin 2009, Treluyer 2002: Cmax/MIC >= 8; the 50 % is assumed", min_probability=0.50, closed=True,
    ),
    # Without a floor the longest interval always wins: exposure between peak and trough would be free.
    Target(
        "auc_floor", "auc24", 140.0, None, "mg.h/L", 0.5, 140.0, "mean AUC over 24 h of the dose's interval",
        "assumed: 70 x MIC 2 mg/L; AUC/MIC of 70 or more is adult-derived and unverified here; the 50 % is assumed",
        min_probability=0.50, closed=True, joint=False,
    ),
    Target(
        "auc_ceiling", "auc24", None, 400.0, "mg.h/L", 0.25, 200.0, "mean AUC over 24 h of the dose's interval",
        "assumed: no published neonatal ceiling found; keeps short intervals from accumulating unseen", closed=True, joint=False,
    ),
)  # fmt: skip
"""Targets of amikacin in newborns."""
