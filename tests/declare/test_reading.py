"""Readings: their keys, units and JSON; what they make of a curve, by hand."""

import json

import numpy as np
import pytest

from dosetwin.decide.readings import finish, share_within
from dosetwin.declare import After, At, Between, End, Interval, Reading
from dosetwin.declare.reading import AUC24, CMAX_MIC, PEAK, TROUGH, json_key
from dosetwin.errors import InputError

WEEKS = Between(7, 21, "d")
READINGS = (
    PEAK, TROUGH, AUC24, CMAX_MIC, Reading("INR", "share_within", WEEKS, (2.0, 3.0)), Reading("INR", "ever_above", WEEKS, 4.0),
    Reading("INR", "mean", WEEKS), Reading("", "at", At(3, "d")), Reading("", "min", Interval(("steady",))),
    Reading("", "at", After(0.5)), Reading("GLU", "count_above", Between(0, 24), 10.0), Reading("BLEED", "hazard", WEEKS),
)  # fmt: skip


@pytest.mark.parametrize("reading", READINGS, ids=lambda r: r.key)
def test_it_survives_json_and_has_a_key_of_its_own(reading):
    assert Reading.from_json(json.loads(json.dumps(reading.to_json()))) == reading
    same = [r.key for r in READINGS if r.key == reading.key]
    assert len(same) == (2 if reading in (PEAK, CMAX_MIC) else 1)


def test_keys_are_those_of_stored_answers():
    assert [json_key(r.key, d) for r, d in ((PEAK, "next"), (TROUGH, "pre"), (AUC24, "last"))] == [
        "peak_next", "trough_pre", "auc24_last",
    ]  # fmt: skip
    assert json_key(READINGS[4].key, "course") == "share_within_2_3_7_21d of INR"


def test_units_follow():
    units = [r.unit("mg/L") for r in READINGS]
    assert units == ["mg/L", "mg/L", "mg.h/L", "", "", "", "mg/L", "mg/L", "mg/L", "mg/L", "", ""]
    assert Reading("", "auc", WEEKS).unit("mg/L") == "mg.h/L"


def test_a_curve_by_hand():
    times = np.array([0.0, 1.0, 3.0, 4.0])
    curve = np.array([[1.0, 3.0, 1.0, 1.0], [5.0, 5.0, 5.0, 5.0], [2.5, 2.5, 2.5, 2.5]])

    def of(how, level=None):
        return finish(Reading("", how, WEEKS, level), curve, times).tolist()

    assert of("min") == [1.0, 5.0, 2.5]
    assert of("max") == [3.0, 5.0, 2.5]
    assert of("ever_above", 2.9) == [1.0, 1.0, 0.0]
    assert of("ever_below", 2.0) == [1.0, 0.0, 0.0]
    assert of("count_above", 2.0) == [1.0, 1.0, 1.0]
    # from 1 to 3 in an hour: half of it between 2 and 3; from 3 to 1 in two: half of them; flat at 1: none
    assert of("share_within", (2.0, 3.0)) == pytest.approx([1.5 / 4, 0.0, 1.0])
    assert finish(Reading("", "hazard", WEEKS), np.array([0.0, 1.0]), times).tolist() == pytest.approx([0.0, 1 - np.exp(-1)])


def test_the_share_above_a_multiple_of_a_fact():
    times, curve = np.array([0.0, 1.0, 2.0]), np.array([[4.0, 2.0, 2.0], [0.5, 0.5, 0.5]])
    over = Reading("", "share_above", Interval(("next",)), 1.5, multiple_of="MIC")
    assert finish(over, curve, times, {"MIC": 2.0}).tolist() == pytest.approx([0.25, 0.0])  # from 4 to 2 in an hour: half of it
    assert over.key == "share_above_1.5mic"
    assert Reading.from_json(over.to_json()) == over
    with pytest.raises(InputError, match="MIC"):
        finish(over, curve, times)
    with pytest.raises(InputError, match="only share_above"):
        Reading("", "max", Interval(("next",)), multiple_of="MIC")


def test_the_share_is_that_of_a_fine_curve():
    times = np.linspace(0.0, 14.0, 85)
    curve = 2.5 + np.sin(times)
    fine = np.linspace(0.0, 14.0, 1_000_001)
    want = np.mean((2.5 + np.sin(fine) >= 2.0) & (2.5 + np.sin(fine) <= 3.0))
    assert share_within(curve[None], times, 2.0, 3.0)[0] == pytest.approx(want, abs=2e-3)


@pytest.mark.parametrize(
    "wrong",
    [("", "at", Interval()), ("", "mean", After(1.0)), ("INR", "share_within", WEEKS), ("INR", "ever_above", WEEKS, (1.0, 2.0)),
     ("", "at", End(("second", "third"))), ("", "at", After(-1.0)), ("INR", "mean", Between(7, 7, "d")),
     ("", "auc24", Interval(()))],
)  # fmt: skip
def test_parts_that_do_not_go_together_are_refused_with_their_place(wrong):
    with pytest.raises(InputError, match=r"reading \w+ \(test_reading.py:\d+\)"):
        Reading(*wrong)
