"""Drugs that are titrated: what was given decides how far the next dose may go, and when a larger first dose is thought of."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin import formulary
from dosetwin.decide.limits import broken
from dosetwin.decide.plans import Plan
from dosetwin.decide.search import choose, score
from dosetwin.declare import Facts
from dosetwin.declare.menu import Situation, menu_from_json
from dosetwin.records import Every

from .test_search import constant, exposures

VALPROATE = formulary.therapy("valproate_epilepsy")


def given(*doses):
    last, amount = max(doses)
    return Situation(last + 11.5, 70.0, last, amount, given=tuple(doses))


def twice_a_day(amount, since, until):
    return [(t, amount) for t in np.arange(since, until, 12.0).tolist()]


@pytest.mark.parametrize(
    ("doses", "at", "daily"),
    [
        ([], 0.0, None),
        ([(0.0, 500.0)], 12.0, 1000.0),
        (twice_a_day(500.0, 0.0, 240.0), 240.0, 1000.0),
        (twice_a_day(500.0, 0.0, 240.0), -48.0, 1000.0),
        ([(0.0, 200.0), (8.0, 400.0), (24.0, 200.0), (32.0, 400.0)], 40.0, 600.0),
        ([(0.0, 40.0), (336.0, 40.0), (504.0, 40.0)], 504.0, 40.0 / 7.0),
        (twice_a_day(500.0, 0.0, 168.0) + twice_a_day(750.0, 168.0, 240.0), 150.0, 1000.0),
    ],
)
def test_the_dose_of_a_day_follows_from_what_was_given(doses, at, daily):
    assert Situation(500.0, given=tuple(doses)).daily(at, 12.0) == (daily if daily is None else pytest.approx(daily))


@pytest.mark.parametrize(
    ("doses", "amount", "codes"),
    [
        ([], 500.0, set()),
        ([], 625.0, {"first_dose"}),
        (twice_a_day(500.0, 0.0, 336.0), 750.0, set()),
        (twice_a_day(500.0, 0.0, 336.0), 1250.0, {"rise_in_a_week"}),
        # raised three days ago: the next rise counts from where the week began
        (twice_a_day(500.0, 0.0, 336.0) + twice_a_day(750.0, 336.0, 408.0), 1000.0, {"rise_in_a_week"}),
        (twice_a_day(1250.0, 0.0, 336.0), 500.0, set()),
    ],
)
def test_valproate_goes_up_by_the_week(doses, amount, codes):
    where = given(*doses) if doses else Situation(0.0, 70.0)
    assert {r.code for r in broken(Every(amount, 12.0, 0.0, where.now), VALPROATE, where)} == codes


def test_after_weeks_without_a_dose_a_course_begins_anew():
    where = replace(given(*twice_a_day(1000.0, 0.0, 336.0)), now=336.0 + 15 * 24.0)
    assert {r.code for r in broken(Every(1000.0, 12.0, 0.0, where.now), VALPROATE, where)} == {"first_dose"}


def test_a_loading_dose_is_for_those_who_had_none_lately():
    menu = formulary.therapy("vancomycin_adult").menu
    treated = given(*twice_a_day(1000.0, 0.0, 48.0))
    assert menu.loads(Situation(0.0, 70.0))
    assert not menu.loads(treated)
    assert menu.loads(replace(treated, now=treated.now + 7 * 24.0))
    assert not VALPROATE.menu.loads(Situation(0.0, 70.0))
    # a stored menu that could not say it tried one always
    before = {k: v for k, v in menu.to_json().items() if k != "loading"}
    assert menu_from_json(before).loads(treated)


def test_where_only_the_next_step_is_too_far_the_best_step_is_chosen_and_says_so():
    goals = formulary.therapy("amikacin_neonate").goals
    step = next(x for x in VALPROATE.limits if x.of == "daily_rise_per_kg")
    e = exposures(*constant([5.0, 30.0, 60.0], [1.0, 1.0, 9.0], [200.0, 200.0, 900.0]))
    too_far = (step.broken_by(step.high + 1.0),)
    plans = [Plan(Every(5.0, 24.0, 0.5), 5.0), Plan(Every(15.0, 24.0, 0.5), 15.0, violations=too_far),
             Plan(Every(30.0, 24.0, 0.5), 30.0)]  # fmt: skip
    refused = choose(plans, score(e, goals), goals, 0.02)
    assert refused.chosen is None
    stepped = choose(plans, score(e, goals), goals, 0.02, limits=(step,))
    assert stepped.chosen == 0  # what harms stays out, however much nothing else is acceptable
    assert "titration_step" in {r.code for r in stepped.reasons}


@pytest.mark.parametrize(("interval", "held"), [(168.0, True), (504.0, False)])
def test_a_course_of_cisplatin_keeps_its_schedule(interval, held):
    where = Situation(1500.0, 70.0, 1008.0, 130.0, given=((0.0, 130.0), (504.0, 130.0), (1008.0, 130.0)), facts=Facts(BSA=1.8))
    found = broken(Every(70.0 if held else 130.0, interval, 2.0, 1512.0), formulary.therapy("cisplatin_solid_tumour"), where)
    assert ("schedule" in {r.code for r in found}) is held
