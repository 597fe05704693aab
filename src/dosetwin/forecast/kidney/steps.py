"""A baby's life cut into short steps of constant rates, and the typical creatinine curve that follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.structure.kidney import balance_step, birth_creatinine, creatinine_balance

EFFECTS = ("IBU", "INDO", "COOLING", "REWARMED", "INO")
"""Columns of ``Steps.effect``: ibuprofen, indomethacin, cooling, asphyxia without cooling, inotropes."""
SHORTEST = 1e-3
"""h; what is shorter is no step: two creatinines of one sample."""
STEP = 6.0
"""h; the typical curve is then within 0.2 % of one in quarter hours."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Steps from birth on; arrays [n_steps] unless said otherwise.

    ``dt`` h; ``middle`` age at the step's middle, h; ``into`` mg/dL/h and ``out`` 1/h of the composite balance (typical baby with
    known effects of flags); ``GFR`` mL/min typical; ``from_birth`` share of it that is the rate at birth; ``effect`` [n_steps, 5]
    flags; ``seen`` index of the creatinine measured at the step's end, ``ahead`` index of the horizon there (-1: none);
    ``birth`` typical creatinine at birth, mg/dL.
    """

    GA: float
    birth: float
    dt: np.ndarray
    middle: np.ndarray
    into: np.ndarray
    out: np.ndarray
    GFR: np.ndarray
    from_birth: np.ndarray
    effect: np.ndarray
    seen: np.ndarray
    ahead: np.ndarray

    @cached_property
    def curve(self) -> np.ndarray:
        """Creatinine of the typical baby of this gestation, weight and treatment at the end of each step, mg/dL."""
        S, out = self.birth, np.empty(len(self.dt))
        for k, (into, rate, dt) in enumerate(zip(self.into.tolist(), self.out.tolist(), self.dt.tolist(), strict=True)):
            S = balance_step(S, into, rate, dt)
            out[k] = S
        return out

    @property
    def curve_seen(self) -> np.ndarray:
        """The curve at the measured creatinines [n_measured]."""
        return self.curve[self.seen >= 0]

    @property
    def curve_ahead(self) -> np.ndarray:
        """The curve at the horizons [n_hours]."""
        return self.curve[self.ahead >= 0]


@lru_cache(maxsize=32)
def _steps(record: WardRecord, hours: tuple[float, ...]) -> Steps:
    events = [(t, k, -1) for k, t in enumerate(record.time.tolist())] + [(record.now + h, -1, k) for k, h in enumerate(hours)]
    rows: list[tuple[float, ...]] = []
    effects: list[tuple[float, ...]] = []
    told, t = {name for name, (times, _) in record.flags.items() if times}, 0.0  # of others nothing need be looked up

    def expected(name: str, time: float) -> float:
        return record.expected_flag(name, time) if name in told else 0.0

    def at(name: str, time: float) -> float:
        return record.flag_at(name, time) if name in told else 0.0

    for end, seen, ahead in events:
        first = True
        while first or t < end - 1e-9:
            first = False
            dt = max(min(STEP, end - t), 0.0)
            last = t + dt >= end - 1e-9
            middle = max(t + 0.5 * dt, SHORTEST)
            dt = dt if dt > SHORTEST else 0.0
            ibuprofen, cooled = expected("IBU", middle), expected("COOLING", middle)
            asphyxia = at("ASPHYXIA", middle)
            b = creatinine_balance(record.GA, record.BW, record.weight_at(middle), middle / 24.0, ibuprofen, cooled, asphyxia)
            rows.append((dt, middle, *b, float(seen if last else -1), float(ahead if last else -1)))
            rewarmed = asphyxia * (1.0 - cooled)
            effects.append((ibuprofen, expected("INDO", middle), cooled, rewarmed, at("INO", middle)))
            t = end if last else t + dt
    a = np.array(rows, dtype=np.float64).reshape(-1, 8)
    seen_at, ahead_at = a[:, 6].astype(np.int64), a[:, 7].astype(np.int64)
    effect = np.array(effects, dtype=np.float64).reshape(-1, len(EFFECTS))
    dt, middle, into, out, GFR, share = (np.ascontiguousarray(a[:, k]) for k in range(6))
    return Steps(record.GA, birth_creatinine(record.GA), dt, middle, into, out, GFR, share, effect, seen_at, ahead_at)


def steps_for(record: WardRecord, hours: Sequence[float] = ()) -> Steps:
    """Steps from birth through every creatinine of the record to each of ``hours`` after ``record.now``.

    Weight after ``now`` follows the typical course from the last one; flags are ``record.expected_flag``. The record must be free
    of errors. Remembered for the last few records, so that several forecasters share the work.
    """
    return _steps(record, tuple(float(h) for h in hours))


def expected_curve(record: WardRecord, hours: Sequence[float] = ()) -> tuple[np.ndarray, np.ndarray]:
    """The typical creatinine, mg/dL, at the record's measurements [n_measured] and at ``hours`` after now [n_hours]."""
    steps = steps_for(record, hours)
    return steps.curve_seen, steps.curve_ahead
