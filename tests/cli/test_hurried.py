"""What a hurried reader writes wrong into a record, and that the text of an answer loses no number."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dosetwin.cli import app

HEAD = "ID,TIME,AMT,DUR,DV,WT,AGE,SEX,SCR"


def _said(
    tmp_path: Path,
    *,
    age: str = "65",
    amount: str = "1000",
    therapy: str = "vancomycin_adult",
    more: str = "",
    treated: bool = True,
) -> tuple[int, str]:
    rows = [f"1,0,1500,1.5,.,80,{age},1,1.1", f"1,12,{amount},1,.,80,{age},1,1.1", f"1,23.5,.,.,17.2,80,{age},1,1.3{more}"]
    rows = rows if treated else [f"1,0,.,.,.,80,{age},1,1.1"]
    file = tmp_path / "case.csv"
    file.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    done = CliRunner().invoke(app, ["advise", str(file), "--therapy", therapy, "--full"], terminal_width=120)
    return done.exit_code, " ".join(done.output.split()) + str(done.exception or "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"age": "780"}, ("cannot be this", "780", "0 to 125", "65 y if these are months")),
        ({"amount": "1"}, ("dose_implausible", "case.csv:3", "160 to 4800 mg", "1000 mg if 1 was g")),
        ({"therapy": "vancomycin"}, ("unknown therapy", "allowed: vancomycin_adult, vancomycin_child, vancomycin_neonate;")),
        ({"therapy": "vancomicin_adult"}, ("unknown therapy", "vancomycin_adult")),
        ({"more": ",5"}, ("wrong number of fields", "decimal points")),
    ],
)  # fmt: skip
def test_a_slip_is_named_with_its_value_what_can_be_and_the_remedy(tmp_path: Path, wrong: dict[str, str], told: tuple[str, ...]):
    code, text = _said(tmp_path, **wrong)
    assert code != 0
    assert all(word in text for word in told), text


def test_a_long_order_cuts_no_number_and_no_verdict(tmp_path: Path):
    code, text = _said(tmp_path)
    assert code == 0
    assert "; acceptable" in text.split("Why not")[0]  # the verdict beside the name of a rule
    code, text = _said(tmp_path, treated=False)  # a loading dose is for those who had none lately
    assert code == 0
    assert "loading dose" in text.split("Why not")[0]


@pytest.mark.parametrize(("offset", "told"), [("+01:00", "2 Mar 2026 07:30 UTC+01:00"), ("", "Decision at 23.5 h")])
def test_moments_come_back_as_clock_times_where_their_clock_is_known(tmp_path: Path, offset: str, told: str):
    events = ((1, "08:00", "1000,1.5,."), (1, "20:00", "1000,1.5,."), (2, "07:30", ".,.,11.5"))
    rows = [f"1,2026-03-0{day}T{at}{offset},{what},70,60,1,0.9" for day, at, what in events]
    file = tmp_path / "case.csv"
    file.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    done = CliRunner().invoke(
        app, ["advise", str(file), "--therapy", "vancomycin_adult", "--draws", "200", "--full"], terminal_width=120
    )
    assert told in " ".join(done.output.split()), done.output
