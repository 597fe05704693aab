"""Metrics of glucose: closed forms, hand-measured swings, and what a course at a border counts as."""

import csv
from pathlib import Path

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.io.glucose import read_glucose
from dosetwin.outcomes.glucose import glycaemia, mage, turning_points

FIVE = np.arange(0.0, 1440.0, 5.0)


def test_borders_belong_to_the_range_and_shares_add_up():
    values = np.array([53.9, 54.0, 69.9, 70.0, 180.0, 180.1, 250.0, 250.1])
    g = glycaemia(np.arange(8.0) * 5, values)
    assert (g.below54, g.below70, g.tir, g.above180, g.above250) == (12.5, 37.5, 25.0, 37.5, 12.5)
    assert (g.gri, g.active) == (100.0, pytest.approx(100.0)), "137.5 by its formula, and 100 is the most"
    g = glycaemia(np.arange(16.0) * 5, np.concatenate((values, np.full(8, 120.0))))
    assert g.gri == pytest.approx((3.0 * 12.5 + 2.4 * 25 + 1.6 * 12.5 + 0.8 * 25) / 2)


def test_gmi_of_the_published_table():
    """Bergenstal 2018, table: a mean of 100, 150, 200, 250 mg/dL is a GMI of 5.7, 6.9, 8.1, 9.3 %."""
    for mean, gmi in ((100.0, 5.7), (150.0, 6.9), (200.0, 8.1), (250.0, 9.3)):
        assert round(glycaemia(np.array([0.0, 5.0]), np.array([mean - 1, mean + 1])).gmi, 1) == gmi


def test_risk_is_zero_where_the_scale_is_centred_and_grows_faster_below():
    g = glycaemia(np.array([0.0, 5.0]), np.array([112.5, 112.6]))
    assert g.lbgi + g.hbgi < 1e-3
    low, high = (glycaemia(np.array([0.0, 5.0]), np.array([v, v + 1e-9])) for v in (50.0, 175.0))
    assert low.lbgi > 15.0 > 8.0 > high.hbgi > 0.0


def test_swings_of_a_wave_are_twice_its_amplitude():
    assert mage(FIVE, 140.0 + 50.0 * np.cos(2 * np.pi * FIVE / 480.0)) == pytest.approx(100.0, rel=0.02)
    assert np.isnan(mage(FIVE, np.full(FIVE.shape, 140.0)))


def test_wobbles_count_for_nothing():
    rng = np.random.default_rng(1)
    course = 140.0 + 50.0 * np.cos(2 * np.pi * FIVE / 480.0)
    assert mage(FIVE, course + rng.normal(0.0, 3.0, len(FIVE))) == pytest.approx(mage(FIVE, course), rel=0.1)
    found = turning_points(course, 30.0)
    assert (np.diff(np.sign(np.diff(course[found]))) != 0).all(), "peaks and nadirs alternate"


def test_a_long_gap_ends_a_stretch():
    half = FIVE[:144]
    day = 140.0 + 50.0 * np.cos(2 * np.pi * half / 480.0)
    both = np.concatenate((half, half + 720.0 + 600.0))
    assert mage(both, np.concatenate((day, day))) == pytest.approx(mage(half, day))


def test_hand_measured_swings(shared: Path):
    """18 traces measured by hand (Fernandes 2022, iglu): half of them within 2 %, five in six within 12 %."""
    folder = shared / "data" / "cgm"
    if not folder.is_dir():
        pytest.skip("no folder of glucose courses")
    courses, _ = read_glucose(folder / "cgm_5_subjects.csv.gz", "mg/dL")
    assert [len(c.mg_dl) for c in courses] == [2915, 2829, 1533, 3664, 2925]
    minutes, values = (np.concatenate([c[i] for c in courses]) for i in (1, 2))
    with (folder / "mage_manual_calculations.csv").open() as f:
        hand = [r for r in csv.DictReader(f) if r["dataset"] == "JHU"]
    off = []
    for r in hand:
        part = slice(int(r["start"]) - 1, int(r["end"]))
        off.append(abs(mage(minutes[part], values[part]) / float(r["manual"]) - 1.0))
    assert len(off) == 18
    assert np.median(off) < 0.02
    assert np.mean(np.array(off) < 0.12) > 0.8


@pytest.mark.parametrize(
    ("minutes", "values", "what"),
    [([0.0], [100.0], "too few"), ([0.0, 0.0], [100.0, 100.0], "do not increase"), ([0.0, 5.0], [5.5, 6.1], "cannot be this")],
)
def test_what_is_no_course_is_refused(minutes: list[float], values: list[float], what: str):
    with pytest.raises(InputError, match=what):
        glycaemia(np.array(minutes), np.array(values))
