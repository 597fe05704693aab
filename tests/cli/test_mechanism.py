"""``dosetwin mechanism``: any therapy that declares its stages is drawn; another says where to look."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dosetwin import formulary
from dosetwin.cli.program import app
from dosetwin.declare.mechanism import KINDS, Panel, Stage
from dosetwin.errors import InputError

DECLARED = [t.name for t in formulary.therapies() if t.mechanism]


@pytest.mark.parametrize("name", DECLARED)
def test_each_stage_is_named_with_its_numbers(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    done = CliRunner().invoke(app, ["mechanism", name, "-o", str(out), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    order = [KINDS.index(s["stage"]) for s in said]
    assert order == sorted(order)
    page = out.read_text(encoding="utf-8")
    for stage in said:
        assert stage["source"]
        assert f"{stage['stage']}: " in page
        for n in stage["numbers"]:
            assert f"{n['value']:.3g}" in page


def test_a_therapy_without_stages_says_so() -> None:
    done = CliRunner().invoke(app, ["mechanism", "warfarin_inr"])
    assert done.exit_code != 0
    assert isinstance(done.exception, InputError)
    assert "nobody has written how it works" in str(done.exception)


def test_half_written_stages_are_told() -> None:
    with pytest.raises(InputError, match="as long as its axis"):
        Panel((0.0, 1.0), "x", "y", {"a": (0.0,)}, (("n", 1.0, ""),))
    with pytest.raises(InputError, match="name its source"):
        Stage("effect", "x", lambda: Panel((0.0,), "x", "y", {"a": (0.0,)}, (("n", 1.0, ""),)), "", "paper")
