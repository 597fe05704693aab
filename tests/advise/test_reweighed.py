"""Doubts answered by the draws there are: what a belief made anew for each would say."""

import re
from importlib.resources import files

import pytest

from dosetwin import models, read_case
from dosetwin.advise import Question, advise, sensitivity
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE

CASE = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))


def doubts(seed: int, draws: int = 500):
    question = Question(AMIKACIN_NEONATE, (models.load("amikacin_decock_2012"),), now=CASE.as_of, seed=seed, draws=draws)
    found = advise(CASE, question).recommendation.what_would_change_it
    said = {s.code: re.search(r"met with (\d+)%", s.effect) for s in found}
    return {code: float(p[1]) / 100.0 for code, p in said.items() if p}


def test_doubts_of_a_record_are_answered_as_by_a_belief_of_its_own(monkeypatch: pytest.MonkeyPatch):
    answered = []
    weighed = sensitivity.weighed
    monkeypatch.setattr(sensitivity, "weighed", lambda *a: answered.append(weighed(*a)) or answered[-1])
    quick = [doubts(seed) for seed in (1, 2)]
    assert all(decision is not None for found in answered for decision in found)
    monkeypatch.setattr(sensitivity, "weighed", lambda asked, state, made, changes, *_: [None] * len(changes))
    monkeypatch.setattr(sensitivity, "DRAWS", 3000)
    anew = doubts(3)
    moved = {"sampled_earlier", "sampled_later"}
    assert moved <= anew.keys()
    for code in moved:
        for found in quick:
            # 500 draws of p have a standard error of 0.022, some fewer behind the weights
            assert found[code] == pytest.approx(anew[code], abs=0.07)
