"""Drugs of newborns: handbook tables, what gentamicin shares with amikacin, the model that is made for a condition."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from decide.babies import baby
from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.cli.advise import opened
from dosetwin.declare import Facts, Repeated, Says
from dosetwin.formulary._stored import therapy_from_json
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.formulary.gentamicin import GENTAMICIN_NEONATE
from dosetwin.records import Covariate


@pytest.mark.parametrize(
    ("rule", "facts", "says"),
    [
        ("gentamicin_nice", {"PNA": 6.9}, (5.0, 36.0)),
        ("gentamicin_nice", {"PNA": 7.0}, (5.0, 24.0)),
        ("gentamicin_neofax", {"PMA": 29.9, "PNA": 7.9}, (5.0, 48.0)),
        ("gentamicin_neofax", {"PMA": 29.9, "PNA": 8.0}, (4.0, 36.0)),
        ("gentamicin_neofax", {"PMA": 29.9, "PNA": 29.0}, (4.0, 24.0)),
        ("gentamicin_neofax", {"PMA": 30.0, "PNA": 2.0}, (4.5, 36.0)),
        ("gentamicin_neofax", {"PMA": 35.0, "PNA": 2.0}, (4.0, 24.0)),
        ("gentamicin_cheo", {"GA": 29.9, "PNA": 14.9}, (5.0, 48.0)),
        ("gentamicin_cheo", {"GA": 29.9, "PNA": 15.0}, (5.0, 36.0)),
        ("gentamicin_cheo", {"GA": 34.9, "PNA": 10.9}, (5.0, 36.0)),
        ("gentamicin_cheo", {"GA": 35.0, "PNA": 7.9}, (4.0, 24.0)),
        ("gentamicin_cheo", {"GA": 35.0, "PNA": 8.0}, (5.0, 24.0)),
        ("gentamicin_hoff", {"BW": 1.24}, (4.0, 48.0)),
        ("gentamicin_hoff", {"BW": 1.25}, (4.0, 24.0)),
        ("gentamicin_hoff", {"BW": 3.0, "INDO": 1.0}, (4.0, 48.0)),
        ("gentamicin_cooled", {"COOLING": 1.0}, (5.0, 36.0)),
        ("vancomycin_neofax", {"PMA": 29.9, "PNA": 14.9}, (15.0, 18.0)),
        ("vancomycin_neofax", {"PMA": 30.0, "PNA": 15.0}, (15.0, 8.0)),
        ("vancomycin_neofax", {"PMA": 37.0, "PNA": 7.0}, (15.0, 12.0)),
        ("vancomycin_neofax", {"PMA": 45.0, "PNA": 60.0}, (15.0, 6.0)),
        ("vancomycin_nelson", {"GA": 28.9, "SCR": 0.44}, (15.0, 12.0)),
        ("vancomycin_nelson", {"GA": 28.9, "SCR": 0.5}, (20.0, 24.0)),
        ("vancomycin_nelson", {"GA": 29.0, "SCR": 0.5}, (15.0, 12.0)),
        ("vancomycin_nelson", {"GA": 29.0, "SCR": 1.1}, (15.0, 24.0)),
        ("vancomycin_nelson", {"GA": 29.0, "SCR": 1.7}, (15.0, 48.0)),
        ("vancomycin_label_newborn", {"PNA": 7.5}, (10.0, 12.0)),
        ("vancomycin_label_newborn", {"PNA": 8.0}, (10.0, 8.0)),
    ],
)
def test_the_tables_say_what_the_handbooks_say(rule, facts, says):
    found = formulary.rule(rule).advise(Facts(facts))
    assert isinstance(found, Says)
    assert (found.amount, found.interval) == says


@pytest.mark.parametrize(
    ("rule", "facts"),
    [("gentamicin_nice", {"PNA": 29.0}), ("gentamicin_cheo", {"GA": 30.0, "PNA": 29.0}), ("gentamicin_cooled", {})],
)
def test_a_table_says_whom_it_is_not_for(rule, facts):
    assert isinstance(formulary.rule(rule).advise(Facts(facts)), str)


def test_what_the_two_share_is_one_thing():
    a, g = AMIKACIN_NEONATE, GENTAMICIN_NEONATE
    assert [(x.code, x.weight, x.reading) for x in a.goals] == [(x.code, x.weight, x.reading) for x in g.goals]
    for code in ("change_per_step", "not_in_the_past", "syringe"):
        assert next(x for x in a.limits if x.code == code) == next(x for x in g.limits if x.code == code)
    assert isinstance(a.menu, Repeated)
    assert isinstance(g.menu, Repeated)
    assert a.preparation is g.preparation
    assert a.population is g.population


def test_an_aminoglycoside_of_another_drug_is_kept_and_read_back():
    stored = json.loads(json.dumps(GENTAMICIN_NEONATE.to_json()))
    assert therapy_from_json(stored) is GENTAMICIN_NEONATE
    changed = therapy_from_json(stored | {"note": "another"})
    assert changed.made_for == GENTAMICIN_NEONATE.made_for
    assert "made_for" not in AMIKACIN_NEONATE.to_json()


def cooled():
    facts = baby(39.0, 3.3, 0.5, flags=("COOLING", "ASPHYXIA"))
    return replace(facts, drug="gentamicin").append(Covariate(60.0, "COOLING", 0.0))


def test_a_cooled_baby_is_asked_of_the_model_made_for_it():
    assert GENTAMICIN_NEONATE.model(Facts()) == "gentamicin_fuchs_2014"
    assert GENTAMICIN_NEONATE.model(Facts(COOLING=1.0)) == "gentamicin_bijleveld_2016"

    def found(name: str, now: float):
        question = Question(GENTAMICIN_NEONATE, (models.load(name),), now=now, seed=1, draws=100, sensitivity=False)
        return [f for f in advise(cooled(), question).recommendation.findings if f.code == "model_not_for_condition"]

    other = found("gentamicin_fuchs_2014", 1.0)
    assert len(other) == 1
    assert "gentamicin_bijleveld_2016" in other[0].message
    assert not found("gentamicin_bijleveld_2016", 1.0)
    assert not found("gentamicin_fuchs_2014", 72.0), "warm again"


def test_the_command_takes_it_where_none_is_named(tmp_path: Path):
    case = tmp_path / "case.csv"
    case.write_text(
        "ID,TIME,EVID,AMT,RATE,DV,MDV,WT,GA,BW,PNA,COOLING\n1,0,1,16.5,33,.,1,3.3,39,3.3,0.5,1\n1,36,0,.,.,0.9,0,3.3,39,3.3,2,1\n"
    )
    _, question = opened(case, (), drug="gentamicin", therapy="gentamicin_neonate")
    assert [m.name for m in question.models] == ["gentamicin_bijleveld_2016"]
    _, named = opened(case, ("gentamicin_fuchs_2014",), drug="gentamicin", therapy="gentamicin_neonate")
    assert [m.name for m in named.models] == ["gentamicin_fuchs_2014"]
