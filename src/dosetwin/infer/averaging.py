"""Several models of one patient: weights from prior weight x evidence, and one pooled set of draws.

The weights compare models on the same levels only: levels that every model predicts. A level's explanations (patient unlike,
record wrong) are weighed under each model, and their evidence together is the model's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, InputError
from dosetwin.infer.belief import DOUBTED, Belief, Plausibility
from dosetwin.infer.explanations import explain
from dosetwin.infer.likelihood import Evidence, evidence_for
from dosetwin.infer.plausibility import CHECK_ALL, percent, plausibility
from dosetwin.infer.sampling import belief_of
from dosetwin.records import Timeline
from dosetwin.simulate import Rule
from dosetwin.streams import stream


def _key(level: Plausibility) -> tuple[Any, ...]:
    return level.record, level.time, level.measures


@dataclass(frozen=True, eq=False)
class Mixture:
    """Beliefs under several models. ``weights`` [n_models] sum to 1; ``prior_weights`` those before the levels."""

    beliefs: tuple[Belief, ...]
    weights: tuple[float, ...]
    prior_weights: tuple[float, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def contradictions(self) -> tuple[Plausibility, ...]:
        """Levels that contradict every model (as the first model sees them)."""
        keys = [{_key(p) for p in belief.contradictions} for belief in self.beliefs]
        shared = set.intersection(*keys)
        return tuple(p for p in self.levels if _key(p) in shared)

    @property
    def levels(self) -> tuple[Plausibility, ...]:
        """Every level that some model predicts; ``p_wrong`` is the mean over those models by their weights."""
        seen: dict[tuple[Any, ...], list[tuple[float, Plausibility]]] = {}
        for belief, weight in zip(self.beliefs, self.weights, strict=True):
            for level in belief.levels:
                seen.setdefault((*_key(level), level.observed), []).append((weight, level))
        out = []
        for found in seen.values():
            total = math.fsum(w for w, _ in found)
            p = math.fsum(w * x.p_wrong for w, x in found) / total if total > 0 else found[0][1].p_wrong
            out.append(replace(found[0][1], p_wrong=p, used=p <= 0.5))
        return tuple(sorted(out, key=lambda level: level.time))

    @property
    def doubted(self) -> tuple[Plausibility, ...]:
        """Records that may well be wrong, over all models (``Belief.doubted``)."""
        return tuple(level for level in self.levels if level.p_wrong >= DOUBTED)

    @property
    def p_unlike(self) -> float:
        """Probability that the patient is unlike those the models were published for."""
        return math.fsum(w * b.p_unlike for w, b in zip(self.weights, self.beliefs, strict=True))

    def if_right(self) -> "Mixture":
        """The same models and weights with every record right (``Belief.if_right``)."""
        return replace(self, beliefs=tuple(b.if_right() for b in self.beliefs))

    def if_wrong(self) -> "Mixture":
        """The same models and weights with the records each doubts wrong (``Belief.if_wrong``)."""
        return replace(self, beliefs=tuple(b.if_wrong() for b in self.beliefs))

    def believed(self) -> "Mixture":
        """The same models and weights as believed (``Belief.believed``): parameters are reported from it."""
        return replace(self, beliefs=tuple(b.believed() for b in self.beliefs))

    def best(self) -> Belief:
        """The belief with the largest weight."""
        return self.beliefs[int(np.argmax(self.weights))]

    def pooled(self, draws: int) -> tuple[np.ndarray, ...]:
        """Draws of each model, as many as its weight deserves: together ``draws`` equally weighted draws of the mixture.

        Element m is [k_m, n_full of model m] with sum of k_m = ``draws``.
        """
        share = np.array(self.weights) * draws
        counts = np.floor(share).astype(int)
        for m in np.argsort(counts - share)[: draws - counts.sum()]:
            counts[m] += 1
        out = []
        for belief, count in zip(self.beliefs, counts, strict=True):
            index = (np.arange(count) * len(belief.draws)) // max(count, 1)
            out.append(belief.draws[index])
        return tuple(out)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "weights": {b.model: w for b, w in zip(self.beliefs, self.weights, strict=True)},
            "prior_weights": {b.model: w for b, w in zip(self.beliefs, self.prior_weights, strict=True)},
            "beliefs": [belief.to_json() for belief in self.beliefs],
            "findings": [finding.to_json() for finding in self.findings],
        }


def _level_keys(evidence: Evidence) -> list[tuple[Any, ...]]:
    """What identifies a level across models; the counter keeps duplicates apart."""
    seen: dict[tuple[Any, ...], int] = {}
    keys = []
    for level in evidence.levels:
        key = (level.time, level.measures, level.value, level.record)
        seen[key] = seen.get(key, 0) + 1
        keys.append((*key, seen[key]))
    return keys


def average(
    models: Sequence[Model],
    timeline: Timeline,
    *,
    seed: int,
    draws: int = 1000,
    rule: Rule = "locf",
    prior: Mapping[str, float] | None = None,
    conditions: bool = True,
) -> Mixture:
    """Posterior under each model and the models' weights.

    Parameters
    ----------
    prior : prior weight by model name (default equal); need not sum to 1.
    conditions : as in ``posterior``.

    Raises
    ------
    InputError : no model, weights that are negative or all 0, or a covariate a model refuses to go without.
    SimulationError : a model of which no parameter vector at all could be simulated.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from dosetwin import models, read_case
    >>> newborn = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))
    >>> asked = [models.load(name) for name in ("amikacin_decock_2012", "amikacin_neonate")]
    >>> round(sum(average(asked, newborn, seed=1, draws=200).weights), 9)
    1.0
    """
    if not models:
        raise InputError("averaging needs at least one model", where="models")
    before = np.array([1.0 if prior is None else float(prior.get(m.name, 0.0)) for m in models])
    if (before < 0).any() or not before.sum() > 0:
        raise InputError("prior weights of models", where="prior", value=dict(prior or {}), allowed="not negative, not all 0")
    before /= before.sum()
    compiled = [evidence_for(model, timeline, rule=rule) for model in models]
    streams = [stream(seed, "posterior", model.name, timeline.patient.id) for model in models]
    judged = [plausibility(evidence, percentiles=conditions) for evidence in compiled]
    keys = [_level_keys(evidence) for evidence in compiled]
    common = set.intersection(*map(set, keys))
    findings: list[Finding] = []
    beliefs: list[Belief] = []
    log_evidence: list[float] = []
    for evidence, rng, levels, ks in zip(compiled, streams, judged, keys, strict=True):
        belief = belief_of(evidence, draws=draws, rng=rng, levels=levels, conditions=conditions)
        beliefs.append(replace(belief, occasions=tuple(timeline.occasions)))
        shared = [i for i, k in enumerate(ks) if k in common]
        if len(shared) < len(ks):
            log_evidence.append(explain(evidence.subset(shared)).log_evidence)
            text = f"weight compares the {len(shared)} levels that every model predicts, of {len(ks)}"
            findings.append(Finding("info", "evidence_on_common_levels", evidence.model.name, text))
        else:
            log_evidence.append(-math.inf if belief.evidence is None else belief.evidence)
    with np.errstate(divide="ignore"):
        score = np.log(before) + np.array(log_evidence)
    top = float(score.max())
    if not math.isfinite(top):
        findings.append(Finding("error", "no_model_explains", timeline.patient.id, "no model gives the levels any probability"))
        weights = before
    else:
        weights = np.exp(score - top)
        weights /= weights.sum()
    mixture = Mixture(tuple(beliefs), tuple(map(float, weights)), tuple(map(float, before)))
    for level in mixture.contradictions:
        text = f"level contradicts every model; the record is wrong with {percent(level.p_wrong)} probability"
        findings.append(Finding("error", "level_contradicts_every_model", level.record, text, level.observed, remedy=CHECK_ALL))
    return replace(mixture, findings=tuple(findings))


__all__ = ["Mixture", "average"]
