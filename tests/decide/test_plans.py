"""When the coming dose is given, and which regimens are considered."""

from datetime import UTC, datetime

import pytest

from decide.babies import baby
from dosetwin.decide.facts import facts_at
from dosetwin.decide.plans import ask_rules, enumerate_plans, scored_doses, situation
from dosetwin.declare import Says
from dosetwin.declare.menu import Situation, first_at
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE as POLICY
from dosetwin.records import DoseEvent, Every


def test_first_at_is_one_interval_after_the_last_dose():
    assert first_at(Situation(30.0, 1.0, last_dose=10.0), 36.0, 0.5) == 46.0


def test_a_dose_already_due_is_given_at_the_next_half_hour_of_the_clock():
    origin = datetime(2026, 3, 2, 8, 10, tzinfo=UTC)  # now = 8:10 + 30 h = 14:10 next day -> 14:30
    assert first_at(Situation(30.0, 1.0, 0.0, origin=origin), 24.0, 0.5) == pytest.approx(30.0 + 20 / 60)
    assert first_at(Situation(30.0 + 20 / 60, 1.0, 0.0, origin=origin), 24.0, 0.5) == pytest.approx(30.0 + 20 / 60)


def test_without_a_calendar_half_hours_count_from_the_last_dose():
    assert first_at(Situation(30.1, 1.0, 0.2), 24.0, 0.5) == pytest.approx(30.2)
    assert first_at(Situation(30.1, 1.0), 24.0, 0.5) == pytest.approx(30.1)


def test_planned_and_repeated_doses_count_by_when_they_are_given():
    timeline = baby(doses=((0.0, 15.0),)).append(DoseEvent(24.0, 12.0, ii=24.0, addl=3))
    assert situation(timeline, 50.0, 1.1).last_dose == 48.0
    assert situation(timeline, 50.0, 1.1).previous_amount == 12.0
    assert situation(baby(), 50.0, 1.1).last_dose is None


def plans_of(timeline, now=24.0, **more):
    facts = facts_at(timeline, now)
    says, silent = ask_rules(POLICY.rules, facts)
    return enumerate_plans(POLICY, situation(timeline, now, facts.WT), says, **more), says, silent


def test_at_least_250_regimens_and_every_rule_once():
    for weight in (0.45, 1.1, 2.0, 3.5):
        plans, says, silent = plans_of(baby(BW=weight, doses=((0.0, 15 * weight),)))
        assert len(plans) >= 250
        assert sorted(n for p in plans for n in p.rules) == sorted(says)
        assert len({(p.order.amount, p.order.interval, p.order.duration) for p in plans}) == len(plans)
        assert {r.value for r in silent} | set(says) == {r.name for r in POLICY.rules}
        # the grid stays inside the dose limits; only a previous dose or a rule's own interval can break one
        assert {r.code for p in plans if not p.rules for r in p.violations} <= {"change_per_step", "daily_dose"}


def test_a_rule_outside_the_limits_is_kept_and_marked():
    plans, _, _ = plans_of(baby(BW=0.7, flags=("IBU",)))
    decock = next(p for p in plans if "decock_smits" in p.rules)
    assert decock.order.interval == 58.0
    assert [r.code for r in decock.violations] == ["interval_range"]


@pytest.mark.parametrize(("mg_per_kg", "interval"), [(17.0, 20.0), (20.0, 42.0)])
def test_the_syringe_never_carries_a_rule_over_a_limit_it_keeps(mg_per_kg, interval):
    """17 mg/kg every 20 h is the daily limit itself, 20 mg/kg the highest dose: rounded up, both would break it."""
    said = {"decock_smits": Says(mg_per_kg, interval, "the densest row of the table")}
    rounded_down = 0
    for grams in range(500, 4500, 37):
        weight = grams / 1000
        plans = enumerate_plans(POLICY, Situation(24.0, weight), said)
        plan = next(p for p in plans if "decock_smits" in p.rules)
        assert plan.violations == ()
        assert plan.order.amount == pytest.approx(mg_per_kg * weight, abs=1.0)
        rounded_down += plan.order.amount < POLICY.menu.rounding.nearest(mg_per_kg * weight)
    assert rounded_down > 10


def test_extra_and_thinned_plans():
    full, _, _ = plans_of(baby())
    thin, says, _ = plans_of(baby(), thin=4, extra=[Every(15.25, 36.0, 0.5, 99.0)])
    assert len(thin) < len(full) / 3
    assert any((p.order.amount, p.order.interval) == (15.25, 36.0) for p in thin)
    assert sorted(n for p in thin for n in p.rules) == sorted(says)


@pytest.mark.parametrize(("interval", "last"), [(12, 7), (24, 3), (36, 2), (48, 2)])
def test_scored_doses(interval, last):
    assert scored_doses(interval, 96.0) == {"next": 0, "second": 1, "last": last}
