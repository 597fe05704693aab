"""Blood cultures: the probability of a positive result, the time to positivity, and what both teach about the infection.

A culture finds bacteria with probability 1 - exp(-B V eta), B CFU/mL in blood (Schelonka 1996: detection is Poisson): there is no
count from which a culture "is" positive. Where the infection sits in blood, B is its density; a deep site spills a small share of
its load, by a link whose spread is large. Given an infection, E[exp(-theta N)] is computed by the branching process, so that
chance extinction counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import gammaln, ndtri

from dosetwin.errors import InputError
from dosetwin.outcomes.infection.course import run
from dosetwin.outcomes.infection.draws import Infections
from dosetwin.outcomes.infection.organisms import ORGANISMS, organism

ETA, ETA_GBS = 0.9, 0.5
"""Share of bacteria in the bottle that are found (Lancaster 2015: GBS is unreliable at low counts; values assumed)."""
AFTER_ANTIBIOTICS = 0.5
"""What is left of it once antibiotics are given, without resin in the bottle (assumed)."""
CONTAMINATED = 0.01
"""Cultures positive by contamination (assumed; NICU reports range 0.5-3 %)."""
VISIBLE, BOTTLE, LAG = 1e8, 25.0, 1.0
"""CFU/mL at which a bottle is flagged, mL in it, h before growth (derived: with the rates below they meet Jardine's medians)."""
TTP_SD = 0.15
"""Log-normal spread of the time to positivity beyond that of the load (assumed)."""
TTP_CONTAMINANT = 30.2
"""h, median of contaminants (Jardine 2006, secondary)."""
GROWTH_IN_BOTTLE: Mapping[str, float] = MappingProxyType({
    # 1/h; E. coli, CoNS and GBS meet the medians of Jardine 2006 (11.3, 28.9, 9.3 h); the others are assumed
    "e_coli": 2.0, "klebsiella": 2.0, "enterobacter": 1.9, "acinetobacter": 1.5, "p_aeruginosa": 1.3, "s_aureus": 1.4,
    "cons": 0.75, "gbs": 2.4, "enterococcus": 1.5,
})  # fmt: skip
LINK_LOG10, LINK_SD = -6.12, 1.87
"""log10 of CFU/mL of blood per CFU at a deep site, and its spread: a load of 1e8 then gives Dietzman's 1.88 +- 2.0 (derived)."""


@dataclass(frozen=True)
class Culture:
    """One blood culture: ``drawn`` h, ``volume`` mL, result known from ``reported`` h, ``ttp`` h after the bottle was loaded (if
    positive), ``organism`` once identified (from ``identified`` h). ``after_antibiotics``: drawn after the first dose.
    """

    drawn: float
    positive: bool
    reported: float
    volume: float = 1.0
    ttp: float | None = None
    organism: str | None = None
    identified: float | None = None
    after_antibiotics: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.volume <= 20.0:
            raise InputError("blood volume of a culture", where="culture", value=self.volume, allowed="above 0, up to 20 mL")
        if not self.reported >= self.drawn:
            raise InputError("reported before it was drawn", where="culture", value=self.reported, allowed=f">= {self.drawn:g} h")
        if self.ttp is not None and not (self.positive and self.ttp > 0.0):
            raise InputError(
                "a time to positivity belongs to a positive culture", where="culture", value=self.ttp, allowed="above 0 h"
            )
        if self.organism is not None:
            organism(self.organism)
            if not self.positive:
                raise InputError("a negative culture has no organism", where="culture", value=self.organism)


def detected_share(names: Sequence[str], *, after_antibiotics: bool = False) -> np.ndarray:
    """eta of each organism [n]."""
    eta = np.array([ETA_GBS if name == "gbs" else ETA for name in names])
    return eta * AFTER_ANTIBIOTICS if after_antibiotics else eta


def blood_link(infections: Infections, u: np.ndarray | float = 0.5) -> np.ndarray:
    """CFU/mL of blood per CFU of the infection [n]; ``u`` in (0, 1) [n] draws the spread (0.5: the median)."""
    if infections.pack.load == "density":
        return 1.0 / infections.site_mL
    return 10.0 ** (LINK_LOG10 + LINK_SD * ndtri(np.broadcast_to(u, (len(infections),))))


def p_positive(
    infections: Infections, conc: np.ndarray, dt: float, drawn: float, link: np.ndarray, *, volume: float = 1.0,
    after_antibiotics: bool | None = None, contaminated: float = CONTAMINATED, threads: int | None = 1,
) -> np.ndarray:  # fmt: skip
    """P(culture positive) [n] of blood drawn at ``drawn`` h (a point of the grid of ``conc`` [n, T]).

    ``after_antibiotics`` None: drawn after time 0. Raises InputError when the grid ends before.
    """
    conc = np.asarray(conc, dtype=float)
    k = round(drawn / dt)
    if not 0 <= k < conc.shape[-1]:
        raise InputError(
            "the culture lies outside the grid",
            where="culture: drawn",
            value=drawn,
            allowed=f"0 to {dt * (conc.shape[-1] - 1):g} h",
        )
    after = drawn > 0.0 if after_antibiotics is None else after_antibiotics
    theta = link * volume * detected_share(infections.organisms, after_antibiotics=after)
    if k == 0:
        # cells at time 0 are Poisson, each found with probability 1 - exp(-theta)
        missed = np.exp(np.expm1(-theta) * (infections.N0.sum(axis=1) + infections.D0.sum(axis=1)))
    else:
        missed = run(conc[:, : k + 1], dt, infections, observe=theta, threads=threads).p_erad
    return 1.0 - (1.0 - contaminated) * missed


def ttp(in_bottle: np.ndarray | float, names: Sequence[str]) -> np.ndarray:
    """Median time to positivity, h [n], of ``in_bottle`` CFU (1 or more)."""
    mu = np.array([GROWTH_IN_BOTTLE[name] for name in names])
    return LAG + np.log(VISIBLE * BOTTLE / np.maximum(in_bottle, 1.0)) / mu


def ttp_density(observed: float, mean_in_bottle: np.ndarray, names: Sequence[str], sd: float = TTP_SD) -> np.ndarray:
    """Density of ln(time to positivity) [n] given a positive culture with a Poisson mean of CFU in the bottle [n]."""
    mean = np.maximum(np.asarray(mean_in_bottle, dtype=float), 1e-9)
    out = np.zeros(len(mean))
    few = mean < 60.0
    counts = np.arange(1, 121)
    if few.any():
        m = mean[few][:, None]
        weights = np.exp(counts * np.log(m) - m - gammaln(counts + 1.0)) / -np.expm1(-m)
        mu = np.array([GROWTH_IN_BOTTLE[name] for name in np.asarray(names, dtype=object)[few]])[:, None]
        z = (np.log(observed) - np.log(LAG + np.log(VISIBLE * BOTTLE / counts) / mu)) / sd
        out[few] = (weights * np.exp(-0.5 * z * z)).sum(axis=1)
    if not few.all():
        z = (np.log(observed) - np.log(ttp(mean[~few], tuple(np.asarray(names, dtype=object)[~few])))) / sd
        out[~few] = np.exp(-0.5 * z * z)
    return out / (sd * np.sqrt(2.0 * np.pi))


def weights(
    infections: Infections, conc: np.ndarray, dt: float, cultures: Sequence[Culture], now: float, link: np.ndarray, *,
    contaminated: float = CONTAMINATED, threads: int | None = 1,
) -> np.ndarray:  # fmt: skip
    """Importance weights [n], summing to 1, of drawn infections given the cultures reported by ``now`` h.

    ``conc`` [n, T] the levels under which each draw lived. Several cultures count as independent given a draw. Weights of
    nothing but zeros (no draw can explain the cultures) come back equal. ``effective_size`` says how many draws they stand for.
    """
    n = len(infections)
    total = np.zeros(n)
    for c in cultures:
        if c.reported > now:
            continue
        p = p_positive(
            infections, conc, dt, c.drawn, link, volume=c.volume, after_antibiotics=c.after_antibiotics, contaminated=0.0,
            threads=threads,
        )  # fmt: skip
        if not c.positive:
            total += np.log1p(-np.minimum((1.0 - contaminated) * p + contaminated, 1.0 - 1e-15))
            continue
        named = c.organism is not None and (c.identified is None or c.identified <= now)
        same = np.array([name == c.organism for name in infections.organisms]) if named else np.ones(n, dtype=bool)
        truly, falsely = p * same, (1.0 - p) * contaminated * (1.0 if not named or c.organism == "cons" else 0.02)
        if c.ttp is not None:
            # mean count in the bottle that gives this probability of being positive
            in_bottle = -np.log1p(-np.minimum(p, 1.0 - 1e-12))
            if c.drawn <= 0.0:
                in_bottle = infections.N0.sum(axis=1) * link * c.volume * detected_share(infections.organisms)
            truly = truly * ttp_density(c.ttp, in_bottle, infections.organisms)
            z = np.log(c.ttp / TTP_CONTAMINANT) / 0.4
            falsely = falsely * np.exp(-0.5 * z * z) / (0.4 * np.sqrt(2.0 * np.pi))
        total += np.log(np.maximum(truly + falsely, 1e-300))
    w = np.exp(total - total.max())
    return w / w.sum()


def effective_size(w: np.ndarray) -> float:
    """Number of equally weighted draws that weights stand for."""
    return float(w.sum() ** 2 / np.square(w).sum())


def organism_probabilities(infections: Infections, w: np.ndarray) -> dict[str, float]:
    """Posterior probability of each organism among the draws."""
    names = np.asarray(infections.organisms, dtype=object)
    return {name: float(w[names == name].sum()) for name in ORGANISMS if (names == name).any()}


@dataclass(frozen=True)
class Calibration:
    """Predicted probabilities against results. ``brier`` and the Brier score of the constant base rate; ``skill`` 1 - ratio.

    ``bins``: (mean prediction, observed share, standard error of the share, number) per bin of equal count; ``error``: mean
    distance of the two over the bins, weighted by number; ``accuracy`` at 0.5, and that of always guessing the commoner result.
    """

    n: int
    rate: float
    brier: float
    brier_of_rate: float
    accuracy: float
    accuracy_of_guess: float
    error: float
    bins: tuple[tuple[float, float, float, int], ...]

    @property
    def skill(self) -> float:
        """1 - Brier/Brier of the base rate: 0 is as good as knowing the base rate only."""
        return 1.0 - self.brier / self.brier_of_rate if self.brier_of_rate > 0.0 else 0.0


def calibration(predicted: np.ndarray, positive: np.ndarray, bins: int = 8) -> Calibration:
    """Calibration of predicted probabilities [n] against results [n] (0/1). Raises InputError on values outside 0-1, or none."""
    p, y = np.asarray(predicted, dtype=float), np.asarray(positive, dtype=float)
    if p.shape != y.shape or p.ndim != 1 or not len(p) or not ((p >= 0.0) & (p <= 1.0)).all() or not np.isin(y, (0.0, 1.0)).all():
        raise InputError("predictions and results do not match", where="calibration", value=(p.shape, y.shape),
                         allowed="[n] probabilities and [n] results 0 or 1, n >= 1")  # fmt: skip
    rate = float(y.mean())
    rows = []
    for part in np.array_split(np.argsort(p, kind="stable"), min(bins, len(p))):
        share = float(y[part].mean())
        rows.append((float(p[part].mean()), share, float(np.sqrt(share * (1.0 - share) / len(part))), len(part)))
    return Calibration(
        len(p), rate, float(np.mean((p - y) ** 2)), rate * (1.0 - rate), float(np.mean((p > 0.5) == (y > 0.5))),
        max(rate, 1.0 - rate), float(sum(abs(a - b) * m for a, b, _, m in rows) / len(p)), tuple(rows),
    )  # fmt: skip
