"""Pages of ``dosetwin validate``: one file or folder compares one part of the program with what others found."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import Protocol

from dosetwin.errors import UnknownName
from dosetwin.evaluate.check import Check


class Page(Protocol):
    """What a page's module holds: ``PAGE`` its name, cohort sizes ``N`` and ``N_QUICK``, ``SEED``, and two functions."""

    PAGE: str
    N: int
    N_QUICK: int
    SEED: int

    def run(self, *, n: int, seed: int, progress: Callable[[int, int], None] | None = None) -> list[Check]:
        """Every check with ``n`` virtual patients (runs, moments) each; the same ``n`` and ``seed`` give the same checks."""
        ...

    def markdown(self, checks: Sequence[Check], *, n: int, seed: int) -> str:
        """The page as Markdown; ``n`` and ``seed`` as given to ``run``."""
        ...


def names() -> tuple[str, ...]:
    """Names of the pages, in alphabetical order: a file or folder here is a listed page."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__)))


def load(name: str) -> Page:
    """A page by name. Raises UnknownName."""
    if name not in names():
        raise UnknownName("unknown page", where="validate", value=name, allowed=", ".join(names()))
    return importlib.import_module(f"{__name__}.{name}")  # type: ignore[return-value]
