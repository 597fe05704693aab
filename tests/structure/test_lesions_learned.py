"""A learned prior: trees find what features tell, nothing where they tell nothing, and take it out of the spread."""

import numpy as np

from dosetwin.calibrate.lesions import START, Lesion, predicted
from dosetwin.calibrate.lesions_learned import boost, learn


def test_trees_find_a_step_and_nothing_in_noise() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    found = boost(x, np.where(x[:, 1] > 0.3, 2.0, -1.0) + 0.1 * rng.normal(size=400))
    assert {t.feature for t in found.trees[:5]} == {1}
    assert abs(found.of(np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])) - np.array([2.0, -1.0])).max() < 0.3
    assert len(boost(x, rng.normal(size=400)).trees) < 60


def test_what_a_feature_tells_of_growth_moves_the_prior_and_narrows_it() -> None:
    rng = np.random.default_rng(2)
    days = np.array([0.0, 60.0, 120.0, 240.0, 400.0])
    x = rng.normal(size=(80, 2))
    phi = np.column_stack([np.full(80, 3.5), np.where(x[:, 0] > 0, 0.6, -0.6), np.full(80, -4.6)])
    lesions = [Lesion(days, predicted(p[None], days)[0] * (1.0 + 0.02 * rng.normal(size=5))) for p in phi]
    found = learn(lesions, x, START, draws=40)
    up, down = found.prior(np.array([1.0, 0.0])), found.prior(np.array([-1.0, 0.0]))
    assert up.mean[1] - down.mean[1] > 0.5
    assert found.within[1, 1] < START.cov[1, 1]
