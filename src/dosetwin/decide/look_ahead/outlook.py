"""What a controller knows of one patient at one moment: weighted draws of body and infection, and the doses so far."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.outcomes.infection.draws import Infections

DT = 0.5
"""h, step of the grid on which plans are tried: doses, peaks and troughs lie on it; levels on it are exact."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """n joint draws of the patient and the infection, seen from the start of the last dose given (``origin``), or from now.

    Parameters
    ----------
    now : h on the course's clock (0: the first dose of the course).
    origin : h, start of the last dose given; ``now`` when none was. A multiple of DT before ``now``.
    given : mg of that dose, 0 when none was.
    weight : kg, current.
    parameters : [n, s, 4] CL L/h, V1 L, Q L/h, V2 L of each draw on each piece.
    edges : [s] h at which the pieces begin, ascending; the first one at or before ``origin``.
    amounts : [n, 2] mg in the two compartments at ``origin``, before that dose.
    weights : [n] of the draws, sum 1.
    before, before_h : [n] and h, misses times hours of the doses whose interval is over (``decide.loss``), and those hours.
    past : [n, m + 1] levels mg/L every DT h from 0 to ``origin``.
    infections : draws of the infection, one per draw, or None.
    MIC : mg/L as the laboratory reported it, None: not yet.
    """

    now: float
    origin: float
    given: float
    weight: float
    parameters: np.ndarray
    edges: np.ndarray
    amounts: np.ndarray
    weights: np.ndarray
    before: np.ndarray
    before_h: float
    past: np.ndarray
    infections: "Infections | None" = None
    MIC: float | None = None

    def __post_init__(self) -> None:
        n = len(self.parameters)
        shapes = (self.amounts.shape == (n, 2), self.weights.shape == (n,), self.before.shape == (n,), len(self.past) == n)
        if not n or not all(shapes) or self.parameters.shape[1:] != (len(self.edges), 4):
            raise InputError("draws of different number or shape", where="outlook", value=self.parameters.shape)
        if not np.all(np.isfinite(self.parameters)) or not np.all(self.parameters > 0):
            raise InputError("parameters must be positive and finite", where="outlook")
        if not self.weight > 0 or self.now < self.origin - 1e-9 or self.edges[0] > self.origin + 1e-9:
            raise InputError(
                "weight must be positive, now not before the last dose", where="outlook", value=(self.weight, self.now)
            )

    def __len__(self) -> int:
        return len(self.parameters)

    def pieces(self, steps: int) -> np.ndarray:
        """Index of the piece in force during each of ``steps`` grid steps from ``origin``: int64 [steps]."""
        middle = self.origin + DT * (np.arange(steps) + 0.5)
        return np.maximum(np.searchsorted(self.edges, middle, side="right") - 1, 0)


class Belief(Protocol):
    """Anything that can be asked for joint draws: a trial's fast posterior, or the twin's."""

    def outlook(self, draws: int, stream: int) -> Outlook:
        """``draws`` joint draws; another ``stream`` gives fresh ones, the same stream always the same."""
        ...
