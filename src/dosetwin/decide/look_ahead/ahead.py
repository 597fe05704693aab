"""Plans of several doses ahead, written out and scored: who is given what when, the loss of it, and the infection under it.

A plan is the wait to the coming dose, then decisions (amount, interval) of which the last is repeated to the horizon; after the
horizon every plan goes on alike: at the time its next dose would be due the common continuation begins.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from dosetwin.decide.look_ahead.loss import Loss
from dosetwin.decide.look_ahead.outlook import DT, Outlook
from dosetwin.decide.look_ahead.two_compartments import curves, plan_losses, propagators, unit_responses
from dosetwin.errors import InputError


@dataclass(frozen=True)
class Course:
    """What is common to all policies. ``horizon`` h of decisions; then ``continuation`` h in which every one gives
    ``continue_mg_per_kg`` every ``continue_every`` h from when its own next dose would be due; ``infusion`` h of every dose;
    ``peak_after`` h from the start of a dose to its peak."""

    horizon: float = 120.0
    continuation: float = 48.0
    continue_mg_per_kg: float = 15.0
    continue_every: float = 36.0
    infusion: float = 0.5
    peak_after: float = 1.0

    def __post_init__(self) -> None:
        steps = (self.horizon, self.continuation, self.continue_every, self.infusion, self.peak_after)
        if not all(np.isfinite(x) and x > 0 and abs(x / DT - round(x / DT)) < 1e-9 for x in steps):
            raise InputError("times must be positive multiples of the grid", where="course", value=steps, allowed=f"k x {DT:g} h")
        if not 0 <= self.continue_mg_per_kg <= 30 or self.infusion > self.peak_after:
            raise InputError("not a continuation", where="course", value=self.continue_mg_per_kg, allowed="0 to 30 mg/kg")

    @property
    def end(self) -> float:
        """h at which everything is scored."""
        return self.horizon + self.continuation


@dataclass(frozen=True, eq=False)
class Plans:
    """c plans written out on the grid from an outlook's origin.

    ``wait`` [c] steps to the coming dose; ``amount`` [c, m] mg and ``interval`` [c, m] steps of the decisions; ``start`` [c, k]
    steps and ``mg`` [c, k] of all doses, the continuation's last; ``doses`` [c] those inside the horizon; ``given`` [c] with the
    continuation's; ``end`` [c] step at the end of the last one's interval. ``coming``: index of the dose that is decided.
    """

    wait: np.ndarray
    amount: np.ndarray
    interval: np.ndarray
    start: np.ndarray
    mg: np.ndarray
    doses: np.ndarray
    given: np.ndarray
    end: np.ndarray
    coming: int

    def __len__(self) -> int:
        return len(self.wait)

    def take(self, index: np.ndarray) -> "Plans":
        """Some of the plans."""
        own = (self.wait, self.amount, self.interval, self.start, self.mg, self.doses, self.given, self.end)
        return Plans(*(a[index] for a in own), coming=self.coming)


@njit(cache=True, nogil=True)
def _write_out(wait, amount, interval, given, horizon, total, mg_on, every, start, mg, doses, all_doses, end):
    first = 1 if given > 0.0 else 0
    for j in range(len(wait)):
        k, q = 0, 0
        if first == 1:
            start[j, 0], mg[j, 0] = 0, given
            k = 1
        t = wait[j]
        while t < horizon:
            start[j, k], mg[j, k] = t, amount[j, q]
            k += 1
            t += interval[j, q]
            if q + 1 < amount.shape[1]:
                q += 1
        doses[j], end[j] = k, min(t, total)
        while t < total and mg_on > 0.0:
            start[j, k], mg[j, k] = t, mg_on
            k += 1
            t += every
        all_doses[j] = k


def write_out(outlook: Outlook, course: Course, wait: np.ndarray, amount: np.ndarray, interval: np.ndarray) -> Plans:
    """Plans from decisions: ``wait`` [c] h from the origin to the coming dose, ``amount`` [c, m] mg, ``interval`` [c, m] h.

    Raises InputError when the horizon is over, or a time is not on the grid.
    """
    horizon, total = round((course.horizon - outlook.origin) / DT), round((course.end - outlook.origin) / DT)
    if horizon <= 0:
        raise InputError(
            "nothing is left of the horizon", where="look-ahead", value=outlook.origin, allowed=f"< {course.horizon:g} h"
        )
    steps_wait, steps = np.rint(wait / DT).astype(np.int64), np.rint(interval / DT).astype(np.int64)
    if np.any(np.abs(steps * DT - interval) > 1e-6) or np.any(np.abs(steps_wait * DT - wait) > 1e-6) or np.any(steps <= 0):
        raise InputError("intervals must be positive multiples of the grid", where="look-ahead", allowed=f"k x {DT:g} h")
    c = len(steps_wait)
    shortest, every = int(steps.min()), round(course.continue_every / DT)
    k = horizon // shortest + 3 + total // every
    start, mg = np.zeros((c, k), dtype=np.int64), np.zeros((c, k))
    doses, given, end = (np.zeros(c, dtype=np.int64) for _ in range(3))
    on = course.continue_mg_per_kg * outlook.weight
    amount = np.ascontiguousarray(amount, dtype=np.float64)
    _write_out(steps_wait, amount, steps, outlook.given, horizon, total, on, every, start, mg, doses, given, end)
    return Plans(steps_wait, amount, steps, start, mg, doses, given, end, 1 if outlook.given > 0 else 0)


class Scorer:
    """Scores plans for one outlook: propagators are made once, unit responses once per set of plans.

    ``never``: mg/L, the peak whose probability of being passed is column 2.
    """

    def __init__(self, outlook: Outlook, course: Course, loss: Loss, never: float = 45.0) -> None:
        self.outlook, self.course, self.loss, self.never = outlook, course, loss, never
        self.steps = round((course.end - outlook.origin) / DT)
        self.piece = outlook.pieces(self.steps)
        self.P = propagators(outlook.parameters, DT)
        self.V = np.ascontiguousarray(outlook.parameters[:, :, 1].T)
        self._numbers = loss.numbers()

    def exposure(self, plans: Plans, *, each: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Loss and chances [c, 7] (columns as in ``plan_losses``), and the loss of every draw [c, n] (empty unless ``each``)."""
        o, peak = self.outlook, round(self.course.peak_after / DT)
        counted = np.arange(plans.start.shape[1])[None, :] < plans.doses[:, None]
        starts = np.unique(plans.start[counted])
        rows = np.unique(np.concatenate([starts, np.minimum(starts + peak, self.steps), plans.end]))
        infusion = round(self.course.infusion / DT)
        level, area = unit_responses(self.P, self.V, self.piece, o.amounts, starts, rows, infusion, DT)
        index = np.searchsorted(starts, np.where(counted, plans.start, starts[0]))
        top, at = np.searchsorted(rows, np.minimum(starts + peak, self.steps)), np.searchsorted(rows, starts)
        out = np.empty((len(plans), 7))
        every = np.empty((len(plans), len(o)) if each else (0, 0))
        plan_losses(
            level, area, index, plans.mg, plans.doses, np.searchsorted(rows, plans.end), top, at, rows * DT, o.before, o.before_h,
            plans.coming, o.weights, self._numbers, self.never, out, every,
        )  # fmt: skip
        return out, every

    def levels(self, plans: Plans) -> np.ndarray:
        """Levels [c, n, T] mg/L from the first dose of the course to the end of the continuation, every DT h."""
        o = self.outlook
        m = o.past.shape[1] - 1
        out = np.empty((len(plans), len(o), m + self.steps + 1))
        ahead = np.empty((len(plans), len(o), self.steps + 1))
        infusion = round(self.course.infusion / DT)
        curves(self.P, self.V, self.piece, o.amounts, plans.start, plans.mg, plans.given, infusion, DT, ahead)
        out[:, :, :m] = o.past[None, :, :m]
        out[:, :, m:] = ahead
        return out

    def infection(
        self, plans: Plans, *, threads: int = 1, every: int = 1, rows: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """P(eradicated) and P(any resistant lineage alive) [c, rows] at the end; 1 and 0 without an infection in the outlook.

        ``every``: levels are handed on every so many grid steps (1: all; 2 halves the time and shifts all plans alike).
        """
        o = self.outlook
        if o.infections is None:
            shape = (len(plans), len(range(*rows.indices(len(o)))))
            return np.ones(shape), np.zeros(shape)
        from dosetwin.outcomes.infection.course import run

        infections = o.infections if rows == slice(None) else o.infections.take(np.arange(len(o))[rows])
        outcomes = run(self.levels(plans)[:, rows, ::every], DT * every, infections, threads=threads)
        return np.asarray(outcomes.p_erad), np.asarray(outcomes.p_resistant)
