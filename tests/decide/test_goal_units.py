"""A goal's unit is that of what it judges: an INR of 2 to 3 is never a level of 2 to 3 mg/L."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.advise import Question, advise
from dosetwin.cli import run
from dosetwin.decide.limits import Limit, Rounding
from dosetwin.decide.policy import AMIKACIN_NEONATE, Policy
from dosetwin.decide.target import Target, judges, unit_of
from dosetwin.errors import InputError, UnknownName, UnknownUnit
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.report import narrative
from dosetwin.report.page import advice_page, levels, parameters, rests_on
from dosetwin.units import plain_unit

WARFARIN = models.load("warfarin_hamberg_2010")
INR = Target("inr", "trough", 2.0, 3.0, "1", 1.0, 1.0, "INR before the next dose", "made up for the test",
             doses=("next", "second", "last"), chance_doses=("next",), output="INR")  # fmt: skip
BY_INR = Policy(
    "warfarin_inr", "warfarin", (INR,),
    (Limit("dose_range", "dose_mg", 0.5, 15.0, "mg", "one dose", "test"),
     Limit("interval_range", "interval_h", 24.0, 24.0, "h", "interval", "test")),
    Rounding(((0.0, 0.5),), "tablets of 0.5 mg"), (), intervals=(24.0,), infusions=(0.0,), horizon_h=168.0,
)  # fmt: skip
ADULT = Timeline(
    Patient("adult"),
    tuple(DoseEvent(24.0 * k, 5.0) for k in range(4)),
    (Observation(71.0, "2", 1.6, "1"),),
    (Covariate(0.0, "AGE", 70.0),),
)


def test_a_goal_in_INR_is_not_judged_on_mg_per_L():
    wrong = replace(BY_INR, targets=(replace(INR, output=""),))
    with pytest.raises(InputError) as caught:
        advise(ADULT, Question(wrong, (WARFARIN,), draws=100))
    assert caught.value.value == "1"
    assert caught.value.allowed == "mg/L"
    assert '"output": "INR"' in caught.value.remedy
    assert "policy warfarin_inr: target inr" in caught.value.where


def test_a_level_in_mg_per_L_is_not_judged_on_INR():
    with pytest.raises(InputError, match="unit is not that of what is judged"):
        judges((replace(INR, unit="mg/L"),), (WARFARIN,), "warfarin")


def test_an_output_nobody_predicts_is_refused():
    with pytest.raises(UnknownName, match="Cs, INR"):
        judges((replace(INR, output="PT"),), (WARFARIN,), "warfarin")


@pytest.mark.parametrize("unit", ["furlong", "mg/kg", "mg L", "h"])
def test_a_unit_nobody_knows_is_refused_when_the_policy_is_read(unit: str):
    with pytest.raises((UnknownUnit, InputError)):
        judges((replace(INR, unit=unit),), (WARFARIN,), "warfarin")


def test_the_unit_of_a_metric_follows_from_its_output():
    assert [unit_of(m, "mg/L") for m in ("peak", "trough", "auc24", "cmax_mic")] == ["mg/L", "mg/L", "mg.h/L", ""]
    assert unit_of("auc24", "1") == "h"
    assert {plain_unit(u) for u in ("mg.h/L", "mg*h/L", "mg·h/L", "h.mg/L", "ug.h/mL")} == {"mg/L.h"}
    assert plain_unit("{INR}") == plain_unit("") == plain_unit("1")
    assert plain_unit("ug/L") != plain_unit("mg/L")


@pytest.mark.parametrize("k", range(len(AMIKACIN_NEONATE.targets)))
def test_every_goal_of_the_flagship_has_one_unit_only(k: int):
    target, models_ = AMIKACIN_NEONATE.targets[k], (models.load("amikacin_neonate"),)
    judges((target,), models_, "amikacin")
    for unit in {"mg/L", "mg.h/L", "1", "ug/L", "umol/L"} - {target.unit, target.unit or "1"}:
        with pytest.raises(InputError):
            judges((replace(target, unit=unit),), models_, "amikacin")


def test_a_limit_has_the_unit_of_what_it_bounds():
    with pytest.raises(UnknownUnit, match="mg/kg"):
        Limit("dose_range", "dose_mg_per_kg", 0.0075, 0.02, "g/kg", "one dose", "test")


def test_the_file_of_the_policy_is_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    policy, case = tmp_path / "by_level.json", tmp_path / "case.csv"
    policy.write_text(json.dumps(replace(BY_INR, targets=(replace(INR, output=""),)).to_json()))
    case.write_text("ID,TIME,AMT,DV,DVID,AGE\n1,0,5,.,.,70\n1,23,.,1.1,2,70\n")
    assert run(["advise", str(case), "--model", "warfarin_hamberg_2010", "--policy", str(policy)]) == 2
    said = capsys.readouterr().err
    assert "by_level.json: target inr" in said
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
