"""A ward record as the network reads it: one row of numbers per event of the stay, the filter's belief among them.

Events are the creatinines and one moment a day (the hour of ``now``), so an irregular record is told with its gaps and a network
can answer at any of them; the last event is ``now``. Training and runtime make their rows here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.forecast.kidney._learned_kernel import COLUMNS, FLAG_COUNT, HORIZONS, features
from dosetwin.forecast.kidney.filter import FilterParameters
from dosetwin.forecast.kidney.record import FLAGS, WardRecord, log_weight_z
from dosetwin.forecast.kidney.vandonge import typical
from dosetwin.structure.kidney import birth_creatinine

ANCHORS = (0.0, 24.0, 48.0, 72.0)
"""h after an event at which the network answers."""
STATIC = ("GA", "log_BW", "z_BW", "male", "caesarean", "jaffe", "uncalibrated")
RECENT = (
    "any_past", "measured", "log_since", "log_gap", "log_count", "log_scr", "residual", "change", "log_change_gap",
    "above_lowest", "log_PNA", "PNA", "PMA", "log_WT", "change_from_BW",
)  # fmt: skip
CURVE = ("curve", "curve_24", "curve_48", "curve_72")
FILTER = (
    "miss", "miss_z", "filter", "filter_24", "filter_48", "filter_72", "filter_sd", "filter_sd_24", "production", "birth",
    "mature", "wander", "wander_sd",
)  # fmt: skip
WIDE = tuple(f"wide_{name}" for name in FILTER)
"""The same of a second filter, fitted on babies that stray: it believes less in the typical course."""
EVENT = (*STATIC, *RECENT, *FLAGS, "days_AMINO", "days_VANCO", *CURVE, *FILTER, *WIDE)
"""Columns of ``Events.x``. Of the last creatinine: hours since (log1p of days), ``residual`` its log over the typical curve,
``change`` of that since the one before, ``above_lowest`` its log over the lowest; ``curve_k`` the expected change of log
creatinine in k h; ``filter`` the filter's mean over the curve now, ``filter_k`` what it expects beyond the curve in k h, ``miss``
its error at the last creatinine, then its offsets and SDs. 0 where nothing was measured yet."""
assert len(EVENT) == COLUMNS + len(FILTER)
assert len(ANCHORS) == HORIZONS
assert len(FLAGS) == FLAG_COUNT


@dataclass(frozen=True, eq=False)
class Events:
    """Events of several babies end to end; baby k owns rows ``ptr[k]`` to ``ptr[k + 1]``.

    ``time`` h after birth [m]; ``measured`` [m] whether a creatinine was measured there; ``x`` [m, len(EVENT)]; at ANCHORS after
    each event [m, 4]: ``base`` the wide filter's mean of log creatinine (mg/dL), ``spread`` its SD, ``plain`` the plain
    filter's mean, ``curve`` the log typical curve; ``other`` and ``other_spread`` the same of a filter on another structure, when
    there is one: no input of the network.
    """

    ptr: np.ndarray
    time: np.ndarray
    measured: np.ndarray
    x: np.ndarray
    base: np.ndarray
    spread: np.ndarray
    plain: np.ndarray
    curve: np.ndarray
    other: np.ndarray | None = None
    other_spread: np.ndarray | None = None


def event_times(record: WardRecord, phase: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times h, whether measured, log creatinine (0 elsewhere), each [m]; daily events at ``phase`` h and every 24 h after it."""
    days = np.arange(phase, record.now + 1e-6, 24.0)
    if len(record.time) and len(days):
        days = days[np.abs(days[:, None] - record.time[None, :]).min(axis=1) > 1e-6]
    times = np.concatenate([record.time, days])
    measured = np.concatenate([np.ones(len(record.time)), np.zeros(len(days))])
    log_scr = np.concatenate([np.log(record.scr), np.zeros(len(days))])
    order = np.argsort(times, kind="stable")
    return times[order], measured[order], log_scr[order]


def events(
    records: Sequence[WardRecord],
    plain: FilterParameters,
    wide: FilterParameters,
    phases: Sequence[float] | None = None,
    *,
    other: FilterParameters | None = None,
) -> Events:
    """The events of records free of errors; ``phases`` h of the daily ones (default: that of each record's ``now``); ``other`` a
    filter on van Donge's balance."""
    hours = [r.now % 24.0 for r in records] if phases is None else phases
    rows = [event_times(r, phase) for r, phase in zip(records, hours, strict=True)]
    time, measured, log_scr = (np.concatenate([row[k] for row in rows]) for k in range(3))
    births = np.array([
        [r.GA, r.BW, birth_creatinine(r.GA), log_weight_z(r), r.male, r.caesarean, r.assay == "jaffe",
         r.assay == "enzymatic-uncalibrated"]
        for r in records
    ], dtype=np.float64)  # fmt: skip
    flags = [r.flags.get(name, ((), ())) for r in records for name in FLAGS]
    weights, drugs, ptr = _packed([r.weight for r in records]), _packed(flags), _pointers(len(row[0]) for row in rows)
    found = []
    composite = np.zeros((len(records), 0))
    for q in (plain, wide) if other is None else (plain, wide, other):
        forms = np.array([typical(r.GA) for r in records]) if len(found) == 2 else composite
        x, base, spread, curve = (np.zeros((len(time), k)) for k in (COLUMNS, HORIZONS, HORIZONS, HORIZONS))
        features(
            births, *weights, *drugs, time, measured > 0, ptr, log_scr, forms,
            np.array(q.mean), np.array(q.effect), np.array(q.sd), q.tau, q.prop, q.add, x, base, spread, curve,
        )  # fmt: skip
        found.append((x, base, spread, curve))
    (x, middle, _, curve), (more, base, spread, _) = found[:2]
    joined = np.concatenate([x, more[:, COLUMNS - len(FILTER) :]], axis=1)
    _, second, second_spread, _ = found[2] if other is not None else (None, None, None, None)
    return Events(ptr, time, measured > 0, joined, base, spread, middle, curve, second, second_spread)


def _pointers(lengths) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(list(lengths))]).astype(np.int64)


def _packed(series: Sequence[tuple[tuple[float, ...], tuple[float, ...]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    times = np.array([t for s in series for t in s[0]], dtype=np.float64)
    values = np.array([v for s in series for v in s[1]], dtype=np.float64)
    return times, values, _pointers(len(s[0]) for s in series)
