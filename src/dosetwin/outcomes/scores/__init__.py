"""Published scores: risk of heart and kidney, joints, surgery, tumours, gas in blood. One file per score is the list."""

import importlib
import pkgutil
from functools import cache

from dosetwin.errors import UnknownName
from dosetwin.outcomes.scores.score import Column, Score

__all__ = ["Column", "Score", "load", "names"]


@cache
def _listed() -> dict[str, Score]:
    modules = (
        importlib.import_module(f"{__name__}.{m.name}")
        for m in pkgutil.iter_modules(__path__)
        if m.name not in ("score", "ahead")
    )
    return {s.name: s for module in modules for s in module.SCORES}


def names() -> tuple[str, ...]:
    """Names of the scores, in alphabetical order."""
    return tuple(sorted(_listed()))


def load(name: str) -> Score:
    """A score by name. Raises UnknownName with the names there are."""
    if name not in _listed():
        raise UnknownName("unknown score", where="score", value=name, allowed=", ".join(names()))
    return _listed()[name]
