"""Adaptive therapy of prostate cancer: three kinds of cells compete, abiraterone is switched by PSA, resistance is held back.

After the published run of Cunningham and others (code in cunninghamjj/Applying-evolutionary-principles-...; the first matrix
there holds 0598 for 0.598, corrected here). Cells need testosterone (T+), make it (TP), or go without (T-); a step is their step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.errors import InputError

RATES = (0.0025, 0.001, 0.0005)
"""Growth of T+, TP and T- a step."""
COMPETITION = {
    "T+ most fit": np.array([[1.0, 0.402, 0.794], [0.010, 1.0, 0.598], [0.206, 0.990, 1.0]]),
    "TP most fit": np.array([[1.0, 0.598, 0.794], [0.010, 1.0, 0.206], [0.402, 0.990, 1.0]]),
}
START = (600.0, 400.0, 0.1)
FLOOR = 0.1
CAPACITY_TP, CAPACITY_MINUS, PER_TP = 800.0, 800.0, 1.5
CLEARED = 0.2
"""Share of PSA that is cleared a step."""
BEFORE = 10_000
"""Steps of castration before abiraterone may begin."""
ON, OFF = 3000.0, 1500.0
"""PSA above which the drug begins and below which it stops: 50 % of where it began."""

Switch = Callable[[float, bool], bool]
"""(PSA, on now) -> on from here."""


@dataclass(frozen=True, eq=False)
class Run:
    """``cells`` [steps + 1, 3], ``psa`` [steps + 1], ``on`` [steps] bool."""

    cells: np.ndarray
    psa: np.ndarray
    on: np.ndarray

    @property
    def cycles(self) -> np.ndarray:
        """[n, 2] step each stretch of drug began, and its length."""
        edges = np.diff(np.concatenate([[0], self.on.astype(int), [0]]))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        return np.column_stack([starts, ends - starts])

    def resistant(self) -> int | None:
        """Step at which T- first are more than half of all cells; None where they never are."""
        found = np.flatnonzero(self.cells[:, 2] > 0.5 * self.cells.sum(axis=1))
        return int(found[0]) if len(found) else None


def always(psa: float, on: bool) -> bool:
    """Continuous drug."""
    return True


def never(psa: float, on: bool) -> bool:
    """Castration alone."""
    return False


def between(start: float = ON, stop: float = OFF) -> Switch:
    """On above ``start``, off below ``stop``. Raises InputError where stop is not below start."""
    if not 0.0 < stop < start:
        raise InputError("PSA at which the drug stops and begins", where="stop, start", value=f"{stop:g}, {start:g}",
                         allowed="0 < stop < start")  # fmt: skip
    return lambda psa, on: psa > start if not on else psa >= stop


def run(
    switch: Switch, *, matrix: str = "T+ most fit", steps: int = 30_000, before: int = BEFORE, start: Sequence[float] = START,
    rates: Sequence[float] = RATES, competition: np.ndarray | None = None,
) -> Run:  # fmt: skip
    """Play ``steps`` from ``start``; ``switch`` is asked from step ``before`` on."""
    if competition is None and matrix not in COMPETITION:
        raise InputError("unknown competition", where="matrix", value=matrix, allowed=", ".join(COMPETITION))
    A = COMPETITION[matrix] if competition is None else np.asarray(competition, dtype=float)
    r, x = np.asarray(rates, dtype=float), np.array(start, dtype=float)
    cells, psa, drug = np.empty((steps + 1, 3)), np.zeros(steps + 1), np.zeros(steps, dtype=bool)
    cells[0], level, on, since, minus = x, 0.0, False, 0, CAPACITY_MINUS
    for k in range(steps):
        if k >= before:
            now = switch(level, on)
            since = 0 if now and not on else since + 1
            on = now
        drug[k] = on
        factor, own = PER_TP, CAPACITY_TP
        if on:
            factor, own = PER_TP * np.exp(-0.1 * since), CAPACITY_TP * np.exp(-0.05 * since)
        if x[2] > 0.99 * x.sum():
            minus *= 1.0001
        K = np.array([max(factor * x[1], 1e-12), max(own, 1e-12), minus])
        x = np.maximum(x + x * r * (K - A @ x) / K, FLOOR)
        level += x.sum() - CLEARED * level
        cells[k + 1], psa[k + 1] = x, level
    return Run(cells, psa, drug)
