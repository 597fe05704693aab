"""The figures of a trial: arms on two endpoints at once, paired differences with intervals, and the same by subgroup."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dosetwin.drawing import BLUE, GREEN, GREY, INK, ORANGE, SKY, VERMILLION, canvas, svg
from dosetwin.report.figures import Shown
from dosetwin.studies import told
from dosetwin.trial.study import Endpoint

MARKS = "os^DvPX*<>hp"
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, SKY, GREY)


def number(x: float | None, digits: int = 3) -> str:
    """A value for a table: three decimals below 10, else one."""
    if x is None or not np.isfinite(x):
        return "-"
    return f"{x:.{digits}f}" if abs(x) < 10 else f"{x:.1f}"


def interval(e: Mapping[str, Any], *, sign: bool = False) -> str:
    """``mean (low to high)``."""
    plus = "+" if sign and e["mean"] is not None and np.isfinite(e["mean"]) and e["mean"] > 0 else ""
    return f"{plus}{number(e['mean'])} ({number(e['low'])} to {number(e['high'])})"


def pareto(body: Mapping[str, Any]) -> Shown:
    """Every arm on the two declared endpoints, with intervals; those no other beats on both are joined."""
    x, y = body["pareto"]["x"], body["pareto"]["y"]
    arms, known = body["arms"], told(body).endpoints
    with canvas(7.4, 4.6) as (figure, axis):
        points = []
        for j, (name, found) in enumerate(arms.items()):
            a, b = found[x], found[y]
            if a["mean"] is None or b["mean"] is None:
                continue
            colour = COLOURS[j % len(COLOURS)]
            axis.errorbar(
                a["mean"], b["mean"], xerr=_reach(a), yerr=_reach(b), fmt=MARKS[j % len(MARKS)], color=colour, ms=7, lw=1.1,
                label=name,
            )  # fmt: skip
            if name in body["pareto"]["front"]:
                points.append((a["mean"], b["mean"]))
        if len(points) > 1:
            points.sort()
            axis.plot(*zip(*points, strict=True), color=INK, lw=0.9, ls=":", zorder=0)
        axis.set(xlabel=_label(known[x]), ylabel=_label(known[y]))
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        alt = f"{len(arms)} arms by {known[x].text} and {known[y].text}, with 95 % intervals; see the table."
        drawn = svg(figure, "t1", alt)
    rows = tuple(
        (name, interval(f[x]), interval(f[y]), "on the front" if name in body["pareto"]["front"] else "beaten on both")
        for name, f in arms.items()
    )
    return Shown(drawn, alt, ("arm", _label(known[x]), _label(known[y]), "front"), rows)


def _label(e: Endpoint) -> str:
    return f"{e.text}{', ' + e.unit if e.unit else ''}"


def _reach(e: Mapping[str, Any]) -> list[list[float]] | None:
    if e["low"] is None or not np.isfinite(e["low"]):
        return None
    return [[e["mean"] - e["low"]], [e["high"] - e["mean"]]]


def differences(body: Mapping[str, Any], against: str) -> Shown | None:
    """Each arm minus the reference on the main endpoints, paired on the same patients."""
    of = told(body)
    known = of.endpoints
    shown = [e for e in of.shown if all(e in d for d in body["differences"].values())]
    others = list(body["differences"])
    if not shown or not others:
        return None
    height = 1.1 + 0.28 * len(others)
    with canvas(9.2, height, 1, ncols=len(shown), sharey=True, squeeze=False) as (figure, axes):
        for axis, name in zip(axes[0], shown, strict=True):
            axis.axvline(0.0, color=INK, lw=0.8)
            for row, arm in enumerate(others):
                e = body["differences"][arm][name]
                if e["mean"] is None or not np.isfinite(e["mean"]):
                    continue
                good = _good(known[name], e)
                colour = GREEN if good > 0 else VERMILLION if good < 0 else GREY
                axis.errorbar(e["mean"], row, xerr=_reach(e), fmt="o", color=colour, ms=4, lw=1.3)
            axis.set_title(name, fontsize=9)
            axis.set_yticks(range(len(others)), others)
            axis.tick_params(labelsize=8)
            axis.locator_params(axis="x", nbins=3)
        axes[0][0].invert_yaxis()
        alt = f"Paired differences of {len(others)} arms to {against} on {len(shown)} endpoints; see the table."
        drawn = svg(figure, "t2", alt)
    rows = tuple((arm, *(interval(body["differences"][arm][e], sign=True) for e in shown)) for arm in others)
    return Shown(drawn, alt, ("arm", *shown), rows)


def _good(what: Endpoint, e: Mapping[str, Any]) -> int:
    """1 when the interval says better than the reference, -1 worse, 0 neither."""
    if e["low"] <= 0.0 <= e["high"] or what.better == "neither":
        return 0
    return 1 if (e["mean"] > 0) == (what.better == "high") else -1


def by_group(body: Mapping[str, Any], endpoint: str, against: str) -> Shown | None:
    """One endpoint's paired difference in every subgroup that is large enough, for every arm."""
    groups: list[tuple[str, Mapping[str, Any]]] = [(n, g) for n, g in body["subgroups"].items() if "differences" in g]
    others: Sequence[str] = list(body["differences"])
    if not groups or not others or endpoint not in next(iter(groups[0][1]["differences"].values())):
        return None
    with canvas(8.6, 0.9 + 0.42 * len(groups)) as (figure, axis):
        axis.axvline(0.0, color=INK, lw=0.8)
        for j, arm in enumerate(others):
            for row, (_, g) in enumerate(groups):
                e = g["differences"][arm][endpoint]
                if e["mean"] is None or not np.isfinite(e["mean"]):
                    continue
                y = row + 0.7 * ((j + 0.5) / len(others) - 0.5)
                axis.errorbar(
                    e["mean"], y, xerr=_reach(e), fmt=MARKS[j % len(MARKS)], color=COLOURS[j % len(COLOURS)], ms=3.5, lw=0.9,
                    label=arm if row == 0 else None,
                )  # fmt: skip
        axis.set_yticks(range(len(groups)), [f"{n} (n {g['n']})" for n, g in groups])
        axis.invert_yaxis()
        axis.set_xlabel(f"{told(body).endpoints[endpoint].text}: difference to {against}")
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        alt = f"Difference to {against} in {endpoint} by subgroup, {len(others)} arms; see the table."
        drawn = svg(figure, f"t3{endpoint}", alt)
    rows = tuple((f"{n} (n {g['n']})", *(interval(g["differences"][a][endpoint], sign=True) for a in others)) for n, g in groups)
    return Shown(drawn, alt, ("subgroup", *others), rows)
