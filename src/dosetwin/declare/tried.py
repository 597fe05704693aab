"""A model's functions called once in plain Python, in the middle of what was studied, before anything compiles."""

import math
from typing import Any

from dosetwin.declare.model import Model
from dosetwin.errors import ModelError


def typical_covariates(model: Model) -> Any:
    """A covariate vector inside the studied range."""
    middle = []
    for c in model.covs.values():
        if c.flag:
            middle.append(0.0)
        elif c.population is not None:
            middle.append(c.population)
        else:
            low = c.low if math.isfinite(c.low) else 1.0
            high = c.high if math.isfinite(c.high) else low + 1.0
            middle.append(0.5 * (low + high))
    return model.cov(*middle)


def parameters(model: Model) -> Any:
    """What ``individual`` gives in the middle of what was studied."""
    return model.individual(model.theta(), model.eta(*([0.0] * len(model.etas))), typical_covariates(model))


def tried(model: Model) -> None:
    """Raise ModelError for functions that do not give what the engine reads, or whatever error they raise themselves."""
    cov, p = typical_covariates(model), parameters(model)
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


def _fields(function: str, found: Any, expected: str) -> tuple[str, ...]:
    if not hasattr(found, "_fields"):
        raise ModelError(f"{function}() returns {type(found).__name__}; expected {expected}")
    for name, value in zip(found._fields, found, strict=True):
        if not isinstance(value, int | float):
            raise ModelError(f"{function}() gives {name}={value!r}; expected a number")
    return found._fields
