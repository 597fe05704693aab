"""A number read from a trajectory: of what, how and when. Its unit follows, and goals, tables and figures are about readings.

A reading has one value per draw of a belief and dose (or course) it is read at: the level at a moment, an area, the share of time
inside borders, whether a border was ever passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.place import placed, stamp
from dosetwin.errors import InputError

How = Literal[
    "at", "mean", "auc", "auc24", "min", "max", "share_within", "share_above", "ever_above", "ever_below", "count_above",
    "hazard",
]  # fmt: skip
"""How a number is made of the levels at ``when``. ``at`` the level itself; ``mean``, ``min``, ``max`` over the time; ``auc`` area
(level times hours), ``auc24`` the same for a day; ``share_within`` share of the time inside two borders, 0 to 1, ``share_above``
above one; ``ever_above``, ``ever_below`` 1 if a border is passed, else 0; ``count_above`` how often it is passed upwards;
``hazard`` the chance of an event whose hazard (per h) is read."""
HOWS: tuple[How, ...] = ("at", "mean", "auc", "auc24", "min", "max", "share_within", "share_above", "ever_above", "ever_below",
                         "count_above", "hazard")  # fmt: skip
SHARES: tuple[How, ...] = ("share_within", "share_above", "ever_above", "ever_below", "hazard")
"""Readings from 0 to 1, told in percent."""
SUMS: tuple[How, ...] = ("at", "mean", "auc", "auc24")
"""Readings that add when levels add: superposition needs no curve for them."""

DOSES = ("next", "second", "last")
"""Doses of an order that are read: the coming one, the one after it, the last of the horizon."""
TROUGHS = ("pre", *DOSES)
"""Ends of intervals that are read; ``pre``: just before the coming dose."""
STEADY = "steady"
"""The interval after ten days of an order: as good as its steady state for what is gone within two."""
COURSE = "course"
"""The one place of a reading that belongs to a span of time and not to a dose."""


@dataclass(frozen=True)
class After:
    """``h`` hours after the start of a dose."""

    h: float
    doses: tuple[str, ...] = DOSES


@dataclass(frozen=True)
class End:
    """At the end of a dose's own interval; ``pre``: just before the coming dose."""

    doses: tuple[str, ...] = TROUGHS


@dataclass(frozen=True)
class Interval:
    """Over a dose's own interval."""

    doses: tuple[str, ...] = DOSES


@dataclass(frozen=True)
class Between:
    """From ``a`` to ``b`` after the start of the coming order, in ``unit`` (h, d)."""

    a: float
    b: float
    unit: Literal["h", "d"] = "h"

    def __post_init__(self) -> None:
        right_kinds(self, "reading")


@dataclass(frozen=True)
class At:
    """At ``t`` after the start of the coming order, in ``unit`` (h, d)."""

    t: float
    unit: Literal["h", "d"] = "h"

    def __post_init__(self) -> None:
        right_kinds(self, "reading")


When = After | End | Interval | Between | At
HOURS = {"h": 1.0, "d": 24.0}
MOMENTS = (After, End, At)
_KNOWN = {After: DOSES, End: TROUGHS, Interval: (*DOSES, STEADY)}
_KINDS: dict[str, type] = {"after": After, "end": End, "interval": Interval, "between": Between, "at": At}


@dataclass(frozen=True)
class Reading:
    """What is read, how, when. Raises InputError for parts that do not go together.

    Parameters
    ----------
    what : quantity or name of a model's output (``INR``); "" is the drug's own level.
    level : the border of ``ever_...`` and ``count_above``, the two of ``share_within``, in the unit of the output.
    over : a fact by name (``MIC``) that the reading is divided by; where it is not known the reading is not judged.
    name : what it is called in a table; "" for a name made of its parts.
    multiple_of : of ``share_above``: a fact by name (``MIC``) whose multiple the border is: 1.43 times the MIC is where the free
        part of a drug bound by 30 % is at the MIC. A reading of a fact that nobody knows is refused.
    """

    what: str
    how: How
    when: When
    level: float | tuple[float, float] | None = None
    over: str = ""
    name: str = ""
    at: str = field(default="", compare=False, repr=False)
    multiple_of: str = ""

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, "reading")
        where = placed(self, f"reading {self.how}")
        if self.how not in HOWS:
            raise InputError("unknown way to read", where=where, value=self.how, allowed=", ".join(HOWS))
        moment = isinstance(self.when, MOMENTS)
        if moment != (self.how == "at"):
            allowed = "After, End or At" if self.how == "at" else "Interval or Between"
            raise InputError(f"'{self.how}' is read {'at a moment' if self.how == 'at' else 'over a time'}", where=where,
                             value=type(self.when).__name__, allowed=allowed)  # fmt: skip
        known = _KNOWN.get(type(self.when))
        if known is not None and (not self.doses or not set(self.doses) <= set(known)):
            raise InputError("unknown dose index", where=where, value=self.doses, allowed=", ".join(known))
        if isinstance(self.when, Between) and not 0 <= self.when.a < self.when.b:
            raise InputError("a span of time needs its end behind its start", where=where, value=(self.when.a, self.when.b))
        if isinstance(self.when, At | After) and not (self.when.t if isinstance(self.when, At) else self.when.h) >= 0:
            raise InputError("a moment before the order", where=where, value=self.when, allowed=">= 0")
        two = isinstance(self.level, tuple) and len(self.level) == 2 and self.level[0] < self.level[1]
        one = isinstance(self.level, int | float) and not isinstance(self.level, bool)
        if self.how == "share_within" and not two:
            raise InputError("needs two borders", where=where, value=self.level, allowed="level=(low, high)")
        if self.multiple_of and self.how != "share_above":
            raise InputError("only share_above has a border that is a multiple of a fact", where=where, value=self.how)
        if self.how in ("share_above", "ever_above", "ever_below", "count_above") and not one:
            raise InputError("needs a border", where=where, value=self.level, allowed="level=a number")
        if self.how in (*SUMS, "min", "max", "hazard") and self.level is not None:
            raise InputError("has no border: a goal has them", where=where, value=self.level)

    @property
    def doses(self) -> tuple[str, ...]:
        """The doses it is read at, or ``(COURSE,)`` where it belongs to none."""
        return getattr(self.when, "doses", (COURSE,))

    def also_at(self, doses: tuple[str, ...]) -> "Reading":
        """The same reading at further doses too."""
        if set(doses) <= set(self.doses):
            return self
        both = tuple(d for d in (*TROUGHS, STEADY) if d in {*self.doses, *doses})
        return replace(self, when=replace(self.when, doses=both))  # type: ignore[call-arg]

    @property
    def key(self) -> str:
        """How it is kept: two readings of one key are the same but for what they are divided by. ``peak`` an hour after the
        start, ``trough``, ``auc24``, ``mean_7_21d of INR``."""
        return f"{self._slug} of {self.what}" if self.what else self._slug

    @property
    def _slug(self) -> str:
        when, how = self.when, self.how
        borders = "" if self.level is None else "_".join(f"{x:g}" for x in _pair(self.level)) + f"{self.multiple_of.lower()}_"
        if isinstance(when, After):
            return "peak" if when.h == 1.0 else f"after_{when.h:g}h"
        if isinstance(when, End):
            return "trough"
        if isinstance(when, At):
            return f"at_{when.t:g}{when.unit}"
        span = f"{when.a:g}_{when.b:g}{when.unit}" if isinstance(when, Between) else ""
        return f"{how}_{borders}{span}".strip("_")

    @property
    def words(self) -> str:
        """What is read, in a few words: ``peak``, ``Cmax/MIC``, ``INR trough``, ``share of INR 2 to 3``."""
        if self.name:
            return f"{self.what} {self.name}".strip()
        what = self.what or "level"
        if self.how == "at":
            return f"{what} {self._slug.replace('_', ' ')}"
        border = f"{_pair(self.level)[0]:g}" if self.level is not None else ""
        return {
            "share_within": f"share of time with {what} {' to '.join(f'{x:g}' for x in _pair(self.level))}",
            "share_above": f"share of time with {what} above {border}{f' {self.multiple_of}' if self.multiple_of else ''}",
            "ever_above": f"{what} ever above {border}",
            "ever_below": f"{what} ever below {border}",
            "count_above": f"times {what} passes {border}",
            "auc24": f"AUC24{'' if not self.what else f' of {what}'}", "auc": f"AUC{'' if not self.what else f' of {what}'}",
            "mean": f"mean {what}", "min": f"lowest {what}", "max": f"highest {what}", "hazard": f"chance of {what}",
        }[self.how]  # fmt: skip

    @property
    def label(self) -> str:
        """The same with when it is read, for a reading that belongs to no dose: ``... from day 7 to 21``."""
        when = self.when
        if isinstance(when, Between):
            unit = "day" if when.unit == "d" else "hour"
            return f"{self.words} from {unit} {when.a:g} to {when.b:g}"
        return self.words

    def unit(self, of: str, over: str = "") -> str:
        """Its unit where the output is in ``of`` and what it is divided by in ``over`` (default: as the output)."""
        if self.how in SHARES or self.how == "count_above":
            return ""
        plain = of if self.how in ("at", "mean", "min", "max") else _times_hours(of)
        if not self.over:
            return plain
        by = over or of
        return "" if plain == by else "h" if plain == _times_hours(by) else f"{plain}/({by})"

    def to_json(self) -> dict[str, Any]:
        """Plain data; ``from_json`` reads it."""
        kind = next(k for k, cls in _KINDS.items() if isinstance(self.when, cls))
        when = {"kind": kind} | {f.name: _plain(getattr(self.when, f.name)) for f in fields(self.when)}
        return {"what": self.what, "how": self.how, "when": when, "level": _plain(self.level), "over": self.over,
                "name": self.name, **({"multiple_of": self.multiple_of} if self.multiple_of else {})}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Reading":
        """The reading that ``to_json`` wrote."""
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in data["when"].items()}
        when = _KINDS[str(given.pop("kind"))](**given)
        level = data["level"]
        return cls(data["what"], data["how"], when, tuple(level) if isinstance(level, list) else level, data["over"],
                   data["name"], multiple_of=data.get("multiple_of", ""))  # fmt: skip


def _pair(level: float | tuple[float, float] | None) -> tuple[float, ...]:
    return () if level is None else level if isinstance(level, tuple) else (level,)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _times_hours(unit: str) -> str:
    above, sign, below = unit.partition("/")
    return f"{above}.h{sign}{below}" if above not in ("", "1") else f"h{sign}{below}"


def json_key(key: str, dose: str) -> str:
    """``peak_next``; the key alone for a reading that belongs to no dose."""
    return key if dose == COURSE else f"{key}_{dose}"


PEAK = Reading("", "at", After(1.0), name="peak", at="PEAK")
"""The level one hour after the start of a dose."""
TROUGH = Reading("", "at", End(), name="trough", at="TROUGH")
"""The level at the end of a dose's interval."""
AUC24 = Reading("", "auc24", Interval(), name="auc24", at="AUC24")
"""Area over 24 h of a dose's interval, mean over that interval."""
CMAX_MIC = Reading("", "at", After(1.0), over="MIC", name="cmax_mic", at="CMAX_MIC")
"""The peak over the MIC of what is treated."""
