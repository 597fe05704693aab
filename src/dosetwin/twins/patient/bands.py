"""Bands of what one output of a patient will do: before and after the patient's levels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dosetwin.errors import Finding

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Bounds of the central 90 % and 50 % bands around the median."""


@dataclass(frozen=True, eq=False)
class Band:
    """Pointwise quantiles of one output over time, each [n_times]: ``low90 low50 median high50 high90``."""

    low90: np.ndarray
    low50: np.ndarray
    median: np.ndarray
    high50: np.ndarray
    high90: np.ndarray

    @classmethod
    def of(cls, curves: np.ndarray) -> "Band":
        """The band of curves [K, n_times]."""
        return cls(*np.quantile(curves, QUANTILES, axis=0))

    def to_json(self) -> dict[str, list[float]]:
        return {name: value.tolist() for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Outlook:
    """What one output will do at ``times`` (h): bands before (``prior``) and after (``updated``) the patient's levels.

    ``typical``, ``mode``: curves of the typical patient and of the most probable one. ``draws`` [K, n_times] are the updated
    curves themselves. The bands hold the uncertainty of the patient's parameters; ``residual`` True: also that of a measurement.
    """

    model: str
    output: str
    unit: str
    times: np.ndarray
    prior: Band
    updated: Band
    typical: np.ndarray
    mode: np.ndarray
    draws: np.ndarray
    residual: bool
    failed: int = 0
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the single draws."""
        return {
            "model": self.model, "output": self.output, "unit": self.unit, "times": self.times.tolist(),
            "prior": self.prior.to_json(), "updated": self.updated.to_json(), "typical": self.typical.tolist(),
            "mode": self.mode.tolist(), "residual": self.residual, "failed": self.failed,
            "findings": [f.to_json() for f in self.findings],
        }  # fmt: skip
