"""A ward's medication rounds: the times of the day at which it gives what can wait for them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dosetwin.errors import InputError

ON_TIME_MIN = 5
"""A dose this near to a round is given on it."""


@dataclass(frozen=True)
class Rounds:
    """Rounds of ``ward`` at ``times`` (minutes after midnight, ascending; none: it names none) on the clock of ``zone`` (an IANA
    name; "": the record's own clock)."""

    ward: str
    times: tuple[int, ...] = ()
    zone: str = ""

    def __post_init__(self) -> None:
        if list(self.times) != sorted(set(self.times)) or any(not 0 <= t < 24 * 60 for t in self.times):
            raise InputError("rounds ascend through one day", where=f"rounds of {self.ward}", value=self.times)

    @property
    def said(self) -> tuple[str, ...]:
        """``06:00``, ``14:00``."""
        return tuple(f"{t // 60:02d}:{t % 60:02d}" for t in self.times)

    def between(self, origin: datetime, first: float, last: float) -> tuple[float, ...]:
        """Rounds from ``first`` to ``last`` (h since ``origin``) inclusive, ascending, in h. A time that a change of the clocks
        leaves out is the moment it would have been."""
        clock = self._clock(origin)
        day, end = clock(first).date(), clock(last).date()
        out: list[float] = []
        while day <= end:
            out += [h for t in self.times if first - 1e-6 <= (h := self._hours(day, t, origin)) <= last + 1e-6]
            day += timedelta(days=1)
        return tuple(sorted(out))

    def on(self, origin: datetime, at: float) -> bool:
        """Whether a moment (h) is on a round."""
        slack = ON_TIME_MIN / 60.0
        return bool(self.between(origin, at - slack, at + slack))

    def clock(self, origin: datetime, at: float) -> str:
        """A moment (h) as the ward's clock shows it: ``06:00``."""
        return f"{self._clock(origin)(at):%H:%M}"

    def _clock(self, origin: datetime) -> Any:
        zone = ZoneInfo(self.zone) if self.zone and origin.tzinfo is not None else None
        return lambda h: (origin + timedelta(hours=h)).astimezone(zone) if zone else origin + timedelta(hours=h)

    def _hours(self, day: date, minutes: int, origin: datetime) -> float:
        tz = origin.tzinfo if not self.zone or origin.tzinfo is None else ZoneInfo(self.zone)
        moment = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=tz)
        if tz is not None:  # the difference of two moments in one zone would be that of their clocks
            moment, origin = moment.astimezone(ZoneInfo("UTC")), origin.astimezone(ZoneInfo("UTC"))
        return round((moment - origin) / timedelta(seconds=1)) / 3600.0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"ward": self.ward, "times": list(self.times), "zone": self.zone}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Rounds":
        """What ``to_json`` wrote."""
        return cls(data["ward"], tuple(data["times"]), data["zone"])


def minutes(words: Sequence[Any], where: str) -> tuple[int, ...]:
    """``["06:00", "14:00"]`` as minutes after midnight, ascending. Raises InputError naming what is no time of the day."""
    out = []
    for word in words:
        try:
            found = time.fromisoformat(word) if isinstance(word, str) and re.fullmatch("[0-9]{2}:[0-9]{2}", word) else None
        except ValueError:
            found = None
        if found is None:
            raise InputError("not a time of the day", where=where, value=word, allowed="'HH:MM' from 00:00 to 23:59")
        out.append(found.hour * 60 + found.minute)
    if len(set(out)) != len(out):
        raise InputError("a round twice", where=where, value=list(words))
    return tuple(sorted(out))
