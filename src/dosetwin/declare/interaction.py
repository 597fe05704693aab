"""What two drugs do together that a ward must know, declared by one of them about the class of the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dosetwin.declare.change import Change
    from dosetwin.declare.model import Model
    from dosetwin.declare.told import Course
    from dosetwin.records import Timeline

Tells = Callable[["Timeline", "Model"], "Course | None"]
"""A plain function: the facts of every drug, and a model of the one asked about, to a course of a channel (None: it has none)."""


@dataclass(frozen=True)
class Interaction:
    """An interaction with every drug whose ATC code starts with ``atc`` (or one of them).

    ``within_h``: h after the last dose of the other for which the two still count as given together. ``text`` what follows, said
    after the two names; ``remedy`` what to do; ``source`` of both. ``tells``: channel (``declare.channels``) -> function that
    tells it to the models of either drug, where no kidney does; empty: the interaction only warns. ``change``: what the drug that
    declares this does to the other's clearance; None: nothing, or a size that nobody published. ``hides``: a quantity whose
    measurements within ``hides_h`` after a dose of the drug that declares this are left out, since no model of the other holds
    what it does to them.
    """

    name: str
    atc: str | tuple[str, ...]
    within_h: float
    text: str
    remedy: str
    source: str
    tells: Mapping[str, Tells] = field(default_factory=dict)
    change: "Change | None" = None
    hides: str = ""
    hides_h: float = 0.0
