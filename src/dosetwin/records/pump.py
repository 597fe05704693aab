"""An order for an infusion pump: rates one after the other, worked out beforehand, mostly for a concentration to be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dosetwin.errors import InputError
from dosetwin.records.covariate import Covariate
from dosetwin.records.dosing import DoseEvent

SAME = 1e-9


@dataclass(frozen=True)
class Pump:
    """What a pump gives from ``first_at`` h on: ``plan`` (h from the start, amount, h it runs), ascending, over ``covers`` h.

    ``says`` in a few words what it is for; ``target`` (in ``of``) the concentration it is worked out for, None: it was written
    as rates. ``strength`` of the syringe, ``unit`` per mL. Raises InputError for steps that run backwards or give less than
    nothing.
    """

    plan: tuple[tuple[float, float, float], ...]
    covers: float
    says: str
    first_at: float = 0.0
    target: float | None = None
    of: str = ""
    strength: float = 10.0
    unit: str = field(default="mg", kw_only=True)

    def __post_init__(self) -> None:
        starts = [t for t, _, _ in self.plan]
        if starts != sorted(starts) or any(t < 0 or a < 0 or h < 0 for t, a, h in self.plan) or not self.covers > 0:
            raise InputError("a pump's steps go forwards and give something", where="order", value=self.plan[:3],
                             allowed="(h from the start, amount, h it runs), none negative")  # fmt: skip
        if not self.strength > 0:
            raise InputError("a syringe holds something", where="strength", value=self.strength, allowed=f"> 0 {self.unit}/mL")

    @property
    def amount(self) -> float:
        """All that is given."""
        return sum(a for _, a, _ in self.plan)

    first = amount
    interval = first_interval = duration = property(lambda self: self.covers, doc="h that are worked out.")

    def start(self, k: int) -> float:
        """h at which it is worked out anew for the ``k``-th time."""
        return self.first_at + k * self.covers

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """What starts before ``until`` (h, exclusive)."""
        return tuple(DoseEvent(self.first_at + t, a, h) for t, a, h in self.plan if self.first_at + t < until - SAME and a > 0)

    def settings(self, until: float) -> tuple[Covariate, ...]:
        """None: doses set nothing."""
        return ()

    def rate(self, t: float) -> float:
        """Amount per h that runs ``t`` h after the start."""
        return sum(a / h for s, a, h in self.plan if h > 0 and s <= t + SAME < s + h)

    def mL_per_h(self, t: float) -> float:
        """What the pump shows ``t`` h after the start."""
        return self.rate(t) / self.strength

    def ug_per_kg_min(self, t: float, kg: float) -> float:
        """The same per kg and minute, where the unit is mg."""
        return 1000.0 * self.rate(t) / 60.0 / kg

    @property
    def pattern(self) -> tuple[str, ...]:
        """What it is for."""
        return (self.of,) if self.target is not None else (self.says,)

    @property
    def complexity(self) -> int:
        """A pump sees to it."""
        return 0

    @property
    def roundness(self) -> int:
        """0 for targets in halves."""
        return 0 if self.target is None or abs(2 * self.target - round(2 * self.target)) < 1e-6 else 1

    @property
    def amounts(self) -> str:
        """``effect site 3 ug/mL``."""
        return self.says

    def words(self) -> str:
        """``effect site 3 ug/mL (Eleveld): 89 mg within 30 s, 42 mL/h from 2 min, 38 mL/h at 15 min``."""
        steady = self.rate(min(0.25, 0.5 * self.covers))
        loading, ends = 0.0, 0.0
        for t, a, h in self.plan:  # what is given fast before the pause, or before the rate that is kept
            if t > ends + SAME or (h > 0 and a / h < 1.5 * steady):
                break
            loading, ends = loading + a, t + h
        said = [f"{loading:.3g} {self.unit} {'at once' if ends == 0 else f'within {round(ends * 3600)} s'}"] if loading else []
        after = next((t for t, a, _ in self.plan if t >= ends - SAME and a > 0), None)
        if after is not None:
            said.append(f"{self.mL_per_h(after):.3g} mL/h from {after * 60:.2g} min")
        if after is not None and after < 0.25 < self.covers:
            said.append(f"{self.mL_per_h(0.25):.3g} mL/h at 15 min")
        return f"{self.says}: {', '.join(said)}" if said else self.says

    def to_json(self) -> dict[str, Any]:
        """Plain data; ``mL_per_h``: (min from the start, what the pump shows)."""
        shown = [[round(60.0 * t, 3), round(a / h / self.strength, 2)] for t, a, h in self.plan if h > 0]
        return {"kind": "pump", "plan": [list(step) for step in self.plan], "covers_h": self.covers, "says": self.says,
                "first_at_h": self.first_at, "target": self.target, "of": self.of, "strength": self.strength,
                "unit": self.unit, "mL_per_h": shown}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Pump":
        """The order that ``to_json`` wrote."""
        plan = tuple((float(t), float(a), float(h)) for t, a, h in data["plan"])
        return cls(plan, data["covers_h"], data["says"], data["first_at_h"], data["target"], data["of"], data["strength"],
                   unit=data["unit"])  # fmt: skip

    def moved(self, first_at: float) -> "Pump":
        """The same rates from another moment on."""
        return replace(self, first_at=first_at)
