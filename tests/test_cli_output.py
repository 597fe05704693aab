"""Standard output that takes nothing more, and options whose value is missing: one line, the right exit code, no stray file."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dosetwin.cli import BAD_INPUT, OK, run

SAYING = (["models"], ["models", "--json"], ["--help"], ["--version"])
PROGRAM = [sys.executable, "-m", "dosetwin.cli"]


def shell(words: Sequence[str], tail: str) -> subprocess.CompletedProcess:
    """The program with ``tail`` behind it, in bash; the exit code is the program's own."""
    script = f'"$@" {tail}; exit "${{PIPESTATUS[0]}}"'
    return subprocess.run(["bash", "-c", script, "bash", *PROGRAM, *words], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("words", SAYING, ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(words: list[str]) -> None:
    ran = shell(words, "| (exec <&-; sleep 0.1)")
    assert (ran.returncode, ran.stderr) == (OK, "")


@pytest.mark.slow
@pytest.mark.parametrize("words", SAYING, ids=" ".join)
@pytest.mark.parametrize("tail", ["> /dev/full", ">&-"])
def test_a_full_or_closed_output_is_one_line(words: list[str], tail: str) -> None:
    ran = shell(words, tail)
    assert ran.returncode == BAD_INPUT
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("dosetwin: standard output cannot be written: ")
    assert "report" not in ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("tail", ["2> /dev/full", "2>&-"])
def test_a_full_or_closed_stderr_keeps_the_exit_code(tail: str) -> None:
    assert shell(["models", "no_such_model"], tail).returncode == BAD_INPUT


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "m", "d.csv", "--forecasts", "--json"],
        ["replay", "m", "d.csv", "--forecasts=--json"],
        ["replay", "m", "d.csv", "--report", "--leave-out"],
        ["simulate", "m", "d.csv", "-o", "--json"],
        ["simulate", "m", "d.csv", "-o", "-h"],
        ["fit", "m", "d.csv", "--records", "--json"],
        ["fit", "m", "d.csv", "--map", "--json"],
        ["retro", "d.csv", "--rows", "--json"],
        ["advise", "c.json", "--report", "--json"],
        ["advise", "c.json", "--model", "--json"],
        ["demo", "--report", "--json"],
        ["validate", "--markdown", "--quick"],
        ["trial", "d.toml", "-o", "--json"],
        ["kidney", "evaluate", "--report", "--json"],
        ["kidney", "train", "--output", "--synthetic"],
        ["audit", "verify", "--expect", "--debug2"],
    ],
    ids=" ".join,
)
def test_the_next_option_is_no_value(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words) == BAD_INPUT
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "its value is missing" in said
    assert not list(tmp_path.iterdir())


def test_a_negative_number_is_a_value(capsys: pytest.CaptureFixture) -> None:
    assert run(["advise", "no_such_case.json", "--now", "-5"]) == BAD_INPUT
    assert "cannot be read" in capsys.readouterr().err
