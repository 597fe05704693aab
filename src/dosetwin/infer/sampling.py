"""Posterior draws: importance resampling around the modes of all explanations, adaptive Metropolis when the weights collapse.

Vectors are whitened (eta = L z, z ~ N(0, I) a priori in a usual patient). The proposal is a mixture of heavy-tailed t at the mode
of each explanation that matters and of the prior itself (defensive: weights stay bounded by 1 / PRIOR_SHARE times the likelihood
ratio). The same proposals are weighed for the mixture of all explanations and for each condition on the records.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, SimulationError
from dosetwin.infer.belief import Belief, Condition, Conditional, Method, Plausibility, full_names
from dosetwin.infer.chains import DF, MIN_CHAIN_ESS, RHAT_LIMIT, metropolis, systematic
from dosetwin.infer.explanations import Explained, Fitted, explain
from dosetwin.infer.likelihood import Evidence, evidence_for
from dosetwin.infer.map import map_of
from dosetwin.infer.plausibility import plausibility, remarks, weighed
from dosetwin.infer.points import shifted, students
from dosetwin.infer.robust import Weighing
from dosetwin.infer.surrogate import TOLERATED, surrogate
from dosetwin.records import Timeline
from dosetwin.simulate import Prediction, Rule
from dosetwin.streams import stream

PRIOR_SHARE = 0.15
"""Share of the proposals that comes from the prior."""
OVERSAMPLE = 2
"""Proposals per draw wanted."""
MIN_ESS, MIN_ESS_SHARE = 100.0, 0.1
"""Importance weights have collapsed when their ESS is below max(MIN_ESS, MIN_ESS_SHARE x draws)."""
MOST_CENTRES, LEAST_SHARE = 6, 0.05
"""At most so many explanations have proposals of their own; none of them fewer than this share."""
ADAPTATIONS = 3
"""At most so often are proposals moved to where a condition other than the mixture puts its weight."""
PLAYED = 32
"""Proposals of each kind (by weight, and one after the other) whose weight by a quadratic is compared with a play; half as many
where the mixture alone is asked for (of fewer draws)."""
AT_ONCE, EVERY = 128, 10**9
"""Vectors that a quadratic tells at once (1 MB for a year's levels), and no bound."""
Contradicting = Literal["weigh", "fit"]


@dataclass(frozen=True, eq=False)
class _Component:
    """One part of a proposal: t with ``df`` degrees of freedom (normal when inf) at ``mean`` with ``scale``, ``n`` points."""

    n: int
    mean: np.ndarray
    scale: np.ndarray
    df: float

    def draw(self, shift: np.ndarray) -> np.ndarray:
        """``shift`` [n + 1] in [0, 1) makes the points random; one for all parts, so that answers move smoothly with levels."""
        return self.mean + students(shifted(self.n, shift), self.df) @ np.linalg.cholesky(self.scale).T

    def log_density(self, z: np.ndarray) -> np.ndarray:
        d = len(self.mean)
        root = np.linalg.cholesky(self.scale)
        q = np.square(np.linalg.solve(root, (z - self.mean).T)).sum(0)
        log_det = float(np.log(np.diag(root)).sum())
        norm = math.lgamma((self.df + d) / 2) - math.lgamma(self.df / 2) - 0.5 * d * math.log(self.df * math.pi)
        return norm - log_det - 0.5 * (self.df + d) * np.log1p(q / self.df)


@dataclass(frozen=True, eq=False)
class Pool:
    """Proposals ``z`` [M, n] with the log of their density ``log_q`` [M] and of what they are worth per condition, each [M]."""

    z: np.ndarray
    log_q: np.ndarray
    log_p: Mapping[str, np.ndarray]

    def weights(self, condition: str) -> tuple[np.ndarray, float, float]:
        """(weights [M] adding up to 1, effective sample size, ln of the integral); size 0 where nothing has any weight."""
        log_w = self.log_p[condition] - self.log_q
        top = float(log_w.max())
        if not math.isfinite(top):
            return np.full(len(log_w), 1.0 / len(log_w)), 0.0, -math.inf
        w = np.exp(log_w - top)
        log_integral = top + math.log(float(w.mean()))
        w /= w.sum()
        return w, float(1.0 / np.square(w).sum()), log_integral


def _pooled(
    weighing: Weighing, parts: list[_Component], shift: np.ndarray, predict: Callable[[np.ndarray], Prediction], believed: bool,
    at_once: int = EVERY,
) -> Pool:  # fmt: skip
    """Deterministic-mixture importance sampling; ``at_once``: vectors weighed together, whose predictions stay near the core."""
    z = np.vstack([part.draw(shift) for part in parts])
    log_q = np.logaddexp.reduce([part.log_density(z) + math.log(part.n / len(z)) for part in parts], axis=0)
    parts_of = [z[lo : lo + at_once] for lo in range(0, len(z), at_once)]
    found = [weighing.conditions(some, predict(some), believed) for some in parts_of]
    return Pool(z, log_q, {name: np.concatenate([f[name] for f in found]) for name in found[0]})


def _adapted(pool: Pool, w: np.ndarray, n: int) -> _Component:
    """A t proposal with the moments of a weighted sample, tempered until enough vectors carry weight."""
    d = pool.z.shape[1]
    with np.errstate(divide="ignore"):
        log_w = np.log(w)
    power = 1.0
    while 1.0 / np.square(w).sum() < 20 * d and power > 1e-3:
        power *= 0.7
        w = np.exp(power * (log_w - log_w.max()))
        w /= w.sum()
    mean = w @ pool.z
    centred = pool.z - mean
    scale = (centred * w[:, None]).T @ centred
    return _Component(n, mean, scale + 1e-6 * np.eye(d), DF)


def _at(evidence: Evidence, f: Fitted) -> _Component:
    """A proposal at the mode of a fit, in units of the published SDs."""
    wide = replace(evidence, spread=f.spreads).widening
    return _Component(1, wide @ f.estimate.z, wide @ f.estimate.cov_z @ wide.T, DF)


def _centres(evidence: Evidence, explained: Explained, total: int) -> list[_Component]:
    """Proposals at the modes of the explanations, as many as their probability deserves; the prior's come last."""
    d = evidence.root.shape[0]
    doubted = {int(i) for i in np.flatnonzero(explained.doubted)}
    chosen = list(range(min(MOST_CENTRES, len(explained.fitted))))
    for fits in (lambda f: not f.blamed, lambda f: doubted <= f.blamed):  # each condition needs a centre of its own
        k = next((k for k, f in enumerate(explained.fitted) if fits(f)), None)
        if k is not None and k not in chosen:
            chosen.append(k)
    share = np.maximum(explained.probability[chosen], LEAST_SHARE)
    n_prior = round(PRIOR_SHARE * total)
    counts = np.maximum(np.round(share / share.sum() * (total - n_prior)).astype(int), 1)
    parts = []
    for k, n in zip(chosen, counts, strict=True):
        parts.append(replace(_at(evidence, explained.fitted[k]), n=int(n)))
    if explained.bounded is not None:
        parts.append(replace(_at(evidence, explained.bounded), n=total // 2))
    return [*parts, _Component(n_prior, np.zeros(d), np.eye(d), DF)]


def _agrees(pool: Pool, weighing: Weighing, conditions: Sequence[str]) -> bool:
    """Whether a pool weighed by a quadratic has the weights of plays, by two estimates of their total variation.

    Proposals as probable as their weight show where the quadratic makes too much of a vector, those one after the other also
    where it makes too little.
    """
    played_of = PLAYED if len(conditions) > 1 else PLAYED // 2
    every = np.unique(np.linspace(0, len(pool.z) - 1, played_of).astype(int))
    weights = {condition: pool.weights(condition) for condition in conditions}
    if not all(size > 0.0 for _, size, _ in weights.values()):
        return False
    heavy_of = {condition: systematic(w, played_of, 0.5) for condition, (w, _, _) in weights.items()}
    alike = np.unique(np.concatenate([every, *heavy_of.values()]))  # each vector is played once for all that is asked of it
    found = weighing.conditions(pool.z[alike], weighing.evidence.predict(pool.z[alike]), "believed" in conditions)
    for condition, heavy in heavy_of.items():
        at = np.concatenate([heavy, every])
        played = found[condition][np.searchsorted(alike, at)]
        off = played - pool.log_p[condition][at]  # -inf against -inf: a vector beyond reach that no play gives anything either
        with np.errstate(over="ignore", invalid="ignore"):
            middle = float(np.median(off[: len(heavy)]))
            first = 0.5 * float(np.abs(np.expm1(off[: len(heavy)] - middle)).mean())
            plays = np.exp(played[len(heavy) :] - middle - pool.log_q[every])
            told = np.exp(pool.log_p[condition][every] - pool.log_q[every])
            second = 0.5 * float(np.abs(plays - told).sum() / told.sum())
        if not max(first, second) <= TOLERATED:
            return False
    return True


@dataclass(frozen=True, eq=False)
class _Sampled:
    """What sampling gives a belief: whitened draws per condition, and how good they are."""

    draws: Mapping[str, np.ndarray]
    ess: float
    method: Method
    log_evidence: float
    rhat: float | None
    findings: tuple[Finding, ...]


def _sample(
    evidence: Evidence, explained: Explained, draws: int, rng: np.random.Generator, conditions: bool = True
) -> tuple[Explained, _Sampled]:
    """Draws in whitened space with everything Belief reports about them; without ``conditions`` of the mixture alone."""
    d = evidence.root.shape[0]
    total = max(OVERSAMPLE * draws, 600) * (1 if explained.quiet else 2)
    threshold = max(MIN_ESS, MIN_ESS_SHARE * draws)
    weighing = Weighing(evidence, explained.doubted, explained.certain, explained.pairs)
    # every number drawn here, so that the same stream serves the same purposes whatever the levels
    shift, offset, order = rng.random(d + 1), rng.random(), rng.permutation(draws)
    enough = threshold if explained.quiet else max(threshold, 0.6 * draws)

    def pooled(predict: Callable[[np.ndarray], Prediction], at_once: int = EVERY) -> Pool:
        parts = _centres(evidence, explained, total)
        pool = _pooled(weighing, parts, shift, predict, conditions, at_once)
        w, ess, log_evidence = pool.weights("mixture")
        if ess >= enough or not math.isfinite(log_evidence):
            return pool
        again = _pooled(weighing, [*parts, _adapted(pool, w, total // 2)], shift, predict, conditions, at_once)
        return again if again.weights("mixture")[1] > ess else pool

    told = _by_quadratic(evidence, explained, weighing, total, conditions, pooled)
    pool = told or pooled(evidence.predict)
    wanted = threshold if told else enough  # what a quadratic spared is not played after all for a little less noise
    log_evidence = pool.weights("mixture")[2]
    if not np.isfinite(pool.log_p["mixture"]).any():
        raise SimulationError(
            f"{evidence.model.name}: nothing tried could be simulated: check covariates and doses, their values and units"
        )
    asked: list[Condition] = ["believed", *(["right", "wrong"] if explained.doubted.any() else [])] if conditions else []
    found: dict[str, np.ndarray] = {}
    findings: list[Finding] = []
    worst, rhat, method = math.inf, None, "importance"
    for condition in ("mixture", *asked):
        w, size, _ = pool.weights(condition)
        if condition == "believed" and size < threshold and not explained.doubted.any():
            continue  # nobody is in doubt: the mixture says the same
        of = pool
        for _ in range(
            ADAPTATIONS if condition != "mixture" else 0
        ):  # proposals were made for the mixture: some of its own first
            if size >= wanted or not size > 0.0:
                break
            own = [_adapted(of, w, total), replace(_at(evidence, _fit_for(explained, condition)), n=total // 4)]
            again = _pooled(weighing, own, shift, evidence.predict, condition == "believed")
            w_again, size_again, _ = again.weights(condition)
            if size_again <= size:
                break
            of, w, size = again, w_again, size_again
        if size >= threshold:
            found[condition] = of.z[systematic(w, draws, offset)][order]
            worst = min(worst, size) if condition == "mixture" else worst
            continue
        chains = int(np.clip(4 * d, 24, 64))
        centre = _at(evidence, _fit_for(explained, condition))
        spread = _adapted(of, w, chains) if size > 0 else replace(centre, n=chains)
        log_post: Callable[[np.ndarray], np.ndarray] = lambda z, c=condition: weighing.conditions(  # noqa: E731
            z, evidence.predict(z)
        )[c]
        z, chain, mixing = metropolis(log_post, spread.draw(shift), centre.mean, centre.scale, draws, rng)
        found[condition] = z
        if condition != "mixture":
            continue
        worst, rhat, method = chain, mixing, "metropolis"
        text = f"importance weights had collapsed (effective size {size:.0f}): adaptive Metropolis, split-Rhat {mixing:.3f}"
        findings.append(Finding("info", "importance_collapsed", evidence.model.name, text))
        if mixing >= RHAT_LIMIT or chain < MIN_CHAIN_ESS:
            text = f"posterior draws have not converged: split-Rhat {mixing:.3f}, effective sample size {chain:.0f}"
            remedy = "do not rely on the intervals"
            findings.append(
                Finding("warning", "draws_not_converged", evidence.model.name, text, mixing, f"< {RHAT_LIMIT}", remedy)
            )
    return explained, _Sampled(found, worst, method, log_evidence, rhat, tuple(findings))


def _by_quadratic(
    evidence: Evidence,
    explained: Explained,
    weighing: Weighing,
    vectors: int,
    conditions: bool,
    pooled: Callable[[Callable[[np.ndarray], Prediction], int], Pool],
) -> Pool | None:
    """The proposals of a long record weighed by a quadratic; None where there is none or plays do not agree with it."""
    centre = _at(evidence, explained.fitted[0])
    others = [*explained.fitted, *([] if explained.bounded is None else [explained.bounded])]
    quick = surrogate(evidence, centre.mean, centre.scale, (_at(evidence, f).mean for f in others), vectors)
    if quick is None:
        return None
    pool = pooled(quick.predict, AT_ONCE)
    told = (
        "mixture",
        *(("believed",) if conditions else ()),
        *(("right", "wrong") if conditions and explained.doubted.any() else ()),
    )
    return pool if _agrees(pool, weighing, told) else None


def _which(explained: Explained, condition: str) -> int:
    """Index of the most probable explanation that a condition allows."""
    doubted = {int(i) for i in np.flatnonzero(explained.doubted)}
    fits = {"right": lambda f: not f.blamed, "believed": lambda f: not f.blamed, "wrong": lambda f: doubted <= f.blamed}
    rule = fits.get(condition, lambda f: True)
    return next((k for k, f in enumerate(explained.fitted) if rule(f)), 0)


def _fit_for(explained: Explained, condition: str) -> Fitted:
    if condition == "believed" and explained.bounded is not None:
        return explained.bounded
    return explained.fitted[_which(explained, condition)]


def belief_of(
    evidence: Evidence,
    *,
    draws: int,
    rng: np.random.Generator,
    levels: tuple[Plausibility, ...] | None = None,
    certain: bool = False,
    start: np.ndarray | None = None,
    conditions: bool = True,
) -> Belief:
    """Belief of compiled evidence: the mixture over all explanations of its levels.

    ``levels`` the plausibility when already known; ``certain``: every record is right. ``conditions`` False: the mixture's draws
    and the records' probabilities alone, as they are with the rest; neither draws given the records nor percentiles.
    """
    model = evidence.model
    levels = plausibility(evidence, percentiles=conditions) if levels is None else levels
    explained = explain(evidence, map_of(evidence, start=start), certain=certain)
    if len(evidence) == 0:
        z = rng.standard_normal((draws, evidence.root.shape[0]))
        sampled = _Sampled({"mixture": z}, float(draws), "prior", 0.0, None, ())
    else:
        explained, sampled = _sample(evidence, explained, draws, rng, conditions)
    levels = weighed(levels, explained.p_wrong)
    best = explained.fitted[0].estimate
    conditionals: dict[Condition, Conditional] = {}
    for name in ("right", "wrong", "believed"):
        if name in sampled.draws:
            f = _fit_for(explained, name).estimate
            conditionals[name] = Conditional(f.eta, f.cov, sampled.draws[name] @ evidence.root.T)
    names = full_names(model.eta_names, model.kappa_names, evidence.occasions)
    said = remarks(model, levels, explained.p_unlike, explained.exchanged)
    return Belief(
        model=model.name, parameters=names, mode=best.eta, cov=best.cov, draws=sampled.draws["mixture"] @ evidence.root.T,
        ess=sampled.ess, method=sampled.method, log_evidence=sampled.log_evidence, levels=levels, objective=best.objective,
        converged=best.converged, rhat=sampled.rhat, explanations=explained.records() if len(evidence) else (),
        conditionals=conditionals, evidence=explained.log_evidence,
        findings=(*evidence.findings, *said, *best.findings, *sampled.findings),
    )  # fmt: skip


def posterior(
    model: Model,
    timeline: Timeline,
    *,
    draws: int = 1000,
    seed: int,
    rule: Rule = "locf",
    contradicting: Contradicting = "weigh",
    evidence: Evidence | None = None,
    conditions: bool = True,
) -> Belief:
    """Posterior of a patient's random effects.

    Parameters
    ----------
    draws : number of equally weighted draws.
    seed : the stream depends on it, the model's name and the patient's id only.
    rule : covariates between records (``locf``, ``nocb``, ``linear``).
    contradicting : ``weigh`` (default) weighs for every record whether it is wrong (``infer.explanations``); ``fit`` takes all
        as right, for levels that were checked and confirmed. Both allow for a patient unlike the published ones.
    conditions : False gives the mixture alone (``belief_of``), for a what-if of which nothing else is asked.

    Raises
    ------
    InputError : a covariate is missing that the model refuses to go without.
    SimulationError : no parameter vector at all could be simulated.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from dosetwin import models, read_case
    >>> newborn = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))
    >>> belief = posterior(models.load("amikacin_decock_2012"), newborn, draws=500, seed=1)
    >>> belief.draws.shape
    (500, 2)
    """
    evidence = evidence if evidence is not None else evidence_for(model, timeline, rule=rule)
    rng = stream(seed, "posterior", model.name, timeline.patient.id)
    belief = belief_of(evidence, draws=draws, rng=rng, certain=contradicting == "fit", conditions=conditions)
    return replace(belief, occasions=tuple(timeline.occasions))
