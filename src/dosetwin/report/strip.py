"""A rhythm strip of markers: what the atria and the ventricles did, and what the device saw and did, over time."""

from typing import TYPE_CHECKING

from dosetwin.drawing import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION, canvas, svg

if TYPE_CHECKING:
    from dosetwin.twins.automata import Trace

COLOURS = {"AP": VERMILLION, "VP": VERMILLION, "AS": BLUE, "VS": BLUE, "AR": GREY, "VR": GREY, "MS": GREEN, "ME": GREEN}
LINES = {"A": 1.0, "V": 0.0, "M": 0.5}


def strip(trace: "Trace", begin: float, end: float, title: str) -> str:
    """SVG of the stretch from ``begin`` to ``end`` (ms)."""
    with canvas(9.0, 2.6) as (figure, axes):
        for times, y, colour in ((trace.atria, 1.75, ORANGE), (trace.ventricles, -0.75, ORANGE)):
            inside = [t / 1000.0 for t, _ in times if begin <= t <= end]
            axes.vlines(inside, y - 0.18, y + 0.18, color=colour, linewidth=2.0)
        for t, m in trace.marks:
            if begin <= t <= end and m in COLOURS:
                y = LINES[m[0]]
                axes.vlines([t / 1000.0], y - 0.15, y + 0.15, color=COLOURS[m], linewidth=1.6)
                axes.text(t / 1000.0, y + 0.2, m, ha="center", fontsize=7, color=COLOURS[m])
        axes.set_yticks([1.75, 1.0, 0.0, -0.75], ["atria", "device, A", "device, V", "ventricles"])
        axes.set_ylim(-1.1, 2.1)
        axes.set_xlim(begin / 1000.0, end / 1000.0)
        axes.set_xlabel("s")
        axes.set_title(title, fontsize=9.5, color=INK, loc="left")
        axes.grid(axis="y", visible=False)
        return svg(figure, "strip", title)
