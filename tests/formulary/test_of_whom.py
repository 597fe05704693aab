"""Limits that hold of some patients alone, and bars: what labels say of them."""

import pytest

from dosetwin import formulary
from dosetwin.decide.limits import broken
from dosetwin.declare import Facts
from dosetwin.declare.menu import Situation
from dosetwin.records import DoseEvent, Every, Observation, Patient, Timeline


def codes(therapy: str, amount: float, interval: float, given=(), now: float = 0.0, **facts: float) -> set[str]:
    t = formulary.therapy(therapy)
    last = max(given, default=(None, None))
    where = Situation(now, facts.get("WT"), last[0], last[1], facts=Facts({**t.typical, **facts}), given=tuple(given))
    return {r.code for r in broken(Every(amount, interval, 0.0, now, unit="mg"), t, where)}


def test_a_course_beside_a_diuretic_begins_with_half():
    assert "beside_a_diuretic" not in codes("benazepril_pressure", 10.0, 24.0)
    assert "beside_a_diuretic" in codes("benazepril_pressure", 10.0, 24.0, DIURETIC=1.0)
    assert codes("benazepril_pressure", 5.0, 24.0, DIURETIC=1.0) == set()


@pytest.mark.parametrize(
    ("fact", "code"), [({"ANGIOEDEMA": 1.0}, "angioedema"), ({"WT": 60.0, "AGE": 80.0, "SCR": 2.4, "SEX": "female"}, "kidney")]
)
def test_what_forbids_benazepril(fact, code):
    bars = formulary.therapy("benazepril_pressure").bars
    assert [b.code for b in bars if b.forbidden(Facts(fact)) is not None] == [code]


def test_carbamazepine_at_6_to_12_years_begins_with_200_mg():
    assert "first_dose_school" in codes("carbamazepine_child", 75.0, 6.0, WT=40.0, AGE=8.0)
    assert "first_dose_school" not in codes("carbamazepine_child", 75.0, 6.0, WT=40.0, AGE=13.0)


def test_digoxin_rises_no_sooner_than_after_two_weeks():
    given = [(24.0 * k, 0.125 if k < 10 else 0.25) for k in range(20)]  # raised ten days ago
    assert "rise_in_two_weeks" in codes("digoxin_adult", 0.375, 24.0, given, 480.0)
    assert "rise_in_two_weeks" not in codes("digoxin_adult", 0.25, 24.0, given, 480.0)


def test_valproate_of_a_small_child_can_be_measured():
    t = formulary.therapy("valproate_child")
    assert codes("valproate_child", 100.0, 12.0, WT=15.0, AGE=4.0) == set()
    assert [b.code for b in t.bars if b.forbidden(Facts({"AGE": 1.0})) is not None] == ["under_two"]


def test_neutrophils_counted_under_a_growth_factor_are_left_out_and_said():
    facts = Timeline(
        Patient(id="a"), doses=(DoseEvent(0.0, 130.0, drug="cisplatin"), DoseEvent(300.0, 0.3, drug="filgrastim")),
        observations=tuple(Observation(t, "NEUT", 4.0) for t in (-10.0, 250.0, 400.0, 430.0)),
    )  # fmt: skip
    known, said = formulary.hidden(facts, "cisplatin")
    assert [o.time for o in known.observations] == [-10.0, 250.0, 430.0]
    assert [f.code for f in said] == ["left_out_beside"]
    assert formulary.hidden(facts, "vancomycin") == (facts, ())
