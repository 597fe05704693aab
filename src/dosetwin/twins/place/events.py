"""Runs of a bed pool, event by event: who comes takes a bed, waits in turn, or is refused; compiled, since orders are many.

``tests/twins/place/simpy_pool.py`` is the same as processes of SimPy, which it is held to, to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

NAMES = ("taken", "waiting", "open", "occupancy", "wait", "refused")


@dataclass(frozen=True)
class World:
    """A place at one moment: ``leaves`` h at which those inside will go, ``waits`` (asked h, stay h) in turn, ``beds`` open."""

    leaves: tuple[float, ...] = ()
    waits: tuple[tuple[float, float], ...] = ()
    beds: float = 0.0


Rows = dict[str, tuple[np.ndarray, np.ndarray]]
"""Of each of ``NAMES`` times (h) and values [draws, M]; a row shorter than M ends in NaN times."""


def run(
    begin: float, until: float, worlds: Sequence[World], beds: Sequence[tuple[float, float]], room: int | None,
    come: Sequence[np.ndarray], stay: Sequence[np.ndarray],
) -> tuple[Rows, list[World]]:  # fmt: skip
    """Play every draw from its world at ``begin`` to ``until`` (h): what happened, and the worlds at the end.

    ``beds`` (h, beds open from then on), ascending, within the run; ``come`` h ascending within [begin, until) with the
    lengths (h) of their ``stay``, for each draw. Who still waits at ``until`` has the wait it will have had under the beds then
    open, since nobody who comes later goes first; infinite without a bed.
    """
    from dosetwin.twins.place._kernel import play

    plan = [(t, n) for t, n in beds if t < until]
    if plan and plan[0][0] <= begin:
        worlds, plan = [replace(w, beds=plan[0][1]) for w in worlds], plan[1:]
    inside, queue, came = (
        _edges(n) for n in ([len(w.leaves) for w in worlds], [len(w.waits) for w in worlds], [len(c) for c in come])
    )
    most = int((np.diff(inside) + np.diff(queue) + np.diff(came)).max(initial=0))
    size = {"taken": 2 * most + len(plan) + 2, "waiting": 2 * most + len(plan) + 2, "open": len(plan) + 1,
            "occupancy": 2 * most + 2 * len(plan) + 3, "wait": max(most, 1), "refused": max(most, 1)}  # fmt: skip
    time = {n: np.full((len(worlds), size[n]), np.nan) for n in NAMES}
    value = {n: np.zeros((len(worlds), size[n])) for n in NAMES}
    count = np.zeros((len(worlds), len(NAMES)), np.int64)
    left, asked, length = (np.zeros((len(worlds), max(most, 1))) for _ in range(3))
    rest = np.zeros((len(worlds), 2), np.int64)
    play(
        begin, until, -1 if room is None else room, np.array([w.beds for w in worlds], dtype=np.float64),
        np.array([t for t, _ in plan], dtype=np.float64), np.array([n for _, n in plan], dtype=np.float64),
        _flat([w.leaves for w in worlds]), inside,
        _flat([[a for a, _ in w.waits] for w in worlds]), _flat([[n for _, n in w.waits] for w in worlds]), queue,
        _flat(come), _flat(stay), came,
        count, left, asked, length, rest, *(x for n in NAMES for x in (time[n], value[n])),
    )  # fmt: skip
    rows = {}
    for i, n in enumerate(NAMES):
        longest = max(int(count[:, i].max(initial=0)), 1)
        rows[n] = (time[n][:, :longest].copy(), value[n][:, :longest].copy())
    last = plan[-1][1] if plan else None
    ends = [
        World(tuple(left[k, :a].tolist()), tuple(zip(asked[k, :b].tolist(), length[k, :b].tolist(), strict=True)),
              worlds[k].beds if last is None else last)
        for k, (a, b) in enumerate(rest.tolist())
    ]  # fmt: skip
    return rows, ends


def _edges(counts: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.array(counts, dtype=np.int64))]).astype(np.int64)


def _flat(parts: Sequence[Sequence[float] | np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(p, dtype=np.float64) for p in parts]) if parts else np.empty(0)
