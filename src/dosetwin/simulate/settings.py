"""What an order sets, put into a record: settings are covariates that hold from their time on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.records import Covariate, Timeline

if TYPE_CHECKING:
    from dosetwin.simulate.schedule import Rule


def with_settings(known: Timeline, settings: Sequence[Covariate], model: Model, rule: "Rule") -> Timeline:
    """What is known, and then the settings of an order.

    Raises InputError for what the model has no covariate for, and where ``rule`` would read a setting before its own time.
    """
    for found in settings:
        if found.name not in model.covs:
            raise InputError("the model has nothing to set of this name", where=f"order, model {model.name}",
                             value=found.name, allowed=", ".join(model.covs))  # fmt: skip
        if rule != "locf" or model.covs[found.name].missing == "interpolate":
            raise InputError("a setting holds from its time on, and this rule reads it before that too",
                             where=f"order, {found.name}", value=rule, allowed="locf")  # fmt: skip
    return known.append(*settings) if settings else known
