"""Courses played in scalars, and cohorts that share events, against the plain event loop and courses with events of their own."""

import numpy as np
import pytest

from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for, simulate, uniform

DOSES = [
    DoseEvent(0.0, 20.0, 30.0),
    DoseEvent(12.0, 30.0),
    DoseEvent(12.0, 9.0, 0.25),
    DoseEvent(24.0, 0.0, 1.0),
    DoseEvent(36.0, 4.0, 2.0),
]
TIMES = np.sort(np.concatenate([np.arange(0.0, 60.0, 0.5), [12.0, 12.1, 12.25, 40.7]]))
SERIES = (Covariate(0.0, "X", 1.0), Covariate(20.25, "X", 2.0), Covariate(41.0, "X", 0.5))


def both(model, eta, theta=None):
    """The same course in scalars and, because areas are asked for, in the event loop."""
    course = schedule_for(model, Timeline(Patient("x"), tuple(DOSES), (), SERIES), TIMES)
    jobs = np.zeros(len(eta), int)
    return [simulate(model, course, eta, theta=theta, course=jobs, auc=auc) for auc in (False, True)]


@pytest.mark.parametrize("name", ["one", "two"])
def test_scalars_and_the_event_loop_agree(name, request):
    fast, plain = both(request.getfixturevalue(name), np.linspace(-2, 2, 5)[:, None])
    assert fast.ok.all()
    np.testing.assert_allclose(fast.value, plain.value, rtol=1e-12, atol=1e-15)


def test_rates_that_cannot_be_told_apart_are_left_to_the_event_loop(two):
    """No exchange and no elimination (nothing but zeros), a peripheral that never empties, and numbers that are none."""
    theta = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.5, 1.0], [0.3, 1.0, 0.0, 1.0], [0.3, 0.0, 0.1, 1.0]])
    fast, plain = both(two, np.zeros((4, 1)), theta)
    assert fast.ok.tolist() == plain.ok.tolist() == [True, True, True, False]
    np.testing.assert_allclose(fast.value, plain.value, rtol=1e-12, atol=1e-15)
    assert [f.subject for f in fast.failures] == ["x"]


def test_courses_that_share_events_are_those_of_their_own(two):
    factors = np.random.default_rng(3).uniform(0.3, 3.0, (5, 3))
    cohort = uniform(two, DOSES, TIMES, [0.0, 20.25, 41.0], factors[:, :, None])
    assert cohort.shares
    eta = np.linspace(-1, 1, 5)[:, None]
    got = simulate(two, cohort, eta)
    np.testing.assert_array_equal(got.value, simulate(two, cohort.apart(range(5)), eta).value)
    np.testing.assert_array_equal(got.time, np.tile(TIMES, 5))
    one_of_them = predict(two, cohort, eta[3:4], course=3)
    np.testing.assert_array_equal(one_of_them.value[0], got.cube()[3])
    np.testing.assert_array_equal(simulate(two, cohort, eta[3:], course=[3, 4]).value, got.value[3 * len(TIMES) :])
    table = got.frame()
    assert table.ID.tolist() == np.repeat(np.arange(1, 6), len(TIMES)).tolist()
