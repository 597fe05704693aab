"""A replay as one self-contained HTML page: errors before and after, and every forecast drawn against what was measured."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dosetwin import __version__
from dosetwin.drawing import BLUE, GREY, INK, canvas, svg
from dosetwin.errors import Finding
from dosetwin.report import narrative
from dosetwin.report.card import card
from dosetwin.report.figures import Shown
from dosetwin.report.page import environment, safe_figure

if TYPE_CHECKING:
    from dosetwin.declare import Model
    from dosetwin.evaluate.replay import Replay


def scatter(found: "Replay") -> Shown | None:
    """Forecast against measured, before and after the patient's own levels; headline levels only."""
    points = [f for f in found.forecasts if f.earlier > 0 and not f.blq]
    if not points:
        return None
    observed = np.array([f.observed for f in points])
    top = 1.08 * max(float(observed.max()), *(max(f.prior, f.updated) for f in points))
    with canvas(7.4, 4.4, 1, ncols=2, sharey=True) as (figure, axes):
        sides = (
            ("a priori: typical patient", [f.prior for f in points], GREY),
            ("a posteriori: the twin", [f.updated for f in points], BLUE),
        )
        for axis, (title, predicted, colour) in zip(axes, sides, strict=True):
            line = np.array([0.0, top])
            axis.fill_between(line, 0.7 * line, 1.3 * line, color=GREY, alpha=0.15, lw=0, label="within 30 %")
            axis.plot(line, line, color=INK, lw=0.9)
            axis.plot(observed, predicted, "o", ms=4, mfc=colour, mec="none", alpha=0.75)
            axis.set(xlim=(0, top), ylim=(0, top), title=title, xlabel=f"measured, {found.unit}")
            axis.set_aspect("equal")
        axes[0].set_ylabel(f"forecast, {found.unit}")
        axes[0].legend(loc="upper left", fontsize=8)
        alt = (
            f"Forecast against measured {found.measures}, {len(points)} levels: a priori left, a posteriori right; see the table."
        )
        drawn = svg(figure, "r1", alt)
    head = ("patient", "level", "time, h", f"measured, {found.unit}", "a priori", "a posteriori", "place in the forecast, %")
    rows = tuple(
        (f.subject, str(f.number), f"{f.time:g}", f"{f.observed:g}", narrative.number(f.prior), narrative.number(f.updated),
         f"{100 * f.updated_pit:.0f}")
        for f in points
    )  # fmt: skip
    return Shown(drawn, alt, head, rows)


def calibration(places: Sequence[tuple[float, float]]) -> Shown | None:
    """How often levels lay inside the forecasts' central intervals, for every width, before and after the patient's own levels.

    ``places``: pairs of where a level lay in its forecast (distribution function, 0..1), before and after; None without any.
    """
    if not places:
        return None
    widths = np.linspace(0.0, 1.0, 21)
    n = len(places)
    before, after = ([np.mean([abs(2 * p[k] - 1) <= w + 1e-12 for p in places]) for w in widths] for k in (0, 1))
    spread = 1.645 * np.sqrt(widths * (1 - widths) / n)
    with canvas(7.4, 4.2) as (figure, axis):
        axis.fill_between(100 * widths, 100 * np.clip(widths - spread, 0, 1), 100 * np.clip(widths + spread, 0, 1), color=GREY,
                          alpha=0.18, lw=0, label="chance alone, 90 %")  # fmt: skip
        axis.plot([0, 100], [0, 100], color=INK, lw=0.9)
        axis.plot(100 * widths, 100 * np.array(before), "s--", ms=3.5, color=GREY, label="a priori")
        axis.plot(100 * widths, 100 * np.array(after), "o-", ms=3.5, color=BLUE, label="a posteriori")
        axis.set(xlim=(0, 100), ylim=(0, 100), xlabel="width of the interval, %", ylabel="levels inside it, %")
        axis.legend(loc="upper left", fontsize=8)
        alt = f"Share of {n} levels inside intervals of every width, a priori and a posteriori; on the line it is exact."
        drawn = svg(figure, "r2", alt)
    rows = tuple((f"{100 * w:.0f}", f"{100 * a:.0f}", f"{100 * b:.0f}") for w, a, b in zip(widths, before, after, strict=True))
    return Shown(drawn, alt, ("width of the interval, %", "inside, a priori, %", "inside, a posteriori, %"), rows)


def replay_page(found: "Replay", model: "Model", *, source: str, data: bytes, findings: Sequence[Finding]) -> str:
    """The HTML page of one replay; ``data`` the bytes of the table, for their hash."""
    return environment().get_template("replay.html.j2").render(
        body=found.to_json(), found=found, cards=[card(model)], weights=(1.0,), source=source, version=__version__,
        hash=hashlib.sha256(data).hexdigest(), not_a_device=narrative.NOT_A_DEVICE, figure=safe_figure(scatter(found)),
        inside=safe_figure(calibration([(f.prior_pit, f.updated_pit) for f in found.forecasts if f.earlier > 0 and not f.blq])),
        findings=[{"severity": f.severity, "code": f.code, "text": narrative.remark(f)} for f in findings],
    )  # fmt: skip
