"""What the network is taught: the events of each training baby and the creatinine that came after them, latent and measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dosetwin.forecast.kidney.filter import FilterParameters
from dosetwin.forecast.kidney.learned_inputs import ANCHORS, Events, events
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.quantities.assays import ASSAYS

WITHIN = 8.0
"""h between an anchor and the measured value that stands for it."""


@dataclass(frozen=True, eq=False)
class TrainingBaby:
    """A whole stay and, where it is known, the noise-free creatinine (mg/dL IDMS) at each hour from birth on.

    Synthetic babies know theirs; a hospital's have ``latent`` None and teach by their measured values alone.
    """

    record: WardRecord
    latent: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Lessons:
    """Events with their targets at ANCHORS, natural logs of mg/dL IDMS, NaN where unknown: ``latent`` and ``measured`` [m, 4].

    ``line`` [m, 2] slope and intercept of the baby's assay; ``baby`` [m] its index.
    """

    events: Events
    latent: np.ndarray
    measured: np.ndarray
    line: np.ndarray
    baby: np.ndarray

    def __len__(self) -> int:
        return len(self.events.ptr) - 1


def teachable(record: WardRecord) -> bool:
    """Whether a record can teach: free of errors, and not empty."""
    return not any(f.severity == "error" for f in record.findings) and (len(record.time) > 0 or record.now > 0)


def lessons(
    babies: Sequence[TrainingBaby],
    plain: FilterParameters,
    wide: FilterParameters,
    rng: np.random.Generator,
    *,
    masked: float = 0.0,
    other: FilterParameters | None = None,
) -> Lessons:
    """Events and targets of teachable babies. In a share ``masked`` of them past creatinines are hidden from the network:
    each with probability one half, or, in a third of those babies, all. ``other``: a filter on van Donge's balance,
    to be run too."""
    draws = rng.random((len(babies), 3))
    shown = [_masked(b.record, rng) if u[0] < masked else b.record for b, u in zip(babies, draws, strict=True)]
    shown = [
        replace(r, time=r.time[:0], scr=r.scr[:0]) if u[0] < masked and u[1] < 1 / 3 else r
        for r, u in zip(shown, draws, strict=True)
    ]
    found = events(shown, plain, wide, [24.0 * u for u in draws[:, 2]], other=other)
    counts = np.diff(found.ptr)
    who = np.repeat(np.arange(len(babies)), counts)
    latent, measured = np.full((len(who), len(ANCHORS)), np.nan), np.full((len(who), len(ANCHORS)), np.nan)
    for k, b in enumerate(babies):
        rows = slice(found.ptr[k], found.ptr[k + 1])
        at = found.time[rows, None] + np.array(ANCHORS)
        if b.latent is not None:
            hours = np.arange(len(b.latent))
            latent[rows] = np.interp(at, hours, np.log(b.latent), right=np.nan)
        if len(b.record.time):
            measured[rows] = _next_measured(b.record, found.time[rows], at, found.base[rows])
    line = np.array([ASSAYS[b.record.assay] for b in babies])[who]
    return Lessons(found, latent, measured, line, who)


def _masked(record: WardRecord, rng: np.random.Generator) -> WardRecord:
    keep = rng.random(len(record.time)) < 0.5
    return replace(record, time=record.time[keep], scr=record.scr[keep])


def _next_measured(record: WardRecord, now: np.ndarray, at: np.ndarray, base: np.ndarray) -> np.ndarray:
    """The log of the measured value nearest to each anchor within WITHIN h [m, 4], moved to the anchor by the filter's
    forecast."""
    out = np.full(at.shape, np.nan)
    time, scr = record.time, np.log(record.scr)
    for h in range(1, at.shape[1]):
        k = np.clip(np.searchsorted(time, at[:, h]), 1, max(len(time) - 1, 1))
        left = np.clip(k - 1, 0, len(time) - 1)
        right = np.clip(k, 0, len(time) - 1)
        nearest = np.where(np.abs(time[left] - at[:, h]) <= np.abs(time[right] - at[:, h]), left, right)
        lead = time[nearest] - now
        fits = (np.abs(time[nearest] - at[:, h]) <= WITHIN) & (lead > WITHIN)
        for e in np.flatnonzero(fits):
            out[e, h] = scr[nearest[e]] + base[e, h] - np.interp(lead[e], ANCHORS, base[e])
    return out
