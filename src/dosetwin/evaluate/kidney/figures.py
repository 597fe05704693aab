"""The figures of the kidneys' evaluation: errors by forecaster, coverage, troughs by group."""

from collections.abc import Mapping, Sequence
from typing import Any

from dosetwin.drawing import BLUE, GREEN, GREY, INK, ORANGE, SKY, VERMILLION, canvas, svg

Found = Mapping[str, Any]
SHOWN = (
    "learned", "shipped", "networks-alone", "filter-wide", "filter-van-donge", "filter",
    "carried+curve", "carried", "gaussian-process", "van-donge-map", "steady-wu",
    "oracle-today", "oracle-future",
)  # fmt: skip
"""Order of the tables; others follow."""
COLOURS = {
    "learned": VERMILLION, "shipped": VERMILLION, "networks-alone": INK, "filter-wide": INK, "filter-van-donge": INK,
    "filter": BLUE, "carried+curve": SKY, "carried": GREY,
    "gaussian-process": GREEN, "van-donge-map": ORANGE,
}  # fmt: skip


PARTS = ("shipped", "networks-alone", "filter-wide", "filter-van-donge")
"""Left out of the figure of coverage: the intervals of the learner's parts mean nothing by themselves."""


def order(names: Sequence[str]) -> list[str]:
    """Names as the tables show them."""
    return [n for n in SHOWN if n in names] + [n for n in names if n not in SHOWN]


def at(found: Found, metric: str) -> int:
    """Column of a metric."""
    return list(found["metrics"]).index(metric)


def figures(found: Found) -> dict[str, str]:
    """File name -> SVG: errors by forecaster, coverage, and troughs by condition."""
    return {
        "kidney_rmse.svg": _figure_rmse(found),
        "kidney_coverage.svg": _figure_coverage(found),
        "kidney_trough.svg": _figure_trough(found),
    }


def _figure_rmse(found: Found) -> str:
    truths = list(found["primary"])
    with canvas(max(9.0, 2.6 * len(truths)), 3.8, 1, ncols=len(truths), squeeze=False, sharey=True) as (figure, axes):
        # one order for all: some truths have no oracles
        met = dict.fromkeys(n for truth in truths for n in found["primary"][truth]["latent"])
        names = [n for n in reversed(order(list(met))) if n not in ("steady-wu", "oracle-future")]
        for axis, truth in zip(axes[0], truths, strict=True):
            tables = found["primary"][truth]["latent"]
            for y, name in enumerate(names):
                for h, cell in enumerate(tables.get(name, ())):
                    low, high = cell["patients"]
                    colour = COLOURS.get(name, GREY)
                    axis.plot([low, high], [y - 0.2 * (h - 1)] * 2, color=colour, lw=1.4)
                    axis.plot(cell["rmse"], y - 0.2 * (h - 1), "os^"[h], color=colour, ms=4.5)
            axis.set_yticks(range(len(names)), names)
            axis.set_xlim(left=0.0)
            axis.set_title(f"truth {truth}", fontsize=9.5)
            axis.set_xlabel("RMSE, mg/dL")
        text = "Error of the forecast creatinine at +1 (circle), +2 (square) and +3 days (triangle), by truth and forecaster"
        return svg(figure, "kidney-rmse", text)


def _figure_coverage(found: Found) -> str:
    truths, column = list(found["truths"]), at(found, "cover90")
    with canvas(9.0, 3.0, 1, ncols=len(truths), squeeze=False, sharey=True) as (figure, axes):
        for axis, truth in zip(axes[0], truths, strict=True):
            part = found["truths"][truth]["measured"]["next"]
            for name in (n for n in order(list(part)) if n in COLOURS and n not in PARTS):
                y = [cells[column] for cells in part[name]["all"]]
                axis.plot(found["hours"], y, "o-", color=COLOURS[name], lw=1.3, ms=4, label=name)
            axis.axhline(90.0, color=GREY, lw=0.9, ls="--")
            axis.set_xticks(found["hours"])
            axis.set_title(f"truth {truth}", fontsize=9.5)
            axis.set_xlabel("h ahead")
        axes[0][0].set_ylabel("% of measured values inside")
        axes[0][0].legend(fontsize=7.5, loc="lower left")
        return svg(
            figure, "kidney-coverage", "Coverage of measured creatinine by the 90 % interval, by truth, forecaster and horizon"
        )


def _figure_trough(found: Found) -> str:
    truths = list(found["troughs"])
    # one list for all panels, which share their axis: not every truth has every group
    groups = list(reversed(list(dict.fromkeys(g for t in truths for g in found["troughs"][t]))))
    with canvas(9.0, 3.2, 1, ncols=len(truths), squeeze=False, sharey=True) as (figure, axes):
        for axis, truth in zip(axes[0], truths, strict=True):
            for y, group in enumerate(groups):
                cells = found["troughs"][truth].get(group, {"babies": 0})
                if cells["babies"] < 20:
                    continue
                for name, mark in (("maturation", "x"), ("filter", "s"), ("learned", "o")):
                    if name in cells:
                        text = {"maturation": "maturation alone"}.get(name, name) if group == "all" else None
                        axis.plot(cells[name]["rmse"], y, mark, color=COLOURS.get(name, GREY), ms=5.5, label=text)
            axis.set_yticks(range(len(groups)), groups)
            axis.set_xlim(left=0.0)
            axis.set_title(f"truth {truth}", fontsize=9.5)
            axis.set_xlabel("RMSE of the trough, mg/L")
        axes[0][0].legend(fontsize=7.5, loc="lower left")
        return svg(figure, "kidney-trough", "Error of the predicted amikacin trough by group and truth")
