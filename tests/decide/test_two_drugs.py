"""Two drugs in one newborn: a question about one sees the other's doses, warns of what both do together, may be told of it."""

from dataclasses import replace

import numpy as np
import pytest

from decide.babies import preterm
from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.advise.curves import parameters_of
from dosetwin.declare.told import Course
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.records import Covariate, DoseEvent, Timeline

GENTAMICIN = replace(AMIKACIN_NEONATE, drug=formulary.drug("gentamicin"), rules=())


def beside(*doses: tuple[float, float], drug: str = "vancomycin", of: str = "amikacin") -> Timeline:
    facts = replace(preterm() if of == "amikacin" else preterm(doses=((0.0, 5.0),), levels=()), drug=of)
    return facts.append(*(DoseEvent(t, mg, 1.0, drug=drug, record=f"{drug} at {t:g}") for t, mg in doses))


def ask(facts: Timeline, model: str = "amikacin_neonate", therapy=AMIKACIN_NEONATE, **changes) -> Advice:
    question = Question(therapy, (models.load(model),), now=24.0, seed=3, draws=150, sensitivity=False)
    return advise(facts, replace(question, **changes))


def said(a: Advice) -> list[str]:
    return [f.message for f in a.recommendation.findings if f.code == "interaction_nephrotoxic"]


def test_amikacin_with_vancomycin_is_warned_of_from_either_side():
    alone, both = ask(beside()), ask(beside((0.0, 16.0), (12.0, 16.0)))
    assert not said(alone)
    assert len(said(both)) == 1
    assert said(both)[0].startswith("amikacin and vancomycin are given together: both can harm the kidney")
    found = next(f for f in both.recommendation.findings if f.code == "interaction_nephrotoxic")
    assert "creatinine every day" in found.remedy
    assert "recalled" in found.message, "its source is said"
    assert both.recommendation.candidates == alone.recommendation.candidates, "a warning moves no number"
    other = formulary.together(replace(beside((0.0, 16.0)), drug="amikacin"), "vancomycin", 24.0)
    assert [f.code for f in other] == ["interaction_nephrotoxic"]


def test_the_class_of_the_other_drug_counts_and_not_its_name():
    assert said(ask(beside((0.0, 16.0), of="gentamicin"), "gentamicin_bijleveld_2017", GENTAMICIN))
    assert not said(ask(beside((0.0, 5.0), drug="phenobarbital")))


@pytest.mark.parametrize(
    ("asked", "beside_it", "code"),
    [
        ("warfarin", "fluconazole", "fluconazole_warfarin"),
        ("warfarin", "voriconazole", "voriconazole_warfarin"),
        ("phenytoin", "fluconazole", "fluconazole_phenytoin"),
        ("phenytoin", "amiodarone", "amiodarone_phenytoin"),
        ("voriconazole", "phenytoin", "voriconazole_phenytoin"),
        ("voriconazole", "rifampicin", "voriconazole_inducer"),
        ("theophylline", "fluconazole", "fluconazole_theophylline"),
        ("lithium", "benazepril", "benazepril_lithium"),
    ],
)  # fmt: skip
def test_what_slows_or_speeds_a_narrow_drug_and_no_model_knows_is_warned_of(asked: str, beside_it: str, code: str):
    found = formulary.together(replace(beside((0.0, 16.0), drug=beside_it), drug=asked), asked, 24.0)
    assert f"interaction_{code}" in [f.code for f in found]


def test_anti_inflammatory_drugs_and_platinum_beside_an_aminoglycoside_are_warned_of_once(monkeypatch: pytest.MonkeyPatch):
    found = formulary.together(beside((0.0, 11.0), drug="ibuprofen"), "amikacin", 24.0)
    assert [f.code for f in found] == ["interaction_nephrotoxic_nsaid"], "two codes of one drug are one remark"
    platinum = replace(formulary.drug("dopamine"), name="platinum", atc=("L01XA01",))
    listed = {d.name: d for d in formulary.drugs()} | {"platinum": platinum}
    monkeypatch.setattr("dosetwin.formulary._together._listed", lambda: listed)
    late = beside((-20 * 24.0, 50.0), drug="platinum")
    for drug in ("amikacin", "gentamicin", "tobramycin"):
        assert [f.code for f in formulary.together(replace(late, drug=drug), drug, 24.0)] == ["interaction_nephrotoxic_ototoxic"]
    assert not formulary.together(beside((-40 * 24.0, 50.0), drug="platinum"), "amikacin", 24.0)


def test_a_dose_given_long_ago_or_not_yet_is_not_together():
    old = formulary.together(beside((-40.0, 16.0)), "amikacin", 24.0)
    assert not old
    assert not formulary.together(beside((30.0, 16.0)), "amikacin", 24.0)


def test_the_other_drugs_doses_raise_their_flags_and_are_no_doses_of_this_one():
    facts = beside((0.0, 16.0), (12.0, 16.0), (60.0, 16.0))
    on = [(c.time, c.value) for c in formulary.raised(facts, "amikacin") if c.name == "VANCO"]
    assert on == [(0.0, 1.0), (37.0, 0.0), (60.0, 1.0), (85.0, 0.0)]
    a = ask(facts)
    assert [d.drug for d in a.timeline.doses] == [""]
    assert a.timeline.series("VANCO")[0] == (0.0, 1.0)
    assert not formulary.raised(beside(), "amikacin")
    # two of one class: the flag is on for both
    both = formulary.raised(beside((6.0, 5.0), drug="gentamicin"), "amikacin")
    assert [(c.name, c.time, c.value) for c in both] == [("AMINO", 0.0, 1.0), ("AMINO", 30.5 + 0.5, 0.0)]


def test_a_flag_on_record_stands():
    assert not formulary.raised(beside((0.0, 16.0)).append(Covariate(-5.0, "VANCO", 1.0)), "amikacin")


def test_an_interaction_may_tell_a_model_its_filtration(monkeypatch: pytest.MonkeyPatch):
    """A plain function, registered by channel; clearance follows it one for one. Nobody's numbers: only the way is tried."""

    def halved(timeline: Timeline, model) -> Course:
        assert "vancomycin" in timeline.drugs()
        return Course(np.array([0.0, 12.0]), np.log([1.0, 0.5]), np.array([[0.22, 0.0, 0.0], [0.22, 0.0, 0.0]]))

    real = formulary.drug("vancomycin")
    telling = replace(real, interactions=(replace(real.interactions[0], tells={"filtration": halved}),))
    listed = {d.name: d for d in formulary.drugs()} | {"vancomycin": telling}
    monkeypatch.setattr("dosetwin.formulary._together._listed", lambda: listed)
    facts = beside((0.0, 16.0), of="gentamicin")
    name = "gentamicin_bijleveld_2017"
    plain, told = (ask(f, name, GENTAMICIN, told="mechanistic") for f in (replace(facts, doses=facts.doses[:1]), facts))

    def clearance(a: Advice, at: float) -> float:
        return parameters_of(a.models[0], a.asked, a.beliefs[0].draws, at=at, rule="locf")["CL"][1]

    assert told.models[0].name == f"{name}_kidney"
    assert clearance(told, 36.0) / clearance(told, 6.0) < 0.6
    assert clearance(plain, 36.0) / clearance(plain, 6.0) > 0.95
    # where a kidney reads creatinine it has seen what the two did: nothing is told twice
    assert ask(facts, name, GENTAMICIN, told="filter").outlooks
    assert not [c for c in ask(facts, name, GENTAMICIN, told="filter").asked.covariates if c.record.startswith("interaction")]
