"""What the network reads: the compiled pass over a stay gives what the filter and the typical curve give one by one."""

import numpy as np
import pytest

from dosetwin.forecast.kidney.filter import VAN_DONGE, FilterParameters, KalmanFilter
from dosetwin.forecast.kidney.learned_inputs import ANCHORS, EVENT, FILTER, event_times, events
from dosetwin.forecast.kidney.record import ward_record
from dosetwin.forecast.kidney.steps import expected_curve
from dosetwin.populations.newborn_kidney.cohort import cohort
from dosetwin.populations.newborn_kidney.records import records

PLAIN = FilterParameters(mean=(0.1, -0.1, 0.2, 0.05), effect=(0.1, -0.2, 0.05, -0.1, 0.3))
WIDE = FilterParameters(sd=(0.4, 0.4, 0.2, 0.6, 0.4), tau=150.0)


@pytest.fixture(scope="module")
def babies():
    """Twenty synthetic stays."""
    return records(cohort("A", 20, 5))


def column(name: str) -> int:
    """Where a named input stands."""
    return EVENT.index(name)


def test_every_event_sees_what_the_filter_sees_at_that_hour(babies):
    found = events(babies, PLAIN, WIDE)
    plain, wide = KalmanFilter(PLAIN), KalmanFilter(WIDE)
    for k, record in enumerate(babies):
        for e in range(found.ptr[k], found.ptr[k + 1], 3):
            past = record.until(float(found.time[e]))
            belief = wide.state(past, ANCHORS)
            np.testing.assert_allclose(found.base[e], belief.mean[:, 0], atol=1e-10)
            np.testing.assert_allclose(found.spread[e] ** 2, belief.cov[:, 0, 0], atol=1e-10)
            np.testing.assert_allclose(found.plain[e], plain.state(past, ANCHORS).mean[:, 0], atol=1e-10)
            np.testing.assert_allclose(found.curve[e], np.log(expected_curve(past, ANCHORS)[1]), atol=1e-10)


def test_the_filter_on_the_other_balance_is_run_beside_and_is_no_input(babies):
    found = events(babies, PLAIN, WIDE, other=WIDE)
    second = KalmanFilter(WIDE, "second", VAN_DONGE)
    for k, record in enumerate(babies[:8]):
        for e in range(found.ptr[k], found.ptr[k + 1], 3):
            belief = second.state(record.until(float(found.time[e])), ANCHORS)
            np.testing.assert_allclose(found.other[e], belief.mean[:, 0], atol=1e-10)
            np.testing.assert_allclose(found.other_spread[e] ** 2, belief.cov[:, 0, 0], atol=1e-10)
    assert np.abs(found.other - found.base).max() > 0.05
    np.testing.assert_array_equal(found.x, events(babies, PLAIN, WIDE).x)
    assert events(babies, PLAIN, WIDE).other is None


def test_nothing_after_an_event_changes_it(babies):
    record = max(babies, key=lambda r: len(r.time))
    whole = events([record], PLAIN, WIDE, [3.0])
    k = len(whole.time) // 2
    part = events([record.until(float(whole.time[k]))], PLAIN, WIDE, [3.0])
    np.testing.assert_array_equal(part.x, whole.x[: k + 1])


def test_inputs_are_those_of_the_daily_chart(babies):
    record = next(r for r in babies if len(r.time) > 3 and r.flags)
    x = events([record], PLAIN, WIDE).x[-1]
    chart = record.daily()[-1]
    assert x[column("GA")] == record.GA
    assert x[column("log_scr")] == pytest.approx(np.log(record.scr[-1]))
    assert x[column("change_from_BW")] == pytest.approx(chart[6])
    np.testing.assert_allclose(x[[column(n) for n in ("IBU", "COOLING", "AMINO", "VANCO")]], chart[[7, 9, 12, 13]])
    assert x[column("days_AMINO")] == pytest.approx(chart[14])


def test_events_are_the_creatinines_and_one_moment_a_day_up_to_now():
    record = ward_record("a", 30, 1.4, [10.0, 34.0, 80.0], [0.6, 0.8, 0.7], now=82.0)
    time, measured, _ = event_times(record, record.now % 24.0)
    np.testing.assert_allclose(time, [10, 34, 58, 80, 82])
    np.testing.assert_array_equal(measured, [1, 1, 0, 1, 0])


def test_without_any_creatinine_what_was_measured_is_zero():
    x = events([ward_record("a", 30, 1.4, now=50.0)], PLAIN, WIDE).x
    for name in ("any_past", "measured", "log_scr", "residual", "change", "miss", "above_lowest", "log_count"):
        assert not x[:, column(name)].any()
    assert np.isfinite(x).all()
    assert x.shape[1] == len(EVENT)
    assert len(FILTER) * 2 < len(EVENT)


def test_two_creatinines_of_one_sample_do_not_break_it():
    record = ward_record("a", 30, 1.4, [10.0, 10.0, 10.0], [0.6, 0.7, 0.65])
    found = events([record], PLAIN, WIDE)
    assert len(found.time) == 3
    assert np.isfinite(found.x).all()
