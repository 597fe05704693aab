"""What a model's one absolute tolerance means for each of its states, so that it holds for what the model predicts.

``atol`` is a promise about outputs. A state that an output sees through a steep function (a small volume, a logarithm) must be
known more exactly than the output; a state that multiplies (bacteria, a tumour, a virus) carries its error along as it grows, so
that what is left out at its lowest point is the error of the regrowth. Both are read off the model's functions.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from dosetwin.declare import Model
from dosetwin.simulate.typical import typical_covariates, typical_parameters

STEEPEST = 1e12
"""A state is held to no less than ``atol`` over this: what a population can grow by (one cell to a body full)."""
PROBES = (0.0, 1e-6, 1e-3, 1.0, 1e3)
"""Sizes of states at which slopes of outputs are looked at."""


def absolute(model: Model, atol: float | Sequence[float] | None = None) -> np.ndarray:
    """[n_states] absolute tolerances of the steppers, in the states' units; ``atol`` default the model's.

    One number is shared out over the states by what it means for the outputs; a number per state is taken as it stands.
    """
    given = np.asarray(model.atol if atol is None else atol, dtype=np.float64)
    if given.ndim == 0 and model.solver != "exact":
        return given / steepness(model)
    return np.broadcast_to(given, (len(model.states),)).copy()


@lru_cache(maxsize=256)
def steepness(model: Model) -> np.ndarray:
    """[n_states] by how much more exactly each state must be known than the outputs, 1 to ``STEEPEST``."""
    found = np.clip(_slopes(model), 1.0, STEEPEST)
    found[list(multiplying(model))] = STEEPEST
    found.flags.writeable = False
    return found


def _slopes(model: Model) -> np.ndarray:
    """The steepest slope of any output against each state, at typical parameters and states of every size."""
    n, p, cov = len(model.states), typical_parameters(model), typical_covariates(model)
    starts = [np.full(n, size) for size in PROBES] + [_start(model)]
    steepest = np.zeros(n)
    for start in starts:
        for j in range(n):
            moved = start.copy()
            moved[j] += 1e-6 * max(abs(start[j]), 1e-6)
            try:
                a, b = (np.array(model.observe(model.state(*x.tolist()), p, cov), float) for x in (start, moved))
            except (ValueError, ZeroDivisionError, OverflowError):
                slope = math.inf  # a logarithm of nothing, say: no slope is too steep
            else:
                slope = float(np.abs(b - a).max()) / (moved[j] - start[j])
            if slope > steepest[j]:
                steepest[j] = slope
    return steepest


@lru_cache(maxsize=256)
def multiplying(model: Model) -> tuple[int, ...]:
    """The states that come from nothing but themselves and each other, and grow while they are few."""
    p, cov = typical_parameters(model), typical_covariates(model)
    rng = np.random.default_rng(0)
    n = len(model.states)

    def flow(x: np.ndarray) -> np.ndarray:
        try:
            return np.array(model.dynamics(0.0, model.state(*x.tolist()), p, cov), float)
        except (ValueError, ZeroDivisionError, OverflowError):
            return np.full(n, math.nan)

    drawn = [rng.uniform(0.5, 2.0, n) for _ in range(3)]
    feels = np.zeros((n, n), dtype=bool)
    for x in drawn:
        rest = flow(x)
        for j in range(n):
            moved = x.copy()
            moved[j] *= 1.01
            feels[:, j] |= flow(moved) != rest
    found: set[int] = set()
    for group in _circles(feels):
        for x in (_start(model), *drawn):
            x = x.copy()
            x[group] = 0.0
            if not np.all(flow(x)[group] == 0.0):
                break
            few = 1e-9
            block = np.empty((len(group), len(group)))
            for k, j in enumerate(group):
                moved = x.copy()
                moved[j] = few
                block[:, k] = flow(moved)[group] / few
            if not np.isfinite(block).all():
                break
            for part in _circles(block != 0.0):
                rates = np.linalg.eigvals(block[np.ix_(part, part)]).real
                if rates.max() > 1e-9 * max(1.0, float(np.abs(rates).max())):
                    found |= {group[k] for k in part}
    return tuple(sorted(found))


def _start(model: Model) -> np.ndarray:
    if model.initial is None:
        return np.zeros(len(model.states))
    return np.array(model.initial(typical_parameters(model), typical_covariates(model)), dtype=np.float64)


def _circles(feels: np.ndarray) -> list[list[int]]:
    """Groups of states that all feel each other, directly or through others."""
    n = len(feels)
    reach = feels | np.eye(n, dtype=bool)
    for _ in range(n):
        reach = reach | (reach.astype(int) @ reach.astype(int) > 0)
    both = reach & reach.T
    return [list(map(int, np.flatnonzero(both[j]))) for j in range(n) if int(np.argmax(both[j])) == j]
