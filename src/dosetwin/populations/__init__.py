"""Virtual patients and what is true of them; only trial, evaluate, calibrate, the demo and teaching may look.

A population of virtual patients is a file or folder here that declares ``POPULATION``.
"""

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from dosetwin.errors import UnknownName

if TYPE_CHECKING:
    from dosetwin.populations.population import Population


@cache
def _listed() -> dict[str, "Population"]:
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return {p.name: p for module in found if (p := getattr(module, "POPULATION", None)) is not None}


def names() -> tuple[str, ...]:
    """Names of the populations that a trial of any therapy may draw patients from."""
    return tuple(sorted(_listed()))


def load(name: str) -> "Population":
    """A population by name. Raises UnknownName with the names there are."""
    if name not in _listed():
        raise UnknownName("unknown population", where="population", value=name, allowed=", ".join(names()),
                          remedy="or declare one in the design: [population.AGE] kind = ...")  # fmt: skip
    return _listed()[name]
