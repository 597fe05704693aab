"""Model averaging: weights are posterior model probabilities, and data decide between models that share them."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.infer import average, posterior
from dosetwin.records import DoseEvent, Observation, Patient, Timeline

from .conftest import simulated
from .test_sampling import evidence_for, quadrature


@pytest.fixture(scope="module")
def wider(bench: Model) -> Model:
    """The same structure with a wider prior: another model that explains levels differently well."""
    return replace(bench, name="wider", omega=bench.omega * 9.0)


def test_weights_against_quadrature(bench: Model, wider: Model, baby: Timeline) -> None:
    evidence = [quadrature(evidence_for(m, baby))[2] for m in (bench, wider)]
    expected = np.exp(evidence) * np.array([3.0, 1.0])
    expected /= expected.sum()
    mixture = average([bench, wider], baby, seed=1, draws=10_000, prior={"bench_model": 3.0, "wider": 1.0})
    np.testing.assert_allclose(mixture.weights, expected, atol=0.01)
    assert mixture.prior_weights == (0.75, 0.25)
    pools = mixture.pooled(1000)
    assert [len(p) for p in pools] == pytest.approx(1000 * expected, abs=15)
    assert sum(map(len, pools)) == 1000


def test_odd_patients_move_weight_to_the_wider_model(bench: Model, wider: Model) -> None:
    rng = np.random.default_rng(3)
    odd = simulated(bench, "odd", np.array([0.9, -0.6]), np.array([1.0, 23.5, 25.0]), rng)
    usual = simulated(bench, "usual", np.zeros(2), np.array([1.0, 23.5, 25.0]), rng)
    weight = [average([bench, wider], p, seed=1).weights[1] for p in (odd, usual)]
    assert weight[0] > 0.9
    assert weight[1] < 0.5


def test_one_model_is_its_posterior(bench: Model, baby: Timeline) -> None:
    mixture = average([bench], baby, seed=5)
    assert mixture.weights == (1.0,)
    assert (mixture.beliefs[0].draws == posterior(bench, baby, seed=5).draws).all()


def test_no_levels_leave_the_prior_weights(bench: Model, wider: Model) -> None:
    empty = Timeline(Patient("p"), doses=(DoseEvent(0.0, 26.4, 0.5),))
    assert average([bench, wider], empty, seed=1, prior={"bench_model": 1.0, "wider": 3.0}).weights == pytest.approx((0.25, 0.75))


def test_only_what_no_model_explains_is_called_wrong(bench: Model, wider: Model, baby: Timeline) -> None:
    # 95 mg/L after this dose: impossible for the narrow prior, unusual for the wide one
    high = replace(baby, observations=(Observation(1.0, "drug", 95.0, record="high"),))
    mixture = average([bench, wider], high, seed=1)
    assert [len(b.contradictions) for b in mixture.beliefs] == [1, 0]
    assert mixture.contradictions == ()
    assert mixture.weights[1] > 0.8
    absurd = replace(baby, observations=(*baby.observations, Observation(2.0, "drug", 5000.0, record="absurd")))
    mixture = average([bench, wider], absurd, seed=1)
    assert [p.record for p in mixture.contradictions] == ["absurd"]
    assert [p.record for p in mixture.doubted] == ["absurd"]
    assert all(b.n_used == 3 for b in mixture.beliefs)
    assert [f.record for f in mixture.findings if f.code == "level_contradicts_every_model"] == ["absurd"]


def test_weights_do_not_depend_on_the_seed(bench: Model, wider: Model, baby: Timeline) -> None:
    high = baby.append(Observation(47.5, "drug", 22.0, record="high"))
    found = [average([bench, wider], high, seed=seed, draws=100) for seed in (1, 2)]
    assert found[0].weights == found[1].weights
    assert found[0].doubted == found[1].doubted != ()


def test_weights_compare_models_on_common_levels(bench: Model, two_outputs: Model, baby: Timeline) -> None:
    """A model that also predicts a marker is judged, beside one that does not, on the drug levels only."""
    drug = average([bench, two_outputs], baby, seed=1, draws=5000)
    both = baby.append(Observation(10.0, "marker", 9.0), Observation(30.0, "marker", 8.0))
    mixture = average([bench, two_outputs], both, seed=1, draws=5000)
    np.testing.assert_allclose(mixture.weights, drug.weights, atol=0.02)
    assert [b.n_used for b in mixture.beliefs] == [3, 5]
    assert [f.record for f in mixture.findings if f.code == "evidence_on_common_levels"] == ["two_output_model"]


def test_bad_prior_weights(bench: Model, baby: Timeline) -> None:
    with pytest.raises(InputError, match="prior weights"):
        average([bench], baby, seed=1, prior={"nobody": 1.0})
    with pytest.raises(InputError, match="at least one model"):
        average([], baby, seed=1)


def test_mixture_json(bench: Model, wider: Model, baby: Timeline) -> None:
    data = average([bench, wider], baby, seed=1, draws=20).to_json()
    assert sum(data["weights"].values()) == pytest.approx(1.0)
    assert len(data["beliefs"]) == 2
