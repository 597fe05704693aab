"""Virtual newborns beside published cohorts: ``python -m dosetwin.populations.newborn.checks`` prints the table, misses included.

Bands say how far a right cohort may lie from the printed figure and were written beside it before it was computed; figures that
the setting was fitted to are marked, so that nobody takes them for a test.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dosetwin.populations.newborn.newborns import ORGANISMS, Newborns, cohort
from dosetwin.populations.newborn.truth import TRUTHS, physiology

BABIES, SEED = 20_000, 31


@dataclass(frozen=True)
class Check:
    """One published figure, how it is found in a cohort, and the band (low, high) that passes. ``fitted``: not a test."""

    text: str
    published: float
    band: tuple[float, float]
    source: str
    found: Callable[[Newborns], float]
    setting: str = "nicu"
    fitted: bool = False


def _at_age(babies: Newborns, PNA: float) -> Newborns:
    """The same babies, first dose at ``PNA`` d; what is counted from the first dose moves with it."""
    shift = 24.0 * (babies.PNA - PNA)[:, None]
    care = {name: getattr(babies, name) + shift for name in ("cooling", "ibuprofen", "inotropes")}
    return replace(babies, PNA=np.full(len(babies), PNA), **care)


def _creatinine(babies: Newborns, who: np.ndarray, PNA: float) -> float:
    """Mean creatinine, mg/dL, of the babies ``who`` at ``PNA`` d."""
    some = _at_age(babies.take(np.flatnonzero(who)[:1500]), PNA)
    return float(physiology(some, 1, TRUTHS["as_believed"]).SCR[:, 0].mean())


def _share(babies: Newborns, organism: str, early: bool) -> float:
    which = (babies.PNA < 3.0) == early
    return 100.0 * float((babies.organism[which] == ORGANISMS.index(organism)).mean())


def _g(b: Newborns, q: float) -> float:
    return 1000.0 * float(np.quantile(b.BW, q))


def _happens(b: Newborns, care: str, who: np.ndarray | slice = slice(None)) -> float:
    return 100.0 * float(np.isfinite(getattr(b, care)[who, 0]).mean())


def _ibuprofen_day(b: Newborns) -> float:
    day = b.ibuprofen[:, 0] / 24.0 + b.PNA
    return float(np.median(day[np.isfinite(day)]))


SMITS = "Smits 2015, congress abstract (579 babies)"
DECOCK = "De Cock 2012, abstract (874 babies)"
CHECKS = (
    Check("GA, median, wk", 34.0, (33.5, 34.5), SMITS, lambda b: float(np.median(b.GA)), fitted=True),
    Check("GA, lowest, wk", 24.0, (22.0, 25.0), SMITS, lambda b: float(b.GA.min())),
    Check("GA, highest, wk", 41.0, (40.0, 43.0), SMITS + "; De Cock 43", lambda b: float(b.GA.max())),
    Check("birth weight, median, g", 2285.0, (2170.0, 2400.0), SMITS, lambda b: _g(b, 0.5), fitted=True),
    Check("birth weight, 0.2nd centile, g", 420.0, (380.0, 560.0), SMITS + ": lowest of 579", lambda b: _g(b, 1 / 579)),
    Check("birth weight, 99.8th centile, g", 4850.0, (4300.0, 5000.0), SMITS + ": highest", lambda b: _g(b, 1 - 1 / 579)),
    Check("birth weight, median, g", 1750.0, (1570.0, 1930.0), DECOCK, lambda b: _g(b, 0.5)),
    Check("current weight over birth weight, ratio of medians", 1760 / 1750, (0.97, 1.05), DECOCK,
          lambda b: float(np.median(b.WT) / np.median(b.BW))),
    Check("PNA, median, d", 2.0, (1.8, 2.2), SMITS + "; De Cock the same", lambda b: float(np.median(b.PNA)), fitted=True),
    Check("cooled among all treated, %", 100 * 56 / 930, (4.5, 7.5), "Cristea 2017: 56 beside 874",
          lambda b: _happens(b, "cooling")),
    Check("ibuprofen below 32 wk, %", 6.6, (5.3, 7.9), "England and Wales 2010-17, BMJ Paediatr Open 2022;6:e001424",
          lambda b: _happens(b, "ibuprofen", b.GA < 32), fitted=True),
    Check("ibuprofen, median day of start", 10.0, (8.5, 11.5), "the same", _ibuprofen_day, fitted=True),
    Check("inotropes in the first week below 29 wk, %", 18.7, (16.5, 21.0), "Canada 2010-11: 491 of 2626",
          lambda b: _happens(b, "inotropes", b.GA < 29), fitted=True),
    Check("kidney injury, GA < 29 wk, %", 48.0, (38.0, 58.0), "AWAKEN, recalled",
          lambda b: _happens(b, "injury", b.GA < 29), "nicu_changing"),
    Check("kidney injury, 29 to < 36 wk, %", 18.0, (13.0, 23.0), "AWAKEN, recalled",
          lambda b: _happens(b, "injury", (b.GA >= 29) & (b.GA < 36)), "nicu_changing"),
    Check("kidney injury, from 36 wk, %", 37.0, (30.0, 45.0), "AWAKEN, recalled",
          lambda b: _happens(b, "injury", b.GA >= 36), "nicu_changing"),
    Check("creatinine, 26-28 wk below 1 kg, day 3, mg/dL", 0.87, (0.74, 1.00), "van Donge 2021, abstract (GA 27 wk)",
          lambda b: _creatinine(b, (b.GA > 26) & (b.GA < 28) & (b.BW < 1.0), 3.0)),
    Check("creatinine, term, day 1, mg/dL", 0.62, (0.53, 0.72), "Boer 2010, enzymatic: 55 umol/L",
          lambda b: _creatinine(b, (b.GA > 37.5) & ~b.asphyxia, 1.0)),
    Check("E. coli, early onset, %", 18.0, (14.0, 23.0), "neonIN 2006-08", lambda b: _share(b, "e_coli", True), "england"),
    Check("GBS, early onset, %", 58.0, (53.0, 63.0), "neonIN 2006-08", lambda b: _share(b, "gbs", True), "england", True),
    Check("CoNS, late onset, %", 54.0, (49.0, 60.0), "neonIN 2006-08", lambda b: _share(b, "cons", False), "england", True),
    Check("Klebsiella, %", 26.4, (21.0, 31.0), "developing countries, 2021 meta-analysis",
          lambda b: 100 * float((b.organism == ORGANISMS.index("klebsiella")).mean()), "llmic", True),
)  # fmt: skip


def checked(n: int = BABIES, seed: int = SEED) -> list[tuple[Check, float, bool]]:
    """Each check with what was found and whether it is inside its band."""
    cohorts = {name: cohort(n, seed, name) for name in dict.fromkeys(c.setting for c in CHECKS)}
    values = [(c, c.found(cohorts[c.setting])) for c in CHECKS]
    return [(c, v, c.band[0] <= v <= c.band[1]) for c, v in values]


def table(rows: list[tuple[Check, float, bool]]) -> str:
    """The checks as a Markdown table."""
    lines = ["| figure | published | here | band | | source |", "|---|---|---|---|---|---|"]
    for c, value, inside in rows:
        verdict = ("inside" if inside else "**MISSED**") + (" (fitted)" if c.fitted else "")
        name = c.text if c.setting == "nicu" else f"{c.text} (`{c.setting}`)"
        lines.append(f"| {name} | {c.published:.4g} | {value:.4g} | {c.band[0]:g}-{c.band[1]:g} | {verdict} | {c.source} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(checked()))
