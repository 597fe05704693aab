"""Limits outside of every controller: they read the monitor and the pump alone, and know no model."""

from dataclasses import dataclass

import numpy as np
from numba import njit
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
        blind = round(self.blind_min / STEP_MIN)
        out = np.empty(len(dose))
        _within(dose, before[:, -max(blind, 4) :], given[:, -len(_LEFT) :], _LEFT, meal_dose, basal, weight, self.suspend_at,
                self.ahead_min / STEP_MIN, blind, self.jump, self.most_hours, self.largest, out)  # fmt: skip
        return out


@njit(cache=True, error_model="numpy")
def _within(
    dose, before, given, left, meal_dose, basal, weight, suspend_at, ahead, blind, jump, hours, largest, out
):  # pragma: no cover: compiled
    """``Limits.within``, person by person: ``ahead`` and ``blind`` in steps, ``left`` of the doses of the last steps."""
    seen, m = before.shape[1], given.shape[1]
    for i in range(len(dose)):
        step = basal[i] * STEP_MIN / 60.0
        still = 0.0
        for k in range(m):
            still += (given[i, k] - step) * left[len(left) - m + k]
        d = min(dose[i], max(hours * basal[i] - max(still, 0.0), 0.0) + step + meal_dose[i])
        d = min(d, largest * weight[i])
        none = seen >= blind
        for k in range(max(seen - blind, 0), seen):
            none = none and before[i, k] != before[i, k]
        if none:
            d = min(d, step + meal_dose[i])
        if seen >= 4:
            now, past = before[i, seen - 1], before[i, seen - 4]
            pressed = before[i, seen - 2] - now > jump
            if pressed:
                d = min(d, step)
            slope = 0.0 if pressed else min((now - past) / 3.0, 0.0)
            if past != past and not pressed:
                slope = np.nan
            if now + slope * ahead < suspend_at:
                d = 0.0
        out[i] = max(d, 0.0)
