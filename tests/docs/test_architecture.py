"""docs/architecture.md says the rooms and the order of one decision: both are compared with the code."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ADVISE = ROOT / "src" / "dosetwin" / "advise"


def steps_of(function: str, file: Path) -> list[str]:
    """Names of the functions that a function calls, in the order of its lines; classes are not called but made."""
    body = next(
        n for n in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(n, ast.FunctionDef) and n.name == function
    )
    calls = [n for n in ast.walk(body) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    named = sorted((n.lineno, n.col_offset, n.func.id) for n in calls if isinstance(n.func, ast.Name))
    return [name for _, _, name in named if name[0].islower()]


def test_the_order_of_one_decision_is_that_of_the_code() -> None:
    said = re.findall(r"^\d+\. `(\w+)` \(`(\w+)\.py`\)", PAGE, re.MULTILINE)
    assert [name for name, _ in said] == steps_of("advise", ADVISE / "answer.py")
    for name, file in said:
        assert getattr(importlib.import_module(f"dosetwin.advise.{file}"), name).__module__ == f"dosetwin.advise.{file}"


def test_the_rooms_are_those_of_the_contract_in_their_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(c for c in contracts if c["type"] == "layers")["layers"]
    wanted = [room for layer in layers for room in re.findall(r"\w+", layer)]
    rows = re.findall(r"^\| (`\w+`(?: `\w+`)*) \|", PAGE, re.MULTILINE)
    assert sorted(re.findall(r"\w+", " ".join(rows))) == sorted(wanted)
    height = {room: k for k, layer in enumerate(layers) for room in re.findall(r"\w+", layer)}
    tops = [min(height[r] for r in re.findall(r"\w+", row)) for row in rows]
    assert tops == sorted(tops)


def test_it_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 70
