"""Kidney injury by hand: the KDIGO table, the thresholds by gestation, and the physiological rise that is no injury."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.forecast.kidney.record import ward_record
from dosetwin.forecast.kidney.steps import expected_curve
from dosetwin.structure.kidney_injury import judge, judge_last

FLAT = (0.5, 0.5)


@pytest.mark.parametrize(
    ("before", "after", "hours", "stage"),
    [
        (0.5, 0.79, 48, 1),  # rise 0.29, but 1.58 times
        (0.8, 1.09, 48, 0),  # rise 0.29, 1.36 times
        (0.8, 1.10, 48, 1),  # rise 0.30
        (0.8, 1.10, 49, 0),  # the same, too slowly for the rise, 1.38 times
        (0.5, 0.745, 100, 0),  # 1.49 times
        (0.5, 0.75, 168, 1),  # 1.5 times
        (0.5, 0.75, 169, 0),  # the same, more than 7 days apart
        (0.5, 0.99, 24, 1),
        (0.5, 1.00, 24, 2),
        (0.5, 1.49, 24, 2),
        (0.5, 1.50, 24, 3),
        (2.4, 2.5, 24, 3),  # at or above 2.5 mg/dL
        (1.0, 0.7, 24, 0),
    ],
)
def test_kdigo_by_hand(before: float, after: float, hours: float, stage: int) -> None:
    found = judge_last(27, (0.0, hours), (before, after), FLAT)
    assert found.kdigo == stage
    assert found.kdigo_unexpected == stage  # a flat expectation changes nothing


@pytest.mark.parametrize(
    ("GA", "rise", "level"),
    [(29.0, 0.29, 0), (29.0, 0.3, 1), (29.0, 0.6, 2), (29.1, 0.09, 0), (29.1, 0.1, 1), (29.1, 0.3, 2), (24.0, 0.1, 0)],
)
def test_gestation_decides_the_threshold(GA: float, rise: float, level: int) -> None:
    assert judge_last(GA, (0.0, 24.0), (0.8, 0.8 + rise), FLAT).awaken == level


def test_the_rise_of_a_healthy_very_preterm_is_expected() -> None:
    record = ward_record("a", 24, 0.62, [1.0, 24.0, 48.0, 72.0], [0.4, 0.6, 0.75, 0.85])
    expected, _ = expected_curve(record)
    same = judge(24, record.time.tolist(), expected.tolist(), expected.tolist())
    assert max(j.kdigo for j in same) >= 2
    assert max(j.awaken for j in same) >= 1
    assert [(j.kdigo_unexpected, j.awaken_unexpected) for j in same] == [(0, 0)] * 4


def test_failing_to_fall_is_an_injury_only_against_the_curve() -> None:
    record = ward_record("a", 25, 0.75, [120.0, 288.0], [0.9, 0.9])
    expected, _ = expected_curve(record)
    found = judge_last(25, record.time.tolist(), record.scr.tolist(), [0.9, 0.55])
    assert expected[1] < expected[0]
    assert (found.kdigo, found.kdigo_unexpected) == (0, 1)


def test_first_creatinine_has_nothing_to_rise_from() -> None:
    assert judge(27, [5.0], [2.0], [0.5])[0].kdigo == 0
    assert judge(27, [5.0], [2.5], [0.5])[0].kdigo == 3


@given(st.lists(st.floats(0.1, 20.0), min_size=1, max_size=6), st.floats(22, 44))
def test_more_creatinine_is_never_less_injury(values: list[float], GA: float) -> None:
    times = [24.0 * k for k in range(len(values))]
    flat = [0.5] * len(values)
    found = judge_last(GA, times, values, flat)
    higher = judge_last(GA, times, [*values[:-1], values[-1] * 1.2], flat)
    assert higher.kdigo >= found.kdigo
    assert higher.awaken >= found.awaken
    assert 0 <= found.kdigo_unexpected <= 3
    assert 0 <= found.awaken <= 2


@given(st.floats(0.2, 5.0))
def test_only_proportions_count_for_ratios(scale: float) -> None:
    found = judge_last(27, (0.0, 100.0), (0.5, 0.8), FLAT)
    if 0.8 * scale < 2.5:
        assert judge_last(27, (0.0, 100.0), (0.5 * scale, 0.8 * scale), FLAT).kdigo == found.kdigo == 1


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one value per creatinine"):
        judge_last(27, (0.0,), (0.5, 0.6), (0.5, 0.5))
    with pytest.raises(ValueError, match="one value per creatinine"):
        judge_last(27, (), (), np.array([]))
