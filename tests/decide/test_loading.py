"""A first dose unlike the later ones: what it exposes to, which limits it keeps, when it is advised, how it is said."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest

from decide.babies import baby, preterm
from dosetwin import models
from dosetwin.advise import Question, advise
from dosetwin.decide.limits import broken
from dosetwin.decide.plans import Plan, first_doses
from dosetwin.decide.readings import Responses, expose
from dosetwin.decide.recommendation import Recommendation, coming_mg, order
from dosetwin.decide.search import choose, score
from dosetwin.declare.menu import Situation
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE as POLICY
from dosetwin.records import Every
from dosetwin.report import narrative
from dosetwin.serve.cds.cards import order_card
from dosetwin.serve.fhir.resources import Issued, medication_request


def draws_of(model, n=30, occasions=1):
    omega = model.omega_for(occasions)
    return np.random.default_rng(3).multivariate_normal(np.zeros(len(omega)), omega, n)


def test_doses_of_a_regimen_with_a_loading_dose():
    r = Every(10.0, 24.0, 0.5, 2.0, loading=15.0, wait=36.0)
    assert [(d.time, d.amount) for d in r.doses(90.0)] == [(2.0, 15.0), (38.0, 10.0), (62.0, 10.0), (86.0, 10.0)]
    assert [(d.time, d.amount) for d in Every(10.0, 24.0, 0.5, loading=15.0).doses(30.0)] == [(0.0, 15.0), (24.0, 10.0)]


@pytest.mark.parametrize("name", ["amikacin_decock_2012", "amikacin_neonate"])
@pytest.mark.parametrize("given", [(), ((0.0, 17.5),)])
def test_superposition_is_brute_force(name, given):
    """Also when the plans without a loading dose were asked for before, and whatever the interval after it."""
    model, timeline = models.load(name), baby(flags=("IBU",), doses=given)
    at, draws = 24.0, draws_of(models.load(name))
    shapes = ((24.0, None), (36.0, None), (36.0, 48.0), (48.0, 60.0))
    plain = [Plan(Every(a, tau, 0.5, at), a / 1.1) for tau, _ in shapes for a in (12.0, 16.0)]
    loaded = [Plan(Every(a, tau, 0.5, at, loading=load, wait=wait), a / 1.1)
              for tau, wait in shapes for a, load in ((12.0, 18.0), (10.0, 13.0))]  # fmt: skip
    asked = Responses(model, timeline, draws, POLICY)
    asked.of(plain)
    fast, at_once = asked.of(loaded), expose(model, timeline, loaded, draws, POLICY)[0]
    slow, _ = expose(model, timeline, loaded, draws, POLICY, brute=True)
    assert fast.values.keys() == slow.values.keys()
    for key in slow.values:
        np.testing.assert_allclose(fast.values[key], slow.values[key], rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(at_once.values[key], slow.values[key], rtol=1e-8, atol=1e-9)


def test_a_first_dose_by_itself_is_the_coming_dose_of_any_plan_that_begins_with_it():
    model, timeline = models.load("amikacin_neonate"), baby()
    draws = draws_of(model)
    firsts = first_doses(POLICY, Situation(24.0, 1.1, origin=timeline.origin))[::5]
    asked = Responses(model, timeline, draws, POLICY)
    whole = asked.of([Plan(replace(p.order, amount=9.0, interval=48.0, loading=p.order.amount, wait=p.order.interval), 8.2)
                      for p in firsts])  # fmt: skip
    alone = asked.alone(firsts)
    for key in (("peak", "next"), ("trough", "next"), ("auc24", "next")):
        np.testing.assert_allclose(alone.values[key], whole.values[key], rtol=1e-8)


@pytest.mark.parametrize(
    ("regimen", "more", "codes"),
    [
        (Every(12.0, 36, 0.5, loading=16.0), {}, set()),
        (Every(12.0, 48, 0.5, loading=16.0, wait=60.0), {}, set()),
        (Every(12.0, 48, 0.5, loading=16.0, wait=62.0), {}, {"loading_interval"}),
        (Every(12.0, 60, 0.5, loading=16.0), {}, {"interval_range"}),
        (Every(12.0, 36, 0.5, loading=21.0), {}, {"dose_range"}),
        (Every(6.0, 36, 0.5, loading=11.0), {}, {"dose_range"}),
        (Every(7.5, 24, 0.5, loading=16.0), {}, {"change_per_step"}),  # from the loading dose to the maintenance dose
        (Every(12.0, 36, 0.5, 24.0, loading=16.0), {"previous_amount": 10.0, "last_dose": 0.0}, {"change_per_step"}),
        (Every(12.0, 36, 0.5, 24.0, loading=15.0), {"previous_amount": 10.0, "last_dose": 0.0}, set()),
        (Every(12.0, 12, 0.5, loading=14.0), {}, {"daily_dose"}),
        (Every(12.0, 36, 0.5, loading=16.07), {}, {"syringe"}),
        (Every(12.0, 36, 0.5, -1.0, loading=16.0), {}, {"not_in_the_past"}),
    ],
)
def test_both_doses_keep_the_limits(regimen, more, codes):
    found = broken(regimen, POLICY, Situation(0.0, 1.0, **more))
    assert {r.code for r in found} == codes


def test_a_policy_without_a_limit_of_its_own_holds_the_loading_interval_to_the_ordinary_one():
    old = replace(POLICY, limits=tuple(x for x in POLICY.limits if x.code != "loading_interval"))
    longer = Every(12.0, 48, 0.5, loading=16.0, wait=60.0)
    assert {r.code for r in broken(longer, old, Situation(0.0, 1.0))} == {"interval_range"}


def test_the_first_peak_of_a_course_counts_on_its_own():
    model, timeline = models.load("amikacin_neonate"), baby()
    plans = [Plan(Every(a, 48.0, 0.5, 0.0), a / 1.1) for a in (9.0, 17.0)]
    found, _ = expose(model, timeline, plans, draws_of(model, 200), POLICY)
    usual, first = score(found, POLICY.goals), score(found, POLICY.goals, first=True)
    window = next(t for t in POLICY.goals if t.code == "peak_window")
    missed = window.miss(found.values["peak", "next"]) @ found.weights
    np.testing.assert_allclose(first.loss - usual.loss, missed * (window.first_weight - window.weight / 3), rtol=1e-9)
    np.testing.assert_allclose(first.coming - usual.coming, first.loss - usual.loss, rtol=1e-9)


def test_one_amount_goes_before_two_and_two_before_a_longer_wait_where_nothing_is_gained():
    plans = [
        Plan(Every(13.0, 48, 0.5, loading=15.0, wait=60.0), 13.0),
        Plan(Every(13.0, 48, 0.5, loading=15.0), 13.0),
        Plan(Every(13.25, 48, 0.5), 13.25),
    ]
    values = {(m, d): np.full((3, 50), v) for m, v in (("peak", 29.0), ("trough", 1.0), ("auc24", 200.0))
              for d in ("next", "second", "last")}  # fmt: skip
    from dosetwin.decide.search import Exposures

    scores = score(Exposures(values, np.full(50, 0.02), 50.0), POLICY.goals)
    assert choose(plans, scores, POLICY.goals, 0.02).chosen == 2
    scores.loss[2] += 1.0
    scores.draws[2] += 1.0
    assert choose(plans, scores, POLICY.goals, 0.02).chosen == 1


FLAGSHIP = models.load("amikacin_neonate")


def asked(timeline, now, **more):
    question = Question(POLICY, (FLAGSHIP,), now=now, seed=1, told="mechanistic", sensitivity=False)
    return advise(timeline, replace(question, **more)).recommendation


EXTREME = baby(23.0, 0.5, 0.3)
COOLED = baby(40.0, 3.5, 0.5, flags=("ASPHYXIA", "COOLING"))


@pytest.mark.parametrize("timeline", [EXTREME, COOLED], ids=["23 weeks", "cooled at term"])
def test_where_clearance_is_low_the_first_dose_reaches_its_peak_and_the_trough_still_holds(timeline):
    found = asked(timeline, 0.0)
    r, chosen = found.regimen, found.candidates[0]
    weight = timeline.series("WT")[0][1]
    assert r.loading_mg is not None
    assert chosen.loading_mg_per_kg == pytest.approx(r.loading_mg / weight, abs=1e-3)
    assert r.loading_mg >= 1.1 * r.amount_mg
    assert chosen.p("peak_window", "next") >= 0.8
    assert chosen.p("trough_toxic", "next") >= 0.9
    alone = [c for c in found.candidates if c.regimen.loading_mg is None and c.acceptable]
    assert all(chosen.loss < c.loss - POLICY.tie_loss for c in alone)
    assert any(c.regimen.loading_mg is None for c in found.candidates)


def test_a_baby_who_gains_nothing_by_a_loading_dose_gets_one_amount():
    found = asked(baby(40.0, 3.5, 2.0), 0.0)
    assert found.regimen.loading_mg is None
    regimen = found.to_json()["regimen"]
    assert set(regimen) == {"amount_mg", "interval_h", "infusion_h", "first_at"}


def test_on_doses_the_interval_after_the_coming_dose_is_that_of_the_others():
    found = asked(preterm(), 26.0)
    loaded = [c for c in found.candidates if c.regimen.loading_mg is not None]
    assert all(c.regimen.loading_interval_h == c.regimen.interval_h for c in loaded)
    assert any(c.regimen.loading_mg is None for c in found.candidates)


@pytest.fixture(scope="module")
def loaded():
    return asked(EXTREME, 0.0)


def test_it_survives_json_and_is_said_whole(loaded):
    data = loaded.to_json()
    assert Recommendation.from_json(json.loads(json.dumps(data))) == loaded
    r = loaded.regimen
    assert order(data["regimen"]) == order(r)
    assert order(r).startswith(f"loading dose {r.loading_mg:g} mg, after {r.loading_interval_h:g} h {r.amount_mg:g} mg every ")
    assert coming_mg(data["regimen"]) == r.loading_mg
    line = narrative.headline(loaded, "amikacin")
    assert line.startswith(f"loading dose {r.loading_mg:g} mg amikacin (")
    assert f"after {r.loading_interval_h:g} h {r.amount_mg:g} mg (" in line


def test_the_draft_order_has_both_doses_and_agrees_with_the_advice(loaded):
    issued = Issued("a1", "2026-03-02T08:00:00+00:00", "amikacin", "Patient/1", loaded.to_json(), "0" * 64)
    draft = medication_request(issued)
    MedicationRequest.model_validate(draft)
    one, then = draft["dosageInstruction"]
    r = loaded.regimen
    assert (one["sequence"], then["sequence"]) == (1, 2)
    assert one["doseAndRate"][0]["doseQuantity"]["value"] == r.loading_mg
    assert then["doseAndRate"][0]["doseQuantity"]["value"] == r.amount_mg
    assert one["timing"]["repeat"]["count"] == 1
    assert then["timing"]["repeat"]["period"] == r.interval_h
    begins = [x["timing"]["repeat"]["boundsPeriod"]["start"] for x in (one, then)]
    assert begins[0] == r.first_at
    from datetime import datetime

    apart = datetime.fromisoformat(begins[1]) - datetime.fromisoformat(begins[0])
    assert apart.total_seconds() == r.loading_interval_h * 3600
    assert order_card(issued, draft, None) is None
    forgotten = {**draft, "dosageInstruction": [then]}
    card = order_card(issued, forgotten, None)
    assert "loading dose" in card["summary"]
    unread = {**draft, "dosageInstruction": [{**one, "timing": {"repeat": {}}}, then]}
    assert "not checked" in order_card(issued, unread, None)["summary"]
