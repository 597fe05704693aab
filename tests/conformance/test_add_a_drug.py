"""The examples of docs/add_a_drug.md are a model and a therapy: written to files, the model is put through every check."""

import re
from pathlib import Path

import pytest

from conformance.checks import CHECKS, Check
from dosetwin import models
from dosetwin.declare import Model

DOC = Path(__file__).resolve().parents[2] / "docs" / "add_a_drug.md"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Model:
    block, therapy = re.findall(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL)
    file = tmp_path_factory.mktemp("own") / "phenytoin_textbook.py"
    file.write_text(block, encoding="utf-8")
    assert block.count("\n") + therapy.count("\n") < 160
    return models.load(str(file))


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_example_of_the_documentation(example: Model, check: Check) -> None:
    check(example)
