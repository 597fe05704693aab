"""The trial's fast belief hears far levels as the belief of the house does, on the same two-effect patient."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.decide.control import declared
from dosetwin.decide.look_ahead.ahead import Course
from dosetwin.infer import Belief, posterior
from dosetwin.records import DoseEvent, Observation, Patient, Timeline
from dosetwin.studies.newborn_sepsis.course_belief import PIECE_H, Believed, CourseBelief, Prior

DOSES = (0.0, 24.0)
AMOUNT = 26.4


@cache
def _house(levels: tuple[tuple[float, float], ...], certain: bool = False) -> Belief:
    model = models.load(str(Path(__file__).with_name("two_effects_model.py")))
    seen = tuple(Observation(t, "drug", v) for t, v in levels)
    timeline = Timeline(Patient("p"), tuple(DoseEvent(t, AMOUNT, 0.5) for t in DOSES), seen)
    return posterior(model, timeline, seed=1, draws=4000, contradicting="fit" if certain else "weigh")


def fast(levels: tuple[tuple[float, float], ...], draws: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """(ln CL over typical, weights) of the trial's belief."""
    course = Course()
    s = int(np.ceil(course.end / PIECE_H))
    typical = np.ones(s)
    prior = Prior(0.0493 * typical, 0.833 * typical, 0.0205 * typical, 0.0 * typical, np.full((s, 1), 0.3), 0.2)
    doses = np.array([(t, AMOUNT) for t in DOSES])
    belief = CourseBelief(
        prior, Believed(prop=0.15, add=0.3), course, declared(), 48.0, 2.0, doses, np.array(levels), None, "e_coli", None, 7
    )
    made = belief.outlook(draws, 0)
    return np.log(made.parameters[:, 0, 0] / 0.0493), made.weights


def quantiles(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    order = np.argsort(x)
    return np.interp([0.05, 0.5, 0.95], np.cumsum(w[order]) - 0.5 * w[order], x[order])


PEAK = (1.0, 30.0)
COURSES = {
    "ordinary": (PEAK, (23.5, 6.0), (25.0, 33.0), (47.5, 7.0)),
    "far trough": (PEAK, (23.5, 16.0)),
    "far trough, confirmed": (PEAK, (23.5, 16.0), (47.5, 24.0)),
    "corrupted level": (PEAK, (23.5, 6.0), (25.0, 33.0), (47.5, 90.0)),
}


@pytest.mark.parametrize("name", COURSES)
def test_the_same_clearance_as_the_house(name: str) -> None:
    """5 %, 50 % and 95 % points of ln CL."""
    levels = COURSES[name]
    house = _house(levels).draws[:, 0]
    found, weights = fast(levels)
    np.testing.assert_allclose(quantiles(found, weights), np.quantile(house, [0.05, 0.5, 0.95]), atol=0.08)


def test_few_draws_carry_weight_in_doubt() -> None:
    for name, levels in COURSES.items():
        _, weights = fast(levels, 64)
        assert 1.0 / np.square(weights).sum() > 24, name


def test_a_corrupted_level_is_not_followed() -> None:
    good, other = fast(COURSES["ordinary"][:3]), fast(COURSES["corrupted level"])
    assert quantiles(*other)[1] == pytest.approx(quantiles(*good)[1], abs=0.05)
