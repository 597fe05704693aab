"""The courses of one patient from a shared past: what they have in common is played once per vector, and remembered.

A decision asks of hundreds of futures, each after the same history under the same draws. The states at the end of that history
are kept (the last few, compared by content, so that nothing can be stale) and every later call starts there. The numbers are
those of playing from the start. What is so long ago that nothing of it is left is not played (``_from_late``); cumulative areas
then begin there, so that only differences between moments mean anything.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.declare import Model
from dosetwin.simulate import lanes
from dosetwin.simulate.event_loop import COVARIATES, DOSE, OUTPUT
from dosetwin.simulate.kernel import compiled
from dosetwin.simulate.schedule import Schedule

KEPT = 8
"""Pasts that are remembered."""
FADES_H, FADED = (30 * 24.0, 60 * 24.0, 120 * 24.0), 1e-9
"""h before the end of a long past from which it is played, and how near the largest and the smallest start must have come."""
LARGER = 1e6
"""How much larger than what was ever given the larger start is: what is left out is below ``FADED / LARGER`` of a state."""
SPARED = 100
"""Events that must be saved for it to pay."""
BLOCKS_PER_CHUNK = 4  # of LANES vectors: below twice as many, threads cost more than they save
_kept: deque["_Past"] = deque(maxlen=KEPT)
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class _Past:
    """States (and areas under the outputs, if ``areas``) of ``eta`` [K, n_full] after ``events`` of a course.

    ``late``: played from a late part of them (``_from_late``), which serves no longer course: what is remembered moves no bit.
    """

    model: Model
    events: tuple[np.ndarray, ...]
    theta: np.ndarray
    eta: np.ndarray
    areas: bool
    state: np.ndarray
    late: bool

    def serves(self, model: Model, events: tuple[np.ndarray, ...], theta: np.ndarray, eta: np.ndarray, areas: bool) -> bool:
        """Whether it is the beginning of these ``events`` for these vectors."""
        n = len(self.events[0])
        return (
            self.model is model
            and (self.areas or not areas)
            and n <= len(events[0])
            and len(eta) <= len(self.eta)
            and np.array_equal(self.theta, theta)
            and all(np.array_equal(a, b[:n]) for a, b in zip(self.events, events, strict=True))
            and np.array_equal(self.eta[: len(eta)], eta)
        )


def playable(model: Model, schedule: Schedule) -> bool:
    """Whether these courses can be played side by side: covariates, ordinary doses and outputs only."""
    return lanes.suits(model) and schedule.kinds <= {COVARIATES, DOSE, OUTPUT} and schedule.highest < 2 * len(model.states)


def _events(schedule: Schedule, course: int, n: int) -> tuple[np.ndarray, ...]:
    """The first ``n`` events of a course by content: the rows of covariates in place of their numbers."""
    at = slice(schedule.ptr[course], schedule.ptr[course] + n)
    kind, index = schedule.kind[at], schedule.index[at]
    covariates = kind == COVARIATES
    rows = np.zeros((n, schedule.rows.shape[1] + 1))
    rows[covariates, :-1], rows[covariates, -1] = schedule.rows[index[covariates]], schedule.occasion[index[covariates]]
    where = np.where(covariates, 0, index)
    return schedule.time[at], kind, where, schedule.amount[at], schedule.duration[at], rows


def leading(mine: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> int:
    """How many leading events two courses have in common, by content (``events_of``)."""
    n = min(len(mine[0]), len(other[0]))
    for a, b in zip(mine, other, strict=True):
        if a.shape[1:] != b.shape[1:]:
            return 0
        differ = np.flatnonzero((a[:n] != b[:n]).reshape(n, -1).any(axis=1))
        n = int(differ[0]) if len(differ) else n
    return n


def _shared(schedule: Schedule, courses: Sequence[int], since: float | None) -> int:
    """How many leading events all courses have in common, without outputs and, with ``since``, before that time."""
    lengths = [int(schedule.ptr[c + 1] - schedule.ptr[c]) for c in courses]
    first = int(schedule.ptr[courses[0]])
    n = min(lengths)
    asked = np.flatnonzero(schedule.kind[first : first + n] == OUTPUT)
    n = int(asked[0]) if len(asked) else n
    if since is not None:
        n = int(np.searchsorted(schedule.time[first : first + n], since - 1e-9, side="left"))
    elif len(courses) == 1:
        return 0
    told = _events(schedule, courses[0], n)
    for c in courses[1:]:
        if n == 0 or schedule.begin[c] != schedule.begin[courses[0]]:
            return 0
        n = leading(told, _events(schedule, c, n))
    return n


def events_of(schedule: Schedule, course: int = 0) -> tuple[np.ndarray, ...]:
    """All events of a course by content."""
    return _events(schedule, course, int(schedule.ptr[course + 1] - schedule.ptr[course]))


def _from_late(
    model: Model, schedule: Schedule, course: int, split: int, eta: np.ndarray, theta: np.ndarray, threads: int, pool
) -> np.ndarray | None:
    """The states after the first ``split`` events of a long course, from its last days where all before them has faded.

    The system is linear and no state lowers another, so a true state long ago lies between nothing and one ``LARGER`` than all
    that was ever given; where these two have come together, neither matters. None where they have not, or the course is short.
    """
    first = int(schedule.ptr[course])
    time, kind = schedule.time[first : first + split], schedule.kind[first : first + split]
    given = float(schedule.amount[first : first + split][kind == DOSE].sum())
    for hours in FADES_H:
        before = np.flatnonzero((kind == COVARIATES) & (time <= time[-1] - hours))
        if not len(before) or before[-1] < SPARED or not lanes.positive(model):
            return None
        nothing = np.zeros((len(eta), len(model.states) + len(model.outputs)))
        much = nothing.copy()
        much[:, : len(model.states)] = LARGER * (1.0 + given)
        ends = []
        for state in (nothing, much):
            played = play_between(
                model, schedule, eta, int(before[-1]), state, split, np.zeros((len(eta), 0, len(model.outputs))), course=course,
                theta=theta, threads=threads, pool=pool,
            )  # fmt: skip
            if played is None:
                return None
            ends.append(played[1])
        low, high = (end[:, : len(model.states)] for end in ends)
        if np.all(np.abs(high - low) <= FADED * np.maximum(np.abs(low), 1.0)):
            return ends[0]
    return None


def play_between(
    model: Model, schedule: Schedule, eta: np.ndarray, begin: int, state: np.ndarray | None, end: int, out: np.ndarray, *,
    threads: int, pool, course: int = 0, theta: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray] | None:  # fmt: skip
    """Events ``begin`` to ``end`` of one course for ``eta`` [K, n_full]; ``state`` [K, N + n_out] before them (None: start).

    Their outputs go to ``out`` [K, rows, n_out]; returned are which vectors are bad [K], and the states after them. The numbers
    are to the bit those of playing all events at once. None where lanes do not serve.
    """
    n_draws, width = len(eta), len(model.states) + len(model.outputs)
    keep = np.zeros((n_draws, width))
    start = np.zeros((0, width)) if state is None else state
    bad, none = np.zeros((n_draws, 1), dtype=np.bool_), np.zeros((0, 0, 0))
    s, zero, theta = schedule, np.zeros(1, np.int64), np.atleast_2d(model.theta_values) if theta is None else theta
    ptr = s.ptr.copy()
    ptr[course + 1] = ptr[course] + end
    fixed = (np.array([course], dtype=np.int64), begin, end, theta, eta, ptr, s.time, s.kind, s.index, s.amount, s.duration,
             s.rows, s.occasion, s.begin, start, keep, zero, out, none, none, bad)  # fmt: skip
    if not _in_blocks(compiled(model).run_lanes, n_draws, fixed, threads, pool):
        return None
    return bad[:, 0], keep


def play(
    model: Model,
    schedule: Schedule,
    courses: Sequence[int],
    eta: np.ndarray,
    theta: np.ndarray,
    *,
    since: float | None,
    auc: bool,
    threads: int,
    pool,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray, np.ndarray] | None:
    """Outputs [K, rows, n_out], areas, states [K, rows, N], which are bad [K, courses], and where each course's rows begin.

    None where it must be played the plain way.
    """
    n_draws, n_out, n = len(eta), len(model.outputs), len(model.states)
    wanted = np.asarray(courses, dtype=np.int64)
    split = _shared(schedule, courses, since)
    offset = np.concatenate([[0], np.cumsum(schedule.n_times[wanted])]).astype(np.int64)
    out = np.zeros((n_draws, int(offset[-1]), n_out))
    area = np.zeros(out.shape if auc else (0, 0, n_out))
    state = np.zeros((n_draws, int(offset[-1]), n))
    bad = np.zeros((n_draws, len(wanted)), dtype=np.bool_)
    resume, start, keep, events = 0, np.zeros((0, n + n_out)), np.zeros((0, n + n_out)), ()
    if split and since is not None:
        events = _events(schedule, courses[0], split)
        with _lock:
            found = [p for p in _kept if p.serves(model, events, theta, eta, auc)]
        whole = [p for p in found if len(p.events[0]) == split]
        if not whole:
            keep = np.zeros((n_draws, n + n_out))
        late = None if whole else _from_late(model, schedule, courses[0], split, eta, theta, threads, pool)
        if late is not None:
            resume, start = split, late
        elif usable := whole or [p for p in found if not p.late]:
            past = max(usable, key=lambda p: len(p.events[0]))
            resume, start = len(past.events[0]), past.state
    s = schedule
    fixed = (wanted, resume, split, theta, eta, s.ptr, s.time, s.kind, s.index, s.amount, s.duration, s.rows, s.occasion, s.begin,
             start, keep, offset, out, area, state, bad)  # fmt: skip
    if not _in_blocks(compiled(model).run_lanes, n_draws, fixed, threads, pool):
        return None
    if len(keep):
        kept = _Past(model, tuple(e.copy() for e in events), theta.copy(), eta.copy(), auc, keep, late is not None)
        with _lock:
            _kept.append(kept)
    return out, (area if auc else None), state, bad, offset


def forget() -> None:
    """Remember nothing."""
    with _lock:
        _kept.clear()


def _in_blocks(kernel, n_draws: int, fixed: tuple, threads: int, pool) -> bool:
    """Run the kernel for all vectors, on threads where they pay; False where something happens that lanes are not made for."""
    blocks = -(-n_draws // lanes.WIDTH)
    if threads == 1 or blocks < 2 * BLOCKS_PER_CHUNK:
        return kernel(0, n_draws, *fixed) == lanes.PLAYED
    size = lanes.WIDTH * max(BLOCKS_PER_CHUNK, -(-blocks // (threads * 4)))
    done = 0
    codes = []
    if not getattr(kernel, "signatures", True):
        codes, done = [kernel(0, lanes.WIDTH, *fixed)], lanes.WIDTH
    jobs = [pool.submit(kernel, lo, min(lo + size, n_draws), *fixed) for lo in range(done, n_draws, size)]
    codes += [job.result() for job in jobs]
    return all(code == lanes.PLAYED for code in codes)
