"""Early warning: how probable it is that the creatinines ahead will meet the criteria of kidney injury."""

from dataclasses import dataclass

import numpy as np

from dosetwin.forecast.kidney.answer import QUANTILES, CreatinineForecast
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import expected_curve
from dosetwin.structure.kidney_injury import BASELINE_WITHIN, FAILURE, RATIOS, RISE, RISE_WITHIN

INJURY_WARNING = 0.30
"""Probability of an unexpected kidney injury at any of HOURS from which the answer warns."""
INJURY_SOURCE = "assumed: three such warnings in ten come true if the forecast is calibrated; not evaluated at any bedside"


@dataclass(frozen=True, eq=False)
class InjuryRisk:
    """Per horizon [n_hours], the probability of KDIGO stage 1 or more: by the ``criteria`` alone, and ``unexpected``, against the
    curve expected for gestation and age; ``threshold`` log mg/dL [n_hours, 2] that creatinine has to pass for each."""

    hours: np.ndarray
    criteria: np.ndarray
    unexpected: np.ndarray
    threshold: np.ndarray


def injury_risk(record: WardRecord, forecast: CreatinineForecast) -> InjuryRisk:
    """Probability that the noise-free creatinine at each horizon lies above what the criteria allow, given the measured past.

    The measured values are taken as they are. Before any creatinine only stage 3 (FAILURE) can be met. Empty arrays for a
    refused forecast. The probability is read off the forecast's quantiles, with normal tails beyond the outer ones.
    """
    n = len(forecast.hours)
    if not n:
        return InjuryRisk(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros((0, 2)))
    past, ahead = expected_curve(record, forecast.hours.tolist())
    limits = np.empty((n, 2))
    for k, hour in enumerate(forecast.hours.tolist()):
        age = record.now + hour - record.time
        week, days = age <= BASELINE_WITHIN, age <= RISE_WITHIN
        plain = [FAILURE, *(RATIOS[0] * record.scr[week]), *(record.scr[days] + RISE)]
        change, rise = ahead[k] / past[week], ahead[k] - past[days]
        usual = [FAILURE, *(RATIOS[0] * record.scr[week] * change), *(record.scr[days] + RISE + rise)]
        limits[k] = np.log([min(plain), max(min(usual), 1e-3)])
    probability = np.array([[_above(forecast.latent[k], limits[k, j]) for j in range(2)] for k in range(n)])
    return InjuryRisk(forecast.hours, probability[:, 0], probability[:, 1], limits)


def _above(quantiles: np.ndarray, limit: float) -> float:
    """Probability above ``limit`` of a distribution given by its QUANTILES: normal scores are interpolated, ends carried on."""
    from scipy.special import ndtr, ndtri

    scores = ndtri(np.array(QUANTILES))
    k = int(np.clip(np.searchsorted(quantiles, limit), 1, len(quantiles) - 1))
    low, high = quantiles[k - 1], quantiles[k]
    if high <= low:
        return float(limit < low)
    return float(ndtr(-(scores[k - 1] + (scores[k] - scores[k - 1]) * (limit - low) / (high - low))))
