"""A kidney's own words: what it is, what it expects, whether it warns, as sentences, panels and a table for any page."""

from statistics import NormalDist

import numpy as np

from dosetwin.errors import number, percent
from dosetwin.forecast.kidney.outlook import KidneyOutlook
from dosetwin.forecast.kidney.warning import INJURY_SOURCE, INJURY_WARNING
from dosetwin.forecast.section import Heard, Panel, Section
from dosetwin.quantities import UMOL_PER_MG_DL
from dosetwin.records import Timeline

KIDNEYS = {
    "learned": "learned: networks that correct the filter's forecast of creatinine",
    "filter": "filter: creatinine balance with filtration that changes from day to day",
    "mechanistic": "mechanistic: the model's own creatinine balance, one constant filtration for the whole course",
    "maturation": "maturation: filtration of a typical baby of this size and age; creatinine is not used",
}
"""What each kidney is, in a line."""
BACK_DAYS = 10.0
"""Creatinines of so many days stand in the figure."""
ODD_Z = NormalDist().inv_cdf(0.99)
"""SDs from what was expected beyond which a creatinine is called unusual."""


def section(kidney: KidneyOutlook, timeline: Timeline, now: float) -> Section:
    """Everything a page says of the kidney in use for the facts of ``timeline``, ``now`` h."""
    past = tuple((t - now, v) for t, v in timeline.series("SCR") if now - 24.0 * BACK_DAYS <= t <= now + 1e-9)
    by_model = kidney.used == "mechanistic"
    *said, warning = lines(kidney)
    return Section(
        code="kidney", name="Kidney", title="The kidney, and what it expects", used=kidney.used, lines=tuple(said),
        said=warning, warns=kidney.warns, flag="kidney injury expected",
        remedy="Measure creatinine and urine output again, look for nephrotoxic drugs.",
        panels=(
            Panel("SCR", "creatinine", "mg/dL", kidney.hours, kidney.creatinine, past, kidney.warns, by_model),
            Panel("GFR", "filtration", "mL/min", kidney.hours_GFR, kidney.GFR),
        ),
        note="Creatinine is what the laboratory would report, assay error included. Filtration rests on creatinine and on the "
        "drug's levels; each point is the mean of the day that starts there.",
        head=HEAD, rows=rows(kidney),
        caption=f"What the {kidney.used} kidney expects. Injury: creatinine criteria of KDIGO stage 1 or more, beyond what is "
        f"expected for gestation and age, and alone; the warning level is {INJURY_SOURCE}.",
        heard=heard(kidney, timeline),
        heard_as="Creatinine: in what was expected after the creatinines before it." if kidney.used in ("learned", "filter")
        else "",
    )  # fmt: skip


def lines(kidney: KidneyOutlook) -> list[str]:
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
    text = f"Filtration on the day that starts then: {number(float(middle))} mL/min, 90 % between"
    out.append(f"{text} {number(float(low))} and {number(float(high))}.")
    if kidney.clearance is not None:
        out.append(cleared(kidney))
    out.append(injury(kidney))
    return out


def injury(kidney: KidneyOutlook) -> str:
    """The early warning, or that there is none, with its threshold and where that comes from."""
    if kidney.injury is None:
        return "Kidney injury is not judged: that needs a kidney that reads creatinine."
    said = "EARLY WARNING" if kidney.warns else "No early warning"
    parts = []
    if len(kidney.unexpected):
        worst = percent(float(kidney.unexpected.max()))
        parts.append(f"by creatinine, within 3 days, {worst} (KDIGO stage 1 or more)")
    if kidney.clearance is not None:
        fall = percent(kidney.clearance.p)
        down = f"down by {percent(1.0 - kidney.clearance.below)} or more"
        if kidney.clearance.p_if_right is not None:
            down += f"; {percent(kidney.clearance.p_if_right)} if the level in doubt is right"
        parts.append(f"by the drug's clearance, now, {fall} ({down})")
    return (
        f"{said}: {percent(kidney.injury)} chance of a kidney injury beyond what gestation and age explain: "
        f"{', '.join(parts)}; "
        f"a warning is given from {percent(INJURY_WARNING)} ({INJURY_SOURCE})."
    )


def cleared(kidney: KidneyOutlook) -> str:
    """What the drug's levels say of the kidney, as a sentence."""
    fall = kidney.clearance
    if fall is None:
        return ""
    low, middle, high = (f"{100.0 * v:.0f}" for v in fall.ratio)
    what = "what gestation, age, weight and treatment explain"
    counted = "" if fall.p_if_right is None else ", counting the level in doubt"
    return f"Clearance of the drug{counted}: {middle} % of {what} (90 % between {low} and {high} %)."


def rows(kidney: KidneyOutlook) -> tuple[tuple[str, ...], ...]:
    """The table: one row per day ahead."""

    def band(q: np.ndarray) -> str:
        return f"{number(float(q[0]))} to {number(float(q[4]))}"

    out = []
    for k, hour in enumerate(kidney.hours_GFR.tolist()):
        at = np.flatnonzero(np.isclose(kidney.hours, hour))
        first = ("-", "-") if not len(at) else (f"{kidney.creatinine[at[0], 2]:.2f}", band(kidney.creatinine[at[0]]))
        risk = ("-", "-")
        if len(at) and len(kidney.unexpected):
            risk = tuple(percent(float(p[at[0]])) for p in (kidney.unexpected, kidney.criteria))
        name = "now" if hour == 0 else f"+{hour:g}\u00a0h"
        out.append((name, *first, number(float(kidney.GFR[k, 2])), band(kidney.GFR[k]), *risk))
    return tuple(out)


HEAD = (
    "when", "creatinine, mg/dL: median", "90 % band of a result", "filtration of the day, mL/min: median", "90 % band",
    "injury, against the expected curve", "injury, by the criteria alone",
)  # fmt: skip


def heard(kidney: KidneyOutlook, timeline: Timeline) -> tuple[Heard, ...]:
    """The creatinines that a kidney outside the model was told, or that are not used at all; none of one in the model."""
    if kidney.used == "mechanistic":
        return ()
    seen = {round(i.time, 6): i for i in kidney.seen}
    out = []
    for o in timeline.observations:
        if o.measures != "SCR":
            continue
        i = seen.get(round(o.time, 6))
        odd = i is not None and abs(i.z) > ODD_Z
        verdict = f"not used ({kidney.used})" if i is None else "unusual: check sample, unit and assay" if odd else "as expected"
        expected, place = (None, None) if i is None else (i.expected, 100.0 * NormalDist().cdf(i.z))
        out.append(Heard(o.time, "SCR", o.value, o.record, verdict, odd, expected, place))
    return tuple(out)
