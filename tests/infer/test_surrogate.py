"""A long record's beliefs by a quadratic: those of plays, or plays where the quadratic does not serve."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin.declare import Model
from dosetwin.infer import Belief, Evidence, evidence_for, posterior, sampling, surrogate
from dosetwin.infer.explanations import explain
from dosetwin.infer.map import map_of
from dosetwin.infer.robust import Weighing
from dosetwin.records import Observation, Timeline

from .conftest import simulated

MONTE_CARLO = 500**-0.5
"""Error of a mean of 500 draws, in SD."""
TIMES = np.arange(1.0, 24.0 * 40, 23.0)


def long_record(model: Model, eta: tuple[float, float] = (0.4, -0.2), seed: int = 3) -> Timeline:
    return simulated(model, f"long{seed}", np.array(eta), TIMES, np.random.default_rng(seed))


def played(model: Model, record: Timeline, monkeypatch: pytest.MonkeyPatch) -> Belief:
    with monkeypatch.context() as only:
        only.setattr(surrogate, "MANY", 10**6)
        return posterior(model, record, draws=500, seed=1)


def spared(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the comparison with plays said at each call."""
    said: list[bool] = []
    agrees = sampling._agrees
    monkeypatch.setattr(sampling, "_agrees", lambda *a: said.append(agrees(*a)) or said[-1])
    return said


def weighed(evidence: Evidence, condition: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Proposals [M, n] with their weights by plays and by the quadratic, [M] each."""
    explained = explain(evidence)
    centre = sampling._at(evidence, explained.fitted[0])
    quick = surrogate.surrogate(evidence, centre.mean, centre.scale, [], 1000)
    assert quick is not None
    weighing, parts = Weighing(evidence, explained.doubted), sampling._centres(evidence, explained, 1000)
    shift = sampling.stream(1, "pool").random(len(centre.mean) + 1)
    plays, told = (sampling._pooled(weighing, parts, shift, p, True) for p in (evidence.predict, quick.predict))
    assert sampling._agrees(told, weighing, [condition])
    return plays.z, plays.weights(condition)[0], told.weights(condition)[0]


def assert_alike(evidence: Evidence, condition: str) -> None:
    """A tenth of what 500 draws could tell."""
    z, plays, told = weighed(evidence, condition)
    assert 0.5 * np.abs(plays - told).sum() < 0.005
    mean = plays @ z
    sd = np.sqrt(plays @ np.square(z - mean))
    assert (np.abs(told @ z - mean) < 0.01 * sd).all()
    np.testing.assert_allclose(np.sqrt(told @ np.square(z - told @ z)), sd, rtol=0.02)


@pytest.mark.parametrize("condition", ["mixture", "believed"])
@pytest.mark.parametrize("eta", [(0.0, 0.0), (0.4, -0.2), (-0.8, 0.3)])
@pytest.mark.parametrize("seed", range(4))
def test_weights_as_by_plays(bench: Model, eta: tuple[float, float], seed: int, condition: str) -> None:
    assert_alike(evidence_for(bench, long_record(bench, eta, seed)), condition)


def test_times_in_doubt_and_levels_below_quantification(bench: Model) -> None:
    record = long_record(bench)
    some = tuple(
        replace(o, time_sd=0.25) if k % 3 == 0 else replace(o, value=2.0, loq=2.0, blq=True) if o.value < 2.0 else o
        for k, o in enumerate(record.observations)
    )
    before = Observation(0.0, "drug", 0.5, loq=0.5, blq=True)
    assert_alike(evidence_for(bench, replace(record, observations=(before, *some))), "mixture")


def test_beliefs_as_by_plays(bench: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    record = long_record(bench)
    plays = played(bench, record, monkeypatch)
    said = spared(monkeypatch)
    quick = posterior(bench, record, draws=500, seed=1)
    assert said == [True]
    assert (np.abs(quick.draws.mean(axis=0) - plays.draws.mean(axis=0)) < MONTE_CARLO * plays.draws.std(axis=0)).all()
    assert quick.log_evidence == pytest.approx(plays.log_evidence, abs=0.02)
    np.testing.assert_array_equal(quick.mode, plays.mode)
    assert [x.p_wrong for x in quick.levels] == [x.p_wrong for x in plays.levels]


@pytest.mark.parametrize("condition", ["mixture", "wrong", "believed"])
def test_a_record_in_doubt(bench: Model, condition: str) -> None:
    """Conditions that do not force the effects far away; if the record is right they may be, and plays then serve."""
    record = long_record(bench)
    wrong = record.observations[20]
    levels = tuple(replace(o, value=4.0 * o.value) if o is wrong else o for o in record.observations)
    evidence = evidence_for(bench, replace(record, observations=levels))
    assert explain(evidence).doubted.any()
    assert_alike(evidence, condition)


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_plays_where_the_quadratic_is_not_the_model(bench: Model, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slopes off by half in either direction: too much or too little weight away from the mode is seen, and everything played."""
    record = long_record(bench)
    plays = played(bench, record, monkeypatch)
    made = sampling.surrogate

    def bent(*args):
        s = made(*args)
        assert s is not None
        return replace(s, log_value=np.vstack([s.log_value[:1], factor * s.log_value[1:]]))

    monkeypatch.setattr(sampling, "surrogate", bent)
    said = spared(monkeypatch)
    quick = posterior(bench, record, draws=500, seed=1)
    assert said == [False]
    np.testing.assert_array_equal(quick.draws, plays.draws)


def test_short_records_and_far_modes_are_played(bench: Model) -> None:
    record = long_record(bench)
    evidence = evidence_for(bench, record)
    fit = map_of(evidence)

    def made(levels: int, mode: np.ndarray, vectors: int = 1000):
        return surrogate.surrogate(evidence.subset(range(levels)), fit.z, fit.cov_z, [mode], vectors)

    assert made(len(evidence), fit.z) is not None
    assert made(surrogate.MANY - 1, fit.z) is None
    assert made(len(evidence), fit.z + 8.0 * np.sqrt(np.diag(fit.cov_z))) is None
    assert made(len(evidence), fit.z, vectors=20) is None
