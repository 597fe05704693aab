"""The charts of a patient's page out of an advice: what is watched, other outputs, what a forecast tells; each with its table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.infer.belief import DOUBTED
from dosetwin.quantities import QUANTITIES
from dosetwin.report import narrative
from dosetwin.report.figures import MOST_ROWS
from dosetwin.report.marks import marks
from dosetwin.serve.web.charts import BandOf, Chart, DoseOf, LineOf, PointOf, ZoneOf, rounded
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice, Curves
    from dosetwin.forecast.section import Panel

OUTPUT_DRAWS = 300
PARAMETER_DRAWS, PARAMETER_POINTS = 80, 30
"""Parameters are read point by point in plain Python: few draws and points are enough for a smooth band."""


def _lead(advice: "Advice") -> int:
    return int(np.argmax(advice.weights))


def _origin(advice: "Advice") -> str | None:
    zero = advice.timeline.origin
    return None if zero is None else zero.isoformat()


def _moment(advice: "Advice", hour: float, zone: Zone) -> str:
    return zone.clock(_origin(advice), hour)


def _bands(before: str, prior: np.ndarray, updated: np.ndarray) -> tuple[tuple[BandOf, ...], tuple[LineOf, ...]]:
    first, then = [rounded(row) for row in prior], [rounded(row) for row in updated]
    bands = (
        BandOf(f"{before}, 90 %", "prior90", first[0], first[4]),
        BandOf("updated, 90 %", "updated90", then[0], then[4]),
        BandOf("updated, 50 %", "updated50", then[1], then[3]),
    )
    return bands, (LineOf(f"{before}, median", "prior", first[2]), LineOf("updated, median", "updated", then[2]))


def _table(advice: "Advice", c: "Curves", at: Sequence[float], zone: Zone) -> tuple[tuple[str, ...], ...]:
    rows = []
    for i in sorted({int(np.argmin(np.abs(c.time - t))) for t in at if c.time[0] - 1e-9 <= t <= c.time[-1] + 1e-9}):
        n = [narrative.number(float(v)) for v in (*c.prior[[2, 0, 4], i], *c.updated[[2, 1, 3, 0, 4], i])]
        rows.append(
            (
                _moment(advice, float(c.time[i]), zone),
                f"{c.time[i]:.1f}",
                n[0],
                f"{n[1]} to {n[2]}",
                n[3],
                f"{n[4]} to {n[5]}",
                f"{n[6]} to {n[7]}",
            )
        )
    return tuple(rows)


def _head(unit: str, before: str) -> tuple[str, ...]:
    of = f", {unit}" if unit else ""
    return ("when", "h", f"{before}{of}", "90 % band", f"updated{of}", "50 % band", "90 % band")


def _zones(advice: "Advice", what: str = "") -> tuple[ZoneOf, ...]:
    inside, below = marks(advice.therapy, what)
    zones = [ZoneOf(m.text, m.low, m.high) for m in inside]
    return (*zones, *(ZoneOf(m.text.replace(" target", ""), None, m.high) for m in below))


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""


def level_chart(advice: "Advice", zone: Zone) -> Chart | None:
    """Measured levels, the curve before and after them with bands, targets, doses given and recommended."""
    c = advice.curves
    if c is None:
        return None
    therapy, unit = advice.therapy, narrative.said_unit(c.unit)
    watched, before, dose = narrative.watched(therapy), narrative.before(therapy), therapy.drug.unit
    title = narrative.capital(watched if therapy.watched in QUANTITIES else f"{watched} level")
    given = [d for dose in advice.timeline.doses for d in dose.expanded()]
    planned = advice.regimen.doses(float(c.time[-1]) - 1e-6) if advice.regimen else ()
    bands, lines = _bands(before, c.prior, c.updated)
    doses = [DoseOf(d.time, f"{d.amount:g} {dose} given {_moment(advice, d.time, zone)}") for d in given]
    doses += [DoseOf(d.time, f"{d.amount:g} {dose} recommended {_moment(advice, d.time, zone)}", True) for d in planned]
    start, end = float(c.time[0]), float(c.time[-1])
    seen = [o for o in advice.levels if not o.blq]
    said = ", ".join(f"{o.value:g} {unit}".strip() + f" on {_moment(advice, o.time, zone)}" for o in seen) or "none"
    hours = [advice.now, end, *np.arange(np.ceil(start / 12) * 12, end, 12.0)]
    hours += [t for d in (*given, *planned) for t in (d.time, d.time + 1.0)]
    if len(hours) > MOST_ROWS:
        step = 24.0 * np.ceil((end - start) / 24.0 / MOST_ROWS)
        hours = [advice.now, end, *np.arange(np.ceil(start / step) * step, end, step)]
    return Chart(
        "level", title, unit, ", ".join(filter(None, (watched, unit))), _origin(advice), start, end, advice.now,
        rounded(c.time, 7), bands, lines, tuple(_points(advice, therapy.watched, unit, zone)), _zones(advice), tuple(doses),
        f"{title}{_in(unit)} from {_moment(advice, start, zone)} to {_moment(advice, end, zone)}. Measured: {said}. "
        f"The updated median peaks at {narrative.number(float(c.updated[2].max()))} {unit}".rstrip()
        + ". The table below has the numbers.",
        head=_head(unit, before), rows=_table(advice, c, hours, zone), zone=zone,
    )  # fmt: skip


def _points(advice: "Advice", measures: str, unit: str, zone: Zone) -> list[PointOf]:
    places = {(p.time, p.observed): p for p in advice.beliefs[_lead(advice)].levels if p.measures in (measures, "")}
    out = []
    for o in advice.timeline.observations:
        if o.measures != measures and not (o.measures == "" and measures == advice.therapy.watched):
            continue
        place = places.get((o.time, o.value))
        value = QUANTITIES[measures].number(o.value) if measures in QUANTITIES else f"{o.value:g}"
        text = f"{'< ' if o.blq else ''}{value} {unit}".strip() + f", {_moment(advice, o.time, zone)}"
        text += f", percentile {place.percentile:.0f} of what was expected" if place else ""
        odd = place is not None and place.p_wrong >= DOUBTED
        out.append(PointOf(o.time, o.value, text, "contradicts" if odd else "below" if o.blq else "measured"))
    return out


def output_chart(advice: "Advice", measures: str, zone: Zone, panel: "Panel | None" = None) -> Chart | None:
    """Another quantity measured, expected by the twin, and forecast (``panel``); None when neither the model nor the record knows
    it."""
    from dosetwin.advise.curves import curves_of

    lead, of = _lead(advice), QUANTITIES.get(measures)
    model, before = advice.models[lead], narrative.before(advice.therapy)
    output = model.measured_by(measures)
    word = narrative.named(measures)[0]
    unit = panel.unit if panel is not None else "" if output is None else narrative.said_unit(model.outputs[output].unit)
    points = _points(advice, measures, unit, zone)
    if output is None and not points:
        return None
    ahead = None if panel is None else advice.now + panel.hours
    start = min([p.time for p in points] + [advice.now - 24.0] + ([float(advice.curves.time[0])] if advice.curves else []))
    end = advice.now + 24.0 if ahead is None else float(ahead[-1])
    bands: tuple[BandOf, ...] = ()
    lines: tuple[LineOf, ...] = ()
    time: tuple[float, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    if output is not None:
        c = curves_of(
            model, advice.asked, advice.regimen, advice.beliefs[lead].draws[:OUTPUT_DRAWS], now=advice.now, measures=measures,
            seed=advice.seed, rule=advice.recommendation.provenance["covariates"], points=80,
        )  # fmt: skip
        bands, lines = _bands(before, c.prior, c.updated)
        time, end = rounded(c.time, 7), max(end, float(c.time[-1]))
        every = np.arange(np.ceil(c.time[0] / 12) * 12, c.time[-1], 12.0)
        rows = _table(advice, c, [advice.now, float(c.time[-1]), *every, *(p.time for p in points)], zone)
    # what the model itself forecasts is drawn as its curve already, unless that ends before the forecast does
    if panel is not None and ahead is not None and (not panel.by_model or not time or time[-1] < ahead[-1] - 1.0):
        q = panel.quantiles
        bands += (BandOf("forecast, 90 %", "forecast90", rounded(q[:, 0]), rounded(q[:, 4]), rounded(ahead, 7)),)
        lines += (LineOf("forecast, median", "forecast", rounded(q[:, 2]), rounded(ahead, 7)),)
    head = _head(unit, before)
    number = narrative.number if of is None else of.number
    if not rows:  # a forecast outside the model draws no curve: what was measured, and what it expects
        head = ("when", "h", ", ".join(filter(None, ("measured or forecast", unit))), "90 % band")
        rows = tuple((_moment(advice, p.time, zone), f"{p.time:.1f}", f"{number(p.value)} measured", "") for p in points)
        for hour, q in [] if panel is None or ahead is None else zip(ahead.tolist(), panel.quantiles, strict=True):
            low, _, middle, _, high = (narrative.number(float(v)) for v in q)
            rows += ((_moment(advice, hour, zone), f"{hour:.1f}", f"{middle} forecast", f"{low} to {high}"),)
    last = points[-1] if points else None
    said = f"Last measured {last.text}." if last else "Nothing measured yet."
    if panel is not None:
        k = int(np.argmin(np.abs(panel.hours - 48.0)))
        low, _, middle, _, high = (narrative.number(float(v)) for v in panel.quantiles[k])
        said += f" Forecast in {panel.hours[k]:g} h: {middle} {unit}, 90 % {low} to {high}."
    also = "" if of is None or of.other is None else f" (1 {unit} = {of.other[1]:.1f} {of.other[0]})"
    title = narrative.capital(word)
    return Chart(
        code_of(word), title, unit, ", ".join(filter(None, (word, unit))) + also, _origin(advice), start, end, advice.now, time,
        bands, lines, tuple(points), _zones(advice, measures),
        alt=f"{title}{_in(unit)}. {said} The table below has the numbers.", head=head, rows=rows, zone=zone,
    )  # fmt: skip


def code_of(word: str) -> str:
    """A name for a chart in the page, of small letters and digits."""
    return "".join(c for c in word.lower() if c.isalnum()) or "chart"


def parameter_chart(advice: "Advice", panel: "Panel", zone: Zone) -> Chart | None:
    """An individual parameter before and after the levels, up to the end of the forecast of it; None for a model without it."""
    from dosetwin.advise.curves import LEVELS
    from dosetwin.forecast.tells import prior_draws
    from dosetwin.simulate import parameters, schedule_for

    lead = _lead(advice)
    model = advice.models[lead]
    if panel.name not in advice.parameters or advice.curves is None:
        return None
    end = advice.now + float(panel.hours[-1])
    times = np.linspace(float(advice.curves.time[0]), max(float(advice.curves.time[-1]), end), PARAMETER_POINTS)
    schedule = schedule_for(model, advice.asked, times, rule=advice.recommendation.provenance["covariates"])

    def band(eta: np.ndarray) -> np.ndarray:
        return np.quantile(parameters(model, schedule, eta)[panel.name], LEVELS, axis=0)

    prior = band(prior_draws(model, schedule.occasions, PARAMETER_DRAWS, advice.seed))
    updated = band(advice.beliefs[lead].draws[:PARAMETER_DRAWS])
    bands, lines = _bands(narrative.before(advice.therapy), prior, updated)
    rows = []
    for i in range(0, len(times), max(len(times) // 12, 1)):
        n = [narrative.number(float(f"{v:.4g}")) for v in (*prior[[2, 0, 4], i], *updated[[2, 1, 3, 0, 4], i])]
        at = (_moment(advice, float(times[i]), zone), f"{times[i]:.1f}")
        rows.append((*at, n[0], f"{n[1]} to {n[2]}", n[3], f"{n[4]} to {n[5]}", f"{n[6]} to {n[7]}"))
    title = narrative.capital(narrative.named(panel.name)[0])
    alt = (
        f"{title} in {panel.unit}. At {_moment(advice, advice.now, zone)} about "
        f"{narrative.number(advice.parameters[panel.name][1])} {panel.unit}. The table below has the numbers."
    )
    return Chart(
        code_of(panel.text), title, panel.unit, f"{panel.name}, {panel.unit}", _origin(advice), float(times[0]),
        float(times[-1]), advice.now, rounded(times, 7), bands, lines, alt=alt,
        head=_head(panel.unit, narrative.before(advice.therapy)), rows=tuple(rows), zone=zone,
    )  # fmt: skip
