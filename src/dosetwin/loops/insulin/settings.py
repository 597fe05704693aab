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
"""Lives a setting is tried in; h at their start that do not count."""
SEEN_LOW, SEEN_VERY_LOW = 0.01, 0.0
"""Shares of the readings below 70 and 54 mg/dL above which no setting may give more insulin, whatever a belief says (assumed):
what was eaten to end a low is rarely on record, and hides how far it would have gone."""
ABOVE, TARGET = 150.0, 110.0
"""mg/dL: above the first a meal's bolus grows with the level; the second is what the basal dose is believed to hold (assumed)."""
_VG, _MG_DL = g.VG, g.MG_DL


@dataclass(frozen=True)
class Settings:
    """What a person on insulin doses by: ``basal`` U/h, ``ratio`` g of carbohydrate a U covers, ``factor`` mg/dL a U lowers."""

    basal: float
    ratio: float
    factor: float

    def words(self) -> str:
        """As a person writes them down."""
        return (
            f"{self.basal:.2f} U/h ({24 * self.basal:.1f} U a day), 1 U for {self.ratio:.0f} g, 1 U for {self.factor:.0f} mg/dL"
        )

    def to_json(self) -> dict[str, float]:
        """Plain data."""
        return {"basal_u_h": round(self.basal, 3), "ratio_g_u": round(self.ratio, 2), "factor_mg_dl_u": round(self.factor, 1)}


@dataclass(frozen=True)
class Lived:
    """What days under some settings came to: shares of time, means over the lives, and in how many of them no bar was broken."""

    settings: Settings
    inside: float
    below70: float
    below54: float
    above: float
    safe: float
    loss: float

    @property
    def acceptable(self) -> bool:
        """Whether low glucose stays inside the bars in enough lives."""
        return self.safe >= SURE - 1e-9

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        shares = {k: round(getattr(self, k), 4) for k in ("inside", "below70", "below54", "above", "safe", "loss")}
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


def judged(settings: Settings, course: Array) -> Lived:
    """Shares of time of the lives, and the glycaemia risk index (Klonoff 2022; recalled) as what is lost."""
    low, very = (course < 70.0).mean(axis=1), (course < 54.0).mean(axis=1)
    high, very_high = (course > 180.0).mean(axis=1), (course > 250.0).mean(axis=1)
    risk = 3.0 * very + 2.4 * (low - very) + 1.6 * very_high + 0.8 * (high - very_high)
    safe = ((low <= LOW) & (very <= VERY_LOW)).mean()
    return Lived(
        settings,
        float(1.0 - low.mean() - high.mean()),
        float(low.mean()),
        float(very.mean()),
        float(high.mean()),
        float(safe),
        float(100.0 * risk.mean()),
    )


@dataclass(frozen=True)
class Chosen:
    """``now`` as things are; ``best`` of all tried that are acceptable, None: none is; ``tried`` from the least loss on; why."""

    now: Lived
    best: Lived | None
    tried: tuple[Lived, ...]
    reasons: tuple[Reason, ...]


TIE = 1.0
"""Points of the risk index below which a change is not worth making (assumed)."""


def choose(present: Settings, days: Days, learned: Learned, *, weight: float, seed: int = 1, draws: int = DRAWS) -> Chosen:
    """The settings of least risk within a step of the present ones whose lows stay inside the bars; the present ones where
    nothing is gained."""
    rows = learned.drawn(draws, np.random.default_rng(seed))
    seen = days.readings[np.isfinite(days.readings)]
    low, very = float((seen < 70.0).mean()), float((seen < 54.0).mean())
    held, beyond = low > SEEN_LOW or very > SEEN_VERY_LOW, low > LOW or very > VERY_LOW
    found = [
        judged(s, lived(present, s, days, learned, rows, weight))
        for b, r, f in product(BASAL, RATIO, FACTOR)
        if not held or (b <= 1.0 <= min(r, f))
        if not beyond or b < 1.0 or r > 1.0 or (b == r == f == 1.0)
        for s in [replace(present, basal=present.basal * b, ratio=present.ratio * r, factor=present.factor * f)]
    ]
    now = next(x for x in found if x.settings == present)
    if beyond:  # lows on record speak for themselves
        found = [replace(x, safe=0.0) if x is now else x for x in found]
        now = next(x for x in found if x.settings == present)
    tried = tuple(sorted(found, key=lambda x: (not x.acceptable, x.loss)))
    fine = [x for x in tried if x.acceptable]
    does = "insulin is taken away, whatever the belief says" if beyond else "no setting may give more insulin"
    lows = Reason("lows_on_record", round(low, 4), LOW if beyond else SEEN_LOW, "1", does)
    shown = (lows,) if held else ()
    if not fine:
        least = min(found, key=lambda x: (x.below54, x.below70))
        text = f"{least.settings.words()} has the fewest lows; look at meals not entered, exercise and doses not told"
        why = "Under every setting within a step lows stay inside the bars in too few of the lives tried"
        none = Reason("no_acceptable_settings", round(tried[0].safe, 3), SURE, "1", why)
        return Chosen(now, None, tried, (*shown, none, Reason("what_would_help", text="Less insulin first: " + text)))
    if now.acceptable and now.loss - fine[0].loss <= TIE:
        text = "No other setting lowers the glycaemia risk index by a point"
        return Chosen(now, now, tried, (*shown, Reason("nothing_gained", round(now.loss, 2), round(fine[0].loss, 2), "", text)))
    # among what is within a tie, the one that changes least
    alike = [x for x in fine if x.loss - fine[0].loss <= TIE]
    best = min(alike, key=lambda x: (_changes(x.settings, present), x.loss))
    risk = "risk index of these days lived again, against that of the present settings"
    safe = "share of lives below 70 mg/dL for at most 4 %, below 54 for at most 1 % of the time"
    reasons = (
        *shown,
        Reason("lowest_risk", round(best.loss, 2), round(now.loss, 2), "", risk),
        Reason("p_no_lows", round(best.safe, 3), SURE, "1", safe),
    )
    return Chosen(now, best, tried, reasons)


def _changes(a: Settings, b: Settings) -> float:
    return sum(abs(np.log(x / y)) > 1e-9 for x, y in ((a.basal, b.basal), (a.ratio, b.ratio), (a.factor, b.factor)))
