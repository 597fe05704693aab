"""What an order sets, put into a record: settings are covariates that hold from their time on."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.records import Covariate, Timeline

if TYPE_CHECKING:
    from dosetwin.simulate.schedule import Rule


def with_settings(known: Timeline, settings: Sequence[Covariate], model: Model, rule: "Rule") -> Timeline:
    """What is known, and then the settings of an order in place of what stood there.

    Raises InputError for what the model has no covariate for, and where ``rule`` would read a setting before its own time.
    """
    for found in settings:
        if found.name not in model.covs:
            raise InputError("the model has nothing to set of this name", where=f"order, model {model.name}",
                             value=found.name, allowed=", ".join(model.covs))  # fmt: skip
        if rule != "locf" or model.covs[found.name].missing == "interpolate":
            raise InputError("a setting holds from its time on, and this rule reads it before that too",
                             where=f"order, {found.name}", value=rule, allowed="locf")  # fmt: skip
    return replaced(known, settings)


def replaced(known: Timeline, settings: Sequence[Covariate]) -> Timeline:
    """What is known, where each setting stands in place of what was recorded of it at its first moment and later."""
    if not settings:
        return known
    since: dict[str, float] = {}
    for s in settings:
        since[s.name] = min(s.time, since.get(s.name, s.time))
    kept = tuple(c for c in known.covariates if c.time < since.get(c.name, inf) - 1e-9)
    return replace(known, covariates=(*kept, *settings))
