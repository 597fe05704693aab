"""Tables of days on insulin: what is read, and every slip of a unit refused by name."""

import numpy as np
import pytest
from typer.testing import CliRunner

from dosetwin.cli.program import app
from dosetwin.errors import InputError
from dosetwin.io.insulin import read_insulin

HEAD = "TIME,GLUCOSE (mg/dL),BOLUS,BASAL,CARBS,WT,RATIO,FACTOR"


def table(tmp_path, head=HEAD, glucose=140.0, basal=0.8, weight=70, ratio=10, factor=45, steps=300, more=()):
    lines = [head]
    for k in range(steps):
        first = f"{basal},.,{weight},{ratio},{factor}" if k == 0 else ".,.,.,.,."
        bolus, carbs = ("4", "45") if k == 100 else (".", ".")
        cells = first.split(",")
        if k == 100:
            cells[1] = carbs
        lines.append(f"{5 * k},{glucose + 20 * np.sin(k / 20) * glucose / 140:.1f},{bolus},{','.join(cells)}")
    path = tmp_path / "days.csv"
    path.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return path


def test_days_are_put_on_a_grid_of_five_minutes(tmp_path):
    d = read_insulin(table(tmp_path, more=("1497,.,.,1.2,.,.,.,.", "1500,150,.,.,60,.,.,.")))
    assert d.readings.shape == (301,)
    assert d.food.sum() == 45.0
    assert d.meal == 60.0  # no bolus stands beside it: it is asked about
    assert d.insulin[0] == pytest.approx(0.8 / 12)
    assert d.insulin[100] == pytest.approx(4 + 0.8 / 12)
    assert d.insulin[-1] == pytest.approx(1.2 / 12)
    mmol = read_insulin(table(tmp_path, HEAD.replace("mg/dL", "mmol/L"), glucose=8.0))
    assert np.nanmean(mmol.readings) == pytest.approx(8.0 * 18.016, rel=0.02)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"glucose": 8.0}, "said to be mg/dL cannot be"),
        ({"head": HEAD.replace("mg/dL", "mmol/L")}, "said to be mmol/L cannot be"),
        ({"head": HEAD.replace(" (mg/dL)", "")}, "unit of glucose is not said"),
        ({"head": HEAD.replace("RATIO", "CR")}, "columns are missing"),
        ({"basal": 19.2}, "basal rate that cannot be"),
        ({"more": ("1500,140,80,.,.,.,.,.",)}, "bolus that cannot be"),
        ({"factor": 2.5}, "FACTOR cannot be this"),
        ({"weight": "."}, "WT is not known"),
        ({"steps": 100}, "too few hours"),
        ({"more": ("700,140,.,.,.,.,.,.",)}, "times go back"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path, how, words):
    with pytest.raises(InputError, match=words):
        read_insulin(table(tmp_path, **how))


def test_concentrated_insulin_is_refused(tmp_path):
    path = table(tmp_path)
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([text[0] + ",STRENGTH", text[1] + ",500", *(x + ",." for x in text[2:])]), encoding="utf-8")
    with pytest.raises(InputError, match="another strength than U-100"):
        read_insulin(path)


def test_advise_answers_a_table_of_days(tmp_path):
    path = table(tmp_path, more=("1500,150,.,.,60,.,.,.",))
    done = CliRunner().invoke(app, ["advise", str(path), "--therapy", "insulin_basal_bolus"])
    assert done.exit_code == 0, done.output
    assert "Recommended" in done.output
    assert "U for 60 g" in done.output
    wrong = CliRunner().invoke(app, ["advise", str(path), "--therapy", "insulin_basal_bolus", "--mic", "2"])
    assert wrong.exit_code != 0
