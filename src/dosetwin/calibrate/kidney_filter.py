"""Fits the shipped filter on babies of truth A: ``python -m dosetwin.calibrate.kidney_filter --date YYYY-MM-DD``.

Half of the babies carry each noise level, because a ward's own is not known. Truths B and C, and the test seeds, are not used.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from dosetwin.forecast.kidney.filter import KalmanFilter
from dosetwin.forecast.kidney.fitted import SHIPPED, written
from dosetwin.forecast.kidney.fitting import usable
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.populations.newborn_kidney import frozen as kidney_frozen
from dosetwin.populations.newborn_kidney.cohort import cohort
from dosetwin.populations.newborn_kidney.parameters import PARAMETERS, TEST_SEEDS
from dosetwin.populations.newborn_kidney.records import records

SEED = 810_001
BABIES = 3000


def babies(n: int, seed: int, truth: Any = "A") -> list[WardRecord]:
    """``n`` babies of a truth, the noise levels in equal parts, as ward records that can teach. ValueError for a test seed."""
    if seed + len(PARAMETERS.noise) > min(TEST_SEEDS):
        raise ValueError(f"{seed} is kept for the evaluation")
    levels = list(PARAMETERS.noise)
    found: list[WardRecord] = []
    for k, noise in enumerate(levels):
        share = n // len(levels) + (k < n % len(levels))
        if share:
            found += records(cohort(truth, share, seed + k, noise=noise))
    return usable(found)


def fit(n: int = BABIES, seed: int = SEED, *, date: str, max_iterations: int = 120) -> str:
    """The text of a weights file fitted on ``n`` babies of truth A; ``date`` goes on its card."""
    kidney_frozen.verify()
    taught = babies(n, seed)
    fitted = KalmanFilter.fit(taught, max_iterations=max_iterations)
    scr = np.concatenate([r.scr for r in taught])
    ends = {
        "GA": [r.GA for r in taught],
        "BW": [r.BW for r in taught],
        "PNA": [0.0, *(float(r.time[-1]) / 24.0 for r in taught)],
        "SCR": scr.tolist(),
    }
    card = {
        "what": "extended Kalman filter on the composite creatinine balance, maximum likelihood",
        "data": "synthetic newborns of truth A (docs/kidney.md), half of them with each noise level; no real baby",
        "babies": len(taught),
        "creatinines": len(scr),
        "seed": seed,
        "date": date,
        "truths": kidney_frozen.current()["sha256"]["all"],
        "range": {name: [round(float(min(v)), 3), round(float(max(v)), 3)] for name, v in ends.items()},
        "nll_per_creatinine": round(fitted.negative_log_likelihood(taught), 5),
        "nll_per_creatinine_unfitted": round(KalmanFilter().negative_log_likelihood(taught), 5),
        "command": f"python -m dosetwin.calibrate.kidney_filter --babies {n} --seed {seed} --date {date}",
    }
    return written(fitted, card)


def main(words: list[str] | None = None) -> None:
    """Fit and write; see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--babies", type=int, default=BABIES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--date", required=True, help="what the card says, YYYY-MM-DD")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args(words)
    given.out.write_text(fit(given.babies, given.seed, date=given.date), encoding="utf-8")


if __name__ == "__main__":
    main()
