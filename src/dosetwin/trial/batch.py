"""Arms that look at nothing measured (standard rules, fixed nomograms), a chunk of babies at a time: the fast path of a trial.

Each is asked at every dose with what a ward charts (weight of the day, ages, what runs), as ``trial.course`` asks it one baby
at a time; that both give the same doses is tested.
"""

from collections.abc import Callable

import numpy as np

from dosetwin.decide.rules import Facts
from dosetwin.trial.endpoints import Given
from dosetwin.trial.scoring import World, given_from

Says = Callable[[Facts], tuple[float, float]]
"""Facts of a baby at a dose -> mg/kg, h to the next one."""


def facts(of: World, time: np.ndarray) -> list[Facts]:
    """What a ward knows of each baby at its own ``time`` [n] h: weight charted last (daily from the first dose), ages, flags."""
    babies = of.babies
    WT = babies.weight((24.0 * np.floor(time / 24.0))[:, None])[:, 0]
    PNA = babies.PNA + time / 24.0
    on = {name: babies.on(name, time[:, None])[:, 0] for name in ("ibuprofen", "cooling")}
    return [
        Facts(float(w), float(g), float(g + p / 7.0), float(p), bool(i), bool(a), bool(c))
        for w, g, p, i, a, c in zip(WT, babies.GA, PNA, on["ibuprofen"], babies.asphyxia, on["cooling"], strict=True)
    ]


def follow(of: World, says: Says) -> Given:
    """The courses of every baby of a world under a rule."""
    n, horizon = len(of), of.design.course.horizon
    courses: list[tuple[list[float], list[float], float, int]] = [([], [], 0.0, 0) for _ in range(n)]
    time = np.zeros(n)
    while (time < horizon - 1e-9).any():
        known = facts(of, time)
        for i in np.flatnonzero(time < horizon - 1e-9):
            mg_per_kg, interval = says(known[i])
            WT = known[i].WT
            assert WT is not None
            at, amounts, _, drawn = courses[i]
            at.append(float(time[i]))
            amounts.append(mg_per_kg * WT)
            time[i] += interval
            courses[i] = (at, amounts, float(time[i]), drawn)
    return given_from(courses, of.design.course)
