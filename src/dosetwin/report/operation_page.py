"""A planned operation on one page: depth, pressure and targets step by step, waking, blood and scores; plans side by side."""

from collections.abc import Sequence
from typing import Any

from dosetwin import __version__
from dosetwin.drawing import BLUE, GREY, INK, VERMILLION, canvas, svg
from dosetwin.outcomes.operation import SCOPE, TARGETS, Course
from dosetwin.report import narrative
from dosetwin.report.figures import Shown
from dosetwin.report.page import environment, safe_figure


def figure(course: Course) -> Shown:
    """Depth and pressure over the plan, median and 90 % band, with each step named above them."""
    with canvas(9.6, 5.0, 2, sharex=True) as (drawn, axes):
        for axis, values, label, colour, borders in (
            (axes[0], course.depth, "BIS", BLUE, (40.0, 60.0)),
            (axes[1], course.pressure, "mean pressure, mmHg", VERMILLION, (65.0,)),
        ):  # fmt: skip
            axis.fill_between(course.time, values[0], values[2], color=colour, alpha=0.18, lw=0, label="90 % of such patients")
            axis.plot(course.time, values[1], color=colour, lw=1.7, label="median")
            for border in borders:
                axis.axhline(border, color=GREY, lw=0.9, ls=":")
            axis.set_ylabel(label)
            axis.legend(fontsize=8, loc="lower right")
        at, raised, last = 0.0, False, -1e9
        for p in course.plan.parts:
            raised = not raised and at - last < 0.17 * course.plan.minutes  # a short step's words would lie in the next one's
            last = at
            for axis in axes:
                axis.axvline(at, color=GREY, lw=0.7)
            axes[0].annotate(f"{p.name}\n{p.targets}", (at, 1.0), (2, 27 if raised else 2), xycoords=("data", "axes fraction"),
                             textcoords="offset points", fontsize=8, va="bottom", color=INK)  # fmt: skip
            at += p.minutes
        axes[1].set_xlabel(f"min; above each step its targets, {TARGETS}")
        alt = f"Depth and mean pressure over {len(course.plan.parts)} steps of {course.plan.name}"
        step = max(len(course.time) // 12, 1)
        every = zip(course.time[::step], course.depth[1][::step], course.pressure[1][::step], strict=True)
        numbers = tuple((f"{t:.0f}", f"{d:.0f}", f"{m:.0f}") for t, d, m in every)
        return Shown(svg(drawn, "operation", alt), alt, ("min", "BIS", "pressure, mmHg"), numbers)


def operation_page(courses: Sequence[Course]) -> str:
    """The page of a plan and, where there are, of its variations beside it."""
    names = [c.plan.name for c in courses]
    said: list[dict[str, Any]] = [
        {"what": what, "cells": [dict(c.rows()).get(what, "") for c in courses]} for what, _ in courses[0].rows()
    ]
    return environment().get_template("operation.html.j2").render(
        names=names, said=said, figures=[(c.plan.name, safe_figure(figure(c)), c.remarks) for c in courses],
        scope=SCOPE, version=__version__, not_a_device=narrative.NOT_A_DEVICE,
    )  # fmt: skip
