"""A learned prior of a lesion's growth: boosted trees foretell Gompertz's change and rate from what is known at the first scan.

Beside ``calibrate/lesions.py``, whose population has one mean for all. What it brought is said in docs/tumours.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dosetwin.calibrate.lesions import Lesion, Population, weighed

FEATURES = ("ln of the first diameter", "day of the first scan before the first dose", "lesions followed", "ln of their sum")


@dataclass(frozen=True, eq=False)
class Tree:
    """One split of one feature, a value on each side."""

    feature: int
    border: float
    below: float
    above: float

    def of(self, x: np.ndarray) -> np.ndarray:
        """[n] for features [n, k]."""
        return np.where(x[:, self.feature] <= self.border, self.below, self.above)


@dataclass(frozen=True, eq=False)
class Boosted:
    """A mean and trees one after the other, each taken at ``rate``."""

    mean: float
    trees: tuple[Tree, ...]
    rate: float

    def of(self, x: np.ndarray) -> np.ndarray:
        """[n] for features [n, k]."""
        return self.mean + self.rate * sum((t.of(x) for t in self.trees), np.zeros(len(x)))


def boost(x: np.ndarray, y: np.ndarray, *, trees: int = 150, rate: float = 0.05, least: int = 20, borders: int = 16) -> Boosted:
    """Gradient boosting of squared error by stumps (Friedman 2001, Ann Stat 29:1189); a side holds ``least`` rows or more.

    ``trees`` is cut where a fifth of the rows, kept aside (every fifth), is foretold best: none, where nothing helps.
    """
    aside = np.arange(len(y)) % 5 == 4
    found, errors = _boosted(x[~aside], y[~aside], trees, rate, least, borders), []
    left = y[aside] - found.mean
    errors.append(float((left**2).mean()))
    for t in found.trees:
        left = left - rate * t.of(x[aside])
        errors.append(float((left**2).mean()))
    return _boosted(x, y, int(np.argmin(errors)), rate, least, borders)


def _boosted(x: np.ndarray, y: np.ndarray, n: int, rate: float, least: int, borders: int) -> Boosted:
    mean, left, out = float(y.mean()), y - y.mean(), []
    cuts = [np.unique(np.quantile(x[:, k], np.linspace(0, 1, borders + 2)[1:-1])) for k in range(x.shape[1])]
    for _ in range(n):
        best: tuple[float, Tree | None] = (0.0, None)
        for k, of in enumerate(cuts):
            for border in of:
                low = x[:, k] <= border
                m = int(low.sum())
                if not least <= m <= len(y) - least:
                    continue
                a, b = float(left[low].mean()), float(left[~low].mean())
                gain = m * a * a + (len(y) - m) * b * b
                if gain > best[0]:
                    best = gain, Tree(k, float(border), a, b)
        if best[1] is None:
            break
        out.append(best[1])
        left = left - rate * best[1].of(x)
    return Boosted(mean, tuple(out), rate)


@dataclass(frozen=True, eq=False)
class Learned:
    """A population whose change and rate have a mean for each lesion; ``within`` [3, 3] what is left between lesions."""

    base: Population
    change: Boosted
    rate: Boosted
    within: np.ndarray

    def prior(self, x: np.ndarray) -> Population:
        """The population a lesion of features [k] comes from."""
        mean = np.array([self.base.mean[0], self.change.of(x[None])[0], self.rate.of(x[None])[0]])
        return replace(self.base, mean=mean, cov=self.within)


def learn(lesions: Sequence[Lesion], x: np.ndarray, base: Population, *, draws: int = 100, seed: int = 1) -> Learned:
    """Trees fitted to the posterior means of lesions under ``base``; what they explain is taken out of the spread."""
    sets = [weighed(lesion, base, draws, seed, i) for i, lesion in enumerate(lesions)]
    phi = np.array([w @ p for p, w in sets])
    change, rate = boost(x, phi[:, 1]), boost(x, phi[:, 2])
    told = np.column_stack([np.full(len(x), base.mean[0]), change.of(x), rate.of(x)])
    explained = np.cov((told - told.mean(axis=0)).T)
    within = base.cov - explained
    least = np.linalg.eigvalsh(within).min()
    return Learned(base, change, rate, within if least > 0.01 else within + (0.01 - least) * np.eye(3))
