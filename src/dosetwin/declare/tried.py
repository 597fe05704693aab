"""A model's functions called once in plain Python, in the middle of what was studied, before anything compiles."""

import math
from typing import Any

from dosetwin.declare.model import Model
from dosetwin.errors import ModelError


def tried(model: Model) -> None:
    """Raise ModelError for functions that do not give what the engine reads, or whatever error they raise themselves."""
    middle = [_middle(c.low, c.high, c.population) if not c.flag else 0.0 for c in model.covs.values()]
    cov = model.cov(*middle)
    p = model.individual(model.theta(), model.eta(*([0.0] * len(model.etas))), cov)
    _fields("individual", p, "a NamedTuple of parameters")
    A = model.state(*([1.0] * len(model.states)))
    if tuple(_fields("dynamics", model.dynamics(0.0, A, p, cov), "state(...)")) != tuple(model.states):
        raise ModelError(f"dynamics returns another table than state; expected {', '.join(model.states)}")
    if tuple(_fields("observe", model.observe(A, p, cov), "output(...)")) != tuple(model.outputs):
        raise ModelError(f"observe returns another table than output; expected {', '.join(model.outputs)}")
    if not model.outputs:
        raise ModelError("a model predicts something: write class output(NamedTuple) with an Output")
    for anchor in model.anchors:
        if anchor.parameter not in p._fields:
            raise ModelError(f"anchor {anchor.text!r}: no parameter {anchor.parameter!r}; there is: {', '.join(p._fields)}")
        if unknown := [n for n in anchor.cov if n not in model.covs]:
            raise ModelError(f"anchor {anchor.text!r}: no covariate {unknown[0]!r}; there is: {', '.join(model.covs)}")


def _middle(low: float, high: float, population: float | None) -> float:
    if population is not None:
        return population
    low = low if math.isfinite(low) else 1.0
    return 0.5 * (low + (high if math.isfinite(high) else low + 1.0))


def _fields(function: str, found: Any, expected: str) -> tuple[str, ...]:
    if not hasattr(found, "_fields"):
        raise ModelError(f"{function}() returns {type(found).__name__}; expected {expected}")
    for name, value in zip(found._fields, found, strict=True):
        if not isinstance(value, int | float):
            raise ModelError(f"{function}() gives {name}={value!r}; expected a number")
    return found._fields
