"""Threats, hazards and faults in the docs name the tests that cover them: every name must be that of a test there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("security.md", "reliability.md")
FOUND = {
    name
    for folder in ("service", "browser")
    for path in (ROOT / "tests" / folder).glob("test_*.py")
    for name in re.findall(r"^def test_(\w+)", path.read_text(encoding="utf-8"), re.M)
}


def rows(page: str) -> list[list[str]]:
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [c for c in cells if set(c[0]) - {"-"} and c[-1] != "test"]


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    missing = []
    for cells in rows(page):
        named = re.findall(r"`([^`]+)`", cells[-1])
        if not named and "test" not in cells[-1]:
            missing.append(f"{cells[0]}: no test")
        for text in named:
            file, sign, name = text.rpartition(": ")
            if text.startswith("tests/"):
                known = (ROOT / text).is_file()
            elif re.fullmatch(r"test_\w+", text):
                known = (ROOT / "tests" / "service" / f"{text}.py").is_file()
            else:
                begins = name.removesuffix("...").strip()
                known = any(f == begins or (name.endswith("...") and f.startswith(begins)) for f in FOUND)
                known = known or begins.isupper() or " cases" in begins
            if sign and file.startswith("test_"):
                known = known and (ROOT / "tests" / "service" / f"{file}.py").is_file()
            if not known:
                missing.append(f"{cells[0]}: {text}")
    assert not missing
