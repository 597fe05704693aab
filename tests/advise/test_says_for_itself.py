"""A therapy of one's own, outside the package, adds a doubt and a sentence: both reach the answer, and wrong ones are named."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from dosetwin.cli import run

CASE = str(files("dosetwin") / "data" / "demo_newborn.json")
FILE = """
from dataclasses import replace
from dosetwin.declare import Doubted, Sentence
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.records import Covariate


def heavier(known, now):
    return known.append(Covariate(now, "WT", 1.5 * known.series("WT")[-1][1])) if known.series("WT") else None


def never(known, now):
    return None


def scales(facts):
    return f"weighed as {facts.WT:g} kg: ask which scales" if facts.WT is not None and facts.WT < 2.0 else None


OURS = replace(
    AMIKACIN_NEONATE, name="ours", kept=None,
    doubts=(Doubted("other_scales", "the scales of the other ward were right", DOUBT), Doubted("never", "not asked", never)),
    says=(Sentence("scales", SAYS), Sentence("no", lambda facts: None)),
)
"""
Answered = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Answered:
    def ask(doubt: str = "heavier", says: str = "scales") -> tuple[int, dict[str, Any], str]:
        mine = tmp_path / "ours.py"
        mine.write_text(FILE.replace("DOUBT", doubt).replace("SAYS", says))
        code = run(["advise", CASE, "--therapy", str(mine), "--draws", "200", "--json"])
        out = capsys.readouterr()
        return code, json.loads(out.out) if out.out else {}, out.err

    return ask


def test_a_doubt_and_a_sentence_of_a_file_of_ones_own(answered: Answered) -> None:
    code, body, _ = answered()
    assert code == 0
    doubts = {d["code"]: d for d in body["what_would_change_it"]}
    assert doubts["other_scales"]["text"] == "the scales of the other ward were right"
    assert doubts["other_scales"]["changed"]  # half as much again is another dose
    assert "never" not in doubts
    said = [f for f in body["findings"] if f["code"] == "scales"]
    assert len(said) == 1
    assert "ask which scales" in said[0]["message"]
    assert not any(f["code"] == "no" for f in body["findings"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"doubt": "lambda known, now: 3"}, "gives the facts as they would be"),
        ({"says": "lambda facts: facts.NOTHING + 1"}, "nothing can be said"),
        ({"says": "lambda facts: 7"}, "a sentence is a text"),
        ({"says": "'hello'"}, "'says' is of the wrong kind"),
    ],
)
def test_what_is_wrong_with_them_is_named(answered: Answered, words: dict[str, str], said: str) -> None:
    code, _, told = answered(**words)
    assert code == 2
    assert said in told
    assert "ours.py" in told
