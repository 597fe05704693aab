"""A model with a random effect that somebody outside it tells: what its effect was before becomes a course over time.

``told(model, "filtration")`` is the same model with that effect (or the share of it that ``told_sd`` names) read from
covariates: in every segment of time the effect is mean + loading 1 x K1 + ... with K1, K2, ... standard normal. One draw of
them is one course over all segments; measurements update them like any random effect. Without a course the loadings are (SD, 0,
0): the effect as it was. A channel that ``adds`` leaves the effect its own and comes on top of it: without a course, nothing.

What those who tell have read already is left out of the model, and with an output everything that only it needs: states,
parameters, random effects. Its functions are those of the model between short wrappers, which are written here.
"""

import linecache
import math
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from dosetwin.declare.channels import CHANNELS, COMPONENTS, Channel
from dosetwin.declare.model import Model
from dosetwin.declare.tables import Cov, Eta, Kappa
from dosetwin.errors import ModelError
from dosetwin.records import Covariate

PROBES = 12
"""Random points at which it is tried what depends on what."""
MADE_BY_DOSES = ("F_", "LAG_", "R_", "D_")
"""Parameters of a compartment's doses, which no function of the model reads."""


@dataclass(frozen=True, eq=False)
class Course:
    """What somebody tells a model of a channel: from ``start`` [n] h on, each until the next, ``mean`` [n] of the log ratio to
    the typical patient and ``loadings`` [n, COMPONENTS] on the standard normal effects that all rows share."""

    start: np.ndarray
    mean: np.ndarray
    loadings: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """[n, 1 + COMPONENTS]: mean and loadings."""
        return np.column_stack([self.mean, self.loadings])


def effect_told(model: Model, channel: str) -> str | None:
    """The random effect of a model that this channel tells; None where there is none."""
    return next((n for n, e in model.etas.items() if e.told == channel), None)


def sd_told(model: Model, channel: str) -> float:
    """SD of what the channel tells a model, told or not yet. Raises ModelError where it has no such effect."""
    whole = model.whole if model.whole is not None and model.channel == channel else model
    name = effect_told(whole, channel)
    if name is None:
        raise ModelError(f"{model.name} has no random effect that {channel} could tell")
    if CHANNELS[channel].adds:
        return CHANNELS[channel].sd
    e = whole.etas[name]
    return math.sqrt(e.variance) if e.told_sd is None else e.told_sd


def own_of(model: Model, channel: str) -> tuple[str, ...]:
    """What of the channel's ``apart`` the model has its own effect for."""
    return tuple(name for name in CHANNELS[channel].apart if name in model.covs)


def columns_told(model: Model, channel: str) -> tuple[str, ...]:
    """Covariates that carry the course a model is told, told or not yet. Raises ModelError where it has no such effect."""
    return CHANNELS[channel].columns(sd_told(model, channel), own_of(model, channel))


def as_records(model: Model, channel: str, course: Course, rule: str, record: str) -> tuple[Covariate, ...]:
    """A course as the covariates a model reads, laid out so that each row holds from its start under the covariate ``rule``."""
    return laid_out(columns_told(model, channel), course.start, course.rows, rule, record)


def laid_out(columns: Sequence[str], start: np.ndarray, rows: np.ndarray, rule: str, record: str) -> tuple[Covariate, ...]:
    """``rows`` [n, len(columns)] that hold from each ``start`` [n] h to the next, as covariates under the rule in force."""
    at = start
    if rule == "nocb":  # a record governs the time before it
        at = np.append(start[1:], start[-1] + 24.0)
    elif rule == "linear":  # a record stands for the middle of its day
        at = start + 0.5 * np.diff(start, append=start[-1] + 24.0)
    return tuple(
        Covariate(float(t), name, float(v), "1", record)
        for t, row in zip(at, rows, strict=True)
        for name, v in zip(columns, row, strict=True)
    )


@dataclass(frozen=True)
class _Parts:
    """What of a model a told one keeps, names in the model's order."""

    outputs: tuple[str, ...]
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    etas: tuple[str, ...]
    starts: bool


def _inside(c: Cov, rng: np.random.Generator) -> float:
    if c.flag:
        return float(rng.integers(2))
    low = c.low if math.isfinite(c.low) else 1.0
    high = c.high if math.isfinite(c.high) else low + 1.0
    return float(rng.uniform(low, high))


def _parts(model: Model, channel: Channel) -> _Parts:
    """Keep what the outputs that stay depend on; what only an output that goes needs, goes with it.

    Dependence is tried out at random points: flags on and off, ages and sizes over their ranges.
    """
    outputs = [n for n, o in model.outputs.items() if o.measures not in channel.read]
    gone = [n for n in model.outputs if n not in outputs]
    if not outputs:
        raise ModelError(f"{model.name} predicts nothing but what {channel.name} is told from")
    rng, theta = np.random.default_rng(0), model.theta()
    points = []
    for _ in range(PROBES):
        cov = model.cov(*(_inside(c, rng) for c in model.covs.values()))
        eta = model.eta(*rng.normal(0.0, 0.2, len(model.etas)))
        A = model.state(*rng.uniform(0.5, 2.0, len(model.states)))
        points.append((cov, eta, model.individual(theta, eta, cov), A))

    def of_states(names: Sequence[str], seen: Sequence[str], p: Any, A: Any, cov: Any) -> list[float]:
        """Everything about these states and outputs: rates of change, values, values at the start."""
        rates, values = model.dynamics(1.0, A, p, cov), model.observe(A, p, cov)
        start = [] if model.initial is None else [getattr(model.initial(p, cov), n) for n in names]
        return [*(getattr(rates, n) for n in names), *(getattr(values, n) for n in seen), *start]

    def moved(x: Any, name: str) -> Any:
        return x._replace(**{name: 1.1 * getattr(x, name) + 0.1})

    def depends(names: Sequence[str], seen: Sequence[str], what: str, of_parameter: bool) -> bool:
        for cov, _, p, A in points:
            other = (moved(p, what), A) if of_parameter else (p, moved(A, what))
            if of_states(names, seen, p, A, cov) != of_states(names, seen, *other, cov):
                return True
        return False

    states = [model.dose_cmt]
    while more := [s for s in model.states if s not in states and depends(states, outputs, s, False)]:
        states += more
    lost = [s for s in model.states if s not in states]
    doses = [f"{kind}{s}" for kind in MADE_BY_DOSES for s in states]
    parameters = [
        n for n in points[0][2]._fields
        if n in doses or depends(states, outputs, n, True) or not depends(lost, gone, n, True)
    ]  # fmt: skip

    def needed(name: str) -> bool:
        changed = set()
        for cov, eta, p, _ in points:
            other = model.individual(theta, moved(eta, name), cov)
            changed |= {n for n in p._fields if getattr(p, n) != getattr(other, n)}
        return not changed or bool(changed & set(parameters))

    etas = [n for n in model.etas if needed(n)]
    kept = [s for s in model.states if s in states]
    starts = model.initial is not None and any(getattr(model.initial(p, cov), s) != 0.0 for cov, _, p, _ in points for s in kept)
    return _Parts(tuple(outputs), tuple(kept), tuple(parameters), tuple(etas), starts)


def _written(model: Model, channel: Channel, effect: str, own: bool, parts: _Parts, space: dict[str, Any]) -> None:
    """Define the wrappers in ``space``. Their source can be read, because the kernel of a model is written from it."""
    mean, *loadings = columns_told(model, channel.name)
    course = " + ".join([f"cov.{mean}", *(f"cov.{c} * eta.K{k + 1}" for k, c in enumerate(loadings))])
    etas = ", ".join(
        (f"course + eta.{n}" if own else "course") if n == effect else f"eta.{n}" if n in parts.etas else "0.0"
        for n in model.etas
    )
    made, few = space["whole_parameters"]._fields, parts.parameters

    def some(made: str, names: Sequence[str], of: str, kept: Sequence[str] | None = None) -> str:
        return f"{made}({', '.join(f'{n}={of}.{n}' if kept is None or n in kept else f'{n}=0.0' for n in names)})"

    whole = f"whole_individual(theta, whole_eta({etas}), cov)"
    lines = [
        "def told_individual(theta, eta, cov):", f"    course = {course}",
        "    course = TOLD_LOW if course < TOLD_LOW else TOLD_HIGH if course > TOLD_HIGH else course",
        *((f"    p = {whole}", f"    return {some('told_parameters', few, 'p')}") if made != few else (f"    return {whole}",)),
    ]  # fmt: skip
    if parts.states != tuple(model.states) or parts.outputs != tuple(model.outputs) or made != few:
        A, p = some("whole_state", tuple(model.states), "A", parts.states), some("whole_parameters", made, "p", few)
        lines += [
            "def told_dynamics(t, A, p, cov):", f"    rates = whole_dynamics(t, {A}, {p}, cov)",
            f"    return {some('told_state', parts.states, 'rates')}",
            "def told_observe(A, p, cov):", f"    values = whole_observe({A}, {p}, cov)",
            f"    return {some('told_output', parts.outputs, 'values')}",
            "def told_initial(p, cov):", f"    start = whole_initial({p}, cov)",
            f"    return {some('told_state', parts.states, 'start')}",
        ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    file = f"<{model.name} told {channel.name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), space)


@lru_cache(maxsize=64)
def told(model: Model, channel: str) -> Model:
    """The model with its effect told by ``channel``.

    Raises ModelError where it has no such effect, or where less than nothing of the effect would be its own.
    """
    of, effect, sd, columns = (
        CHANNELS[channel],
        effect_told(model, channel),
        sd_told(model, channel),
        columns_told(model, channel),
    )
    assert effect is not None
    own = of.adds or model.etas[effect].told_sd is not None
    parts = _parts(model, of)
    kept = [n for n in parts.etas if own or n != effect]
    carried = [n for n in kept if not isinstance(model.etas[n], Kappa)]
    at = [model.eta_names.index(n) for n in carried]
    K = {f"K{k + 1}": Eta(f"course of {channel}, component {k + 1}", sd=1.0, provenance="derived",
                          source=f"scaled by {columns[k + 1]}") for k in range(COMPONENTS)}  # fmt: skip
    omega = np.eye(COMPONENTS + len(at))
    omega[COMPONENTS:, COMPONENTS:] = model.omega[np.ix_(at, at)]
    etas = K | {n: model.etas[n] for n in kept}
    if own:
        k, left = COMPONENTS + carried.index(effect), model.etas[effect].variance - sd * sd
        omega[k, k] = left
        etas[effect] = replace(model.etas[effect], var=left, sd=None, cv=None, told="", told_sd=None)
        if np.linalg.eigvalsh(omega).min() <= 0:
            raise ModelError(f"{model.name}: {channel} cannot be {sd:g} of {effect}: nothing of the effect would be left")
    usual = {c: sd if k == 1 else 0.0 for k, c in enumerate(columns)}
    lowest, highest = (of.low, of.high) if of.adds else (-1.7, 1.2)
    covs = {columns[0]: Cov("1", lowest, highest, f"log {channel} over typical", missing="population", population=0.0)}
    covs |= {
        c: Cov("1", -1.0, 1.0, f"SD of it, component {k + 1}", missing="population", population=0.0 if k else sd)
        for k, c in enumerate(columns[1:])
    }
    states = {n: model.states[n] for n in parts.states}
    whole_parameters = type(model.individual(model.theta(), model.eta(), model.cov(*([1.0] * len(model.covs)))))
    space: dict[str, Any] = {
        "TOLD_LOW": of.low, "TOLD_HIGH": of.high, "whole_individual": model.individual, "whole_dynamics": model.dynamics,
        "whole_observe": model.observe, "whole_initial": model.initial, "whole_eta": model.eta, "whole_state": model.state,
        "whole_parameters": whole_parameters, "told_parameters": namedtuple("told_parameters", parts.parameters),
        "told_state": namedtuple("told_state", parts.states), "told_output": namedtuple("told_output", parts.outputs),
    }  # fmt: skip
    _written(model, of, effect, own, parts, space)
    as_it_is = "told_dynamics" not in space
    return replace(
        model,
        name=f"{model.name}_{of.by}", title=f"{model.title.rstrip('.')}; {channel} told from outside.",
        whole=model, channel=channel,
        individual=space["told_individual"],
        dynamics=model.dynamics if as_it_is else space["told_dynamics"],
        observe=model.observe if as_it_is else space["told_observe"],
        initial=None if not parts.starts else model.initial if as_it_is else space["told_initial"],
        start=model.start if parts.starts else "first_event",
        eta=namedtuple("told_eta", etas, defaults=[0.0] * len(etas)),
        cov=namedtuple("told_cov", [*model.covs, *covs]),
        state=model.state if as_it_is else space["told_state"], output=model.output if as_it_is else space["told_output"],
        etas=etas, covs={**model.covs, **covs}, states=states, outputs={n: model.outputs[n] for n in parts.outputs}, omega=omega,
        anchors=tuple(replace(a, cov={**a.cov, **usual}) for a in model.anchors if a.parameter in parts.parameters),
    )  # fmt: skip


def courses(model: Model, rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Log ratio to typical that a told model's draws stand for, [n_draws, n_rows].

    ``rows`` [n_rows, n_cov] covariates of the segments asked about, ``draws`` [n_draws, n_full] of its random effects.
    """
    of = CHANNELS[model.channel]
    table = rows[:, [list(model.covs).index(c) for c in columns_told(model, of.name)]]
    return np.clip(table[:, 0] + draws[:, :COMPONENTS] @ table[:, 1:].T, of.low, of.high)
