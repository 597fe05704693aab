"""Look-ahead beside a recommendation: marked as research, never moving the recommendation, on the patient's own clock."""

import json
from dataclasses import replace

import pytest
from tests.decide.babies import baby, preterm

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.advise.ahead import NOTE, SEARCH, lines, plan_ahead
from dosetwin.decide.recommendation import Recommendation
from dosetwin.errors import InputError, UnknownName
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE

FEW = replace(SEARCH, draws=32, fresh=100, decisions=2, beam=4, meet_infection=4, finalists=3, threads=1)


@pytest.fixture(scope="module")
def advice():
    question = Question(AMIKACIN_NEONATE, (models.load("amikacin_neonate"),), now=24.0, seed=3, draws=200, sensitivity=False)
    return advise(preterm(), question)


def test_the_plan_starts_after_now_keeps_the_gap_and_holds_the_standard_rule(advice) -> None:
    ahead = plan_ahead(advice, search=FEW)
    json.dumps(ahead, allow_nan=False)
    assert ahead["note"] == NOTE
    assert sum(o["standard_rule"] for o in ahead["options"]) == 1
    first = ahead["chosen"]["plan"][0]["at"]
    assert first >= "2026-03-03T08:00:00"  # 24 h after the origin: now
    assert all(0.0 <= o["p_eradicated"] <= 1.0 and 0.0 <= o["p_resistant"] <= 1.0 for o in ahead["options"])
    said = lines(ahead)
    assert said[0].startswith("Research scenario")
    assert any("decock_smits" in x for x in said) or ahead["chosen"]["standard_rule"]


def test_it_leaves_the_recommendation_alone_and_survives_json(advice, monkeypatch) -> None:
    monkeypatch.setattr("dosetwin.advise.ahead.SEARCH", FEW)
    plain = advice.recommendation
    with_it = advise(preterm(), replace(advice.question, look_ahead="peak_driven")).recommendation
    assert plain.look_ahead == {}
    assert replace(with_it, look_ahead={}) == plain
    assert Recommendation.from_json(with_it.to_json()).look_ahead == with_it.to_json()["look_ahead"]


@pytest.mark.parametrize("name", ["amikacin_decock_2012", "amikacin_lim_2025"])
def test_models_of_one_and_two_compartments_are_read(name: str) -> None:
    question = Question(AMIKACIN_NEONATE, (models.load(name),), now=0.0, draws=200, facts={"MIC": 2.0}, sensitivity=False)
    ahead = plan_ahead(advise(baby(GA=33, BW=1.8, PNA=3), question), search=FEW, scenario="auc_driven")
    assert ahead["pack"] == "auc_driven"
    assert ahead["chosen"]["plan"][0]["at"] == "2026-03-02T08:00:00+00:00"


def test_an_mic_out_of_reach_is_said_in_words(advice) -> None:
    ahead = plan_ahead(replace(advice, question=replace(advice.question, facts={"MIC": 8.0})), search=FEW)
    assert ahead["status"] == "no_feasible_regimen"
    assert any("add or change the drug" in x for x in lines(ahead))


def test_bad_names_are_refused(advice) -> None:
    with pytest.raises(UnknownName, match="pack"):
        plan_ahead(advice, scenario="nonsense", search=FEW)
    with pytest.raises(UnknownName, match="organism"):
        plan_ahead(advice, organism="nonsense", search=FEW)
    other = replace(advice.therapy, drug=formulary.drug("gentamicin"))
    with pytest.raises(InputError, match="look-ahead"):
        plan_ahead(replace(advice, question=replace(advice.question, therapy=other)), search=FEW)


def test_the_page_shows_it_as_research(advice) -> None:
    from dosetwin.report.page import advice_page

    ahead = plan_ahead(advice, search=FEW)
    with_it = replace(advice, recommendation=replace(advice.recommendation, look_ahead=ahead))
    text = advice_page(with_it, source="made up", clock="given")
    assert "Looking ahead (research scenario)" in text
    assert "peak_driven" in text
    assert "Looking ahead" not in advice_page(advice, source="made up", clock="given")
