"""Parameters and a schedule in, trajectories out; knows no drug. Nothing here imports numba until a kernel is needed."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosetwin.simulate.engine import Prediction, Trajectory, in_parts, parameters, predict, predict_courses, simulate
    from dosetwin.simulate.schedule import RULES, Rule, Schedule, schedule_for, schedule_many, uniform

_ENGINE = {"Prediction", "Trajectory", "in_parts", "parameters", "predict", "predict_courses", "simulate"}
_SCHEDULE = {"RULES", "Rule", "Schedule", "schedule_for", "schedule_many", "uniform"}
__all__ = [
    "RULES", "Prediction", "Rule", "Schedule", "Trajectory", "in_parts", "parameters", "predict", "predict_courses",
    "schedule_for", "schedule_many", "simulate", "uniform",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # lazily, so that the command line's --help does not wait for the compiler to load
    import importlib

    if name in _ENGINE:
        return getattr(importlib.import_module("dosetwin.simulate.engine"), name)
    if name in _SCHEDULE:
        return getattr(importlib.import_module("dosetwin.simulate.schedule"), name)
    raise AttributeError(name)
