"""Networks of SBML: closed forms, events in their order, refusals by name, unsafe XML, and cases of somebody else's suite."""

import csv
import io
import json
import math
import zipfile
from pathlib import Path

import pytest

from dosetwin.cli import BAD_INPUT, OK, REFUSAL, run
from dosetwin.errors import InputError
from dosetwin.io.sbml import Unsupported, read_sbml
from dosetwin.io.sbml_settings import Settings, read_settings
from dosetwin.sbml.run import run as course

pytest.importorskip("libsbml")
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">{}</math>'
TIME = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol>'
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def doc(body: str, head: str = HEAD, root: str = "") -> str:
    return (f'{head}<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"{root}>'
            f'<model id="m">{body}</model></sbml>')  # fmt: skip


def parameters(**values: float) -> str:
    inner = "".join(f'<parameter id="{k}" value="{v}" constant="false"/>' for k, v in values.items())
    return f"<listOfParameters>{inner}</listOfParameters>"


def rate_rule(of: str, math_: str) -> str:
    return f'<rateRule variable="{of}">{MATH.format(math_)}</rateRule>'


def event(
    trigger: str, of: str, value: str, *, priority: float | None = None, delay: float | None = None, keep: bool = True
) -> str:
    more = "" if priority is None else f"<priority>{MATH.format(f'<cn>{priority}</cn>')}</priority>"
    more += "" if delay is None else f"<delay>{MATH.format(f'<cn>{delay}</cn>')}</delay>"
    return (f'<event useValuesFromTriggerTime="true"><trigger initialValue="true" persistent="{str(keep).lower()}">'
            f"{MATH.format(trigger)}</trigger>{more}<listOfEventAssignments><eventAssignment variable=\"{of}\">"
            f"{MATH.format(value)}</eventAssignment></listOfEventAssignments></event>")  # fmt: skip


def after(time: float) -> str:
    return f"<apply><geq/>{TIME}<cn>{time}</cn></apply>"


def read(tmp_path: Path, text: str):
    path = tmp_path / "m.xml"
    path.write_text(text, encoding="utf-8")
    return read_sbml(path)


def values(tmp_path: Path, text: str, *names: str, end: float = 10.0, steps: int = 10) -> list[list[float]]:
    return course(read(tmp_path, text), Settings(0.0, end, steps, names, 1e-9, 1e-6))


MINUS_KX = "<apply><times/><apply><minus/><ci>k</ci></apply><ci>x</ci></apply>"
DECAY = doc(parameters(x=2, k=0.3) + "<listOfRules>" + rate_rule("x", MINUS_KX) + "</listOfRules>")


def test_a_decay_is_its_closed_form(tmp_path: Path) -> None:
    rows = values(tmp_path, DECAY, "x")
    assert [r[0] for r in rows] == pytest.approx([2 * math.exp(-0.3 * t) for t in range(11)], rel=1e-7)


def test_amounts_may_be_as_small_as_a_cell_holds(tmp_path: Path) -> None:
    rows = values(tmp_path, DECAY.replace('value="2"', 'value="2e-15"'), "x")
    assert [r[0] for r in rows] == pytest.approx([2e-15 * math.exp(-0.3 * t) for t in range(11)], rel=1e-7)


def test_a_threshold_fires_where_it_is_crossed(tmp_path: Path) -> None:
    """x grows by 1 and is set back to 0 whenever it passes 3.3: at 3.3, 6.6 and 9.9, never a step later."""
    grows = "<listOfRules>" + rate_rule("x", "<cn>1</cn>") + "</listOfRules>"
    resets = event("<apply><gt/><ci>x</ci><cn>3.3</cn></apply>", "x", "<cn>0</cn>")
    rows = values(tmp_path, doc(parameters(x=0) + grows + f"<listOfEvents>{resets}</listOfEvents>"), "x")
    assert [r[0] for r in rows] == pytest.approx([t % 3.3 for t in range(11)], abs=1e-7)


def test_pulses_between_few_rows_are_counted(tmp_path: Path) -> None:
    """sin t passes 0.9 sixteen times in 100; the rows are 50 apart."""
    pulse = event(
        f"<apply><gt/><apply><sin/>{TIME}</apply><cn>0.9</cn></apply>", "x", "<apply><plus/><ci>x</ci><cn>1</cn></apply>"
    )
    rows = values(tmp_path, doc(parameters(x=0) + f"<listOfEvents>{pulse}</listOfEvents>"), "x", end=100, steps=2)
    assert rows == [[0], [8], [16]]


def test_the_higher_priority_comes_first_and_a_short_trigger_is_forgotten(tmp_path: Path) -> None:
    lower = event(after(1), "x", "<apply><times/><ci>x</ci><cn>10</cn></apply>", priority=1)
    higher = event(after(1), "x", "<apply><plus/><ci>x</ci><cn>1</cn></apply>", priority=2)
    pulse = f"<apply><and/>{after(2)}<apply><lt/>{TIME}<cn>2.5</cn></apply></apply>"
    forgotten = event(pulse, "y", "<cn>9</cn>", delay=1, keep=False)
    kept = event(pulse, "z", "<cn>9</cn>", delay=1)
    body = parameters(x=1, y=0, z=0) + f"<listOfEvents>{lower}{higher}{forgotten}{kept}</listOfEvents>"
    rows = values(tmp_path, doc(body), "x", "y", "z", end=4, steps=4)
    # values are those of the trigger's moment: 2, then 10 x 1
    assert rows == [[1, 0, 0], [10, 0, 0], [10, 0, 0], [10, 0, 9], [10, 0, 9]]


REACTION = ('<listOfReactions><reaction id="J" reversible="false"{}><listOfProducts>'
            '<speciesReference species="S" stoichiometry="1"'
            ' constant="true"/></listOfProducts></reaction></listOfReactions>')  # fmt: skip
SPECIES = ('<listOfCompartments><compartment id="C" size="1" constant="true"/></listOfCompartments>'
           '<listOfSpecies><species id="S"'
           ' compartment="C" initialAmount="1" hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"/>'
           "</listOfSpecies>")  # fmt: skip
V1 = "http://www.sbml.org/sbml/level3/version1"
DELAY = f"<apply>{TIME.replace('/time', '/delay')}<ci>x</ci><cn>1</cn></apply>"
REFUSED = {
    "an algebraic rule": doc(parameters(x=1) + "<listOfRules><algebraicRule>" + MATH.format("<ci>x</ci>")
                             + "</algebraicRule></listOfRules>"),
    "csymbol delay": doc(parameters(x=1, y=0) + "<listOfRules>" + rate_rule("y", DELAY) + "</listOfRules>"),
    "a fast reaction": doc(SPECIES + REACTION.format(' fast="true"')).replace("version2/core", "version1/core").replace(
        'version="2"', 'version="1"'),
    "a package of SBML that is not carried": doc("", root=f' xmlns:fbc="{V1}/fbc/version2" fbc:required="false"'),
    "without a kinetic law": doc(SPECIES + REACTION.format("")),
    "a value nobody gives": doc('<listOfParameters><parameter id="x" constant="true"/></listOfParameters>'),
    "a trigger on equality": doc(parameters(x=1) + "<listOfEvents>"
                                 + event(f"<apply><eq/>{TIME}<cn>1</cn></apply>", "x", "<cn>2</cn>") + "</listOfEvents>"),
    "the solution cannot be followed": doc(parameters(x=1) + "<listOfRules>"
                                           + rate_rule("x", "<apply><times/><ci>x</ci><ci>x</ci></apply>") + "</listOfRules>"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_carried_is_refused_by_name(tmp_path: Path, what: str) -> None:
    name = "S" if "<species" in REFUSED[what] else "x"
    with pytest.raises(Unsupported, match=what):
        values(tmp_path, REFUSED[what], name)


LAUGHS = HEAD + '<!DOCTYPE sbml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
UNSAFE = {
    "laughs": doc("<notes>&b;</notes>", head=LAUGHS),
    "external": doc("", head=HEAD + '<!DOCTYPE sbml SYSTEM "file:///etc/passwd">'),
    "deep": doc("<annotation>" + "<a>" * 300 + "</a>" * 300 + "</annotation>"),
    "torn": doc("")[:-10],
    "other": HEAD + "<html/>",
    "invalid": doc('<listOfParameters><parameter id="x"/></listOfParameters>'),
}


@pytest.mark.parametrize("what", UNSAFE)
def test_unsafe_or_wrong_files_are_named_input_errors(tmp_path: Path, what: str) -> None:
    with pytest.raises(InputError, match=r"m\.xml") as error:
        read(tmp_path, UNSAFE[what])
    assert not isinstance(error.value, Unsupported)


def test_another_encoding_does_not_hide_a_document_type(tmp_path: Path) -> None:
    path = tmp_path / "m.xml"
    path.write_bytes(UNSAFE["laughs"].replace("UTF-8", "UTF-16").encode("utf-16"))
    with pytest.raises(InputError, match="document type"):
        read_sbml(path)


def test_the_command_writes_the_table_and_its_exit_code_says_what_happened(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    model, settings, out = tmp_path / "m.xml", tmp_path / "s.txt", tmp_path / "o.csv"
    settings.write_text(
        "start: 0\nduration: 2\nsteps: 2\nvariables: x\nabsolute: 1e-7\nrelative: 1e-4\namount:\nconcentration:\n"
    )
    model.write_text(DECAY, encoding="utf-8")
    words = ["sbml", str(model), "--settings", str(settings), "-o", str(out)]
    assert run(words) == OK
    head, *rows = csv.reader(io.StringIO(out.read_text(encoding="utf-8")))
    assert head == ["time", "x"]
    assert [float(r[0]) for r in rows] == [0, 1, 2]
    model.write_text(REFUSED["csymbol delay"], encoding="utf-8")
    assert run(words) == REFUSAL
    assert "csymbol delay" in capsys.readouterr().err
    settings.write_text("start: 0\nduration: long\nsteps: 2\nvariables: x\n")
    assert run(words) == BAD_INPUT


def test_every_thirtieth_case_of_the_suite_is_within_its_own_tolerances(shared: Path, tmp_path: Path) -> None:
    """All cases: benchmarks/sbml_suite.py."""
    folder = shared / "data" / "sbml"
    if not folder.is_dir():
        pytest.skip("no SBML Test Suite in the reference folder")
    lists = json.loads((folder / "cases.json").read_text())
    wrong, refused = [], []
    with zipfile.ZipFile(folder / "sbml_test_suite.zip") as z:
        for case in sorted(c for cases in lists.values() for c in cases)[::30]:
            z.extractall(tmp_path, [n for n in z.namelist() if n.startswith(f"{case}/")])
            here = tmp_path / case
            s = read_settings(here / f"{case}-settings.txt")
            try:
                rows = course(read_sbml(next(here.glob("*.xml"))), s)
            except Unsupported as error:
                refused.append((case, str(error)))
                continue
            _, *theirs = csv.reader(io.StringIO((here / f"{case}-results.csv").read_text()))
            want = [[float(v) for v in r[1:]] for r in theirs if r]
            near = [a == b or (a != a and b != b) or abs(a - b) <= s.absolute + s.relative * abs(a)
                    for r, w in zip(rows, want, strict=True) for b, a in zip(r, w, strict=True)]  # fmt: skip
            if not all(near):
                wrong.append(case)
    assert not wrong
    assert not refused


PUBLISHED = {
    "BIOMD0000000521": (12.0, {"P": 8.122, "Q": 20.734, "Qp": 18.43}, 1e-3),
    "BIOMD0000000609": (1.0, {"Sulphate__PAPS": 7.33867e-15, "GSH": 4.52114e-15, "NAPQI": 8.52488e-20,
                              "Paracetamol_APAP": 1.98589e-15, "Protein_adducts": 2.26805e-16}, 1e-4),
    "BIOMD0000000448": (15.0, {"IR": 11.874, "IRins": 85.739}, 1e-3),
    "BIOMD0000000449": (15.0, {"IR": 5.9406, "IRins": 42.894}, 1e-3),
}  # fmt: skip
"""libRoadRunner 2.10 (rtol 1e-9): glioma (Ribba 2012), paracetamol in mol per cell (Reddyhoff 2015), insulin (Brannmark 2013)."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_run_as_in_another_engine(shared: Path, name: str) -> None:
    path = shared / "data" / "biomodels" / f"{name}.xml"
    if not path.is_file():
        pytest.skip(f"no {path.name} in the reference folder")
    end, want, rel = PUBLISHED[name]
    rows = course(read_sbml(path), Settings(0.0, end, 1, tuple(want), 1e-25, 1e-6))
    assert rows[-1] == pytest.approx(list(want.values()), rel=rel, abs=0.0)


def test_a_published_model_with_a_fast_reaction_is_refused(shared: Path) -> None:
    path = shared / "data" / "biomodels" / "BIOMD0000000137.xml"
    if not path.is_file():
        pytest.skip(f"no {path.name} in the reference folder")
    with pytest.raises(Unsupported, match="fast reaction"):
        read_sbml(path)
