"""What a model's functions give in the middle of what was studied: which parameters it has, and what its outputs depend on."""

from functools import lru_cache
from typing import Any

from dosetwin.declare import Model
from dosetwin.declare.tried import parameters, typical_covariates
from dosetwin.errors import ModelError


def typical_parameters(model: Model) -> Any:
    """The result of ``individual`` at typical covariates."""
    found = parameters(model)
    if not hasattr(found, "_fields"):
        raise ModelError(f"{model.name}: individual() must return a NamedTuple of parameters")
    return found


@lru_cache(maxsize=256)
def parameter_names(model: Model) -> tuple[str, ...]:
    """Names of what ``individual`` returns."""
    return tuple(typical_parameters(model)._fields)


def has_lag(model: Model) -> bool:
    """Whether any compartment has a lag (a parameter ``LAG_compartment``)."""
    return any(f"LAG_{state}" in parameter_names(model) for state in model.states)


@lru_cache(maxsize=256)
def superposes(model: Model) -> bool:
    """Whether the effects of doses add up: linear, nothing there without a dose."""
    if model.solver != "exact" or model.initial is not None:
        return False
    p, cov = typical_parameters(model), typical_covariates(model)
    return not any(model.dynamics(0.0, model.state(*([0.0] * len(model.states))), p, cov))


@lru_cache(maxsize=256)
def observed_states(model: Model) -> dict[str, tuple[str, ...]]:
    """Output -> the compartments its value depends on, at typical covariates."""
    p, cov, names = typical_parameters(model), typical_covariates(model), list(model.states)
    base = [1.0 + 0.1 * k for k in range(len(names))]
    first = model.observe(model.state(*base), p, cov)
    found: dict[str, list[str]] = {name: [] for name in model.outputs}
    for k, state in enumerate(names):
        moved = model.observe(model.state(*(v + (i == k) for i, v in enumerate(base))), p, cov)
        for name, before, after in zip(model.outputs, first, moved, strict=True):
            if before != after:
                found[name].append(state)
    return {name: tuple(states) for name, states in found.items()}
