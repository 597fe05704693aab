"""Goals at their borders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.declare import After, Goal, Reading
from dosetwin.declare.reading import PEAK
from dosetwin.errors import InputError
from dosetwin.formulary.amikacin import GOALS

BY_CODE = {t.code: t for t in GOALS}
level = st.floats(0, 200)


@pytest.mark.parametrize(
    ("code", "value", "met"),
    [
        ("peak_window", 24.0, False), ("peak_window", 24.001, True), ("peak_window", 34.999, True), ("peak_window", 35.0, False),
        ("trough_low", 2.999, True), ("trough_low", 3.0, False), ("trough_toxic", 5.0, True), ("trough_toxic", 5.001, False),
        ("cmax_mic", 8.0, True), ("cmax_mic", 7.999, False), ("auc_floor", 140.0, True), ("auc_floor", 139.9, False),
    ],
)  # fmt: skip
def test_border(code, value, met):
    assert bool(BY_CODE[code].met(np.array(value))) is met


@given(value=level)
def test_loss_is_zero_exactly_where_met_and_bounded(value):
    for target in GOALS:
        miss = float(target.miss(np.array(value)))
        assert (miss == 0.0) == bool(target.met(np.array(value)))
        assert miss == 0.0 or 1.0 <= miss <= 2.0


@given(a=level, b=level)
def test_further_out_never_costs_less(a, b):
    low, high = sorted((a, b))
    trough, floor = BY_CODE["trough_toxic"], BY_CODE["auc_floor"]
    assert trough.miss(np.array(low)) <= trough.miss(np.array(high))
    assert floor.miss(np.array(low)) >= floor.miss(np.array(high))


def test_loss_by_hand():
    assert BY_CODE["trough_low"].miss(np.array([2.0, 4.0, 5.0, 9.0])) == pytest.approx([0.0, 1.5, 2.0, 2.0])
    assert BY_CODE["peak_window"].miss(np.array([19.0, 30.0, 37.0])) == pytest.approx([1.5, 0.0, 1.2])


@pytest.mark.parametrize(
    "wrong",
    [{"low": None, "high": None}, {"low": 3.0}, {"weight": -1.0}, {"scale": 0.0}, {"source": ""}, {"min_probability": 1.2},
     {"min_probability": 0.5, "reading": Reading("", "at", After(1.0, ("last",)))}, {"first_weight": 1.0}],
)  # fmt: skip
def test_a_goal_that_cannot_be_judged_is_refused(wrong):
    good = {"code": "t", "reading": PEAK, "low": 1.0, "high": 2.0, "unit": "mg/L", "source": "here"}
    Goal(**good)
    with pytest.raises(InputError, match=r"goal t \(test_goal.py:\d+\)"):
        Goal(**(good | wrong))


def test_every_goal_names_its_source_and_survives_json():
    for target in GOALS:
        assert target.source
        assert Goal.from_json(target.to_json()) == target
