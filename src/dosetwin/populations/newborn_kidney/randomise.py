"""Babies of truth A whose kidneys, production and assay stray from it in ways no equation knows: generic domain randomisation.

A network trained on plain truth A believes A's equations. Here every baby strays from them at random and without a label:
filtration falls or leaps and comes back, drifts slowly, production drifts, the constants of the baby are wider than A's
between-baby variances, the chart's gestational age is off, the assay reads by a gain of its own. All ranges are declared in
``Ranges``; they are broad guesses, wide enough to hold most of what a kidney might do, and were taken from no other truth.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dosetwin.errors import InputError
from dosetwin.populations.newborn.draws import normals, uniforms
from dosetwin.populations.newborn_kidney.babies import Babies, birth_creatinine, draw
from dosetwin.populations.newborn_kidney.cohort import (
    HORIZONS_H,
    Hidden,
    KidneyCohort,
    Seen,
    _changes,
    _charted_births,
    _days,
    _results,
    babies_weighed,
)
from dosetwin.populations.newborn_kidney.parameters import PARAMETERS, Hospitals, Parameters
from dosetwin.populations.newborn_kidney.sampling import assay_lines, on_own_assay, sample
from dosetwin.populations.newborn_kidney.truth import Course, Luck, _composite, luck

Between = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """How far randomised babies stray; a pair is drawn from uniformly, where marked * on the log scale. All assumed.

    Excursions of log filtration: none with probability ``calm``, else 1 to ``excursions`` a baby, from any hour of the stay, of
    exponential size with mean ``size``, at most ``size_max``, downwards with probability ``down``; ``rise_h``* time constant of
    coming, ``hold_h`` how long it is held, ``fade_h``* time constant of going; with probability ``noticed`` the ward samples as
    for any sick baby. Drifts (Ornstein-Uhlenbeck) of log filtration and log production: SD ``drift`` and ``drift_production``
    of each baby, time constant ``drift_h``*. ``wider``: factor on A's between-baby scores. ``shift``: SD of a baby's own log
    offset of clearance, of production, and of creatinine at birth; ``pace`` of its age of half maturation; ``leak``: factor on
    back-leak. ``gain``: SD of the log gain of an assay. ``GA_error``: SD, wk, of the chart's gestational age.
    """

    calm: float = 0.5
    excursions: int = 2
    size: float = 0.6
    size_max: float = 2.5
    down: float = 0.75
    rise_h: Between = (3.0, 72.0)
    hold_h: Between = (0.0, 240.0)
    fade_h: Between = (12.0, 360.0)
    noticed: float = 0.5
    drift: Between = (0.0, 0.30)
    drift_production: Between = (0.0, 0.20)
    drift_h: Between = (24.0, 480.0)
    wider: Between = (0.8, 1.5)
    shift: float = 0.30
    pace: float = 0.60
    leak: Between = (0.0, 2.0)
    gain: float = 0.05
    GA_error: float = 0.4

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return asdict(self)


RANGES = Ranges()


def _between(u: np.ndarray, limits: Between, *, log: bool = False) -> np.ndarray:
    low, high = np.log(limits) if log else limits
    value = low + u * (high - low)
    return np.exp(value) if log else value


def _excursions(u: np.ndarray, leaves: np.ndarray, hours: int, r: Ranges) -> tuple[np.ndarray, np.ndarray]:
    """Change of log filtration [n, hours], and the part of it that a ward notices, as a fall [n, hours]; ``u`` [n, 1 + 7 k]."""
    n = len(u)
    total, noticed = np.zeros((n, hours)), np.zeros((n, hours))
    count = np.where(u[:, 0] < r.calm, 0.0, 1.0 + np.floor((u[:, 0] - r.calm) / (1.0 - r.calm) * r.excursions))
    for k in range(r.excursions):
        v = u[:, 1 + 7 * k : 8 + 7 * k].T
        onset = v[0] * leaves
        size = np.minimum(-r.size * np.log1p(-v[1]), r.size_max) * np.where(v[2] < r.down, -1.0, 1.0) * (count > k)
        rise, fade = _between(v[3], r.rise_h, log=True), _between(v[5], r.fade_h, log=True)
        hold = _between(v[4], r.hold_h)
        t = np.arange(hours)[None, :] + 0.5 - onset[:, None]
        came = -np.expm1(-np.clip(np.minimum(t, hold[:, None] + 2.0 * rise[:, None]), 0.0, None) / rise[:, None])
        gone = np.exp(-np.clip(t - hold[:, None] - 2.0 * rise[:, None], 0.0, None) / fade[:, None])
        shape = size[:, None] * came * gone
        total += shape
        noticed += np.where((v[6] < r.noticed)[:, None], np.maximum(-shape, 0.0), 0.0)
    return total, noticed


def _slow(z: np.ndarray, sd: np.ndarray, tau: np.ndarray, hours: int) -> np.ndarray:
    """Drifts [n, hours] with SD and time constant (h) of each baby's own, from scores [n, hours // 12 + 2], linear between."""
    knots = z.shape[1]
    keep = np.exp(-12.0 / tau)
    x = np.empty_like(z)
    x[:, 0] = z[:, 0]
    for k in range(1, knots):
        x[:, k] = keep * x[:, k - 1] + np.sqrt(1.0 - keep**2) * z[:, k]
    at = np.arange(hours) / 12.0
    low = at.astype(int)
    part = at - low
    return sd[:, None] * (x[:, low] * (1.0 - part) + x[:, low + 1] * part)


def randomised(
    n: int,
    seed: int,
    *,
    noise: str = "low",
    hospitals: str = "home",
    ranges: Ranges = RANGES,
    parameters: Parameters = PARAMETERS,
) -> KidneyCohort:
    """``n`` babies of truth A that stray at random; baby i depends on (seed, noise, hospitals, i) only, not on n.

    Births, care, wards and the equations are truth A's own. Raises InputError for an unknown noise or group, or no baby.
    """
    if noise not in parameters.noise:
        raise InputError("unknown noise level", where="randomised babies", value=noise, allowed=", ".join(parameters.noise))
    if hospitals not in ("home", "outside"):
        raise InputError("unknown group of hospitals", where="randomised babies", value=hospitals, allowed="home, outside")
    if n < 1:
        raise InputError("a cohort needs a baby", where="randomised babies", value=n, allowed=">= 1")
    p, r = parameters, ranges
    group = p.home if hospitals == "home" else p.outside
    z = normals(seed, "kidney/randomised/constants", n, 6)
    babies = draw(n, seed, group, p)
    babies = replace(babies, GA_charted=np.clip(babies.GA_charted + r.GA_error * np.clip(z[:, 5], -2.5, 2.5), 22.5, 43.5))
    hours = 24 * p.days + max(HORIZONS_H)
    plain = luck("A", babies, seed, hours, p)
    u = uniforms(seed, "kidney/randomised", n, 7 + 7 * r.excursions)
    slow = normals(seed, "kidney/randomised/drift", n, 2 * (hours // 12 + 2))
    leaves = np.minimum(babies.leaves, 24.0 * p.days)
    strayed, fall = _excursions(u[:, 6:], leaves, hours, r)
    tau = _between(u[:, 2], r.drift_h, log=True), _between(u[:, 3], r.drift_h, log=True)
    drift = _slow(slow[:, ::2], _between(u[:, 0], r.drift), tau[0], hours)
    produced = np.exp(_slow(slow[:, 1::2], _between(u[:, 1], r.drift_production), tau[1], hours) + r.shift * z[:, 1:2])
    eta = plain.eta * _between(u[:, 4], r.wider)[:, None]
    eta[:, 2] += r.pace / p.A.sd_PNA50 * z[:, 4]
    eta[:, 6] += np.log(np.maximum(_between(u[:, 5], r.leak), 1e-3)) / p.A.sd_leak
    wander = plain.wander + strayed + drift + r.shift * z[:, :1]
    chance = Luck(eta, wander, np.zeros_like(plain.injury), plain.onset)
    at = _composite(babies, chance, p.A, p.care.asphyxia_h)
    SCR, GFR = np.empty((n, hours + 1)), np.empty((n, hours + 1))
    SCR[:, 0] = birth_creatinine(babies, p.birth) * np.exp(p.A.sd_S0 * chance.eta[:, 5] + r.shift * z[:, 2])
    for h in range(hours):
        inflow, rate, GFR[:, h] = at(h)
        steady = inflow * produced[:, h] / rate
        SCR[:, h + 1] = steady + (SCR[:, h] - steady) * np.exp(-rate)
    GFR[:, hours] = GFR[:, hours - 1]
    # an assay's own gain belongs to what it shows without noise: the ward, and the target, see creatinine through it
    SCR *= np.exp(r.gain * z[:, 3:4])
    course = Course(SCR, GFR, np.concatenate([fall, fall[:, -1:]], axis=1))
    return observed("A", seed, noise, babies, course, chance.onset, group, leaves, p)


def observed(
    truth: str, seed: int, noise: str, babies: Babies, course: Course, onset: np.ndarray, group: Hospitals, leaves: np.ndarray,
    p: Parameters,
) -> KidneyCohort:  # fmt: skip
    """The cohort of babies whose creatinine and filtration took this course: what a ward samples and charts, and what is true."""
    SCR, GFR = course.SCR, course.GFR
    drawn = sample(babies, course, group, p.noise[noise], seed, p, leaves=leaves)
    latent = on_own_assay(SCR, *(line[:, None] for line in assay_lines(babies, group)))
    who, t = drawn.baby, drawn.t_h
    weighed = babies_weighed(babies, seed, p)
    scored = {"ID": who, "t_h": t, "LATENT": drawn.latent, "SCR": SCR[who, t], "GFR": GFR[who, t]}
    for ahead in HORIZONS_H:
        scored |= {f"LATENT_{ahead}": latent[who, t + ahead], f"GFR_{ahead}": GFR[who, t + ahead]}
        scored |= {f"STAYS_{ahead}": t + ahead < leaves[who]}
    hidden = Hidden(latent, SCR, GFR, course.injury, onset, leaves, babies.GA, scored)
    results = _results(babies, weighed, group, who, t, drawn.printed)
    seen = Seen(_charted_births(babies, group), _days(babies, weighed, leaves, p), results, _changes(babies, leaves))
    return KidneyCohort(truth, seed, noise, seen, hidden)  # type: ignore[arg-type]
