"""What a report draws and prints beside a recommendation: predicted bands before and after the levels, individual parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.declare import Model
from dosetwin.forecast.tells import prior_draws
from dosetwin.records import DoseOrder, Timeline

if TYPE_CHECKING:
    from dosetwin.simulate.schedule import Rule

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
"""Quantiles of the curves: the 90 and 50 % bands and the median."""


@dataclass(frozen=True, eq=False)
class Curves:
    """True predicted level of one output over time. ``prior`` and ``updated``: float64 [5, n_times], quantiles ``LEVELS``.

    ``time`` h on the timeline's clock, from the first dose (or now) to the end of the third dose of the recommended regimen, or
    of the days it is judged by (48 h after now when there is a refusal). ``model``: the one the curves are from (highest weight
    when several).
    """

    model: str
    output: str
    unit: str
    time: np.ndarray
    prior: np.ndarray
    updated: np.ndarray


def curves_of(
    model: Model,
    known: Timeline,
    regimen: DoseOrder | None,
    draws: np.ndarray,
    *,
    now: float,
    measures: str,
    seed: int,
    rule: "Rule" = "locf",
    points: int = 240,
    ahead: float = 0.0,
) -> Curves:
    """Bands of what ``measures`` under the prior and ``draws`` [n_draws, n_full] of the updated belief; ``ahead`` h at least."""
    from dosetwin.simulate import predict, schedule_for

    given = [d for dose in known.doses for d in dose.expanded()]
    start = min((d.time for d in given), default=now)
    end = regimen.first_at + max(3 * regimen.interval, ahead) if regimen else now + max(48.0, ahead)
    future = regimen.doses(end - 1e-6) if regimen else ()
    corners = [t for d in (*given, *future) for t in (d.time, d.time + d.duration) if start <= t <= end]
    time = np.unique(np.round(np.concatenate([np.linspace(start, end, points), corners]), 6))
    schedule = schedule_for(model, known, time, rule=rule, extra_doses=future)
    name = model.measured_by(measures) or next(iter(model.outputs))
    column = list(model.outputs).index(name)

    def band(eta: np.ndarray) -> np.ndarray:
        found = predict(model, schedule, eta)
        return np.quantile(found.value[found.ok, :, column], LEVELS, axis=0)

    prior = band(prior_draws(model, schedule.occasions, len(draws), seed))
    return Curves(model.name, name, model.outputs[name].unit, time, prior, band(draws))


def parameters_of(
    model: Model, known: Timeline, draws: np.ndarray, *, at: float, rule: "Rule" = "locf"
) -> dict[str, tuple[float, float, float]]:
    """Name -> (5, 50, 95 % quantile) of the individual parameters in force at ``at`` (h) over ``draws`` [n_draws, n_full]."""
    return parameters_over((model,), known, (draws,), at=at, rule=rule)


def parameters_over(
    models: Sequence[Model], known: Timeline, pools: Sequence[np.ndarray], *, at: float, rule: "Rule" = "locf"
) -> dict[str, tuple[float, float, float]]:
    """The same over several models, each with its pool of draws; a name that not all have is that of those which do."""
    from dosetwin.simulate import parameters, schedule_for

    found: dict[str, list[np.ndarray]] = {}
    for model, draws in zip(models, pools, strict=True):
        if len(draws):
            for name, values in parameters(model, schedule_for(model, known, [at], rule=rule), draws).items():
                found.setdefault(name, []).append(values[:, 0])
    out: dict[str, tuple[float, float, float]] = {}
    for name, parts in found.items():
        low, middle, high = np.quantile(np.concatenate(parts), (0.05, 0.5, 0.95))
        out[name] = (float(low), float(middle), float(high))
    return out
