"""Streaming belief, controllers, and limits that hold whatever a controller says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.loops.insulin import CONTROLLERS, Belief, Limits, Person, Seen
from dosetwin.loops.insulin.belief import STEP_MIN
from dosetwin.loops.insulin.limits import acting, on_board
from dosetwin.loops.insulin.tracked import Doubt, Tracked

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


def tracked(trust: float = 0.45) -> Tracked:
    return Tracked.first(
        *(getattr(ONE, k) for k in ("weight", "basal", "ratio", "factor")), np.array([120.0]), 120.0, Doubt(), trust
    )


NONE, STILL = np.zeros(1), np.zeros((1, 1))


@pytest.mark.parametrize("trust", [0.0, 0.45, 1.0])
def test_the_loops_belief_rests_and_a_unit_does_what_the_person_says(trust: float) -> None:
    b = tracked(trust)
    for _ in range(48):
        b.told(np.array([120.0]), STEP, NONE, NONE)
    assert b.level[0] == pytest.approx(120.0, abs=0.1)
    course = [b.foreseen(STEP + u, np.array([g_]), STILL, 5.0)[0, -1] for u, g_ in ((0.0, 0.0), (1.0, 0.0), (0.0, 10.0))]
    assert course[0] == pytest.approx(120.0, abs=0.2)
    if trust == 1.0:
        assert course[0] - course[1] == pytest.approx(40.0, abs=1.0)
        assert course[2] - course[0] == pytest.approx(40.0, abs=4.0)
    assert course[1] < course[0] < course[2]


def test_the_loops_dose_is_the_least_cost_of_its_own_courses() -> None:
    """The closed form against a fine grid of doses, each played out; large doses do less than a small one says: it gives less."""
    for level, meal, near in ((95.0, 0.0, 0.0), (150.0, 0.0, 0.05), (190.0, 0.0, 0.1), (150.0, 50.0, 1.2)):
        b = tracked()
        for _ in range(12):
            b.told(np.array([level]), STEP, NONE, NONE)
        most = np.array([8.0])
        dose = b.cheapest(np.array([meal]), STILL, 4.0, np.array([120.0]), 110.0, 10.0, most)[0]
        grid = np.linspace(0.0, 8.0, 401)
        course = np.array([b.foreseen(np.array([u]), np.array([meal]), STILL, 4.0)[0] for u in grid])
        cost = (np.maximum(course - 120.0, 0.0) ** 2 + 10.0 * np.maximum(110.0 - course, 0.0) ** 2).sum(axis=1)
        assert grid[cost.argmin()] - near <= dose <= grid[cost.argmin()] + 0.02


def test_pressure_gaps_and_meals_nobody_announced_in_the_loops_belief() -> None:
    b = tracked()
    for _ in range(24):
        b.told(np.array([120.0]), STEP, NONE, NONE)
    sure = b.cov[0, 0, 0]
    for _ in range(4):
        b.told(np.array([75.0]), STEP, NONE, NONE)  # pressure on the sensor: the reading falls by 45 mg/dL at once
    assert b.level[0] > 75.0 + 15.0, "part of a fall is believed to be the monitor's"
    for _ in range(12):
        b.told(np.array([np.nan]), STEP, NONE, NONE)
    assert b.cov[0, 0, 0] > 2.0 * sure
    assert np.linalg.eigvalsh(b.cov[0]).min() > 0.0
    for k in range(12):
        b.told(np.array([120.0 + 8.0 * k]), STEP, NONE, NONE)
    assert b.z[0, 3] > 0.2, "a rise nobody announced comes from elsewhere"
    assert b.foreseen(STEP, NONE, STILL, 0.5)[0, -1] > b.level[0]


def test_exercise_that_is_told_lowers_what_is_foreseen_and_the_dose_of_everybody_who_hears_of_it() -> None:
    told = np.zeros((1, 48))
    told[0, 12:24] = 0.5
    b = tracked()
    courses = [b.foreseen(STEP, NONE, e, 4.0)[0] for e in (STILL, told)]
    assert courses[1][3] == pytest.approx(courses[0][3], abs=0.5), "not before it begins"
    assert courses[1][8] < courses[0][8] - 15.0
    readings, given_ = np.full((1, 6), 135.0), np.repeat(STEP[:, None], 12, axis=1)
    for name, make in CONTROLLERS.items():
        doses = [make(ONE).act(Seen(readings[:, -1], readings[:, :-1], np.zeros(1), given_, e))[0] for e in (None, told)]
        assert doses[1] < doses[0], name


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
