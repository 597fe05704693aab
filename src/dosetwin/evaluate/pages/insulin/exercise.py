"""An hour of exercise after three ways of giving less insulin: a published trial, the virtual clinic, the loop's belief."""

import numpy as np

from dosetwin.evaluate.check import Check, near
from dosetwin.loops.insulin.tracked import Doubt, Tracked
from dosetwin.populations import type1
from dosetwin.populations.type1.body import NAMES, REST_BPM

SOURCE = (
    "Zaharieva 2019, Diabetes Care 42:824 (abstract), 17 people, 60 min at half the peak oxygen uptake; band: two standard errors"
)
PEOPLE, AGE, EFFORT = 17, 32.0, 0.5
"""Of the trial: people, y (recalled), share of the reserve of the heart rate (taken as that of the oxygen uptake)."""
ARMS = (
    ("stopped", "pump stopped at its begin", 0.0, 0, 164.0, -67.0, 41.0),
    ("fifth", "a fifth of the basal dose from 90 min before", 0.2, 90, 164.0, -31.0, 58.0),
    ("half", "half the basal dose from 90 min before", 0.5, 90, 191.0, -47.0, 50.0),
)
"""Name, words, share of the basal dose, min before, mg/dL at the begin, fall and its SD."""
CAUSE = (
    "both models take too little: neither was fitted to people with type 1 diabetes who stop a pump; in the trial insulin of a "
    "meal may still have acted. No parameter was moved to meet it"
)


def exercise(page: str) -> list[Check]:
    """Six checks: the fall of glucose of the clinic's ten adults, and of the loop's belief of them, under each of the three."""
    found = []
    for name, words, share, before, level, fall, sd in ARMS:
        for who, got in (("clinic", _clinic(share, before, level)), ("belief", _believed(share, before, level))):
            found.append(near(page, f"insulin.exercise_{name}_{who}", f"fall in an hour of exercise, {words}: {who}", who, SOURCE,
                              "paper", fall, got, 2.0 * sd / PEOPLE**0.5, "mg/dL", "two standard errors of the trial",
                              cause=CAUSE))  # fmt: skip
    return found


def _adults() -> type1.Clinic:
    return type1.clinic().of(np.flatnonzero([n.startswith("adult_") for n in type1.names()]))


def _clinic(share: float, before: int, level: float) -> float:
    """Mean change of glucose in blood, mg/dL, from ``level`` on, in the ten adults at rest beforehand."""
    people = _adults()
    states, basal, Vg = people.steady.copy(), people.basal / 60.0, people.parameters[:, NAMES.index("Vg")]
    if before:
        type1.advance(people.parameters, states, np.zeros((len(people), before)), share * basal)
    states[:, (3, 4, 12)] *= (level * Vg / states[:, 3])[:, None]
    effort = np.full(len(people), EFFORT * (220.0 - AGE - REST_BPM))
    type1.advance(people.parameters, states, np.zeros((len(people), 60)), share * basal, effort=effort)
    return float(np.mean(states[:, 3] / Vg - level))


def _believed(share: float, before: int, level: float, gain: float = 1.0) -> float:
    """The same as the loop's belief of these adults has it, exercise ``gain`` times what its sources say."""
    p = _adults()
    n = len(p)
    b = Tracked.first(p.weight, p.basal, p.ratio, p.factor, np.full(n, 120.0), 120.0, Doubt(), 0.45)
    b.own[:, 6] = gain
    dose, none, food = share * p.basal * 5.0 / 60.0, np.full(n, np.nan), np.zeros(n)
    for _ in range(before // 5):
        b.told(none, dose, food, food)
    b.z[:, :3] *= (level / b.z[:, 0])[:, None]
    for _ in range(12):
        b.told(none, dose, food, np.full(n, EFFORT))
    return float(np.mean(b.level - level))
