"""A replay patient by patient: each level beside the 90 % bands foretold, before and after the patient's own levels."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

PATIENTS = 24
"""Patients drawn; those with the most levels come first."""
WIDE, HIGH, LEFT, FOOT = 340.0, 150.0, 40.0, 22.0


def by_patient(forecasts: Sequence[Mapping[str, Any]], unit: str) -> list[dict[str, Any]]:
    """``name`` and drawing (``svg``) of patients with a foretold level whose bands the file holds; none of an older file's."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for f in forecasts:
        if f.get("updated_high") is not None and not f["blq"]:
            found.setdefault(str(f["subject"]), []).append(f)
    chosen = sorted(found.items(), key=lambda x: -len(x[1]))[:PATIENTS]
    return [{"name": name, "svg": Markup(drawn(name, rows, unit))} for name, rows in chosen]


def drawn(name: str, rows: Sequence[Mapping[str, Any]], unit: str) -> str:
    """One patient as SVG: time against level; grey the band before any level, blue with the earlier ones, dots measured."""
    from dosetwin.serve.web.charts import ticks

    times = [float(f["time"]) for f in rows]
    top = 1.05 * max(float(f[k]) for f in rows for k in ("observed", "prior_high", "updated_high")) or 1.0
    start, span = min(times), max(max(times) - min(times), 1.0)

    def x(t: float) -> float:
        return LEFT + 14 + (WIDE - LEFT - 28) * (t - start) / span

    def y(v: float) -> float:
        return 8 + (HIGH - FOOT - 8) * (1 - max(v, 0.0) / top)

    inside = sum(float(f["updated_low"]) <= float(f["observed"]) <= float(f["updated_high"]) for f in rows)
    out = [f'<svg class="chart" viewBox="0 0 {WIDE:g} {HIGH:g}" role="img" '
           f'aria-label="{escape(name)}: {inside} / {len(rows)}, {escape(unit)}">']  # fmt: skip
    for v in ticks(top, 3):
        out.append(f'<text class="tick" x="{LEFT - 6:g}" y="{y(v) + 4:.1f}" text-anchor="end">{v:g}</text>')
        out.append(f'<line class="grid" x1="{LEFT:g}" x2="{WIDE - 4:g}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>')
    for t, f in zip(times, rows, strict=True):
        for side, shift in (("prior", -3.5), ("updated", 3.5)):
            low, high = y(float(f[f"{side}_low"])), y(float(f[f"{side}_high"]))
            out.append(
                f'<line class="span {side}" x1="{x(t) + shift:.1f}" x2="{x(t) + shift:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
            )
        out.append(f'<circle class="point" cx="{x(t):.1f}" cy="{y(float(f["observed"])):.1f}" r="3.5"/>')
    out += [f'<text class="tick" x="{x(t):.1f}" y="{HIGH - 4:g}" text-anchor="middle">{t:g} h</text>'
            for t in dict.fromkeys((times[0], times[-1]))]  # fmt: skip
    return "".join([*out, "</svg>"])
