"""``dosetwin new``: what it writes can be read at once, conforms once it is filled in, and nothing is written over."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.checks import CHECKS, Check
from dosetwin import formulary, models
from dosetwin.cli import BAD_INPUT, OK, run


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("own")
    assert run(["new", "model", "nosuchdrug_model", "--folder", str(folder)]) == OK
    assert run(["new", "therapy", "nosuchdrug", "--folder", str(folder)]) == OK
    yield folder
    formulary._given.pop("nosuchdrug", None)  # a drug given by path stays for the length of a process
    formulary.list_anew()


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_a_filled_in_skeleton_conforms(written: Path, check: Check) -> None:
    skeleton = written / "nosuchdrug_model.py"
    filled = written / "filled_model.py"
    filled.write_text(re.sub("FILL IN", "said", skeleton.read_text(encoding="utf-8")), encoding="utf-8")
    check(models.load(str(filled)))


def test_what_is_not_filled_in_does_not_conform(written: Path) -> None:
    with pytest.raises(AssertionError, match="filled in"):
        CHECKS[0](models.load(str(written / "nosuchdrug_model.py")))


def test_the_therapy_is_one_and_finds_the_model_beside_it(written: Path) -> None:
    therapy = formulary.therapy(str(written / "nosuchdrug.py"))
    assert (therapy.name, therapy.drug.name) == ("nosuchdrug", "nosuchdrug")
    assert models.load(therapy.models[0]).drug == "nosuchdrug"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new", "model", "nosuchdrug_model"), "there already"),
        (("new", "twin", "x"), "allowed: model, therapy"),
        (("new", "model", "My Drug"), "not a name"),
        (("new", "model", "x", "--folder", "no/such"), "folder does not exist"),
    ],
)
def test_a_wrong_word_is_told(words: tuple[str, ...], said: str, written: Path, monkeypatch: pytest.MonkeyPatch,
                              capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(written)
    assert run(list(words)) == BAD_INPUT
    assert said in capsys.readouterr().err
