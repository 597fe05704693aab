"""Models of other packages: found by the entry point group ``dosetwin.models``, each mistake an error of that entry."""

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from dosetwin import formulary, models
from dosetwin.errors import InputError, UnknownName

DOC = (Path(__file__).parents[2] / "docs" / "add_a_drug.md").read_text(encoding="utf-8")
MODEL, THERAPY = (block.partition("```")[0] for block in DOC.split("```python\n")[1:])
LISTED = ("formulary._own", "formulary._installed", "formulary.drugs", "formulary.by_name", "formulary.followed",
          "formulary.levels", "models._own", "models._installed")  # fmt: skip


def forget() -> None:
    for name in LISTED:
        room, _, function = name.partition(".")
        getattr({"formulary": formulary, "models": models}[room], function).cache_clear()


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution as pip would have installed it: a package and its entry points."""
    package, about = tmp_path / "our_drugs", tmp_path / "our_drugs-1.0.dist-info"
    package.mkdir()
    about.mkdir()
    (package / "__init__.py").write_text("")
    (package / "phenytoin_textbook.py").write_text(MODEL)
    (package / "phenytoin.py").write_text(THERAPY.replace("./phenytoin_textbook.py", "phenytoin_textbook"))
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: our-drugs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[dosetwin.models]\nphenytoin_textbook = our_drugs.phenytoin_textbook\n"
        "[dosetwin.formulary]\nphenytoin = our_drugs.phenytoin\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield tmp_path
    for name in [n for n in sys.modules if n.partition(".")[0] == "our_drugs"]:
        del sys.modules[name]
    monkeypatch.undo()
    forget()


def test_a_package_s_model_and_therapy_are_found_by_name(distribution: Path):
    assert [e.name for e in entry_points(group="dosetwin.models")] == ["phenytoin_textbook"]
    assert "phenytoin_textbook" in models.names()
    assert models.load("phenytoin_textbook").drug == "phenytoin"
    assert formulary.therapy("phenytoin_adult").models == ("phenytoin_textbook",)
    assert formulary.rule("phenytoin_five").needs == ("WT",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("MODEL = model(", "OTHER = model(", r"entry point dosetwin.models: phenytoin_textbook = our_drugs.*without MODEL"),
        ("from math import exp", "from maths import exp", "entry point .*cannot be loaded: ModuleNotFoundError.*maths"),
        ("exp(eta.VMAX)", "exp(eta.VMAXX)", r"phenytoin_textbook.py:\d+: .*'VMAXX'"),
    ],
)
def test_a_mistake_in_a_package(old: str, new: str, said: str, distribution: Path):
    (distribution / "our_drugs" / "phenytoin_textbook.py").write_text(MODEL.replace(old, new))
    with pytest.raises(InputError, match=said):
        models.load("phenytoin_textbook")


def test_a_name_that_is_taken(distribution: Path):
    about = distribution / "our_drugs-1.0.dist-info" / "entry_points.txt"
    about.write_text("[dosetwin.models]\namikacin_neonate = our_drugs.phenytoin_textbook\n")
    forget()
    with pytest.raises(InputError, match=r"two models of one name.*amikacin_neonate"):
        models.names()


def test_nothing_is_left_of_it():
    with pytest.raises(UnknownName):
        models.load("phenytoin_textbook")
