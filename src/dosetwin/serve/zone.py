"""The ward's own time zone: moments as people there read them, and what they type read back; what is stored stays UTC."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_ISO = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)(?!\w)")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Typed:
    """A moment as it was read: ``at`` in UTC, else ``why`` not and ``choices`` (offset, words) where it happened twice."""

    at: datetime | None
    why: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Zone:
    """A zone of the IANA list, by name. Every text is unambiguous: in an hour that happens twice it says which one is meant."""

    name: str = "UTC"

    @property
    def _info(self) -> tzinfo:
        return UTC if self.name == "UTC" else ZoneInfo(self.name)

    def local(self, when: datetime) -> datetime:
        """The same moment on the ward's clock."""
        return when.astimezone(self._info)

    def at(self, origin: str, hour: float) -> datetime:
        """The moment ``hour`` h after ``origin`` (ISO), to the minute: hours as floats carry fractions of a second."""
        return self.local(datetime.fromisoformat(origin).astimezone(UTC) + timedelta(minutes=round(hour * 60.0)))

    def abbreviation(self, when: datetime) -> str:
        """``CEST``; ``UTC-03:00`` where the zone has no letters of its own."""
        found = self.local(when).tzname() or ""
        return found if found.isalpha() else _offset(self.local(when))

    def named(self, now: datetime) -> str:
        """What a page says once: ``Europe/Berlin (now CEST, UTC+02:00)``."""
        if self.name == "UTC":
            return "UTC"
        letters, offset = self.abbreviation(now), _offset(self.local(now))
        return f"{self.name} (now {offset})" if letters == offset else f"{self.name} (now {letters}, {offset})"

    def short(self, when: datetime | str | float) -> str:
        """``14 Apr 12:00``; with the zone's letters in an hour that happens twice. A number is hours without a calendar."""
        if isinstance(when, int | float):
            return f"{when:g} h"
        local = self.local(datetime.fromisoformat(when) if isinstance(when, str) else when)
        twice = f" {self.abbreviation(local)}" if self._happens_twice(local) else ""
        return f"{local.day:02d} {local:%b %H:%M}".lstrip("0") + twice

    def long(self, when: datetime | str | float) -> str:
        """``14 Apr 2026 12:00 CEST``."""
        if isinstance(when, int | float):
            return f"{when:g} h"
        local = self.local(datetime.fromisoformat(when) if isinstance(when, str) else when)
        return f"{local.day} {local:%b %Y %H:%M} {self.abbreviation(local)}"

    def exact(self, when: datetime) -> str:
        """``2026-04-14 12:00:07 CEST``, to the second."""
        return f"{self.local(when):%Y-%m-%d %H:%M:%S} {self.abbreviation(when)}"

    def clock(self, origin: str | None, hour: float) -> str:
        """``short`` of a moment on a record's clock; hours where the record has no calendar."""
        return f"{hour:g} h" if origin is None else self.short(self.at(origin, hour))

    def retold(self, text: str) -> str:
        """A text with its ISO moments as the ward writes them."""
        return _ISO.sub(lambda found: self.long(found[0].replace("Z", "+00:00")), text)

    def typed(self, when: datetime) -> tuple[str, str]:
        """A moment as a field for day and time wants it, and its offset (needed where the hour happens twice)."""
        local = self.local(when)
        return local.strftime("%Y-%m-%dT%H:%M"), _offset(local).removeprefix("UTC") if self._happens_twice(local) else ""

    def read(self, text: str, offset: str = "") -> Typed:
        """What somebody typed: on the ward's clock, or with an offset of its own. ``offset`` (``+02:00``) tells which of two."""
        try:
            naive = datetime.fromisoformat(text.strip())
        except ValueError:
            return Typed(None, "expected day and time of day")
        if naive.tzinfo is not None:
            return Typed(naive.astimezone(UTC))
        if not 1900 <= naive.year <= 9000:
            return Typed(None, "expected a year of this century")
        found = self._moments(naive)
        if not found:
            before, after = (self.local(naive.replace(tzinfo=self._info, fold=f).astimezone(UTC)) for f in (1, 0))
            return Typed(None, f"{naive:%d %b %H:%M} did not exist in {self.name}: the clocks were put forward from "
                         f"{self.abbreviation(before)} to {self.abbreviation(after)}; enter what the clock showed, an hour later "
                         "perhaps")  # fmt: skip
        if len(found) == 1:
            return Typed(found[0])
        choices = self.choices(text)
        for moment, (sign, _) in zip(found, choices, strict=True):
            if offset == sign:
                return Typed(moment)
        return Typed(None, f"{naive:%d %b %H:%M} happened twice in {self.name}, as {choices[0][1]} and as {choices[1][1]}: "
                     "say which one", choices)  # fmt: skip

    def choices(self, text: str) -> tuple[tuple[str, str], ...]:
        """(offset, words) of each moment that a typed time can mean, where that is more than one."""
        try:
            naive = datetime.fromisoformat(text.strip())
        except ValueError:
            return ()
        found = [] if naive.tzinfo is not None or not 1900 <= naive.year <= 9000 else self._moments(naive)
        if len(found) < 2:
            return ()
        said = [(_offset(self.local(m)), self.abbreviation(m)) for m in found]
        return tuple((o.removeprefix("UTC"), o if o == a else f"{a} ({o})") for o, a in said)

    def offsets(self, origin: str | None, start: float, end: float) -> list[list[float | int | str]]:
        """For a script: [hour, minutes east of UTC, letters] in force from each hour on, from before ``start`` to ``end`` h."""
        if origin is None:
            return []
        zero = datetime.fromisoformat(origin).astimezone(UTC)
        low, high = zero + timedelta(hours=start), zero + timedelta(hours=end)
        out: list[list[float | int | str]] = []
        for m in [low, *_changes(low, high, lambda m: self.local(m).utcoffset())]:
            minutes = (self.local(m).utcoffset() or timedelta()) // timedelta(minutes=1)
            out.append([round((m - zero) / _HOUR, 6), minutes, self.abbreviation(m)])
        return out

    def _moments(self, naive: datetime) -> list[datetime]:
        """The moments (UTC) at which the ward's clock showed this: none, one or two."""
        out: list[datetime] = []
        for fold in (0, 1):
            moment = naive.replace(tzinfo=self._info, fold=fold).astimezone(UTC)
            if self.local(moment).replace(tzinfo=None, fold=0) == naive and moment not in out:
                out.append(moment)
        return out

    def _happens_twice(self, local: datetime) -> bool:
        return len(self._moments(local.replace(tzinfo=None, fold=0))) > 1


def _offset(local: datetime) -> str:
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _changes(low: datetime, high: datetime, of: Callable[[datetime], object]) -> list[datetime]:
    """The moments (to the minute) between which ``of`` stays the same; looks a day at a time, halves where it differs."""
    out, at = [], low
    while at < high:
        ahead = min(at + timedelta(days=1), high)
        if of(at) != of(ahead):
            a, b = at, ahead
            while b - a > timedelta(minutes=1):
                middle = a + (b - a) / 2
                a, b = (middle, b) if of(middle) == of(a) else (a, middle)
            out.append(b.replace(second=0, microsecond=0))
        at = ahead
    return out
