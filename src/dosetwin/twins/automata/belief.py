"""What is believed of one patient's conduction: log-normal times, updated in closed form by what was measured in clinic."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from dosetwin.errors import InputError
from dosetwin.records import Setting
from dosetwin.streams import normals, uniforms
from dosetwin.twins.automata.heart import NEVER

What = Literal["sinus", "peak", "ante", "va"]
WHAT: tuple[What, ...] = get_args(What)


@dataclass(frozen=True, order=True)
class Interval:
    """An interval measured at ``time`` (h), in ms: ``sinus`` at rest, ``peak`` at the highest sinus rate, ``ante`` from atrium to
    ventricle, ``va`` from ventricle to atrium; inf of the last two: there is no such conduction."""

    what: What
    ms: float
    time: float = 0.0

    def __post_init__(self) -> None:
        where = f"interval {self.what}"
        if self.what not in WHAT:
            raise InputError("unknown", where=where, value=self.what, allowed=", ".join(WHAT))
        missing = self.what in ("ante", "va") and self.ms == NEVER
        if not missing and not (isinstance(self.ms, int | float) and 30.0 <= self.ms <= 5000.0):
            raise InputError("not an interval", where=where, value=self.ms, allowed="30 to 5000 ms",
                             remedy="in s? times 1000; a rate in /min? 60000 / rate")  # fmt: skip
        if not isinstance(self.time, int | float) or not -1e9 < self.time < 1e9:
            raise InputError("not a time", where=where, value=self.time, allowed="a number of h")


@dataclass(frozen=True)
class Prior:
    """Before anything is measured: medians (ms) and SDs of the log, and how often conduction exists at all; all assumed.

    ``error``: SD of the log of a measurement and of its change from day to day. ``va_if_block``, ``va_if_not``: chance of
    retrograde conduction without and with antegrade conduction (about 15 and 60 %, recalled).
    """

    medians: Mapping[What, float] = field(default_factory=lambda: {"sinus": 900.0, "peak": 460.0, "ante": 200.0, "va": 230.0})
    sds: Mapping[What, float] = field(default_factory=lambda: {"sinus": 0.18, "peak": 0.15, "ante": 0.25, "va": 0.22})
    conducts: float = 0.5
    va_if_block: float = 0.15
    va_if_not: float = 0.60
    error: float = 0.05
    jitter: float = 0.03
    pvc_every: float = 12_000.0
    erp: tuple[float, float, float] = (200.0, 250.0, 280.0)
    escape: float = 2_000.0
    course: tuple[tuple[float, float], ...] = ((0.0, 0.0), (60_000.0, 0.0), (120_000.0, 1.0), (180_000.0, 1.0), (200_000.0, 0.0))
    source: str = "assumed; retrograde conduction: about 15 % in complete block, 60 % in sinus node disease (recalled)"

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "medians": dict(self.medians), "sds": dict(self.sds), "erp": list(self.erp),
                "course": [list(p) for p in self.course]}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Prior":
        return cls(**{**data, "erp": tuple(data["erp"]), "course": tuple((a, b) for a, b in data["course"])})


@dataclass(frozen=True)
class Known:
    """Everything told of one patient: intervals measured, and what the device was set to."""

    intervals: frozenset[Interval] = frozenset()
    settings: frozenset[Setting] = frozenset()

    def told(self, *facts: Any) -> "Known":
        """Knowing these too. Raises InputError for another kind of fact, or one setting set to two values at once."""
        intervals, settings = set(self.intervals), set(self.settings)
        for fact in facts:
            if isinstance(fact, Interval):
                intervals.add(fact)
            elif isinstance(fact, Setting):
                settings.add(fact)
            else:
                raise InputError("a paced heart cannot be told this", where="fact", value=type(fact).__name__,
                                 allowed="Interval, Setting")  # fmt: skip
        at: dict[tuple[float, str], float] = {}
        for s in settings:
            for name, value in s.values:
                if at.setdefault((s.at, name), value) != value:
                    raise InputError("set to two values at once", where=f"setting {name} at {s.at:g} h", value=value)
        return Known(frozenset(intervals), frozenset(settings))

    @property
    def now(self) -> float:
        """h of the last thing known; 0 where nothing is."""
        return max([0.0, *(i.time for i in self.intervals), *(s.at for s in self.settings)])

    @property
    def set_to(self) -> dict[str, float]:
        """Settings in force, by name."""
        return {name: v for s in sorted(self.settings, key=lambda s: (s.at, s.values)) for name, v in s.values}

    def exists(self, what: What) -> bool | None:
        """Whether conduction was found the last time it was looked for; None: never looked for."""
        found = [i for i in sorted(self.intervals, key=lambda i: (i.time, i.ms)) if i.what == what]
        return None if not found else found[-1].ms < NEVER

    def to_json(self) -> dict[str, Any]:
        return {
            "intervals": [[i.what, None if i.ms == NEVER else i.ms, i.time] for i in sorted(self.intervals)],
            "settings": [s.to_json() for s in sorted(self.settings, key=lambda s: (s.at, s.values))],
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Known":
        found = [Interval(w, NEVER if ms is None else ms, t) for w, ms, t in data.get("intervals", ())]
        return cls().told(*found, *(Setting.from_json(s) for s in data.get("settings", ())))


def posterior(prior: Prior, known: Known, what: What) -> tuple[float, float]:
    """Mean and SD of the log of an interval: normal prior, measurements with ``prior.error`` each (closed form)."""
    seen = sorted(i.ms for i in known.intervals if i.what == what and i.ms < NEVER)
    m0, s0 = math.log(prior.medians[what]), prior.sds[what]
    w = 1.0 / s0**2 + len(seen) / prior.error**2
    mean = m0 / s0**2 / w + sum(math.log(ms) for ms in seen) / prior.error**2 / w
    return mean, math.sqrt(1.0 / w)


def drawn(prior: Prior, known: Known, draws: int, seed: int) -> dict[str, np.ndarray]:
    """[draws] of each interval (ms; inf: no such conduction); draw k is the same however many there are."""
    who = np.arange(draws)
    z, u = normals(seed, "conduction", who, len(WHAT)), uniforms(seed, "conducts", who, 2)
    out: dict[str, np.ndarray] = {}
    for k, what in enumerate(WHAT):
        mean, sd = posterior(prior, known, what)
        out[what] = np.exp(mean + sd * z[:, k])
    seen = known.exists("ante")
    down = (u[:, 0] < prior.conducts) if seen is None else np.full(draws, seen)
    back = known.exists("va")
    up = u[:, 1] < np.where(down, prior.va_if_not, prior.va_if_block) if back is None else np.full(draws, back)
    out["ante"] = np.where(down, out["ante"], NEVER)
    out["va"] = np.where(up, out["va"], NEVER)
    out["peak"] = np.minimum(out["peak"], out["sinus"])
    return out
