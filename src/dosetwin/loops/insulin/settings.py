"""Basal rate, carbohydrate ratio and correction factor of one person: the days that were, lived again under others of them."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dosetwin.errors import Reason
from dosetwin.loops.insulin.belief import STATES, STEP_MIN, _move
from dosetwin.loops.insulin.learned import Days, Learned
from dosetwin.structure import glucose as g

Array = NDArray[np.float64]
DRAWS, SETTLED_H = 40, 6
"""Lives a setting is tried in; h at their start that do not count."""
BASAL, RATIO, FACTOR = (0.8, 0.9, 1.0, 1.1), (0.9, 1.0, 1.1, 1.25), (0.9, 1.0, 1.1, 1.25)
"""Steps of a setting, relative to the present one: at most a tenth more insulin at once, a fifth less (usual steps are 10 to
20 %, recalled; more caution upwards is ours)."""
SEEN_LOW, SEEN_VERY_LOW = 0.01, 0.0
"""Shares of the readings below 70 and 54 mg/dL above which no setting may give more insulin, whatever a belief says (assumed):
what was eaten to end a low is rarely on record, and hides how far it would have gone."""
LOW, VERY_LOW = 0.04, 0.01
"""Shares of time below 70 and 54 mg/dL that nobody's settings may pass (Battelino 2019, Diabetes Care 42:1593; recalled)."""
SURE = 0.8
"""Share of the lives in which both must hold (assumed)."""
ABOVE, TARGET = 150.0, 110.0
"""mg/dL: a correction is added from the first on, down to the second (assumed)."""
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


@njit(cache=True, error_model="numpy")
def _live(first, scale, eaten, other, food, basal, ratio, factor, weight, above, target, t_insulin, t_food, out):
    # pragma: no cover: compiled
    K, T = other.shape
    x = np.empty(STATES)
    for k in range(K):
        x[:] = first[k]
        rest = 2.0 * 1000.0 * basal / 60.0 * t_insulin  # mU under the skin under the basal dose alone
        for i in range(T):
            level = x[6] / (_VG * weight) * _MG_DL
            dose = basal * STEP_MIN / 60.0
            if food[i] > 0.0:
                still = max(x[0] + x[1] - rest, 0.0) / 1000.0
                over = (level - target) / factor if level > above else min((level - target) / factor, 0.0)
                dose += max(food[i] / ratio + (max(over - still, 0.0) if over > 0.0 else over), 0.0)
            x[11] = other[k, i]
            _move(
                x,
                1000.0 * dose / STEP_MIN,
                eaten[k] * food[i] / STEP_MIN,
                weight,
                scale[k],
                t_insulin,
                t_food,
                float(STEP_MIN),
                1,
            )
            out[k, i] = x[6] / (_VG * weight) * _MG_DL


def lived(settings: Settings, days: Days, learned: Learned, rows: NDArray[np.int64], weight: float) -> Array:
    """Glucose mg/dL [draws, n] of these days under ``settings``, in the lives that ``rows`` of ``learned`` stand for."""
    out = np.empty((len(rows), len(days.readings)))
    _live(
        learned.first[rows],
        learned.scale[rows],
        learned.eaten[rows],
        learned.other[rows],
        days.food,
        settings.basal,
        settings.ratio,
        settings.factor,
        weight,
        ABOVE,
        TARGET,
        g.TMAX_I,
        g.TMAX_G,
        out,
    )
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
        judged(s, lived(s, days, learned, rows, weight))
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
    does = "less insulin, whatever the belief says" if beyond else "no setting may give more insulin"
    lows = Reason("lows_on_record", round(low, 4), LOW if beyond else SEEN_LOW, "1", f"share of readings below 70 mg/dL: {does}")
    shown = (lows,) if held else ()
    if not fine:
        least = min(found, key=lambda x: (x.below54, x.below70))
        text = f"{least.settings.words()} has the fewest lows; look at meals not entered, exercise and doses not told"
        why = "lows stay inside the bars in too few lives under any of the settings within a step"
        none = Reason("no_acceptable_settings", round(tried[0].safe, 3), SURE, "1", why)
        return Chosen(now, None, tried, (*shown, none, Reason("what_would_help", text="less insulin first: " + text)))
    if now.acceptable and now.loss - fine[0].loss <= TIE:
        text = "no other setting lowers the risk index by a point"
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
