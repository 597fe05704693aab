"""The kidneys tell a second drug its filtration: gentamicin's models in newborns, which read no creatinine themselves."""

import json
from dataclasses import replace

import numpy as np
import pytest

from decide.babies import baby
from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.advise.curves import parameters_of
from dosetwin.errors import InputError
from dosetwin.forecast.kidney.outlook import KidneyOutlook
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.records import Observation, Timeline

POLICY = replace(AMIKACIN_NEONATE, drug=formulary.drug("gentamicin"), rules=())
"""Amikacin's targets: only what creatinine does is looked at here."""
NAMES = ("gentamicin_bijleveld_2017", "gentamicin_fuchs_2014")
RISING = ((2.0, 0.75), (12.0, 1.0), (23.5, 1.5))
FALLING = ((2.0, 0.75), (12.0, 0.6), (23.5, 0.45))


def given(*creatinines: tuple[float, float], **changes) -> Timeline:
    facts = replace(baby(GA=31.0, BW=1.5, doses=((0.0, 7.5),), **changes), drug="gentamicin")
    return facts.append(*(Observation(t, "SCR", v, "mg/dL", assay="enzymatic") for t, v in creatinines))


def ask(name: str, timeline: Timeline, kidney: str | None = None, draws: int = 150) -> Advice:
    question = Question(POLICY, (models.load(name),), now=24.0, seed=3, draws=draws, sensitivity=False, told=kidney)
    return advise(timeline, question)


def clearance(a: Advice) -> float:
    return parameters_of(a.models[0], a.asked, a.beliefs[0].draws, at=36.0, rule="locf")["CL"][1]


@pytest.mark.parametrize("name", NAMES)
def test_creatinine_moves_clearance_by_default(name):
    none, up, down = (ask(name, given(*v)) for v in ((), RISING, FALLING))
    assert clearance(up) < 0.95 * clearance(none)
    assert clearance(down) > 1.03 * clearance(none)
    said = up.recommendation.provenance
    assert said["kidney"]["used"] in ("filter", "learned")
    assert said["models"][0]["name"] == f"{name}_kidney"
    assert set(said["kidney"]["evidence"]["log_density"]) == {"filter", "learned"}, "the model has no kidney of its own"
    assert "kidney_injury_expected" in {f.code for f in up.recommendation.findings}
    json.dumps(up.recommendation.to_json(), allow_nan=False)


def test_the_variance_a_model_leaves_filtration_bounds_what_creatinine_may_do():
    """Fuchs: clearance and volume vary together, so creatinine has less to say than under Bijleveld."""
    fall = {n: np.log(clearance(ask(n, given(*RISING), "filter")) / clearance(ask(n, given(), "filter"))) for n in NAMES}
    assert fall["gentamicin_bijleveld_2017"] < fall["gentamicin_fuchs_2014"] < -0.05


def test_no_kidney_is_the_model_as_it_was():
    plain = ask(NAMES[0], given(*RISING), "mechanistic", 1500)
    assert plain.recommendation.provenance["kidney"] is None
    assert plain.outlooks == ()
    assert plain.recommendation.provenance["models"][0]["name"] == NAMES[0]
    blind = ask(NAMES[0], given(*RISING), "maturation", 1500)
    assert clearance(blind) == pytest.approx(clearance(plain), rel=0.04), "the same prior, drawn through other random effects"
    assert isinstance(blind.outlooks[0], KidneyOutlook)
    assert not len(blind.outlooks[0].unexpected)


def test_outside_its_training_the_model_goes_without_and_says_so():
    found = ask(NAMES[0], given((2.0, 0.8), (20.0, 4.2)), "filter")
    assert found.recommendation.provenance["kidney"] is None
    said = [f.message for f in found.recommendation.findings if f.code == "kidney_falls_back"]
    assert len(said) == 1
    assert "creatinine is not used instead" in said[0]


@pytest.mark.parametrize("name", ["gentamicin_germovsek_2016", "gentamicin_bijleveld_2016"])
def test_models_that_would_count_creatinine_twice_are_told_nothing(name):
    with pytest.raises(InputError, match=r"no model here has a filtration.*gentamicin_bijleveld_2017"):
        ask(name, given(*RISING), "filter")


def test_ibuprofen_acts_through_creatinine_where_the_drug_has_no_effect_of_its_own():
    """Not taken out of the course as it is for amikacin, whose model has ibuprofen as a covariate."""
    plain, under = (ask(NAMES[0], given(*FALLING[:1], flags=f), "filter") for f in ((), ("IBU",)))
    first = [{c.name: c.value for c in a.asked.covariates if c.name.startswith("KIDNEY")} for a in (plain, under)]
    assert set(first[0]) == set(first[1])
    mean = min(first[0], key=len)
    assert first[1][mean] != first[0][mean]


def test_what_it_expects_is_shown_as_for_any_drug():
    a = ask(NAMES[0], given(*RISING), "filter")
    assert isinstance(a.outlooks[0], KidneyOutlook)
    assert a.outlooks[0].GFR.shape == (4, 5)
    assert (np.diff(a.outlooks[0].GFR, axis=1) > 0).all()
    text = " ".join(a.forecasts[0].lines)
    assert "Creatinine expected in 24 h" in text
    assert "Filtration on the day that starts then" in text
