"""Courses played in scalars, and cohorts that share events, against the plain event loop and courses with events of their own."""

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import in_parts, memory, predict, schedule_for, simulate, uniform

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


def test_a_cohort_in_parts_is_the_cohort(two):
    cohort = uniform(two, DOSES, TIMES, [0.0], np.ones((7, 1, 1)))
    eta = np.linspace(-1, 1, 7)[:, None]
    parts = list(in_parts(two, cohort, eta, megabytes=3.5 * 8e-6 * len(TIMES)))
    assert [list(p.ids) for p in parts] == [[1, 2, 3], [4, 5, 6], [7]]
    np.testing.assert_array_equal(np.concatenate([p.value for p in parts]), simulate(two, cohort, eta).value)


def test_what_cannot_fit_is_refused_before_it_starts(two, monkeypatch):
    """A million courses with hourly outputs on a machine with 1 GB free; in parts they are played."""
    monkeypatch.setattr(memory, "available", lambda: 1e9)
    cohort = uniform(two, DOSES[:1], np.arange(241.0), [0.0], np.ones((1_000_000, 1, 1)))
    with pytest.raises(
        InputError, match=r"1,000,000 courses with 241,000,000 outputs.*1.93 GB needed.*0.8 GB are free.*in_parts"
    ):
        simulate(two, cohort)
    first = next(in_parts(two, cohort, np.zeros((1_000_000, 1)), megabytes=1.0))
    assert len(first.ids) == 518
    memory.enough(1e9, "nothing known", where="here", remedy="none", free=2e9)
