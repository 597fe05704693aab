"""What is believed of one person's HbA1c: level without treatment, drift, and what each step does; exact by linear algebra.

HbA1c(t) = level + drift t - sum of effects of the steps taken at t + error: normal priors and normal errors, so the belief after
any readings is normal in closed form, whatever their order.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from dosetwin import streams
from dosetwin.errors import InputError
from dosetwin.outcomes.diabetes.equations import slip
from dosetwin.studies.ten_years.steps import SPREAD, STEPS, step

DRIFT, DRIFT_SD = 0.14, 0.10
"""%/y: ADOPT under metformin (Kahn 2006, N Engl J Med 355:2427; recalled), and how people differ (assumed)."""
LEVEL, LEVEL_SD = 8.5, 1.5
"""% before any treatment, with a wide spread: the readings say (assumed)."""
ERROR = 0.3
"""%: assay and day to day (assumed)."""
NAMES = ("level", "drift", *(n for n, s in STEPS.items() if s.hba1c))


@dataclass(frozen=True)
class Reading:
    """HbA1c ``value`` in %, ``year`` from today (the past is negative), and the steps that were taken then for three months."""

    year: float
    value: float
    taking: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in self.taking:
            step(name)
        if not 3.0 <= self.value <= 20.0:
            raise InputError("HbA1c cannot be this", where=f"year {self.year:g}", value=self.value, allowed="3 to 20 %",
                             remedy=slip("HBA1C"))  # fmt: skip
        if not -60.0 <= self.year <= 60.0:
            raise InputError("year of a reading", where="readings", value=self.year, allowed="-60 to 60")


@dataclass(frozen=True, eq=False)
class Belief:
    """Mean [k] and covariance [k, k] of ``NAMES``."""

    mean: np.ndarray
    cov: np.ndarray

    @classmethod
    def prior(cls) -> "Belief":
        """Before any reading."""
        effects = np.array([STEPS[n].hba1c for n in NAMES[2:]])
        sd = np.array([LEVEL_SD, DRIFT_SD, *(SPREAD * effects)])
        return cls(np.array([LEVEL, DRIFT, *effects]), np.diag(sd**2))

    def told(self, *readings: Reading) -> "Belief":
        """After readings; told(a).told(b) is told(a, b) in any order."""
        if not readings:
            return self
        H = np.array([self.row(r.year, r.taking) for r in readings])
        S = H @ self.cov @ H.T + ERROR**2 * np.eye(len(readings))
        gain = np.linalg.solve(S, H @ self.cov).T
        y = np.array([r.value for r in readings])
        cov = self.cov - gain @ H @ self.cov
        return Belief(self.mean + gain @ (y - H @ self.mean), 0.5 * (cov + cov.T))

    @staticmethod
    def row(year: float, taking: Collection[str]) -> np.ndarray:
        """[k] what multiplies ``NAMES`` at a time."""
        return np.array([1.0, year, *(-1.0 if n in taking else 0.0 for n in NAMES[2:])])

    def forecast(self, year: float, taking: Collection[str]) -> tuple[float, float]:
        """Mean and SD of the HbA1c that would be read, %."""
        h = self.row(year, taking)
        return float(h @ self.mean), float(np.sqrt(h @ self.cov @ h + ERROR**2))

    def draws(self, n: int, seed: int) -> Mapping[str, np.ndarray]:
        """``n`` people as this one may be: name -> [n]."""
        z = streams.normals(seed, "HbA1c of one person", np.arange(n), len(NAMES))
        values, vectors = np.linalg.eigh(self.cov)
        found = self.mean + (z * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        return dict(zip(NAMES, found.T, strict=True))
