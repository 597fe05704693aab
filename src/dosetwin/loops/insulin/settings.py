"""Basal rate, carbohydrate ratio and correction factor of one person: the days that were, lived again under others of them."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dosetwin.errors import Reason
from dosetwin.formulary.insulin import BASAL, FACTOR, LOW, RATIO, SURE, VERY_LOW
from dosetwin.loops.insulin.belief import STATES, STEP_MIN, _move
from dosetwin.loops.insulin.learned import Days, Learned
from dosetwin.structure import glucose as g

Array = NDArray[np.float64]
DRAWS, SETTLED_H = 40, 6
"""Lives a bolus is tried in, and a figure shows; h at the start of a life that do not count."""
FALLS, MOVES, TAIL = 1.0 / 3.0, 0.6, 0.1
"""What is counted of lows that a belief says would fall away and of highs that would change (``judged``; both set by
eye); the worst lives."""
SEEN_LOW, SEEN_VERY_LOW = 0.01, 0.0
"""Shares of the readings below 70 and 54 mg/dL above which no setting may give more insulin, whatever a belief says (assumed):
what was eaten to end a low is rarely on record, and hides how far it would have gone."""
ABOVE, TARGET = 150.0, 110.0
"""mg/dL: above the first a meal's bolus grows with the level; the second is what the basal dose is believed to hold (assumed)."""
_VG, _MG_DL = g.VG, g.MG_DL


@dataclass(frozen=True)
class Settings:
    """What a person on insulin doses by: ``basal`` U/h, ``ratio`` g of carbohydrate a U covers, ``factor`` mg/dL a U lowers;
    ``pen`` U that a pen gives at a time (0: a pump), whose long-acting insulin is a day's basal dose."""

    basal: float
    ratio: float
    factor: float
    pen: float = 0.0

    def times(self, basal: float, ratio: float, factor: float) -> "Settings":
        """These times some numbers. A pen's long-acting dose goes to its next step on the way, never beyond the number."""
        rate = self.basal * basal
        if self.pen:
            steps = 24.0 * rate / self.pen
            whole = np.floor(steps + 1e-6) if basal > 1.0 else np.ceil(steps - 1e-6) if basal < 1.0 else steps
            rate = float(whole) * self.pen / 24.0
        return replace(self, basal=rate, ratio=self.ratio * ratio, factor=self.factor * factor)

    def words(self) -> str:
        """As a person writes them down."""
        if self.pen:
            return f"{24 * self.basal:g} U long-acting once a day, 1 U for {self.ratio:.0f} g, 1 U for {self.factor:.0f} mg/dL"
        return (
            f"{self.basal:.2f} U/h ({24 * self.basal:.1f} U a day), 1 U for {self.ratio:.0f} g, 1 U for {self.factor:.0f} mg/dL"
        )

    def to_json(self) -> dict[str, float]:
        """Plain data."""
        long = {"long_u": round(24.0 * self.basal, 2)} if self.pen else {}
        return long | {
            "basal_u_h": round(self.basal, 3),
            "ratio_g_u": round(self.ratio, 2),
            "factor_mg_dl_u": round(self.factor, 1),
        }


@dataclass(frozen=True)
class Lived:
    """What is expected of some settings: shares of time, ``safe`` the share of the lives in which no bar is broken, ``loss`` the
    glycaemia risk index, ``worst`` by how much the time below 70 mg/dL grows in the worst tenth of the lives (negative: falls),
    ``gains`` the share of the lives in which the risk index falls."""

    settings: Settings
    inside: float
    below70: float
    below54: float
    above: float
    safe: float
    loss: float
    worst: float
    gains: float

    @property
    def acceptable(self) -> bool:
        """Whether low glucose stays inside the bars in enough lives."""
        return self.safe >= SURE - 1e-9

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        shares = {
            k: round(getattr(self, k), 4) for k in ("inside", "below70", "below54", "above", "safe", "loss", "worst", "gains")
        }
        return {**self.settings.to_json(), **shares, "acceptable": self.acceptable}


@njit(cache=True, error_model="numpy", inline="always")
def _bolus(x, food, basal, ratio, factor, weight, above, t_insulin):  # pragma: no cover: compiled
    """U beside ``food`` g: what the ratio asks for, and the part of a correction that depends on the level.

    Above a border a person corrects down to a target; the step at the border is left out on purpose, since two courses that
    differ by 1 mg/dL there would else be given a unit more or less.
    """
    level = x[6] / (_VG * weight) * _MG_DL
    rest = 2.0 * 1000.0 * basal / 60.0 * t_insulin  # mU under the skin under the basal dose alone
    return food / ratio + max((level - above) / factor - max(x[0] + x[1] - rest, 0.0) / 1000.0, 0.0)


@njit(cache=True, error_model="numpy")
def _live(
    rows, first, scale, eaten, moved, insulin, food, now, new, weight, above, t_insulin, t_food, out
):  # pragma: no cover: compiled
    """``now``, ``new``: (basal, ratio, factor) of the days as they were and as they are tried."""
    K, T = out.shape
    x, y = np.empty(STATES), np.empty(STATES)
    for k in range(K):
        r = rows[k]
        x[:] = first[r]
        y[:] = first[r]
        for i in range(T):
            given = 1000.0 * insulin[i] / STEP_MIN
            other = insulin[i] + (new[0] - now[0]) * STEP_MIN / 60.0
            if food[i] > 0.0:
                other += _bolus(y, food[i], new[0], new[1], new[2], weight, above, t_insulin)
                other -= _bolus(x, food[i], now[0], now[1], now[2], weight, above, t_insulin)
            come = eaten[r] * food[i] / STEP_MIN
            _move(x, given, come, weight, scale[r], t_insulin, t_food, float(STEP_MIN), 2)
            _move(y, 1000.0 * max(other, 0.0) / STEP_MIN, come, weight, scale[r], t_insulin, t_food, float(STEP_MIN), 2)
            for j in range(STATES):
                x[j] += moved[r, i, j]
                y[j] += moved[r, i, j]
            for j in range(STATES - 1):
                y[j] = max(y[j], 0.0)
            out[k, i] = y[6] / (_VG * weight) * _MG_DL


def lived(present: Settings, settings: Settings, days: Days, learned: Learned, rows: NDArray[np.int64], weight: float) -> Array:
    """Glucose mg/dL [draws, n] of these days under ``settings`` instead of the ``present`` ones they were spent under, in the
    lives that ``rows`` of ``learned`` stand for.

    What the days do not explain is lived again as it was; under the present settings the course is the one that was believed.
    Meals' boluses change by what the two settings ask for at the two courses' levels; other boluses stay.
    """
    out = np.empty((len(rows), len(days.readings)))
    now, new = (np.array([s.basal, s.ratio, s.factor]) for s in (present, settings))
    _live(rows, learned.first, learned.scale, learned.eaten, learned.moved, days.insulin, days.food, now, new, weight, ABOVE,
          g.TMAX_I, g.TMAX_G, out)  # fmt: skip
    return out[:, SETTLED_H * 60 // STEP_MIN :]


def shares(course: Array) -> Array:
    """Shares of the time below 70, below 54, above 180, above 250 mg/dL and the glycaemia risk index (Klonoff 2022; recalled)
    [..., 5] of courses mg/dL [..., n]."""
    low, very, high, very_high = (f.mean(axis=-1) for f in (course < 70.0, course < 54.0, course > 180.0, course > 250.0))
    return np.stack([low, very, high, very_high, _risk(low, very, high, very_high)], axis=-1)


def _risk(low: Array, very: Array, high: Array, very_high: Array) -> Array:
    return 100.0 * (3.0 * very + 2.4 * (low - very) + 1.6 * very_high + 0.8 * (high - very_high))


def judged(settings: Settings, seen: Array, changed: Array, weights: Array) -> Lived:
    """What is expected of ``settings``: what the monitor saw [5] and, in each life, by how much the shares change [k, 5].

    Of lows that a belief says would fall away a third is counted, of highs six tenths either way, of lows that would come all:
    on people whom no judgement was made on beliefs overrated all three by about that much, since lives lived again know neither
    what is eaten to end a low nor the boluses a person corrects with.
    """
    counted = np.column_stack([
        *(np.where(changed[:, j] > 0.0, changed[:, j], FALLS * changed[:, j]) for j in (0, 1)),
        *(MOVES * changed[:, j] for j in (2, 3)),
    ])  # fmt: skip
    mean = np.maximum(seen[:4] + weights @ counted, 0.0)
    each = seen[:2] + counted[:, :2]
    safe = weights @ ((each[:, 0] <= LOW) & (each[:, 1] <= VERY_LOW))
    gain = _risk(*counted.T)
    order = np.argsort(changed[:, 0])
    worst = changed[order, 0][np.argmax(np.cumsum(weights[order]) >= 1.0 - TAIL - 1e-9)]
    return Lived(
        settings, float(1.0 - mean[0] - mean[2]), float(mean[0]), float(mean[1]), float(mean[2]), float(safe),
        float(max(seen[4] + weights @ gain, 0.0)), float(worst), float(weights @ (gain < 0.0)),
    )  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """``now`` as things are; ``best`` of all tried that are acceptable, None: none is; ``tried`` from the least loss on; why."""

    now: Lived
    best: Lived | None
    tried: tuple[Lived, ...]
    reasons: tuple[Reason, ...]


TIE = 1.0
"""Points of the risk index below which a change is not worth making (assumed)."""


def choose(present: Settings, days: Days, learned: Learned, *, weight: float) -> Chosen:
    """The settings of least risk within a step of the present ones that bring no more lows in the worst lives and most surely a
    gain; the present ones where nothing is gained. Lows on record beyond the bars ask for a step of less insulin, whatever the
    belief says, also where the step alone will not do.
    """
    rows, weights = learned.likely()
    seen = shares(days.readings[np.isfinite(days.readings)])
    low, very = float(seen[0]), float(seen[1])
    held, beyond = low > SEEN_LOW or very > SEEN_VERY_LOW, low > LOW or very > VERY_LOW
    was = shares(lived(present, present, days, learned, rows, weight))
    found = [
        judged(s, seen, shares(lived(present, s, days, learned, rows, weight)) - was, weights)
        for b, r, f in product(BASAL, RATIO, FACTOR)
        if not held or (b <= 1.0 <= min(r, f))
        if not beyond or b < 1.0 or r > 1.0 or (b == r == f == 1.0)
        for s in [present.times(b, r, f)]
        if s != present or b == r == f == 1.0
    ]
    now = next(x for x in found if x.settings == present)
    others = [x for x in found if x is not now]
    fine = [x for x in others if x.worst <= 1e-9 and (beyond or (x.acceptable and x.gains >= SURE - 1e-9))]
    tried = tuple(sorted(found, key=lambda x: (x not in fine and x is not now, x.loss)))
    does = "insulin is taken away, whatever the belief says" if beyond else "no setting may give more insulin"
    shown = (Reason("lows_on_record", round(low, 4), LOW if beyond else SEEN_LOW, "1", does),) if held else ()
    if beyond and not fine:
        least = min(others, key=lambda x: (x.below54, x.below70))
        text = f"{least.settings.words()} has the fewest lows; look at meals not entered, exercise and doses not told"
        why = "Under every setting within a step lows grow in the worst of the lives tried"
        none = Reason("no_acceptable_settings", round(min(x.worst for x in others), 4), 0.0, "1", why)
        return Chosen(now, None, tried, (*shown, none, Reason("what_would_help", text="Less insulin first: " + text)))
    least_loss = min((x.loss for x in fine), default=now.loss)
    if not beyond and now.loss - least_loss <= TIE:
        text = "No other setting within a step lowers the glycaemia risk index by a point, without more lows in the worst lives"
        return Chosen(now, now, tried, (*shown, Reason("nothing_gained", round(now.loss, 2), round(least_loss, 2), "", text)))
    # among what is within a tie, the one that changes least
    alike = [x for x in fine if x.loss - least_loss <= TIE]
    best = min(alike, key=lambda x: (_changes(x.settings, present), x.loss))
    step = "Lows may stay beyond the bars after this step: ask again after some days; look at meals not entered, exercise, doses"
    reasons = (
        *shown,
        *(() if best.acceptable else (Reason("a_step_only", round(best.safe, 3), SURE, "1", step),)),
        Reason("lowest_risk", round(best.loss, 2), round(now.loss, 2), "", "risk index expected, against that of these days"),
        Reason("lows_in_the_worst", round(best.worst, 4), 0.0, "1", "change of the time below 70 mg/dL in the worst lives"),
        Reason("p_no_lows", round(best.safe, 3), SURE, "1", "share of lives whose lows stay inside the bars"),
    )
    return Chosen(now, best, tried, reasons)


def _changes(a: Settings, b: Settings) -> float:
    return sum(abs(np.log(x / y)) > 1e-9 for x, y in ((a.basal, b.basal), (a.ratio, b.ratio), (a.factor, b.factor)))
