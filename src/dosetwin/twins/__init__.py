"""Twins: a living copy of one thing, whatever its kind; told facts, it plays orders and is read. One folder here = one kind."""

import pkgutil

from dosetwin.twins.kind import Readable, Twin
from dosetwin.twins.trajectory import Track, Trajectory

__all__ = ["Readable", "Track", "Trajectory", "Twin", "kinds"]


def kinds() -> tuple[str, ...]:
    """Names of the kinds, in alphabetical order: a folder in this one is a listed kind, and is run through the suite of kinds."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.ispkg))
