"""Plans over years on one page: the choice first, chances drawn year by year, every plan in one table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dosetwin.drawing import BLUE, GREEN, GREY, ORANGE, SKY, VERMILLION, canvas, svg
from dosetwin.report.figures import Shown
from dosetwin.report.page import environment, safe_figure
from dosetwin.studies.ten_years.steps import said

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, SKY, GREY)


def figure(told: Mapping[str, Any]) -> Shown:
    """HbA1c with its 90 % band for the chosen plan, then chances by year of three events and of death, a line a plan."""
    n = told["years"]
    year = np.arange(1, n + 1)
    with canvas(9.6, 5.6, 2, ncols=2) as (fig, axes):
        first = axes[0][0]
        for k, p in enumerate(told["plans"]):
            low, middle, high = p["hba1c"]
            first.plot(year, middle, color=COLOURS[k % 6], lw=2.2 if p["plan"] == told["chosen"] else 1.2, label=p["plan"])
            if p["plan"] == told["chosen"]:
                first.fill_between(year, low, high, color=COLOURS[k % 6], alpha=0.18, lw=0)
        first.set_title("HbA1c, %")
        first.legend(fontsize=8)
        for axis, event in zip((axes[0][1], axes[1][0], axes[1][1]), ("infarction", "heart_failure", "dead"), strict=True):
            for k, p in enumerate(told["plans"]):
                course = p["dead"] if event == "dead" else p["events"][event]
                axis.plot(year, 100 * np.asarray(course), color=COLOURS[k % 6], lw=2.2 if p["plan"] == told["chosen"] else 1.2)
            axis.set_title(f"{told['words'].get(event, 'death')} by year, %")
            axis.set_ylim(bottom=0)
            axis.set_xlabel("years from today")
        return Shown(svg(fig, "years", f"HbA1c and chances of events over {n} years under {len(told['plans'])} plans"), "",
                     ("year", *(p["plan"] for p in told["plans"])),
                     tuple((str(y), *(f"{100 * p['dead'][y - 1]:.1f}" for p in told["plans"])) for y in year))  # fmt: skip


def page(told: Mapping[str, Any]) -> str:
    """The page as HTML that stands alone."""
    chosen = next(p for p in told["plans"] if p["plan"] == told["chosen"])
    return environment().get_template("years.html.j2").render(
        told=told, chosen=chosen, figure=safe_figure(figure(told)), at_once=[said(s) for s in chosen["at_once"]],
        then=[said(s) for s in chosen["then"]],
    )  # fmt: skip
