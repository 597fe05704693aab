"""A twin that is a formula: what is not known of a person, what may be set, and what follows, as a function of arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from dosetwin.declare.rule import Facts
from dosetwin.declare.therapy import Therapy
from dosetwin.errors import Finding, InputError

Steps = Sequence[tuple[float, Mapping[str, float]]]
"""What was set from when on, ascending, in the formula's clock; the first from minus infinity."""
Clock = Literal["h", "d", "y"]
CLOCK_H: Mapping[str, float] = {"h": 1.0, "d": 24.0, "y": 8766.0}
"""h of the unit a formula counts in; a year is 365.25 days."""


@dataclass(frozen=True)
class Unknown:
    """A number of a person that nobody measures: ``middle`` (or what facts make of it) and ``spread`` over people.

    ``scale``: ``log`` (middle is the median, spread the SD of the log), ``logit`` (a share; spread on the logit) or ``plain``.
    """

    name: str
    unit: str
    text: str
    middle: float | Callable[[Facts], float]
    spread: float
    source: str
    scale: Literal["log", "logit", "plain"] = "log"

    def of(self, z: np.ndarray, facts: Facts) -> np.ndarray:
        """Values for standard normal numbers."""
        m = self.middle(facts) if callable(self.middle) else self.middle
        if self.scale == "plain":
            return m + self.spread * z
        if self.scale == "log":
            return m * np.exp(self.spread * z)
        return 1.0 / (1.0 + (1.0 - m) / m * np.exp(-self.spread * z))


@dataclass(frozen=True)
class Column:
    """A number of a record: ``low`` to ``high`` in ``unit``; ``units`` others, each with its factor into ``unit``
    (or a function); ``words`` a cell may hold; ``slip`` what is likely meant by a value outside.
    """

    name: str
    text: str
    unit: str
    low: float
    high: float
    units: Mapping[str, float | Callable[[float], float]] = field(default_factory=dict)
    words: Mapping[str, float] = field(default_factory=dict)
    needed: bool = False
    slip: str = ""

    def value(self, cell: Any, unit: str, where: str) -> float:
        """The number in ``unit``. Raises InputError naming the place for another unit and for what cannot be."""
        if unit and unit != self.unit and unit not in self.units:
            raise InputError(
                "unit of a column", where=f"{where} {self.name}", value=unit, allowed=", ".join((self.unit, *self.units))
            )
        word = self.words.get(str(cell).strip().lower())
        allowed = f"{self.low:g} to {self.high:g} {self.unit}".strip() + (f", or {' '.join(self.words)}" if self.words else "")
        try:
            if isinstance(cell, str) and ("_" in cell or not cell.isascii()):
                raise ValueError  # Python reads 1_0, and digits of other scripts
            value = float(cell) if word is None else word
        except (TypeError, ValueError):
            raise InputError(
                f"{self.text}: not a number", where=f"{where} {self.name}", value=str(cell)[:40], allowed=allowed
            ) from None
        if unit and unit != self.unit:
            into = self.units[unit]
            value = into(value) if callable(into) else value * into
        if isinstance(cell, bool) or not self.low <= value <= self.high:
            raise InputError(
                f"{self.text} cannot be this",
                where=f"{where} {self.name}",
                value=str(cell)[:40],
                allowed=allowed,
                remedy=self.slip,
            )
        return value


@dataclass(frozen=True)
class Read(Column):
    """Something that is read of a course, and perhaps measured: a measurement has the errors ``additive`` (in ``unit``) and
    ``proportional``; below ``floor`` it is only known to be below. ``measured`` False: nobody measures it;
    ``counts``: a number of events, Poisson about what is read."""

    additive: float = 0.0
    proportional: float = 0.0
    floor: float | None = None
    measured: bool = True
    counts: bool = False


@dataclass(frozen=True)
class Formula:
    """What follows from settings, for arrays of people.

    Parameters
    ----------
    course : (unknowns name -> [n], facts, steps, times [T] in ``clock``) -> reads name -> [n, T]; the clock begins (0)
        with the first fact.
    settings : what may be set, each with what holds where nothing was; ``now`` name -> value.
    facts : what is known of the person and does not change.
    clock : unit of the times in tables and in ``course``; ``step`` how far apart a curve is followed, in it.
    summed : (label, name): a table has a line per ``label`` (lesion), and ``name`` is the sum of a moment's lines.
    """

    name: str
    text: str
    clock: Clock
    step: float
    unknowns: tuple[Unknown, ...]
    reads: tuple[Read, ...]
    settings: tuple[Column, ...]
    now: Mapping[str, float]
    course: Callable[[Mapping[str, np.ndarray], Facts, Steps, np.ndarray], Mapping[str, np.ndarray]]
    source: str
    facts: tuple[Column, ...] = ()
    summed: tuple[str, str] | None = None
    made: Mapping[str, tuple[tuple[Column, ...], Callable[..., float]]] = field(default_factory=dict)
    """A read that a table may hold in parts: name -> their columns and what makes it of them (QTc of QT and RR)."""

    @property
    def hours(self) -> float:
        """h of the clock's unit."""
        return CLOCK_H[self.clock]

    def read(self, name: str) -> Read | None:
        """What is read under this name."""
        return next((r for r in self.reads if r.name == name), None)


@dataclass(frozen=True)
class Decision:
    """A therapy whose twin is a formula: ``words`` of settings as a person writes them, the reads that are ``drawn``, how far a
    page looks ahead (``until``, in the formula's clock), its ``title`` and ``scope``.
    """

    formula: Formula
    therapy: Therapy
    title: str
    words: Callable[[Mapping[str, float]], str]
    drawn: tuple[str, ...]
    until: float
    scope: tuple[str, ...]
    exact: tuple[str, ...] = ()
    """Reads that nothing unknown moves: they are told to rules as they stand now."""
    possible: Callable[[Mapping[str, float], Facts], bool] = lambda settings, facts: True
    """Whether settings may be given to somebody of these facts."""
    remarks: Callable[[Facts], Sequence[Finding]] = lambda facts: ()
    """What is said of somebody of these facts."""
    draws: int = 400

    @property
    def name(self) -> str:
        """The therapy's."""
        return self.therapy.name
