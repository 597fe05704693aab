"""How a place is declared: what is believed of arrivals and stays before anything is seen, and what happens to who waits."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.tables import Provenance
from dosetwin.errors import InputError

OF = re.compile(r"[a-z]{2,20}(_[a-z]{1,20})*")
TAKEN = ("wait", "refused", "occupancy", "taken", "waiting", "open", "visits", "watched", "now", "place", "origin")
"""What else is read or told of a place."""


@dataclass(frozen=True)
class Arrivals:
    """Poisson arrivals: ``per_day`` expected, worth ``days`` of watching (Gamma prior; infinite: known for certain).

    ``slots``: parts of the day with a rate of their own (1: the same all day, 24: hour by hour; the twin's 0 h is midnight).
    """

    per_day: float
    days: float
    slots: int = 1
    source: str = ""
    provenance: Provenance = "assumed"

    def __post_init__(self) -> None:
        if not (0 < self.per_day < math.inf and self.days > 0 and self.slots >= 1 and 24 % self.slots == 0):
            raise InputError("not a rate of arrivals", where="pool", value=(self.per_day, self.days, self.slots),
                             allowed="per_day > 0, days > 0, slots dividing 24")  # fmt: skip

    @property
    def slot_h(self) -> float:
        """h of one part of the day."""
        return 24.0 / self.slots


@dataclass(frozen=True)
class Exponential:
    """Stays that end at a constant rate: mean ``mean_h`` expected, worth ``stays`` seen to their end (Gamma prior of the rate;
    infinite: known for certain)."""

    mean_h: float
    stays: float
    source: str = ""
    provenance: Provenance = "assumed"

    def __post_init__(self) -> None:
        if not (0 < self.mean_h < math.inf and self.stays > 0):
            raise InputError("not a stay", where="pool", value=(self.mean_h, self.stays), allowed="mean_h > 0, stays > 0")


@dataclass(frozen=True)
class Lognormal:
    """Stays whose logarithm is normal: median ``median_h`` and SD of the log ``sd`` expected, each known within a factor
    ``exp(+-spread)`` (SDs of the logs of both; 0: known for certain)."""

    median_h: float
    sd: float
    median_spread: float
    sd_spread: float
    source: str = ""
    provenance: Provenance = "assumed"

    def __post_init__(self) -> None:
        if not (0 < self.median_h < math.inf and 0 < self.sd < 5 and self.median_spread >= 0 and self.sd_spread >= 0):
            raise InputError("not a stay", where="pool", value=(self.median_h, self.sd), allowed="median_h > 0, 0 < sd < 5")


@dataclass(frozen=True)
class Pool:
    """A pool of like beds, chairs or whatever is ``of`` it: what is opened, taken and left again. ``stay``: one law of stays, or
    several that are weighed by the stays seen. ``room``: how many may wait when all are taken (None: without end; 0: who finds
    none goes away).

    Who waits is taken in turn, and nobody gives up waiting. A bed that is closed while taken closes when it is left.
    """

    name: str
    title: str
    arrivals: Arrivals
    stay: Exponential | Lognormal | tuple[Exponential | Lognormal, ...]
    room: int | None = None
    population: str = ""
    of: str = "beds"

    @property
    def laws(self) -> tuple[Exponential | Lognormal, ...]:
        """The laws of stays that are thought of."""
        return self.stay if isinstance(self.stay, tuple) else (self.stay,)

    def reads(self) -> Mapping[str, tuple[str, str]]:
        """What it is read for: name -> unit and words."""
        of = self.of
        return {
            "wait": ("h", f"from asking for one of the {of} to having it, of those not refused"),
            "refused": ("1", "1 for who was refused, 0 for who was not"),
            "occupancy": ("1", f"{of} taken as a share of those open"),
            "taken": ("1", f"{of} taken"),
            "waiting": ("1", "people waiting"),
            of: ("1", f"{of} open"),
        }

    def __post_init__(self) -> None:
        right_kinds(self, f"pool {self.name}")
        if not self.laws:
            raise InputError("a pool needs a law of stays", where=f"pool {self.name}")
        if not OF.fullmatch(self.of) or self.of in TAKEN:
            raise InputError("not what a pool is of", where=f"pool {self.name}", value=self.of,
                             allowed=f"small letters, such as beds or chairs, and none of {', '.join(TAKEN)}")  # fmt: skip
        if self.room is not None and self.room < 0:
            raise InputError("places to wait in", where=f"pool {self.name}", value=self.room, allowed=">= 0, or None")
