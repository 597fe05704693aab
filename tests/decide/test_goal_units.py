"""A goal's unit is that of what it judges: an INR of 2 to 3 is never a level of 2 to 3 mg/L."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.cli import run
from dosetwin.declare import Between, End, Goal, Limit, Reading, Repeated, Rounding, Sampling, Therapy
from dosetwin.declare.goal import judges
from dosetwin.declare.reading import AUC24, CMAX_MIC, PEAK, TROUGH
from dosetwin.errors import InputError, UnknownName, UnknownUnit
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.quantities.units import plain_unit
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.report import narrative
from dosetwin.report.page import advice_page, levels, parameters, rests_on

WARFARIN = models.load("warfarin_hamberg_2010")
TROUGH_INR = replace(TROUGH, what="INR", when=End(("next", "second", "last")))
INR = Goal("inr", TROUGH_INR, 2.0, 3.0, "1", text="INR before the next dose", source="made up for the test")
BY_INR = Therapy(
    "warfarin_by_level", formulary.drug("warfarin"), "adults", ("warfarin_hamberg_2010",),
    Repeated((0.5, 15.0), "", (24.0,), (0.0,), Rounding(((0.0, 0.5),), "tablets of 0.5 mg")), (INR,),
    (Limit("dose_range", "dose", 0.5, 15.0, "mg", source="test"),
     Limit("interval_range", "interval_h", 24.0, 24.0, "h", source="test")),
    (), sampling=Sampling((0.0, 24.0), of="INR", learns=("EC50",)), horizon_h=168.0, source="test",
)  # fmt: skip
WRONG = replace(INR, reading=replace(TROUGH_INR, what=""))
ADULT = Timeline(
    Patient("adult"),
    tuple(DoseEvent(24.0 * k, 5.0) for k in range(4)),
    (Observation(71.0, "2", 1.6, "1"),),
    (Covariate(0.0, "AGE", 70.0),),
)


def test_a_goal_in_INR_is_not_judged_on_mg_per_L():
    wrong = replace(BY_INR, goals=(WRONG,))
    with pytest.raises(InputError) as caught:
        advise(ADULT, Question(wrong, (WARFARIN,), draws=100))
    assert caught.value.value == "1"
    assert caught.value.allowed == "mg/L"
    assert 'Reading("INR"' in caught.value.remedy
    assert "therapy warfarin_by_level: goal inr (test_goal_units.py:" in caught.value.where


def test_a_level_in_mg_per_L_is_not_judged_on_INR():
    with pytest.raises(InputError, match="unit is not that of what is judged"):
        judges((replace(INR, unit="mg/L"),), (WARFARIN,), "warfarin")


def test_an_output_nobody_predicts_is_refused():
    with pytest.raises(UnknownName, match="Cs, INR"):
        judges((replace(INR, reading=replace(TROUGH_INR, what="PT")),), (WARFARIN,), "warfarin")


@pytest.mark.parametrize("unit", ["furlong", "mg/kg", "mg L", "h"])
def test_a_unit_nobody_knows_is_refused_when_the_policy_is_read(unit: str):
    with pytest.raises((UnknownUnit, InputError)):
        judges((replace(INR, unit=unit),), (WARFARIN,), "warfarin")


def test_the_unit_of_a_reading_follows_from_its_output():
    assert [r.unit("mg/L") for r in (PEAK, TROUGH, AUC24, CMAX_MIC)] == ["mg/L", "mg/L", "mg.h/L", ""]
    assert AUC24.unit("1") == "h"
    assert replace(AUC24, over="MIC").unit("mg/L") == "h"
    assert Reading("INR", "share_within", Between(7, 21, "d"), (2, 3)).unit("1") == ""
    assert {plain_unit(u) for u in ("mg.h/L", "mg*h/L", "mg·h/L", "h.mg/L", "ug.h/mL")} == {"mg/L.h"}
    assert plain_unit("{INR}") == plain_unit("") == plain_unit("1")
    assert plain_unit("ug/L") != plain_unit("mg/L")


@pytest.mark.parametrize("k", range(len(AMIKACIN_NEONATE.goals)))
def test_every_goal_of_the_flagship_has_one_unit_only(k: int):
    target, models_ = AMIKACIN_NEONATE.goals[k], (models.load("amikacin_neonate"),)
    judges((target,), models_, "amikacin")
    for unit in {"mg/L", "mg.h/L", "1", "ug/L", "umol/L"} - {target.unit, target.unit or "1"}:
        with pytest.raises(InputError):
            judges((replace(target, unit=unit),), models_, "amikacin")


def test_a_limit_has_the_unit_of_what_it_bounds():
    with pytest.raises(UnknownUnit, match=r"test_goal_units.py:\d+.*mg/kg"):
        replace(BY_INR, limits=(Limit("dose_range", "dose_per_kg", 0.0075, 0.02, "g/kg", source="test"),))


OF_A_USER = '''"""Warfarin by its level: a mistake."""

from dosetwin.declare import Everyday, Goal, Limit, Repeated, Rounding, Rule, Says, Therapy
from dosetwin.declare.reading import TROUGH
from dosetwin.formulary.warfarin import DRUG

MINE = Therapy(
    "mine", DRUG, "adults", ("warfarin_hamberg_2010",), Repeated((1, 10), "", (24.0,), (0.0,), Rounding(((0, 1),), "tablets")),
    goals=(
        Goal("inr", TROUGH, 2, 3, source="x"),
    ),
    limits=(Limit("dose", "dose", 1, 10, "mg", source="x"),),
    rules=(Rule("five", "5 mg", "x", "assumed", (), lambda facts: Says(5, 24, "all", "")),),
    everyday=Everyday(5, "mg"), source="x",
)
'''


def test_the_file_and_line_of_the_goal_are_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    therapy, case = tmp_path / "by_level.py", tmp_path / "case.csv"
    therapy.write_text(OF_A_USER)
    case.write_text("ID,TIME,AMT,DV,DVID,AGE\n1,0,5,.,.,70\n1,23,.,1.1,2,70\n")
    assert run(["advise", str(case), "--model", "warfarin_hamberg_2010", "--therapy", str(therapy)]) == 2
    said = capsys.readouterr().err
    assert "goal inr (by_level.py:10)" in said
    assert "allowed: mg/L" in said


@pytest.fixture(scope="module")
def warfarin():
    return advise(ADULT, Question(BY_INR, (WARFARIN,), draws=150, seed=3, curves=True))


def test_a_therapy_without_weight_MIC_or_levels_of_the_drug_is_advised(warfarin):
    found = warfarin.recommendation
    assert found.regimen is not None
    assert 3.0 <= found.regimen.amount_mg <= 9.0
    assert not any("MIC" in r.text for r in found.reasons)
    assert found.candidates[0].mg_per_kg is None
    assert not any(s.code.startswith("weight") for s in found.what_would_change_it)


def test_a_goal_on_INR_is_judged_on_INR(warfarin):
    low, _, middle, _, high = warfarin.recommendation.how_sure["trough of INR_last"]
    assert 1.0 < low < middle < high < 6.0
    assert 1.8 < middle < 3.2
    p = warfarin.recommendation.candidates[0].p("inr", "last")
    assert 0.2 < p < 0.95


def test_it_is_told_in_its_own_words(warfarin):
    row = levels(warfarin)[0]
    assert (row["what"], row["value"]) == ("INR", "1.6")
    assert rests_on(warfarin) == "1 INR"
    known = [p["name"] for p in parameters(warfarin)]
    assert known[:3] == ["CL", "V", "EC50"]  # those that differ between patients
    assert set(known) == set(warfarin.parameters)
    assert narrative.border(INR) == "2 to 3"
    text = advice_page(warfarin, source="x", clock="y")
    for never in ("over 0 min", "MIC is not known", "no level of this patient yet", "2 to 3 1"):
        assert never not in text
    assert "INR trough 2 to 3" in text


def test_a_chance_that_is_low_looks_low():
    assert narrative.certainty(0.04)[0] == "bad"
    assert narrative.certainty(0.4)[0] == "warn"
    assert narrative.certainty(0.94) == ("", "")
    assert np.all([narrative.certainty(a)[1] != narrative.certainty(b)[1] for a, b in ((0.04, 0.94), (0.04, 0.4))])
