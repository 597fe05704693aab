"""How sensitive one person is, learned from days of monitor, pump and meals: beliefs weighed by what each foretold.

Two numbers are learned: sensitivity, relative to that under which the person's own basal dose holds the target, and how much of
the carbohydrate that was counted was really eaten. Every pair runs the same filter over the same readings; those that foretold
them better weigh more. By how much each reading moved a belief is kept, so that the days can be lived again.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dosetwin.loops.insulin.belief import NOISE_MG_DL, STATES, STEP_MIN, Belief
from dosetwin.structure import glucose as g

Array = NDArray[np.float64]
SENSITIVITIES = tuple(float(x) for x in np.exp(np.linspace(np.log(0.35), np.log(2.0), 11)))
EATEN = (0.3, 0.45, 0.6, 0.8, 1.0, 1.25)
"""Relative sensitivities and shares of the counted carbohydrate that are tried."""
SPREAD, MISCOUNTED = 0.3, 0.25
"""SD of the log of both before anything is known (assumed)."""
EVIDENCE = 0.1
"""What a reading counts for: errors of a model and a monitor last for the better part of an hour, ten readings are as one
(assumed). Taken as independent they made one pair of 66 certain within a day, and beliefs of one life are never in doubt."""
SETTLES_MIN = 180
"""min at the start of the days that are not weighed: what was on board then is guessed."""


@dataclass(frozen=True)
class Days:
    """What was every five minutes: ``readings`` mg/dL (nan: none), ``insulin`` U (basal and bolus), ``food`` g counted [n]."""

    readings: Array
    insulin: Array
    food: Array

    @property
    def hours(self) -> float:
        """How long they are."""
        return len(self.readings) * STEP_MIN / 60.0


@dataclass(frozen=True)
class Learned:
    """One person as learned. Rows are pairs of ``sensitivity`` and ``eaten`` [k] with ``weights`` [k] (sum 1).

    ``scale`` [k] of the model's sensitivities; ``basal`` [k] U/h that hold the target; ``moved`` [k, n, STATES] by how much each
    reading moved the states, so that the same doses lead along the same course again; ``states`` [k, STATES] at the end,
    ``first`` [k, STATES] at the start; ``error`` mg/dL, root mean square of what was foretold five minutes ahead.
    """

    sensitivity: Array
    eaten: Array
    weights: Array
    scale: Array
    basal: Array
    moved: Array
    states: Array
    first: Array
    error: float

    def mean(self, values: Array) -> float:
        """Mean of a number of each row, by the weights."""
        return float(self.weights @ values)

    def likely(self, least: float = 0.005) -> tuple[NDArray[np.int64], Array]:
        """Rows of at least that weight, and their weights (sum 1)."""
        rows = np.flatnonzero(self.weights >= min(least, float(self.weights.max())))
        return rows, self.weights[rows] / self.weights[rows].sum()

    def drawn(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Rows as often as their weights say, systematic resampling [n]."""
        return np.searchsorted(np.cumsum(self.weights) - 1e-12, (rng.random() + np.arange(n)) / n).clip(0, len(self.weights) - 1)


def basal_for(target: float, weight: float, scale: float) -> float:
    """U/h that hold glucose at ``target`` mg/dL for somebody of ``weight`` kg and this scale of the sensitivities."""
    low, high = 0.0, 60.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (
            (low, middle) if g.steady(target / g.MG_DL, 1000.0 * middle / 60.0, weight, scale)[-1] > 0.0 else (middle, high)
        )
    return 0.5 * (low + high)


def learn(days: Days, *, weight: float, basal: float, target: float) -> Learned:
    """Weigh every pair by the readings. ``weight`` kg, ``basal`` U/h of these days, ``target`` mg/dL."""
    pairs = np.array(list(product(SENSITIVITIES, EATEN)))
    k, n = len(pairs), len(days.readings)
    own = g.scale_of(target / g.MG_DL, 1000.0 * basal / 60.0, weight)
    scale = own * pairs[:, 0]
    seen = days.readings[np.isfinite(days.readings)]
    start = float(seen[0]) if len(seen) else target
    belief = Belief.first(np.full(k, weight), np.full(k, basal), np.full(k, start), target)
    belief = Belief(belief.states, belief.cov, belief.weight, belief.basal, scale)
    first = belief.states.copy()
    none, var = np.full(k, np.nan), (NOISE_MG_DL / g.MG_DL) ** 2
    loglik = -0.5 * ((np.log(pairs[:, 0]) / SPREAD) ** 2 + (np.log(pairs[:, 1]) / MISCOUNTED) ** 2)
    moved, off = np.zeros((k, n, STATES)), []
    for i in range(n):
        belief.told(none, np.full(k, days.insulin[i]), days.food[i] * pairs[:, 1])
        reading = days.readings[i]
        if np.isfinite(reading):
            P, x = belief.cov, belief.states
            spread = P[:, 10, 10] + var
            miss = reading / g.MG_DL - x[:, 10]
            if i * STEP_MIN >= SETTLES_MIN:
                loglik = loglik - 0.5 * (miss**2 / spread + np.log(spread))
                off.append(miss * g.MG_DL)
            gain = P[:, :, 10] / spread[:, None]
            before = x.copy()
            x += gain * miss[:, None]
            x[:, : STATES - 1] = np.maximum(x[:, : STATES - 1], 0.0)
            moved[:, i] = x - before
            P -= gain[:, :, None] * P[:, None, 10, :]
    weights = np.exp(EVIDENCE * (loglik - loglik.max()))
    weights /= weights.sum()
    need = np.array([basal_for(target, weight, s) for s in scale])
    error = float(np.sqrt(np.mean((np.array(off) @ weights) ** 2))) if off else float("nan")
    return Learned(pairs[:, 0], pairs[:, 1], weights, scale, need, moved, belief.states.copy(), first, error)
