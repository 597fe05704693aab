"""A measurable thing: its name, unit, accepted units, codes, possible range and words, as one record that every door reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Literal, NamedTuple

Kind = Literal["plain", "level", "laboratory", "vital", "state", "trait", "flag", "score", "setting"]
"""``plain`` a dimension (a time, an amount); ``level`` a drug in blood; ``laboratory`` a result; ``vital`` measured at the bed;
``state`` how the patient is (weight, age); ``trait`` what never changes; ``flag`` something that runs or not, 0 or 1;
``score``; ``setting`` what is set on a device."""
Known = Literal["read", "recalled"]
"""How a code is known: seen with this meaning in a laboratory's catalogue, a published value set or public data; or from memory,
its check digit verified by a test."""


class Code(NamedTuple):
    """A code of one system with the sort of thing it names there, and how it is known."""

    code: str
    text: str = ""
    known: Known = "read"


def many(word: str) -> str:
    """``INRs``, ``bispectral indices``, ``neutrophils``."""
    return f"{word[:-2]}ices" if word.endswith("index") else word if word.endswith("s") else f"{word}s"


@dataclass(frozen=True, eq=False)
class Quantity:
    """One measurable thing. Values inside the program are in ``unit``.

    ``units`` accepted UCUM units, each with the factor that turns it into ``unit``; ``offsets`` what is added after that.
    ``text`` is its name in a sentence, ``label`` where a page writes it otherwise, ``shown`` its unit as people write it (None:
    ``unit``), ``offered`` the units a form offers, the usual one first. ``loinc`` codes that mean it, ``words`` by which a text
    without code names it, ``called`` what a table may call it (lower case).

    ``low`` to ``high`` is what can be, in newborns to ``newborn_high``: guards against slips of the pen, wide on purpose and ours
    (assumed); neither a normal range nor a model's.

    ``predicted``: models may predict it, so that a value is a measurement with its exact time and not a covariate that holds from
    then on. ``needed`` False: no dose, limit or check of a dose rests on it, so that a record of it that cannot be read is a
    remark and no error. ``ages``: it follows from birth and time. ``in_blood``: its codes speak of blood, serum or plasma.
    ``digits`` behind the point as laboratories report it; None: as many as it was given with.

    ``assayed``: its assays read differently, so that a result is kept with its assay, as a fact of its own kind (``text``).

    ``rises``: a result higher than the last one by that share of it is what an answer is tried against; 0: it is not.

    Of a flag: ``stopped`` the word for it where an answer is tried against its end; ``runs`` what it stands for, ``runs_h`` h for
    which that usually goes on, ``conditions`` codes of conditions and procedures (ICD-10, SNOMED CT) that mean it,
    ``condition_words`` that do without a code. ``slip``: what a value that cannot be usually is.

    Of a trait: ``step`` what its values are multiples of, ``means`` the word for each value of a status in steps.
    """

    name: str
    text: str
    unit: str
    kind: Kind
    units: Mapping[str, float] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)
    loinc: tuple[Code, ...] = ()
    words: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    low: float = -inf
    high: float = inf
    newborn_high: float | None = None
    shown: str | None = None
    label: str = ""
    predicted: bool = False
    needed: bool = True
    ages: bool = False
    offered: tuple[str, ...] = ()
    in_blood: bool = False
    digits: int | None = None
    assayed: bool = False
    rises: float = 0.0
    stopped: str = ""
    runs: Literal["", "drug", "treatment", "condition"] = ""
    runs_h: float | None = None
    conditions: tuple[Code, ...] = ()
    condition_words: tuple[str, ...] = ()
    slip: str = ""
    step: float = 1.0
    means: Mapping[float, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "means", MappingProxyType(dict(self.means)))
        object.__setattr__(self, "units", MappingProxyType(dict(self.units or {self.unit: 1.0})))
        object.__setattr__(self, "offsets", MappingProxyType(dict(self.offsets)))

    @property
    def unit_shown(self) -> str:
        """The unit as people write it; "" for a plain number."""
        return self.unit if self.shown is None else self.shown

    @property
    def named(self) -> str:
        """How a page calls it."""
        return self.label or self.text

    def number(self, value: float) -> str:
        """A value in ``unit`` as it is reported."""
        return f"{value:g}" if self.digits is None else f"{value:.{self.digits}f}"

    @property
    def other(self) -> tuple[str, float] | None:
        """A laboratory's other unit, as people write it, and how much of it one ``unit`` is; None without one."""
        found = next((u for u in self.offered if u != self.unit), None) if self.kind == "laboratory" else None
        return None if found is None else (found.replace("umol", "µmol"), 1.0 / self.units[found])

    def said(self, value: float) -> str:
        """A value in ``unit`` with its units: ``0.84 mg/dL (74 µmol/L)``, ``1.1 kg``; of a status its word."""
        if value in self.means:
            return self.means[value]
        also = "" if self.other is None else f" ({value * self.other[1]:.0f} {self.other[0]})"
        return f"{self.number(value)} {self.unit_shown}".strip() + also

    @property
    def flag(self) -> bool:
        """Whether it is 0 or 1."""
        return self.kind == "flag"

    def top(self, newborn: bool = False) -> float:
        """The highest possible value."""
        return self.newborn_high if newborn and self.newborn_high is not None else self.high

    def possible(self, newborn: bool = False) -> str:
        """``0.2 to 10 kg``."""
        return f"{self.low:g} to {self.top(newborn):g} {self.unit_shown}".strip()

    @property
    def counted(self) -> str:
        """What a trait's values are: ``0 poor, 1 intermediate, 2 normal``, ``0 to 2 in steps of 0.25``."""
        if self.means:
            return ", ".join(f"{value:g} {word}" for value, word in self.means.items())
        return self.possible() + ("" if self.step == 1 else f" in steps of {self.step:g}")

    def counts(self, value: float) -> bool:
        """Whether a trait can have this value: one of its steps."""
        return self.low <= value <= self.high and (value / self.step).is_integer()

    def holds(self, value: float, newborn: bool = False) -> bool:
        """Whether a value in ``unit`` can be."""
        return self.low <= value <= self.top(newborn)
