"""The charts of a patient's page out of an advice: drug, creatinine and filtration, each with the table behind it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.infer.belief import DOUBTED
from dosetwin.quantities import UMOL_PER_MG_DL
from dosetwin.report import narrative
from dosetwin.report.marks import marks
from dosetwin.serve.web.charts import BandOf, Chart, DoseOf, LineOf, PointOf, ZoneOf, rounded
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice, Curves

CREATININE_DRAWS = 300
GFR_DRAWS, GFR_POINTS = 80, 30
"""Parameters are read point by point in plain Python: few draws and points are enough for a smooth band."""


def _lead(advice: "Advice") -> int:
    return int(np.argmax(advice.weights))


def _origin(advice: "Advice") -> str | None:
    zero = advice.timeline.origin
    return None if zero is None else zero.isoformat()


def _moment(advice: "Advice", hour: float, zone: Zone) -> str:
    return zone.clock(_origin(advice), hour)


def _bands(c: "Curves") -> tuple[tuple[BandOf, ...], tuple[LineOf, ...]]:
    prior, updated = [rounded(row) for row in c.prior], [rounded(row) for row in c.updated]
    bands = (
        BandOf("before levels, 90 %", "prior90", prior[0], prior[4]),
        BandOf("updated, 90 %", "updated90", updated[0], updated[4]),
        BandOf("updated, 50 %", "updated50", updated[1], updated[3]),
    )
    return bands, (LineOf("before levels, median", "prior", prior[2]), LineOf("updated, median", "updated", updated[2]))


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


def _head(unit: str) -> tuple[str, ...]:
    return ("when", "h", f"before levels, {unit}", "90 % band", f"updated, {unit}", "50 % band", "90 % band")


def level_chart(advice: "Advice", zone: Zone) -> Chart | None:
    """Measured levels, the curve before and after them with bands, targets, doses given and recommended."""
    c = advice.curves
    if c is None:
        return None
    drug, unit = advice.therapy.watched, narrative.said_unit(c.unit)
    name = f"{drug[0].upper()}{drug[1:]}"
    given = [d for dose in advice.timeline.doses for d in dose.expanded()]
    planned = advice.regimen.doses(float(c.time[-1]) - 1e-6) if advice.regimen else ()
    inside, below = marks(advice.therapy)
    zones = [ZoneOf(m.text, m.low, m.high) for m in inside]
    zones += [ZoneOf(m.text.replace(" target", ""), None, m.high) for m in below]
    bands, lines = _bands(c)
    doses = [DoseOf(d.time, f"{d.amount:g} mg given {_moment(advice, d.time, zone)}") for d in given]
    doses += [DoseOf(d.time, f"{d.amount:g} mg recommended {_moment(advice, d.time, zone)}", True) for d in planned]
    start, end = float(c.time[0]), float(c.time[-1])
    said = ", ".join(f"{o.value:g} {unit} on {_moment(advice, o.time, zone)}" for o in advice.levels if not o.blq) or "none"
    hours = [advice.now, end, *np.arange(np.ceil(start / 12) * 12, end, 12.0)]
    hours += [t for d in (*given, *planned) for t in (d.time, d.time + 1.0)]
    return Chart(
        "level",
        f"{name} level",
        unit,
        f"{drug}, {unit}".removesuffix(", "),
        _origin(advice),
        start,
        end,
        advice.now,
        rounded(c.time, 7),
        bands,
        lines,
        tuple(_points(advice, drug, unit, zone)),
        tuple(zones),
        tuple(doses),
        f"{name} level{f' in {unit}' if unit else ''} from {_moment(advice, start, zone)} to {_moment(advice, end, zone)}. "
        f"Measured: {said}. "
        f"The updated median peaks at {narrative.number(float(c.updated[2].max()))} {unit}. The table below has the numbers.",
        head=_head(unit),
        rows=_table(advice, c, hours, zone),
        zone=zone,
    )


def _points(advice: "Advice", measures: str, unit: str, zone: Zone) -> list[PointOf]:
    places = {(p.time, p.observed): p for p in advice.beliefs[_lead(advice)].levels if p.measures in (measures, "")}
    out = []
    for o in advice.timeline.observations:
        if o.measures != measures and not (o.measures == "" and measures == advice.therapy.watched):
            continue
        place = places.get((o.time, o.value))
        text = f"{'< ' if o.blq else ''}{o.value:g} {unit}, {_moment(advice, o.time, zone)}"
        text += f", percentile {place.percentile:.0f} of what was expected" if place else ""
        odd = place is not None and place.p_wrong >= DOUBTED
        out.append(PointOf(o.time, o.value, text, "contradicts" if odd else "below" if o.blq else "measured"))
    return out


def creatinine_chart(advice: "Advice", zone: Zone) -> Chart | None:
    """Creatinine measured, expected by the twin, and forecast; None when neither the model nor the record knows it."""
    from dosetwin.advise.curves import curves_of

    lead = _lead(advice)
    model = advice.models[lead]
    points = _points(advice, "SCR", "mg/dL", zone)
    known = any(o.measures == "SCR" for o in model.outputs.values())
    if not known and not points:
        return None
    kidney = advice.kidney
    start = min([p.time for p in points] + [advice.now - 24.0] + ([float(advice.curves.time[0])] if advice.curves else []))
    end = advice.now + (24.0 if kidney is None else float(kidney.hours[-1]))
    bands: tuple[BandOf, ...] = ()
    lines: tuple[LineOf, ...] = ()
    time: tuple[float, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    if known:
        c = curves_of(
            model,
            advice.asked,
            advice.regimen,
            advice.beliefs[lead].draws[:CREATININE_DRAWS],
            now=advice.now,
            measures="SCR",
            seed=advice.seed,
            rule=advice.recommendation.provenance["covariates"],
            points=80,
        )
        bands, lines = _bands(c)
        time, end = rounded(c.time, 7), max(end, float(c.time[-1]))
        rows = _table(
            advice,
            c,
            [
                advice.now,
                float(c.time[-1]),
                *np.arange(np.ceil(c.time[0] / 12) * 12, c.time[-1], 12.0),
                *(p.time for p in points),
            ],
            zone,
        )
    # mechanistic is the model itself: its curve is drawn already, unless it ends before the forecast does
    if kidney is not None and (kidney.used != "mechanistic" or not time or time[-1] < advice.now + kidney.hours[-1] - 1.0):
        hours, q = advice.now + kidney.hours, kidney.creatinine
        bands += (BandOf("forecast, 90 %", "forecast90", rounded(q[:, 0]), rounded(q[:, 4]), rounded(hours, 7)),)
        lines += (LineOf("forecast, median", "forecast", rounded(q[:, 2]), rounded(hours, 7)),)
    head = _head("mg/dL")
    if not rows:  # a kidney outside the model draws no curve: what was measured, and what it expects
        head = ("when", "h", "measured or forecast, mg/dL", "90 % band")
        rows = tuple((_moment(advice, p.time, zone), f"{p.time:.1f}", f"{p.value:.2f} measured", "") for p in points)
        for hour, q in [] if kidney is None else zip((advice.now + kidney.hours).tolist(), kidney.creatinine, strict=True):
            low, _, middle, _, high = (narrative.number(float(v)) for v in q)
            rows += ((_moment(advice, hour, zone), f"{hour:.1f}", f"{middle} forecast", f"{low} to {high}"),)
    last = points[-1] if points else None
    said = f"Last measured {last.text}." if last else "Nothing measured yet."
    if kidney is not None:
        k = int(np.argmin(np.abs(kidney.hours - 48.0)))
        low, _, middle, _, high = (narrative.number(float(v)) for v in kidney.creatinine[k])
        said += f" Forecast in {kidney.hours[k]:g} h: {middle} mg/dL, 90 % {low} to {high}."
    return Chart(
        "creatinine",
        "Creatinine",
        "mg/dL",
        f"creatinine, mg/dL (1 mg/dL = {UMOL_PER_MG_DL:.1f} µmol/L)",
        _origin(advice),
        start,
        end,
        advice.now,
        time,
        bands,
        lines,
        tuple(points),
        alt=f"Creatinine in mg/dL. {said} The table below has the numbers.",
        head=head,
        rows=rows,
        zone=zone,
    )


def filtration_chart(advice: "Advice", zone: Zone) -> Chart | None:
    """Filtration before and after the levels, up to the end of the kidney's forecast; None for a model without a GFR."""
    from dosetwin.advise.curves import LEVELS, prior_draws
    from dosetwin.simulate import parameters, schedule_for

    lead = _lead(advice)
    model = advice.models[lead]
    if "GFR" not in advice.parameters or advice.curves is None:
        return None
    end = advice.now + (24.0 if advice.kidney is None else float(advice.kidney.hours_GFR[-1]))
    times = np.linspace(float(advice.curves.time[0]), max(float(advice.curves.time[-1]), end), GFR_POINTS)
    schedule = schedule_for(model, advice.asked, times, rule=advice.recommendation.provenance["covariates"])

    def band(eta: np.ndarray) -> list[tuple[float, ...]]:
        return [rounded(row) for row in np.quantile(parameters(model, schedule, eta)["GFR"], LEVELS, axis=0)]

    prior = band(prior_draws(model, schedule.occasions, GFR_DRAWS, advice.seed))
    updated = band(advice.beliefs[lead].draws[:GFR_DRAWS])
    bands = [
        BandOf("before levels, 90 %", "prior90", prior[0], prior[4]),
        BandOf("updated, 90 %", "updated90", updated[0], updated[4]),
        BandOf("updated, 50 %", "updated50", updated[1], updated[3]),
    ]
    lines = [LineOf("before levels, median", "prior", prior[2]), LineOf("updated, median", "updated", updated[2])]
    step = max(len(times) // 12, 1)
    rows = tuple(
        (
            _moment(advice, float(times[i]), zone),
            f"{times[i]:.1f}",
            narrative.number(prior[2][i]),
            f"{narrative.number(prior[0][i])} to {narrative.number(prior[4][i])}",
            narrative.number(updated[2][i]),
            f"{narrative.number(updated[1][i])} to {narrative.number(updated[3][i])}",
            f"{narrative.number(updated[0][i])} to {narrative.number(updated[4][i])}",
        )
        for i in range(0, len(times), step)
    )
    alt = (
        f"Glomerular filtration in mL/min. At {_moment(advice, advice.now, zone)} about "
        f"{narrative.number(advice.parameters['GFR'][1])} mL/min. The table below has the numbers."
    )
    return Chart(
        "filtration",
        "Glomerular filtration",
        "mL/min",
        "GFR, mL/min",
        _origin(advice),
        float(times[0]),
        float(times[-1]),
        advice.now,
        rounded(times, 7),
        tuple(bands),
        tuple(lines),
        alt=alt,
        head=_head("mL/min"),
        rows=rows,
        zone=zone,
    )
