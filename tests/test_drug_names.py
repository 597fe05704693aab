"""No drug is named, and no LOINC code stands, outside quantities, formulary, models and the rooms of studies."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dosetwin import formulary

SRC = Path(__file__).resolve().parents[1] / "src" / "dosetwin"
OWN = ("quantities", "formulary", "models")
"""Rooms whose business it is."""
STUDIES = ("populations", "evaluate", "calibrate", "studies", "outcomes", "forecast")
"""Rooms of studies on one drug in newborns: their designs and data say which."""
DRUG = re.compile("|".join(rf"\b{d.name}" for d in formulary.drugs()), re.IGNORECASE)
LOINC = re.compile(r"\b\d{3,5}-\d\b")


def luhn(code: str) -> bool:
    """Whether the check digit is LOINC's."""
    body, digit = code.split("-")
    total = 0
    for k, c in enumerate(reversed(body)):
        d = int(c) * (2 if k % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return -total % 10 == int(digit)


def texts(path: Path) -> Iterator[str]:
    """The text of a file: of a module its strings without docstrings, of a template or script all of it, line by line."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from source.splitlines()
        return
    tree = ast.parse(source)
    said = set()
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None),):
            for statement in body if isinstance(body, list) else ():
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    said.add(id(statement.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def found() -> dict[str, int]:
    """File -> how many of its pieces of text name a drug or hold a LOINC code."""
    out: dict[str, int] = {}
    for path in sorted([*SRC.rglob("*.py"), *SRC.rglob("*.j2"), *SRC.rglob("*.js")]):
        name = path.relative_to(SRC).as_posix()
        if name.split("/")[0] in (*OWN, *STUDIES):
            continue
        n = sum(bool(DRUG.search(t)) or any(luhn(c) for c in LOINC.findall(t)) for t in texts(path))
        if n:
            out[name] = n
    return out


def test_no_drug_and_no_code_comes_to_the_rooms_that_know_none() -> None:
    more = found()
    assert not more, f"name drugs through formulary and codes through quantities: {more}"


def test_the_search_sees_names_and_codes(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text('"""About amikacin."""\nDRUGS = ("Amikacin",)\nCODE = "35669-1"\nNOT = "12-3"\n')
    assert [bool(DRUG.search(t)) or any(luhn(c) for c in LOINC.findall(t)) for t in sorted(texts(file))] == [False, True, True]
