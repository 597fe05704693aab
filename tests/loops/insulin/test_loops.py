"""Streaming belief, controllers, and limits that hold whatever a controller says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.loops.insulin import CONTROLLERS, Belief, Limits, Person, Seen
from dosetwin.loops.insulin.belief import STEP_MIN
from dosetwin.loops.insulin.limits import acting, on_board

ONE = Person(np.array([70.0]), np.array([1.2]), np.array([10.0]), np.array([40.0]))
STEP = ONE.basal * STEP_MIN / 60.0


def belief(reading: float = 120.0) -> Belief:
    return Belief.first(ONE.weight, ONE.basal, np.array([reading]), 120.0)


def test_at_rest_the_belief_rests() -> None:
    b = belief()
    for _ in range(48):
        b.told(np.array([120.0]), STEP, np.zeros(1))
    assert b.level[0] == pytest.approx(120.0, abs=0.2)
    assert b.foreseen(STEP[:, None], np.zeros(1), 4.0)[0, 0] == pytest.approx(120.0, abs=0.5)


def test_more_insulin_is_foreseen_lower_and_food_higher() -> None:
    b = belief()
    course = b.foreseen(np.array([[0.0, 0.1, 1.0, 4.0]]), np.zeros(1), 4.0)[0]
    assert (np.diff(course[:, -1]) < 0).all()
    assert b.foreseen(STEP[:, None], np.array([40.0]), 2.0)[0, 0, -1] > course[1, 12]


def test_a_rise_nobody_announced_is_carried_by_glucose_from_elsewhere() -> None:
    b = belief()
    for k in range(12):
        b.told(np.array([120.0 + 8.0 * k]), STEP, np.zeros(1))
    assert b.states[0, 11] > 0.1
    assert b.foreseen(STEP[:, None], np.zeros(1), 0.5)[0, 0, -1] > b.level[0]


def test_without_readings_the_belief_grows_less_certain() -> None:
    b = belief()
    before = b.cov[0, 10, 10]
    for _ in range(12):
        b.told(np.array([np.nan]), STEP, np.zeros(1))
    held = b.cov[0, 10, 10]
    b.told(np.array([121.0]), STEP, np.zeros(1))
    assert 0.0 < b.cov[0, 10, 10] < held
    assert np.linalg.eigvalsh(b.cov[0]).min() > -1e-9 * max(1.0, before)


def test_insulin_acts_for_six_hours() -> None:
    assert acting(np.array([0.0, 360.0, 400.0])).tolist() == [1.0, 0.0, 0.0]
    assert (np.diff(acting(np.arange(0.0, 360.0, 5.0))) < 0).all()
    assert on_board(np.array([[1.0]]))[0] == pytest.approx(acting(np.array([5.0]))[0])


@pytest.mark.parametrize("name", CONTROLLERS)
@pytest.mark.parametrize("reading", [120.0, 45.0, 320.0, float("nan")])
def test_what_every_controller_gives_after_the_limits(name: str, reading: float) -> None:
    decides = CONTROLLERS[name](ONE)
    before = np.full((1, 6), reading)
    for meal in (0.0, 60.0):
        given_ = np.repeat(STEP[:, None], 12, axis=1)
        dose = decides.act(Seen(before[:, -1], before[:, :-1], np.array([meal]), given_))
        safe = Limits().within(dose, before, given_, np.array([meal / 10.0]), ONE.basal, ONE.weight)
        assert 0.0 <= safe[0] <= 0.3 * 70.0
        if reading == 45.0:
            assert safe[0] == 0.0
        if np.isnan(reading):
            assert safe[0] <= STEP[0] + meal / 10.0 + 1e-12


@given(st.floats(0, 50), st.lists(st.floats(39, 400), min_size=4, max_size=8), st.floats(0, 8))
def test_no_dose_passes_the_limits(dose: float, readings: list[float], on: float) -> None:
    past = np.array([[on] + [STEP[0]] * 11])
    r = np.array([readings])
    out = Limits().within(np.array([dose]), r, past, np.zeros(1), ONE.basal, ONE.weight)[0]
    assert 0.0 <= out <= min(dose, 5.0 * 1.2 + STEP[0]) + 1e-12
    if readings[-1] < 80.0:
        assert out == 0.0
    if readings[-2] - readings[-1] > 25.0:
        assert out <= STEP[0] + 1e-12
