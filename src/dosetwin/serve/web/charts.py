"""A chart as data: bands, lines, points and doses over hours; drawn still here as SVG, live by the script in the page."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from math import ceil, floor, isfinite, log10
from typing import Any

from dosetwin.serve.zone import Zone
from dosetwin.words import said

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT = 920.0, 360.0, 52.0, 14.0, 12.0, 58.0
AHEAD_H = 500.0
"""How far after its end a chart may be drawn on when somebody tries a regimen."""


@dataclass(frozen=True)
class BandOf:
    """A filled band: ``role`` names its colour (prior90, updated90, updated50, forecast90)."""

    name: str
    role: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    time: tuple[float, ...] = ()


@dataclass(frozen=True)
class LineOf:
    """A curve: ``role`` prior, updated or forecast."""

    name: str
    role: str
    value: tuple[float, ...]
    time: tuple[float, ...] = ()


@dataclass(frozen=True)
class PointOf:
    """A measurement. ``role``: measured, below (under the limit of quantification) or contradicts; ``text`` is said on hover."""

    time: float
    value: float
    text: str
    role: str = "measured"


@dataclass(frozen=True)
class ZoneOf:
    """A target: an area between ``low`` and ``high``, or a line where one of them is None."""

    name: str
    low: float | None
    high: float | None


@dataclass(frozen=True)
class DoseOf:
    """A dose on the time axis, given or planned."""

    time: float
    text: str
    planned: bool = False


@dataclass(frozen=True)
class Chart:
    """Everything one chart shows. Times in h on the record's clock; ``origin``: its zero as ISO moment, if any."""

    code: str
    title: str
    unit: str
    axis: str
    origin: str | None
    start: float
    end: float
    now: float
    time: tuple[float, ...]
    bands: tuple[BandOf, ...] = ()
    lines: tuple[LineOf, ...] = ()
    points: tuple[PointOf, ...] = ()
    zones: tuple[ZoneOf, ...] = ()
    doses: tuple[DoseOf, ...] = ()
    alt: str = ""
    log: bool = False
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = field(default=())
    zone: Zone = field(default=Zone())

    def to_json(self) -> dict[str, Any]:
        """For the script in the page: the table is left out, it stands in the page already."""
        data = asdict(self)
        del data["head"], data["rows"], data["zone"]
        return data | {"offsets": self.zone.offsets(self.origin, self.start - 24.0, self.end + AHEAD_H)}

    def said(self) -> "Chart":
        """The same chart with its words in the language in force."""
        return replace(
            self, title=said(self.title), axis=said(self.axis), alt=said(self.alt),
            bands=tuple(replace(b, name=said(b.name)) for b in self.bands),
            lines=tuple(replace(x, name=said(x.name)) for x in self.lines),
            points=tuple(replace(p, text=said(p.text)) for p in self.points),
            zones=tuple(replace(z, name=said(z.name)) for z in self.zones),
            doses=tuple(replace(d, text=said(d.text)) for d in self.doses),
        )  # fmt: skip

    @property
    def top(self) -> float:
        """The upper end of the vertical axis."""
        # the outermost band of what was expected before any level must not flatten everything else
        highs = [max(b.high) for b in self.bands if b.high and b.role != "prior90"]
        early = [sorted(b.high)[int(0.97 * (len(b.high) - 1))] for b in self.bands if b.high and b.role == "prior90"]
        highs += early + [p.value for p in self.points] + [max(x.value) for x in self.lines if x.value]
        # nothing given and nothing advised: a curve of zeros is drawn on a scale of one
        return 1.08 * (max([v for v in highs if isfinite(v)], default=1.0) or 1.0)


def rounded(values: Iterable[float], digits: int = 4) -> tuple[float, ...]:
    """``digits`` significant digits: a chart needs no more, and a page is a third as long."""
    return tuple(float(f"{v:.{digits}g}") for v in values)


def ticks(top: float, wanted: int = 5) -> list[float]:
    """Round values from 0 up to ``top``."""
    rough = top / wanted
    if rough <= 0 or not isfinite(rough):
        return [0.0]
    base = 10 ** floor(log10(rough))
    step = next(k * base for k in (1, 2, 2.5, 5, 10) if k * base >= rough - 1e-12)
    return [k * step for k in range(floor(top / step + 1e-9) + 1)]


def day_ticks(chart: Chart, most: int = 9) -> list[tuple[float, str]]:
    """Times worth a label: midnights and noons of the ward's calendar, or round hours."""
    span = max(chart.end - chart.start, 1e-6)
    step = next((s for s in (3, 6, 12, 24, 48, 96, 168) if span / s <= most), 336)
    if chart.origin is None:
        first = ceil(chart.start / step - 1e-9) * step
        return [(float(t), f"{t:g} h") for t in range(first, floor(chart.end + 1e-9) + 1, step)]
    zero = datetime.fromisoformat(chart.origin)
    out = []
    quarter = timedelta(minutes=15)  # every zone is a whole number of quarters of an hour away from UTC
    at = (zero + timedelta(hours=chart.start) - timedelta(seconds=1)).astimezone(UTC)
    at = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + quarter
    while (t := (at - zero) / timedelta(hours=1)) <= chart.end + 1e-9:
        local = chart.zone.local(at)
        whole = local.hour == 0 and local.toordinal() % (step // 24) == 0 if step > 24 else local.hour % step == 0
        if local.minute == 0 and whole:
            out.append((t, f"{local.day} {local:%b}" if step >= 24 else chart.zone.short(local)))
        at += quarter
    return out


def svg(chart: Chart, *, width: float = WIDTH, height: float = HEIGHT) -> str:
    """The chart as still SVG markup without any inline style: colours come from the page's classes, also in print and the dark.

    Everything that is text is escaped here; the result may be marked as safe markup.
    """
    top = chart.top
    wide, high = width - LEFT - RIGHT, height - TOP - FOOT
    span = max(chart.end - chart.start, 1e-9)

    def x(t: float) -> float:
        return LEFT + wide * (min(max(t, chart.start), chart.end) - chart.start) / span

    def y(v: float) -> float:
        return TOP + high * (1.0 - min(max(v, 0.0), top) / top)

    def path(times: Sequence[float], values: Sequence[float]) -> str:
        return " ".join(f"{'L' if k else 'M'}{x(t):.1f} {y(v):.1f}" for k, (t, v) in enumerate(zip(times, values, strict=True)))

    out = [
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{chart.code}-alt">',
        f'<title id="{chart.code}-alt">{escape(chart.alt)}</title>',
    ]
    for v in ticks(top):
        out.append(f'<line class="grid" x1="{LEFT:g}" x2="{width - RIGHT:g}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>')
        out.append(f'<text class="tick" x="{LEFT - 7:g}" y="{y(v) + 4:.1f}" text-anchor="end">{said(f"{v:g}")}</text>')
    for t, text in day_ticks(chart):
        out.append(f'<line class="grid" x1="{x(t):.1f}" x2="{x(t):.1f}" y1="{TOP:g}" y2="{height - FOOT:g}"/>')
        out.append(
            f'<text class="tick" x="{x(t):.1f}" y="{height - FOOT + 34:g}" text-anchor="middle">{escape(said(text))}</text>'
        )
    for z in chart.zones:
        if z.low is not None and z.high is not None:
            out.append(
                f'<rect class="zone" x="{LEFT:g}" width="{wide:g}" y="{y(z.high):.1f}" height="{y(z.low) - y(z.high):.1f}"/>'
            )
        else:
            edge = z.high if z.low is None else z.low
            assert edge is not None
            out.append(f'<line class="border" x1="{LEFT:g}" x2="{width - RIGHT:g}" y1="{y(edge):.1f}" y2="{y(edge):.1f}"/>')
            out.append(
                f'<text class="mark" x="{width - RIGHT - 4:g}" y="{y(edge) - 4:.1f}" text-anchor="end">{escape(z.name)}</text>'
            )
    for b in chart.bands:
        times = b.time or chart.time
        back = path(times[::-1], b.high[::-1]).replace("M", "L", 1)
        out.append(f'<path class="band {b.role}" d="{path(times, b.low)} {back} Z"/>')
    out += [f'<path class="line {c.role}" d="{path(c.time or chart.time, c.value)}"/>' for c in chart.lines]
    floor_ = height - FOOT
    for d in chart.doses:
        if chart.start - 1e-6 <= d.time <= chart.end + 1e-6:
            px = x(d.time)
            kind = "planned" if d.planned else "given"
            out.append(
                f'<path class="dose {kind}" d="M{px:.1f} {floor_ + 4:g} l5 10 l-10 0 Z"><title>{escape(d.text)}</title></path>'
            )
    if chart.start <= chart.now <= chart.end:
        out.append(f'<line class="now" x1="{x(chart.now):.1f}" x2="{x(chart.now):.1f}" y1="{TOP:g}" y2="{floor_:g}"/>')
        out.append(f'<text class="mark" x="{x(chart.now) + 4:.1f}" y="{TOP + 11:g}">{escape(said("now"))}</text>')
    for p in chart.points:
        out.append(
            f'<circle class="point {p.role}" cx="{x(p.time):.1f}" cy="{y(p.value):.1f}" r="5"><title>{escape(p.text)}</title>'
            "</circle>"
        )
    out.append(f'<text class="tick" x="{LEFT:g}" y="{height - 6:g}">{escape(chart.axis)}</text></svg>')
    return "".join(out)


def spark(values: Sequence[tuple[float, float]], *, width: float = 72.0, height: float = 20.0) -> str:
    """A trend as a line of a few pixels, for a row of the ward list; empty without two values."""
    if len(values) < 2:
        return ""
    first, last = values[0][0], values[-1][0]
    low, high = min(v for _, v in values), max(v for _, v in values)
    span, rise = max(last - first, 1e-9), max(high - low, 0.15 * max(high, 1e-9))
    spots = [(2 + (width - 8) * (t - first) / span, height - 3 - (height - 6) * (v - low) / rise) for t, v in values]
    line = " ".join(f"{'L' if k else 'M'}{a:.1f} {b:.1f}" for k, (a, b) in enumerate(spots))
    return (
        f'<svg class="spark" viewBox="0 0 {width:g} {height:g}" aria-hidden="true" focusable="false"><path d="{line}"/>'
        f'<circle cx="{spots[-1][0]:.1f}" cy="{spots[-1][1]:.1f}" r="2.4"/></svg>'
    )
