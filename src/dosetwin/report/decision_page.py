"""A decision on one page: the order and the guideline's beside it, what is expected of each, what the readings told."""

from collections.abc import Mapping, Sequence
from typing import Any

from dosetwin import __version__
from dosetwin.declare import Goal
from dosetwin.declare.formula import Read
from dosetwin.drawing import BLUE, GREY, INK, VERMILLION, canvas, svg
from dosetwin.errors import Reason, number, percent
from dosetwin.report import narrative
from dosetwin.report.figures import Shown
from dosetwin.report.page import environment, safe_figure

SPANS = {"h": "h", "d": "days", "y": "years"}


def figure(told: Mapping[str, Any], reads: Mapping[str, Read]) -> Shown | None:
    """What was read and what is expected under the order and under the guideline, median and 90 % band, a panel a read."""
    curves = told.get("curves") or []
    if not curves:
        return None
    names = list(curves[0]["reads"])
    with canvas(9.6, 2.6 * len(names) + 0.4, len(names), sharex=True, squeeze=False) as (drawn, axes):
        for axis, name in zip(axes[:, 0], names, strict=True):
            past = curves[0]["reads"][name]["past"]
            if past is not None:
                axis.fill_between(past[0], past[1][0], past[1][2], color=GREY, alpha=0.25, lw=0)
                axis.plot(past[0], past[1][1], color=GREY, lw=1.4)
            for curve, colour in zip(curves, (BLUE, VERMILLION), strict=False):
                r = curve["reads"][name]
                axis.fill_between(r["time"], r["quantiles"][0], r["quantiles"][2], color=colour, alpha=0.15, lw=0)
                axis.plot(r["time"], r["quantiles"][1], color=colour, lw=1.7, label=curve["order"])
            at = [(t, v) for t, what, v in told["measured"] if what == name]
            if at:
                axis.plot(*zip(*at, strict=True), "o", color=INK, ms=4, label="measured")
            axis.set_ylabel(f"{reads[name].unit}" if reads[name].unit != "1" else "")
            axis.set_title(reads[name].text, loc="left", fontsize=9.5)
        axes[0, 0].legend(fontsize=8)
        axes[-1, 0].set_xlabel(f"{SPANS[told['clock']]} on the record's clock")
        first = curves[0]["reads"][names[0]]
        step = max(len(first["time"]) // 12, 1)
        rows = tuple(
            (
                f"{first['time'][k]:.4g}",
                *(f"{c['reads'][n]['quantiles'][1][min(k, len(c['reads'][n]['time']) - 1)]:.4g}" for n in names for c in curves),
            )
            for k in range(0, len(first["time"]), step)
        )
        alt = f"{' and '.join(reads[n].text for n in names)}: {' against '.join(c['order'] for c in curves)}"
        return Shown(
            svg(drawn, "decision", alt), alt, (SPANS[told["clock"]], *(f"{n}, {c['order']}" for n in names for c in curves)), rows
        )


def decision_page(told: Mapping[str, Any], targets: Sequence[Goal], figures: Sequence[Shown] | None = None) -> str:
    """The page as HTML that stands alone; ``targets`` the therapy's goals, ``figures`` instead of a formula's curves."""
    goals = told["goals"]
    rows = []
    for r in told["rows"][:10]:
        cells = []
        for g in goals:
            of = r["goals"][g["code"]]
            spread = f"{number(of['q50'])} ({number(of['q05'])} to {number(of['q95'])})"
            cells.append(spread if of["p"] is None else f"{percent(of['p'])}; {spread}")
        rows.append(
            {
                "order": r["order"],
                "rules": ", ".join(r["rules"]),
                "cells": cells,
                "fine": r["acceptable"],
                "chosen": r["order"] == told["order"],
            }
        )
    if figures is None:
        from dosetwin.studies.decisions import decision

        one = figure(told, {r.name: r for r in decision(told["therapy"]).formula.reads})
        figures = [] if one is None else [one]
    fields = ("code", "value", "limit", "unit", "text", "source")
    said = [narrative.sentence(Reason(*(r.get(k) for k in fields)), targets) for r in (*told["reasons"], *told["silent"])]
    against = [
        {**d, "said": f"{_signed(d['q50'])} ({_signed(d['q05'])} to {_signed(d['q95'])})"} for d in told["against_guideline"]
    ]
    believed = [{**b, "told_said": _span(b["told"]), "before_said": _span(b["before"])} for b in told["believed"]]
    return (
        environment()
        .get_template("decision.html.j2")
        .render(
            told=told,
            rows=rows,
            goals=goals,
            figures=[{**(safe_figure(f) or {}), "alt": f.alt} for f in figures],
            said=said,
            against=against,
            believed=believed,
            version=__version__,
            not_a_device=narrative.NOT_A_DEVICE,
            findings=[_remark(f) for f in told["findings"]],
        )
    )


def _span(q: Sequence[float]) -> str:
    return f"{number(q[1])} ({number(q[0])} to {number(q[2])})"


def _signed(x: float) -> str:
    """Three digits, and no power of ten."""
    return f"{x:+.3g}" if abs(x) < 1000.0 else f"{x:+.0f}"


def _remark(f: Mapping[str, Any]) -> str:
    """A remark with the value it is of, where it has one, and what to do."""
    value = "" if f["value"] is None else f" ({f['value']})"
    return f"{f['record']}: {f['message']}{value}" + (f". {f['remedy'][:1].upper()}{f['remedy'][1:]}" if f["remedy"] else "")
