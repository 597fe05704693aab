"""Kidney injury in newborns by creatinine: KDIGO stages and gestation-specific criteria, alone and against the expected curve.

A healthy baby of 24 weeks goes from 0.4 to 0.9 mg/dL in three days, which the criteria alone call stage 2. Judged against the
curve expected for gestational and postnatal age, only what exceeds the expected change counts; where creatinine should have
fallen and did not, that counts too. Plain functions; times h ascending, creatinine mg/dL.
Sources: neonatal KDIGO as in BMC Nephrol s12882-020-01945-z, table 1 (creatinine only: no urine output, no dialysis);
thresholds by gestation from the AWAKEN cohort, PMC6377843 (levels 1 and 2: ours; reference: lowest in 7 d, as in KDIGO: assumed).
"""

from collections.abc import Sequence
from typing import NamedTuple

RISE, RISE_WITHIN = 0.3, 48.0
"""mg/dL within h: stage 1."""
BASELINE_WITHIN = 168.0
"""h back in which the lowest earlier value is the baseline."""
RATIOS = (1.5, 2.0, 3.0)
"""Times the baseline: stages 1, 2, 3."""
FAILURE = 2.5
"""mg/dL: stage 3 whatever came before."""
AWAKEN_GA = 29.0
AWAKEN_YOUNGER, AWAKEN_OLDER = (0.3, 0.6), (0.1, 0.3)
"""Rises, mg/dL, for GA up to 29 wk and above."""


class Injury(NamedTuple):
    """Judgement on one creatinine: KDIGO stage 0-3 and AWAKEN level 0-2, by the criteria alone and against the expected curve."""

    time: float
    kdigo: int
    kdigo_unexpected: int
    awaken: int
    awaken_unexpected: int


def kdigo_stage(scr: float, rise: float, ratio: float) -> int:
    """Stage 0-3 of a creatinine ``scr`` mg/dL that rose by ``rise`` mg/dL in 48 h and is ``ratio`` times the lowest in 7 d."""
    if ratio >= RATIOS[2] or scr >= FAILURE:
        return 3
    if ratio >= RATIOS[1]:
        return 2
    return 1 if ratio >= RATIOS[0] or rise >= RISE else 0


def awaken_level(GA: float, rise: float) -> int:
    """Level 0-2 of a ``rise`` mg/dL above the lowest earlier value at a gestational age of ``GA`` wk."""
    thresholds = AWAKEN_YOUNGER if GA <= AWAKEN_GA else AWAKEN_OLDER
    return sum(rise >= t for t in thresholds)


def judge_last(GA: float, times: Sequence[float], scr: Sequence[float], expected: Sequence[float]) -> Injury:
    """The last of a baby's creatinines, judged by those before it; ``expected`` mg/dL at the same times.

    A first creatinine has nothing to rise from: only FAILURE can be met. Raises ValueError on unequal lengths or none.
    """
    if not len(times) == len(scr) == len(expected) or not len(times):
        raise ValueError("times, scr and expected need one value per creatinine")
    now, value, usual = times[-1], scr[-1], expected[-1]
    # rises are rounded to 1e-9 mg/dL: 0.8 - 0.5 is 0.3 to the laboratory, not to binary fractions
    week = [(s, e) for t, s, e in zip(times[:-1], scr[:-1], expected[:-1], strict=True) if now - t <= BASELINE_WITHIN]
    days = [(s, e) for t, s, e in zip(times[:-1], scr[:-1], expected[:-1], strict=True) if now - t <= RISE_WITHIN]
    rise = max((round(value - s, 9) for s, _ in days), default=0.0)
    excess = max((round(value - s - (usual - e), 9) for s, e in days), default=0.0)
    ratio = max((round(value / s, 9) for s, _ in week), default=1.0)
    beyond = max((round((value / s) / (usual / e), 9) for s, e in week), default=1.0)
    week_rise = max((round(value - s, 9) for s, _ in week), default=0.0)
    week_excess = max((round(value - s - (usual - e), 9) for s, e in week), default=0.0)
    return Injury(
        now, kdigo_stage(value, rise, ratio), kdigo_stage(value, excess, beyond),
        awaken_level(GA, week_rise), awaken_level(GA, week_excess),
    )  # fmt: skip


def judge(GA: float, times: Sequence[float], scr: Sequence[float], expected: Sequence[float]) -> tuple[Injury, ...]:
    """Every creatinine of a baby, each judged by those before it (see ``judge_last``)."""
    return tuple(judge_last(GA, times[: k + 1], scr[: k + 1], expected[: k + 1]) for k in range(len(times)))
