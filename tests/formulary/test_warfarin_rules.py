"""The published equations of warfarin by hand, category by category, and that nothing is guessed on a table of patients."""

import csv
import io
from math import exp, log
from pathlib import Path

import pytest

from dosetwin import formulary
from dosetwin.cli import run
from dosetwin.declare import Facts, Says

MAN = {"AGE": 65.0, "HT": 175.0, "WT": 80.0, "RACE": "White", "CYP2C9": "*1/*1", "VKORC1": "G/G"}
ROOT = 5.6044 - 0.2614 * 6 + 0.0087 * 175 + 0.0128 * 80
CLINICAL = 4.0376 - 0.2546 * 6 + 0.0118 * 175 + 0.0134 * 80


def week(rule: str, **facts: float | str | None) -> float:
    said = formulary.rule(rule).advise(Facts({**MAN, **facts}))
    assert isinstance(said, Says), said
    assert (said.interval, said.per) == (168.0, "")
    return said.amount


@pytest.mark.parametrize(
    ("facts", "term"),
    [
        ({}, 0.0), ({"VKORC1": "A/G"}, -0.8677), ({"VKORC1": "GA"}, -0.8677), ({"VKORC1": "A/A"}, -1.6974),
        ({"VKORC1": "T/T"}, -1.6974), ({"VKORC1": "C/T"}, -0.8677), ({"VKORC1": "Unknown"}, -0.4854), ({"VKORC1": None}, -0.4854),
        ({"VKORC1": None, "VKORC1_A": 1.0}, -0.8677), ({"CYP2C9": "*1/*2"}, -0.5211), ({"CYP2C9": "*3/*1"}, -0.9357),
        ({"CYP2C9": "*2/*2"}, -1.0616), ({"CYP2C9": "*2/*3"}, -1.9206), ({"CYP2C9": "*3/*3"}, -2.3312),
        ({"CYP2C9": "NA"}, -0.2188), ({"CYP2C9": None}, -0.2188), ({"CYP2C9": None, "CYP2C9_2": 1.0, "CYP2C9_3": 1.0}, -1.9206),
        ({"RACE": "Asian"}, -0.1092), ({"RACE": "Black or African American"}, -0.2760), ({"RACE": "Mixed"}, -0.1032),
        ({"RACE": "Unknown"}, -0.1032), ({"RACE": None}, -0.1032), ({"INDUCER": 1.0}, 1.1816), ({"PHENYTOIN": "yes"}, 1.1816),
        ({"AMIODARONE": 1.0}, -0.5503), ({"AMIODARONE": "NA"}, 0.0), ({"AGE": "60 - 69"}, 0.0), ({"AGE": 69.9}, 0.0),
        ({"AGE": 70.0}, -0.2614), ({"AGE": "90+"}, -3 * 0.2614), ({"AGE": 18.0}, 5 * 0.2614),
    ],
)  # fmt: skip
def test_iwpc_with_genotypes(facts: dict[str, float | str | None], term: float) -> None:
    assert week("iwpc_2009", **facts) == pytest.approx((ROOT + term) ** 2, rel=1e-12)


@pytest.mark.parametrize(
    ("facts", "term"),
    [({}, 0.0), ({"RACE": "Asian"}, -0.6752), ({"RACE": "Black"}, 0.4060), ({"RACE": None}, 0.0443), ({"INDUCER": 1.0}, 1.2799),
     ({"AMIODARONE": 1.0}, -0.5695), ({"VKORC1": None, "CYP2C9": None}, 0.0)],
)  # fmt: skip
def test_iwpc_without_genotypes(facts: dict[str, float | str | None], term: float) -> None:
    assert week("iwpc_2009_clinical", **facts) == pytest.approx((CLINICAL + term) ** 2, rel=1e-12)


@pytest.mark.parametrize(
    ("facts", "term"),
    [({}, 0.0), ({"VKORC1": "A/G"}, -0.3238), ({"VKORC1": "A/A"}, -0.6476), ({"CYP2C9": "*2/*3"}, -0.2066 - 0.4008),
     ({"RACE": "Black"}, -0.0901), ({"SMOKER": 1.0}, 0.0922), ({"AMIODARONE": 1.0}, -0.2538), ({"DVT_PE": 1.0}, 0.0664),
     ({"TARGET_INR": 3.0}, 0.5 * 0.2029), ({"BSA": 2.0}, 0.4317 * (2.0 - (175 * 80 / 3600) ** 0.5))],
)  # fmt: skip
def test_gage(facts: dict[str, float | str | None], term: float) -> None:
    own = 0.9751 + 0.4317 * (175 * 80 / 3600) ** 0.5 - 0.00745 * 65 + 0.2029 * 2.5
    assert week("gage_2008", **facts) == pytest.approx(7 * exp(own + term), rel=1e-12)


@pytest.mark.parametrize(
    ("facts", "term"),
    [({}, 0.0), ({"INR": 1.4}, -0.51611 * log(1.4 / 1.8)), ({"VKORC1": "A/A"}, -2 * 0.23032), ({"CYP2C9": "*2/*3"}, -0.45515),
     ({"STROKE": 1.0}, -0.20590), ({"DIABETES": 1.0}, -0.11216), ({"FLUVASTATIN": 1.0}, -0.19275), ({"RACE": "Black"}, -0.09644),
     ({"DOSE_4": 10.0}, 5 * 0.01065), ({"DOSE_3": 10.0}, 5 * 0.02018), ({"DOSE_2": 10.0}, 5 * 0.01690),
     ({"AMIODARONE": 1.0}, -0.10350), ({"TARGET_INR": 3.0}, 0.5 * 0.26729)],
)  # fmt: skip
def test_lenzini(facts: dict[str, float | str | None], term: float) -> None:
    own = 3.10894 - 0.00767 * 65 - 0.51611 * log(1.8) + 0.24597 * (175 * 80 / 3600) ** 0.5 + 0.26729 * 2.5
    own += 5 * (0.01690 + 0.02018 + 0.01065)
    given = {"INR": 1.8, "DOSE_2": 5.0, "DOSE_3": 5.0, "DOSE_4": 5.0}
    assert week("lenzini_2010", **{**given, **facts}) == pytest.approx(exp(own + term), rel=1e-12)


TABLE = """ID,AGE,HEIGHT,WEIGHT,RACE,CYP2C9,VKORC1,AMIODARONE,INDUCER,SMOKER
known,60 - 69,175,80,White,*1/*1,G/G,0,0,0
alleles,60 - 69,175,80,White,*1/*5,G/G,0,0,0
race,60 - 69,175,80,Martian,*1/*1,G/G,0,0,0
metres,60 - 69,1.75,80,White,*1/*1,G/G,0,0,0
maybe,60 - 69,175,80,White,*1/*1,G/G,maybe,0,0
light,60 - 69,175,,White,*1/*1,G/G,0,0,0
half,60 - 64,175,80,White,*1/*1,G/G,0,0,0
gene,60 - 69,175,80,White,*1/*1,X/G,0,0,0
"""
WHY = ["", "'*1/*5'", "'Martian'", "1.75", "'maybe'", "weight is not known", "'60 - 64'", "'X/G'"]


def rows(rule: str, table: str, where: Path) -> list[dict[str, str]]:
    (where / "in.csv").write_text(table)
    assert run(["rule", rule, str(where / "in.csv"), "-o", str(where / "out.csv")]) == 0
    return list(csv.DictReader(io.StringIO((where / "out.csv").read_text())))


def test_each_line_of_a_table_has_its_answer_or_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    found = rows("iwpc_2009", TABLE, tmp_path)
    assert float(found[0]["AMOUNT"]) == float(found[0]["A_WEEK"]) == pytest.approx(ROOT**2, rel=1e-5)
    for row, why in zip(found, WHY, strict=True):
        assert (why or ".") in row["WHY_NOT"]
        assert (row["AMOUNT"] == ".") == bool(why)
    gage = rows("gage_2008", TABLE.replace("*1/*5", "NA"), tmp_path)
    assert "only the decade is known" in gage[0]["TEXT"]
    assert "CYP2C9 not known" in gage[1]["WHY_NOT"]
    pounds = rows("iwpc_2009", TABLE.replace("WEIGHT", "Weight (lb)").replace(",80,", ",176.37,"), tmp_path)
    assert float(pounds[0]["A_WEEK"]) == pytest.approx(ROOT**2, rel=1e-4)
    (tmp_path / "in.csv").write_text(TABLE.replace("SMOKER", "HT"))
    assert run(["rule", "iwpc_2009", str(tmp_path / "in.csv")]) == 2
    assert "HEIGHT, HT" in capsys.readouterr().err


def test_the_clinics_table_by_inr() -> None:
    for INR, factor in ((1.3, 1.15), (1.7, 1.10), (1.9, 1.075), (2.5, 1.0), (3.2, 0.925), (3.7, 0.9), (4.6, 0.875)):
        assert week("warfarin_by_inr", INR=INR, WEEK=40.0) == pytest.approx(40.0 * factor)
    assert "above 5" in str(formulary.rule("warfarin_by_inr").advise(Facts(INR=6.0, WEEK=40.0)))


def test_a_height_in_inches_is_told_as_what_it_is():
    said = formulary.rule("iwpc_2009").advise(Facts({"AGE": 60.0, "HT": 67.0, "WT": 80.0, "RACE": "White"}))
    assert "67 inches would be 170 cm" in str(said)
