"""A planned hour of exercise: how much less basal insulin, how small a bolus and how much to eat for it, lived ahead.

What is believed of a person goes on in the loop's equations (``tracked.py``), in which exercise that is told takes glucose.
By how much differs widely between people: each life draws a gain, spread so that the belief falls as the people of a trial did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosetwin.errors import Reason
from dosetwin.loops.insulin.belief import FADES_MIN
from dosetwin.loops.insulin.learned import Days, Learned
from dosetwin.loops.insulin.tracked import DOUBTED, TOLD, Doubt, Tracked
from dosetwin.structure import glucose as g

Array = NDArray[np.float64]
GAIN, GAIN_SD = 2.2, 0.5
"""Of exercise on muscle, median and SD of its logarithm, set by the first arm of Zaharieva 2019 (Diabetes Care 42:824: -67 mg/dL,
SD 41, in an hour with the pump stopped; its two other arms then agree: a test)."""
LIVES = 40
BASAL, GRAMS, BOLUS = (1.0, 0.5, 0.2), (0.0, 10.0, 20.0, 30.0, 45.0, 60.0), (1.0, 0.75, 0.5)
"""Shares of the basal dose (50 to 80 % less: the trial's), g of carbohydrate at the start, shares of a bolus (recalled)."""
BEFORE_MIN, AFTER_MIN = 90.0, 120.0
"""min before the begin from which on the basal dose is less, and after the end for which lows are counted."""
LOW_CHANCE, TIE = 0.10, 0.02
"""Chance of glucose below 70 mg/dL that a plan may not pass, and what is no difference (assumed)."""
KETONES, SEVERE = 270.0, 54.0
"""mg/dL: from the first on ketones are looked for before exercise; below the second within a day it is not begun (Riddell 2017,
Lancet Diabetes Endocrinol 5:377; recalled)."""


class Session(NamedTuple):
    """Exercise that is planned: begins after ``begins`` min, for ``minutes`` min at ``effort`` (0 to 1, share of the reserve)."""

    begins: float
    minutes: float
    effort: float = 0.5


@dataclass(frozen=True)
class Tried:
    """A plan: share of the basal dose, g at the start, share of the bolus; chance below 70 mg/dL, median level at the end and of
    the least of each life, mg/dL; what it costs."""

    basal: float
    grams: float
    bolus: float
    below70: float
    end: float
    least: float
    cost: float

    def to_json(self) -> dict[str, float]:
        """Plain data."""
        return {
            "basal_share": self.basal,
            "carbs_g": self.grams,
            "bolus_share": self.bolus,
            "p_below70": round(self.below70, 3),
            "end_mg_dl": round(self.end),
            "least_mg_dl": round(self.least),
        }


@dataclass(frozen=True)
class Run:
    """``session``, the plan that is ``best`` of those ``tried``, ``usual``: nothing changed; reasons; whether it is ``fine``."""

    session: Session
    best: Tried
    usual: Tried
    tried: tuple[Tried, ...]
    reasons: tuple[Reason, ...]
    fine: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        s = self.session
        return {
            "begins_min": s.begins, "minutes": s.minutes, "effort": s.effort, "acceptable": self.fine, **self.best.to_json(),
            "unchanged": self.usual.to_json(), "tried": [t.to_json() for t in self.tried],
            "reasons": [r.to_json() for r in self.reasons],
        }  # fmt: skip


def continued(learned: Learned, rows: NDArray[np.int64], weight: float, basal: float, gains: Array) -> Tracked:
    """What ``rows`` of ``learned`` hold at the end of the days, in the loop's equations: weight kg, basal U/h, gains [rows]."""
    x, n, per = learned.states[rows], len(rows), g.MG_DL / (g.VG * weight)
    told, z, own = np.zeros((n, TOLD)), np.zeros((n, DOUBTED)), np.ones((n, 7))
    told[:, :6], told[:, 6:8] = x[:, :6], x[:, 8:10] / (g.AG * g.MMOL_PER_G)
    z[:, 0], z[:, 1], z[:, 2], z[:, 3] = per * x[:, 6], per * x[:, 7], g.MG_DL * x[:, 10], per * x[:, 11]
    own[:, 0], own[:, 1], own[:, 2], own[:, 5], own[:, 6] = weight, 1000.0 * basal / 60.0, learned.scale[rows], 110.0, gains
    return Tracked(told, z, np.zeros((n, DOUBTED, DOUBTED)), own, Doubt(quick_min=FADES_MIN))


def planned(
    session: Session, days: Days, learned: Learned, *, weight: float, basal: float, pen: bool, meal: float = 0.0,
    bolus: float = 0.0, seed: int = 1,
) -> Run:  # fmt: skip
    """What to do for this session: the cheapest plan whose lows stay rare, or the one with fewest.

    weight kg, basal U/h, ``pen`` True: the basal dose cannot be changed; meal g eaten now and its bolus U.
    """
    rng = np.random.default_rng(seed)
    rows = learned.drawn(LIVES, rng)
    order = rng.permutation((np.arange(LIVES) + 0.5) / LIVES)
    gains = GAIN * np.exp(GAIN_SD * np.array([NormalDist().inv_cdf(float(u)) for u in order]))
    plans = list(product((1.0,) if pen else BASAL, GRAMS, BOLUS if bolus > 0.0 else (1.0,)))
    courses = _lived(plans, session, learned, rows, weight, basal, meal, bolus, gains)
    tried = [_tried(plan, course, session) for plan, course in zip(plans, courses, strict=True)]
    usual, least = tried[0], min(t.below70 for t in tried)
    fine = least <= LOW_CHANCE + 1e-9
    able = [t for t in tried if t.below70 <= (LOW_CHANCE + 1e-9 if fine else least + TIE)]
    best = min(able, key=lambda t: t.cost)
    return Run(session, best, usual, tuple(tried), tuple(_why(days, best, usual, fine)), fine)


def _lived(plans, session, learned, rows, weight, basal, meal, bolus, gains) -> Iterator[Array]:
    """Glucose mg/dL [LIVES, steps] under each plan, from now to ``AFTER_MIN`` min after the end."""
    k, n = len(plans), len(rows)
    who = np.tile(rows, k)
    b = continued(learned, who, weight, basal, np.tile(gains, k))
    share, grams, part = (np.repeat([p[j] for p in plans], n) for j in range(3))
    eaten, none = learned.eaten[who], np.full(n * k, np.nan)
    end = session.begins + session.minutes
    steps = round((end + AFTER_MIN) / 5.0)
    out = np.empty((n * k, steps))
    first = round(session.begins / 5.0)
    for i in range(steps):
        minute = 5.0 * i
        less = session.begins - BEFORE_MIN <= minute < end
        dose = basal / 12.0 * (share if less else np.ones(n * k)) + (part * bolus if i == 0 else 0.0)
        food = (meal * eaten if i == 0 else 0.0) + (grams * eaten if i == first else np.zeros(n * k))
        active = session.effort if session.begins <= minute < end else 0.0
        b.told(none, dose, food, np.full(n * k, active))
        out[:, i] = b.level
    return iter(out.reshape(k, n, steps))


def _tried(plan: tuple[float, float, float], course: Array, session: Session) -> Tried:
    end = min(round((session.begins + session.minutes) / 5.0), course.shape[1]) - 1
    cost = np.mean(np.maximum(course - 140.0, 0.0) ** 2 + 20.0 * np.maximum(90.0 - course, 0.0) ** 2)
    low = float((course < 70.0).any(axis=1).mean())
    return Tried(*plan, low, float(np.median(course[:, end])), float(np.median(course.min(axis=1))), float(cost))


def _why(days: Days, best: Tried, usual: Tried, fine: bool) -> Iterator[Reason]:
    seen, day = days.readings[np.isfinite(days.readings)], days.readings[-288:]
    yield Reason("p_below70_exercise", round(best.below70, 3), round(usual.below70, 3), "1", "until two hours after its end")
    if not fine:
        text = "Lows stay too likely under every plan tried: start later, eat first and measure every quarter of an hour"
        yield Reason("exercise_lows_stay", round(best.below70, 3), LOW_CHANCE, "1", text)
    if seen[-1] >= KETONES:
        text = "Glucose is high: look for ketones before exercise; none with ketones of 1.5 mmol/L or more"
        yield Reason("ketones_first", round(float(seen[-1])), KETONES, "mg/dL", text)
    if (day < SEVERE).any():
        text = "Glucose was very low within a day, and the next low comes unnoticed more easily: rather not today"
        yield Reason("low_within_a_day", round(float(np.nanmin(day))), SEVERE, "mg/dL", text)
    text = "Insulin works better in the night after: a fifth less basal insulin for six hours from bedtime on, and an alarm"
    yield Reason("night_after", text=text + " (a habit, not computed here)")
