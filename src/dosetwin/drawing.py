"""A matplotlib figure as inline SVG, whose ink follows the page's colour, or as a page of PDF; the same input, the same bytes."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

# Okabe and Ito's palette: told apart with every common colour vision, and in grey.
BLUE, VERMILLION, GREEN, ORANGE, SKY, GREY = "#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9", "#7a7a7a"
INK = "#010203"
"""Drawn in this colour, an element takes the colour of the page's text (dark on light, light on dark)."""

_DRAWING = threading.RLock()
"""matplotlib's settings are global: one figure is drawn at a time, whoever asks."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"], "font.size": 9.5,
    "axes.edgecolor": GREY, "axes.labelcolor": INK, "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "text.color": INK, "axes.titlecolor": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": GREY, "grid.alpha": 0.22, "grid.linewidth": 0.6, "figure.facecolor": "none",
    "axes.facecolor": "none", "savefig.facecolor": "none", "legend.frameon": False, "legend.labelcolor": INK,
}  # fmt: skip


@contextmanager
def canvas(width: float, height: float, rows: int = 1, **grid: Any) -> Iterator[tuple[Any, Any]]:
    """Figure (inches) and axes in the house style, without pyplot's global state."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _DRAWING, matplotlib.rc_context(STYLE):  # pyright: ignore[reportArgumentType]
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure, figure.subplots(rows, **grid)


def svg(figure: Any, name: str, title: str) -> str:
    """The figure as an ``<svg>`` element with ``title`` as its text alternative; ids start with ``name``."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):  # pyright: ignore[reportArgumentType]
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    text = text.replace(INK, "currentColor")
    # one font stack for every figure: matplotlib names the fonts it measured with, which the reader may not have
    text = re.sub(r"font: ([^\"';]*?)'DejaVu Sans'[^\"';]*", r"font: \1'DejaVu Sans', Verdana, sans-serif", text)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()  # type: ignore[union-attr]
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}" {spaces}>'
    return head + text[text.index(">") + 1 :].strip()


def unstyled(drawn: str) -> str:
    """The same ``<svg>`` with its styles as attributes, for pages whose policy refuses inline styles."""

    def attributes(found: re.Match[str]) -> str:
        out = []
        for name, value in (part.split(":", 1) for part in found[1].split(";") if ":" in part):
            size = re.search(r"([\d.]+px)\s*(.*)", value) if name.strip() == "font" else None
            pairs = [("font-size", size[1]), ("font-family", size[2])] if size else [(name.strip(), value.strip())]
            out += [f'{key}="{said}"' for key, said in pairs]
        return " ".join(out)

    text = re.sub(r"<style.*?</style>", "", drawn, flags=re.DOTALL)
    return re.sub(r'\bstyle="([^"]*)"', attributes, text).replace("<svg ", '<svg stroke-linejoin="round" ', 1)


@contextmanager
def paper(width: float, height: float) -> Iterator[Any]:
    """An empty sheet (inches) to write and draw on, black on white, that ``pdf`` makes a page of."""
    import matplotlib
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    with _DRAWING, matplotlib.rc_context({"pdf.fonttype": 42, "text.parse_math": False, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(width, height))
        FigureCanvasPdf(figure)
        yield figure


def rule(figure: Any, y: float, left: float, right: float) -> None:
    """A line across a sheet; shares of its height and width."""
    from matplotlib.lines import Line2D

    figure.add_artist(Line2D([left, right], [y, y], color="black", linewidth=0.8))


def pdf(figure: Any, title: str) -> bytes:
    """A sheet as a PDF of one page; the same input gives the same bytes."""
    out = io.BytesIO()
    figure.savefig(out, format="pdf", metadata={"CreationDate": None, "Title": title, "Creator": "dosetwin"})
    return out.getvalue()
