"""Where each level lies in what the model expected before any level of this patient, and what is said of it."""

import math
from dataclasses import replace

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, SimulationError, percent
from dosetwin.infer.belief import CONTRADICTION, DOUBTED, Plausibility, verdict_of
from dosetwin.infer.likelihood import Evidence
from dosetwin.infer.points import normals

PRIOR_DRAWS = 1000
"""Vectors behind the prior predictive percentiles: half prior, half prior with doubled SD, weighted back (sharper tails)."""
CHECK_ALL = "check sample, sampling time, line, dose record and assay before acting on any prediction"


def prior_predictive(evidence: Evidence, n: int = PRIOR_DRAWS) -> tuple[np.ndarray, np.ndarray]:
    """(percentile, median) of each level in the prior predictive, [n_levels] each; percentile in 0..1 with residual error.

    The points are always the same, so a level has one percentile and one verdict, whatever the seed.
    """
    d = evidence.root.shape[0]
    half = n // 4
    points = normals(2 * half, d)
    # antithetic pairs: the percentile of a typical level is then nearly free of error
    base, wide = points[0::2], 2.0 * points[1::2]
    z = np.vstack([base, -base, wide, -wide])
    q = np.einsum("ki,ki->k", z, z)
    # prior / (1/2 prior + 1/2 N(0, 4 I)); never above 2
    w = 2.0 / (1.0 + np.exp(0.375 * q - d * math.log(2.0)))
    prediction = evidence.predict(z)
    if not prediction.ok.any():
        raise SimulationError(f"{evidence.model.name}: every parameter vector tried could not be simulated")
    ok = prediction.ok
    w = w[ok] / w[ok].sum()
    percentile = w @ evidence.cdf(prediction)[ok]
    at = evidence.at_levels(prediction)[ok]
    order = np.argsort(at, axis=0)
    below = np.cumsum(w[order], axis=0)
    middle = (below < 0.5).sum(axis=0)
    median = np.take_along_axis(at, np.take_along_axis(order, middle[None], axis=0), axis=0)[0]
    return np.clip(percentile, 0.0, 1.0), median


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
    return tuple(replace(level, p_wrong=float(p), used=bool(p <= 0.5)) for level, p in zip(levels, p_wrong, strict=True))


def remarks(model: Model, levels: tuple[Plausibility, ...], p_unlike: float) -> tuple[Finding, ...]:
    """Findings about unusual, contradicting and doubted levels."""
    found: list[Finding] = []
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
