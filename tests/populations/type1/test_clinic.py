"""The virtual clinic: another program's numbers, runs it published, and who is drawn."""

from pathlib import Path

import numpy as np
import pytest

from dosetwin.errors import InputError, UnknownName
from dosetwin.evaluate.pages import insulin
from dosetwin.evaluate.pages.insulin.published import max_off
from dosetwin.populations import type1
from dosetwin.populations.type1.sensor import Sensor, errors


def test_every_figure_of_the_page_is_met() -> None:
    assert [c.check for c in insulin.run() if not c.passed] == []


@pytest.mark.parametrize(
    ("file", "name"), [("adult001", "adult_001"), ("adolescent003", "adolescent_003"), ("child005", "child_005")]
)
def test_runs_published_before_grams_were_milligrams(shared: Path, file: str, name: str) -> None:
    path = shared / "data" / "cgm" / f"simglucose_run_{file}.csv"
    if not path.is_file():
        pytest.skip("no published runs")
    assert max_off(path, name, 1.0) < 1e-3
    assert max_off(path, name, 1000.0) > 2.0, "as the program stands now, its own runs of before are not met"


def test_a_person_does_not_depend_on_who_else_is_drawn() -> None:
    few, many = type1.drawn(np.arange(5, 8), 3), type1.drawn(np.arange(20), 3)
    assert few.name == many.name[5:8]
    assert {n.split("_")[0] for n in type1.drawn(np.arange(40), 3, "child").name} == {"child"}
    minutes = np.arange(0.0, 1440.0, 5.0)
    np.testing.assert_array_equal(errors(np.arange(5, 8), 3, minutes, Sensor()), errors(np.arange(20), 3, minutes, Sensor())[5:8])


def test_errors_of_the_monitor_are_correlated_and_gaps_are_gaps() -> None:
    minutes = np.arange(0.0, 4320.0, 5.0)
    e = errors(np.arange(200), 1, minutes, Sensor(gaps=0.0, pressed=0.0))
    assert 5.0 < e.std() < 25.0
    assert np.corrcoef(e[:, :-3].ravel(), e[:, 3:].ravel())[0, 1] > 0.5
    assert np.isnan(errors(np.arange(200), 1, minutes, Sensor(pressed=0.0))).mean() == pytest.approx(0.3 * 45 / 1440, rel=0.3)


def test_unknown_people_are_named() -> None:
    with pytest.raises(UnknownName, match="adult_011"):
        type1.one("adult_011")
    with pytest.raises(InputError, match="group"):
        type1.drawn(np.arange(2), 1, "elderly")
