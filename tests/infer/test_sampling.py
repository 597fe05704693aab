"""Posterior draws against quadrature, against a plain slow sampler, and against themselves on simulated patients."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from dosetwin.declare import Model
from dosetwin.infer import Belief, Evidence, evidence_for, posterior, sampling
from dosetwin.infer.chains import chain_ess, metropolis, split_rhat, systematic
from dosetwin.infer.plausibility import prior_predictive
from dosetwin.records import DoseEvent, Observation, Patient, Timeline
from dosetwin.streams import stream

from .conftest import simulated


def heavy_tailed(z: np.ndarray) -> np.ndarray:
    """ln prior density of two whitened effects from its definition: 90 % published, 8 % twice, 2 % four times as wide."""
    parts = [w * stats.multivariate_normal.pdf(z, cov=s * s * np.eye(2)) for w, s in ((0.90, 1), (0.08, 2), (0.02, 4))]
    return np.log(np.sum(parts, axis=0))


def perhaps_wrong(evidence: Evidence, z: np.ndarray) -> np.ndarray:
    """ln likelihood [K] when each record is wrong with 2 %: then a log Student-t around the typical prediction."""
    right = evidence.log_densities(evidence.predict(z))
    centre = np.maximum(evidence.at_levels(evidence.predict(np.zeros((1, 2))))[0], evidence.a)
    u = np.log(evidence.y / centre)
    wrong = np.where(evidence.blq, stats.t.logcdf(u, 3), stats.t.logpdf(u, 3) - np.log(evidence.y))
    return np.logaddexp(np.log(0.98) + right, np.log(0.02) + wrong).sum(1)


def quadrature(evidence: Evidence, points: int = 241, reach: float = 12.0) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean and covariance of z, and ln evidence, of a two-effect model by summing over a grid."""
    axis = np.linspace(-reach, reach, points)
    z = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    log_p = perhaps_wrong(evidence, z) + heavy_tailed(z)
    log_evidence = special.logsumexp(log_p) + 2 * np.log(axis[1] - axis[0])
    w = np.exp(log_p - special.logsumexp(log_p))
    mean = w @ z
    return mean, ((z - mean) * w[:, None]).T @ (z - mean), float(log_evidence)


def test_moments_and_evidence_against_quadrature(bench: Model, baby: Timeline) -> None:
    evidence = evidence_for(bench, baby)
    mean, cov, log_evidence = quadrature(evidence)
    belief = posterior(bench, baby, draws=20_000, seed=1)
    assert belief.method == "importance"
    assert belief.ess > 20_000
    root = evidence.root
    sd = np.sqrt(np.diag(root @ cov @ root.T))
    assert np.abs(belief.draws.mean(0) - root @ mean).max() < 5 * sd.max() / np.sqrt(20_000)
    np.testing.assert_allclose(np.cov(belief.draws.T), root @ cov @ root.T, rtol=0.05, atol=2e-4)
    assert belief.log_evidence == pytest.approx(log_evidence, abs=0.02)


def test_a_skewed_posterior_from_a_level_below_quantification(bench: Model) -> None:
    """One censored level: the posterior is far from normal, the draws must follow it, not its Laplace approximation."""
    level = Observation(23.5, "drug", 2.0, loq=2.0, blq=True)
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 26.4, 0.5),), observations=(level,))
    evidence = evidence_for(bench, timeline)
    mean, cov, log_evidence = quadrature(evidence)
    belief = posterior(bench, timeline, draws=20_000, seed=2)
    root = evidence.root
    sd = np.sqrt(np.diag(root @ cov @ root.T))
    assert (np.abs(belief.draws.mean(0) - root @ mean) < 5 * sd / np.sqrt(10_000)).all()
    assert belief.log_evidence == pytest.approx(log_evidence, abs=0.03)


def test_metropolis_alone_against_quadrature(bench: Model, baby: Timeline) -> None:
    evidence = evidence_for(bench, baby)
    mean, cov, _ = quadrature(evidence)
    rng = np.random.default_rng(3)
    start = 3.0 * rng.standard_normal((24, 2))  # far too wide on purpose

    def log_post(points: np.ndarray) -> np.ndarray:
        return perhaps_wrong(evidence, points) + heavy_tailed(points)

    draws, ess, rhat = metropolis(log_post, start, np.ones(2), np.eye(2), 8000, rng)  # and centred elsewhere
    assert rhat < 1.05
    assert ess > 500
    sd = np.sqrt(np.diag(cov))
    assert (np.abs(draws.mean(0) - mean) < 5 * sd / np.sqrt(ess)).all()
    np.testing.assert_allclose(np.diag(np.cov(draws.T)), np.diag(cov), rtol=0.2)


def test_fallback_when_weights_collapse(bench: Model, baby: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MIN_ESS", 1e9)
    belief = posterior(bench, baby, draws=2000, seed=4)
    assert belief.method == "metropolis"
    assert belief.rhat is not None
    assert belief.draws.shape == (2000, 2)
    assert "importance_collapsed" in {f.code for f in belief.findings}
    monkeypatch.undo()
    usual = posterior(bench, baby, draws=2000, seed=4)
    sd = usual.draws.std(0)
    assert (np.abs(belief.draws.mean(0) - usual.draws.mean(0)) < 0.2 * sd).all()


@pytest.mark.slow
def test_many_occasions(occasions: Model) -> None:
    """Sixty occasions, 62 effects: the draws are those of a posterior nearly normal here, or say that they did not settle."""
    rng = np.random.default_rng(6)
    times = np.sort(np.concatenate([24.0 * np.arange(60) + 1.0, 24.0 * np.arange(60) + 23.0]))
    patient = simulated(occasions, "long", np.array([0.3, 0.1, 0.0]), times, rng)
    patient = replace(patient, occasions=tuple(24.0 * np.arange(1, 60)))
    belief = posterior(occasions, patient, draws=1000, seed=1)
    assert belief.draws.shape == (1000, 62)
    assert belief.ess >= 100 or "draws_not_converged" in {f.code for f in belief.findings}
    sd = np.sqrt(np.diag(belief.cov))
    assert (np.abs(belief.draws.mean(0) - belief.mode) < 0.5 * sd).all()  # a mean is not a mode
    np.testing.assert_allclose(belief.draws.std(0), sd, rtol=0.2)
    # the well-informed volume must sit at its mode in either case
    assert abs(belief.draws[:, 1].mean() - belief.mode[1]) < 3 * np.sqrt(belief.cov[1, 1])


def test_no_levels_is_the_prior(occasions: Model) -> None:
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 20.0),), occasions=(24.0,))
    belief = posterior(occasions, timeline, draws=40_000, seed=5)
    assert belief.method == "prior"
    assert (belief.mode == 0).all()
    assert belief.parameters == ("CL", "V1", "k_CL.1", "k_CL.2")
    np.testing.assert_allclose(np.cov(belief.draws.T), occasions.omega_for(2), atol=0.003)


def test_same_seed_same_draws_whatever_else_happens(bench: Model, baby: Timeline) -> None:
    one, two = posterior(bench, baby, seed=7), posterior(bench, baby, seed=7)
    assert (one.draws == two.draws).all()
    assert not (one.draws == posterior(bench, baby, seed=8).draws).all()
    other = replace(baby, patient=Patient("another"))
    assert not (one.draws == posterior(bench, other, seed=7).draws).all()
    assert stream(1, "a", "b").random() != stream(1, "ab").random()


def test_belief_survives_json(bench: Model, baby: Timeline) -> None:
    belief = posterior(bench, baby, seed=1, draws=50)
    text = json.dumps(belief.to_json(), allow_nan=False)
    again = Belief.from_json(json.loads(text))
    assert again.to_json() == belief.to_json()
    assert (again.draws == belief.draws).all()
    with pytest.raises(ValueError, match="read-only"):
        again.draws[0, 0] = 1.0


def test_percentile_against_brute_force(bench: Model, baby: Timeline) -> None:
    evidence = evidence_for(bench, baby)
    share, median = prior_predictive(evidence)
    rng = np.random.default_rng(2)
    f = evidence.at_levels(evidence.predict(rng.standard_normal((200_000, 2))))
    y = f + np.sqrt(0.3**2 + (0.15 * f) ** 2) * rng.standard_normal(f.shape)
    np.testing.assert_allclose(share, (y < evidence.y).mean(0), atol=0.02)
    np.testing.assert_allclose(median, np.median(f, axis=0), rtol=0.03)


def test_tail_percentile_is_accurate(bench: Model) -> None:
    """Where the verdict is decided (1 in 10,000) the percentile must be right within a factor of two."""
    doses = (DoseEvent(0.0, 26.4, 0.5),)
    for level in (85.0, 10.0):
        timeline = Timeline(Patient("p"), doses=doses, observations=(Observation(1.0, "drug", level),))
        evidence = evidence_for(bench, timeline)
        axis = np.linspace(-8, 8, 401)
        z = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        w = stats.norm.pdf(z).prod(1) * (axis[1] - axis[0]) ** 2
        exact = float(w @ evidence.cdf(evidence.predict(z))[:, 0])
        tail = min(exact, 1 - exact)
        assert 1e-6 < tail < 1e-2
        share, _ = prior_predictive(evidence)
        assert 0.5 < min(share[0], 1 - share[0]) / tail < 2.0


def test_an_absurd_level_among_good_ones_is_called_wrong(bench: Model, baby: Timeline) -> None:
    wild = baby.append(Observation(30.0, "drug", 300.0, record="lab 9"))
    belief = posterior(bench, wild, seed=1)
    assert [(p.record, p.verdict, p.used) for p in belief.contradictions] == [("lab 9", "contradiction", False)]
    assert belief.contradictions[0].p_wrong > 0.999
    assert belief.doubted == belief.contradictions
    errors = [f for f in belief.findings if f.severity == "error"]
    assert [(f.code, f.record, f.value) for f in errors] == [("level_contradicts_model", "lab 9", 300.0)]
    without = posterior(bench, baby, seed=1)
    np.testing.assert_allclose(belief.mode, without.mode, atol=1e-6)
    np.testing.assert_allclose(np.median(belief.draws, 0), np.median(without.draws, 0), atol=0.02)
    kept = posterior(bench, wild, seed=1, contradicting="fit")
    assert kept.contradictions[0].used
    assert np.abs(kept.mode - without.mode).max() > 0.1
    assert "level_contradicts_model" in {f.code for f in kept.findings}


def test_a_level_before_the_first_dose_is_wrong(bench: Model) -> None:
    """No patient has a level before a dose, however unlike the others: the prior stays."""
    timeline = Timeline(Patient("p"), doses=(DoseEvent(10.0, 26.4, 0.5),), observations=(Observation(5.0, "drug", 12.0),))
    belief = posterior(bench, timeline, seed=1)
    assert [p.verdict for p in belief.levels] == ["contradiction"]
    assert belief.levels[0].p_wrong > 0.999
    assert (belief.mode == 0).all()


def test_low_level_below_quantification_is_never_surprisingly_high(bench: Model) -> None:
    doses = (DoseEvent(0.0, 26.4, 0.5),)
    expected = Observation(200.0, "drug", 1.0, loq=1.0, blq=True)
    surprising = Observation(1.0, "drug", 1.0, loq=1.0, blq=True)
    for level, verdict in ((expected, "plausible"), (surprising, "contradiction")):
        belief = posterior(bench, Timeline(Patient("p"), doses=doses, observations=(level,)), seed=1)
        assert belief.levels[0].verdict == verdict


def test_systematic_resampling_is_unbiased_and_even() -> None:
    w = np.array([0.5, 0.25, 0.125, 0.125])
    index = systematic(w, 800, 0.3)
    assert np.bincount(index).tolist() == [400, 200, 100, 100]


def test_chain_diagnostics_on_known_chains() -> None:
    """Independent draws: ESS about n and Rhat about 1. AR(1) with 0.9: ESS n (1 - 0.9)/(1 + 0.9). Shifted chains: Rhat > 1.1."""
    rng = np.random.default_rng(0)
    white = rng.standard_normal((2000, 8, 1))
    assert split_rhat(white) < 1.01
    assert chain_ess(white) == pytest.approx(16_000, rel=0.15)
    ar = np.zeros_like(white)
    for i in range(1, 2000):
        ar[i] = 0.9 * ar[i - 1] + np.sqrt(1 - 0.81) * white[i]
    assert chain_ess(ar) == pytest.approx(16_000 * 0.1 / 1.9, rel=0.25)
    assert split_rhat(white + np.arange(8)[None, :, None]) > 1.1


def test_more_levels_never_widen_on_average(bench: Model) -> None:
    rng = np.random.default_rng(11)
    spread = np.zeros((30, 4))
    for k in range(30):
        eta = np.array([0.3, 0.2]) * rng.standard_normal(2)
        patient = simulated(bench, str(k), eta, np.array([1.0, 23.5, 25.0, 47.5]), rng)
        for j, count in enumerate((0, 1, 2, 4)):
            some = replace(patient, observations=patient.observations[:count])
            spread[k, j] = np.log(np.cov(posterior(bench, some, seed=k, draws=2000).draws.T).diagonal()).sum()
    means = spread.mean(0)
    assert (np.diff(means) < 0).all()


@pytest.mark.slow
def test_against_a_slow_plain_sampler(bench: Model, baby: Timeline) -> None:
    """One plain random walk of 60,000 steps in eta, written from the definition, no shared code but the simulation."""
    evidence = evidence_for(bench, baby)
    inverse = np.linalg.inv(bench.omega)
    rng = np.random.default_rng(12)

    def log_post(eta: np.ndarray) -> float:
        f = evidence.at_levels(evidence.predict_eta(eta[None]))[0]
        v = 0.3**2 + (0.15 * f) ** 2
        return float(-0.5 * (np.log(v) + (evidence.y - f) ** 2 / v).sum() - 0.5 * eta @ inverse @ eta)

    eta, now, kept = np.zeros(2), log_post(np.zeros(2)), []
    for i in range(60_000):
        proposal = eta + 0.18 * rng.standard_normal(2)
        value = log_post(proposal)
        if np.log(rng.random()) < value - now:
            eta, now = proposal, value
        if i >= 2000:
            kept.append(eta)
    slow = np.array(kept)
    fast = posterior(bench, baby, draws=20_000, seed=3).draws
    sd = slow.std(0)
    error = 4 / np.sqrt(chain_ess(slow[:, None, :])) + 4 / np.sqrt(20_000)
    assert (np.abs(slow.mean(0) - fast.mean(0)) < error * sd).all()
    for q in (0.05, 0.5, 0.95):
        assert (np.abs(np.quantile(slow, q, axis=0) - np.quantile(fast, q, axis=0)) < 2.5 * error * sd).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["importance", "metropolis"])
def test_simulation_based_calibration(bench: Model, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """True effects from the prior must fall uniformly among the draws (Talts 2018); a wrong width or shift bends the ranks."""
    if method == "metropolis":
        monkeypatch.setattr(sampling, "MIN_ESS", 1e9)
    rng = np.random.default_rng(13)
    n = 200 if method == "importance" else 60
    ranks = np.empty((n, 2))
    for k in range(n):
        eta = np.array([0.3, 0.2]) * rng.standard_normal(2)
        patient = simulated(bench, str(k), eta, np.array([1.0, 23.5, 49.0]), rng)
        belief = posterior(bench, patient, seed=k, draws=500, contradicting="fit")
        assert belief.method == method
        ranks[k] = (belief.draws < eta).mean(0)
    for column in ranks.T:
        assert stats.kstest(column, "uniform").pvalue > 0.005


def test_the_mixture_alone_is_the_mixture_of_the_whole(bench: Model) -> None:
    """A what-if asks of the mixture only: its draws and the records' probabilities are those of the whole belief."""
    levels = (Observation(12.0, "drug", 3.0), Observation(23.5, "drug", 30.0))
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 26.4, 0.5),), observations=levels)
    whole = posterior(bench, timeline, draws=400, seed=2)
    alone = posterior(bench, timeline, draws=400, seed=2, conditions=False)
    assert whole.doubted
    assert whole.conditionals
    assert not alone.conditionals
    np.testing.assert_array_equal(alone.draws, whole.draws)
    assert [x.p_wrong for x in alone.levels] == [x.p_wrong for x in whole.levels]
