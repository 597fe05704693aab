"""A level far from the prior: both explanations told, the order judged on both, the dose held until a level settles it."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from decide.babies import baby
from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.advise.hold import RESULT_H
from dosetwin.cli.advise import answered, moment, opened
from dosetwin.decide.recommendation import Recommendation
from dosetwin.records import Observation, Timeline

FLAGSHIP = models.load("amikacin_neonate")
POLICY = formulary.therapy("amikacin_neonate")
UMOL = 88.4
CALM = ((0.0, 80.0), (28.0, 85.0))
RISING = ((0.0, 80.0), (28.0, 140.0), (46.0, 190.0))


def course(*troughs: tuple[float, float], creatinine=CALM) -> Timeline:
    """34 weeks, 2.2 kg, one dose of 33 mg, a peak of 29 mg/L; then ``troughs`` (h, mg/L) and creatinines (h, umol/L)."""
    given = baby(GA=34.0, BW=2.2, PNA=1.0, doses=((0.0, 33.0),), levels=((1.0, 29.0), *troughs))
    return given.append(
        *(Observation(t, "SCR", v / UMOL, "mg/dL", assay="enzymatic", record=f"creatinine at {t:g}") for t, v in creatinine)
    )


def ask(given: Timeline, now: float, seed: int = 1, draws: int = 200, **more) -> Advice:
    asked = {"models": (FLAGSHIP,), "now": now, "seed": seed, "draws": draws, "sensitivity": False} | more
    return advise(given, Question(POLICY, **asked))


def typical_clearance() -> float:
    return ask(course(creatinine=()), 36.0).recommendation.parameters["CL"][1]


@pytest.fixture(scope="module")
def eleven() -> Recommendation:
    return ask(course((35.5, 11.0)), 36.0).recommendation


def test_the_believed_clearance_falls_on_as_the_trough_rises():
    """Trough 10 told -55 %, 11 told -6 %: setting a level aside made the patient look well."""
    found = [ask(course((35.5, t)), 36.0).recommendation for t in (4.0, 7.0, 10.0, 11.0, 12.0, 15.0, 20.0)]
    clearance = [r.parameters["CL"][1] for r in found]
    assert all(b <= a * 1.005 for a, b in pairwise(clearance))
    assert clearance[3] < 0.5 * typical_clearance()


def test_a_lone_doubted_level_holds_the_dose_and_says_what_follows(eleven):
    assert (eleven.status, eleven.hold, eleven.regimen) == ("caution", True, None)
    (doubted,) = eleven.doubted_records
    assert doubted.record == "level 2"
    assert 0.1 < doubted.p_wrong < 0.9
    right, wrong = eleven.reasons[:2]
    assert (right.code, wrong.code) == ("level_if_right", "level_if_wrong")
    plan = eleven.hold_plan
    assert plan is not None
    assert plan.if_confirmed is None, "with a level that high no dose is due"
    assert plan.if_not is not None
    assert plan.confirms_above is not None
    assert 2.0 < plan.confirms_above < 11.0
    words = eleven.hold_reason
    for said in ("do not give the next dose now", f"take a level at {plan.sample_at}", "if it confirms", "if it does not"):
        assert said in words
    assert (
        words.index("do not give") < words.index("take a level") < words.index("if it confirms") < words.index("if it does not")
    )


def test_what_is_planned_waits_for_the_result(eleven):
    plan = eleven.hold_plan
    assert plan is not None
    given = course((35.5, 11.0))
    from datetime import datetime

    sampled, dosed = (given.at(datetime.fromisoformat(str(x))) for x in (plan.sample_at, plan.if_not.first_at))
    assert sampled >= 36.0
    assert dosed >= sampled + RESULT_H - 1e-6


def test_nothing_that_harms_if_the_level_is_right_is_acceptable(eleven):
    """Every row is judged under both explanations; under the mixture alone some would pass."""
    assert not any(c.acceptable for c in eleven.candidates)
    assert any("if the doubted record is right" in r.text for c in eleven.candidates for r in c.unmet)


@pytest.mark.parametrize("seed", range(2, 8))
def test_no_seed_changes_the_verdict(seed, eleven):
    found = ask(course((35.5, 11.0)), 36.0, seed).recommendation
    assert (found.status, found.hold) == (eleven.status, eleven.hold)
    assert found.doubted_records == eleven.doubted_records
    assert found.parameters["CL"][1] == pytest.approx(eleven.parameters["CL"][1], rel=0.08), "200 draws"


@pytest.mark.slow
@pytest.mark.parametrize("troughs", [((35.5, 10.0),), ((35.5, 11.0),), ((35.5, 12.0), (47.5, 9.0))], ids=["10", "11", "12, 9"])
def test_twenty_seeds_give_one_verdict(troughs):
    now = troughs[-1][0] + 0.5
    found = [ask(course(*troughs), now, seed, draws=1000).recommendation for seed in range(1, 21)]  # the command's default
    assert len({(r.status, r.hold, r.hold_plan.if_not is None if r.hold_plan else None) for r in found}) == 1
    middle = [r.parameters["CL"][1] for r in found]
    assert max(middle) < 1.05 * min(middle)


def test_repeated_agreeing_levels_are_believed():
    found = ask(course((35.5, 12.0), (47.5, 9.0)), 48.0).recommendation
    assert found.doubted_records == ()
    assert found.parameters["CL"][1] < 0.45 * typical_clearance()
    assert (found.status, found.hold) == ("refuse", True)
    assert any(r.code == "patient_unlike" for r in found.reasons)
    assert found.told["kidney"]["injury"]["p"] > 0.9


def test_levels_and_creatinine_that_agree_make_an_injury():
    found = ask(course((35.5, 12.0), (47.5, 9.5), (59.5, 8.0), creatinine=RISING), 60.0).recommendation
    assert not [d for d in found.doubted_records if "level" in d.record]
    assert found.parameters["CL"][1] < 0.4 * typical_clearance()
    assert found.hold
    assert found.status != "recommend"
    assert found.told["kidney"]["injury"]["p"] > 0.9


def test_a_clearance_down_by_half_never_stands_beside_no_injury():
    for trough in (9.0, 11.0, 15.0, 30.0):
        found = ask(course((35.5, trough)), 36.0).recommendation
        by = found.told["kidney"]["injury"]["by_clearance"]
        if by["ratio"][1] <= by["below"]:
            assert (by["p"] if by["p_if_right"] is None else by["p_if_right"]) >= 0.5
            assert found.status != "recommend"
            assert found.hold


def test_an_injury_is_as_likely_as_the_level_that_tells_of_it():
    """A level in doubt counts by its probability of being right: one that is all but certainly wrong makes no injury."""
    for trough in (11.0, 15.0, 30.0):
        found = ask(course((35.5, trough)), 36.0).recommendation
        by = found.told["kidney"]["injury"]["by_clearance"]
        right = 1.0 - found.doubted_records[0].p_wrong
        assert by["p_if_right"] > 0.9
        assert by["p"] <= right + 0.06
        assert by["p"] >= right * by["p_if_right"] - 0.06
    assert found.told["kidney"]["injury"]["p"] < 0.1
    assert not found.told["kidney"]["injury"]["warns"]
    assert found.hold


def test_a_doubt_that_a_later_level_has_settled_holds_nothing():
    usual = float(ask(course(creatinine=()), 36.0).recommendation.candidates[0].median["trough_pre"])
    found = ask(course((23.0, 60.0), (35.5, max(usual, 1.0))), 36.0).recommendation
    assert found.doubted_records[0].p_wrong > 0.9
    assert found.status in ("recommend", "caution")
    assert found.regimen is not None
    assert not any(r.code == "safe_under_neither" for r in found.reasons)


def test_a_likely_injury_downgrades_the_advice_and_asks_for_a_level_before_the_dose():
    """A term baby who still clears enough for a dose, with a creatinine that has more than doubled."""
    given = baby(GA=39.0, BW=3.3, PNA=9.0, doses=((0.0, 50.0),))
    given = given.append(
        *(Observation(t, "SCR", v, "mg/dL", assay="enzymatic") for t, v in ((2.0, 0.35), (12.0, 0.5), (23.5, 0.75)))
    )
    found = ask(given, 24.0).recommendation
    assert found.told["kidney"]["injury"]["warns"]
    assert (found.status, found.hold) == ("caution", True)
    assert found.regimen is not None
    assert found.next_sample is not None
    assert found.next_sample.worth
    assert str(found.next_sample.at) <= str(found.regimen.first_at)
    assert any(r.code == "kidney_injury_likely" for r in found.reasons)


def test_the_first_dose_is_not_held_for_an_injury():
    """Nothing was given yet: a level would be zero, and sepsis does not wait."""
    given = baby(GA=39.0, BW=3.3, PNA=9.0)
    given = given.append(
        *(Observation(t, "SCR", v, "mg/dL", assay="enzymatic") for t, v in ((2.0, 0.35), (12.0, 0.5), (23.5, 0.75)))
    )
    found = ask(given, 24.0).recommendation
    assert (found.status, found.hold) == ("caution", False)
    assert found.regimen is not None


def test_a_calm_answer_holds_nothing_and_has_the_contracts_fields():
    body = ask(course((35.5, 2.0)), 36.0).recommendation.to_json()
    assert (body["status"], body["hold"], body["hold_reason"], body["hold_plan"]) == ("recommend", False, "", None)
    assert body["doubted_records"] == []
    low, middle, high = body["parameters"]["CL"]
    assert 0 < low < middle < high


def test_swapped_levels_are_told_as_one_thing():
    """A peak of 2 mg/L and a trough of 29: not two wrong records, nor a baby like no other, but two labels exchanged."""
    given = baby(GA=34.0, BW=2.2, PNA=1.0, doses=((0.0, 33.0),), levels=((1.0, 2.0), (35.5, 29.0)))
    advice = ask(given, 36.0)
    rec = advice.recommendation
    swapped, *others = [r for r in rec.reasons if r.code.startswith("level")]
    assert (swapped.code, others) == ("levels_swapped", [])
    assert isinstance(swapped.value, float)
    assert swapped.value > 0.95
    what = "the levels of 2026-03-02T09:00:00+00:00 and 2026-03-03T19:30:00+00:00 may have been swapped"
    assert swapped.text.startswith(what)
    assert "clearance is then 0.09" in swapped.text, "what a peak of 29 and a trough of 2 tell"
    assert [d.record for d in rec.doubted_records] == ["level 1", "level 2"]
    assert (rec.status, rec.hold) == ("caution", True)
    assert f"{what} with a probability of " in rec.hold_reason
    assert rec.hold_plan is not None
    assert rec.hold_plan.if_not is not None, "if they were swapped the baby is like others and can be dosed"
    said = [f for f in rec.findings if f.code == "levels_swapped"]
    assert [f.record for f in said] == ["level 1"]


def test_a_hold_survives_json(eleven):
    text = json.dumps(eleven.to_json(), allow_nan=False)
    assert Recommendation.from_json(json.loads(text)).to_json() == eleven.to_json()


def test_parameters_of_several_models_are_pooled():
    decock = models.load("amikacin_decock_2012")
    found = ask(course((35.5, 2.0)), 36.0, models=(FLAGSHIP, decock)).recommendation
    alone = [ask(course((35.5, 2.0)), 36.0, models=(m,)).recommendation.parameters["CL"][1] for m in (FLAGSHIP, decock)]
    assert min(alone) * 0.99 <= found.parameters["CL"][1] <= max(alone) * 1.01
    assert {"GFR", "CL"} <= set(found.parameters)


def test_a_recommendation_that_contradicts_itself_cannot_be_made(eleven):
    with pytest.raises(ValueError, match="a hold says why"):
        replace(eleven, hold_reason="")
    with pytest.raises(ValueError, match="holds nothing"):
        replace(eleven, status="recommend")
    with pytest.raises(ValueError, match="a caution has one or a plan"):
        replace(eleven, hold_plan=None)


def advised(shared: Path, case: str) -> Recommendation:
    file = shared / "faults" / "twin" / f"{case}.json"
    timeline, question = opened(file, drug="amikacin")
    asked = replace(question, now=moment(timeline, None, case)[0], seed=1, draws=200, sensitivity=False)
    return answered(file, timeline, asked).recommendation


@pytest.mark.parametrize(("case", "status"), [("A23wk", "caution"), ("B40cool", "recommend")])
def test_the_first_doses_from_outside_reach_the_peak(shared: Path, case: str, status: str):
    """23 weeks, and term under cooling: the first peak lay in its window with a chance of 53 and 62 %. At 23 weeks all targets
    together are met with less than one chance in four, which is told with caution."""
    rec = advised(shared, case)
    assert (rec.status, rec.hold, rec.doubted_records) == (status, False, ())
    assert (rec.how_sure["joint"] < 0.25) == (status == "caution")
    assert rec.regimen is not None
    assert (rec.regimen.loading_mg or 0.0) > rec.regimen.amount_mg
    assert rec.readings["peak_next"]["p_goal"] > 0.8


def test_an_asphyxia_of_long_ago_lowers_no_dose(shared: Path):
    """Day 21 with a normal creatinine: once 22 % less than for any other baby."""
    once, never = (advised(shared, case).regimen for case in ("H-asph", "H-no"))
    assert once is not None
    assert never is not None
    assert once.interval_h == never.interval_h
    assert once.amount_mg == pytest.approx(never.amount_mg, rel=0.03), "what 200 draws may differ by"


@pytest.mark.parametrize(
    ("case", "status", "most"),
    [("F-tr10", "caution", 0.5), ("F-tr11", "caution", 0.5), ("F-two", "refuse", 0.4), ("F-twoscr", "refuse", 0.4),
     ("F-three", "refuse", 0.4), ("D28ris", "refuse", 0.5)],
)  # fmt: skip
def test_the_cases_from_outside(shared: Path, case: str, status: str, most: float):
    rec = advised(shared, case)
    assert (rec.status, rec.hold) == (status, True)
    fall = rec.told["kidney"]["injury"]["by_clearance"]
    assert fall["ratio"][1] < most
    assert rec.told["kidney"]["injury"]["warns"]
    assert rec.hold_plan is not None
    assert rec.next_sample is not None
    assert rec.next_sample.at == rec.hold_plan.sample_at
    if status == "refuse" and rec.hold_plan.safe_at is not None:
        assert str(rec.hold_plan.sample_at) <= str(rec.hold_plan.safe_at), "the level comes before the dose that waits for it"
    if case == "D28ris":
        assert rec.hold_plan.safe_at is None, "once the level is low enough, a dose would still lift it too high"
    assert np.isfinite(rec.parameters["CL"]).all()
    if case not in ("F-tr10", "F-tr11"):  # levels and creatinines agree, or the kidney in use follows them: nothing is wrong
        assert rec.doubted_records == ()
