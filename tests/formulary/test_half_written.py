"""Files of users that are half-written: each mistake is one line with file, line and remedy, exit code 2, never a traceback.

The whole files are those of docs/add_a_drug.md; every row breaks one of them in one place.
"""

# ruff: noqa: E501 (a row of a table is one mistake)
import re
from pathlib import Path

import pytest

from dosetwin import formulary
from dosetwin.cli import BAD_INPUT, OK, run

DOC = (Path(__file__).parents[2] / "docs" / "add_a_drug.md").read_text(encoding="utf-8")
MODEL, THERAPY = re.findall(r"```python\n(.*?)```", DOC, flags=re.DOTALL)
TWO = "\n\nfrom dataclasses import replace\nOTHER = replace(PHENYTOIN_ADULT)\n"
TROUGH_GOAL = 'Goal("trough", TROUGH, 10.0, 20.0, "mg/L", 1.0, 10.0, source=RANGE)'
RULE = '"phenytoin_five", "5 mg/kg a day", "usual maintenance of adults (recalled)", "recalled", ("WT",), five'
AT = r"phenytoin\.py:\d+"
IN_MODEL = r"phenytoin_textbook\.py:\d+"

THERAPIES = [
    # the file itself
    ("population=", "population", rf"{AT}: .*SyntaxError.*correct that line"),
    ("TROUGH, At", "TROUGHS, At", rf"{AT}: .*ImportError.*'TROUGHS'.*import what"),
    ("RANGE =", "RANGES =", rf"{AT}: .*NameError.*'RANGE'.*define it above"),
    ("import (", "import nowhere, (", r"phenytoin\.py:\d+: .*(SyntaxError|ImportError)"),
    ("PHENYTOIN_ADULT = Therapy(", "PHENYTOIN_ADULT = dict(", r"phenytoin\.py: a file without a therapy.*Therapy\("),
    # the drug
    ('drug("phenytoin",', 'drug("Phenytoin",', rf"{AT}: drug 'Phenytoin': a name in lower case"),
    ('drug("phenytoin",', "drug(", rf"{AT}: .*missing 1 required positional argument: 'name'"),
    ('25.0, "mg/kg")', '25.0, "g/kg")', rf"{AT}: drug phenytoin: one_dose in 'g/kg'; allowed: mg, mg/kg"),
    ("one_dose=(0.5, 25.0,", "one_dose=(25.0, 0.5,", rf"{AT}: drug phenytoin: one_dose is .*low < high"),
    ('drug("phenytoin",', 'drug("warfarin",', r"phenytoin\.py.*(two drugs of one name|different drugs)"),
    ("drug=DRUG,", 'drug="phenytoin",', rf"therapy phenytoin_adult \({AT}\): 'drug' is of the wrong kind.*a Drug"),
    ('routes=("mouth",)', 'routes=("nose",)', rf"{AT}: drug phenytoin: route 'nose'; allowed: 'vein', 'mouth', 'skin'"),
    # the therapy
    ("    drug=DRUG,\n", "", rf"{AT}: .*missing 1 required .*'drug'.*by its name"),
    ("    limits=(", "    limit=(", rf"{AT}: .*unexpected keyword argument 'limit'"),
    ('name="phenytoin_adult"', "name=7", r"'name' is of the wrong kind; found 7; allowed: a text"),
    ('models=("./phenytoin_textbook.py",)', 'models="./phenytoin_textbook.py"', r"'models' .*a tuple of a text each; a tuple of one is"),
    ('models=("./phenytoin_textbook.py",)', "models=()", rf"\({AT}\): a therapy needs a model"),
    ("./phenytoin_textbook.py", "./nowhere.py", r"nowhere\.py: no such model file"),
    ("./phenytoin_textbook.py", "warfarin_hamberg_2010", rf"\({AT}\): model and therapy are about different drugs"),
    ("    source=\"goals and", "    note=\"goals and", rf"\({AT}\): a therapy needs a source"),
    (f"rules=(Rule({RULE}),)", "rules=()", rf"\({AT}\): a therapy needs a rule; .*rules=\(Rule"),
    (f"rules=(Rule({RULE}),)", f"rules=Rule({RULE})", r"'rules' is of the wrong kind; found 'Rule'.*a tuple of one is"),
    ('    everyday=Everyday(300.0, "mg", 24.0, 0.0, "the usual dose of adults (recalled)"),\n', "", r"a therapy needs an everyday dose"),
    ("Everyday(300.0,", "Everyday(-300.0,", rf"{AT}: .*an everyday dose is above 0"),
    ('Everyday(300.0, "mg"', 'Everyday(300.0, "g"', rf"{AT}: everyday dose: 'unit' is of the wrong kind; found 'g'; allowed: 'mg', 'mg/kg'"),
    ('typical={"WT": 70.0}', 'typical={"SHOE": 43.0}', rf"\({AT}\): unknown trait or quantity; found 'SHOE'; allowed: "),
    ("sampling=Sampling((0.0, 72.0, 168.0)", "sampling=Sampling(0.0", rf"{AT}: sampling: 'after_h' is of the wrong kind"),
    ('"VMAX", "KM"', '"CLEARANCE",', rf"\({AT}\): .*'CLEARANCE'; allowed: KA, KM, V, VMAX"),
    ("horizon_h=14 * 24.0", 'horizon_h="two weeks"', r"'horizon_h' is of the wrong kind; found 'two weeks'; allowed: a number"),
    ('name="phenytoin_adult"', 'name="warfarin_inr"', rf"\({AT}\): two therapies of one name; .*give yours another"),
    ("menu=Repeated(", "menu=print(", rf"{AT}: "),
    # goals and readings
    (TROUGH_GOAL, TROUGH_GOAL.replace("mg/L", "umol/L"), rf"goal trough \({AT}\).*unit is not that.*found 'umol/L'; allowed: mg/L"),
    (TROUGH_GOAL, TROUGH_GOAL.replace(", source=RANGE", ""), rf"goal trough \({AT}\): a goal must name its source"),
    (TROUGH_GOAL, TROUGH_GOAL.replace("10.0, 20.0", "20.0, 10.0"), rf"goal trough \({AT}\): the low border is not below"),
    (TROUGH_GOAL, TROUGH_GOAL.replace("10.0, 20.0", "None, None"), rf"goal trough \({AT}\): a goal needs a low or a high"),
    (TROUGH_GOAL, TROUGH_GOAL.replace("10.0, 20.0", '"10", 20.0'), rf"goal trough \({AT}\): 'low' is of the wrong kind; found '10'"),
    (TROUGH_GOAL, TROUGH_GOAL.replace("TROUGH,", '"trough",'), rf"goal trough \({AT}\): 'reading' is of the wrong kind.*a Reading"),
    (TROUGH_GOAL, TROUGH_GOAL.replace('"trough"', '"in_two_weeks"'), rf"\({AT}\): two goals of one name"),
    ("min_probability=0.8", "min_probability=80", rf"goal in_two_weeks \({AT}\): a probability; found 80; allowed: 0 to 1"),
    ('Reading("", "at", At(14, "d")', 'Reading("INR", "at", At(14, "d")', rf"goal in_two_weeks \({AT}\).*predicts nothing.*'INR'"),
    ('Reading("", "at", At(14, "d")', 'Reading("", "mean", At(14, "d")', rf"reading mean \({AT}\): 'mean' is read over a time"),
    ('Reading("", "at", At(14, "d")', 'Reading("", "peak", At(14, "d")', rf"\({AT}\): .*found 'peak'; allowed: 'at', 'mean'"),
    ('At(14, "d")', 'At(14, "days")', rf"{AT}: reading: 'unit' is of the wrong kind; found 'days'; allowed: 'h', 'd'"),
    ("At(14, ", "At(-14, ", rf"\({AT}\): a moment before the order"),
    # limits, rule, menu
    ('"daily", None, 600.0, "mg/d"', '"daily", None, 600.0, "mg"', rf"limit a_day \({AT}\): the unit is not that .*allowed: mg/d"),
    ('"daily", None', '"dayly", None', rf"limit a_day \({AT}\): unknown number of an order; found 'dayly'; allowed: dose,"),
    ('"daily", None, 600.0', '"daily", None, None', rf"limit a_day \({AT}\): a limit needs a low or a high border"),
    ('"mg/d", source="assumed: more only by levels"', '"mg/d"', rf"limit a_day \({AT}\): a limit must name its source"),
    ('"daily", None, 600.0', '"daily", 900.0, 1200.0', rf"\({AT}\): a menu that holds no order within the limits.*outside 'a_day'"),
    ('"recalled", ("WT",), five', '"recalled", ("WT",), "five"', rf"rule phenytoin_five \({AT}\): 'table' is of the wrong kind.*a function"),
    ('"recalled", ("WT",), five', '"guessed", ("WT",), five', rf"rule phenytoin_five \({AT}\): 'provenance' .*'paper', 'secondary'"),
    ('("WT",), five', '("WT"), five', rf"rule phenytoin_five \({AT}\): 'needs' is of the wrong kind.*a tuple of one is"),
    ('("WT",), five', '("SHOE",), five', rf"rule phenytoin_five \({AT}\): unknown trait or quantity; found 'SHOE'"),
    ('return Says(5.0, 24.0, "5 mg/kg a day", "kg")', "return 5.0", rf"rule phenytoin_five \({AT}\): a rule returns what it says"),
    ('return Says(5.0, 24.0, "5 mg/kg a day", "kg")', "return Says(facts.SHOE * 2, 24.0, '', 'kg')", rf"rule phenytoin_five \({AT}\): the rule cannot answer: TypeError.*'needs'"),
    ("dose=(150.0, 500.0)", "dose=(500.0, 150.0)", rf"{AT}: .*a lowest and a highest"),
    ("intervals=(24.0,)", "intervals=24.0", rf"{AT}: menu: 'intervals' is of the wrong kind.*a tuple of one is"),
    ('per="",', 'per="lb",', rf"{AT}: menu: 'per' is of the wrong kind; found 'lb'; allowed: '', 'kg', 'm2'"),
    ("((0.0, 25.0),)", "((5.0, 25.0),)", rf"{AT}: .*rounding steps must ascend from 0"),
]  # fmt: skip
MODELS = [
    ("def observe(A, p, cov):", "def observe(A, p, cov)", rf"{IN_MODEL}: .*SyntaxError"),
    ("from math import exp", "from maths import exp", rf"{IN_MODEL}: .*ModuleNotFoundError.*'maths'"),
    ("exp(eta.VMAX)", "exp(eta.VMAXX)", rf"{IN_MODEL}: .*AttributeError.*'VMAXX'"),
    ("theta.TVKM * exp", "theta.KM * exp", rf"{IN_MODEL}: .*AttributeError.*'KM'"),
    (" = 4.0\n", "\n", rf"{IN_MODEL}: .*field TVKM cannot follow"),
    ("class theta(NamedTuple)", "class theta", rf"{IN_MODEL}: .*theta is no NamedTuple"),
    ('    TVKM: Annotated[float, Theta("mg/L", "level at half of the fastest elimination")] = 4.0', "    TVKM: float = 4.0", rf"{IN_MODEL}: .*theta.TVKM has no declaration"),
    ('Eta("half-saturation", cv=0.4', 'Eta("half-saturation", cv=0.4, sd=0.1', rf"{IN_MODEL}: Eta needs exactly one of var, sd, cv"),
    ("def observe", "def watch", rf"{IN_MODEL}: .*defines no 'observe'"),
    ('    drug="phenytoin",\n', "", rf"{IN_MODEL}: .*missing 1 required keyword-only argument: 'drug'"),
    ('    drug="phenytoin",\n', '    drug="warfarin",\n', rf"\({AT}\): model and therapy are about different drugs"),
    ('solver="explicit"', 'solver="fast"', rf"{IN_MODEL}: .*solver 'fast'; allowed: exact, explicit"),
    ("reference=REFERENCE", 'reference="a book"', rf"{IN_MODEL}: .*'reference' is 'a book'; expected a Reference"),
    ('"VMAX", {"WT": 70.0}', '"VMAXX", {"WT": 70.0}', r"phenytoin_textbook\.py: anchor .*no parameter 'VMAXX'; there is: VMAX, KM"),
    ('"VMAX", {"WT": 70.0}', '"VMAX", {"BMI": 70.0}', r"phenytoin_textbook\.py: anchor .*no covariate 'BMI'; there is: WT"),
    ("return output(Cp=A.central / p.V)", "return A.central / p.V", r"phenytoin_textbook\.py: observe\(\) returns float; expected output"),
    ("120.0, ", "12.0, ", rf"{IN_MODEL}: covariate: the low end of the studied range is not below the high one"),
    ('missing="refuse"', 'missing="ask"', rf"{IN_MODEL}: covariate: 'missing' is of the wrong kind; found 'ask'; allowed: 'carry'"),
    ("combined(0.5,", 'combined("0.5",', rf"{IN_MODEL}: residual error: 'a' is of the wrong kind; found '0.5'"),
    ("rtol=1e-5", 'rtol="tight"', rf"{IN_MODEL}: .*rtol is \('tight',\); expected a number above 0"),
    ("anchors=[", "anchors=[7.0, ", rf"{IN_MODEL}: .*expected Anchor\(...\) each"),
    ("MODEL = model(", "MODELS = model(", r"phenytoin_textbook\.py: a model's file without MODEL"),
]  # fmt: skip
CHAIRS = next(
    b
    for b in re.findall(
        r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    if "infusion_chairs" in b
)
ATC = r"chairs\.py:\d+"
PLACES = [
    ('of="chairs"', 'of="Chairs"', rf"{ATC}: pool unit_chairs: not what a pool is of; found 'Chairs'"),
    ('of="chairs"', 'of="beds"', rf"therapy infusion_chairs|reading mean_0_7d of chairs \({ATC}\)"),
    ("Arrivals(24.0", "Arrivals(-24.0", rf"{ATC}: pool: not a rate of arrivals"),
    ('stay=Lognormal(4.0, 0.4, 0.5, 0.25, source="assumed")', "stay=4.0", rf"{ATC}: pool unit_chairs: 'stay' is of the wrong kind; found 4.0"),
    ('    kind="place",\n', "", rf"\({ATC}\): a pool and the kind 'place' go together"),
    ("models=()", 'models=("x",)', rf"\({ATC}\): a place has no models"),
    ('per={"chairs": load}', 'per={"seats": load}', rf"\({ATC}\): the menu does not set this; found 'seats'; allowed: chairs"),
    ('steps={"chairs": 1.0}', "steps={}", rf"\({ATC}\): the menu of a pool sets whole numbers of chairs"),
    ('Reading("chairs", "mean"', 'Reading("beds", "mean"', rf"\({ATC}\): the pool is not read for this; found 'beds'; allowed: wait"),
    ('0.9, None, ""', '0.9, None, "h"', rf"goal wait \({ATC}\): the unit is not that of what is judged; found 'h'; allowed: 1"),
    ('Sets({"chairs"', 'Sets({"beds"', rf"rule quarter_more \({ATC}\): a rule of a pool sets chairs"),
]  # fmt: skip
CASE = "ID,TIME,AMT,DV,WT\n1,0,300,.,70\n1,24,.,6,70\n"


@pytest.fixture(autouse=True)
def _as_before():
    """What a test gives by path is gone after it."""
    yield
    formulary._given.clear()
    formulary.list_anew()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phenytoin_textbook.py").write_text(MODEL)
    (tmp_path / "phenytoin.py").write_text(THERAPY)
    (tmp_path / "case.csv").write_text(CASE)
    return tmp_path


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    code, said = run(words), capsys.readouterr()
    assert code == BAD_INPUT, said
    assert said.err.startswith("dosetwin: ")
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err


def test_the_whole_files_are_fine(desk: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["therapies", "./phenytoin.py", "--json"]) == OK
    assert '"phenytoin_five"' in capsys.readouterr().out


@pytest.mark.parametrize(("old", "new", "said"), THERAPIES, ids=[f"{k}-{t[1][:30]}" for k, t in enumerate(THERAPIES)])
def test_a_half_written_therapy(old: str, new: str, said: str, desk: Path, capsys: pytest.CaptureFixture[str]):
    assert old in THERAPY
    (desk / "phenytoin.py").write_text(THERAPY.replace(old, new, 1))
    assert re.search(said, err := refused(["advise", "case.csv", "--therapy", "./phenytoin.py"], capsys)), err


@pytest.mark.parametrize(("old", "new", "said"), MODELS, ids=[f"{k}-{t[1][:30]}" for k, t in enumerate(MODELS)])
def test_a_half_written_model(old: str, new: str, said: str, desk: Path, capsys: pytest.CaptureFixture[str]):
    assert old in MODEL
    (desk / "phenytoin_textbook.py").write_text(MODEL.replace(old, new, 1))
    assert re.search(said, err := refused(["therapies", "./phenytoin.py"], capsys)), err


@pytest.mark.parametrize(("old", "new", "said"), PLACES, ids=[f"{k}-{t[1][:30]}" for k, t in enumerate(PLACES)])
def test_a_half_written_place(old: str, new: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert old in CHAIRS
    (tmp_path / "chairs.py").write_text(CHAIRS.replace(old, new, 1))
    assert re.search(said, err := refused(["therapies", str(tmp_path / "chairs.py")], capsys)), err


def test_two_therapies_of_one_name_in_a_file(desk: Path, capsys: pytest.CaptureFixture[str]):
    (desk / "phenytoin.py").write_text(THERAPY + TWO)
    assert re.search(rf"{AT}.*two therapies of one name", err := refused(["therapies", "./phenytoin.py"], capsys)), err


def test_a_dose_of_a_drug_nobody_declared(desk: Path, capsys: pytest.CaptureFixture[str]):
    (desk / "case.csv").write_text("ID,TIME,AMT,DV,WT,DRUG\n1,0,300,.,70,phenytoine\n1,24,.,6,70,phenytoine\n")
    err = refused(["advise", "case.csv", "--therapy", "./phenytoin.py"], capsys)
    assert re.search(r"case\.csv:2.*phenytoine", err), err


def test_a_path_that_is_none(desk: Path, capsys: pytest.CaptureFixture[str]):
    assert "nowhere.py: no such drug file" in refused(["advise", "case.csv", "--therapy", "./nowhere.py"], capsys)
    assert "no such model file" in refused(["fit", "./nowhere.py", "case.csv", "--json"], capsys)
