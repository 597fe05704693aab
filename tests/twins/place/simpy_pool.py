"""One run of a bed pool as processes of SimPy: what ``dosetwin.twins.place.events`` is held to."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import simpy

from dosetwin.twins.place.events import World


@dataclass(eq=False)
class Log:
    """What one run left behind: (time, taken), (time, waiting), (time, open) at each change; (asked, wait) and (asked, 0 or 1) of
    who came; the world at the end."""

    taken: list[tuple[float, float]] = field(default_factory=list)
    waiting: list[tuple[float, float]] = field(default_factory=list)
    open: list[tuple[float, float]] = field(default_factory=list)
    wait: list[tuple[float, float]] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)
    end: World = field(default_factory=World)


def run(
    begin: float, until: float, world: World, beds: Sequence[tuple[float, float]], room: int | None,
    arrivals: Sequence[float], lengths: Sequence[float],
) -> Log:  # fmt: skip
    """Play from ``world`` at ``begin`` to ``until`` (h).

    ``beds`` (h, beds open from then on), ascending, within the run; ``arrivals`` h ascending within [begin, until) with the
    ``lengths`` (h) of their stays. Who still waits at ``until`` has the wait it will have had under the beds then open, since
    nobody who comes later goes first; infinite without a bed.
    """
    pool = _Pool(simpy.Environment(initial_time=begin), world, room, until)
    pool.env.process(pool.change(beds))
    pool.env.process(pool.come(arrivals, lengths))
    pool.env.run(until)
    pool.stop()
    return pool.log


class _Pool:
    """The beds and who waits for them. The recorded times are sums of arrivals and stays, never the clock's rounded ones."""

    def __init__(self, env: simpy.Environment, world: World, room: int | None, until: float) -> None:
        self.env, self.room, self.until = env, room, until
        self.log, self.beds = Log(), world.beds
        self.inside: dict[int, float] = {}
        self.queue: deque[tuple[float, float]] = deque(world.waits)
        self.counted = 0
        begin = float(env.now)
        for leave in world.leaves:
            self._occupy(leave)
        self.log.open.append((begin, self.beds))
        self.log.taken.append((begin, float(len(self.inside))))
        self.log.waiting.append((begin, float(len(self.queue))))
        if self.queue:
            self._serve(begin)  # beds may just have been opened

    def _occupy(self, leave: float) -> None:
        self.counted += 1
        self.inside[self.counted] = leave
        self.env.process(self._stay(self.counted, leave))

    def _stay(self, who: int, leave: float):
        yield self.env.timeout(max(leave - self.env.now, 0.0))
        del self.inside[who]
        self._serve(leave)

    def _serve(self, at: float) -> None:
        """Beds that are free at ``at`` go to those who wait, in turn."""
        served = False
        while self.queue and len(self.inside) < self.beds:
            asked, length = self.queue.popleft()
            self._record_wait(asked, at)
            self._occupy(at + length)
            served = True
        self.log.taken.append((at, float(len(self.inside))))
        if served:
            self.log.waiting.append((at, float(len(self.queue))))

    def _record_wait(self, asked: float, at: float) -> None:
        if asked >= self.log.open[0][0]:  # who waited before the run began is no arrival of it
            self.log.wait.append((asked, at - asked))

    def change(self, beds: Sequence[tuple[float, float]]):
        """Beds open and close at their times."""
        for at, number in beds:
            yield self.env.timeout(max(at - self.env.now, 0.0))
            self.beds = number
            self.log.open.append((at, number))
            self._serve(at)

    def come(self, arrivals: Sequence[float], lengths: Sequence[float]):
        """Everybody who comes, at their time."""
        for asked, length in zip(arrivals, lengths, strict=True):
            yield self.env.timeout(max(asked - self.env.now, 0.0))
            if len(self.inside) < self.beds and not self.queue:
                self.log.refused.append((asked, 0.0))
                self._record_wait(asked, asked)
                self._occupy(asked + length)
                self.log.taken.append((asked, float(len(self.inside))))
            elif self.room is None or len(self.queue) < self.room:
                self.log.refused.append((asked, 0.0))
                self.queue.append((asked, length))
                self.log.waiting.append((asked, float(len(self.queue))))
            else:
                self.log.refused.append((asked, 1.0))

    def stop(self) -> None:
        """Keep the world as it is now, and let those who wait find out how long."""
        self.log.end = World(tuple(sorted(self.inside.values())), tuple(self.queue), self.beds)
        taken, waiting = len(self.log.taken), len(self.log.waiting)
        while self.queue and self.inside and self.beds > 0:
            self.env.step()
        self.log.wait += [(asked, float("inf")) for asked, _ in self.queue if asked >= self.log.open[0][0]]
        del self.log.taken[taken:], self.log.waiting[waiting:]
        self.log.wait.sort()
