"""What users may rely on: a list that only changes on purpose, loaded when used, with examples that run."""

import ast
import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dosetwin

SRC = str(Path(__file__).parents[1] / "src")
PUBLIC = {
    "facts": ("Covariate", "DoseEvent", "Observation", "Patient", "Timeline", "read_case", "read_table"),
    "orders": ("Every", "Once", "Setting", "Then", "Week"),
    "questions": ("Advice", "Question", "Recommendation", "Therapy"),
    "models": ("Belief", "Model", "average", "map_estimate", "parameters", "posterior", "predict", "schedule_for"),
    "what went wrong": (
        "DosetwinError", "Finding", "InputError", "ModelError", "Reason", "SimulationError", "UnknownName", "UnknownUnit",
    ),
    "rooms": ("advise", "formulary", "infer", "models", "quantities", "records", "simulate", "twins"),
}  # fmt: skip
"""A name that leaves this list, or comes to it, is a change that users read of in CHANGELOG.md."""
ROOMS = {
    "advise": {"LEVELS", "Advice", "Curves", "Question", "advise", "with_curves"},
    "infer": {"Belief", "Evidence", "MapEstimate", "Mixture", "Plausibility", "average", "evidence_for", "fit_many",
              "map_estimate", "posterior"},
    "simulate": {"RULES", "Prediction", "Rule", "Schedule", "Trajectory", "in_parts", "parameters", "predict", "predict_courses",
                 "schedule_for", "schedule_many", "simulate", "uniform"},
}  # fmt: skip
"""What may be relied on inside rooms."""
FUNCTIONS = [n for names in PUBLIC.values() for n in names if n.islower() and n not in PUBLIC["rooms"]]
EXAMPLES = [*FUNCTIONS, "Timeline", "advise.advise", "models.load"]


def found(path: str) -> Any:
    thing: Any = dosetwin
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing


def test_the_list_is_the_one_that_is_promised() -> None:
    assert sorted(dosetwin.__all__) == sorted({n for names in PUBLIC.values() for n in names})
    assert set(dosetwin.__all__) <= set(dir(dosetwin))
    for room, names in ROOMS.items():
        assert set(importlib.import_module(f"dosetwin.{room}").__all__) == names


@pytest.mark.parametrize("name", sorted(dosetwin.__all__))
def test_every_name_loads_and_says_what_it_is(name: str) -> None:
    assert (found(name).__doc__ or "").strip()


def test_type_checkers_are_told_the_same() -> None:
    told = ast.parse(Path(dosetwin.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    names = [alias.asname for node in told.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(filter(None, names)) == sorted(dosetwin.__all__)


def test_a_name_nobody_promised_is_refused() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        found("nonsense")


def test_importing_it_waits_for_nothing() -> None:
    code = "import sys, dosetwin; sys.exit(any(m in sys.modules for m in ('numpy', 'numba', 'pandas', 'dosetwin.records')))"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": SRC}, check=False).returncode == 0


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_public_functions_run(name: str) -> None:
    thing = found(name)
    scope = {**vars(sys.modules[thing.__module__]), "files": None}
    tests = [t for t in doctest.DocTestFinder(recurse=False).find(thing, name, globs=scope) if t.examples]
    assert tests, f"{name} has no example"
    said: list[str] = []
    for test in tests:
        doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert not said, "".join(said)
