"""The patient: what does not change from one hour to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from dosetwin.errors import UnknownName
from dosetwin.quantities import traits as listed

Sex = Literal["female", "male"]
Trait = float | str
_HELD: Any = object()
"""Not said here: what ``held`` has, stays. None takes a trait away."""


@dataclass(frozen=True, init=False)
class Patient:
    """One patient: ``birth`` the moment of birth (aware datetime), and traits, which never change, by the name of their quantity.

    ``GA`` gestational age at birth (weeks), ``BW`` birth weight (kg) and ``sex`` are traits too, as genotypes are.
    ``synthetic`` marks made-up data, and every report says so. Raises UnknownName for a trait that is no listed quantity.
    """

    id: str
    birth: datetime | None
    synthetic: bool
    label: str
    held: tuple[tuple[str, Trait], ...]
    """Name and value of each trait, in the order of names; read them as ``traits``."""

    def __init__(
        self,
        id: str,
        sex: Sex | None = _HELD,
        birth: datetime | None = None,
        GA: float | None = _HELD,
        BW: float | None = _HELD,
        synthetic: bool = False,
        label: str = "",
        *,
        traits: Mapping[str, Trait] | None = None,
        held: tuple[tuple[str, Trait], ...] = (),
    ):
        said = {k: v for k, v in (("SEX", sex), ("GA", GA), ("BW", BW)) if v is not _HELD}
        all_ = {k: v for k, v in {**dict(held), **(traits or {}), **said}.items() if v is not None}
        if unknown := sorted(set(all_) - set(listed())):
            raise UnknownName("unknown trait", where=f"patient {id}", value=unknown[0], allowed=", ".join(listed()))
        for name, value in (("id", id), ("birth", birth), ("synthetic", synthetic), ("label", label)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "held", tuple(sorted(all_.items())))

    @property
    def traits(self) -> Mapping[str, Trait]:
        """Name of a quantity -> its value, in the quantity's unit; ``SEX`` as a word."""
        return MappingProxyType(dict(self.held))

    @property
    def sex(self) -> Sex | None:
        """``female``, ``male``, or None where nobody said."""
        return self.traits.get("SEX")  # type: ignore[return-value]

    @property
    def GA(self) -> float | None:
        """Gestational age at birth, weeks."""
        return self.number("GA")

    @property
    def BW(self) -> float | None:
        """Birth weight, kg."""
        return self.number("BW")

    def number(self, name: str) -> float | None:
        """A trait that is a number, None where it is not known."""
        value = self.traits.get(name)
        return None if value is None or isinstance(value, str) else value
