"""Past patients as one self-contained HTML page: forecast errors, policies beside what was given, and the caveats first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dosetwin import __version__
from dosetwin.drawing import BLUE, GREY, INK, canvas, svg
from dosetwin.errors import Finding
from dosetwin.report import narrative
from dosetwin.report.card import card
from dosetwin.report.figures import Shown
from dosetwin.report.page import environment, safe_figure
from dosetwin.report.trial_figures import interval, number

if TYPE_CHECKING:
    from dosetwin.declare import Model


def gaps(body: Mapping[str, Any]) -> Shown | None:
    """The paired difference in the joint target of every policy to what was given."""
    found = {k: v["p_joint_difference"] for k, v in body["compared"].items() if "p_joint_difference" in v}
    found = {k: e for k, e in found.items() if e["n"] > 1}
    if not found:
        return None
    with canvas(7.4, 0.9 + 0.34 * len(found)) as (figure, axis):
        axis.axvline(0.0, color=INK, lw=0.8)
        for row, (name, e) in enumerate(found.items()):
            reach = [[e["mean"] - e["low"]], [e["high"] - e["mean"]]]
            axis.errorbar(e["mean"], row, xerr=reach, fmt="o", color=BLUE if name == "twin" else GREY, ms=6)
        axis.set_yticks(range(len(found)), list(found))
        axis.invert_yaxis()
        axis.set_xlabel("P(all targets of a dose): policy minus what was given, predicted")
        alt = f"Predicted difference in the joint target for {len(found)} policies; see the table."
        drawn = svg(figure, "p1", alt)
    return Shown(drawn, alt, ("policy", "difference (95 %)"), tuple((k, interval(e, sign=True)) for k, e in found.items()))


def retro_page(body: Mapping[str, Any], model: "Model", findings: Sequence[Finding]) -> str:
    """The HTML page of ``commands.retro``'s JSON body."""
    titles = {**body["judged"], "auc24": "AUC24, mg h/L"}
    names = [k for k in titles if any(k in c for c in body["compared"].values())]
    rows = [
        {
            "policy": name, "doses": c["doses"], "patients": c["patients"], "silent": c["silent"],
            "cells": [interval(c[k]) if k in c else "" for k in names],
            "gaps": [interval(c[f"{k}_difference"], sign=True) if f"{k}_difference" in c else "" for k in names],
            "dose": interval(c["mg_ratio"]), "wait": interval(c["interval_difference_h"], sign=True),
        }
        for name, c in body["compared"].items()
    ]  # fmt: skip
    return environment().get_template("retro.html.j2").render(
        body=body, rows=rows, names=[titles[k] for k in names], figure=safe_figure(gaps(body)), cards=[card(model)],
        weights=(1.0,), findings=[{"severity": f.severity, "code": f.code, "text": narrative.remark(f)} for f in findings],
        number=number, version=__version__, not_a_device=narrative.NOT_A_DEVICE,
    )  # fmt: skip
