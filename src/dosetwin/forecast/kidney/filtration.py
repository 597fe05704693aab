"""Filtration of one baby day by day, past and to come, as a joint normal of logs: what creatinine says of a drug's clearance.

The balance of creatinine is the filter's (``filter.py``); here its state also carries the mean offset of log filtration over each
day, so that a creatinine of today corrects yesterday too (fixed-interval smoothing by augmentation, exact for the linearised
filter) and the days are jointly normal. Offsets are those that creatinine alone reveals: the effects of ibuprofen, cooling and
asphyxia on creatinine clearance are taken out where the drug's model has its own for them, because they are not those on a drug
(ibuprofen: -5 % of creatinine clearance, -16 % of amikacin's). Fitted effects of other flags (indomethacin, inotropes) stay in.

Another forecaster's creatinine is brought in by Jeffrey's rule: its own distribution of creatinine at the horizons replaces the
filter's, and filtration given creatinine stays the balance's.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from dosetwin.forecast.kidney.answer import HOURS, LONGEST, NORMAL_QUANTILES, CreatinineForecast
from dosetwin.forecast.kidney.filter import FilterParameters, KalmanFilter
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import EFFECTS, Steps, steps_for

APART = {"IBU": "IBU", "COOLING": "COOLING", "ASPHYXIA": "REWARMED"}
"""Covariates that a drug's model may have its own effects for -> their column of steps.EFFECTS, then no part of its offset."""
DAY = 24.0
AHEAD_DAYS = 8
"""Days after now that have an offset of their own; the last one holds beyond (a plan is followed for four to six days)."""
_STATES = 5


@dataclass(frozen=True, eq=False)
class Innovation:
    """A creatinine beside what the filter expected of it: ``time`` h after birth, ``scr`` and ``expected`` mg/dL (median),
    ``z`` its distance in SDs, measurement error included."""

    time: float
    scr: float
    expected: float
    z: float


@dataclass(frozen=True, eq=False)
class FiltrationPath:
    """Offsets of log filtration from the typical baby of the same gestation, weight and age, by day.

    ``start`` [n] h after birth, ascending: each offset is the mean from there to the next start (the last holds on). ``mean``
    [n] and ``cov`` [n, n] given the creatinines, ``before_mean`` and ``before_cov`` without any. ``known`` [n] the part that is
    the effect of flags that were not left ``apart`` (0 without creatinine); ``typical`` [n] mL/min; ``innovations`` one per
    creatinine.
    """

    start: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    before_mean: np.ndarray
    before_cov: np.ndarray
    known: np.ndarray
    typical: np.ndarray
    innovations: tuple[Innovation, ...]

    def under(self, sd: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean [n] and covariance [n, n] of the offset for a model whose own variance of log filtration is ``sd``^2.

        What creatinine says (the change from ``before`` to the belief, as a normal likelihood) is put on a prior that has the
        correlation of ``before`` and variance ``sd``^2 every day; ``known`` is added to its mean. Without creatinine the answer
        is that prior, mean 0, and the kidney's uncertainty replaces the model's variance instead of adding to it.
        """
        n = len(self.mean)
        root = np.linalg.cholesky(self.before_cov + 1e-9 * np.trace(self.before_cov) / n * np.eye(n))
        white = np.linalg.solve(root, np.linalg.solve(root, self.cov).T)
        values, vectors = np.linalg.eigh(0.5 * (white + white.T))
        values = np.clip(values, 1e-6, 1.0)
        shift = np.linalg.solve(root, self.mean - self.before_mean)
        information = (vectors * (1.0 / values - 1.0)) @ vectors.T
        pull = vectors @ ((vectors.T @ shift) / values)
        scale = sd / np.sqrt(np.diag(self.before_cov))
        own = scale[:, None] * root
        to_white = np.linalg.solve(root, own)
        middle = np.linalg.inv(np.eye(n) + to_white.T @ information @ to_white)
        cov = own @ middle @ own.T
        return own @ middle @ (to_white.T @ pull) + self.known, 0.5 * (cov + cov.T)


def _cells(steps: Steps, record: WardRecord, since: float) -> tuple[np.ndarray, np.ndarray]:
    """Starts of the days [n], and the day of each step [n_steps] (-1: before the first): days are counted from now, both ways."""
    now = record.now
    back = max(0, int(np.ceil((now - max(since, 0.0)) / DAY - 1e-9)))
    starts = np.array([now + DAY * k for k in range(-back, AHEAD_DAYS)])
    day = np.searchsorted(starts, steps.middle + 1e-9, side="right") - 1
    day[steps.dt <= 0.0] = -1
    used = np.unique(day[day >= 0])
    place = np.full(len(starts), -1)
    place[used] = np.arange(len(used))
    return np.maximum(starts[used], 0.0), np.where(day >= 0, place[day], -1)


def _solve(
    steps: Steps, q: FilterParameters, log_scr: np.ndarray, day: np.ndarray, n: int, asked: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, list[tuple[float, float]]]:
    """The filter's recursion with the daily means and the creatinine at the ``asked`` horizons beside its state.

    ``log_scr`` empty: nothing is learned. Returns mean and covariance of [days, horizons], and (expected log, z) per creatinine.
    """
    size = _STATES + n + len(asked)
    x, P = np.zeros(size), np.zeros((size, size))
    x[0] = log(steps.birth) + q.mean[0]
    x[1:4] = q.mean[1:4]
    P[np.arange(_STATES), np.arange(_STATES)] = np.square(q.sd)
    length = np.zeros(n)
    np.add.at(length, day[day >= 0], steps.dt[day >= 0])
    beta = steps.effect @ np.array(q.effect)
    J, loading = np.zeros(_STATES), np.zeros(_STATES)
    found: list[tuple[float, float]] = []
    for k in range(len(steps.dt)):
        h, share = float(steps.dt[k]), float(steps.from_birth[k])
        if h > 0.0:
            loading[2:] = share, 1.0 - share, 1.0
            rate = float(steps.out[k]) * exp(min(max(float(loading @ x[:_STATES]) + float(beta[k]), -5.0), 5.0))
            plateau = float(steps.into[k]) * exp(min(max(float(x[1]), -5.0), 5.0)) / rate
            S, left = exp(float(x[0])), exp(-rate * h)
            after = plateau * (1.0 - left) + S * left
            by_rate = (-plateau * (1.0 - left) + (plateau - S) * rate * h * left) / after
            J[:] = S * left / after, plateau * (1.0 - left) / after, share * by_rate, (1.0 - share) * by_rate, by_rate
            fade = exp(-h / q.tau)
            c = int(day[k])
            if c >= 0:
                # the offset over the step is that at its start: the day's mean is a sum of them
                part = loading * (h / length[c])
                x[_STATES + c] += part @ x[:_STATES]
                P[_STATES + c, :] += part @ P[:_STATES, :]
                P[:, _STATES + c] += P[:, :_STATES] @ part
            P[0, :] = J @ P[:_STATES, :]
            P[:, 0] = P[:, :_STATES] @ J
            P[4, :] *= fade
            P[:, 4] *= fade
            P[4, 4] += q.sd[4] ** 2 * (1.0 - fade * fade)
            x[0], x[4] = log(after), x[4] * fade
        seen = int(steps.seen[k])
        if seen >= 0 and len(log_scr):
            R = q.prop**2 + (q.add / exp(float(x[0]))) ** 2
            total = float(P[0, 0]) + R
            miss = float(log_scr[seen]) - float(x[0]) + 0.5 * R
            found.append((float(x[0]), miss / sqrt(total)))
            gain = P[:, 0] / total
            x += gain * miss
            P -= np.outer(gain, gain) * total
        for place, horizon in enumerate(asked):
            if steps.ahead[k] == horizon:
                a = _STATES + n + place
                x[a] = x[0]
                P[a, :], P[:, a] = P[0, :], P[:, 0]
                P[a, a] = P[0, 0]
    keep = slice(_STATES, size)
    return x[keep], P[keep, keep], found


def filtration_path(
    record: WardRecord,
    by: KalmanFilter,
    *,
    since: float,
    forecast: CreatinineForecast | None = None,
    apart: Collection[str] = tuple(APART),
) -> FiltrationPath:
    """Offsets of log filtration for every day from ``since`` (h after birth) to AHEAD_DAYS after ``record.now``.

    ``forecast``: another forecaster's creatinine at HOURS, which then takes the place of the filter's own. Without any
    creatinine nothing is learned, whoever forecasts. ``apart``: names of APART that the drug's model has its own effects for.
    The record must be free of errors, the forecast not a refusal.
    """
    hours = [DAY * k for k in range(1, AHEAD_DAYS + 1)]
    assert hours[-1] <= LONGEST
    steps, q = steps_for(record, hours), by.parameters
    start, day = _cells(steps, record, since)
    n = len(start)
    asked = [hours.index(h) for h in HOURS] if forecast is not None else []
    before, before_cov, _ = _solve(steps, q, np.zeros(0), day, n, ())
    left = {APART[name] for name in apart}
    effect = steps.effect @ np.array([0.0 if name in left else b for name, b in zip(EFFECTS, q.effect, strict=True)])
    typical, known = np.zeros(n), np.zeros(n)
    for c in range(n):
        typical[c] = np.average(steps.GFR[day == c], weights=steps.dt[day == c])
        known[c] = np.average(effect[day == c], weights=steps.dt[day == c])
    if not len(record.time):
        return FiltrationPath(start, before, before_cov, before, before_cov, np.zeros(n), typical, ())
    both, cov, found = _solve(steps, q, np.log(record.scr), day, n, asked)
    mean, days = both[:n], cov[:n, :n]
    if forecast is not None:
        at, S = cov[:n, n:], cov[n:, n:]
        own = np.sqrt(np.diag(S))
        # the middle half tells the spread: tails of a learned forecast may be heavy, and a normal is wanted
        sd = (forecast.latent[:, 3] - forecast.latent[:, 1]) / (NORMAL_QUANTILES[3] - NORMAL_QUANTILES[1])
        theirs = S * np.outer(sd / own, sd / own)
        gain = np.linalg.solve(S, at.T).T
        mean = mean + gain @ (forecast.latent[:, 2] - both[n:])
        days = days + gain @ (theirs - S) @ gain.T
    innovations = tuple(
        Innovation(float(t), float(s), exp(m), z) for t, s, (m, z) in zip(record.time, record.scr, found, strict=True)
    )
    return FiltrationPath(start, mean, 0.5 * (days + days.T), before, before_cov, known, typical, innovations)


def components(cov: np.ndarray, count: int) -> np.ndarray:
    """Loadings [n, count] of independent standard normals: the first principal components, each day's variance kept exactly.

    What the components leave out is put back by scaling each row, so days are slightly more alike than in ``cov``.
    """
    values, vectors = np.linalg.eigh(cov)
    order = np.argsort(values)[::-1][:count]
    loadings = np.zeros((len(cov), count))
    loadings[:, : len(order)] = vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))
    # a component's sign is arbitrary: a positive draw means more filtration on the whole
    loadings *= np.where(loadings.sum(axis=0) < 0.0, -1.0, 1.0)
    kept = np.sqrt(np.square(loadings).sum(axis=1))
    return loadings * (np.sqrt(np.diag(cov)) / np.maximum(kept, 1e-12))[:, None]
