"""A letter as one page of PDF: who, the order, how sure and why, the curve, a line to sign and the moment."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from dosetwin import drawing, words

A4 = (8.27, 11.69)
"""Inches."""
WIDE = 108
"""Characters of a line of small print."""
LOWEST = 0.13
"""Share of the page's height above the line to sign, below which no more reasons are written."""


OWN = {
    "name": "Name and signature", "date": "Date and time", "title": "Dosing advice",
    "curve": "(grey: before levels; blue: updated; dotted: now)",
}  # fmt: skip
"""The words of the letter itself."""


def letter_words() -> dict[str, str]:
    """The letter's own words in the language in force; a letter may be drawn in another process."""
    return {key: words.say(text) for key, text in OWN.items()}


def pdf(
    who: Sequence[str], lines: Sequence[tuple[str, str]], chart: Any, foot: Sequence[str], own: Mapping[str, str] | None = None
) -> bytes:
    """One page of A4, the same for the same input. ``who``: lines about the patient; ``foot``: what stands at the bottom.

    ``own``: the letter's own words (``letter_words``), English by default. ``chart``: a curve with ``time``, ``bands``,
    ``lines``, ``points`` and ``zone`` as a page draws it, or None.
    """
    own = OWN if own is None else own
    with drawing.paper(*A4) as figure:
        y = 0.955
        for k, text in enumerate(who):
            y = _write(figure, y, text, 12 if k == 0 else 9, "bold" if k == 0 else "normal", 84 if k == 0 else 104)
        drawing.rule(figure, y, 0.07, 0.93)
        y -= 0.012
        sizes = {
            "big": (15, "bold", 62),
            "bold": (10, "bold", 82),
            "text": (9.5, "normal", 100),
            "small": (8, "normal", WIDE + 12),
        }
        for style, text in lines:
            if y < LOWEST:  # reasons come last: what does not fit stands on the page
                break
            y = _write(figure, y, text, *sizes[style])
        if chart is not None and y > 0.36:
            _draw(figure, chart, max(y - 0.24, 0.14), y, own["curve"])
        drawing.rule(figure, 0.085, 0.07, 0.45)
        drawing.rule(figure, 0.085, 0.55, 0.93)
        for x, text in ((0.07, own["name"]), (0.55, own["date"])):
            figure.text(x, 0.07, text, fontsize=8)
        for k, text in enumerate(foot):
            figure.text(0.07, 0.05 - 0.012 * k, textwrap.shorten(text, WIDE + 20), fontsize=6.5, color="#444444")
        return drawing.pdf(figure, own["title"])


def _write(figure: Any, y: float, text: str, size: float, weight: str, wide: int) -> float:
    """Text from ``y`` (share of the page) down; returns where the next begins."""
    for line in textwrap.wrap(text, wide) or [""]:
        figure.text(0.07, y, line, fontsize=size, fontweight=weight, va="top")
        y -= size * 1.32 / 72.0 / A4[1]
    return y - 0.004


def _draw(figure: Any, chart: Any, bottom: float, top: float, curve: str) -> None:
    """The curve with its bands, small."""
    ax = figure.add_axes((0.1, bottom + 0.03, 0.83, top - bottom - 0.05))
    for band in chart.bands:
        colour = "#999999" if band.role.startswith("prior") else "#0072b2"
        ax.fill_between(chart.time, band.low, band.high, color=colour, alpha=0.25, linewidth=0)
    for line in chart.lines:
        ax.plot(chart.time, line.value, color="#777777" if line.role.startswith("prior") else "#0072b2", linewidth=1.0)
    ax.plot([p.time for p in chart.points], [p.value for p in chart.points], "o", color="#e69f00", markersize=3)
    ax.axvline(chart.now, color="black", linewidth=0.6, linestyle=":")
    ax.set_xlim(chart.start, chart.end)
    ax.set_ylim(0.0, chart.top)
    at = [chart.start + k * (chart.end - chart.start) / 5 for k in range(1, 5)]
    ax.set_xticks(at, [chart.zone.clock(chart.origin, h) for h in at])
    ax.tick_params(labelsize=7)
    ax.set_title(f"{chart.title}, {chart.unit} {curve}", fontsize=7.5, loc="left")
