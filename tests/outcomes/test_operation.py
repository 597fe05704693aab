"""A planned operation: steps and pumps as written, blood and scores exact, a longer step wakes later, slips are named."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dosetwin.cli.program import app
from dosetwin.errors import InputError
from dosetwin.outcomes.operation import play, read_plan, varied
from dosetwin.report.operation_page import operation_page

PLAN = (Path(__file__).parents[2] / "docs" / "anaesthesia.md").read_text(encoding="utf-8")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The plan that the page prints."""
    start = PLAN.index('name = "hip"')
    out = tmp_path / "hip.toml"
    out.write_text(PLAN[start : PLAN.index("```", start)])
    return out


def test_the_page_s_plan(plan: Path) -> None:
    usual = read_plan(plan)
    course = play(usual, draws=60, seed=1)
    f = course.found
    assert f["minutes"] == 105.0
    # EBV (Hi - Hf) / Hi: 65 mL/kg x 68 kg x (12.8 - 8) / 12.8
    assert f["allowable_loss_mL"] == pytest.approx(65 * 68 * 4.8 / 12.8)
    assert (f["share_lost"], f["class_of_shock"]) == (pytest.approx(450 / 4420), "I")
    assert course.risks["rcri"]["POINTS"] == 1.0
    assert course.risks["p_possum"]["MORTALITY"] == pytest.approx(2.144, abs=6e-4)
    longer = play(varied(usual, "surgery.minutes=200"), draws=60, seed=1)
    assert longer.found["wakes_min_after_stop"][1] > f["wakes_min_after_stop"][1]
    assert np.array_equal(longer.depth[:, :10], course.depth[:, :10]) or longer.time[9] != course.time[9]
    bled = play(varied(usual, "2.blood_loss=2000"), draws=20, seed=1)
    assert bled.found["class_of_shock"] == "IV"
    assert len(bled.remarks) == 2
    page = operation_page([course, longer])
    assert "No anatomy and no technique" in page
    assert "surgery.minutes=200" in page


def test_the_command(plan: Path) -> None:
    done = CliRunner().invoke(app, ["operation", str(plan), "--vary", "surgery.propofol=2", "--draws", "20", "--json"])
    assert done.exit_code == 0, done.output
    first, second = json.loads(done.stdout)
    assert second["found"]["propofol_mg"] < first["found"]["propofol_mg"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("height = 162", "height = 1.62", "in cm, not m"),
        ("haemoglobin = 12.8", "haemoglobin = 128", "in g/dL, not g/L"),
        ("propofol = 2.5", "propofol = 2500", "at most|0 to 8 ug/mL"),
        ("minutes = 80", "minutes = -80", "1 to 720 min"),
        ("minutes = 80", "hours = 2", "unknown key"),
        ('sex = "female"', 'sex = "f"', "male, female"),
        ("PS = 20", "PS = 200", "PS"),
        ("PS = 20", "WRONG = 20", "does not ask this"),
        ("SCR = 1.1", "", "needs this"),
    ],
)
def test_slips_are_named(plan: Path, old: str, new: str, said: str) -> None:
    plan.write_text(plan.read_text().replace(old, new))
    with pytest.raises(InputError, match=said):
        play(read_plan(plan), draws=20, seed=1)


@pytest.mark.parametrize("words", ["surgery.minutes", "nowhere.minutes=3", "surgery.surgeon=3", "surgery.minutes=long"])
def test_a_change_that_is_none(plan: Path, words: str) -> None:
    with pytest.raises(InputError, match="--vary"):
        varied(read_plan(plan), words)
