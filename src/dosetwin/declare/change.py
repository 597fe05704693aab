"""How one drug changes the clearance of another, as data: size with its spread, growth with dose, how it comes and goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dosetwin.declare.channels import COMPONENTS
from dosetwin.declare.tables import Provenance
from dosetwin.declare.told import Course
from dosetwin.errors import ModelError
from dosetwin.records import DoseEvent, Timeline

DAY = 24.0
RUNS_H = 48.0
"""h after its last dose for which a drug beside is taken to go on as it was: a change must not be missed for a late record."""
AHEAD_D = 63
"""Days after now that are told: three horizons of warfarin."""
ROWS = 48
"""Most rows of a course: a longer one holds each for several days."""


@dataclass(frozen=True)
class Change:
    """What ``drug`` does to a clearance: called with the facts of every drug, a course of the log ratio (None: nothing).

    ``ratio`` of clearance with to without at ``per_day`` (in the drug's unit) for long, ``sd`` of its log between patients. With
    x, the dose a day over ``per_day``, the ratio is 1 + (ratio - 1) x^``power`` where it rises (induction) and
    1 / (1 + (1/ratio - 1) x^``power``) where it falls (inhibition); x counts up to ``most``, the highest dose studied. x follows
    the dose with half-time ``on_h`` upwards and ``off_h`` downwards: the drug's own accumulation, the turnover of the enzyme.
    ``flag``: a model that reads this covariate has the effect itself and is told nothing. Where the flag has the drug's own name,
    a record that has it on and no dose of the drug counts as the usual dose; of a flag of several drugs no size is guessed.
    ``source`` with ``provenance``.
    """

    drug: str
    ratio: float
    sd: float
    per_day: float
    on_h: float
    off_h: float
    source: str
    provenance: Provenance
    power: float = 1.0
    most: float = 1.0
    flag: str = ""

    def __post_init__(self) -> None:
        ok = self.ratio > 0 and self.ratio != 1 and self.sd >= 0 and min(self.per_day, self.on_h, self.off_h, self.power) > 0
        if not (ok and self.most >= 1):
            raise ModelError(f"change by {self.drug}: a ratio above 0 and not 1, no negative sd, the rest above 0, most >= 1")

    @property
    def own_flag(self) -> str:
        """The flag where it is of this drug alone, else ""."""
        return self.flag if self.flag == self.drug.upper() else ""

    def log_ratio(self, x: np.ndarray) -> np.ndarray:
        """Log of clearance over that without the drug, at ``x`` times the usual dose."""
        grown = np.clip(x, 0.0, self.most) ** self.power
        if self.ratio > 1:
            return np.log1p((self.ratio - 1.0) * grown)
        return -np.log1p((1.0 / self.ratio - 1.0) * grown)

    def __call__(self, timeline: Timeline, now: float, planned: Sequence[DoseEvent] = ()) -> Course | None:
        """The course of the log ratio from the first dose to ``AHEAD_D`` days after ``now`` h.

        What is given ``now`` goes on as it was unless ``planned`` doses of it say what will be given (one of 0: it ends).
        """
        given = self._given(timeline, now, planned)
        if not given:
            return None
        first, end = min(given), now + AHEAD_D * DAY
        days = max(math.ceil((end - first) / DAY), 1)
        dose = np.zeros(days)
        for at, amount in given.items():
            if at < end:
                dose[min(int((at - first + 1e-6) / DAY), days - 1)] += amount / self.per_day
        up, down = 0.5 ** (DAY / self.on_h), 0.5 ** (DAY / self.off_h)
        x = np.zeros(days + 1)
        for k, target in enumerate(dose):
            x[k + 1] = target + (x[k] - target) * (up if target > x[k] else down)
        every = math.ceil(days / ROWS)
        start = np.arange(0, days, every)
        middle = np.array([0.5 * (x[k] + x[min(k + every, days)]) for k in start])
        mean = self.log_ratio(middle)
        loadings = np.zeros((len(mean) + 1, COMPONENTS))
        loadings[1:, 0] = self.sd * mean / math.log(self.ratio)
        before = min([first, *(r.time for r in (*timeline.doses, *timeline.covariates, *timeline.observations))]) - DAY
        return Course(np.append(before, first + DAY * start), np.append(0.0, mean), loadings)

    def _given(self, timeline: Timeline, now: float, planned: Sequence[DoseEvent]) -> Mapping[float, float]:
        """Time h -> amount of everything that was given and will be."""
        known = timeline.until(now)
        doses = [e for d in known.doses if (d.drug or known.drug) == self.drug for e in d.expanded()]
        will = [e for d in planned if d.drug == self.drug for e in d.expanded() if e.time >= now - 1e-9]
        flagged = _on(known, self.own_flag, now) if self.own_flag and not doses else []
        given = dict.fromkeys(flagged, self.per_day)
        for e in (*doses, *will):
            given[e.time] = given.get(e.time, 0.0) + e.amount
        if will or not given:
            return given
        end = now + AHEAD_D * DAY
        times = sorted(given)
        every = min(max(times[-1] - times[-2], 1.0), RUNS_H) if len(times) > 1 else DAY
        runs = known.series(self.own_flag)[-1][1] != 0 if flagged else now - times[-1] <= RUNS_H
        if runs:
            given |= {float(t): given[times[-1]] for t in np.arange(times[-1] + every, end, every)}
        return given


def _on(known: Timeline, flag: str, now: float) -> list[float]:
    """A time h for each day or part of one that a flag on record is on by ``now``."""
    series = [*known.series(flag), (now, 0.0)]
    return [float(t) for (a, on), (b, _) in pairwise(series) if on for t in np.arange(a, max(b, a + 1.0), DAY)]


def combined(courses: Sequence[Course]) -> Course:
    """Several changes at once: log ratios add up, each with a standard normal effect of its own (the last one holds the rest).

    One alone is itself. Independent of each other: assumed.
    """
    if len(courses) == 1:
        return courses[0]
    start = np.unique(np.concatenate([c.start for c in courses]))
    mean, loadings = np.zeros(len(start)), np.zeros((len(start), COMPONENTS))
    for k, c in enumerate(courses):
        at = np.searchsorted(c.start, start, side="right") - 1
        there = at >= 0
        mean += np.where(there, c.mean[at], 0.0)
        own = np.where(there, np.sqrt((c.loadings**2).sum(axis=1))[at], 0.0)
        into = min(k, COMPONENTS - 1)
        loadings[:, into] = np.hypot(loadings[:, into], own)
    return Course(start, mean, loadings)
