"""What a gene means for a drug, as its guideline says it: for which values of a trait, what to do, how strongly, since when."""

from dataclasses import asdict, dataclass, field
from typing import Any

from dosetwin.declare.limit import Asks, Bar
from dosetwin.errors import ModelError
from dosetwin.quantities import QUANTITIES


@dataclass(frozen=True)
class Genetic:
    """One recommendation for a drug, by the values of one trait.

    ``gene`` as it is called (MT-RNR1); ``trait`` the name of its quantity; ``values`` of it the recommendation is for. ``why``
    what they bring, ``text`` what to do, both in our words; ``strength`` as the guideline grades it (strong, moderate, optional);
    ``level`` of the gene and drug (A); ``source`` with citation and version of the data. ``bars``: the drug is not ordered, and
    while the trait is not known ``asks`` is asked.
    """

    gene: str
    trait: str
    values: tuple[float, ...]
    why: str
    text: str
    strength: str
    level: str
    source: str
    bars: bool = False
    asks: Asks = field(default=Asks(first=True))

    def __post_init__(self) -> None:
        of = QUANTITIES.get(self.trait)
        if of is None or of.kind != "trait":
            raise ModelError(f"{self.gene}: {self.trait!r} is no trait")
        if wrong := [v for v in self.values if not of.counts(v)]:
            raise ModelError(f"{self.gene}: {self.trait} is {of.counted}, found {wrong[0]:g}")
        if not self.source or not self.text:
            raise ModelError(f"{self.gene}: a recommendation says what to do, and its source")

    def holds(self, value: float | str | None) -> bool:
        """Whether the recommendation is for this value of the trait."""
        return value in self.values

    def bar(self) -> Bar:
        """The bar of a recommendation that forbids the drug."""
        return Bar(self.trait.lower(), self.trait, self.why, f"{self.source}; {self.strength}, CPIC level {self.level}",
                   forbids=self.values, help=self.text, asks=self.asks)  # fmt: skip

    def status(self, value: float) -> str:
        """The trait's value in words."""
        of = QUANTITIES[self.trait]
        return of.said(value) if of.means else f"{of.text} {value:g}"

    @property
    def said(self) -> str:
        """The whole recommendation as one sentence."""
        return f"{self.why}: {self.text}"

    def to_json(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def bars(genetics: tuple[Genetic, ...]) -> tuple[Bar, ...]:
    """The bars among recommendations."""
    return tuple(g.bar() for g in genetics if g.bars)
