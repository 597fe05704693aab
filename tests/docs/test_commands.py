"""Every command that README and docs print: it parses with the real command line, and runs where that takes seconds."""

import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from dosetwin.cli import app, run

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PLACED = {
    "CASE": "case.json", "CASE.json": "case.json", "MODEL": "phenobarbital_grasela_1985", "DATA.csv": "data.csv",
    "DATA": "data.csv",
    "OUR.csv": "data.csv", "DESIGN": "quick", "DESIGN.toml": "quick", "NAME": "quick", "WHERE": "shipped", "OUT.csv": "o.csv",
    "OUT.html": "o.html", "ROWS.csv": "r.csv", "OUT": "out", "OUT/": "out", "DIR": "kept", "ADDRESS": "tcp://10.0.0.1:8786",
    "FILE.vcf": "baby.vcf", "CALLS.tsv": "calls.tsv", "HASH": "0" * 64, "N": "3",
}  # fmt: skip
"""Placeholders of the pages and what stands in for them."""
BRIEFLY = {
    "therapies": 20,
    "models": 20,
    "genes": 20,
    "simulate": 20,
    "fit": 20,
    "replay": 20,
    "mechanism": 20,
    "operation": 20,
    "kidney predict": 20,
    "audit": 0,
}
"""Commands that run here in every run of the tests."""
AT_LENGTH = ("advise", "demo", "trial quick", "trial ./ours.toml", "retro")
"""Commands that run with the slow tests."""
PARSED = {
    "serve": "runs until it is stopped",
    "store": "looks after a service's database",
    "audit": "looks after a service's database",
    "trial": "hours; the shipped design 'quick' runs",
    "kidney train": "needs PyTorch and minutes",
    "kidney evaluate": "minutes",
    "validate": "minutes",
    "models phenytoin_textbook": "the reader's package would list it",
    "new": "the files are on the desk already; tests/cli/test_new.py writes them",
    "fhir": "needs a service's store",
    "sbml": "needs the suite's files; tests/sbml runs it",
    "import": "needs a model in SBML; tests/sbml runs it",
    "score": "tests/outcomes/scores runs it",
    "pacemaker": "tests/twins/automata runs it",
    "years": "tests/studies/ten_years runs it",
    "qt": "tests/outcomes/repolarisation runs it",
    "advise case.json --therapy hypertension_years": "tests/studies/decisions runs it",
    "advise QT.csv": "tests/studies/decisions runs it",
    "advise LESIONS.csv": "tests/studies/decisions runs it",
    "kidney predict case.json --weights our_kidney": "the weights are what 'kidney train' would have written",
    "trial quick -o /shared/out": "needs a Dask cluster",
    "--help": "printed by a table of benchmarks",
}
"""Commands that are only parsed, and why; the longest beginning that fits counts."""


def printed() -> list[tuple[str, str]]:
    """(page, command) of every command in code on a page, once per page."""
    out: dict[tuple[str, str], None] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        code = re.findall(r"`([^`\n]+)`", text)
        code += [line for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.S | re.M) for line in block.splitlines()]
        code += re.findall(r"^    (\S.*)$", text, re.M)
        for line in code:
            inner = re.search(r"\$\((dosetwin [^)]*)\)", line)
            words = (inner[1] if inner else line).strip()
            if re.match(r"(dosetwin|python3?|\.venv/bin/dosetwin) +\S", words):
                out[page.name, words.partition(" #")[0].partition(" >")[0].strip()] = None
    return list(out)


def words_of(command: str) -> list[str]:
    """The words after the program, placeholders replaced, brackets of what may be left out removed, of alternatives the first."""
    flat = command.replace("[", "").replace("]", "")
    out = []
    for word in shlex.split(flat)[1:]:
        first = word.split("|")[0] if not word.startswith("-") else word
        if first == "NAME" and "models" in flat:
            first = "MODEL"
        out.append(PLACED.get(first, first))
    return out


COMMANDS = printed()
NAMED = [(page, c) for page, c in COMMANDS if re.fullmatch(r"dosetwin [a-z]+( (predict|train|evaluate|import))?", c)]
"""Commands a page only speaks of: that they exist is all there is to test."""
OURS = [(page, c) for page, c in COMMANDS if not c.startswith("python") and "..." not in c and (page, c) not in NAMED]
PYTHON = [(page, c) for page, c in COMMANDS if c.startswith("python")]


def test_the_pages_have_commands() -> None:
    assert len(OURS) > 25
    assert len(NAMED) > 3


@pytest.mark.parametrize(("page", "command"), NAMED, ids=lambda x: x)
def test_a_command_the_pages_speak_of_exists(page: str, command: str) -> None:
    at: Any = typer.main.get_command(app)
    for word in command.split()[1:]:
        at = at.commands[word]


def test_the_pages_have_scripts() -> None:
    assert len(PYTHON) > 8


@pytest.mark.parametrize(("page", "command"), OURS, ids=str)
def test_a_command_of_the_pages_parses(page: str, command: str) -> None:
    words = words_of(command)
    at: Any = typer.main.get_command(app)
    while words and words[0] in getattr(at, "commands", {}):
        at = at.commands[words.pop(0)]
    if words == ["--help"] or (hasattr(at, "commands") and not words):
        return
    assert not hasattr(at, "commands"), f"{page}: {command}: no such command"
    at.make_context("dosetwin", list(words))  # raises for an option nobody has, or an argument too many or too few


def decided(command: str) -> str:
    """``briefly``, ``at length`` or ``parsed``. Fails for a command nobody decided about."""
    words = " ".join(words_of(command))
    known = {**dict.fromkeys(BRIEFLY, "briefly"), **dict.fromkeys(AT_LENGTH, "at length"), **dict.fromkeys(PARSED, "parsed")}
    fits = [k for k in known if words == k or words.startswith(f"{k} ")]
    assert fits, f"decide about {command!r}: BRIEFLY, AT_LENGTH or PARSED with a reason"
    return known[max(fits, key=len)]


@pytest.mark.parametrize(("page", "command"), OURS, ids=str)
def test_somebody_decided_about_every_command(page: str, command: str) -> None:
    assert decided(command), page


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with made-up inputs under the names that stand in for the placeholders."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "src" / "dosetwin" / "data" / "demo_newborn.json", tmp_path / "case.json")
    (tmp_path / "docs").mkdir()
    rows = ["ID,TIME,AMT,DV,WT,APGR"]
    for k in (1, 2):
        rows += [f"{k},{t},{a},{d},1.2,7" for t, a, d in ((0, 24, "."), (2, ".", 17 + k), (12.5, 3, "."), (60, ".", 20 + k))]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n")
    page = (ROOT / "docs" / "add_a_drug.md").read_text(encoding="utf-8")
    model, therapy = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "phenytoin_textbook.py").write_text(model)
    (tmp_path / "phenytoin.py").write_text(therapy)
    (tmp_path / "ours.toml").write_text(re.findall(r"```toml\n(name.*?)```", page, flags=re.DOTALL)[0])
    rows = re.findall(r"^    (ID,.*|[12],\d.*)$", page, flags=re.MULTILINE)
    (tmp_path / "ours.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "one.csv").write_text("\n".join(r for r in rows if r[0] != "2") + "\n")
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name, first in ("lung.csv", "    ID,"), ("ward.json", '    {"place"'):  # the two cases that page prints
        block = page[page.index(first) :].partition("\n\n")[0]
        (tmp_path / name).write_text("\n".join(line.strip() for line in block.splitlines()) + "\n")
    chairs = next(b for b in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL) if "infusion_chairs" in b)
    (tmp_path / "chairs.py").write_text(chairs)
    (tmp_path / "unit.json").write_text((tmp_path / "ward.json").read_text().replace('"beds"', '"chairs"'))
    for name, printed_on, first in (("theatre.csv", "anaesthesia.md", "    ID,"), ("overdose.csv", "mechanism.md", "    ID,")):
        page = (ROOT / "docs" / printed_on).read_text(encoding="utf-8")
        block = page[page.index(first) :].partition("\n\n")[0]
        (tmp_path / name).write_text("\n".join(line.strip() for line in block.splitlines()) + "\n")
    page = (ROOT / "docs" / "anaesthesia.md").read_text(encoding="utf-8")
    (tmp_path / "hip.toml").write_text(page[page.index('name = "hip"') :].partition("```")[0])
    page = (ROOT / "docs" / "preparation.md").read_text(encoding="utf-8")
    (tmp_path / "wards.toml").write_text(page[page.index("[NICU.") :].partition("```")[0])
    page = (ROOT / "docs" / "genes.md").read_text(encoding="utf-8")
    block = page[page.index("    ##fileformat") :].partition("\n\n")[0]
    (tmp_path / "baby.vcf").write_text("\n".join(line.strip() for line in block.splitlines()) + "\n")
    (tmp_path / "calls.tsv").write_text("CYP2D6\t*1/*3\n")
    return tmp_path


def do(command: str, desk: Path, capsys: pytest.CaptureFixture) -> None:
    words = words_of(command)
    if words[0] == "retro" and words[1] == "data.csv":
        (desk / "data.csv").write_text("ID,TIME,AMT,RATE,DV,WT,GA,BW,PNA\n1,0,16,32,.,1.1,29,1.13,1\n1,22,.,.,6,1.1,29,1.13,1\n"
                                       "1,36,16,32,.,1.12,29,1.13,1\n1,60,.,.,4,1.14,29,1.13,1\n")  # fmt: skip
    if words[0] == "advise" and "--draws" not in words:
        words += ["--draws", "200"]
    before = {p.name for p in desk.iterdir()}
    code = run(words)
    said = capsys.readouterr()
    assert code in (0, 3), f"{command}: {said.err}"
    assert said.out
    assert not [p.name for p in desk.iterdir() if p.name not in before and p.name.startswith("-")]


BRIEF = [(p, c) for p, c in OURS if decided(c) == "briefly"]
LONG = [(p, c) for p, c in OURS if decided(c) == "at length"]


@pytest.mark.parametrize(("page", "command"), BRIEF, ids=str)
def test_a_command_of_the_pages_runs(page: str, command: str, desk: Path, capsys: pytest.CaptureFixture) -> None:
    do(command, desk, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), LONG, ids=str)
def test_a_long_command_of_the_pages_runs(page: str, command: str, desk: Path, capsys: pytest.CaptureFixture) -> None:
    do(command, desk, capsys)


@pytest.mark.parametrize(("page", "command"), PYTHON, ids=str)
def test_a_script_of_the_pages_exists_with_its_options(page: str, command: str) -> None:
    words = shlex.split(command)[1:]
    if words[0] == "-m":
        assert find_spec(words[1]) is not None, command
        path = Path(str(find_spec(words[1]).origin))  # type: ignore[union-attr]
    else:
        path = ROOT / words[0]
    assert path.is_file(), f"{page}: {command}"
    text = path.read_text(encoding="utf-8")
    for word in words[1:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in text, f"{page}: {command}: no {word} in {path.name}"


def test_every_key_of_the_answer_is_told():
    from dataclasses import fields

    from dosetwin.decide.recommendation import Dosing, DoubtedRecord, HoldPlan, Recommendation

    page = (ROOT / "docs" / "advice.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9_]+)`", page))
    missing = {f.name for kind in (Recommendation, Dosing, HoldPlan, DoubtedRecord) for f in fields(kind)} - named
    assert not missing, f"docs/advice.md does not tell of {sorted(missing)}"
