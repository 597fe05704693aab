"""Moments at which a forecast is asked for, what turned out, and to which groups they belong.

From a synthetic cohort (``of_cohort``: noise-free and measured targets, conditions, hidden injury) or from anybody's ward records
(``of_records``: measured targets only).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.forecast.kidney.record import FLAGS, WardRecord
from dosetwin.populations.newborn_kidney.babies import BANDS
from dosetwin.populations.newborn_kidney.cohort import KidneyCohort
from dosetwin.populations.newborn_kidney.records import records
from dosetwin.quantities.assays import ASSAYS
from dosetwin.structure.kidney_injury import BASELINE_WITHIN, FAILURE, RATIOS, RISE, RISE_WITHIN

HOURS = (24.0, 48.0, 72.0)
NEAR = 8.0
"""h: a measurement this close to the horizon is its measured target, the nearest one."""
WINDOW = 72.0
"""h: a treatment that ran at the moment or up to this long before it puts the moment into its group."""
INJURED = 0.1
"""Fall of log clearance by a hidden injury, now or within WINDOW ahead, that puts a moment into that group."""
EVERY = 3
"""Days from one moment of the daily grid to the next of the same baby."""
GA_BANDS = ("GA < 29", "GA 29 to < 36", "GA >= 36")
CONDITIONS = ("none", "ibuprofen", "cooled asphyxia", "inotropes", "hidden injury")
CONDITION_FLAGS = {"ibuprofen": ("IBU", "INDO"), "cooled asphyxia": ("COOLING",), "inotropes": ("INO",)}


@dataclass(frozen=True, eq=False)
class Origins:
    """Moments [n]: ``baby`` index into ``stays`` (whole records), ``now`` h after birth.

    Targets [n, 3] at HOURS in mg/dL on the baby's own assay, NaN where there is none: ``latent`` noise-free (NaN also once the
    baby is home), ``measured`` as the laboratory reported it. ``line`` [n, 2]: slope and intercept of the assay to IDMS.
    ``group`` name -> bool [n]. ``GFR`` [n, 3] mL/min, ``onset`` / ``injury`` [n] 1, 0 or NaN (not at risk): KDIGO stage 1 by the
    noise-free course, or a hidden injury, begins within WINDOW.
    """

    stays: Sequence[WardRecord]
    baby: np.ndarray
    now: np.ndarray
    latent: np.ndarray
    measured: np.ndarray
    line: np.ndarray
    group: dict[str, np.ndarray]
    GFR: np.ndarray
    onset: np.ndarray
    injury: np.ndarray

    def __len__(self) -> int:
        return len(self.now)

    def records(self) -> list[WardRecord]:
        """What was known at each moment."""
        return [self.stays[b].until(t) for b, t in zip(self.baby.tolist(), self.now.tolist(), strict=True)]


def of_cohort(cohort: KidneyCohort) -> dict[str, Origins]:
    """``measured``: right after each measurement; ``daily``: noon of days on the ward, before any measurement too.

    Of the days each baby gives every ``EVERY``-th, the first one by its number, so that all days are met.
    """
    stays, m, hidden = records(cohort), cohort.seen.measurements, cohort.hidden
    lines = np.array([ASSAYS[str(a)] for a in cohort.seen.babies["ASSAY"]])
    begins = kdigo_course(hidden.SCR)
    found = {}
    days = cohort.seen.daily
    some = (days["t_h"].astype(np.int64) // 24 + days["ID"]) % EVERY == 0
    for name, table in (("measured", m), ("daily", {k: days[k][some] for k in ("ID", "t_h")})):
        baby, now = table["ID"].astype(np.int64), table["t_h"].astype(np.float64)
        hour = now.astype(np.int64)
        ahead = hour[:, None] + np.array(HOURS, dtype=np.int64)
        here = ahead < hidden.leaves[baby][:, None]
        latent = np.where(here, hidden.latent[baby[:, None], ahead], np.nan)
        soon = hour[:, None] + np.arange(int(WINDOW) + 1)
        hurt = np.any(hidden.injury[baby[:, None], soon] > INJURED, axis=1)
        stage = begins[baby[:, None], soon]
        at_risk = here[:, 0]
        onset = np.where(at_risk & ~stage[:, 0], stage.any(axis=1), np.nan)
        due = hidden.onset[baby] - now
        injury = np.where(at_risk & (due > 0.0), due <= WINDOW, np.nan)
        found[name] = Origins(
            stays, baby, now, latent,
            next_measured(baby, now, m["ID"], m["t_h"].astype(np.float64), m["mg_dL"]),
            lines[baby], groups(stays, baby, now, hurt), np.where(here, hidden.GFR[baby[:, None], ahead], np.nan), onset, injury,
        )  # fmt: skip
    return found


def of_records(stays: Sequence[WardRecord]) -> Origins:
    """Moments right after each creatinine of ward records, with measured targets (mg/dL on the record's own assay) alone."""
    baby = np.concatenate([np.full(len(r.time), k) for k, r in enumerate(stays)]).astype(np.int64)
    now = np.concatenate([r.time for r in stays]).astype(np.float64)
    scr = np.concatenate([r.scr for r in stays])
    line = np.array([ASSAYS[r.assay] for r in stays])[baby]
    printed = (scr - line[:, 1]) / line[:, 0]
    none = np.full((len(now), len(HOURS)), np.nan)
    found = groups(stays, baby, now, np.zeros(len(now), dtype=bool))
    return Origins(
        stays, baby, now, none, next_measured(baby, now, baby, now, printed), line, found, none, none[:, 0], none[:, 0]
    )


def next_measured(baby: np.ndarray, now: np.ndarray, who: np.ndarray, time: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The measurement nearest to ``now`` + HOURS and within NEAR of it, after ``now``: [n, 3], NaN without.

    ``who``, ``time`` h, ``value`` [m] are all measurements, sorted by baby and time.
    """
    out = np.full((len(now), len(HOURS)), np.nan)
    begin, end = np.searchsorted(who, baby), np.searchsorted(who, baby, side="right")
    for o in range(len(now)):
        t = time[begin[o] : end[o]]
        for k, hour in enumerate(HOURS):
            gap = np.where(t > now[o] + 1e-9, np.abs(t - now[o] - hour), np.inf)
            if len(gap) and gap.min() <= NEAR:
                out[o, k] = value[begin[o] + int(np.argmin(gap))]
    return out


def groups(stays: Sequence[WardRecord], baby: np.ndarray, now: np.ndarray, hurt: np.ndarray) -> dict[str, np.ndarray]:
    """Everybody, each band of charted GA, each of CONDITIONS (a moment can be in several), and band by condition."""
    GA = np.array([r.GA for r in stays])[baby]
    band = np.searchsorted(BANDS, GA, side="right")
    of = {name: _ran(stays, baby, now, flags) for name, flags in CONDITION_FLAGS.items()}
    of["hidden injury"] = hurt
    of = {"none": ~np.any(list(of.values()), axis=0)} | of
    found = {"all": np.ones(len(now), dtype=bool)}
    found |= {name: band == k for k, name in enumerate(GA_BANDS)} | of
    return found | {f"{name}, {c}": (band == k) & of[c] for k, name in enumerate(GA_BANDS) for c in CONDITIONS}


def _ran(stays: Sequence[WardRecord], baby: np.ndarray, now: np.ndarray, flags: Sequence[str]) -> np.ndarray:
    """Whether any of ``flags`` was up at ``now`` or in the WINDOW before it."""
    out = np.zeros(len(now), dtype=bool)
    rows: dict[int, list[tuple[float, float]]] = {}
    for k, r in enumerate(stays):
        for name in flags:
            times, values = r.flags.get(name, ((), ()))
            for t, v, end in zip(times, values, [*times[1:], np.inf], strict=False):
                if v:
                    rows.setdefault(k, []).append((t, end))
    for o, (b, t) in enumerate(zip(baby.tolist(), now.tolist(), strict=True)):
        out[o] = any(start <= t and end >= t - WINDOW for start, end in rows.get(b, ()))
    return out


def kdigo_course(SCR: np.ndarray) -> np.ndarray:
    """Whether a course [n, H+1] of hourly noise-free creatinine, mg/dL, meets KDIGO stage 1 by the criteria at each hour."""
    from scipy.ndimage import minimum_filter1d

    def lowest(hours: float) -> np.ndarray:
        w = int(hours)
        return minimum_filter1d(SCR, w + 1, axis=1, mode="constant", cval=np.inf, origin=(w + 1) // 2 if w % 2 else w // 2)

    return (lowest(BASELINE_WITHIN) * RATIOS[0] <= SCR) | (SCR - lowest(RISE_WITHIN) >= RISE) | (SCR >= FAILURE)


def packed_flags(stays: Sequence[WardRecord]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ptr, times, values) of all flags, baby by baby in the order of FLAGS."""
    return packed([r.flags.get(name, ((), ())) for r in stays for name in FLAGS])


def packed(series: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ptr, times, values) of several series end to end."""
    ptr = np.concatenate([[0], np.cumsum([len(s[0]) for s in series])]).astype(np.int64)
    times = np.array([t for s in series for t in s[0]], dtype=np.float64)
    values = np.array([v for s in series for v in s[1]], dtype=np.float64)
    return ptr, times, values
