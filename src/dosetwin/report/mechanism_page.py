"""How a drug works, as one figure that names each stage with its numbers, on one self-contained page."""

from typing import Any

from dosetwin import __version__
from dosetwin.declare import Therapy
from dosetwin.declare.mechanism import KINDS, Panel, Stage
from dosetwin.drawing import BLUE, GREEN, GREY, INK, ORANGE, SKY, VERMILLION, canvas, svg
from dosetwin.errors import InputError
from dosetwin.report import narrative
from dosetwin.report.figures import Shown
from dosetwin.report.page import environment, safe_figure

LINES = (BLUE, VERMILLION, GREEN, ORANGE, SKY)
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 2)), "-.", ":")


def stages(therapy: Therapy) -> tuple[tuple[Stage, Panel], ...]:
    """The stages of a therapy with their panels, in the order of a drug's way. Raises InputError where it declares none."""
    if not therapy.mechanism:
        raise InputError("nobody has written how it works", where=f"therapy {therapy.name}", value="no stages",
                         allowed="a therapy with mechanism=(Stage(...), ...)", remedy="see docs/mechanism.md")  # fmt: skip
    return tuple((s, s.panel()) for s in sorted(therapy.mechanism, key=lambda s: KINDS.index(s.kind)))


def number(value: float, unit: str) -> str:
    """A number as the figure writes it."""
    return f"{value:.3g} {unit}".strip()


def figure(therapy: Therapy, found: tuple[tuple[Stage, Panel], ...]) -> Shown:
    """All stages in one picture, one below the other: the curve on the left, what it comes to on the right."""
    tall, shares = 2.35 * len(found) + 0.2, {"width_ratios": (3.0, 1.25)}
    with canvas(9.6, tall, len(found), ncols=2, squeeze=False, gridspec_kw=shares) as (drawn, axes):
        for k, (stage, panel) in enumerate(found):
            curve, words = axes[k]
            for (name, y), colour, dash in zip(panel.curves.items(), LINES, DASHES, strict=False):
                curve.plot(panel.x, y, color=colour, ls=dash, lw=1.7, label=name, marker="o" if len(panel.x) < 10 else None, ms=4)
            if panel.log_x:
                curve.set_xscale("log")
                curve.xaxis.set_major_formatter("{x:g}")
            if panel.border is not None:
                curve.axhline(panel.border[0], color=GREY, lw=0.9, ls=":", label=panel.border[1])
            curve.set_xlabel(panel.x_label)
            curve.set_ylabel(panel.y_label)
            curve.set_title(f"{k + 1}. {stage.kind}: {stage.title}", loc="left", fontsize=9.5, fontweight="bold")
            curve.legend(fontsize=8, loc="best")
            words.axis("off")
            for line, (what, value, unit) in enumerate(panel.numbers[:5]):
                top = 0.95 - 0.24 * line
                words.text(0.0, top, what, transform=words.transAxes, fontsize=8.5, va="top", color=INK)
                words.text(0.0, top - 0.09, number(value, unit), transform=words.transAxes, fontsize=10.5, va="top", color=INK,
                           fontweight="bold")  # fmt: skip
            if k + 1 < len(found):
                words.annotate("", (0.75, -0.12), (0.75, 0.1), xycoords="axes fraction",
                               arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.6})  # fmt: skip
        said = "; ".join(f"{s.kind}: {s.title}" for s, _ in found)
        alt = f"How {therapy.drug.text} works. {said}"
        rows = [(f"{s.kind}: {s.title}", w, number(v, u)) for s, p in found for w, v, u in p.numbers]
        return Shown(svg(drawn, "mechanism", alt), alt, ("stage", "what", "number"), tuple(rows))


def mechanism_page(therapy: Therapy) -> str:
    """The page: the figure, every number with its stage, where each is from. Raises InputError as ``stages`` does."""
    found = stages(therapy)
    return environment().get_template("mechanism.html.j2").render(
        name=therapy.name, drug=therapy.drug.text, population=therapy.population, figure=safe_figure(figure(therapy, found)),
        rows=[(k + 1, s, [(w, number(v, u)) for w, v, u in p.numbers]) for k, (s, p) in enumerate(found)],
        version=__version__, not_a_device=narrative.NOT_A_DEVICE,
    )  # fmt: skip


def mechanism_json(therapy: Therapy) -> list[dict[str, Any]]:
    """Every stage with its numbers as plain data."""
    return [
        {"stage": s.kind, "title": s.title, "source": s.source, "provenance": s.provenance,
         "numbers": [{"name": w, "value": v, "unit": u} for w, v, u in p.numbers]}
        for s, p in stages(therapy)
    ]  # fmt: skip


__all__ = ["figure", "mechanism_json", "mechanism_page", "stages"]
