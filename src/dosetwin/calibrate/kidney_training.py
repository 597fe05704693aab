"""Synthetic babies for the kidney's network, truth A plain and randomised, and the call that trains on them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.errors import InputError
from dosetwin.forecast.kidney.training.targets import TrainingBaby
from dosetwin.populations.newborn_kidney.cohort import KidneyCohort, cohort
from dosetwin.populations.newborn_kidney.frozen import recorded
from dosetwin.populations.newborn_kidney.parameters import FIRST_TEST_SEED
from dosetwin.populations.newborn_kidney.randomise import RANGES, Ranges, randomised
from dosetwin.populations.newborn_kidney.records import records

if TYPE_CHECKING:
    from dosetwin.forecast.kidney.learned import LearnedKidney
    from dosetwin.forecast.kidney.training.train import Progress

BABIES = 26_000
"""Babies the networks are trained on, all told."""
PLAIN = 0.6
"""Share of them that are plain truth A; the others are randomised."""
CALIBRATION = 4_000
"""Babies held out for calibration, in the same shares."""
_FIRST, _APART = 200_000, 4
"""Cohorts of training seed s have the seeds _FIRST + _APART s and the three after it."""


@dataclass(frozen=True, eq=False)
class Nursery:
    """Cohorts of one seed: ``plain`` and ``strayed`` (randomised) to train on, ``plain_held`` and ``strayed_held`` to calibrate
    on."""

    plain: KidneyCohort
    strayed: KidneyCohort
    plain_held: KidneyCohort
    strayed_held: KidneyCohort


def plain_babies(seed: int, babies: int, noise: str = "low") -> KidneyCohort:
    """The first plain babies of a training seed: a baby does not depend on how many are made."""
    return cohort("A", babies, _FIRST + _APART * seed, noise=noise)


def training_cohorts(
    seed: int,
    babies: int = BABIES,
    noise: str = "low",
    *,
    plain: float = PLAIN,
    held_out: int = CALIBRATION,
    ranges: Ranges = RANGES,
) -> Nursery:
    """The four cohorts of a training seed. Raises InputError for fewer than 20 babies, or a seed so high that it meets the
    tests'."""
    highest = (FIRST_TEST_SEED - _FIRST) // _APART - 1
    if not 0 <= seed <= highest:
        raise InputError("seed of training not accepted", where="--seed", value=seed, allowed=f"0 to {highest}")
    if babies < 20 or held_out < 20:
        raise InputError("too few babies", where="--babies", value=min(babies, held_out), allowed=">= 20")
    base, n, k = _FIRST + _APART * seed, round(babies * plain), round(held_out * plain)
    return Nursery(
        plain_babies(seed, max(n, 1), noise),
        randomised(max(babies - n, 1), base + 1, noise=noise, ranges=ranges),
        cohort("A", max(k, 1), base + 2, noise=noise),
        randomised(max(held_out - k, 1), base + 3, noise=noise, ranges=ranges),
    )


def training_babies(of: KidneyCohort) -> list[TrainingBaby]:
    """Records of a cohort with their noise-free creatinine (mg/dL IDMS) by the hour: synthetic babies know theirs."""
    return [TrainingBaby(r, scr.astype(np.float32)) for r, scr in zip(records(of), of.hidden.SCR, strict=True)]


def train_on_truth_A(
    out: Path,
    *,
    seed: int,
    babies: int = BABIES,
    noise: str = "low",
    members: int = 5,
    held_out: int = CALIBRATION,
    ranges: Ranges = RANGES,
    progress: "Progress | None" = None,
    start: Path | None = None,
    date: str = "",
    resume: bool = True,
    **settings: Any,
) -> "LearnedKidney":
    """Make synthetic babies from ``seed``, train and calibrate on them, write the folder ``out``; ``settings`` as in
    loop.Settings.

    Under two minutes of one core for the cohorts of the default size and under a minute a member. Needs PyTorch (extra
    ``learn``).
    """
    from dosetwin.forecast.kidney.training.loop import Settings
    from dosetwin.forecast.kidney.training.train import train

    if progress is not None:
        progress("making babies", 0, 1)
    made = training_cohorts(seed, babies, noise, held_out=held_out, ranges=ranges)
    plain, strayed = training_babies(made.plain), training_babies(made.strayed)
    told = {
        "source": "synthetic: truth A of dosetwin.populations.newborn_kidney.cohort, plain and randomised",
        "synthetic": True,
        "generator_sha256": recorded()["sha256"]["all"],
        "cohort_seeds": [_FIRST + _APART * seed + k for k in range(_APART)],
        "noise": noise,
        "plain_share": PLAIN,
        "randomisation": ranges.to_json(),
    }
    return train(
        [*plain, *strayed], training_babies(made.plain_held), out, strayed=training_babies(made.strayed_held), seed=seed,
        members=members, settings=replace(Settings(), **settings), plain=plain, wide=strayed, start=start, data=told,
        date=date, resume=resume, **({} if progress is None else {"progress": progress}),
    )  # fmt: skip


def recalibrate_on_truth_A(
    folder: Path, *, seed: int, noise: str = "low", held_out: int = CALIBRATION, ranges: Ranges = RANGES
) -> "LearnedKidney":
    """The networks that ``train_on_truth_A`` wrote to ``folder`` from ``seed``, calibrated again as it calibrates now."""
    from dosetwin.forecast.kidney.training.train import recalibrate

    made = training_cohorts(seed, 20, noise, held_out=held_out, ranges=ranges)
    return recalibrate(folder, training_babies(made.plain_held), strayed=training_babies(made.strayed_held), seed=seed)
