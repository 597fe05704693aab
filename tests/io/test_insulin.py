"""Tables of days on insulin: what is read, and every slip of a unit refused by name."""

import numpy as np
import pytest
from typer.testing import CliRunner

from dosetwin.cli.program import app
from dosetwin.errors import InputError
from dosetwin.io.insulin import read_insulin

HEAD = "TIME,GLUCOSE (mg/dL),BOLUS,BASAL,CARBS,WT,RATIO,FACTOR"

MMOL = HEAD.replace("mg/dL", "mmol/L").replace("FACTOR", "FACTOR (mmol/L)")


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
    mmol = read_insulin(table(tmp_path, MMOL, glucose=8.0, factor=2.5))
    assert mmol.factor == pytest.approx(2.5 * 18.016)
    assert np.nanmean(mmol.readings) == pytest.approx(8.0 * 18.016, rel=0.02)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"glucose": 8.0}, "said to be mg/dL cannot be"),
        ({"head": MMOL}, "said to be mmol/L cannot be"),
        ({"head": HEAD.replace(" (mg/dL)", "")}, "unit of glucose is not said"),
        ({"head": HEAD.replace("RATIO", "CR")}, "columns are missing"),
        ({"basal": 19.2}, "basal rate that cannot be"),
        ({"more": ("1500,140,80,.,.,.,.,.",)}, "bolus that cannot be"),
        ({"factor": 2.5}, "FACTOR cannot be this"),
        ({"factor": 8}, "FACTOR cannot be this beside the insulin of a day"),
        ({"basal": 0.1, "weight": 90}, "a day's insulin that cannot be"),
        ({"head": HEAD.replace("BOLUS", "BOLUS (mL)")}, "a unit that is not read"),
        ({"head": HEAD.replace("BASAL", "BASAL (U/day)")}, "a unit that is not read"),
        ({"head": HEAD.replace("CARBS", "CARBS (exchanges)")}, "a unit that is not read"),
        ({"head": HEAD.replace("WT", "WT (lb)")}, "a unit that is not read"),
        ({"head": HEAD.replace("mg/dL", "mmol/L"), "glucose": 8.0}, "unit of FACTOR is not said"),
        ({"more": ("1500,140,4 marks,.,.,.,.,.",)}, "days.csv:302 BOLUS: not a number"),
        ({"weight": "."}, "WT is not known"),
        ({"steps": 100}, "too few hours"),
        ({"more": ("700,140,.,.,.,.,.,.",)}, "times go back"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path, how, words):
    with pytest.raises(InputError, match=words):
        read_insulin(table(tmp_path, **how))


def test_a_table_of_semicolons_commas_and_words_is_read(tmp_path):
    path = table(tmp_path, more=("1500,Low,.,.,.,.,.,.", "1505,Hoch,.,.,.,.,.,."))
    text = path.read_text(encoding="utf-8").replace(",", ";").replace(".;", "@;").replace(";.", ";@").replace(".", ",")
    path.write_text("\ufeff" + text.replace("@", "."), encoding="utf-8")
    d = read_insulin(path)
    assert d.readings[-2:].tolist() == [39.0, 401.0]
    assert d.insulin[0] == pytest.approx(0.8 / 12)


@pytest.mark.parametrize("strength", ["500", "U-500", "U200"])
def test_concentrated_insulin_is_refused(tmp_path, strength):
    path = table(tmp_path)
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([text[0] + ",STRENGTH", text[1] + f",{strength}", *(x + ",." for x in text[2:])]), encoding="utf-8")
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


def pens(path, step=None, apart=288):
    """The same days with long-acting insulin at 10 and every ``apart`` five minutes after it."""
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    rows[0][3] = "LONG"
    for k, row in enumerate(rows[1:]):
        row[3] = "18" if k % apart == 12 else "."
    if step is not None:
        rows = [[*row, "PEN" if k == 0 else str(step) if k == 1 else "."] for k, row in enumerate(rows)]
    path.write_text("\n".join(",".join(r) for r in rows), encoding="utf-8")
    return path


def test_pens_dose_in_their_steps(tmp_path):
    d = read_insulin(pens(table(tmp_path, steps=600), 0.5))
    assert (d.pen, d.basal) == (0.5, pytest.approx(18.0 / 24.0))
    assert read_insulin(pens(table(tmp_path, steps=600))).pen == 1.0
    done = CliRunner().invoke(app, ["advise", str(pens(table(tmp_path, more=("1500,150,.,.,63,.,.,.",)))), "--therapy",
                                    "insulin_basal_bolus"])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "18 U long-acting once a day" in done.output
    assert ".0 U for 63 g" in done.output, "whole units"


def test_what_pens_cannot_give_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="a step no pen has"):
        read_insulin(pens(table(tmp_path, steps=600), 0.25))
    with pytest.raises(InputError, match="not given once a day"):
        read_insulin(pens(table(tmp_path, steps=600), apart=144))
    with pytest.raises(InputError, match="one of them"):
        read_insulin(table(tmp_path, HEAD + ",LONG"))


@pytest.mark.parametrize(("more", "said"), [
    (("1e300,150,.,.,60,.,.,.",), "more days than are read"), (("200000,150,.,.,60,.,.,.",), "more days than are read"),
    (("x" * 140_000,), "not a line of a table"),
])  # fmt: skip
def test_one_line_can_neither_fill_the_memory_nor_break_the_reader(tmp_path, more, said):
    with pytest.raises(InputError, match=said):
        read_insulin(table(tmp_path, more=more))


def test_times_with_and_without_an_offset_are_not_put_on_one_clock(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text(f"{HEAD}\n2026-03-01T08:00,140,.,0.8,.,70,10,45\n2026-03-01T08:05+02:00,140,.,.,.,.,.,.\n")
    with pytest.raises(InputError, match="with and without their offset"):
        read_insulin(path)


def planned(tmp_path, *more):
    path = table(tmp_path)
    text = path.read_text(encoding="utf-8").splitlines()
    lines = [text[0] + ",EXERCISE,EFFORT", *(line + ",.,." for line in text[1:]), *more]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_insulin(path)


def test_exercise_in_the_last_line_is_a_plan_and_earlier_exercise_is_not(tmp_path):
    assert planned(tmp_path).session is None
    plain, d = planned(tmp_path), planned(tmp_path, "1555,.,.,.,.,.,.,.,45,60")
    assert d.session == (60.0, 45.0, 0.6)
    assert len(d.readings) == len(plain.readings)
    assert "exercise_not_modelled" not in {f.code for f in d.findings}
    asked = planned(tmp_path, "1500,150,.,.,60,.,.,.,.,.", "1500,.,.,.,.,.,.,.,30,.")
    assert (asked.meal, asked.session) == (60.0, (0.0, 30.0, 0.5))
    past = planned(tmp_path, "1500,.,.,.,.,.,.,.,30,.", "1540,120,.,.,.,.,.,.,.,.")
    assert past.session is None
    assert "exercise_not_modelled" in {f.code for f in past.findings}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("1999,.,.,.,.,.,.,.,45,50",), "not planned like this"),
        (("1555,.,.,.,.,.,.,.,600,50",), "not planned like this"),
        (("1555,.,.,.,.,.,.,.,45,150",), "not planned like this"),
        (("1555,.,.,.,.,.,.,.,45,0.5",), "not planned like this"),
        (("1555,.,.,.,.,.,.,.,45,.", "1655,.,.,.,.,.,.,.,45,."), "several sessions"),
    ],
)
def test_plans_that_cannot_be_are_named(tmp_path, more, said):
    with pytest.raises(InputError, match=said):
        planned(tmp_path, *more)
