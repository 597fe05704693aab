"""Where each level lies in what the model expected before any level of this patient, and what is said of it."""

import math
from collections.abc import Mapping

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, percent
from dosetwin.infer.beginnings import prior_predictive
from dosetwin.infer.belief import CONTRADICTION, DOUBTED, Plausibility, verdict_of
from dosetwin.infer.likelihood import Evidence

CHECK_ALL = "check sample, sampling time, line, dose record and assay before acting on any prediction"


def plausibility(evidence: Evidence, *, percentiles: bool = True) -> tuple[Plausibility, ...]:
    """Each level's place in the prior predictive, all marked as used; NaN (and no verdict against it) without ``percentiles``."""
    if len(evidence) == 0:
        return ()
    share, median = prior_predictive(evidence) if percentiles else np.full((2, len(evidence)), math.nan)
    return tuple(
        Plausibility(
            level.record, level.time, level.measures, level.value, level.blq, float(median[i]),
            100.0 * float(share[i]), verdict_of(100.0 * float(share[i]), level.blq),
        )
        for i, level in enumerate(evidence.levels)
    )  # fmt: skip


def weighed(levels: tuple[Plausibility, ...], p_wrong: np.ndarray) -> tuple[Plausibility, ...]:
    """The same with the probabilities [n] that the records are wrong."""
    return tuple(
        Plausibility(x.record, x.time, x.measures, x.observed, x.blq, x.median, x.percentile, x.verdict, p <= 0.5, p)
        for x, p in zip(levels, p_wrong.tolist(), strict=True)  # written out: ``replace`` takes several times as long
    )


def remarks(
    model: Model, levels: tuple[Plausibility, ...], p_unlike: float, exchanged: Mapping[tuple[int, int], float]
) -> tuple[Finding, ...]:
    """Findings about unusual, contradicting and doubted levels, and about pairs of them that may stand for each other."""
    found: list[Finding] = []
    for (i, j), p in exchanged.items():
        if p >= DOUBTED:
            one, other = levels[i], levels[j]
            said = f"these levels and their times may have been swapped, {one.record} and {other.record}: {percent(p)}"
            found.append(
                Finding("warning", "levels_swapped", one.record, said, one.observed, "", "check the labels of both tubes")
            )
    for level in levels:
        if level.verdict == "plausible" and level.p_wrong < DOUBTED:
            continue
        said = f"level lies at the {level.percentile:.4g} percentile of what {model.name} expects (median {level.median:.3g})"
        weighs = (
            f"{said}; probability that this record is wrong: {percent(level.p_wrong)} (a separate question: "
            f"that the patient is unlike those of the model, {percent(p_unlike)}; the two do not add up to 100 %)"
        )
        if level.verdict == "contradiction":
            limits = f"{100 * CONTRADICTION:g} to {100 - 100 * CONTRADICTION:g} percentile"
            found.append(Finding("error", "level_contradicts_model", level.record, weighs, level.observed, limits, CHECK_ALL))
        elif level.p_wrong >= DOUBTED:
            found.append(Finding("warning", "level_doubted", level.record, weighs, level.observed, "", CHECK_ALL))
        else:
            remedy = "check sampling time and dose record"
            found.append(Finding("warning", "level_unusual", level.record, said, level.observed, "", remedy))
    return tuple(found)
