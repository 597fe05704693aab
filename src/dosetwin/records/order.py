"""An order: what is written on the chart, whatever it is for; doses of a drug, or settings of a device or a place."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from dosetwin.errors import InputError
from dosetwin.records.covariate import Covariate
from dosetwin.records.dosing import DoseEvent


@runtime_checkable
class Order(Protocol):
    """What every order can be asked, by a twin that plays it, a page that shows it and a file that keeps it. Immutable."""

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """Doses given before ``until`` (h, exclusive), by time; empty for an order of settings."""
        ...

    def settings(self, until: float) -> tuple[Covariate, ...]:
        """Settings in force from their time on, those before ``until`` (h, exclusive); empty for an order of doses."""
        ...

    def words(self) -> str:
        """The order as a person would write it, in a few words: ``15 mg every 36 h``, ``beds 12``."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data with a key ``kind`` that says which order it is."""
        ...


@runtime_checkable
class Choosable(Order, Protocol):
    """An order that can be chosen among others, in force from ``first_at`` (h) on.

    Among equals the order of the lowest ``complexity`` (0: one amount, or settings) is taken, then, of those with one ``pattern``
    (when and how long, or what is set), that of the lowest ``roundness`` (0: whole units). ``amounts`` in words.
    """

    @property
    def first_at(self) -> float:
        """h from which it is in force."""
        ...

    @property
    def complexity(self) -> int:
        """0: as simple as can be."""
        ...

    @property
    def pattern(self) -> tuple[Any, ...]:
        """What makes two orders alike in kind."""
        ...

    @property
    def roundness(self) -> int:
        """0: whole units."""
        ...

    @property
    def amounts(self) -> str:
        """In words."""
        ...


@dataclass(frozen=True, init=False)
class Setting:
    """One or more quantities set from ``at`` (h) on: ``Setting(beds=12)``, ``Setting(VT=0.42, RR=20, at=3.0)``.

    ``values`` name -> value in the quantity's canonical unit, in the order of names, so that equal settings are equal orders.
    Raises InputError for no quantity or a value that is no finite number.
    """

    values: tuple[tuple[str, float], ...]
    at: float

    def __init__(self, values: Mapping[str, float] | None = None, /, *, at: float = 0.0, **named: float) -> None:
        given = {**(values or {}), **named}
        if not given:
            raise InputError("a setting sets something", where="order", allowed="at least one quantity")
        for name, value in (*given.items(), ("at", at)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InputError("not a number", where=f"setting {name}", value=value, allowed="a finite number")
        object.__setattr__(self, "values", tuple(sorted((k, float(v)) for k, v in given.items())))
        object.__setattr__(self, "at", float(at))

    def __getitem__(self, name: str) -> float:
        return dict(self.values)[name]

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """None: nothing is given."""
        return ()

    def settings(self, until: float) -> tuple[Covariate, ...]:
        """Every quantity from ``at`` on."""
        return tuple(Covariate(self.at, k, v) for k, v in self.values) if self.at < until else ()

    def words(self) -> str:
        """``beds 12``, ``FIO2 0.5, PEEP 10, RR 20, VT 0.42``."""
        return ", ".join(f"{k} {v:g}" for k, v in self.values)

    @property
    def first_at(self) -> float:
        """h from which it is set."""
        return self.at

    @property
    def complexity(self) -> int:
        """Among equals all settings are as simple."""
        return 0

    @property
    def pattern(self) -> tuple[str, ...]:
        """What is set."""
        return tuple(k for k, _ in self.values)

    @property
    def roundness(self) -> int:
        """None is rounder."""
        return 0

    @property
    def amounts(self) -> str:
        """In words."""
        return self.words()

    def to_json(self) -> dict[str, Any]:
        return {"kind": "setting", "at": self.at, "values": dict(self.values)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Setting":
        return cls(data["values"], at=data["at"])
