"""Stopping a drug around a procedure: how probable it is that so many days are enough, and when the drug works again."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dosetwin.advise.answer import Advice
from dosetwin.errors import InputError
from dosetwin.records import DoseEvent

STOPS = (2, 3, 4, 5, 6, 7)
"""Days without a dose that are tried."""
AFTER_D = 14
ENOUGH = 0.9
"""Probability of being below the border that counts as safe (assumed)."""
DRAWS = 200


@dataclass(frozen=True)
class Stop:
    """``days`` without a dose before the procedure: probability that it is safe then, median of what is watched then."""

    days: int
    p_safe: float
    median: float


@dataclass(frozen=True)
class Paused:
    """``at`` h of the procedure; every stop tried; the fewest days that are ``enough`` (None: none); ``advised`` days: the
    guideline's, or more where those are not enough; days ``unprotected`` before and after it with a median below the range."""

    at: float
    stops: tuple[Stop, ...]
    enough: int | None
    advised: int
    unprotected: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "days_without_a_dose": self.advised, "days_enough": self.enough,
            "stops": [{"days": s.days, "p_safe": round(s.p_safe, 3), "median": round(s.median, 2)} for s in self.stops],
            "days_unprotected_before": self.unprotected[0], "days_unprotected_after": self.unprotected[1],
        }  # fmt: skip


def pause(advice: Advice, at: float) -> Paused:
    """What follows from stopping the recommended order before a procedure at ``at`` h and beginning it again after it.

    Raises InputError where there is no order, the therapy says nothing of procedures, or the time is too short or too long.
    """
    from dosetwin.simulate import predict, schedule_for

    asked = advice.therapy.diary.pause if advice.therapy.diary is not None else None
    if asked is None:
        raise InputError("the therapy says nothing of procedures", where="--procedure", value=advice.therapy.name)
    order = advice.regimen
    if order is None:
        raise InputError("nothing is recommended that could be stopped", where="--procedure", value=advice.recommendation.status)
    if not 24.0 * max(STOPS) <= at - advice.now <= 24.0 * 60:
        raise InputError("time to the procedure", where="--procedure", value=f"{(at - advice.now) / 24:.1f} days",
                         allowed=f"{max(STOPS)} to 60 days after the moment of the decision",
                         remedy="sooner: the clinic decides with an INR, and vitamin K if need be")  # fmt: skip
    k = int(np.argmax(advice.weights))
    model, draws = advice.models[k], advice.beliefs[k].draws[:DRAWS]
    column = list(model.outputs).index(model.measured_by(advice.therapy.watched) or next(iter(model.outputs)))
    begin, end = at + asked.begin_h, at + 24.0 * AFTER_D
    times = np.concatenate([at - 24.0 * np.arange(max(STOPS), -1, -1.0), at + 24.0 * np.arange(1.0, AFTER_D + 1)])
    doses = order.doses(end)

    def played(days: int) -> np.ndarray:
        given = [d for d in doses if d.time < at - 24.0 * days + 12.0]
        again = [DoseEvent(begin + 24.0 * j, d.amount, d.duration) for j, d in enumerate(x for x in doses if x.time >= at - 1e-9)]
        known = advice.asked.append(*given, *(d for d in again if d.time < end))
        found = predict(model, schedule_for(model, known, times, rule=advice.question.rule), draws)
        return found.value[found.ok][:, :, column]

    stops, courses = [], {}
    for days in STOPS:
        course = courses[days] = played(days)
        there = course[:, max(STOPS)]
        stops.append(Stop(days, float((there < asked.below).mean()), float(np.median(there))))
    enough = next((s.days for s in stops if s.p_safe >= ENOUGH), None)
    advised = asked.days if enough is None else max(asked.days, enough)
    median = np.median(courses[advised], axis=0)
    low = median < asked.low
    return Paused(at, tuple(stops), enough, advised, (int(low[: max(STOPS)].sum()), int(low[max(STOPS) :].sum())))
