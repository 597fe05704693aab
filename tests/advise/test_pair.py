"""Two orders chosen together: what is shared, what one does to the other, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.advise.pair import advise_pair
from dosetwin.declare import AUC24
from dosetwin.declare.harm import Harm
from dosetwin.errors import InputError
from dosetwin.formulary._harms import KIDNEY_ADULT, KIDNEY_NEWBORN
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

NEWBORN = Timeline(
    Patient(id="n", GA=29.0, BW=1.2, sex="female", synthetic=True),
    doses=(DoseEvent(0.0, 18.0, duration=0.5, drug="amikacin"),),
    covariates=(Covariate(0.0, "WT", 1.25), Covariate(0.0, "PNA", 6.0), Covariate(0.0, "SCR", 0.9)),
)


def _question(therapy: str, model: str, **more) -> Question:
    return Question(formulary.therapy(therapy), (models.load(model),), **{"now": 30.0, "seed": 1, "draws": 100} | more)


AMIKACIN = _question("amikacin_neonate", "amikacin_neonate")
VANCOMYCIN = _question("vancomycin_neonate", "vancomycin_frymoyer_2014")


@pytest.fixture(scope="module")
def pair():
    return advise_pair(NEWBORN, AMIKACIN, VANCOMYCIN)


def test_the_harm_of_both_is_what_the_papers_counted():
    one, other = (float(KIDNEY_ADULT.p(np.array(a), both=b)) for a, b in ((500.0, False), (600.0, False)))
    assert one == pytest.approx(0.112)  # Chavada 2017: 11.2 % up to the border, 40 % above it; the odds ratio is adjusted
    assert other == pytest.approx(0.40, abs=0.02)
    assert float(KIDNEY_ADULT.p(np.array(500.0))) - one == pytest.approx(0.133, abs=0.001)  # Goetz and Sayers 1993
    assert float(KIDNEY_NEWBORN.p(None, both=False)) == pytest.approx(7 / 533, abs=1e-4)  # Constance 2016


def test_a_harm_is_of_two_classes_and_an_age():
    vancomycin, amikacin, digoxin = (formulary.drug(n) for n in ("vancomycin", "amikacin", "digoxin"))
    assert [h.name for h in formulary.shared(amikacin, vancomycin, 0.02)] == ["kidney"]
    assert formulary.shared(amikacin, vancomycin, 0.02) == (KIDNEY_NEWBORN,)
    assert formulary.shared(vancomycin, amikacin, 60.0) == (KIDNEY_ADULT,)
    assert formulary.shared(vancomycin, amikacin, 5.0) == ()  # nothing was found of children
    assert formulary.shared(vancomycin, digoxin, 60.0) == ()
    assert (KIDNEY_ADULT.of(vancomycin, amikacin), KIDNEY_ADULT.of(amikacin, vancomycin)) == (0, 1)


def test_a_pair_is_two_orders_and_what_both_reach(pair):
    chosen = pair.chosen
    assert (pair.status, chosen.acceptable) == ("recommend", True)
    assert chosen.orders == tuple(a.regimen for a in pair.alone)  # nothing that one does moves the other here
    assert chosen.joint <= min(a.recommendation.candidates[0].joint for a in pair.alone) + 1e-9
    assert chosen.harms["kidney"] == pytest.approx(float(KIDNEY_NEWBORN.p(None)))
    assert chosen.loss == pytest.approx(
        sum(a.recommendation.candidates[0].loss for a in pair.alone) + 2.0 * chosen.harms["kidney"]
    )
    assert pair.judged > len(pair.rows)


def test_the_order_of_the_two_does_not_matter(pair):
    turned = advise_pair(NEWBORN, VANCOMYCIN, AMIKACIN)
    assert turned.chosen.orders == pair.chosen.orders[::-1]
    assert turned.chosen.joint == pytest.approx(pair.chosen.joint)
    assert turned.to_json()["pairs_judged"] == pair.to_json()["pairs_judged"]


def test_a_harm_that_grows_with_exposure_moves_the_pair(pair, monkeypatch):
    dear = Harm("kidney", "made up", "J01X", "J01G", (0.0, 1.0), 0.2, 1.0, 40.0, "made up", AUC24, "last", 400.0, 50.0)
    monkeypatch.setattr(formulary, "shared", lambda *_: (dear,))
    moved = advise_pair(NEWBORN, AMIKACIN, VANCOMYCIN)
    assert moved.differs == (False, True)
    amount = [p.chosen.orders[1].amount * 24 / p.chosen.orders[1].interval for p in (moved, pair)]
    assert amount[0] < amount[1]
    assert moved.chosen.harms["kidney"] < moved.apart.harms["kidney"]


def test_two_therapies_of_one_drug_are_refused():
    with pytest.raises(InputError, match="two therapies for one drug"):
        advise_pair(NEWBORN, AMIKACIN, AMIKACIN)


def test_what_cannot_be_ordered_alone_is_not_ordered_together():
    barred = NEWBORN.append(Covariate(0.0, "MT_RNR1", 2.0))
    found = advise_pair(barred, AMIKACIN, VANCOMYCIN)
    assert (found.status, found.chosen) == ("refuse", None)
    assert found.reasons[0].code == "one_alone_first"


@pytest.mark.slow
def test_a_drug_that_moves_the_other_is_weighed_under_each_of_its_orders():
    facts = Timeline(
        Patient(id="w", sex="male", synthetic=True, traits={"VKORC1_A": 1, "CYP2C9_2": 0, "CYP2C9_3": 0, "HLA_B_1502": 0,
                                                           "HLA_A_3101": 0}),
        doses=(DoseEvent(0.0, 5.0, ii=24.0, addl=27, drug="warfarin"),),
        observations=(Observation(670.0, measures="INR", value=2.5),),
        covariates=(Covariate(0.0, "AGE", 60.0), Covariate(0.0, "WT", 75.0)),
    )  # fmt: skip
    warfarin = _question("warfarin_inr", "warfarin_hamberg_2010", now=671.0)
    carbamazepine = _question("carbamazepine_epilepsy", "carbamazepine_autoinduction", now=671.0)
    found = advise_pair(facts, warfarin, carbamazepine)
    assert "moves" in [r.code for r in found.reasons]
    assert "interaction_told" in [f.code for f in found.findings]
    assert found.chosen.orders[0].amount > found.alone[0].regimen.amount
    doses = tuple(replace(d, drug="carbamazepine") for d in found.chosen.orders[1].doses(671.0 + 63 * 24.0))
    under = advise(facts, replace(warfarin, planned=doses, sensitivity=False))
    assert under.regimen.amount == pytest.approx(found.chosen.orders[0].amount, abs=0.5)
