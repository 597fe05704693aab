"""Simple virtual newborns for tests: the composite balance in steps of an hour, with random offsets that wander."""

from dataclasses import dataclass

import numpy as np

from dosetwin.forecast.kidney.record import WardRecord, ward_record
from dosetwin.structure.growth import birth_weight, weight_after_birth
from dosetwin.structure.kidney import balance_step, birth_creatinine, creatinine_balance


@dataclass(frozen=True, eq=False)
class Baby:
    """A record of the whole stay, and the truth: creatinine mg/dL and filtration mL/min at each hour from birth."""

    record: WardRecord
    scr: np.ndarray
    GFR: np.ndarray


def baby(
    seed: int,
    *,
    days: int = 16,
    sd=(0.25, 0.2, 0.3, 0.35, 0.15),
    tau: float = 36.0,
    prop=0.05,
    add=0.03,
    noise=True,
    GA=None,
    gap=36.0,
) -> Baby:
    """One baby; ``sd`` as in FilterParameters; ``gap`` h: mean interval of creatinines."""
    rng = np.random.default_rng([17, seed])
    GA = float(rng.uniform(24, 41)) if GA is None else GA
    male = float(rng.integers(2))
    BW = birth_weight(GA, male, float(np.clip(rng.normal(), -2, 2)))
    offsets = rng.normal(size=4) * np.array(sd[:4])
    ibuprofen = GA < 30 and rng.random() < 0.3
    flags = {"IBU": ((48.0, 120.0), (1.0, 0.0))} if ibuprofen else {}
    hours = 24 * days + 73
    S, wander = birth_creatinine(GA) * np.exp(offsets[0]), sd[4] * rng.normal()
    fade = np.exp(-1.0 / tau)
    scr, GFR = np.empty(hours), np.empty(hours)
    weights = [BW * weight_after_birth(1.0, GA, h / 24.0) for h in range(hours)]
    for h in range(hours):
        on = float(ibuprofen and 48 <= h < 120)
        b = creatinine_balance(GA, BW, weights[h], (h + 0.5) / 24.0, on)
        factor = np.exp(b.from_birth * offsets[2] + (1 - b.from_birth) * offsets[3] + wander)
        scr[h], GFR[h] = S, b.GFR * factor
        S = balance_step(S, b.into * np.exp(offsets[1]), b.out * factor, 1.0)
        wander = wander * fade + sd[4] * np.sqrt(1 - fade**2) * rng.normal()
    times, t = [], float(rng.integers(2, 30))
    while t < 24 * days:
        times.append(t)
        t += max(6.0, float(round(rng.exponential(gap))))
    truth = scr[np.array(times, dtype=int)]
    error = (prop * truth * rng.normal(size=len(times)) + add * rng.normal(size=len(times))) * noise
    daily = tuple(float(24 * d) for d in range(days + 1))
    weight = (daily, tuple(weights[int(t)] for t in daily))
    seen = np.maximum(truth + error, 0.1)
    return Baby(ward_record(str(seed), GA, BW, times, seen, now=24.0 * days, weight=weight, flags=flags, male=male), scr, GFR)


def cohort(n: int, start: int = 0, **how) -> list[Baby]:
    """``n`` babies, each with its own seed."""
    return [baby(start + k, **how) for k in range(n)]
