"""How a drug does what it does, stage after stage: each stage names itself, its source and what is drawn of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.place import stamp
from dosetwin.declare.tables import Provenance
from dosetwin.errors import InputError

StageKind = Literal["receptor", "pathway", "tissue", "effect", "toxicity"]
KINDS: tuple[StageKind, ...] = ("receptor", "pathway", "tissue", "effect", "toxicity")
"""In the order in which a drug goes through them."""


@dataclass(frozen=True)
class Panel:
    """What is drawn of one stage: curves over one axis, a border where there is one, and the numbers it comes to.

    ``x``, ``curves`` (name -> as many numbers); labels with their units; ``border`` a level of y with its words; ``numbers``:
    what, how much, unit; ``log_x`` where the axis is a concentration.
    """

    x: tuple[float, ...]
    x_label: str
    y_label: str
    curves: Mapping[str, tuple[float, ...]]
    numbers: tuple[tuple[str, float, str], ...]
    border: tuple[float, str] | None = None
    log_x: bool = False

    def __post_init__(self) -> None:
        if not self.numbers or not self.curves or any(len(y) != len(self.x) for y in self.curves.values()):
            raise InputError("a stage has a curve as long as its axis, and a number", where=f"panel over {self.x_label}",
                             value={k: len(y) for k, y in self.curves.items()}, allowed=f"{len(self.x)} points each")  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One stage of a drug's way: ``kind``, a ``title`` in words, how its panel is made, its source and how that is known."""

    kind: StageKind
    title: str
    panel: Callable[[], Panel]
    source: str
    provenance: Provenance
    at: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"stage {self.title}")
        if not self.source:
            raise InputError("a stage must name its source", where=f"stage {self.title}", remedy='write source="..."')
