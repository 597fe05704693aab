"""Targets at their borders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.decide.target import AMIKACIN_NEONATE, Target
from dosetwin.errors import InputError

BY_CODE = {t.code: t for t in AMIKACIN_NEONATE}
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
    for target in AMIKACIN_NEONATE:
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
    [{"low": None, "high": None}, {"weight": -1.0}, {"scale": 0.0}, {"source": ""}, {"doses": ("pre",)}, {"min_probability": 1.2},
     {"min_probability": 0.5, "doses": ("last",)}],
)  # fmt: skip
def test_a_target_that_cannot_be_judged_is_refused(wrong):
    good = {
        "code": "t",
        "metric": "peak",
        "low": 1.0,
        "high": 2.0,
        "unit": "mg/L",
        "weight": 1.0,
        "scale": 1.0,
        "text": "",
        "source": "here",
    }
    Target(**good)
    with pytest.raises(InputError):
        Target(**(good | wrong))


def test_every_target_names_its_source_and_survives_json():
    for target in AMIKACIN_NEONATE:
        assert target.source
        assert Target.from_json(target.to_json()) == target
