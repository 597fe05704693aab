"""What a search may look at and must keep, and what it answers: settings, chances, the standard rule, options."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dosetwin.decide.look_ahead.loss import Loss
from dosetwin.decide.look_ahead.outlook import DT
from dosetwin.errors import InputError, Reason

LOSS_COLUMN, PEAK_LOW, PEAK_NEVER, PRE_3, PRE_5, NEXT_3, NEXT_5 = range(7)
"""Columns of the scores of plans."""


@dataclass(frozen=True)
class Chances:
    """Chance constraints of a dose that is given: the probabilities must be at most these with one-sided ``confidence``.

    ``trough_toxic``: level just before the coming dose above the toxicity mark (and at the end of the planned interval after it);
    ``peak_low``: its peak below the window; ``peak_never``: its peak above ``never`` mg/L. Assumed, except the toxicity mark of
    the trough (Cristea 2017). A peak above the window is no constraint: it is weighed in the loss against what it kills.
    """

    trough_toxic: float = 0.10
    peak_low: float = 0.50
    peak_never: float = 0.10
    never: float = 45.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if (
            not all(0.0 < x <= 1.0 for x in (self.trough_toxic, self.peak_low, self.peak_never))
            or not 0.5 <= self.confidence < 1.0
        ):
            raise InputError("not a probability", where="chance constraints", value=asdict(self), allowed="0 to 1")


@dataclass(frozen=True)
class Search:
    """How hard is searched. ``draws`` of the search, ``fresh`` draws of the final test (0: the search's own are kept).

    ``mg_per_kg`` amounts tried (the first dose of a course has a finer grid of its own, ``first_mg_per_kg``); ``intervals`` h;
    ``decisions`` searched ahead, 1 to 4; ``beam`` pairs opened at each further decision; ``meet_infection`` plans that meet the
    infection; ``first_look`` draws after which hopeless ones are dropped (0: none is); ``infection_every`` grid steps at which
    the infection is told the level (2: every hour); ``behind_...`` coarser grids of the decisions behind the coming dose (empty:
    the same); ``finalists`` tried on fresh draws; ``tie`` losses closer than this (or than ``tie_se`` standard errors of the
    paired difference) go to the standard rule.
    """

    draws: int = 250
    fresh: int = 2000
    mg_per_kg: tuple[float, ...] = tuple(np.arange(8.0, 20.01, 1.0).tolist())
    first_mg_per_kg: tuple[float, ...] = tuple(np.arange(10.0, 20.01, 0.5).tolist())
    intervals: tuple[float, ...] = (12.0, 18.0, 24.0, 30.0, 36.0, 42.0, 48.0)
    decisions: int = 3
    beam: int = 12
    meet_infection: int = 24
    finalists: int = 5
    first_look: int = 0
    infection_every: int = 1
    behind_mg_per_kg: tuple[float, ...] = ()
    behind_intervals: tuple[float, ...] = ()
    tie: float = 0.005
    tie_se: float = 1.0
    threads: int = 1

    def __post_init__(self) -> None:
        if self.draws < 1 or self.fresh < 0 or self.beam < 1 or self.meet_infection < 1 or self.finalists < 1 or self.threads < 1:
            raise InputError("counts must be positive", where="search", value=(self.draws, self.fresh, self.beam))
        if not 1 <= self.decisions <= 4:
            raise InputError("decisions searched ahead", where="search", value=self.decisions, allowed="1 to 4")
        for name in ("mg_per_kg", "first_mg_per_kg", "intervals", "behind_mg_per_kg", "behind_intervals"):
            values = getattr(self, name)
            if name.startswith("behind") and not values:
                continue
            if not values or min(values) <= 0 or not np.all(np.isfinite(values)):
                raise InputError("must be positive", where=f"search {name}", value=values)
        if any(abs(t / DT - round(t / DT)) > 1e-9 for t in (*self.intervals, *self.behind_intervals)):
            raise InputError("off the grid", where="search intervals", value=self.intervals, allowed=f"k x {DT:g} h")


TRIAL = Search(
    draws=64,
    fresh=0,
    beam=10,
    meet_infection=10,
    first_look=16,
    infection_every=2,
    finalists=4,
    decisions=2,
    first_mg_per_kg=tuple(np.arange(11.0, 20.01, 1.0).tolist()),
    behind_mg_per_kg=(8.0, 10.0, 12.0, 14.0, 16.0, 18.0),
    behind_intervals=(24.0, 36.0, 48.0),
)
"""Settings for thousands of virtual patients; docs/controller.md shows what they cost against the full ones."""
TRIAL_CHANCES = Chances(confidence=0.5)
"""With 64 draws and no fresh ones a one-sided 95 % bound would forbid what the full settings allow: the median bound is used."""


@dataclass(frozen=True)
class Standard:
    """What the standard rule says now: ``wait`` h from the last dose (0 for a first one), mg, interval h."""

    wait: float
    amount: float
    interval: float
    name: str = "standard rule"


@dataclass(frozen=True)
class Option:
    """One plan as it is shown: coming dose and what follows, its loss and what the loss is made of."""

    time: float
    amount: float
    mg_per_kg: float
    plan: tuple[tuple[float, float], ...]
    loss: float
    loss_se: float
    exposure_loss: float
    p_eradicated: float
    p_resistant: float
    p_peak_low: float
    p_peak_never: float
    p_pre_toxic: float
    p_trough_toxic: float
    doses: int
    meets: bool
    on_front: bool = False
    standard: bool = False


@dataclass(frozen=True, eq=False)
class LookAhead:
    """What the controller would do now and why. ``status``: plan, or ``no_feasible_regimen`` (then the least bad is still shown).

    ``options`` best first, the standard rule among them, with ``on_front`` for those no other beats in every respect;
    ``draws`` they were tried on.
    """

    status: str
    chosen: Option
    options: tuple[Option, ...]
    draws: int
    reasons: tuple[Reason, ...]
    loss: Loss

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return {
            "status": self.status,
            "chosen": asdict(self.chosen),
            "options": [asdict(o) for o in self.options],
            "draws": self.draws,
            "reasons": [r.to_json() for r in self.reasons],
            "loss": self.loss.to_json(),
        }
