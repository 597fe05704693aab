"""Orders fitted to a ward's medication rounds, judged on the twin; wards without rounds; a week of the ward's own tablets."""

import json
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from tests.scenarios.runner import asked_of

from dosetwin import formulary, models, read_case
from dosetwin.advise import Question, advise
from dosetwin.declare.rounds import Rounds
from dosetwin.errors import InputError
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.io.wards import read_wards

BERLIN = Rounds("NICU", (0, 360, 720, 1080), "Europe/Berlin")


@pytest.fixture(scope="module")
def told():
    newborn = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))

    def asked(rounds):
        therapy = replace(AMIKACIN_NEONATE, rounds=rounds)
        question = Question(therapy, (models.load("amikacin_neonate"),), now=newborn.as_of, seed=1, draws=200, sensitivity=False)
        return advise(newborn, question).recommendation

    return asked


def test_an_order_is_moved_to_a_round_and_the_cost_is_that_of_the_twin(told):
    plain, moved = told(None), told(BERLIN)
    said = moved.given["rounds"]
    assert "rounds" not in plain.given
    assert datetime.fromisoformat(moved.regimen.first_at).astimezone(ZoneInfo("Europe/Berlin")).hour % 6 == 0
    assert said["from"] == plain.regimen.first_at
    assert said["to"] == moved.regimen.first_at
    top = next(c for c in moved.candidates if c.regimen == moved.regimen)
    before = next(c for c in plain.candidates if c.regimen == plain.regimen)
    assert said["loss"] == [pytest.approx(before.loss, abs=1e-4), pytest.approx(top.loss, abs=1e-4)]
    assert said["joint"][1] == pytest.approx(top.joint, abs=1e-4) == pytest.approx(moved.how_sure["joint"], abs=1e-4)
    assert said["loss"][1] <= said["loss"][0] + AMIKACIN_NEONATE.tie_loss
    assert next(r.value for r in moved.reasons if r.code == "p_joint") == pytest.approx(top.joint, abs=1e-4)
    assert top.acceptable
    assert said["off"] == []
    assert "round of NICU" in said["words"]


@pytest.mark.parametrize(
    ("rounds", "why"),
    [
        (Rounds("NICU"), "NICU names no rounds: times are counted from the last dose"),
        (Rounds("NICU", (1170,), "UTC"), "is within 6 h"),  # 19:30, due at 12:00
        (Rounds("NICU", (360,), "UTC"), "inside the limits at no more loss"),  # six hours early: the trough is too high then
    ],
)
def test_what_cannot_keep_a_round_keeps_its_time_and_says_why(told, rounds, why):
    plain, fallen_back = told(None), told(rounds)
    assert fallen_back.regimen == plain.regimen
    assert why in fallen_back.given["rounds"]["words"]


def test_a_first_dose_does_not_wait_for_a_round():
    newborn = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))
    untreated = replace(newborn, doses=(), observations=())
    therapy = replace(AMIKACIN_NEONATE, rounds=BERLIN)
    asked = Question(therapy, (models.load("amikacin_neonate"),), now=newborn.as_of, seed=1, draws=100, sensitivity=False)
    assert "does not wait" in advise(untreated, asked).recommendation.given["rounds"]["words"]


def test_rounds_follow_the_wards_clock_over_a_change_of_the_clocks():
    origin = datetime.fromisoformat("2026-03-28T12:00:00+01:00")  # the clocks go forward on the 29th
    found = BERLIN.between(origin, 0.0, 24.0)
    assert found == (0.0, 6.0, 12.0, 17.0, 23.0)
    assert BERLIN.clock(origin, 17.0) == "06:00"
    assert BERLIN.on(origin, 23.0)
    assert not BERLIN.on(origin, 24.0)


def test_the_wards_file_names_rounds_and_tablets(tmp_path):
    file = tmp_path / "wards.toml"
    file.write_text('[A]\nrounds = ["18:00", "06:00"]\ntime_zone = "Europe/Berlin"\n[A.warfarin]\ntablets = ["5 mg"]\n'
                    '[B.warfarin]\ntablets = ["3 mg", "5 mg"]\nhalves = false\n[C]\n')  # fmt: skip
    wards = read_wards(file, "UTC")
    a, b, c = (wards[n].therapy(formulary.therapy("warfarin_inr")) for n in "ABC")
    assert a.rounds == Rounds("A", (360, 1080), "Europe/Berlin")
    assert c.rounds == Rounds("C", (), "UTC")
    assert a.menu.days == (2.5, 5.0, 7.5, 10.0, 12.5, 15.0)
    assert b.menu.days == (3.0, 5.0, 6.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0)
    assert c.menu == formulary.therapy("warfarin_inr").menu
    assert c.drug == formulary.drug("warfarin")
    for t in (a, b, c):
        kept = json.loads(json.dumps(t.to_json()))
        again = formulary.therapy_from_json(kept)
        assert (again.menu, again.rounds, again.drug.tablets, again.drug.halves) == (
            t.menu,
            t.rounds,
            t.drug.tablets,
            t.drug.halves,
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[A]\nrounds = ["25:00"]', "not a time of the day"),
        ('[A]\nrounds = ["0600Z"]', "not a time of the day"),
        ('[A]\nrounds = ["06+01"]', "not a time of the day"),
        ('[A]\nrounds = ["6:00"]', "not a time of the day"),
        ('[A]\nrounds = ["06:00", "06:00"]', "a round twice"),
        ('[A]\nrounds = "06:00"', "not a list"),
        ('[A]\ntime_zone = "Europe/Nowhere"', "not a time zone"),
        ('[A.warfarin]\ntablets = ["5000 mg"]', "unit must be another"),
        ('[A.warfarin]\ntablets = ["5 mg/mL"]', "not a tablet"),
        ('[A.warfarin]\nhalves = "yes"', "halved or not"),
        ('[A.amikacin]\ntablets = ["5 mg"]', "nothing of it comes in whole pieces"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path, text, said):
    file = tmp_path / "wards.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_wards(file)


def test_a_week_is_made_of_the_wards_tablets_and_rounding_them_is_judged(tmp_path):
    file = tmp_path / "wards.toml"
    file.write_text('[A]\nrounds = ["18:00"]\n[A.warfarin]\ntablets = ["5 mg"]\nhalves = false\n')
    timeline, question = asked_of("warfarin_day_4")
    ward = read_wards(file)["A"].therapy(question.therapy)
    rec = advise(timeline, replace(question, therapy=ward, draws=100)).recommendation
    assert set(rec.regimen.week) <= {0.0, 5.0, 10.0, 15.0}
    assert all(t["words"].endswith("of 5 mg") for t in rec.given["doses"])
    assert rec.given["said"] == "tablets as A has them"
    cost = rec.given["rounding"]
    assert cost["unit"] == "mg a week"
    assert cost["given"] == sum(rec.regimen.week)
    assert cost["loss"][0] <= cost["loss"][1]
    assert "18:00 round of A" in rec.given["rounds"]["words"] or "no round of A" in rec.given["rounds"]["words"]
