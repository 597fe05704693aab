"""The service's clock: the wall's, or, in the demo, one that runs faster so that a night passes in minutes."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells what time it is."""

    def now(self) -> datetime:
        """The moment, UTC."""
        ...


class WallClock:
    """The machine's clock, which never runs backwards here: after a jump back it stands still until time has caught up.

    A jump back would otherwise date new facts before older ones, and end sessions late.
    """

    def __init__(self) -> None:
        self._last = datetime.now(UTC)

    def now(self) -> datetime:
        """The moment, UTC."""
        self._last = max(self._last, self._read())
        return self._last

    def _read(self) -> datetime:
        return datetime.now(UTC)


class FastClock:
    """A clock that starts at ``start`` and runs ``speed`` times as fast as the wall's."""

    def __init__(self, start: datetime, speed: float):
        self._start, self._speed, self._began = start, speed, time.monotonic()

    def now(self) -> datetime:
        """The moment, UTC."""
        return self._start + timedelta(seconds=self._speed * (time.monotonic() - self._began))
