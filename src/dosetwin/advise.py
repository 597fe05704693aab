"""The whole product in one pure call: facts, a model and a policy in, the next dose with its reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.decide.policy import Policy
from dosetwin.decide.recommendation import Recommendation
from dosetwin.declare import Model
from dosetwin.records import Observation, Regimen, Timeline

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
"""Quantiles of the curves: the 90 and 50 % bands and the median."""


@dataclass(frozen=True)
class Curves:
    """True predicted level of one output over time. ``prior`` and ``updated``: float64 [5, n_times], quantiles ``LEVELS``.

    ``time`` h on the timeline's clock, from the first dose to the end of the scored horizon of the recommended regimen
    (of the history alone when there is a refusal). ``model``: the one the curves are from (highest weight when several).
    """

    model: str
    output: str
    unit: str
    time: np.ndarray
    prior: np.ndarray
    updated: np.ndarray


@dataclass(frozen=True)
class Advice:
    """A recommendation and what a report needs beside it.

    ``timeline`` the facts known at ``now``; ``beliefs`` and ``weights`` one per model; ``regimen`` the chosen plan in h
    (None: refusal); ``levels`` the measurements the model predicts; ``parameters`` name -> (5, 50, 95 % quantile) of the
    individual parameters in force at the coming dose, updated belief; ``prior_parameters`` the same before any level.
    """

    recommendation: Recommendation
    timeline: Timeline
    models: tuple[Model, ...]
    policy: Policy
    now: float
    seed: int
    beliefs: "tuple[Belief, ...]"
    weights: tuple[float, ...]
    regimen: Regimen | None
    levels: tuple[Observation, ...]
    curves: Curves | None
    parameters: dict[str, tuple[float, float, float]]
    prior_parameters: dict[str, tuple[float, float, float]]


def advise(
    timeline: Timeline,
    model: Model,
    policy: Policy,
    *,
    now: float | None = None,
    seed: int = 0,
    models: Sequence[Model] | None = None,
    mic: float | None = None,
    draws: int = 1000,
    rule: str = "locf",
) -> Recommendation:
    """The next dose, or a refusal; see ``advise_full``."""
    return advise_full(timeline, model, policy, now=now, seed=seed, models=models, mic=mic, draws=draws, rule=rule).recommendation


def advise_full(
    timeline: Timeline,
    model: Model,
    policy: Policy,
    *,
    now: float | None = None,
    seed: int = 0,
    models: Sequence[Model] | None = None,
    mic: float | None = None,
    draws: int = 1000,
    rule: str = "locf",
    curves: bool = True,
    sensitivity: bool = True,
    input_hash: str = "",
) -> Advice:
    """``advise`` with everything a report shows beside the recommendation."""
    raise NotImplementedError
