"""A strange therapy through choice and page: tablets, one laboratory goal, no weight, no MIC; nothing of newborns shows."""

import re
from dataclasses import replace

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.decide.plans import Plan
from dosetwin.decide.readings import expose
from dosetwin.declare import Between, Everyday, Goal, Limit, Reading, Rule, Sampling, Says, Therapy, Weekly
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline, Week, order_from_json
from dosetwin.report import narrative, readings
from dosetwin.report.page import advice_page
from dosetwin.serve.web.picture import picture
from dosetwin.serve.zone import Zone
from dosetwin.simulate import predict, schedule_for

WARFARIN = models.load("warfarin_hamberg_2010")
MEAN = Reading("INR", "mean", Between(7, 14, "d"))
STRANGE = Therapy(
    "strange", formulary.drug("warfarin"), "made up", (WARFARIN.name,), Weekly((1.0, 9.0), 1.0, apart=1.08),
    (Goal("inr", MEAN, 2.0, 3.0, "1", source="made up"),), (Limit("daily", "dose", None, 8.0, "mg", source="made up"),),
    (Rule("three", "3 mg", "made up", "assumed", (), lambda facts: Says(3.0, 24.0, "everybody", "")),),
    everyday=Everyday(3.0, "mg"), sampling=Sampling((24.0, 72.0), of="INR", learns=("EC50",)), source="made up",
)  # fmt: skip
ADULT = Timeline(
    Patient("adult"), tuple(DoseEvent(24.0 * k, 5.0) for k in range(3)), (Observation(71.0, "INR", 1.4),),
    (Covariate(0.0, "AGE", 70.0), Covariate(0.0, "VKORC1_A", 1.0), Covariate(0.0, "CYP2C9_2", 0.0),
     Covariate(0.0, "CYP2C9_3", 0.0)),
)  # fmt: skip
FLAGSHIP = re.compile(
    r"amikacin|newborn|baby|gestation|\bMIC\b|mg/kg|\bpeak|trough|Cmax|ibuprofen|cooling|kidney|creatinine|weight now|"
    r"birth weight|true weight|microbiology|De Cock|NeoFax|over 0 min", re.IGNORECASE,
)  # fmt: skip


@pytest.fixture(scope="module")
def answer() -> Advice:
    return advise(ADULT, Question(STRANGE, (WARFARIN,), now=71.0, seed=2, draws=120, curves=True))


def test_it_is_advised_in_its_own_terms(answer):
    rec = answer.recommendation
    assert rec.status in ("recommend", "caution")
    assert isinstance(answer.regimen, Week)
    assert rec.regimen.week == answer.regimen.week
    assert order_from_json({**rec.order, "first_at_h": answer.regimen.first_at}).words() == rec.regimen.words
    assert set(rec.readings) == {MEAN.key}
    reading = rec.readings[MEAN.key]
    assert reading["unit"] == "1"
    assert 1.0 < reading["q05"] < reading["q50"] < reading["q95"]
    assert reading["p_goal"] == pytest.approx(rec.how_sure["joint"], abs=1e-3)
    assert rec.candidates[0].mg_per_kg is None
    assert any("three" in c.rules for c in rec.candidates)
    assert {s.code for s in rec.what_would_change_it} >= {"dose_not_taken", "levels_not_hers"}
    assert not any(s.code.startswith(("weight", "creatinine")) for s in rec.what_would_change_it)


def test_nothing_of_the_flagship_is_said(answer):
    rec = answer.recommendation
    said = [narrative.headline(rec, "warfarin"), *(narrative.sentence(r, STRANGE.goals) for r in rec.reasons),
            *readings.how_sure(rec.how_sure, STRANGE, "1 INR", WARFARIN), rec.next_sample.text,
            *(s.text + s.effect for s in rec.what_would_change_it), *(f.message for f in rec.findings)]  # fmt: skip
    assert not [t for t in said if FLAGSHIP.search(t)]
    assert narrative.headline(rec, "warfarin") == f"warfarin {answer.regimen.words()}"


def test_page_and_ward_page_are_about_what_it_watches(answer):
    page = advice_page(answer, source="x", clock="y")
    text = re.sub(r"<[^>]*>", " ", page[page.index("<body") :])
    found = {m[0] for m in FLAGSHIP.finditer(text)} - {"kidney"}
    assert not found
    assert "mean INR from day 7 to 14" in text
    data = picture(answer, Zone("UTC"))
    assert data["charts"]["level"].title == "INR level" or "INR" in data["charts"]["level"].title
    assert data["whatif"] is None


def test_a_reading_over_days_is_what_the_engine_predicts():
    order = Week((5.0, 5.0, 2.0, 5.0, 5.0, 2.0, 5.0), 72.0, 3)
    draws = np.random.default_rng(1).standard_normal((5, 3)) * 0.2
    found, _ = expose(WARFARIN, ADULT, [Plan(order, None)], draws, STRANGE)
    times = np.linspace(72.0 + 7 * 24, 72.0 + 14 * 24, 4001)
    value = predict(WARFARIN, schedule_for(WARFARIN, ADULT, times, extra_doses=order.doses(times[-1])), draws).value[:, :, 1]
    want = np.trapezoid(value, times, axis=1) / (times[-1] - times[0])
    np.testing.assert_allclose(found.values[MEAN.key, "course"][0], want, rtol=2e-4)


def test_a_goal_nobody_can_reach_is_a_refusal_that_says_what_would_help():
    high = replace(STRANGE.goals[0], low=30.0, high=31.0, min_probability=0.5, help="another laboratory")
    rec = advise(ADULT, Question(replace(STRANGE, goals=(high,)), (WARFARIN,), now=71.0, seed=2, draws=100)).recommendation
    assert rec.status == "refuse"
    assert rec.order == {}
    assert [r.text for r in rec.reasons if r.code == "what_would_help"] == ["another laboratory"]


def test_a_drug_whose_effect_is_measured_and_no_dose_of_it_is_not_begun():
    none = replace(ADULT, doses=tuple(DoseEvent(24.0 * k, 320.0, 0.5, drug="gentamicin") for k in range(3)))
    question = Question(STRANGE, (WARFARIN,), now=71.0, seed=2, draws=100)

    def asked(INR: float, facts: Timeline = none):
        return advise(replace(facts, observations=(Observation(71.0, "INR", INR, record="INR"),)), question).recommendation

    rec = asked(3.1)
    found = [f for f in rec.findings if f.code == "not_on_this_drug"]
    assert rec.status == "refuse"
    assert rec.regimen is None
    assert rec.hold
    assert [(f.severity, f.record, f.value) for f in found] == [("error", "INR", 3.1)]
    assert "no dose of warfarin is recorded (gentamicin is)" in found[0].message
    assert found[0].message in rec.hold_reason
    assert any(r.code == "what_would_help" and "enter the doses of warfarin" in r.text for r in rec.reasons)
    assert not any(r.code == "safe_under_neither" for r in rec.reasons)
    assert not any(c.acceptable for c in rec.candidates)
    first = asked(1.0)
    assert first.status == "recommend"
    assert not [f for f in first.findings if f.code == "not_on_this_drug"], "a first dose after a usual INR"
    alone = asked(3.1, replace(none, doses=()))
    assert (alone.status, alone.regimen) == ("refuse", None)
    assert "recorded, and the INR of 3.1" in alone.hold_reason
