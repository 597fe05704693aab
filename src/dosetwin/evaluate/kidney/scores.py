"""How good forecasts are: errors, intervals, CRPS and discrimination by group of moments, and bootstraps over patients.

Everything is scored in mg/dL on the baby's own assay. Means run over moments, so a baby with many creatinines counts more; the
bootstrap draws whole babies.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from dosetwin.forecast.kidney.answer import NORMAL_QUANTILES, QUANTILES
from dosetwin.quantities.assays import SCR_FLOOR

METRICS = (
    "n", "babies", "rmse", "mae", "rmse_log", "mdape", "bias", "within20", "within30", "crps", "cover50", "cover90", "width50",
    "width90",
)  # fmt: skip
"""n moments and babies; mg/dL: rmse, mae, bias (forecast less truth), crps, widths; log: rmse_log; percent: mdape (median
absolute percentage error), within 20 and 30 percent, coverage of the central 50 and 90 percent intervals."""
LEVELS = (np.arange(20) + 0.5) / 20.0
"""CRPS = 2 x the mean pinball loss at these levels; between the five quantiles normal scores are interpolated on the log scale
linearly, beyond them the outer slope is carried on."""


def own_assay(quantiles: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Quantiles [n, h, k] of log creatinine (IDMS) as mg/dL on an assay of ``line`` [n, 2] slope, intercept; as
    ``CreatinineForecast.mg_per_dL``."""
    return np.maximum((np.exp(quantiles) - line[:, None, None, 1]) / line[:, None, None, 0], SCR_FLOOR)


def at_levels(quantiles: np.ndarray, levels: np.ndarray = LEVELS) -> np.ndarray:
    """Quantiles [..., 5] at QUANTILES carried to ``levels`` [k]: [..., k], normal scores linear between, outer slopes beyond."""
    from scipy.special import ndtri

    z = ndtri(levels)
    low = np.clip(np.searchsorted(NORMAL_QUANTILES, z) - 1, 0, len(QUANTILES) - 2)
    step = (z - NORMAL_QUANTILES[low]) / (NORMAL_QUANTILES[low + 1] - NORMAL_QUANTILES[low])
    return quantiles[..., low] + step * (quantiles[..., low + 1] - quantiles[..., low])


def pinball(target: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Mean pinball loss [...] of ``quantiles`` [..., k] at ``levels`` [k] against ``target`` [...]."""
    miss = target[..., None] - quantiles
    return np.mean(np.where(miss >= 0.0, levels * miss, (levels - 1.0) * miss), axis=-1)


def crps(target: np.ndarray, log_quantiles: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score, mg/dL [n, h], of ``log_quantiles`` [n, h, 5] (IDMS) on the own assay."""
    return 2.0 * pinball(target, own_assay(at_levels(log_quantiles), line), LEVELS)


def per_moment(target: np.ndarray, log_quantiles: np.ndarray, line: np.ndarray) -> dict[str, np.ndarray]:
    """What is averaged, [n, h] each, NaN where there is no target."""
    q = own_assay(log_quantiles, line)
    miss, known = q[..., 2] - target, np.isfinite(target)

    def where(x: np.ndarray) -> np.ndarray:
        return np.where(known, x, np.nan)

    share = np.abs(miss) / target
    return {
        "se": miss**2,
        "ae": np.abs(miss),
        "sle": np.log(q[..., 2] / target) ** 2,
        "ape": 100.0 * share,
        "bias": miss,
        "within20": where(100.0 * (share <= 0.2)),
        "within30": where(100.0 * (share <= 0.3)),
        "crps": crps(target, log_quantiles, line),
        "cover50": where(100.0 * ((target >= q[..., 1]) & (target <= q[..., 3]))),
        "cover90": where(100.0 * ((target >= q[..., 0]) & (target <= q[..., 4]))),
        "width50": where(q[..., 3] - q[..., 1]),
        "width90": where(q[..., 4] - q[..., 0]),
    }


def by_group(found: Mapping[str, np.ndarray], baby: np.ndarray, group: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """METRICS of every group that has a target: name -> [h, len(METRICS)]; from ``per_moment``."""
    horizons, out = found["se"].shape[1], {}
    for name, member in group.items():
        rows = np.full((horizons, len(METRICS)), np.nan)
        for h in range(horizons):
            some = member & np.isfinite(found["se"][:, h])
            n = int(some.sum())
            rows[h, :2] = n, len(np.unique(baby[some]))
            if not n:
                continue
            mean = {key: float(value[some, h].mean()) for key, value in found.items() if key != "ape"}
            rows[h, 2:] = (
                mean["se"] ** 0.5, mean["ae"], mean["sle"] ** 0.5, float(np.median(found["ape"][some, h])), mean["bias"],
                *(mean[key] for key in METRICS[7:]),
            )  # fmt: skip
        if rows[:, 0].any():
            out[name] = rows
    return out


def per_baby(values: np.ndarray, baby: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts [n, h] over each baby's moments of ``values`` [m, h], NaN left out."""
    known = np.isfinite(values)
    total, count = np.zeros((n, values.shape[1])), np.zeros((n, values.shape[1]))
    np.add.at(total, baby, np.where(known, values, 0.0))
    np.add.at(count, baby, known)
    return total, count


def auroc(score: np.ndarray, label: np.ndarray) -> float:
    """Probability that a moment with the event has the higher score, ties half; NaN labels left out; NaN with one kind alone."""
    from scipy.stats import rankdata

    known = np.isfinite(label) & np.isfinite(score)
    yes = label[known] > 0.5
    n1, n0 = int(yes.sum()), int((~yes).sum())
    if not n1 or not n0:
        return float("nan")
    ranks = rankdata(score[known])
    return float((ranks[yes].sum() - n1 * (n1 + 1) / 2.0) / (n1 * n0))


def above(log_quantiles: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Probability [n, h] above ``limit`` [n, h] (log) of distributions given by quantiles [n, h, 5]: as ``forecast/warning``."""
    from scipy.special import ndtr

    k = np.clip((log_quantiles < limit[..., None]).sum(axis=-1), 1, len(QUANTILES) - 1)[..., None]
    low, high = (np.take_along_axis(log_quantiles, at, axis=-1)[..., 0] for at in (k - 1, k))
    z = NORMAL_QUANTILES
    a, b = z[k[..., 0] - 1], z[k[..., 0]]
    wide = high > low
    step = np.where(wide, (limit - low) / np.where(wide, high - low, 1.0), 0.0)
    return np.where(wide, ndtr(-(a + (b - a) * step)), (limit < low).astype(float))


def resampled(total: np.ndarray, count: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Root mean squares of ``draws`` bootstraps over babies: [draws, ...] from per-baby sums and counts [n, ...]."""
    n = len(total)
    weights = rng.multinomial(n, np.full(n, 1.0 / n), size=draws).astype(np.float64)
    flat = weights @ total.reshape(n, -1)
    counts = weights @ count.reshape(n, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(flat / counts).reshape(draws, *total.shape[1:])


def interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Central 95 % of bootstrap values."""
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if not len(x):
        return float("nan"), float("nan")
    low, high = np.percentile(x, [2.5, 97.5])
    return float(low), float(high)


def seed_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean over seeds (Student); infinite with fewer than two."""
    from scipy.stats import t

    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if len(x) < 2:
        return float("-inf"), float("inf")
    half = float(t.ppf(0.975, len(x) - 1)) * float(x.std(ddof=1)) / len(x) ** 0.5
    return float(x.mean()) - half, float(x.mean()) + half
