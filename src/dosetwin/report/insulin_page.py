"""A person's days on insulin on one page: what to change and why, the same days lived again, the bolus for their meal."""

from typing import Any

import numpy as np

from dosetwin import __version__
from dosetwin.drawing import BLUE, GREY, INK, ORANGE, VERMILLION, canvas, svg
from dosetwin.loops.insulin import words
from dosetwin.loops.insulin.belief import STEP_MIN
from dosetwin.loops.insulin.learned import Days
from dosetwin.loops.insulin.person import Answer
from dosetwin.loops.insulin.run import LOW_CHANCE, Run, Tried
from dosetwin.outcomes.glucose import Glycaemia, glycaemia
from dosetwin.report import narrative
from dosetwin.report.figures import Shown
from dosetwin.report.page import environment, safe_figure

ROWS = (("inside", "in 70-180 mg/dL"), ("below70", "below 70 mg/dL"), ("below54", "below 54 mg/dL"), ("above", "above 180 mg/dL"))


def measured(days: Days) -> Glycaemia:
    """What the monitor itself says of these days."""
    at = np.flatnonzero(np.isfinite(days.readings))
    return glycaemia(at.astype(np.float64) * STEP_MIN, np.clip(days.readings[at], 10.0, 1500.0))


def figure(answer: Answer, days: Days) -> Shown:
    """The readings, the same days lived again under the present and the recommended settings, and what was eaten and given."""
    hours = np.arange(len(days.readings)) * STEP_MIN / 60.0
    again = hours[len(hours) - answer.again.shape[2] :]
    best = answer.chosen.best
    shown = ((0, "present settings", VERMILLION), *(() if best in (None, answer.chosen.now) else ((1, "recommended", BLUE),)))
    with canvas(9.6, 5.2, 2, sharex=True, height_ratios=(3, 1)) as (drawn, axes):
        top, bottom = axes
        for row, name, colour in shown:
            low, middle, high = answer.again[row]
            top.fill_between(again, low, high, color=colour, alpha=0.15, lw=0)
            top.plot(again, middle, color=colour, lw=1.3, label=f"lived again, {name}: median and 80 %")
        top.plot(hours, days.readings, color=INK, lw=0, marker=".", ms=2.0, label="monitor")
        for border in (70.0, 180.0):
            top.axhline(border, color=GREY, lw=0.9, ls=":")
        top.set_ylabel("glucose, mg/dL")
        top.set_ylim(top=1.3 * float(np.nanmax(days.readings)))
        top.legend(fontsize=8, loc="upper right")
        eaten = np.flatnonzero(days.food > 0.0)
        bottom.vlines(hours[eaten], 0.0, days.food[eaten], color=ORANGE, lw=2.0)
        bottom.set_ylabel("carbohydrate, g")
        bottom.set_ylim(0.0, 1.25 * max(float(days.food.max()), 10.0))
        bottom.set_xlabel("h from the first line of the table")
        alt = f"Glucose of {hours[-1]:.0f} h as measured and lived again under {' and '.join(n for _, n, _ in shown)}"
        step = max(len(again) // 24, 1)
        offset = len(hours) - len(again)
        rows = tuple(
            (f"{again[k]:.1f}", _number(days.readings[k + offset]), *(f"{answer.again[r, 1, k]:.0f}" for r, _, _ in shown))
            for k in range(0, len(again), step)
        )
        return Shown(svg(drawn, "insulin", alt), alt, ("h", "monitor", *(n for _, n, _ in shown)), rows)


def _number(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "-"


def parts(answer: Answer, days: Days) -> dict[str, Any]:
    """What a page says, laid out for a template: the report's and the service's."""
    now, best = answer.chosen.now, answer.chosen.best
    said = measured(days)
    seen = {"inside": said.tir, "below70": said.below70, "below54": said.below54, "above": said.above180}
    columns = ["as measured", *([] if best is None or best is now else ["expected"])]
    rows = [
        {"what": text, "cells": [words.percent(0.01 * seen[key]), *(words.percent(getattr(x, key)) for x in _expected(answer))]}
        for key, text in ROWS
    ]
    index = {"what": "glycaemia risk index", "cells": [f"{said.gri:.0f}", *(f"{x.loss:.0f}" for x in _expected(answer))]}
    tried = [{"what": x.settings.words(), "cells": [words.percent(x.inside), words.percent(x.below70), f"{x.loss:.0f}",
                                                     words.percent(x.safe), "yes" if x.acceptable else "no"],
              "now": x is now, "best": x is best} for x in answer.chosen.tried[:10]]  # fmt: skip
    b = answer.bolus
    return {
        "status": answer.status, "order": words.order(answer.chosen), "present": now.settings.words(),
        "changes": () if best is None else words.changes(now.settings, best.settings),
        "sure": words.sure(best.safe) if best is not None and best.acceptable else "",
        "columns": columns, "rows": [*rows, index], "tried": tried,
        "reasons": [words.said(r) for r in answer.chosen.reasons], "learned": words.learned(answer.learned),
        "hours": f"{len(days.readings) * STEP_MIN / 60.0:.0f}", "readings": said.readings, "active": f"{said.active:.0f}",
        "bolus": None if b is None else {"order": words.bolus(b), "reasons": [words.said(r) for r in b.reasons]},
        "exercise": None if answer.run is None else _exercise(answer.run, 0.0 if b is None else b.dose),
        "findings": [{"severity": f.severity, "code": f.code, "text": narrative.remark(f)} for f in answer.findings],
        "version": __version__, "not_a_device": narrative.NOT_A_DEVICE,
    }  # fmt: skip


def _exercise(run: Run, bolus: float) -> dict[str, Any]:
    tried = [{"what": words.plan(t, run.session.begins, bolus), "best": t is run.best,
              "cells": [words.percent(t.below70), f"{t.end:.0f}", f"{t.least:.0f}"]} for t in _plans(run)]  # fmt: skip
    return {"order": words.run(run, bolus), "reasons": [words.said(r) for r in run.reasons], "tried": tried}


def _plans(run: Run) -> list[Tried]:
    """Nothing changed, the best, and the next ten by their cost."""
    rest = sorted((t for t in run.tried if t not in (run.usual, run.best)), key=lambda t: (t.below70 > LOW_CHANCE, t.cost))
    return [run.usual, *([] if run.best is run.usual else [run.best]), *rest[:10]]


def _expected(answer: Answer) -> tuple[Any, ...]:
    now, best = answer.chosen.now, answer.chosen.best
    return () if best is None or best is now else (best,)


def insulin_page(answer: Answer, days: Days, *, source: str) -> str:
    """The page of one person's days. ``source``: name of the file they came from."""
    return environment().get_template("insulin.html.j2").render(
        source=source, figure=safe_figure(figure(answer, days)), **parts(answer, days)
    )  # fmt: skip
