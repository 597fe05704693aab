"""Which models are about a patient, which one is asked, and that the answer says why."""

from dataclasses import replace

import pytest

from dosetwin import formulary, models
from dosetwin.decide.applies import all_that_apply, applies, reasons, usual
from dosetwin.declare import Facts
from dosetwin.declare.therapy import Fits
from dosetwin.errors import InputError

PIPERACILLIN = formulary.therapy("piperacillin_tazobactam_adult")
ROBERTS, OBRINK = PIPERACILLIN.models
WELL = Facts(WT=75.0, AGE=60.0, SCR=0.9, SEX="male")
INJURED = Facts(WT=75.0, AGE=60.0, SCR=3.1, SEX="male")


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        (WELL, ROBERTS),
        (INJURED, OBRINK),
        (Facts(WT=200.0, AGE=60.0, SCR=0.9, SEX="male"), OBRINK),  # beyond the weights Roberts saw
        (Facts(WT=200.0, AGE=60.0, SCR=9.0, SEX="male"), ROBERTS),  # nobody saw such a patient: as ever
        (Facts(WT=75.0), ROBERTS),  # what is not known speaks against nothing, and Obrink-Hansen needs creatinine
    ],
)
def test_the_first_model_made_of_such_patients_is_asked(facts, asked):
    assert usual(PIPERACILLIN, facts) == (asked,)


def test_all_that_apply_are_averaged_where_asked_and_where_the_therapy_says_so():
    assert all_that_apply(PIPERACILLIN, WELL) == (ROBERTS, OBRINK)
    assert all_that_apply(PIPERACILLIN, INJURED) == (OBRINK,)
    assert usual(replace(PIPERACILLIN, averages=True), WELL) == (ROBERTS, OBRINK)


def test_an_answer_says_why_another_model_and_warns_of_one_that_is_not_about_the_patient():
    roberts, obrink = models.load(ROBERTS), models.load(OBRINK)
    assert reasons(PIPERACILLIN, (roberts,), WELL) == ()
    (chosen,) = reasons(PIPERACILLIN, (obrink,), INJURED)
    assert (chosen.severity, chosen.code) == ("info", "model_chosen")
    assert "creatinine clearance 26.9" in chosen.message
    (wrong,) = reasons(PIPERACILLIN, (roberts,), INJURED)
    assert (wrong.severity, wrong.code) == ("warning", "model_not_for_this_patient")
    assert OBRINK in (wrong.remedy or "")
    (several,) = reasons(PIPERACILLIN, (roberts, obrink), WELL)
    assert several.code == "models_averaged"


def test_what_a_model_needs_and_nobody_knows_is_named():
    assert applies(PIPERACILLIN, models.load(OBRINK), Facts(WT=75.0)).lacks == ("SCR",)


def test_of_whom_a_model_was_made_needs_a_border():
    with pytest.raises(InputError, match="low or a high border"):
        Fits(ROBERTS, "AGE", "age", "y", "nobody")
