"""A published dosing rule: facts in, what it says out, or a sentence why it says nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.place import placed, stamp
from dosetwin.declare.tables import Provenance
from dosetwin.errors import DosetwinError, InputError

Per = Literal["", "kg", "m2"]
"""What an amount is counted per: one dose, kg of current weight, m2 of body surface."""


class Facts(Mapping[str, float | str]):
    """What is known of a patient at one moment, by name: ``facts.WT`` kg, ``facts["GA"]`` wk, ``facts.SEX``.

    As an attribute a fact that is not known is None; a flag (``IBU``) is asked with ``on``.
    """

    def __init__(self, values: Mapping[str, float | str | None] | None = None, **more: float | str | None) -> None:
        given = {**(values or {}), **more}
        self._values: dict[str, float | str] = {k: v for k, v in given.items() if v is not None}

    def __getitem__(self, name: str) -> float | str:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._values.get(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and self._values == other._values

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Facts({', '.join(f'{k}={v!r}' for k, v in self._values.items())})"

    def number(self, name: str) -> float | None:
        """A fact as a number; None where it is not known or none."""
        found = self._values.get(name)
        return None if found is None or isinstance(found, str) else float(found)

    def on(self, *flags: str) -> bool:
        """Whether any of these flags is set."""
        return any((self.number(flag) or 0.0) > 0.5 for flag in flags)

    def but(self, **changed: float | str | None) -> "Facts":
        """The same facts, some of them otherwise (None: not known)."""
        return Facts({**self._values, **changed})


@dataclass(frozen=True)
class Says:
    """What a rule says for one patient: ``amount`` per dose (``per`` kg, m2 or "": the whole dose) every ``interval`` h; why:
    ``text``.

    ``loading``: the first dose of a course where it differs (in the same terms); ``loading_interval`` h after it where that
    differs too. An order by the week is said by what a week makes: ``amount`` of 168 h, or a mean daily dose of 24 h.
    """

    amount: float
    interval: float
    text: str
    per: Per = "kg"
    loading: float | None = None
    loading_interval: float | None = None

    def mg(self, facts: Facts) -> float:
        """The whole dose. Raises InputError where what it is counted per is not known."""
        return self.amount * size_of(self.per, facts.number("WT"), facts.number("BSA"))


@dataclass(frozen=True)
class Sets:
    """What a rule about a device or a place says: a value for each setting of the menu, by name; why: ``text``."""

    values: Mapping[str, float]
    text: str


@dataclass(frozen=True)
class Aims:
    """What a rule about a pump says: the ``target`` of one of the menu's pumps, by name; why: ``text``."""

    target: float
    pump: str
    text: str


@dataclass(frozen=True)
class Steps:
    """What a rule about rates says: ``bolus`` at once, then (minutes, amount per h) one after the other, the last one without
    end; ``per`` kg or "" (the whole)."""

    bolus: float
    rates: tuple[tuple[float, float], ...]
    text: str
    per: Per = "kg"


Said = Says | Sets | Aims | Steps
"""What a rule may say."""


def size_of(per: Per, weight: float | None, surface: float | None) -> float:
    """What an amount is multiplied with: 1, the weight in kg, the body surface in m2. Raises InputError where it is not known."""
    if not per:
        return 1.0
    size, name = (weight, "weight") if per == "kg" else (surface, "body surface")
    if size is None:
        raise InputError(f"a dose per {per} needs a {name}", where=name, allowed=f"> 0 {per}", remedy=f"record a current {name}")
    return size


@dataclass(frozen=True)
class Rule:
    """A published rule. ``table(facts)`` -> what it says (``Says`` of doses, ``Sets`` of settings, ``Aims`` or ``Steps`` of a
    pump), or a sentence why it says nothing; ``needs`` facts by name.

    ``ward``: the name it is known by, default its title.
    """

    name: str
    title: str
    source: str
    provenance: Provenance
    needs: tuple[str, ...]
    table: Callable[[Facts], Said | str]
    ward: str = ""
    at: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"rule {self.name}")
        if not self.source:
            raise InputError("a rule must name its source", where=placed(self, f"rule {self.name}"), remedy='write source="..."')
        if not self.ward:
            object.__setattr__(self, "ward", self.title)

    def advise(self, facts: Facts) -> Said | str:
        """What the rule says for these facts, or a sentence why it says nothing."""
        missing = [n for n in self.needs if n not in facts]
        if missing:
            return f"{self.name} needs {' and '.join(missing)}, not known"
        try:
            said = self.table(facts)
        except DosetwinError:
            raise
        except Exception as error:  # whatever a rule's table does wrong is an input error of its file
            raise InputError(f"the rule cannot answer: {type(error).__name__}: {error}", where=placed(self, f"rule {self.name}"),
                             value=dict(facts), remedy="name every fact it reads in 'needs', or return a sentence why not",
                             ) from error  # fmt: skip
        if isinstance(said, Says):
            right_kinds(said, placed(self, f"what rule {self.name} says"))
        elif not isinstance(said, Sets | Aims | Steps | str):
            raise InputError("a rule returns what it says, or a sentence why it says nothing", value=said,
                             where=placed(self, f"rule {self.name}"), allowed="Says, Sets, Aims or Steps, a text")  # fmt: skip
        return said

    def to_json(self) -> dict[str, Any]:
        """What identifies it; its table is code."""
        return {"name": self.name, "title": self.title, "source": self.source, "provenance": self.provenance,
                "needs": list(self.needs)}  # fmt: skip
