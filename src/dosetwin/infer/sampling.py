"""Posterior draws: importance resampling around the mode, adaptive Metropolis when the weights collapse; plausibility of levels.

Vectors are whitened (eta = L z, z ~ N(0, I) a priori). The proposal is a mixture of a heavy-tailed t at the mode and of the
prior itself (defensive: weights stay bounded by 1 / PRIOR_SHARE times the likelihood ratio).
"""

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, SimulationError
from dosetwin.infer.belief import CONTRADICTION, Belief, Method, Plausibility, full_names, verdict_of
from dosetwin.infer.likelihood import Evidence, evidence_for
from dosetwin.infer.map import MapEstimate, map_of
from dosetwin.records import Timeline
from dosetwin.simulate import Rule

DF = 5.0
"""Degrees of freedom of the t proposal."""
PRIOR_SHARE = 0.15
"""Share of the proposals that comes from the prior."""
OVERSAMPLE = 2
"""Proposals per draw wanted."""
MIN_ESS, MIN_ESS_SHARE = 100.0, 0.1
"""Importance weights have collapsed when their ESS is below max(MIN_ESS, MIN_ESS_SHARE x draws)."""
PRIOR_DRAWS = 1000
"""Vectors behind the prior predictive percentiles: half prior, half prior with doubled SD, weighted back (sharper tails)."""
RHAT_LIMIT, MIN_CHAIN_ESS = 1.05, 400.0
"""Chains have settled below this split-Rhat and from this effective sample size on."""
CHECK_ALL = "check sample, sampling time, line, dose record and assay before acting on any prediction"


def stream(seed: int, *names: object) -> np.random.Generator:
    """A random stream of its own for each (seed, names): results do not depend on order or number of workers."""
    digest = hashlib.sha256(repr((int(seed), *map(str, names))).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32))


@dataclass(frozen=True, eq=False)
class _Component:
    """One part of a proposal: t (or normal when df is inf) at ``mean`` with ``scale``, drawn ``n`` times."""

    n: int
    mean: np.ndarray
    scale: np.ndarray
    df: float

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        x = rng.standard_normal((self.n, len(self.mean))) @ np.linalg.cholesky(self.scale).T
        if math.isfinite(self.df):
            x *= np.sqrt(self.df / rng.chisquare(self.df, (self.n, 1)))
        return self.mean + x

    def log_density(self, z: np.ndarray) -> np.ndarray:
        d = len(self.mean)
        root = np.linalg.cholesky(self.scale)
        q = np.square(np.linalg.solve(root, (z - self.mean).T)).sum(0)
        log_det = float(np.log(np.diag(root)).sum())
        if not math.isfinite(self.df):
            return -0.5 * q - log_det - 0.5 * d * math.log(2 * math.pi)
        norm = math.lgamma((self.df + d) / 2) - math.lgamma(self.df / 2) - 0.5 * d * math.log(self.df * math.pi)
        return norm - log_det - 0.5 * (self.df + d) * np.log1p(q / self.df)


@dataclass(frozen=True, eq=False)
class Weighted:
    """Weighted posterior sample: ``z`` [M, n], ``w`` [M] summing to 1, ``ess``, ``log_evidence``, ``log_post`` [M]."""

    z: np.ndarray
    w: np.ndarray
    ess: float
    log_evidence: float
    log_post: np.ndarray


def _prior_log_density(z: np.ndarray) -> np.ndarray:
    return -0.5 * np.einsum("ki,ki->k", z, z) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def _importance(evidence: Evidence, parts: list[_Component], rng: np.random.Generator) -> Weighted:
    """Deterministic-mixture importance sampling."""
    z = np.vstack([part.draw(rng) for part in parts])
    total = len(z)
    log_q = np.logaddexp.reduce([part.log_density(z) + math.log(part.n / total) for part in parts], axis=0)
    log_post = evidence.log_likelihood(evidence.predict(z)) + _prior_log_density(z)
    log_w = log_post - log_q
    top = float(log_w.max())
    if not math.isfinite(top):
        return Weighted(z, np.full(total, 1.0 / total), 0.0, -math.inf, log_post)
    w = np.exp(log_w - top)
    log_evidence = top + math.log(float(w.mean()))
    w /= w.sum()
    return Weighted(z, w, float(1.0 / np.square(w).sum()), log_evidence, log_post)


def _adapted(sample: Weighted, n: int) -> _Component:
    """A t proposal with the moments of a weighted sample, tempered until enough vectors carry weight."""
    d = sample.z.shape[1]
    with np.errstate(divide="ignore"):
        log_w = np.log(sample.w)
    power, w = 1.0, sample.w
    while 1.0 / np.square(w).sum() < 20 * d and power > 1e-3:
        power *= 0.7
        w = np.exp(power * (log_w - log_w.max()))
        w /= w.sum()
    mean = w @ sample.z
    centred = sample.z - mean
    scale = (centred * w[:, None]).T @ centred
    return _Component(n, mean, scale + 1e-6 * np.eye(d), DF)


def systematic(w: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of ``draws`` equally weighted draws by systematic resampling, in random order."""
    edges = np.cumsum(w)
    edges /= edges[-1]
    return rng.permutation(np.searchsorted(edges, (rng.random() + np.arange(draws)) / draws))


def split_rhat(chains: np.ndarray) -> float:
    """Largest split-Rhat over parameters of ``chains`` [steps, chains, n] (Gelman et al., BDA3 section 11.4)."""
    half = len(chains) // 2
    parts = np.concatenate([chains[:half], chains[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = half * parts.mean(axis=0).var(axis=0, ddof=1)
    safe = np.where(within > 0, within, 1.0)
    return float(np.sqrt(np.where(within > 0, (half - 1) / half + between / (half * safe), 1.0)).max())


def chain_ess(chains: np.ndarray) -> float:
    """Smallest effective sample size over parameters of ``chains`` [steps, chains, n] (Geyer's positive pairs)."""
    steps, count, _ = chains.shape
    centred = chains - chains.mean(axis=(0, 1))
    size = 1 << (2 * steps - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, size, axis=0)[:steps].mean(axis=1)
    rho = covariance / np.where(covariance[0] > 0, covariance[0], 1.0)
    pairs = rho[0 : steps - steps % 2 : 2] + rho[1:steps:2]
    alive = np.cumprod(pairs > 0, axis=0)
    tau = np.maximum(2.0 * (pairs * alive).sum(axis=0) - 1.0, 1.0)
    return float(steps * count / tau.max())


def metropolis(
    evidence: Evidence,
    start: np.ndarray,
    mean: np.ndarray,
    cov: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    *,
    warm_up: int = 400,
    limit: int = 6400,
) -> tuple[np.ndarray, float, float]:
    """Adaptive Metropolis, many chains per simulated batch.

    ``start`` [C, n] one row per chain; ``mean`` [n], ``cov`` [n, n] a first guess of the posterior (its Laplace approximation).
    Steps alternate between a random walk, whose shape follows the chains' own spread, and an autoregressive step that leaves
    the guess invariant and so keeps its size in many dimensions (preconditioned Crank-Nicolson, Cotter 2013). Step sizes and
    shape adapt during warm-up only; sampling then doubles until split-Rhat is below ``RHAT_LIMIT`` and the effective sample
    size reaches ``MIN_CHAIN_ESS``, or ``limit`` steps are done. Returns (draws [draws, n], ess, rhat).
    """
    count, d = start.shape
    z = start.copy()
    guess = np.linalg.cholesky(cov + 1e-9 * np.eye(d))
    walk, scale, beta = guess, 2.38 / math.sqrt(d), 0.5

    def log_post(points: np.ndarray) -> np.ndarray:
        return evidence.log_likelihood(evidence.predict(points)) + _prior_log_density(points)

    now = log_post(z)
    history: list[np.ndarray] = []

    def accepted(proposal: np.ndarray, correction: np.ndarray | float) -> float:
        nonlocal z, now
        value = log_post(proposal)
        with np.errstate(invalid="ignore"):  # -inf - -inf: a chain that started where the simulation fails moves at once
            accept = ~(np.log(rng.random(count)) >= value - now + correction)
        z = np.where(accept[:, None], proposal, z)
        now = np.where(accept, value, now)
        return float(accept.mean())

    def random_walk() -> float:
        heavy = np.sqrt(DF / rng.chisquare(DF, (count, 1)))
        return accepted(z + scale * heavy * (rng.standard_normal((count, d)) @ walk.T), 0.0)

    def autoregressive() -> float:
        u = np.linalg.solve(guess, (z - mean).T).T
        v = math.sqrt(1.0 - beta * beta) * u + beta * rng.standard_normal((count, d))
        return accepted(mean + v @ guess.T, 0.5 * (np.square(v).sum(1) - np.square(u).sum(1)))

    for i in range(warm_up):
        gain = 1.0 / math.sqrt(1.0 + i / 10)
        scale *= math.exp(gain * (random_walk() - 0.25))
        beta = min(beta * math.exp(gain * (autoregressive() - 0.4)), 1.0)
        history.append(z)
        if i % 50 == 49:
            recent = np.concatenate(history[len(history) // 2 :])
            walk = np.linalg.cholesky(np.cov(recent.T).reshape(d, d) + 1e-9 * np.eye(d))
    history.clear()
    target = max(200, -(-2 * draws // count))
    while True:
        while len(history) < target:
            random_walk()
            autoregressive()
            history.append(z)
        chains = np.array(history)
        rhat, ess = split_rhat(chains), chain_ess(chains)
        if (rhat < RHAT_LIMIT and ess >= MIN_CHAIN_ESS) or target * 2 > limit:
            break
        target *= 2
    pooled = chains.reshape(-1, d)
    return pooled[systematic(np.ones(len(pooled)), draws, rng)], ess, rhat


def prior_predictive(evidence: Evidence, rng: np.random.Generator, n: int = PRIOR_DRAWS) -> tuple[np.ndarray, np.ndarray]:
    """(percentile, median) of each level in the prior predictive, [n_levels] each; percentile in 0..1 with residual error."""
    d = evidence.root.shape[0]
    half = n // 2
    # antithetic pairs: the percentile of a typical level is then nearly free of Monte-Carlo error
    base = rng.standard_normal((half // 2, d))
    wide = 2.0 * rng.standard_normal((half // 2, d))
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


def plausibility(evidence: Evidence, rng: np.random.Generator) -> tuple[Plausibility, ...]:
    """Each level's place in the prior predictive, all marked as used."""
    if len(evidence) == 0:
        return ()
    share, median = prior_predictive(evidence, rng)
    return tuple(
        Plausibility(
            level.record, level.time, level.measures, level.value, level.blq, float(median[i]),
            100.0 * float(share[i]), verdict_of(100.0 * float(share[i]), level.blq),
        )
        for i, level in enumerate(evidence.levels)
    )  # fmt: skip


def remarks(model: Model, levels: tuple[Plausibility, ...]) -> tuple[Finding, ...]:
    """Findings about unusual and contradicting levels."""
    found: list[Finding] = []
    for level in levels:
        if level.verdict == "plausible":
            continue
        said = f"lies at the {level.percentile:.4g} percentile of what {model.name} expects (median {level.median:.3g})"
        if level.verdict == "contradiction":
            fate = "kept in the fit" if level.used else "set aside, not fitted"
            limits = f"{100 * CONTRADICTION:g} to {100 - 100 * CONTRADICTION:g} percentile"
            text = f"level {said}; {fate}"
            found.append(Finding("error", "level_contradicts_model", level.record, text, level.observed, limits, CHECK_ALL))
        else:
            text, remedy = f"level {said}", "check sampling time and dose record"
            found.append(Finding("warning", "level_unusual", level.record, text, level.observed, "", remedy))
    return tuple(found)


def _sample(
    evidence: Evidence, estimate: MapEstimate, draws: int, rng: np.random.Generator
) -> tuple[MapEstimate, np.ndarray, float, Method, float, float | None, list[Finding]]:
    """Draws in whitened space with everything Belief reports about them."""
    d = evidence.root.shape[0]
    total = max(OVERSAMPLE * draws, 600)
    n_prior = round(PRIOR_SHARE * total)
    threshold = max(MIN_ESS, MIN_ESS_SHARE * draws)
    findings: list[Finding] = []
    prior = _Component(n_prior, np.zeros(d), np.eye(d), math.inf)
    local = _Component(total - n_prior, estimate.z, estimate.cov_z, DF)
    sample = _importance(evidence, [local, prior], rng)
    at_mode = -0.5 * (estimate.objective + evidence.constant) - 0.5 * d * math.log(2 * math.pi)
    best = int(np.argmax(sample.log_post))
    if sample.log_post[best] > at_mode + 0.01:
        # a draw beat the mode: the mode was a local one
        other = map_of(evidence, start=sample.z[best])
        if other.objective < estimate.objective - 1e-3:
            estimate = other
            local = replace(local, mean=estimate.z, scale=estimate.cov_z)
            sample = _importance(evidence, [local, prior], rng)
    if sample.ess < threshold and math.isfinite(sample.log_evidence):
        share = (total - n_prior) // 2
        parts = [replace(local, n=share), _adapted(sample, total - n_prior - share), prior]
        again = _importance(evidence, parts, rng)
        sample = again if again.ess > sample.ess else sample
    if not np.isfinite(sample.log_post).any():
        raise SimulationError(f"{evidence.model.name}: every parameter vector tried could not be simulated")
    if sample.ess >= threshold:
        return estimate, sample.z[systematic(sample.w, draws, rng)], sample.ess, "importance", sample.log_evidence, None, findings
    chains = int(np.clip(4 * d, 24, 64))
    spread = _adapted(sample, chains) if math.isfinite(sample.log_evidence) else replace(local, n=chains)
    z, ess, rhat = metropolis(evidence, spread.draw(rng), estimate.z, estimate.cov_z, draws, rng)
    text = (
        f"importance weights had collapsed (effective sample size {sample.ess:.0f}): adaptive Metropolis, split-Rhat {rhat:.3f}"
    )
    findings.append(Finding("info", "importance_collapsed", evidence.model.name, text))
    if rhat >= RHAT_LIMIT or ess < MIN_CHAIN_ESS:
        text = f"posterior draws have not converged: split-Rhat {rhat:.3f}, effective sample size {ess:.0f}"
        remedy = "do not rely on the intervals"
        findings.append(Finding("warning", "draws_not_converged", evidence.model.name, text, rhat, f"< {RHAT_LIMIT}", remedy))
    return estimate, z, ess, "metropolis", sample.log_evidence, rhat, findings


def belief_of(
    evidence: Evidence,
    *,
    draws: int,
    rng: np.random.Generator,
    levels: tuple[Plausibility, ...] | None = None,
    set_aside: Collection[int] | None = None,
    start: np.ndarray | None = None,
) -> Belief:
    """Belief of compiled evidence.

    ``levels`` the plausibility when already known; ``set_aside`` indices of levels that must not move the belief, default those
    that contradict the model.
    """
    model = evidence.model
    levels = plausibility(evidence, rng) if levels is None else levels
    aside = {i for i, p in enumerate(levels) if p.verdict == "contradiction"} if set_aside is None else set(set_aside)
    levels = tuple(replace(p, used=i not in aside) for i, p in enumerate(levels))
    used = evidence.subset([i for i in range(len(evidence)) if i not in aside]) if aside else evidence
    estimate = map_of(used, start=start)
    rhat: float | None = None
    findings: list[Finding] = []
    if len(used) == 0:
        z = rng.standard_normal((draws, evidence.root.shape[0]))
        ess, method, log_evidence = float(draws), "prior", 0.0
    else:
        estimate, z, ess, method, log_evidence, rhat, findings = _sample(used, estimate, draws, rng)
    names = full_names(model.eta_names, model.kappa_names, evidence.occasions)
    return Belief(
        model=model.name, parameters=names, mode=estimate.eta, cov=estimate.cov, draws=z @ evidence.root.T, ess=ess,
        method=method, log_evidence=log_evidence, levels=levels, objective=estimate.objective, converged=estimate.converged,
        findings=(*evidence.findings, *remarks(model, levels), *estimate.findings, *findings), rhat=rhat,
    )  # fmt: skip


def posterior(
    model: Model,
    timeline: Timeline,
    *,
    draws: int = 1000,
    seed: int,
    rule: Rule = "locf",
    contradicting: str = "set_aside",
    evidence: Evidence | None = None,
) -> Belief:
    """Posterior of a patient's random effects.

    Parameters
    ----------
    draws : number of equally weighted draws.
    seed : the stream depends on it, the model's name and the patient's id only.
    rule : covariates between records (``locf``, ``nocb``, ``linear``).
    contradicting : ``set_aside`` (default) leaves a level that contradicts the model out of the fit, with an error finding;
        ``fit`` keeps it, for a level that was checked and confirmed, with the same finding.

    Raises
    ------
    InputError : a covariate is missing that the model refuses to go without.
    SimulationError : no parameter vector at all could be simulated.
    """
    evidence = evidence if evidence is not None else evidence_for(model, timeline, rule=rule)
    rng = stream(seed, "posterior", model.name, timeline.patient.id)
    belief = belief_of(evidence, draws=draws, rng=rng, set_aside=None if contradicting == "set_aside" else ())
    return replace(belief, occasions=tuple(timeline.occasions))
