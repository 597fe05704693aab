"""Target-controlled infusion: the rates at which a linear model's concentration reaches a target soonest and never passes it.

Shafer and Gregg 1992, J Pharmacokinet Biopharm 20:147: for every interval of the pump the largest rate is taken at which the
concentration foreseen without any further input stays at or below the target. Linear, so it is exact: what is foreseen is what
there is without input plus the rate times what one unit of rate makes. Everything in h, mg, L; no drug is known here.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

Site = Literal["effect", "plasma"]


NEAR = 0.95
"""Share of the target from which on the plasma is held at it, so that the pump runs evenly."""


LEAST = 1e-6
"""1/h: a rate that would make less than this share of the target in an hour is none."""


class Disposition(NamedTuple):
    """A mammillary patient with an effect site: volumes L, clearances L/h, ``KE0`` 1/h."""

    CL: float
    V1: float
    Q2: float
    V2: float
    Q3: float
    V3: float
    KE0: float

    def matrix(self) -> np.ndarray:
        """d/dt of (amount central, shallow, deep in mg; concentration at the site in mg/L), float64 [4, 4], 1/h."""
        k10, k12, k13 = self.CL / self.V1, self.Q2 / self.V1, self.Q3 / self.V1
        k21, k31 = self.Q2 / self.V2, self.Q3 / self.V3
        return np.array([
            [-(k10 + k12 + k13), k21, k31, 0.0],
            [k12, -k21, 0.0, 0.0],
            [k13, 0.0, -k31, 0.0],
            [self.KE0 / self.V1, 0.0, 0.0, -self.KE0],
        ])  # fmt: skip


class Given(NamedTuple):
    """An input: ``amount`` mg from ``time`` h on over ``duration`` h (0: at once)."""

    time: float
    amount: float
    duration: float = 0.0


def advance(d: Disposition, state: np.ndarray, hours: float, rate: float = 0.0) -> np.ndarray:
    """The state [4] ``hours`` later while ``rate`` mg/h runs in; exact."""
    move, one = _step(d, round(hours, 10))
    return move @ state + one * rate


@lru_cache(maxsize=1024)
def _step(d: Disposition, hours: float) -> tuple[np.ndarray, np.ndarray]:
    """How the state moves in ``hours`` [4, 4], and what a rate of 1 mg/h leaves behind [4]."""
    from scipy.linalg import expm

    block = np.zeros((5, 5))
    block[:4, :4] = d.matrix()
    block[0, 4] = 1.0
    whole = expm(block * hours)
    return whole[:4, :4], whole[:4, 4]


def state_after(d: Disposition, given: Iterable[Given], at: float) -> np.ndarray:
    """The state [4] at ``at`` h after everything given before, from nothing."""
    inputs = [g for g in given if g.time < at - 1e-12]
    corners = sorted({t for g in inputs for t in (g.time, g.time + g.duration) if t < at} | {at})
    x = np.zeros(4)
    for a, b in pairwise(corners):
        x[0] += sum(g.amount for g in inputs if g.duration <= 0 and abs(g.time - a) < 1e-12)
        rate = sum(
            g.amount / g.duration for g in inputs if g.duration > 0 and g.time <= a + 1e-12 and g.time + g.duration >= b - 1e-12
        )
        x = advance(d, x, b - a, rate)
    return x


def concentrations(d: Disposition, given: Sequence[Given], times: Sequence[float]) -> np.ndarray:
    """Plasma and effect-site concentration [n_times, 2], mg/L, at ascending ``times`` h."""
    rows, x, since = [], np.zeros(4), min([g.time for g in given] + list(times[:1])) - 1e-9
    for t in times:
        x = _onward(d, x, since, t, given)
        since = t
        rows.append((x[0] / d.V1, x[3]))
    return np.array(rows)


def _onward(d: Disposition, x: np.ndarray, a: float, b: float, given: Sequence[Given]) -> np.ndarray:
    """From just after ``a`` to just after ``b``: doses at once at ``b`` count, those at ``a`` are in ``x`` already."""
    corners = sorted({t for g in given for t in (g.time, g.time + g.duration) if a < t < b} | {b})
    for c in corners:
        rate = sum(
            g.amount / g.duration for g in given if g.duration > 0 and g.time <= a + 1e-12 and g.time + g.duration >= c - 1e-12
        )
        x = advance(d, x, c - a, rate)
        x[0] += sum(g.amount for g in given if g.duration <= 0 and a + 1e-12 < g.time <= c + 1e-12)
        a = c
    return x


@lru_cache(maxsize=64)
def peak_time(d: Disposition) -> tuple[float, float]:
    """h after a bolus at which the effect site peaks, and its concentration there per mg (mg/L)."""
    from scipy.linalg import expm

    t, step = 0.0, 1.0 / 60.0
    x = np.array([1.0, 0.0, 0.0, 0.0])
    rows = d.matrix()
    minute = expm(rows * step)
    while rows[3] @ (moved := minute @ x) > 0:
        x, t = moved, t + step
    low, high = 0.0, step
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rows[3] @ advance(d, x, middle) > 0 else (low, middle)
    return t + low, float(advance(d, x, low)[3])


def bolus(d: Disposition, target: float) -> float:
    """mg at once that take the effect site of a patient without any drug just to ``target`` mg/L."""
    return target / peak_time(d)[1]


def rates(
    d: Disposition, target: float, state: np.ndarray, steps: Sequence[tuple[float, int]], *, site: Site = "effect",
    most: float = math.inf,
) -> list[tuple[float, float]]:  # fmt: skip
    """What the pump gives, interval after interval: (h, mg/h).

    Parameters
    ----------
    target : mg/L that the site reaches soonest and never passes.
    state : what is in the patient by the pump's model at the start, [4].
    steps : (length of an interval in h, how many of them), one after the other.
    most : mg/h that the pump can give.
    """
    out: list[tuple[float, float]] = []
    x = np.array(state, dtype=np.float64)
    for length, count in steps:
        one, free, made, move = _foreseen(d, length, site)
        for _ in range(count):
            rate = float(((target - free @ x) / made).min())
            if site == "effect" and x[3] > NEAR * target:  # there: hold the plasma at the target, and the site stays below it
                rate = min(rate, (target * d.V1 - move[0] @ x) / one[0])
            rate = min(float(rate), most) if rate > LEAST * target * d.V1 else 0.0
            out.append((length, rate))
            x = move @ x + one * rate
    return out


@lru_cache(maxsize=64)
def _foreseen(d: Disposition, length: float, site: Site) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of one interval: what a rate of 1 mg/h leaves behind [4]; rows that give what is seen inside it and from its end on
    without input [n, 4] and what a rate of 1 makes of it [n]; how the state moves [4, 4]."""
    from scipy.linalg import expm

    block = np.zeros((5, 5))
    block[:4, :4] = d.matrix()
    block[0, 4] = 1.0
    move, one = _step(d, round(length, 10))
    row = np.array([1.0 / d.V1, 0.0, 0.0, 0.0]) if site == "plasma" else np.array([0.0, 0.0, 0.0, 1.0])
    if site == "plasma":  # the plasma is highest at the end of the interval
        return one, (row @ move)[None, :], np.array([row @ one]), move
    fine = min(length / 4.0, 1.0 / 1200.0)  # every 3 s at least, inside the interval too, until the peak of a bolus is past
    inside, n = round(length / fine), max(math.ceil(1.5 * peak_time(d)[0] / fine), 2)
    small = expm(block * fine)
    seen, made = [], []
    lead = np.eye(5)
    for _ in range(inside):
        lead = small @ lead
        seen.append(row @ lead[:4, :4])
        made.append(float(row @ lead[:4, 4]))
    free = small[:4, :4]
    left = row
    for _ in range(n):
        left = left @ free
        seen.append(left @ move)
        made.append(float(left @ one))
    return one, np.array(seen), np.array(made), move


def time_to(d: Disposition, state: np.ndarray, level: float, *, most_h: float = 24.0) -> float:
    """h until the effect site is at ``level`` mg/L without further input; 0 where it is there, inf beyond ``most_h``."""
    x, t, step = np.array(state, dtype=np.float64), 0.0, 1.0 / 60.0
    rows = d.matrix()
    if x[3] <= level:  # it may still rise
        y, s = x, 0.0
        while rows[3] @ y > 0 and y[3] <= level and s < most_h:
            y, s = advance(d, y, step), s + step
        if y[3] <= level:
            return 0.0
    while t < most_h:
        moved = advance(d, x, step)
        if moved[3] <= level and rows[3] @ moved <= 0:
            low, high = 0.0, step
            for _ in range(40):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if advance(d, x, middle)[3] > level else (low, middle)
            return t + high
        x, t = moved, t + step
    return math.inf
