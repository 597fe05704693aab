"""The kidney in an advice: what it expects as a figure, a table and sentences, and the creatinines it was told."""

from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.quantities import UMOL_PER_MG_DL
from dosetwin.report import narrative
from dosetwin.report.figures import Shown
from dosetwin.report.svg import BLUE, GREEN, INK, ORANGE, VERMILLION, canvas, svg

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.advise.outlook import KidneyOutlook

KIDNEYS = {
    "learned": "learned: networks that correct the filter's forecast of creatinine",
    "filter": "filter: creatinine balance with filtration that changes from day to day",
    "mechanistic": "mechanistic: the model's own creatinine balance, one constant filtration for the whole course",
    "maturation": "maturation: filtration of a typical baby of this size and age; creatinine is not used",
}
"""What each kidney is, in a line."""
BACK_DAYS = 10.0


def lines(kidney: "KidneyOutlook") -> list[str]:
    """What kidney it is, what it expects tomorrow, and how likely an injury is, as sentences."""
    out = [f"Kidney used: {KIDNEYS[kidney.used]}."]
    if kidney.why:
        out[0] = f"{out[0]} Why: {kidney.why}."
    if kidney.asked not in (None, "evidence", kidney.used):
        out[0] = f"Asked for the {kidney.asked} kidney; see the remarks. {out[0]}"
    low, _, middle, _, high = kidney.creatinine[0]
    umol = [f"{v * UMOL_PER_MG_DL:.0f}" for v in (middle, low, high)]
    out.append(
        f"Creatinine expected in {kidney.hours[0]:g} h: {middle:.2f} mg/dL ({umol[0]} µmol/L), a result between {low:.2f} and "
        f"{high:.2f} mg/dL ({umol[1]} to {umol[2]} µmol/L) with 90 % probability."
    )
    low, _, middle, _, high = kidney.GFR[1]
    text = f"Filtration on the day that starts then: {narrative.number(float(middle))} mL/min, 90 % between"
    out.append(f"{text} {narrative.number(float(low))} and {narrative.number(float(high))}.")
    if kidney.clearance is not None:
        out.append(cleared(kidney))
    out.append(injury(kidney))
    return out


def injury(kidney: "KidneyOutlook") -> str:
    """The early warning, or that there is none, with its threshold and where that comes from."""
    from dosetwin.forecast.kidney.warning import INJURY_SOURCE, INJURY_WARNING

    if kidney.injury is None:
        return "Kidney injury is not judged: that needs a kidney that reads creatinine."
    said = "EARLY WARNING" if kidney.warns else "No early warning"
    parts = []
    if len(kidney.unexpected):
        worst = narrative.percent(float(kidney.unexpected.max()))
        parts.append(f"by creatinine, within 3 days, {worst} (KDIGO stage 1 or more)")
    if kidney.clearance is not None:
        fall = narrative.percent(kidney.clearance.p)
        down = f"down by {narrative.percent(1.0 - kidney.clearance.below)} or more"
        if kidney.clearance.p_if_right is not None:
            down += f"; {narrative.percent(kidney.clearance.p_if_right)} if the level in doubt is right"
        parts.append(f"by the drug's clearance, now, {fall} ({down})")
    return (
        f"{said}: {narrative.percent(kidney.injury)} chance of a kidney injury beyond what gestation and age explain: "
        f"{', '.join(parts)}; "
        f"a warning is given from {narrative.percent(INJURY_WARNING)} ({INJURY_SOURCE})."
    )


def cleared(kidney: "KidneyOutlook") -> str:
    """What the drug's levels say of the kidney, as a sentence."""
    fall = kidney.clearance
    if fall is None:
        return ""
    low, middle, high = (f"{100.0 * v:.0f}" for v in fall.ratio)
    what = "what gestation, age, weight and treatment explain"
    counted = "" if fall.p_if_right is None else ", counting the level in doubt"
    return f"Clearance of the drug{counted}: {middle} % of {what} (90 % between {low} and {high} %)."


def rows(kidney: "KidneyOutlook") -> tuple[tuple[str, ...], ...]:
    """The table: one row per day ahead."""

    def band(q: np.ndarray) -> str:
        return f"{narrative.number(float(q[0]))} to {narrative.number(float(q[4]))}"

    out = []
    for k, hour in enumerate(kidney.hours_GFR.tolist()):
        at = np.flatnonzero(np.isclose(kidney.hours, hour))
        first = ("-", "-") if not len(at) else (f"{kidney.creatinine[at[0], 2]:.2f}", band(kidney.creatinine[at[0]]))
        risk = ("-", "-")
        if len(at) and len(kidney.unexpected):
            risk = tuple(narrative.percent(float(p[at[0]])) for p in (kidney.unexpected, kidney.criteria))
        name = "now" if hour == 0 else f"+{hour:g}\u00a0h"
        out.append((name, *first, narrative.number(float(kidney.GFR[k, 2])), band(kidney.GFR[k]), *risk))
    return tuple(out)


HEAD = (
    "when", "creatinine, mg/dL: median", "90 % band of a result", "filtration of the day, mL/min: median", "90 % band",
    "injury, against the expected curve", "injury, by the criteria alone",
)  # fmt: skip


def figure(advice: "Advice") -> Shown | None:
    """Creatinine measured and expected, and filtration expected, with bands; None where no kidney is in use."""
    k = advice.kidney
    if k is None:
        return None
    measured = [(t, v) for t, v in advice.timeline.series("SCR") if advice.now - 24.0 * BACK_DAYS <= t <= advice.now + 1e-9]
    past = np.array([(t - advice.now) / 24.0 for t, _ in measured])
    ahead = k.hours / 24.0
    with canvas(7.4, 2.9, 1, ncols=2, width_ratios=[1.5, 1]) as (drawing, (left, right)):
        left.plot(past, [v for _, v in measured], "s", ms=5.5, mfc=ORANGE, mec=INK, label="measured")
        q = k.creatinine
        left.fill_between(ahead, q[:, 0], q[:, 4], color=BLUE, alpha=0.18, lw=0, label="expected result: 90 % band")
        left.fill_between(ahead, q[:, 1], q[:, 3], color=BLUE, alpha=0.30, lw=0, label="50 % band")
        left.plot(ahead, q[:, 2], "o-", ms=4, color=VERMILLION if k.warns else BLUE, lw=1.6, label="median")
        left.axvline(0.0, color=INK, lw=0.9, ls=":")
        left.set_ylim(bottom=0)
        left.set_xlabel("days from now")
        left.set_ylabel("creatinine, mg/dL")
        days, g = k.hours_GFR / 24.0, k.GFR
        right.fill_between(days, g[:, 0], g[:, 4], color=GREEN, alpha=0.18, lw=0)
        right.fill_between(days, g[:, 1], g[:, 3], color=GREEN, alpha=0.30, lw=0)
        right.plot(days, g[:, 2], "o-", ms=4, color=GREEN, lw=1.6)
        right.set_ylim(bottom=0)
        right.set_xlabel("days from now")
        right.set_ylabel("filtration, mL/min")
        drawing.legend(loc="outside lower center", fontsize=8, ncols=4)
        said = ", ".join(f"{v:.2f}" for _, v in measured) or "none"
        alt = (
            f"Left: creatinine in mg/dL, measured ({said}) and expected one to three days ahead (median "
            f"{', '.join(f'{v:.2f}' for v in q[:, 2])}). Right: filtration in mL/min, now and ahead (median "
            f"{', '.join(narrative.number(float(v)) for v in g[:, 2])}). The table below gives the bands."
        )
        drawn = svg(drawing, "f4", alt)
    return Shown(drawn, alt, HEAD, rows(k))


def told(advice: "Advice", said: Callable[[str], str] = narrative.moment) -> list[dict[str, Any]]:
    """Rows of the table of measurements for creatinines that a kidney outside the model was told, or that are not used at all;
    ``said`` writes an ISO moment."""
    k = advice.kidney
    if k is None or k.used == "mechanistic":
        return []
    seen = {round(i.time, 6): i for i in k.seen}
    out: list[dict[str, Any]] = []
    for o in advice.timeline.observations:
        if o.measures != "SCR":
            continue
        i = seen.get(round(o.time, 6))
        when = advice.timeline.when(o.time)
        odd = i is not None and abs(i.z) > NormalDist().inv_cdf(0.99)
        verdict = f"not used ({k.used})" if i is None else "unusual: check sample, unit and assay" if odd else "as expected"
        out.append({
            "what": "creatinine", "time": f"{o.time:.2f}",
            "moment": said(when.replace(microsecond=0).isoformat()) if when else "",
            "value": f"{o.value:.2f} mg/dL ({o.value * UMOL_PER_MG_DL:.0f} µmol/L)",
            "expected": "-" if i is None else f"{narrative.number(i.expected)} mg/dL",
            "percentile": "-" if i is None else f"{100.0 * NormalDist().cdf(i.z):.1f}", "verdict": verdict, "odd": odd,
            "record": o.record,
        })  # fmt: skip
    return out
