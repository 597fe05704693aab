"""Amikacin MICs: distributions by organism, breakpoints with their version, priors by setting, and what a measured MIC teaches.

A plate reads the doubling dilution at or above the continuous MIC, with an error of about one dilution either way. So a
distribution over readings is also one over continuous MICs: each reading d stands for (d/2, d], uniform in log2 within it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.special import ndtr

from dosetwin.declare import Provenance
from dosetwin.errors import InputError, UnknownName
from dosetwin.outcomes.infection.organisms import ORGANISMS, organism

ASSAY_SD = 0.5
"""log2: reproducibility of broth microdilution within one dilution either way in 95 % (usual quality range; assumed)."""
DILUTIONS = tuple(2.0**k for k in range(-6, 10))
"""mg/L: 0.016 to 512, the range of the EUCAST tables."""


@dataclass(frozen=True)
class Breakpoint:
    """Clinical breakpoint of amikacin, mg/L: susceptible up to ``S``, resistant above ``R``; ``ECOFF`` of the wild type."""

    organisms: tuple[str, ...]
    S: float
    R: float
    ECOFF: float | None
    version: str
    provenance: Provenance
    note: str = ""


BRACKETS = "in brackets since v10 (no evidence for amikacin alone in systemic infection): combine with another active drug"
BREAKPOINTS: tuple[Breakpoint, ...] = (
    Breakpoint(("e_coli", "klebsiella", "enterobacter"), 8.0, 8.0, 8.0, "EUCAST v15.0 (2025)", "secondary", BRACKETS),
    Breakpoint(("p_aeruginosa",), 16.0, 16.0, 16.0, "EUCAST v15.0 (2025)", "secondary", BRACKETS),
    Breakpoint(("acinetobacter",), 8.0, 8.0, 8.0, "EUCAST v15.0 (2025)", "secondary", "v16.1: urinary origin only"),
    Breakpoint(("s_aureus",), 16.0, 16.0, 16.0, "EUCAST v15.0 (2025)", "secondary", BRACKETS),
    Breakpoint(("cons",), 16.0, 16.0, None, "EUCAST v15.0 (2025)", "secondary", BRACKETS),
)


def breakpoint_of(name: str) -> Breakpoint | None:
    """The breakpoint that applies to an organism, None where amikacin has none (GBS, enterococci). Raises UnknownName."""
    organism(name)
    return next((b for b in BREAKPOINTS if name in b.organisms), None)


@dataclass(frozen=True, eq=False)
class MICDistribution:
    """Weights over the readings of DILUTIONS, mg/L; continuous MICs are uniform in log2 within a reading's interval."""

    weights: np.ndarray
    provenance: Provenance
    source: str

    @property
    def cdf(self) -> np.ndarray:
        """P(MIC <= d) at the upper ends of the intervals, with a leading 0 [17]."""
        return np.concatenate(([0.0], np.cumsum(self.weights) / self.weights.sum()))

    def quantile(self, u: np.ndarray | float) -> np.ndarray:
        """Continuous MICs, mg/L, at probabilities ``u``."""
        edges = np.log2(np.concatenate(([DILUTIONS[0] / 2.0], DILUTIONS)))
        cdf = self.cdf
        rising = np.concatenate(([True], np.diff(cdf) > 0.0))
        first = np.argmax(cdf > 0.0) - 1  # the last edge with probability 0 begins the distribution
        keep = rising & (np.arange(len(cdf)) > first)
        keep[first] = True
        return 2.0 ** np.interp(u, cdf[keep], edges[keep])

    def below(self, MIC: float) -> float:
        """P(reading <= MIC) for a doubling dilution."""
        return float(self.weights[np.array(DILUTIONS) <= MIC * 1.001].sum() / self.weights.sum())

    def updated(self, reading: float, sd: float = ASSAY_SD) -> "MICDistribution":
        """After a measured MIC (mg/L, a doubling dilution), with an assay error of ``sd`` log2. Raises InputError."""
        like = reading_likelihood(reading, sd)
        return replace(
            self, weights=self.weights * like, provenance="derived", source=f"{self.source}; measured {reading:g} mg/L"
        )


def reading_likelihood(reading: float, sd: float = ASSAY_SD) -> np.ndarray:
    """P(reading | interval of the continuous MIC) [16], by intervals' midpoints on an eighth-of-a-dilution grid.

    Raises InputError for a reading that is not positive, or ``sd`` not positive.
    """
    if not 0.0 < reading <= 4096.0:
        raise InputError("a measured MIC must be positive", where="MIC", value=reading, allowed="above 0, up to 4096 mg/L")
    if not sd > 0.0:
        raise InputError("the assay's error must be positive", where="MIC: sd", value=sd, allowed="above 0 log2")
    top = np.ceil(np.log2(reading) - 1e-9)
    inside = (np.arange(8) + 0.5) / 8.0 - 1.0
    x = np.log2(np.array(DILUTIONS))[:, None] + inside[None, :]
    return (ndtr((top - x) / sd) - ndtr((top - 1.0 - x) / sd)).mean(axis=1)


def _counts(pairs: Mapping[float, float], provenance: Provenance, source: str) -> MICDistribution:
    weights = np.zeros(len(DILUTIONS))
    for dilution, count in pairs.items():
        weights[round(np.log2(dilution)) + 6] = count
    return MICDistribution(weights, provenance, source)


def _wild_type(mean: float, sd: float, ecoff: float, tail: float, source: str) -> MICDistribution:
    """Normal in log2 up to the ECOFF, and a share ``tail`` spread evenly in log2 over the dilutions above it."""
    edges = np.log2(np.concatenate(([DILUTIONS[0] / 2.0], DILUTIONS)))
    weights = np.diff(ndtr((edges - mean) / sd))
    above = np.array(DILUTIONS) > ecoff
    weights[above] = 0.0
    weights *= (1.0 - tail) / weights.sum()
    weights[above] = tail / above.sum()
    return MICDistribution(weights, "assumed", source)


E_COLI = _counts(
    {2**-6: 2, 2**-5: 1, 2**-3: 1, 0.25: 28, 0.5: 329, 1: 4723, 2: 15660, 4: 6316, 8: 1134, 16: 191, 32: 56, 64: 36, 128: 4,
     256: 5, 512: 45},
    "secondary", "EUCAST MIC distributions, amikacin, E. coli, 21 distributions, n 28,531",
)  # fmt: skip
P_AERUGINOSA = _counts(
    {0.25: 0.8, 0.5: 2.7, 1: 6.4, 2: 29.8, 4: 34.3, 8: 13.6, 16: 4.8, 32: 2.3, 64: 5.3},
    "secondary", "SENTRY 2013-2019, amikacin, P. aeruginosa, %",
)  # fmt: skip
PROXY = "no counts obtained: wild type log-normal below the ECOFF, resistant share spread above it"
DISTRIBUTIONS: Mapping[str, MICDistribution] = MappingProxyType({
    "e_coli": E_COLI,
    "klebsiella": _wild_type(0.6, 0.75, 8.0, 0.04, PROXY),
    "enterobacter": _wild_type(0.6, 0.75, 8.0, 0.04, PROXY),
    "acinetobacter": _wild_type(1.0, 0.9, 8.0, 0.30, PROXY),
    "p_aeruginosa": P_AERUGINOSA,
    "s_aureus": _wild_type(1.2, 0.8, 16.0, 0.03, PROXY),
    "cons": _wild_type(1.2, 0.8, 16.0, 0.20, PROXY),
    "gbs": _wild_type(6.0, 0.8, 256.0, 0.01, "intrinsically not susceptible: a place-holder, never used as a target"),
    "enterococcus": _wild_type(7.0, 0.8, 256.0, 0.01, "intrinsically not susceptible: a place-holder, never used as a target"),
})  # fmt: skip


@lru_cache(maxsize=64)
def distribution(name: str, resistant: float | None = None) -> MICDistribution:
    """MICs of one organism; ``resistant`` sets the share above the ECOFF (None: as counted). Raises UnknownName, InputError."""
    organism(name)
    found = DISTRIBUTIONS[name]
    if resistant is None:
        return found
    if not 0.0 <= resistant < 1.0:
        raise InputError("share of resistant isolates", where=f"MIC of {name}", value=resistant, allowed="0 <= share < 1")
    limit = breakpoint_of(name)
    ecoff = (limit.ECOFF or limit.R) if limit else 256.0
    above = np.array(DILUTIONS) > ecoff
    weights = found.weights / found.weights.sum()
    tail = weights[above].sum()
    weights = np.where(above, weights * resistant / max(tail, 1e-300), weights * (1.0 - resistant) / max(1.0 - tail, 1e-300))
    return MICDistribution(weights, "assumed", f"{found.source}; resistant share set to {resistant:g}")


@dataclass(frozen=True)
class Setting:
    """Organisms of a setting with their shares (of those named), and the share of isolates above the ECOFF where it differs."""

    name: str
    text: str
    organisms: Mapping[str, float]
    resistant: Mapping[str, float]
    provenance: Provenance
    source: str

    def draw(self, u: np.ndarray) -> tuple[str, ...]:
        """Organisms at probabilities ``u`` [n]."""
        names = list(self.organisms)
        edges = np.cumsum(list(self.organisms.values())) / sum(self.organisms.values())
        return tuple(names[min(int(k), len(names) - 1)] for k in np.searchsorted(edges, u, side="right"))

    def quantile(self, name: str, u: np.ndarray | float) -> np.ndarray:
        """Continuous MICs of one organism here, mg/L, at probabilities ``u``."""
        return distribution(name, self.resistant.get(name)).quantile(u)


SETTINGS: Mapping[str, Setting] = MappingProxyType({
    s.name: s
    for s in (
        Setting(
            "early_high_income", "early-onset sepsis, all gestations",
            {"gbs": 0.58, "e_coli": 0.18, "s_aureus": 0.05, "enterococcus": 0.05}, {}, "secondary",
            "neonIN 2006-08 (Vergnano 2011): GBS 58 %, E. coli 18 %; the last two assumed",
        ),
        Setting(
            "early_preterm", "early-onset sepsis, very preterm",
            {"e_coli": 0.465, "gbs": 0.188, "klebsiella": 0.05, "enterobacter": 0.04, "s_aureus": 0.03, "enterococcus": 0.04}, {},
            "secondary", "VON 2018-19: E. coli 46.5 %, GBS 18.8 %; the rest assumed",
        ),
        Setting(
            "late_high_income", "late-onset sepsis",
            {"cons": 0.54, "e_coli": 0.09, "klebsiella": 0.06, "enterobacter": 0.05, "s_aureus": 0.18, "p_aeruginosa": 0.01}, {},
            "secondary", "neonIN 2006-08: CoNS 54 %, Enterobacteriaceae 21 % (split and P. aeruginosa assumed), S. aureus 18 %",
        ),
        Setting(
            "low_income", "sepsis in low and middle income countries",
            {"klebsiella": 0.264, "s_aureus": 0.232, "cons": 0.232, "e_coli": 0.153, "acinetobacter": 0.08, "p_aeruginosa": 0.04},
            {"klebsiella": 0.25, "e_coli": 0.10, "acinetobacter": 0.50, "cons": 0.40}, "secondary",
            "meta-analysis 2021: Klebsiella 26.4, S. aureus 23.2, CoNS 23.2, E. coli 15.3 %; the rest and resistance assumed",
        ),
        Setting("e_coli_only", "E. coli alone, as counted by EUCAST", {"e_coli": 1.0}, {}, "secondary", "EUCAST"),
        Setting(
            "gram_negative", "Gram-negative rods of late-onset sepsis",
            {"e_coli": 0.40, "klebsiella": 0.35, "enterobacter": 0.20, "p_aeruginosa": 0.05}, {}, "assumed", "round numbers",
        ),
    )
})  # fmt: skip


def setting(name: str) -> Setting:
    """A setting by name. Raises UnknownName naming those there are."""
    if name not in SETTINGS:
        raise UnknownName("no setting of this name", where="setting", value=name, allowed=", ".join(SETTINGS))
    return SETTINGS[name]


@dataclass(frozen=True)
class MICReport:
    """A measured MIC: ``value`` mg/L as read, ``sampled`` and ``reported`` h (it is known from ``reported`` on only)."""

    value: float
    sampled: float
    reported: float

    def __post_init__(self) -> None:
        if not 0.0 < self.value <= 4096.0:
            raise InputError(
                "a measured MIC must be positive", where="MIC report", value=self.value, allowed="above 0, up to 4096 mg/L"
            )
        if not self.reported >= self.sampled:
            raise InputError(
                "reported before it was sampled", where="MIC report", value=self.reported, allowed=f">= {self.sampled:g} h"
            )


def known_distribution(
    name: str, reports: tuple[MICReport, ...], now: float, *, resistant: float | None = None, sd: float = ASSAY_SD
) -> MICDistribution:
    """What is known at ``now`` h: the prior, updated by every report that has arrived."""
    belief = distribution(name, resistant)
    for report in reports:
        if report.reported <= now:
            belief = belief.updated(report.value, sd)
    return belief


def weights_given(MIC: np.ndarray, reading: float, sd: float = ASSAY_SD) -> np.ndarray:
    """Likelihood [n] of a measured MIC (mg/L) under continuous MICs [n]: importance weights of drawn infections."""
    if not 0.0 < reading <= 4096.0 or not sd > 0.0:
        raise InputError(
            "a measured MIC and its error must be positive", where="MIC", value=reading, allowed="above 0, up to 4096 mg/L"
        )
    top = np.ceil(np.log2(reading) - 1e-9)
    x = np.log2(np.asarray(MIC, dtype=float))
    return ndtr((top - x) / sd) - ndtr((top - 1.0 - x) / sd)


def summary() -> list[dict[str, Any]]:
    """One row per organism: median MIC, share up to the breakpoint, source (for tables in docs and reports)."""
    rows = []
    for name, entry in ORGANISMS.items():
        found, limit = DISTRIBUTIONS[name], breakpoint_of(name)
        rows.append({
            "organism": entry.text, "median": float(found.quantile(0.5)), "S": limit.S if limit else None,
            "share_S": found.below(limit.S) if limit else 0.0, "version": limit.version if limit else "",
            "provenance": found.provenance, "source": found.source,
        })  # fmt: skip
    return rows
