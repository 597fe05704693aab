"""What a place is told: who was seen to ask, come in, leave or be refused, when somebody watched, and how many were open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from dosetwin.errors import InputError
from dosetwin.records import Setting

What = Literal["asked", "admitted", "left", "refused"]
ORDER: tuple[What, ...] = ("asked", "admitted", "left", "refused")


@dataclass(frozen=True, order=True)
class Seen:
    """One thing seen of one visit at ``time`` (h): it ``asked`` for a bed, was ``admitted``, ``left``, or was ``refused``."""

    visit: str
    what: What
    time: float

    def __post_init__(self) -> None:
        if self.what not in get_args(What):
            raise InputError("unknown", where=f"visit {self.visit}", value=self.what, allowed=", ".join(get_args(What)))
        if not isinstance(self.time, int | float) or not -1e9 < self.time < 1e9:
            raise InputError("not a time", where=f"visit {self.visit}, {self.what}", value=self.time, allowed="a number of h")


@dataclass(frozen=True, order=True)
class Watched:
    """From ``begin`` to ``end`` (h) everything was seen: who is not among the visits did not come."""

    begin: float
    end: float

    def __post_init__(self) -> None:
        if not -1e9 < self.begin < self.end < 1e9:
            raise InputError("not a span of time", where="watched", value=(self.begin, self.end), allowed="begin < end, h")


@dataclass(frozen=True)
class Visit:
    """One visit, as far as it was seen; times in h, None: not seen to happen (who ``left`` and was not ``admitted`` gave up, or
    its admission is not known yet)."""

    name: str
    asked: float | None = None
    admitted: float | None = None
    left: float | None = None
    refused: float | None = None


Fact = Seen | Watched | Setting


@dataclass(frozen=True)
class Known:
    """Everything told of one place, in one order whatever order it was told in.

    ``watched`` spans do not overlap and ascend; ``visits`` by the time they asked; ``settings`` by time.
    """

    seen: frozenset[Seen] = frozenset()
    spans: frozenset[Watched] = frozenset()
    settings: tuple[Setting, ...] = ()
    watched: tuple[tuple[float, float], ...] = field(default=(), compare=False)
    visits: tuple[Visit, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        merged: list[tuple[float, float]] = []
        for span in sorted(self.spans):
            if merged and span.begin <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], span.end))
            else:
                merged.append((span.begin, span.end))
        object.__setattr__(self, "watched", tuple(merged))
        object.__setattr__(self, "visits", _visits(self.seen))

    def told(self, *facts: Any) -> "Known":
        """With these facts too. Raises InputError for a fact of another kind and for two times of the same thing."""
        for fact in facts:
            if not isinstance(fact, Fact):
                raise InputError("a place cannot be told this", where="told", value=type(fact).__name__,
                                 allowed="Seen, Watched, Setting")  # fmt: skip
        seen = self.seen | {f for f in facts if isinstance(f, Seen)}
        spans = self.spans | {f for f in facts if isinstance(f, Watched)}
        settings = {*self.settings, *(f for f in facts if isinstance(f, Setting))}
        if len(names := sorted({name for s in settings for name, _ in s.values})) > 1:
            raise InputError("a pool is of one thing, and has nothing else to set", where="told", value=", ".join(names))
        return Known(seen, spans, tuple(sorted(settings, key=lambda s: (s.at, s.values))))

    @property
    def open(self) -> float | None:
        """How many are open, as last told; None: nobody said it."""
        return self.settings[-1].values[0][1] if self.settings else None

    @property
    def now(self) -> float | None:
        """h until which something is known; None: nothing was told."""
        times = [s.time for s in self.seen] + [s.end for s in self.spans] + [s.at for s in self.settings]
        return max(times, default=None)

    def to_json(self) -> dict[str, Any]:
        return {
            "visits": [{k: v for k, v in vars(visit).items() if v is not None} for visit in self.visits],
            "watched": [list(span) for span in self.watched],
            "open": [[s.at, dict(s.values)] for s in self.settings],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Known":
        facts: list[Fact] = [Watched(float(a), float(b)) for a, b in data.get("watched", ())]
        facts += [Setting({k: float(n) for k, n in said.items()}, at=float(t)) for t, said in data.get("open", ())]
        # as it was written while a pool was of beds alone
        facts += [Setting({"beds": float(n)}, at=float(t)) for t, n in data.get("beds", ())]
        for visit in data.get("visits", ()):
            facts += [Seen(str(visit["name"]), what, float(visit[what])) for what in ORDER if visit.get(what) is not None]
        return cls().told(*facts)


def _visits(seen: frozenset[Seen]) -> tuple[Visit, ...]:
    found: dict[str, dict[str, float]] = {}
    for fact in sorted(seen):
        of = found.setdefault(fact.visit, {})
        if fact.what in of:
            raise InputError(f"{fact.what} twice, at {of[fact.what]:g} and {fact.time:g} h", where=f"visit {fact.visit}",
                             value=fact.time, allowed="each thing once", remedy="name another stay otherwise")  # fmt: skip
        of[fact.what] = fact.time
    visits = [Visit(name, **of) for name, of in found.items()]
    for v in visits:
        times = [t for t in (v.asked, v.admitted, v.left) if t is not None]
        if times != sorted(times):
            raise InputError("in the wrong order", where=f"visit {v.name}", value=times, allowed="asked <= admitted <= left")
        if v.refused is not None and (v.admitted is not None or (v.asked is not None and v.refused < v.asked)):
            raise InputError("refused, and admitted or not yet asking", where=f"visit {v.name}", value=v.refused,
                             allowed="refused after asking, and then nothing more")  # fmt: skip
    first = [(min(t for t in (v.asked, v.admitted, v.left, v.refused) if t is not None), v.name, v) for v in visits]
    return tuple(v for _, _, v in sorted(first, key=lambda x: x[:2]))
