"""Limits outside of every controller: they read the monitor and the pump alone, and know no model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dosetwin.loops.insulin.belief import STEP_MIN

Array = NDArray[np.float64]
DURATION_MIN, PEAK_MIN = 360.0, 75.0
"""min: how long insulin acts and when most (rapid-acting analogues as in Loop and oref0, recalled)."""


def acting(minutes: Array) -> Array:
    """Share of a dose that still acts after ``minutes`` (any shape): the exponential curve of Loop and oref0."""
    td, tp = DURATION_MIN, PEAK_MIN
    tau = tp * (1.0 - tp / td) / (1.0 - 2.0 * tp / td)
    a = 2.0 * tau / td
    s = 1.0 / (1.0 - a + (1.0 + a) * np.exp(-td / tau))
    t = np.clip(minutes, 0.0, td)
    left = 1.0 - s * (1.0 - a) * ((t**2 / (tau * td * (1.0 - a)) - t / tau - 1.0) * np.exp(-t / tau) + 1.0)
    return np.where(minutes >= td, 0.0, left)


_LEFT = acting(np.arange(STEP_MIN, DURATION_MIN + STEP_MIN, STEP_MIN, dtype=np.float64))[::-1]


def on_board(given: Array) -> Array:
    """U still acting [n] of what was given in every five minutes so far [n, any], the last column the latest."""
    m = min(given.shape[1], len(_LEFT))
    return given[:, given.shape[1] - m :] @ _LEFT[len(_LEFT) - m :]


@dataclass(frozen=True)
class Limits:
    """What no dose passes.

    Nothing is given while glucose will be below ``suspend_at`` mg/dL within ``ahead_min`` min by its slope. Without a reading for
    ``blind_min`` min, or after a fall no body makes (more than ``jump`` mg/dL in five minutes: pressure on the sensor), no more
    than the basal dose and announced meals. Never more insulin on board than ``most_hours`` h of the basal dose, meals apart, nor
    more than ``largest`` U per kg at once. All assumed.
    """

    suspend_at: float = 80.0
    ahead_min: float = 30.0
    blind_min: float = 20.0
    jump: float = 25.0
    most_hours: float = 5.0
    largest: float = 0.3

    def within(self, dose: Array, before: Array, given: Array, meal_dose: Array, basal: Array, weight: Array) -> Array:
        """The dose of the coming five minutes, U [n], after these limits.

        dose U and meal_dose U (what announced food would get) [n], before readings up to now, mg/dL [n, hist], given U of every
        five minutes so far [n, hist], basal U/h, weight kg [n].
        """
        step = basal * STEP_MIN / 60.0
        most = np.maximum(self.most_hours * basal - np.maximum(on_board(given - step[:, None]), 0.0), 0.0) + step
        dose = np.minimum(dose, most + meal_dose)
        dose = np.minimum(dose, self.largest * weight)
        blind = round(self.blind_min / STEP_MIN)
        if before.shape[1] >= blind:
            dose = np.where(np.isnan(before[:, -blind:]).all(axis=1), np.minimum(dose, step + meal_dose), dose)
        if before.shape[1] >= 4:
            now, past = before[:, -1], before[:, -4]
            with np.errstate(invalid="ignore"):
                pressed = (before[:, -2] - now) > self.jump
                dose = np.where(pressed, np.minimum(dose, step), dose)
                slope = np.where(pressed, 0.0, np.minimum((now - past) / 3.0, 0.0))
                dose = np.where(now + slope * self.ahead_min / STEP_MIN < self.suspend_at, 0.0, dose)
        return np.maximum(dose, 0.0)
