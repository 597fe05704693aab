"""The figures of the advice report: what is watched and what else is predicted over time, the candidates compared, forecasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.declare.goal import output_of
from dosetwin.drawing import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION, canvas, svg
from dosetwin.quantities import QUANTITIES
from dosetwin.report import narrative
from dosetwin.report.marks import marks
from dosetwin.report.who import zero

if TYPE_CHECKING:
    from dosetwin.advise import Advice, Curves
    from dosetwin.decide.recommendation import Candidate
    from dosetwin.forecast.section import Section


@dataclass(frozen=True)
class Shown:
    """A figure with its text alternative and the numbers behind it."""

    svg: str
    alt: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _days(axis: Any, timeline: Any, start: float, end: float) -> None:
    """Ticks every 12 h or every whole day, with the calendar where the record has one."""
    span = end - start
    step = 12.0 if span <= 60 else 24.0 if span <= 240 else 24.0 * np.ceil(span / 240)
    first = np.ceil(start / step - 1e-6) * step
    ticks = np.arange(first, end + 1e-6, step) + 0.0
    origin = timeline.origin
    labels = [
        f"{t:g}"
        if origin is None
        else f"{t:g}\n{origin + timedelta(hours=float(t)):%d %b}\n{origin + timedelta(hours=float(t)):%H:%M}"
        for t in ticks
    ]
    axis.set_xticks(ticks, labels)


def _bands(axis: Any, curves: "Curves", before: str) -> None:
    t = curves.time
    axis.fill_between(t, curves.prior[0], curves.prior[4], color=GREY, alpha=0.16, lw=0, label=f"{before}: 90 % band")
    axis.plot(t, curves.prior[2], color=GREY, lw=1.3, ls=(0, (5, 3)), label=f"{before}: median")
    axis.fill_between(t, curves.updated[0], curves.updated[4], color=BLUE, alpha=0.18, lw=0, label="updated: 90 % band")
    axis.fill_between(t, curves.updated[1], curves.updated[3], color=BLUE, alpha=0.30, lw=0, label="updated: 50 % band")
    axis.plot(t, curves.updated[2], color=BLUE, lw=1.8, label="updated: median")


def _now(axis: Any, now: float, top: float) -> None:
    axis.axvline(now, color=INK, lw=0.9, ls=":")
    axis.annotate("now", (now, top), (3, -2), textcoords="offset points", va="top", fontsize=8.5)


def concentration(advice: "Advice") -> Shown | None:
    """Measured levels, the curve before and after them with bands, targets, given and planned doses."""
    c = advice.curves
    if c is None:
        return None
    known, plan = advice.timeline, advice.regimen
    given = [d for dose in known.doses for d in dose.expanded()]
    planned = plan.doses(float(c.time[-1]) - 1e-6) if plan else ()
    watched = narrative.watched(advice.therapy) if advice.twin is None else c.output
    zones, borders = marks(advice.therapy, "" if advice.twin is None else c.output)
    before, unit = narrative.before(advice.therapy), narrative.said_unit(c.unit)
    with canvas(7.4, 4.9) as (figure, axis):
        _bands(axis, c, before)
        top = 1.06 * max([float(c.updated[4].max()), float(np.quantile(c.prior[4], 0.995)), *(o.value for o in advice.levels)])
        for zone in zones:
            axis.axhspan(zone.low or 0.0, zone.high, color=GREEN, alpha=0.13, lw=0, label=zone.text)
        for border, style in zip(borders, ("--", "-"), strict=False):
            axis.axhline(border.high, color=VERMILLION, lw=1.1, ls=style, label=border.text)
        seen = [o for o in advice.levels if not o.blq]
        if seen:
            axis.plot([o.time for o in seen], [o.value for o in seen], "o", ms=6.5, mfc=ORANGE, mec=INK, mew=1.0, zorder=6,
                      label="measured")  # fmt: skip
        low = [o for o in advice.levels if o.blq]
        if low:
            axis.plot(
                [o.time for o in low],
                [o.value for o in low],
                "v",
                ms=6.5,
                mfc="none",
                mec=INK,
                zorder=6,
                label="below this limit",
            )
        places = {(p.time, p.measures, p.observed): p for p in (advice.beliefs[advice.lead].levels if advice.beliefs else ())}
        for o in seen:
            p = places.get((o.time, o.measures, o.value))
            text = f"{o.value:g}" + (f"\npercentile {p.percentile:.0f}" if p else "")
            axis.annotate(text, (o.time, o.value), (8, 9), textcoords="offset points", fontsize=8.5, va="center")
        floor = -0.055 * top
        for doses, face, label in ((given, INK, "dose given"), (planned, "none", "dose recommended")):
            if doses:
                axis.plot([d.time for d in doses], [floor] * len(doses), "^", ms=7, mfc=face, mec=INK, clip_on=False, label=label,
                          ls="")  # fmt: skip
        _now(axis, advice.now, top)
        start, end = float(c.time[0]), float(c.time[-1])
        axis.set_xlim(start - 0.015 * (end - start), end)
        axis.set_ylim(-0.09 * top, top)
        _days(axis, known, start, end)
        axis.set_ylabel(", ".join(filter(None, (watched, unit))))
        axis.set_xlabel(zero(known))
        figure.legend(loc="outside lower center", fontsize=8, ncols=4, handlelength=1.8, columnspacing=1.2)
        said = ", ".join(f"{o.value:g} {unit}".strip() + f" at {o.time:g} h" for o in seen) or "none"
        alt = (
            f"{watched}{f' in {unit}' if unit else ''} over {start:g} to {end:g} hours. Measured: {said}. "
            f"The updated median peaks at {narrative.number(float(c.updated[2].max()))} {unit}".rstrip()
            + "; the table below gives the curve and its bands."
        )
        drawn = svg(figure, "f1", alt)
    return Shown(drawn, alt, _head(unit, before), _rows(known, c, _points(c, [*given, *planned], advice.now)))


def _head(unit: str, before: str) -> tuple[str, ...]:
    of = f", {unit}" if unit else ""
    return ("time, h", "moment", f"{before}: median{of}", "90 % band", f"updated: median{of}", "50 % band", "90 % band")


MOST_ROWS = 80


def _points(c: "Curves", doses: Sequence[Any], now: float) -> list[int]:
    """Indices of the moments worth a row: starts of doses, 1 h after them, now, and every 12 h; of a long course every day, or
    so many days that a table of it can still be read."""
    step = 12.0
    wanted = [now, float(c.time[-1])] + [t for d in doses for t in (d.time, d.time + 1.0)]
    if len(wanted) > MOST_ROWS:
        step, wanted = 24.0 * np.ceil((c.time[-1] - c.time[0]) / 24.0 / MOST_ROWS), wanted[:2]
    wanted += list(np.arange(np.ceil(c.time[0] / step) * step, c.time[-1], step))
    return sorted({int(np.argmin(np.abs(c.time - t))) for t in wanted if c.time[0] - 1e-9 <= t <= c.time[-1] + 1e-9})


def _rows(timeline: Any, c: "Curves", points: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    out = []
    for i in points:
        t = float(c.time[i])
        when = timeline.when(t)
        n = [narrative.number(float(v)) for v in (*c.prior[[2, 0, 4], i], *c.updated[[2, 1, 3, 0, 4], i])]
        stamp = narrative.moment(when.replace(microsecond=0).isoformat()) if when else ""
        out.append((f"{t:.1f}", stamp, n[0], f"{n[1]} to {n[2]}", n[3], f"{n[4]} to {n[5]}", f"{n[6]} to {n[7]}"))
    return tuple(out)


def others(advice: "Advice") -> list[str]:
    """Outputs of the leading model beside the watched one that count: a goal is about them, or laboratories measure them."""
    if not advice.models:
        return []
    lead, therapy = advice.models[advice.lead], advice.therapy
    watched = lead.measured_by(therapy.watched) or next(iter(lead.outputs))
    judged = {output_of(g.reading, lead, therapy.drug.name) for g in therapy.goals}
    seen = {lead.measured_by(o.measures) for o in advice.timeline.observations if o.measures}
    return [n for n, o in lead.outputs.items() if n != watched and (n in judged | seen or o.measures in QUANTITIES)]


def beside(advice: "Advice", output: str, name: str) -> Shown | None:
    """One of ``others`` measured and expected, with the goals about it; ``name`` begins the ids of the drawing."""
    from dosetwin.advise.curves import curves_of

    if advice.curves is None:
        return None
    lead = advice.lead
    model, therapy = advice.models[lead], advice.therapy
    measures, unit = model.outputs[output].measures, narrative.said_unit(model.outputs[output].unit)
    c = curves_of(
        model, advice.timeline, advice.regimen, advice.beliefs[lead].draws[:400], now=advice.now, measures=measures,
        seed=advice.seed, rule=advice.recommendation.provenance["covariates"], points=120, ahead=therapy.follows_h,
    )  # fmt: skip
    of, word = QUANTITIES.get(measures), narrative.named(measures)[0]
    measured = [o for o in advice.timeline.observations if o.measures == measures]
    zones, borders = marks(therapy, measures)
    with canvas(7.4, 3.5) as (figure, axis):
        _bands(axis, c, narrative.before(therapy))
        for zone in zones:
            axis.axhspan(zone.low or 0.0, zone.high, color=GREEN, alpha=0.13, lw=0, label=zone.text)
        for border, style in zip(borders, ("--", "-"), strict=False):
            axis.axhline(border.high, color=VERMILLION, lw=1.1, ls=style, label=border.text)
        axis.plot(
            [o.time for o in measured], [o.value for o in measured], "s", ms=6, mfc=ORANGE, mec=INK, zorder=6, label="measured"
        )
        start = min([float(c.time[0]), *(o.time for o in measured), advice.now])
        end = float(c.time[-1])
        top = 1.15 * max([float(c.updated[4].max()), float(c.prior[4].max()), *(o.value for o in measured), 0.1])
        axis.set_xlim(start - 0.02 * (end - start), end)
        axis.set_ylim(0, top)
        _now(axis, advice.now, top)
        _days(axis, advice.timeline, start, end)
        axis.set_ylabel(", ".join(filter(None, (word, unit))))
        axis.set_xlabel(zero(advice.timeline))
        if of is not None and of.other is not None:
            also, factor = of.other
            axis.secondary_yaxis("right", functions=(lambda v: v * factor, lambda v: v / factor)).set_ylabel(also)
        figure.legend(loc="outside lower center", fontsize=8, ncols=3)
        said = ", ".join(f"{of.number(o.value) if of else format(o.value, 'g')} at {o.time:g} h" for o in measured) or "none"
        alt = (
            f"{narrative.capital(word)}{f' in {unit}' if unit else ''} over time. Measured: {said}. "
            f"Bands {narrative.before(therapy)} and after them; see the table."
        )
        drawn = svg(figure, name, alt)
    return Shown(drawn, alt, _head(unit, narrative.before(therapy)), _rows(advice.timeline, c, _points(c, [], advice.now)))


def foretold(section: "Section", name: str) -> Shown:
    """The panels of a forecast side by side: what was measured so far, what is expected, with bands."""
    of = section.panels
    widths = [1.5 if p.measured else 1.0 for p in of]
    with canvas(7.4, 2.9, 1, ncols=len(of), width_ratios=widths, squeeze=False) as (drawing, grid):
        for axis, p, colour in zip(grid[0], of, (BLUE, GREEN, ORANGE), strict=False):
            first, days, q = p is of[0], p.hours / 24.0, p.quantiles
            if p.measured:
                past = [t / 24.0 for t, _ in p.measured]
                axis.plot(past, [v for _, v in p.measured], "s", ms=5.5, mfc=ORANGE, mec=INK, label="measured" if first else None)
            axis.fill_between(days, q[:, 0], q[:, 4], color=colour, alpha=0.18, lw=0,
                              label="expected result: 90 % band" if first else None)  # fmt: skip
            axis.fill_between(days, q[:, 1], q[:, 3], color=colour, alpha=0.30, lw=0, label="50 % band" if first else None)
            axis.plot(days, q[:, 2], "o-", ms=4, color=VERMILLION if p.odd else colour, lw=1.6, label="median" if first else None)
            if first:
                axis.axvline(0.0, color=INK, lw=0.9, ls=":")
            axis.set_ylim(bottom=0)
            axis.set_xlabel("days from now")
            axis.set_ylabel(f"{p.text}, {p.unit}")
        drawing.legend(loc="outside lower center", fontsize=8, ncols=4)
        parts = []
        for p in of:
            number = QUANTITIES[p.name].number if p.name in QUANTITIES and QUANTITIES[p.name].digits else narrative.number
            said = f"measured ({', '.join(number(v) for _, v in p.measured) or 'none'}) and " if p.measured else ""
            middles = ", ".join(number(float(v)) for v in p.quantiles[:, 2])
            parts.append(f"{narrative.capital(p.text)} in {p.unit}, {said}expected in the days ahead (median {middles}).")
        alt = " ".join([*parts, "The table below gives the bands."])
        drawn = svg(drawing, name, alt)
    return Shown(drawn, alt, section.head, section.rows)


def _short(label: str) -> str:
    """What an order aims at, without the pump's steps, which the table tells."""
    return label.split(": ", 1)[0]


def compared(rows: "Sequence[Candidate]", advice: "Advice", name: str = "f3") -> Shown | None:
    """Probabilities and expected loss of candidates, one line each, as dots."""
    if not rows:
        return None
    rows, called = list(rows), narrative.said_of(advice.therapy)
    labels = [_short(narrative.label(c, rows)) + (f"\n{narrative.rules(c.rules)}" if c.rules else "") for c in rows]
    sets = [("joint", "all joint targets", BLUE, "o", [c.joint for c in rows], [c.joint_se for c in rows])]
    for t, colour, mark in zip(
        [t for t in advice.therapy.goals if t.min_probability], (GREEN, VERMILLION, ORANGE), "D^s", strict=False
    ):
        found = [[a for a in c.attainment if a.target == t.code and a.dose in t.constrained] for c in rows]
        if all(found):
            worst = [min(f, key=lambda a: a.p) for f in found]
            need = f"{narrative.aim(t)} (needs {narrative.percent(t.min_probability)})"
            sets.append((t.code, need, colour, mark, [a.p for a in worst], [a.se for a in worst]))
    y = np.arange(len(rows))[::-1]
    with canvas(7.4, 1.5 + 0.36 * len(rows), 1, ncols=2, sharey=True, width_ratios=[2.2, 1]) as (figure, (left, right)):
        for k, (_, text, colour, mark, p, se) in enumerate(sets):
            shift = 0.09 * (k - (len(sets) - 1) / 2)
            left.errorbar(
                [100 * v for v in p], y - shift, xerr=[196 * s for s in se], fmt=mark, ms=5.5, color=colour, lw=1, label=text
            )
        left.set_yticks(y, labels, fontsize=8.5)
        left.set_xlim(-4, 104)
        left.set_xlabel("probability, % (bar: ± 1.96 Monte-Carlo SE)")
        right.errorbar([c.loss for c in rows], y, xerr=[1.96 * c.loss_se for c in rows], fmt="o", ms=5, color=INK, lw=1)
        right.set_xlabel("expected loss")
        right.set_xlim(left=0)
        right.tick_params(axis="y", length=0)
        for i, c in enumerate(rows):
            if not c.acceptable:
                for axis in (left, right):
                    axis.axhspan(y[i] - 0.5, y[i] + 0.5, color=GREY, alpha=0.13, lw=0)
        left.set_ylim(-0.6, len(rows) - 0.4)
        figure.legend(loc="outside upper center", ncols=2, fontsize=8)
        best = rows[0]
        alt = (
            f"{len(rows)} {called.many} compared. First line: {narrative.label(best, rows)}, all "
            "joint targets "
            f"{narrative.percent(best.joint)}, expected loss {narrative.number(best.loss)}. Grey lines are not acceptable. "
            f"The table of {called.many} gives the numbers."
        )
        drawn = svg(figure, name, alt)
    head = (called.one, *(text for _, text, *_ in sets), "expected loss")
    body = tuple(
        (
            narrative.label(c, rows),
            *(f"{100 * p[i]:.1f} ± {196 * se[i]:.1f} %" for *_, p, se in sets),
            f"{c.loss:.3f} ± {1.96 * c.loss_se:.3f}",
        )
        for i, c in enumerate(rows)
    )
    return Shown(drawn, alt, head, body)
