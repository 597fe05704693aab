"""The value of a sample, against a closed form."""

import numpy as np
import pytest

from dosetwin.decide.sampling_time import expected_fall, noisy, rank_times
from dosetwin.declare import combined, lognormal


@pytest.mark.parametrize("noise", [0.1, 0.3, 1.0])
def test_normal_normal(noise):
    """ln level = quantity + e, both normal: the variance falls by exactly v / (v + s^2)."""
    rng = np.random.default_rng(2)
    quantity = 0.3 * rng.standard_normal(20_000)
    measured = np.exp(quantity + noise * rng.standard_normal(20_000))
    assert expected_fall(measured, quantity, 1e-9) == pytest.approx(0.09 / (0.09 + noise**2), abs=0.01)


def test_a_level_that_says_nothing_is_worth_nothing():
    rng = np.random.default_rng(3)
    assert expected_fall(np.exp(rng.standard_normal(400)), rng.standard_normal(400), 0.1) < 0.03
    assert expected_fall(np.full(400, 5.0), rng.standard_normal(400), 0.1) == 0.0
    assert expected_fall(np.exp(rng.standard_normal(400)), np.zeros(400), 0.1) == 0.0


def test_levels_below_the_limit_of_quantification_say_less():
    rng = np.random.default_rng(4)
    quantity = rng.standard_normal(2000)
    level = np.exp(0.5 * quantity)[:, None] * np.array([5.0, 0.1])
    ranked = rank_times([6.0, 40.0], level, [quantity], lognormal(0.2), rng, loq=0.5)
    assert [v.after_h for v in ranked] == [6.0, 40.0]
    assert ranked[0].mean > ranked[1].mean + 0.3


def test_clearance_is_read_late_after_the_dose_not_at_the_peak():
    rng = np.random.default_rng(5)
    ke = 0.08 * np.exp(0.3 * rng.standard_normal(1000))
    V = np.exp(0.15 * rng.standard_normal(1000))
    times = [1.0, 6.0, 12.0, 24.0]
    levels = (30 / V)[:, None] * np.exp(-ke[:, None] * np.array(times))
    ranked = rank_times(times, levels, [np.log(ke * V)], combined(0.5, 0.15), rng)
    assert ranked[0].after_h >= 12.0
    assert ranked[-1].after_h == 1.0


def test_noise_has_the_declared_spread():
    rng = np.random.default_rng(6)
    y = noisy(np.full(50_000, 20.0), combined(0.5, 0.1), rng)
    assert np.std(y) == pytest.approx(np.hypot(0.5, 2.0), rel=0.02)
    y = noisy(np.full(50_000, 20.0), combined(0.5, 0.1, form="sd"), rng)
    assert np.std(y) == pytest.approx(2.5, rel=0.02)
