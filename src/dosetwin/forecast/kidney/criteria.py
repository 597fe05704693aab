"""A kidney that turns by what was measured: criteria of injury (neonatal modified KDIGO) on creatinines on record, in words."""

from collections.abc import Sequence

from dosetwin.forecast.tells import Watch
from dosetwin.structure.kidney_injury import BASELINE_WITHIN, RATIOS, RISE, RISE_WITHIN


def turning(values: Sequence[tuple[float, float]]) -> str:
    """Which criterion of stage 1 the last of the creatinines ``values`` (h, mg/dL; oldest first) meets, in words; "" for none."""
    if not values:
        return ""
    at, last = values[-1]
    week = [(t, v) for t, v in values[:-1] if at - t <= BASELINE_WITHIN]
    recent = [v for t, v in week if at - t <= RISE_WITHIN]
    if recent and last - min(recent) >= RISE - 1e-9:
        return f"creatinine rose by {last - min(recent):.2f} mg/dL within {RISE_WITHIN:g} h"
    if week and last >= RATIOS[0] * (low := min(v for _, v in week)):
        return f"creatinine is {last / low:.1f} times the lowest of the last 7 days"
    return ""


WATCH = Watch(
    "SCR", turning, title="Kidney turning", flag="kidney turning", feared="kidney_injury_expected", fear="kidney injury expected",
    note=f"“Kidney turning”: creatinine rose by {RISE} mg/dL within {RISE_WITHIN:g} h, or to {RATIOS[0]} times the lowest of the "
    "last 7 days, or the twin warns that an injury beyond what is expected is coming.",
)  # fmt: skip
