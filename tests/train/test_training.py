"""Training the learned kidney end to end on a tiny network: same bits from the same seed, on after a kill, honest intervals."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'learn'")
pytest.importorskip("onnx", reason="training needs the extra 'learn'")

from dosetwin.calibrate.kidney_training import train_on_truth_A, training_babies, training_cohorts
from dosetwin.cli import run
from dosetwin.errors import InputError
from dosetwin.forecast.kidney.filter import FilterParameters
from dosetwin.forecast.kidney.learned import WEIGHTS, base_and_spread, load
from dosetwin.forecast.kidney.training.calibrate import PREMIUM, factors, insured, second_share
from dosetwin.forecast.kidney.training.export import from_onnx
from dosetwin.forecast.kidney.training.loop import Settings
from dosetwin.forecast.kidney.training.network import Architecture, Network
from dosetwin.forecast.kidney.training.targets import TrainingBaby, lessons
from dosetwin.forecast.kidney.training.train import UNFINISHED, predicted
from dosetwin.forecast.kidney.training.train import train as train_all
from dosetwin.populations.newborn_kidney.cohort import cohort
from dosetwin.populations.newborn_kidney.export import write
from dosetwin.populations.newborn_kidney.randomise import randomised
from dosetwin.populations.newborn_kidney.records import records

pytestmark = pytest.mark.slow
TINY = Settings(architecture=Architecture(hidden=8, head=8), epochs=2, batch=32, rate=1e-2)


def train(babies, held_out, out, **how):
    """Training with filters fitted on 25 babies: their fit is most of a tiny training."""
    few = babies[:25]
    return train_all(babies, held_out, out, plain=few, wide=few, **how)


@pytest.fixture(scope="module")
def babies():
    """160 babies of truth A that know their latent creatinine."""
    return training_babies(cohort("A", 160, 21))


@pytest.fixture(scope="module")
def trained(babies, tmp_path_factory):
    """A tiny trained ensemble and its folder."""
    out = tmp_path_factory.mktemp("kidney")
    return train(babies[:120], babies[120:], out, seed=1, members=2, settings=TINY, date="2026-01-01"), out


def test_a_tiny_network_is_trained_written_and_asked(trained):
    kidney, out = trained
    assert sorted(f.name for f in out.iterdir()) == ["card.json", WEIGHTS]
    answer = kidney.forecast(records(cohort("A", 3, 22))[0])
    assert answer.ok
    assert (np.diff(answer.latent, axis=1) >= 0).all()
    assert kidney.card["date"] == "2026-01-01"
    assert kidney.card["parameters_per_member"] < 30_000


def test_the_same_seed_gives_the_same_bits_another_seed_others(trained, babies, tmp_path):
    kidney, _ = trained
    again = train(babies[:120], babies[120:], tmp_path / "again", seed=1, members=2, settings=TINY, date="2026-01-01")
    other = train(babies[:120], babies[120:], tmp_path / "other", seed=2, members=2, settings=TINY)
    assert again.weights == kidney.weights
    assert dict(again.card) == dict(kidney.card)
    assert other.weights != kidney.weights


def test_a_killed_run_goes_on_and_ends_in_the_same_bits(trained, babies, tmp_path):
    kidney, _ = trained
    told = []

    def kill(what, done, of):
        told.append((what, done))
        if what == "training network 2 of 2" and done == 1:
            raise KeyboardInterrupt

    def run_once(progress):
        return train(babies[:120], babies[120:], tmp_path, seed=1, members=2, settings=TINY, date="2026-01-01", progress=progress)

    with pytest.raises(KeyboardInterrupt):
        run_once(kill)
    assert (tmp_path / UNFINISHED / "member1.pt").is_file()
    told.clear()
    resumed = run_once(lambda what, done, of: told.append((what, done)))
    assert [t for t in told if "network" in t[0]] == [("training network 2 of 2", 2)]
    assert resumed.weights == kidney.weights
    assert not (tmp_path / UNFINISHED).exists()


def test_checkpoints_of_another_run_are_not_taken_up(babies, tmp_path):
    def kill(what, done, of):
        if done == 1 and "network" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(babies[:120], babies[120:], tmp_path, seed=1, members=1, settings=TINY, progress=kill)
    told = []
    few = replace(TINY, epochs=1)
    train(babies[:120], babies[120:], tmp_path, seed=3, members=1, settings=few, progress=lambda *a: told.append(a))
    assert ("training network 1 of 1", 1, 1) in told


@pytest.mark.parametrize(
    "architecture", [Architecture("lstm", 8, 8), Architecture("gru", 8, 8), Architecture("lstm", 8, 8, "curve")]
)
def test_the_graph_computes_what_pytorch_does(architecture, babies, tmp_path):
    settings = replace(TINY, architecture=architecture, epochs=1)
    kidney = train(babies[:60], babies[60:90], tmp_path, seed=4, members=2, settings=settings)
    states, scale = from_onnx(kidney.weights, architecture, tuple(kidney.card["noise"]))
    networks = []
    for state in states:
        networks.append(Network(architecture))
        networks[-1].load_state_dict(state)
    exam = lessons(babies[60:90], *(f.parameters for f in kidney.filters), np.random.default_rng(1))
    base, spread = base_and_spread(exam.events, architecture.base)
    graph = base[..., None] + spread[..., None] * kidney.scores(exam.events)
    np.testing.assert_allclose(graph, predicted(networks, scale, settings, exam), atol=2e-4)


def test_an_untrained_network_is_its_filter(babies):
    import torch

    network = Network(TINY.architecture)
    with torch.no_grad():
        network.outer.weight.zero_()
        score = network(torch.zeros(3, 2, len(TINY.architecture.columns))).numpy()
    np.testing.assert_allclose(score, np.broadcast_to([-1.645, -0.6745, 0.0, 0.6745, 1.645], score.shape), atol=1e-3)


def test_a_hospital_without_latent_values_moves_the_forecast_towards_its_own(trained, babies, tmp_path):
    _, out = trained
    # a hospital whose babies have 40 % more creatinine than truth A says
    own = [TrainingBaby(replace(b.record, scr=1.4 * b.record.scr)) for b in babies]
    asked = [b.record.until(24.0) for b in own[:30]]
    before = np.array([f.median for f in load(out).forecast_many(asked)])
    settings = replace(TINY, epochs=6)
    kidney = train(own[:120], own[120:], tmp_path, seed=5, settings=settings, start=out, data={"source": "hospital"})
    after = np.array([f.median for f in kidney.forecast_many(asked)])
    truth = np.array([np.interp(24.0 + np.array([24, 48, 72]), np.arange(745), 1.4 * babies[k].latent) for k in range(30)])
    assert np.mean(np.abs(after - truth)) < np.mean(np.abs(before - truth))
    assert kidney.card["started_from"] == load(out).card["sha256_of_weights"]
    assert kidney.card["members"] == 2


def test_conformal_factors_hold_on_babies_not_calibrated_on():
    rng = np.random.default_rng(3)
    # quantiles of a normal half as wide as the truth, a skewed truth, several events a baby that go together
    baby = np.repeat(np.arange(2000), 4)
    y = np.repeat(rng.standard_gamma(3.0, 2000), 4) + 0.3 * rng.standard_normal(8000)
    q = np.median(y) + 0.5 * np.array([-1.645, -0.674, 0.0, 0.674, 1.645]) * np.ones((8000, 1))
    half = baby < 1000
    f = factors(q[half], y[half], baby[half], np.ones(half.sum()))
    low, high = q[:, 2] - f[0] * (q[:, 2] - q[:, 0]), q[:, 2] + f[3] * (q[:, 4] - q[:, 2])
    covered = ((y >= low) & (y <= high))[~half].mean()
    assert 0.87 < covered < 0.93


def test_masking_hides_the_past_and_keeps_the_targets(babies):
    hidden = lessons(babies, FilterParameters(), FilterParameters(), np.random.default_rng(1), masked=1.0)
    shown = lessons(babies, FilterParameters(), FilterParameters(), np.random.default_rng(1), masked=0.0)
    assert hidden.events.measured.sum() < 0.5 * shown.events.measured.sum()
    # without a single creatinine an event still knows what came after
    none = hidden.events.x[:, 7] == 0
    assert none.any()
    assert np.isfinite(hidden.latent[none, :2]).all()


def test_too_large_or_empty_is_refused(babies, tmp_path):
    large = replace(TINY, architecture=Architecture(hidden=96))
    with pytest.raises(InputError, match="too large"):
        train(babies[:60], babies[60:90], tmp_path, seed=1, members=1, settings=large)
    with pytest.raises(InputError, match="no usable record"):
        train([], babies[:9], tmp_path, seed=1)


def test_randomised_babies_stray_more_than_plain_and_depend_on_seed_and_number_alone():
    few, many = randomised(5, 9), randomised(8, 9)
    np.testing.assert_array_equal(few.hidden.SCR, many.hidden.SCR[:5])
    strayed, plain = randomised(200, 9).hidden, cohort("A", 200, 9).hidden
    assert np.std(np.log(strayed.SCR[:, 96])) > 1.3 * np.std(np.log(plain.SCR[:, 96]))
    assert (strayed.SCR > 0).all()
    assert not np.isinf(strayed.latent).any()


def test_training_and_calibration_babies_are_others_and_test_seeds_are_out_of_reach():
    made = training_cohorts(2, 40, held_out=20)
    seeds = {c.seed for c in (made.plain, made.strayed, made.plain_held, made.strayed_held)}
    assert len(seeds) == 4
    assert max(seeds) < 900_000
    with pytest.raises(InputError, match="seed"):
        training_cohorts(200_000, 40)


def test_the_command_trains_on_a_csv_and_predicts(tmp_path, capsys):
    train_on_truth_A(tmp_path / "first", seed=1, babies=40, held_out=20, members=1, epochs=1, architecture=Architecture(hidden=8))
    write(cohort("A", 130, 33), tmp_path / "hospital.csv")
    words = ["kidney", "train", str(tmp_path / "hospital.csv"), "--start", str(tmp_path / "first"), "-o", str(tmp_path / "own")]
    assert run([*words, "--epochs", "1", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["card"]
    assert card["data"]["synthetic"] is False
    assert card["started_from"]
    ask = ["kidney", "predict", str(tmp_path / "hospital.csv"), "--id", "3", "--now", "60", "--weights", str(tmp_path / "own")]
    assert run([*ask, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["hours"] == [24.0, 48.0, 72.0]
    assert answer["weights_sha256"] == card["sha256_of_weights"]


def test_the_second_structure_gets_the_share_that_its_premium_buys(trained, babies):
    """On held-out babies: the error is within PREMIUM of the least, and one hundredth more of it would not be."""
    kidney, _ = trained
    told = kidney.card["second"]
    assert told["structure"] == "van-donge"
    assert 0.0 <= told["share"] <= 0.5
    plain, wide = (f.parameters for f in kidney.filters)
    exam = lessons(babies[120:], plain, wide, np.random.default_rng([1, 2]), other=kidney.second[0].parameters)
    base, spread = base_and_spread(exam.events, "filter")
    alone = base[..., None] + spread[..., None] * kidney.scores(exam.events)
    assert second_share(alone, exam) == told["share"]
    known = exam.events.measured & np.isfinite(exam.latent[:, 1])

    def error(share):
        median = (1 - share) * alone[known, 1, 2] + share * exam.events.other[known, 1]
        return np.sqrt(np.mean((np.exp(median) - np.exp(exam.latent[known, 1])) ** 2))

    least = min(error(s) for s in np.arange(0.0, 0.505, 0.01))
    assert error(told["share"]) <= (1 + PREMIUM) * least
    assert told["share"] == 0.5 or error(told["share"] + 0.01) > (1 + PREMIUM) * least


def test_without_its_second_structure_the_networks_answer_otherwise(trained):
    kidney, _ = trained
    record = next(r for r in records(cohort("A", 9, 22)) if len(r.time) > 2)
    share = kidney.card["second"]["share"]
    both, alone = kidney.forecast(record), kidney.alone().forecast(record)
    other = kidney.second[0].forecast(record)
    np.testing.assert_allclose(both.latent[:, 2], (1 - share) * alone.latent[:, 2] + share * other.latent[:, 2], atol=1e-6)
    between = kidney.forecast(record, (24.0, 36.0)), kidney.alone().forecast(record, (24.0, 36.0))
    middle = kidney.second[0].forecast(record, (24.0, 36.0))
    np.testing.assert_allclose(
        between[0].latent[:, 2], (1 - share) * between[1].latent[:, 2] + share * middle.latent[:, 2], atol=1e-6
    )


def test_upper_intervals_give_way_to_strayed_babies_as_far_as_the_own_ones_allow():
    def made(value):
        return {"latent": [[[value] * 4] * 4] * 3}

    own, strayed, most = made(1.0), made(1.6), made(1.2)
    assert insured(own, strayed, most) == most
    assert insured(own, made(1.1), most) == made(1.1)
    assert insured(own, made(0.7), most) == own
