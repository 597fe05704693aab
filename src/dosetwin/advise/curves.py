"""What a report draws and prints beside a recommendation: predicted bands before and after the levels, individual parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from dosetwin.declare import Model
from dosetwin.forecast.tells import prior_draws
from dosetwin.records import Choosable, DoseOrder, Pump, Setting, Timeline

if TYPE_CHECKING:
    from dosetwin.advise.question import Question
    from dosetwin.simulate.schedule import Rule
    from dosetwin.twins.place import BedPool

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
"""Quantiles of the curves: the 90 and 50 % bands and the median."""
SAMPLE_DRAWS = 400
"""Draws that a curve and the next sample are asked of."""
SETTING_H = 12.0
"""h that settings are followed at least in a curve."""


@dataclass(frozen=True, eq=False)
class Curves:
    """True predicted level of one output over time. ``prior`` and ``updated``: float64 [5, n_times], quantiles ``LEVELS``.

    ``time`` h on the timeline's clock, from the first dose (or record, or now) to the end of the third dose of the recommended
    regimen, or of the days it is judged by (48 h after now when there is a refusal, ``SETTING_H`` of settings). ``model``: the
    one the curves are from (highest weight when several).
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
    regimen: Choosable | None,
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
    from dosetwin.simulate.settings import with_settings

    given = [d for dose in known.doses for d in dose.expanded()]
    start = min((d.time for d in given), default=now)
    follows = 48.0 if regimen is None else SETTING_H if isinstance(regimen, Setting) else 3 * cast("DoseOrder", regimen).interval
    follows = regimen.covers if isinstance(regimen, Pump) else follows
    end = (regimen.first_at if regimen else now) + max(follows, ahead)
    future = regimen.doses(end - 1e-6) if regimen else ()
    corners = [t for d in (*given, *future) for t in (d.time, d.time + d.duration) if start <= t <= end]
    time = np.unique(np.round(np.concatenate([np.linspace(start, end, points), corners]), 6))
    if regimen is not None:
        known = with_settings(known, regimen.settings(end), model, rule)
    schedule = schedule_for(model, known, time, rule=rule, extra_doses=future)
    name = model.measured_by(measures) or next(iter(model.outputs))
    column = list(model.outputs).index(name)

    def band(eta: np.ndarray) -> np.ndarray:
        found = predict(model, schedule, eta)
        return np.quantile(found.value[found.ok, :, column], LEVELS, axis=0)

    prior = band(prior_draws(model, schedule.occasions, len(draws), seed))
    return Curves(model.name, name, model.outputs[name].unit, time, prior, band(draws))


def curves_of_place(twin: "BedPool", order: Choosable | None, question: "Question", *, now: float) -> Curves | None:
    """What is taken hour by hour over the days that the therapy reads; ``prior``: with what is open now, ``updated``: with
    those ordered (now, where none are). None where nobody knows how many are open."""
    if not twin.known.settings:
        return None
    as_it_is = Setting(dict(twin.known.settings[-1].values), at=now)
    until = now + question.therapy.follows_h
    time = np.linspace(now, until, round(until - now) + 1)
    played = twin.play([as_it_is, order or as_it_is], until, draws=min(question.draws, SAMPLE_DRAWS), seed=question.seed)
    taken = np.stack([played.read("taken", "at", float(t)) for t in time[:-1]], axis=-1)
    before, after = np.quantile(np.concatenate([taken, taken[..., -1:]], axis=-1), LEVELS, axis=1).transpose(1, 0, 2)
    return Curves(twin.pool.name, f"{twin.pool.of} taken", "1", time, before, after)


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
