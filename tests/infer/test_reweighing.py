"""Draws weighed anew for a changed record: the answers of a belief made anew, or no answer."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin import models
from dosetwin.infer import posterior
from dosetwin.infer.reweighing import TRUSTED_SHAPE, Changed, ratios, smoothed
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

MODEL = models.load("amikacin_decock_2012")
LAST = Observation(35.0, "amikacin", 4.0)
BABY = Timeline(
    Patient("one", BW=1.1), (DoseEvent(0.0, 17.5, 0.5), DoseEvent(36.0, 17.5, 0.5)),
    (Observation(1.5, "amikacin", 31.0), LAST), (Covariate(0.0, "WT", 1.1, "kg"), Covariate(0.0, "PNA", 3.0, "d")),
)  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [Changed((LAST,), (replace(LAST, time=34.75),)), Changed((LAST,), (replace(LAST, value=3.6),)),
     Changed(new=(Observation(20.0, "amikacin", 7.5),))],
    ids=["earlier", "lower", "another"],
)  # fmt: skip
def test_the_draws_say_what_a_belief_made_anew_says(changed):
    then = replace(BABY, observations=(*(o for o in BABY.observations if o not in changed.gone), *changed.new))
    before, anew = (posterior(MODEL, t, draws=4000, seed=1).draws for t in (BABY, then))
    (ratio,) = ratios(MODEL, BABY, before, [changed])
    assert ratio is not None
    w, shape = smoothed(ratio.log_w)
    assert shape < TRUSTED_SHAPE
    error = anew.std(axis=0) * np.sqrt(np.square(w).sum() + 1.0 / len(anew))
    assert np.all(np.abs(w @ before - anew.mean(axis=0)) < 4.0 * error)
    spread = np.sqrt(w @ np.square(before - w @ before))
    assert spread == pytest.approx(anew.std(axis=0), rel=0.08)


@pytest.mark.parametrize("new", [(replace(LAST, value=16.0),), ()], ids=["far", "none"])
def test_too_few_draws_are_said_to_be_too_few(new):
    before = posterior(MODEL, BABY, draws=500, seed=1).draws
    (ratio,) = ratios(MODEL, BABY, before, [Changed((LAST,), new)])
    assert ratio is not None
    w, shape = smoothed(ratio.log_w)
    assert shape >= TRUSTED_SHAPE or 1.0 / np.square(w).sum() < 50.0


def test_a_record_that_the_model_does_not_predict_has_no_answer():
    other = Observation(20.0, "SCR", 0.8, "mg/dL")
    assert ratios(MODEL, BABY, np.zeros((20, 2)), [Changed(new=(other,)), Changed()])[0] is None


@pytest.mark.parametrize("k", [0.3, 1.2])
def test_the_shape_of_a_pareto_tail_is_found(k):
    x = np.random.default_rng(1).pareto(1.0 / k, 20_000)
    assert smoothed(np.log1p(x))[1] == pytest.approx(k, abs=0.15)
