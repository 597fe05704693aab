"""Which twin is recomputed next: news that changes a decision before streams, who waits longest first, each at most so often."""

import heapq
import threading
import time
from collections.abc import Callable, Iterable

URGENT_APART_S = 0.1
APART_S = 1.0
"""A twin is recomputed at most this often for news (a dose, a result), and for a value of a stream."""
FORGET = 10_000
"""So many moments of the last recomputations are kept before those that no longer matter are dropped."""


class Agenda:
    """Twins with facts that are not worked in. Any thread may use it. A twin is given out once until it is ``done``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._since: dict[str, tuple[bool, float]] = {}
        """Patient -> (no news: later, when it was put down)."""
        self._running: dict[str, tuple[bool, float]] = {}
        """What was put down for those that are being recomputed."""
        self._last: dict[str, float] = {}
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        with self._changed:
            return len(self._since.keys() | self._running.keys())

    def oldest_s(self) -> float:
        """How long the twin that has waited longest has waited, s; 0 where none waits."""
        with self._changed:
            since = [at for _, at in (*self._since.values(), *self._running.values())]
            return max(self._clock() - min(since), 0.0) if since else 0.0

    def add(self, ids: Iterable[str], *, urgent: bool = True) -> None:
        """Put twins down; those already there keep their place, or gain that of news."""
        now = self._clock()
        with self._changed:
            for id_ in ids:
                old = self._since.get(id_)
                self._since[id_] = (not urgent, now) if old is None else (old[0] and not urgent, old[1])
            self._changed.notify_all()

    def take(self, most: int, wait_s: float | None = None) -> list[str]:
        """Up to ``most`` twins that may be recomputed now; waits for the first up to ``wait_s`` (None: until there is one).

        Empty when the time is over, or when the agenda is closed.
        """
        until = None if wait_s is None else self._clock() + wait_s
        with self._changed:
            while not self._closed:
                now = self._clock()
                due = {id_: self._due(id_) for id_ in self._since if id_ not in self._running}
                ready = [id_ for id_, at in due.items() if at <= now]
                if ready:
                    chosen = heapq.nsmallest(most, ready, key=self._since.__getitem__)
                    for id_ in chosen:
                        self._running[id_] = self._since.pop(id_)
                    return chosen
                if until is not None and now >= until:
                    return []
                left = [at - now for at in (min(due.values(), default=None), until) if at is not None]
                self._changed.wait(max(min(left), 0.001) if left else None)
            return []

    def _due(self, id_: str) -> float:
        later, _ = self._since[id_]
        return self._last.get(id_, float("-inf")) + (APART_S if later else URGENT_APART_S)

    def done(self, ids: Iterable[str]) -> None:
        """These were recomputed, or failed."""
        now = self._clock()
        with self._changed:
            for id_ in ids:
                self._running.pop(id_, None)
                self._last[id_] = now
            if len(self._last) > FORGET:
                self._last = {id_: at for id_, at in self._last.items() if now - at < APART_S}
            self._changed.notify_all()

    def back(self, ids: Iterable[str]) -> None:
        """These were taken and not recomputed: they have their places again."""
        with self._changed:
            for id_ in ids:
                later, since = self._running.pop(id_)
                now = self._since.get(id_, (True, since))
                self._since[id_] = (later and now[0], since)
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody takes anything any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
