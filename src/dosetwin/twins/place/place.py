"""A place as it is asked about: everything recorded of it, on one clock, of which a twin hears what was known by a moment."""

from dataclasses import dataclass, replace
from datetime import datetime

from dosetwin.records import Covariate, Patient, Setting, Timeline
from dosetwin.twins.place.facts import Fact, Seen, Watched


@dataclass(frozen=True)
class Place:
    """A place's record: its ``name``, the ``facts``, the calendar ``origin`` of its clock (the midnight that is 0 h; None: it has
    none), and ``now`` (h), the moment it was written (None: not said)."""

    name: str
    facts: tuple[Fact, ...]
    origin: datetime | None = None
    now: float | None = None

    @property
    def last(self) -> float | None:
        """h of the last fact; None: nothing is recorded."""
        return max((_end(f) for f in self.facts), default=None)

    def until(self, at: float) -> "Place":
        """What was known at ``at`` (h)."""
        known = (replace(f, end=min(f.end, at)) if isinstance(f, Watched) else f for f in self.facts if _begin(f) < at or
                 (_begin(f) == at and not isinstance(f, Watched)))  # fmt: skip
        return replace(self, facts=tuple(known), now=at)

    def timeline(self, *more: Covariate) -> Timeline:
        """What was set there, as the facts of one subject, and ``more``: what an answer's moments and rules are told from."""
        sets = (c for f in self.facts if isinstance(f, Setting) for c in f.settings(f.at + 1e-6))
        return Timeline(Patient(self.name), covariates=(*sets, *more), origin=self.origin)


def _begin(fact: Fact) -> float:
    return fact.time if isinstance(fact, Seen) else fact.begin if isinstance(fact, Watched) else fact.at


def _end(fact: Fact) -> float:
    return fact.end if isinstance(fact, Watched) else _begin(fact)
