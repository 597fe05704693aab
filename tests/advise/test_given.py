"""The chosen order as hands give it, and what rounding costs on the twin, under fine marks and coarse ones."""

from dataclasses import replace
from importlib.resources import files

import pytest

from dosetwin import models, read_case
from dosetwin.advise import Question, advise
from dosetwin.decide.recommendation import Recommendation
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE


@pytest.fixture(scope="module")
def told():
    newborn = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))

    def asked(therapy):
        return advise(newborn, Question(therapy, (models.load("amikacin_neonate"),), now=newborn.as_of, seed=1, draws=200))

    coarse = replace(AMIKACIN_NEONATE.preparation, per_mL=50.0, marks=((0.0, 0.1),), ward="NICU", source="as NICU prepares it")
    return asked(AMIKACIN_NEONATE).recommendation, asked(AMIKACIN_NEONATE.prepared(coarse)).recommendation


def test_the_order_is_told_in_mL_and_survives_json(told):
    fine, _ = told
    dose = fine.given["doses"][0]
    assert dose["volume_mL"] * dose["per_mL"] == pytest.approx(fine.regimen.amount_mg)
    assert dose["rate_mL_per_h"] == pytest.approx(dose["volume_mL"] / fine.regimen.infusion_h, abs=0.05)
    assert "not a ward's own" in fine.given["said"]
    assert Recommendation.from_json(fine.to_json()).given == fine.given


def test_every_candidate_of_the_menu_can_be_given_at_the_wards_dilution(told):
    _, coarse = told
    assert all(c.regimen.amount_mg / 5.0 == pytest.approx(round(c.regimen.amount_mg / 5.0)) for c in coarse.candidates)
    assert coarse.given["doses"][0]["per_mL"] == 50.0
    assert coarse.given["said"] == "as NICU prepares it"


def test_what_rounding_costs_is_read_from_the_twin(told):
    fine, coarse = told
    for rec in told:
        found = rec.given["rounding"]
        top = next(c for c in rec.candidates if c.regimen == rec.regimen)
        assert found["loss"][1] == pytest.approx(top.loss, abs=1e-4)  # what is called given is the order of the table
        assert found["joint"][1] == pytest.approx(top.joint, abs=1e-4)
        assert top.rules or found["loss"][0] <= found["loss"][1] + 1e-4  # the best amount without marks is never worse
    assert abs(fine.given["rounding"]["exact"] - fine.regimen.amount_mg) <= 0.125 + 1e-9  # half a step of 0.25 mg
    told_of = coarse.given["rounding"]
    assert told_of["exact"] != told_of["given"]
    peak = told_of["readings"]["peak_next"]
    assert (peak[0] < peak[1]) == (told_of["exact"] < told_of["given"])  # readings move with the dose
