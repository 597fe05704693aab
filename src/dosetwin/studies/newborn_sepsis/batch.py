"""Arms that look at nothing measured (standard rules, fixed nomograms), a chunk of babies at a time: the fast path of a trial.

Each is asked when ``trial.course`` asks it (at time 0, then after each dose when results would be back) and with what a ward
charts by then (weight of the day, ages, what runs); that both give the same doses is tested.
"""

from collections.abc import Callable

import numpy as np

from dosetwin.decide.look_ahead.outlook import DT as GRID
from dosetwin.declare import Facts
from dosetwin.studies.newborn_sepsis.endpoints import Given
from dosetwin.studies.newborn_sepsis.scoring import World, given_from

Says = Callable[[Facts, bool], tuple[float, float]]
"""Facts of a baby, and whether this is its first dose -> mg/kg, h from the dose before."""
REVIEW_AFTER, REVIEW_LATEST = 1.0, 12.0
"""h: the next dose is decided this long after a dose plus the laboratory's turnaround, at the latest 12 h after it."""


def facts(of: World, time: np.ndarray, who: np.ndarray) -> list[Facts]:
    """What a ward knows of babies ``who`` at their own ``time`` [m] h: weight charted last (daily), ages, what runs."""
    b = of.babies.take(who)
    WT = b.weight(24.0 * np.floor(time[:, None] / 24.0 + 1e-9))[:, 0]
    PNA = b.PNA + time / 24.0
    runs = {name: b.on(name, time[:, None] + 1e-9)[:, 0] for name in ("ibuprofen", "cooling")}
    return [
        Facts(WT=w, GA=g, PMA=g + p / 7.0, PNA=p, IBU=float(i), ASPHYXIA=float(a), COOLING=float(c))
        for w, g, p, i, a, c in zip(
            WT.tolist(), b.GA.tolist(), PNA.tolist(), runs["ibuprofen"].tolist(), b.asphyxia.tolist(), runs["cooling"].tolist(),
            strict=True,
        )
    ]  # fmt: skip


def _up(time: np.ndarray) -> np.ndarray:
    return np.ceil(time / GRID - 1e-9) * GRID


def follow(of: World, says: Says) -> Given:
    """The courses of every baby of a world under a table."""
    n, course, late = len(of), of.design.course, of.design.sampling.turnaround_h
    courses: list[tuple[list[float], list[float], float, int]] = [([], [], 0.0, 0) for _ in range(n)]
    last, now, open_ = np.zeros(n), np.zeros(n), np.arange(n)
    first = True
    while len(open_):
        known = facts(of, now[open_], open_)
        amount, time = np.empty(len(open_)), np.empty(len(open_))
        for j, f in enumerate(known):
            mg_per_kg, interval = says(f, first)
            assert f.WT is not None
            amount[j] = mg_per_kg * f.WT
            time[j] = 0.0 if first else last[open_[j]] + interval
        time = np.round(np.maximum(_up(time), now[open_]), 6)
        for j, i in enumerate(open_):
            at, amounts, _, drawn = courses[i]
            if time[j] < course.horizon - 1e-9:
                at.append(float(time[j]))
                amounts.append(float(amount[j]))
            else:
                courses[i] = (at, amounts, min(float(time[j]), course.end), drawn)
        inside = time < course.horizon - 1e-9
        open_, time = open_[inside], time[inside]
        last[open_] = time
        now[open_] = np.minimum(_up(time + REVIEW_AFTER + late), time + REVIEW_LATEST)
        first = False
    return given_from(courses, course)
