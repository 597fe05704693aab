"""Decisions whose twin is a formula, a file each with ``DECISION`` or ``DECISIONS``: tumours, QT, plans over years."""

import importlib
import pkgutil
from functools import cache

from dosetwin.declare.formula import Decision
from dosetwin.errors import UnknownName


@cache
def decisions() -> dict[str, Decision]:
    """Every one by the name of its therapy."""
    files = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in files]
    return {d.name: d for m in modules for d in getattr(m, "DECISIONS", None) or (m.DECISION,)}


def decision(name: str) -> Decision:
    """One by name. Raises UnknownName."""
    if name not in decisions():
        raise UnknownName("no such decision", where="therapy", value=name[:60], allowed=", ".join(decisions()))
    return decisions()[name]
