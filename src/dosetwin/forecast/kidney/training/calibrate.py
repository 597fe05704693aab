"""Split-conformal calibration: how much each tail is widened so that held-out babies fall within it as often as it says."""

import numpy as np

from dosetwin.forecast.kidney.learned import GA_BANDS, with_noise
from dosetwin.forecast.kidney.learned_inputs import ANCHORS
from dosetwin.forecast.kidney.training.targets import Lessons

LEVELS = (0.95, 0.75, 0.75, 0.95)
"""One-sided levels of the quantiles 0.05, 0.25, 0.75, 0.95."""
STRAYED = (0.90, 0.625, 0.625, 0.90)
"""The same that babies who stray from the truth trained on are to reach, as far as MOST allows: 80 % within the 90 % interval."""
MOST = (0.95, 0.75, 0.78, 0.98)
"""The same that held-out babies of the truth trained on may reach at most for their sake: 93 % within the 90 % interval. All of
it goes to the upper side: a kidney that fails raises creatinine, and that is the miss which harms."""
CELL = 400
"""Babies with a target that a gestational band needs to be calibrated on its own; a smaller one takes the factors of all."""
FACTORS = (0.3, 5.0)
"""Factors are kept within these: a thin cell must not shut or burst an interval."""


def factors(
    quantiles: np.ndarray, y: np.ndarray, baby: np.ndarray, weight: np.ndarray, levels: tuple[float, ...] = LEVELS
) -> np.ndarray:
    """Factors [4] on the distances of quantiles [m, 5] from the median so that ``y`` [m] lies on the inner side at ``levels``.

    Conformal with whole babies as the unit: events count by ``weight``, and one more baby of average weight is put at infinity.
    """
    out = np.ones(4)
    middle = quantiles[:, 2]
    n = len(np.unique(baby))
    for j, (column, sign) in enumerate(((0, -1.0), (1, -1.0), (3, 1.0), (4, 1.0))):
        score = sign * (y - middle) / np.maximum(np.abs(quantiles[:, column] - middle), 1e-6)
        order = np.argsort(score)
        reached = np.cumsum(weight[order]) / (weight.sum() * (1.0 + 1.0 / n))
        k = int(np.searchsorted(reached, levels[j]))
        out[j] = score[order[min(k, len(order) - 1)]]
    return np.clip(out, *FACTORS)


def calibration(
    latent: np.ndarray, data: Lessons, noise: tuple[float, float], stale: float, levels: tuple[float, ...] = LEVELS
) -> dict[str, list]:
    """Factors [3 bands, 4 anchors, 4] for ``latent`` and ``measured`` quantiles, from uncalibrated ``latent`` [m, 4, 5] of
    held-out babies. Where no latent value is known (a hospital's data) the measured factors stand for both. Cells below CELL
    babies take the factors of all bands; anchors without any target keep 1, the present takes those of the next day.
    """
    GA = data.events.x[:, 0]
    band = np.searchsorted(GA_BANDS, GA, side="right")
    noisy = with_noise(latent, np.repeat(data.line[:, None, :], len(ANCHORS), axis=1), noise)
    weight = np.where(data.events.measured, 1.0, stale)
    out = {}
    for kind, quantiles, target in (("latent", latent, data.latent), ("measured", noisy, data.measured)):
        found = np.ones((len(GA_BANDS) + 1, len(ANCHORS), 4))
        for h in range(len(ANCHORS)):
            known = ~np.isnan(target[:, h])
            if known.sum() < 20:
                continue
            for g in range(len(GA_BANDS) + 1):
                some = known & (band == g)
                some = some if len(np.unique(data.baby[some])) >= CELL else known
                found[g, h] = factors(quantiles[some, h], target[some, h], data.baby[some], weight[some], levels)
        if kind == "measured":
            found[:, 0] = found[:, 1]
        out[kind] = found
    if np.isnan(data.latent).all():
        out["latent"] = out["measured"]
    return {kind: np.round(found, 4).tolist() for kind, found in out.items()}


def insured(own: dict[str, list], strayed: dict[str, list], most: dict[str, list]) -> dict[str, list]:
    """The factors ``own`` babies need, larger where ``strayed`` ones need more, but never above ``most``."""
    return {k: np.maximum(own[k], np.minimum(strayed[k], most[k])).tolist() for k in own}


PREMIUM = 0.01
"""Share of the error on held-out babies that may be paid for standing on two structures instead of one. Assumed."""


def second_share(latent: np.ndarray, data: Lessons) -> float:
    """How much a filter on another structure counts beside uncalibrated quantiles ``latent`` [m, 4, 5] of held-out babies.

    The largest share, to a half at most, whose error one day after a creatinine (RMSE mg/dL of the noise-free value, of the
    measured one where that is unknown) is within PREMIUM of the least: an insurance against kidneys unlike those trained on,
    bought for a known price on those trained on. 0 without targets.
    """
    if data.events.other is None:
        return 0.0
    target = data.latent[:, 1] if np.isfinite(data.latent[:, 1]).any() else data.measured[:, 1]
    known = data.events.measured & np.isfinite(target)
    if known.sum() < 20:
        return 0.0
    median, other, truth = latent[known, 1, 2], data.events.other[known, 1], np.exp(target[known])
    shares = np.round(np.arange(0.0, 0.505, 0.01), 2)
    errors = np.array([np.sqrt(np.mean((np.exp((1.0 - s) * median + s * other) - truth) ** 2)) for s in shares])
    return float(shares[errors <= (1.0 + PREMIUM) * errors.min()].max())
