"""The twin: immutable, repeatable, closer to the truth with every fact, honest about what it does not know."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.records import Covariate, DoseEvent, Every, Observation, Patient, Timeline
from dosetwin.simulate import predict, schedule_for
from dosetwin.twin import Twin


@pytest.fixture(scope="module")
def bench() -> Model:
    return models.load(str(Path(__file__).parent / "infer/bench_model.py"))


@pytest.fixture
def start() -> Timeline:
    return Timeline(Patient("baby"), doses=(DoseEvent(0.0, 26.4, 0.5),), covariates=(Covariate(0.0, "COV", 1.0),))


def test_immutable_and_repeatable(bench: Model, start: Timeline) -> None:
    twin = Twin.create(bench, start, seed=1, draws=200)
    after = twin.update(Observation(1.0, "drug", 40.0), Observation(23.5, "drug", 3.0))
    assert twin.belief.method == "prior"
    assert twin.timeline.observations == ()
    assert after.belief.n_used == 2
    assert after.belief.mode[0] > 0.1  # clears faster than the typical patient
    step = twin.update(Observation(1.0, "drug", 40.0)).update(Observation(23.5, "drug", 3.0))
    assert (step.belief.draws == after.belief.draws).all()
    with pytest.raises(FrozenInstanceError):
        twin.seed = 2  # type: ignore[misc]


def test_bands_before_levels_are_the_prior(bench: Model, start: Timeline) -> None:
    outlook = Twin.create(bench, start, seed=1, draws=8000).predict([1.0, 12.0, 24.0])
    np.testing.assert_allclose(outlook.updated.median, outlook.prior.median, rtol=0.03)
    np.testing.assert_allclose(outlook.updated.high90, outlook.prior.high90, rtol=0.03)
    assert (outlook.mode == outlook.typical).all()
    for band in (outlook.prior, outlook.updated):
        assert (band.low90 < band.low50).all()
        assert (band.low50 < band.median).all()
        assert (band.median < band.high50).all()
        assert (band.high50 < band.high90).all()


def test_levels_narrow_the_band_around_the_patient(bench: Model, start: Timeline) -> None:
    rng = np.random.default_rng(1)
    truth = np.array([[0.4, -0.2]])
    times = np.array([1.0, 6.0, 12.0, 23.5])
    clean = predict(bench, schedule_for(bench, start, times), truth).value[0, :, 0]
    levels = [
        Observation(float(t), "drug", float(v * (1 + 0.1 * rng.standard_normal()))) for t, v in zip(times, clean, strict=True)
    ]
    twin = Twin.create(bench, start, seed=1).update(*levels)
    plan = Every(30.0, 24.0, 0.5, first_at=24.0)
    ahead = np.array([25.0, 47.5])
    outlook = twin.predict(ahead, plan)
    assert (outlook.updated.high90 - outlook.updated.low90 < outlook.prior.high90 - outlook.prior.low90).all()
    doses = tuple(plan.doses(48.0))
    future = predict(bench, schedule_for(bench, start, ahead, extra_doses=doses), truth).value[0, :, 0]
    assert (np.abs(outlook.updated.median - future) < np.abs(outlook.prior.median - future)).all()


def test_regimen_is_its_doses_and_changes_nothing_before_it(bench: Model, start: Timeline) -> None:
    twin = Twin.create(bench, start, seed=3, draws=100)
    times = np.arange(0.0, 60.0, 4.0)
    plain = twin.predict(times)
    planned = twin.predict(times, Every(20.0, 12.0, 0.5, first_at=24.0))
    listed = twin.predict(times, [DoseEvent(24.0 + 12.0 * k, 20.0, 0.5) for k in range(3)])
    assert (planned.updated.median == listed.updated.median).all()
    early = times <= 24.0
    assert (planned.draws[:, early] == plain.draws[:, early]).all()
    assert (planned.draws[:, ~early] > plain.draws[:, ~early]).all()
    assert twin.timeline is start


def test_residual_error_widens_only_the_measurement(bench: Model, start: Timeline) -> None:
    twin = Twin.create(bench, start, seed=3, draws=4000)
    curve, measured = twin.predict([1.0, 20.0]), twin.predict([1.0, 20.0], residual=True)
    expected = np.sqrt(curve.draws.var(0) + (0.3**2 + (0.15 * curve.draws) ** 2).mean(0))
    np.testing.assert_allclose(measured.draws.std(0), expected, rtol=0.05)


def test_contradiction_reaches_the_twin(bench: Model, start: Timeline) -> None:
    twin = Twin.create(bench, start, seed=1).update(Observation(2.0, "drug", 900.0, record="lab 1"))
    assert [p.record for p in twin.belief.contradictions] == ["lab 1"]
    assert (twin.belief.mode == 0).all()
    assert not twin.belief.levels[0].used
    trusted = Twin.create(bench, start, seed=1, contradicting="fit").update(Observation(2.0, "drug", 900.0))
    assert trusted.belief.n_used == 1


def test_other_model_same_facts(bench: Model, start: Timeline) -> None:
    other = models.load(str(Path(__file__).parent / "infer/occasion_model.py"))
    twin = Twin.create(bench, start, seed=1, draws=50).under(other)
    assert twin.model is other
    assert twin.belief.parameters == ("CL", "V1", "k_CL.1")


def test_bad_questions(bench: Model, start: Timeline) -> None:
    twin = Twin.create(bench, start, seed=1, draws=50)
    for times in ([], [2.0, 1.0], [float("nan")]):
        with pytest.raises(InputError, match="output times"):
            twin.predict(times)
    with pytest.raises(InputError, match="unknown output"):
        twin.predict([1.0], output="Cx")


def test_outlook_json(bench: Model, start: Timeline) -> None:
    data = Twin.create(bench, start, seed=1, draws=50).predict([1.0, 2.0]).to_json()
    assert len(data["prior"]["median"]) == len(data["updated"]["low90"]) == 2
    assert "draws" not in data
