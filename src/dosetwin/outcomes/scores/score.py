"""A published score as data: the columns it reads, what it answers, where it comes from, whom it is for."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dosetwin.errors import InputError

Answer = Mapping[str, float | str]
YES_NO: Mapping[str, float] = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}
SEX: Mapping[str, float] = {"male": 1.0, "m": 1.0, "female": 0.0, "f": 0.0}


@dataclass(frozen=True)
class Column:
    """One column: what it is, its ``unit``, what it may be (``low`` to ``high``); ``needed`` False: the score goes without.

    ``units`` other units a header may state, each with the factor (or function) into ``unit`` (``SCR [umol/L]``); ``words`` a
    cell may hold instead of a number; ``whole``: no fractions.
    """

    name: str
    text: str
    unit: str
    low: float
    high: float
    needed: bool = True
    units: Mapping[str, float | Callable[[float], float]] = field(default_factory=dict)
    words: Mapping[str, float] = field(default_factory=dict)
    whole: bool = False

    def value(self, cell: str, factor: float | Callable[[float], float] = 1.0) -> float:
        """The number a cell says, in ``unit``. Raises InputError with what is allowed."""
        word = self.words.get(cell.strip().lower())
        allowed = f"{self.low:g} to {self.high:g}{f' {self.unit}' if self.unit else ''}"
        if self.words:
            allowed += f", or {' '.join(self.words)}"
        try:
            if word is None and ("_" in cell or not cell.isascii()):
                raise ValueError  # Python reads 1_0, and digits of other scripts
            value = word if word is not None else factor(float(cell)) if callable(factor) else float(cell) * factor
        except ValueError:
            value = math.nan
        if not self.low <= value <= self.high or (self.whole and value != round(value)):
            raise InputError(f"{self.text} cannot be this", where=self.name, value=cell[:40], allowed=allowed,
                             remedy="" if factor != 1.0 or not self.units else f"another unit? write it in the header: "
                             f"{self.name} [{next(iter(self.units))}]")  # fmt: skip
        return value


def yes(name: str, text: str) -> Column:
    """A column of yes or no; where it is empty the answer is not known, and the score is not made up."""
    return Column(name, text, "", 0.0, 1.0, words=YES_NO, whole=True)


@dataclass(frozen=True)
class Score:
    """``of`` answers for the values of one line; ``rows`` for all lines of a table at once, where a line alone says nothing.

    ``answers`` names of what is added, each with its text and unit. ``of`` raises InputError where it has no answer.
    """

    name: str
    title: str
    source: str
    provenance: Literal["paper", "secondary", "recalled"]
    columns: tuple[Column, ...]
    answers: Mapping[str, str]
    of: Callable[[Mapping[str, float]], Answer] | None = None
    rows: Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]] | None = None
    labels: tuple[str, ...] = ()
    note: str = ""


def logistic(x: float) -> float:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + math.exp(-x))
