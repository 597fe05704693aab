"""The learned kidney at work, with the shipped weights: answers, refusals, and files that must belong together."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosetwin.errors import InputError
from dosetwin.forecast.kidney.learned import CARD, SHIPPED, WEIGHTS, load, widened, with_noise
from dosetwin.forecast.kidney.record import WardRecord, ward_record
from dosetwin.forecast.kidney.warning import injury_risk
from dosetwin.populations.newborn_kidney.cohort import cohort
from dosetwin.populations.newborn_kidney.records import records


@pytest.fixture(scope="module")
def kidney():
    """The shipped ensemble."""
    return load()


def preterm(now: float = 80.0, **more) -> WardRecord:
    """A preterm with three creatinines."""
    return ward_record("a", 29.0, 1.2, [12.0, 36.0, 70.0], [0.7, 0.9, 0.95], now=now, **more)


def test_an_answer_ascends_in_quantiles_and_widens_with_noise(kidney):
    answer = kidney.forecast(preterm())
    assert answer.ok
    assert answer.by == "learned"
    assert (np.diff(answer.latent, axis=1) > 0).all()
    assert (np.diff(answer.measured, axis=1) > 0).all()
    np.testing.assert_allclose(answer.median, [0.9, 0.85, 0.8], atol=0.25)


def test_a_higher_creatinine_gives_a_higher_forecast(kidney):
    low = ward_record("a", 29.0, 1.2, [12.0, 36.0, 70.0], [0.7, 0.9, 0.8])
    high = ward_record("a", 29.0, 1.2, [12.0, 36.0, 70.0], [0.7, 0.9, 1.6])
    assert (kidney.forecast(high).median > kidney.forecast(low).median + 0.2).all()
    assert injury_risk(high, kidney.forecast(high)).criteria[0] > injury_risk(low, kidney.forecast(low)).criteria[0]


@settings(deadline=None, max_examples=40)
@given(st.floats(23.2, 41.5), st.floats(0.6, 1.4), st.floats(0.0, 27.0), st.integers(0, 6), st.integers(0, 10**6))
def test_any_baby_in_range_is_answered_with_or_without_a_past(GA, size, days, n, seed):
    rng = np.random.default_rng(seed)
    BW = float(np.clip(size * (0.55 + 0.17 * (GA - 23.0)), 0.4, 4.4))
    times = np.sort(rng.uniform(0.0, 24.0 * days, n))
    record = ward_record("a", GA, BW, times, rng.uniform(0.15, 3.0, n), now=24.0 * days)
    answer = load().forecast(record, (1.0, 24.0, 30.0, 72.0, 100.0))
    assert answer.ok
    assert np.isfinite(answer.latent).all()
    assert (np.diff(answer.latent, axis=1) >= 0).all()
    assert (np.diff(answer.measured, axis=1) >= 0).all()
    assert {f.code for f in answer.findings} == {"beyond_learned_horizon"} | (set() if n else {"no_past_creatinine"})


def test_hours_between_the_anchors_lie_between_and_the_anchors_are_met(kidney):
    record = preterm(now=75.0)
    anchors = kidney.forecast(record, (24.0, 48.0))
    between = kidney.forecast(record, (24.0, 36.0, 47.999))
    np.testing.assert_allclose(between.latent[0], anchors.latent[0], atol=1e-3)
    np.testing.assert_allclose(between.latent[2], anchors.latent[1], atol=1e-3)
    low, high = np.minimum(*anchors.latent), np.maximum(*anchors.latent)
    assert ((between.latent[1] > low - 0.05) & (between.latent[1] < high + 0.05)).all()


def test_many_are_answered_as_one_by_one(kidney):
    babies = [r.until(float(r.time[len(r.time) // 2])) for r in records(cohort("A", 12, 7)) if len(r.time)]
    many = kidney.forecast_many([*babies, ward_record("x", 50.0, 1.0)])
    for one, record in zip(many, babies, strict=False):
        np.testing.assert_allclose(one.latent, kidney.forecast(record).latent, atol=1e-5)
    assert not many[-1].ok


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (ward_record("a", 22.1, 0.6, [5.0], [0.6]), "GA"),
        (ward_record("a", 30.0, 1.4, [5.0], [19.9]), "SCR"),
        (ward_record("a", 30.0, 1.4, [24.0 * 40], [0.3]), "PNA"),
        (ward_record("a", 40.0, 7.0, [5.0], [0.6]), "BW"),
    ],
)
def test_outside_its_training_range_it_declines_and_says_why(kidney, record, word):
    answer = kidney.forecast(record)
    assert not answer.ok
    assert [r.code for r in answer.refusal.reasons] == ["outside_training_range"]
    assert word in answer.refusal.message


def test_a_record_with_an_error_is_refused(kidney):
    assert not kidney.forecast(ward_record("a", 30.0, 1.4, [5.0, 9.0], [0.6, 70.0])).ok
    assert not kidney.forecast(ward_record("a", 30.0, 1.4, [-5.0], [0.6])).ok
    assert not kidney.forecast(preterm(), (48.0, 24.0)).ok


@pytest.fixture
def copied(tmp_path):
    """A copy of the shipped folder."""
    return shutil.copytree(SHIPPED, tmp_path / "weights")


def test_damaged_weights_are_refused_with_both_hashes(copied, kidney):
    file = copied / WEIGHTS
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(InputError) as caught:
        load(copied)
    assert kidney.card["sha256_of_weights"] in str(caught.value)
    assert len([w for w in str(caught.value).replace("'", " ").replace(";", " ").split() if len(w) == 64]) == 2


def test_a_changed_card_is_refused(copied):
    card = json.loads((copied / CARD).read_text(encoding="utf-8"))
    card["calibration"]["latent"][0][1][0] *= 0.5
    (copied / CARD).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(InputError, match="SHA-256 differs"):
        load(copied)


def test_missing_and_foreign_files_are_named(copied):
    (copied / WEIGHTS).unlink()
    with pytest.raises(InputError, match=r"kidney\.onnx"):
        load(copied)
    (copied / CARD).write_text("{", encoding="utf-8")
    (copied / WEIGHTS).write_bytes(b"")
    with pytest.raises(InputError, match="not a model card"):
        load(copied)
    (copied / CARD).write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(InputError, match="another format"):
        load(copied)


def test_the_shipped_card_says_what_it_is(kidney):
    card = kidney.card
    assert card["data"]["synthetic"] is True
    assert card["babies"]["training"] >= 10_000
    assert card["parameters_per_member"] <= 30_000
    assert "not a medical device" in card["notice"]
    assert all(seed < 900_000 for seed in card["data"]["cohort_seeds"])


def test_the_runtime_never_imports_pytorch():
    code = (
        "import sys; from dosetwin.forecast.kidney.learned import load; from dosetwin.forecast.kidney.record import ward_record; "
        "assert load().forecast(ward_record('a', 30.0, 1.4, [5.0], [0.6])).ok; "
        "assert not {'torch', 'onnx', 'dosetwin.forecast.kidney.training'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_noise_adds_in_quadrature_and_factors_widen():
    latent = np.log(0.5) + np.array([[-0.2, -0.1, 0.0, 0.1, 0.2]])
    noisy = with_noise(latent, np.array([[1.0, 0.0]]), (0.0, 0.05))
    sd = 0.05 / 0.5
    np.testing.assert_allclose(noisy[0, 4] - noisy[0, 2], np.hypot(0.2, 1.6448536 * sd))
    wider = widened(latent, np.array([[2.0, 1.0, 1.0, 3.0]]))
    np.testing.assert_allclose(wider[0] - np.log(0.5), [-0.4, -0.1, 0.0, 0.1, 0.6])
    # a narrow outer factor never crosses the inner quantile
    crossed = widened(latent, np.array([[0.1, 1.0, 1.0, 0.1]]))
    assert (np.diff(crossed) >= 0).all()
