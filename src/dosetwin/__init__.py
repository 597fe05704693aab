"""dosetwin: digital twins for medicine. What stands here is what users may rely on; the rest may move.

Importing the package is cheap: names and rooms load when first used (``__init__.pyi`` tells type checkers the same). A question
is asked in three lines::

    timeline = dosetwin.read_case("case.json")
    question = dosetwin.Question(therapy, (dosetwin.models.load("amikacin_neonate"),))
    print(dosetwin.advise.advise(timeline, question).recommendation.regimen)
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Advice": "advise", "Belief": "infer", "Covariate": "records", "DoseEvent": "records", "DosetwinError": "errors",
    "Every": "records", "Finding": "errors", "InputError": "errors", "Model": "declare", "ModelError": "errors",
    "Observation": "records", "Once": "records", "Patient": "records", "Question": "advise", "Reason": "errors",
    "Recommendation": "decide.recommendation", "Setting": "records", "SimulationError": "errors", "Then": "records",
    "Therapy": "declare", "Timeline": "records", "UnknownName": "errors", "UnknownUnit": "errors", "Week": "records",
    "average": "infer", "map_estimate": "infer", "parameters": "simulate", "posterior": "infer", "predict": "simulate",
    "read_case": "io.case", "read_table": "io.nonmem", "schedule_for": "simulate",
}  # fmt: skip
"""Name -> the room it lives in."""
_ROOMS = ("advise", "formulary", "infer", "models", "quantities", "records", "simulate", "twins")
"""Rooms that may be relied on as far as their own ``__all__`` goes (``models``: ``names`` and ``load``)."""

__all__ = [*_WHERE, *_ROOMS]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
