"""Published scores against other programs' answers and worked examples; what has no answer says why."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dosetwin.cli.program import app
from dosetwin.errors import InputError, UnknownName
from dosetwin.outcomes import scores
from dosetwin.outcomes.scores.score import Column

run = CliRunner()


def answer(name: str, **values: float) -> Any:
    of = scores.load(name).of
    assert of is not None
    return of(values)


PREVENT = {
    "AGE": 50,
    "TC": 200,
    "HDL": 45,
    "SBP": 160,
    "BMI": 35,
    "EGFR": 90,
    "DIABETES": 1,
    "SMOKER": 0,
    "BP_TREATED": 1,
    "STATIN": 0,
}


def test_prevent_by_the_published_example() -> None:
    """The worked example of the paper's supplement, as the tests of preventr 0.12.0 state it; the man's figures are derived."""
    woman, man = answer("prevent", SEX=0, **PREVENT), answer("prevent", SEX=1, **PREVENT)
    keys = ("TOTAL_CVD", "ASCVD", "HEART_FAILURE", "CHD", "STROKE")
    assert [round(woman[f"{k}_10Y"] / 100, 3) for k in keys] == [0.147, 0.092, 0.081, 0.044, 0.054]
    assert [round(woman[f"{k}_30Y"] / 100, 3) for k in keys] == [0.530, 0.354, 0.390, 0.198, 0.221]
    assert [round(man[f"{k}_10Y"] / 100, 4) for k in keys] == [0.1632, 0.1019, 0.1059, 0.0557, 0.0521]


def test_prevent_changes_its_equation_with_what_is_known() -> None:
    assert answer("prevent", SEX=0, **PREVENT)["MODEL"] == "base"
    assert answer("prevent", SEX=0, **PREVENT, UACR=30.0)["MODEL"] == "uacr"
    full = answer("prevent", SEX=0, **PREVENT, UACR=30.0, HBA1C=7.0)
    assert full["MODEL"] == "full"
    assert "TOTAL_CVD_30Y" in full
    assert "TOTAL_CVD_30Y" not in answer("prevent", SEX=0, **(PREVENT | {"AGE": 65}))


@pytest.mark.parametrize(("region", "men", "women"), [(1, 6.3, 4.3), (2, 8.1, 5.2), (3, 8.8, 7.1), (4, 15.1, 14.1)])
def test_score2_by_the_supplement(region: int, men: float, women: float) -> None:
    facts = {"AGE": 50, "SMOKER": 1, "SBP": 140, "TC": 6.3, "HDL": 1.4, "REGION": region}
    assert [round(answer("score2", SEX=s, **facts)["RISK_10Y"], 1) for s in (1, 0)] == [men, women]


def test_score2_of_the_old() -> None:
    facts = {"AGE": 75, "SMOKER": 1, "SBP": 140, "TC": 5.5, "HDL": 1.3, "REGION": 1}
    assert [round(answer("score2", SEX=s, **facts)["RISK_10Y"], 1) for s in (1, 0)] == [18.6, 15.2]
    with pytest.raises(InputError, match="diabetes"):
        answer("score2", SEX=1, DIABETES=1.0, **facts)


def test_qrisk3_by_the_published_program(shared: Path, tmp_path: Path) -> None:
    """48 people and what ClinRisk's own program answers, to its one decimal."""
    path = shared / "data" / "risk" / "qrisk3_2017_c_program.csv"
    if not path.is_file():
        pytest.skip("no answers of the program")
    with path.open() as f:
        rows = list(csv.DictReader(f))
    assert len(rows) >= 48
    flags = {"AF": "b_AF", "ANTIPSYCHOTIC": "b_atypicalantipsy", "STEROID": "b_corticosteroids", "ERECTILE": "b_impotence2",
             "MIGRAINE": "b_migraine", "RA": "b_ra", "CKD": "b_renal", "SEVERE_MENTAL": "b_semi", "SLE": "b_sle",
             "BP_TREATED": "b_treatedhyp", "DIABETES_1": "b_type1", "DIABETES_2": "b_type2", "FAMILY": "fh_cvd", "AGE": "age",
             "WT": "weight", "HT": "height", "ETHNICITY": "ethrisk", "RATIO": "rati", "SBP": "sbp", "SBP_SD": "sbps5",
             "SMOKING": "smoke_cat", "TOWNSEND": "town"}  # fmt: skip
    off = [abs(answer("qrisk3", SEX=1.0 - float(r["gender"]), **{k: float(r[v]) for k, v in flags.items()})["RISK_10Y"]
               - float(r["QRISK_C_algorithm_score"])) for r in rows]  # fmt: skip
    assert max(off) <= 0.0501


@pytest.mark.parametrize(
    ("sex", "age", "egfr", "acr", "here", "elsewhere"),
    [(1, 60, 30, 300, (8.633, 24.563), (5.863, 20.860)), (0, 70, 25, 50, (4.307, 12.842), (2.903, 10.782)),
     (1, 45, 50, 1000, (2.305, 7.022), (1.548, 5.864)), (0, 80, 15, 30, (8.188, 23.411), (5.557, 19.858)),
     (1, 55, 59, 10, (0.086, 0.268), (0.058, 0.223))],
)  # fmt: skip
def test_kidney_failure(sex: int, age: int, egfr: int, acr: int, here: tuple, elsewhere: tuple) -> None:
    for region, said in ((1, here), (0, elsewhere)):
        got = answer("kfre", SEX=sex, AGE=age, EGFR=egfr, ACR=acr, NORTH_AMERICA=region)
        assert (round(got["RISK_2Y"], 3), round(got["RISK_5Y"], 3)) == said


@pytest.mark.parametrize(
    ("sex", "age", "scr", "egfr"), [(1, 60, 1.0, 86.16), (0, 60, 1.0, 64.50), (1, 70, 2.0, 35.24), (0, 40, 0.6, 116.30)]
)
def test_filtration(sex: int, age: int, scr: float, egfr: float) -> None:
    assert answer("ckd_epi", SEX=sex, AGE=age, SCR=scr)["EGFR"] == pytest.approx(egfr, abs=0.005)


def test_joints() -> None:
    said = answer("das28", TJC28=8, SJC28=6, ESR=40, CRP=20, GH=60)
    assert [round(said[k], 3) for k in ("DAS28_ESR", "DAS28_CRP", "DAS28_ESR3")] == [5.692, 5.166, 5.400]
    assert said["ACTIVITY"] == "high"


@pytest.mark.parametrize(
    ("ps", "os", "said"),
    [(12, 6, (0.223, 5.468, 1.077)), (20, 12, (2.144, 39.413, 7.447)), (30, 20, (29.132, 93.643, 51.500)),
     (45, 25, (91.864, 99.762, 94.321))],
)  # fmt: skip
def test_possum(ps: int, os: int, said: tuple) -> None:
    assert tuple(round(v, 3) for v in answer("p_possum", PS=ps, OS=os).values()) == said


def test_gas_and_rays() -> None:
    for po2, so2 in ((10, 9.65), (26.6, 49.36), (40, 74.95), (60, 90.58), (100, 97.75), (150, 99.32)):
        assert answer("severinghaus", PO2=po2)["SO2_OUT"] == pytest.approx(so2, abs=0.006)
        assert answer("severinghaus", SO2=answer("severinghaus", PO2=po2)["SO2_OUT"])["PO2_OUT"] == pytest.approx(po2, rel=1e-9)
    assert answer("bed", N=30, D=2, AB=10)["BED"] == pytest.approx(72.0)
    assert answer("bed", N=5, D=7.25, AB=1.5) == pytest.approx({"BED": 211.458, "EQD2": 90.625}, abs=5e-4)
    assert answer("bed", N=30, D=2, AB=10, ALPHA=0.3, CELLS=1e7)["TCP"] == pytest.approx(0.99585, abs=5e-6)
    assert answer("bed", N=30, D=2, AB=10, ALPHA=0.3, T=40, TK=28, TP=3)["BED"] == pytest.approx(62.758, abs=5e-4)


def recist(*sizes: float, **more: Any) -> list[str]:
    rows = [
        {"ID": "a", "LESION": "1", "TIME": 10.0 * k, "TARGET": 1.0, "SIZE": s} | (more if k else {}) for k, s in enumerate(sizes)
    ]
    of = scores.load("recist").rows
    assert of is not None
    return [r["RESPONSE"] for r in of(rows)]


def test_response_at_its_borders() -> None:
    assert recist(50, 60) == ["baseline", "PD"]
    assert recist(20, 24) == ["baseline", "SD"], "a fifth, but not 5 mm"
    assert recist(100, 70) == ["baseline", "PR"]
    assert recist(100, 70.1) == ["baseline", "SD"]
    assert recist(30, 0, 5) == ["baseline", "CR", "PD"]
    assert recist(30, 30, NEW=1.0) == ["baseline", "PD"]
    assert recist(20, 9.9, NODE=1.0) == ["baseline", "CR"], "a node shorter than 10 mm is gone"
    assert recist(9, 9) == ["", ""], "not measurable at baseline"


def test_the_command(tmp_path: Path) -> None:
    data = tmp_path / "d.csv"
    data.write_text("who,AGE,SEX,SCR [umol/L]\na,60,male,88.4\nb,60,,88.4\nc,60,f,0\n", encoding="utf-8")
    out = tmp_path / "o.csv"
    done = run.invoke(app, ["score", "ckd_epi", str(data), "-o", str(out)])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [r["EGFR"][:5] for r in rows] == ["86.16", ".", "."]
    assert rows[1]["WHY_NOT"] == "SEX is missing"
    assert "serum creatinine cannot be this" in rows[2]["WHY_NOT"]
    for words, said in ((["score"], "prevent"), (["score", "kfre"], "ACR"), (["score", "recist", "--json"], "LESION")):
        assert said in run.invoke(app, words).output
    wrong = run.invoke(app, ["score", "ckd_epi", str(out), "--map", "SCR=NONE"])
    assert isinstance(wrong.exception, InputError)
    data.write_text("AGE,SEX,SCR [mmol/L]\n60,male,1\n", encoding="utf-8")
    assert "unit of a column" in str(run.invoke(app, ["score", "ckd_epi", str(data)]).exception)


def test_which_answer_passes_first_as_a_person_ages(tmp_path: Path) -> None:
    """A smoker of 55 under pressure that rises 2 mmHg a year, and another whom nothing reaches before the score ends at 69."""
    data, out = tmp_path / "d.csv", tmp_path / "o.csv"
    data.write_text("AGE,SEX,SMOKER,SBP,TC,HDL,REGION\n55,male,1,140,6.3,1.2,1\n60,female,0,120,4.5,1.6,1\n", encoding="utf-8")
    words = ["score", "score2", str(data), "-o", str(out), "--ahead", "12", "--drift", "SBP=2"]
    assert run.invoke(app, [*words, "--border", "RISK_10Y>=10"]).exit_code == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert rows[0]["FIRST"] == "RISK_10Y"
    assert 0 < float(rows[0]["YEAR"]) < 12
    aged = {"AGE": 55 + float(rows[0]["YEAR"]), "SBP": 140 + 2 * float(rows[0]["YEAR"]), "SMOKER": 1, "TC": 6.3, "HDL": 1.2}
    assert answer("score2", SEX=1, REGION=1, **aged)["RISK_10Y"] >= 10
    aged |= {"AGE": aged["AGE"] - 1, "SBP": aged["SBP"] - 2}
    assert answer("score2", SEX=1, REGION=1, **aged)["RISK_10Y"] < 10
    assert rows[1]["FIRST"] == "."
    for wrong, said in (
        (["--border", "RISK>=1"], "RISK_10Y"),
        (["--border", "RISK_10Y=1"], "not a border"),
        ([], "watching needs both"),
    ):
        assert said in str(run.invoke(app, [*words, *wrong]).exception)
    assert "not a drift" in str(run.invoke(app, [*words, "--border", "RISK_10Y>=10", "--drift", "BMI=1"]).exception)


def test_an_unknown_score_is_named() -> None:
    with pytest.raises(UnknownName, match="prevent"):
        scores.load("framingham")


def test_hba1c_in_mmol_per_mol_is_turned_and_a_slip_names_the_unit(tmp_path: Path) -> None:
    """Affine, not a factor: 53 mmol/mol are 7.0 %; without its unit 53 is refused with it."""
    head = "AGE,SEX,TC,HDL,SBP,BMI,EGFR,DIABETES,SMOKER,BP_TREATED,STATIN"
    person = "50,female,200,45,160,35,90,yes,no,yes,no"

    def said(column: str, value: str) -> dict:
        table = tmp_path / "t.csv"
        table.write_text(f"{head},{column}\n{person},{value}\n", encoding="utf-8")
        done = CliRunner().invoke(app, ["score", "prevent", str(table), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)[0]

    mol, percent = said("HBA1C [mmol/mol]", "53"), said("HBA1C", f"{53 / 10.929 + 2.15:.9f}")
    assert mol["TOTAL_CVD_10Y"] == pytest.approx(percent["TOTAL_CVD_10Y"])
    assert "HBA1C [mmol/mol]" in said("HBA1C", "53")["WHY_NOT"]


@pytest.mark.parametrize("cell", ["6_0", "٦٠", "nan", "1e999"])
def test_only_plain_numbers_are_read(cell):
    with pytest.raises(InputError):
        Column("AGE", "age", "a", 18.0, 100.0).value(cell)
