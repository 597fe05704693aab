"""Who decides on insulin every five minutes: basal and bolus by a person's own numbers, PID with feedback, look-ahead."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dosetwin.loops.insulin.belief import STEP_MIN
from dosetwin.loops.insulin.limits import on_board
from dosetwin.loops.insulin.tracked import Doubt, Tracked

Array = NDArray[np.float64]
TARGET = 120.0
"""mg/dL."""
BEFORE_MIN, EASED, MEAL_EASED, RAISED = 90, 0.5, 0.75, 150.0
"""For exercise that is told beforehand: min from which on the basal dose is this share of itself (50 to 80 % less from 90 min
before, Zaharieva 2019, Diabetes Care 42:824, read in its abstract), share of a meal's bolus (a quarter to a half less;
recalled), and mg/dL that a loop aims at (recalled)."""
FORETOLD = 48
"""Steps of five minutes for which exercise is told ahead."""


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
    ``given`` U of every five minutes so far [n, hist], ``effort`` told for every five minutes from now on [n, FORETOLD], share of
    the reserve of the heart rate; None: no exercise is told."""

    reading: Array
    before: Array
    meal: Array
    given: Array
    effort: Array | None = None

    def active(self) -> NDArray[np.bool_]:
        """Whether exercise goes on or is told for the coming ``BEFORE_MIN`` min [n]."""
        if self.effort is None:
            return np.zeros(len(self.reading), bool)
        return np.any(self.effort[:, : BEFORE_MIN // STEP_MIN] > 0.0, axis=1)


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
        dose = p.basal * STEP_MIN / 60.0
        if seen.effort is not None:
            active = seen.active()
            dose, bolus = np.where(active, EASED * dose, dose), np.where(active, MEAL_EASED * bolus, bolus)
        return dose + np.where(seen.meal > 0.0, bolus, 0.0)


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
        active = seen.active()
        error = reading - np.where(active, RAISED, TARGET)
        self.total = np.clip(self.total + error * h, -60.0, 120.0)
        rate = (error + self.total / self.integral_h + self.derivative_h * slope) / (p.factor * self.spread_h)
        still = np.maximum(on_board(seen.given - p.basal[:, None] * h), 0.0)
        return (
            np.maximum(p.basal + rate - self.feedback * still / self.spread_h, 0.0) * h
            + np.where(active, MEAL_EASED, 1.0) * seen.meal / p.ratio
        )


@dataclass
class Mpc:
    """Look-ahead on a belief fitted to a person's three numbers: the dose of five minutes whose course costs least.

    The course is followed for ``hours`` with the basal dose after these five minutes. Low glucose costs more: per mg/dL
    below ``low`` squared, ``heavy`` times that above ``target``. At most ``times`` the basal dose and ``share`` of a bolus.
    ``trust``: how far the person's factor scales the belief's sensitivities, the rest by the basal dose alone. All of them and
    the belief's ``doubt`` were chosen on people of seeds 77 to 80, whom no trial judges.
    """

    person: Person
    belief: Tracked | None = None
    hours: float = 4.0
    target: float = 116.0
    low: float = 115.0
    heavy: float = 10.0
    times: float = 25.0
    share: float = 0.9
    trust: float = 0.45
    doubt: Doubt = field(default_factory=Doubt)
    last: tuple[Array, Array] = (np.zeros(0), np.zeros(0))

    def act(self, seen: Seen) -> Array:
        """U in the coming five minutes [n]."""
        p, basal = self.person, self.person.basal * STEP_MIN / 60.0
        effort = np.zeros((len(basal), 1)) if seen.effort is None else seen.effort
        if self.belief is None:
            reading = np.where(np.isnan(seen.reading), TARGET, seen.reading)
            self.belief = Tracked.first(p.weight, p.basal, p.ratio, p.factor, reading, TARGET, self.doubt, self.trust)
        else:
            self.belief.told(seen.reading, seen.given[:, -1], *self.last)
        self.last = seen.meal.copy(), effort[:, 0].copy()
        target = np.where(seen.active(), RAISED, self.target)
        most = self.times * basal + self.share * seen.meal / p.ratio
        return self.belief.cheapest(seen.meal, effort, self.hours, target, self.low, self.heavy, most)


CONTROLLERS = {"basal_bolus": BasalBolus, "pid": Pid, "mpc": Mpc}
