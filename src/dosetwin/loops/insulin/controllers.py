"""Who decides on insulin every five minutes: basal and bolus by a person's own numbers, PID with feedback, look-ahead."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dosetwin.loops.insulin.belief import STEP_MIN, Belief
from dosetwin.loops.insulin.limits import on_board

Array = NDArray[np.float64]
TARGET = 120.0
"""mg/dL."""


@dataclass(frozen=True)
class Person:
    """What n people know of themselves: ``weight`` kg, ``basal`` U/h, ``ratio`` g of food per U, ``factor`` mg/dL per U."""

    weight: Array
    basal: Array
    ratio: Array
    factor: Array


@dataclass
class Seen:
    """What a controller sees: ``reading`` mg/dL now (nan: none) [n] and those ``before`` [n, hist], ``meal`` g announced now [n],
    ``given`` U of every five minutes so far [n, hist]."""

    reading: Array
    before: Array
    meal: Array
    given: Array


class Controller(Protocol):
    """One way of deciding."""

    def act(self, seen: Seen) -> Array:
        """U in the coming five minutes [n]."""
        ...


@dataclass
class BasalBolus:
    """Basal dose, at meals what the ratio says, and a correction by the factor above 150 mg/dL, less what is still acting."""

    person: Person
    above: float = 150.0

    def act(self, seen: Seen) -> Array:
        """U in the coming five minutes [n]."""
        p = self.person
        still = on_board(seen.given - p.basal[:, None] * STEP_MIN / 60.0)
        over = np.where(seen.reading > self.above, (seen.reading - TARGET) / p.factor, 0.0)
        bolus = seen.meal / p.ratio + np.maximum(np.nan_to_num(over) - np.maximum(still, 0.0), 0.0)
        return p.basal * STEP_MIN / 60.0 + np.where(seen.meal > 0.0, bolus, 0.0)


@dataclass
class Pid:
    """Proportional, integral, derivative on the reading, less what insulin on board does, and announced meals by the ratio.

    Form of Steil 2006 and 2011, gains assumed: one correction factor spread over ``spread_h``.
    """

    person: Person
    spread_h: float = 3.0
    integral_h: float = 6.0
    derivative_h: float = 0.75
    feedback: float = 0.5
    total: Array = field(default_factory=lambda: np.zeros(0))

    def act(self, seen: Seen) -> Array:
        """U in the coming five minutes [n]."""
        p, h = self.person, STEP_MIN / 60.0
        if not len(self.total):
            self.total = np.zeros(len(p.basal))
        reading = np.where(np.isnan(seen.reading), TARGET, seen.reading)
        past = seen.before[:, -3] if seen.before.shape[1] >= 3 else reading
        slope = np.nan_to_num((reading - past) / 0.25)
        error = reading - TARGET
        self.total = np.clip(self.total + error * h, -60.0, 120.0)
        rate = (error + self.total / self.integral_h + self.derivative_h * slope) / (p.factor * self.spread_h)
        still = np.maximum(on_board(seen.given - p.basal[:, None] * h), 0.0)
        return np.maximum(p.basal + rate - self.feedback * still / self.spread_h, 0.0) * h + seen.meal / p.ratio


@dataclass
class Mpc:
    """Look-ahead over four hours on the belief: the dose of the coming five minutes whose course costs least, basal after it.

    Low glucose costs more than high: per mg/dL below ``low`` squared, ``heavy`` times that above the target.
    """

    person: Person
    belief: Belief | None = None
    hours: float = 4.0
    low: float = 100.0
    heavy: float = 20.0
    grid: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 6.5, 9.0)
    """Candidates in multiples of the basal dose of five minutes; beside a meal, shares of its bolus."""
    shares: tuple[float, ...] = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
    last_meal: Array = field(default_factory=lambda: np.zeros(0))

    def act(self, seen: Seen) -> Array:
        """U in the coming five minutes [n]."""
        p, basal = self.person, self.person.basal * STEP_MIN / 60.0
        if self.belief is None:
            reading = np.where(np.isnan(seen.reading), TARGET, seen.reading)
            self.belief = Belief.first(p.weight, p.basal, reading, TARGET)
        else:
            self.belief.told(seen.reading, seen.given[:, -1], self.last_meal)
        doses = basal[:, None] * np.array(self.grid)
        meals = basal[:, None] + (seen.meal / p.ratio)[:, None] * np.array(self.shares)
        doses = np.where(seen.meal[:, None] > 0.0, meals, doses)
        course = self.belief.foreseen(doses, seen.meal, self.hours)
        cost = np.mean(np.maximum(course - TARGET, 0.0) ** 2 + self.heavy * np.maximum(self.low - course, 0.0) ** 2, axis=2)
        self.last_meal = seen.meal.copy()
        return np.take_along_axis(doses, np.argmin(cost, axis=1)[:, None], axis=1)[:, 0]


CONTROLLERS = {"basal_bolus": BasalBolus, "pid": Pid, "mpc": Mpc}
